//! The rounds: take the lease, recover what a dead process left, ingest, publish, until both sides are equal. Without
//! a runtime of its own: whoever drives it calls [`SyncEngine::step`] and waits until it asks to be woken.

use std::sync::Arc;
use std::time::Duration;

use async_lock::Mutex;
use tracing::Instrument;
use uuid::Uuid;

use super::backoff;
use super::bind::is_contested;
use super::cancellation::Cancellation;
use super::lease::Processes;
use super::publish::CommitPolicy;
use super::report::{Phase, Progress, ProgressFn, SyncReport};
use super::settings::Settings;
use crate::clock::{Clock, Entropy, Timestamp};
use crate::knowledge::Author;
use crate::store::{Batch, CacheStore, GitStore, Outlook, Owner, Pause, RepositoryId, RepositoryPatch, RepositoryRow, Slot};
use crate::{Error, ErrorKind, Result};

/// How long a round waits for another engine that is at work before it gives way.
const PATIENCE: Duration = Duration::from_secs(30);

/// Records made findable in one transaction.
const INDEXED_AT_ONCE: usize = 1024;

/// Everything that is given from outside.
#[derive(Debug, Clone)]
pub struct Environment {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Identifiers and jitter.
    pub entropy: Arc<dyn Entropy>,
    /// What is known about processes.
    pub processes: Arc<dyn Processes>,
}

/// What one synchronisation may do.
#[expect(clippy::struct_excessive_bools, reason = "independent switches of one call")]
#[derive(Clone, Default)]
pub struct SyncOptions {
    /// Says what it would do and changes nothing.
    pub dry_run: bool,
    /// Carries out deletions that were held back.
    pub allow_deletions: bool,
    /// Only ingests: nothing is committed.
    pub no_publish: bool,
    /// Reads every file again, whether it changed or not.
    pub recheck: bool,
    /// Fills a branch that lost all its commits from the database first.
    pub restore: bool,
    /// How waiting changes become commits, where it differs from the engine's own policy.
    pub policy: Option<CommitPolicy>,
    /// Called with the progress.
    pub progress: Option<ProgressFn>,
    /// Looked at between two transactions: what is done by then stays, and the report says that it was cancelled.
    pub cancellation: Cancellation,
}

impl std::fmt::Debug for SyncOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SyncOptions")
            .field("dry_run", &self.dry_run)
            .field("allow_deletions", &self.allow_deletions)
            .field("no_publish", &self.no_publish)
            .field("recheck", &self.recheck)
            .field("restore", &self.restore)
            .field("policy", &self.policy)
            .field("progress", &self.progress.is_some())
            .field("cancellation", &self.cancellation)
            .finish()
    }
}

/// When the engine wants to be called again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Next {
    /// Not before this moment, unless something was saved or pushed.
    pub wake_at: Timestamp,
}

/// Keeps one branch of one repository and its rows in one database equal.
#[derive(Debug)]
pub struct SyncEngine {
    pub(super) git: Option<Arc<dyn GitStore>>,
    pub(super) cache: Arc<dyn CacheStore>,
    pub(super) env: Environment,
    pub(super) repository: RepositoryId,
    pub(super) owner: Owner,
    pub(super) committer: Author,
    pub(super) policy: CommitPolicy,
    /// The settings that were kept last, compiled.
    pub(super) settings: std::sync::Mutex<Option<Arc<Settings>>>,
    /// The root folder that holds in place of the settings' own.
    pub(super) root: Option<String>,
    /// One round at a time within the process; the lease does the same between processes.
    pub(super) turn: Mutex<()>,
}

/// One round's lease and numbers.
pub(super) struct Round {
    pub(super) fence: u64,
    pub(super) report: SyncReport,
    pub(super) options: SyncOptions,
    /// The record whose change somebody waits for: once it waits no longer, the rest is left to others.
    pub(super) awaited: Option<i64>,
}

