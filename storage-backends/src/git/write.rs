//! What edits do to trees, and commits made of them. Objects are collected in memory first; see `objects` for how
//! they reach the disk.

use std::collections::{BTreeMap, HashMap};

use gix::ObjectId;
use gix::bstr::BString;
use gix::objs::tree::{EntryKind, EntryMode};
use gix::objs::{Commit, Kind};
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
    let mut trees = Trees::default();
    // Written past gix's own check for objects that exist: those would stay as old, or as damaged, as they are.
    repo.objects.enable_object_memory();
    let mut ids = Vec::with_capacity(commits.len());
    for commit in commits {
        let root = edit(&repo, &mut trees, tree, &commit.edits)?;
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
        let keep = objects::write(shared, &storage, &trees.lineage)?;
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
fn edit(repo: &gix::Repository, trees: &mut Trees, tree: Option<ObjectId>, edits: &[TreeEdit]) -> Result<ObjectId> {
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
    match folder.apply(repo, trees, tree, "")? {
        Some(id) => Ok(id),
        None => trees.write(repo, tree, Entries::new()),
    }
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
    fn apply(&self, repo: &gix::Repository, trees: &mut Trees, tree: Option<ObjectId>, prefix: &str) -> Result<Option<ObjectId>> {
        let mut entries = trees.read(repo, tree)?;
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
                let below = change.below.apply(repo, trees, folder, &format!("{path}/"))?;
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
            Some(tree) if !touched => {
                let left = !entries.is_empty();
                trees.known.insert(tree, entries);
                Ok(Some(tree).filter(|_| left))
            }
            _ if entries.is_empty() => Ok(None),
            _ => trees.write(repo, tree, entries).map(Some),
        }
    }

    fn writes(&self) -> bool {
        self.0.values().any(|change| change.put.is_some() || change.below.writes())
    }
}

fn refused<T>(path: &str, reason: &str) -> Result<T> {
    Err(Error::new(ErrorKind::InvalidInput, format!("cannot write `{path}`: {reason}")).with("path", path))
}

/// What is in one folder.
type Entries = BTreeMap<BString, (EntryMode, ObjectId)>;

/// The folders that a chain of commits goes through.
#[derive(Default)]
struct Trees {
    /// As the last commit left them: the next one need not read them again.
    known: HashMap<ObjectId, Entries>,
    /// Every tree that was written, and the one it was made from.
    lineage: Vec<(ObjectId, Option<ObjectId>)>,
}

impl Trees {
    /// A tree's entries; whoever takes them writes them or hands them back.
    fn read(&mut self, repo: &gix::Repository, tree: Option<ObjectId>) -> Result<Entries> {
        let Some(tree) = tree.filter(|tree| !tree.is_empty_tree()) else { return Ok(Entries::new()) };
        if let Some(known) = self.known.remove(&tree) {
            return Ok(known);
        }
        let mut buffer = Vec::new();
        let failed = |error| errors::gix(&format!("read the tree {tree}"), error);
        let found = repo.objects.find_tree_iter(&tree, &mut buffer).map_err(failed)?;
        let mut entries = Entries::new();
        for entry in found {
            let entry = entry.map_err(failed)?;
            entries.insert(entry.filename.to_owned(), (entry.mode, entry.oid.to_owned()));
        }
        Ok(entries)
    }

    fn write(&mut self, repo: &gix::Repository, from: Option<ObjectId>, entries: Entries) -> Result<ObjectId> {
        let mut sorted: Vec<(&BString, &(EntryMode, ObjectId))> = entries.iter().collect();
        // Git sorts a folder as if its name ended in a slash.
        sorted.sort_by(|(a, (a_mode, _)), (b, (b_mode, _))| gix::objs::tree::name_order(a, a_mode.is_tree(), b, b_mode.is_tree()));
        let mut bytes = Vec::with_capacity(sorted.iter().map(|(name, (_, id))| name.len() + id.as_bytes().len() + 8).sum());
        for (name, (mode, id)) in sorted {
            let mut octal = [0; 6];
            bytes.extend_from_slice(mode.as_bytes(&mut octal));
            bytes.push(b' ');
            bytes.extend_from_slice(name);
            bytes.push(0);
            bytes.extend_from_slice(id.as_bytes());
        }
        let id = repo.objects.write_buf(Kind::Tree, &bytes).map_err(|error| errors::gix("write a tree", error))?;
        self.known.insert(id, entries);
        self.lineage.push((id, from));
        Ok(id)
    }
}
