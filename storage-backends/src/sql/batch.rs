//! What a batch asks of a database, as lists: which rows to look up, which places to give up, which rows to write. Pure, and
//! the same for every database, which only has to say it in its own SQL.

use std::collections::{HashMap, HashSet};

use lorebase::knowledge::LocationKey;
use lorebase::store::{
    Admitted, Batch, Change, Claim, ConflictNote, KeptRevision, Live, LogWrite, PriorSave, RecordWrite, Slot, SourceState, Standing,
    Target, UniqueValue,
};
use lorebase::{Error, ErrorKind};
use serde::Serialize;

use super::failure::Failure;
use super::tables::Finding;
use super::words::json;

/// So many records are found by a search right away; more are indexed after the rows are there.
pub(super) const INDEXED_AT_ONCE: usize = 16;

/// One write with the number and stamp of its record.
pub(super) struct Written<'a> {
    pub(super) uid: i64,
    pub(super) stamp: u64,
    pub(super) rekeyed: bool,
    pub(super) write: &'a RecordWrite,
    pub(super) claim: &'a Claim,
}

/// The admitted writes; `numbers` gives each new record its number.
pub(super) fn written<'a>(
    batch: &'a Batch,
    claims: &'a [Claim],
    writes: &[Admitted],
    numbers: impl IntoIterator<Item = i64>,
) -> Result<Vec<Written<'a>>, Failure> {
    let mut numbers = numbers.into_iter();
    let numbered = |admitted: &Admitted| {
        let uid = admitted.uid.or_else(|| numbers.next());
        let uid = uid.ok_or_else(|| Failure::Told(Error::new(ErrorKind::Internal, "the cache gave too few numbers for new records")))?;
        let (write, claim) = (&batch.writes[admitted.write], &claims[admitted.write]);
        Ok(Written { uid, stamp: admitted.stamp, rekeyed: admitted.rekeyed, write, claim })
    };
    writes.iter().map(numbered).collect()
}

/// The log rows of a batch that have an idempotency key.
pub(super) fn keyed(batch: &Batch) -> Vec<(&String, &LogWrite)> {
    let logs = batch.writes.iter().flat_map(|write| &write.log).chain(&batch.log);
    logs.filter_map(|log| log.idempotency_key.as_ref().map(|key| (key, log))).collect()
}

/// The save that one of these keys was used for by another operation.
pub(super) fn duplicate(keyed: &[(&String, &LogWrite)], known: &HashMap<String, PriorSave>) -> Result<Option<PriorSave>, Failure> {
    let mut seen = HashSet::new();
    for (key, log) in keyed {
        if let Some(prior) = known.get(*key)
            && prior.operation_id != log.id
        {
            return Ok(Some(prior.clone()));
        }
        if !seen.insert(*key) {
            return Err(Error::new(ErrorKind::InvalidInput, format!("a batch uses the idempotency key `{key}` twice")).into());
        }
    }
    Ok(None)
}

/// Every record that a batch can meet: by number, by key, by place and by unique value.
pub(super) struct Meeting<'a> {
    pub(super) uids: Vec<i64>,
    pub(super) keys: Vec<[&'a str; 2]>,
    pub(super) places: Vec<&'a LocationKey>,
    pub(super) values: Vec<&'a UniqueValue>,
}

impl<'a> Meeting<'a> {
    pub(super) fn of(batch: &'a Batch, claims: &'a [Claim]) -> Self {
        let target = |write: &RecordWrite| match write.target {
            Target::Existing { uid, .. } => Some(uid),
            Target::New => None,
        };
        let places: HashSet<&LocationKey> = claims.iter().flat_map(|claim| claim.live.iter().chain(&claim.placed)).collect();
        Self {
            uids: batch.writes.iter().filter_map(target).collect(),
            keys: batch.writes.iter().map(|write| [write.key.kind.as_str(), write.key.id.as_str()]).collect(),
            places: places.into_iter().collect(),
            values: claims.iter().flat_map(|claim| claim.values.iter().map(|(_, value)| value)).collect(),
        }
    }
}

/// Every row, key and place that must be free before any is taken: unique indexes look at each row by itself.
pub(super) struct GivenUp {
    /// Changes that go.
    pub(super) changes: Vec<i64>,
    /// Live versions that go.
    pub(super) lives: Vec<i64>,
    /// Live versions that move.
    pub(super) live_places: Vec<i64>,
    /// Placed changes that move.
    pub(super) placed: Vec<i64>,
    /// Records that get another key.
    pub(super) keys: Vec<i64>,
}

