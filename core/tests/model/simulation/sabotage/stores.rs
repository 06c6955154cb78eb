//! Stores that keep their contract but for one guard. What the oracle looks at is not theirs.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lorebase::Result;
use lorebase::clock::Timestamp;
use lorebase::knowledge::{Diagnostic, EntityKey, KindName, Location, LocationKey, Slug};
use lorebase::store::{
    AdvanceOutcome, ApplyOutcome, Base, Batch, BlobId, BlobRead, CacheStore, CommitId, CommitInfo, Counts, FileChange, GitStore,
    KeptRevision, LeaseOutcome, LogEntry, LogQuery, ManifestRow, NewCommit, Outlook, Owner, Page, Prepared, PriorSave, Query, Record,
    RepositoryId, RepositoryKey, RepositoryRow, SearchHit, SourceState, Target, TreeEntry, UniqueValue, View,
};
use serde_json::Value;

/// The guard that is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// None: the wrapper alone.
    Nothing,
    /// The branch moves from wherever it is.
    CompareAndSwap,
    /// The branch is said to have moved and has not.
    Advance,
    /// No commit is ever found in the branch.
    Contained,
    /// Every commit is found in the branch.
    Uncontained,
    /// An owner whose lease ran out passes for the present one.
    Fence,
    /// Whatever was read counts as unmoved.
    RowGuard,
    /// A change knows nothing of what it was made from.
    Base,
    /// A change is said to be made from what git has now.
    BaseBytes,
    /// Old revisions are handed out as the newest.
    KeptBytes,
}

impl Missing {
    /// What is gone, in the rows of a report.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing removed",
            Self::CompareAndSwap => "compare-and-swap removed",
            Self::Advance => "the branch's move acknowledged and not made",
            Self::Contained => "contains always no",
            Self::Uncontained => "contains always yes",
            Self::Fence => "fence removed",
            Self::RowGuard => "row guard removed",
            Self::Base => "base forgotten",
            Self::BaseBytes => "base bytes replaced by git's",
            Self::KeptBytes => "old revisions' bytes replaced by the newest",
        }
    }
}

pub(in crate::simulation) fn without(
    missing: Missing,
    git: Arc<dyn GitStore>,
    cache: Arc<dyn CacheStore>,
) -> (Arc<dyn GitStore>, Arc<dyn CacheStore>) {
    (Arc::new(Git { inner: git, missing }), Arc::new(Cache { inner: cache, missing }))
}

#[derive(Debug)]
struct Git {
    inner: Arc<dyn GitStore>,
    missing: Missing,
}

#[derive(Debug)]
struct Cache {
    inner: Arc<dyn CacheStore>,
    missing: Missing,
}

impl Cache {
    /// The record as this store hands it out.
    fn shown(&self, mut record: Record) -> Record {
        let live = record.live.as_ref().map(|live| Base { content: live.content.clone(), blob: live.blob.clone() });
        if let Some(change) = &mut record.change {
            match self.missing {
                Missing::Base => change.base = None,
                Missing::BaseBytes if change.base.is_some() => change.base = live.or(change.base.take()),
                _ => {}
            }
        }
        record
    }

    async fn newest(&self, id: RepositoryId, uid: i64, revision: u64) -> Result<Option<KeptRevision>> {
        let kept = self.inner.revision(id, uid, revision).await?;
        let record = self.inner.records_by_uid(id, &[uid]).await?.pop().flatten();
        let newest = record.and_then(|record| record.change.map(|change| change.content).or(record.live.map(|live| live.content)));
        Ok(kept.map(|kept| KeptRevision { content: newest.unwrap_or_else(|| kept.content.clone()), ..kept }))
    }

    async fn unguarded(&self, batch: &Batch) -> Result<Batch> {
        let mut batch = batch.clone();
        if self.missing == Missing::Fence && batch.fence.is_some() {
            batch.fence = Some(self.inner.repository(batch.repository).await?.fence);
        }
        if self.missing == Missing::RowGuard {
            for write in &mut batch.writes {
                if let Target::Existing { uid, stamp } = &mut write.target
                    && let Some(record) = self.inner.records_by_uid(batch.repository, &[*uid]).await?.pop().flatten()
                {
                    *stamp = record.stamp;
                    write.revision = write.revision.max(record.revision);
                }
            }
        }
        Ok(batch)
    }
}

