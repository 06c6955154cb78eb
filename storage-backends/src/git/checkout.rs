//! Work trees that have the branch checked out. They follow a move of the branch only where nobody's uncommitted work
//! is touched: at every touched path the branch, the index and the file must be equal, or nothing moves at all.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use gix::bstr::{BString, ByteSlice};
use gix::objs::tree::EntryKind;
use lorebase::store::Blocked;
use lorebase::{Error, ErrorKind, Result};

use super::attributes::Attributes;
use super::index::Index;
use super::journal::{FileRecord, Version};
use super::read::{RawChange, Side};
use super::worktree::{Found, WorkTree};
use super::{Shared, branch, durable, errors, open, write};

/// One work tree on the branch.
pub(super) struct Checkout {
    pub git_dir: PathBuf,
    /// The same from the folder that all work trees share.
    pub place: PathBuf,
    pub index: PathBuf,
    pub tree: WorkTree,
    common_dir: PathBuf,
    crlf: bool,
    /// Why it cannot follow whatever the change is, if it cannot.
    refusal: Option<String>,
}

/// All work trees that a move of `branch` concerns.
pub(super) fn find(shared: &Shared, branch: &str) -> Result<Vec<Checkout>> {
    let mut candidates = if shared.bare { Vec::new() } else { vec![shared.common_dir.clone()] };
    candidates.extend(durable::list(&shared.common_dir.join("worktrees"))?);
    let mut found = Vec::new();
    for git_dir in candidates {
        if let Some(checkout) = Checkout::at(shared, &git_dir, branch)? {
            found.push(checkout);
        }
    }
    Ok(found)
}

impl Checkout {
    /// The work tree of `git_dir` if it has `branch` checked out, or is rebasing it.
    pub(super) fn at(shared: &Shared, git_dir: &Path, branch: &str) -> Result<Option<Self>> {
        let rebasing = is_rebasing(git_dir, branch)?;
        if !rebasing && branch::head_of(git_dir, &shared.common_dir)?.as_deref() != Some(branch) {
            return Ok(None);
        }
        if !is_there(git_dir)? {
            return Ok(None);
        }
        let failed = |error| errors::gix(&format!("open the work tree of `{}`", git_dir.display()), error);
        // Opened anew each time: its configuration may have changed.
        let repo = open::isolated().open_path_as_is(true).open(git_dir).map_err(failed)?.to_thread_local();
        let Some(root) = repo.workdir().filter(|root| root.is_dir()) else { return Ok(None) };
        let config = repo.config_snapshot();
        let refusal = if rebasing {
            Some("a rebase of this branch is in progress".to_owned())
        } else if let Some(what) = in_progress(git_dir) {
            Some(format!("a {what} is in progress"))
        } else if config.boolean("core.autocrlf") == Some(true) {
            Some("the work tree has converted line ends (core.autocrlf), which only git itself can write".to_owned())
        } else if config.boolean("core.sparseCheckout") == Some(true) {
            Some("the work tree is a sparse checkout, which only git itself can update".to_owned())
        } else {
            None
        };
        Ok(Some(Self {
            git_dir: git_dir.to_owned(),
            place: git_dir.strip_prefix(&shared.common_dir).unwrap_or(git_dir).to_owned(),
            index: git_dir.join("index"),
            tree: WorkTree {
                root: std::fs::canonicalize(root).map_err(|error| errors::io("find", root, error))?,
                hash: shared.hash,
                file_mode: cfg!(unix) && config.boolean("core.fileMode") != Some(false),
                disk: shared.disk,
                own: shared.own.clone(),
            },
            common_dir: shared.common_dir.clone(),
            crlf: config.string("core.eol").is_some_and(|eol| eol.eq_ignore_ascii_case(b"crlf")),
            refusal,
        }))
    }

    /// What git's lock of the index guards, from the folder that all work trees share.
    pub(super) fn guarded(&self) -> PathBuf {
        self.place.join("index")
    }

