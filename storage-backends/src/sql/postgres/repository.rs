//! The repository's own row, its prepared chains, its numbers, and forgetting what is old.

use std::time::Duration;

use jiff::Timestamp;
use lorebase::store::{
    Batch, CommitId, Counts, LeaseOutcome, Outlook, Owner, Prepared, RepositoryId, RepositoryKey, RepositoryPatch, RepositoryRow,
};
use lorebase::{Error, ErrorKind};
use sqlx::postgres::PgConnection;

use super::super::batch::slot;
use super::super::failure::Failure;
use super::super::rows::{self, Columns, chain, repository_row};
use super::super::words::{json, number, to_number};
use super::clock::LeaseClock;
use super::moment::Moment;
use super::read::findings;
use super::texts::asked;

/// How often a lease is asked for that its holder gives back at the same moment.
const ASKED: usize = 100;

pub(super) async fn find(connection: &mut PgConnection, key: &RepositoryKey) -> Result<Option<RepositoryRow>, Failure> {
    let found = sqlx::query("SELECT * FROM lorebase.repository WHERE namespace = $1 AND branch = $2")
        .bind(asked(&key.namespace))
        .bind(asked(&key.branch))
        .fetch_optional(&mut *connection)
        .await?;
    found.as_ref().map(repository_row).transpose()
}

pub(super) async fn attach(connection: &mut PgConnection, key: &RepositoryKey, now: Timestamp) -> Result<RepositoryRow, Failure> {
    sqlx::query(
        "INSERT INTO lorebase.repository (namespace, branch, created_at) VALUES ($1, $2, $3) ON CONFLICT (namespace, branch) DO NOTHING",
    )
    .bind(&key.namespace)
    .bind(&key.branch)
    .bind(Moment(now))
    .execute(&mut *connection)
    .await?;
    let found = find(connection, key).await?;
    found.ok_or_else(|| Error::new(ErrorKind::NotFound, "a repository vanished while it was attached; attach it again").into())
}

pub(super) async fn read(connection: &mut PgConnection, id: RepositoryId) -> Result<RepositoryRow, Failure> {
    let found = sqlx::query("SELECT * FROM lorebase.repository WHERE id = $1").bind(id).fetch_optional(&mut *connection).await?;
    repository_row(&found.ok_or_else(|| unknown(id))?)
}

pub(super) fn unknown(id: RepositoryId) -> Error {
    Error::new(ErrorKind::NotFound, format!("the cache has no repository number {id}; attach it first"))
}

/// The outlook without findings and prepared chains, and whether there are any: one statement, and most of the time there
/// is nothing more to tell.
pub(super) async fn look(connection: &mut PgConnection, id: RepositoryId, due: Option<Timestamp>) -> Result<(Outlook, bool), Failure> {
    let found = sqlx::query(
        "SELECT r.*, EXISTS (SELECT 1 FROM lorebase.diagnostic WHERE repository = $1) \
         OR EXISTS (SELECT 1 FROM lorebase.batch WHERE repository = $1) AS more, \
         EXISTS (SELECT 1 FROM lorebase.change WHERE repository = $1 AND state = 'pending' AND NOT dead \
         AND ($2::timestamptz IS NULL OR due_at <= $2)) AS waiting FROM lorebase.repository r WHERE r.id = $1",
    )
    .bind(id)
    .bind(due.map(Moment))
    .fetch_optional(&mut *connection)
    .await?
    .ok_or_else(|| unknown(id))?;
    let outlook = Outlook { row: repository_row(&found)?, findings: Vec::new(), prepared: Vec::new(), waiting: found.flag("waiting")? };
    Ok((outlook, found.flag("more")?))
}

/// All of the outlook; the connection reads one moment.
pub(super) async fn outlook(connection: &mut PgConnection, id: RepositoryId, due: Option<Timestamp>) -> Result<Outlook, Failure> {
    let (mut outlook, _) = look(connection, id, due).await?;
    outlook.findings = findings(connection, id).await?;
    outlook.prepared = prepared(connection, id).await?;
    Ok(outlook)
}

