//! A repository, a database and a clock in memory, and an engineer who pushes.

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use lorebase::clock::{Clock, Entropy};
use lorebase::conformance::fault::{FaultCache, FaultGit, Faults};
use lorebase::knowledge::{Author, Knowledge};
use lorebase::memory::{ManualClock, MemoryCache, MemoryGit, MemoryProcesses, SeededEntropy};
use lorebase::store::{CacheStore, CommitId, GitStore, RepositoryKey, TreeEdit, View};
use lorebase::sync::{CommitPolicy, Environment, Save, SyncOptions, SyncReport};
use lorebase::{KnowledgeBase, Parts, PublishMode};

pub(crate) struct World {
    pub(crate) git: Arc<MemoryGit>,
    pub(crate) cache: Arc<MemoryCache>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) entropy: Arc<SeededEntropy>,
    pub(crate) processes: Arc<MemoryProcesses>,
    pub(crate) kb: KnowledgeBase,
}

pub(crate) fn ada() -> Author {
    Author::new("Ada", "ada@example.com")
}

pub(crate) fn eve() -> Author {
    Author::new("Eve Engineer", "eve@example.com")
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(PublishMode::Inline)
    }

    pub(crate) fn with(publish: PublishMode) -> Self {
        let git = Arc::new(MemoryGit::new());
        let cache = Arc::new(MemoryCache::new());
        let clock = Arc::new(ManualClock::default());
        let entropy = Arc::new(SeededEntropy::new(7));
        let processes = Arc::new(MemoryProcesses::new());
        let kb = open(Some(git.clone()), cache.clone(), &clock, &entropy, &processes, publish);
        Self { git, cache, clock, entropy, processes, kb }
    }

    /// Another process on the same repository and database.
    pub(crate) fn another(&self, publish: PublishMode) -> KnowledgeBase {
        open(Some(self.git.clone()), self.cache.clone(), &self.clock, &self.entropy, &self.processes, publish)
    }

    /// A process that has the database and no repository.
    pub(crate) fn without_repository(&self) -> KnowledgeBase {
        open(None, self.cache.clone(), &self.clock, &self.entropy, &self.processes, PublishMode::Inline)
    }

    /// Another process with the same database and another repository.
    pub(crate) fn on(&self, git: Arc<MemoryGit>, publish: PublishMode) -> KnowledgeBase {
        self.try_on(git, publish).unwrap()
    }

    pub(crate) fn try_on(&self, git: Arc<MemoryGit>, publish: PublishMode) -> lorebase::Result<KnowledgeBase> {
        try_open(Some(git), self.cache.clone(), &self.clock, &self.entropy, &self.processes, publish)
    }

    /// Another process with the same repository and another database.
    pub(crate) fn with_cache(&self, cache: Arc<MemoryCache>, publish: PublishMode) -> KnowledgeBase {
        open(Some(self.git.clone()), cache, &self.clock, &self.entropy, &self.processes, publish)
    }

    /// Another process, whose stores go wrong as `faults` says.
    pub(crate) fn faulty(&self, publish: PublishMode, faults: &Faults) -> KnowledgeBase {
        let git = Arc::new(FaultGit::new(self.git.clone(), faults.clone()));
        let cache = Arc::new(FaultCache::new(self.cache.clone(), faults.clone()));
        open(Some(git), cache, &self.clock, &self.entropy, &self.processes, publish)
    }

    /// Another process with the same database, which sees the repository through `git`.
    pub(crate) fn with_git(&self, git: Arc<dyn GitStore>, publish: PublishMode) -> KnowledgeBase {
        open(Some(git), self.cache.clone(), &self.clock, &self.entropy, &self.processes, publish)
    }

    pub(crate) fn write(&self, path: &str, text: &str) -> CommitId {
        self.push(&[put(path, text)])
    }

    pub(crate) fn push(&self, edits: &[TreeEdit]) -> CommitId {
        self.clock.advance(Duration::from_secs(1));
        self.git.push(&eve(), "An engineer's commit\n", edits).unwrap()
    }

    pub(crate) fn sync(&self) -> SyncReport {
        self.clock.advance(Duration::from_secs(1));
        run(self.kb.sync(SyncOptions::default())).unwrap()
    }

    pub(crate) fn save(&self, save: Save) -> Knowledge {
        self.clock.advance(Duration::from_secs(1));
        run(self.kb.save(save.author(ada()))).unwrap()
    }

    pub(crate) fn get(&self, kind: &str, slug: &str) -> Option<Knowledge> {
        run(self.kb.get(kind, slug)).unwrap()
    }

    pub(crate) fn working(&self, kind: &str, slug: &str) -> Option<Knowledge> {
        run(self.kb.get_view(kind, slug, View::Working)).unwrap()
    }

    /// The text of a file at the head.
    pub(crate) fn file(&self, path: &str) -> Option<String> {
        let head = run(self.git.head()).unwrap()?;
        let entry = run(self.git.lookup(&head, &[path.to_owned()])).unwrap().pop().flatten()?;
        match run(self.git.read(&[entry.blob], u64::MAX)).unwrap().pop() {
            Some(lorebase::store::BlobRead::Found(bytes)) => Some(String::from_utf8(bytes).unwrap()),
            other => panic!("{path}: {other:?}"),
        }
    }

    /// SQL is what git says.
    pub(crate) fn assert_no_drift(&self) {
        let drift = run(self.kb.drift()).unwrap();
        assert!(drift.is_empty(), "{drift:#?}");
    }

    /// Nothing is left to do, whoever looks, and no save is in git twice.
    pub(crate) fn assert_at_rest(&self, kb: &KnowledgeBase) {
        let drift = run(kb.drift()).unwrap();
        assert!(drift.is_empty(), "{drift:#?}");
        let mut seen = HashSet::new();
        let mut next = run(self.git.head()).unwrap();
        while let Some(id) = next {
            let commit = run(self.git.commit(&id)).unwrap();
            for operation in commit.message.lines().filter_map(|line| line.strip_prefix("Lorebase-Operation: ")) {
                assert!(seen.insert(operation.to_owned()), "the save {operation} is in git twice");
            }
            next = commit.parents.first().cloned();
        }
        let commits = self.commits();
        let idle = run(kb.sync(SyncOptions::default())).unwrap();
        let moved = [idle.created, idle.updated, idle.renamed, idle.deleted, idle.published, idle.merged];
        assert_eq!((moved, self.commits()), ([0; 6], commits), "another synchronisation found work: {idle:#?}");
    }

    /// How many commits the branch has.
    pub(crate) fn commits(&self) -> usize {
        let mut count = 0;
        let mut next = run(self.git.head()).unwrap();
        while let Some(id) = next {
            count += 1;
            next = run(self.git.commit(&id)).unwrap().parents.first().cloned();
        }
        count
    }
}

