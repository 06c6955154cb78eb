//! The model of the sync engine over real stores: a bare repository behind gix and a database file behind SQLite,
//! opened anew by each process of a history. The source is that of the core's own tests.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

mod real;
#[path = "../../../core/tests/model/simulation/mod.rs"]
mod simulation;

use simulation::faults::every_call;
use simulation::scenarios::SCENARIOS;
use simulation::{Proof, report};

#[test]
fn whatever_happens_nothing_is_lost_and_both_sides_end_up_equal() {
    Proof { name: "model over gix and SQLite", histories: 12, stage: &real::stage }.hold();
}

/// Every call in the long form, some of each scenario's in the short one.
#[test]
fn whichever_call_goes_wrong_nothing_acknowledged_is_missing_and_nothing_is_there_twice() {
    let stride = if report::folder().is_some() { 1 } else { 47 };
    every_call("faults at every call over gix and SQLite", real::stage, SCENARIOS, stride);
}
