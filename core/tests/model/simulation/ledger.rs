//! Who wrote which word, and what became of it as far as somebody decided it. A word that nobody replaced must be
//! found.

use std::collections::{BTreeMap, BTreeSet};

use super::text::words;

#[derive(Debug, Default)]
pub(super) struct Ledger {
    count: usize,
    /// Every word that was acknowledged or pushed, with who replaced it.
    words: BTreeMap<String, Option<String>>,
    /// Acknowledged saves, deletions and decisions.
    pub(super) acknowledged: u64,
    /// How often what happened.
    pub(super) happened: Happened,
}

pub(super) type Happened = BTreeMap<&'static str, u64>;

impl Ledger {
    /// A word that nobody has written yet.
    pub(super) fn word(&mut self, by: char) -> String {
        self.count += 1;
        format!("{by}{}x", self.count)
    }

    pub(super) fn count(&mut self, what: &'static str) {
        *self.happened.entry(what).or_default() += 1;
    }

    /// From now on the word must be found.
    pub(super) fn owe(&mut self, word: &str) {
        self.words.insert(word.to_owned(), None);
    }

    /// From now on the word must be found, if it is new.
    pub(super) fn owe_new(&mut self, word: &str) {
        self.words.entry(word.to_owned()).or_insert(None);
    }

    /// Somebody replaced these, and may.
    pub(super) fn replaced(&mut self, words: impl IntoIterator<Item = String>, by: &str) {
        for word in words {
            self.words.entry(word).and_modify(|end| *end = Some(by.to_owned()));
        }
    }

    /// Whether a line holds words, all of which somebody replaced.
    pub(super) fn may_go(&self, line: &str) -> bool {
        let words = words(line);
        !words.is_empty() && words.iter().all(|word| self.words.get(word).is_some_and(Option::is_some))
    }

    /// The first word that must be found and is not.
    pub(super) fn missing(&self, present: &BTreeSet<String>) -> Option<&str> {
        self.words.iter().find(|(word, end)| end.is_none() && !present.contains(*word)).map(|(word, _)| word.as_str())
    }
}
