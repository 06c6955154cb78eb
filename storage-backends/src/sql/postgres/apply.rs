//! One batch. The repository's row is locked first, by every writer and before anything is read: writers of one repository
//! come one after the other, whoever comes second sees all that the first has written, and nobody waits in a circle.

use std::collections::HashMap;

use lorebase::knowledge::LocationKey;
use lorebase::store::{Admission, Admitted, ApplyOutcome, Batch, Claim, PriorSave, Slot, Standing, UniqueRules, admit, claims};
use sqlx::postgres::PgConnection;

use super::super::batch::{self, GivenUp, INDEXED_AT_ONCE, Meeting};
use super::super::failure::Failure;
use super::super::rows::{self, Columns};
use super::super::words::json;
use super::clock::LeaseClock;
use super::read::kept;
use super::texts::stored_place;
use super::{index, log, repository, unique, upsert};
use crate::failpoint;

pub(super) async fn apply(connection: &mut PgConnection, batch: &Batch, clock: LeaseClock) -> Result<ApplyOutcome, Failure> {
    let (fence, free, rules) = lock(connection, batch, clock).await?;
    failpoint::hit("sql.apply.begun");
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
    repository::patch(connection, batch, clock).await?;
    match &batch.repository_patch.unique {
        Slot::Set(new) if *new != rules => unique::write_anew(connection, batch.repository, new).await?,
        Slot::Clear => unique::write_anew(connection, batch.repository, &UniqueRules::new()).await?,
        Slot::Set(_) | Slot::Keep => {}
    }
    upsert::diagnostics(connection, batch).await?;
    Ok(ApplyOutcome::Applied { uids, moved })
}

/// Waits for other writers of the repository. Its fence, whether the batch may take the lease, and the unique fields that
/// writes are held to, as those have left them.
async fn lock(connection: &mut PgConnection, batch: &Batch, clock: LeaseClock) -> Result<(u64, bool, UniqueRules), Failure> {
    // Not `FOR UPDATE`: a foreign key to the repository is nobody's business here.
    let row = sqlx::query(
        "SELECT fence, unique_fields, \
         coalesce(lease_owner IS NULL OR lease_until <= coalesce($2, clock_timestamp()) OR lease_owner::text = $3, false) AS free \
         FROM lorebase.repository WHERE id = $1 FOR NO KEY UPDATE",
    )
    .bind(batch.repository)
    .bind(clock.moment(batch.now))
    .bind(batch.take.as_ref().map(json).transpose()?)
    .fetch_optional(&mut *connection)
    .await?
    .ok_or_else(|| repository::unknown(batch.repository))?;
    Ok((row.number("fence")?, row.flag("free")?, row.maybe_json("unique_fields")?.unwrap_or_default()))
}

async fn duplicate(connection: &mut PgConnection, batch: &Batch) -> Result<Option<PriorSave>, Failure> {
    let keyed = batch::keyed(batch);
    if keyed.is_empty() {
        return Ok(None);
    }
    let keys: Vec<String> = keyed.iter().map(|(key, _)| (*key).clone()).collect();
    batch::duplicate(&keyed, &log::prior_saves(connection, batch.repository, &keys).await?.into_iter().collect())
}