impl Round {
    pub(super) fn progress(&self, phase: Phase, done: usize, total: usize) {
        if let Some(progress) = &self.options.progress {
            progress(Progress { phase, done: done as u64, total: total as u64 });
        }
    }

    /// Whether the round was asked to stop here, between two transactions.
    pub(super) fn stops(&mut self) -> bool {
        self.report.cancelled |= self.options.cancellation.is_cancelled();
        self.report.cancelled
    }
}

impl Drop for SyncEngine {
    fn drop(&mut self) {
        self.env.processes.retire(&self.owner);
    }
}

impl SyncEngine {
    /// An engine of a repository that the cache knows under `repository`. Without `git` it saves and reads only. A
    /// `root` holds in place of the one that the repository's settings name.
    pub fn new(
        git: Option<Arc<dyn GitStore>>,
        cache: Arc<dyn CacheStore>,
        env: Environment,
        repository: RepositoryId,
        committer: Author,
        policy: CommitPolicy,
        root: Option<String>,
    ) -> Self {
        let owner = env.processes.owner(env.entropy.uuid());
        Self { git, cache, env, repository, owner, committer, policy, root, settings: std::sync::Mutex::default(), turn: Mutex::new(()) }
    }

    pub(super) fn git(&self) -> Result<&Arc<dyn GitStore>> {
        self.git.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, "this knowledge base was opened without a repository; open it with one to synchronise")
        })
    }

    /// Who this engine is among the owners of leases.
    pub fn owner(&self) -> &Owner {
        &self.owner
    }

    /// The number of the repository in the cache.
    pub fn repository_id(&self) -> RepositoryId {
        self.repository
    }

    /// One synchronisation, both ways, however long it takes. Changes that are not due yet are tried as well.
    ///
    /// # Errors
    /// `Unsupported` without a repository; `Busy` when another process is at work for longer than 30 s; errors of
    /// the stores. Whatever was done until then stays, and the next call goes on from there.
    pub async fn sync(&self, options: SyncOptions) -> Result<SyncReport> {
        self.git()?;
        let _turn = self.turn.lock().await;
        let deadline = backoff::after(self.env.clock.now(), PATIENCE);
        loop {
            if options.cancellation.is_cancelled() {
                return Ok(SyncReport { cancelled: true, ..SyncReport::default() });
            }
            if let Some(report) = self.try_round(&options, true, None).await? {
                self.bring_index_up(&options).await?;
                return Ok(report);
            }
            if self.env.clock.now() >= deadline {
                return Err(Error::new(
                    ErrorKind::Busy,
                    "another process has been synchronising this repository for 30 s; nothing was done here, try again later",
                ));
            }
            self.give_way().await;
        }
    }

    /// Commits until the change of record `uid` is no longer waiting, as far as it can be: the change may stay
    /// pending when the repository rests, another process is at work for long, or the change itself waits.
    ///
    /// # Errors
    /// Errors of the cache. A failure of git is not one: it is kept with the change.
    pub async fn publish(&self, uid: i64) -> Result<()> {
        let deadline = backoff::after(self.env.clock.now(), PATIENCE);
        loop {
            let _turn = self.turn.lock().await;
            let record = self.cache.records_by_uid(self.repository, &[uid]).await?.pop().flatten();
            let waiting = record.and_then(|record| record.change).is_some_and(|change| {
                change.state == crate::store::ChangeState::Pending && !change.dead && change.due_at <= self.env.clock.now()
            });
            if !waiting || self.resting(self.env.clock.now()).await? || self.env.clock.now() >= deadline {
                return Ok(());
            }
            match self.try_round(&SyncOptions::default(), false, Some(uid)).await {
                Ok(Some(_)) => {}
                Ok(None) => self.give_way().await,
                Err(error) => {
                    tracing::warn!(%error, "the save stays pending");
                    return Ok(());
                }
            }
        }
    }

    /// Does what is due: ingests a moved head, publishes due changes. For a driver in the background.
    ///
    /// # Errors
    /// Those of [`sync`](Self::sync), except that a failing repository rests instead (see [`Next`]).
    pub async fn step(&self, poll: Duration) -> Result<Next> {
        let now = self.env.clock.now();
        if let Some(pause) = self.cache.repository(self.repository).await?.pause.filter(|pause| pause.until > now) {
            return Ok(Next { wake_at: pause.until });
        }
        let outcome = {
            let _turn = self.turn.lock().await;
            self.try_round(&SyncOptions::default(), false, None).await
        };
        let later = backoff::after(self.env.clock.now(), poll);
        match outcome {
            Ok(Some(_)) => {
                self.bring_index_up(&SyncOptions::default()).await?;
                let waiting = self.cache.pending(self.repository, None, 1000).await?;
                let due = waiting.iter().filter_map(|record| record.change.as_ref()).map(|change| change.due_at).min();
                Ok(Next { wake_at: due.map_or(later, |due| due.min(later)) })
            }
            Ok(None) => Ok(Next { wake_at: later }),
            Err(error) => match self.cache.repository(self.repository).await?.pause {
                Some(pause) => Ok(Next { wake_at: pause.until }),
                None => Err(error),
            },
        }
    }

    /// What a round wrote in bulk is found by search right after it, not only once somebody searches.
    async fn bring_index_up(&self, options: &SyncOptions) -> Result<()> {
        if options.dry_run {
            return Ok(());
        }
        let mut done = 0;
        // What is left when somebody asks to stop is indexed by the next round or search.
        while !options.cancellation.is_cancelled() {
            let left = match self.cache.index(INDEXED_AT_ONCE).await {
                // Somebody else writes: both sides are equal all the same, and whoever searches or synchronises next goes on.
                Err(error) if error.kind() == ErrorKind::Busy => return Ok(()),
                left => left?,
            };
            done += INDEXED_AT_ONCE as u64;
            if let Some(progress) = options.progress.as_ref().filter(|_| left > 0) {
                progress(Progress { phase: Phase::Index, done, total: done + left });
            }
            if left == 0 {
                break;
            }
        }
        Ok(())
    }

    async fn resting(&self, now: Timestamp) -> Result<bool> {
        Ok(self.cache.repository(self.repository).await?.pause.is_some_and(|pause| pause.until > now))
    }

    async fn give_way(&self) {
        let jitter = Duration::from_millis(5 + self.env.entropy.below(20));
        self.env.clock.sleep(jitter).await;
    }

    /// One round under the lease; `None` when somebody else is at work.
    async fn try_round(&self, options: &SyncOptions, all: bool, awaited: Option<i64>) -> Result<Option<SyncReport>> {
        let git = self.git()?;
        let started = self.env.clock.now();
        let outlook = self.cache.outlook(self.repository, if all { None } else { Some(started) }).await?;
        let head = git.head().await;
        let head = self.noting_failure(&outlook.row, head).await?;
        if let Some(report) = self.nothing_to_do(&outlook, head.as_ref(), options).await? {
            return Ok(Some(report));
        }
        let row = outlook.row;
        if options.dry_run {
            let mut report = self.rehearse(&row, head.as_ref(), options).await?;
            self.finish_report(&mut report, started).await?;
            return Ok(Some(report));
        }
        let moved = row.cursor.as_ref().map(|cursor| &cursor.commit) != head.as_ref();
        let Some(fence) = self.take_lease(if moved { "G1" } else { "D1" }).await? else { return Ok(None) };
        let mut round = Round { fence, report: SyncReport::default(), options: options.clone(), awaited };
        let span = tracing::info_span!("round", repository = self.repository, fence);
        let outcome = self.work(&mut round, all).instrument(span).await;
        let outcome = self.noting_failure(&row, outcome).await;
        let released = self.cache.release(self.repository, fence).await;
        outcome?;
        released?;
        self.finish_report(&mut round.report, started).await?;
        Ok(Some(round.report))
    }

    /// The whole of an idle round: head and fingerprint equal to the cursor, nothing pending, nothing to recover.
    async fn nothing_to_do(
        &self,
        outlook: &Outlook,
        head: Option<&crate::store::CommitId>,
        options: &SyncOptions,
    ) -> Result<Option<SyncReport>> {
        let Outlook { row, findings, prepared, waiting } = outlook;
        let started = self.env.clock.now();
        let settled = match (&row.cursor, head) {
            (Some(cursor), Some(head)) => {
                cursor.commit == *head && cursor.fingerprint == self.stored_settings(row.config.as_ref()).fingerprint
            }
            (None, None) => true,
            _ => false,
        };
        let confirmed = options.allow_deletions && row.held.is_some();
        let settings = self.stored_settings(row.config.as_ref());
        let contested = findings.iter().any(|(finding, _)| is_contested(&finding.code));
        let settled = settled && (row.unique.as_ref() == Some(&settings.unique) || head.is_none()) && !contested;
        if !settled || confirmed || options.recheck || row.pause.is_some() || !prepared.is_empty() || *waiting && !options.no_publish {
            return Ok(None);
        }
        tracing::debug!(target: "lorebase::step", step = "G2", "head and settings equal to the cursor");
        let mut report = SyncReport::default();
        self.finish_report(&mut report, started).await?;
        Ok(Some(report))
    }

    async fn work(&self, round: &mut Round, all: bool) -> Result<()> {
        if round.options.restore {
            self.restore(round).await?;
        }
        let over = self.recover(round).await?;
        self.ingest(round).await?;
        if round.stops() {
            return Ok(());
        }
        self.settle(round, &over).await?;
        if !round.options.no_publish {
            let before = (round.report.published, round.report.unchanged);
            Box::pin(self.publish_due(round, all)).await?;
            // What was published may have been what stood in the way of a quarantined file.
            if before != (round.report.published, round.report.unchanged) && self.contested().await? {
                self.ingest(round).await?;
            }
        }
        Ok(())
    }

    async fn finish_report(&self, report: &mut SyncReport, started: Timestamp) -> Result<()> {
        let row = self.cache.repository(self.repository).await?;
        report.synced_commit = row.cursor.map(|cursor| cursor.commit);
        report.held_deletions = row.held.map_or(0, |held| held.count);
        let findings = self.cache.diagnostics(self.repository).await?;
        let mut broken: Vec<&str> = findings
            .iter()
            .filter(|(finding, _)| finding.severity == crate::knowledge::Severity::Error)
            .map(|(finding, _)| finding.path.as_str())
            .collect();
        broken.dedup();
        report.invalid = broken.len() as u64;
        report.conflicts = self.cache.conflicts(self.repository).await?.len() as u64;
        let spent = self.env.clock.now().duration_since(started);
        report.duration_ms = u64::try_from(spent.as_millis()).unwrap_or(0);
        Ok(())
    }

    /// Lets the repository rest when a store cannot be reached or refuses us: changes age, they do not die.
    pub(super) async fn noting_failure<T>(&self, row: &RepositoryRow, outcome: Result<T>) -> Result<T> {
        let slot = match &outcome {
            Ok(_) if row.pause.is_some() => Slot::Clear,
            Err(error) if matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Unauthorized) => {
                let attempts = row.pause.as_ref().map_or(0, |pause| pause.attempts) + 1;
                let until = backoff::after(self.env.clock.now(), backoff::delay(attempts, &*self.env.entropy));
                Slot::Set(Pause { reason: error.to_string(), code: error.kind().code().to_owned(), until, attempts })
            }
            _ => return outcome,
        };
        let mut batch = Batch::new(self.repository, self.env.clock.now());
        batch.repository_patch = RepositoryPatch { pause: slot, ..RepositoryPatch::default() };
        let noted = self.cache.apply(&batch).await;
        match (outcome, noted) {
            (Ok(value), noted) => noted.map(|_| value),
            (Err(error), _) => Err(error),
        }
    }

    /// A fresh operation id.
    pub(super) fn operation(&self) -> Uuid {
        self.env.entropy.uuid()
    }
}
