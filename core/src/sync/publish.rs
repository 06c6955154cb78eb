//! SQL to git: pending changes become commits. Prepared objects first, then the record of what is about to happen,
//! then the compare-and-swap, then the acknowledgement; a crash between any two of them is told apart by asking
//! whether the branch contains the prepared tip.

use std::collections::HashSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::backoff;
use super::candidate::LARGEST_FILE;
use super::engine::{Round, SyncEngine};
use super::incoming::{archived, stands_on_live};
use super::ingest::fenced;
use super::outgoing::{Chain, Refusal, message, touched_paths, trailers};
use super::report::Phase;
use super::save::{kept, operation_of, take_private};
use crate::clock::Timestamp;
use crate::codec::{FieldEdit, decode_content, edit_head};
use crate::knowledge::{EntityId, EntityKey};
use crate::store::{
    AdvanceOutcome, ApplyOutcome, Batch, BlobRead, Blocked, Change, ChangeAction, ChangeState, CommitId, Direction, Guard, Live, LogStatus,
    LogWrite, NewCommit, Prepared, PreparedItem, Record, RecordWrite, RepositoryRow, Signature, Slot, TreeEdit,
};
use crate::{Error, ErrorKind, Result};

/// Changes committed in one chain of a commit each.
pub(super) const CHAIN: usize = 1000;

/// Changes committed in one commit.
pub(super) const COMMIT: usize = 100_000;

/// How often a lost race is tried again within one round.
const RACES: u32 = 12;

/// How long a chain whose maker may still be alive is remembered.
pub(super) const REMEMBER: Duration = Duration::from_mins(10);

/// How saves become commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommitPolicy {
    /// One commit for each entity that was saved, by its author.
    #[default]
    PerSave,
    /// One commit for everything that is waiting, by the first author with the others as co-authors.
    PerBatch,
}

/// What one try to publish came to.
pub(super) enum Outcome {
    /// Nothing is left to do.
    Done,
    /// Go on with the next changes.
    More,
    /// The branch moved: ingest first.
    Moved,
}

/// What became of a prepared chain.
pub(super) enum Advanced {
    /// It is in git, and rows say so.
    Acknowledged,
    /// It never will be, and is forgotten.
    Moved,
    /// It stands in the way of a person's work.
    Blocked(Vec<Blocked>),
}

impl SyncEngine {
    pub(super) async fn publish_due(&self, round: &mut Round, all: bool) -> Result<()> {
        let mut tried = HashSet::new();
        let mut races = 0;
        loop {
            if round.stops() {
                return Ok(());
            }
            match self.publish_chain(round, all, &mut tried).await? {
                Outcome::Done => return Ok(()),
                // Others may go on saving for ever: whoever waits for one save does not commit all of theirs.
                Outcome::More if self.is_served(round).await? => return Ok(()),
                Outcome::More => races = 0,
                Outcome::Moved if races < RACES => {
                    races += 1;
                    let jitter = Duration::from_millis(self.env.entropy.below(10 << races.min(5)));
                    self.env.clock.sleep(jitter).await;
                    self.ingest(round).await?;
                }
                Outcome::Moved => {
                    return Err(Error::new(ErrorKind::Busy, "others kept moving the branch; the changes stay pending and are tried again"));
                }
            }
        }
    }

    /// Whether the change that somebody waits for is no longer waiting.
    async fn is_served(&self, round: &Round) -> Result<bool> {
        let Some(uid) = round.awaited else { return Ok(false) };
        let record = self.cache.records_by_uid(self.repository, &[uid]).await?.pop().flatten();
        Ok(!record.and_then(|record| record.change).is_some_and(|change| change.state == ChangeState::Pending))
    }

