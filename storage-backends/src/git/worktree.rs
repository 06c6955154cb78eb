//! The files of a work tree: what is at a path, and bringing a path from its old version to its new one. Anything
//! that is neither is a person's work and stays.

use std::collections::{BTreeSet, HashSet};
use std::fs::{self, File, Metadata, Permissions};
use std::io;
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::prelude::*;
use lorebase::{Error, ErrorKind, Result};

use super::durable::{self, Disk, parent};
use super::errors;
use super::journal::{FileRecord, Version};
use crate::failpoint;

/// How many files are written before the first is put in its place.
const AT_ONCE: usize = 256;

/// The name of new content in its own folder, where the repository's is on another file system.
const BESIDE: &str = ".lorebase.tmp";

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    Absent,
    File(Version),
    Folder,
    /// A symbolic link, a device, a pipe.
    Foreign,
    /// A folder on the way is a symbolic link.
    BehindLink,
    /// A folder on the way is a file: its path.
    BelowFile(String),
}

/// One work tree.
#[derive(Debug)]
pub(super) struct WorkTree {
    pub root: PathBuf,
    pub hash: gix::hash::Kind,
    /// Whether the executable bit means anything here (`core.fileMode`).
    pub file_mode: bool,
    pub disk: Disk,
    /// Where new content is before it is in its place.
    pub own: PathBuf,
}

/// New content that is not yet in its place.
#[derive(Debug)]
pub(super) struct Written {
    path: String,
    full: PathBuf,
    pub temporary: PathBuf,
    /// What was at the path when it was looked at.
    found: Found,
}

impl WorkTree {
    /// Looks at a path without following any link.
    pub(super) fn look(&self, path: &str) -> Result<Found> {
        for (at, _) in path.match_indices('/') {
            match self.metadata(&path[..at])? {
                None => return Ok(Found::Absent),
                Some(metadata) if metadata.is_dir() => {}
                Some(metadata) if metadata.is_symlink() => return Ok(Found::BehindLink),
                Some(_) => return Ok(Found::BelowFile(path[..at].to_owned())),
            }
        }
        let Some(metadata) = self.metadata(path)? else { return Ok(Found::Absent) };
        if metadata.is_dir() {
            return Ok(Found::Folder);
        }
        if !metadata.is_file() {
            return Ok(Found::Foreign);
        }
        let full = self.root.join(path);
        let Some(bytes) = durable::read(&full)? else { return Ok(Found::Absent) };
        let blob = gix::objs::compute_hash(self.hash, gix::objs::Kind::Blob, &bytes)
            .map_err(|error| errors::gix(&format!("hash `{}`", full.display()), error))?;
        Ok(Found::File(Version { blob: blob.to_string(), executable: is_executable(&metadata) }))
    }

    fn metadata(&self, path: &str) -> Result<Option<Metadata>> {
        let full = self.root.join(path);
        match fs::symlink_metadata(&full) {
            Ok(metadata) => Ok(Some(metadata)),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(errors::io("look at", &full, error)),
        }
    }

    /// Whether what was found is this version.
    pub(super) fn is(&self, found: &Found, version: Option<&Version>) -> bool {
        match (found, version) {
            (Found::Absent | Found::BelowFile(_), None) => true,
            (Found::File(found), Some(version)) => {
                found.blob == version.blob && (!self.file_mode || found.executable == version.executable)
            }
            _ => false,
        }
    }

    /// All files below a folder, links not followed.
    pub(super) fn files_below(&self, folder: &str) -> Result<Vec<String>> {
        let mut files = Vec::new();
        for path in durable::list(&self.root.join(folder))? {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let inner = format!("{folder}/{name}");
            match self.metadata(&inner)? {
                Some(metadata) if metadata.is_dir() => files.extend(self.files_below(&inner)?),
                _ => files.push(inner),
            }
        }
        Ok(files)
    }

    /// Writes the first of the files that are edited and only that, beside their places: neither they nor their folders
    /// change yet. `number` is that of the work tree among those of one move.
    pub(super) fn ready(&self, repo: &gix::Repository, files: &[FileRecord], number: usize) -> Result<Vec<Written>> {
        let mut ready = Vec::new();
        for (at, file) in files.iter().enumerate().take(AT_ONCE) {
            if file.old.is_some() && matches!(self.look(&file.path)?, Found::File(_)) {
                ready.extend(self.write(repo, file, self.own.join(format!("file-{number}-{at}.tmp")))?);
            }
        }
        Ok(ready)
    }

    /// Brings files from their old versions to their new ones; removals first, so that files and folders can take
    /// each other's places. `ready` are those that were written before, and flushed. Returns the folders that have to
    /// be flushed.
    pub(super) fn follow(&self, repo: &gix::Repository, files: &[FileRecord], ready: &[Written]) -> Result<BTreeSet<PathBuf>> {
        for file in files.iter().filter(|file| file.new.is_none()) {
            self.remove(file)?;
            failpoint::hit("git.checkout.removed");
        }
        let mut folders = BTreeSet::new();
        let known: HashSet<String> = ready.iter().map(|written| written.path.clone()).collect();
        self.place_all(ready, &mut folders)?;
        let rest: Vec<&FileRecord> = files.iter().filter(|file| !known.contains(&file.path)).collect();
        for files in rest.chunks(AT_ONCE) {
            let mut written = Vec::new();
            for (number, file) in files.iter().enumerate() {
                written.extend(self.write(repo, file, self.own.join(format!("file-{number}.tmp")))?);
            }
            let temporary: Vec<&Path> = written.iter().map(|written| written.temporary.as_path()).collect();
            self.disk.all(&temporary)?;
            self.place_all(&written, &mut folders)?;
        }
        Ok(folders)
    }

