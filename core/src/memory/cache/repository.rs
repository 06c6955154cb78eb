//! One repository in memory: its records with the indexes that keep reading fast, and everything beside them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::log::LogRow;
use crate::knowledge::{Content, Diagnostic, EntityKey, Location, LocationKey, Severity};
use crate::store::{
    BlobId, Change, ChangeState, Counts, KeptRevision, LogStatus, ManifestRow, Prepared, Record, RepositoryId, RepositoryKey,
    RepositoryRow, Side, SourceState, UniqueValue, json_equal,
};

#[derive(Debug)]
pub(super) struct Repository {
    pub(super) row: RepositoryRow,
    pub(super) records: BTreeMap<i64, Record>,
    pub(super) keys: HashMap<EntityKey, i64>,
    pub(super) live_at: HashMap<LocationKey, i64>,
    pub(super) placed_at: HashMap<LocationKey, i64>,
    pub(super) files: BTreeMap<Location, i64>,
    pub(super) changed: BTreeSet<i64>,
    pub(super) kept: BTreeMap<(i64, u64), KeptRevision>,
    pub(super) sources: BTreeMap<(String, i64), SourceState>,
    pub(super) log: BTreeMap<u64, LogRow>,
    pub(super) log_ids: HashMap<Uuid, u64>,
    pub(super) idempotency: HashMap<String, u64>,
    pub(super) diagnostics: BTreeMap<String, (Option<BlobId>, Vec<Diagnostic>)>,
    pub(super) prepared: Vec<Prepared>,
    pub(super) holds: BTreeMap<i64, Vec<(Side, UniqueValue)>>,
    pub(super) holder: HashMap<UniqueValue, i64>,
}

impl Repository {
    pub(super) fn new(id: RepositoryId, key: RepositoryKey) -> Self {
        let row =
            RepositoryRow { id, key, root: None, cursor: None, config: None, unique: None, fence: 0, lease: None, pause: None, held: None };
        Self {
            row,
            records: BTreeMap::new(),
            keys: HashMap::new(),
            live_at: HashMap::new(),
            placed_at: HashMap::new(),
            files: BTreeMap::new(),
            changed: BTreeSet::new(),
            kept: BTreeMap::new(),
            sources: BTreeMap::new(),
            log: BTreeMap::new(),
            log_ids: HashMap::new(),
            idempotency: HashMap::new(),
            diagnostics: BTreeMap::new(),
            prepared: Vec::new(),
            holds: BTreeMap::new(),
            holder: HashMap::new(),
        }
    }

    pub(super) fn by_key(&self, key: &EntityKey) -> Option<&Record> {
        self.keys.get(key).and_then(|uid| self.records.get(uid))
    }

    pub(super) fn at(&self, locations: &[LocationKey]) -> Vec<Record> {
        let found: BTreeSet<_> =
            locations.iter().flat_map(|place| [self.live_at.get(place), self.placed_at.get(place)]).flatten().collect();
        found.into_iter().filter_map(|uid| self.records.get(uid)).cloned().collect()
    }

    pub(super) fn select(&self, wanted: impl Fn(&Record) -> bool) -> Vec<Record> {
        self.records.values().filter(|record| wanted(record)).cloned().collect()
    }

    fn changed(&self) -> impl Iterator<Item = (&Record, &Change)> {
        let records = self.changed.iter().filter_map(|uid| self.records.get(uid));
        records.filter_map(|record| record.change.as_ref().map(|change| (record, change)))
    }

    pub(super) fn changes(&self, wanted: impl Fn(&Change) -> bool) -> Vec<Record> {
        self.changed().filter(|(_, change)| wanted(change)).map(|(record, _)| record.clone()).collect()
    }

