//! A process is paused in the middle of its work until its lease is over and another has done the work; then it goes
//! on. It must not acknowledge what is not so, overwrite what is newer, or commit anything twice.

use std::process::Child;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use serde_json::json;

use super::child;
use super::contention::look;
use super::contested::{Figures, judge};
use super::history::History;
use super::ledger::Line;
use super::orders::{Orders, Task, last_words};
use super::points::{POINTS, STEPS};
use super::random::{Random, setting};
use super::report::{Proof, report};
use super::scratch::{CROWD, Scratch, git, try_git};
use super::shifted;
use super::steps::End;
use super::trial::exit_of;

const SAVES: u32 = 4;

/// Places of the stores in which something is held: git's locks, SQLite's, the lease.
const HOLDING: [&str; 9] = [
    "git.prepare.objects",
    "git.advance.locked",
    "git.advance.journalled",
    "git.ref.written",
    "git.advance.moved",
    "git.advance.unlocked",
    "sql.apply.begun",
    "sql.apply.committed",
    "sql.light.committed",
];

/// Those in which what is held keeps everybody from committing until the process goes on.
const LOCKING: [&str; 6] =
    ["git.advance.locked", "git.advance.journalled", "git.ref.written", "git.advance.moved", "git.advance.unlocked", "sql.apply.begun"];

#[test]
fn a_process_paused_past_its_lease_on_a_bare_repository_acknowledges_and_overwrites_nothing_stale() {
    pause("paused::a_process_paused_past_its_lease_on_a_bare_repository_acknowledges_and_overwrites_nothing_stale", true);
}

#[test]
fn a_process_paused_past_its_lease_in_a_checkout_acknowledges_and_overwrites_nothing_stale() {
    pause("paused::a_process_paused_past_its_lease_in_a_checkout_acknowledges_and_overwrites_nothing_stale", false);
}

fn pause(test: &'static str, bare: bool) {
    if let Some(orders) = Orders::given() {
        return child::obey(&orders);
    }
    let begun = Instant::now();
    let (rounds, seed) = (setting("LOREBASE_PAUSES", 0), setting("LOREBASE_SEED", 1));
    println!("{rounds} pauses at each place (0: one at some), seed {seed} (LOREBASE_PAUSES, LOREBASE_SEED)");
    let all = STEPS.iter().map(|(step, _)| (*step, true)).chain(HOLDING.iter().map(|place| (*place, false)));
    let elsewhere = |place: &str| bare && POINTS.iter().any(|point| point.name == place && point.checkout);
    let all = all.filter(|(place, _)| !elsewhere(place));
    let places: Vec<(&str, bool)> =
        all.enumerate().filter(|(at, _)| rounds > 0 || at % 4 == if bare { 0 } else { 2 }).map(|(_, place)| place).collect();
    let mut trial = Trial { test, scratch: Scratch::crowded(bare), random: Random::new(seed), ledgers: Vec::new(), life: 0, taken_over: 0 };
    shifted::put_forward(trial.scratch.folder());
    let mut pauses = 0;
    for round in 0..rounds.max(1) {
        for (place, step) in &places {
            trial.pause_at(place, *step, u32::try_from(1 + round % 3).unwrap());
            pauses += 1;
        }
    }
    let (figures, history) = trial.judged();
    let name = if bare { "bare" } else { "checkout" };
    println!(
        "{name}: {pauses} pauses, in {} of them others saved and synchronised meanwhile; {} saves acknowledged, {} refused; {} lost, {} \
         stale acknowledgements; {} commits, {} operations",
        trial.taken_over,
        figures.acknowledged,
        figures.refused,
        figures.lost,
        figures.stale,
        history.commits,
        history.operations(),
    );
    let proof =
        Proof { runs: pauses, steps: figures.saves, seed, acknowledged: figures.acknowledged, lost: figures.lost, broken: figures.stale };
    let details =
        json!({"places": places.len(), "takenOver": trial.taken_over, "staleAcknowledgements": figures.stale, "refused": figures.refused});
    report(&format!("paused past the lease: {name}"), "pauses", proof, begun, &details);
}

struct Trial {
    test: &'static str,
    scratch: Scratch,
    random: Random,
    ledgers: Vec<Orders>,
    life: u32,
    /// Pauses during which another process committed.
    taken_over: u64,
}

