//! The files of an ingest that depend on nothing else, chunk by chunk: while one chunk is written the next is read,
//! decoded and, into an empty database, planned. Whatever turns out to depend on something is left for the last
//! transaction; a chunk loses nothing and decides nothing about others.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::bind::{Binding, bind};
use super::both::both;
use super::candidate::{Candidate, LARGEST_FILE, candidate, entangled_files, flatten, note_findings, sound_paths};
use super::engine::{Round, SyncEngine};
use super::incoming::{Effect, Incoming, plan_new, plan_present, replan};
use super::ingest::{Ingest, count, fenced};
use super::report::Phase;
use super::scan::FileTask;
use super::unique::Holder;
use crate::store::{ApplyOutcome, Batch, BlobId, BlobRead, Guard, Record, UniqueValue};
use crate::{Error, ErrorKind, Result};

/// Files read, decoded and written at a time. The first chunk is one portion, so that writing begins early.
const CHUNK: usize = 1000;

/// No further file is added to a chunk of so many bytes.
const CHUNK_BYTES: usize = 4 << 20;

/// Files read from git in one call.
const PORTION: usize = 250;

/// What no chunk has written.
pub(super) struct Rest {
    pub(super) candidates: Vec<Candidate>,
    /// Whether none of them is here because of something in the database, or of each other.
    pub(super) untouched: bool,
}

/// The files still to be read, the first of them already under way.
struct Ahead<'f> {
    tasks: &'f [FileTask],
    read: Vec<BlobRead>,
}

/// Files that were read and decoded.
enum Chunk {
    Read(Vec<Candidate>),
    Planned(Planned),
}

impl Chunk {
    fn files(&self) -> usize {
        match self {
            Self::Read(candidates) => candidates.len(),
            Self::Planned(planned) => planned.candidates.len(),
        }
    }

    fn into_candidates(self) -> Vec<Candidate> {
        match self {
            Self::Read(candidates) => candidates,
            Self::Planned(planned) => planned.undone(|_| true),
        }
    }
}

/// What the plain files of a chunk come to.
struct Planned {
    /// All files of the chunk; their entities are in `kept` and `batch`.
    candidates: Vec<Candidate>,
    batch: Arc<Batch>,
    /// Of each write.
    effects: Vec<Effect>,
    /// The entity of each write.
    entities: Vec<usize>,
    /// The entities that are not in the batch, and the unique values of those that are.
    kept: Vec<Kept>,
    file_of: Vec<usize>,
    /// Files that are left alone.
    entangled: HashSet<usize>,
    unchanged: u64,
    /// Whether nothing was asked of the database.
    unasked: bool,
}

enum Kept {
    Entity(Box<Incoming>),
    Written(usize, Vec<UniqueValue>),
}

impl Planned {
    /// The files of which the entities are wanted again, with these.
    fn undone(self, wanted: impl Fn(usize) -> bool) -> Vec<Candidate> {
        let mut candidates = self.candidates;
        let mut writes: Vec<_> = Arc::unwrap_or_clone(self.batch).writes.into_iter().map(Some).collect();
        for (kept, file) in self.kept.into_iter().zip(&self.file_of).filter(|(_, file)| wanted(**file)) {
            candidates[*file].incoming.extend(match kept {
                Kept::Entity(entity) => Some(*entity),
                Kept::Written(write, unique) => writes[write].take().and_then(|write| replan(write, unique)),
            });
        }
        candidates.into_iter().enumerate().filter(|(file, _)| wanted(*file)).map(|(_, candidate)| candidate).collect()
    }
}

