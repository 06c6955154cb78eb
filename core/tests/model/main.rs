//! The model of the sync engine over stores in memory. The backends' tests run the same source over a real repository
//! and a real database.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

mod memory;
mod overtaken;
mod sabotage;
mod simulation;

use simulation::faults::every_call;
use simulation::scenarios::SCENARIOS;
use simulation::{Proof, report};

#[test]
fn whatever_happens_nothing_is_lost_and_both_sides_end_up_equal() {
    Proof { name: "model over memory", histories: 400, stage: &memory::stage }.hold();
}

/// Every call in each way in the long form, every call in some way in the short one.
#[test]
fn whichever_call_goes_wrong_nothing_acknowledged_is_missing_and_nothing_is_there_twice() {
    let stride = if report::folder().is_some() { 1 } else { 4 };
    every_call("faults at every call over memory", memory::stage, SCENARIOS, stride);
}
