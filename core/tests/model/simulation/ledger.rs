//! Who wrote which word, and what became of it as far as somebody decided it. A word that nobody replaced must be
//! found.

use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default)]
pub(super) struct Ledger {
    count: usize,
    /// Every word that was acknowledged or pushed, with who replaced it.
    words: BTreeMap<String, Option<String>>,
    /// Acknowledged saves, deletions and decisions.
    pub(super) acknowledged: u64,
}

impl Ledger {
    /// A word that nobody has written yet.
    pub(super) fn word(&mut self, by: char) -> String {
        self.count += 1;
        format!("{by}{}x", self.count)
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

    /// The first word that must be found and is not.
    pub(super) fn missing(&self, present: &BTreeSet<String>) -> Option<&str> {
        self.words.iter().find(|(word, end)| end.is_none() && !present.contains(*word)).map(|(word, _)| word.as_str())
    }
}
