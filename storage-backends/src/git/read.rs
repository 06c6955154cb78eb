//! Reading trees, differences, blobs and commits.

use std::collections::BTreeMap;
use std::sync::Arc;

use gix::bstr::{BStr, BString, ByteSlice};
use gix::objs::tree::{EntryKind, EntryMode as GixMode};
use gix::objs::{Kind, TreeRefIter};
use gix::prelude::*;
use gix::{ObjectId, Repository};
use gix_diff::tree::recorder::Change;
use lorebase::knowledge::Author;
use lorebase::store::{BlobId, BlobRead, CommitId, CommitInfo, EntryMode, FileChange, Signature, TreeEntry};
use lorebase::{Error, ErrorKind, Result};

use super::recent::Recently;
use super::{Shared, errors};

/// How much of unpacked bases is kept while many objects of packs are read.
const PACK_CACHE: usize = 64 << 20;

/// A handle for reading much at once.
pub(super) fn with_cache(mut repo: Repository) -> Repository {
    repo.objects.set_pack_cache(|| Box::new(gix_pack::cache::lru::MemoryCappedHashmap::new(PACK_CACHE)));
    repo
}

/// What kind of file an entry is; `None` for a folder.
pub(super) fn mode(mode: GixMode) -> Option<EntryMode> {
    match mode.kind() {
        EntryKind::Tree => None,
        EntryKind::Blob => Some(EntryMode::File),
        EntryKind::BlobExecutable => Some(EntryMode::Executable),
        EntryKind::Link => Some(EntryMode::Symlink),
        EntryKind::Commit => Some(EntryMode::Submodule),
    }
}

fn entry(path: &BStr, gix_mode: GixMode, id: ObjectId) -> Option<TreeEntry> {
    Some(TreeEntry { path: path.to_str_lossy().into_owned(), mode: mode(gix_mode)?, blob: BlobId::new(id.to_string()) })
}

/// All files of a tree, ordered by path.
pub(super) fn tree(shared: &Shared, at: &CommitId) -> Result<Vec<TreeEntry>> {
    let repo = with_cache(shared.local());
    let (_, root) = shared.commit(&repo, at)?;
    let mut found = Vec::new();
    walk(&repo, root, &mut BString::default(), &mut found)?;
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn walk(repo: &Repository, tree: ObjectId, path: &mut BString, found: &mut Vec<TreeEntry>) -> Result<()> {
    let mut buffer = Vec::new();
    for item in iterate(repo, tree, &mut buffer)? {
        let item = item.map_err(|error| damaged(tree, error))?;
        let length = path.len();
        if length > 0 {
            path.push(b'/');
        }
        path.extend_from_slice(item.filename);
        if item.mode.is_tree() {
            walk(repo, item.oid.to_owned(), path, found)?;
        } else {
            found.extend(entry(path.as_bstr(), item.mode, item.oid.to_owned()));
        }
        path.truncate(length);
    }
    Ok(())
}

/// The entries at the asked paths. Each folder on the way is read once.
pub(super) fn lookup(shared: &Shared, at: &CommitId, paths: &[String]) -> Result<Vec<Option<TreeEntry>>> {
    let repo = shared.local();
    let (_, root) = shared.tree_of(&repo, at)?;
    let mut found = vec![None; paths.len()];
    let asked = paths.iter().enumerate().map(|(index, path)| (index, path.as_str())).collect();
    find(shared, &repo, root, asked, &mut |index, mode, id| found[index] = entry(paths[index].as_str().into(), mode, id))?;
    Ok(found)
}

/// Asked paths: their places in the answer, and what is left of them below a folder.
type Asked<'a> = Vec<(usize, &'a str)>;

