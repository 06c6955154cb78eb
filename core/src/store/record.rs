//! What the cache keeps of one identity, and how it is written. The live version is what git held at the cursor; the
//! change is ours and not yet there; everything is written whole, guarded by the stamp that the plan has read.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{BlobId, CommitId, LogWrite};
use crate::knowledge::{Author, Content, EntityKey, Fields, Location};

/// What git held at the cursor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Live {
    /// The version.
    pub content: Content,
    /// Its number.
    pub revision: u64,
    /// The blob of the whole file.
    pub blob: BlobId,
    /// The commit that brought it.
    pub commit: CommitId,
    /// Whether the file gives the id itself.
    pub explicit_id: bool,
    /// When SQL and git were last seen equal.
    pub synced_at: Timestamp,
}

/// What a change does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeAction {
    /// Write the content.
    Write,
    /// Remove the file (or entry); the content is what was removed.
    Delete,
    /// Remove the file (or entry) and keep the content as a draft.
    Archive,
}

/// Where a change stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeState {
    /// Goes to git.
    Pending,
    /// Stays here until it is published.
    Draft,
    /// Waits for a person.
    Conflict,
}

/// The version of git that a change was made from: its bytes, because git may have collected the blob.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Base {
    /// The version.
    pub content: Content,
    /// The blob of its whole file.
    pub blob: BlobId,
}

/// Ours: what was saved and is not in git yet. At most one per identity; a later save collapses into it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// What it does.
    pub action: ChangeAction,
    /// Where it stands.
    pub state: ChangeState,
    /// The new version.
    pub content: Content,
    /// Whether the content has a place of its own; a change whose path was taken by another identity has none.
    pub placed: bool,
    /// Its number.
    pub revision: u64,
    /// What it was made from; `None` for something that git never had.
    pub base: Option<Base>,
    /// Who saved last.
    pub author: Author,
    /// Who else saved into it.
    pub co_authors: Vec<Author>,
    /// The commit message asked for.
    pub message: Option<String>,
    /// The ids of all saves it holds, in order.
    pub operations: Vec<Uuid>,
    /// When the first of them was acknowledged.
    pub created_at: Timestamp,
    /// When the last of them was acknowledged.
    pub updated_at: Timestamp,
    /// How often publishing it was tried in vain.
    pub attempts: u32,
    /// Not before this moment is it tried again.
    pub due_at: Timestamp,
    /// Why the last try failed, for a person.
    pub last_error: Option<String>,
    /// Whether it can never be published as it is.
    pub dead: bool,
}

/// Why a person must decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConflictReason {
    /// Both sides changed the same thing.
    BothChanged,
    /// Git removed what was edited here.
    DeletedInGit,
    /// What was removed here was edited in git.
    DeletedInCache,
    /// Git gave the path to another identity.
    PathTaken,
    /// The merged result is not a valid document.
    InvalidMerge,
}

/// What a conflict is about. Ours is the change, the base is the change's base, theirs is the live version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConflictNote {
    /// Why.
    pub reason: ConflictReason,
    /// The fields that differ on both sides, in order.
    pub fields: Vec<String>,
    /// Whether the bodies differ on both sides.
    pub body: bool,
    /// Git's commit.
    pub commit: CommitId,
    /// Its author, where it could be read.
    pub author: Option<Author>,
    /// Since when.
    pub since: Timestamp,
}

/// Everything about one identity, as read.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The store's own number of this identity: it stays when kind or id change.
    pub uid: i64,
    /// Changes with every write to this identity; the guard of every write.
    pub stamp: u64,
    /// The identity.
    pub key: EntityKey,
    /// The highest revision given so far.
    pub revision: u64,
    /// What git held at the cursor.
    pub live: Option<Live>,
    /// Ours.
    pub change: Option<Change>,
    /// What the change's conflict is about; only while its state is [`ChangeState::Conflict`].
    pub conflict: Option<ConflictNote>,
    /// Fields that stay in SQL.
    pub private: Fields,
}

