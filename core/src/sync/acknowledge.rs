//! The end of a publication: what a chain of commits holds is in git, and rows say so.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::bind::is_contested;
use super::both::both;
use super::candidate::LARGEST_FILE;
use super::engine::{Round, SyncEngine};
use super::incoming::archived;
use super::ingest::fenced;
use super::publish::log;
use super::recover::follows;
use super::report::Phase;
use super::save::{held, kept};
use super::settings::Settings;
use crate::clock::Timestamp;
use crate::codec::{Decoded, decode_content, decode_file};
use crate::knowledge::{Content, Diagnostic, Fields, Location};
use crate::store::{
    ApplyOutcome, Base, Batch, BlobId, BlobRead, Change, ChangeAction, ChangeState, Cursor, Live, LogStatus, Prepared, PreparedItem,
    Record, RecordWrite, RepositoryRow, Slot,
};
use crate::{Error, ErrorKind, Result};

/// How often an acknowledgement is planned anew when saves get in between.
const TRIES: usize = 20;

/// Items acknowledged in one transaction.
const PORTION: usize = 500;

/// What an acknowledgement would read, as its caller knows it.
pub(super) struct Known {
    pub(super) row: RepositoryRow,
    pub(super) records: HashMap<i64, Record>,
    pub(super) findings: Vec<(Diagnostic, Option<BlobId>)>,
    /// Whether the lease is given back with it.
    pub(super) release: bool,
}

/// An item's version, decoded once more: what is derived from its bytes is derived by the settings of now.
enum Reread {
    /// What it is, and what is to be said about it.
    Document(Box<Decoded>, Vec<Diagnostic>),
    /// It is no document any more.
    Broken(Box<Diagnostic>),
    /// Nothing of it is in git any more, or its kind is gone.
    Gone,
}

impl Reread {
    fn of(settings: &Settings, record: &Record, item: &PreparedItem, content: &Content) -> Self {
        let Some(kind) = settings.config.kind(&record.key.kind).filter(|_| !item.removed) else { return Self::Gone };
        match decode_content(kind, &settings.config.root, &item.location, &content.head, &content.body) {
            Ok((decoded, warnings)) => Self::Document(Box::new(decoded), warnings),
            Err(finding) => Self::Broken(finding),
        }
    }
}

/// What becomes of the cursor with an acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cursors {
    /// It stays, and the next ingest looks at everything unless the last portion says otherwise.
    Doubt,
    /// It moves to the chain's tip.
    Move,
    /// It moves, and the next ingest looks at everything.
    MoveInDoubt,
}

fn uids(items: &[PreparedItem]) -> Vec<i64> {
    items.iter().map(|item| item.uid).collect()
}

impl SyncEngine {
    /// D5: what a chain holds is in git; rows say so. Newer saves stay pending, on what was published as their base. A
    /// long chain is acknowledged portion by portion, and is settled with the last.
    pub(super) async fn acknowledge(&self, round: &mut Round, prepared: &Prepared) -> Result<()> {
        self.acknowledge_some(round, prepared, true).await
    }

    /// The same for what is left of a chain, where it is not `whole`: a portion of the rest may have been acknowledged before
    /// it was lost, so that git is taken in again as a whole. So it is where an item could not be acknowledged.
    pub(super) async fn acknowledge_some(&self, round: &mut Round, prepared: &Prepared, whole: bool) -> Result<()> {
        tracing::debug!(target: "lorebase::step", step = "D5", tip = %prepared.tip, "acknowledging");
        let mut rest = prepared.items.as_slice();
        let mut known = None;
        // Who left the cursor in doubt, or took git in by other rules, is not contradicted by a chain.
        let row = self.cache.repository(self.repository).await?;
        let settings = self.stored_settings(row.config.as_ref());
        let mut whole = whole && row.cursor.is_none_or(|cursor| cursor.fingerprint == settings.fingerprint);
        while rest.len() > PORTION {
            let (portion, after) = rest.split_at(PORTION);
            let uids = uids(&after[..after.len().min(PORTION)]);
            let part = Box::pin(self.acknowledge_part(round, prepared, portion, Cursors::Doubt, known));
            let (done, following) = both(part, self.read_known(&uids)).await;
            whole &= done?.1;
            round.progress(Phase::Publish, prepared.items.len() - after.len(), prepared.items.len());
            // What is there of a long chain is believed as long as the stamps agree.
            (known, rest) = (Some(following?), after);
        }
        let cursor = if whole { Cursors::Move } else { Cursors::MoveInDoubt };
        Box::pin(self.acknowledge_part(round, prepared, rest, cursor, known)).await.map(drop)
    }

