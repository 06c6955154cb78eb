//! The words of a search: how a user's text is cut into them, and how a found version is scored and shown. A store
//! only finds candidates by its own index; rank and snippet are decided here, so that all stores agree.

use std::borrow::Cow;
use std::ops::Range;

use ahash::AHashSet;
use serde_json::Value;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::knowledge::{Content, Fields};

const TITLE: f64 = 10.0;
const TERMS: f64 = 4.0;
const BODY: f64 = 1.0;
const BEFORE: usize = 4;
const AFTER: usize = 12;

/// The words that must all occur, folded; the last may be a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words(Vec<String>);

impl Words {
    /// Cuts a user's text at everything that is neither letter nor digit, and folds case and diacritics. Nothing in
    /// the text has any other meaning.
    pub fn of(text: &str) -> Self {
        Self(tokens(text).map(|range| fold(&text[range]).into_owned()).filter(|word| !word.is_empty()).collect())
    }

    /// The folded words.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }

    /// How well a version fits, more is better; `None` unless every word occurs in its title, the texts of its
    /// fields or its body.
    pub fn score(&self, content: &Content) -> Option<f64> {
        let terms = terms(&content.fields);
        let parts = [(content.title.as_str(), TITLE), (terms.as_str(), TERMS), (content.body.as_str(), BODY)];
        let mut scores = vec![0.0; self.0.len()];
        for (text, weight) in parts {
            let counts = self.count(text);
            for (score, count) in scores.iter_mut().zip(counts) {
                *score += weight * count / (count + 1.2);
            }
        }
        scores.iter().all(|score| *score > 0.0).then(|| scores.iter().sum())
    }

    /// A part of the version's text with the words between `[` and `]`: of the body, else of the title, else of the
    /// fields, whichever holds most of the words.
    pub fn snippet(&self, content: &Content) -> String {
        let terms = terms(&content.fields);
        let mut best = (0, content.body.as_str());
        for text in [content.body.as_str(), content.title.as_str(), terms.as_str()] {
            let held = self.count(text).iter().filter(|count| **count > 0.0).count();
            if held > best.0 {
                best = (held, text);
            }
        }
        self.cut(best.1)
    }

    fn cut(&self, text: &str) -> String {
        let found = tokens(text).position(|range| self.find(&text[range]).is_some()).unwrap_or(0);
        let from = found.saturating_sub(BEFORE);
        let window: Vec<_> = tokens(text).skip(from).take(BEFORE + AFTER).collect();
        let (Some(first), Some(last)) = (window.first(), window.last()) else { return String::new() };
        let mut snippet = String::new();
        if from > 0 {
            snippet.push('…');
        }
        let mut at = first.start;
        for range in &window {
            flat(&mut snippet, &text[at..range.start]);
            let marked = self.find(&text[range.clone()]).is_some();
            if marked {
                snippet.push('[');
            }
            snippet.push_str(&text[range.clone()]);
            if marked {
                snippet.push(']');
            }
            at = range.end;
        }
        if tokens(&text[last.end..]).next().is_some() {
            snippet.push('…');
        }
        snippet
    }

    fn count(&self, text: &str) -> Vec<f64> {
        let mut counts = vec![0.0; self.0.len()];
        for range in tokens(text) {
            let token = fold(&text[range]);
            let last = self.0.len().saturating_sub(1);
            for (index, word) in self.0.iter().enumerate() {
                if *word == *token {
                    counts[index] += 1.0;
                } else if index == last && token.starts_with(word.as_str()) {
                    counts[index] += 0.5;
                }
            }
        }
        counts
    }

    fn find(&self, token: &str) -> Option<usize> {
        let token = fold(token);
        let last = self.0.len().checked_sub(1)?;
        self.0.iter().position(|word| *word == *token).or_else(|| token.starts_with(self.0[last].as_str()).then_some(last))
    }
}

/// The folded words of a text, each once, with a blank between them: what an index of words has to know of it.
pub fn distinct(text: &str) -> String {
    let mut seen = AHashSet::with_capacity(text.len() / 16);
    let mut words = String::with_capacity(text.len() / 2);
    for range in tokens(text) {
        let word = fold(&text[range]);
        if !word.is_empty() && !seen.contains(&word) {
            if !words.is_empty() {
                words.push(' ');
            }
            words.push_str(&word);
            seen.insert(word);
        }
    }
    words
}

/// All texts of the fields at any depth, one after the other.
pub fn terms(fields: &Fields) -> String {
    fn add(value: &Value, terms: &mut String) {
        match value {
            Value::String(text) => {
                if !terms.is_empty() {
                    terms.push(' ');
                }
                terms.push_str(text);
            }
            Value::Array(items) => items.iter().for_each(|item| add(item, terms)),
            Value::Object(fields) => fields.values().for_each(|value| add(value, terms)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    let mut terms_of = String::new();
    fields.values().for_each(|value| add(value, &mut terms_of));
    terms_of
}

fn tokens(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let mut next = letter(text, at);
        while let Some((false, end)) = next {
            at = end;
            next = letter(text, at);
        }
        let start = at;
        while let Some((true, end)) = next {
            at = end;
            next = letter(text, at);
        }
        (start < at).then_some(start..at)
    })
}

/// Whether the character at a place belongs to a word, and where it ends.
fn letter(text: &str, at: usize) -> Option<(bool, usize)> {
    let byte = *text.as_bytes().get(at)?;
    if byte.is_ascii() {
        return Some((byte.is_ascii_alphanumeric(), at + 1));
    }
    let c = text[at..].chars().next()?;
    Some((c.is_alphanumeric() || is_combining_mark(c), at + c.len_utf8()))
}

fn fold(token: &str) -> Cow<'_, str> {
    if token.is_ascii() {
        if token.bytes().any(|byte| byte.is_ascii_uppercase()) { Cow::Owned(token.to_ascii_lowercase()) } else { Cow::Borrowed(token) }
    } else {
        Cow::Owned(token.nfd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).nfc().collect())
    }
}

fn flat(out: &mut String, between: &str) {
    let mut blank = false;
    for c in between.chars() {
        let is_blank = c.is_whitespace();
        if !(is_blank && blank) {
            out.push(if is_blank { ' ' } else { c });
        }
        blank = is_blank;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_folded_and_nothing_else_of_the_text_counts() {
        assert_eq!(Words::of("Crème \"brûlée\" AND (NOT foo*)").as_slice(), ["creme", "brulee", "and", "not", "foo"]);
        assert!(Words::of(" \"'*:^-( ").as_slice().is_empty());
        assert_eq!(Words::of("e\u{301}te\u{301}").as_slice(), ["ete"]);
    }

    #[test]
    fn an_index_knows_each_folded_word_once() {
        assert_eq!(distinct("Crème brûlée, creme  BRULEE 7×7 \u{301} 日本語"), "creme brulee 7 日本語");
        assert_eq!(distinct(" \"'*:^-( "), "");
    }

    #[test]
    fn a_snippet_marks_words_and_shows_where_it_was_cut() {
        let words = Words::of("needle hay");
        let text = "one two three four five six\n\n needle in the Haystack and so on and so forth until it ends at last";
        assert_eq!(words.cut(text), "…three four five six [needle] in the [Haystack] and so on and so forth until it…");
    }
}
