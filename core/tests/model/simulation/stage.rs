//! Where a history takes place: a repository and a database, a clock, chance and processes under the test's control. A
//! backing opens them as each new process would.

use std::sync::Arc;
use std::time::Duration;

use lorebase::clock::{Clock, Entropy};
use lorebase::conformance::fault::{FaultCache, FaultGit, Faults};
use lorebase::knowledge::Author;
use lorebase::memory::{ManualClock, MemoryProcesses, SeededEntropy};
use lorebase::store::{AdvanceOutcome, CacheStore, CommitId, GitStore, NewCommit, RepositoryKey, Signature, TreeEdit};
use lorebase::sync::{CommitPolicy, Environment};
use lorebase::{KnowledgeBase, Parts, PublishMode};

use super::sabotage::{Missing, without};
use super::{Broken, Check};

/// The committer of all that the engines commit.
pub(crate) const SERVICE: &str = "Lorebase";

pub(crate) type Git = Arc<dyn GitStore>;
pub(crate) type Cache = Arc<dyn CacheStore>;

/// A repository and a database, opened anew by each process.
pub(crate) trait Backing {
    /// The repository.
    fn git(&self) -> Git;
    /// The database.
    fn cache(&self) -> Cache;
    /// A force-push: the branch is at `tip` now, or gone.
    fn force(&self, tip: Option<&CommitId>);
}

pub(crate) struct Stage {
    backing: Box<dyn Backing>,
    /// Taken from the stores of every engine, but not from what the oracle looks at.
    missing: Option<Missing>,
    /// What the oracle looks at.
    pub(crate) git: Git,
    pub(crate) cache: Cache,
    pub(crate) clock: Arc<ManualClock>,
    entropy: Arc<SeededEntropy>,
    processes: Arc<MemoryProcesses>,
}

impl Stage {
    pub(crate) fn new(backing: impl Backing + 'static) -> Self {
        let (git, cache) = (backing.git(), backing.cache());
        Self {
            backing: Box::new(backing),
            missing: None,
            git,
            cache,
            clock: Arc::new(ManualClock::default()),
            entropy: Arc::new(SeededEntropy::new(7)),
            processes: Arc::new(MemoryProcesses::new()),
        }
    }

    #[must_use]
    pub(super) fn without(self, missing: Missing) -> Self {
        Self { missing: Some(missing), ..self }
    }

    /// A new process, whose stores go wrong as `faults` says.
    pub(crate) fn open(&self, publish: PublishMode, policy: CommitPolicy, faults: Option<&Faults>) -> KnowledgeBase {
        let (mut git, mut cache) = (self.backing.git(), self.backing.cache());
        if let Some(missing) = self.missing {
            (git, cache) = without(missing, git, cache);
        }
        if let Some(faults) = faults {
            git = Arc::new(FaultGit::new(git, faults.clone()));
            cache = Arc::new(FaultCache::new(cache, faults.clone()));
        }
        run(KnowledgeBase::new(Parts {
            git: Some(git),
            cache,
            env: Environment {
                clock: self.clock.clone() as Arc<dyn Clock>,
                entropy: self.entropy.clone() as Arc<dyn Entropy>,
                processes: self.processes.clone(),
            },
            key: RepositoryKey { namespace: "default".to_owned(), branch: "main".to_owned() },
            publish,
            committer: Author::new(SERVICE, "lorebase@example.com"),
            policy,
            root: None,
            wake: None,
        }))
        .unwrap()
    }

    /// The process of this engine dies.
    pub(crate) fn kill(&self, kb: &KnowledgeBase) {
        self.processes.kill(kb.engine().owner().instance);
    }

    /// An engineer's commit.
    pub(crate) fn push(&self, edits: &[TreeEdit]) -> Check<CommitId> {
        self.clock.advance(Duration::from_secs(1));
        let eve = Signature { author: Author::new("Eve Engineer", "eve@example.com"), time: self.clock.now() };
        let commit = NewCommit { author: eve.clone(), committer: eve, message: "An engineer's commit\n".to_owned(), edits: edits.to_vec() };
        let head = run(self.git.head())?;
        let tip = run(self.git.prepare(head.as_ref(), &[commit]))?.pop().unwrap();
        match run(self.git.advance(head.as_ref(), &tip))? {
            AdvanceOutcome::Advanced => Ok(tip),
            other => Err(Broken(format!("an engineer's commit was refused: {other:?}"))),
        }
    }

    /// A force-push: the branch is at `tip` now, or gone.
    pub(crate) fn force(&self, tip: Option<&CommitId>) {
        self.backing.force(tip);
    }
}

pub(crate) fn put(path: &str, text: &str) -> TreeEdit {
    TreeEdit::Put { path: path.to_owned(), bytes: text.as_bytes().to_vec() }
}

pub(crate) fn remove(path: &str) -> TreeEdit {
    TreeEdit::Remove { path: path.to_owned() }
}

pub(crate) fn ada() -> Author {
    Author::new("Ada", "ada@example.com")
}

pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    pollster::block_on(future)
}
