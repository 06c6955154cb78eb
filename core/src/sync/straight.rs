//! One save straight to git: where nothing else waits, the commit is prepared before the save is stored, and one
//! transaction stores the save, takes the lease and records the chain. Whatever is unusual is left to the ordinary
//! round, which does the same in more steps; what a crash leaves behind is the same too.

use std::collections::{HashMap, HashSet};

use super::acknowledge::Known;
use super::bind::is_contested;
use super::engine::{Round, SyncEngine, SyncOptions};
use super::incoming::stands_on_live;
use super::outgoing::Chain;
use super::publish::{REMEMBER, says_the_same};
use super::report::SyncReport;
use crate::Result;
use crate::clock::Timestamp;
use crate::store::{AdvanceOutcome, ApplyOutcome, Batch, ChangeState, Claiming, CommitId, Outlook, Prepared, Record, RecordWrite, Target};

/// What became of it.
#[derive(Debug)]
pub(crate) enum Straight {
    /// Nothing was written: the ordinary way is open.
    NotTaken,
    /// Nothing was written: the database's answer.
    Refused(ApplyOutcome),
    /// It is saved and not in git; `again` where the ordinary way may bring it there now.
    Saved { again: bool },
    /// It is in git. The record as it stands; `None` where it has to be read.
    Published(Option<Box<Record>>),
}

/// A commit that is ready, and what it stands on.
struct Ready {
    head: CommitId,
    prepared: Prepared,
}

impl SyncEngine {
    /// Stores and publishes one save. `record` is as the save leaves it; `save` the write that does it, `None` where
    /// that has happened.
    pub(crate) async fn straight(&self, outlook: &Outlook, record: &Record, save: Option<&RecordWrite>) -> Result<Straight> {
        let Some(_turn) = self.turn.try_lock() else { return Ok(Straight::NotTaken) };
        let started = self.env.clock.now();
        let mut round =
            Round { fence: outlook.row.fence + 1, report: SyncReport::default(), options: SyncOptions::default(), awaited: None };
        let Some(ready) = self.made_ready(&round, outlook, record, started).await else { return Ok(Straight::NotTaken) };
        if let Some(save) = save {
            let operation = save.log.iter().next().map(|log| tracing::field::display(log.id));
            tracing::debug!(target: "lorebase::step", step = "D0", repository = self.repository, entity = %record.key, operation, "saving");
        }
        tracing::debug!(target: "lorebase::step", step = "D1", "taking the lease");
        let mut batch = Batch::new(self.repository, self.env.clock.now());
        batch.fence = Some(outlook.row.fence);
        batch.take = Some(self.owner.clone());
        batch.lease_until = Some(self.lease_until());
        batch.claiming = Claiming::Change;
        batch.writes.extend(save.cloned());
        batch.prepared.push(ready.prepared.clone());
        match self.cache.apply(&batch).await? {
            ApplyOutcome::Applied { .. } => {}
            ApplyOutcome::Fenced(_) => return Ok(Straight::NotTaken),
            refused => return Ok(Straight::Refused(refused)),
        }
        let outcome = self.publish_ready(&mut round, outlook, record, &ready, started).await;
        match self.noting_failure(&outlook.row, outcome).await {
            Ok(published @ Straight::Published(_)) => Ok(published),
            outcome => {
                let outcome = outcome.unwrap_or_else(|error| {
                    tracing::warn!(%error, "the save stays pending");
                    Straight::Saved { again: false }
                });
                if let Err(error) = self.cache.release(self.repository, round.fence).await {
                    tracing::warn!(%error, "the lease was not given back; it ends by itself");
                }
                Ok(outcome)
            }
        }
    }

    /// D2 and D3 of one save; `None` where anything is not as it mostly is. Nothing but objects is written.
    async fn made_ready(&self, round: &Round, outlook: &Outlook, record: &Record, now: Timestamp) -> Option<Ready> {
        let change = record.change.as_ref().filter(|change| change.state == ChangeState::Pending && !change.dead)?;
        if !self.at_rest(outlook) || !stands_on_live(record) || says_the_same(record, change) {
            return None;
        }
        if self.mended(&outlook.row, record, change, now).await.ok()?.is_some() {
            return None;
        }
        let git = self.git().ok()?;
        tracing::debug!(target: "lorebase::step", step = "D2", changes = 1, "comparing head and cursor");
        let head = git.head().await.ok()??;
        if outlook.row.cursor.as_ref()?.commit != head {
            return None;
        }
        tracing::debug!(target: "lorebase::step", step = "D3", "preparing a commit");
        let mut chain = Chain::default();
        self.extend(&mut chain, Some(&head), std::slice::from_ref(record)).await.ok()?;
        let edits = chain.add(record, change).ok()?;
        let commits = self.commits(self.policy, &[record], vec![edits], now);
        let ids = git.prepare(Some(&head), &commits).await.ok()?;
        let prepared = self.prepared(round, Some(head.clone()), &[record], &ids, now).await.ok()?;
        Some(Ready { head, prepared })
    }

    /// Whether there is nothing to do but what comes now.
    fn at_rest(&self, outlook: &Outlook) -> bool {
        let Outlook { row, findings, prepared, waiting } = outlook;
        let settings = self.stored_settings(row.config.as_ref());
        let free = row.pause.is_none() && row.lease.is_none() && row.held.is_none();
        let settled = row.cursor.as_ref().is_some_and(|cursor| cursor.fingerprint == settings.fingerprint);
        let nothing_left = prepared.is_empty() && !waiting && !findings.iter().any(|(finding, _)| is_contested(&finding.code));
        free && settled && nothing_left && row.unique.as_ref() == Some(&settings.unique)
    }

    /// D4 and D5. The lease is given back with the acknowledgement, and only with it.
    async fn publish_ready(
        &self,
        round: &mut Round,
        outlook: &Outlook,
        record: &Record,
        ready: &Ready,
        started: Timestamp,
    ) -> Result<Straight> {
        let Ready { head, prepared } = ready;
        if self.env.clock.now().duration_since(started).unsigned_abs() > REMEMBER / 2 {
            // Others may believe by now that this chain never comes.
            self.settle(round, std::slice::from_ref(prepared)).await?;
            return Ok(Straight::Saved { again: true });
        }
        tracing::debug!(target: "lorebase::step", step = "D4", tip = %prepared.tip, "moving the branch");
        match self.git()?.advance(Some(head), &prepared.tip).await? {
            AdvanceOutcome::Advanced => {
                let known = Known {
                    row: outlook.row.clone(),
                    records: HashMap::from([(record.uid, record.clone())]),
                    findings: outlook.findings.clone(),
                    release: true,
                };
                let batch = self.acknowledge_known(round, prepared, known).await?;
                let target = Target::Existing { uid: record.uid, stamp: record.stamp };
                let ours = batch.writes.iter().find(|write| write.target == target && batch.diagnostics.is_empty());
                Ok(Straight::Published(ours.map(|write| Box::new(record.written(write)))))
            }
            AdvanceOutcome::Moved(_) => {
                self.settle(round, std::slice::from_ref(prepared)).await?;
                Ok(Straight::Saved { again: true })
            }
            AdvanceOutcome::Blocked(paths) => {
                self.block(round, prepared, &[record], &paths, &mut HashSet::new()).await?;
                Ok(Straight::Saved { again: false })
            }
        }
    }
}
