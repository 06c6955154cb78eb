//! Cleaning up after processes that died: lock files, half-done checkouts, guards of packs. Under the writers' lock,
//! so that nothing of a living process is ever touched.

use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use lorebase::store::{CommitId, EntryMode, Owner, TreeEntry};
use lorebase::{Error, ErrorKind, Result};

use super::advance;
use super::checkout::Checkout;
use super::index::Index;
use super::journal::{CheckoutRecord, FileRecord, Journal, Version};
use super::lock::{GitLocks, Marks, Patience, Writer};
use super::{Shared, branch, durable, errors, history, read};
use crate::{failpoint, process};

/// After how long a leftover goes whose owner cannot be asked (another machine, a container that is gone).
const ABANDONED: Duration = Duration::from_hours(24);

/// How long opening waits for the writers' lock: a process that was killed has it until the system is done with it.
const DYING: Duration = Duration::from_secs(2);

/// What a pack's guard says first.
const NOTE: &str = "lorebase ";

/// The content of a guard: whose it is.
pub(super) fn owner_note() -> Result<String> {
    let owner = serde_json::to_string(&process::me())
        .map_err(|error| Error::new(ErrorKind::Internal, "the owner of a pack could not be written down").caused_by(error))?;
    Ok(format!("{NOTE}{owner}\n"))
}

/// What the name of a half-written pack's folder begins with; its owner follows.
const STAGING: &str = "tmp_lorebase_";

/// The name of a new folder for a pack that is being written.
pub(super) fn staging() -> String {
    format!("{STAGING}{}", process::in_a_name(&process::me()))
}

/// Before a store is used for the first time. Where a living process holds the writers' lock, it has already done
/// this.
pub(super) fn at_open(shared: &Shared) -> Result<()> {
    let _writer = match Writer::acquire(&shared.own, &mut Patience::new(DYING.min(shared.wait))) {
        Err(error) if error.kind() == ErrorKind::Busy => return Ok(()),
        other => other?,
    };
    abandoned_packs(shared)?;
    match journal(shared, &mut Patience::new(Duration::ZERO)) {
        // A person's git is at work there, or a folder cannot be written: reading still works, and the next move of
        // the branch tries again and tells.
        Err(error) if error.is_retryable() => {
            tracing::warn!(%error, "an interrupted move of the branch is not completed yet");
            Ok(())
        }
        // A process can die between making a temporary file and writing the journal.
        other => other.and_then(|()| sweep(shared)),
    }
}

/// Removes lock files of the dead; completes or undoes what the journal says, and removes it. The writers' lock is held.
pub(super) fn journal(shared: &Shared, patience: &mut Patience) -> Result<()> {
    Marks::sweep(&shared.own, &shared.common_dir)?;
    failpoint::hit("git.recovery.unlocked");
    let Some(journal) = Journal::read(&shared.own)? else { return Ok(()) };
    let repo = shared.local();
    for record in &journal.checkouts {
        checkout(shared, &repo, &journal, record, patience)?;
    }
    sweep(shared)?;
    failpoint::hit("git.recovery.done");
    Journal::remove(&shared.own)
}

/// Removes temporary files. The writers' lock is held; what is gone of somebody who does not hold it is made again.
fn sweep(shared: &Shared) -> Result<()> {
    for leftover in durable::list(&shared.own)? {
        if leftover.extension().is_some_and(|extension| extension == "tmp") {
            durable::remove(&leftover)?;
        }
    }
    Ok(())
}

/// Brings a work tree forward if the branch did move and still has what the journal wanted there. Whatever is
/// neither the old nor the new version is a person's work and stays.
fn checkout(shared: &Shared, repo: &gix::Repository, journal: &Journal, record: &CheckoutRecord, patience: &mut Patience) -> Result<()> {
    let (Some(head), Some(tip)) = (branch::read(shared, &journal.branch)?, shared.object_id(&journal.tip)) else { return Ok(()) };
    let git_dir = shared.common_dir.join(&record.git_dir);
    if !history::reaches(repo, head, tip)? || !git_dir.is_dir() {
        return Ok(());
    }
    let Some(checkout) = Checkout::at(shared, &git_dir, &journal.branch)? else { return Ok(()) };
    let paths: Vec<String> = record.files.iter().map(|file| file.path.clone()).collect();
    let now = read::lookup(shared, &CommitId::new(head.to_string()), &paths)?;
    let wanted = |(file, now): (&FileRecord, Option<TreeEntry>)| {
        let now = now.map(|entry| Version { blob: entry.blob.to_string(), executable: entry.mode == EntryMode::Executable });
        (now == file.new).then(|| file.clone())
    };
    let files: Vec<FileRecord> = record.files.iter().zip(now).filter_map(wanted).collect();
    checkout.tree.sweep(&record.files)?;
    let _locks = GitLocks::take(&shared.own, &shared.common_dir, &[checkout.guarded()], shared.disk, patience)?;
    let mut indexes = [Index::open(&checkout.index, shared.hash, None)?];
    if indexes[0].refusal().is_none() {
        advance::follow(shared, repo, &[checkout], &mut indexes, &files, Vec::new())?;
    }
    Ok(())
}

/// Guards and half-written packs of processes that died before the branch named their commits.
fn abandoned_packs(shared: &Shared) -> Result<()> {
    let now = filesystem_time(&shared.own)?;
    for path in durable::list(&shared.objects.join("pack"))? {
        if path.extension().is_some_and(|extension| extension == "keep") && is_abandoned(&path, now)? {
            durable::remove(&path)?;
            failpoint::hit("git.recovery.unguarded");
        }
    }
    for path in durable::list(&shared.objects)? {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if let Some(owner) = name.strip_prefix(STAGING)
            && (process::is_dead_by_name(owner) || is_old(&path, now)?)
        {
            failpoint::hit("git.recovery.staging");
            std::fs::remove_dir_all(&path).map_err(|error| errors::io("remove", &path, error))?;
        }
    }
    Ok(())
}

fn is_abandoned(note: &Path, now: SystemTime) -> Result<bool> {
    let Some(bytes) = durable::read(note)? else { return Ok(false) };
    let Some(owner) = std::str::from_utf8(&bytes).ok().and_then(|text| text.strip_prefix(NOTE)) else { return Ok(false) };
    Ok(serde_json::from_str::<Owner>(owner).is_ok_and(|owner| process::is_dead(&owner)) || is_old(note, now)?)
}

/// Whether a file or folder is older than anybody works on one; what its owner removes just now is not.
fn is_old(path: &Path, now: SystemTime) -> Result<bool> {
    match std::fs::metadata(path).and_then(|metadata| metadata.modified()) {
        Ok(written) => Ok(now.duration_since(written).is_ok_and(|age| age > ABANDONED)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(errors::io("look at", path, error)),
    }
}

/// The present in the file system's own time, which on a network is not this machine's.
fn filesystem_time(own: &Path) -> Result<SystemTime> {
    let probe = own.join("now.tmp");
    durable::remove(&probe)?;
    let failed = |error| errors::io("write", &probe, error);
    std::fs::write(&probe, b"").map_err(failed)?;
    let now = std::fs::metadata(&probe).and_then(|metadata| metadata.modified()).map_err(failed)?;
    durable::remove(&probe)?;
    Ok(now)
}
