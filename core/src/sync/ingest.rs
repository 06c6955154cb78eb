//! Git to SQL: what changed in the tree since the cursor becomes rows. Plain additions and edits go in chunks;
//! everything that depends on something else (moves, swaps, new ids, deletions) is bound and written in one
//! transaction with the new cursor. One bad file is a diagnostic and stops nothing.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use super::bind::{Binding, Bound, UNIQUE_TAKEN, bind, bind_keeping, is_contested};
use super::candidate::{Candidate, flatten, note_findings, sound_paths};
use super::chunks::Rest;
use super::engine::{Round, SyncEngine};
use super::incoming::{Effect, Incoming, IngestContext, displace, plan_absent, plan_displaced, plan_present};
use super::report::{Phase, SyncReport};
use super::scan::Scan;
use super::settings::Settings;
use super::unique::{Holder, place_of};
use crate::clock::Timestamp;
use crate::knowledge::{Author, Config, Content, Diagnostic, EntityKey, LocationKey};
use crate::store::{
    ApplyOutcome, Batch, Claiming, CommitId, Cursor, HeldDeletions, Record, RepositoryRow, Slot, UniqueValue, unique_values,
};
use crate::{Error, ErrorKind, Result};

/// How often a plan is made anew when saves get in between.
const TRIES: usize = 20;

/// More deletions than this, and than the share below, are held for confirmation.
const HOLD_ABOVE: usize = 20;

/// In hundredths of all live entities.
const HOLD_SHARE: usize = 30;

/// What one ingest works with.
pub(super) struct Ingest<'a> {
    pub(super) settings: &'a Settings,
    pub(super) head: &'a CommitId,
    author: Option<Author>,
    /// Paths with findings before this ingest.
    pub(super) flagged: HashSet<String>,
    /// Those of them that could not have a unique value.
    unclaimed: HashSet<String>,
    /// Versions of ours that were prepared and never acknowledged: by record.
    unacknowledged: HashMap<i64, Vec<(Content, Vec<Uuid>)>>,
    /// Whether any path is gone: then new files may be moved ones.
    pub(super) moves: bool,
    /// Whether the database held nothing of the repository when it began: then everything is planned as new, without
    /// asking. Who is not new after all is left alone by the guard and planned again.
    pub(super) blank: bool,
}

impl SyncEngine {
    pub(super) async fn ingest(&self, round: &mut Round) -> Result<()> {
        let git = self.git()?;
        let row = self.cache.repository(self.repository).await?;
        let Some(head) = git.head().await? else {
            return match &row.cursor {
                None => Ok(()),
                Some(cursor) => Err(Error::new(
                    ErrorKind::NotFound,
                    format!(
                        "the branch `{}` no longer exists (it was at {}); bring it back, or fill it from the database with an export; nothing was removed here",
                        row.key.branch, cursor.commit
                    ),
                )),
            };
        };
        let at_cursor = row.cursor.as_ref().is_some_and(|cursor| cursor.commit == head);
        let known = row.cursor.as_ref().is_some_and(|cursor| cursor.fingerprint == self.stored_settings(row.config.as_ref()).fingerprint);
        let confirm = round.options.allow_deletions && row.held.is_some();
        tracing::debug!(target: "lorebase::step", step = "G2", repository = self.repository, head = %head, "comparing head and cursor");
        let flagged = self.flagged().await?;
        let contested = flagged.iter().any(|(_, code)| is_contested(code));
        if at_cursor && known && !confirm && !round.options.recheck && !contested {
            return Ok(());
        }
        let settings = self.settings_at(&head, row.config.as_ref()).await?;
        let same_settings = row.cursor.as_ref().is_some_and(|cursor| cursor.fingerprint == settings.fingerprint);
        tracing::debug!(target: "lorebase::step", step = "G3", "listing what changed");
        if !round.options.dry_run {
            self.hold_to_rules(&row, &settings, Some(round.fence)).await?;
        }
        let scan = self.scan(&row, &head, &settings, same_settings && !round.options.recheck, &flagged).await?;
        let ingest = Ingest {
            author: git.commit(&head).await.ok().map(|commit| commit.author.author),
            unacknowledged: self.unacknowledged(&head).await?,
            moves: !scan.gone.is_empty(),
            blank: self.is_blank(&row).await?,
            flagged: flagged.iter().map(|(path, _)| path.clone()).collect(),
            unclaimed: flagged.iter().filter(|(_, code)| code == UNIQUE_TAKEN).map(|(path, _)| path.clone()).collect(),
            settings: &settings,
            head: &head,
        };
        let rest = self.ingest_chunks(round, &ingest, &scan.files).await?;
        if round.stops() {
            return Ok(());
        }
        self.ingest_rest(round, &ingest, &row, &scan, rest).await
    }

