//! Reading records: each call is one statement, however many records it returns.

use std::collections::HashMap;

use jiff::Timestamp;
use lorebase::knowledge::{EntityKey, KindName, Location, LocationKey, Slug};
use lorebase::store::{KeptRevision, ManifestRow, Record, RepositoryId};
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::super::failure::Failure;
use super::super::rows::{kept, manifest_row, record, select_record};
use super::super::words::{json, moment, number};

// The planner must begin with the few numbers that are asked for, not with the repository's whole index: that is
// what the `+` in `+k.repository` is for.

fn all(rows: &[SqliteRow]) -> Result<Vec<Record>, Failure> {
    rows.iter().map(record).collect()
}

pub(super) fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

pub(super) async fn by_key(
    connection: &mut SqliteConnection,
    id: RepositoryId,
    keys: &[EntityKey],
) -> Result<Vec<Option<Record>>, Failure> {
    let asked: Vec<[&str; 2]> = keys.iter().map(|key| [key.kind.as_str(), key.id.as_str()]).collect();
    let rows = sqlx::query(select_record!("";
        "WHERE k.uid IN (SELECT a.uid FROM json_each(?2) j CROSS JOIN knowledge a \
         ON a.repository = ?1 AND a.kind = j.value ->> 0 AND a.id = j.value ->> 1)"
    ))
    .bind(id)
    .bind(json(&asked)?)
    .fetch_all(&mut *connection)
    .await?;
    let found: HashMap<EntityKey, Record> = all(&rows)?.into_iter().map(|record| (record.key.clone(), record)).collect();
    Ok(keys.iter().map(|key| found.get(key).cloned()).collect())
}

pub(super) async fn by_uid(connection: &mut SqliteConnection, id: RepositoryId, uids: &[i64]) -> Result<Vec<Option<Record>>, Failure> {
    let rows = sqlx::query(select_record!(""; "WHERE +k.repository = ?1 AND k.uid IN (SELECT value FROM json_each(?2))"))
        .bind(id)
        .bind(json(uids)?)
        .fetch_all(&mut *connection)
        .await?;
    let found: HashMap<i64, Record> = all(&rows)?.into_iter().map(|record| (record.uid, record)).collect();
    Ok(uids.iter().map(|uid| found.get(uid).cloned()).collect())
}

pub(super) async fn at(connection: &mut SqliteConnection, id: RepositoryId, places: &[LocationKey]) -> Result<Vec<Record>, Failure> {
    let rows = sqlx::query(select_record!("";
        "WHERE k.uid IN ( \
         SELECT a.uid FROM json_each(?2) j CROSS JOIN entity a ON a.repository = ?1 AND a.location_key = j.value \
         UNION SELECT b.uid FROM json_each(?2) j CROSS JOIN change b ON b.repository = ?1 AND b.location_key = j.value AND b.placed = 1) \
         ORDER BY k.uid"
    ))
    .bind(id)
    .bind(json(places)?)
    .fetch_all(&mut *connection)
    .await?;
    all(&rows)
}

pub(super) async fn in_files(connection: &mut SqliteConnection, id: RepositoryId, paths: &[String]) -> Result<Vec<Record>, Failure> {
    let rows = sqlx::query(select_record!("";
        "WHERE k.uid IN (SELECT a.uid FROM json_each(?2) j CROSS JOIN entity a ON a.repository = ?1 AND a.path = j.value) ORDER BY k.uid"
    ))
    .bind(id)
    .bind(json(paths)?)
    .fetch_all(&mut *connection)
    .await?;
    all(&rows)
}

pub(super) async fn by_slug(
    connection: &mut SqliteConnection,
    id: RepositoryId,
    kind: &KindName,
    slug: &Slug,
) -> Result<Vec<Record>, Failure> {
    let rows = sqlx::query(select_record!("";
        "WHERE k.uid IN (SELECT uid FROM entity WHERE repository = ?1 AND kind = ?2 AND slug = ?3 \
         UNION SELECT uid FROM change WHERE repository = ?1 AND kind = ?2 AND slug = ?3) ORDER BY k.uid"
    ))
    .bind(id)
    .bind(kind.as_str())
    .bind(slug.as_str())
    .fetch_all(&mut *connection)
    .await?;
    all(&rows)
}

