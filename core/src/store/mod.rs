//! The contracts of the stores and the values they exchange. A store does I/O and decides nothing; a lost race is
//! a value it returns, not an error. Every implementation passes the suites in `conformance`.

mod cache;
mod git;
mod query;
mod record;

pub use cache::{
    ApplyOutcome, Batch, CacheStore, Cursor, Guard, HeldDeletions, Lease, LeaseOutcome, Owner, Pause, Prepared, PreparedItem, PriorSave,
    RepositoryId, RepositoryKey, RepositoryPatch, RepositoryRow, StoredConfig,
};
pub use git::{
    AdvanceOutcome, BlobId, BlobRead, Blocked, CommitId, CommitInfo, EntryMode, FileChange, GitStore, NewCommit, Signature, TreeEdit,
    TreeEntry,
};
pub use query::{
    Counts, Direction, Filter, FilterOp, LogEntry, LogQuery, LogStatus, LogWrite, Operation, Page, Query, SearchHit, SortKey, View,
};
pub use record::{
    Base, Change, ChangeAction, ChangeState, ConflictNote, ConflictReason, KeptRevision, Live, ManifestRow, Record, RecordWrite, Slot,
    Target,
};
