//! What edits do to trees, and commits made of them. Objects are collected in memory first; see `objects` for how
//! they reach the disk.

use std::collections::BTreeMap;

use gix::ObjectId;
use gix::bstr::{BString, ByteSlice};
use gix::objs::tree::{Entry, EntryKind, EntryMode};
use gix::objs::{Commit, Kind, Tree};
use gix::prelude::*;
use lorebase::knowledge::Author;
use lorebase::store::{CommitId, NewCommit, Signature, TreeEdit};
use lorebase::{Error, ErrorKind, Result};

use super::{Shared, errors, objects};

/// Writes a chain of commits on `parent`. See [`GitStore::prepare`](lorebase::store::GitStore::prepare).
pub(super) fn prepare(shared: &Shared, parent: Option<&CommitId>, commits: &[NewCommit]) -> Result<Vec<CommitId>> {
    let mut repo = shared.local();
    let mut at = None;
    let mut tree = None;
    if let Some(parent) = parent {
        let (id, root) = shared.commit(&repo, parent)?;
        (at, tree) = (Some(id), Some(root));
    }
    // Written past gix's own check for objects that exist: those would stay as old, or as damaged, as they are.
    repo.objects.enable_object_memory();
    let mut ids = Vec::with_capacity(commits.len());
    for commit in commits {
        let root = edit(&repo, tree, &commit.edits)?;
        let object = Commit {
            tree: root,
            parents: at.into_iter().collect(),
            author: signature(&commit.author),
            committer: signature(&commit.committer),
            encoding: None,
            message: commit.message.replace('\0', "").into(),
            extra_headers: Vec::new(),
        };
        let id = repo.objects.write(&object).map_err(|error| errors::gix("write a commit", error))?;
        ids.push(CommitId::new(id.to_string()));
        (at, tree) = (Some(id), Some(root));
    }
    if let (Some(storage), Some(tip)) = (repo.objects.take_object_memory(), at)
        && !ids.is_empty()
    {
        let keep = objects::write(shared, &storage)?;
        shared.keep(tip, keep)?;
    }
    Ok(ids)
}

/// Git keeps whole seconds from 1970, and names without the characters that delimit them.
fn signature(signature: &Signature) -> gix::actor::Signature {
    let author = Author::new(&signature.author.name, &signature.author.email);
    let time = gix::date::Time::new(signature.time.as_second().max(0), 0);
    gix::actor::Signature { name: author.name.into(), email: author.email.into(), time }
}

/// The tree that `edits` make of `tree`.
fn edit(repo: &gix::Repository, tree: Option<ObjectId>, edits: &[TreeEdit]) -> Result<ObjectId> {
    let mut folder = Folder::default();
    for edit in edits {
        match edit {
            TreeEdit::Remove { path } => folder.at(path).remove = true,
            TreeEdit::Put { path, bytes } => {
                check(path)?;
                let id = repo.objects.write_buf(Kind::Blob, bytes).map_err(|error| errors::gix("write a blob", error))?;
                folder.at(path).put = Some(id);
            }
        }
    }
    let edited = folder.apply(repo, tree, "")?;
    if let Some(id) = edited {
        return Ok(id);
    }
    write(repo, BTreeMap::new())
}

/// Nothing may leave the tree, name the repository's own folder, or be read as something else on another system.
pub(super) fn check(path: &str) -> Result<()> {
    for part in path.split('/') {
        if let Err(error) = gix::validate::path::component(part.into(), None, gix::validate::path::component::Options::default()) {
            let message = format!("cannot write `{}`: {error}", path.escape_debug());
            return Err(Error::new(ErrorKind::InvalidInput, message).with("path", path));
        }
    }
    if path.contains('\0') {
        let message = format!("cannot write `{}`: a path holds no NUL", path.escape_debug());
        return Err(Error::new(ErrorKind::InvalidInput, message).with("path", path));
    }
    Ok(())
}

/// What is to be done below one folder.
#[derive(Default)]
struct Folder(BTreeMap<String, Change>);

