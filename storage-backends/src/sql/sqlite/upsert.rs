//! The rows of admitted writes, many in one statement.

use lorebase::store::{Batch, LogWrite, RepositoryId};
use sqlx::sqlite::SqliteConnection;

use super::super::batch::{self, Written};
use super::super::failure::Failure;
use super::super::tables;
use super::super::words::json;
use super::bulk::insert;

/// Writes everything about these records. Keys and places that change are free by now.
pub(super) async fn records(connection: &mut SqliteConnection, id: RepositoryId, written: &[Written<'_>]) -> Result<(), Failure> {
    identities(connection, id, written).await?;
    let lives = batch::lives(written);
    insert(&tables::ENTITY, connection, &lives, |row, (written, live)| tables::entity(row, id, written, live)).await?;
    let changes = batch::changes(written);
    insert(&tables::CHANGE, connection, &changes, |row, (written, ours)| tables::change(row, id, written, ours)).await?;
    conflicts(connection, written).await?;
    insert(&tables::REVISION, connection, batch::kept(written), |row, (uid, kept)| tables::revision(row, uid, kept)).await?;
    insert(&tables::SOURCE, connection, batch::said(written), |row, (uid, said)| tables::source(row, id, uid, said)).await
}

/// The log rows of a batch.
pub(super) async fn log(connection: &mut SqliteConnection, id: RepositoryId, rows: Vec<(Option<i64>, &LogWrite)>) -> Result<(), Failure> {
    insert(&tables::LOG, connection, rows, |row, (uid, log)| tables::log(row, id, uid, log)).await
}

/// For each path of a batch its new list of findings.
pub(super) async fn diagnostics(connection: &mut SqliteConnection, batch: &Batch) -> Result<(), Failure> {
    if batch.diagnostics.is_empty() {
        return Ok(());
    }
    let paths: Vec<&str> = batch.diagnostics.iter().map(|(path, _, _)| path.as_str()).collect();
    sqlx::query("DELETE FROM diagnostic WHERE repository = ? AND path IN (SELECT value FROM json_each(?))")
        .bind(batch.repository)
        .bind(json(&paths)?)
        .execute(&mut *connection)
        .await?;
    let findings = batch::findings(batch);
    insert(&tables::DIAGNOSTIC, connection, &findings, |row, finding| tables::diagnostic(row, batch.repository, finding)).await
}

async fn identities(connection: &mut SqliteConnection, id: RepositoryId, written: &[Written<'_>]) -> Result<(), Failure> {
    insert(&tables::KNOWLEDGE, connection, written, |row, written| tables::identity(row, id, written)).await?;
    let rekeyed = batch::rekeyed(written);
    if !rekeyed.is_empty() {
        let rekeyed = json(&rekeyed)?;
        for statement in [
            "UPDATE entity SET kind = k.kind, id = k.id FROM knowledge k WHERE k.uid = entity.uid \
             AND entity.uid IN (SELECT value FROM json_each(?))",
            "UPDATE change SET kind = k.kind, id = k.id FROM knowledge k WHERE k.uid = change.uid \
             AND change.uid IN (SELECT value FROM json_each(?))",
        ] {
            sqlx::query(statement).bind(&rekeyed).execute(&mut *connection).await?;
        }
    }
    Ok(())
}

async fn conflicts(connection: &mut SqliteConnection, written: &[Written<'_>]) -> Result<(), Failure> {
    let doubtful = batch::doubtful_notes(written);
    if !doubtful.is_empty() {
        sqlx::query(
            "DELETE FROM conflict WHERE uid IN (SELECT value FROM json_each(?1)) AND (uid IN (SELECT value FROM json_each(?2)) \
             OR NOT EXISTS (SELECT 1 FROM change c WHERE c.uid = conflict.uid AND c.state = 'conflict'))",
        )
        .bind(json(&doubtful)?)
        .bind(json(&batch::cleared_notes(written))?)
        .execute(&mut *connection)
        .await?;
    }
    let notes = batch::notes(written);
    if notes.is_empty() {
        return Ok(());
    }
    let asked: Vec<i64> = notes.iter().map(|(uid, _)| *uid).collect();
    let held: Vec<i64> =
        sqlx::query_scalar("SELECT uid FROM change WHERE state = 'conflict' AND uid IN (SELECT value FROM json_each(?)) ORDER BY uid")
            .bind(json(&asked)?)
            .fetch_all(&mut *connection)
            .await?;
    let notes: Vec<_> = notes.into_iter().filter(|(uid, _)| held.binary_search(uid).is_ok()).collect();
    insert(&tables::CONFLICT, connection, notes, |row, (uid, note)| tables::conflict(row, uid, note)).await
}
