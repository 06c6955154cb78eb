//! A repository and a database in memory, shared by all processes of a history.

use std::sync::Arc;

use lorebase::memory::{MemoryCache, MemoryGit};
use lorebase::store::{CacheStore, CommitId, GitStore};

use crate::simulation::{Backing, Stage};

struct Memory {
    git: Arc<MemoryGit>,
    cache: Arc<MemoryCache>,
}

impl Backing for Memory {
    fn git(&self) -> Arc<dyn GitStore> {
        self.git.clone()
    }

    fn cache(&self) -> Arc<dyn CacheStore> {
        self.cache.clone()
    }

    fn force(&self, tip: Option<&CommitId>) {
        self.git.force(tip).unwrap();
    }
}

pub(crate) fn stage() -> Stage {
    Stage::new(Memory { git: Arc::new(MemoryGit::new()), cache: Arc::new(MemoryCache::new()) })
}
