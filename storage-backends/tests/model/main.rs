//! The model of the sync engine over real stores: a bare repository behind gix and a database file behind SQLite,
//! opened anew by each process of a history. The source is that of the core's own tests.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

mod real;
#[path = "../../../core/tests/model/simulation/mod.rs"]
mod simulation;

use simulation::Proof;

#[test]
fn whatever_happens_nothing_is_lost_and_both_sides_end_up_equal() {
    Proof { name: "model over gix and SQLite", histories: 12, stage: &real::stage }.hold();
}
