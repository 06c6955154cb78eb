//! The model of the sync engine over real stores: a bare repository behind gix, and a database file behind SQLite or a
//! database of PostgreSQL, opened anew by each process of a history. The source is that of the core's own tests.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

mod real;
#[path = "../server/mod.rs"]
mod server;
#[path = "../../../core/tests/model/simulation/mod.rs"]
mod simulation;

use simulation::faults::every_call;
use simulation::sabotage::{Missing, is_seen, is_sound};
use simulation::scenarios::SCENARIOS;
use simulation::{Proof, report};

#[test]
fn whatever_happens_nothing_is_lost_and_both_sides_end_up_equal() {
    Proof { name: "model over gix and SQLite", histories: 12, stage: &real::stage }.hold();
}

#[test]
fn whatever_happens_nothing_is_lost_and_both_sides_end_up_equal_on_postgres() {
    Proof { name: "model over gix and PostgreSQL", histories: 6, stage: &real::stage_on_postgres }.hold();
}

#[test]
fn whichever_call_goes_wrong_nothing_acknowledged_is_missing_on_postgres() {
    let stride = if report::folder().is_some() { 1 } else { 307 };
    every_call("faults at every call over gix and PostgreSQL", real::stage_on_postgres, SCENARIOS, stride);
}

/// Every call in each way in the long form, a few of each scenario's in the short one.
#[test]
fn whichever_call_goes_wrong_nothing_acknowledged_is_missing_and_nothing_is_there_twice() {
    let stride = if report::folder().is_some() { 1 } else { 103 };
    every_call("faults at every call over gix and SQLite", real::stage, SCENARIOS, stride);
}

/// All guards in the long form, those whose lack shows soon in the short one.
#[test]
fn the_model_sees_each_missing_guard_of_real_stores_too() {
    let soon = [Missing::Advance, Missing::Base, Missing::BaseBytes, Missing::KeptBytes];
    let late = [Missing::CompareAndSwap, Missing::Fence, Missing::RowGuard, Missing::Contained, Missing::Uncontained];
    is_sound(real::stage, 10);
    for missing in soon.into_iter().chain(late.into_iter().filter(|_| report::folder().is_some())) {
        is_seen("gix and SQLite", missing, real::stage);
    }
}
