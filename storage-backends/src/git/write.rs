//! What edits do to trees, and commits made of them. Objects are collected in memory first; see `objects` for how
//! they reach the disk.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, PoisonError};

use gix::ObjectId;
use gix::bstr::{BString, ByteSlice};
use gix::objs::tree::{EntryKind, EntryMode};
use gix::objs::{Commit, Kind, TreeRefIter};
use gix::prelude::*;
use lorebase::knowledge::Author;
use lorebase::store::{BlobId, CommitId, NewCommit, Signature, TreeEdit};
use lorebase::{Error, ErrorKind, Result};

use super::pack::PackWriter;
use super::{Shared, errors, objects, read};

/// Writes a chain of commits on `parent`. See [`GitStore::prepare`](lorebase::store::GitStore::prepare).
pub(super) fn prepare(shared: &Shared, parent: Option<&CommitId>, commits: &[NewCommit]) -> Result<Vec<CommitId>> {
    let mut repo = shared.local();
    let mut at = None;
    let mut tree = None;
    if let Some(parent) = parent {
        let (id, root) = shared.tree_of(&repo, parent)?;
        (at, tree) = (Some(id), Some(root));
    }
    let mut trees = Trees::default();
    let names_blobs = commits.iter().flat_map(|commit| &commit.edits).any(|edit| matches!(edit, TreeEdit::Place { .. }));
    let begun = if names_blobs { shared.begun.lock().unwrap_or_else(PoisonError::into_inner).take() } else { None };
    // Written past gix's own check for objects that exist: those would stay as old, or as damaged, as they are.
    repo.objects.enable_object_memory();
    let (mut ids, mut roots) = (Vec::with_capacity(commits.len()), Vec::with_capacity(commits.len()));
    for commit in commits {
        let root = edit(shared, &repo, &mut trees, tree, &commit.edits, begun.as_ref())?;
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
        roots.push((id, root));
        (at, tree) = (Some(id), Some(root));
    }
    if let (Some(storage), Some(tip)) = (repo.objects.take_object_memory(), at)
        && !ids.is_empty()
    {
        let keep = objects::write(shared, &storage, &trees.lineage, begun, tip)?;
        shared.keep(tip, keep)?;
        for (commit, tree) in roots {
            shared.recent.keep_root(commit, tree);
        }
        for (id, bytes) in &trees.fresh {
            shared.recent.keep(*id, bytes);
        }
    }
    Ok(ids)
}

/// Git keeps whole seconds from 1970, and names without the characters that delimit them.
fn signature(signature: &Signature) -> gix::actor::Signature {
    let author = Author::new(&signature.author.name, &signature.author.email);
    let time = gix::date::Time::new(signature.time.as_second().max(0), 0);
    gix::actor::Signature { name: author.name.into(), email: author.email.into(), time }
}

/// Adds blobs to the pack that the next commits naming some of them complete.
pub(super) fn store(shared: &Shared, blobs: &[Vec<u8>]) -> Result<Vec<BlobId>> {
    let mut begun = shared.begun.lock().unwrap_or_else(PoisonError::into_inner);
    let mut pack = match begun.take() {
        Some(pack) => pack,
        None => PackWriter::new(shared)?,
    };
    let mut ids = Vec::with_capacity(blobs.len());
    for bytes in blobs {
        let id = gix::objs::compute_hash(shared.hash, Kind::Blob, bytes).map_err(|error| errors::gix("hash a blob", error))?;
        pack.add(id, Kind::Blob, bytes)?;
        ids.push(BlobId::new(id.to_string()));
    }
    *begun = Some(pack);
    Ok(ids)
}

/// The id of a blob that was stored before: in the pack that is being written, or in the repository.
fn stored(shared: &Shared, repo: &gix::Repository, path: &str, blob: &BlobId, begun: Option<&PackWriter>) -> Result<ObjectId> {
    let is_there = |id: &ObjectId| {
        let header = || repo.objects.try_header(id).ok().flatten();
        begun.is_some_and(|pack| pack.offset(id).is_some()) || header().is_some_and(|header| header.kind() == Kind::Blob)
    };
    shared.object_id(blob.as_str()).filter(is_there).ok_or_else(|| {
        let message = format!("cannot write `{path}`: the repository has no blob {blob}; store it first");
        Error::new(ErrorKind::NotFound, message).with("path", path)
    })
}

