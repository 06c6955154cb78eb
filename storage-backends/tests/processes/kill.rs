//! Killing the process anywhere and starting it again: nothing acknowledged is lost, both sides are equal, nothing is
//! left lying about, and nobody waits for the dead.

use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::Child;
use std::time::{Duration, Instant};

use super::check::{Figures, judge};
use super::child::{self, Sight};
use super::engineer::AtWork;
use super::history::History;
use super::ledger::Line;
use super::orders::{Orders, Task, last_words};
use super::random::{Random, setting};
use super::scratch::Scratch;
use super::steps::{STEPS, read_step};

/// A bound on being alive, far below the minute that a lease counts.
const SOON: Duration = Duration::from_secs(10);
/// Until when a child that is to die by itself must have come that far.
const EVENTUALLY: Duration = Duration::from_mins(1);
/// The longest life.
const LIFE: u64 = 700;

/// How often a life ends between the compare-and-swap and its acknowledgement, besides chance.
const AMBIGUOUS: usize = 3;

const FAILPOINTS: [&str; 4] = ["git.prepare.objects", "git.advance.locked", "git.advance.journalled", "git.advance.moved"];
const FAILPOINTS_OF_A_CHECKOUT: [&str; 2] = ["git.advance.files", "git.advance.index"];

#[test]
fn nothing_acknowledged_is_lost_on_a_bare_repository_when_the_process_is_killed_anywhere() {
    kill_and_restart("kill::nothing_acknowledged_is_lost_on_a_bare_repository_when_the_process_is_killed_anywhere", true);
}

#[test]
fn nothing_acknowledged_is_lost_in_a_checkout_when_the_process_is_killed_anywhere() {
    kill_and_restart("kill::nothing_acknowledged_is_lost_in_a_checkout_when_the_process_is_killed_anywhere", false);
}

fn kill_and_restart(test: &'static str, bare: bool) {
    if let Some(orders) = Orders::given() {
        return child::obey(&orders);
    }
    let kills = setting("LOREBASE_KILLS", 50);
    let seed = setting("LOREBASE_SEED", 1);
    println!("{kills} kills at random moments, seed {seed} (LOREBASE_KILLS, LOREBASE_SEED)");
    let scratch = Scratch::new(bare);
    let mut trial = Trial::new(test, &scratch, seed);
    let engineer = AtWork::on(&scratch, seed + 7);
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| trial.run(&engineer, kills)));
    engineer.leave();
    trial.end_the_last();
    println!("{}", trial.summary());
    if let Err(panic) = outcome {
        println!("the last words of the children:\n{}", last_words(scratch.folder()));
        println!("everything is kept in {}", scratch.keep().display());
        std::panic::resume_unwind(panic);
    }
}

struct Trial<'a> {
    test: &'static str,
    scratch: &'a Scratch,
    random: Random,
    life: u32,
    history: History,
    /// Where the kills fell.
    steps: BTreeMap<String, u32>,
    failpoints: u32,
    /// The child killed last: not waited for before the next one starts, because a parent may be slow.
    last: Option<Child>,
    looks: u32,
    slowest: u64,
    figures: Figures,
}

impl<'a> Trial<'a> {
    fn new(test: &'static str, scratch: &'a Scratch, seed: u64) -> Self {
        Self {
            test,
            scratch,
            random: Random::new(seed),
            life: 0,
            history: History::default(),
            steps: BTreeMap::new(),
            failpoints: 0,
            last: None,
            looks: 0,
            slowest: 0,
            figures: Figures::default(),
        }
    }

    fn run(&mut self, engineer: &AtWork, kills: u64) {
        self.look(engineer);
        for kill in 1..=kills {
            self.live_and_be_killed();
            // Between looks the next life itself has to cope with what this one left.
            if kill % 3 == 0 {
                self.look(engineer);
            }
        }
        for _ in 0..AMBIGUOUS {
            // Visible in git and not acknowledged in SQL, and saved again before anybody finds out.
            self.live_until_killed_at("D5", 1);
            self.live_and_be_killed();
            self.look(engineer);
        }
        let missed: Vec<&str> = STEPS.into_iter().filter(|step| !self.steps.contains_key(*step)).collect();
        println!("hit by chance: {:?}; aimed at: {missed:?}", self.steps);
        for step in missed {
            let n = 1 + u32::try_from(self.random.below(3)).unwrap();
            self.live_until_killed_at(step, n);
            self.look(engineer);
        }
        let places = FAILPOINTS.iter().chain(FAILPOINTS_OF_A_CHECKOUT.iter().filter(|_| !self.scratch.bare));
        for place in places {
            self.live_until_aborted_at(place);
            self.look(engineer);
        }
        engineer.paused(|_| self.scratch.assert_tidy(true));
    }

    fn orders(&mut self, task: Task, die_at: Option<(String, u32)>) -> Orders {
        self.life += 1;
        Orders {
            task,
            folder: self.scratch.folder().to_owned(),
            repository: self.scratch.repository(),
            life: self.life,
            seed: self.random.next(),
            die_at,
        }
    }

