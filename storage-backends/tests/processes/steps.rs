//! Which step of the sync model a child is in, kept where its parent can read it after killing it; and which operation
//! its last save became.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use rustix::process::{Signal, getpid, kill_process};
use serde::{Deserialize, Serialize};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Before the library is open.
pub(crate) const OPENING: &str = "opening";
/// Between two calls.
pub(crate) const IDLE: &str = "idle";

const WIDTH: usize = 8;

/// Where a child ends itself, or pauses: at the n-th event of a step.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct End {
    pub(crate) step: String,
    pub(crate) n: u32,
    /// Paused until somebody continues it, not killed.
    pub(crate) pauses: bool,
}

/// Writes the step of each event of the library into a file, and ends the process where it is told to.
#[derive(Debug)]
pub(crate) struct Steps {
    file: File,
    end: Option<End>,
    seen: Mutex<HashMap<String, u32>>,
    saving: Arc<Mutex<Saving>>,
}

/// The saves that a child has tried to write since it was asked last.
#[derive(Debug, Default, Clone)]
pub(crate) struct Saving {
    /// How often: more than once when others got in between.
    pub(crate) attempts: u32,
    /// The operation of the last attempt.
    pub(crate) operation: Option<String>,
}

impl Steps {
    pub(crate) fn new(path: &Path, end: Option<End>) -> Self {
        let file = OpenOptions::new().create(true).truncate(true).write(true).open(path).unwrap();
        let steps = Self { file, end, seen: Mutex::default(), saving: Arc::default() };
        write_step(&steps.file, OPENING);
        steps
    }

    pub(crate) fn handle(&self) -> Marker {
        Marker { file: self.file.try_clone().unwrap(), saving: Arc::clone(&self.saving) }
    }

    fn enter(&self, step: &str, operation: Option<String>) {
        write_step(&self.file, step);
        if let Some(operation) = operation.filter(|_| step == "D0") {
            let mut saving = self.saving.lock().unwrap();
            // The same one is tried in another way before it counts as tried again.
            let again = saving.operation.as_ref() != Some(&operation);
            *saving = Saving { attempts: saving.attempts + u32::from(again), operation: Some(operation) };
        }
        let mut seen = self.seen.lock().unwrap();
        let count = seen.entry(step.to_owned()).or_default();
        *count += 1;
        if let Some(end) = self.end.as_ref().filter(|end| end.step == step && end.n == *count) {
            kill_process(getpid(), if end.pauses { Signal::STOP } else { Signal::KILL }).unwrap();
            // Another thread may be the one that is told to stop all of them: this one goes nowhere meanwhile.
            std::thread::sleep(std::time::Duration::from_millis(500));
        }
    }
}

/// Marks that no step is under way.
#[derive(Debug)]
pub(crate) struct Marker {
    file: File,
    saving: Arc<Mutex<Saving>>,
}

impl Marker {
    pub(crate) fn mark(&self, step: &str) {
        write_step(&self.file, step);
    }

    /// What was tried since the last time.
    pub(crate) fn saving(&self) -> Saving {
        std::mem::take(&mut *self.saving.lock().unwrap())
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

#[derive(Default)]
struct StepOf {
    step: Option<String>,
    operation: Option<String>,
}

impl Visit for StepOf {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "step" {
            self.step = Some(value.to_owned());
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "operation" {
            self.operation = Some(format!("{value:?}"));
        }
    }
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
        let mut found = StepOf::default();
        event.record(&mut found);
        if let Some(step) = found.step {
            self.enter(&step, found.operation);
        }
    }

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}
