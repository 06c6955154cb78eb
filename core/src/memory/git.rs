//! A git repository in memory, as bare as they come: the reference model of [`GitStore`]. Ids follow from content,
//! so that two runs of a test agree on them.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::tree::Tree;
use crate::knowledge::Author;
use crate::store::{
    AdvanceOutcome, BlobId, BlobRead, Blocked, CommitId, CommitInfo, EntryMode, FileChange, GitStore, NewCommit, Signature, TreeEdit,
    TreeEntry,
};
use crate::{Error, ErrorKind, Result};

/// The moment of the first commit made by [`MemoryGit::push`]; each further one is a second later.
const FIRST_PUSH: i64 = 1_767_225_600;

/// One branch of one repository in memory.
///
/// Besides [`GitStore`] it can do what other people do to a repository: push, force-push, cut history off, collect
/// garbage, and hold uncommitted work at a path.
#[derive(Debug, Default)]
pub struct MemoryGit(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    branch: Option<CommitId>,
    commits: HashMap<CommitId, Commit>,
    blobs: HashMap<BlobId, Arc<Vec<u8>>>,
    held: BTreeMap<String, String>,
    pushes: i64,
}

#[derive(Debug, Clone)]
struct Commit {
    info: CommitInfo,
    tree: Tree,
}

impl MemoryGit {
    /// An empty repository: the branch has no commits.
    pub fn new() -> Self {
        Self::default()
    }

    /// An engineer's commit on the branch, whatever it points at. Returns the new tip.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when an edit's path meets a folder or a file where a folder must be.
    pub fn push(&self, author: &Author, message: &str, edits: &[TreeEdit]) -> Result<CommitId> {
        let mut state = self.state();
        let mut tree = state.branch.as_ref().and_then(|tip| state.commits.get(tip)).map(|commit| commit.tree.clone()).unwrap_or_default();
        state.edit(&mut tree, edits)?;
        Ok(state.push(author, message, tree))
    }

    /// An engineer's commit that puts one entry of any mode at any path, checked by nothing: a symbolic link, an
    /// executable, a path that is not safe. For a submodule `bytes` are the id it names. Returns the new tip.
    pub fn push_entry(&self, author: &Author, path: &str, mode: EntryMode, bytes: &[u8]) -> CommitId {
        let mut state = self.state();
        let mut tree = state.branch.as_ref().and_then(|tip| state.commits.get(tip)).map(|commit| commit.tree.clone()).unwrap_or_default();
        let blob = match mode {
            EntryMode::Submodule => BlobId::new(String::from_utf8_lossy(bytes)),
            _ => state.blob(bytes),
        };
        tree.set(path, mode, blob);
        state.push(author, &format!("put {path}"), tree)
    }

    /// A force-push: the branch is at `tip` now, or gone.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when the repository does not have the commit.
    pub fn force(&self, tip: Option<&CommitId>) -> Result<()> {
        let mut state = self.state();
        if let Some(tip) = tip {
            state.find(tip)?;
        }
        state.branch = tip.cloned();
        Ok(())
    }

    /// Forgets every ancestor of `commit`, as in a shallow clone; [`root`](GitStore::root) has no answer from then on.
    pub fn cut_before(&self, commit: &CommitId) {
        let mut state = self.state();
        let mut next = state.commits.get(commit).map(|commit| commit.info.parents.clone()).unwrap_or_default();
        while let Some(id) = next.pop() {
            if let Some(gone) = state.commits.remove(&id) {
                next.extend(gone.info.parents);
            }
        }
    }

    /// Forgets every commit the branch does not reach, and their blobs, as garbage collection does.
    pub fn collect(&self) {
        let mut state = self.state();
        let mut kept = HashMap::new();
        let mut next: Vec<CommitId> = state.branch.iter().cloned().collect();
        while let Some(id) = next.pop() {
            if let Some(commit) = state.commits.remove(&id) {
                next.extend(commit.info.parents.iter().cloned());
                kept.insert(id, commit);
            }
        }
        let used: std::collections::HashSet<BlobId> =
            kept.values().flat_map(|commit| commit.tree.entries()).map(|entry| entry.blob).collect();
        state.commits = kept;
        state.blobs.retain(|id, _| used.contains(id));
    }

