//! Who works: one engine at a time a repository. The lease only saves wasted work; what makes writing safe is the
//! fence in SQL and the compare-and-swap in git.

use std::fmt::Debug;
use std::time::Duration;

use uuid::Uuid;

use super::engine::SyncEngine;
use crate::Result;
use crate::store::{LeaseOutcome, Owner};

/// How long a lease counts without being extended by a write.
const TTL: Duration = Duration::from_mins(1);

/// What is known about processes, given from outside.
pub trait Processes: Debug + Send + Sync + 'static {
    /// This process, as the owner of a lease of the engine `instance`.
    fn owner(&self, instance: Uuid) -> Owner;

    /// Whether an owner is known to be dead: on this machine, its boot is over, or its process is gone or is now
    /// another one. `false` when it lives or cannot be seen from here.
    fn is_dead(&self, owner: &Owner) -> bool;

    /// The engine of this owner is gone while its process lives on.
    fn retire(&self, owner: &Owner);
}

impl SyncEngine {
    /// Takes the lease, at once when its owner is dead. `None`: somebody else who may be alive has it. `step` says
    /// what for: `G1` where the branch has moved, `D1` where there are only changes to publish.
    pub(super) async fn take_lease(&self, step: &'static str) -> Result<Option<u64>> {
        tracing::debug!(target: "lorebase::step", step, "taking the lease");
        let (id, now) = (self.repository, self.env.clock.now());
        match self.cache.lease(id, &self.owner, now, TTL, None).await? {
            LeaseOutcome::Acquired(fence) => Ok(Some(fence)),
            LeaseOutcome::Held { lease, fence } if self.env.processes.is_dead(&lease.owner) => {
                tracing::info!(pid = lease.owner.pid, fence, "replacing the lease of a dead process");
                match self.cache.lease(id, &self.owner, now, TTL, Some(fence)).await? {
                    LeaseOutcome::Acquired(fence) => Ok(Some(fence)),
                    LeaseOutcome::Held { .. } => Ok(None),
                }
            }
            LeaseOutcome::Held { .. } => Ok(None),
        }
    }

    /// Until when a lease counts that is extended now.
    pub(super) fn lease_until(&self) -> crate::clock::Timestamp {
        super::backoff::after(self.env.clock.now(), TTL)
    }
}
