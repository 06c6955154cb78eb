//! What a synchronisation did, and how far it is.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::store::{Blocked, CommitId};

/// The numbers of one synchronisation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SyncReport {
    /// The commit at which both sides are equal now; `None` for a branch without commits.
    pub synced_commit: Option<CommitId>,
    /// Entities that came from git.
    pub created: u64,
    /// Entities that changed in git.
    pub updated: u64,
    /// Entities whose file moved in git.
    pub renamed: u64,
    /// Entities that git removed.
    pub deleted: u64,
    /// Files that were looked at and had nothing new.
    pub unchanged: u64,
    /// Changes that were committed.
    pub published: u64,
    /// Changes that were merged with git's version.
    pub merged: u64,
    /// Entities now waiting for a person.
    pub conflicts: u64,
    /// Files that cannot be understood.
    pub invalid: u64,
    /// Deletions held back because too much vanished at once.
    pub held_deletions: u64,
    /// Paths whose changes wait for a person's uncommitted work.
    pub blocked: Vec<Blocked>,
    /// Whether it was asked to stop on the way: what the other numbers say is done, the next synchronisation goes on
    /// from there.
    pub cancelled: bool,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// What a synchronisation is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Reading files from git into SQL.
    Ingest,
    /// Committing changes.
    Publish,
    /// Making what was written findable by search; both sides are equal already.
    Index,
}

/// How far a synchronisation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What it is doing.
    pub phase: Phase,
    /// How many files or changes are done.
    pub done: u64,
    /// How many there are.
    pub total: u64,
}

/// Called with the progress between two transactions, on the task that synchronises; it must return soon.
pub type ProgressFn = Arc<dyn Fn(Progress) + Send + Sync>;