    /// The same for a chain of one save whose record is known; gives the lease back with it. Returns what was written.
    pub(super) async fn acknowledge_known(&self, round: &mut Round, prepared: &Prepared, known: Known) -> Result<Batch> {
        tracing::debug!(target: "lorebase::step", step = "D5", tip = %prepared.tip, "acknowledging");
        self.acknowledge_part(round, prepared, &prepared.items, Cursors::Move, Some(Known { release: true, ..known }))
            .await
            .map(|(batch, _)| batch)
    }

    /// Acknowledges some items of a chain; with the last ones it is settled and the cursor moves. Returns what was written,
    /// and whether it was every item: what a version that cannot be read any more left in git, the next ingest looks at.
    async fn acknowledge_part(
        &self,
        round: &mut Round,
        prepared: &Prepared,
        items: &[PreparedItem],
        cursor: Cursors,
        mut known: Option<Known>,
    ) -> Result<(Batch, bool)> {
        let uids = uids(items);
        let release = known.as_ref().is_some_and(|known| known.release);
        for _ in 0..TRIES {
            let now = self.env.clock.now();
            let Known { row, records, findings: before, .. } = match known.take() {
                Some(known) => known,
                None => self.read_known(&uids).await?,
            };
            let settings = self.stored_settings(row.config.as_ref());
            if !follows(&row, prepared) {
                return Err(Error::new(
                    ErrorKind::Busy,
                    "another process took git in before these saves were acknowledged; they are in git, and the next synchronisation says so",
                ));
            }
            let mut batch = self.batch_for(round, now);
            batch.release = release;
            let mut touched: HashMap<&str, &BlobId> = HashMap::new();
            let (entries, mut findings) = self.written_entries(&settings, &records, items).await?;
            for item in items {
                let Some(record) = records.get(&item.uid) else { continue };
                let content = match held(record, item.revision) {
                    Some(content) => Cow::Borrowed(content),
                    None => match self.published(&settings, record, item).await? {
                        Some(content) => Cow::Owned(content),
                        None => continue,
                    },
                };
                if let (Some(blob), Some(_)) = (&item.blob, &item.location.entry) {
                    touched.insert(item.location.path.as_str(), blob);
                }
                let read = Reread::of(&settings, record, item, entries.get(&item.location).unwrap_or(&content));
                look_at_file(&settings, record, item, &read, &mut findings);
                batch.writes.extend(acknowledged(record, item, read, now));
            }
            let every = batch.writes.len() == items.len();
            self.refresh_siblings(&mut batch, prepared, &touched).await?;
            note_published(&mut batch, findings, before);
            if cursor == Cursors::Doubt {
                // Should the branch lose the chain before all of it is acknowledged, what was is no longer what git has,
                // and no difference between commits would name it.
                if let Some(before) = row.cursor.as_ref().filter(|before| !before.fingerprint.is_empty()) {
                    batch.repository_patch.cursor = Slot::Set(Cursor { commit: before.commit.clone(), fingerprint: String::new() });
                }
            } else {
                let fingerprint = if cursor == Cursors::Move && every { settings.fingerprint.clone() } else { String::new() };
                batch.repository_patch.cursor = Slot::Set(Cursor { commit: prepared.tip.clone(), fingerprint });
                batch.repository_patch.config = Slot::Set(settings.stored.clone());
                if row.root.is_none()
                    && prepared.parent.is_none()
                    && let Some(first) = prepared.items.first()
                {
                    batch.repository_patch.root = Slot::Set(first.commit.clone());
                }
                batch.settled.push(prepared.id);
            }
            self.exchange_ids(&mut batch, records.values()).await?;
            match self.apply_making_room(&mut batch, &prepared.tip).await? {
                ApplyOutcome::Applied { .. } => {
                    round.report.published += items.len() as u64;
                    return Ok((batch, every));
                }
                ApplyOutcome::Moved(_) | ApplyOutcome::LocationTaken { .. } | ApplyOutcome::ValueTaken { .. } => {}
                ApplyOutcome::Fenced(fence) => return Err(fenced(fence)),
                ApplyOutcome::Duplicate(_) => return Err(Error::new(ErrorKind::Internal, "an acknowledgement carries no idempotency key")),
            }
        }
        Err(Error::new(
            ErrorKind::Busy,
            "saves kept changing what was being acknowledged; it is in git, and the next synchronisation says so",
        ))
    }

