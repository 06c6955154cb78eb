//! Moving the branch: compare-and-swap under our own lock and git's, durable before it is told. A lost race is found
//! with the locks held, so that it is never a guess; a checkout follows from the journal, so that a crash at any
//! moment is completed or undone.

use std::path::PathBuf;

use gix::ObjectId;
use lorebase::Result;
use lorebase::store::{AdvanceOutcome, Blocked, CommitId};

use super::checkout::{self, Checkout};
use super::index::Index;
use super::journal::{CheckoutRecord, FileRecord, Journal};
use super::lock::{GitLocks, Patience, Writer};
use super::worktree::Written;
use super::{Shared, branch, read, recovery, reference};
use crate::failpoint;

/// See [`GitStore::advance`](lorebase::store::GitStore::advance).
pub(super) fn advance(shared: &Shared, expected: Option<&CommitId>, tip: &CommitId) -> Result<AdvanceOutcome> {
    let outcome = attempt(shared, expected, tip);
    // Whatever came of it, what was made ready for it has served.
    drop(shared.object_id(tip.as_str()).and_then(|tip| shared.next(tip)));
    outcome
}

fn attempt(shared: &Shared, expected: Option<&CommitId>, tip: &CommitId) -> Result<AdvanceOutcome> {
    let repo = shared.local();
    let (id, _) = shared.commit(&repo, tip)?;
    let mut patience = Patience::new(shared.wait);
    let _writer = Writer::acquire(&shared.own, &mut patience)?;
    recovery::journal(shared, &mut patience)?;

    let moved = |actual: Option<ObjectId>| {
        shared.release(id);
        Ok(AdvanceOutcome::Moved(actual.map(|actual| CommitId::new(actual.to_string()))))
    };
    let is_expected = |actual: Option<ObjectId>| actual.map(|id| id.to_string()).as_deref() == expected.map(CommitId::as_str);
    let before = branch::read(shared, &shared.branch)?;
    if !is_expected(before) {
        return moved(before);
    }
    if before == Some(id) {
        shared.release(id);
        return Ok(AdvanceOutcome::Advanced);
    }
    if before.is_none() {
        reference::check_free(shared, &repo)?;
    }

    let checkouts = checkout::find(shared, &shared.branch)?;
    // The indexes, then the branch: the order in which git takes them.
    let guarded: Vec<PathBuf> = checkouts.iter().map(Checkout::guarded).chain([PathBuf::from(&shared.branch)]).collect();
    reference::make_folders(shared)?;
    let locks = GitLocks::take(&shared.own, &shared.common_dir, &guarded, shared.disk, &mut patience)?;
    failpoint::hit("git.advance.locked");
    let actual = branch::read(shared, &shared.branch)?;
    if !is_expected(actual) {
        return moved(actual);
    }
    let (files, mut indexes) = match plan(shared, &repo, before, id, &checkouts)? {
        Ok(plan) => plan,
        Err(blocked) => return Ok(AdvanceOutcome::Blocked(blocked)),
    };
    let ready = make_ready(shared, &repo, id, &checkouts, &files)?;
    failpoint::hit("git.advance.journalled");
    reference::set(shared, &ready.branch)?;
    failpoint::hit("git.advance.moved");
    reference::log(shared, &repo, before, id, &checkouts);
    failpoint::hit("git.advance.logged");
    follow(shared, &repo, &checkouts, &mut indexes, &files, ready.written)?;
    shared.know_index(indexes);
    drop(locks);
    failpoint::hit("git.advance.unlocked");
    if !checkouts.is_empty() {
        Journal::remove(&shared.own)?;
    }
    shared.release(id);
    Ok(AdvanceOutcome::Advanced)
}

/// What is on the disk before the branch moves.
struct Ready {
    branch: reference::Next,
    /// New content of each work tree.
    written: Vec<Vec<Written>>,
}

