//! What one process is asked to do, and what it answers: the same for the library and for the peers, whatever their
//! language. One process does one job; the seconds are taken inside it, so starting it costs nobody anything.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The jobs that are raced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Work {
    /// All files of the branch into an empty database, opening included.
    Initial,
    /// Nothing has changed.
    Noop,
    /// One commit has changed some files.
    Small,
    /// One field of one entity, committed and durable.
    Save,
    /// A table of rows into an empty repository.
    Export,
    /// The frontmatter of many texts.
    Decode,
}

/// One entity to save.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Target {
    pub(crate) kind: String,
    pub(crate) id: String,
    pub(crate) slug: String,
    pub(crate) path: String,
}

/// One job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Job {
    #[serde(rename = "job")]
    pub(crate) work: Work,
    /// For a side with more than one way: which.
    pub(crate) style: String,
    pub(crate) repo: PathBuf,
    pub(crate) db: PathBuf,
    /// How often, for [`Work::Noop`] and [`Work::Decode`].
    pub(crate) count: usize,
    /// What, for [`Work::Save`].
    pub(crate) targets: Vec<Target>,
    /// The new `filename`, for [`Work::Save`].
    pub(crate) value: String,
    /// The rows, for [`Work::Export`]; for [`Work::Decode`] the texts, a JSON string a line.
    pub(crate) rows: Option<PathBuf>,
    /// One commit for each entity, for [`Work::Export`].
    pub(crate) each: bool,
    /// `name <email>` of who saves.
    pub(crate) author: String,
}

/// What a process answers, in one line.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// One time, or one for each repetition.
    pub(crate) seconds: Vec<f64>,
    /// `journal_mode synchronous` of the connection that wrote.
    pub(crate) durability: String,
    /// Of everything that took part.
    pub(crate) versions: BTreeMap<String, String>,
    /// How many fields each text has, for [`Work::Decode`]; -1 for one that was refused.
    #[serde(default)]
    pub(crate) fields: Vec<i64>,
}
