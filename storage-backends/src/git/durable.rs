//! Files that are whole and on the disk, or not there at all. New files and folders are as readable as the folder
//! they are in, so that a repository shared by a group stays shared.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use lorebase::{Error, ErrorKind, Result};

use super::errors;
use crate::failpoint;

/// How many files are flushed side by side.
const MOST_THREADS: usize = 16;

/// Whether calls wait for the disk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Disk(pub bool);

impl Disk {
    /// The file's content is on the disk.
    pub(super) fn file(self, file: &File, path: &Path) -> Result<()> {
        if self.0 {
            file.sync_all().map_err(|error| errors::io("flush", path, error))?;
        }
        Ok(())
    }

    /// The same for many files or folders, flushed side by side: the file system then writes its own journal once
    /// for several of them.
    pub(super) fn all(self, paths: &[&Path]) -> Result<()> {
        if !self.0 || paths.is_empty() {
            return Ok(());
        }
        std::thread::scope(|scope| {
            let flush = |paths: &[&Path]| paths.iter().try_for_each(|path| self.flush(path));
            // The last part is the caller's own: few files need few threads.
            let mut parts = paths.chunks(paths.len().div_ceil(MOST_THREADS));
            let own = parts.next_back().unwrap_or_default();
            let flushing: Vec<_> = parts.map(|paths| scope.spawn(move || flush(paths))).collect();
            let own = flush(own);
            flushing.into_iter().try_for_each(|thread| {
                thread.join().unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, "a thread that flushes files panicked")))
            })?;
            own
        })
    }

    fn flush(self, path: &Path) -> Result<()> {
        if path.is_dir() {
            return self.folder(path);
        }
        let file = File::open(path).map_err(|error| errors::io("open", path, error))?;
        self.file(&file, path)
    }

    /// The names in a folder are on the disk.
    pub(super) fn folder(self, path: &Path) -> Result<()> {
        if self.0 && cfg!(unix) {
            let folder = File::open(path).map_err(|error| errors::io("open", path, error))?;
            folder.sync_all().map_err(|error| errors::io("flush", path, error))?;
        }
        Ok(())
    }

    /// Makes a new file with these bytes and flushes it; one that is there is replaced in place, so only for names
    /// nobody reads yet.
    pub(super) fn write(self, path: &Path, bytes: &[u8]) -> Result<()> {
        let file = put(path, bytes)?;
        self.file(&file, path)
    }

    /// Replaces a file as a whole, by way of `temporary` in the same file system. `places` are passed before it is
    /// replaced and before its folder is flushed.
    pub(super) fn replace(self, path: &Path, temporary: &Path, bytes: &[u8], places: [&'static str; 2]) -> Result<()> {
        self.write(temporary, bytes)?;
        failpoint::hit(places[0]);
        fs::rename(temporary, path).map_err(|error| errors::io("replace", path, error))?;
        failpoint::hit(places[1]);
        self.folder(parent(path))
    }

    /// Makes a folder and those above it, each flushed into the one that holds it.
    pub(super) fn make_folder(self, path: &Path) -> Result<()> {
        if path.is_dir() {
            return Ok(());
        }
        let above = parent(path);
        self.make_folder(above)?;
        if make_folder(path)? { self.folder(above) } else { Ok(()) }
    }
}

/// The same as [`Disk::write`], not flushed.
pub(super) fn put(path: &Path, bytes: &[u8]) -> Result<File> {
    let failed = |error| errors::io("write", path, error);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(path).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    Ok(file)
}

/// Makes one folder, not flushed; `false` when it is there already.
pub(super) fn make_folder(path: &Path) -> Result<bool> {
    match fs::create_dir(path) {
        Ok(()) => {
            inherit(path, parent(path));
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(false),
        Err(error) => Err(errors::io("make the folder", path, error)),
    }
}

/// The folder that holds a path.
pub(super) fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Removes a file; one that is not there is removed already.
pub(super) fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(errors::io("remove", path, error)),
        _ => Ok(()),
    }
}

/// The names in a folder; none when it is not there.
pub(super) fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path()).map_err(|error| errors::io("list", folder, error))).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(errors::io("list", folder, error)),
    }
}

/// The bytes of a file, `None` when it is not there.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory) => {
            Ok(None)
        }
        Err(error) => Err(errors::io("read", path, error)),
    }
}

/// A new folder is as open as the one above it. Where that is not ours to decide, the default stays.
fn inherit(path: &Path, above: &Path) {
    if let Ok(metadata) = fs::metadata(above) {
        let _ = fs::set_permissions(path, metadata.permissions());
    }
}

/// A finished object: read-only, and readable by whoever may read its folder.
pub(super) fn seal(file: &File, folder: &Path) {
    if let Some(permissions) = sealed(folder) {
        let _ = file.set_permissions(permissions);
    }
}

#[cfg(unix)]
fn sealed(folder: &Path) -> Option<Permissions> {
    use std::os::unix::fs::PermissionsExt;
    Some(Permissions::from_mode(fs::metadata(folder).ok()?.permissions().mode() & 0o444))
}

#[cfg(not(unix))]
fn sealed(_folder: &Path) -> Option<Permissions> {
    None
}