    /// Puts files that are written and flushed into their places.
    fn place_all(&self, written: &[Written], folders: &mut BTreeSet<PathBuf>) -> Result<()> {
        failpoint::hit("git.checkout.written");
        let half = written.len() / 2;
        for (number, written) in written.iter().enumerate() {
            if number > 0 && number == half {
                failpoint::hit("git.checkout.half");
            }
            if self.place(written)? {
                folders.insert(parent(&written.full).to_owned());
            }
        }
        Ok(())
    }

    /// Removes what a process that died in the middle of [`place`](Self::place) left beside these files.
    pub(super) fn sweep(&self, files: &[FileRecord]) -> Result<()> {
        for file in files {
            if !matches!(self.look(&file.path)?, Found::BehindLink | Found::BelowFile(_)) {
                durable::remove(&parent(&self.root.join(&file.path)).join(BESIDE))?;
            }
        }
        Ok(())
    }

    fn remove(&self, file: &FileRecord) -> Result<()> {
        let full = self.root.join(&file.path);
        let found = self.look(&file.path)?;
        if matches!(found, Found::File(_)) && self.is(&found, file.old.as_ref()) {
            durable::remove(&full)?;
        }
        // Git has no empty folders. One with anything left in it cannot be removed.
        for folder in full.ancestors().skip(1).take_while(|folder| *folder != self.root) {
            if matches!(found, Found::BehindLink) || fs::remove_dir(folder).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Writes the new content to `temporary` if the path may have it.
    fn write(&self, repo: &gix::Repository, file: &FileRecord, temporary: PathBuf) -> Result<Option<Written>> {
        let Some(new) = &file.new else { return Ok(None) };
        let full = self.root.join(&file.path);
        let mut found = self.look(&file.path)?;
        let replaces = self.is(&found, file.old.as_ref());
        if self.is(&found, Some(new)) || !(replaces || found == Found::Folder) {
            return Ok(None);
        }
        if found == Found::Folder {
            if !remove_empty_folders(&full) {
                return Ok(None);
            }
            found = Found::Absent;
        }
        if !self.make_folders(&file.path)? {
            return Ok(None);
        }
        let failed = |error| errors::io("write", &temporary, error);
        fs::write(&temporary, content(repo, &new.blob)?).map_err(failed)?;
        let written = File::open(&temporary).map_err(failed)?;
        set_executable(&written, self.metadata(&file.path)?.as_ref(), new.executable).map_err(failed)?;
        Ok(Some(Written { path: file.path.clone(), full, temporary, found }))
    }

    /// Puts new content in its place unless a person has saved the file since it was looked at. By way of the file's
    /// own folder where the repository is on another file system.
    fn place(&self, written: &Written) -> Result<bool> {
        let Written { path, full, temporary, found } = written;
        let beside = parent(full).join(BESIDE);
        if self.look(path)? != *found {
            durable::remove(temporary)?;
            return Ok(false);
        }
        match fs::rename(temporary, full) {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                let failed = |error| errors::io("write", full, error);
                fs::copy(temporary, &beside).map_err(failed)?;
                self.disk.all(&[&beside])?;
                fs::rename(&beside, full).map_err(failed)?;
                durable::remove(temporary)?;
            }
            other => other.map_err(|error| errors::io("write", full, error))?,
        }
        Ok(true)
    }

    /// Makes the folders above a path; `false` when something else is in the way.
    fn make_folders(&self, path: &str) -> Result<bool> {
        for (at, _) in path.match_indices('/') {
            let full = self.root.join(&path[..at]);
            match self.metadata(&path[..at])? {
                Some(metadata) if metadata.is_dir() => {}
                Some(_) => return Ok(false),
                None => {
                    fs::create_dir(&full).map_err(|error| errors::io("make the folder", &full, error))?;
                    self.disk.folder(parent(&full))?;
                }
            }
        }
        Ok(true)
    }
}

fn remove_empty_folders(folder: &Path) -> bool {
    if let Ok(entries) = fs::read_dir(folder) {
        for entry in entries.flatten() {
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) || !remove_empty_folders(&entry.path()) {
                return false;
            }
        }
    }
    fs::remove_dir(folder).is_ok()
}

fn content(repo: &gix::Repository, blob: &str) -> Result<Vec<u8>> {
    let damaged = |reason: String| Error::new(ErrorKind::Corrupt, format!("cannot read the blob {blob}: {reason}; run `git fsck`"));
    let id = ObjectId::from_hex(blob.as_bytes()).map_err(|error| damaged(error.to_string()))?;
    let mut buffer = Vec::new();
    repo.objects.find_blob(&id, &mut buffer).map_err(|error| damaged(error.to_string()))?;
    Ok(buffer)
}

#[cfg(unix)]
fn is_executable(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o100 != 0
}

#[cfg(not(unix))]
fn is_executable(_metadata: &Metadata) -> bool {
    false
}

/// The permissions of the file that is replaced, or those of a new file; executable for whoever may read it.
#[cfg(unix)]
fn set_executable(file: &File, replaced: Option<&Metadata>, executable: bool) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let fresh = file.metadata()?;
    let mode = replaced.filter(|metadata| metadata.is_file()).unwrap_or(&fresh).permissions().mode() & 0o777;
    let mode = if executable { mode | ((mode & 0o444) >> 2) } else { mode & !0o111 };
    file.set_permissions(Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn set_executable(_file: &File, _replaced: Option<&Metadata>, _executable: bool) -> io::Result<()> {
    Ok(())
}
