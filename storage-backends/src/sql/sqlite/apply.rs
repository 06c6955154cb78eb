//! One batch: what stands is fetched in one statement, decided about by the core, and written in few statements.

use std::collections::{HashMap, HashSet};

use lorebase::knowledge::LocationKey;
use lorebase::store::{
    Admission, Admitted, ApplyOutcome, Batch, Claim, LogWrite, PriorSave, RecordWrite, Slot, Standing, Target, UniqueRules, UniqueValue,
    admit, claims,
};
use lorebase::{Error, ErrorKind};
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::super::failure::Failure;
use super::super::rows::{Columns, key};
use super::super::words::{from_word, json, moment};
use super::upsert::{self, Written};
use super::{diagnose, index, log, repository, unique};

/// So many records are found by a search right away; more are indexed after the rows are there.
const INDEXED_AT_ONCE: usize = 16;

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
    diagnose::write(connection, batch).await?;
    let rest: Vec<(Option<i64>, &LogWrite)> = batch.log.iter().map(|log| (None, log)).collect();
    log::write(connection, batch.repository, &rest).await?;
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
    let keyed: Vec<(&String, &LogWrite)> = batch
        .writes
        .iter()
        .flat_map(|write| &write.log)
        .chain(&batch.log)
        .filter_map(|log| log.idempotency_key.as_ref().map(|key| (key, log)))
        .collect();
    if keyed.is_empty() {
        return Ok(None);
    }
    let keys: Vec<String> = keyed.iter().map(|(key, _)| (*key).clone()).collect();
    let known: HashMap<String, PriorSave> = log::prior_saves(connection, batch.repository, &keys).await?.into_iter().collect();
    let mut seen = HashSet::new();
    for (key, log) in keyed {
        if let Some(prior) = known.get(key)
            && prior.operation_id != log.id
        {
            return Ok(Some(prior.clone()));
        }
        if !seen.insert(key) {
            return Err(Error::new(ErrorKind::InvalidInput, format!("a batch uses the idempotency key `{key}` twice")).into());
        }
    }
    Ok(None)
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
    let targets = batch.writes.iter().filter_map(|write| match write.target {
        Target::Existing { uid, .. } => Some(uid),
        Target::New => None,
    });
    let mut uids: Vec<i64> = targets.collect();
    let values: Vec<&UniqueValue> = claims.iter().flat_map(|claim| claim.values.iter().map(|(_, value)| value)).collect();
    uids.extend(unique::holders(connection, batch.repository, &values).await?.into_values());
    let keys: Vec<[&str; 2]> = batch.writes.iter().map(|write| [write.key.kind.as_str(), write.key.id.as_str()]).collect();
    let places: HashSet<&LocationKey> = claims.iter().flat_map(|claim| claim.live.iter().chain(&claim.placed)).collect();
    let rows = sqlx::query(
        "SELECT k.uid, k.stamp, k.kind, k.id, e.location_key AS live_at, iif(c.placed, c.location_key, NULL) AS placed_at \
         FROM knowledge k LEFT JOIN entity e ON e.uid = k.uid LEFT JOIN change c ON c.uid = k.uid \
         WHERE +k.repository = ?1 AND k.uid IN ( \
         SELECT value FROM json_each(?2) \
         UNION SELECT a.uid FROM json_each(?3) j CROSS JOIN knowledge a \
         ON a.repository = ?1 AND a.kind = j.value ->> 0 AND a.id = j.value ->> 1 \
         UNION SELECT a.uid FROM json_each(?4) j CROSS JOIN entity a ON a.repository = ?1 AND a.location_key = j.value \
         UNION SELECT a.uid FROM json_each(?4) j CROSS JOIN change a ON a.repository = ?1 AND a.location_key = j.value AND a.placed = 1)",
    )
    .bind(batch.repository)
    .bind(json(&uids)?)
    .bind(json(&keys)?)
    .bind(json(&places)?)
    .fetch_all(&mut *connection)
    .await?;
    let row = |row: &SqliteRow| {
        Ok(Standing {
            uid: row.integer("uid")?,
            stamp: row.number("stamp")?,
            key: key(row, "kind", "id")?,
            live: row.maybe_text("live_at")?.map(|place| from_word("location_key", &place)).transpose()?,
            placed: row.maybe_text("placed_at")?.map(|place| from_word("location_key", &place)).transpose()?,
            holds: Vec::new(),
        })
    };
    let mut standing: Vec<Standing> = rows.iter().map(row).collect::<Result<_, Failure>>()?;
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
        return Ok(Vec::new());
    }
    let mut next: i64 = sqlx::query_scalar("SELECT coalesce(max(uid), 0) + 1 FROM knowledge").fetch_one(&mut *connection).await?;
    let mut written: Vec<Written<'_>> = Vec::with_capacity(writes.len());
    for admitted in writes {
        let uid = admitted.uid.unwrap_or(next);
        if admitted.uid.is_none() {
            next += 1;
        }
        written.push(Written {
            uid,
            stamp: admitted.stamp,
            rekeyed: admitted.rekeyed,
            write: &batch.writes[admitted.write],
            claim: &claims[admitted.write],
        });
    }
    give_up(connection, &written, standing).await?;
    upsert::records(connection, batch.repository, &written).await?;
    Ok(written.iter().map(|written| written.uid).collect())
}

/// Frees every key and place that changes, before any is taken: the unique indexes look at each row by itself.
async fn give_up(connection: &mut SqliteConnection, written: &[Written<'_>], standing: &[Standing]) -> Result<(), Failure> {
    let before: HashMap<i64, &Standing> = standing.iter().map(|record| (record.uid, record)).collect();
    let uids = |wanted: &dyn Fn(&RecordWrite, &Written<'_>, &Standing) -> bool| -> Vec<i64> {
        let existing = written.iter().filter_map(|written| Some((written, *before.get(&written.uid)?)));
        existing.filter(|(written, stood)| wanted(written.write, written, stood)).map(|(written, _)| written.uid).collect()
    };
    let moves = |had: &Option<LocationKey>, takes: &Option<LocationKey>| had.is_some() && had != takes;
    for (statement, uids) in [
        ("DELETE FROM change WHERE uid IN (SELECT value FROM json_each(?))", uids(&|write, _, _| matches!(write.change, Slot::Clear))),
        ("DELETE FROM entity WHERE uid IN (SELECT value FROM json_each(?))", uids(&|write, _, _| matches!(write.live, Slot::Clear))),
        (
            "UPDATE entity SET location_key = char(1) || uid WHERE uid IN (SELECT value FROM json_each(?))",
            uids(&|write, written, stood| matches!(write.live, Slot::Set(_)) && moves(&stood.live, &written.claim.live)),
        ),
        (
            "UPDATE change SET location_key = char(1) || uid WHERE uid IN (SELECT value FROM json_each(?))",
            uids(&|write, written, stood| matches!(write.change, Slot::Set(_)) && moves(&stood.placed, &written.claim.placed)),
        ),
        ("UPDATE knowledge SET id = char(1) || uid WHERE uid IN (SELECT value FROM json_each(?))", uids(&|_, written, _| written.rekeyed)),
    ] {
        if !uids.is_empty() {
            sqlx::query(statement).bind(json(&uids)?).execute(&mut *connection).await?;
        }
    }
    Ok(())
}
