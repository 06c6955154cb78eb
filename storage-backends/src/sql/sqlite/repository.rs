//! The repository's own row, its prepared chains, its numbers, and forgetting what is old.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use lorebase::store::{
    Batch, CommitId, Counts, LeaseOutcome, Outlook, Owner, Prepared, RepositoryId, RepositoryKey, RepositoryPatch, RepositoryRow,
};
use lorebase::{Error, ErrorKind};
use sqlx::sqlite::SqliteConnection;

use super::super::batch::slot;
use super::super::failure::Failure;
use super::super::rows::{Columns, chain, repository_row};
use super::super::words::{json, moment, number, to_number};
use super::diagnose;

pub(super) async fn find(connection: &mut SqliteConnection, key: &RepositoryKey) -> Result<Option<RepositoryRow>, Failure> {
    let id = sqlx::query_scalar("SELECT id FROM repository WHERE namespace = ? AND branch = ?")
        .bind(&key.namespace)
        .bind(&key.branch)
        .fetch_optional(&mut *connection)
        .await?;
    match id {
        Some(id) => read(connection, id).await.map(Some),
        None => Ok(None),
    }
}

pub(super) async fn attach(connection: &mut SqliteConnection, key: &RepositoryKey, now: Timestamp) -> Result<RepositoryRow, Failure> {
    if let Some(found) = find(connection, key).await? {
        return Ok(found);
    }
    let id = sqlx::query_scalar("INSERT INTO repository (namespace, branch, created_at) VALUES (?, ?, ?) RETURNING id")
        .bind(&key.namespace)
        .bind(&key.branch)
        .bind(moment(now))
        .fetch_one(&mut *connection)
        .await?;
    read(connection, id).await
}

pub(super) async fn read(connection: &mut SqliteConnection, id: RepositoryId) -> Result<RepositoryRow, Failure> {
    let found = sqlx::query("SELECT * FROM repository WHERE id = ?").bind(id).fetch_optional(&mut *connection).await?;
    repository_row(&found.ok_or_else(|| unknown(id))?)
}

pub(super) fn unknown(id: RepositoryId) -> Error {
    Error::new(ErrorKind::NotFound, format!("the cache has no repository number {id}; attach it first"))
}

/// One statement where there is nothing to tell beside the row, which is so most of the time; else all of it in one
/// snapshot.
pub(super) async fn outlook(connection: &mut SqliteConnection, id: RepositoryId, due: Option<Timestamp>) -> Result<Outlook, Failure> {
    let (outlook, more) = look(connection, id, due).await?;
    if !more {
        return Ok(outlook);
    }
    let mut transaction = sqlx::Connection::begin(connection).await?;
    let (mut outlook, _) = look(&mut transaction, id, due).await?;
    outlook.findings = diagnose::read(&mut transaction, id).await?;
    outlook.prepared = prepared(&mut transaction, id).await?;
    transaction.commit().await?;
    Ok(outlook)
}

/// The outlook without findings and prepared chains, and whether there are any.
async fn look(connection: &mut SqliteConnection, id: RepositoryId, due: Option<Timestamp>) -> Result<(Outlook, bool), Failure> {
    let found = sqlx::query(
        "SELECT r.*, EXISTS (SELECT 1 FROM diagnostic WHERE repository = ?1) OR EXISTS (SELECT 1 FROM batch WHERE repository = ?1) AS more, \
         EXISTS (SELECT 1 FROM change WHERE repository = ?1 AND state = 'pending' AND dead = 0 AND (?2 IS NULL OR due_at <= ?2)) AS waiting \
         FROM repository r WHERE r.id = ?1",
    )
    .bind(id)
    .bind(due.map(moment))
    .fetch_optional(&mut *connection)
    .await?
    .ok_or_else(|| unknown(id))?;
    let outlook = Outlook { row: repository_row(&found)?, findings: Vec::new(), prepared: Vec::new(), waiting: found.flag("waiting")? };
    Ok((outlook, found.flag("more")?))
}