impl SyncEngine {
    /// Reads all files; writes plain additions and edits as it goes and returns the rest, of which the last chunk is
    /// always a part. There are never more than two chunks and a portion in memory.
    pub(super) async fn ingest_chunks(&self, round: &mut Round, ingest: &Ingest<'_>, files: &[FileTask]) -> Result<Rest> {
        let mut rest = Rest { candidates: Vec::new(), untouched: true };
        let mut ahead = Ahead { tasks: files, read: Vec::new() };
        let mut read = 0;
        let batch = self.batch(round);
        let mut chunk = self.next_chunk(ingest, &batch, &mut ahead, PORTION).await?;
        loop {
            if round.stops() {
                return Ok(rest);
            }
            read += chunk.files();
            if read == files.len() {
                rest.candidates.extend(chunk.into_candidates());
                return Ok(rest);
            }
            if round.options.dry_run {
                rest.candidates.extend(chunk.into_candidates());
                chunk = self.next_chunk(ingest, &batch, &mut ahead, CHUNK).await?;
            } else {
                let batch = self.batch(round);
                let following = self.next_chunk(ingest, &batch, &mut ahead, CHUNK);
                let (applied, following) = both(self.apply_plain(round, ingest, chunk, &mut rest), following).await;
                applied?;
                chunk = following?;
            }
            round.progress(Phase::Ingest, read, files.len());
        }
    }

    /// Reads and decodes the next files, at most `most`; plans them where nothing has to be asked for that. While one
    /// portion is decoded the following one is read.
    async fn next_chunk(&self, ingest: &Ingest<'_>, batch: &Batch, ahead: &mut Ahead<'_>, most: usize) -> Result<Chunk> {
        let mut candidates = Vec::new();
        let mut bytes = 0;
        while candidates.len() < most && bytes < CHUNK_BYTES && !ahead.tasks.is_empty() {
            if ahead.read.is_empty() {
                ahead.read = self.read_portion(ahead.tasks).await?;
            }
            let read = std::mem::take(&mut ahead.read);
            let (portion, tasks) = ahead.tasks.split_at(read.len());
            ahead.tasks = tasks;
            let decoding = async {
                for (task, read) in portion.iter().zip(read) {
                    if let BlobRead::Found(found) = &read {
                        bytes += found.len();
                    }
                    candidates.push(candidate(ingest.settings, task, read));
                }
            };
            let (following, ()) = both(self.read_portion(tasks), decoding).await;
            ahead.read = following?;
        }
        if ingest.blank && !ahead.tasks.is_empty() {
            return Ok(Chunk::Planned(self.plan_plain(ingest, batch.clone(), candidates, Known::Nothing)));
        }
        Ok(Chunk::Read(candidates))
    }

    async fn read_portion(&self, tasks: &[FileTask]) -> Result<Vec<BlobRead>> {
        let portion = &tasks[..tasks.len().min(PORTION)];
        if portion.is_empty() {
            return Ok(Vec::new());
        }
        tracing::debug!(target: "lorebase::step", step = "G4", files = portion.len(), "reading and decoding");
        let blobs: Vec<BlobId> = portion.iter().map(|task| task.blob.clone()).collect();
        self.git()?.read(&blobs, LARGEST_FILE).await
    }

    /// Decides about the files of a chunk that depend on nothing else.
    fn plan_plain(&self, ingest: &Ingest<'_>, mut batch: Batch, mut candidates: Vec<Candidate>, known: Known<'_>) -> Planned {
        let nobody = HashMap::new();
        let (records, holders, unasked) = match known {
            Known::Nothing => (&[][..], &nobody, true),
            Known::Records(records, holders) => (records, holders, false),
        };
        let (incoming, file_of) = flatten(&mut candidates);
        let bound = bind(records, &incoming, &sound_paths(&candidates, &[]), holders);
        let entangled = entangled_files(&bound, records, &incoming, &file_of, &candidates, ingest.moves);

        batch.guard = Guard::Each;
        let (mut effects, mut entities, mut unchanged) = (Vec::new(), Vec::new(), 0);
        let mut kept: Vec<Option<Kept>> = incoming.into_iter().map(|entity| Some(Kept::Entity(Box::new(entity)))).collect();
        for binding in &bound.bindings {
            let Binding::Present { incoming: entity, record, .. } = *binding else { continue };
            if entangled.contains(&file_of[entity]) {
                continue;
            }
            let Some(Kept::Entity(this)) = kept[entity].take() else { continue };
            let record = record.map(|record| &records[record]);
            let ctx = self.context(ingest, &this, record, batch.now);
            let (left, planned) = match record {
                None => {
                    let (write, effect, unique) = plan_new(&ctx, *this);
                    (Kept::Written(batch.writes.len(), unique), Some((write, effect)))
                }
                record => {
                    let planned = plan_present(&ctx, record, &this);
                    (Kept::Entity(this), planned)
                }
            };
            kept[entity] = Some(left);
            match planned {
                Some((write, effect)) => {
                    batch.writes.push(write);
                    effects.push(effect);
                    entities.push(entity);
                }
                None => unchanged += 1,
            }
        }
        for (index, candidate) in candidates.iter().enumerate() {
            if !entangled.contains(&index) {
                note_findings(&mut batch, &ingest.flagged, candidate, &[]);
            }
        }
        let kept = kept.into_iter().flatten().collect();
        let batch = Arc::new(batch);
        Planned { candidates, batch, effects, entities, kept, file_of, entangled, unchanged, unasked }
    }

