//! The proofs as they were reported, and what must be true of all of them together.

use std::collections::BTreeMap;
use std::path::Path;

use lorebase_benches::Outcome;
use serde::Deserialize;
use serde_json::Value;

/// What begins a proof's name, and how many such there are at least.
const WANTED: [(&str, usize); 10] = [
    ("killed anywhere", 2),
    ("saved at once", 2),
    ("paused past the lease", 2),
    ("bad disk", 16),
    ("model over memory", 1),
    ("model over gix and SQLite", 1),
    ("faults at every call over memory", 1),
    ("faults at every call over gix and SQLite", 1),
    ("sabotage over memory: ", 9),
    ("sabotage over gix and SQLite: ", 9),
];

const KILLS: u64 = 2_000;
const POINTS: usize = 25;
const KILLS_AT_EACH: u64 = 10;
const STEPS: u64 = 100_000;

/// One proof.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Proof {
    #[serde(rename = "proof")]
    pub(crate) name: String,
    /// What a run is: steps (of a history), strikes, kills, saves, pauses or faults.
    pub(crate) what: String,
    #[serde(default)]
    pub(crate) runs: u64,
    #[serde(default)]
    pub(crate) steps: u64,
    #[serde(default)]
    pub(crate) seed: u64,
    #[serde(default)]
    pub(crate) acknowledged: u64,
    #[serde(default)]
    pub(crate) lost: u64,
    #[serde(default)]
    pub(crate) broken: u64,
    #[serde(default)]
    pub(crate) seconds: f64,
    #[serde(default)]
    pub(crate) details: Value,
    /// Whether a guard that was taken away was missed.
    pub(crate) caught: Option<bool>,
    #[serde(default)]
    pub(crate) after_histories: u64,
    pub(crate) by: Option<String>,
}

/// All of them, by name.
#[derive(Debug)]
pub(crate) struct Proofs {
    pub(crate) all: Vec<Proof>,
    /// A test failed, whatever it reported.
    failed: bool,
}

impl Proofs {
    pub(crate) fn read(folder: &Path) -> Outcome<Self> {
        let mut all: Vec<Proof> = Vec::new();
        let entries = std::fs::read_dir(folder).map_err(|error| format!("`{}`: {error}; run `make torture`", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.extension().is_some_and(|kind| kind == "json") {
                let text = std::fs::read_to_string(&path)?;
                all.push(serde_json::from_str(&text).map_err(|error| format!("`{}`: {error}", path.display()))?);
            }
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self { all, failed: folder.join("failed").exists() })
    }

    pub(crate) fn named(&self, prefix: &str) -> impl Iterator<Item = &Proof> {
        self.all.iter().filter(move |proof| proof.name.starts_with(prefix))
    }

    /// Each named place, what is true there, and the kills that fell on it.
    pub(crate) fn points(&self) -> BTreeMap<&str, (&str, u64)> {
        let mut points: BTreeMap<&str, (&str, u64)> = BTreeMap::new();
        for proof in self.named("killed anywhere") {
            for (name, point) in proof.details["points"].as_object().into_iter().flatten() {
                let entry = points.entry(name).or_insert((point["what"].as_str().unwrap_or_default(), 0));
                entry.1 += point["kills"].as_u64().unwrap_or(0);
            }
        }
        points
    }

    pub(crate) fn kills(&self) -> u64 {
        self.all.iter().filter(|proof| proof.what == "kills").map(|proof| proof.runs).sum()
    }

    /// Steps of the model with every guard in its place.
    pub(crate) fn steps(&self) -> u64 {
        self.all.iter().filter(|proof| proof.what == "steps" && proof.caught.is_none()).map(|proof| proof.steps).sum()
    }

    /// Why the proofs do not hold; nothing when they do.
    pub(crate) fn faults(&self, short: bool) -> Vec<String> {
        let mut faults = Vec::new();
        if self.failed {
            faults.push("a test failed; its output is above".to_owned());
        }
        for (prefix, least) in WANTED {
            let found = self.named(prefix).count();
            if found < least {
                faults.push(format!("{found} of at least {least} proofs `{prefix}…` were reported"));
            }
        }
        for proof in &self.all {
            let name = &proof.name;
            if proof.lost > 0 || proof.broken > 0 {
                faults.push(format!("{name}: {} acknowledged saves lost, {} invariants broken", proof.lost, proof.broken));
            }
            if proof.caught == Some(false) {
                faults.push(format!("{name}: nobody missed it"));
            }
            if proof.runs == 0 {
                faults.push(format!("{name}: did not run here"));
            }
        }
        let points = self.points();
        let few = points.iter().filter(|(_, (_, kills))| *kills < KILLS_AT_EACH);
        let few: Vec<String> = few.map(|(name, (_, kills))| format!("{name} ({kills})")).collect();
        let counts = [(self.kills(), KILLS, "kills"), (points.len() as u64, POINTS as u64, "named places"), (self.steps(), STEPS, "steps")];
        if !short {
            faults.extend(
                counts
                    .iter()
                    .filter(|(found, least, _)| found < least)
                    .map(|(found, least, what)| format!("{found} {what} in all, of at least {least}")),
            );
            if !few.is_empty() {
                faults.push(format!("fewer than {KILLS_AT_EACH} kills at {}", few.join(", ")));
            }
        }
        faults
    }
}