    async fn read_known(&self, uids: &[i64]) -> Result<Known> {
        let row = self.cache.repository(self.repository).await?;
        let findings = self.cache.diagnostics(self.repository).await?;
        let records = self.cache.records_by_uid(self.repository, uids).await?;
        let records = records.into_iter().flatten().map(|record| (record.uid, record)).collect();
        Ok(Known { row, records, findings, release: false })
    }

    /// The version of an item that its record does not hold any more: as it was kept, else, since that may have been
    /// forgotten meanwhile, as git has it.
    async fn published(&self, settings: &Settings, record: &Record, item: &PreparedItem) -> Result<Option<Content>> {
        if let Some(kept) = self.cache.revision(self.repository, item.uid, item.revision).await? {
            return Ok(Some(kept.content));
        }
        let (Some(blob), Some(kind)) = (&item.blob, settings.config.kind(&record.key.kind)) else { return Ok(None) };
        let Some(BlobRead::Found(bytes)) = self.git()?.read(std::slice::from_ref(blob), LARGEST_FILE).await?.pop() else { return Ok(None) };
        let decoded = decode_file(kind, &settings.config.root, &item.location.path, &bytes);
        Ok(decoded.entities.into_iter().map(|entity| entity.content).find(|content| content.location == item.location))
    }

    /// The entries of JSON files as they stand in the file (a new one is indented like its neighbours), and what is to
    /// be said about these files.
    async fn written_entries(
        &self,
        settings: &Settings,
        records: &HashMap<i64, Record>,
        items: &[PreparedItem],
    ) -> Result<(HashMap<Location, Content>, HashMap<String, Vec<Diagnostic>>)> {
        let mut found = HashMap::new();
        let mut findings = HashMap::new();
        let mut seen = HashSet::new();
        for item in items.iter().filter(|item| item.location.entry.is_some()) {
            let (Some(blob), Some(record)) = (&item.blob, records.get(&item.uid)) else { continue };
            let Some(kind) = settings.config.kind(&record.key.kind).filter(|_| seen.insert(blob)) else { continue };
            if let Some(BlobRead::Found(bytes)) = self.git()?.read(std::slice::from_ref(blob), LARGEST_FILE).await?.pop() {
                let mut decoded = decode_file(kind, &settings.config.root, &item.location.path, &bytes);
                found.extend(decoded.entities.iter().map(|entity| (entity.content.location.clone(), entity.content.clone())));
                settings.schemas.check_file(kind, item.location.path.as_str(), &bytes, &mut decoded);
                findings.insert(item.location.path.to_string(), decoded.diagnostics);
            }
        }
        Ok((found, findings))
    }

    /// The other entries of a JSON file live in its new blob.
    async fn refresh_siblings(&self, batch: &mut Batch, prepared: &Prepared, touched: &HashMap<&str, &crate::store::BlobId>) -> Result<()> {
        let (Some(parent), false) = (&prepared.parent, touched.is_empty()) else { return Ok(()) };
        let written: HashSet<i64> = prepared.items.iter().map(|item| item.uid).collect();
        let paths: Vec<String> = touched.keys().map(|path| (*path).to_owned()).collect();
        let entries = self.git()?.lookup(parent, &paths).await?;
        let before: HashMap<&str, crate::store::BlobId> =
            paths.iter().zip(entries).filter_map(|(path, entry)| Some((path.as_str(), entry?.blob))).collect();
        for sibling in self.cache.records_in(self.repository, &paths).await?.into_iter().filter(|record| !written.contains(&record.uid)) {
            let Some(live) = &sibling.live else { continue };
            let path = live.content.location.path.as_str();
            // An entry that was not what git has (a broken one, a held deletion) still is not.
            let (Some(blob), Some(old)) = (touched.get(path), before.get(path)) else { continue };
            if live.blob != *old {
                continue;
            }
            let mut write = RecordWrite::onto(&sibling);
            write.live = Slot::Set(Live { blob: (*blob).clone(), ..live.clone() });
            batch.writes.push(write);
        }
        Ok(())
    }
}

