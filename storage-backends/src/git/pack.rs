//! A pack that is written object by object into a folder of its own and moved to its place when it is whole: what is in
//! memory is the list of what is in it, never its content. The format is described in `gitformat-pack(5)`.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::objs::Kind;
use gix::zlib::stream::deflate::{Compress, FlushCompress};
use gix::zlib::{Compression, Status};
use gix_pack::data::entry::Header;
use lorebase::{Error, ErrorKind, Result};

use super::{Shared, durable, errors, recovery};
use crate::failpoint;

/// Where the list of objects tells larger offsets in a table of their own.
const FAR: u64 = 1 << 31;

/// One object of the pack.
struct Packed {
    id: ObjectId,
    crc: u32,
    offset: u64,
}

/// A pack that is not whole yet. Dropped before its end, it is gone.
pub(super) struct PackWriter {
    staging: PathBuf,
    file: BufWriter<File>,
    hash: gix::hash::Kind,
    end: u64,
    packed: Vec<Packed>,
    offsets: HashMap<ObjectId, u64>,
    compressor: Compress,
    buffer: Vec<u8>,
    done: bool,
}

impl std::fmt::Debug for PackWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PackWriter").field("staging", &self.staging).field("objects", &self.packed.len()).finish_non_exhaustive()
    }
}

impl PackWriter {
    /// Begins a pack.
    pub(super) fn new(shared: &Shared) -> Result<Self> {
        // Whose it is tells its name from the first moment to the last; git itself prunes what begins with `tmp_`.
        let staging = shared.objects.join(recovery::staging());
        shared.disk.make_folder(&staging)?;
        failpoint::hit("git.prepare.staged");
        shared.disk.write(&staging.join("owner"), recovery::owner_note()?.as_bytes())?;
        failpoint::hit("git.pack.noted");
        let path = staging.join("pack");
        let file =
            OpenOptions::new().read(true).write(true).create_new(true).open(&path).map_err(|error| errors::io("write", &path, error))?;
        let mut writer = Self {
            staging,
            file: BufWriter::with_capacity(1 << 16, file),
            hash: shared.hash,
            end: 0,
            packed: Vec::new(),
            offsets: HashMap::new(),
            compressor: Compress::new(Compression::BEST_SPEED),
            buffer: Vec::new(),
            done: false,
        };
        let head = writer.head()?;
        writer.append(&[&head])?;
        Ok(writer)
    }

    /// Where an object is in this pack.
    pub(super) fn offset(&self, id: &ObjectId) -> Option<u64> {
        self.offsets.get(id).copied()
    }

    /// Adds an object as it is. One that is there already is left alone.
    pub(super) fn add(&mut self, id: ObjectId, kind: Kind, data: &[u8]) -> Result<()> {
        let header = match kind {
            Kind::Commit => Header::Commit,
            Kind::Tree => Header::Tree,
            Kind::Blob => Header::Blob,
            Kind::Tag => Header::Tag,
        };
        self.entry(id, header, data)
    }

    /// Adds an object as its difference to one that begins at `base`.
    pub(super) fn add_delta(&mut self, id: ObjectId, base: u64, delta: &[u8]) -> Result<()> {
        self.entry(id, Header::OfsDelta { base_distance: self.end - base }, delta)
    }

    fn entry(&mut self, id: ObjectId, header: Header, data: &[u8]) -> Result<()> {
        if self.offsets.contains_key(&id) {
            return Ok(());
        }
        let mut head = Vec::with_capacity(16);
        header.write_to(data.len() as u64, &mut head).map_err(|error| self.failed(error))?;
        let length = self.deflate(data)?;
        let buffer = std::mem::take(&mut self.buffer);
        let mut crc = crc32fast::Hasher::new();
        crc.update(&head);
        crc.update(&buffer[..length]);
        self.offsets.insert(id, self.end);
        self.packed.push(Packed { id, crc: crc.finalize(), offset: self.end });
        let appended = self.append(&[&head, &buffer[..length]]);
        self.buffer = buffer;
        appended
    }

    /// Compresses into the buffer; how much. The compressor is used again: making one takes longer than a small object.
    fn deflate(&mut self, data: &[u8]) -> Result<usize> {
        self.compressor.reset();
        let least = data.len() + data.len() / 512 + 128;
        if self.buffer.len() < least {
            self.buffer.resize(least, 0);
        }
        let length = |total: u64| usize::try_from(total).unwrap_or(usize::MAX);
        loop {
            let (read, written) = (length(self.compressor.total_in()), length(self.compressor.total_out()));
            let status = self.compressor.compress(&data[read..], &mut self.buffer[written..], FlushCompress::Finish);
            if status.map_err(|error| errors::gix("write a pack", error))? == Status::StreamEnd {
                return Ok(length(self.compressor.total_out()));
            }
            self.buffer.resize(2 * self.buffer.len(), 0);
        }
    }

    fn head(&self) -> Result<Vec<u8>> {
        let count = u32::try_from(self.packed.len()).map_err(|error| self.failed(io::Error::other(error)))?;
        Ok([&b"PACK"[..], &2_u32.to_be_bytes(), &count.to_be_bytes()].concat())
    }