    /// Whether the database holds no entity of the repository, neither git's nor ours.
    async fn is_blank(&self, row: &RepositoryRow) -> Result<bool> {
        if row.cursor.is_some() {
            return Ok(false);
        }
        let counts = self.cache.counts(self.repository, self.env.clock.now()).await?;
        Ok(counts.synced + counts.pending + counts.failed + counts.conflict + counts.draft == 0)
    }

    /// Makes the database hold every write to the unique fields of these settings.
    pub(crate) async fn hold_to_rules(&self, row: &RepositoryRow, settings: &Settings, fence: Option<u64>) -> Result<()> {
        if row.unique.as_ref() == Some(&settings.unique) {
            return Ok(());
        }
        let mut batch = Batch::new(self.repository, self.env.clock.now());
        batch.fence = fence;
        batch.repository_patch.unique = Slot::Set(settings.unique.clone());
        match self.cache.apply(&batch).await? {
            ApplyOutcome::Fenced(fence) => Err(fenced(fence)),
            _ => Ok(()),
        }
    }

    /// Whether a file waits for something elsewhere to go away.
    pub(super) async fn contested(&self) -> Result<bool> {
        Ok(self.flagged().await?.iter().any(|(_, code)| is_contested(code)))
    }

    /// Who has the unique values of entities and of records, as the database knows it.
    pub(super) async fn holders(
        &self,
        records: &[Record],
        incoming: &[Incoming],
        settings: &Settings,
    ) -> Result<HashMap<UniqueValue, Holder>> {
        let lives = records.iter().filter_map(|record| record.live.as_ref().map(|live| (&record.key.kind, &live.content.fields)));
        let mut values: Vec<UniqueValue> = incoming.iter().flat_map(|entity| entity.unique.iter().cloned()).collect();
        values.extend(lives.flat_map(|(kind, fields)| unique_values(&settings.unique, kind, fields)));
        values.sort();
        values.dedup();
        if values.is_empty() {
            return Ok(HashMap::new());
        }
        let found = self.cache.holders(self.repository, &values).await?;
        let known: HashSet<i64> = records.iter().map(|record| record.uid).collect();
        let mut strangers: Vec<i64> = found.iter().flatten().copied().filter(|uid| !known.contains(uid)).collect();
        strangers.sort_unstable();
        strangers.dedup();
        let mut places: HashMap<i64, String> = HashMap::new();
        if !strangers.is_empty() {
            let found = self.cache.records_by_uid(self.repository, &strangers).await?;
            places.extend(found.into_iter().flatten().map(|record| (record.uid, place_of(&record))));
        }
        let holder = |uid: i64| Holder { uid, place: places.get(&uid).cloned().unwrap_or_default() };
        Ok(values.into_iter().zip(found).filter_map(|(value, uid)| Some((value, holder(uid?)))).collect())
    }

    /// Paths with findings, and the codes of those.
    pub(super) async fn flagged(&self) -> Result<Vec<(String, String)>> {
        let findings = self.cache.diagnostics(self.repository).await?;
        Ok(findings.into_iter().map(|(finding, _)| (finding.path, finding.code)).collect())
    }

    async fn scan(
        &self,
        row: &RepositoryRow,
        head: &CommitId,
        settings: &Settings,
        same_settings: bool,
        flagged: &[(String, String)],
    ) -> Result<Scan> {
        let git = self.git()?;
        let cursor = row.cursor.as_ref().filter(|_| same_settings && row.held.is_none());
        let changes = match cursor {
            Some(cursor) => match git.changes(Some(&cursor.commit), head).await {
                Ok(changes) => Some(changes),
                Err(error) if error.kind() == ErrorKind::NotFound => None,
                Err(error) => return Err(error),
            },
            None => None,
        };
        let Some(changes) = changes else {
            let manifest = self.manifest().await?;
            let tree = git.tree(head).await?;
            let mut scan = Scan::of_tree(&settings.config, &tree, &manifest, !same_settings);
            let present: HashSet<&str> = tree.iter().map(|entry| entry.path.as_str()).collect();
            let lost = flagged.iter().map(|(path, _)| path).filter(|path| !present.contains(path.as_str()) && *path != Config::FILE);
            scan.gone.extend(lost.cloned());
            return Ok(scan);
        };
        let mut scan = Scan::of_changes(&settings.config, &changes);
        // What stood in the way of a quarantined file may be gone now.
        let seen: HashSet<&str> = changes.iter().map(|change| change.path.as_str()).collect();
        let contested: Vec<String> = flagged
            .iter()
            .filter(|(path, code)| is_contested(code) && !seen.contains(path.as_str()))
            .map(|(path, _)| path.clone())
            .collect();
        let entries = git.lookup(head, &contested).await?;
        let again: Vec<_> = entries
            .into_iter()
            .flatten()
            .map(|entry| crate::store::FileChange { path: entry.path.clone(), old: None, new: Some(entry) })
            .collect();
        let again = Scan::of_changes(&settings.config, &again);
        scan.files.extend(again.files);
        scan.files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(scan)
    }

