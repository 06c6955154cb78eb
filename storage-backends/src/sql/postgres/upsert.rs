//! The rows of admitted writes. Rows of new records may be copied; those of others say what becomes of the row that is there.

use std::collections::HashSet;

use lorebase::knowledge::Fields;
use lorebase::store::{Batch, KeptRevision, LogWrite, RepositoryId, Slot};
use sqlx::postgres::PgConnection;

use super::super::batch::{self, Written};
use super::super::failure::Failure;
use super::super::tables;
use super::super::words::{json, number};
use super::bulk::{insert, insert_new};
use super::texts::{holds_nul, nul};

/// Writes everything about these records. Keys and places that change are free by now.
pub(super) async fn records(connection: &mut PgConnection, id: RepositoryId, written: &[Written<'_>]) -> Result<(), Failure> {
    identities(connection, id, written).await?;
    let (new, old): (Vec<_>, Vec<_>) = batch::lives(written).into_iter().partition(|(written, _)| is_new(written));
    insert_new(&tables::ENTITY, connection, new, |sink, (written, live)| tables::entity(sink, id, written, live)).await?;
    insert(&tables::ENTITY, connection, old, |sink, (written, live)| tables::entity(sink, id, written, live)).await?;
    let (new, old): (Vec<_>, Vec<_>) = batch::changes(written).into_iter().partition(|(written, _)| is_new(written));
    insert_new(&tables::CHANGE, connection, new, |sink, (written, ours)| tables::change(sink, id, written, ours)).await?;
    insert(&tables::CHANGE, connection, old, |sink, (written, ours)| tables::change(sink, id, written, ours)).await?;
    conflicts(connection, written).await?;
    let numbers: HashSet<i64> = written.iter().filter(|written| is_new(written)).map(|written| written.uid).collect();
    let (new, old) = kept(written, &numbers);
    insert_new(&tables::REVISION, connection, new, |sink, (uid, kept)| tables::revision(sink, uid, kept)).await?;
    insert(&tables::REVISION, connection, old, |sink, (uid, kept)| tables::revision(sink, uid, kept)).await?;
    insert(&tables::SOURCE, connection, batch::said(written), |sink, (uid, said)| tables::source(sink, id, uid, said)).await
}

type Kept<'a> = Vec<(i64, &'a KeptRevision)>;

/// What is kept of new records, and of others. A copy takes each once.
fn kept<'a>(written: &[Written<'a>], new: &HashSet<i64>) -> (Kept<'a>, Kept<'a>) {
    let mut seen = HashSet::new();
    let once = batch::kept(written).into_iter().filter(|(uid, kept)| seen.insert((*uid, kept.revision)));
    once.partition(|(uid, _)| new.contains(uid))
}

fn is_new(written: &Written<'_>) -> bool {
    written.stamp == 1
}

