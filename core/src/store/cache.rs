//! The contract of the SQL side: one database, many repositories. Everything is written through
//! [`CacheStore::apply`], one transaction, guarded by the fence and the stamp of each record.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    BlobId, Claiming, CommitId, Counts, KeptRevision, LogEntry, LogQuery, LogWrite, ManifestRow, Page, Query, Record, RecordWrite,
    SearchHit, Slot, SourceState, UniqueRules, UniqueValue, View,
};
use crate::Result;
use crate::knowledge::{Diagnostic, EntityKey, KindName, Location, LocationKey, Slug};

/// The store's number of a repository.
pub type RepositoryId = i64;

/// What names a repository in a database: never a local path, because many machines share it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RepositoryKey {
    /// `default` unless given.
    pub namespace: String,
    /// The branch's short name, for example `main`.
    pub branch: String,
}

/// How far SQL has agreed with git.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The commit whose tree was taken.
    pub commit: CommitId,
    /// A digest of the settings, the schemas and the codec's version with which it was decoded.
    pub fingerprint: String,
}

/// The last good settings, so that a process without a repository can read, validate and save.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StoredConfig {
    /// The text of `lorebase.yaml`; empty when there is none.
    pub yaml: String,
    /// The texts of the schemas by path.
    pub schemas: BTreeMap<String, String>,
}

/// Who holds a lease: enough to see on the same machine whether it still lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The machine's name.
    pub host: String,
    /// The machine's boot id: process numbers mean nothing across boots.
    pub boot: String,
    /// The process.
    pub pid: u32,
    /// When the process started, in the system's own unit: a process number can be given again.
    pub started: u64,
    /// The engine within the process.
    pub instance: Uuid,
}

/// A lease as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Who holds it.
    pub owner: Owner,
    /// Until when it counts.
    pub until: Timestamp,
}

/// What became of asking for the lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeaseOutcome {
    /// It is ours; the new fence.
    Acquired(u64),
    /// Another owner holds it under this fence.
    Held {
        /// The lease.
        lease: Lease,
        /// Its fence: hand it back as `replacing` once the owner is known to be dead.
        fence: u64,
    },
}

/// Why a repository rests, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// For a person.
    pub reason: String,
    /// The code of the error that caused it.
    pub code: String,
    /// When one probe is made.
    pub until: Timestamp,
    /// How many probes have failed.
    pub attempts: u32,
}

/// Deletions that wait for confirmation because too much vanished at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldDeletions {
    /// The head at which they were seen.
    pub commit: CommitId,
    /// How many entities.
    pub count: u64,
    /// Since when.
    pub since: Timestamp,
}

/// One repository as read.
#[derive(Debug, Clone, PartialEq)]
pub struct RepositoryRow {
    /// The store's number.
    pub id: RepositoryId,
    /// Its name.
    pub key: RepositoryKey,
    /// The first commit of its history, once known.
    pub root: Option<CommitId>,
    /// How far SQL has agreed with git.
    pub cursor: Option<Cursor>,
    /// The last good settings.
    pub config: Option<StoredConfig>,
    /// The unique fields that every write is held to; `None` until somebody says.
    pub unique: Option<UniqueRules>,
    /// The number of the last lease.
    pub fence: u64,
    /// The lease, if any.
    pub lease: Option<Lease>,
    /// Why it rests, if it does.
    pub pause: Option<Pause>,
    /// Deletions waiting for confirmation.
    pub held: Option<HeldDeletions>,
}

/// One change of a prepared chain of commits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreparedItem {
    /// The identity.
    pub uid: i64,
    /// The change's revision at the time.
    pub revision: u64,
    /// The saves it held.
    pub operations: Vec<Uuid>,
    /// The commit that holds it.
    pub commit: CommitId,
    /// The blob of the whole file in the chain's tip; `None` when there is no such file.
    pub blob: Option<BlobId>,
    /// Whether the entity was removed (its JSON file may stay).
    pub removed: bool,
    /// Where it was written, or removed from.
    pub location: Location,
}

/// A chain of commits about to become visible: recorded before the compare-and-swap, so that a crash at any moment
/// can be told from a lost race.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prepared {
    /// Its id.
    pub id: Uuid,
    /// The fence under which it was made.
    pub fence: u64,
    /// What it stands on.
    pub parent: Option<CommitId>,
    /// Its last commit.
    pub tip: CommitId,
    /// Its changes.
    pub items: Vec<PreparedItem>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Everything that a round looks at first, as it stood at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlook {
    /// The repository's row.
    pub row: RepositoryRow,
    /// As [`CacheStore::diagnostics`] tells.
    pub findings: Vec<(Diagnostic, Option<BlobId>)>,
    /// As [`CacheStore::prepared`] tells.
    pub prepared: Vec<Prepared>,
    /// Whether [`CacheStore::pending`] would name anything.
    pub waiting: bool,
}

