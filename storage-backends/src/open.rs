//! The one front door: from a path and a database to a [`KnowledgeBase`]. Chooses the stores, gives them the
//! machine's clock, chance and processes, and drives the engine in the background where that is asked for.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lorebase::clock::Clock;
use lorebase::knowledge::Author;
use lorebase::memory::MemoryCache;
use lorebase::store::{CacheStore, GitStore, RepositoryKey};
use lorebase::sync::{CommitPolicy, Environment, SyncOptions};
use lorebase::{Error, ErrorKind, KnowledgeBase, Parts, PublishMode, Result, Wake, WeakKnowledgeBase};
use tokio::sync::Notify;

use crate::clock::{SystemClock, SystemEntropy};
use crate::git::{GitOptions, GixStore};
use crate::process::SystemProcesses;
use crate::runtime;
#[cfg(feature = "postgres")]
use crate::sql::{PostgresCache, PostgresOptions};
use crate::sql::{SqliteCache, SqliteOptions};

/// The cache's file in the repository's own folder.
const CACHE_FILE: &str = "cache.db";

/// What to open and how. Made by [`Options::new`] or [`Options::without_repository`], changed by its methods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    repo: Option<PathBuf>,
    branch: Option<String>,
    init: bool,
    bare: bool,
    cache: Option<Url>,
    namespace: String,
    root: Option<String>,
    publish: PublishMode,
    policy: CommitPolicy,
    committer: Author,
    poll: Duration,
}

/// Where the database is. It may hold a password, which nobody is shown.
#[derive(Clone, PartialEq, Eq)]
struct Url(String);

impl std::fmt::Debug for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&without_secret(&self.0))
    }
}

impl Options {
    fn with(repo: Option<PathBuf>, cache: Option<Url>) -> Self {
        Self {
            repo,
            branch: None,
            init: false,
            bare: false,
            cache,
            namespace: "default".to_owned(),
            root: None,
            publish: PublishMode::Inline,
            policy: CommitPolicy::PerSave,
            committer: Author::new("Lorebase", "lorebase@localhost"),
            poll: Duration::from_secs(5),
        }
    }

    /// The repository at `path` (a work tree or a bare repository), cached in the SQLite file `lorebase/cache.db` of
    /// its git directory, every save committed before its call returns.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self::with(Some(path.into()), None)
    }

    /// Only a database, where this process has no repository: reads, validates and saves; another process commits.
    pub fn without_repository(cache: impl Into<String>) -> Self {
        Self::with(None, Some(Url(cache.into())))
    }

    /// The database: `sqlite:PATH`; `postgres://USER:PASSWORD@HOST/DATABASE` (with the feature `postgres`); or `memory:` for
    /// one that lives as long as the knowledge base and is filled from the repository when it is opened.
    #[must_use]
    pub fn cache(mut self, url: impl Into<String>) -> Self {
        self.cache = Some(Url(url.into()));
        self
    }

    /// The branch's short name; without one the branch that `HEAD` points at (`main` without a repository).
    #[must_use]
    pub fn branch(mut self, name: impl Into<String>) -> Self {
        self.branch = Some(name.into());
        self
    }

    /// What the database calls this repository; `default` unless given. Two repositories in one database need two.
    #[must_use]
    pub fn namespace(mut self, name: impl Into<String>) -> Self {
        self.namespace = name.into();
        self
    }

    /// The folder that holds the kinds' folders, in place of the one that the repository's `lorebase.yaml` names;
    /// empty for the top. Opened with another root, the next synchronisation or save reads the files anew.
    #[must_use]
    pub fn root(mut self, folder: impl Into<String>) -> Self {
        self.root = Some(folder.into());
        self
    }

    /// Makes the repository where there is none, with a work tree.
    #[must_use]
    pub fn init(mut self) -> Self {
        self.init = true;
        self
    }

    /// Makes the repository where there is none, without a work tree.
    #[must_use]
    pub fn init_bare(mut self) -> Self {
        self.init = true;
        self.bare = true;
        self
    }

    /// When saves are committed; [`PublishMode::Inline`] unless given.
    #[must_use]
    pub fn publish(mut self, mode: PublishMode) -> Self {
        self.publish = mode;
        self
    }

    /// How saves become commits; one each unless given.
    #[must_use]
    pub fn commit_policy(mut self, policy: CommitPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Who commits, and who saves where a save names nobody.
    #[must_use]
    pub fn committer(mut self, author: Author) -> Self {
        self.committer = author;
        self
    }

    /// How often the background task looks at the repository by itself; 5 s unless given.
    #[must_use]
    pub fn poll(mut self, every: Duration) -> Self {
        self.poll = every;
        self
    }
}