    /// One chain: D2 to D5. `tried` keeps changes that were refused in this round from being tried for ever.
    async fn publish_chain(&self, round: &mut Round, all: bool, tried: &mut HashSet<(i64, u64)>) -> Result<Outcome> {
        let git = self.git()?;
        let now = self.env.clock.now();
        let due = if all { None } else { Some(now) };
        let policy = round.options.policy.unwrap_or(self.policy);
        if policy == CommitPolicy::PerBatch
            && let Some(outcome) = self.publish_bulk(round, due, tried).await?
        {
            return Ok(outcome);
        }
        let mut records = self.cache.pending(self.repository, due, CHAIN + tried.len()).await?;
        records.retain(|record| record.change.as_ref().is_some_and(|change| !tried.contains(&(record.uid, change.revision))));
        records.truncate(CHAIN);
        if records.is_empty() {
            return Ok(Outcome::Done);
        }
        tracing::debug!(target: "lorebase::step", step = "D2", changes = records.len(), "comparing head and cursor");
        let head = git.head().await?;
        let row = self.cache.repository(self.repository).await?;
        if row.cursor.as_ref().map(|cursor| &cursor.commit) != head.as_ref() {
            return Ok(Outcome::Moved);
        }

        tracing::debug!(target: "lorebase::step", step = "D3", "preparing commits");
        let mut chain = Chain::default();
        self.extend(&mut chain, head.as_ref(), &records).await?;
        let mut included = Vec::new();
        let mut edits = Vec::new();
        let mut refused = self.batch_for(round, now);
        let on_the_way = self.on_the_way().await?;
        for record in &records {
            if let Some(of_this) = self.edits_of(round, &row, &mut chain, record, &on_the_way, &mut refused, tried, now).await? {
                edits.push(of_this);
                included.push(record);
            }
        }
        if !refused.writes.is_empty() {
            refused.guard = Guard::Each;
            self.apply_fenced(&refused).await?;
        }
        if included.is_empty() {
            return Ok(if refused.writes.is_empty() { Outcome::Done } else { Outcome::More });
        }
        let commits = self.commits(policy, &included, edits, now);
        let ids = match git.prepare(head.as_ref(), &commits).await {
            Ok(ids) => ids,
            Err(error) if error.kind() == ErrorKind::InvalidInput => {
                self.refuse_unwritable(round, head.as_ref(), &included, &error, tried).await?;
                return Ok(Outcome::More);
            }
            Err(error) => return Err(error),
        };
        let prepared = self.prepared(round, head.clone(), &included, &ids, now).await?;
        let mut batch = self.batch_for(round, now);
        batch.prepared.push(prepared.clone());
        self.apply_fenced(&batch).await?;

        self.conclude(round, head.as_ref(), &prepared, &included, tried, now).await
    }

    /// D4 and D5 of a chain that was prepared and recorded. `included` are its records, where they are at hand.
    async fn conclude(
        &self,
        round: &mut Round,
        head: Option<&CommitId>,
        prepared: &Prepared,
        included: &[&Record],
        tried: &mut HashSet<(i64, u64)>,
        begun: Timestamp,
    ) -> Result<Outcome> {
        match self.advanced(round, head, prepared, begun).await? {
            Advanced::Acknowledged => {
                round.progress(Phase::Publish, usize::try_from(round.report.published).unwrap_or(usize::MAX), prepared.items.len());
                Ok(Outcome::More)
            }
            Advanced::Moved => Ok(Outcome::Moved),
            Advanced::Blocked(paths) => {
                self.block(round, prepared, included, &paths, tried).await?;
                Ok(Outcome::More)
            }
        }
    }

    /// The same but for what becomes of a chain that a person's work blocks.
    pub(super) async fn advanced(
        &self,
        round: &mut Round,
        head: Option<&CommitId>,
        prepared: &Prepared,
        begun: Timestamp,
    ) -> Result<Advanced> {
        if self.env.clock.now().duration_since(begun).unsigned_abs() > REMEMBER / 2 {
            // Others may believe by now that this chain never comes.
            self.settle(round, std::slice::from_ref(prepared)).await?;
            return Ok(Advanced::Moved);
        }
        tracing::debug!(target: "lorebase::step", step = "D4", tip = %prepared.tip, "moving the branch");
        match self.git()?.advance(head, &prepared.tip).await? {
            AdvanceOutcome::Advanced => {
                self.acknowledge(round, prepared).await?;
                Ok(Advanced::Acknowledged)
            }
            AdvanceOutcome::Moved(_) => {
                self.settle(round, std::slice::from_ref(prepared)).await?;
                Ok(Advanced::Moved)
            }
            AdvanceOutcome::Blocked(paths) => Ok(Advanced::Blocked(paths)),
        }
    }