    /// The whole manifest, ordered by path and entry.
    pub(super) async fn manifest(&self) -> Result<Vec<crate::store::ManifestRow>> {
        let mut rows: Vec<crate::store::ManifestRow> = Vec::new();
        loop {
            let page = self.cache.manifest(self.repository, rows.last().map(|row| &row.location), 5000).await?;
            if page.is_empty() {
                return Ok(rows);
            }
            rows.extend(page);
        }
    }

    /// Those that are in git by their own commits come first: of two of the same bytes one may hold more saves.
    async fn unacknowledged(&self, head: &CommitId) -> Result<HashMap<i64, Vec<(Content, Vec<Uuid>)>>> {
        let (mut there, mut elsewhere) = (Vec::new(), Vec::new());
        for mut chain in self.cache.prepared(self.repository).await? {
            elsewhere.extend(chain.items.split_off(self.reached(&chain, head).await?));
            there.extend(chain.items);
        }
        let mut found: HashMap<i64, Vec<(Content, Vec<Uuid>)>> = HashMap::new();
        for item in there.into_iter().chain(elsewhere).filter(|item| !item.removed) {
            if let Some(kept) = self.cache.revision(self.repository, item.uid, item.revision).await? {
                found.entry(item.uid).or_default().push((kept.content, item.operations));
            }
        }
        Ok(found)
    }

    /// Every record that the entities of these files may belong to.
    pub(super) async fn records_for(&self, incoming: &[Incoming], candidates: &[Candidate], gone: &[String]) -> Result<Vec<Record>> {
        let paths: Vec<String> = candidates.iter().map(|candidate| candidate.path.clone()).chain(gone.iter().cloned()).collect();
        let id = self.repository;
        let mut records = self.cache.records_in(id, &paths).await?;
        // Only who is not found yet is asked for: an id has one record, and a place at most one that lives there or wants
        // to.
        let known: HashSet<&EntityKey> = records.iter().map(|record| &record.key).collect();
        let keys: Vec<EntityKey> = incoming.iter().map(Incoming::key).filter(|key| !known.contains(key)).collect();
        let held: HashSet<LocationKey> = records.iter().flat_map(places_of).collect();
        let places = incoming.iter().map(|incoming| incoming.decoded.content.location.key()).filter(|place| !held.contains(place));
        let places: Vec<LocationKey> = places.collect();
        if !keys.is_empty() {
            records.extend(self.cache.records(id, &keys).await?.into_iter().flatten());
        }
        if !places.is_empty() {
            records.extend(self.cache.records_at(id, &places).await?);
        }
        records.sort_by_key(|record| record.uid);
        records.dedup_by_key(|record| record.uid);
        Ok(records)
    }