/// The tree that `edits` make of `tree`.
fn edit(
    shared: &Shared,
    repo: &gix::Repository,
    trees: &mut Trees,
    tree: Option<ObjectId>,
    edits: &[TreeEdit],
    begun: Option<&PackWriter>,
) -> Result<ObjectId> {
    let mut folder = Folder::default();
    for edit in edits {
        match edit {
            TreeEdit::Remove { path } => folder.at(path).remove = true,
            TreeEdit::Put { path, bytes } => {
                check(path)?;
                let id = repo.objects.write_buf(Kind::Blob, bytes).map_err(|error| errors::gix("write a blob", error))?;
                folder.at(path).put = Some(id);
            }
            TreeEdit::Place { path, blob } => {
                check(path)?;
                folder.at(path).put = Some(stored(shared, repo, path, blob, begun)?);
            }
        }
    }
    match folder.apply(shared, repo, trees, tree, "")? {
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

    /// Whether all that is to be done is to write files and folders.
    fn only_writes(&self) -> bool {
        self.0.values().all(|change| !change.remove && change.put.is_some() != change.below.writes() && change.below.only_writes())
    }

    /// The new tree where every name is there already as what it stays, which is so most of the time: only ids change
    /// then. `None` where it is not so.
    fn patch(&self, shared: &Shared, repo: &gix::Repository, trees: &mut Trees, tree: ObjectId, prefix: &str) -> Result<Option<ObjectId>> {
        let old = trees.raw(shared, repo, tree)?;
        let mut places = Vec::with_capacity(self.0.len());
        let mut at = 0;
        for entry in TreeRefIter::from_bytes(&old, repo.object_hash()) {
            let Ok(entry) = entry else { return Ok(None) };
            // The mode as it stands, a space, the name, a zero, the id.
            let Some(space) = old[at..].iter().position(|byte| *byte == b' ') else { return Ok(None) };
            let id = at + space + 1 + entry.filename.len() + 1;
            at = id + entry.oid.as_bytes().len();
            if let Some(change) = entry.filename.to_str().ok().and_then(|name| self.0.get_key_value(name)) {
                places.push((id, entry.mode, entry.oid.to_owned(), change));
            }
        }
        let stays = |(_, mode, _, (_, change)): &(usize, EntryMode, ObjectId, (&String, &Change))| {
            if change.put.is_some() { mode.is_blob() && !mode.is_link() } else { mode.is_tree() }
        };
        if at != old.len() || places.len() != self.0.len() || !places.iter().all(stays) {
            return Ok(None);
        }
        let mut new = old.to_vec();
        for (at, _, before, (name, change)) in places {
            let now = match change.put {
                Some(blob) => Some(blob),
                None => change.below.apply(shared, repo, trees, Some(before), &format!("{prefix}{name}/"))?,
            };
            let Some(now) = now else { return Ok(None) };
            new[at..at + now.as_bytes().len()].copy_from_slice(now.as_bytes());
        }
        if new == *old {
            return Ok(Some(tree));
        }
        trees.write_raw(repo, Some(tree), new).map(Some)
    }

    /// The new tree; `None` when nothing is left in it.
    fn apply(
        &self,
        shared: &Shared,
        repo: &gix::Repository,
        trees: &mut Trees,
        tree: Option<ObjectId>,
        prefix: &str,
    ) -> Result<Option<ObjectId>> {
        if let Some(tree) = tree.filter(|tree| !tree.is_empty_tree() && !trees.known.contains_key(tree) && self.only_writes())
            && let Some(patched) = self.patch(shared, repo, trees, tree, prefix)?
        {
            return Ok(Some(patched));
        }
        let mut entries = trees.read(shared, repo, tree)?;
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
                let below = change.below.apply(shared, repo, trees, folder, &format!("{path}/"))?;
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

/// How many trees of a chain are at hand as they are stored.
const FRESH: usize = 64;

/// What is in one folder.
type Entries = BTreeMap<BString, (EntryMode, ObjectId)>;

/// The folders that a chain of commits goes through.
#[derive(Default)]
struct Trees {
    /// As the last commit left them: the next one need not read them again.
    known: HashMap<ObjectId, Entries>,
    /// Every tree that was written, and the one it was made from.
    lineage: Vec<(ObjectId, Option<ObjectId>)>,
    /// The last trees that were written, as they are stored.
    fresh: VecDeque<(ObjectId, Arc<[u8]>)>,
}

impl Trees {
    /// A tree's entries; whoever takes them writes them or hands them back.
    fn read(&mut self, shared: &Shared, repo: &gix::Repository, tree: Option<ObjectId>) -> Result<Entries> {
        let Some(tree) = tree.filter(|tree| !tree.is_empty_tree()) else { return Ok(Entries::new()) };
        if let Some(known) = self.known.remove(&tree) {
            return Ok(known);
        }
        let failed = |error| errors::gix(&format!("read the tree {tree}"), error);
        let bytes = self.raw(shared, repo, tree)?;
        let mut entries = Entries::new();
        for entry in TreeRefIter::from_bytes(&bytes, repo.object_hash()) {
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
        let id = self.write_raw(repo, from, bytes)?;
        self.known.insert(id, entries);
        Ok(id)
    }

    fn write_raw(&mut self, repo: &gix::Repository, from: Option<ObjectId>, bytes: Vec<u8>) -> Result<ObjectId> {
        let id = repo.objects.write_buf(Kind::Tree, &bytes).map_err(|error| errors::gix("write a tree", error))?;
        self.lineage.push((id, from));
        self.fresh.push_back((id, bytes.into()));
        if self.fresh.len() > FRESH {
            self.fresh.pop_front();
        }
        Ok(id)
    }

    /// The bytes of a tree, one that is not in the repository yet among them.
    fn raw(&self, shared: &Shared, repo: &gix::Repository, tree: ObjectId) -> Result<Arc<[u8]>> {
        match self.fresh.iter().rev().find(|(id, _)| *id == tree) {
            Some((_, bytes)) => Ok(bytes.clone()),
            None => read::raw(shared, repo, tree),
        }
    }
}