impl Record {
    /// The record after a write that was admitted.
    #[must_use]
    pub fn written(&self, write: &RecordWrite) -> Self {
        let mut record = Self { stamp: self.stamp + 1, ..self.clone() };
        record.take(write);
        record
    }

    /// Becomes what a write makes of it; the stamp stays.
    pub(crate) fn take(&mut self, write: &RecordWrite) {
        self.key = write.key.clone();
        self.revision = self.revision.max(write.revision);
        patch(&mut self.live, write.live.clone());
        patch(&mut self.change, write.change.clone());
        patch(&mut self.conflict, write.conflict.clone());
        if self.change.as_ref().is_none_or(|change| change.state != ChangeState::Conflict) {
            self.conflict = None;
        }
        match &write.private {
            Slot::Keep => {}
            Slot::Set(private) => self.private.clone_from(private),
            Slot::Clear => self.private.clear(),
        }
    }
}

/// What becomes of one part.
pub(crate) fn patch<T>(part: &mut Option<T>, slot: Slot<T>) {
    match slot {
        Slot::Keep => {}
        Slot::Set(value) => *part = Some(value),
        Slot::Clear => *part = None,
    }
}

/// What happens to one part of a record.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Slot<T> {
    /// Nothing.
    #[default]
    Keep,
    /// It becomes this.
    Set(T),
    /// It goes away.
    Clear,
}

/// Which record is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// One that does not exist yet: it moved if the key exists.
    New,
    /// One as it was read: it moved if its stamp differs or it is gone.
    Existing {
        /// The record.
        uid: i64,
        /// As read.
        stamp: u64,
    },
}

/// The bytes of one revision, kept so that a form made from it can still be merged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptRevision {
    /// The number.
    pub revision: u64,
    /// The version.
    pub content: Content,
    /// The private fields that stood beside it.
    pub private: Fields,
    /// When it was written.
    pub created_at: Timestamp,
}

/// What an external source (a CRM, a directory) said last about an entity: the base of its next refresh.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceState {
    /// Its values by field, as it gave them last.
    pub said: Fields,
    /// Fields where its last change met an edit of a person's and nobody has decided yet, in order.
    pub open: Vec<String>,
    /// When it changed its mind last.
    pub at: Timestamp,
}

/// One guarded write of one identity. A record without live version, change and log of its own is still kept: its
/// revision counter must never go back.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordWrite {
    /// Which record.
    pub target: Target,
    /// The identity after the write (an id can change when a file without one moves).
    pub key: EntityKey,
    /// The highest revision after the write.
    pub revision: u64,
    /// The live version.
    pub live: Slot<Live>,
    /// Ours.
    pub change: Slot<Change>,
    /// The conflict.
    pub conflict: Slot<ConflictNote>,
    /// The private fields.
    pub private: Slot<Fields>,
    /// What an external source said, by its name.
    pub source: Option<(String, SourceState)>,
    /// Revisions whose bytes are kept; one that is there already is left alone.
    pub keep: Vec<KeptRevision>,
    /// Log rows of this identity.
    pub log: Vec<LogWrite>,
}

impl RecordWrite {
    /// A write that changes nothing yet.
    pub fn new(target: Target, key: EntityKey, revision: u64) -> Self {
        Self {
            target,
            key,
            revision,
            live: Slot::Keep,
            change: Slot::Keep,
            conflict: Slot::Keep,
            private: Slot::Keep,
            source: None,
            keep: Vec::new(),
            log: Vec::new(),
        }
    }

    /// A write onto a record as it was read, that changes nothing yet.
    pub fn onto(record: &Record) -> Self {
        Self::new(Target::Existing { uid: record.uid, stamp: record.stamp }, record.key.clone(), record.revision)
    }
}

/// One row of the manifest: what SQL last agreed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestRow {
    /// The store's own number of the identity.
    pub uid: i64,
    /// The identity.
    pub key: EntityKey,
    /// Where the live version is.
    pub location: Location,
    /// The blob of its whole file.
    pub blob: BlobId,
}