    /// A person's uncommitted work at `path`: [`advance`](GitStore::advance) refuses to touch it for `reason`.
    pub fn hold(&self, path: &str, reason: &str) {
        self.state().held.insert(path.to_owned(), reason.to_owned());
    }

    /// The person committed or dropped the work at `path`.
    pub fn release(&self, path: &str) {
        self.state().held.remove(path);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn find(&self, id: &CommitId) -> Result<&Commit> {
        self.commits
            .get(id)
            .ok_or_else(|| Error::new(ErrorKind::NotFound, format!("the repository has no commit {id}")).with("commit", id.as_str()))
    }

    fn blob(&mut self, bytes: &[u8]) -> BlobId {
        let id = BlobId::new(digest(b"blob", bytes));
        self.blobs.entry(id.clone()).or_insert_with(|| Arc::new(bytes.to_vec()));
        id
    }

    fn edit(&mut self, tree: &mut Tree, edits: &[TreeEdit]) -> Result<()> {
        for edit in edits {
            if let TreeEdit::Remove { path } = edit {
                tree.remove(path);
            }
        }
        for edit in edits {
            match edit {
                TreeEdit::Remove { .. } => {}
                TreeEdit::Put { path, bytes } => tree.put(path, self.blob(bytes))?,
                TreeEdit::Place { path, blob } if self.blobs.contains_key(blob) => tree.put(path, blob.clone())?,
                TreeEdit::Place { path, blob } => {
                    let message = format!("cannot write `{path}`: the repository has no blob {blob}; store it first");
                    return Err(Error::new(ErrorKind::NotFound, message).with("path", path.as_str()));
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, parent: Option<&CommitId>, author: &Signature, committer: &Signature, message: &str, tree: Tree) -> CommitId {
        let (author, committer, message) = (recorded(author), recorded(committer), message.replace('\0', ""));
        let mut content = format!("{parent:?}\n{author:?}\n{committer:?}\n{message}\n");
        for entry in tree.entries() {
            let _ = writeln!(content, "{:?} {} {}", entry.mode, entry.blob, entry.path);
        }
        let id = CommitId::new(digest(b"commit", content.as_bytes()));
        let info = CommitInfo { id: id.clone(), parents: parent.cloned().into_iter().collect(), author, committer, message };
        self.commits.insert(id.clone(), Commit { info, tree });
        id
    }

    fn push(&mut self, author: &Author, message: &str, tree: Tree) -> CommitId {
        let time = Timestamp::from_second(FIRST_PUSH + self.pushes).unwrap_or(Timestamp::UNIX_EPOCH);
        self.pushes += 1;
        let signature = Signature { author: author.clone(), time };
        let parent = self.branch.clone();
        let id = self.add(parent.as_ref(), &signature, &signature, message, tree);
        self.branch = Some(id.clone());
        id
    }

    fn contains(&self, tip: &CommitId, commit: &CommitId) -> bool {
        let mut next = vec![tip];
        let mut seen = std::collections::HashSet::new();
        while let Some(id) = next.pop() {
            let Some(found) = self.commits.get(id) else { continue };
            if id == commit {
                return true;
            }
            next.extend(found.info.parents.iter().filter(|parent| seen.insert(*parent)));
        }
        false
    }
}

/// 40 hexadecimal digits that follow from the content.
fn digest(kind: &[u8], content: &[u8]) -> String {
    let first = Uuid::new_v5(&Uuid::new_v5(&Uuid::NAMESPACE_OID, kind), content);
    let second = Uuid::new_v5(&first, b"more");
    let mut hex = format!("{}{}", first.simple(), second.simple());
    hex.truncate(40);
    hex
}

/// A signature as git keeps it: whole seconds from 1970, no characters that would break a commit.
fn recorded(signature: &Signature) -> Signature {
    Signature {
        author: Author::new(&signature.author.name, &signature.author.email),
        time: Timestamp::from_second(signature.time.as_second().max(0)).unwrap_or(Timestamp::UNIX_EPOCH),
    }
}

#[async_trait]
impl GitStore for MemoryGit {
    async fn head(&self) -> Result<Option<CommitId>> {
        Ok(self.state().branch.clone())
    }

    async fn root(&self, tip: &CommitId) -> Result<Option<CommitId>> {
        let state = self.state();
        let mut at = state.find(tip)?;
        while let Some(parent) = at.info.parents.first() {
            match state.commits.get(parent) {
                Some(commit) => at = commit,
                None => return Ok(None),
            }
        }
        Ok(Some(at.info.id.clone()))
    }

    async fn exists(&self, commit: &CommitId) -> Result<bool> {
        Ok(self.state().commits.contains_key(commit))
    }

    async fn changes(&self, from: Option<&CommitId>, to: &CommitId) -> Result<Vec<FileChange>> {
        let state = self.state();
        let old = from.map(|from| state.find(from)).transpose()?.map(|commit| commit.tree.clone()).unwrap_or_default();
        Ok(old.changes(&state.find(to)?.tree))
    }

    async fn tree(&self, at: &CommitId) -> Result<Vec<TreeEntry>> {
        Ok(self.state().find(at)?.tree.entries())
    }

    async fn lookup(&self, at: &CommitId, paths: &[String]) -> Result<Vec<Option<TreeEntry>>> {
        let state = self.state();
        let tree = &state.find(at)?.tree;
        Ok(paths.iter().map(|path| tree.get(path)).collect())
    }

    async fn read(&self, blobs: &[BlobId], limit: u64) -> Result<Vec<BlobRead>> {
        let state = self.state();
        Ok(blobs
            .iter()
            .map(|id| match state.blobs.get(id) {
                Some(bytes) if bytes.len() as u64 > limit => BlobRead::TooLarge(bytes.len() as u64),
                Some(bytes) => BlobRead::Found(bytes.as_ref().clone()),
                None => BlobRead::Missing,
            })
            .collect())
    }

    async fn commit(&self, id: &CommitId) -> Result<CommitInfo> {
        Ok(self.state().find(id)?.info.clone())
    }

    async fn store(&self, blobs: Vec<Vec<u8>>) -> Result<Vec<BlobId>> {
        let mut state = self.state();
        Ok(blobs.iter().map(|bytes| state.blob(bytes)).collect())
    }

    async fn prepare(&self, parent: Option<&CommitId>, commits: &[NewCommit]) -> Result<Vec<CommitId>> {
        let mut state = self.state();
        let mut tree = parent.map(|parent| state.find(parent)).transpose()?.map(|commit| commit.tree.clone()).unwrap_or_default();
        let mut ids: Vec<CommitId> = Vec::with_capacity(commits.len());
        for commit in commits {
            state.edit(&mut tree, &commit.edits)?;
            let id = state.add(ids.last().or(parent), &commit.author, &commit.committer, &commit.message, tree.clone());
            ids.push(id);
        }
        Ok(ids)
    }

    async fn advance(&self, expected: Option<&CommitId>, tip: &CommitId) -> Result<AdvanceOutcome> {
        let mut state = self.state();
        let new = state.find(tip)?.tree.clone();
        if state.branch.as_ref() != expected {
            return Ok(AdvanceOutcome::Moved(state.branch.clone()));
        }
        let old = expected.and_then(|id| state.commits.get(id)).map(|commit| commit.tree.clone()).unwrap_or_default();
        let blocked: Vec<Blocked> = old
            .changes(&new)
            .into_iter()
            .filter_map(|change| state.held.get(&change.path).map(|reason| Blocked { path: change.path, reason: reason.clone() }))
            .collect();
        if !blocked.is_empty() {
            return Ok(AdvanceOutcome::Blocked(blocked));
        }
        state.branch = Some(tip.clone());
        Ok(AdvanceOutcome::Advanced)
    }

    async fn contains(&self, tip: &CommitId, commit: &CommitId) -> Result<bool> {
        Ok(self.state().contains(tip, commit))
    }
}

#[cfg(test)]
mod tests {
    use pollster::block_on;

    use super::*;

    mod conformance {
        use super::super::MemoryGit;
        use crate::store::GitStore;

        fn run(case: impl AsyncFnOnce(&dyn GitStore)) {
            pollster::block_on(case(&MemoryGit::new()));
        }

        crate::git_conformance!(run);
    }

    fn ada() -> Author {
        Author::new("Ada", "ada@example.com")
    }

    fn put(path: &str, text: &str) -> TreeEdit {
        TreeEdit::Put { path: path.to_owned(), bytes: text.as_bytes().to_vec() }
    }

    #[test]
    fn an_executable_stays_executable() {
        let git = MemoryGit::new();
        git.push_entry(&ada(), "bin/tool", EntryMode::Executable, b"#!/bin/sh\n");
        block_on(crate::conformance::git::an_executable_stays_executable(&git, "bin/tool"));
    }

    #[test]
    fn nothing_is_written_through_a_symbolic_link() {
        let git = MemoryGit::new();
        git.push_entry(&ada(), "link", EntryMode::Symlink, b"target");
        block_on(crate::conformance::git::a_symbolic_link_is_not_written(&git, "link"));
    }

    #[test]
    fn an_engineers_push_moves_the_branch() {
        let git = MemoryGit::new();
        let first = git.push(&ada(), "one", &[put("a.md", "1")]).unwrap();
        let second = git.push(&ada(), "two", &[put("b.md", "2")]).unwrap();
        assert_eq!(block_on(git.head()).unwrap(), Some(second.clone()));
        assert_eq!(block_on(git.commit(&second)).unwrap().parents, [first]);
        assert_eq!(block_on(git.tree(&second)).unwrap().len(), 2);
    }

    #[test]
    fn equal_content_gives_equal_ids_in_every_repository() {
        let ids = || MemoryGit::new().push(&ada(), "one", &[put("a.md", "1")]).unwrap();
        assert_eq!(ids(), ids());
        assert_eq!(ids().as_str().len(), 40);
    }

    #[test]
    fn a_force_push_goes_back_or_removes_the_branch() {
        let git = MemoryGit::new();
        let first = git.push(&ada(), "one", &[put("a.md", "1")]).unwrap();
        let second = git.push(&ada(), "two", &[put("a.md", "2")]).unwrap();
        git.force(Some(&first)).unwrap();
        assert_eq!(block_on(git.head()).unwrap(), Some(first));
        assert!(block_on(git.exists(&second)).unwrap());
        git.force(None).unwrap();
        assert_eq!(block_on(git.head()).unwrap(), None);
        assert_eq!(git.force(Some(&CommitId::new("0".repeat(40)))).unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn a_cut_history_has_no_root() {
        let git = MemoryGit::new();
        let first = git.push(&ada(), "one", &[put("a.md", "1")]).unwrap();
        let second = git.push(&ada(), "two", &[put("a.md", "2")]).unwrap();
        let third = git.push(&ada(), "three", &[put("a.md", "3")]).unwrap();
        git.cut_before(&second);
        assert_eq!(block_on(git.root(&third)).unwrap(), None);
        assert!(!block_on(git.contains(&third, &first)).unwrap());
        assert!(block_on(git.contains(&third, &second)).unwrap());
    }

    #[test]
    fn collecting_garbage_forgets_what_the_branch_does_not_reach() {
        let git = MemoryGit::new();
        let first = git.push(&ada(), "one", &[put("a.md", "1")]).unwrap();
        let second = git.push(&ada(), "two", &[put("a.md", "2")]).unwrap();
        let lost = block_on(git.tree(&second)).unwrap()[0].blob.clone();
        git.force(Some(&first)).unwrap();
        git.collect();
        assert!(!block_on(git.exists(&second)).unwrap());
        assert_eq!(block_on(git.read(&[lost], 100)).unwrap(), [BlobRead::Missing]);
        assert_eq!(block_on(git.tree(&first)).unwrap().len(), 1);
    }

    #[test]
    fn held_work_blocks_exactly_the_paths_it_is_at() {
        let git = MemoryGit::new();
        let first = git.push(&ada(), "one", &[put("a.md", "1"), put("b.md", "1")]).unwrap();
        let by = Signature { author: ada(), time: Timestamp::UNIX_EPOCH };
        let commit = |edits| NewCommit { author: by.clone(), committer: by.clone(), message: "m".to_owned(), edits };
        let a = block_on(git.prepare(Some(&first), &[commit(vec![put("a.md", "2")])])).unwrap();
        git.hold("a.md", "edited but not committed");
        let blocked = Blocked { path: "a.md".to_owned(), reason: "edited but not committed".to_owned() };
        assert_eq!(block_on(git.advance(Some(&first), &a[0])).unwrap(), AdvanceOutcome::Blocked(vec![blocked]));
        assert_eq!(block_on(git.head()).unwrap(), Some(first.clone()));
        git.release("a.md");
        git.hold("b.md", "staged");
        assert_eq!(block_on(git.advance(Some(&first), &a[0])).unwrap(), AdvanceOutcome::Advanced);
    }
}
