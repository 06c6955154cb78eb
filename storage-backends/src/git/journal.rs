//! What a move of a branch is about to do in work trees, on the disk before it does it. Only the holder of the writers' lock reads
//! or writes the journal, so there is at most one; one that is there when the lock is taken was left by a process
//! that died.

use std::path::{Path, PathBuf};

use lorebase::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use super::durable::{self, Disk};
use super::errors;
use crate::failpoint;

/// One move of a branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Journal {
    /// The branch's full name.
    pub branch: String,
    /// Where it moves to.
    pub tip: String,
    /// Work trees that follow once the branch has moved.
    pub checkouts: Vec<CheckoutRecord>,
}

/// A work tree that follows the branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CheckoutRecord {
    /// The repository folder of the work tree, from the folder that all work trees share.
    pub git_dir: PathBuf,
    /// What changes in it.
    pub files: Vec<FileRecord>,
}

/// One path, before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileRecord {
    pub path: String,
    pub old: Option<Version>,
    pub new: Option<Version>,
}

/// A file's content and whether it is executable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Version {
    pub blob: String,
    pub executable: bool,
}

fn path(own: &Path) -> PathBuf {
    own.join("journal")
}

impl Journal {
    /// The journal of a process that died, if there is one.
    pub(super) fn read(own: &Path) -> Result<Option<Self>> {
        let path = path(own);
        let Some(bytes) = durable::read(&path)? else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(|error| {
            let message = format!(
                "the journal `{}` cannot be read; look for `.lock` files that no running program holds, and remove it",
                path.display()
            );
            Error::new(ErrorKind::Corrupt, message).with("path", path.display().to_string()).caused_by(error)
        })
    }

    /// Writes down what is about to be done; recorded once that file is flushed and [`record`](Self::record)ed.
    pub(super) fn ready(&self, own: &Path) -> Result<PathBuf> {
        let temporary = own.join("journal.tmp");
        let bytes = serde_json::to_vec(self).map_err(|error| errors::io("write", &temporary, error.into()))?;
        durable::put(&temporary, &bytes)?;
        Ok(temporary)
    }

    /// What was made ready counts from now on. On the disk on return.
    pub(super) fn record(own: &Path, disk: Disk) -> Result<()> {
        let path = path(own);
        failpoint::hit("git.journal.written");
        std::fs::rename(own.join("journal.tmp"), &path).map_err(|error| errors::io("write", &path, error))?;
        failpoint::hit("git.journal.replaced");
        disk.folder(own)
    }

    /// Everything is done, or nothing will be.
    pub(super) fn remove(own: &Path) -> Result<()> {
        durable::remove(&path(own))
    }
}
