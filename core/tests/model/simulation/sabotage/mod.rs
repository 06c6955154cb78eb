//! Whether the model can see: a guard is taken from the stores, and the same histories must fail.

mod stores;

use std::time::Instant;

use serde_json::json;

pub(crate) use self::stores::Missing;
pub(super) use self::stores::without;
use super::{Proof, Searched, Stage, proof, report};

/// The histories in which a missing guard must be seen.
const BUDGET: u32 = 2000;

/// Fails where histories go on as if nothing were missing. Tells which check saw it, and after how many.
pub(crate) fn is_seen(over: &str, missing: Missing, stage: fn() -> Stage) {
    let name = format!("sabotage over {over}: {}", missing.as_str());
    let begun = Instant::now();
    let stage = || stage().without(missing);
    let Searched { histories, steps, failed, .. } =
        Proof { name: &name, histories: BUDGET, stage: &stage }.search(BUDGET, proof::seed(), 0);
    let by = failed.map(|(_, why)| why.split(": ").next().unwrap_or_default().to_owned());
    report::tell(&json!({
        "proof": name, "what": "steps", "runs": histories, "steps": steps, "seed": proof::seed(), "caught": by.is_some(),
        "after_histories": histories, "by": by, "seconds": begun.elapsed().as_secs(),
    }));
    assert!(by.is_some(), "{name}: {histories} histories went on as if nothing were missing");
}

/// The same stores with every guard in its place: the wrapper alone is not what the histories fail of.
pub(crate) fn is_sound(stage: fn() -> Stage, histories: u32) {
    let stage = || stage().without(Missing::Nothing);
    let searched = Proof { name: "nothing removed", histories, stage: &stage }.search(histories, proof::seed(), 0);
    assert!(searched.failed.is_none(), "{searched:?}");
}
