//! A clock that a test can put forward for all processes at once: the machine's, and the milliseconds that a file in
//! the test's folder names. So a lease runs out without anybody waiting for it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lorebase::clock::{Clock, Timestamp};
use lorebase::knowledge::Author;
use lorebase::store::RepositoryKey;
use lorebase::sync::{CommitPolicy, Environment};
use lorebase::{KnowledgeBase, Parts, PublishMode, Result};
use lorebase_backends::clock::{SystemClock, SystemEntropy};
use lorebase_backends::git::{GitOptions, GixStore};
use lorebase_backends::process::SystemProcesses;
use lorebase_backends::sql::{SqliteCache, SqliteOptions};

/// Longer than a lease counts.
const PAST_A_LEASE: u64 = 120_000;

#[derive(Debug)]
struct Shifted(PathBuf);

fn offset(file: &Path) -> u64 {
    std::fs::read_to_string(file).map_or(0, |text| text.parse().unwrap())
}

/// Whether the processes of this folder have a clock of their own.
pub(crate) fn is_used(folder: &Path) -> bool {
    folder.join("clock").exists()
}

/// Puts the clock of all processes of this folder forward, past every lease.
pub(crate) fn put_forward(folder: &Path) {
    let (file, beside) = (folder.join("clock"), folder.join("clock.new"));
    std::fs::write(&beside, (offset(&file) + PAST_A_LEASE).to_string()).unwrap();
    std::fs::rename(beside, file).unwrap();
}

#[async_trait]
impl Clock for Shifted {
    fn now(&self) -> Timestamp {
        SystemClock.now() + Duration::from_millis(offset(&self.0))
    }

    async fn sleep(&self, duration: Duration) {
        SystemClock.sleep(duration).await;
    }
}

/// Opens a repository with the clock of `folder`, and with little patience for locks, so that a test of what happens
/// when nobody gives one back is soon over.
///
/// # Errors
/// Those of `lorebase_backends::open`.
pub(crate) async fn open(folder: &Path, repository: &Path, database: PathBuf, publish: PublishMode) -> Result<KnowledgeBase> {
    let git = GixStore::open(GitOptions { lock_wait: Duration::from_millis(300), ..GitOptions::new(repository) }).await?;
    let branch = git.branch().to_owned();
    std::fs::create_dir_all(git.folder()).unwrap();
    let cache = SqliteCache::open(SqliteOptions { busy_timeout: Duration::from_millis(500), ..SqliteOptions::file(database) }).await?;
    KnowledgeBase::new(Parts {
        git: Some(Arc::new(git)),
        cache: Arc::new(cache),
        env: Environment {
            clock: Arc::new(Shifted(folder.join("clock"))),
            entropy: Arc::new(SystemEntropy),
            processes: Arc::new(SystemProcesses),
        },
        key: RepositoryKey { namespace: "default".to_owned(), branch },
        publish,
        committer: Author::new("Lorebase", "lorebase@localhost"),
        policy: CommitPolicy::PerSave,
        root: None,
        wake: None,
    })
    .await
}
