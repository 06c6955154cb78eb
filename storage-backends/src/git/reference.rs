//! Writing the branch: its file, its folder, its reflog. The locks are held.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::bstr::ByteSlice;
use lorebase::{Error, ErrorKind, Result};
use uuid::Uuid;

use super::checkout::Checkout;
use super::durable::{self, parent};
use super::{Shared, branch, errors};
use crate::failpoint;

/// Makes the folders above the branch's file.
pub(super) fn make_folders(shared: &Shared) -> Result<()> {
    shared.disk.make_folder(parent(&branch::file(&shared.common_dir, &shared.branch)))
}

/// A branch `a/b` cannot be beside a branch `a`. Errors: `InvalidInput`.
pub(super) fn check_free(shared: &Shared, repo: &gix::Repository) -> Result<()> {
    let failed = |error| errors::gix("read the refs", error);
    let platform = repo.references().map_err(failed)?;
    for reference in platform.local_branches().map_err(failed)?.filter_map(Result::ok) {
        let other = reference.name().as_bstr().to_str_lossy().into_owned();
        if other.starts_with(&format!("{}/", shared.branch)) || shared.branch.starts_with(&format!("{other}/")) {
            let message = format!("the branch `{}` cannot be made beside the branch `{other}`; choose another name", shared.branch);
            return Err(Error::new(ErrorKind::InvalidInput, message).with("branch", shared.branch.as_str()));
        }
    }
    Ok(())
}

/// What will be the branch's file once it moves to a tip; gone when it is dropped before that.
#[derive(Debug)]
pub(super) struct Next {
    pub tip: ObjectId,
    pub path: PathBuf,
}

impl Next {
    /// Writes it; it has to be flushed.
    pub(super) fn write(shared: &Shared, tip: ObjectId) -> Result<Self> {
        let next = Self { tip, path: shared.own.join(format!("ref-{}.tmp", Uuid::new_v4().simple())) };
        durable::put(&next.path, format!("{tip}\n").as_bytes())?;
        Ok(next)
    }
}

impl Drop for Next {
    fn drop(&mut self) {
        let _ = durable::remove(&self.path);
    }
}

/// Moves the branch to what was made ready and flushed; on the disk on return.
pub(super) fn set(shared: &Shared, ready: &Next) -> Result<()> {
    let path = branch::file(&shared.common_dir, &shared.branch);
    // A deleted branch `a/b` may have left the folder `a` behind.
    remove_empty(&path);
    failpoint::hit("git.ref.written");
    fs::rename(&ready.path, &path).map_err(|error| errors::io("replace", &path, error))?;
    failpoint::hit("git.ref.replaced");
    shared.disk.folder(parent(&path))
}

fn remove_empty(folder: &Path) {
    if folder.is_dir() {
        for inner in durable::list(folder).unwrap_or_default() {
            remove_empty(&inner);
        }
        let _ = fs::remove_dir(folder);
    }
}

/// Adds a line to the reflogs that the repository keeps: of the branch and of every `HEAD` on it. The branch has
/// moved; a reflog that cannot be written changes nothing about that.
pub(super) fn log(shared: &Shared, repo: &gix::Repository, old: Option<ObjectId>, new: ObjectId, checkouts: &[Checkout]) {
    let Some(line) = line(repo, old, new) else { return };
    let keeps = keeps_reflogs(repo);
    let mut files = vec![shared.common_dir.join("logs").join(&shared.branch)];
    files.extend(checkouts.iter().map(|checkout| checkout.git_dir.join("logs").join("HEAD")));
    for file in files {
        if let Err(error) = append(shared, &file, &line, keeps) {
            tracing::warn!(%error, "a reflog misses a line");
        }
    }
}

/// As git decides: with a work tree, unless the configuration says otherwise.
fn keeps_reflogs(repo: &gix::Repository) -> bool {
    let config = repo.config_snapshot();
    match config.string("core.logAllRefUpdates") {
        Some(value) if value.eq_ignore_ascii_case(b"always") => true,
        Some(_) => config.boolean("core.logAllRefUpdates").unwrap_or(false),
        None => !repo.is_bare(),
    }
}

fn append(shared: &Shared, file: &Path, line: &[u8], create: bool) -> Result<()> {
    if create {
        shared.disk.make_folder(parent(file))?;
    }
    match OpenOptions::new().append(true).create(create).open(file) {
        Ok(mut log) => log.write_all(line).map_err(|error| errors::io("write the reflog", file, error)),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !create => Ok(()),
        Err(error) => Err(errors::io("write the reflog", file, error)),
    }
}

fn line(repo: &gix::Repository, old: Option<ObjectId>, new: ObjectId) -> Option<Vec<u8>> {
    let commit = repo.find_commit(new).ok()?;
    let decoded = commit.decode().ok()?;
    let committer = decoded.committer().ok()?.trim();
    let subject = decoded.message.lines().next().unwrap_or_default().to_str_lossy().into_owned();
    let old = old.unwrap_or_else(|| ObjectId::null(new.kind()));
    let kind = if old.is_null() { "commit (initial)" } else { "commit" };
    let mut line = format!("{old} {new} ").into_bytes();
    line.extend_from_slice(committer.name);
    line.extend_from_slice(b" <");
    line.extend_from_slice(committer.email);
    line.extend_from_slice(format!("> {} +0000\t{kind}: {subject}\n", committer.seconds()).as_bytes());
    Some(line)
}