macro_rules! forward {
    ($store:ident as $contract:ident { $($own:tt)* } { $($(#[$shown:ident])? fn $name:ident($($arg:ident: $type:ty),*) -> $answer:ty;)* }) => {
        #[async_trait]
        impl $contract for $store {
            $($own)*
            $(async fn $name(&self, $($arg: $type),*) -> Result<$answer> {
                let answer = self.inner.$name($($arg),*).await?;
                $(let answer = answer.into_iter().map(|record| $shown(self, record)).collect();)?
                Ok(answer)
            })*
        }
    };
}

fn one(cache: &Cache, record: Record) -> Record {
    cache.shown(record)
}

fn maybe(cache: &Cache, record: Option<Record>) -> Option<Record> {
    record.map(|record| cache.shown(record))
}

forward!(Git as GitStore {
    async fn advance(&self, expected: Option<&CommitId>, tip: &CommitId) -> Result<AdvanceOutcome> {
        match self.missing {
            Missing::CompareAndSwap => {
                let head = self.inner.head().await?;
                self.inner.advance(head.as_ref(), tip).await
            }
            Missing::Advance => Ok(AdvanceOutcome::Advanced),
            _ => self.inner.advance(expected, tip).await,
        }
    }

    async fn contains(&self, tip: &CommitId, commit: &CommitId) -> Result<bool> {
        match self.missing {
            Missing::Contained => Ok(false),
            Missing::Uncontained => Ok(true),
            _ => self.inner.contains(tip, commit).await,
        }
    }
} {
    fn head() -> Option<CommitId>;
    fn root(tip: &CommitId) -> Option<CommitId>;
    fn exists(commit: &CommitId) -> bool;
    fn changes(from: Option<&CommitId>, to: &CommitId) -> Vec<FileChange>;
    fn tree(at: &CommitId) -> Vec<TreeEntry>;
    fn lookup(at: &CommitId, paths: &[String]) -> Vec<Option<TreeEntry>>;
    fn read(blobs: &[BlobId], limit: u64) -> Vec<BlobRead>;
    fn commit(id: &CommitId) -> CommitInfo;
    fn store(blobs: Vec<Vec<u8>>) -> Vec<BlobId>;
    fn prepare(parent: Option<&CommitId>, commits: &[NewCommit]) -> Vec<CommitId>;
});

forward!(Cache as CacheStore {
    async fn apply(&self, batch: &Batch) -> Result<ApplyOutcome> {
        self.inner.apply(&self.unguarded(batch).await?).await
    }

    async fn apply_shared(&self, batch: Arc<Batch>) -> Result<ApplyOutcome> {
        self.apply(&batch).await
    }

    async fn revision(&self, id: RepositoryId, uid: i64, revision: u64) -> Result<Option<KeptRevision>> {
        match self.missing {
            Missing::KeptBytes => self.newest(id, uid, revision).await,
            _ => self.inner.revision(id, uid, revision).await,
        }
    }
} {
    fn attach(key: &RepositoryKey, now: Timestamp) -> RepositoryRow;
    fn repository(id: RepositoryId) -> RepositoryRow;
    fn outlook(id: RepositoryId, due: Option<Timestamp>) -> Outlook;
    fn lease(id: RepositoryId, owner: &Owner, now: Timestamp, ttl: Duration, replacing: Option<u64>) -> LeaseOutcome;
    fn release(id: RepositoryId, fence: u64) -> ();
    #[maybe]
    fn records(id: RepositoryId, keys: &[EntityKey]) -> Vec<Option<Record>>;
    #[maybe]
    fn records_by_uid(id: RepositoryId, uids: &[i64]) -> Vec<Option<Record>>;
    #[one]
    fn records_at(id: RepositoryId, locations: &[LocationKey]) -> Vec<Record>;
    #[one]
    fn records_in(id: RepositoryId, paths: &[String]) -> Vec<Record>;
    #[one]
    fn records_by_slug(id: RepositoryId, kind: &KindName, slug: &Slug) -> Vec<Record>;
    fn holders(id: RepositoryId, values: &[UniqueValue]) -> Vec<Option<i64>>;
    #[one]
    fn records_by_field(id: RepositoryId, kind: &KindName, field: &str, value: &Value) -> Vec<Record>;
    fn manifest(id: RepositoryId, after: Option<&Location>, limit: usize) -> Vec<ManifestRow>;
    #[one]
    fn pending(id: RepositoryId, due: Option<Timestamp>, limit: usize) -> Vec<Record>;
    fn waiting(id: RepositoryId, due: Option<Timestamp>, limit: usize) -> Vec<i64>;
    #[one]
    fn conflicts(id: RepositoryId) -> Vec<Record>;
    #[one]
    fn dead(id: RepositoryId) -> Vec<Record>;
    #[one]
    fn drafts(id: RepositoryId) -> Vec<Record>;
    fn prune(id: RepositoryId, before: Timestamp) -> u64;
    fn source(id: RepositoryId, uid: i64, source: &str) -> Option<SourceState>;
    fn said_by(id: RepositoryId, source: &str, after: i64, limit: usize) -> Vec<(i64, SourceState)>;
    fn prepared(id: RepositoryId) -> Vec<Prepared>;
    fn prior_save(id: RepositoryId, idempotency_key: &str) -> Option<PriorSave>;
    fn diagnostics(id: RepositoryId) -> Vec<(Diagnostic, Option<BlobId>)>;
    fn list(id: RepositoryId, query: &Query) -> Page;
    fn index(most: usize) -> u64;
    fn search(id: RepositoryId, text: &str, kind: Option<&KindName>, view: View, limit: usize) -> Vec<SearchHit>;
    fn log(id: RepositoryId, query: &LogQuery) -> Vec<LogEntry>;
    fn counts(id: RepositoryId, failures_since: Timestamp) -> Counts;
});
