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

    /// Whether this is the slug that `title` generates, dashes at the end aside: older programs made slugs such as
    /// `acme-inc-`, which still follow their title.
    ///
    /// ```
    /// use lorebase::knowledge::Slug;
    /// assert!(Slug::new("acme-inc-").same_as_generated("Acme, Inc."));
    /// assert!(!Slug::new("acme").same_as_generated("Acme, Inc."));
    /// ```
    pub fn same_as_generated(&self, title: &str) -> bool {
        slugify(title).is_some_and(|generated| self.0.trim_end_matches('-') == generated.0)
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
/// the ends, at most 100 bytes. Letters with marks count as other characters ("Crème" is `cr-me`), as in the
/// programs whose slugs are already in repositories. `None` when nothing is left.
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn slug(title: &str) -> String {
        slugify(title).map(|slug| slug.0).unwrap_or_default()
    }

    #[test]
    fn runs_of_other_characters_become_one_dash() {
        assert_eq!(slug("Reading PDFs"), "reading-pdfs");
        assert_eq!(slug("  C++ & Rust: a -- b  "), "c-rust-a-b");
        assert_eq!(slug("snake_case/path.md"), "snake-case-path-md");
        assert_eq!(slug("2024 Q1"), "2024-q1");
        assert_eq!(slug("Acme, Inc."), "acme-inc");
    }

    #[test]
    fn letters_with_marks_are_other_characters_whatever_their_form() {
        assert_eq!(slug("Crème brûlée"), "cr-me-br-l-e");
        assert_eq!(slug("Cre\u{300}me"), "cre-me");
        assert_eq!(slug("İstanbul"), "i-stanbul");
        assert_eq!(slug("\u{212a}elvin"), "kelvin", "the Kelvin sign lower-cases to a plain k");
    }

    #[test]
    fn a_title_without_letters_or_digits_of_ascii_has_no_slug() {
        for title in ["", " ", "---", "!!!", "日本語", "🙂"] {
            assert_eq!(slugify(title), None, "{title:?}");
        }
    }

    #[test]
    fn a_long_title_is_cut_to_a_hundred_bytes_and_never_ends_in_a_dash() {
        assert_eq!(slug(&"a".repeat(300)), "a".repeat(100));
        assert_eq!(slug(&format!("{} b", "a".repeat(99))), "a".repeat(99));
    }

    #[test]
    fn an_old_slug_that_ends_in_dashes_still_follows_its_title() {
        for old in ["acme-inc", "acme-inc-", "acme-inc--"] {
            assert!(Slug::new(old).same_as_generated("Acme Inc."), "{old}");
        }
        for other in ["acme", "acme-inc-2", "-acme-inc", "Acme-Inc", "slides/acme-inc", ""] {
            assert!(!Slug::new(other).same_as_generated("Acme Inc."), "{other}");
        }
        assert!(!Slug::new("-").same_as_generated("!"), "a title without a slug is followed by nothing");
    }

    proptest! {
        #[test]
        fn a_generated_slug_is_short_plain_and_its_own_slug(title in "\\PC{0,150}|[a-zA-Z -]{80,160}") {
            let Some(slug) = slugify(&title) else { return Ok(()) };
            let text = slug.as_str();
            prop_assert!(!text.is_empty() && text.len() <= LONGEST);
            prop_assert!(text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'), "{}", text);
            prop_assert!(!text.starts_with('-') && !text.ends_with('-') && !text.contains("--"));
            prop_assert_eq!(slugify(text), Some(slug.clone()));
            prop_assert!(slug.same_as_generated(&title));
        }
    }
}