    /// What a record's change writes into git's tree; `None` when it does not go now, and `refused` says why.
    #[expect(clippy::too_many_arguments, reason = "everything that a chain is made with")]
    pub(super) async fn edits_of(
        &self,
        round: &mut Round,
        row: &RepositoryRow,
        chain: &mut Chain,
        record: &Record,
        on_the_way: &HashSet<i64>,
        refused: &mut Batch,
        tried: &mut HashSet<(i64, u64)>,
        now: Timestamp,
    ) -> Result<Option<Vec<TreeEdit>>> {
        let Some(change) = &record.change else { return Ok(None) };
        tracing::trace!(repository = self.repository, entity = %record.key, operations = ?change.operations, "publishing");
        let refusal = if let Some(write) = self.mended(row, record, change, now).await? {
            // What it is from now on has another revision, unless it cannot be mended.
            tried.insert((record.uid, change.revision));
            refused.writes.push(write);
            return Ok(None);
        } else if !stands_on_live(record) {
            Refusal::Later("git has a newer version that was not taken in yet".to_owned())
        } else if says_the_same(record, change) && on_the_way.contains(&record.uid) {
            // Whoever prepared an earlier version may still make it visible: then this one has to follow.
            Refusal::Later("an earlier version of it may still be on its way to git".to_owned())
        } else if says_the_same(record, change) {
            refused.writes.push(already_there(record, change, now));
            round.report.unchanged += 1;
            return Ok(None);
        } else {
            match chain.add(record, change) {
                Ok(edits) => return Ok(Some(edits)),
                Err(refusal) => refusal,
            }
        };
        tried.insert((record.uid, change.revision));
        refused.writes.push(self.refusal(record, change, &refusal, now));
        Ok(None)
    }

    /// A change that must not go to git as it is: what becomes of it.
    pub(super) async fn mended(
        &self,
        row: &RepositoryRow,
        record: &Record,
        change: &Change,
        now: Timestamp,
    ) -> Result<Option<RecordWrite>> {
        match self.without_private_fields(row, record, change, now) {
            Some(write) => Ok(Some(write)),
            None => self.without_foreign_id(row, record, change, now).await,
        }
    }

    /// A change with a field that became private after it was saved goes on without it: the value stays in SQL. Where
    /// that cannot be done the change never goes.
    fn without_private_fields(&self, row: &RepositoryRow, record: &Record, change: &Change, now: Timestamp) -> Option<RecordWrite> {
        let settings = self.stored_settings(row.config.as_ref());
        let kind = settings.config.kind(&record.key.kind).filter(|_| change.action == ChangeAction::Write)?;
        let mut private = record.private.clone();
        let edits = take_private(kind, &change.content.fields, &mut private);
        if edits.is_empty() {
            return None;
        }
        let location = &change.content.location;
        let head = edit_head(kind.format, &change.content.head, &edits).ok();
        let root = &settings.config.root;
        let decoded = head.and_then(|head| decode_content(kind, root, location, &head, &change.content.body).ok());
        let Some((decoded, _)) = decoded else {
            let why = format!("`{location}` would hold a private field; save it without that field");
            return Some(self.refusal(record, change, &Refusal::Never(why), now));
        };
        let mut write = RecordWrite::onto(record);
        write.revision += 1;
        write.private = Slot::Set(private);
        write.change = Slot::Set(Change { content: decoded.content, revision: write.revision, ..change.clone() });
        Some(write)
    }

