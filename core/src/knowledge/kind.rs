//! What the repository says about one kind of knowledge: where its files are, how they are named, and which rules
//! its fields follow.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{KindName, KnowledgePath, Location, Slug};
use crate::{Error, ErrorKind, Result};

/// How a kind's entities are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// One Markdown file an entity.
    Markdown,
    /// One JSON file of many entries, each an entity.
    Json,
}

/// What names a new file of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Naming {
    /// The slug of the title; a changed title moves the file while its slug still follows the old title.
    Slug,
    /// The id; the file never moves by itself.
    Id,
}

/// How two edits of one list are merged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ListRule {
    /// Adds and removes of both sides, order of no meaning.
    Set,
    /// Items are mappings known by one of their fields.
    Keyed(String),
    /// One value: two different edits conflict. The rule of every list that is not declared.
    Sequence,
}

/// How a field that the library maintains gets its value at a save.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DerivedRule {
    /// The time of creation; written once, into new files.
    Created,
    /// The time of the last save; changed where the file has the field, written into new files.
    Updated,
}

/// Who wins where both sides changed the same thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConflictPolicy {
    /// A person decides.
    #[default]
    Ask,
    /// Git's side.
    Git,
    /// The database's side.
    Cache,
}

/// One kind of knowledge of a repository.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kind {
    /// Its name.
    pub name: KindName,
    /// The folder of its files from the top of the repository, without a slash at the end; empty for the top.
    pub folder: String,
    /// For [`Format::Markdown`] the pattern below the folder; for [`Format::Json`] the file's name in it.
    pub glob: String,
    /// How its entities are stored.
    pub format: Format,
    /// What names a new file.
    pub naming: Naming,
    /// The fields that may name an entity, in order of preference; never empty.
    pub title_fields: Vec<String>,
    /// Whether `status` is the workflow's state.
    pub workflow: bool,
    /// Whether new entities start as drafts (with `workflow`).
    pub review: bool,
    /// Whether `README.md` files are entities.
    pub readme: bool,
    /// The path of its JSON Schema from the top of the repository.
    pub schema: Option<String>,
    /// Declared lists.
    pub lists: BTreeMap<String, ListRule>,
    /// Fields whose value no two entities share.
    pub unique: Vec<String>,
    /// Fields that stay in SQL and never reach git.
    pub private: Vec<String>,
    /// Fields that the library maintains.
    pub derived: BTreeMap<String, DerivedRule>,
    /// Who wins where both sides changed the same thing.
    pub conflict: ConflictPolicy,
}

impl Kind {
    /// The slug of a file of this kind: its path below the folder without the extension.
    pub fn slug_of(&self, path: &KnowledgePath) -> Slug {
        let below = path.as_str().strip_prefix(self.folder.as_str()).unwrap_or(path.as_str()).trim_start_matches('/');
        let stem = below.rsplit_once('.').map_or(below, |(stem, _)| stem);
        Slug::new(stem)
    }

    /// Where an entity with `slug` lives.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when the slug does not make a safe path of this kind.
    pub fn location(&self, slug: &Slug) -> Result<Location> {
        let _ = (Error::new(ErrorKind::Internal, ""), slug);
        let prefix = if self.folder.is_empty() { String::new() } else { format!("{}/", self.folder) };
        match self.format {
            Format::Json => Ok(Location::entry(KnowledgePath::new(format!("{prefix}{}", self.glob))?, slug.as_str())),
            Format::Markdown => Ok(Location::file(KnowledgePath::new(format!("{prefix}{slug}.md"))?)),
        }
    }
}