/// The new fence, or who holds the lease. The update waits for a batch under way and looks again after it.
pub(super) async fn lease(
    connection: &mut PgConnection,
    id: RepositoryId,
    owner: &Owner,
    (now, ttl, clock): (Timestamp, Duration, LeaseClock),
    replacing: Option<u64>,
) -> Result<LeaseOutcome, Failure> {
    let (until, microseconds) = clock.until(now, ttl);
    for _ in 0..ASKED {
        let taken: Option<i64> = sqlx::query_scalar(
            "UPDATE lorebase.repository SET fence = fence + 1, lease_owner = $2::text::json, \
             lease_until = coalesce($3, clock_timestamp() + $4 * interval '1 microsecond') \
             WHERE id = $1 AND (lease_owner IS NULL OR lease_until <= coalesce($5, clock_timestamp()) OR lease_owner::text = $2 OR fence = $6) \
             RETURNING fence",
        )
        .bind(id)
        .bind(json(owner)?)
        .bind(until)
        .bind(microseconds)
        .bind(clock.moment(now))
        .bind(replacing.map(number).transpose()?)
        .fetch_optional(&mut *connection)
        .await?;
        if let Some(fence) = taken {
            return Ok(LeaseOutcome::Acquired(to_number("fence", fence)?));
        }
        let row = read(connection, id).await?;
        if let Some(lease) = row.lease {
            return Ok(LeaseOutcome::Held { lease, fence: row.fence });
        }
    }
    Err(Error::new(ErrorKind::Busy, "the lease was always taken and given back by others; try again").into())
}

pub(super) async fn release(connection: &mut PgConnection, id: RepositoryId, fence: u64) -> Result<(), Failure> {
    sqlx::query("UPDATE lorebase.repository SET lease_owner = NULL, lease_until = NULL WHERE id = $1 AND fence = $2")
        .bind(id)
        .bind(number(fence)?)
        .execute(&mut *connection)
        .await?;
    Ok(())
}

