//! Eight processes save at once on twenty entities of one database and one repository, and a person commits with the
//! git program beside them: nothing is lost, and nobody fails for a lock.

use std::time::{Duration, Instant};

use serde_json::json;

use super::child::{self, Sight};
use super::contested::judge;
use super::engineer::AtWork;
use super::history::History;
use super::ledger::Line;
use super::orders::{Orders, Task, last_words};
use super::random::setting;
use super::report::{Proof, report};
use super::scratch::Scratch;
use super::trial::exit_of;

const SAVERS: u32 = 8;

#[test]
fn eight_processes_save_at_once_on_a_bare_repository() {
    save_at_once("contention::eight_processes_save_at_once_on_a_bare_repository", "bare", || Scratch::crowded(true));
}

#[test]
fn eight_processes_save_at_once_in_a_checkout() {
    save_at_once("contention::eight_processes_save_at_once_in_a_checkout", "checkout", || Scratch::crowded(false));
}

pub(crate) fn save_at_once(test: &'static str, name: &str, scratch: impl FnOnce() -> Scratch) {
    if let Some(orders) = Orders::given() {
        return child::obey(&orders);
    }
    let begun = Instant::now();
    let (seconds, seed) = (setting("LOREBASE_STRESS_SECONDS", 4), setting("LOREBASE_SEED", 1));
    println!("{seconds} s, seed {seed} (LOREBASE_STRESS_SECONDS, LOREBASE_SEED)");
    let scratch = scratch();
    let orders = |task: Task, life: u32| Orders {
        task,
        folder: scratch.folder().to_owned(),
        repository: scratch.repository(),
        life,
        seed: seed + u64::from(life),
        end: None,
    };
    look(test, &orders(Task::Look, SAVERS + 1));
    let savers: Vec<Orders> = (1..=SAVERS).map(|life| orders(Task::Contend { seconds, savers: SAVERS }, life)).collect();
    let mut children: Vec<_> = savers.iter().map(|orders| orders.start(test, None)).collect();
    let engineer = AtWork::on(&scratch, seed);
    for child in &mut children {
        let status = exit_of(child, Duration::from_secs(seconds + 120), "a process never finished saving");
        assert!(status.success(), "{status}:\n{}", last_words(scratch.folder()));
    }
    engineer.paused(|finish| finish());
    engineer.leave();
    let sight = look(test, &orders(Task::Look, SAVERS + 2));
    let lines: Vec<Line> = savers.iter().flat_map(|orders| orders.ledger().read()).collect();
    let mut history = History::default();
    history.read(&scratch.repository());
    let (figures, wrong) = judge(&lines, &sight, &history);
    let at = |part: usize| figures.microseconds.get(figures.microseconds.len() * part / 1000).map_or(0, |micros| micros / 1000);
    let longest = figures.microseconds.last().map_or(0, |micros| micros / 1000);
    let each_second = figures.acknowledged / seconds.max(1);
    println!(
        "{name}: {} saves by {SAVERS} processes in {seconds} s ({each_second} a second), {} retries, {} refused, {} conflicts at the end, {} \
         decided, {} saves given up by a decision, {} lost; one save took {} ms (median), {} ms (99 %), {longest} ms (longest); {} \
         commits, {} of them the engineer's, {} operations",
        figures.acknowledged,
        figures.retries,
        figures.refused,
        figures.conflicts,
        figures.decided,
        figures.given_up,
        figures.lost,
        at(500),
        at(990),
        history.commits,
        history.by_engineer,
        history.operations(),
    );
    let proof = Proof {
        runs: figures.saves,
        steps: figures.saves,
        seed,
        acknowledged: figures.acknowledged,
        lost: figures.lost,
        broken: wrong.len() as u64,
    };
    let details = json!({
        "processes": SAVERS, "forSeconds": seconds, "perSecond": each_second, "retries": figures.retries, "refused": figures.refused,
        "conflicts": figures.conflicts, "decided": figures.decided, "givenUp": figures.given_up, "medianMs": at(500),
        "longestMs": longest, "byEngineer": history.by_engineer,
    });
    report(&format!("saved at once: {name}"), "saves", proof, begun, &details);
    if !wrong.is_empty() {
        println!("everything is kept in {}", scratch.keep().display());
        panic!("{wrong:#?}");
    }
    assert!(figures.acknowledged > 0, "nobody saved anything");
    scratch.assert_tidy(true);
}

pub(crate) fn look(test: &'static str, orders: &Orders) -> Sight {
    let mut child = orders.start(test, None);
    drop(child.stdin.take());
    let status = exit_of(&mut child, Duration::from_mins(1), "a process never finished looking");
    assert!(status.success(), "{status}:\n{}", last_words(&orders.folder));
    serde_json::from_slice(&std::fs::read(orders.sight()).unwrap()).unwrap()
}
