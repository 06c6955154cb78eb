//! The contract of the git side: one branch of one repository, read by tree and written by compare-and-swap.

use std::fmt;
use std::fmt::Debug;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::knowledge::Author;

macro_rules! object_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps the lower-case hexadecimal id (40 digits with SHA-1, 64 with SHA-256).
            pub fn new(hex: impl Into<String>) -> Self {
                Self(hex.into())
            }

            /// The hexadecimal id.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
object_id!(
    /// The id of a commit.
    CommitId
);
object_id!(
    /// The id of a blob: equal ids mean equal bytes.
    BlobId
);

/// What an entry of a tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EntryMode {
    /// A regular file (100644).
    File,
    /// An executable file (100755).
    Executable,
    /// A symbolic link; never followed.
    Symlink,
    /// A submodule; never entered.
    Submodule,
}

/// One file of a tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeEntry {
    /// The path from the top. Bytes that are not UTF-8 are replaced by U+FFFD, which no safe path holds.
    pub path: String,
    /// What it is.
    pub mode: EntryMode,
    /// Its blob (for a submodule, the commit it names).
    pub blob: BlobId,
}

/// One difference between two trees. A rename is a removal and an addition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// The path from the top.
    pub path: String,
    /// What was there.
    pub old: Option<TreeEntry>,
    /// What is there now.
    pub new: Option<TreeEntry>,
}

/// The answer to reading one blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlobRead {
    /// The bytes.
    Found(Vec<u8>),
    /// It is larger than the caller's limit; its size in bytes. Nothing was read.
    TooLarge(u64),
    /// No such blob here (a partial clone, or it was collected).
    Missing,
}

/// A person and a moment, as a commit records them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Who.
    pub author: Author,
    /// When; git keeps whole seconds.
    pub time: Timestamp,
}

/// One change to a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TreeEdit {
    /// Write a file; an existing one keeps its mode, a new one is a regular file.
    Put {
        /// The path from the top.
        path: String,
        /// The whole content.
        bytes: Vec<u8>,
    },
    /// Write a file whose content was [stored](GitStore::store) before; else as `Put`.
    Place {
        /// The path from the top.
        path: String,
        /// The content.
        blob: BlobId,
    },
    /// Remove a file; nothing happens when it is not there.
    Remove {
        /// The path from the top.
        path: String,
    },
}

/// A commit to be made. Removals are applied before writes, so that two files can swap their paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCommit {
    /// Who made the change.
    pub author: Signature,
    /// Who commits it.
    pub committer: Signature,
    /// The whole message, trailers included.
    pub message: String,
    /// What it changes against its parent.
    pub edits: Vec<TreeEdit>,
}

/// Who made a commit and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitInfo {
    /// The commit.
    pub id: CommitId,
    /// Its parents.
    pub parents: Vec<CommitId>,
    /// Who made the change.
    pub author: Signature,
    /// Who committed it.
    pub committer: Signature,
    /// The whole message.
    pub message: String,
}

/// One path that cannot be written now because of a person's uncommitted work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocked {
    /// The path from the top.
    pub path: String,
    /// Why, for a person: `edited but not committed`, `staged`, …
    pub reason: String,
}

/// What became of a compare-and-swap of the branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdvanceOutcome {
    /// The branch is at the new tip.
    Advanced,
    /// The branch was not where the caller expected it; where it is now. Nothing changed.
    Moved(Option<CommitId>),
    /// A checkout holds uncommitted work at a touched path. Nothing changed.
    Blocked(Vec<Blocked>),
}

/// One branch of one repository.
///
/// Errors of every method: `Unavailable` (the repository cannot be read or written now), `Busy` (another program
/// holds a lock longer than the bounded wait), `Corrupt` (damaged objects), `Unsupported`.
#[async_trait]
pub trait GitStore: Debug + Send + Sync + 'static {
    /// The commit the branch points at, `None` for a branch without commits.
    async fn head(&self) -> Result<Option<CommitId>>;

    /// The first commit of `tip`'s first-parent history; `None` where history is cut off (a shallow clone).
    async fn root(&self, tip: &CommitId) -> Result<Option<CommitId>>;

    /// Whether the repository has the object of this commit, reachable or not.
    async fn exists(&self, commit: &CommitId) -> Result<bool>;

    /// The differences between the trees of two commits, ordered by path; all files of `to` where `from` is `None`.
    /// Errors: `NotFound` when either commit is not in the repository.
    async fn changes(&self, from: Option<&CommitId>, to: &CommitId) -> Result<Vec<FileChange>>;

    /// All files of a commit's tree, ordered by path. Errors: `NotFound`.
    async fn tree(&self, at: &CommitId) -> Result<Vec<TreeEntry>>;

    /// The entries at these paths of a commit's tree, in the order asked; `None` where there is no file.
    async fn lookup(&self, at: &CommitId, paths: &[String]) -> Result<Vec<Option<TreeEntry>>>;

    /// The bytes of blobs, in the order asked; a blob larger than `limit` bytes is not read.
    async fn read(&self, blobs: &[BlobId], limit: u64) -> Result<Vec<BlobRead>>;

    /// Who made a commit. Errors: `NotFound`.
    async fn commit(&self, id: &CommitId) -> Result<CommitInfo>;

    /// Takes contents for [`TreeEdit::Place`], so that a commit of very much need not be in memory at once. They are
    /// durable with the next chain that is prepared and places some of them, whoever prepares it, and may be gone if
    /// there is none.
    async fn store(&self, blobs: Vec<Vec<u8>>) -> Result<Vec<BlobId>>;

    /// Writes the objects of a chain of commits, the first on `parent` (`None`: a first commit), each on the one
    /// before. Durable when it returns; nothing is visible yet; objects of a chain that never becomes visible are
    /// harmless. Returns the ids in order. Errors: `InvalidInput` when an edit's path meets a folder or a file where
    /// a folder must be; `NotFound` for a parent or a placed blob that the repository does not have.
    async fn prepare(&self, parent: Option<&CommitId>, commits: &[NewCommit]) -> Result<Vec<CommitId>>;

    /// Moves the branch from `expected` (`None`: it does not exist) to `tip` by compare-and-swap, durably. With a
    /// checkout of this branch, index and work tree follow for the touched paths, and uncommitted work of a person
    /// is never overwritten ([`AdvanceOutcome::Blocked`]). An error leaves open whether the branch moved: ask
    /// [`contains`](Self::contains).
    async fn advance(&self, expected: Option<&CommitId>, tip: &CommitId) -> Result<AdvanceOutcome>;

    /// Whether `commit` is `tip` or one of its ancestors; `false` when the repository does not have it.
    async fn contains(&self, tip: &CommitId, commit: &CommitId) -> Result<bool>;
}
