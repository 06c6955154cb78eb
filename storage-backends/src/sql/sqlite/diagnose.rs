//! Findings: for each path the newest list.

use lorebase::knowledge::{Diagnostic, Severity};
use lorebase::store::{Batch, BlobId, RepositoryId};
use sqlx::sqlite::SqliteConnection;

use super::super::bulk::Insert;
use super::super::failure::Failure;
use super::super::rows::Columns;
use super::super::words::{json, number, word};

const DIAGNOSTIC: Insert = Insert {
    into: "INSERT INTO diagnostic (repository, path, ordinal, blob, place, line, col, severity, code, message, source_line) VALUES ",
    columns: 11,
    tail: "",
};

pub(super) async fn write(connection: &mut SqliteConnection, batch: &Batch) -> Result<(), Failure> {
    if batch.diagnostics.is_empty() {
        return Ok(());
    }
    let paths: Vec<&str> = batch.diagnostics.iter().map(|(path, _, _)| path.as_str()).collect();
    sqlx::query("DELETE FROM diagnostic WHERE repository = ? AND path IN (SELECT value FROM json_each(?))")
        .bind(batch.repository)
        .bind(json(&paths)?)
        .execute(&mut *connection)
        .await?;
    let rows: Vec<(&str, u64, Option<&BlobId>, &Diagnostic)> = batch
        .diagnostics
        .iter()
        .flat_map(|(path, blob, found)| (0..).zip(found).map(move |(ordinal, finding)| (path.as_str(), ordinal, blob.as_ref(), finding)))
        .collect();
    DIAGNOSTIC
        .all(connection, &rows, |query, (path, ordinal, blob, finding)| {
            Ok(query
                .bind(batch.repository)
                .bind((*path).to_owned())
                .bind(number(*ordinal)?)
                .bind(blob.map(|blob| blob.as_str().to_owned()))
                .bind(finding.path.clone())
                .bind(i64::from(finding.line))
                .bind(i64::from(finding.column))
                .bind(word(finding.severity)?)
                .bind(finding.code.clone())
                .bind(finding.message.clone())
                .bind(finding.source_line.clone()))
        })
        .await
}

pub(super) async fn read(connection: &mut SqliteConnection, id: RepositoryId) -> Result<Vec<(Diagnostic, Option<BlobId>)>, Failure> {
    let rows =
        sqlx::query("SELECT * FROM diagnostic WHERE repository = ? ORDER BY path, ordinal").bind(id).fetch_all(&mut *connection).await?;
    rows.iter()
        .map(|row| {
            let place = |column: &str| u32::try_from(row.integer(column)?).map_err(|_| Failure::stored(column, "a negative number"));
            let finding = Diagnostic {
                path: row.text("place")?,
                line: place("line")?,
                column: place("col")?,
                severity: row.word::<Severity>("severity")?,
                code: row.text("code")?,
                message: row.text("message")?,
                source_line: row.maybe_text("source_line")?,
            };
            Ok((finding, row.maybe_text("blob")?.map(BlobId::new)))
        })
        .collect()
}