    /// Binds and writes what is left, deletions included, in one transaction with the new cursor.
    async fn ingest_rest(
        &self,
        round: &mut Round,
        ingest: &Ingest<'_>,
        row: &RepositoryRow,
        scan: &Scan,
        Rest { mut candidates, untouched }: Rest,
    ) -> Result<()> {
        let unasked = ingest.blank && untouched && scan.gone.is_empty();
        tracing::debug!(target: "lorebase::step", step = "G5", files = candidates.len(), gone = scan.gone.len(), "binding");
        let (incoming, file_of) = flatten(&mut candidates);
        let places: HashSet<LocationKey> = incoming.iter().map(|entity| entity.decoded.content.location.key()).collect();
        for attempt in 0..TRIES {
            let unasked = unasked && attempt == 0;
            let records = if unasked { Vec::new() } else { self.records_for(&incoming, &candidates, &scan.gone).await? };
            let holders = if unasked { HashMap::new() } else { self.holders(&records, &incoming, ingest.settings).await? };
            let paths = sound_paths(&candidates, &scan.gone);
            let mut bound = bind(&records, &incoming, &paths, &holders);
            let mut batch = self.batch(round);
            let mut report = round.report.clone();
            let mut absent = absent_records(&bound);
            absent.retain(|record| !replaced(&records[*record], &places));
            let held = self.hold(round, row, ingest, absent.len(), batch.now).await?;
            if matches!(held, Slot::Set(_)) {
                // What is held back keeps its unique values too: who asks for one of them waits as well.
                let kept: HashSet<i64> = absent.iter().map(|record| records[*record].uid).collect();
                bound = bind_keeping(&records, &incoming, &paths, &holders, &kept);
            }
            for binding in &bound.bindings {
                let planned = match *binding {
                    Binding::Present { incoming: entity, record, displaced } => {
                        let entity = &incoming[entity];
                        let record = record.map(|record| &records[record]);
                        let ctx = self.context(ingest, entity, record, batch.now);
                        let planned = plan_present(&ctx, record, entity);
                        match (planned, record) {
                            (Some((mut write, effect)), Some(record)) if displaced => {
                                displace(&ctx, record, &mut write);
                                Some((write, effect))
                            }
                            (None, Some(record)) if displaced => plan_displaced(&ctx, record),
                            (planned, _) => {
                                report.unchanged += u64::from(planned.is_none());
                                planned
                            }
                        }
                    }
                    Binding::Absent { record } if matches!(held, Slot::Set(_)) && absent.contains(&record) => None,
                    Binding::Absent { record } => {
                        self.record_context(ingest, &records[record], batch.now).and_then(|ctx| plan_absent(&ctx, &records[record]))
                    }
                    Binding::Displaced { record } => {
                        self.record_context(ingest, &records[record], batch.now).and_then(|ctx| plan_displaced(&ctx, &records[record]))
                    }
                };
                if let Some((write, effect)) = planned {
                    batch.writes.push(write);
                    count(&mut report, effect);
                }
            }
            for (index, candidate) in candidates.iter().enumerate() {
                let rejected: Vec<Diagnostic> =
                    bound.rejected.iter().filter(|(entity, _)| file_of[*entity] == index).map(|(_, finding)| finding.clone()).collect();
                note_findings(&mut batch, &ingest.flagged, candidate, &rejected);
            }
            Self::note_scan(&mut batch, ingest, scan);
            batch.repository_patch.cursor =
                Slot::Set(Cursor { commit: ingest.head.clone(), fingerprint: ingest.settings.fingerprint.clone() });
            batch.repository_patch.config = Slot::Set(ingest.settings.stored.clone());
            batch.repository_patch.held = held;
            // A first commit that was rewritten and collected names the repository no longer.
            let named = match &row.root {
                Some(root) => self.git()?.exists(root).await?,
                None => false,
            };
            if !named && let Some(root) = self.git()?.root(ingest.head).await? {
                batch.repository_patch.root = Slot::Set(root);
            }
            tracing::debug!(target: "lorebase::step", step = "G6", writes = batch.writes.len(), "writing rows and cursor");
            if round.options.dry_run {
                round.report = report;
                return Ok(());
            }
            let applied = if unasked {
                self.cache.apply_shared(Arc::new(batch)).await?
            } else {
                self.apply_making_room(&mut batch, ingest.head).await?
            };
            match applied {
                ApplyOutcome::Applied { .. } => {
                    tracing::debug!(target: "lorebase::step", step = "G7", cursor = %ingest.head, "the cursor is at the head");
                    round.report = report;
                    round.progress(Phase::Ingest, scan.files.len(), scan.files.len());
                    return Ok(());
                }
                ApplyOutcome::Moved(_) | ApplyOutcome::LocationTaken { .. } | ApplyOutcome::ValueTaken { .. } => {}
                ApplyOutcome::Fenced(fence) => return Err(fenced(fence)),
                ApplyOutcome::Duplicate(_) => return Err(Error::new(ErrorKind::Internal, "an ingest carries no idempotency key")),
            }
        }
        Err(Error::new(
            ErrorKind::Busy,
            "saves kept changing the same entities while git's changes were taken in; nothing was lost, try again",
        ))
    }

