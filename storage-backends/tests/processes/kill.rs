//! Killing the process anywhere and starting it again: nothing acknowledged is lost, both sides are equal, nothing is
//! left lying about, and nobody waits for the dead. At random moments, at every step of the sync model and at every
//! named place of the stores.

use std::time::Instant;

use serde_json::json;

use super::child;
use super::engineer::AtWork;
use super::orders::{Life, Orders, last_words};
use super::points::{POINTS, STEPS, Way};
use super::random::{Random, setting};
use super::report::{Proof, report};
use super::scratch::Scratch;
use super::trial::{Totals, Trial};

/// After so many kills there is a new repository, so that looking at all of it stays cheap.
const ROUND: usize = 150;

#[test]
fn nothing_acknowledged_is_lost_on_a_bare_repository_when_the_process_is_killed_anywhere() {
    let test = "kill::nothing_acknowledged_is_lost_on_a_bare_repository_when_the_process_is_killed_anywhere";
    kill_and_restart(test, "killed anywhere: bare repository", true, endings, Scratch::new);
}

#[test]
fn nothing_acknowledged_is_lost_in_a_checkout_when_the_process_is_killed_anywhere() {
    let test = "kill::nothing_acknowledged_is_lost_in_a_checkout_when_the_process_is_killed_anywhere";
    kill_and_restart(test, "killed anywhere: checkout", false, endings, Scratch::new);
}

/// How one life, or a few that belong together, end.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ending {
    /// At any moment.
    Chance(Life),
    /// At a step of the sync model.
    Step(&'static str),
    /// At a named place of the stores.
    Point(&'static str, Way),
    /// Between the compare-and-swap and its acknowledgement; and the next life saves again before anybody finds out.
    Unacknowledged,
    /// While a lost database, or a lost repository, is made again.
    Remaking,
}

/// Every ending of the run, in an order of chance.
fn endings(random: &mut Random, bare: bool, chance: u64, at_each: u64) -> Vec<Ending> {
    let mut all: Vec<Ending> = (0..chance).map(|n| Ending::Chance(if n % 12 == 5 { Life::Bulk } else { Life::Ordinary })).collect();
    all.extend((0..chance.div_ceil(25)).map(|_| Ending::Remaking));
    all.extend((0..chance.div_ceil(25)).map(|_| Ending::Unacknowledged));
    for (number, (step, _)) in STEPS.iter().enumerate() {
        let times = share(number, bare, at_each);
        all.extend((0..times).map(|_| Ending::Step(step)));
    }
    for (number, point) in POINTS.iter().enumerate().filter(|(_, point)| !(bare && point.checkout)) {
        let times = if point.checkout { at_each } else { share(number, bare, at_each) };
        all.extend((0..times).map(|_| Ending::Point(point.name, point.way)));
    }
    for at in (1..all.len()).rev() {
        all.swap(at, usize::try_from(random.below(at as u64 + 1)).unwrap());
    }
    all
}

/// The two tests share what is aimed at both of them.
fn share(number: usize, bare: bool, at_each: u64) -> u64 {
    if number.is_multiple_of(2) == bare { at_each.div_ceil(2) } else { at_each / 2 }
}

pub(crate) fn kill_and_restart(
    test: &'static str,
    name: &str,
    bare: bool,
    endings: impl FnOnce(&mut Random, bool, u64, u64) -> Vec<Ending>,
    scratch: impl Fn(bool) -> Scratch,
) {
    if let Some(orders) = Orders::given() {
        return child::obey(&orders);
    }
    let begun = Instant::now();
    let (kills, at_each, seed) = (setting("LOREBASE_KILLS", 30), setting("LOREBASE_KILLS_AT_EACH", 1), setting("LOREBASE_SEED", 1));
    println!(
        "{kills} kills at random moments, {at_each} at each named place together with the other kind of repository, seed {seed} \
         (LOREBASE_KILLS, LOREBASE_KILLS_AT_EACH, LOREBASE_SEED)"
    );
    let mut random = Random::new(seed + u64::from(bare));
    let endings = endings(&mut random, bare, kills, at_each);
    let mut totals = Totals::default();
    for endings in endings.chunks(ROUND) {
        let scratch = scratch(bare);
        let mut trial = Trial::new(test, &scratch, random.next());
        let engineer = AtWork::on(&scratch, random.next());
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| trial.run(&engineer, endings)));
        engineer.leave();
        trial.end_the_last();
        totals.add(&trial);
        if let Err(panic) = outcome {
            println!("{totals}");
            println!("the last words of the children:\n{}", last_words(scratch.folder()));
            println!("everything is kept in {}", scratch.keep().display());
            report_kills(name, seed, begun, &totals, 1);
            std::panic::resume_unwind(panic);
        }
    }
    println!("{name}: {totals}");
    report_kills(name, seed, begun, &totals, 0);
}

fn report_kills(name: &str, seed: u64, begun: Instant, totals: &Totals, broken: u64) {
    let figures = Proof {
        runs: totals.kills(),
        steps: totals.saves,
        seed,
        acknowledged: totals.acknowledged,
        lost: totals.lost,
        broken: broken.max(totals.wrong),
    };
    let what: Vec<_> = STEPS.iter().copied().chain(POINTS.iter().map(|point| (point.name, point.what))).collect();
    let points: serde_json::Map<_, _> =
        what.iter().map(|(point, what)| ((*point).to_owned(), json!({"kills": totals.at.get(*point), "what": what}))).collect();
    let by_chance: serde_json::Map<_, _> = totals.by_chance.iter().map(|(step, kills)| (step.clone(), json!(kills))).collect();
    let details = json!({
        "points": points, "byChance": by_chance, "looks": totals.looks, "slowestRecoveryMs": totals.slowest, "refused": totals.refused,
        "judged": totals.judged, "decided": totals.decided, "commits": totals.commits, "byEngineer": totals.by_engineer,
        "operations": totals.operations,
    });
    report(name, "kills", figures, begun, &details);
}
