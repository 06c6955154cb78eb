//! What can be asked of the cache, and the log.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::Record;
use crate::knowledge::{EntityId, EntityKey, KindName, Status};

/// Which version of an entity a reader means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum View {
    /// What git holds plus pending saves (a pending deletion hides); never drafts; in a conflict git's version.
    #[default]
    Published,
    /// Drafts and our side of conflicts on top.
    Working,
}

/// How a filter compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FilterOp {
    /// Equal to the value (JSON equality, numbers by value). A missing field equals `null`.
    Eq,
    /// Not equal; a missing field is not equal to anything but `null`.
    Ne,
    /// Less than: numbers by value, strings by code point; other types never.
    Lt,
    /// Less than or equal.
    Le,
    /// Greater than.
    Gt,
    /// Greater than or equal.
    Ge,
    /// A list holds the value, a list of mappings holds one with such a value in any field, or a string holds it as
    /// a part (case counts).
    Contains,
    /// The value is one of a list.
    In,
}

/// One condition on a field; dots go into mappings (`owner.email`). `title`, `slug`, `id`, `kind`, `path` and
/// `status` that are not fields mean the entity's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Filter {
    /// The field.
    pub field: String,
    /// The comparison.
    pub op: FilterOp,
    /// The value.
    pub value: Value,
}

/// The order of a list; equal ones by kind and id.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SortKey {
    /// By kind and slug.
    #[default]
    Slug,
    /// By title.
    Title,
    /// By when the version was synced or saved.
    Updated,
    /// By a field (dots go into mappings): missing and null first, then numbers, then texts; anything else last.
    Field(String),
}

/// A list of entities.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Query {
    /// Only this kind.
    pub kind: Option<KindName>,
    /// Only this workflow status.
    pub status: Option<Status>,
    /// All of these conditions.
    pub filters: Vec<Filter>,
    /// The order.
    pub sort: SortKey,
    /// Turns the order round.
    pub descending: bool,
    /// Which version.
    pub view: View,
    /// At most so many; 0 means 50, more than 1,000 means 1,000.
    pub limit: usize,
    /// Where the last page ended: [`Page::next_cursor`].
    pub cursor: Option<String>,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The records; the view says which of their versions was asked for.
    pub items: Vec<Record>,
    /// Where the next page begins; `None` at the end.
    pub next_cursor: Option<String>,
    /// How many match in all.
    pub total: u64,
}

/// One found entity.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchHit {
    /// The record.
    pub record: Record,
    /// A part of the text with the found words between `[` and `]`.
    pub snippet: String,
}

/// What happened to an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// It came to be.
    Create,
    /// It changed.
    Update,
    /// It went away.
    Delete,
    /// It was read again without a change of content.
    Refresh,
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// A save on its way to git.
    #[serde(rename = "db-to-git")]
    DbToGit,
    /// A commit on its way to SQL.
    #[serde(rename = "git-to-db")]
    GitToDb,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogStatus {
    /// Not yet.
    Pending,
    /// Well.
    Success,
    /// Not.
    Failed,
}

/// A log row to be written, or (same id) to be completed: the last write of an id wins, except that `started_at`
/// and `idempotency_key` stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogWrite {
    /// The operation's id; for saves the id in the commit's trailer.
    pub id: Uuid,
    /// The identity at the time.
    pub key: EntityKey,
    /// What happened.
    pub operation: Operation,
    /// Which way.
    pub direction: Direction,
    /// How it ended.
    pub status: LogStatus,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// Why it failed.
    pub error: Option<String>,
    /// The commit.
    pub commit: Option<String>,
    /// Who: a user's `Name <mail>` or `system`.
    pub synced_by: String,
    /// The revision it gave or took.
    pub revision: u64,
    /// The caller's key; unique in the repository.
    pub idempotency_key: Option<String>,
}

impl LogWrite {
    /// The row of a save that waits once more.
    pub fn reopened(id: Uuid, key: &EntityKey, change: &super::Change) -> Self {
        Self {
            id,
            key: key.clone(),
            operation: Operation::Update,
            direction: Direction::DbToGit,
            status: LogStatus::Pending,
            started_at: change.created_at,
            completed_at: None,
            error: None,
            commit: None,
            synced_by: change.author.to_string(),
            revision: change.revision,
            idempotency_key: None,
        }
    }
}

/// A log row. Rows outlive their entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogEntry {
    /// The operation's id.
    pub id: Uuid,
    /// The kind.
    pub kind: KindName,
    /// The entity's id.
    pub entity_id: EntityId,
    /// What happened.
    pub operation: Operation,
    /// Which way.
    pub direction: Direction,
    /// How it ended.
    pub status: LogStatus,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// Why it failed.
    pub error: Option<String>,
    /// The commit.
    pub git_commit_sha: Option<String>,
    /// Who.
    pub synced_by: String,
}

/// Which log rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogQuery {
    /// Only this identity's.
    pub key: Option<EntityKey>,
    /// Only those that ended so.
    pub status: Option<LogStatus>,
    /// Only those begun at or after this moment.
    pub since: Option<Timestamp>,
    /// At most so many; 0 means 100.
    pub limit: usize,
}

/// The numbers of a repository. Each record with a live version or a change counts once, in the first group that
/// fits: conflict, failed (dead), pending, draft, synced.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// Live and clean.
    pub synced: u64,
    /// Waiting to be committed.
    pub pending: u64,
    /// Dead letters.
    pub failed: u64,
    /// Waiting for a person.
    pub conflict: u64,
    /// Held in SQL.
    pub draft: u64,
    /// Files with at least one error diagnostic.
    pub invalid: u64,
    /// Failed log rows since the given moment.
    pub recent_failures: u64,
    /// The `updated_at` of the oldest pending change that is not dead.
    pub oldest_pending: Option<Timestamp>,
}
