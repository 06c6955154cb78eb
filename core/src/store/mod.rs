//! The contracts of the stores and the values they exchange. A store does I/O and decides nothing; a lost race is
//! a value it returns, not an error. Every implementation passes the suites in `conformance`.

mod admission;
mod cache;
mod filter;
mod git;
mod page;
mod query;
mod record;
mod unique;
mod values;
mod view;
mod words;

pub use admission::{Admission, Admitted, Claim, Standing, admit, claims};
pub use cache::{
    ApplyOutcome, Batch, CacheStore, Cursor, Guard, HeldDeletions, Lease, LeaseOutcome, Outlook, Owner, Pause, Prepared, PreparedItem,
    PriorSave, RepositoryId, RepositoryKey, RepositoryPatch, RepositoryRow, StoredConfig,
};
pub use git::{
    AdvanceOutcome, BlobId, BlobRead, Blocked, CommitId, CommitInfo, EntryMode, FileChange, GitStore, NewCommit, Signature, TreeEdit,
    TreeEntry,
};
pub use page::Position;
pub use query::{
    Counts, Direction, Filter, FilterOp, LogEntry, LogQuery, LogStatus, LogWrite, Operation, Page, Query, SearchHit, SortKey, View,
};
pub(crate) use record::patch;
pub use record::{
    Base, Change, ChangeAction, ChangeState, ConflictNote, ConflictReason, KeptRevision, Live, ManifestRow, Record, RecordWrite, Slot,
    SourceState, Target,
};
pub use unique::{Claiming, Grants, Side, UniqueRules, UniqueValue, regrant, unique_rules, unique_values};
pub use values::{compare_numbers, compare_sorted, json_equal, sort_rank};
pub use view::Seen;
pub use words::{Words, distinct, terms};
