//! What a proof came to, as one JSON file in the folder that `LOREBASE_TORTURE_REPORT` names, from which the table of
//! `core/docs/reliability.md` is made. Without the variable nothing is written.

use std::path::PathBuf;
use std::time::Instant;

use serde_json::{Value, json};

/// The figures that every proof has.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Proof {
    pub(crate) runs: u64,
    pub(crate) steps: u64,
    pub(crate) seed: u64,
    pub(crate) acknowledged: u64,
    pub(crate) lost: u64,
    pub(crate) broken: u64,
}

/// Writes a proof down. `what` says what was counted as a run: kills, saves or faults.
pub(crate) fn report(proof: &str, what: &str, figures: Proof, begun: Instant, details: &Value) {
    let Some(folder) = std::env::var_os("LOREBASE_TORTURE_REPORT").map(PathBuf::from) else { return };
    std::fs::create_dir_all(&folder).unwrap();
    let Proof { runs, steps, seed, acknowledged, lost, broken } = figures;
    let seconds = (begun.elapsed().as_secs_f64() * 10.0).round() / 10.0;
    let told = json!({
        "proof": proof, "what": what, "runs": runs, "steps": steps, "seed": seed, "acknowledged": acknowledged, "lost": lost,
        "broken": broken, "seconds": seconds, "details": details,
    });
    let name: String = proof.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    std::fs::write(folder.join(format!("{name}.json")), serde_json::to_vec_pretty(&told).unwrap()).unwrap();
}
