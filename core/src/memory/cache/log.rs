//! The log in memory: rows by number in the order in which they began to exist.

use std::cmp::Reverse;

use super::repository::Repository;
use crate::knowledge::EntityKey;
use crate::store::{LogEntry, LogQuery, LogWrite, PriorSave};

const DEFAULT_ROWS: usize = 100;

#[derive(Debug)]
pub(super) struct LogRow {
    pub(super) uid: Option<i64>,
    pub(super) write: LogWrite,
}

impl Repository {
    pub(super) fn write_log(&mut self, write: &LogWrite, uid: Option<i64>) {
        if let Some(row) = self.log_ids.get(&write.id).and_then(|number| self.log.get_mut(number)) {
            let started_at = row.write.started_at;
            let idempotency_key = row.write.idempotency_key.take();
            row.write = LogWrite { started_at, idempotency_key, ..write.clone() };
            row.uid = uid.or(row.uid);
            return;
        }
        let number = self.log.last_key_value().map_or(1, |(last, _)| last + 1);
        self.log_ids.insert(write.id, number);
        if let Some(key) = &write.idempotency_key {
            self.idempotency.insert(key.clone(), number);
        }
        self.log.insert(number, LogRow { uid, write: write.clone() });
    }

    pub(super) fn prior_save(&self, idempotency_key: &str) -> Option<PriorSave> {
        let row = self.log.get(self.idempotency.get(idempotency_key)?)?;
        let key = row.uid.and_then(|uid| self.records.get(&uid)).map_or(&row.write.key, |record| &record.key);
        Some(PriorSave { operation_id: row.write.id, key: key.clone(), revision: row.write.revision })
    }

    pub(super) fn read_log(&self, query: &LogQuery) -> Vec<LogEntry> {
        let identity = query.key.as_ref().map(|key| (key, self.keys.get(key).copied()));
        let mut rows: Vec<_> = self
            .log
            .iter()
            .filter(|(_, row)| identity.as_ref().is_none_or(|(key, uid)| is_about(row, key, *uid)))
            .filter(|(_, row)| query.status.is_none_or(|status| row.write.status == status))
            .filter(|(_, row)| query.since.is_none_or(|since| row.write.started_at >= since))
            .collect();
        rows.sort_by_key(|(number, row)| Reverse((row.write.started_at, **number)));
        let limit = if query.limit == 0 { DEFAULT_ROWS } else { query.limit };
        rows.into_iter().take(limit).map(|(_, row)| entry(&row.write)).collect()
    }
}

/// A row of a record is about that record whatever its key is by now; a row of no record is about its key.
fn is_about(row: &LogRow, key: &EntityKey, uid: Option<i64>) -> bool {
    match row.uid {
        Some(of) => uid == Some(of),
        None => row.write.key == *key,
    }
}

fn entry(write: &LogWrite) -> LogEntry {
    LogEntry {
        id: write.id,
        kind: write.key.kind.clone(),
        entity_id: write.key.id.clone(),
        operation: write.operation,
        direction: write.direction,
        status: write.status,
        started_at: write.started_at,
        completed_at: write.completed_at,
        error: write.error.clone(),
        git_commit_sha: write.commit.clone(),
        synced_by: write.synced_by.clone(),
    }
}
