//! A throw-away repository and database file. They stand in a folder in memory where the machine has one: power cuts
//! are no part of a history, and waiting for a disk would be most of its time.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use lorebase::store::{CacheStore, CommitId, GitStore};
use lorebase_backends::git::{GitOptions, GixStore};
use lorebase_backends::sql::{SqliteCache, SqliteOptions};
use tempfile::TempDir;

use crate::simulation::{Backing, Stage, run};

struct Real(TempDir);

impl Real {
    fn repository(&self) -> PathBuf {
        self.0.path().join("repository")
    }
}

impl Backing for Real {
    fn git(&self) -> Arc<dyn GitStore> {
        let options = GitOptions { branch: Some("main".to_owned()), init: true, bare: true, ..GitOptions::new(self.repository()) };
        Arc::new(run(GixStore::open(options)).unwrap())
    }

    fn cache(&self) -> Arc<dyn CacheStore> {
        Arc::new(run(SqliteCache::open(SqliteOptions::file(self.0.path().join("cache.db")))).unwrap())
    }

    /// By the git program, as an engineer's push from elsewhere.
    fn force(&self, tip: Option<&CommitId>) {
        let repository = self.repository();
        let to = tip.map_or(vec!["-d", "refs/heads/main"], |tip| vec!["refs/heads/main", tip.as_str()]);
        let moved = Command::new("git").arg("--git-dir").arg(repository).arg("update-ref").args(to).status();
        assert!(moved.unwrap().success());
    }
}

pub(crate) fn stage() -> Stage {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    Stage::new(Real(folder.unwrap()))
}
