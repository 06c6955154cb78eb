//! A [`CacheStore`] in plain maps: the reference that every other store is held to, and the cache of a process that
//! reads a repository without a database. Nothing survives the process.

mod apply;
mod list;
mod log;
mod repository;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use self::repository::Repository;
use crate::knowledge::{Diagnostic, EntityKey, KindName, Location, LocationKey, Slug};
use crate::store::{
    ApplyOutcome, Batch, BlobId, CacheStore, ChangeState, Counts, KeptRevision, Lease, LeaseOutcome, LogEntry, LogQuery, ManifestRow,
    Outlook, Owner, Page, Prepared, PriorSave, Query, Record, RepositoryId, RepositoryKey, RepositoryRow, SearchHit, SourceState,
    UniqueValue, View,
};
use crate::{Error, ErrorKind, Result};

/// A cache in memory.
///
/// ```
/// use lorebase::memory::MemoryCache;
/// use lorebase::store::CacheStore;
///
/// let cache: std::sync::Arc<dyn CacheStore> = std::sync::Arc::new(MemoryCache::new());
/// # let _ = cache;
/// ```
#[derive(Debug, Default)]
pub struct MemoryCache {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    repositories: BTreeMap<RepositoryId, Repository>,
    last_uid: i64,
}

impl State {
    fn repository(&mut self, id: RepositoryId) -> Result<&mut Repository> {
        self.repositories
            .get_mut(&id)
            .ok_or_else(|| Error::new(ErrorKind::NotFound, format!("the cache has no repository number {id}; attach it first")))
    }
}

impl MemoryCache {
    /// An empty cache.
    pub fn new() -> Self {
        Self::default()
    }

    // A panic cannot leave the maps half written: everything that can fail is decided before the first write.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(&self, id: RepositoryId, read: impl FnOnce(&Repository) -> T) -> T
    where
        T: Default,
    {
        self.state().repositories.get(&id).map(read).unwrap_or_default()
    }
}

#[async_trait]
impl CacheStore for MemoryCache {
    async fn attach(&self, key: &RepositoryKey, _now: Timestamp) -> Result<RepositoryRow> {
        let mut state = self.state();
        if let Some(known) = state.repositories.values().find(|repository| repository.row.key == *key) {
            return Ok(known.row.clone());
        }
        let id = state.repositories.last_key_value().map_or(1, |(last, _)| last + 1);
        let made = Repository::new(id, key.clone());
        let row = made.row.clone();
        state.repositories.insert(id, made);
        Ok(row)
    }

    async fn repository(&self, id: RepositoryId) -> Result<RepositoryRow> {
        Ok(self.state().repository(id)?.row.clone())
    }

    async fn outlook(&self, id: RepositoryId, due: Option<Timestamp>) -> Result<Outlook> {
        let mut state = self.state();
        let repository = state.repository(id)?;
        Ok(Outlook {
            row: repository.row.clone(),
            findings: repository.findings(),
            prepared: repository.prepared.clone(),
            waiting: !repository.pending(due, 1).is_empty(),
        })
    }

    async fn lease(&self, id: RepositoryId, owner: &Owner, now: Timestamp, ttl: Duration, replacing: Option<u64>) -> Result<LeaseOutcome> {
        let mut state = self.state();
        let row = &mut state.repository(id)?.row;
        if let Some(lease) = &row.lease
            && lease.until > now
            && lease.owner != *owner
            && replacing != Some(row.fence)
        {
            return Ok(LeaseOutcome::Held { lease: lease.clone(), fence: row.fence });
        }
        let until = now.saturating_add(SignedDuration::try_from(ttl).unwrap_or(SignedDuration::MAX)).unwrap_or(Timestamp::MAX);
        row.fence += 1;
        row.lease = Some(Lease { owner: owner.clone(), until });
        Ok(LeaseOutcome::Acquired(row.fence))
    }

    async fn release(&self, id: RepositoryId, fence: u64) -> Result<()> {
        if let Some(repository) = self.state().repositories.get_mut(&id)
            && repository.row.fence == fence
        {
            repository.row.lease = None;
        }
        Ok(())
    }

    async fn apply(&self, batch: &Batch) -> Result<ApplyOutcome> {
        let mut state = self.state();
        let mut last_uid = state.last_uid;
        let outcome = state.repository(batch.repository)?.apply(batch, &mut last_uid)?;
        state.last_uid = last_uid;
        Ok(outcome)
    }

    async fn records(&self, id: RepositoryId, keys: &[EntityKey]) -> Result<Vec<Option<Record>>> {
        let state = self.state();
        let Some(repository) = state.repositories.get(&id) else { return Ok(vec![None; keys.len()]) };
        Ok(keys.iter().map(|key| repository.by_key(key).cloned()).collect())
    }

    async fn records_by_uid(&self, id: RepositoryId, uids: &[i64]) -> Result<Vec<Option<Record>>> {
        let state = self.state();
        let Some(repository) = state.repositories.get(&id) else { return Ok(vec![None; uids.len()]) };
        Ok(uids.iter().map(|uid| repository.records.get(uid).cloned()).collect())
    }

    async fn records_at(&self, id: RepositoryId, locations: &[LocationKey]) -> Result<Vec<Record>> {
        Ok(self.read(id, |repository| repository.at(locations)))
    }

