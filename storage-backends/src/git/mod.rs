//! The git side on real repositories: [`GixStore`], one branch of one repository. gix reads and writes objects; the
//! branch, the checkout and everything about durability are done here, because gix never waits for the disk. No
//! `git` program is needed, and nothing outside this folder knows of gix.
//!
//! Besides git's own files there is one folder `lorebase` in the repository: the writers' lock, the mark that tells our
//! lock files from others, and the journal from which an interrupted move of the branch is completed.

mod advance;
mod attributes;
mod branch;
mod checkout;
mod delta;
mod durable;
mod errors;
mod history;
mod index;
mod journal;
mod lock;
mod make;
mod objects;
mod open;
mod options;
mod pack;
mod person;
mod read;
mod recent;
mod recovery;
mod reference;
mod worktree;
mod write;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use gix::ObjectId;
use lorebase::Result;
use lorebase::store::{AdvanceOutcome, BlobId, BlobRead, CommitId, CommitInfo, FileChange, GitStore, NewCommit, TreeEntry};

pub use options::{Durability, GitOptions, ObjectFormat};
pub use person::person;

use crate::runtime::run_blocking;

/// How many packs that no branch names yet are guarded at most.
const MOST_KEPT: usize = 16;

/// One branch of one repository on disk. Cheap to clone.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use lorebase::store::GitStore;
/// use lorebase_backends::git::{GitOptions, GixStore};
///
/// let folder = tempfile::tempdir()?;
/// let options = GitOptions { init: true, bare: true, ..GitOptions::new(folder.path().join("knowledge.git")) };
/// let store = GixStore::open(options).await?;
/// assert_eq!(store.branch(), "main");
/// assert_eq!(store.head().await?, None);
/// # Ok(())
/// # })
/// # }
/// ```
#[derive(Clone)]
pub struct GixStore(Arc<Shared>);

struct Shared {
    repo: gix::ThreadSafeRepository,
    hash: gix::hash::Kind,
    /// The full name.
    branch: String,
    /// Of the opened work tree.
    git_dir: PathBuf,
    /// Opened as a repository without a work tree of its own; linked ones there may still be.
    bare: bool,
    /// Of all work trees.
    common_dir: PathBuf,
    objects: PathBuf,
    /// Our own folder in `common_dir`.
    own: PathBuf,
    disk: durable::Disk,
    wait: Duration,
    /// Packs of this store that the branch may not name yet: their tip and their `.keep`.
    kept: Mutex<VecDeque<(ObjectId, PathBuf)>>,
    /// The handle that read blobs last, with what it unpacked. Let go when the next round asks for the head.
    reader: Mutex<Option<gix::Repository>>,
    recent: recent::Recent,
    /// What will be the branch's file once it moves to the tip that was prepared last: flushed with its objects.
    next: Mutex<Option<reference::Next>>,
    /// An index as it was read or written last.
    index: Mutex<Option<index::Index>>,
    /// A pack with blobs that no commit names yet.
    begun: Mutex<Option<pack::PackWriter>>,
}

impl GixStore {
    /// Opens a repository, or makes it with [`GitOptions::init`]. What an interrupted process left behind is
    /// completed first.
    ///
    /// # Errors
    /// `NotFound` (no folder, no repository, no such branch), `InvalidInput` (`HEAD` is detached and no branch is
    /// named, a bad name), `Unsupported` (reftable or another extension), `Unavailable` (it cannot be read or written,
    /// or belongs to another user).
    pub async fn open(options: GitOptions) -> Result<Self> {
        run_blocking(move || open::open(&options).map(|shared| Self(Arc::new(shared)))).await
    }

    /// The branch's short name.
    pub fn branch(&self) -> &str {
        self.0.branch.strip_prefix("refs/heads/").unwrap_or(&self.0.branch)
    }

    /// The folder of Lorebase's own files in the repository, shared by all its work trees; it may not exist yet.
    pub fn folder(&self) -> &std::path::Path {
        &self.0.own
    }

    async fn blocking<T: Send + 'static>(&self, call: impl FnOnce(&Shared) -> Result<T> + Send + 'static) -> Result<T> {
        let shared = self.0.clone();
        run_blocking(move || call(&shared)).await
    }
}

impl fmt::Debug for GixStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GixStore").field("repository", &self.0.git_dir).field("branch", &self.branch()).finish_non_exhaustive()
    }
}

impl Shared {
    fn local(&self) -> gix::Repository {
        self.repo.to_thread_local()
    }

    /// An id of this repository's hash; `None` for any other text.
    fn object_id(&self, hex: &str) -> Option<ObjectId> {
        ObjectId::from_hex(hex.as_bytes()).ok().filter(|id| id.kind() == self.hash)
    }

    /// A commit's id and its tree's. Errors: `NotFound`.
    fn commit(&self, repo: &gix::Repository, id: &CommitId) -> Result<(ObjectId, ObjectId)> {
        let missing = || errors::no_commit(id.as_str());
        let failed = |error| errors::gix(&format!("read the commit {id}"), error);
        let oid = self.object_id(id.as_str()).ok_or_else(missing)?;
        let object = repo.try_find_object(oid).map_err(failed)?.ok_or_else(missing)?;
        if object.kind != gix::objs::Kind::Commit {
            return Err(missing());
        }
        let tree = object.into_commit().tree_id().map_err(failed)?.detach();
        Ok((oid, tree))
    }

