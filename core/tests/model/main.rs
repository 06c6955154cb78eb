//! The model of the sync engine over stores in memory. The backends' tests run the same source over a real repository
//! and a real database.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

mod memory;
mod overtaken;
mod simulation;

use simulation::faults::every_call;
use simulation::sabotage::{Missing, is_seen, is_sound};
use simulation::scenarios::SCENARIOS;
use simulation::{Proof, report};

#[test]
fn whatever_happens_nothing_is_lost_and_both_sides_end_up_equal() {
    Proof { name: "model over memory", histories: 400, stage: &memory::stage }.hold();
}

/// Every call in each way in the long form, every call in some ways in the short one.
#[test]
fn whichever_call_goes_wrong_nothing_acknowledged_is_missing_and_nothing_is_there_twice() {
    let stride = if report::folder().is_some() { 1 } else { 7 };
    every_call("faults at every call over memory", memory::stage, SCENARIOS, stride);
}

macro_rules! missing {
    ($($test:ident: $missing:ident;)*) => {
        $(#[test]
        fn $test() {
            is_seen("memory", Missing::$missing, memory::stage);
        })*
    };
}

missing! {
    the_model_sees_that_the_compare_and_swap_is_missing: CompareAndSwap;
    the_model_sees_that_the_fence_is_missing: Fence;
    the_model_sees_that_the_row_guard_is_missing: RowGuard;
    the_model_sees_a_branch_that_contains_nothing: Contained;
    the_model_sees_a_branch_that_contains_everything: Uncontained;
    the_model_sees_a_branch_that_only_says_it_moved: Advance;
    the_model_sees_that_the_base_is_missing: Base;
    the_model_sees_that_the_bytes_of_the_base_are_others: BaseBytes;
    the_model_sees_that_the_bytes_of_old_revisions_are_others: KeptBytes;
}

#[test]
fn with_every_guard_in_its_place_the_same_histories_are_sound() {
    is_sound(memory::stage, 200);
}
