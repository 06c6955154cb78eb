//! One version of an entity, and the view of an entity that people get.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{EntityId, EntityKey, KindName, Location, Slug, Status};
use crate::{Error, ErrorKind, Result};

/// Decoded fields in the order of the file. Every field is kept, known or not. Numbers are integers of 64 bits or
/// finite floats; dates and everything that is not exactly a YAML 1.2 core value are strings.
pub type Fields = Map<String, Value>;

/// A person or service as git names it: `Name <mail>`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Author {
    /// The name.
    pub name: String,
    /// The mail address.
    pub email: String,
}

impl Author {
    /// An author of a name and a mail address, without the characters that would break a commit object
    /// (`<`, `>`, line ends, NUL).
    pub fn new(name: impl AsRef<str>, email: impl AsRef<str>) -> Self {
        let clean =
            |text: &str| text.chars().filter(|c| !matches!(c, '<' | '>' | '\n' | '\r' | '\0')).collect::<String>().trim().to_owned();
        Self { name: clean(name.as_ref()), email: clean(email.as_ref()) }
    }

    /// Parses `Name <mail>`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when the text has another shape.
    pub fn parse(text: &str) -> Result<Self> {
        let parsed = text.trim().strip_suffix('>').and_then(|rest| rest.split_once('<'));
        match parsed {
            Some((name, email)) if !email.contains(['<', '>']) => Ok(Self::new(name, email)),
            _ => Err(Error::new(ErrorKind::InvalidInput, format!("author `{text}` is not of the form `Name <mail>`"))),
        }
    }
}

impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} <{}>", self.name, self.email)
    }
}

/// One version of an entity: its exact bytes in two parts, and what they say. For a Markdown file the bytes of the
/// file are `head` followed by `body`; for a JSON entry `head` is the entry's own text and `body` is empty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Content {
    /// The readable name.
    pub slug: Slug,
    /// Where it lives, or would live.
    pub location: Location,
    /// What people call it.
    pub title: String,
    /// The workflow state, for kinds that have a workflow.
    pub status: Option<Status>,
    /// The decoded fields of `head`.
    pub fields: Fields,
    /// The frontmatter block with its fences, byte for byte (empty when the file has none), or the entry's JSON text.
    pub head: String,
    /// Everything after the frontmatter, byte for byte.
    pub body: String,
}

impl Content {
    /// Whether both are the same bytes at the same place.
    pub fn same_bytes(&self, other: &Self) -> bool {
        self.location == other.location && self.head == other.head && self.body == other.body
    }
}

/// How an entity stands between SQL and git.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SyncStatus {
    /// SQL and git hold the same bytes.
    Synced,
    /// A save is waiting to be committed.
    Pending,
    /// A save can never be committed as it is; it is kept, with the reason.
    Failed,
    /// Held in SQL until it is published.
    Draft,
    /// SQL and git disagree and a person decides; both versions are kept.
    Conflict,
    /// The file in git cannot be understood; the last good version is shown.
    Invalid,
}

/// An entity as readers see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Knowledge {
    /// The id within the kind.
    pub id: EntityId,
    /// The kind.
    pub kind: KindName,
    /// The readable name.
    pub slug: Slug,
    /// The file, or `file#entry`.
    #[serde(rename = "path", serialize_with = "as_display")]
    pub location: Location,
    /// What people call it.
    pub title: String,
    /// The workflow state, for kinds that have a workflow.
    pub status: Option<Status>,
    /// All fields in the order of the file, private ones last.
    pub fields: Fields,
    /// The Markdown below the frontmatter.
    pub body: String,
    /// The number of this content: what a form sends back as `based_on`.
    pub revision: u64,
    /// How it stands between SQL and git.
    pub sync_status: SyncStatus,
    /// When SQL and git were last equal for this entity.
    pub last_synced_at: Option<Timestamp>,
    /// The commit that brought the live version.
    pub git_commit_sha: Option<String>,
}

impl Knowledge {
    /// The identity.
    pub fn key(&self) -> EntityKey {
        EntityKey { kind: self.kind.clone(), id: self.id.clone() }
    }
}

fn as_display<S: serde::Serializer>(location: &Location, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(location)
}