    fn append(&mut self, parts: &[&[u8]]) -> Result<()> {
        for part in parts {
            self.file.write_all(part).map_err(|error| errors::io("write the pack", &self.staging, error))?;
            self.end += part.len() as u64;
        }
        Ok(())
    }

    fn failed(&self, error: io::Error) -> Error {
        errors::io("write the pack", &self.staging, error)
    }

    /// Makes the pack whole and moves it to its place, durable on return. Returns its `.keep` file, which guards it
    /// until the branch names its commits.
    pub(super) fn finish(mut self, shared: &Shared) -> Result<PathBuf> {
        let checksum = self.close()?;
        let (data, index) = (self.staging.join("pack"), self.staging.join("index"));
        fs::write(&index, self.index(checksum)?).map_err(|error| errors::io("write", &index, error))?;
        let target = shared.objects.join("pack");
        shared.disk.make_folder(&target)?;
        for path in [&data, &index] {
            let file = File::open(path).map_err(|error| errors::io("open", path, error))?;
            durable::seal(&file, &target);
        }
        shared.disk.all(&[&data, &index])?;
        failpoint::hit("git.pack.written");
        let place = |kind: &str| target.join(format!("pack-{checksum}.{kind}"));
        // A pack is seen by its index, which therefore comes last; the guard comes first.
        let keep = place("keep");
        moved(&self.staging.join("owner"), &keep)?;
        failpoint::hit("git.pack.guarded");
        moved(&data, &place("pack"))?;
        shared.disk.folder(&target)?;
        failpoint::hit("git.pack.without_index");
        moved(&index, &place("idx"))?;
        shared.disk.folder(&target)?;
        failpoint::hit("git.prepare.packed");
        fs::remove_dir_all(&self.staging).map_err(|error| errors::io("remove", &self.staging, error))?;
        self.done = true;
        Ok(keep)
    }

    /// Says how many objects there are, and adds the checksum of everything.
    fn close(&mut self) -> Result<ObjectId> {
        let head = self.head()?;
        let (hash, staging) = (self.hash, self.staging.clone());
        let failed = |error| errors::io("write the pack", &staging, error);
        self.file.flush().map_err(failed)?;
        let file = self.file.get_mut();
        file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(&head)).and_then(|()| file.seek(SeekFrom::Start(0))).map_err(failed)?;
        let mut hasher = gix::hash::hasher(hash);
        let mut reader = BufReader::with_capacity(1 << 16, &*file);
        let mut portion = vec![0; 1 << 16];
        loop {
            let length = reader.read(&mut portion).map_err(failed)?;
            if length == 0 {
                break;
            }
            hasher.update(&portion[..length]);
        }
        let checksum = hashed(hasher)?;
        failpoint::hit("git.pack.half");
        file.seek(SeekFrom::End(0)).and_then(|_| file.write_all(checksum.as_bytes())).map_err(failed)?;
        Ok(checksum)
    }

    /// The list of what is in the pack.
    fn index(&mut self, checksum: ObjectId) -> Result<Vec<u8>> {
        self.packed.sort_unstable_by_key(|packed| packed.id);
        let mut bytes = Vec::with_capacity(self.packed.len() * (self.hash.len_in_bytes() + 8) + 1100);
        bytes.extend_from_slice(b"\xfftOc");
        bytes.extend_from_slice(&2_u32.to_be_bytes());
        let mut count = [0_u32; 256];
        for packed in &self.packed {
            count[usize::from(packed.id.as_bytes()[0])] += 1;
        }
        let mut total = 0;
        for count in count {
            total += count;
            bytes.extend_from_slice(&total.to_be_bytes());
        }
        bytes.extend(self.packed.iter().flat_map(|packed| packed.id.as_bytes()));
        bytes.extend(self.packed.iter().flat_map(|packed| packed.crc.to_be_bytes()));
        let mut far = Vec::new();
        for packed in &self.packed {
            let near = u32::try_from(packed.offset).ok().filter(|_| packed.offset < FAR);
            let told = near.unwrap_or_else(|| {
                far.push(packed.offset);
                0x8000_0000 | u32::try_from(far.len() - 1).unwrap_or(0x7fff_ffff)
            });
            bytes.extend_from_slice(&told.to_be_bytes());
        }
        bytes.extend(far.into_iter().flat_map(u64::to_be_bytes));
        bytes.extend_from_slice(checksum.as_bytes());
        let mut hasher = gix::hash::hasher(self.hash);
        hasher.update(&bytes);
        bytes.extend_from_slice(hashed(hasher)?.as_bytes());
        Ok(bytes)
    }
}

impl Drop for PackWriter {
    fn drop(&mut self) {
        if !self.done {
            let _ = fs::remove_dir_all(&self.staging);
        }
    }
}

fn hashed(hasher: gix::hash::Hasher) -> Result<ObjectId> {
    hasher.try_finalize().map_err(|error| Error::new(ErrorKind::Internal, format!("a pack could not be hashed: {error}")))
}

fn moved(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(|error| errors::io("write", to, error))
}