    /// What was flushed for a tip that was prepared, once.
    fn next(&self, tip: ObjectId) -> Option<reference::Next> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner).take_if(|next| next.tip == tip)
    }

    fn known_index(&self) -> Option<index::Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Keeps one of these for the next move: they are what their files hold.
    fn know_index(&self, indexes: Vec<index::Index>) {
        *self.index.lock().unwrap_or_else(PoisonError::into_inner) = indexes.into_iter().next();
    }

    /// The tree of a commit that a reader asks for.
    fn tree_of(&self, repo: &gix::Repository, id: &CommitId) -> Result<(ObjectId, ObjectId)> {
        if let Some(known) = self.object_id(id.as_str()).and_then(|oid| Some((oid, self.recent.root(&oid)?))) {
            return Ok(known);
        }
        let (oid, tree) = self.commit(repo, id)?;
        self.recent.keep_root(oid, tree);
        Ok((oid, tree))
    }

    /// Remembers the guard of a prepared pack; the oldest go when there are too many.
    fn keep(&self, tip: ObjectId, keep: Option<PathBuf>) -> Result<()> {
        let Some(keep) = keep else { return Ok(()) };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_back((tip, keep));
        while kept.len() > MOST_KEPT {
            if let Some((_, oldest)) = kept.pop_front() {
                durable::remove(&oldest)?;
            }
        }
        Ok(())
    }

    /// The handle that read blobs last, if nobody else has it.
    fn take_reader(&self) -> Option<gix::Repository> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn keep_reader(&self, reader: gix::Repository) {
        *self.reader.lock().unwrap_or_else(PoisonError::into_inner) = Some(reader);
    }

    /// The branch names `tip`, or never will: its packs need no guard.
    fn release(&self, tip: ObjectId) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(of, keep)| *of != tip || durable::remove(keep).is_err());
    }
}

#[async_trait]
impl GitStore for GixStore {
    async fn head(&self) -> Result<Option<CommitId>> {
        self.blocking(|shared| {
            drop(shared.take_reader());
            Ok(branch::read(shared, &shared.branch)?.map(|id| CommitId::new(id.to_string())))
        })
        .await
    }

    async fn root(&self, tip: &CommitId) -> Result<Option<CommitId>> {
        let tip = tip.clone();
        self.blocking(move |shared| history::root(shared, &tip)).await
    }

    async fn exists(&self, commit: &CommitId) -> Result<bool> {
        let commit = commit.clone();
        self.blocking(move |shared| history::exists(shared, &commit)).await
    }

    async fn changes(&self, from: Option<&CommitId>, to: &CommitId) -> Result<Vec<FileChange>> {
        let (from, to) = (from.cloned(), to.clone());
        self.blocking(move |shared| {
            let repo = read::with_cache(shared.local());
            let from = from.map(|from| shared.commit(&repo, &from)).transpose()?.map(|(_, tree)| tree);
            let (_, to) = shared.commit(&repo, &to)?;
            read::changes(shared, &repo, from, to)
        })
        .await
    }

    async fn tree(&self, at: &CommitId) -> Result<Vec<TreeEntry>> {
        let at = at.clone();
        self.blocking(move |shared| read::tree(shared, &at)).await
    }

    async fn lookup(&self, at: &CommitId, paths: &[String]) -> Result<Vec<Option<TreeEntry>>> {
        let (at, paths) = (at.clone(), paths.to_vec());
        self.blocking(move |shared| read::lookup(shared, &at, &paths)).await
    }

    async fn read(&self, blobs: &[BlobId], limit: u64) -> Result<Vec<BlobRead>> {
        let blobs = blobs.to_vec();
        self.blocking(move |shared| read::read(shared, &blobs, limit)).await
    }

    async fn commit(&self, id: &CommitId) -> Result<CommitInfo> {
        let id = id.clone();
        self.blocking(move |shared| read::commit(shared, &id)).await
    }

    async fn store(&self, blobs: Vec<Vec<u8>>) -> Result<Vec<BlobId>> {
        self.blocking(move |shared| write::store(shared, &blobs)).await
    }

    async fn prepare(&self, parent: Option<&CommitId>, commits: &[NewCommit]) -> Result<Vec<CommitId>> {
        let (parent, commits) = (parent.cloned(), commits.to_vec());
        self.blocking(move |shared| write::prepare(shared, parent.as_ref(), &commits)).await
    }

    async fn advance(&self, expected: Option<&CommitId>, tip: &CommitId) -> Result<AdvanceOutcome> {
        let (expected, tip) = (expected.cloned(), tip.clone());
        self.blocking(move |shared| advance::advance(shared, expected.as_ref(), &tip)).await
    }

    async fn contains(&self, tip: &CommitId, commit: &CommitId) -> Result<bool> {
        let (tip, commit) = (tip.clone(), commit.clone());
        self.blocking(move |shared| history::contains(shared, &tip, &commit)).await
    }
}
