//! Whether the model can see: each guard is taken from the stores in turn, and the same histories must fail.

mod stores;

use std::time::Instant;

use serde_json::json;

use self::stores::{Missing, without};
use crate::memory;
use crate::simulation::{Proof, Searched, Weaken, report, seed};

/// The histories in which a missing guard must be seen.
const BUDGET: u32 = 2000;

fn is_seen(what: &str, weaken: Weaken) {
    let name = format!("sabotage: {what}");
    let begun = Instant::now();
    let stage = || memory::stage().weakened(Some(weaken));
    let Searched { histories, steps, failed, .. } = Proof { name: &name, histories: BUDGET, stage: &stage }.search(BUDGET, seed(), 0);
    let by = failed.map(|(_, why)| why.lines().next().unwrap_or_default().chars().take(200).collect::<String>());
    report::tell(&json!({
        "proof": name, "what": "steps", "runs": histories, "steps": steps, "seed": seed(), "caught": by.is_some(),
        "after_histories": histories, "by": by, "seconds": begun.elapsed().as_secs(),
    }));
    assert!(by.is_some(), "{name}: {histories} histories went on as if nothing were missing");
}

macro_rules! guards {
    ($($test:ident: $what:literal without $missing:ident;)*) => {
        $(#[test]
        fn $test() {
            is_seen($what, |git, cache| without(Missing::$missing, git, cache));
        })*
    };
}

#[test]
fn with_every_guard_in_its_place_the_same_stores_are_sound() {
    let stage = || memory::stage().weakened(Some(|git, cache| without(Missing::Nothing, git, cache)));
    let searched = Proof { name: "nothing removed", histories: 250, stage: &stage }.search(250, seed(), 0);
    assert!(searched.failed.is_none(), "{searched:?}");
}

guards! {
    the_compare_and_swap_is_missed: "compare-and-swap removed" without CompareAndSwap;
    a_branch_that_only_says_it_moved_is_seen: "the branch's move acknowledged, not made" without Advance;
    what_the_branch_contains_is_missed: "contains always no" without Contained;
    a_branch_that_contains_everything_is_seen: "contains always yes" without Uncontained;
    the_fence_is_missed: "fence removed" without Fence;
    the_row_guard_is_missed: "row guard removed" without RowGuard;
    the_base_is_missed: "base forgotten" without Base;
    other_base_bytes_are_seen: "base bytes replaced by git's" without BaseBytes;
    the_bytes_of_old_revisions_are_missed: "old revisions' bytes replaced by the newest" without KeptBytes;
}