    /// Every touched path that cannot follow, with the reason.
    pub(super) fn check(&self, index: &Index, files: &[FileRecord]) -> Result<Vec<Blocked>> {
        let whole = self.refusal.clone().or_else(|| index.refusal().map(str::to_owned));
        if let Some(reason) = whole {
            return Ok(files.iter().map(|file| Blocked { path: file.path.clone(), reason: reason.clone() }).collect());
        }
        let attributes = Attributes::read(&self.tree.root, &self.common_dir, files.iter().map(|file| file.path.as_str()), self.crlf)?;
        let leaving: HashSet<&str> = files.iter().filter(|file| file.new.is_none()).map(|file| file.path.as_str()).collect();
        let mut blocked = Vec::new();
        for file in files {
            let reason = match attributes.refusal(&file.path) {
                Some(reason) => Some(reason),
                None => self.reason(index, file, &leaving)?.map(str::to_owned),
            };
            blocked.extend(reason.map(|reason| Blocked { path: file.path.clone(), reason }));
        }
        Ok(blocked)
    }

    fn reason(&self, index: &Index, file: &FileRecord, leaving: &HashSet<&str>) -> Result<Option<&'static str>> {
        let found = self.tree.look(&file.path)?;
        if found == Found::BehindLink {
            return Ok(Some("a folder on the way is a symbolic link"));
        }
        let staged = !index.agrees(&file.path, file.old.as_ref(), leaving);
        let Some(_) = &file.old else {
            let free = match &found {
                Found::Absent => true,
                Found::BelowFile(above) => leaving.contains(above.as_str()),
                Found::Folder => self.tree.files_below(&file.path)?.iter().all(|below| leaving.contains(below.as_str())),
                _ => false,
            };
            return Ok(match (staged, free) {
                (true, _) => Some("staged"),
                (false, false) => Some("untracked file in the way"),
                (false, true) => None,
            });
        };
        Ok(match found {
            Found::Absent | Found::BelowFile(_) if !staged || !index.has(&file.path) => Some("deleted but not committed"),
            _ if staged => Some("staged"),
            _ if self.tree.is(&found, file.old.as_ref()) => None,
            _ => Some("edited but not committed"),
        })
    }
}

/// Whether the folder of a linked work tree still exists; the main one is known by its repository.
fn is_there(git_dir: &Path) -> Result<bool> {
    let Some(link) = durable::read(&git_dir.join("gitdir"))? else { return Ok(true) };
    Ok(link.trim().to_path().is_ok_and(|dot_git| git_dir.join(dot_git).exists()))
}

fn is_rebasing(git_dir: &Path, branch: &str) -> Result<bool> {
    for folder in ["rebase-merge", "rebase-apply"] {
        let name = durable::read(&git_dir.join(folder).join("head-name"))?;
        if name.is_some_and(|name| name.trim() == branch.as_bytes()) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn in_progress(git_dir: &Path) -> Option<&'static str> {
    let signs = [
        ("MERGE_HEAD", "merge"),
        ("CHERRY_PICK_HEAD", "cherry-pick"),
        ("REVERT_HEAD", "revert"),
        ("rebase-merge", "rebase"),
        ("rebase-apply", "rebase"),
    ];
    signs.iter().find(|(file, _)| git_dir.join(file).exists()).map(|(_, what)| *what)
}

/// The differences of two trees as files to bring forward, or the paths that are never checked out here.
pub(super) fn plan(changes: Vec<RawChange>) -> Result<Vec<FileRecord>, Vec<Blocked>> {
    let (mut files, mut blocked) = (Vec::with_capacity(changes.len()), Vec::new());
    for (path, old, new) in changes {
        match (path.to_str(), version(old), version(new)) {
            // A tree that came from elsewhere may hold anything.
            (Ok(name), ..) if write::check(name).is_err() => blocked.push((path, "its name is unsafe to write to a disk")),
            (Ok(path), Ok(old), Ok(new)) => files.push(FileRecord { path: path.to_owned(), old, new }),
            (Err(_), ..) => blocked.push((path, "its name is not UTF-8; commit it with git itself")),
            _ => blocked.push((path, "it is a symbolic link or a submodule; commit it with git itself")),
        }
    }
    if blocked.is_empty() {
        return Ok(files);
    }
    let told = |(path, reason): (BString, &str)| Blocked { path: path.to_str_lossy().into_owned(), reason: reason.to_owned() };
    Err(blocked.into_iter().map(told).collect())
}

fn version(side: Option<Side>) -> Result<Option<Version>> {
    let Some((mode, id)) = side else { return Ok(None) };
    let executable = match mode.kind() {
        EntryKind::Blob => false,
        EntryKind::BlobExecutable => true,
        _ => return Err(Error::new(ErrorKind::Unsupported, "not a regular file")),
    };
    Ok(Some(Version { blob: id.to_string(), executable }))
}