fn open(
    git: Option<Arc<dyn GitStore>>,
    cache: Arc<dyn CacheStore>,
    clock: &Arc<ManualClock>,
    entropy: &Arc<SeededEntropy>,
    processes: &Arc<MemoryProcesses>,
    publish: PublishMode,
) -> KnowledgeBase {
    try_open(git, cache, clock, entropy, processes, publish).unwrap()
}

fn try_open(
    git: Option<Arc<dyn GitStore>>,
    cache: Arc<dyn CacheStore>,
    clock: &Arc<ManualClock>,
    entropy: &Arc<SeededEntropy>,
    processes: &Arc<MemoryProcesses>,
    publish: PublishMode,
) -> lorebase::Result<KnowledgeBase> {
    run(KnowledgeBase::new(Parts {
        git,
        cache,
        env: Environment {
            clock: clock.clone() as Arc<dyn Clock>,
            entropy: entropy.clone() as Arc<dyn Entropy>,
            processes: processes.clone(),
        },
        key: RepositoryKey { namespace: "default".to_owned(), branch: "main".to_owned() },
        publish,
        committer: Author::new("Lorebase", "lorebase@example.com"),
        policy: CommitPolicy::PerSave,
        root: None,
        wake: None,
    }))
}

pub(crate) fn put(path: &str, text: &str) -> TreeEdit {
    TreeEdit::Put { path: path.to_owned(), bytes: text.as_bytes().to_vec() }
}

pub(crate) fn remove(path: &str) -> TreeEdit {
    TreeEdit::Remove { path: path.to_owned() }
}

pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    pollster::block_on(future)
}

/// What a future that is polled once comes to; `None` when it waits. The stores in memory never wait by themselves.
pub(crate) fn poll_once<T>(future: Pin<&mut (impl Future<Output = T> + ?Sized)>) -> Option<T> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}
