//! Many random histories from one seed. `LOREBASE_RANDOM_CASES` runs more of them and `LOREBASE_RANDOM_SEED` others;
//! one that fails is shortened, told step by step, and the same seed finds it again.

use std::cell::{Cell, RefCell};
use std::time::Instant;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use serde_json::json;

use super::ledger::{Happened, Ledger};
use super::stage::Stage;
use super::{Broken, Check, History, Simulation, report, steps};

/// The steps of a history, at most.
const LONGEST: usize = 60;

/// The model over one pair of stores.
pub(crate) struct Proof<'a> {
    pub(crate) name: &'a str,
    /// How many histories, unless the environment says.
    pub(crate) histories: u32,
    /// Makes fresh and empty stores.
    pub(crate) stage: &'a dyn Fn() -> Stage,
}

/// What many histories came to.
#[derive(Debug)]
pub(crate) struct Searched {
    pub(crate) histories: u64,
    pub(crate) steps: u64,
    pub(crate) acknowledged: u64,
    /// How often what happened.
    happened: Happened,
    /// The history that fails, as short as it was made, and why.
    pub(crate) failed: Option<(History, String)>,
}

pub(crate) fn seed() -> u32 {
    number("LOREBASE_RANDOM_SEED", 1)
}

fn number(name: &str, default: u32) -> u32 {
    std::env::var(name).map_or(default, |value| value.parse().expect("a whole number"))
}

impl Proof<'_> {
    /// Fails, with the shortest history told, where anything is wrong in any.
    pub(crate) fn hold(&self) {
        let begun = Instant::now();
        let searched = self.search(number("LOREBASE_RANDOM_CASES", self.histories), seed(), 3000);
        let why = searched.failed.as_ref().map(|(_, why)| why.as_str());
        let lost = why.is_some_and(|why| why.contains("is lost"));
        report::tell(&json!({
            "proof": self.name, "what": "steps", "runs": searched.histories, "steps": searched.steps, "seed": seed(),
            "acknowledged": searched.acknowledged, "lost": u8::from(lost), "broken": u8::from(why.is_some() && !lost),
            "seconds": begun.elapsed().as_secs(), "details": {"failure": why, "happened": searched.happened},
        }));
        if let Some((history, why)) = &searched.failed {
            self.retell(history, why);
        }
    }

    /// Runs histories until one fails, and shortens that one by at most so many tries.
    pub(crate) fn search(&self, histories: u32, seed: u32, shorten: u32) -> Searched {
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(&seed.to_le_bytes());
        let config = Config { cases: histories, failure_persistence: None, max_shrink_iters: shorten, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
        let (ran, stepped, acknowledged, failing) = (Cell::new(0), Cell::new(0), Cell::new(0), Cell::new(false));
        let happened = RefCell::new(Happened::new());
        let answer = runner.run(&steps::histories(LONGEST), |history| {
            let came = self.one(&history);
            if !failing.get() {
                ran.set(ran.get() + 1);
                stepped.set(stepped.get() + history.0.len() as u64);
            }
            match came {
                Ok(_) if failing.get() => {}
                Ok(ledger) => {
                    acknowledged.set(acknowledged.get() + ledger.acknowledged);
                    ledger.happened.into_iter().for_each(|(what, often)| *happened.borrow_mut().entry(what).or_default() += often);
                }
                Err(Broken(why)) => {
                    failing.set(true);
                    return Err(TestCaseError::fail(why));
                }
            }
            Ok(())
        });
        let failed = match answer {
            Ok(()) => None,
            Err(TestError::Fail(why, history)) => Some((history, why.message().to_owned())),
            Err(TestError::Abort(why)) => panic!("{why}"),
        };
        Searched { histories: ran.get(), steps: stepped.get(), acknowledged: acknowledged.get(), happened: happened.into_inner(), failed }
    }

    fn one(&self, (steps, choice): &History) -> Check<Ledger> {
        let mut simulation = Simulation::begin((self.stage)(), *choice)?;
        for step in steps {
            simulation.act(*step)?;
        }
        simulation.finish(*choice)?;
        Ok(simulation.ledger)
    }

    /// Goes through a failing history once more and tells what happens.
    fn retell(&self, (steps, choice): &History, why: &str) {
        eprintln!("\nThe shortest history that fails over {}:", self.name);
        let told = || -> Check {
            let mut simulation = Simulation::begin((self.stage)(), *choice)?;
            for step in steps {
                eprintln!("== {:?} {} {} {}", step.what, step.a, step.b, step.c);
                let came = simulation.act(*step);
                simulation.describe()?;
                came?;
            }
            eprintln!("== and to the end");
            let came = simulation.finish(*choice);
            simulation.describe()?;
            came
        };
        let again = told();
        panic!("{why}\n(seed {}; told again: {again:?})", seed());
    }
}
