//! The index of a work tree: whether it agrees with the branch at a path, and entries that follow it. Written whole
//! under git's own lock; what git only caches there is left out, because it would be stale.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::bstr::{BStr, ByteSlice};
use gix::index::entry::{Flags, Mode, Stage, Stat};
use gix::index::{File, fs::Metadata};
use lorebase::{Error, ErrorKind, Result};

use super::durable::{self, Disk};
use super::errors;
use super::journal::{FileRecord, Version};
use super::worktree::WorkTree;
use crate::failpoint;

pub(super) struct Index {
    path: PathBuf,
    file: File,
    /// When the file was written, in whole seconds.
    written: i64,
    /// What the file looked like right after this was read or written; `None` where a system does not tell.
    seen: Option<Seen>,
}

/// What changes with every new index file: git never writes into one that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    place: (u64, u64),
    size: u64,
    times: (i64, i64, i64, i64),
}

impl Seen {
    #[cfg(unix)]
    fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        let metadata = fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file)?;
        Some(Self {
            place: (metadata.dev(), metadata.ino()),
            size: metadata.size(),
            times: (metadata.mtime(), metadata.mtime_nsec(), metadata.ctime(), metadata.ctime_nsec()),
        })
    }

    #[cfg(not(unix))]
    fn of(_path: &Path) -> Option<Self> {
        None
    }
}

impl Index {
    /// Reads the index; one that is not there is empty. Git's lock is held. Nothing is read where `known`, as it was
    /// read or written here before, is still what the file holds.
    pub(super) fn open(path: &Path, hash: gix::hash::Kind, known: Option<Self>) -> Result<Self> {
        let seen = Seen::of(path);
        if let Some(known) = known.filter(|known| known.path == path && seen.is_some() && known.seen == seen) {
            return Ok(known);
        }
        let options = gix::index::decode::Options::default();
        let file = File::at_or_default(path, hash, false, options).map_err(|error| unreadable(path, error))?;
        Ok(Self { path: path.to_owned(), written: file.timestamp().unix_seconds(), file, seen })
    }

