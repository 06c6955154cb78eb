//! Findings: for each path the newest list.

use lorebase::knowledge::Diagnostic;
use lorebase::store::{BlobId, RepositoryId};
use sqlx::sqlite::SqliteConnection;

use super::super::failure::Failure;
use super::super::rows::finding;

pub(super) async fn read(connection: &mut SqliteConnection, id: RepositoryId) -> Result<Vec<(Diagnostic, Option<BlobId>)>, Failure> {
    let rows =
        sqlx::query("SELECT * FROM diagnostic WHERE repository = ? ORDER BY path, ordinal").bind(id).fetch_all(&mut *connection).await?;
    rows.iter().map(finding).collect()
}