    /// Whether this set of deletions waits for confirmation.
    async fn hold(
        &self,
        round: &Round,
        row: &RepositoryRow,
        ingest: &Ingest<'_>,
        absent: usize,
        now: Timestamp,
    ) -> Result<Slot<HeldDeletions>> {
        if absent > HOLD_ABOVE && !round.options.allow_deletions {
            let counts = self.cache.counts(self.repository, now).await?;
            let live = counts.synced + counts.pending + counts.failed + counts.conflict + counts.draft;
            if absent as u64 * 100 > live * HOLD_SHARE as u64 {
                tracing::warn!(deletions = absent, "held for confirmation");
                let since = row.held.as_ref().map_or(now, |held| held.since);
                return Ok(Slot::Set(HeldDeletions { commit: ingest.head.clone(), count: absent as u64, since }));
            }
        }
        Ok(if row.held.is_some() { Slot::Clear } else { Slot::Keep })
    }

    fn note_scan(batch: &mut Batch, ingest: &Ingest<'_>, scan: &Scan) {
        for (path, blob, finding) in &scan.findings {
            batch.diagnostics.push((path.clone(), Some(blob.clone()), vec![finding.clone()]));
        }
        for path in scan.gone.iter().filter(|path| ingest.flagged.contains(*path)) {
            batch.diagnostics.push((path.clone(), None, Vec::new()));
        }
        // What is wrong with a schema is told with the settings that name it.
        batch.diagnostics.push((Config::FILE.to_owned(), None, ingest.settings.diagnostics.clone()));
    }

    pub(super) fn batch(&self, round: &Round) -> Batch {
        let mut batch = Batch::new(self.repository, self.env.clock.now());
        batch.fence = Some(round.fence);
        batch.lease_until = Some(self.lease_until());
        batch.claiming = Claiming::Live;
        batch
    }

    pub(super) fn context<'a>(
        &self,
        ingest: &'a Ingest<'_>,
        incoming: &Incoming,
        record: Option<&Record>,
        now: Timestamp,
    ) -> IngestContext<'a> {
        let kind = ingest.settings.config.kind(&incoming.kind).unwrap_or(&ingest.settings.config.kinds[0]);
        let reclaim = ingest.unclaimed.contains(incoming.decoded.content.location.path.as_str());
        IngestContext { reclaim, ..self.context_of(ingest, kind, record, now) }
    }

    fn record_context<'a>(&self, ingest: &'a Ingest<'_>, record: &Record, now: Timestamp) -> Option<IngestContext<'a>> {
        let kind = ingest.settings.config.kind(&record.key.kind).or(ingest.settings.config.kinds.first())?;
        Some(self.context_of(ingest, kind, Some(record), now))
    }

    fn context_of<'a>(
        &self,
        ingest: &'a Ingest<'_>,
        kind: &'a crate::knowledge::Kind,
        record: Option<&Record>,
        now: Timestamp,
    ) -> IngestContext<'a> {
        let unacknowledged = record.and_then(|record| ingest.unacknowledged.get(&record.uid)).map_or(&[][..], Vec::as_slice);
        IngestContext {
            kind,
            root: &ingest.settings.config.root,
            schemas: &ingest.settings.schemas,
            commit: ingest.head,
            author: ingest.author.as_ref(),
            now,
            operation: self.operation(),
            reclaim: false,
            unacknowledged,
        }
    }
}

/// Where a record's entity lives, and where its change wants it to.
fn places_of(record: &Record) -> impl Iterator<Item = LocationKey> {
    let live = record.live.as_ref().map(|live| live.content.location.key());
    let planned = record.change.as_ref().filter(|change| change.placed).map(|change| change.content.location.key());
    live.into_iter().chain(planned)
}

/// The records that git has no longer.
fn absent_records(bound: &Bound) -> HashSet<usize> {
    bound.bindings.iter().filter_map(|binding| if let Binding::Absent { record } = binding { Some(*record) } else { None }).collect()
}

/// Whether git has something else at the place of a record that it has no longer: then nothing can be held back.
fn replaced(record: &Record, places: &HashSet<LocationKey>) -> bool {
    record.live.as_ref().is_some_and(|live| places.contains(&live.content.location.key()))
}

pub(super) fn count(report: &mut SyncReport, effect: Effect) {
    report.created += u64::from(effect.created);
    report.updated += u64::from(effect.updated);
    report.renamed += u64::from(effect.renamed);
    report.deleted += u64::from(effect.deleted);
    report.merged += u64::from(effect.merged);
    report.published += u64::from(effect.settled);
}

pub(super) fn fenced(fence: u64) -> Error {
    Error::new(
        ErrorKind::Busy,
        format!("another process took over the work on this repository (fence {fence}); nothing was lost, try again"),
    )
}
