//! All that waits as one commit, however much it is: contents go to git portion by portion, and what stays in memory
//! until the commit is made is only what names them. The steps are those of every chain.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use super::both::both;
use super::engine::{Round, SyncEngine};
use super::outgoing::{Chain, trailers};
use super::publish::{Advanced, CHAIN, COMMIT, Outcome};
use super::report::Phase;
use crate::clock::Timestamp;
use crate::knowledge::Author;
use crate::store::{BlobId, ChangeAction, CommitId, Guard, NewCommit, Prepared, PreparedItem, Record, Signature, TreeEdit};
use crate::{Error, ErrorKind, Result};

/// Changes whose contents are in memory at a time; while these are stored, as many are read.
const PORTION: usize = 250;

/// How often the lease is extended while contents are stored.
const RENEWED: Duration = Duration::from_secs(20);

/// What a commit of very much will be.
#[derive(Default)]
struct Bulk {
    edits: Vec<TreeEdit>,
    /// Files with many entries: written once, when all of them are known.
    shared: BTreeSet<String>,
    /// Without their commit; of shared files without their blob.
    items: Vec<PreparedItem>,
    first: Option<(Author, Timestamp)>,
    others: BTreeSet<String>,
    trailers: String,
}

impl SyncEngine {
    /// Publishes what waits as one commit where that is too much for one portion; else `None`.
    pub(super) async fn publish_bulk(
        &self,
        round: &mut Round,
        due: Option<Timestamp>,
        tried: &mut HashSet<(i64, u64)>,
    ) -> Result<Option<Outcome>> {
        let uids = self.cache.waiting(self.repository, due, COMMIT + tried.len()).await?;
        if uids.len() <= CHAIN + tried.len() {
            return Ok(None);
        }
        let git = self.git()?;
        let now = self.env.clock.now();
        tracing::debug!(target: "lorebase::step", step = "D2", changes = uids.len(), "comparing head and cursor");
        let head = git.head().await?;
        let row = self.cache.repository(self.repository).await?;
        if row.cursor.as_ref().map(|cursor| &cursor.commit) != head.as_ref() {
            return Ok(Some(Outcome::Moved));
        }
        tracing::debug!(target: "lorebase::step", step = "D3", "preparing a commit");
        let on_the_way = self.on_the_way().await?;
        let mut chain = Chain::default();
        let mut bulk = Bulk::default();
        let mut settled = false;
        let mut portions = uids.chunks(PORTION).peekable();
        let mut records = match portions.peek() {
            Some(first) => self.cache.records_by_uid(self.repository, first).await?,
            None => Vec::new(),
        };
        let mut renewed = now;
        while portions.next().is_some() {
            if round.stops() {
                return Ok(Some(Outcome::Done));
            }
            let at = self.env.clock.now();
            if at.duration_since(renewed).unsigned_abs() > RENEWED {
                self.apply_fenced(&self.batch_for(round, at)).await?;
                renewed = at;
            }
            let following = portions.peek().copied().unwrap_or_default();
            let records_now: Vec<Record> = std::mem::take(&mut records).into_iter().flatten().collect();
            let mut refused = self.batch_for(round, self.env.clock.now());
            let mut contents = Vec::new();
            self.extend(&mut chain, head.as_ref(), &records_now).await?;
            for record in &records_now {
                let revision = record.change.as_ref().map(|change| change.revision);
                if revision.is_none_or(|revision| tried.contains(&(record.uid, revision))) {
                    continue;
                }
                if let Some(edits) = self.edits_of(round, &row, &mut chain, record, &on_the_way, &mut refused, tried, now).await? {
                    contents.extend(bulk.add(record, edits));
                }
            }
            drop(records_now);
            let read =
                async { if following.is_empty() { Ok(Vec::new()) } else { self.cache.records_by_uid(self.repository, following).await } };
            let (stored, read) = both(bulk.store(&**git, contents), read).await;
            stored?;
            records = read?;
            if !refused.writes.is_empty() {
                settled = true;
                refused.guard = Guard::Each;
                self.apply_fenced(&refused).await?;
            }
        }
        if bulk.items.is_empty() {
            return Ok(Some(if settled { Outcome::More } else { Outcome::Done }));
        }
        // Nobody knows of the chain before it is recorded: its time begins now.
        let now = self.env.clock.now();
        let prepared = match self.prepare_bulk(round, head.clone(), bulk, &chain, now).await {
            Ok(prepared) => prepared,
            // Who it is that cannot be written is found among few.
            Err(error) if error.kind() == ErrorKind::InvalidInput => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut batch = self.batch_for(round, now);
        batch.prepared.push(prepared.clone());
        self.apply_fenced(&batch).await?;
        match self.advanced(round, head.as_ref(), &prepared, now).await? {
            Advanced::Acknowledged => {
                round.progress(Phase::Publish, prepared.items.len(), prepared.items.len());
                Ok(Some(Outcome::More))
            }
            Advanced::Moved => Ok(Some(Outcome::Moved)),
            Advanced::Blocked(paths) => {
                let uids: Vec<i64> = prepared.items.iter().map(|item| item.uid).collect();
                let records: Vec<Record> = self.cache.records_by_uid(self.repository, &uids).await?.into_iter().flatten().collect();
                self.block(round, &prepared, &records.iter().collect::<Vec<_>>(), &paths, tried).await?;
                Ok(Some(Outcome::More))
            }
        }
    }

    async fn prepare_bulk(&self, round: &Round, head: Option<CommitId>, mut bulk: Bulk, chain: &Chain, now: Timestamp) -> Result<Prepared> {
        let git = self.git()?;
        for path in &bulk.shared {
            bulk.edits.push(match chain.shared(path) {
                Some(text) => TreeEdit::Put { path: path.clone(), bytes: text.as_bytes().to_vec() },
                None => TreeEdit::Remove { path: path.clone() },
            });
        }
        let Some((author, time)) = bulk.first.take() else { return Err(Error::new(ErrorKind::Internal, "a commit of nothing")) };
        bulk.others.remove(&author.to_string());
        let mut message = format!("Save {} entities\n\n", bulk.items.len());
        message.extend(bulk.others.iter().map(|author| format!("Co-authored-by: {author}\n")));
        message.push_str(&bulk.trailers);
        let commit = NewCommit {
            author: Signature { author, time },
            committer: Signature { author: self.committer.clone(), time: now },
            message,
            edits: std::mem::take(&mut bulk.edits),
        };
        let tip = git.prepare(head.as_ref(), &[commit]).await?.pop();
        let tip = tip.ok_or_else(|| Error::new(ErrorKind::Internal, "a prepared chain has no commit"))?;
        let shared: Vec<String> = bulk.shared.into_iter().collect();
        let entries = git.lookup(&tip, &shared).await?;
        let blobs: HashMap<&str, Option<BlobId>> =
            shared.iter().zip(entries).map(|(path, entry)| (path.as_str(), entry.map(|entry| entry.blob))).collect();
        for item in &mut bulk.items {
            item.commit = tip.clone();
            if let Some(blob) = blobs.get(item.location.path.as_str()) {
                item.blob.clone_from(blob);
            }
        }
        Ok(Prepared { id: self.env.entropy.uuid(), fence: round.fence, parent: head, tip, items: bulk.items, created_at: now })
    }
}

/// A content on its way: which item and which edit it is of.
struct Content {
    item: usize,
    edit: usize,
    bytes: Vec<u8>,
}

impl Bulk {
    /// Notes one change; returns what has to be stored for it.
    fn add(&mut self, record: &Record, edits: Vec<TreeEdit>) -> Option<Content> {
        let change = record.change.as_ref()?;
        let locations = [record.live.as_ref().map(|live| &live.content.location), Some(&change.content.location)];
        let mut content = None;
        for edit in edits {
            let (TreeEdit::Put { path, .. } | TreeEdit::Place { path, .. } | TreeEdit::Remove { path }) = &edit;
            if locations.iter().flatten().any(|location| location.entry.is_some() && location.path.as_str() == path) {
                self.shared.insert(path.clone());
                continue;
            }
            self.edits.push(match edit {
                TreeEdit::Put { path, bytes } => {
                    content = Some(Content { item: self.items.len(), edit: self.edits.len(), bytes });
                    TreeEdit::Remove { path }
                }
                edit => edit,
            });
        }
        if self.first.is_none() {
            self.first = Some((change.author.clone(), change.updated_at));
        }
        self.others.insert(change.author.to_string());
        trailers(&mut self.trailers, change);
        self.items.push(PreparedItem {
            uid: record.uid,
            revision: change.revision,
            operations: change.operations.clone(),
            commit: CommitId::new(""),
            blob: None,
            removed: change.action != ChangeAction::Write,
            location: change.content.location.clone(),
        });
        content
    }

    /// Stores contents and names them where they belong.
    async fn store(&mut self, git: &dyn crate::store::GitStore, contents: Vec<Content>) -> Result<()> {
        if contents.is_empty() {
            return Ok(());
        }
        let (places, bytes): (Vec<_>, Vec<_>) = contents.into_iter().map(|content| ((content.item, content.edit), content.bytes)).unzip();
        for ((item, edit), blob) in places.into_iter().zip(git.store(bytes).await?) {
            self.items[item].blob = Some(blob.clone());
            if let TreeEdit::Remove { path } = &self.edits[edit] {
                self.edits[edit] = TreeEdit::Place { path: path.clone(), blob };
            }
        }
        Ok(())
    }
}