    /// Plans with what the database knows about the entities of these files.
    async fn plan_asking(&self, round: &Round, ingest: &Ingest<'_>, mut candidates: Vec<Candidate>) -> Result<Planned> {
        let (incoming, file_of) = flatten(&mut candidates);
        let records = self.records_for(&incoming, &candidates, &[]).await?;
        let holders = self.holders(&records, &incoming, ingest.settings).await?;
        for (entity, file) in incoming.into_iter().zip(file_of) {
            candidates[file].incoming.push(entity);
        }
        Ok(self.plan_plain(ingest, self.batch(round), candidates, Known::Records(&records, &holders)))
    }

    /// Writes the files of a chunk that depend on nothing else; the others are added to `rest`.
    async fn apply_plain(&self, round: &mut Round, ingest: &Ingest<'_>, chunk: Chunk, rest: &mut Rest) -> Result<()> {
        let mut planned = match chunk {
            Chunk::Planned(planned) => planned,
            Chunk::Read(candidates) => self.plan_asking(round, ingest, candidates).await?,
        };
        Arc::make_mut(&mut planned.batch).lease_until = Some(self.lease_until());
        let mut outcome = self.cache.apply_shared(Arc::clone(&planned.batch)).await?;
        if planned.unasked && matches!(outcome, ApplyOutcome::LocationTaken { .. } | ApplyOutcome::ValueTaken { .. }) {
            planned = self.plan_asking(round, ingest, planned.undone(|_| true)).await?;
            outcome = self.cache.apply_shared(Arc::clone(&planned.batch)).await?;
        }
        let mut left = std::mem::take(&mut planned.entangled);
        match outcome {
            ApplyOutcome::Applied { moved, .. } => {
                let moved: HashSet<usize> = moved.into_iter().collect();
                let done = planned.effects.iter().enumerate().filter(|(write, _)| !moved.contains(write));
                done.for_each(|(_, effect)| count(&mut round.report, *effect));
                round.report.unchanged += planned.unchanged;
                left.extend(moved.into_iter().map(|write| planned.file_of[planned.entities[write]]));
            }
            ApplyOutcome::LocationTaken { .. } | ApplyOutcome::ValueTaken { .. } | ApplyOutcome::Moved(_) => {
                left = (0..planned.candidates.len()).collect();
            }
            ApplyOutcome::Fenced(fence) => return Err(fenced(fence)),
            ApplyOutcome::Duplicate(_) => return Err(Error::new(ErrorKind::Internal, "an ingest carries no idempotency key")),
        }
        if !left.is_empty() {
            rest.untouched = false;
            rest.candidates.extend(planned.undone(|file| left.contains(&file)));
        }
        Ok(())
    }
}

/// What a plan knows of the database.
#[derive(Clone, Copy)]
enum Known<'r> {
    /// Nothing was asked, because there was nothing when it began.
    Nothing,
    /// All records that the entities may belong to, and who has their unique values.
    Records(&'r [Record], &'r HashMap<UniqueValue, Holder>),
}
