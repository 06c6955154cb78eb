//! What programs hold: one repository's knowledge, read from SQL, saved through the journal, kept equal with git. It
//! owns the stores and the engine and decides nothing itself; `open` in `lorebase-backends` makes one.

mod health;
mod read;
mod resolve;
mod source;
mod transfer;
mod write;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use health::Health;
pub use read::{Found, Listing, Selector};
pub use resolve::{Accept, ConflictView, SideView};
pub use source::{OverriddenField, Override, Settle};
pub use transfer::ImportRow;
pub use write::Delete;

use crate::knowledge::{Author, Config, Kind, KindName};
use crate::store::{BlobRead, CacheStore, CommitId, GitStore, RepositoryId, RepositoryKey};
use crate::sync::plan::Settings;
use crate::sync::{CommitPolicy, Drift, Environment, SyncEngine, SyncOptions, SyncReport};
use crate::{Error, ErrorKind, Result};

/// When a save is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PublishMode {
    /// Before the call returns, where that is possible.
    #[default]
    Inline,
    /// Soon, by a task of the process.
    Background,
    /// Not by this process: it stays pending for another one, or for an explicit `sync`.
    Off,
}

/// Called when a save waits for the background task.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// What a knowledge base is made of.
pub struct Parts {
    /// The repository; without one everything works but publishing.
    pub git: Option<Arc<dyn GitStore>>,
    /// The database.
    pub cache: Arc<dyn CacheStore>,
    /// Time, chance and processes.
    pub env: Environment,
    /// What the database calls the repository.
    pub key: RepositoryKey,
    /// When saves are committed.
    pub publish: PublishMode,
    /// Who commits, and who saves where a save names nobody.
    pub committer: Author,
    /// How saves become commits.
    pub policy: CommitPolicy,
    /// The folder that holds the kinds' folders, in place of the one that the repository's settings name.
    pub root: Option<String>,
    /// Wakes the background task.
    pub wake: Option<Wake>,
}

/// One repository's knowledge. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub struct KnowledgeBase(Arc<Inner>);

/// A knowledge base that does not keep its stores open.
#[derive(Clone)]
pub struct WeakKnowledgeBase(std::sync::Weak<Inner>);

impl WeakKnowledgeBase {
    /// The knowledge base, while somebody still holds it.
    pub fn upgrade(&self) -> Option<KnowledgeBase> {
        self.0.upgrade().map(KnowledgeBase)
    }
}

impl std::fmt::Debug for WeakKnowledgeBase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WeakKnowledgeBase").finish_non_exhaustive()
    }
}

struct Inner {
    engine: SyncEngine,
    git: Option<Arc<dyn GitStore>>,
    cache: Arc<dyn CacheStore>,
    env: Environment,
    repository: RepositoryId,
    key: RepositoryKey,
    publish: PublishMode,
    committer: Author,
    wake: Option<Wake>,
}

impl std::fmt::Debug for KnowledgeBase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KnowledgeBase").field("key", &self.0.key).field("publish", &self.0.publish).finish_non_exhaustive()
    }
}

/// How many blobs are looked for where the first commit is gone.
const SAMPLE: usize = 200;

/// Whether the repository has any file that the rows were made from: then its history was rewritten, and it is still
/// the same repository.
async fn shares_content(git: &dyn GitStore, cache: &dyn CacheStore, id: RepositoryId) -> Result<bool> {
    let rows = cache.manifest(id, None, SAMPLE).await?;
    let blobs: Vec<_> = rows.into_iter().map(|row| row.blob).collect();
    Ok(git.read(&blobs, 0).await?.iter().any(|read| !matches!(read, BlobRead::Missing)))
}