pub(super) async fn lease(
    connection: &mut SqliteConnection,
    id: RepositoryId,
    owner: &Owner,
    now: Timestamp,
    ttl: Duration,
    replacing: Option<u64>,
) -> Result<LeaseOutcome, Failure> {
    let until = now.saturating_add(SignedDuration::try_from(ttl).unwrap_or(SignedDuration::MAX)).unwrap_or(Timestamp::MAX);
    let taken: Option<i64> = sqlx::query_scalar(
        "UPDATE repository SET fence = fence + 1, lease_owner = ?2, lease_until = ?3 \
         WHERE id = ?1 AND (lease_owner IS NULL OR lease_until <= ?4 OR lease_owner = ?2 OR fence = ?5) RETURNING fence",
    )
    .bind(id)
    .bind(json(owner)?)
    .bind(moment(until))
    .bind(moment(now))
    .bind(replacing.map(number).transpose()?)
    .fetch_optional(&mut *connection)
    .await?;
    if let Some(fence) = taken {
        return Ok(LeaseOutcome::Acquired(to_number("fence", fence)?));
    }
    let row = read(connection, id).await?;
    match row.lease {
        Some(lease) => Ok(LeaseOutcome::Held { lease, fence: row.fence }),
        None => Err(Failure::Stored("a lease was refused and nobody holds it".to_owned())),
    }
}

pub(super) async fn release(connection: &mut SqliteConnection, id: RepositoryId, fence: u64) -> Result<(), Failure> {
    sqlx::query("UPDATE repository SET lease_owner = NULL, lease_until = NULL WHERE id = ? AND fence = ?")
        .bind(id)
        .bind(number(fence)?)
        .execute(&mut *connection)
        .await?;
    Ok(())
}

