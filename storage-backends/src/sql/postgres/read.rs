//! Reading records: each call is one statement, however many records it returns.

use std::collections::HashMap;

use jiff::Timestamp;
use lorebase::knowledge::{Diagnostic, EntityKey, KindName, Location, LocationKey, Slug};
use lorebase::store::{BlobId, KeptRevision, ManifestRow, Record, RepositoryId, SourceState};
use sqlx::postgres::{PgConnection, PgRow};

use super::super::failure::Failure;
use super::super::rows::{self, Columns, finding, manifest_row, record, select_record, source_state};
use super::super::words::number;
use super::moment::Moment;
use super::texts::{asked, stored_place};

// The planner must begin with the few things that are asked for, not with the whole repository, of which it knows little
// in a first synchronisation. So each is looked up by itself: nothing is pulled out of a subquery with an `OFFSET`, and
// `repository + 0` is in no index.

/// More things asked for at once are planned for themselves; for few the plan is kept.
const FEW: usize = 64;

pub(super) fn kept(asked: usize) -> bool {
    asked <= FEW
}

fn all(rows: &[PgRow]) -> Result<Vec<Record>, Failure> {
    rows.iter().map(record).collect()
}

pub(super) fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

pub(super) async fn by_key(connection: &mut PgConnection, id: RepositoryId, keys: &[EntityKey]) -> Result<Vec<Option<Record>>, Failure> {
    let (kinds, ids): (Vec<_>, Vec<_>) = keys.iter().map(|key| (asked(key.kind.as_str()), asked(key.id.as_str()))).unzip();
    let rows = sqlx::query(select_record!(
        "lorebase.";
        "WHERE k.uid = ANY (ARRAY (SELECT a.uid FROM unnest($2::text[], $3::text[]) j (kind, id) CROSS JOIN LATERAL ( \
         SELECT a.uid FROM lorebase.knowledge a WHERE a.repository = $1 AND a.kind = j.kind AND a.id = j.id OFFSET 0) a))"
    ))
    .persistent(kept(keys.len()))
    .bind(id)
    .bind(kinds)
    .bind(ids)
    .fetch_all(&mut *connection)
    .await?;
    let found: HashMap<EntityKey, Record> = all(&rows)?.into_iter().map(|record| (record.key.clone(), record)).collect();
    Ok(keys.iter().map(|key| found.get(key).cloned()).collect())
}

pub(super) async fn by_uid(connection: &mut PgConnection, id: RepositoryId, uids: &[i64]) -> Result<Vec<Option<Record>>, Failure> {
    let rows = sqlx::query(select_record!("lorebase."; "WHERE k.repository + 0 = $1 AND k.uid = ANY ($2)"))
        .persistent(kept(uids.len()))
        .bind(id)
        .bind(uids)
        .fetch_all(&mut *connection)
        .await?;
    let found: HashMap<i64, Record> = all(&rows)?.into_iter().map(|record| (record.uid, record)).collect();
    Ok(uids.iter().map(|uid| found.get(uid).cloned()).collect())
}

pub(super) async fn at(connection: &mut PgConnection, id: RepositoryId, places: &[LocationKey]) -> Result<Vec<Record>, Failure> {
    let places: Vec<_> = places.iter().map(|place| asked(&stored_place(place)).into_owned()).collect();
    let rows = sqlx::query(select_record!(
        "lorebase.";
        "WHERE k.uid = ANY (ARRAY (SELECT a.uid FROM unnest($2::text[]) j (place) CROSS JOIN LATERAL ( \
         SELECT a.uid FROM lorebase.entity a WHERE a.repository + 0 = $1 AND a.location_key = j.place \
         UNION ALL SELECT b.uid FROM lorebase.change b WHERE b.repository + 0 = $1 AND b.location_key = j.place AND b.placed OFFSET 0) a)) \
         ORDER BY k.uid"
    ))
    .persistent(kept(places.len()))
    .bind(id)
    .bind(places)
    .fetch_all(&mut *connection)
    .await?;
    all(&rows)
}