    fn live_and_be_killed(&mut self) {
        let orders = self.orders(Task::Work, None);
        let mut child = orders.start(self.test, None);
        self.end_the_last();
        let life = Duration::from_micros(1000 * (20 + self.random.below(LIFE)) + self.random.below(1000));
        // Chance, not waiting for anything: every moment is one at which a process can be killed.
        std::thread::sleep(life);
        if let Some(status) = child.try_wait().unwrap() {
            panic!("life {} ended by itself: {status}", orders.life);
        }
        child.kill().unwrap();
        self.last = Some(child);
        *self.steps.entry(read_step(&orders.steps())).or_default() += 1;
    }

    fn live_until_killed_at(&mut self, step: &str, n: u32) {
        let orders = self.orders(Task::Work, Some((step.to_owned(), n)));
        let mut child = orders.start(self.test, None);
        let status = exit_of(&mut child, EVENTUALLY, &format!("life {} never came to step {step}", orders.life));
        assert_eq!(status.signal(), Some(9), "life {} was to be killed in {step}", orders.life);
        assert_eq!(read_step(&orders.steps()), step);
        *self.steps.entry(step.to_owned()).or_default() += 1;
    }

    fn live_until_aborted_at(&mut self, place: &str) {
        let mut orders = self.orders(Task::Work, None);
        // A life that commits every save before it returns.
        orders.life = self.life.next_multiple_of(3) + 1;
        self.life = orders.life;
        let mut child = orders.start(self.test, Some(place));
        let status = exit_of(&mut child, EVENTUALLY, &format!("life {} never came to {place}", orders.life));
        assert_eq!(status.signal(), Some(6), "life {} was to be aborted at {place}", orders.life);
        self.failpoints += 1;
    }

    /// A new process synchronises, soon; the engineer's begun work is committed; and all that was acknowledged is
    /// where it must be.
    fn look(&mut self, engineer: &AtWork) {
        let orders = self.orders(Task::Look, None);
        engineer.paused(|finish| {
            let mut child = orders.start(self.test, None);
            self.end_the_last();
            let ledger = orders.ledger();
            let recovered = || {
                ledger.read().into_iter().find_map(|line| match line {
                    Line::Recovered { life, milliseconds, .. } if life == orders.life => Some(milliseconds),
                    _ => None,
                })
            };
            let deadline = Instant::now() + SOON;
            let milliseconds = loop {
                if let Some(milliseconds) = recovered() {
                    break milliseconds;
                }
                if let Some(status) = child.try_wait().unwrap() {
                    panic!("life {} ended before it had synchronised: {status}", orders.life);
                }
                if Instant::now() >= deadline {
                    child.kill().unwrap();
                    child.wait().unwrap();
                    panic!("life {} did not synchronise within {SOON:?} after a kill: it waits for the dead", orders.life);
                }
                std::thread::park_timeout(Duration::from_millis(5));
            };
            self.slowest = self.slowest.max(milliseconds);
            finish();
            child.stdin.take().unwrap().write_all(b"go on\n").unwrap();
            let status = exit_of(&mut child, EVENTUALLY, &format!("life {} never finished looking", orders.life));
            assert!(status.success(), "life {} could not look: {status}", orders.life);
            self.history.read(&self.scratch.repository());
            let sight: Sight = serde_json::from_slice(&std::fs::read(orders.sight()).unwrap()).unwrap();
            let (figures, wrong) = judge(&ledger.read(), &sight, &self.history);
            self.figures = figures;
            self.looks += 1;
            assert!(wrong.is_empty(), "after life {}: {wrong:#?}", orders.life);
            self.scratch.assert_tidy(self.looks.is_multiple_of(10));
        });
    }

    fn end_the_last(&mut self) {
        if let Some(mut child) = self.last.take() {
            let status = child.wait().unwrap();
            assert_eq!(status.signal(), Some(9), "a child ended by itself just before it was killed");
        }
    }

    fn summary(&self) -> String {
        let (figures, history) = (self.figures, &self.history);
        format!(
            "{}: kills by step {:?}, {} at failpoints; {} saves acknowledged, {} refused, {} newest texts judged, {} conflicts decided, {} \
             drafts and {} conflicts at the end; {} commits, {} of them the engineer's, {} operations; {} looks, the slowest first synchronisation took {} ms",
            if self.scratch.bare { "bare" } else { "checkout" },
            self.steps,
            self.failpoints,
            figures.acknowledged,
            figures.refused,
            figures.judged,
            figures.decided,
            figures.drafts,
            figures.conflicts,
            history.commits,
            history.by_engineer,
            history.operations(),
            self.looks,
            self.slowest,
        )
    }
}

/// Waits for a child's end, and ends it when that takes too long.
pub(crate) fn exit_of(child: &mut Child, patience: Duration, complaint: &str) -> std::process::ExitStatus {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if Instant::now() >= deadline {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("{complaint} within {patience:?}");
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
}