async fn identities(connection: &mut PgConnection, id: RepositoryId, written: &[Written<'_>]) -> Result<(), Failure> {
    let (new, old): (Vec<&Written<'_>>, Vec<&Written<'_>>) = written.iter().partition(|written| is_new(written));
    insert_new(&tables::KNOWLEDGE, connection, new, |sink, written| tables::identity(sink, id, written)).await?;
    update(connection, &old).await?;
    let (rekeyed, _): (Vec<_>, Vec<_>) = old.into_iter().partition(|written| written.rekeyed);
    if !rekeyed.is_empty() {
        let (kinds, ids): (Vec<&str>, Vec<&str>) =
            rekeyed.iter().map(|written| (written.write.key.kind.as_str(), written.write.key.id.as_str())).unzip();
        let rekeyed: Vec<i64> = rekeyed.iter().map(|written| written.uid).collect();
        sqlx::query(
            "UPDATE lorebase.knowledge k SET kind = given.kind, id = given.id \
             FROM unnest($1::bigint[], $2::text[], $3::text[]) AS given (uid, kind, id) WHERE k.uid = given.uid",
        )
        .bind(&rekeyed)
        .bind(kinds)
        .bind(ids)
        .execute(&mut *connection)
        .await?;
        for statement in [
            "UPDATE lorebase.entity e SET kind = k.kind, id = k.id FROM lorebase.knowledge k WHERE k.uid = e.uid AND e.uid = ANY ($1)",
            "UPDATE lorebase.change c SET kind = k.kind, id = k.id FROM lorebase.knowledge k WHERE k.uid = c.uid AND c.uid = ANY ($1)",
        ] {
            sqlx::query(statement).bind(&rekeyed).execute(&mut *connection).await?;
        }
    }
    Ok(())
}

/// Not by an insertion that meets its row: naming the key's columns would lock it against an application's foreign keys.
async fn update(connection: &mut PgConnection, old: &[&Written<'_>]) -> Result<(), Failure> {
    if old.is_empty() {
        return Ok(());
    }
    let (mut uids, mut revisions, mut stamps, mut privates) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for written in old {
        uids.push(written.uid);
        revisions.push(number(written.write.revision)?);
        stamps.push(number(written.stamp)?);
        let private = match &written.write.private {
            Slot::Keep => None,
            Slot::Set(private) => Some(json(private)?),
            Slot::Clear => Some(json(&Fields::new())?),
        };
        if private.as_deref().is_some_and(holds_nul) {
            return Err(nul("knowledge", "private"));
        }
        privates.push(private);
    }
    sqlx::query(
        "UPDATE lorebase.knowledge k SET revision = greatest(k.revision, given.revision), stamp = given.stamp, \
         private = CASE given.private WHEN '{}' THEN NULL ELSE coalesce(given.private::json, k.private) END \
         FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[]) AS given (uid, revision, stamp, private) WHERE k.uid = given.uid",
    )
    .bind(uids)
    .bind(revisions)
    .bind(stamps)
    .bind(privates)
    .execute(&mut *connection)
    .await?;
    Ok(())
}

async fn conflicts(connection: &mut PgConnection, written: &[Written<'_>]) -> Result<(), Failure> {
    let doubtful = batch::doubtful_notes(written);
    if !doubtful.is_empty() {
        sqlx::query(
            "DELETE FROM lorebase.conflict x WHERE uid = ANY ($1) AND (uid = ANY ($2) \
             OR NOT EXISTS (SELECT 1 FROM lorebase.change c WHERE c.uid = x.uid AND c.state = 'conflict'))",
        )
        .bind(&doubtful)
        .bind(batch::cleared_notes(written))
        .execute(&mut *connection)
        .await?;
    }
    let notes = batch::notes(written);
    if notes.is_empty() {
        return Ok(());
    }
    let asked: Vec<i64> = notes.iter().map(|(uid, _)| *uid).collect();
    let held: Vec<i64> = sqlx::query_scalar("SELECT uid FROM lorebase.change WHERE state = 'conflict' AND uid = ANY ($1) ORDER BY uid")
        .bind(asked)
        .fetch_all(&mut *connection)
        .await?;
    let notes: Vec<_> = notes.into_iter().filter(|(uid, _)| held.binary_search(uid).is_ok()).collect();
    insert(&tables::CONFLICT, connection, notes, |sink, (uid, note)| tables::conflict(sink, uid, note)).await
}

/// The log rows of a batch. A statement takes each id once; a row of an id that was there before goes with the next one.
pub(super) async fn log(connection: &mut PgConnection, id: RepositoryId, rows: Vec<(Option<i64>, &LogWrite)>) -> Result<(), Failure> {
    let mut rest = rows;
    while !rest.is_empty() {
        let mut seen = HashSet::new();
        let (now, later): (Vec<_>, Vec<_>) = rest.into_iter().partition(|(_, log)| seen.insert(log.id));
        insert(&tables::LOG, connection, now, |sink, (uid, log)| tables::log(sink, id, uid, log)).await?;
        rest = later;
    }
    Ok(())
}

/// For each path of a batch its new list of findings.
pub(super) async fn diagnostics(connection: &mut PgConnection, batch: &Batch) -> Result<(), Failure> {
    if batch.diagnostics.is_empty() {
        return Ok(());
    }
    let paths: Vec<&str> = batch.diagnostics.iter().map(|(path, _, _)| path.as_str()).collect();
    sqlx::query(
        "DELETE FROM lorebase.diagnostic WHERE repository = $1 AND left(path, 200) IN (SELECT left(p, 200) FROM unnest($2::text[]) p) \
         AND path = ANY ($2)",
    )
    .bind(batch.repository)
    .bind(paths)
    .execute(&mut *connection)
    .await?;
    insert(&tables::DIAGNOSTIC, connection, batch::findings(batch), |sink, finding| tables::diagnostic(sink, batch.repository, &finding))
        .await
}
