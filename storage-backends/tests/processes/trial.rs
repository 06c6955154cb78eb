//! One repository and its many short lives: each is started, ended somewhere, and every third time everything is
//! looked at by a new process.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant};

use super::check::{Figures, judge};
use super::child::Sight;
use super::engineer::AtWork;
use super::history::History;
use super::kill::Ending;
use super::ledger::Line;
use super::orders::{Life, Orders, Task, last_words};
use super::points::Way;
use super::random::Random;
use super::scratch::Scratch;
use super::steps::{End, read_step};

/// A bound on being alive, far below the minute that a lease counts.
const SOON: Duration = Duration::from_secs(10);
/// Until when a child that is to die by itself must have come that far.
const EVENTUALLY: Duration = Duration::from_mins(1);
/// The longest life in milliseconds.
const LIFE: u64 = 700;

pub(crate) struct Trial<'a> {
    test: &'static str,
    scratch: &'a Scratch,
    random: Random,
    life: u32,
    history: History,
    by_chance: BTreeMap<String, u64>,
    at: BTreeMap<String, u64>,
    /// The child killed last: not waited for before the next one starts, because a parent may be slow.
    last: Option<Child>,
    looks: u64,
    slowest: u64,
    wrong: u64,
    figures: Figures,
}

impl<'a> Trial<'a> {
    pub(crate) fn new(test: &'static str, scratch: &'a Scratch, seed: u64) -> Self {
        Self {
            test,
            scratch,
            random: Random::new(seed),
            life: 0,
            history: History::default(),
            by_chance: BTreeMap::new(),
            at: BTreeMap::new(),
            last: None,
            looks: 0,
            slowest: 0,
            wrong: 0,
            figures: Figures::default(),
        }
    }

    pub(crate) fn run(&mut self, engineer: &AtWork, endings: &[Ending]) {
        self.look(engineer);
        for (number, ending) in endings.iter().enumerate() {
            match *ending {
                Ending::Chance(life) => self.live_and_be_killed(life),
                Ending::Step(step) => self.live_until_killed_at(step),
                Ending::Point(name, way) => self.come_to(engineer, name, way),
                Ending::Unacknowledged => {
                    self.live_until_killed_at("D5");
                    self.live_and_be_killed(Life::Ordinary);
                    self.look(engineer);
                }
                Ending::Remaking => self.remake(engineer),
            }
            // Between looks the next life itself has to cope with what this one left.
            if number % 3 == 2 {
                self.look(engineer);
            }
        }
        self.look(engineer);
    }

    fn orders(&mut self, task: Task, end: Option<End>) -> Orders {
        self.life += 1;
        Orders {
            task,
            folder: self.scratch.folder().to_owned(),
            repository: self.scratch.repository(),
            life: self.life,
            seed: self.random.next(),
            end,
        }
    }

    fn live_and_be_killed(&mut self, life: Life) {
        let orders = self.orders(Task::Work(life), None);
        let mut child = orders.start(self.test, None);
        self.end_the_last();
        self.kill_by_chance(&orders, &mut child);
        self.last = Some(child);
        *self.by_chance.entry(read_step(&orders.steps())).or_default() += 1;
    }

    /// Chance, not waiting for anything: every moment is one at which a process can be killed.
    fn kill_by_chance(&mut self, orders: &Orders, child: &mut Child) {
        std::thread::sleep(Duration::from_micros(1000 * (20 + self.random.below(LIFE)) + self.random.below(1000)));
        if let Some(status) = child.try_wait().unwrap() {
            panic!("life {} ended by itself: {status}", orders.life);
        }
        child.kill().unwrap();
    }

    fn live_until_killed_at(&mut self, step: &str) {
        let n = 1 + u32::try_from(self.random.below(3)).unwrap();
        // A child that is to die at a step of publishing must publish.
        let orders = self.orders(Task::Work(Life::Inline), Some(End { step: step.to_owned(), n, pauses: false }));
        let mut child = orders.start(self.test, None);
        self.end_the_last();
        self.wait_for_the_end(&orders, &mut child, step);
        assert_eq!(read_step(&orders.steps()), step);
        *self.at.entry(step.to_owned()).or_default() += 1;
    }

    fn come_to(&mut self, engineer: &AtWork, name: &'static str, way: Way) {
        match way {
            Way::Working(life) => {
                let passing = if life == Life::Bulk { 1 } else { 1 + self.random.below(3) };
                self.die_at(Task::Work(life), name, passing);
            }
            Way::After(other) => {
                let life = if other.contains("pack") { Life::Bulk } else { Life::Inline };
                self.die_at(Task::Work(life), other, 1);
                self.die_at(Task::Work(Life::Ordinary), name, 1);
            }
            Way::Filling => engineer.paused(|_| {
                let task = Task::Rebuild { database: self.scratch.folder().join(format!("rebuilt-{}.db", self.life)) };
                self.die_at(task.clone(), name, 1);
                self.succeed(task);
            }),
            Way::Making => {
                self.look(engineer);
                engineer.paused(|_| {
                    let (database, repository) = self.elsewhere();
                    self.succeed(Task::Rebuild { database: database.clone() });
                    let task = Task::Restore { repository, database };
                    self.die_at(task.clone(), name, 1);
                    self.succeed(task);
                });
            }
        }
    }

