//! The model of the sync engine over stores in memory. The backends' tests run the same source over a real repository
//! and a real database.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

mod memory;
mod sabotage;
mod simulation;

use simulation::Proof;

#[test]
fn whatever_happens_nothing_is_lost_and_both_sides_end_up_equal() {
    Proof { name: "model over memory", histories: 400, stage: &memory::stage }.hold();
}