    /// A change that would give its file the id of an entity that lives elsewhere by now goes on without it.
    async fn without_foreign_id(
        &self,
        row: &RepositoryRow,
        record: &Record,
        change: &Change,
        now: Timestamp,
    ) -> Result<Option<RecordWrite>> {
        let id = change.content.fields.get("id").and_then(serde_json::Value::as_str);
        let Some(id) = id.filter(|id| *id != record.key.id.as_str() && change.action == ChangeAction::Write) else { return Ok(None) };
        let key = EntityKey { kind: record.key.kind.clone(), id: EntityId::from(id) };
        let holder = self.cache.records(self.repository, &[key]).await?.pop().flatten();
        if holder.is_none_or(|holder| holder.uid == record.uid || holder.live.is_none()) {
            return Ok(None);
        }
        let settings = self.stored_settings(row.config.as_ref());
        let Some(kind) = settings.config.kind(&record.key.kind) else { return Ok(None) };
        let head = edit_head(kind.format, &change.content.head, &[FieldEdit::Unset("id".to_owned())])?;
        let Ok((decoded, _)) = decode_content(kind, &settings.config.root, &change.content.location, &head, &change.content.body) else {
            return Ok(None);
        };
        let mut write = RecordWrite::onto(record);
        write.revision += 1;
        write.keep.extend(kept(record, Some((&change.content, change.revision)), now));
        write.change = Slot::Set(Change { content: decoded.content, revision: write.revision, ..change.clone() });
        Ok(Some(write))
    }

    /// Records of which a version was prepared by somebody who may still be alive.
    pub(super) async fn on_the_way(&self) -> Result<HashSet<i64>> {
        let prepared = self.cache.prepared(self.repository).await?;
        Ok(prepared.iter().flat_map(|chain| &chain.items).map(|item| item.uid).collect())
    }

    /// The files of these changes as the head has them, beside what a chain knows already.
    pub(super) async fn extend(&self, chain: &mut Chain, head: Option<&CommitId>, records: &[Record]) -> Result<()> {
        let Some(head) = head else { return Ok(()) };
        let git = self.git()?;
        let mut paths: Vec<String> = records.iter().flat_map(touched_paths).filter(|path| !chain.knows(path)).collect();
        paths.sort();
        paths.dedup();
        let shared: HashSet<String> = records
            .iter()
            .flat_map(|record| {
                let live = record.live.as_ref().map(|live| &live.content.location);
                live.into_iter().chain(record.change.as_ref().map(|change| &change.content.location))
            })
            .filter(|location| location.entry.is_some())
            .map(|location| location.path.to_string())
            .collect();
        for (path, entry) in paths.iter().zip(git.lookup(head, &paths).await?) {
            let blob = entry.map(|entry| entry.blob);
            let text = match &blob {
                Some(blob) if shared.contains(path) => match git.read(std::slice::from_ref(blob), LARGEST_FILE).await?.pop() {
                    Some(BlobRead::Found(bytes)) => String::from_utf8(bytes).ok(),
                    _ => None,
                },
                _ => None,
            };
            chain.at_head(path.clone(), blob, text);
        }
        Ok(())
    }

    pub(super) fn commits(&self, policy: CommitPolicy, included: &[&Record], edits: Vec<Vec<TreeEdit>>, now: Timestamp) -> Vec<NewCommit> {
        let committer = Signature { author: self.committer.clone(), time: now };
        let changes: Vec<(&Record, &Change)> =
            included.iter().filter_map(|record| record.change.as_ref().map(|change| (*record, change))).collect();
        match (policy, changes.as_slice()) {
            (CommitPolicy::PerBatch, [(_, first), rest @ ..]) if !rest.is_empty() => {
                let mut text = format!("Save {} entities\n\n", changes.len());
                let mut others: Vec<String> = changes
                    .iter()
                    .map(|(_, change)| change.author.to_string())
                    .filter(|author| *author != first.author.to_string())
                    .collect();
                others.sort();
                others.dedup();
                text.extend(others.iter().map(|author| format!("Co-authored-by: {author}\n")));
                for (_, change) in &changes {
                    trailers(&mut text, change);
                }
                let author = Signature { author: first.author.clone(), time: first.updated_at };
                vec![NewCommit { author, committer, message: text, edits: edits.into_iter().flatten().collect() }]
            }
            _ => changes
                .iter()
                .zip(edits)
                .map(|((record, change), edits)| NewCommit {
                    author: Signature { author: change.author.clone(), time: change.updated_at },
                    committer: committer.clone(),
                    message: message(record, change),
                    edits,
                })
                .collect(),
        }
    }

