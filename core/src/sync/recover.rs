//! What processes that died in the middle of a publication left behind: whether the branch contains a prepared chain tells
//! a crash from a lost race, and what it contains is acknowledged. A chain is forgotten only once nothing of it can come as a
//! surprise.

use std::cmp::Reverse;

use super::engine::{Round, SyncEngine};
use super::publish::REMEMBER;
use crate::Result;
use crate::store::{CommitId, Prepared, RepositoryRow};

/// Whether a chain stands on what was taken in last: only then is it all that is new.
pub(super) fn follows(row: &RepositoryRow, chain: &Prepared) -> bool {
    row.cursor.as_ref().map(|cursor| &cursor.commit) == chain.parent.as_ref()
}

impl SyncEngine {
    /// What processes that died left behind: chains that became visible are acknowledged. Returns those that are not:
    /// they are forgotten once git was taken in, because a part of one may have become visible all the same.
    pub(super) async fn recover(&self, round: &mut Round) -> Result<Vec<Prepared>> {
        let prepared = self.cache.prepared(self.repository).await?;
        let mut over = Vec::new();
        if prepared.is_empty() {
            return Ok(over);
        }
        let git = self.git()?;
        let head = git.head().await?;
        let mut visible = Vec::new();
        for chain in prepared {
            let reached = match &head {
                Some(head) => self.reached(&chain, head).await?,
                None => 0,
            };
            tracing::info!(batch = %chain.id, reached, of = chain.items.len(), "recovering a prepared chain");
            match &head {
                Some(_) if reached == chain.items.len() => visible.push((chain, true)),
                Some(_) if reached > 0 => visible.push((self.left_of(chain, reached).await?, false)),
                _ if chain.parent != head || self.env.clock.now().duration_since(chain.created_at).unsigned_abs() > REMEMBER => {
                    over.push(chain);
                }
                _ => {}
            }
        }
        // Chains on one commit that were prepared in one second begin with the same commits as far as they say the same:
        // the longest holds the others.
        visible.sort_by_key(|(chain, whole)| Reverse((chain.items.len(), *whole)));
        for (chain, whole) in visible {
            let row = self.cache.repository(self.repository).await?;
            if follows(&row, &chain) {
                self.acknowledge_some(round, &chain, whole).await?;
            } else {
                over.push(chain);
            }
        }
        Ok(over)
    }

    /// How many items of a chain, from its first, are in the branch by their own commits.
    pub(super) async fn reached(&self, chain: &Prepared, head: &CommitId) -> Result<usize> {
        let git = self.git()?;
        if git.contains(head, &chain.tip).await? {
            return Ok(chain.items.len());
        }
        for (reached, item) in chain.items.iter().enumerate() {
            if !git.contains(head, &item.commit).await? {
                return Ok(reached);
            }
        }
        Ok(chain.items.len())
    }

    /// The beginning of a chain that a force-push left on the branch, as a chain of its own.
    async fn left_of(&self, mut chain: Prepared, reached: usize) -> Result<Prepared> {
        chain.items.truncate(reached);
        if let Some(last) = chain.items.last() {
            chain.tip = last.commit.clone();
        }
        let paths: Vec<String> = chain.items.iter().map(|item| item.location.path.to_string()).collect();
        for (item, entry) in chain.items.iter_mut().zip(self.git()?.lookup(&chain.tip, &paths).await?) {
            item.blob = entry.map(|entry| entry.blob);
        }
        Ok(chain)
    }

    /// Forgets chains.
    pub(super) async fn settle(&self, round: &Round, chains: &[Prepared]) -> Result<()> {
        if chains.is_empty() {
            return Ok(());
        }
        let mut batch = self.batch_for(round, self.env.clock.now());
        batch.settled.extend(chains.iter().map(|chain| chain.id));
        self.apply_fenced(&batch).await
    }
}