fn find(
    shared: &Shared,
    repo: &Repository,
    tree: ObjectId,
    asked: Asked<'_>,
    hit: &mut impl FnMut(usize, GixMode, ObjectId),
) -> Result<()> {
    let mut names: BTreeMap<&BStr, (Vec<usize>, Asked<'_>)> = BTreeMap::new();
    for (index, path) in asked {
        let (name, rest) = path.split_once('/').map_or((path, None), |(name, rest)| (name, Some(rest)));
        let (here, below) = names.entry(name.into()).or_default();
        match rest {
            Some(rest) => below.push((index, rest)),
            None => here.push(index),
        }
    }
    let bytes = raw(shared, repo, tree)?;
    for item in TreeRefIter::from_bytes(&bytes, repo.object_hash()) {
        let item = item.map_err(|error| damaged(tree, error))?;
        let Some((here, below)) = names.remove(item.filename) else { continue };
        if item.mode.is_tree() {
            if !below.is_empty() {
                find(shared, repo, item.oid.to_owned(), below, hit)?;
            }
        } else {
            for index in here {
                hit(index, item.mode, item.oid.to_owned());
            }
        }
        if names.is_empty() {
            break;
        }
    }
    Ok(())
}

/// The differences of two trees, ordered by path.
pub(super) fn changes(shared: &Shared, repo: &Repository, from: Option<ObjectId>, to: ObjectId) -> Result<Vec<FileChange>> {
    Ok(raw_changes(shared, repo, from, to)?
        .into_iter()
        .map(|(path, old, new)| FileChange {
            path: path.to_str_lossy().into_owned(),
            old: old.and_then(|(mode, id)| entry(path.as_bstr(), mode, id)),
            new: new.and_then(|(mode, id)| entry(path.as_bstr(), mode, id)),
        })
        .collect())
}

/// One side of a difference.
pub(super) type Side = (GixMode, ObjectId);

/// A path with what was there and what is there.
pub(super) type RawChange = (BString, Option<Side>, Option<Side>);

/// The same with paths as git has them.
pub(super) fn raw_changes(shared: &Shared, repo: &Repository, from: Option<ObjectId>, to: ObjectId) -> Result<Vec<RawChange>> {
    let old = from.map(|from| raw(shared, repo, from)).transpose()?.unwrap_or_else(|| Arc::from([]));
    let new = raw(shared, repo, to)?;
    let [old, new] = [&old, &new].map(|bytes| TreeRefIter::from_bytes(bytes, repo.object_hash()));
    let mut recorder = gix_diff::tree::Recorder::default();
    let objects = Recently { recent: &shared.recent, objects: &repo.objects };
    gix_diff::tree(old, new, gix_diff::tree::State::default(), &objects, &mut recorder)
        .map_err(|error| errors::gix("compare two trees", gix::Error::from_error(error)))?;
    let mut changes: BTreeMap<BString, (Option<Side>, Option<Side>)> = BTreeMap::new();
    for record in recorder.records {
        let (path, old, new) = match record {
            Change::Addition { entry_mode, oid, path, .. } => (path, None, Some((entry_mode, oid))),
            Change::Deletion { entry_mode, oid, path, .. } => (path, Some((entry_mode, oid)), None),
            Change::Modification { previous_entry_mode, previous_oid, entry_mode, oid, path } => {
                (path, Some((previous_entry_mode, previous_oid)), Some((entry_mode, oid)))
            }
        };
        let file = |side: Option<Side>| side.filter(|(mode, _)| !mode.is_tree());
        let (old, new) = (file(old), file(new));
        if old.is_some() || new.is_some() {
            // A file that became a folder is told in two records.
            let change = changes.entry(path).or_default();
            change.0 = change.0.or(old);
            change.1 = change.1.or(new);
        }
    }
    Ok(changes.into_iter().map(|(path, (old, new))| (path, old, new)).collect())
}

/// The bytes of a tree, kept for the next who asks.
pub(super) fn raw(shared: &Shared, repo: &Repository, tree: ObjectId) -> Result<Arc<[u8]>> {
    // The empty tree need not be stored.
    if tree.is_empty_tree() {
        return Ok(Arc::from([]));
    }
    if let Some(bytes) = shared.recent.tree(&tree) {
        return Ok(bytes);
    }
    let mut buffer = Vec::new();
    repo.objects.find_tree_iter(&tree, &mut buffer).map_err(|error| damaged(tree, error))?;
    let bytes = Arc::from(buffer);
    shared.recent.keep(tree, &bytes);
    Ok(bytes)
}

fn iterate<'a>(repo: &Repository, tree: ObjectId, buffer: &'a mut Vec<u8>) -> Result<TreeRefIter<'a>> {
    // The empty tree need not be stored.
    if tree.is_empty_tree() {
        return Ok(TreeRefIter::from_bytes(&[], repo.object_hash()));
    }
    repo.objects.find_tree_iter(&tree, buffer).map_err(|error| damaged(tree, error))
}

