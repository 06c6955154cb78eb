//! Where an entity lives in the repository. A [`KnowledgePath`] is always safe to write on any file system; a path
//! that is not cannot be made, so that nothing downstream has to check again.

use std::fmt;

use caseless::Caseless;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use super::path_rules::refusal;
use crate::{Error, ErrorKind, Result};

/// A safe path of a file in a repository: relative, `/`-separated, and nothing that git, Windows or macOS treat
/// specially.
///
/// Refused are: an empty path or one longer than 1,024 bytes; a part that is empty, `.` or `..`, longer than 255
/// bytes, or ends in a dot or a space; the characters `\ : < > " | ? *`, U+FFFD and every control character; `.git`
/// in any case or in a disguise that a file system sees through (zero-width characters, `git~1`); and the device
/// names of Windows (`CON`, `nul.md`, …). Spaces, brackets and every script are fine.
///
/// ```
/// use lorebase::knowledge::KnowledgePath;
/// assert!(KnowledgePath::new("skills/pdf/Größe [v2].md").is_ok());
/// assert!(KnowledgePath::new("skills/../.GIT/hooks/x").is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct KnowledgePath(String);

impl KnowledgePath {
    /// Checks a path.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] naming the path and the part that is refused.
    pub fn new(path: impl Into<String>) -> Result<Self> {
        let path = path.into();
        match refusal(&path) {
            None => Ok(Self(path)),
            Some(reason) => {
                Err(Error::new(ErrorKind::InvalidInput, format!("unsafe path `{}`: {reason}", path.escape_debug())).with("path", path))
            }
        }
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for KnowledgePath {
    type Error = Error;

    fn try_from(path: String) -> Result<Self> {
        Self::new(path)
    }
}

impl fmt::Display for KnowledgePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
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

/// A location after Unicode normalisation (NFC) and full case folding; the entry's key is kept exactly. Equal keys
/// mean that some common file system would take the two for one file. Not meant to be read by people.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LocationKey(String);

impl LocationKey {
    /// The key of a path and an optional entry.
    ///
    /// Folding is Unicode's canonical caseless matching (The Unicode Standard, section 3.13, D145), in NFC: `ß`
    /// equals `SS`, the final sigma equals the others, and `İ` equals `i` with a dot above but not `i`. Locale rules
    /// (Turkish) are not applied, so that every machine computes the same key.
    pub fn of(path: &str, entry: Option<&str>) -> Self {
        let mut key: String = if path.is_ascii() { path.to_ascii_lowercase() } else { path.nfd().default_case_fold().nfc().collect() };
        if let Some(entry) = entry {
            // No safe path holds a colon, so a file named `a#b` and the entry `b` of `a` stay apart.
            key.push(':');
            key.push_str(entry);
        }
        Self(key)
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(path: &str) -> LocationKey {
        LocationKey::of(path, None)
    }

    #[test]
    fn a_path_is_validated_when_it_is_deserialized() {
        let location: Location = serde_json::from_str(r#"{"path":"skills/a.md"}"#).unwrap();
        assert_eq!(location, Location::file(KnowledgePath::new("skills/a.md").unwrap()));
        assert_eq!(serde_json::to_string(&location).unwrap(), r#"{"path":"skills/a.md"}"#);

        let refused = serde_json::from_str::<Location>(r#"{"path":"skills/../a.md"}"#).unwrap_err();
        assert!(refused.to_string().contains("unsafe path `skills/../a.md`"), "{refused}");
    }

    #[test]
    fn an_unsafe_path_is_an_error_that_names_the_path_and_carries_it() {
        let error = KnowledgePath::new("skills/a\nb.md").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert_eq!(error.message(), r"unsafe path `skills/a\nb.md`: it holds the control character U+000A; rename the file");
        assert_eq!(error.context()["path"], "skills/a\nb.md");
    }

    #[test]
    fn paths_that_differ_only_in_case_have_one_key() {
        assert_eq!(key("skills/A.md"), key("skills/a.md"));
        assert_eq!(key("STRASSE.md"), key("straße.md"));
        assert_eq!(key("ẞ.md"), key("ss.md"));
        assert_eq!(key("ΟΔΟΣ.md"), key("οδος.md"));
        assert_eq!(key("οδοσ.md"), key("οδος.md"));
        assert_eq!(key("Ǆ.md"), key("ǅ.md"));
        assert_eq!(key("ﬁ.md"), key("fi.md"));
        assert_ne!(key("a.md"), key("b.md"));
    }

    #[test]
    fn dotted_and_dotless_i_follow_the_rules_of_no_locale() {
        assert_eq!(key("İ.md"), key("i\u{307}.md"));
        assert_ne!(key("İ.md"), key("i.md"));
        assert_ne!(key("ı.md"), key("i.md"));
        assert_eq!(key("I.md"), key("i.md"));
    }

    #[test]
    fn composed_and_decomposed_forms_have_one_key() {
        assert_eq!(key("caf\u{e9}.md"), key("cafe\u{301}.md"));
        assert_eq!(key("CAFE\u{301}.md"), key("caf\u{e9}.md"));
        // The iota below, which case folding moves out of its place (section 3.13's reason to normalise first).
        assert_eq!(key("\u{1fb3}\u{301}.md"), key("\u{3b1}\u{301}\u{345}.md"));
        assert_eq!(key("\u{1fb3}\u{301}.md"), key("\u{391}\u{345}\u{301}.md"));
    }

    #[test]
    fn entries_are_known_by_their_exact_key_whatever_it_holds() {
        let file = KnowledgePath::new("categories/metadata.json").unwrap();
        let keys = ["a", "A", "é", "e\u{301}", "", "#", ":", "a/b", "a#b", "..", "CON", "a\tb", " "];
        for (i, one) in keys.iter().enumerate() {
            for (j, other) in keys.iter().enumerate() {
                let equal = Location::entry(file.clone(), *one).key() == Location::entry(file.clone(), *other).key();
                assert_eq!(equal, i == j, "{one:?} and {other:?}");
            }
        }
        assert_eq!(Location::entry(file.clone(), "a#b").to_string(), "categories/metadata.json#a#b");
        let text = serde_json::to_string(&Location::entry(file.clone(), "a\"\tb")).unwrap();
        assert_eq!(serde_json::from_str::<Location>(&text).unwrap(), Location::entry(file, "a\"\tb"));
    }

    #[test]
    fn an_entry_and_a_file_whose_name_looks_like_one_have_two_keys() {
        let entry = Location::entry(KnowledgePath::new("c/metadata.json").unwrap(), "x");
        let file = Location::file(KnowledgePath::new("c/metadata.json#x").unwrap());
        assert_eq!(entry.to_string(), file.to_string());
        assert_ne!(entry.key(), file.key());
    }

    proptest! {
        #[test]
        fn the_key_does_not_depend_on_normalisation_or_case(path in "[\\PC]{1,12}(/[a-zA-ZäÄßİıΣς\u{301}\u{345}]{1,6}){0,2}") {
            let Ok(safe) = KnowledgePath::new(path) else { return Ok(()) };
            let expected = Location::file(safe.clone()).key();
            let nfc: String = safe.as_str().nfc().collect();
            let nfd: String = safe.as_str().nfd().collect();
            let folded: String = safe.as_str().chars().default_case_fold().collect();
            prop_assert_eq!(&key(&nfc), &expected);
            prop_assert_eq!(&key(&nfd), &expected);
            prop_assert_eq!(&key(&nfd.chars().default_case_fold().collect::<String>()), &expected);
            if safe.as_str().nfd().eq(safe.as_str().chars()) {
                prop_assert_eq!(&key(&folded), &expected);
            }
            prop_assert_eq!(&key(expected.as_str()), &expected, "folding twice");
        }

        #[test]
        fn ascii_paths_take_the_short_way_to_the_same_key(path in "[ -~]{1,40}") {
            let long: String = path.nfd().default_case_fold().nfc().collect();
            prop_assert_eq!(key(&path).0, long);
        }
    }
}
