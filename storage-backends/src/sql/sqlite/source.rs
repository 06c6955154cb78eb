//! What external sources said last.

use lorebase::store::{RepositoryId, SourceState};
use sqlx::sqlite::SqliteConnection;

use super::super::failure::Failure;
use super::super::rows::{Columns, source_state};
use super::read::count;

pub(super) async fn read(
    connection: &mut SqliteConnection,
    id: RepositoryId,
    uid: i64,
    source: &str,
) -> Result<Option<SourceState>, Failure> {
    let row = sqlx::query("SELECT said, open, said_at FROM source WHERE repository = ? AND uid = ? AND name = ?")
        .bind(id)
        .bind(uid)
        .bind(source)
        .fetch_optional(&mut *connection)
        .await?;
    row.as_ref().map(source_state).transpose()
}

pub(super) async fn said_by(
    connection: &mut SqliteConnection,
    id: RepositoryId,
    source: &str,
    after: i64,
    limit: usize,
) -> Result<Vec<(i64, SourceState)>, Failure> {
    let rows =
        sqlx::query("SELECT uid, said, open, said_at FROM source WHERE repository = ? AND name = ? AND uid > ? ORDER BY uid LIMIT ?")
            .bind(id)
            .bind(source)
            .bind(after)
            .bind(count(limit))
            .fetch_all(&mut *connection)
            .await?;
    rows.iter().map(|row| Ok((row.integer("uid")?, source_state(row)?))).collect()
}
