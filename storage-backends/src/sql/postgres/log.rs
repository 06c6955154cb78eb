//! The log, and the idempotency keys it remembers.

use lorebase::store::{LogEntry, LogQuery, PriorSave, RepositoryId};
use sqlx::postgres::PgConnection;

use super::super::failure::Failure;
use super::super::rows::{log_entry, prior_save};
use super::super::words::word;
use super::moment::Moment;
use super::texts::asked;

const DEFAULT_ROWS: i64 = 100;

/// What these idempotency keys were used for; the record under the key it has now.
pub(super) async fn prior_saves(
    connection: &mut PgConnection,
    id: RepositoryId,
    keys: &[String],
) -> Result<Vec<(String, PriorSave)>, Failure> {
    let keys: Vec<_> = keys.iter().map(|key| asked(key)).collect();
    let rows = sqlx::query(
        "SELECT l.idempotency_key, l.id, l.revision, coalesce(k.kind, l.kind) AS kind, coalesce(k.id, l.entity_id) AS entity_id \
         FROM unnest($2::text[]) j (key) CROSS JOIN LATERAL (SELECT * FROM lorebase.log l \
         WHERE l.repository = $1 AND l.idempotency_key IS NOT NULL AND l.idempotency_key = j.key OFFSET 0) l \
         LEFT JOIN lorebase.knowledge k ON k.uid = l.uid",
    )
    .bind(id)
    .bind(keys)
    .fetch_all(&mut *connection)
    .await?;
    rows.iter().map(prior_save).collect()
}

pub(super) async fn read(connection: &mut PgConnection, id: RepositoryId, query: &LogQuery) -> Result<Vec<LogEntry>, Failure> {
    let limit = if query.limit == 0 { DEFAULT_ROWS } else { i64::try_from(query.limit).unwrap_or(i64::MAX) };
    let (since, status) = (query.since.map(Moment), query.status.map(word).transpose()?);
    let rows = if let Some(key) = &query.key {
        // A row of a record is about that record whatever its key is by now; a row of no record is about its key.
        sqlx::query(
            "SELECT * FROM lorebase.log WHERE seq IN ( \
             SELECT l.seq FROM lorebase.knowledge k JOIN lorebase.log l ON l.uid = k.uid \
             WHERE k.repository = $1 AND k.kind = $2 AND k.id = $3 \
             UNION ALL SELECT seq FROM lorebase.log WHERE repository = $1 AND kind = $2 AND entity_id = $3 AND uid IS NULL) \
             AND ($4::timestamptz IS NULL OR started_at >= $4) AND ($5::text IS NULL OR status = $5) \
             ORDER BY started_at DESC, seq DESC LIMIT $6",
        )
        .bind(id)
        .bind(asked(key.kind.as_str()))
        .bind(asked(key.id.as_str()))
        .bind(since)
        .bind(status)
        .bind(limit)
        .fetch_all(&mut *connection)
        .await?
    } else {
        sqlx::query(
            "SELECT * FROM lorebase.log WHERE repository = $1 AND ($2::timestamptz IS NULL OR started_at >= $2) \
             AND ($3::text IS NULL OR status = $3) ORDER BY started_at DESC, seq DESC LIMIT $4",
        )
        .bind(id)
        .bind(since)
        .bind(status)
        .bind(limit)
        .fetch_all(&mut *connection)
        .await?
    };
    rows.iter().map(log_entry).collect()
}
