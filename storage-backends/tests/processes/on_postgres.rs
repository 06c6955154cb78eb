//! The same with the cache in PostgreSQL, in a short form: processes killed at random moments and at the steps of the sync
//! model, and many at once.

use std::path::Path;

use super::contention::save_at_once;
use super::kill::{Ending, kill_and_restart};
use super::orders::Life;
use super::points::STEPS;
use super::random::Random;
use super::scratch::Scratch;

/// The file that says where the database is.
const TOLD: &str = "database-url";

pub(crate) fn tell(folder: &Path, url: &str) {
    std::fs::write(folder.join(TOLD), url).unwrap();
}

/// Where the database is; `None` for a file in the repository's folder.
pub(crate) fn url(folder: &Path) -> Option<String> {
    std::fs::read_to_string(folder.join(TOLD)).ok()
}

#[test]
fn eight_processes_save_at_once_on_one_postgres() {
    save_at_once("on_postgres::eight_processes_save_at_once_on_one_postgres", "PostgreSQL", || Scratch::crowded(true).on_postgres());
}

#[test]
fn nothing_acknowledged_is_lost_on_postgres_when_the_process_is_killed_anywhere() {
    let test = "on_postgres::nothing_acknowledged_is_lost_on_postgres_when_the_process_is_killed_anywhere";
    kill_and_restart(test, "killed anywhere: PostgreSQL", true, endings, |bare| Scratch::new(bare).on_postgres());
}

/// Every second of the random moments of the other tests, and each step once.
fn endings(random: &mut Random, _: bool, chance: u64, at_each: u64) -> Vec<Ending> {
    let mut all: Vec<Ending> =
        (0..chance.div_ceil(2)).map(|n| Ending::Chance(if n % 12 == 5 { Life::Bulk } else { Life::Ordinary })).collect();
    all.extend((0..chance.div_ceil(25)).map(|_| Ending::Unacknowledged));
    all.extend(STEPS.iter().flat_map(|(step, _)| (0..at_each).map(|_| Ending::Step(step))));
    for at in (1..all.len()).rev() {
        all.swap(at, usize::try_from(random.below(at as u64 + 1)).unwrap());
    }
    all
}