/// What changes in the repository's own row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RepositoryPatch {
    /// The first commit of the history.
    pub root: Slot<CommitId>,
    /// How far SQL has agreed with git.
    pub cursor: Slot<Cursor>,
    /// The last good settings.
    pub config: Slot<StoredConfig>,
    /// The unique fields from the next batch on. Where they change, all values are given anew: to live versions in the
    /// order of their places, then to changes, then to private fields in the order of their numbers.
    pub unique: Slot<UniqueRules>,
    /// Why it rests.
    pub pause: Slot<Pause>,
    /// Deletions waiting for confirmation.
    pub held: Slot<HeldDeletions>,
}

/// What happens when a record has moved since it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// Nothing of the batch is written.
    All,
    /// That record is left alone, everything else is written.
    Each,
}

/// One transaction.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// The repository.
    pub repository: RepositoryId,
    /// The fence that must still be current; `None` for saves, which need no lease.
    pub fence: Option<u64>,
    /// Takes the lease for this owner until `lease_until` (with a fence, which nobody may have raised since it was
    /// read); the fence goes up by one. Where another owner's lease still counts at `now`, the batch is `Fenced`.
    pub take: Option<Owner>,
    /// Extends the lease to this moment (with a fence).
    pub lease_until: Option<Timestamp>,
    /// Gives the lease back (with a fence).
    pub release: bool,
    /// What happens when a record has moved.
    pub guard: Guard,
    /// What happens where a write asks for a unique value of somebody else.
    pub claiming: Claiming,
    /// The records. Within a batch locations are freed before they are taken, so that paths can be swapped.
    pub writes: Vec<RecordWrite>,
    /// The repository's own row.
    pub repository_patch: RepositoryPatch,
    /// For each path the complete new list of findings; an empty list clears it. The blob is what was looked at.
    pub diagnostics: Vec<(String, Option<BlobId>, Vec<Diagnostic>)>,
    /// Chains about to become visible.
    pub prepared: Vec<Prepared>,
    /// Chains that are settled.
    pub settled: Vec<Uuid>,
    /// Log rows of no single record.
    pub log: Vec<LogWrite>,
    /// The moment of the transaction.
    pub now: Timestamp,
}

impl Batch {
    /// An empty batch.
    pub fn new(repository: RepositoryId, now: Timestamp) -> Self {
        Self {
            repository,
            fence: None,
            take: None,
            lease_until: None,
            release: false,
            guard: Guard::All,
            claiming: Claiming::default(),
            writes: Vec::new(),
            repository_patch: RepositoryPatch::default(),
            diagnostics: Vec::new(),
            prepared: Vec::new(),
            settled: Vec::new(),
            log: Vec::new(),
            now,
        }
    }
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApplyOutcome {
    /// It is durable, except for the writes (by index) whose records had moved (with [`Guard::Each`]).
    Applied {
        /// The number of each written record, in the order of the writes.
        uids: Vec<i64>,
        /// Indexes of writes that were left alone.
        moved: Vec<usize>,
    },
    /// Nothing was written: these writes' records had moved (with [`Guard::All`]).
    Moved(Vec<usize>),
    /// Nothing was written: another owner has the lease under this fence.
    Fenced(u64),
    /// Nothing was written: this write's place belongs to another identity.
    LocationTaken {
        /// The index of the write.
        write: usize,
        /// The identity that has the place.
        by: EntityKey,
    },
    /// Nothing was written: this write's value of a unique field belongs to another identity (see [`Claiming`]).
    ValueTaken {
        /// The index of the write.
        write: usize,
        /// The field.
        field: String,
        /// The identity that has the value.
        by: EntityKey,
    },
    /// Nothing was written: a log row with this idempotency key exists.
    Duplicate(PriorSave),
}

/// What an idempotency key was used for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriorSave {
    /// The operation.
    pub operation_id: Uuid,
    /// The identity it wrote.
    pub key: EntityKey,
    /// The revision it gave.
    pub revision: u64,
}

