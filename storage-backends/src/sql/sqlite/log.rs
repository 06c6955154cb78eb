//! The log, and the idempotency keys it remembers.

use lorebase::store::{LogEntry, LogQuery, PriorSave, RepositoryId};
use sqlx::sqlite::SqliteConnection;

use super::super::failure::Failure;
use super::super::rows::{log_entry, prior_save};
use super::super::words::{json, moment, word};

const DEFAULT_ROWS: i64 = 100;

/// What these idempotency keys were used for; the record under the key it has now.
pub(super) async fn prior_saves(
    connection: &mut SqliteConnection,
    id: RepositoryId,
    keys: &[String],
) -> Result<Vec<(String, PriorSave)>, Failure> {
    let rows = sqlx::query(
        "SELECT l.idempotency_key, l.id, l.revision, coalesce(k.kind, l.kind) AS kind, coalesce(k.id, l.entity_id) AS entity_id \
         FROM json_each(?2) j CROSS JOIN log l ON l.repository = ?1 AND l.idempotency_key = j.value \
         LEFT JOIN knowledge k ON k.uid = l.uid WHERE l.idempotency_key IS NOT NULL",
    )
    .bind(id)
    .bind(json(keys)?)
    .fetch_all(&mut *connection)
    .await?;
    rows.iter().map(prior_save).collect()
}

pub(super) async fn read(connection: &mut SqliteConnection, id: RepositoryId, query: &LogQuery) -> Result<Vec<LogEntry>, Failure> {
    let limit = if query.limit == 0 { DEFAULT_ROWS } else { i64::try_from(query.limit).unwrap_or(i64::MAX) };
    let since = query.since.map(moment).unwrap_or_default();
    let status = query.status.map(word).transpose()?;
    let rows = if let Some(key) = &query.key {
        // A row of a record is about that record whatever its key is by now; a row of no record is about its key.
        sqlx::query(
            "SELECT * FROM log WHERE seq IN ( \
             SELECT l.seq FROM knowledge k JOIN log l ON l.uid = k.uid WHERE k.repository = ?1 AND k.kind = ?2 AND k.id = ?3 \
             UNION ALL SELECT seq FROM log WHERE repository = ?1 AND kind = ?2 AND entity_id = ?3 AND uid IS NULL) \
             AND started_at >= ?4 AND (?5 IS NULL OR status = ?5) ORDER BY started_at DESC, seq DESC LIMIT ?6",
        )
        .bind(id)
        .bind(key.kind.as_str())
        .bind(key.id.as_str())
        .bind(since)
        .bind(status)
        .bind(limit)
        .fetch_all(&mut *connection)
        .await?
    } else if let Some(status) = status {
        sqlx::query("SELECT * FROM log WHERE repository = ? AND status = ? AND started_at >= ? ORDER BY started_at DESC, seq DESC LIMIT ?")
            .bind(id)
            .bind(status)
            .bind(since)
            .bind(limit)
            .fetch_all(&mut *connection)
            .await?
    } else {
        sqlx::query("SELECT * FROM log WHERE repository = ? AND started_at >= ? ORDER BY started_at DESC, seq DESC LIMIT ?")
            .bind(id)
            .bind(since)
            .bind(limit)
            .fetch_all(&mut *connection)
            .await?
    };
    rows.iter().map(log_entry).collect()
}
