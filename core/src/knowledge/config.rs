//! The repository's own settings, `lorebase.yaml`: which kinds there are and where. Read from the tree at HEAD.

use serde::{Deserialize, Serialize};

use super::{Kind, KindName, KnowledgePath};

/// The kinds of a repository.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// Where the kinds' folders are, without a slash at the end; empty for the top.
    pub root: String,
    /// All kinds: the built-in ones and the declared ones.
    pub kinds: Vec<Kind>,
}

impl Config {
    /// The file's name at the top of a repository.
    pub const FILE: &str = "lorebase.yaml";

    /// The seven built-in kinds at the top of the repository.
    pub fn built_in() -> Self {
        Self { root: String::new(), kinds: Vec::new() }
    }

    /// The kind of a name.
    pub fn kind(&self, name: &KindName) -> Option<&Kind> {
        self.kinds.iter().find(|kind| kind.name == *name)
    }

    /// The kind that a file of the repository belongs to: the longest folder that holds it and whose pattern it
    /// matches. `None` for everything else (other files, `README.md`, names that begin with a dot).
    pub fn classify(&self, path: &KnowledgePath) -> Option<&Kind> {
        let _ = path;
        None
    }
}