/// One database of many repositories.
///
/// Errors of every method: `Unavailable` (the database cannot be reached), `Busy` (locked longer than the bounded
/// wait), `Corrupt`, `Unsupported` (a newer schema).
#[async_trait]
pub trait CacheStore: Debug + Send + Sync + 'static {
    /// The row of a repository, made when it does not exist.
    async fn attach(&self, key: &RepositoryKey, now: Timestamp) -> Result<RepositoryRow>;

    /// The row of a repository. Errors: `NotFound`.
    async fn repository(&self, id: RepositoryId) -> Result<RepositoryRow>;

    /// What a round looks at first; `due` as for [`pending`](Self::pending). Errors: `NotFound`.
    async fn outlook(&self, id: RepositoryId, due: Option<Timestamp>) -> Result<Outlook>;

    /// Takes the lease where it is free, expired at `now`, held by `owner` itself, or held under the fence
    /// `replacing`; one conditional update. Every acquisition raises the fence by one.
    async fn lease(&self, id: RepositoryId, owner: &Owner, now: Timestamp, ttl: Duration, replacing: Option<u64>) -> Result<LeaseOutcome>;

    /// Gives the lease back if `fence` is still current; nothing otherwise.
    async fn release(&self, id: RepositoryId, fence: u64) -> Result<()>;

    /// One transaction: all of it, or what [`ApplyOutcome`] says.
    async fn apply(&self, batch: &Batch) -> Result<ApplyOutcome>;

    /// The same for a large batch, which is shared with the store's threads instead of copied for them.
    async fn apply_shared(&self, batch: Arc<Batch>) -> Result<ApplyOutcome>;

    /// The records of identities, in the order asked.
    async fn records(&self, id: RepositoryId, keys: &[EntityKey]) -> Result<Vec<Option<Record>>>;

    /// The records of the store's numbers, in the order asked.
    async fn records_by_uid(&self, id: RepositoryId, uids: &[i64]) -> Result<Vec<Option<Record>>>;

    /// Every record whose live version or placed change is at one of these locations, ordered by number.
    async fn records_at(&self, id: RepositoryId, locations: &[LocationKey]) -> Result<Vec<Record>>;

    /// Every record with a live version in one of these files (all entries of a JSON file), ordered by number.
    async fn records_in(&self, id: RepositoryId, paths: &[String]) -> Result<Vec<Record>>;

    /// The records of a kind whose live version or change has this slug, ordered by number.
    async fn records_by_slug(&self, id: RepositoryId, kind: &KindName, slug: &Slug) -> Result<Vec<Record>>;

    /// Who holds each of these unique values: the record's number, in the order asked.
    async fn holders(&self, id: RepositoryId, values: &[UniqueValue]) -> Result<Vec<Option<i64>>>;

    /// Every record of a kind that has a live version or a change and a field (possibly a private one) of exactly
    /// this JSON value, ordered by number.
    async fn records_by_field(&self, id: RepositoryId, kind: &KindName, field: &str, value: &serde_json::Value) -> Result<Vec<Record>>;

    /// Live versions ordered by path and entry, after the given location, at most `limit`.
    async fn manifest(&self, id: RepositoryId, after: Option<&Location>, limit: usize) -> Result<Vec<ManifestRow>>;

    /// Pending changes that are not dead, oldest `updated_at` first (then number); with `due`, only those whose
    /// `due_at` is not after it.
    async fn pending(&self, id: RepositoryId, due: Option<Timestamp>, limit: usize) -> Result<Vec<Record>>;

    /// The numbers of what [`pending`](Self::pending) names, in its order.
    async fn waiting(&self, id: RepositoryId, due: Option<Timestamp>, limit: usize) -> Result<Vec<i64>>;

    /// All records in conflict, ordered by number.
    async fn conflicts(&self, id: RepositoryId) -> Result<Vec<Record>>;

    /// All records whose change is dead, ordered by number.
    async fn dead(&self, id: RepositoryId) -> Result<Vec<Record>>;

    /// All records with a draft, ordered by number.
    async fn drafts(&self, id: RepositoryId) -> Result<Vec<Record>>;

    /// The bytes of an old revision, if still kept.
    async fn revision(&self, id: RepositoryId, uid: i64, revision: u64) -> Result<Option<KeptRevision>>;

    /// Forgets the kept bytes of revisions written before `before`, except each record's live and change revisions,
    /// and log rows older than `before`; with the last revision of an entity that is gone its private fields. Returns how
    /// many rows went.
    async fn prune(&self, id: RepositoryId, before: Timestamp) -> Result<u64>;

    /// What a source said last about an entity.
    async fn source(&self, id: RepositoryId, uid: i64, source: &str) -> Result<Option<SourceState>>;

    /// What a source said about all entities, ordered by number, after the given number, at most `limit`.
    async fn said_by(&self, id: RepositoryId, source: &str, after: i64, limit: usize) -> Result<Vec<(i64, SourceState)>>;

    /// Chains recorded before their compare-and-swap and not settled, oldest first.
    async fn prepared(&self, id: RepositoryId) -> Result<Vec<Prepared>>;

    /// What an idempotency key was used for.
    async fn prior_save(&self, id: RepositoryId, idempotency_key: &str) -> Result<Option<PriorSave>>;

    /// All findings with the blob that was looked at, ordered by path.
    async fn diagnostics(&self, id: RepositoryId) -> Result<Vec<(Diagnostic, Option<BlobId>)>>;

    /// One page of a query. Errors: `InvalidInput` for a cursor of another query.
    async fn list(&self, id: RepositoryId, query: &Query) -> Result<Page>;

    /// Brings the index of words up to date for at most `most` records, in one transaction; how many records still
    /// wait. Many writes at once may leave this for later, and a store without an index has nothing to do.
    async fn index(&self, most: usize) -> Result<u64>;

    /// Full-text search over title, field texts and body; every word must occur, the last may be a prefix. Best
    /// first, at most `limit`. What was written before is found, whether it was [indexed](Self::index) or not.
    async fn search(&self, id: RepositoryId, text: &str, kind: Option<&KindName>, view: View, limit: usize) -> Result<Vec<SearchHit>>;

    /// Log rows, newest first.
    async fn log(&self, id: RepositoryId, query: &LogQuery) -> Result<Vec<LogEntry>>;

    /// The numbers of the repository. `failures_since`: from when failed log rows count as recent.
    async fn counts(&self, id: RepositoryId, failures_since: Timestamp) -> Result<Counts>;
}
