//! The review workflow's states. Only kinds that declare a workflow have them; elsewhere `status` is a field like
//! any other.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The state of an entity of a kind with a workflow, as its `status` field spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Lives in the database only.
    Draft,
    /// Lives in the database only, waiting for a reviewer.
    InReview,
    /// Committed to the main branch.
    Published,
    /// Taken out of git; the content stays in the database.
    Archived,
}

impl Status {
    /// The status that a field's text names exactly, or `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "DRAFT" => Some(Self::Draft),
            "IN_REVIEW" => Some(Self::InReview),
            "PUBLISHED" => Some(Self::Published),
            "ARCHIVED" => Some(Self::Archived),
            _ => None,
        }
    }

    /// The text of this status in a file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "DRAFT",
            Self::InReview => "IN_REVIEW",
            Self::Published => "PUBLISHED",
            Self::Archived => "ARCHIVED",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
