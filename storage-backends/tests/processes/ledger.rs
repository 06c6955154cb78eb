//! What the children did, one line an event, appended with one plain write each before they go on: the parent holds
//! the library to it. A save is announced before it is made, because a killed child may have saved without having
//! been able to say so.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum What {
    Create,
    Edit,
    Delete,
    /// A conflict decided in favour of the save.
    Keep,
    /// A conflict decided in favour of git.
    Discard,
    /// A row of an import: makes or replaces an entity.
    Import,
    /// A refresh of the external source.
    Refresh,
    /// What the external source said taken in place of a person's value.
    Take,
}

/// A save, or a decision, about one entity: which texts it puts where. A text is unique.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Intent {
    pub(crate) number: String,
    pub(crate) what: What,
    pub(crate) kind: String,
    pub(crate) id: String,
    /// Field (or `title`, `body`) and token.
    pub(crate) values: Vec<(String, String)>,
    /// The token that the form showed where the save puts its own, if it was made from a form; everything that was shown
    /// of what is deleted.
    pub(crate) seen: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Line {
    Intent(Intent),
    /// The save of this number returned.
    Acknowledged {
        number: String,
        revision: u64,
        status: String,
        /// What it became in the log and in git's trailers; nothing where there was nothing to write.
        operation: Option<String>,
        /// How often it was tried, because others got in between.
        attempts: u32,
        microseconds: u64,
    },
    /// It returned an error that says that nothing was saved, as it may where an engineer works.
    Refused {
        number: String,
        why: String,
    },
    /// It returned an error that it must not.
    Failed {
        number: String,
        why: String,
    },
    /// The first synchronisation of this child succeeded.
    Recovered {
        life: u32,
        tries: u32,
        milliseconds: u64,
    },
}

#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    path: PathBuf,
}

/// The ledger as a child holds it.
#[derive(Debug)]
pub(crate) struct Pen(File);

impl Ledger {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub(crate) fn pen(&self) -> Pen {
        Pen(OpenOptions::new().create(true).append(true).open(&self.path).unwrap())
    }

    pub(crate) fn read(&self) -> Vec<Line> {
        let text = std::fs::read_to_string(&self.path).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in the ledger line {line}"))).collect()
    }
}

impl Pen {
    pub(crate) fn write(&mut self, line: &Line) {
        let mut text = serde_json::to_string(line).unwrap();
        text.push('\n');
        self.0.write_all(text.as_bytes()).unwrap();
    }
}