    pub(super) fn pending(&self, due: Option<Timestamp>, limit: usize) -> Vec<Record> {
        let mut waiting: Vec<_> = self
            .changed()
            .filter(|(_, change)| change.state == ChangeState::Pending && !change.dead)
            .filter(|(_, change)| due.is_none_or(|due| change.due_at <= due))
            .collect();
        waiting.sort_by_key(|(record, change)| (change.updated_at, record.uid));
        waiting.into_iter().take(limit).map(|(record, _)| record.clone()).collect()
    }

    pub(super) fn manifest(&self, after: Option<&Location>, limit: usize) -> Vec<ManifestRow> {
        use std::ops::Bound::{Excluded, Unbounded};
        let from = after.map_or(Unbounded, |after| Excluded(after.clone()));
        let uids = self.files.range((from, Unbounded)).take(limit).map(|(_, uid)| uid);
        let row = |record: &Record| {
            let live = record.live.as_ref()?;
            Some(ManifestRow { uid: record.uid, key: record.key.clone(), location: live.content.location.clone(), blob: live.blob.clone() })
        };
        uids.filter_map(|uid| row(self.records.get(uid)?)).collect()
    }

    pub(super) fn findings(&self) -> Vec<(Diagnostic, Option<BlobId>)> {
        let findings = self.diagnostics.values();
        findings.flat_map(|(blob, found)| found.iter().map(|finding| (finding.clone(), blob.clone()))).collect()
    }

    pub(super) fn prune(&mut self, before: Timestamp) -> u64 {
        let rows = self.kept.len() + self.log.len();
        let records = &self.records;
        self.kept.retain(|(uid, revision), kept| {
            let in_use = records.get(uid).is_some_and(|record| {
                record.live.as_ref().is_some_and(|live| live.revision == *revision)
                    || record.change.as_ref().is_some_and(|change| change.revision == *revision)
            });
            kept.created_at >= before || in_use
        });
        let kept: HashSet<i64> = self.kept.keys().map(|(uid, _)| *uid).collect();
        for record in self.records.values_mut() {
            if record.live.is_none() && record.change.is_none() && !kept.contains(&record.uid) {
                record.private.clear();
            }
        }
        self.log.retain(|_, row| row.write.started_at >= before);
        let log = &self.log;
        self.log_ids.retain(|_, number| log.contains_key(number));
        self.idempotency.retain(|_, number| log.contains_key(number));
        (rows - self.kept.len() - self.log.len()) as u64
    }

    pub(super) fn counts(&self, failures_since: Timestamp) -> Counts {
        let mut counts = Counts::default();
        for record in self.records.values() {
            match (&record.change, &record.live) {
                (Some(change), _) => {
                    let group = match change.state {
                        ChangeState::Conflict => &mut counts.conflict,
                        _ if change.dead => &mut counts.failed,
                        ChangeState::Pending => &mut counts.pending,
                        ChangeState::Draft => &mut counts.draft,
                    };
                    *group += 1;
                    if change.state == ChangeState::Pending && !change.dead {
                        counts.oldest_pending = Some(counts.oldest_pending.map_or(change.updated_at, |at| at.min(change.updated_at)));
                    }
                }
                (None, Some(_)) => counts.synced += 1,
                (None, None) => {}
            }
        }
        let is_error = |finding: &Diagnostic| finding.severity == Severity::Error;
        counts.invalid = self.diagnostics.values().filter(|(_, found)| found.iter().any(is_error)).count() as u64;
        let failed = |row: &&LogRow| row.write.status == LogStatus::Failed && row.write.started_at >= failures_since;
        counts.recent_failures = self.log.values().filter(failed).count() as u64;
        counts
    }
}

pub(super) fn contents(record: &Record) -> impl Iterator<Item = &Content> {
    record.live.iter().map(|live| &live.content).chain(record.change.iter().map(|change| &change.content))
}

pub(super) fn has_field(record: &Record, field: &str, value: &Value) -> bool {
    let private = (record.live.is_some() || record.change.is_some()).then_some(&record.private);
    let mut all = contents(record).map(|content| &content.fields).chain(private);
    all.any(|fields| fields.get(field).is_some_and(|found| json_equal(found, value)))
}