/// What is to be done at one name: as a file, and below it as a folder.
#[derive(Default)]
struct Change {
    remove: bool,
    put: Option<ObjectId>,
    below: Folder,
}

impl Folder {
    fn at(&mut self, path: &str) -> &mut Change {
        match path.split_once('/') {
            Some((name, rest)) => self.0.entry(name.to_owned()).or_default().below.at(rest),
            None => self.0.entry(path.to_owned()).or_default(),
        }
    }

    /// The new tree; `None` when nothing is left in it.
    fn apply(&self, repo: &gix::Repository, tree: Option<ObjectId>, prefix: &str) -> Result<Option<ObjectId>> {
        let mut entries = entries(repo, tree)?;
        let mut touched = false;
        for (name, change) in &self.0 {
            let path = format!("{prefix}{name}");
            let key = BString::from(name.as_str());
            let before = entries.get(&key).copied();
            let mut now = before;
            if change.remove && now.is_some_and(|(mode, _)| !mode.is_tree()) {
                now = None;
            }
            let folder = now.filter(|(mode, _)| mode.is_tree()).map(|(_, id)| id);
            if change.below.writes() && now.is_some() && folder.is_none() {
                return refused(&path, "it is a file, and a folder must be there");
            }
            if folder.is_some() || change.below.writes() {
                let below = change.below.apply(repo, folder, &format!("{path}/"))?;
                now = below.map(|id| (EntryKind::Tree.into(), id));
            }
            if let Some(blob) = change.put {
                now = match now {
                    None => Some((EntryKind::Blob.into(), blob)),
                    Some((mode, _)) if mode.is_tree() => return refused(&path, "a folder is there"),
                    Some((mode, _)) if mode.is_link() => return refused(&path, "a symbolic link is there"),
                    Some((mode, _)) if mode.is_commit() => return refused(&path, "a submodule is there"),
                    Some((mode, _)) => Some((mode, blob)),
                };
            }
            if now != before {
                touched = true;
                match now {
                    Some(entry) => entries.insert(key, entry),
                    None => entries.remove(&key),
                };
            }
        }
        match tree {
            Some(tree) if !touched => Ok(Some(tree).filter(|_| !entries.is_empty())),
            _ if entries.is_empty() => Ok(None),
            _ => write(repo, entries).map(Some),
        }
    }

    fn writes(&self) -> bool {
        self.0.values().any(|change| change.put.is_some() || change.below.writes())
    }
}

fn refused<T>(path: &str, reason: &str) -> Result<T> {
    Err(Error::new(ErrorKind::InvalidInput, format!("cannot write `{path}`: {reason}")).with("path", path))
}

fn entries(repo: &gix::Repository, tree: Option<ObjectId>) -> Result<BTreeMap<BString, (EntryMode, ObjectId)>> {
    let Some(tree) = tree.filter(|tree| !tree.is_empty_tree()) else { return Ok(BTreeMap::new()) };
    let mut buffer = Vec::new();
    let failed = |error| errors::gix(&format!("read the tree {tree}"), error);
    let found = repo.objects.find_tree_iter(&tree, &mut buffer).map_err(failed)?;
    let mut entries = BTreeMap::new();
    for entry in found {
        let entry = entry.map_err(failed)?;
        entries.insert(entry.filename.to_owned(), (entry.mode, entry.oid.to_owned()));
    }
    Ok(entries)
}

fn write(repo: &gix::Repository, entries: BTreeMap<BString, (EntryMode, ObjectId)>) -> Result<ObjectId> {
    let mut entries: Vec<Entry> = entries.into_iter().map(|(filename, (mode, oid))| Entry { mode, filename, oid }).collect();
    // Git sorts a folder as if its name ended in a slash.
    entries.sort_by(|a, b| gix::objs::tree::name_order(a.filename.as_bytes(), a.mode.is_tree(), b.filename.as_bytes(), b.mode.is_tree()));
    repo.objects.write(&Tree { entries }).map_err(|error| errors::gix("write a tree", error))
}
