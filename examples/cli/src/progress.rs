//! How far a long call is, on stderr: a bar on a terminal, elsewhere a line at every tenth of a long one.

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use lorebase::sync::{Phase, Progress, ProgressFn};

/// Shorter work is not told line by line.
const LONG: u64 = 1000;

/// One command's progress; the bar goes away with it.
pub(crate) struct Meter {
    bar: Option<ProgressBar>,
    told: Arc<Mutex<Told>>,
}

#[derive(Default)]
struct Told {
    last: Option<Progress>,
    tenth: u64,
}

fn words(phase: Phase) -> (&'static str, &'static str) {
    match phase {
        Phase::Ingest => ("reading", "files"),
        Phase::Publish => ("committing", "saves"),
    }
}

impl Meter {
    pub(crate) fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}") {
                bar.set_style(style);
            }
            bar
        });
        Self { bar, told: Arc::default() }
    }

    /// What the library calls.
    pub(crate) fn callback(&self) -> ProgressFn {
        let (bar, told) = (self.bar.clone(), self.told.clone());
        Arc::new(move |progress| {
            let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
            let (verb, noun) = words(progress.phase);
            // A later chain of commits counts on from the ones before it.
            let total = progress.total.max(progress.done);
            if let Some(bar) = &bar {
                bar.set_length(total);
                bar.set_position(progress.done);
                if told.last.is_none_or(|last| last.phase != progress.phase) {
                    bar.set_message(verb);
                }
            } else if total >= LONG {
                let tenth = progress.done * 10 / total;
                if told.last.is_none_or(|last| last.phase != progress.phase) || tenth > told.tenth {
                    told.tenth = tenth;
                    let _ = writeln!(anstream::stderr(), "{verb} {} of {total} {noun}", progress.done);
                }
            }
            told.last = Some(progress);
        })
    }

    /// What was said last, as words: `1500 of 10000 files are read`.
    pub(crate) fn so_far(&self) -> Option<String> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.last.map(|last| match last.phase {
            Phase::Ingest => format!("{} of {} files are read", last.done, last.total),
            Phase::Publish => format!("{} saves are committed", last.done),
        })
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