/// Every record that the batch can meet: by number, by key, by place and by unique value.
async fn standing(connection: &mut PgConnection, batch: &Batch, claims: &[Claim], rules: &UniqueRules) -> Result<Vec<Standing>, Failure> {
    if batch.writes.is_empty() {
        return Ok(Vec::new());
    }
    let mut met = Meeting::of(batch, claims);
    met.uids.extend(unique::holders(connection, batch.repository, &met.values).await?.into_values());
    let (kinds, ids): (Vec<&str>, Vec<&str>) = met.keys.iter().map(|[kind, id]| (*kind, *id)).unzip();
    let places: HashMap<String, &LocationKey> = met.places.iter().map(|place| (stored_place(place).into_owned(), *place)).collect();
    let asked: Vec<&str> = places.keys().map(String::as_str).collect();
    let found = sqlx::query(
        "SELECT k.uid, k.stamp, k.kind, k.id, e.location_key AS live_at, CASE WHEN c.placed THEN c.location_key END AS placed_at, \
         c.uid IS NOT NULL AS changed \
         FROM (SELECT unnest($2::bigint[]) AS uid \
         UNION SELECT a.uid FROM unnest($3::text[], $4::text[]) j (kind, id) CROSS JOIN LATERAL ( \
         SELECT a.uid FROM lorebase.knowledge a WHERE a.repository = $1 AND a.kind = j.kind AND a.id = j.id OFFSET 0) a \
         UNION SELECT a.uid FROM unnest($5::text[]) j (place) CROSS JOIN LATERAL ( \
         SELECT a.uid FROM lorebase.entity a WHERE a.repository + 0 = $1 AND a.location_key = j.place OFFSET 0) a \
         UNION SELECT a.uid FROM unnest($5::text[]) j (place) CROSS JOIN LATERAL ( \
         SELECT a.uid FROM lorebase.change a WHERE a.repository + 0 = $1 AND a.location_key = j.place AND a.placed OFFSET 0) a) m \
         CROSS JOIN LATERAL (SELECT * FROM lorebase.knowledge k WHERE k.uid = m.uid AND k.repository + 0 = $1 OFFSET 0) k \
         LEFT JOIN lorebase.entity e ON e.uid = k.uid LEFT JOIN lorebase.change c ON c.uid = k.uid",
    )
    .persistent(kept(batch.writes.len()))
    .bind(batch.repository)
    .bind(&met.uids)
    .bind(&kinds)
    .bind(&ids)
    .bind(&asked)
    .fetch_all(&mut *connection)
    .await?;
    let mut standing: Vec<Standing> = found.iter().map(rows::standing).collect::<Result<_, Failure>>()?;
    for record in &mut standing {
        // A long place stands by its digest.
        for place in [&mut record.live, &mut record.placed].into_iter().flatten() {
            if let Some(asked) = places.get(place.as_str()) {
                *place = (*asked).clone();
            }
        }
    }
    unique::fill(connection, rules, &mut standing).await?;
    Ok(standing)
}

async fn write(
    connection: &mut PgConnection,
    batch: &Batch,
    claims: &[Claim],
    standing: &[Standing],
    writes: &[Admitted],
) -> Result<Vec<i64>, Failure> {
    if writes.is_empty() {
        upsert::log(connection, batch.repository, batch::logs(batch, &[])).await?;
        return Ok(Vec::new());
    }
    let new = writes.iter().filter(|write| write.uid.is_none()).count();
    let numbers: Vec<i64> = if new == 0 {
        Vec::new()
    } else {
        sqlx::query_scalar("SELECT nextval('lorebase.knowledge_uid_seq') FROM generate_series(1, $1)")
            .bind(i64::try_from(new).unwrap_or(i64::MAX))
            .fetch_all(&mut *connection)
            .await?
    };
    let written = batch::written(batch, claims, writes, numbers)?;
    give_up(connection, &GivenUp::of(&written, standing)).await?;
    failpoint::hit("sql.apply.half");
    upsert::records(connection, batch.repository, &written).await?;
    upsert::log(connection, batch.repository, batch::logs(batch, &written)).await?;
    // What is on its way to git is written once more in a moment.
    let at_once = written.len() <= INDEXED_AT_ONCE && batch.prepared.is_empty();
    index::note(connection, &written, at_once).await?;
    Ok(written.iter().map(|written| written.uid).collect())
}

/// Frees every key and place that changes, before any is taken.
async fn give_up(connection: &mut PgConnection, given: &GivenUp) -> Result<(), Failure> {
    for (statement, uids) in [
        ("DELETE FROM lorebase.change WHERE uid = ANY ($1)", &given.changes),
        ("DELETE FROM lorebase.entity WHERE uid = ANY ($1)", &given.lives),
        ("UPDATE lorebase.entity SET location_key = chr(2) || uid WHERE uid = ANY ($1)", &given.live_places),
        ("UPDATE lorebase.change SET location_key = chr(2) || uid WHERE uid = ANY ($1)", &given.placed),
        ("UPDATE lorebase.knowledge SET id = chr(2) || uid WHERE uid = ANY ($1)", &given.keys),
    ] {
        if !uids.is_empty() {
            sqlx::query(statement).bind(uids).execute(&mut *connection).await?;
        }
    }
    Ok(())
}