impl Trial {
    fn orders(&mut self, task: Task, end: Option<End>) -> Orders {
        self.life += 1;
        let orders = Orders {
            task,
            folder: self.scratch.folder().to_owned(),
            repository: self.scratch.repository(),
            life: self.life,
            seed: self.random.next(),
            end,
        };
        self.ledgers.push(orders.clone());
        orders
    }

    fn pause_at(&mut self, place: &str, is_step: bool, n: u32) {
        let begun = Instant::now();
        // What the first synchronisation has to take in.
        self.push();
        let ingests = place.starts_with('G') && place != "G2";
        let n = if ingests { 1 } else { n };
        let end = is_step.then(|| End { step: place.to_owned(), n, pauses: true });
        let orders = self.orders(Task::Hold { saves: SAVES }, end);
        let mut holder = orders.start(self.test, (!is_step).then(|| format!("{place}@{n}=stop")).as_deref());
        let pid = Pid::from_child(&holder);
        let status = waitid(WaitId::Pid(pid), WaitIdOptions::STOPPED | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).unwrap().unwrap();
        assert!(status.stopped(), "life {} never came to {place}:\n{}", orders.life, last_words(self.scratch.folder()));
        shifted::put_forward(self.scratch.folder());
        let before = self.head();
        let taker = self.orders(Task::Hold { saves: SAVES }, None);
        self.finish(&taker, taker.start(self.test, None));
        let committed = taker.ledger().read().iter().any(|line| matches!(line, Line::Acknowledged { status, .. } if status == "Synced"));
        let taken_over = committed && self.head() != before;
        self.taken_over += u64::from(taken_over);
        assert_ne!(taken_over, LOCKING.contains(&place), "whether others commit while somebody is paused at {place}");
        println!("{place}: {} after {:?}", if taken_over { "taken over" } else { "waited for" }, begun.elapsed());
        kill_process(pid, Signal::CONT).unwrap();
        let status = exit_of(&mut holder, Duration::from_mins(1), &format!("life {} never went on from {place}", orders.life));
        assert!(status.success(), "life {} after {place}: {status}:\n{}", orders.life, last_words(self.scratch.folder()));
    }

    fn finish(&self, orders: &Orders, mut child: Child) {
        let status = exit_of(&mut child, Duration::from_mins(1), &format!("life {} never finished", orders.life));
        assert!(status.success(), "life {}: {status}:\n{}", orders.life, last_words(self.scratch.folder()));
    }

    fn head(&self) -> String {
        git(&self.scratch.repository(), &["rev-parse", "refs/heads/main"])
    }

    /// A person's commit, of a field that is nobody else's.
    fn push(&mut self) {
        let folder = if self.scratch.bare { self.scratch.clone_folder() } else { self.scratch.repository() };
        if self.scratch.bare {
            git(&folder, &["fetch", "-q", "origin", "main"]);
            git(&folder, &["reset", "-q", "--hard", "FETCH_HEAD"]);
        }
        let path = folder.join(format!("customers/hot-{}.md", self.random.below(CROWD)));
        let text = std::fs::read_to_string(&path).unwrap();
        let note = text.lines().find(|line| line.starts_with("note: ")).unwrap();
        std::fs::write(&path, text.replace(note, &format!("note: e{}x1z", self.life + 1))).unwrap();
        git(&folder, &["commit", "-q", "-a", "-m", "A note"]);
        if self.scratch.bare {
            assert!(try_git(&folder, &["push", "-q", "origin", "HEAD:main"]).status.success());
        }
    }

    fn judged(&mut self) -> (Figures, History) {
        let orders = self.orders(Task::Look, None);
        let sight = look(self.test, &orders);
        let lines: Vec<Line> =
            self.ledgers.iter().filter(|orders| orders.task != Task::Look).flat_map(|orders| orders.ledger().read()).collect();
        let mut history = History::default();
        history.read(&self.scratch.repository());
        let (figures, wrong) = judge(&lines, &sight, &history);
        assert!(wrong.is_empty(), "{wrong:#?}");
        self.scratch.assert_tidy(true);
        (figures, history)
    }
}
