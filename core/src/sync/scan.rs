//! Which files of a commit have to be looked at. Pure: from a tree's differences, or from the whole tree and the
//! manifest, to the files to read and the files that are gone.

use std::collections::{HashMap, HashSet};

use crate::knowledge::{Config, Diagnostic, KindName, KnowledgePath};
use crate::store::{BlobId, EntryMode, FileChange, ManifestRow, TreeEntry};

/// One file of a kind that has to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileTask {
    pub(super) path: KnowledgePath,
    pub(super) kind: KindName,
    pub(super) blob: BlobId,
}

/// What has to be looked at.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// Files to read, in the order of their paths.
    pub(super) files: Vec<FileTask>,
    /// Paths that hold no entity any more.
    pub(super) gone: Vec<String>,
    /// Findings that need no reading.
    pub(super) findings: Vec<(String, BlobId, Diagnostic)>,
}

enum Sight {
    Entity(FileTask),
    Finding(Diagnostic),
    Other,
}

fn look(config: &Config, entry: &TreeEntry) -> Sight {
    let inside = || {
        config
            .kinds
            .iter()
            .any(|kind| kind.folder.is_empty() || entry.path.strip_prefix(&kind.folder).is_some_and(|rest| rest.starts_with('/')))
    };
    match entry.mode {
        EntryMode::Symlink if inside() => Sight::Finding(Diagnostic::error(
            &entry.path,
            "file.symlink",
            "a symbolic link is never followed; replace it by the file itself",
        )),
        EntryMode::Submodule if inside() => Sight::Finding(Diagnostic::error(
            &entry.path,
            "file.submodule",
            "a submodule is never entered; keep its files in this repository or outside the kinds' folders",
        )),
        EntryMode::Symlink | EntryMode::Submodule => Sight::Other,
        EntryMode::File | EntryMode::Executable => match KnowledgePath::new(entry.path.as_str()) {
            Ok(path) => match config.classify(&path) {
                Some(kind) => Sight::Entity(FileTask { kind: kind.name.clone(), path, blob: entry.blob.clone() }),
                None => Sight::Other,
            },
            Err(error) if inside() => Sight::Finding(Diagnostic::error(&entry.path, "path.unsafe", error.message())),
            Err(_) => Sight::Other,
        },
    }
}

impl Scan {
    fn see(&mut self, config: &Config, entry: &TreeEntry) -> bool {
        match look(config, entry) {
            Sight::Entity(task) => {
                self.files.push(task);
                true
            }
            Sight::Finding(finding) => {
                self.findings.push((entry.path.clone(), entry.blob.clone(), finding));
                true
            }
            Sight::Other => false,
        }
    }

    /// From the differences between the cursor's tree and the head's.
    pub(super) fn of_changes(config: &Config, changes: &[FileChange]) -> Self {
        let mut scan = Self::default();
        for change in changes {
            let present = change.new.as_ref().is_some_and(|entry| scan.see(config, entry));
            if !present {
                scan.gone.push(change.path.clone());
            }
        }
        scan
    }

    /// From the whole tree and everything that SQL last agreed to; with `again`, files that did not change are read
    /// as well.
    pub(super) fn of_tree(config: &Config, tree: &[TreeEntry], manifest: &[ManifestRow], again: bool) -> Self {
        // The entries of one file need not agree: a held deletion or a broken entry stays what it was.
        let mut agreed: HashMap<&str, Option<&BlobId>> = HashMap::new();
        for row in manifest {
            let blob = agreed.entry(row.location.path.as_str()).or_insert(Some(&row.blob));
            *blob = blob.filter(|blob| **blob == row.blob);
        }
        let mut scan = Self::default();
        let mut present = HashSet::new();
        for entry in tree {
            let known = agreed.get(entry.path.as_str());
            if scan.see(config, entry) {
                present.insert(entry.path.as_str());
                if !again && known == Some(&Some(&entry.blob)) {
                    scan.files.pop_if(|task| task.path.as_str() == entry.path);
                }
            }
        }
        let mut gone: Vec<&str> = agreed.keys().copied().filter(|path| !present.contains(path)).collect();
        gone.sort_unstable();
        scan.gone = gone.into_iter().map(str::to_owned).collect();
        scan
    }
}
