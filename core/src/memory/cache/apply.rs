//! One batch in memory: everything that can refuse it is looked at first, then all of it is written.

use std::collections::{BTreeMap, HashSet};

use super::repository::Repository;
use crate::store::patch;
use crate::store::{
    Admission, Admitted, ApplyOutcome, Batch, ChangeAction, Claim, Grants, Lease, PriorSave, Record, RepositoryPatch, Side, Standing,
    UniqueRules, UniqueValue, admit, claims, regrant,
};
use crate::{Error, ErrorKind, Result};

impl Repository {
    pub(super) fn apply(&mut self, batch: &Batch, last_uid: &mut i64) -> Result<ApplyOutcome> {
        if batch.fence.is_some_and(|fence| fence != self.row.fence) {
            return Ok(ApplyOutcome::Fenced(self.row.fence));
        }
        if let Some(prior) = self.duplicate(batch)? {
            return Ok(ApplyOutcome::Duplicate(prior));
        }
        if let (Some(_), Some(owner), Some(lease)) = (batch.fence, &batch.take, &self.row.lease)
            && lease.owner != *owner
            && lease.until > batch.now
        {
            return Ok(ApplyOutcome::Fenced(self.row.fence));
        }
        let claims = claims(batch, self.row.unique.as_ref().unwrap_or(&UniqueRules::new()));
        let (writes, moved, grants) = match admit(batch, &claims, &self.standing(batch, &claims))? {
            Admission::Refused(outcome) => return Ok(outcome),
            Admission::Granted { writes, moved, grants } => (writes, moved, grants),
        };
        let uids = self.write(batch, &writes, last_uid);
        self.hold(&uids, grants);
        let rules = self.row.unique.clone();
        self.write_rest(batch);
        if self.row.unique != rules {
            self.hold_anew();
        }
        Ok(ApplyOutcome::Applied { uids, moved })
    }

    fn duplicate(&self, batch: &Batch) -> Result<Option<PriorSave>> {
        let mut seen = HashSet::new();
        for log in batch.writes.iter().flat_map(|write| &write.log).chain(&batch.log) {
            let Some(key) = &log.idempotency_key else { continue };
            if let Some(prior) = self.prior_save(key)
                && prior.operation_id != log.id
            {
                return Ok(Some(prior));
            }
            if !seen.insert(key) {
                return Err(Error::new(ErrorKind::InvalidInput, format!("a batch uses the idempotency key `{key}` twice")));
            }
        }
        Ok(None)
    }

    fn standing(&self, batch: &Batch, claims: &[Claim]) -> Vec<Standing> {
        let mut found: BTreeMap<i64, Standing> = BTreeMap::new();
        let mut add = |uid: Option<i64>| {
            if let Some(record) = uid.and_then(|uid| self.records.get(&uid)) {
                let holds = self.holds.get(&record.uid).cloned().unwrap_or_default();
                found.entry(record.uid).or_insert_with(|| standing(record, holds));
            }
        };
        for (write, claim) in batch.writes.iter().zip(claims) {
            if let crate::store::Target::Existing { uid, .. } = write.target {
                add(Some(uid));
            }
            add(self.keys.get(&write.key).copied());
            for place in [&claim.live, &claim.placed].into_iter().flatten() {
                add(self.live_at.get(place).copied());
                add(self.placed_at.get(place).copied());
            }
            for (_, value) in &claim.values {
                add(self.holder.get(value).copied());
            }
        }
        found.into_values().collect()
    }

    fn write(&mut self, batch: &Batch, writes: &[Admitted], last_uid: &mut i64) -> Vec<i64> {
        // Every place and key is given up before any is taken, so that they can be swapped.
        let taken: Vec<Option<Record>> = writes.iter().map(|write| write.uid.and_then(|uid| self.take(uid))).collect();
        let mut uids = Vec::with_capacity(writes.len());
        for (admitted, before) in writes.iter().zip(taken) {
            let write = &batch.writes[admitted.write];
            let mut record = before.unwrap_or_else(|| {
                *last_uid += 1;
                let key = write.key.clone();
                let private = crate::knowledge::Fields::new();
                Record { uid: *last_uid, stamp: 0, key, revision: 0, live: None, change: None, conflict: None, private }
            });
            record.stamp = admitted.stamp;
            uids.push(record.uid);
            record.take(write);
            for kept in &write.keep {
                self.kept.entry((record.uid, kept.revision)).or_insert_with(|| kept.clone());
            }
            if let Some((source, state)) = &write.source {
                self.sources.insert((source.clone(), record.uid), state.clone());
            }
            for log in &write.log {
                self.write_log(log, Some(record.uid));
            }
            self.put(record);
        }
        uids
    }

