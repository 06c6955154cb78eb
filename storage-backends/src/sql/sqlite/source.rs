//! What external sources said last.

use lorebase::store::{RepositoryId, SourceState};
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::super::bulk::Insert;
use super::super::failure::Failure;
use super::super::rows::Columns;
use super::super::words::{from_json, json, moment, to_moment};
use super::read::count;
use super::upsert::Written;

const SOURCE: Insert = Insert {
    into: "INSERT INTO source (uid, repository, name, said, open, said_at) VALUES ",
    columns: 6,
    tail: " ON CONFLICT (uid, name) DO UPDATE SET said = excluded.said, open = excluded.open, said_at = excluded.said_at",
};

pub(super) async fn write(connection: &mut SqliteConnection, id: RepositoryId, written: &[Written<'_>]) -> Result<(), Failure> {
    let said: Vec<(i64, &(String, SourceState))> =
        written.iter().filter_map(|written| written.write.source.as_ref().map(|source| (written.uid, source))).collect();
    SOURCE
        .all(connection, &said, |query, (uid, (name, state))| {
            Ok(query.bind(*uid).bind(id).bind(name.clone()).bind(json(&state.said)?).bind(json(&state.open)?).bind(moment(state.at)))
        })
        .await
}

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
    row.as_ref().map(state).transpose()
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
    rows.iter().map(|row| Ok((row.integer("uid")?, state(row)?))).collect()
}

fn state(row: &SqliteRow) -> Result<SourceState, Failure> {
    Ok(SourceState {
        said: from_json("said", &row.text("said")?)?,
        open: from_json("open", &row.text("open")?)?,
        at: to_moment("said_at", &row.text("said_at")?)?,
    })
}