pub(super) async fn manifest(
    connection: &mut SqliteConnection,
    id: RepositoryId,
    after: Option<&Location>,
    limit: usize,
) -> Result<Vec<ManifestRow>, Failure> {
    // A file itself (no entry) comes before its entries: the rest of the same file first, then the files after it.
    let rows = sqlx::query(
        "SELECT * FROM ( \
         SELECT uid, kind, id, path, entry, blob FROM entity WHERE repository = ?1 AND path = ?2 \
         AND ((?3 IS NULL AND entry IS NOT NULL) OR entry > ?3) ORDER BY path, entry LIMIT ?4) \
         UNION ALL SELECT * FROM ( \
         SELECT uid, kind, id, path, entry, blob FROM entity WHERE repository = ?1 AND path > ?2 ORDER BY path, entry LIMIT ?4) \
         LIMIT ?4",
    )
    .bind(id)
    .bind(after.map_or("", |after| after.path.as_str()))
    .bind(after.and_then(|after| after.entry.as_deref()))
    .bind(count(limit))
    .fetch_all(&mut *connection)
    .await?;
    rows.iter().map(manifest_row).collect()
}

pub(super) async fn pending(
    connection: &mut SqliteConnection,
    id: RepositoryId,
    due: Option<Timestamp>,
    limit: usize,
) -> Result<Vec<Record>, Failure> {
    let rows = sqlx::query(select_record!("";
        "WHERE k.uid IN (SELECT uid FROM change WHERE repository = ?1 AND state = 'pending' AND dead = 0 \
         AND (?2 IS NULL OR due_at <= ?2) ORDER BY updated_at, uid LIMIT ?3) ORDER BY c.updated_at, k.uid"
    ))
    .bind(id)
    .bind(due.map(moment))
    .bind(count(limit))
    .fetch_all(&mut *connection)
    .await?;
    all(&rows)
}

pub(super) async fn waiting(
    connection: &mut SqliteConnection,
    id: RepositoryId,
    due: Option<Timestamp>,
    limit: usize,
) -> Result<Vec<i64>, Failure> {
    let uids = sqlx::query_scalar(
        "SELECT uid FROM change WHERE repository = ?1 AND state = 'pending' AND dead = 0 AND (?2 IS NULL OR due_at <= ?2) \
         ORDER BY updated_at, uid LIMIT ?3",
    )
    .bind(id)
    .bind(due.map(moment))
    .bind(count(limit))
    .fetch_all(&mut *connection)
    .await?;
    Ok(uids)
}

pub(super) async fn in_state(connection: &mut SqliteConnection, id: RepositoryId, state: &str) -> Result<Vec<Record>, Failure> {
    let rows =
        sqlx::query(select_record!(""; "WHERE k.uid IN (SELECT uid FROM change WHERE repository = ?1 AND state = ?2) ORDER BY k.uid"))
            .bind(id)
            .bind(state)
            .fetch_all(&mut *connection)
            .await?;
    all(&rows)
}

pub(super) async fn dead(connection: &mut SqliteConnection, id: RepositoryId) -> Result<Vec<Record>, Failure> {
    let rows = sqlx::query(select_record!("";
        "WHERE k.uid IN (SELECT uid FROM change WHERE repository = ?1 AND state IN ('pending', 'draft', 'conflict') AND dead = 1) \
         ORDER BY k.uid"
    ))
    .bind(id)
    .fetch_all(&mut *connection)
    .await?;
    all(&rows)
}

pub(super) async fn revision(
    connection: &mut SqliteConnection,
    id: RepositoryId,
    uid: i64,
    revision: u64,
) -> Result<Option<KeptRevision>, Failure> {
    let row =
        sqlx::query("SELECT r.* FROM revision r JOIN knowledge k ON k.uid = r.uid WHERE k.repository = ? AND r.uid = ? AND r.revision = ?")
            .bind(id)
            .bind(uid)
            .bind(number(revision)?)
            .fetch_optional(&mut *connection)
            .await?;
    row.as_ref().map(kept).transpose()
}
