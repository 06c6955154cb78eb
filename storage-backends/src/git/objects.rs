//! Making objects durable: a few as loose files, many as one pack. Every object is written anew even if the
//! repository has it, so that it is whole, on the disk, and young enough for no `git gc` to remove it before the
//! branch names it.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use gix::ObjectId;
use gix::objs::Kind;
use gix::odb::memory::Storage;
use gix::zlib::Compression;
use lorebase::Result;
use uuid::Uuid;

use super::delta::delta;
use super::durable::{self, parent};
use super::pack::PackWriter;
use super::reference::Next;
use super::{Shared, errors};
use crate::failpoint;

/// From how many objects on one pack is cheaper than loose files.
const PACK_FROM: usize = 50;

/// Deltas on deltas: git's own limit, beyond which reading gets slow.
const DEEPEST: usize = 50;

/// Trees in the order they were made, and what they were made from.
pub(super) type Lineage = [(ObjectId, Option<ObjectId>)];

/// Writes all objects, durable on return; into `begun` where there is such a pack. Returns the pack's `.keep` file, which
/// guards the pack until the branch names its commits.
pub(super) fn write(
    shared: &Shared,
    objects: &Storage,
    trees: &Lineage,
    begun: Option<PackWriter>,
    tip: ObjectId,
) -> Result<Option<PathBuf>> {
    let keep = match begun {
        None if objects.len() < PACK_FROM => {
            loose(shared, objects, tip)?;
            None
        }
        None => Some(pack(shared, PackWriter::new(shared)?, objects, trees)?),
        Some(begun) => Some(pack(shared, begun, objects, trees)?),
    };
    failpoint::hit("git.prepare.objects");
    Ok(keep)
}

fn loose(shared: &Shared, objects: &Storage, tip: ObjectId) -> Result<()> {
    let mut written = Vec::with_capacity(objects.len());
    let mut made = false;
    for (id, (kind, data)) in objects.iter() {
        let hex = id.to_string();
        let folder = shared.objects.join(&hex[..2]);
        made |= durable::make_folder(&folder)?;
        let temporary = folder.join(format!("tmp_obj_{}", Uuid::new_v4().simple()));
        let failed = |error| errors::io("write the object", &temporary, error);
        let file = OpenOptions::new().write(true).create_new(true).open(&temporary).map_err(failed)?;
        let mut deflate = gix::zlib::stream::deflate::Write::new(file, Compression::BEST_SPEED);
        deflate.write_all(&gix::objs::encode::loose_header(*kind, data.len() as u64)).map_err(failed)?;
        deflate.write_all(data).map_err(failed)?;
        deflate.flush().map_err(failed)?;
        durable::seal(&deflate.into_inner(), &folder);
        written.push((temporary, folder.join(&hex[2..])));
    }
    // One wait for the disk also does for the branch that will name them. Where it cannot be written yet, it is later.
    let mut next = Next::write(shared, tip).ok();
    let mut fresh: Vec<&Path> = written.iter().map(|(temporary, _)| temporary.as_path()).collect();
    let objects = fresh.len();
    fresh.extend(next.as_ref().map(|next| next.path.as_path()));
    if let Err(error) = shared.disk.all(&fresh) {
        // Another process tidies up temporary files that are not its own.
        if next.as_ref().is_none_or(|next| next.path.exists()) {
            return Err(error);
        }
        shared.disk.all(&fresh[..objects])?;
        next = None;
    }
    *shared.next.lock().unwrap_or_else(PoisonError::into_inner) = next;
    for (number, (temporary, path)) in written.iter().enumerate() {
        if number == written.len() / 2 {
            failpoint::hit("git.objects.half");
        }
        fs::rename(temporary, path).map_err(|error| errors::io("write the object", path, error))?;
    }
    failpoint::hit("git.objects.placed");
    let mut folders: BTreeSet<&Path> = written.iter().map(|(_, path)| parent(path)).collect();
    if made {
        folders.insert(&shared.objects);
    }
    shared.disk.all(&folders.into_iter().collect::<Vec<_>>())
}

/// Commits first, then trees in the order they were made, then blobs: what is read together lies together, and the same
/// chain makes the same pack. A tree that was made from another one of the pack is written as its difference.
fn pack(shared: &Shared, mut pack: PackWriter, objects: &Storage, trees: &Lineage) -> Result<PathBuf> {
    let made: HashMap<ObjectId, usize> = trees.iter().enumerate().rev().map(|(order, (id, _))| (*id, order)).collect();
    let rank = |id: &ObjectId, kind: Kind| match kind {
        Kind::Commit => (0, 0),
        Kind::Tag => (1, 0),
        Kind::Tree => (2, made.get(id).copied().unwrap_or_default()),
        Kind::Blob => (3, 0),
    };
    let mut sorted: Vec<(&ObjectId, &(Kind, Vec<u8>))> = objects.iter().collect();
    sorted.sort_by_key(|(id, (kind, _))| (rank(id, *kind), **id));
    // How many deltas lead to a tree.
    let mut depths: HashMap<&ObjectId, usize> = HashMap::new();
    for (id, (kind, data)) in sorted {
        let base = made.get(id).and_then(|order| trees[*order].1.as_ref());
        let base = base.and_then(|base| Some((*depths.get(base)?, pack.offset(base)?, &objects.get(base)?.1)));
        if let Some((depth, offset, old)) = base.filter(|(depth, ..)| *depth < DEEPEST) {
            depths.insert(id, depth + 1);
            pack.add_delta(*id, offset, &delta(old, data))?;
            continue;
        }
        if *kind == Kind::Tree {
            depths.insert(id, 0);
        }
        pack.add(*id, *kind, data)?;
    }
    pack.finish(shared)
}
