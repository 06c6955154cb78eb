//! Making objects durable: a few as loose files, many as one pack. Every object is written anew even if the
//! repository has it, so that it is whole, on the disk, and young enough for no `git gc` to remove it before the
//! branch names it.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use gix::ObjectId;
use gix::objs::Kind;
use gix::odb::memory::Storage;
use gix::zlib::stream::deflate::{Compress, FlushCompress};
use gix::zlib::{Compression, Status};
use gix_pack::data::output;
use lorebase::{Error, ErrorKind, Result};
use uuid::Uuid;

use super::delta::delta;
use super::durable::{self, parent};
use super::{Shared, errors, recovery};
use crate::failpoint;

/// From how many objects on one pack is cheaper than loose files.
const PACK_FROM: usize = 50;

/// Deltas on deltas: git's own limit, beyond which reading gets slow.
const DEEPEST: usize = 50;

/// Trees in the order they were made, and what they were made from.
pub(super) type Lineage = [(ObjectId, Option<ObjectId>)];

/// Writes all objects, durable on return. Returns the pack's `.keep` file, which guards the pack until the branch
/// names its commits.
pub(super) fn write(shared: &Shared, objects: &Storage, trees: &Lineage) -> Result<Option<PathBuf>> {
    let keep = if objects.len() < PACK_FROM {
        loose(shared, objects)?;
        None
    } else {
        Some(pack(shared, objects, trees)?)
    };
    failpoint::hit("git.prepare.objects");
    Ok(keep)
}

fn loose(shared: &Shared, objects: &Storage) -> Result<()> {
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
    let temporary: Vec<&Path> = written.iter().map(|(temporary, _)| temporary.as_path()).collect();
    shared.disk.all(&temporary)?;
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

fn pack(shared: &Shared, objects: &Storage, trees: &Lineage) -> Result<PathBuf> {
    let failed = |error: gix::Error| errors::gix("write a pack", error);
    let bytes = pack_bytes(shared, objects, trees).map_err(failed)?;
    // Whose it is tells its name from the first moment to the last; git itself prunes what begins with `tmp_`.
    let staging = shared.objects.join(recovery::staging());
    shared.disk.make_folder(&staging)?;
    failpoint::hit("git.prepare.staged");
    shared.disk.write(&staging.join("owner"), recovery::owner_note()?.as_bytes())?;
    failpoint::hit("git.pack.noted");
    let outcome = gix_pack::Bundle::write_to_directory(
        &mut failpoint::halfway("git.pack.half", &bytes),
        Some(&staging),
        &mut gix::progress::Discard,
        &AtomicBool::new(false),
        None::<gix::odb::Handle>,
        shared.hash,
        gix_pack::bundle::write::Options::default(),
    )
    .map_err(failed)?;
    let (Some(data), Some(index)) = (outcome.data_path, outcome.index_path) else {
        return Err(Error::new(ErrorKind::Internal, "a pack was written without files"));
    };
    let target = shared.objects.join("pack");
    shared.disk.make_folder(&target)?;
    for path in [&data, &index] {
        let file = OpenOptions::new().read(true).open(path).map_err(|error| errors::io("open", path, error))?;
        durable::seal(&file, &target);
        shared.disk.file(&file, path)?;
    }
    failpoint::hit("git.pack.written");
    // A pack is seen by its index, which therefore comes last; the guard comes first.
    let keep = moved(&staging.join("owner"), &target.join(name(&data)?).with_extension("keep"))?;
    failpoint::hit("git.pack.guarded");
    moved(&data, &target.join(name(&data)?))?;
    shared.disk.folder(&target)?;
    failpoint::hit("git.pack.without_index");
    moved(&index, &target.join(name(&index)?))?;
    shared.disk.folder(&target)?;
    failpoint::hit("git.prepare.packed");
    fs::remove_dir_all(&staging).map_err(|error| errors::io("remove", &staging, error))?;
    Ok(keep)
}

fn name(path: &Path) -> Result<&std::ffi::OsStr> {
    path.file_name().ok_or_else(|| Error::new(ErrorKind::Internal, "a pack was written without a name"))
}

fn moved(from: &Path, to: &Path) -> Result<PathBuf> {
    fs::rename(from, to).map_err(|error| errors::io("write", to, error))?;
    Ok(to.to_owned())
}

/// Commits first, then trees in the order they were made, then blobs: what is read together lies together, and the same
/// chain makes the same pack. A tree that was made from another one of the pack is written as its difference.
fn pack_bytes(shared: &Shared, objects: &Storage, trees: &Lineage) -> gix::Result<Vec<u8>> {
    let made: HashMap<ObjectId, usize> = trees.iter().enumerate().rev().map(|(order, (id, _))| (*id, order)).collect();
    let rank = |id: &ObjectId, kind: Kind| match kind {
        Kind::Commit => (0, 0),
        Kind::Tag => (1, 0),
        Kind::Tree => (2, made.get(id).copied().unwrap_or_default()),
        Kind::Blob => (3, 0),
    };
    let mut sorted: Vec<(&ObjectId, &(Kind, Vec<u8>))> = objects.iter().collect();
    sorted.sort_by_key(|(id, (kind, _))| (rank(id, *kind), **id));
    let count = u32::try_from(sorted.len()).map_err(|error| gix::Error::from_error(io::Error::other(error)))?;
    // Where a tree is in the pack, and how many deltas lead to it.
    let mut packed: HashMap<&ObjectId, (usize, usize)> = HashMap::new();
    let mut compressor = Compress::new(Compression::BEST_SPEED);
    let mut entries = sorted.into_iter().enumerate().map(|(index, (id, (kind, data)))| {
        let base = made.get(id).and_then(|order| trees[*order].1.as_ref()).and_then(|base| Some((*packed.get(base)?, base)));
        if let Some(((object_index, depth), base)) = base.filter(|((_, depth), _)| *depth < DEEPEST)
            && let Some((_, old)) = objects.get(base)
        {
            packed.insert(id, (index, depth + 1));
            return deflated(&mut compressor, id, output::entry::Kind::DeltaRef { object_index }, &delta(old, data));
        }
        if *kind == Kind::Tree {
            packed.insert(id, (index, 0));
        }
        deflated(&mut compressor, id, output::entry::Kind::Base(*kind), data)
    });
    let mut bytes = Vec::new();
    let version = gix_pack::data::Version::V2;
    let written = output::bytes::FromEntriesIter::new(&mut entries, &mut bytes, count, version, shared.hash);
    for result in written {
        result?;
    }
    Ok(bytes)
}

/// One entry of a pack. The compressor is used again: making one takes longer than a small object.
fn deflated(compressor: &mut Compress, id: &ObjectId, kind: output::entry::Kind, data: &[u8]) -> gix::Result<Vec<output::Entry>> {
    compressor.reset();
    let mut compressed = vec![0; data.len() + data.len() / 512 + 128];
    let length = |total: u64| usize::try_from(total).unwrap_or(usize::MAX);
    loop {
        let (read, written) = (length(compressor.total_in()), length(compressor.total_out()));
        if compressor.compress(&data[read..], &mut compressed[written..], FlushCompress::Finish)? == Status::StreamEnd {
            break;
        }
        compressed.resize(2 * compressed.len(), 0);
    }
    compressed.truncate(length(compressor.total_out()));
    Ok(vec![output::Entry { id: *id, kind, decompressed_size: data.len(), compressed_data: compressed }])
}