/// Says anew what is to be said about files that were just written: nothing of it is about older bytes.
fn note_published(batch: &mut Batch, findings: HashMap<String, Vec<Diagnostic>>, before: Vec<(Diagnostic, Option<BlobId>)>) {
    let mut known: HashMap<String, Vec<Diagnostic>> = HashMap::new();
    for (finding, _) in before {
        known.entry(finding.path.clone()).or_default().push(finding);
    }
    let mut findings: Vec<_> = findings.into_iter().collect();
    findings.sort_by(|(a, _), (b, _)| a.cmp(b));
    for (path, mut findings) in findings {
        let known = known.remove(&path).unwrap_or_default();
        // What contests another file's id, path or value is decided by the next ingest, which looks at it again.
        findings.extend(known.iter().filter(|finding| is_contested(&finding.code)).cloned());
        if findings != known {
            batch.diagnostics.push((path, None, findings));
        }
    }
}

/// Adds what is to be said about an item's file, and that nothing is about a place that it left.
fn look_at_file(settings: &Settings, record: &Record, item: &PreparedItem, read: &Reread, findings: &mut HashMap<String, Vec<Diagnostic>>) {
    if item.location.entry.is_some() {
        return;
    }
    if let Some(left) = record.live.as_ref().map(|live| &live.content.location).filter(|left| **left != item.location) {
        findings.entry(left.path.to_string()).or_default();
    }
    // Where the removed entity was to move, somebody else's file may stand.
    if item.removed && item.blob.is_some() {
        return;
    }
    let said = findings.entry(item.location.path.to_string()).or_default();
    *said = match (read, settings.config.kind(&record.key.kind)) {
        (Reread::Document(decoded, warnings), Some(kind)) => {
            let violations = settings.schemas.check(kind, &decoded.content, &Fields::new());
            warnings.iter().cloned().chain(violations.into_iter().map(|violation| violation.finding)).collect()
        }
        (Reread::Broken(finding), _) => vec![Diagnostic::clone(finding)],
        _ => return,
    };
}

/// The write that acknowledges one item of a chain; `None` when its version cannot be read any more.
fn acknowledged(record: &Record, item: &PreparedItem, read: Reread, now: Timestamp) -> Option<RecordWrite> {
    let change = record.change.as_ref();
    let ours = change.is_some_and(|change| change.revision == item.revision);
    let mut write = RecordWrite::onto(record);
    write.keep.extend(kept(
        record,
        record.live.as_ref().filter(|live| live.revision != item.revision).map(|live| (&live.content, live.revision)),
        now,
    ));
    if let Some(blob) = item.blob.as_ref().filter(|_| !item.removed) {
        let Reread::Document(decoded, _) = read else { return None };
        write.key.id = decoded.id;
        // Saved again since, and nothing new for git: what is in git now is that version.
        let same = change.filter(|change| {
            let goes = change.action == ChangeAction::Write && change.state == ChangeState::Pending;
            !ours && goes && change.content.same_bytes(&decoded.content)
        });
        write.change = match change {
            Some(change) if !ours && same.is_none() => {
                Slot::Set(rest(change, item, Some(Base { content: decoded.content.clone(), blob: blob.clone() })))
            }
            _ => Slot::Clear,
        };
        // Readers may have seen a higher number meanwhile, with other private fields.
        let revision = same.map_or(item.revision, |change| change.revision);
        let renumbered = record.live.as_ref().filter(|live| live.content.same_bytes(&decoded.content));
        let revision = renumbered.map_or(revision, |live| live.revision.max(revision));
        write.live = Slot::Set(Live {
            content: decoded.content,
            revision,
            blob: blob.clone(),
            commit: item.commit.clone(),
            explicit_id: decoded.explicit_id,
            synced_at: now,
        });
    } else {
        write.live = Slot::Clear;
        write.change = match change {
            Some(change) if change.action == ChangeAction::Archive => Slot::Set(archived(change)),
            Some(change) if !ours && change.action == ChangeAction::Write => Slot::Set(rest(change, item, None)),
            // It was removed, perhaps twice: there is nothing left to remove.
            _ => Slot::Clear,
        };
    }
    let Some(change) = change else { return Some(write) };
    if ours && change.state == ChangeState::Conflict {
        write.conflict = Slot::Clear;
    }
    let all = item.removed && change.action != ChangeAction::Write || !ours && write.change == Slot::Clear;
    let done = if all { &change.operations } else { &item.operations };
    write.log.extend(done.iter().map(|id| log(*id, record, change, LogStatus::Success, Some(item.commit.to_string()), now)));
    Some(write)
}

/// A newer change without the saves that are in git by now.
fn rest(change: &Change, item: &PreparedItem, base: Option<Base>) -> Change {
    let mut change = change.clone();
    change.operations.retain(|operation| !item.operations.contains(operation));
    change.base = base;
    change
}