/// What a batch changes beside its records, its findings and its log.
pub(super) async fn patch(connection: &mut SqliteConnection, batch: &Batch) -> Result<(), Failure> {
    if let (Some(_), Some(owner)) = (batch.fence, &batch.take) {
        sqlx::query("UPDATE repository SET fence = fence + 1, lease_owner = ?, lease_until = ? WHERE id = ?")
            .bind(json(owner)?)
            .bind(moment(batch.lease_until.unwrap_or(batch.now)))
            .bind(batch.repository)
            .execute(&mut *connection)
            .await?;
    } else if batch.fence.is_some() && batch.release {
        sqlx::query("UPDATE repository SET lease_owner = NULL, lease_until = NULL WHERE id = ?")
            .bind(batch.repository)
            .execute(&mut *connection)
            .await?;
    } else if let (Some(_), Some(until)) = (batch.fence, batch.lease_until) {
        sqlx::query("UPDATE repository SET lease_until = ? WHERE id = ? AND lease_owner IS NOT NULL")
            .bind(moment(until))
            .bind(batch.repository)
            .execute(&mut *connection)
            .await?;
    }
    if batch.repository_patch != RepositoryPatch::default() {
        patch_row(connection, batch.repository, &batch.repository_patch).await?;
    }
    for chain in &batch.prepared {
        sqlx::query("INSERT INTO batch (id, repository, fence, parent, tip, items, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)")
            .bind(chain.id.to_string())
            .bind(batch.repository)
            .bind(number(chain.fence)?)
            .bind(chain.parent.as_ref().map(CommitId::as_str))
            .bind(chain.tip.as_str())
            .bind(json(&chain.items)?)
            .bind(moment(chain.created_at))
            .execute(&mut *connection)
            .await?;
    }
    for id in &batch.settled {
        sqlx::query("DELETE FROM batch WHERE repository = ? AND id = ?")
            .bind(batch.repository)
            .bind(id.to_string())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

async fn patch_row(connection: &mut SqliteConnection, id: RepositoryId, patch: &RepositoryPatch) -> Result<(), Failure> {
    let config = slot(&patch.config);
    let schemas = config.value.map(|config| json(&config.schemas)).transpose()?;
    let cursor = slot(&patch.cursor);
    sqlx::query(
        "UPDATE repository SET root = iif(?2, ?3, root), cursor_commit = iif(?4, ?5, cursor_commit), \
         cursor_fingerprint = iif(?4, ?6, cursor_fingerprint), config_yaml = iif(?7, ?8, config_yaml), \
         config_schemas = iif(?7, ?9, config_schemas), pause = iif(?10, ?11, pause), held = iif(?12, ?13, held), \
         unique_fields = iif(?14, ?15, unique_fields) WHERE id = ?1",
    )
    .bind(id)
    .bind(slot(&patch.root).written)
    .bind(slot(&patch.root).value.map(CommitId::as_str))
    .bind(cursor.written)
    .bind(cursor.value.map(|cursor| cursor.commit.as_str()))
    .bind(cursor.value.map(|cursor| cursor.fingerprint.as_str()))
    .bind(config.written)
    .bind(config.value.map(|config| config.yaml.as_str()))
    .bind(schemas)
    .bind(slot(&patch.pause).written)
    .bind(slot(&patch.pause).json()?)
    .bind(slot(&patch.held).written)
    .bind(slot(&patch.held).json()?)
    .bind(slot(&patch.unique).written)
    .bind(slot(&patch.unique).json()?)
    .execute(&mut *connection)
    .await?;
    Ok(())
}

pub(super) async fn prepared(connection: &mut SqliteConnection, id: RepositoryId) -> Result<Vec<Prepared>, Failure> {
    let rows =
        sqlx::query("SELECT * FROM batch WHERE repository = ? ORDER BY created_at, rowid").bind(id).fetch_all(&mut *connection).await?;
    rows.iter().map(chain).collect()
}

pub(super) async fn prune(connection: &mut SqliteConnection, id: RepositoryId, before: Timestamp) -> Result<u64, Failure> {
    let before = moment(before);
    let revisions = sqlx::query(
        "DELETE FROM revision WHERE created_at < ?2 \
         AND EXISTS (SELECT 1 FROM knowledge k WHERE k.uid = revision.uid AND k.repository = ?1) \
         AND NOT EXISTS (SELECT 1 FROM entity e WHERE e.uid = revision.uid AND e.revision = revision.revision) \
         AND NOT EXISTS (SELECT 1 FROM change c WHERE c.uid = revision.uid AND c.revision = revision.revision)",
    )
    .bind(id)
    .bind(&before)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "UPDATE knowledge SET private = NULL WHERE repository = ? AND private IS NOT NULL \
         AND NOT EXISTS (SELECT 1 FROM entity e WHERE e.uid = knowledge.uid) \
         AND NOT EXISTS (SELECT 1 FROM change c WHERE c.uid = knowledge.uid) \
         AND NOT EXISTS (SELECT 1 FROM revision r WHERE r.uid = knowledge.uid)",
    )
    .bind(id)
    .execute(&mut *connection)
    .await?;
    let rows =
        sqlx::query("DELETE FROM log WHERE repository = ? AND started_at < ?").bind(id).bind(&before).execute(&mut *connection).await?;
    Ok(revisions.rows_affected() + rows.rows_affected())
}

pub(super) async fn counts(connection: &mut SqliteConnection, id: RepositoryId, failures_since: Timestamp) -> Result<Counts, Failure> {
    let row = sqlx::query(
        "SELECT \
         (SELECT count(*) FROM entity e WHERE e.repository = ?1 AND NOT EXISTS (SELECT 1 FROM change c WHERE c.uid = e.uid)) AS synced, \
         count(*) FILTER (WHERE state = 'conflict') AS conflict, \
         count(*) FILTER (WHERE state <> 'conflict' AND dead = 1) AS failed, \
         count(*) FILTER (WHERE state = 'pending' AND dead = 0) AS pending, \
         count(*) FILTER (WHERE state = 'draft' AND dead = 0) AS draft, \
         min(updated_at) FILTER (WHERE state = 'pending' AND dead = 0) AS oldest, \
         (SELECT count(DISTINCT path) FROM diagnostic WHERE repository = ?1 AND severity = 'error') AS invalid, \
         (SELECT count(*) FROM log WHERE repository = ?1 AND status = 'failed' AND started_at >= ?2) AS failures \
         FROM change WHERE repository = ?1",
    )
    .bind(id)
    .bind(moment(failures_since))
    .fetch_one(&mut *connection)
    .await?;
    super::super::rows::counts(&row)
}