impl KnowledgeBase {
    /// Puts a knowledge base together and makes sure that the database's rows are this repository's.
    ///
    /// # Errors
    /// `InvalidInput` when the rows of this namespace and branch come from another repository, or the root is no safe
    /// path; errors of the stores.
    pub async fn new(parts: Parts) -> Result<Self> {
        let Parts { git, cache, env, key, publish, committer, policy, root, wake } = parts;
        if let Some(root) = &root {
            Config::built_in().with_root(root)?;
        }
        let row = cache.attach(&key, env.clock.now()).await?;
        if let (Some(git), Some(root)) = (&git, &row.root)
            && !git.exists(root).await?
            && git.head().await?.is_some()
            && !shares_content(&**git, &*cache, row.id).await?
        {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                format!(
                    "the database holds another repository under namespace `{}` and branch `{}` (its first commit is {root}); choose another namespace or another database",
                    key.namespace, key.branch
                ),
            ));
        }
        let engine = SyncEngine::new(git.clone(), cache.clone(), env.clone(), row.id, committer.clone(), policy, root);
        if row.unique.is_none() {
            engine.hold_to_rules(&row, &engine.stored_settings(row.config.as_ref()), None).await?;
        }
        Ok(Self(Arc::new(Inner { engine, git, cache, env, repository: row.id, key, publish, committer, wake })))
    }

    /// The same knowledge base, without keeping it open.
    pub fn downgrade(&self) -> WeakKnowledgeBase {
        WeakKnowledgeBase(Arc::downgrade(&self.0))
    }

    /// The engine, for a driver in the background.
    pub fn engine(&self) -> &SyncEngine {
        &self.0.engine
    }

    /// What the database calls this repository.
    pub fn key(&self) -> &RepositoryKey {
        &self.0.key
    }

    /// The settings in force: those of the last synchronisation that found them valid.
    ///
    /// # Errors
    /// Errors of the cache.
    pub async fn config(&self) -> Result<Config> {
        Ok(self.settings().await?.config.clone())
    }

    /// The JSON Schema of a kind: its own one as the last synchronisation found it good, else the built-in one, else
    /// `None`. For a kind whose entities share a JSON file it is that of one entry.
    ///
    /// # Errors
    /// `InvalidInput` (unknown kind), errors of the cache.
    pub async fn schema(&self, kind: &str) -> Result<Option<serde_json::Value>> {
        let settings = self.settings().await?;
        let kind = Self::kind(&settings.config, &KindName::from(kind))?;
        Ok(settings.schemas.schema(&kind.name).map(|schema| schema.value().clone()))
    }

    pub(super) async fn settings(&self) -> Result<Arc<Settings>> {
        let row = self.0.cache.repository(self.0.repository).await?;
        Ok(self.0.engine.stored_settings(row.config.as_ref()))
    }

    /// The commit that the rows were last made equal to; `None` before the first synchronisation.
    ///
    /// # Errors
    /// Errors of the cache.
    pub async fn synced_commit(&self) -> Result<Option<CommitId>> {
        Ok(self.0.cache.repository(self.0.repository).await?.cursor.map(|cursor| cursor.commit))
    }

    pub(super) fn kind<'a>(config: &'a Config, name: &KindName) -> Result<&'a Kind> {
        config.kind(name).ok_or_else(|| {
            let known: Vec<&str> = config.kinds.iter().map(|kind| kind.name.as_str()).collect();
            Error::new(
                ErrorKind::InvalidInput,
                format!(
                    "there is no kind `{name}`; the kinds here are {} (as the last synchronised `{}` has them)",
                    known.join(", "),
                    Config::FILE
                ),
            )
        })
    }

    /// One synchronisation, both ways.
    ///
    /// # Errors
    /// `Unsupported` without a repository, `Busy` when another process is at work for longer than 30 s, errors of
    /// the stores. Whatever was done until then stays; nothing is lost.
    pub async fn sync(&self, options: SyncOptions) -> Result<SyncReport> {
        self.0.engine.sync(options).await
    }

    /// Compares every entity with git's head. Changes nothing.
    ///
    /// # Errors
    /// `Unsupported` without a repository; errors of the stores.
    pub async fn drift(&self) -> Result<Drift> {
        self.0.engine.drift().await
    }

    /// Reads every file of git's head again, mends what differs in SQL, and compares once more.
    ///
    /// # Errors
    /// Those of [`sync`](Self::sync).
    pub async fn repair(&self) -> Result<Drift> {
        self.0.engine.repair().await?;
        self.0.engine.drift().await
    }
}
