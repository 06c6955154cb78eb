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
use super::lock::{GitLock, Patience, Ready, Writer};
use super::{Shared, branch, read, recovery, reference};
use crate::failpoint;

/// See [`GitStore::advance`](lorebase::store::GitStore::advance).
pub(super) fn advance(shared: &Shared, expected: Option<&CommitId>, tip: &CommitId) -> Result<AdvanceOutcome> {
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
    let mut locked = Locked::new(shared, id, &checkouts, &mut patience)?;
    failpoint::hit("git.advance.locked");
    let actual = branch::read(shared, &shared.branch)?;
    if !is_expected(actual) {
        locked.finish()?;
        return moved(actual);
    }
    let (files, mut indexes) = match plan(shared, &repo, before, id, &checkouts)? {
        Ok(plan) => plan,
        Err(blocked) => {
            locked.finish()?;
            return Ok(AdvanceOutcome::Blocked(blocked));
        }
    };
    locked.journal(&checkouts, &files)?;
    failpoint::hit("git.advance.journalled");
    reference::set(shared, id)?;
    failpoint::hit("git.advance.moved");
    reference::log(shared, &repo, before, id, &checkouts);
    failpoint::hit("git.advance.logged");
    follow(shared, &repo, &checkouts, &mut indexes, &files)?;
    locked.finish()?;
    shared.release(id);
    Ok(AdvanceOutcome::Advanced)
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
    let tree = |id: ObjectId| shared.commit(repo, &CommitId::new(id.to_string())).map(|(_, tree)| tree);
    let changes = read::raw_changes(repo, before.map(tree).transpose()?, tree(tip)?)?;
    let files = match checkout::plan(changes) {
        Ok(files) => files,
        Err(blocked) => return Ok(Err(blocked)),
    };
    let (mut indexes, mut blocked) = (Vec::new(), Vec::new());
    for checkout in checkouts {
        let index = Index::open(&checkout.index, shared.hash)?;
        blocked.extend(checkout.check(&index, &files)?);
        indexes.push(index);
    }
    Ok(if blocked.is_empty() { Ok((files, indexes)) } else { Err(blocked) })
}

/// The branch has moved: files, then indexes.
pub(super) fn follow(
    shared: &Shared,
    repo: &gix::Repository,
    checkouts: &[Checkout],
    indexes: &mut [Index],
    files: &[FileRecord],
) -> Result<()> {
    if checkouts.is_empty() {
        return Ok(());
    }
    for checkout in checkouts {
        checkout.tree.follow(repo, files)?;
    }
    failpoint::hit("git.advance.files");
    for (checkout, index) in checkouts.iter().zip(indexes) {
        index.follow(&checkout.tree, files)?;
        index.write(&shared.own.join("index.tmp"), shared.disk)?;
    }
    failpoint::hit("git.advance.index");
    Ok(())
}

/// All locks of one move, and its journal. Dropped before its end, it gives the locks back and leaves the journal to
/// recovery.
pub(super) struct Locked<'a> {
    shared: &'a Shared,
    journal: Journal,
    locks: Vec<GitLock>,
}

impl<'a> Locked<'a> {
    /// Takes the locks of the indexes, then of the branch: the order in which git takes them.
    fn new(shared: &'a Shared, tip: ObjectId, checkouts: &[Checkout], patience: &mut Patience) -> Result<Self> {
        reference::make_folders(shared)?;
        let guarded = checkouts.iter().map(Checkout::guarded).chain([PathBuf::from(&shared.branch)]);
        let journal = Journal { branch: shared.branch.clone(), tip: tip.to_string(), locks: Vec::new(), checkouts: Vec::new() };
        Self::take(shared, journal, guarded, patience)
    }

    /// Journals the locks and takes them.
    pub(super) fn take(
        shared: &'a Shared,
        mut journal: Journal,
        guarded: impl Iterator<Item = PathBuf>,
        patience: &mut Patience,
    ) -> Result<Self> {
        let mut ready = Vec::new();
        for (number, path) in guarded.enumerate() {
            ready.push(Ready::new(&shared.common_dir, &path, shared.own.join(format!("lock-{number}.tmp")), shared.disk)?);
        }
        failpoint::hit("git.lock.ready");
        journal.locks = ready.iter().map(|lock| lock.record().clone()).collect();
        journal.write(&shared.own, shared.disk)?;
        let mut locks = Vec::new();
        for lock in ready {
            match lock.take(patience) {
                Ok(lock) => {
                    locks.push(lock);
                    failpoint::hit("git.lock.taken");
                }
                Err(error) => {
                    drop(locks);
                    // With work to complete the journal has to stay.
                    if journal.checkouts.is_empty() {
                        Journal::remove(&shared.own)?;
                    }
                    return Err(error);
                }
            }
        }
        Ok(Self { shared, journal, locks })
    }

    /// Records what the checkouts will do once the branch has moved.
    fn journal(&mut self, checkouts: &[Checkout], files: &[FileRecord]) -> Result<()> {
        if checkouts.is_empty() {
            return Ok(());
        }
        let record = |checkout: &Checkout| CheckoutRecord { git_dir: checkout.place.clone(), files: files.to_vec() };
        self.journal.checkouts = checkouts.iter().map(record).collect();
        self.journal.write(&self.shared.own, self.shared.disk)
    }

    /// Gives the locks back.
    pub(super) fn unlock(&mut self) {
        self.locks.clear();
    }

    /// Everything is done, or nothing was.
    fn finish(&mut self) -> Result<()> {
        self.unlock();
        failpoint::hit("git.advance.unlocked");
        Journal::remove(&self.shared.own)
    }
}
