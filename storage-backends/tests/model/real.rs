//! A throw-away repository, and a database file or a database of a PostgreSQL. They stand in a folder in memory where the
//! machine has one: power cuts are no part of a history, and waiting for a disk would be most of its time.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use lorebase::store::{CacheStore, CommitId, GitStore};
use lorebase_backends::git::{GitOptions, GixStore};
use lorebase_backends::sql::{LeaseClock, PostgresCache, PostgresOptions, SqliteCache, SqliteOptions};
use tempfile::TempDir;

use crate::server::Database;
use crate::simulation::{Backing, Stage, run};

struct Real {
    folder: TempDir,
    /// Of a PostgreSQL, in place of a file.
    database: Option<Database>,
}

impl Real {
    fn repository(&self) -> PathBuf {
        self.folder.path().join("repository")
    }
}

impl Backing for Real {
    fn git(&self) -> Arc<dyn GitStore> {
        let options = GitOptions { branch: Some("main".to_owned()), init: true, bare: true, ..GitOptions::new(self.repository()) };
        Arc::new(run(GixStore::open(options)).unwrap())
    }

    fn cache(&self) -> Arc<dyn CacheStore> {
        match &self.database {
            None => Arc::new(run(SqliteCache::open(SqliteOptions::file(self.folder.path().join("cache.db")))).unwrap()),
            Some(database) => {
                // Time is simulated.
                let options = PostgresOptions { clock: LeaseClock::Caller, max_connections: 2, ..PostgresOptions::new(database.url()) };
                Arc::new(run(PostgresCache::open(options)).unwrap())
            }
        }
    }

    /// By the git program, as an engineer's push from elsewhere.
    fn force(&self, tip: Option<&CommitId>) {
        let repository = self.repository();
        let to = tip.map_or(vec!["-d", "refs/heads/main"], |tip| vec!["refs/heads/main", tip.as_str()]);
        let moved = Command::new("git").arg("--git-dir").arg(repository).arg("update-ref").args(to).status();
        assert!(moved.unwrap().success());
    }
}

fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

pub(crate) fn stage() -> Stage {
    Stage::new(Real { folder: folder(), database: None })
}

pub(crate) fn stage_on_postgres() -> Stage {
    Stage::new(Real { folder: folder(), database: Some(Database::new()) })
}
