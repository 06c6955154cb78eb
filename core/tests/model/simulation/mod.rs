//! The model: random histories of saves, pushes, deaths and synchronisations over any pair of stores, judged by an
//! oracle that knows every word anybody wrote. It finds out by itself what the stores hold and believes no answer of
//! the engine but an acknowledgement. The stores' own tests include this module by its path, so that one source holds
//! them all.

/// Ends a check with what is wrong.
macro_rules! ensure {
    ($holds:expr, $($why:tt)+) => {
        if !$holds {
            return Err($crate::simulation::Broken(format!($($why)+)));
        }
    };
}

mod commits;
mod decisions;
mod engineer;
pub(crate) mod faults;
mod forms;
mod ledger;
mod plain;
mod proof;
pub(crate) mod report;
mod rest;
pub(crate) mod sabotage;
pub(crate) mod scenarios;
pub(crate) mod scene;
mod sending;
mod sight;
mod stage;
mod steps;
mod text;

use std::collections::HashMap;
use std::time::Duration;

use lorebase::conformance::fault::Faults;
use lorebase::store::RepositoryId;
use lorebase::sync::{CommitPolicy, Save, SyncOptions};
use lorebase::{KnowledgeBase, PublishMode};

use self::ledger::Ledger;
pub(crate) use self::proof::{Proof, Searched};
use self::sending::Sent;
pub(crate) use self::stage::{Backing, Stage, run};
pub(crate) use self::steps::{History, Step, What};

/// What is wrong, in a sentence.
#[derive(Debug, Clone)]
pub(crate) struct Broken(pub(crate) String);

impl From<lorebase::Error> for Broken {
    fn from(error: lorebase::Error) -> Self {
        Self(format!("an error without a cause: {error:?}"))
    }
}

pub(crate) type Check<T = ()> = Result<T, Broken>;

/// One process of the history, whose calls of the stores can go wrong.
struct Engine {
    kb: KnowledgeBase,
    faults: Faults,
    publish: PublishMode,
    policy: CommitPolicy,
}

/// One history on its way.
pub(crate) struct Simulation {
    stage: Stage,
    /// A third process, in which nothing goes wrong.
    kb: KnowledgeBase,
    engines: [Engine; 2],
    ledger: Ledger,
    stalled: Option<Sent>,
    repeat: Option<(Save, String)>,
    revisions: HashMap<i64, u64>,
    with_private: bool,
}

impl Simulation {
    /// `choice` says whether there is a private field, and whether it begins with some files.
    fn begin(stage: Stage, choice: usize) -> Check<Self> {
        let with_private = choice & 2 == 0;
        let kb = stage.open(PublishMode::Off, CommitPolicy::PerSave, None);
        let engines =
            [(PublishMode::Inline, CommitPolicy::PerSave), (PublishMode::Off, CommitPolicy::PerBatch)].map(|(publish, policy)| {
                let faults = Faults::new();
                Engine { kb: stage.open(publish, policy, Some(&faults)), faults, publish, policy }
            });
        let ledger = Ledger::default();
        let mut new = Self { stage, kb, engines, ledger, stalled: None, repeat: None, revisions: HashMap::new(), with_private };
        if with_private {
            new.push(&[stage::put(text::SETTINGS, "kinds:\n  customer:\n    private: [secret]\n")])?;
        }
        if choice & 4 == 0 {
            new.begin_with_files()?;
        }
        run(new.kb.sync(SyncOptions::default()))?;
        Ok(new)
    }

    fn id(&self) -> RepositoryId {
        self.kb.engine().repository_id()
    }

    /// One step, and what must hold at every moment.
    fn act(&mut self, step: Step) -> Check {
        self.stage.clock.advance(Duration::from_secs(1));
        match step.what {
            What::Sync => self.sync(step)?,
            What::Resume => self.resume()?,
            What::Repeat => self.repeat(step)?,
            What::Clock => self.change_the_clock(step),
            What::Rest => self.come_to_rest()?,
            what if what.is_the_engineers() => self.engineer(step)?,
            what if what.decides() => self.decide(step)?,
            _ => self.form(step)?,
        }
        self.check_words("on the way")?;
        self.check_revisions()?;
        self.check_unique_values()
    }

    fn change_the_clock(&self, step: Step) {
        if step.a.is_multiple_of(4) {
            let back = Duration::from_secs(step.b as u64 % 30);
            let now = lorebase::clock::Clock::now(&*self.stage.clock);
            self.stage.clock.set(now.checked_sub(back).unwrap_or(now));
        } else {
            self.stage.clock.advance(Duration::from_secs(step.b as u64 * 8));
        }
    }

    /// Whatever still stands goes on, and everybody has time: then all invariants hold.
    fn come_to_rest(&mut self) -> Check {
        self.resume()?;
        self.ledger.count("rests");
        self.engines.iter().for_each(|engine| engine.faults.disarm());
        for _ in 0..3 {
            self.stage.clock.advance(Duration::from_secs(700));
            run(self.kb.sync(SyncOptions { allow_deletions: true, ..SyncOptions::default() }))?;
        }
        rest::check(&self.stage, &self.kb)?;
        commits::check(&self.stage, &|line| self.ledger.may_go(line))?;
        plain::check(&self.stage, &self.kb)?;
        self.check_words("at rest")
    }

    /// Broken files are mended, conflicts decided, and nothing is left to do.
    fn finish(&mut self, choice: usize) -> Check {
        self.come_to_rest()?;
        self.mend()?;
        self.come_to_rest()?;
        // What is decided can make room for a file that waited, whose place somebody has taken since.
        for _ in 0..4 {
            if run(self.kb.conflicts())?.is_empty() {
                break;
            }
            self.decide_all(choice)?;
            self.come_to_rest()?;
        }
        let left = run(self.kb.conflicts())?;
        ensure!(left.is_empty(), "conflicts that were decided are still there: {left:?}");
        Ok(())
    }
}