    async fn records_in(&self, id: RepositoryId, paths: &[String]) -> Result<Vec<Record>> {
        Ok(self.read(id, |repository| {
            repository.select(|record| {
                record.live.as_ref().is_some_and(|live| paths.iter().any(|path| path == live.content.location.path.as_str()))
            })
        }))
    }

    async fn records_by_slug(&self, id: RepositoryId, kind: &KindName, slug: &Slug) -> Result<Vec<Record>> {
        Ok(self.read(id, |repository| {
            repository.select(|record| record.key.kind == *kind && repository::contents(record).any(|content| content.slug == *slug))
        }))
    }

    async fn holders(&self, id: RepositoryId, values: &[UniqueValue]) -> Result<Vec<Option<i64>>> {
        let state = self.state();
        let Some(repository) = state.repositories.get(&id) else { return Ok(vec![None; values.len()]) };
        Ok(values.iter().map(|value| repository.holder.get(value).copied()).collect())
    }

    async fn records_by_field(&self, id: RepositoryId, kind: &KindName, field: &str, value: &serde_json::Value) -> Result<Vec<Record>> {
        Ok(self.read(id, |repository| repository.select(|record| record.key.kind == *kind && repository::has_field(record, field, value))))
    }

    async fn manifest(&self, id: RepositoryId, after: Option<&Location>, limit: usize) -> Result<Vec<ManifestRow>> {
        Ok(self.read(id, |repository| repository.manifest(after, limit)))
    }

    async fn pending(&self, id: RepositoryId, due: Option<Timestamp>, limit: usize) -> Result<Vec<Record>> {
        Ok(self.read(id, |repository| repository.pending(due, limit)))
    }

    async fn waiting(&self, id: RepositoryId, due: Option<Timestamp>, limit: usize) -> Result<Vec<i64>> {
        Ok(self.read(id, |repository| repository.pending(due, limit).iter().map(|record| record.uid).collect()))
    }

    async fn conflicts(&self, id: RepositoryId) -> Result<Vec<Record>> {
        Ok(self.read(id, |repository| repository.changes(|change| change.state == ChangeState::Conflict)))
    }

    async fn dead(&self, id: RepositoryId) -> Result<Vec<Record>> {
        Ok(self.read(id, |repository| repository.changes(|change| change.dead)))
    }

    async fn drafts(&self, id: RepositoryId) -> Result<Vec<Record>> {
        Ok(self.read(id, |repository| repository.changes(|change| change.state == ChangeState::Draft)))
    }

    async fn revision(&self, id: RepositoryId, uid: i64, revision: u64) -> Result<Option<KeptRevision>> {
        Ok(self.read(id, |repository| repository.kept.get(&(uid, revision)).cloned()))
    }

    async fn prune(&self, id: RepositoryId, before: Timestamp) -> Result<u64> {
        Ok(self.state().repositories.get_mut(&id).map_or(0, |repository| repository.prune(before)))
    }

    async fn source(&self, id: RepositoryId, uid: i64, source: &str) -> Result<Option<SourceState>> {
        Ok(self.read(id, |repository| repository.sources.get(&(source.to_owned(), uid)).cloned()))
    }

    async fn said_by(&self, id: RepositoryId, source: &str, after: i64, limit: usize) -> Result<Vec<(i64, SourceState)>> {
        let begin = (source.to_owned(), after.saturating_add(1));
        Ok(self.read(id, |repository| {
            let said = repository.sources.range(begin..).take_while(|((name, _), _)| name == source);
            said.take(limit).map(|((_, uid), state)| (*uid, state.clone())).collect()
        }))
    }

    async fn prepared(&self, id: RepositoryId) -> Result<Vec<Prepared>> {
        Ok(self.read(id, |repository| repository.prepared.clone()))
    }

    async fn prior_save(&self, id: RepositoryId, idempotency_key: &str) -> Result<Option<PriorSave>> {
        Ok(self.read(id, |repository| repository.prior_save(idempotency_key)))
    }

    async fn diagnostics(&self, id: RepositoryId) -> Result<Vec<(Diagnostic, Option<BlobId>)>> {
        Ok(self.read(id, Repository::findings))
    }

    async fn list(&self, id: RepositoryId, query: &Query) -> Result<Page> {
        let state = self.state();
        let empty = Repository::new(id, RepositoryKey { namespace: String::new(), branch: String::new() });
        state.repositories.get(&id).unwrap_or(&empty).list(query)
    }

    async fn index(&self, _most: usize) -> Result<u64> {
        Ok(0)
    }

    async fn search(&self, id: RepositoryId, text: &str, kind: Option<&KindName>, view: View, limit: usize) -> Result<Vec<SearchHit>> {
        Ok(self.read(id, |repository| repository.search(text, kind, view, limit)))
    }

    async fn log(&self, id: RepositoryId, query: &LogQuery) -> Result<Vec<LogEntry>> {
        Ok(self.read(id, |repository| repository.read_log(query)))
    }

    async fn counts(&self, id: RepositoryId, failures_since: Timestamp) -> Result<Counts> {
        Ok(self.read(id, |repository| repository.counts(failures_since)))
    }
}