    /// Frees what is freed and gives the written records their values.
    fn hold(&mut self, uids: &[i64], grants: Grants) {
        for (uid, side) in grants.freed {
            let held = self.holds.entry(uid).or_default();
            for (_, value) in held.extract_if(.., |(held, _)| *held == side) {
                self.holder.remove(&value);
            }
            if held.is_empty() {
                self.holds.remove(&uid);
            }
        }
        for (uid, values) in uids.iter().zip(grants.given).filter(|(_, values)| !values.is_empty()) {
            self.holds.entry(*uid).or_default().extend(values);
        }
        // A value that is freed in one part of a record may still be in another.
        for uid in uids {
            let held = self.holds.get(uid).into_iter().flatten();
            self.holder.extend(held.map(|(_, value)| (value.clone(), *uid)));
        }
    }

    fn hold_anew(&mut self) {
        let rules = self.row.unique.clone().unwrap_or_default();
        let records = || self.records.values();
        let kind = |uid: &i64| self.records.get(uid).map(|record| &record.key.kind);
        let lives = self.files.values().filter_map(|uid| {
            let live = self.records.get(uid)?.live.as_ref()?;
            Some((*uid, kind(uid)?, Side::Live, &live.content.fields))
        });
        let changes = records().filter_map(|record| {
            let change = record.change.as_ref().filter(|change| change.action == ChangeAction::Write)?;
            Some((record.uid, &record.key.kind, Side::Change, &change.content.fields))
        });
        let there = records().filter(|record| record.live.is_some() || record.change.is_some());
        let private = there.map(|record| (record.uid, &record.key.kind, Side::Private, &record.private));
        let granted = regrant(&rules, lives.chain(changes).chain(private));
        self.holds.clear();
        self.holder.clear();
        for (uid, side, value) in granted {
            self.holder.insert(value.clone(), uid);
            self.holds.entry(uid).or_default().push((side, value));
        }
    }

    fn take(&mut self, uid: i64) -> Option<Record> {
        let record = self.records.remove(&uid)?;
        self.keys.remove(&record.key);
        self.changed.remove(&uid);
        if let Some(live) = &record.live {
            self.live_at.remove(&live.content.location.key());
            self.files.remove(&live.content.location);
        }
        if let Some(change) = record.change.as_ref().filter(|change| change.placed) {
            self.placed_at.remove(&change.content.location.key());
        }
        Some(record)
    }

    fn put(&mut self, record: Record) {
        self.keys.insert(record.key.clone(), record.uid);
        if let Some(live) = &record.live {
            self.live_at.insert(live.content.location.key(), record.uid);
            self.files.insert(live.content.location.clone(), record.uid);
        }
        if let Some(change) = &record.change {
            self.changed.insert(record.uid);
            if change.placed {
                self.placed_at.insert(change.content.location.key(), record.uid);
            }
        }
        self.records.insert(record.uid, record);
    }

    fn write_rest(&mut self, batch: &Batch) {
        if let (Some(_), Some(owner)) = (batch.fence, &batch.take) {
            self.row.fence += 1;
            self.row.lease = Some(Lease { owner: owner.clone(), until: batch.now });
        }
        if let (Some(_), Some(until), Some(lease)) = (batch.fence, batch.lease_until, &mut self.row.lease) {
            lease.until = until;
        }
        if batch.fence.is_some() && batch.release {
            self.row.lease = None;
        }
        let RepositoryPatch { root, cursor, config, unique, pause, held } = batch.repository_patch.clone();
        patch(&mut self.row.root, root);
        patch(&mut self.row.cursor, cursor);
        patch(&mut self.row.config, config);
        patch(&mut self.row.unique, unique);
        patch(&mut self.row.pause, pause);
        patch(&mut self.row.held, held);
        for (path, blob, found) in &batch.diagnostics {
            if found.is_empty() {
                self.diagnostics.remove(path);
            } else {
                self.diagnostics.insert(path.clone(), (blob.clone(), found.clone()));
            }
        }
        self.prepared.extend(batch.prepared.iter().cloned());
        self.prepared.retain(|prepared| !batch.settled.contains(&prepared.id));
        self.prepared.sort_by_key(|prepared| prepared.created_at);
        for log in &batch.log {
            self.write_log(log, None);
        }
    }
}

fn standing(record: &Record, holds: Vec<(Side, UniqueValue)>) -> Standing {
    Standing {
        uid: record.uid,
        stamp: record.stamp,
        key: record.key.clone(),
        live: record.live.as_ref().map(|live| live.content.location.key()),
        placed: record.change.as_ref().filter(|change| change.placed).map(|change| change.content.location.key()),
        changed: record.change.is_some(),
        holds,
    }
}