    /// Why this index as a whole is left to git itself, if it is.
    pub(super) fn refusal(&self) -> Option<&'static str> {
        let mut entries = self.file.entries().iter();
        if self.file.is_sparse() || entries.clone().any(|entry| entry.flags.contains(Flags::SKIP_WORKTREE)) {
            return Some("the work tree is a sparse checkout, which only git itself can update");
        }
        entries.any(|entry| entry.stage() != Stage::Unconflicted).then_some("a merge has unresolved files")
    }

    /// Whether the index has exactly this version, and nothing that could not be beside it.
    pub(super) fn agrees(&self, path: &str, version: Option<&Version>, leaving: &HashSet<&str>) -> bool {
        let name = BStr::new(path.as_bytes());
        match (self.file.entry_by_path(name), version) {
            (Some(entry), Some(version)) => {
                !entry.flags.contains(Flags::INTENT_TO_ADD)
                    && ObjectId::from_hex(version.blob.as_bytes()).is_ok_and(|id| id == entry.id)
                    && entry.mode == mode(version)
            }
            (None, None) => {
                let prefix = format!("{path}/");
                let below = self.file.prefixed_entries(BStr::new(prefix.as_bytes())).unwrap_or_default();
                let mut above = path.match_indices('/').map(|(at, _)| &path[..at]);
                below.iter().all(|entry| entry.path(&self.file).to_str().is_ok_and(|path| leaving.contains(path)))
                    && above.all(|folder| leaving.contains(folder) || self.file.entry_by_path(BStr::new(folder.as_bytes())).is_none())
            }
            _ => false,
        }
    }

    /// Whether there is an entry at all.
    pub(super) fn has(&self, path: &str) -> bool {
        self.file.entry_by_path(BStr::new(path.as_bytes())).is_some()
    }

    /// Brings entries from their old versions to their new ones; others stay. The entry of a file that is not in its
    /// new version says nothing about the file, so that git looks.
    pub(super) fn follow(&mut self, tree: &WorkTree, files: &[FileRecord]) -> Result<()> {
        let mut ours: Vec<(&FileRecord, Option<usize>)> = Vec::with_capacity(files.len());
        for file in files {
            let at = self.file.entry_index_by_path(BStr::new(file.path.as_bytes())).ok();
            let current = at.map(|at| &self.file.entries()[at]).map(|entry| (entry.id.to_string(), entry.mode));
            let is = |version: &Option<Version>| current == version.as_ref().map(|version| (version.blob.clone(), mode(version)));
            if is(&file.old) || is(&file.new) {
                ours.push((file, at));
            }
        }
        let mine: HashSet<usize> = ours.iter().filter_map(|(_, at)| *at).collect();
        for (at, entry) in self.file.entries_mut().iter_mut().enumerate() {
            // An entry as young as the old index was only trusted because git looked at its file each time. In the
            // new, younger index it would be trusted blindly.
            if i64::from(entry.stat.mtime.secs) >= self.written && !mine.contains(&at) {
                entry.stat.size = 0;
            }
        }
        let mut leaving = HashSet::new();
        let mut added = false;
        for (file, at) in ours {
            let Some(new) = &file.new else {
                leaving.extend(at);
                continue;
            };
            let id = ObjectId::from_hex(new.blob.as_bytes())
                .map_err(|error| Error::new(ErrorKind::Corrupt, format!("`{}` is no blob id", new.blob)).caused_by(error))?;
            let found = tree.look(&file.path)?;
            let stat = if tree.is(&found, Some(new)) { stat(&tree.root.join(&file.path))? } else { Stat::default() };
            if let Some(at) = at {
                let entry = &mut self.file.entries_mut()[at];
                (entry.stat, entry.id, entry.flags, entry.mode) = (stat, id, Flags::empty(), mode(new));
            } else {
                self.file.dangerously_push_entry(stat, id, Flags::empty(), mode(new), BStr::new(file.path.as_bytes()));
                added = true;
            }
        }
        if !leaving.is_empty() {
            self.file.remove_entries(|at, _, _| leaving.contains(&at));
        }
        if added {
            self.file.sort_entries();
        }
        Ok(())
    }

    /// Writes what will be the index file.
    pub(super) fn ready(&mut self, temporary: &Path) -> Result<()> {
        let mut bytes = Vec::with_capacity(self.file.entries().len() * 100);
        // A tree cache that does not match its entries makes git write broken trees.
        let options = gix::index::write::Options { extensions: gix::index::write::Extensions::None, skip_hash: true };
        let failed = |error| errors::gix(&format!("write the index `{}`", self.path.display()), error);
        let (_, none) = self.file.write_to(&mut bytes, options).map_err(failed)?;
        // Hashed whole: the writer would do it entry by entry.
        bytes.truncate(bytes.len() - none.as_bytes().len());
        let mut hasher = gix::hash::hasher(none.kind());
        hasher.update(&bytes);
        let hash = hasher.try_finalize().map_err(|error| Error::new(ErrorKind::Internal, format!("an index cannot be hashed: {error}")))?;
        bytes.extend_from_slice(hash.as_bytes());
        durable::remove(temporary)?;
        durable::put(temporary, &bytes)?;
        if let Ok(metadata) = fs::metadata(&self.path) {
            let _ = fs::set_permissions(temporary, metadata.permissions());
        }
        failpoint::hit("git.index.written");
        Ok(())
    }

    /// Replaces the index file by what was made ready and flushed. Git's lock is held.
    pub(super) fn replace(&mut self, temporary: &Path, disk: Disk) -> Result<()> {
        fs::rename(temporary, &self.path).map_err(|error| errors::io("replace the index", &self.path, error))?;
        self.seen = Seen::of(&self.path);
        self.written = self.seen.as_ref().map_or(0, |seen| seen.times.0);
        disk.folder(durable::parent(&self.path))
    }
}

/// A damaged index is made again from the branch, which no other damage is.
fn unreadable(path: &Path, error: impl Into<gix::Error>) -> Error {
    let error = errors::gix(&format!("read the index `{}`", path.display()), error);
    if error.kind() != ErrorKind::Corrupt {
        return error;
    }
    let place = path.display().to_string();
    let message =
        format!("the index `{place}` is damaged; remove that file and run `git reset`, which makes it again and changes no other");
    Error::new(ErrorKind::Corrupt, message).with("path", place).caused_by(error)
}

fn mode(version: &Version) -> Mode {
    if version.executable { Mode::FILE_EXECUTABLE } else { Mode::FILE }
}

fn stat(path: &Path) -> Result<Stat> {
    let metadata = Metadata::from_path_no_follow(path).map_err(|error| errors::io("look at", path, error))?;
    Stat::from_fs(&metadata).map_err(|error| errors::io("look at", path, std::io::Error::other(error)))
}
