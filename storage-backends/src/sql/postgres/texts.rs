//! What PostgreSQL cannot take as it is: the character NUL in a text, and long texts in an index.

use std::borrow::Cow;

use lorebase::knowledge::LocationKey;
use lorebase::{Error, ErrorKind};
use uuid::{Uuid, uuid};

use super::super::failure::Failure;

/// A longer place is looked up by its digest: an index row holds less than 3 kB.
const LONGEST_PLACE: usize = 1024;

const DIGEST_NAMESPACE: Uuid = uuid!("6a6f7b0e-3b0b-5d53-8a35-0c4f1a7be2d1");

/// A place as it stands in the tables.
pub(super) fn stored_place(place: &LocationKey) -> Cow<'_, str> {
    let text = place.as_str();
    if text.len() <= LONGEST_PLACE {
        return Cow::Borrowed(text);
    }
    let end = (0..=LONGEST_PLACE / 2).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    // No place begins with this character, and none of ours is as long as a digested one.
    Cow::Owned(format!("\u{1}{}{}", &text[..end], Uuid::new_v5(&DIGEST_NAMESPACE, text.as_bytes())))
}

/// A text that somebody asks for. Nothing stored holds NUL, so one that does is asked for by a text that nobody stores.
pub(super) fn asked(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{ffff}")) } else { Cow::Borrowed(text) }
}

/// JSON that somebody asks for, in the same way.
pub(super) fn asked_json(json: &str) -> Cow<'_, str> {
    if holds_nul(json) { Cow::Owned(json.replace("\\u0000", "\\uffff")) } else { Cow::Borrowed(json) }
}

/// Whether a value of this JSON holds the character NUL: an escape that is not itself escaped.
pub(super) fn holds_nul(json: &str) -> bool {
    json.match_indices("\\u0000").any(|(at, _)| json[..at].bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 0)
}

/// Why a text is not written.
pub(super) fn nul(table: &str, column: &str) -> Failure {
    let message = format!(
        "a text holds the character NUL, which PostgreSQL cannot keep (in the column `{column}` of `{table}`); remove it and save again"
    );
    Error::new(ErrorKind::InvalidInput, message).with("column", column).into()
}

#[cfg(test)]
mod tests {
    use lorebase::knowledge::{KnowledgePath, Location};

    use super::*;

    #[test]
    fn only_an_escape_that_is_not_escaped_is_nul() {
        assert!(holds_nul(r#""\u0000""#) && holds_nul(r#""\\\u0000""#));
        assert!(!holds_nul(r#""\\u0000""#) && !holds_nul(r#""u0000""#) && !holds_nul(r#""\\\\u0000""#));
    }

    #[test]
    fn long_places_are_short_and_differ_as_before() {
        let place = |entry: String| Location { path: KnowledgePath::new("a.json").unwrap(), entry: Some(entry) }.key();
        let stored = |entry: String| stored_place(&place(entry)).into_owned();
        assert_eq!(stored("x".to_owned()), place("x".to_owned()).as_str());
        let long = "ü".repeat(2000);
        assert!(stored(long.clone()).len() < LONGEST_PLACE);
        assert_ne!(stored(long.clone()), stored(format!("{long}x")));
    }
}
