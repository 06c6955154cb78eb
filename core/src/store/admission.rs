//! Which writes of a batch may happen: the stamps, keys, places and unique values of a [`Batch`] held against what stands. Pure,
//! so that every store refuses for exactly the same reasons; a store only fetches what stands and writes.

use std::collections::{HashMap, HashSet};

use super::unique::{Breach, Grants, Side, UniqueRules, UniqueValue, claimed, grant};
use super::{ApplyOutcome, Batch, Guard, Slot, Target};
use crate::knowledge::{EntityKey, LocationKey};
use crate::{Error, ErrorKind, Result};

/// One record as it stands before a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The store's number.
    pub uid: i64,
    /// Its stamp.
    pub stamp: u64,
    /// The identity.
    pub key: EntityKey,
    /// Where its live version is.
    pub live: Option<LocationKey>,
    /// Where its placed change is.
    pub placed: Option<LocationKey>,
    /// Whether it has a change, placed or not.
    pub changed: bool,
    /// The unique values that it holds, part by part.
    pub holds: Vec<(Side, UniqueValue)>,
}

/// The places and unique values that one write sets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Claim {
    /// Of the live version.
    pub live: Option<LocationKey>,
    /// Of the change, if it is placed.
    pub placed: Option<LocationKey>,
    /// The unique values, part by part.
    pub values: Vec<(Side, UniqueValue)>,
}

/// The places and, by the rules in force, the unique values that a batch sets, write by write.
pub fn claims(batch: &Batch, rules: &UniqueRules) -> Vec<Claim> {
    let place = |write: &super::RecordWrite| Claim {
        live: match &write.live {
            Slot::Set(live) => Some(live.content.location.key()),
            _ => None,
        },
        placed: match &write.change {
            Slot::Set(change) if change.placed => Some(change.content.location.key()),
            _ => None,
        },
        values: claimed(rules, write),
    };
    batch.writes.iter().map(place).collect()
}

/// One write that may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admitted {
    /// Its index in the batch.
    pub write: usize,
    /// The record; `None` for a new one.
    pub uid: Option<i64>,
    /// The record's stamp after the write.
    pub stamp: u64,
    /// Whether the record has another key than before.
    pub rekeyed: bool,
}

/// What became of looking at a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// Nothing may be written.
    Refused(ApplyOutcome),
    /// These writes happen and those (by index) are left alone.
    Granted {
        /// In the order of the batch.
        writes: Vec<Admitted>,
        /// Whose records had moved.
        moved: Vec<usize>,
        /// What becomes of the unique values.
        grants: Grants,
    },
}

/// Decides about the records of a batch whose fence and idempotency keys are in order. `standing` holds at least
/// every record that the batch targets, every record with the key of one of its writes, and every record with a live
/// version or a placed change at one of its [`claims`], and every record that holds one of their values.
///
/// # Errors
/// `InvalidInput` when two writes of the batch are about one record or give one key.
pub fn admit(batch: &Batch, claims: &[Claim], standing: &[Standing]) -> Result<Admission> {
    let by_uid: HashMap<i64, &Standing> = standing.iter().map(|record| (record.uid, record)).collect();
    let by_key: HashMap<&EntityKey, i64> = standing.iter().map(|record| (&record.key, record.uid)).collect();
    only_once(batch)?;

    let mut writes: Vec<Admitted> = Vec::with_capacity(batch.writes.len());
    for (index, write) in batch.writes.iter().enumerate() {
        match write.target {
            Target::New => writes.push(Admitted { write: index, uid: None, stamp: 1, rekeyed: false }),
            Target::Existing { uid, stamp } => {
                if let Some(record) = by_uid.get(&uid).filter(|record| record.stamp == stamp) {
                    writes.push(Admitted { write: index, uid: Some(uid), stamp: stamp + 1, rekeyed: record.key != write.key });
                }
            }
        }
    }
    // A key is free when nobody has it, or its holder takes another one in this batch. A write that is left alone
    // keeps its old key, which can stop another one: until nothing changes.
    loop {
        let written: HashSet<i64> = writes.iter().filter_map(|write| write.uid).collect();
        let before = writes.len();
        writes.retain(|write| by_key.get(&batch.writes[write.write].key).is_none_or(|holder| written.contains(holder)));
        if writes.len() == before {
            break;
        }
    }
    let kept: HashSet<usize> = writes.iter().map(|write| write.write).collect();
    let moved: Vec<usize> = (0..batch.writes.len()).filter(|index| !kept.contains(index)).collect();
    if batch.guard == Guard::All && !moved.is_empty() {
        return Ok(Admission::Refused(ApplyOutcome::Moved(moved)));
    }
    Ok(match taken(batch, claims, standing, &by_uid, &writes) {
        Some((write, by)) => Admission::Refused(ApplyOutcome::LocationTaken { write, by }),
        None => match grant(batch, claims, standing, &writes) {
            Ok(grants) => Admission::Granted { writes, moved, grants },
            Err(Breach { write, field, by }) => Admission::Refused(ApplyOutcome::ValueTaken { write, field, by }),
        },
    })
}

