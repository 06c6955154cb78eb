//! How the repository stands, in the numbers that a status bar shows.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::KnowledgeBase;
use crate::Result;
use crate::clock::Timestamp;
use crate::store::{HeldDeletions, Pause};

/// Failures older than this are no longer recent.
const RECENT: Duration = Duration::from_hours(24);
/// A lag of more seconds than this is not healthy.
const LAG: u64 = 30;

/// The state of a repository. Every entity counts once: in conflict, failed, pending, draft or synced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// SQL and git hold the same bytes.
    pub synced: u64,
    /// Waiting to be committed.
    pub pending: u64,
    /// Can never be committed as they are.
    pub failed: u64,
    /// Waiting for a person.
    pub conflict: u64,
    /// Held until published.
    pub draft: u64,
    /// Files that cannot be understood.
    pub invalid: u64,
    /// Entities of which nothing is known because git was never read.
    pub unknown: u64,
    /// All entities.
    pub total: u64,
    /// Failed log rows of the last 24 hours.
    pub recent_failures: u64,
    /// The age of the oldest pending change or of the newest head not yet taken in, whichever is larger; in seconds.
    pub lag_seconds: u64,
    /// Nothing failed, the repository does not rest, and the lag is under 30 s.
    pub healthy: bool,
    /// Why the repository rests, if it does.
    pub pause: Option<Pause>,
    /// Deletions that wait for confirmation.
    pub held_deletions: Option<HeldDeletions>,
}

/// From when failures count as recent.
pub(super) fn failures_since(now: Timestamp) -> Timestamp {
    now.checked_sub(RECENT).unwrap_or(Timestamp::MIN)
}

impl KnowledgeBase {
    /// How the repository stands.
    ///
    /// # Errors
    /// Errors of the cache. A repository that cannot be read is not one: it shows as a pause.
    pub async fn status(&self) -> Result<Health> {
        let now = self.0.env.clock.now();
        let counts = self.0.cache.counts(self.0.repository, failures_since(now)).await?;
        let row = self.0.cache.repository(self.0.repository).await?;
        let age = |then: Timestamp| u64::try_from(now.duration_since(then).as_secs()).unwrap_or(0);
        let mut lag = counts.oldest_pending.map_or(0, age);
        if let Some(git) = &self.0.git
            && let Ok(Some(head)) = git.head().await
            && row.cursor.as_ref().is_none_or(|cursor| cursor.commit != head)
            && let Ok(commit) = git.commit(&head).await
        {
            lag = lag.max(age(commit.committer.time));
        }
        let total = counts.synced + counts.pending + counts.failed + counts.conflict + counts.draft;
        Ok(Health {
            synced: counts.synced,
            pending: counts.pending,
            failed: counts.failed,
            conflict: counts.conflict,
            draft: counts.draft,
            invalid: counts.invalid,
            unknown: if row.cursor.is_none() { counts.synced } else { 0 },
            total,
            recent_failures: counts.recent_failures,
            lag_seconds: lag,
            healthy: counts.failed == 0 && counts.recent_failures == 0 && row.pause.is_none() && lag < LAG,
            pause: row.pause,
            held_deletions: row.held,
        })
    }
}