pub(super) async fn in_files(connection: &mut PgConnection, id: RepositoryId, paths: &[String]) -> Result<Vec<Record>, Failure> {
    let paths: Vec<_> = paths.iter().map(|path| asked(path)).collect();
    let rows = sqlx::query(select_record!(
        "lorebase.";
        "WHERE k.uid = ANY (ARRAY (SELECT a.uid FROM unnest($2::text[]) j (path) CROSS JOIN LATERAL ( \
         SELECT a.uid FROM lorebase.entity a WHERE a.repository = $1 AND a.path = j.path OFFSET 0) a)) ORDER BY k.uid"
    ))
    .persistent(kept(paths.len()))
    .bind(id)
    .bind(paths)
    .fetch_all(&mut *connection)
    .await?;
    all(&rows)
}

pub(super) async fn by_slug(connection: &mut PgConnection, id: RepositoryId, kind: &KindName, slug: &Slug) -> Result<Vec<Record>, Failure> {
    let rows = sqlx::query(select_record!(
        "lorebase.";
        "WHERE k.uid = ANY (ARRAY (SELECT uid FROM lorebase.entity WHERE repository = $1 AND kind = $2 AND slug = $3 \
         UNION SELECT uid FROM lorebase.change WHERE repository = $1 AND kind = $2 AND slug = $3)) ORDER BY k.uid"
    ))
    .bind(id)
    .bind(asked(kind.as_str()))
    .bind(asked(slug.as_str()))
    .fetch_all(&mut *connection)
    .await?;
    all(&rows)
}

pub(super) async fn manifest(
    connection: &mut PgConnection,
    id: RepositoryId,
    after: Option<&Location>,
    limit: usize,
) -> Result<Vec<ManifestRow>, Failure> {
    // A file itself (no entry) comes before its entries: the rest of the same file first, then the files after it.
    let rows = sqlx::query(
        "SELECT * FROM (SELECT * FROM ( \
         SELECT uid, kind, id, path, entry, blob FROM lorebase.entity WHERE repository = $1 AND path = $2 \
         AND ($3::text IS NULL AND entry IS NOT NULL OR entry > $3) ORDER BY path, entry NULLS FIRST LIMIT $4) a \
         UNION ALL SELECT * FROM ( \
         SELECT uid, kind, id, path, entry, blob FROM lorebase.entity WHERE repository = $1 AND path > $2 \
         ORDER BY path, entry NULLS FIRST LIMIT $4) b) m ORDER BY path, entry NULLS FIRST LIMIT $4",
    )
    .bind(id)
    .bind(after.map_or("", |after| after.path.as_str()))
    .bind(after.and_then(|after| after.entry.as_deref()).map(asked))
    .bind(count(limit))
    .fetch_all(&mut *connection)
    .await?;
    rows.iter().map(manifest_row).collect()
}

pub(super) async fn pending(
    connection: &mut PgConnection,
    id: RepositoryId,
    due: Option<Timestamp>,
    limit: usize,
) -> Result<Vec<Record>, Failure> {
    let rows = sqlx::query(select_record!(
        "lorebase.";
        "WHERE k.uid = ANY (ARRAY (SELECT uid FROM lorebase.change WHERE repository = $1 AND state = 'pending' AND NOT dead \
         AND ($2::timestamptz IS NULL OR due_at <= $2) ORDER BY updated_at, uid LIMIT $3)) ORDER BY c.updated_at, k.uid"
    ))
    .bind(id)
    .bind(due.map(Moment))
    .bind(count(limit))
    .fetch_all(&mut *connection)
    .await?;
    all(&rows)
}

