//! Two processes save at once on one database and one repository: nothing is lost and nobody fails for a lock.

use std::time::Duration;

use super::check::judge;
use super::child::{self, Sight};
use super::history::History;
use super::kill::exit_of;
use super::ledger::Line;
use super::orders::{Orders, Task, last_words};
use super::random::setting;
use super::scratch::Scratch;

#[test]
fn two_processes_save_at_once_on_a_bare_repository() {
    save_at_once("two_processes::two_processes_save_at_once_on_a_bare_repository", true);
}

#[test]
fn two_processes_save_at_once_in_a_checkout() {
    save_at_once("two_processes::two_processes_save_at_once_in_a_checkout", false);
}

fn save_at_once(test: &'static str, bare: bool) {
    if let Some(orders) = Orders::given() {
        return child::obey(&orders);
    }
    let seconds = setting("LOREBASE_STRESS_SECONDS", 5);
    let seed = setting("LOREBASE_SEED", 1);
    println!("{seconds} s, seed {seed} (LOREBASE_STRESS_SECONDS, LOREBASE_SEED)");
    let scratch = Scratch::new(bare);
    let orders = |task: Task, life: u32| Orders {
        task,
        folder: scratch.folder().to_owned(),
        repository: scratch.repository(),
        life,
        seed: seed + u64::from(life),
        die_at: None,
    };
    look(test, &orders(Task::Look, 3));
    let racers: Vec<Orders> = [1, 2].map(|life| orders(Task::Race { seconds }, life)).into();
    let mut children: Vec<_> = racers.iter().map(|orders| orders.start(test, None)).collect();
    for child in &mut children {
        let status = exit_of(child, Duration::from_secs(seconds + 60), "a process never finished saving");
        assert!(status.success(), "{status}:\n{}", last_words(scratch.folder()));
    }
    let sight = look(test, &orders(Task::Look, 4));
    let lines: Vec<Line> = racers.iter().flat_map(|orders| orders.ledger().read()).collect();
    let count = |wanted: &str| lines.iter().filter(|line| matches!(line, Line::Acknowledged { status, .. } if status == wanted)).count();
    let (waiting, drafts) = (count("Pending"), count("Draft"));
    let mut history = History::default();
    history.read(&scratch.repository());
    let (figures, wrong) = judge(&lines, &sight, &history);
    println!(
        "{}: {} saves by two processes in {seconds} s ({} a second), {waiting} of them acknowledged before they were in git; {} commits, \
         {} operations in git",
        if bare { "bare" } else { "checkout" },
        figures.acknowledged,
        figures.acknowledged as u64 / seconds.max(1),
        history.commits,
        history.operations(),
    );
    if !wrong.is_empty() {
        println!("everything is kept in {}", scratch.keep().display());
        panic!("{wrong:#?}");
    }
    assert_eq!(figures.refused, 0, "a save was refused");
    assert_eq!(history.operations() + drafts, figures.acknowledged, "every save that is no draft is in git exactly once");
    scratch.assert_tidy(true);
}

fn look(test: &'static str, orders: &Orders) -> Sight {
    let mut child = orders.start(test, None);
    drop(child.stdin.take());
    let status = exit_of(&mut child, Duration::from_mins(1), "a process never finished looking");
    assert!(status.success(), "{status}:\n{}", last_words(&orders.folder));
    serde_json::from_slice(&std::fs::read(orders.sight()).unwrap()).unwrap()
}