/// Writes the branch's new file, the journal and new content of work trees, and waits for the disk once for all of
/// them: none is in its place yet.
fn make_ready(shared: &Shared, repo: &gix::Repository, tip: ObjectId, checkouts: &[Checkout], files: &[FileRecord]) -> Result<Ready> {
    // Nobody sweeps it away now: the writers' lock is held.
    let known = shared.next(tip).filter(|next| next.path.exists());
    let flushed = known.is_some();
    let ready = Ready {
        branch: known.map_or_else(|| reference::Next::write(shared, tip), Ok)?,
        written: checkouts.iter().enumerate().map(|(number, checkout)| checkout.tree.ready(repo, files, number)).collect::<Result<_>>()?,
    };
    let mut fresh: Vec<PathBuf> = if flushed { Vec::new() } else { vec![ready.branch.path.clone()] };
    fresh.extend(ready.written.iter().flatten().map(|written| written.temporary.clone()));
    if !checkouts.is_empty() {
        let record = |checkout: &Checkout| CheckoutRecord { git_dir: checkout.place.clone(), files: files.to_vec() };
        let checkouts = checkouts.iter().map(record).collect();
        fresh.push(Journal { branch: shared.branch.clone(), tip: tip.to_string(), checkouts }.ready(&shared.own)?);
    }
    shared.disk.all(&fresh.iter().map(PathBuf::as_path).collect::<Vec<_>>())?;
    if !checkouts.is_empty() {
        Journal::record(&shared.own, shared.disk)?;
    }
    Ok(ready)
}

type Plan = (Vec<FileRecord>, Vec<Index>);

/// What the checkouts have to do, and their indexes; or why they cannot.
fn plan(
    shared: &Shared,
    repo: &gix::Repository,
    before: Option<ObjectId>,
    tip: ObjectId,
    checkouts: &[Checkout],
) -> Result<Result<Plan, Vec<Blocked>>> {
    if checkouts.is_empty() {
        return Ok(Ok((Vec::new(), Vec::new())));
    }
    let tree = |id: ObjectId| shared.tree_of(repo, &CommitId::new(id.to_string())).map(|(_, tree)| tree);
    let changes = read::raw_changes(shared, repo, before.map(tree).transpose()?, tree(tip)?)?;
    let files = match checkout::plan(changes) {
        Ok(files) => files,
        Err(blocked) => return Ok(Err(blocked)),
    };
    let (mut indexes, mut blocked) = (Vec::new(), Vec::new());
    for checkout in checkouts {
        let index = Index::open(&checkout.index, shared.hash, shared.known_index())?;
        blocked.extend(checkout.check(&index, &files)?);
        indexes.push(index);
    }
    if blocked.is_empty() {
        return Ok(Ok((files, indexes)));
    }
    shared.know_index(indexes);
    Ok(Err(blocked))
}

/// The branch has moved: files, then indexes. `written` is what was made ready for each work tree.
pub(super) fn follow(
    shared: &Shared,
    repo: &gix::Repository,
    checkouts: &[Checkout],
    indexes: &mut [Index],
    files: &[FileRecord],
    mut written: Vec<Vec<Written>>,
) -> Result<()> {
    if checkouts.is_empty() {
        return Ok(());
    }
    written.resize_with(checkouts.len(), Vec::new);
    let mut touched = Vec::new();
    for (checkout, written) in checkouts.iter().zip(written) {
        touched.push(checkout.tree.follow(repo, files, &written)?);
    }
    failpoint::hit("git.advance.files");
    let temporary = shared.own.join("index.tmp");
    for ((checkout, index), mut touched) in checkouts.iter().zip(indexes).zip(touched) {
        index.follow(&checkout.tree, files)?;
        index.ready(&temporary)?;
        touched.insert(temporary.clone());
        shared.disk.all(&touched.iter().map(PathBuf::as_path).collect::<Vec<_>>())?;
        index.replace(&temporary, shared.disk)?;
    }
    failpoint::hit("git.advance.index");
    Ok(())
}
