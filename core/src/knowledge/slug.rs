//! Slugs: the readable part of a path. Generated ones are `[a-z0-9-]`; ones read from git are any safe path below
//! the kind's folder.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest slug that is generated, in bytes.
const LONGEST: usize = 100;

/// The path of an entity below its kind's folder without the extension, or the key of a JSON entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Slug(String);

impl Slug {
    /// Wraps a slug as it is; [`Kind::location`](super::Kind::location) checks that it makes a safe path.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The string.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for Slug {
    fn from(value: &str) -> Self {
        Self(value.to_owned())
    }
}

/// The slug of a title: lower-cased, every run of other characters than ASCII letters and digits one `-`, none at
/// the ends, at most 100 bytes. `None` when nothing is left.
///
/// ```
/// use lorebase::knowledge::slugify;
/// assert_eq!(slugify("Acme, Inc.").unwrap().as_str(), "acme-inc");
/// assert!(slugify("!!!").is_none());
/// ```
pub fn slugify(title: &str) -> Option<Slug> {
    let mut slug = String::with_capacity(title.len().min(LONGEST));
    for c in title.chars().flat_map(char::to_lowercase) {
        if slug.len() >= LONGEST {
            break;
        }
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    (!slug.is_empty()).then(|| Slug(slug.to_owned()))
}
