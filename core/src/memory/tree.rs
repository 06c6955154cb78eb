//! A whole tree as one sorted map, and the rules by which edits change it. Paths sort by bytes, which is the order
//! in which git walks a tree.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::store::{BlobId, EntryMode, FileChange, TreeEntry};
use crate::{Error, ErrorKind, Result};

/// All files of a commit by path. Cheap to clone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tree(Arc<BTreeMap<String, (EntryMode, BlobId)>>);

impl Tree {
    pub(super) fn get(&self, path: &str) -> Option<TreeEntry> {
        self.0.get(path).map(|(mode, blob)| TreeEntry { path: path.to_owned(), mode: *mode, blob: blob.clone() })
    }

    pub(super) fn entries(&self) -> Vec<TreeEntry> {
        self.0.iter().map(|(path, (mode, blob))| TreeEntry { path: path.clone(), mode: *mode, blob: blob.clone() }).collect()
    }

    pub(super) fn set(&mut self, path: &str, mode: EntryMode, blob: BlobId) {
        Arc::make_mut(&mut self.0).insert(path.to_owned(), (mode, blob));
    }

    pub(super) fn remove(&mut self, path: &str) {
        if self.0.contains_key(path) {
            Arc::make_mut(&mut self.0).remove(path);
        }
    }

    /// Writes a file as a commit of this library may.
    pub(super) fn put(&mut self, path: &str, blob: BlobId) -> Result<()> {
        check(path)?;
        let refused =
            |reason: String| Err(Error::new(ErrorKind::InvalidInput, format!("cannot write `{path}`: {reason}")).with("path", path));
        let mode = match self.0.get(path) {
            Some((EntryMode::Symlink, _)) => return refused("a symbolic link is there".to_owned()),
            Some((EntryMode::Submodule, _)) => return refused("a submodule is there".to_owned()),
            Some((mode, _)) => *mode,
            None => EntryMode::File,
        };
        let below = format!("{path}/");
        if self.0.range(below.clone()..).next().is_some_and(|(other, _)| other.starts_with(&below)) {
            return refused("a folder is there".to_owned());
        }
        for (at, _) in path.match_indices('/') {
            if self.0.contains_key(&path[..at]) {
                return refused(format!("`{}` is a file, not a folder", &path[..at]));
            }
        }
        self.set(path, mode, blob);
        Ok(())
    }

    /// Everything that differs, ordered by path.
    pub(super) fn changes(&self, new: &Self) -> Vec<FileChange> {
        if Arc::ptr_eq(&self.0, &new.0) {
            return Vec::new();
        }
        let paths: std::collections::BTreeSet<&String> = self.0.keys().chain(new.0.keys()).collect();
        paths
            .into_iter()
            .filter(|path| self.0.get(*path) != new.0.get(*path))
            .map(|path| FileChange { path: path.clone(), old: self.get(path), new: new.get(path) })
            .collect()
    }
}

/// What no git repository takes as a path.
fn check(path: &str) -> Result<()> {
    let bad = path.contains('\0') || path.split('/').any(|part| matches!(part, "" | "." | "..") || part.eq_ignore_ascii_case(".git"));
    if bad {
        let message = format!("cannot write `{}`: git takes no empty, `.`, `..` or `.git` part in a path", path.escape_debug());
        return Err(Error::new(ErrorKind::InvalidInput, message).with("path", path));
    }
    Ok(())
}
