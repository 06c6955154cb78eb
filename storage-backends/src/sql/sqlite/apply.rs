//! One batch: what stands is fetched in one statement, decided about by the core, and written in few statements.

use lorebase::store::{Admission, Admitted, ApplyOutcome, Batch, Claim, PriorSave, Slot, Standing, UniqueRules, admit, claims};
use sqlx::sqlite::SqliteConnection;

use super::super::batch::{self, GivenUp, INDEXED_AT_ONCE, Meeting};
use super::super::failure::Failure;
use super::super::rows::{self, Columns};
use super::super::words::{json, moment};
use super::{index, log, repository, unique, upsert};
use crate::failpoint;

pub(super) async fn apply(connection: &mut SqliteConnection, batch: &Batch) -> Result<ApplyOutcome, Failure> {
    let (fence, free, rules) = fence_and_rules(connection, batch).await?;
    if batch.fence.is_some_and(|held| held != fence || batch.take.is_some() && !free) {
        return Ok(ApplyOutcome::Fenced(fence));
    }
    if let Some(prior) = duplicate(connection, batch).await? {
        return Ok(ApplyOutcome::Duplicate(prior));
    }
    let claims = claims(batch, &rules);
    let standing = standing(connection, batch, &claims, &rules).await?;
    let (writes, moved, grants) = match admit(batch, &claims, &standing)? {
        Admission::Refused(outcome) => return Ok(outcome),
        Admission::Granted { writes, moved, grants } => (writes, moved, grants),
    };
    let uids = write(connection, batch, &claims, &standing, &writes).await?;
    unique::write(connection, batch.repository, &uids, &grants).await?;
    // What is on its way to git is written once more in a moment.
    if uids.len() <= INDEXED_AT_ONCE && batch.prepared.is_empty() {
        index::these(connection, &uids).await?;
    }
    repository::patch(connection, batch).await?;
    match &batch.repository_patch.unique {
        Slot::Set(new) if *new != rules => unique::write_anew(connection, batch.repository, new).await?,
        Slot::Clear => unique::write_anew(connection, batch.repository, &UniqueRules::new()).await?,
        Slot::Set(_) | Slot::Keep => {}
    }
    upsert::diagnostics(connection, batch).await?;
    Ok(ApplyOutcome::Applied { uids, moved })
}

/// The current fence, whether the batch may take the lease, and the unique fields that writes are held to.
async fn fence_and_rules(connection: &mut SqliteConnection, batch: &Batch) -> Result<(u64, bool, UniqueRules), Failure> {
    let row = sqlx::query(
        "SELECT fence, unique_fields, lease_owner IS NULL OR lease_until <= ?2 OR lease_owner = ?3 AS free FROM repository WHERE id = ?1",
    )
    .bind(batch.repository)
    .bind(moment(batch.now))
    .bind(batch.take.as_ref().map(json).transpose()?)
    .fetch_optional(&mut *connection)
    .await?
    .ok_or_else(|| repository::unknown(batch.repository))?;
    let free = row.maybe_integer("free")?.is_some_and(|free| free != 0);
    Ok((row.number("fence")?, free, row.maybe_json("unique_fields")?.unwrap_or_default()))
}

async fn duplicate(connection: &mut SqliteConnection, batch: &Batch) -> Result<Option<PriorSave>, Failure> {
    let keyed = batch::keyed(batch);
    if keyed.is_empty() {
        return Ok(None);
    }
    let keys: Vec<String> = keyed.iter().map(|(key, _)| (*key).clone()).collect();
    batch::duplicate(&keyed, &log::prior_saves(connection, batch.repository, &keys).await?.into_iter().collect())
}

/// Every record that the batch can meet: by number, by key, by place and by unique value.
async fn standing(
    connection: &mut SqliteConnection,
    batch: &Batch,
    claims: &[Claim],
    rules: &UniqueRules,
) -> Result<Vec<Standing>, Failure> {
    if batch.writes.is_empty() {
        return Ok(Vec::new());
    }
    let mut met = Meeting::of(batch, claims);
    met.uids.extend(unique::holders(connection, batch.repository, &met.values).await?.into_values());
    let rows = sqlx::query(
        "SELECT k.uid, k.stamp, k.kind, k.id, e.location_key AS live_at, iif(c.placed, c.location_key, NULL) AS placed_at, \
         c.uid IS NOT NULL AS changed \
         FROM knowledge k LEFT JOIN entity e ON e.uid = k.uid LEFT JOIN change c ON c.uid = k.uid \
         WHERE +k.repository = ?1 AND k.uid IN ( \
         SELECT value FROM json_each(?2) \
         UNION SELECT a.uid FROM json_each(?3) j CROSS JOIN knowledge a \
         ON a.repository = ?1 AND a.kind = j.value ->> 0 AND a.id = j.value ->> 1 \
         UNION SELECT a.uid FROM json_each(?4) j CROSS JOIN entity a ON a.repository = ?1 AND a.location_key = j.value \
         UNION SELECT a.uid FROM json_each(?4) j CROSS JOIN change a ON a.repository = ?1 AND a.location_key = j.value AND a.placed = 1)",
    )
    .bind(batch.repository)
    .bind(json(&met.uids)?)
    .bind(json(&met.keys)?)
    .bind(json(&met.places)?)
    .fetch_all(&mut *connection)
    .await?;
    let mut standing: Vec<Standing> = rows.iter().map(rows::standing).collect::<Result<_, Failure>>()?;
    unique::fill(connection, rules, &mut standing).await?;
    Ok(standing)
}

async fn write(
    connection: &mut SqliteConnection,
    batch: &Batch,
    claims: &[Claim],
    standing: &[Standing],
    writes: &[Admitted],
) -> Result<Vec<i64>, Failure> {
    if writes.is_empty() {
        upsert::log(connection, batch.repository, batch::logs(batch, &[])).await?;
        return Ok(Vec::new());
    }
    let next: i64 = sqlx::query_scalar("SELECT coalesce(max(uid), 0) + 1 FROM knowledge").fetch_one(&mut *connection).await?;
    let written = batch::written(batch, claims, writes, next..)?;
    give_up(connection, &GivenUp::of(&written, standing)).await?;
    failpoint::hit("sql.apply.half");
    upsert::records(connection, batch.repository, &written).await?;
    upsert::log(connection, batch.repository, batch::logs(batch, &written)).await?;
    Ok(written.iter().map(|written| written.uid).collect())
}

/// Frees every key and place that changes, before any is taken.
async fn give_up(connection: &mut SqliteConnection, given: &GivenUp) -> Result<(), Failure> {
    for (statement, uids) in [
        ("DELETE FROM change WHERE uid IN (SELECT value FROM json_each(?))", &given.changes),
        ("DELETE FROM entity WHERE uid IN (SELECT value FROM json_each(?))", &given.lives),
        ("UPDATE entity SET location_key = char(1) || uid WHERE uid IN (SELECT value FROM json_each(?))", &given.live_places),
        ("UPDATE change SET location_key = char(1) || uid WHERE uid IN (SELECT value FROM json_each(?))", &given.placed),
        ("UPDATE knowledge SET id = char(1) || uid WHERE uid IN (SELECT value FROM json_each(?))", &given.keys),
    ] {
        if !uids.is_empty() {
            sqlx::query(statement).bind(json(uids)?).execute(&mut *connection).await?;
        }
    }
    Ok(())
}