fn only_once(batch: &Batch) -> Result<()> {
    let mut uids = HashSet::new();
    let mut keys = HashSet::new();
    for write in &batch.writes {
        let fresh = match write.target {
            Target::Existing { uid, .. } => uids.insert(uid),
            Target::New => true,
        };
        if !fresh || !keys.insert(&write.key) {
            return Err(Error::new(ErrorKind::InvalidInput, format!("a batch writes `{}` twice; put it into one write", write.key)));
        }
    }
    Ok(())
}

/// Who has a place: its number or, for a new record, its index in the batch.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Uid(i64),
    New(usize),
}

#[derive(Default)]
struct Places<'a> {
    live: HashMap<&'a LocationKey, (Who, &'a EntityKey)>,
    placed: HashMap<&'a LocationKey, (Who, &'a EntityKey)>,
}

impl<'a> Places<'a> {
    fn hold(&mut self, place: &'a LocationKey, is_live: bool, who: Who, key: &'a EntityKey) {
        let held = if is_live { &mut self.live } else { &mut self.placed };
        held.insert(place, (who, key));
    }

    fn other(&self, place: &LocationKey, who: Who) -> Option<&'a EntityKey> {
        [&self.live, &self.placed].into_iter().filter_map(|held| held.get(place)).find(|(holder, _)| *holder != who).map(|(_, key)| *key)
    }
}

fn taken(
    batch: &Batch,
    claims: &[Claim],
    standing: &[Standing],
    by_uid: &HashMap<i64, &Standing>,
    writes: &[Admitted],
) -> Option<(usize, EntityKey)> {
    let mut held = Places::default();
    let written: HashSet<i64> = writes.iter().filter_map(|write| write.uid).collect();
    for record in standing.iter().filter(|record| !written.contains(&record.uid)) {
        let holder = (Who::Uid(record.uid), &record.key);
        held.live.extend(record.live.as_ref().map(|place| (place, holder)));
        held.placed.extend(record.placed.as_ref().map(|place| (place, holder)));
    }
    // What a written record keeps stands before what anybody newly takes.
    let mut taking = Vec::new();
    for admitted in writes {
        let write = &batch.writes[admitted.write];
        let claim = &claims[admitted.write];
        let who = admitted.uid.map_or(Who::New(admitted.write), Who::Uid);
        let before = admitted.uid.and_then(|uid| by_uid.get(&uid).copied());
        let (had_live, had_placed) = before.map_or((None, None), |record| (record.live.as_ref(), record.placed.as_ref()));
        let live = if write.live == Slot::Keep { had_live } else { claim.live.as_ref() };
        let placed = if write.change == Slot::Keep { had_placed } else { claim.placed.as_ref() };
        for (place, had, is_live) in [(live, had_live, true), (placed, had_placed, false)] {
            let Some(place) = place else { continue };
            if had == Some(place) {
                held.hold(place, is_live, who, &write.key);
            } else {
                taking.push((admitted.write, who, place, is_live));
            }
        }
    }
    for (index, who, place, is_live) in taking {
        if let Some(by) = held.other(place, who) {
            return Some((index, by.clone()));
        }
        held.hold(place, is_live, who, &batch.writes[index].key);
    }
    None
}
