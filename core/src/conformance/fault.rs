//! Stores that fail, stall or die at a chosen call, for tests of recovery. Wrappers only: they decide when a call
//! goes wrong and never what it does. All wrappers of one [`Faults`] share its count, so that "every call in turn" is
//! one number.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;

use crate::knowledge::{Diagnostic, EntityKey, KindName, Location, LocationKey, Slug};
use crate::store::{
    AdvanceOutcome, ApplyOutcome, Batch, BlobId, BlobRead, CacheStore, CommitId, CommitInfo, Counts, FileChange, GitStore, KeptRevision,
    LeaseOutcome, LogEntry, LogQuery, ManifestRow, NewCommit, Outlook, Owner, Page, Prepared, PriorSave, Query, Record, RepositoryId,
    RepositoryKey, RepositoryRow, SearchHit, SourceState, TreeEntry, UniqueValue, View,
};
use crate::{Error, ErrorKind, Result};

/// What goes wrong at the chosen call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// An error of this kind; the call never happened.
    ErrorBefore(ErrorKind),
    /// An error of this kind, although the call happened: an ambiguous answer.
    ErrorAfter(ErrorKind),
    /// Nothing happens until [`Faults::resume`]; dropping the future instead is a process that died before the call.
    StopBefore,
    /// The call happens and its answer is held back until [`Faults::resume`]; dropping the future instead is a
    /// process that died right after the call.
    StopAfter,
}

/// One count of calls, and the one call that goes wrong. Cheap to clone; all clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<Plan>>);

#[derive(Debug, Default)]
struct Plan {
    calls: u64,
    armed: Option<(u64, Fault)>,
    struck: Option<&'static str>,
    resumed: bool,
}

impl Faults {
    /// No fault.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts from 0 again; the call with this index goes wrong.
    pub fn arm(&self, call: u64, fault: Fault) {
        *self.plan() = Plan { armed: Some((call, fault)), ..Plan::default() };
    }

    /// Counts from 0 again; no call goes wrong.
    pub fn disarm(&self) {
        *self.plan() = Plan::default();
    }

    /// How many calls there were.
    pub fn calls(&self) -> u64 {
        self.plan().calls
    }

