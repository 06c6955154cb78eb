//! Making room: a place belongs to whom git gave it, an id that follows from a place to whoever lives there. What is
//! in the way (a change of ours that wanted the place, a record that is gone and still has the id) gives way in the same
//! transaction and is never dropped.

use std::collections::HashMap;

use super::engine::SyncEngine;
use super::incoming::without_place;
use crate::Result;
use crate::clock::Timestamp;
use crate::knowledge::{EntityKey, Location};
use crate::store::{Batch, Change, ChangeAction, ChangeState, CommitId, ConflictNote, ConflictReason, Record, RecordWrite, Slot, Target};

fn displace(write: &mut RecordWrite, record: Option<&Record>, commit: &CommitId, now: Timestamp) {
    let Some(change) = change_after(write, record) else { return };
    let before = change.state;
    let change = without_place(change);
    if change.state == ChangeState::Conflict && (before != ChangeState::Conflict || change.action == ChangeAction::Write) {
        let since = record.and_then(|record| record.conflict.as_ref()).map_or(now, |note| note.since);
        let (fields, commit) = (vec!["path".to_owned()], commit.clone());
        write.conflict = Slot::Set(ConflictNote { reason: ConflictReason::PathTaken, fields, body: false, commit, author: None, since });
    }
    write.change = Slot::Set(change);
}

fn change_after<'a>(write: &'a RecordWrite, record: Option<&'a Record>) -> Option<&'a Change> {
    match &write.change {
        Slot::Set(change) => Some(change),
        Slot::Keep => record.and_then(|record| record.change.as_ref()),
        Slot::Clear => None,
    }
}

fn live_after<'a>(write: &'a RecordWrite, record: Option<&'a Record>) -> Option<&'a Location> {
    match &write.live {
        Slot::Set(live) => Some(&live.content.location),
        Slot::Keep => record.and_then(|record| record.live.as_ref()).map(|live| &live.content.location),
        Slot::Clear => None,
    }
}

fn wants(write: &RecordWrite, record: Option<&Record>, place: &Location) -> bool {
    change_after(write, record).is_some_and(|change| change.placed && change.content.location.key() == place.key())
}

impl SyncEngine {
    /// After a batch was refused because the place of its write number `taker` belongs to `by`: takes the place away
    /// from the change of ours that wants it. Whether there was one; the batch is tried again then.
    pub(super) async fn make_room(&self, batch: &mut Batch, taker: usize, by: &EntityKey, commit: &CommitId) -> Result<bool> {
        let holder = match batch.writes.iter().position(|write| write.key == *by) {
            Some(holder) => holder,
            None => match self.cache.records(self.repository, std::slice::from_ref(by)).await?.pop().flatten() {
                Some(record) => {
                    batch.writes.push(RecordWrite::onto(&record));
                    batch.writes.len() - 1
                }
                None => return Ok(false),
            },
        };
        let mut records = Vec::with_capacity(2);
        for write in [holder, taker] {
            records.push(match batch.writes[write].target {
                Target::Existing { uid, .. } => self.cache.records_by_uid(self.repository, &[uid]).await?.pop().flatten(),
                Target::New => None,
            });
        }
        let records = (records[0].as_ref(), records[1].as_ref());
        // First whoever stands where git's version goes, then whoever only wants to go where another is.
        let loser = match live_after(&batch.writes[taker], records.1) {
            Some(place) if wants(&batch.writes[holder], records.0, place) => Some((holder, records.0)),
            _ if change_after(&batch.writes[taker], records.1).is_some_and(|change| change.placed) => Some((taker, records.1)),
            _ => None,
        };
        if let Some((write, record)) = loser {
            displace(&mut batch.writes[write], record, commit, batch.now);
        }
        Ok(loser.is_some())
    }

    /// Where a write gives a record an id that follows from its place and that a record without a file still has: the
    /// two exchange their ids.
    pub(super) async fn exchange_ids(&self, batch: &mut Batch, records: impl Iterator<Item = &Record>) -> Result<()> {
        let before: HashMap<i64, &EntityKey> = records.map(|record| (record.uid, &record.key)).collect();
        let mut exchanged = Vec::new();
        for write in &batch.writes {
            let Target::Existing { uid, .. } = write.target else { continue };
            let Some(old) = before.get(&uid).filter(|key| ***key != write.key) else { continue };
            let holder = self.cache.records(self.repository, std::slice::from_ref(&write.key)).await?.pop().flatten();
            exchanged.extend(holder.filter(|holder| holder.uid != uid && holder.live.is_none()).map(|holder| (holder, (*old).clone())));
        }
        for (holder, key) in exchanged {
            let target = Target::Existing { uid: holder.uid, stamp: holder.stamp };
            match batch.writes.iter_mut().find(|write| write.target == target) {
                Some(write) if write.key == holder.key => write.key = key,
                Some(_) => {}
                None => batch.writes.push(RecordWrite { key, ..RecordWrite::onto(&holder) }),
            }
        }
        Ok(())
    }
}