    pub(super) async fn prepared(
        &self,
        round: &Round,
        parent: Option<CommitId>,
        included: &[&Record],
        ids: &[CommitId],
        now: Timestamp,
    ) -> Result<Prepared> {
        let tip = ids.last().cloned().ok_or_else(|| Error::new(ErrorKind::Internal, "a prepared chain has no commit"))?;
        let places: Vec<(&Record, &Change)> =
            included.iter().filter_map(|record| record.change.as_ref().map(|change| (*record, change))).collect();
        let paths: Vec<String> = places.iter().map(|(_, change)| change.content.location.path.to_string()).collect();
        let entries = self.git()?.lookup(&tip, &paths).await?;
        let items = places
            .iter()
            .zip(entries)
            .enumerate()
            .map(|(index, ((record, change), entry))| PreparedItem {
                uid: record.uid,
                revision: change.revision,
                operations: change.operations.clone(),
                commit: ids.get(index).unwrap_or(&tip).clone(),
                blob: entry.map(|entry| entry.blob),
                removed: change.action != ChangeAction::Write,
                location: change.content.location.clone(),
            })
            .collect();
        Ok(Prepared { id: self.env.entropy.uuid(), fence: round.fence, parent, tip, items, created_at: now })
    }

    /// Applies a batch; changes of ours at places that git gave to others give way.
    pub(super) async fn apply_making_room(&self, batch: &mut Batch, commit: &CommitId) -> Result<ApplyOutcome> {
        for _ in 0..=batch.writes.len() {
            match self.cache.apply(batch).await? {
                ApplyOutcome::LocationTaken { write, by } => {
                    if !self.make_room(batch, write, &by, commit).await? {
                        return Ok(ApplyOutcome::LocationTaken { write, by });
                    }
                }
                outcome => return Ok(outcome),
            }
        }
        self.cache.apply(batch).await
    }

    /// A person's uncommitted work is in the way of some paths: their changes wait, the others go on.
    pub(super) async fn block(
        &self,
        round: &mut Round,
        prepared: &Prepared,
        included: &[&Record],
        paths: &[Blocked],
        tried: &mut HashSet<(i64, u64)>,
    ) -> Result<()> {
        let now = self.env.clock.now();
        let mut batch = self.batch_for(round, now);
        batch.guard = Guard::Each;
        batch.settled.push(prepared.id);
        let mut matched = false;
        for record in included {
            let Some(change) = &record.change else { continue };
            let touched = touched_paths(record);
            if let Some(blocked) = paths.iter().find(|blocked| touched.contains(&blocked.path)) {
                let why = format!("`{}` in the checkout is {}; commit or discard that and it goes through", blocked.path, blocked.reason);
                batch.writes.push(self.refusal(record, change, &Refusal::Later(why), now));
                tried.insert((record.uid, change.revision));
                matched = true;
            }
        }
        if !matched {
            // The checkout as a whole is not free (a merge is going on): everything waits.
            let why = paths
                .first()
                .map_or_else(|| "the checkout is in use".to_owned(), |blocked| format!("{}: {}", blocked.path, blocked.reason));
            for record in included {
                let Some(change) = &record.change else { continue };
                batch.writes.push(self.refusal(record, change, &Refusal::Later(why.clone()), now));
                tried.insert((record.uid, change.revision));
            }
        }
        round.report.blocked.extend(paths.iter().cloned());
        self.apply_fenced(&batch).await
    }