    fn die_at(&mut self, task: Task, name: &str, passing: u64) {
        let orders = self.orders(task, None);
        let mut child = orders.start(self.test, Some(&format!("{name}@{passing}")));
        self.end_the_last();
        self.wait_for_the_end(&orders, &mut child, name);
        *self.at.entry(name.to_owned()).or_default() += 1;
    }

    fn wait_for_the_end(&self, orders: &Orders, child: &mut Child, place: &str) {
        let status = exit_of(child, EVENTUALLY, &format!("life {} never came to {place}", orders.life));
        let said = || last_words(self.scratch.folder());
        assert_eq!(status.signal(), Some(9), "life {} was to be killed at {place}:\n{}", orders.life, said());
    }

    fn succeed(&mut self, task: Task) {
        let orders = self.orders(task, None);
        let status = exit_of(&mut orders.start(self.test, None), EVENTUALLY, &format!("life {} never finished", orders.life));
        assert!(status.success(), "life {}: {status}:\n{}", orders.life, last_words(self.scratch.folder()));
    }

    /// A lost database is made again from git, then a lost repository from a database; each is killed in the middle and
    /// has to succeed the second time.
    fn remake(&mut self, engineer: &AtWork) {
        self.look(engineer);
        let (database, repository) = self.elsewhere();
        engineer.paused(|_| {
            let tasks = [
                Task::Rebuild { database: database.clone() },
                Task::Restore { repository: repository.clone(), database: database.clone() },
            ];
            for task in tasks {
                let orders = self.orders(task.clone(), None);
                let mut child = orders.start(self.test, None);
                std::thread::sleep(Duration::from_millis(20 + self.random.below(150)));
                if child.try_wait().unwrap().is_none_or(|status| !status.success()) {
                    child.kill().unwrap();
                    child.wait().unwrap();
                    *self.by_chance.entry("remaking".to_owned()).or_default() += 1;
                }
                self.succeed(task);
            }
        });
        std::fs::remove_dir_all(repository).unwrap();
        std::fs::remove_file(database).unwrap();
    }

    /// Another database and another repository.
    fn elsewhere(&self) -> (PathBuf, PathBuf) {
        let at = |kind: &str| self.scratch.folder().join(format!("remade-{}.{kind}", self.life));
        (at("db"), at("git"))
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
                ledger.read().into_iter().rev().find_map(|line| match line {
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
            self.wrong += wrong.len() as u64;
            assert!(wrong.is_empty(), "after life {}: {wrong:#?}", orders.life);
            self.scratch.assert_tidy(true);
        });
    }

    pub(crate) fn end_the_last(&mut self) {
        if let Some(mut child) = self.last.take() {
            let status = child.wait().unwrap();
            assert_eq!(status.signal(), Some(9), "a child ended by itself just before it was killed");
        }
    }
}

/// What all trials of a test came to.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) by_chance: BTreeMap<String, u64>,
    pub(crate) at: BTreeMap<String, u64>,
    pub(crate) looks: u64,
    pub(crate) slowest: u64,
    pub(crate) saves: u64,
    pub(crate) acknowledged: u64,
    pub(crate) refused: u64,
    pub(crate) judged: u64,
    pub(crate) decided: u64,
    pub(crate) lost: u64,
    pub(crate) wrong: u64,
    pub(crate) commits: u64,
    pub(crate) by_engineer: u64,
    pub(crate) operations: u64,
}

impl Totals {
    pub(crate) fn add(&mut self, trial: &Trial<'_>) {
        let Figures { acknowledged, refused, judged, decided, lost, saves, .. } = trial.figures;
        let history = &trial.history;
        for (to, from) in [(&mut self.by_chance, &trial.by_chance), (&mut self.at, &trial.at)] {
            for (place, kills) in from {
                *to.entry(place.clone()).or_default() += kills;
            }
        }
        for (to, from) in [
            (&mut self.acknowledged, acknowledged),
            (&mut self.refused, refused),
            (&mut self.judged, judged),
            (&mut self.decided, decided),
            (&mut self.lost, lost),
            (&mut self.saves, saves),
            (&mut self.commits, history.commits),
            (&mut self.by_engineer, history.by_engineer),
            (&mut self.operations, history.operations()),
        ] {
            *to += from as u64;
        }
        self.looks += trial.looks;
        self.wrong += trial.wrong;
        self.slowest = self.slowest.max(trial.slowest);
    }

    pub(crate) fn kills(&self) -> u64 {
        self.by_chance.values().chain(self.at.values()).sum()
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} kills, by chance in {:?}, at named places {:?}; {} saves acknowledged, {} refused, {} newest texts judged, {} conflicts \
             decided, {} lost; {} commits, {} of them the engineer's, {} operations; {} looks, the slowest first synchronisation took {} ms",
            self.kills(),
            self.by_chance,
            self.at,
            self.acknowledged,
            self.refused,
            self.judged,
            self.decided,
            self.lost,
            self.commits,
            self.by_engineer,
            self.operations,
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