/// Opens a repository and its database.
///
/// With [`PublishMode::Background`] a task of the library's own threads commits saves and takes in commits until the
/// last clone of the knowledge base is dropped. What a killed process left half done is completed by the next
/// synchronisation or save.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use lorebase::sync::Save;
/// use lorebase_backends::{Options, open};
///
/// let folder = tempfile::tempdir()?;
/// let kb = open(Options::new(folder.path()).init()).await?;
/// let saved = kb.save(Save::create("skill").title("Reading PDFs").body("# Reading PDFs\n")).await?;
/// assert!(folder.path().join("skills/reading-pdfs.md").exists());
/// assert_eq!(kb.get("skill", "reading-pdfs").await?, Some(saved));
/// # Ok(())
/// # })
/// # }
/// ```
///
/// # Errors
/// `NotFound` (no repository, no branch, no folder for the database), `InvalidInput` (neither a repository nor a
/// database, a database URL of another form, an unsafe root, the database holds another repository under this namespace),
/// `Unsupported` (reftable, a database of a newer version), `Unauthorized` (a database's role or password), `Unavailable`,
/// `Busy`, `Corrupt`.
pub async fn open(options: Options) -> Result<KnowledgeBase> {
    let git = match &options.repo {
        Some(path) => Some(GixStore::open(git_options(&options, path)).await?),
        None => None,
    };
    let url = match (&options.cache, &git) {
        (Some(Url(url)), _) => url.clone(),
        (None, Some(git)) => {
            let folder = git.folder().to_owned();
            std::fs::create_dir_all(&folder).map_err(|error| {
                Error::new(
                    ErrorKind::Unavailable,
                    format!(
                        "the folder `{}` cannot be made: {error}; give the cache another place (cache `sqlite:PATH`)",
                        folder.display()
                    ),
                )
                .caused_by(error)
            })?;
            format!("sqlite:{}", folder.join(CACHE_FILE).display())
        }
        (None, None) => return Err(Error::new(ErrorKind::InvalidInput, "nothing to open: name a repository, a database, or both")),
    };
    let in_memory = url == "memory:";
    let branch = git.as_ref().map(|git| git.branch().to_owned()).or_else(|| options.branch.clone()).unwrap_or_else(|| "main".to_owned());
    let cache = open_cache(&url).await?;
    let background = options.publish == PublishMode::Background && git.is_some();
    let notify = Arc::new(Notify::new());
    let kb = KnowledgeBase::new(Parts {
        git: git.map(|git| Arc::new(git) as Arc<dyn GitStore>),
        cache,
        env: Environment { clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy), processes: Arc::new(SystemProcesses) },
        key: RepositoryKey { namespace: options.namespace.clone(), branch },
        publish: options.publish,
        committer: options.committer.clone(),
        policy: options.policy,
        root: options.root.clone(),
        wake: background.then(|| wake(&notify)),
    })
    .await?;
    if in_memory && options.repo.is_some() {
        kb.sync(SyncOptions { no_publish: true, ..SyncOptions::default() }).await?;
    }
    if background {
        runtime::spawn(drive(kb.downgrade(), notify, options.poll))?;
    }
    Ok(kb)
}

fn git_options(options: &Options, path: &Path) -> GitOptions {
    GitOptions { branch: options.branch.clone(), init: options.init, bare: options.bare, ..GitOptions::new(path) }
}

async fn open_cache(url: &str) -> Result<Arc<dyn CacheStore>> {
    if url == "memory:" {
        return Ok(Arc::new(MemoryCache::new()));
    }
    match url.split_once(':') {
        Some(("sqlite", path)) if !path.is_empty() => {
            let path = path.strip_prefix("//").unwrap_or(path);
            Ok(Arc::new(SqliteCache::open(SqliteOptions::file(path)).await?))
        }
        #[cfg(feature = "postgres")]
        Some(("postgres" | "postgresql", _)) => Ok(Arc::new(PostgresCache::open(PostgresOptions::new(url)).await?)),
        #[cfg(not(feature = "postgres"))]
        Some(("postgres" | "postgresql", _)) => Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "the database URL `{}` is one of PostgreSQL, which this lorebase is built without; build it with `postgres`",
                without_secret(url)
            ),
        )),
        _ => Err(Error::new(
            ErrorKind::InvalidInput,
            format!(
                "the database URL `{}` is of no known form; use `sqlite:PATH`, `postgres://USER:PASSWORD@HOST/DATABASE` or `memory:`",
                without_secret(url)
            ),
        )),
    }
}

/// The scheme alone, and only what looks like one: anything else may hold a password.
fn without_secret(url: &str) -> String {
    let is_scheme = |scheme: &str| {
        scheme.len() <= 20
            && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    };
    match url.split_once(':') {
        Some((scheme, "")) if is_scheme(scheme) => url.to_owned(),
        Some((scheme, _)) if is_scheme(scheme) => format!("{scheme}:…"),
        _ => "…".to_owned(),
    }
}

fn wake(notify: &Arc<Notify>) -> Wake {
    let notify = notify.clone();
    Arc::new(move || notify.notify_one())
}

/// Commits and takes in until nobody holds the knowledge base any more.
async fn drive(kb: WeakKnowledgeBase, notify: Arc<Notify>, poll: Duration) -> Result<()> {
    loop {
        let wait = {
            let Some(kb) = kb.upgrade() else { return Ok(()) };
            match kb.engine().step(poll).await {
                Ok(next) => Duration::try_from(next.wake_at.duration_since(SystemClock.now())).unwrap_or(Duration::ZERO),
                Err(error) => {
                    tracing::warn!(%error, "a background round failed; trying again");
                    poll
                }
            }
        };
        tokio::select! {
            () = notify.notified() => {}
            () = tokio::time::sleep(wait.clamp(Duration::from_millis(10), poll)) => {}
        }
    }
}