/// What a batch changes beside its records, its findings and its log.
pub(super) async fn patch(connection: &mut PgConnection, batch: &Batch, clock: LeaseClock) -> Result<(), Failure> {
    let until = batch.lease_until.unwrap_or(batch.now);
    let (until, microseconds) = clock.until(batch.now, Duration::try_from(until.duration_since(batch.now)).unwrap_or_default());
    if let (Some(_), Some(owner)) = (batch.fence, &batch.take) {
        sqlx::query(
            "UPDATE lorebase.repository SET fence = fence + 1, lease_owner = $2::text::json, \
             lease_until = coalesce($3, clock_timestamp() + $4 * interval '1 microsecond') WHERE id = $1",
        )
        .bind(batch.repository)
        .bind(json(owner)?)
        .bind(until)
        .bind(microseconds)
        .execute(&mut *connection)
        .await?;
    } else if batch.fence.is_some() && batch.release {
        sqlx::query("UPDATE lorebase.repository SET lease_owner = NULL, lease_until = NULL WHERE id = $1")
            .bind(batch.repository)
            .execute(&mut *connection)
            .await?;
    } else if batch.fence.is_some() && batch.lease_until.is_some() {
        sqlx::query(
            "UPDATE lorebase.repository SET lease_until = coalesce($2, clock_timestamp() + $3 * interval '1 microsecond') \
             WHERE id = $1 AND lease_owner IS NOT NULL",
        )
        .bind(batch.repository)
        .bind(until)
        .bind(microseconds)
        .execute(&mut *connection)
        .await?;
    }
    if batch.repository_patch != RepositoryPatch::default() {
        patch_row(connection, batch.repository, &batch.repository_patch).await?;
    }
    for chain in &batch.prepared {
        sqlx::query(
            "INSERT INTO lorebase.batch (id, repository, fence, parent, tip, items, created_at) VALUES ($1, $2, $3, $4, $5, $6::text::json, $7)",
        )
        .bind(chain.id.to_string())
        .bind(batch.repository)
        .bind(number(chain.fence)?)
        .bind(chain.parent.as_ref().map(CommitId::as_str))
        .bind(chain.tip.as_str())
        .bind(json(&chain.items)?)
        .bind(Moment(chain.created_at))
        .execute(&mut *connection)
        .await?;
    }
    if !batch.settled.is_empty() {
        let settled: Vec<String> = batch.settled.iter().map(ToString::to_string).collect();
        sqlx::query("DELETE FROM lorebase.batch WHERE repository = $1 AND id = ANY ($2)")
            .bind(batch.repository)
            .bind(settled)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

async fn patch_row(connection: &mut PgConnection, id: RepositoryId, patch: &RepositoryPatch) -> Result<(), Failure> {
    let config = slot(&patch.config);
    let schemas = config.value.map(|config| json(&config.schemas)).transpose()?;
    let cursor = slot(&patch.cursor);
    sqlx::query(
        "UPDATE lorebase.repository SET root = CASE WHEN $2 THEN $3 ELSE root END, \
         cursor_commit = CASE WHEN $4 THEN $5 ELSE cursor_commit END, \
         cursor_fingerprint = CASE WHEN $4 THEN $6 ELSE cursor_fingerprint END, \
         config_yaml = CASE WHEN $7 THEN $8 ELSE config_yaml END, \
         config_schemas = CASE WHEN $7 THEN $9::text::json ELSE config_schemas END, \
         pause = CASE WHEN $10 THEN $11::text::json ELSE pause END, held = CASE WHEN $12 THEN $13::text::json ELSE held END, \
         unique_fields = CASE WHEN $14 THEN $15::text::json ELSE unique_fields END WHERE id = $1",
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

pub(super) async fn prepared(connection: &mut PgConnection, id: RepositoryId) -> Result<Vec<Prepared>, Failure> {
    let found = sqlx::query("SELECT * FROM lorebase.batch WHERE repository = $1 ORDER BY created_at, seq")
        .bind(id)
        .fetch_all(&mut *connection)
        .await?;
    found.iter().map(chain).collect()
}

pub(super) async fn prune(connection: &mut PgConnection, id: RepositoryId, before: Timestamp) -> Result<u64, Failure> {
    // A batch that goes on meanwhile could begin to need what is forgotten.
    sqlx::query("SELECT 1 FROM lorebase.repository WHERE id = $1 FOR NO KEY UPDATE").bind(id).execute(&mut *connection).await?;
    let revisions = sqlx::query(
        "DELETE FROM lorebase.revision r WHERE r.created_at < $2 \
         AND EXISTS (SELECT 1 FROM lorebase.knowledge k WHERE k.uid = r.uid AND k.repository = $1) \
         AND NOT EXISTS (SELECT 1 FROM lorebase.entity e WHERE e.uid = r.uid AND e.revision = r.revision) \
         AND NOT EXISTS (SELECT 1 FROM lorebase.change c WHERE c.uid = r.uid AND c.revision = r.revision)",
    )
    .bind(id)
    .bind(Moment(before))
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "UPDATE lorebase.knowledge k SET private = NULL WHERE repository = $1 AND private IS NOT NULL \
         AND NOT EXISTS (SELECT 1 FROM lorebase.entity e WHERE e.uid = k.uid) \
         AND NOT EXISTS (SELECT 1 FROM lorebase.change c WHERE c.uid = k.uid) \
         AND NOT EXISTS (SELECT 1 FROM lorebase.revision r WHERE r.uid = k.uid)",
    )
    .bind(id)
    .execute(&mut *connection)
    .await?;
    let logs = sqlx::query("DELETE FROM lorebase.log WHERE repository = $1 AND started_at < $2")
        .bind(id)
        .bind(Moment(before))
        .execute(&mut *connection)
        .await?;
    Ok(revisions.rows_affected() + logs.rows_affected())
}

pub(super) async fn counts(connection: &mut PgConnection, id: RepositoryId, failures_since: Timestamp) -> Result<Counts, Failure> {
    let row = sqlx::query(
        "SELECT (SELECT count(*) FROM lorebase.entity e WHERE e.repository = $1 \
         AND NOT EXISTS (SELECT 1 FROM lorebase.change c WHERE c.uid = e.uid)) AS synced, \
         count(*) FILTER (WHERE state = 'conflict') AS conflict, \
         count(*) FILTER (WHERE state <> 'conflict' AND dead) AS failed, \
         count(*) FILTER (WHERE state = 'pending' AND NOT dead) AS pending, \
         count(*) FILTER (WHERE state = 'draft' AND NOT dead) AS draft, \
         min(updated_at) FILTER (WHERE state = 'pending' AND NOT dead) AS oldest, \
         (SELECT count(DISTINCT path) FROM lorebase.diagnostic WHERE repository = $1 AND severity = 'error') AS invalid, \
         (SELECT count(*) FROM lorebase.log WHERE repository = $1 AND status = 'failed' AND started_at >= $2) AS failures \
         FROM lorebase.change WHERE repository = $1",
    )
    .bind(id)
    .bind(Moment(failures_since))
    .fetch_one(&mut *connection)
    .await?;
    rows::counts(&row)
}