fn damaged(tree: ObjectId, error: gix::Error) -> Error {
    errors::gix(&format!("read the tree {tree}"), error)
}

/// From how many blobs on a handle is kept for the next ones. It holds on to packs that `git gc` has replaced.
const MANY: usize = 32;

/// The bytes of blobs in the order asked.
pub(super) fn read(shared: &Shared, blobs: &[BlobId], limit: u64) -> Result<Vec<BlobRead>> {
    let mut buffer = Vec::new();
    if blobs.len() < MANY {
        let repo = shared.local();
        return blobs.iter().map(|blob| read_one(shared, &repo, blob, limit, &mut buffer)).collect();
    }
    let repo = shared.take_reader().unwrap_or_else(|| reader(shared));
    let read = blobs.iter().map(|blob| read_one(shared, &repo, blob, limit, &mut buffer)).collect();
    shared.keep_reader(repo);
    read
}

/// A handle that keeps its unpacked bases from one portion of blobs to the next: in a pack of differences each blob
/// stands on others, wherever their paths are.
fn reader(shared: &Shared) -> Repository {
    let mut repo = with_cache(shared.local());
    // What is kept is known by the pack's number, which must not become another pack's.
    repo.objects.prevent_pack_unload();
    repo
}

fn read_one(shared: &Shared, repo: &Repository, blob: &BlobId, limit: u64, buffer: &mut Vec<u8>) -> Result<BlobRead> {
    let Some(id) = shared.object_id(blob.as_str()) else { return Ok(BlobRead::Missing) };
    let failed = |error: gix::Error| errors::gix(&format!("read the blob {id}"), error);
    if limit < u64::MAX {
        // The header tells the size without unpacking the content.
        match repo.objects.try_header(&id).map_err(failed)? {
            Some(header) if header.kind() != Kind::Blob => return Ok(BlobRead::Missing),
            Some(header) if header.size() > limit => return Ok(BlobRead::TooLarge(header.size())),
            Some(_) => {}
            None => return Ok(BlobRead::Missing),
        }
    }
    match repo.objects.try_find(&id, buffer).map_err(failed)? {
        Some(data) if data.kind == Kind::Blob => Ok(BlobRead::Found(data.data.to_vec())),
        _ => Ok(BlobRead::Missing),
    }
}

/// Who made a commit.
pub(super) fn commit(shared: &Shared, id: &CommitId) -> Result<CommitInfo> {
    let repo = shared.local();
    let (oid, _) = shared.commit(&repo, id)?;
    let failed = |error: gix::Error| errors::gix(&format!("read the commit {id}"), error);
    let found = repo.find_commit(oid).map_err(failed)?;
    let decoded = found.decode().map_err(failed)?;
    Ok(CommitInfo {
        id: id.clone(),
        parents: decoded.parents().map(|parent| CommitId::new(parent.to_string())).collect(),
        author: signature(&decoded.author().map_err(failed)?)?,
        committer: signature(&decoded.committer().map_err(failed)?)?,
        message: decoded.message.to_str_lossy().into_owned(),
    })
}

fn signature(signature: &gix::actor::SignatureRef<'_>) -> Result<Signature> {
    let time = jiff::Timestamp::from_second(signature.seconds())
        .map_err(|error| Error::new(ErrorKind::Corrupt, format!("a commit's time {} is out of range", signature.time)).caused_by(error))?;
    let signature = signature.trim();
    Ok(Signature {
        author: Author { name: signature.name.to_str_lossy().into_owned(), email: signature.email.to_str_lossy().into_owned() },
        time,
    })
}
