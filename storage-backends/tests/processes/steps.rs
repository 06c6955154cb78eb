//! Which step of the sync model a child is in, kept where its parent can read it after killing it.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Every step that a kill must have hit.
pub(crate) const STEPS: [&str; 13] = ["D0", "D1", "D2", "D3", "D4", "D5", "G1", "G2", "G3", "G4", "G5", "G6", "G7"];

/// Before the library is open.
pub(crate) const OPENING: &str = "opening";
/// Between two calls.
pub(crate) const IDLE: &str = "idle";

const WIDTH: usize = 8;

/// Writes the step of each event of the library into a file, and ends the process where it is told to.
#[derive(Debug)]
pub(crate) struct Steps {
    file: File,
    die_at: Option<(String, u32)>,
    seen: Mutex<HashMap<String, u32>>,
}

impl Steps {
    pub(crate) fn new(path: &Path, die_at: Option<(String, u32)>) -> Self {
        let file = OpenOptions::new().create(true).truncate(true).write(true).open(path).unwrap();
        let steps = Self { file, die_at, seen: Mutex::default() };
        write_step(&steps.file, OPENING);
        steps
    }

    pub(crate) fn handle(&self) -> Marker {
        Marker(self.file.try_clone().unwrap())
    }

    fn enter(&self, step: &str) {
        write_step(&self.file, step);
        let mut seen = self.seen.lock().unwrap();
        let count = seen.entry(step.to_owned()).or_default();
        *count += 1;
        if self.die_at.as_ref().is_some_and(|(wanted, n)| wanted == step && *count == *n) {
            // Nobody else enters another step before the signal arrives: the lock is held.
            let killed = Command::new("kill").args(["-9", &std::process::id().to_string()]).status();
            panic!("a process that was sent SIGKILL lives on ({killed:?})");
        }
    }
}

/// Marks that no step is under way.
#[derive(Debug)]
pub(crate) struct Marker(File);

impl Marker {
    pub(crate) fn mark(&self, step: &str) {
        write_step(&self.0, step);
    }
}

fn write_step(file: &File, step: &str) {
    let mut bytes = [b' '; WIDTH];
    bytes.iter_mut().zip(step.bytes()).for_each(|(to, from)| *to = from);
    file.write_all_at(&bytes, 0).unwrap();
}

/// The last step that a child was in.
pub(crate) fn read_step(path: &Path) -> String {
    std::fs::read_to_string(path).map_or_else(|_| "starting".to_owned(), |text| text.trim().to_owned())
}

struct StepOf(Option<String>);

impl Visit for StepOf {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "step" {
            self.0 = Some(value.to_owned());
        }
    }

    fn record_debug(&mut self, _field: &Field, _value: &dyn std::fmt::Debug) {}
}

impl Subscriber for Steps {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "lorebase::step"
    }

    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut step = StepOf(None);
        event.record(&mut step);
        if let StepOf(Some(step)) = step {
            self.enter(&step);
        }
    }

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}