impl GivenUp {
    pub(super) fn of(written: &[Written<'_>], standing: &[Standing]) -> Self {
        let before: HashMap<i64, &Standing> = standing.iter().map(|record| (record.uid, record)).collect();
        let uids = |wanted: &dyn Fn(&RecordWrite, &Written<'_>, &Standing) -> bool| -> Vec<i64> {
            let existing = written.iter().filter_map(|written| Some((written, *before.get(&written.uid)?)));
            existing.filter(|(written, stood)| wanted(written.write, written, stood)).map(|(written, _)| written.uid).collect()
        };
        let moves = |had: &Option<LocationKey>, takes: &Option<LocationKey>| had.is_some() && had != takes;
        Self {
            changes: uids(&|write, _, _| matches!(write.change, Slot::Clear)),
            lives: uids(&|write, _, _| matches!(write.live, Slot::Clear)),
            live_places: uids(&|write, written, stood| matches!(write.live, Slot::Set(_)) && moves(&stood.live, &written.claim.live)),
            placed: uids(&|write, written, stood| matches!(write.change, Slot::Set(_)) && moves(&stood.placed, &written.claim.placed)),
            keys: uids(&|_, written, _| written.rekeyed),
        }
    }
}

pub(super) fn lives<'a>(written: &'a [Written<'a>]) -> Vec<(&'a Written<'a>, &'a Live)> {
    written.iter().filter_map(|written| if let Slot::Set(live) = &written.write.live { Some((written, live)) } else { None }).collect()
}

pub(super) fn changes<'a>(written: &'a [Written<'a>]) -> Vec<(&'a Written<'a>, &'a Change)> {
    let set =
        written.iter().filter_map(|written| if let Slot::Set(change) = &written.write.change { Some((written, change)) } else { None });
    set.collect()
}

pub(super) fn kept<'a>(written: &[Written<'a>]) -> Vec<(i64, &'a KeptRevision)> {
    written.iter().flat_map(|written| written.write.keep.iter().map(|kept| (written.uid, kept))).collect()
}

pub(super) fn said<'a>(written: &[Written<'a>]) -> Vec<(i64, &'a (String, SourceState))> {
    written.iter().filter_map(|written| written.write.source.as_ref().map(|source| (written.uid, source))).collect()
}

/// Log rows of records, then those of none.
pub(super) fn logs<'a>(batch: &'a Batch, written: &[Written<'a>]) -> Vec<(Option<i64>, &'a LogWrite)> {
    let of_records = written.iter().flat_map(|written| written.write.log.iter().map(|log| (Some(written.uid), log)));
    of_records.chain(batch.log.iter().map(|log| (None, log))).collect()
}

#[cfg(feature = "sqlite")]
pub(super) fn rekeyed(written: &[Written<'_>]) -> Vec<i64> {
    written.iter().filter(|written| written.rekeyed).map(|written| written.uid).collect()
}

/// Records whose conflict's note may have become void. A note lives only while its change is in conflict: what no
/// longer is, goes.
pub(super) fn doubtful_notes(written: &[Written<'_>]) -> Vec<i64> {
    let doubtful =
        |written: &&Written<'_>| written.stamp > 1 && (written.write.change != Slot::Keep || written.write.conflict == Slot::Clear);
    written.iter().filter(doubtful).map(|written| written.uid).collect()
}

pub(super) fn cleared_notes(written: &[Written<'_>]) -> Vec<i64> {
    written.iter().filter(|written| written.write.conflict == Slot::Clear).map(|written| written.uid).collect()
}

/// New notes; those without a change in conflict are none.
pub(super) fn notes<'a>(written: &[Written<'a>]) -> Vec<(i64, &'a ConflictNote)> {
    let set = written.iter().filter_map(|written| match &written.write.conflict {
        Slot::Set(note) => Some((written.uid, note)),
        Slot::Keep | Slot::Clear => None,
    });
    set.collect()
}

pub(super) fn findings(batch: &Batch) -> Vec<Finding<'_>> {
    let mut findings = Vec::new();
    for (path, blob, found) in &batch.diagnostics {
        findings.extend((0..).zip(found).map(|(ordinal, found)| Finding { path, ordinal, blob: blob.as_ref(), found }));
    }
    findings
}

/// One part of the repository's row.
#[derive(Clone, Copy)]
pub(super) struct Patched<'a, T> {
    /// Whether anything happens to it.
    pub(super) written: bool,
    /// What it becomes.
    pub(super) value: Option<&'a T>,
}

impl<T: Serialize> Patched<'_, T> {
    pub(super) fn json(self) -> Result<Option<String>, Failure> {
        self.value.map(json).transpose()
    }
}

pub(super) fn slot<T>(slot: &Slot<T>) -> Patched<'_, T> {
    match slot {
        Slot::Keep => Patched { written: false, value: None },
        Slot::Set(value) => Patched { written: true, value: Some(value) },
        Slot::Clear => Patched { written: true, value: None },
    }
}