    /// One of these changes cannot be written at all (a folder stands where its file would be): it is found by trying
    /// each alone, and holds back nothing else.
    async fn refuse_unwritable(
        &self,
        round: &Round,
        head: Option<&CommitId>,
        included: &[&Record],
        error: &Error,
        tried: &mut HashSet<(i64, u64)>,
    ) -> Result<()> {
        let git = self.git()?;
        let now = self.env.clock.now();
        let mut culprits = Vec::new();
        for record in included {
            let Some(change) = &record.change else { continue };
            let mut chain = Chain::default();
            self.extend(&mut chain, head, std::slice::from_ref(*record)).await?;
            let Ok(edits) = chain.add(record, change) else { continue };
            let single = self.commits(CommitPolicy::PerSave, &[record], vec![edits], now);
            match git.prepare(head, &single).await {
                Err(error) if error.kind() == ErrorKind::InvalidInput => culprits.push((*record, Refusal::Never(error.to_string()))),
                other => {
                    other?;
                }
            }
        }
        if culprits.is_empty() {
            // Only together they cannot be written: the first of them goes alone next time.
            culprits.extend(included.iter().skip(1).map(|record| (*record, Refusal::Later(error.to_string()))));
        }
        let mut batch = self.batch_for(round, now);
        batch.guard = Guard::Each;
        for (record, refusal) in culprits {
            let Some(change) = &record.change else { continue };
            tried.insert((record.uid, change.revision));
            batch.writes.push(self.refusal(record, change, &refusal, now));
        }
        self.apply_fenced(&batch).await
    }

    fn refusal(&self, record: &Record, change: &Change, refusal: &Refusal, now: Timestamp) -> RecordWrite {
        let mut write = RecordWrite::onto(record);
        let mut change = change.clone();
        change.attempts += 1;
        change.due_at = backoff::after(now, backoff::delay(change.attempts, &*self.env.entropy));
        let status = match refusal {
            Refusal::Later(why) => {
                change.last_error = Some(why.clone());
                LogStatus::Pending
            }
            Refusal::Never(why) => {
                change.last_error = Some(why.clone());
                change.dead = true;
                LogStatus::Failed
            }
        };
        tracing::warn!(entity = %record.key, dead = change.dead, why = change.last_error.as_deref(), "a change stays here");
        write.log.extend(change.operations.iter().map(|id| log(*id, record, &change, status, None, now)));
        write.change = Slot::Set(change);
        write
    }

    pub(super) fn batch_for(&self, round: &Round, now: Timestamp) -> Batch {
        let mut batch = Batch::new(self.repository, now);
        batch.fence = Some(round.fence);
        batch.lease_until = Some(self.lease_until());
        batch
    }

    pub(super) async fn apply_fenced(&self, batch: &Batch) -> Result<()> {
        match self.cache.apply(batch).await? {
            ApplyOutcome::Fenced(fence) => Err(fenced(fence)),
            ApplyOutcome::Applied { .. } | ApplyOutcome::Moved(_) => Ok(()),
            ApplyOutcome::LocationTaken { .. } | ApplyOutcome::ValueTaken { .. } | ApplyOutcome::Duplicate(_) => {
                Err(Error::new(ErrorKind::Internal, "bookkeeping writes take no place"))
            }
        }
    }
}

/// Whether a change would write what git has already.
pub(super) fn says_the_same(record: &Record, change: &Change) -> bool {
    match (&record.live, change.action) {
        (Some(live), ChangeAction::Write) => live.content.same_bytes(&change.content),
        (None, ChangeAction::Delete | ChangeAction::Archive) => true,
        _ => false,
    }
}

fn already_there(record: &Record, change: &Change, now: Timestamp) -> RecordWrite {
    let mut write = RecordWrite::onto(record);
    write.change = if change.action == ChangeAction::Archive { Slot::Set(archived(change)) } else { Slot::Clear };
    if let Some(live) = &record.live {
        write.live = Slot::Set(Live { content: change.content.clone(), revision: change.revision, synced_at: now, ..live.clone() });
    }
    let commit = record.live.as_ref().map(|live| live.commit.to_string());
    write.log.extend(change.operations.iter().map(|id| log(*id, record, change, LogStatus::Success, commit.clone(), now)));
    write
}

pub(super) fn log(id: Uuid, record: &Record, change: &Change, status: LogStatus, commit: Option<String>, now: Timestamp) -> LogWrite {
    LogWrite {
        id,
        key: record.key.clone(),
        operation: operation_of(change),
        direction: Direction::DbToGit,
        status,
        started_at: change.created_at,
        completed_at: (status != LogStatus::Pending).then_some(now),
        error: if status == LogStatus::Success { None } else { change.last_error.clone() },
        commit,
        synced_by: change.author.to_string(),
        revision: change.revision,
        idempotency_key: None,
    }
}