    /// The name of the call that went wrong, `None` when none did.
    pub fn struck(&self) -> Option<&'static str> {
        self.plan().struck
    }

    /// A stopped call goes on when its future is polled again.
    pub fn resume(&self) {
        self.plan().resumed = true;
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self, name: &'static str) -> Option<Fault> {
        let mut plan = self.plan();
        let index = plan.calls;
        plan.calls += 1;
        let fault = plan.armed.filter(|(call, _)| *call == index).map(|(_, fault)| fault);
        if fault.is_some() {
            plan.struck = Some(name);
        }
        fault
    }

    async fn stopped(&self) {
        poll_fn(|_| if self.plan().resumed { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    async fn around<T>(&self, name: &'static str, call: impl Future<Output = Result<T>> + Send) -> Result<T> {
        let failed = |kind| Err(Error::new(kind, format!("the call of `{name}` was made to fail")));
        match self.next(name) {
            None => call.await,
            Some(Fault::ErrorBefore(kind)) => failed(kind),
            Some(Fault::ErrorAfter(kind)) => {
                call.await?;
                failed(kind)
            }
            Some(Fault::StopBefore) => {
                self.stopped().await;
                call.await
            }
            Some(Fault::StopAfter) => {
                let answer = call.await;
                self.stopped().await;
                answer
            }
        }
    }
}

/// A repository whose calls can go wrong.
#[derive(Debug, Clone)]
pub struct FaultGit {
    inner: Arc<dyn GitStore>,
    faults: Faults,
}

impl FaultGit {
    /// Wraps a repository.
    pub fn new(inner: Arc<dyn GitStore>, faults: Faults) -> Self {
        Self { inner, faults }
    }
}

/// A database whose calls can go wrong.
#[derive(Debug, Clone)]
pub struct FaultCache {
    inner: Arc<dyn CacheStore>,
    faults: Faults,
}

impl FaultCache {
    /// Wraps a database.
    pub fn new(inner: Arc<dyn CacheStore>, faults: Faults) -> Self {
        Self { inner, faults }
    }
}

macro_rules! forward {
    ($wrapper:ty as $contract:ident { $(fn $name:ident($($arg:ident: $type:ty),*) -> $answer:ty;)* }) => {
        #[async_trait]
        impl $contract for $wrapper {
            $(async fn $name(&self, $($arg: $type),*) -> Result<$answer> {
                self.faults.around(stringify!($name), self.inner.$name($($arg),*)).await
            })*
        }
    };
}

forward!(FaultGit as GitStore {
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
    fn advance(expected: Option<&CommitId>, tip: &CommitId) -> AdvanceOutcome;
    fn contains(tip: &CommitId, commit: &CommitId) -> bool;
});

forward!(FaultCache as CacheStore {
    fn attach(key: &RepositoryKey, now: Timestamp) -> RepositoryRow;
    fn repository(id: RepositoryId) -> RepositoryRow;
    fn outlook(id: RepositoryId, due: Option<Timestamp>) -> Outlook;
    fn lease(id: RepositoryId, owner: &Owner, now: Timestamp, ttl: Duration, replacing: Option<u64>) -> LeaseOutcome;
    fn release(id: RepositoryId, fence: u64) -> ();
    fn apply(batch: &Batch) -> ApplyOutcome;
    fn records(id: RepositoryId, keys: &[EntityKey]) -> Vec<Option<Record>>;
    fn records_by_uid(id: RepositoryId, uids: &[i64]) -> Vec<Option<Record>>;
    fn records_at(id: RepositoryId, locations: &[LocationKey]) -> Vec<Record>;
    fn records_in(id: RepositoryId, paths: &[String]) -> Vec<Record>;
    fn records_by_slug(id: RepositoryId, kind: &KindName, slug: &Slug) -> Vec<Record>;
    fn holders(id: RepositoryId, values: &[UniqueValue]) -> Vec<Option<i64>>;
    fn records_by_field(id: RepositoryId, kind: &KindName, field: &str, value: &Value) -> Vec<Record>;
    fn manifest(id: RepositoryId, after: Option<&Location>, limit: usize) -> Vec<ManifestRow>;
    fn pending(id: RepositoryId, due: Option<Timestamp>, limit: usize) -> Vec<Record>;
    fn waiting(id: RepositoryId, due: Option<Timestamp>, limit: usize) -> Vec<i64>;
    fn conflicts(id: RepositoryId) -> Vec<Record>;
    fn dead(id: RepositoryId) -> Vec<Record>;
    fn drafts(id: RepositoryId) -> Vec<Record>;
    fn revision(id: RepositoryId, uid: i64, revision: u64) -> Option<KeptRevision>;
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

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;
    use crate::knowledge::Author;
    use crate::memory::MemoryGit;

    fn git(faults: &Faults) -> (Arc<MemoryGit>, FaultGit) {
        let inner = Arc::new(MemoryGit::new());
        (inner.clone(), FaultGit::new(inner, faults.clone()))
    }

    #[test]
    fn only_the_chosen_call_fails_and_all_are_counted() {
        let faults = Faults::new();
        let (_, git) = git(&faults);
        faults.arm(1, Fault::ErrorBefore(ErrorKind::Unavailable));
        assert!(pollster::block_on(git.head()).is_ok());
        assert_eq!(pollster::block_on(git.head()).unwrap_err().kind(), ErrorKind::Unavailable);
        assert!(pollster::block_on(git.head()).is_ok());
        assert_eq!((faults.calls(), faults.struck()), (3, Some("head")));
    }

    #[test]
    fn a_stopped_call_has_happened_or_not_and_goes_on_when_told_to() {
        for (fault, happened) in [(Fault::StopBefore, false), (Fault::StopAfter, true)] {
            let faults = Faults::new();
            let (inner, git) = git(&faults);
            let first = inner.push(&Author::new("Ada", "ada@example.com"), "one", &[]).unwrap();
            inner.force(None).unwrap();
            faults.arm(0, fault);
            let mut call = pin!(git.advance(None, &first));
            let mut context = Context::from_waker(Waker::noop());
            assert!(call.as_mut().poll(&mut context).is_pending());
            assert_eq!(pollster::block_on(inner.head()).unwrap().is_some(), happened);
            faults.resume();
            assert!(call.as_mut().poll(&mut context).is_ready());
            assert_eq!(pollster::block_on(inner.head()).unwrap().as_ref(), Some(&first));
        }
    }
}