pub(super) async fn waiting(
    connection: &mut PgConnection,
    id: RepositoryId,
    due: Option<Timestamp>,
    limit: usize,
) -> Result<Vec<i64>, Failure> {
    let uids = sqlx::query_scalar(
        "SELECT uid FROM lorebase.change WHERE repository = $1 AND state = 'pending' AND NOT dead \
         AND ($2::timestamptz IS NULL OR due_at <= $2) ORDER BY updated_at, uid LIMIT $3",
    )
    .bind(id)
    .bind(due.map(Moment))
    .bind(count(limit))
    .fetch_all(&mut *connection)
    .await?;
    Ok(uids)
}

pub(super) async fn in_state(connection: &mut PgConnection, id: RepositoryId, state: &str) -> Result<Vec<Record>, Failure> {
    let rows = sqlx::query(select_record!(
        "lorebase.";
        "WHERE k.uid = ANY (ARRAY (SELECT uid FROM lorebase.change WHERE repository = $1 AND state = $2)) ORDER BY k.uid"
    ))
    .bind(id)
    .bind(state)
    .fetch_all(&mut *connection)
    .await?;
    all(&rows)
}

pub(super) async fn dead(connection: &mut PgConnection, id: RepositoryId) -> Result<Vec<Record>, Failure> {
    let rows = sqlx::query(select_record!(
        "lorebase.";
        "WHERE k.uid = ANY (ARRAY (SELECT uid FROM lorebase.change WHERE repository = $1 AND state IN ('pending', 'draft', 'conflict') AND dead)) \
         ORDER BY k.uid"
    ))
    .bind(id)
    .fetch_all(&mut *connection)
    .await?;
    all(&rows)
}

pub(super) async fn revision(
    connection: &mut PgConnection,
    id: RepositoryId,
    uid: i64,
    revision: u64,
) -> Result<Option<KeptRevision>, Failure> {
    let row = sqlx::query(
        "SELECT r.* FROM lorebase.revision r JOIN lorebase.knowledge k ON k.uid = r.uid \
         WHERE k.repository = $1 AND r.uid = $2 AND r.revision = $3",
    )
    .bind(id)
    .bind(uid)
    .bind(number(revision)?)
    .fetch_optional(&mut *connection)
    .await?;
    row.as_ref().map(rows::kept).transpose()
}

/// All findings, for each path its newest list.
pub(super) async fn findings(connection: &mut PgConnection, id: RepositoryId) -> Result<Vec<(Diagnostic, Option<BlobId>)>, Failure> {
    let rows = sqlx::query("SELECT * FROM lorebase.diagnostic WHERE repository = $1 ORDER BY path, ordinal")
        .bind(id)
        .fetch_all(&mut *connection)
        .await?;
    rows.iter().map(finding).collect()
}

/// What an external source said last.
pub(super) async fn source(
    connection: &mut PgConnection,
    id: RepositoryId,
    uid: i64,
    source: &str,
) -> Result<Option<SourceState>, Failure> {
    let row = sqlx::query("SELECT said, open, said_at FROM lorebase.source WHERE repository = $1 AND uid = $2 AND name = $3")
        .bind(id)
        .bind(uid)
        .bind(asked(source))
        .fetch_optional(&mut *connection)
        .await?;
    row.as_ref().map(source_state).transpose()
}

pub(super) async fn said_by(
    connection: &mut PgConnection,
    id: RepositoryId,
    source: &str,
    after: i64,
    limit: usize,
) -> Result<Vec<(i64, SourceState)>, Failure> {
    let rows = sqlx::query(
        "SELECT uid, said, open, said_at FROM lorebase.source WHERE repository = $1 AND name = $2 AND uid > $3 ORDER BY uid LIMIT $4",
    )
    .bind(id)
    .bind(asked(source))
    .bind(after)
    .bind(count(limit))
    .fetch_all(&mut *connection)
    .await?;
    rows.iter().map(|row| Ok((row.integer("uid")?, source_state(row)?))).collect()
}
