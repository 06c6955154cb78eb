//! Members of `[]` and `{}` that change, come and go, in YAML and JSON: commas stay right, and what stands on lines
//! of its own stays so.

use std::ops::Range;

use super::node::{Entry, Node};
use super::splice::{Splices, indent_of};

/// A collection with brackets or braces and what is to happen to its members.
pub(super) struct FlowEdit<'t> {
    pub(super) text: &'t str,
    /// The collection with its brackets.
    pub(super) span: Range<usize>,
    /// The members' places, without commas.
    pub(super) members: Vec<Range<usize>>,
    /// Which members go.
    pub(super) removed: Vec<bool>,
    /// What comes, and before which member.
    pub(super) inserted: Vec<(usize, String)>,
    /// What stands around new members of a collection that has none to learn from.
    pub(super) empty: Around,
}

/// What stands before the first member, between members, and after the last one.
#[derive(Debug, Clone)]
pub(super) struct Around {
    pub(super) before: String,
    pub(super) between: String,
    pub(super) after: String,
}

impl Around {
    /// All on one line.
    pub(super) fn line() -> Self {
        Self { before: String::new(), between: ", ".to_owned(), after: String::new() }
    }

    /// Each member on a line of its own with `inner` in front, the closing bracket with `outer`.
    pub(super) fn lines(line_end: &str, inner: &str, outer: &str) -> Self {
        Self { before: format!("{line_end}{inner}"), between: format!(",{line_end}{inner}"), after: format!("{line_end}{outer}") }
    }
}

/// Whether the members stand on lines of their own: the indent of the first one.
pub(super) fn own_lines<'t>(text: &'t str, open: usize, members: &[Range<usize>]) -> Option<&'t str> {
    let first = members.first()?;
    text[open..first.start].contains('\n').then(|| indent_of(text, first.start))
}

/// The places of the members of a sequence.
pub(super) fn item_spans(items: &[Node<'_>]) -> Vec<Range<usize>> {
    items.iter().map(|item| item.outer..item.end).collect()
}

/// The places of the members of a mapping.
pub(super) fn entry_spans(entries: &[Entry<'_>]) -> Vec<Range<usize>> {
    entries
        .iter()
        .map(|entry| {
            let behind_colon = entry.colon.map_or(entry.key.end, |colon| colon + 1);
            entry.key.outer..entry.value.end.max(behind_colon)
        })
        .collect()
}

impl FlowEdit<'_> {
    /// Adds the changes to `splices`.
    pub(super) fn apply(self, line_end: &str, splices: &mut Splices) {
        let around = self.around(line_end);
        let Some(last_kept) = self.removed.iter().rposition(|removed| !removed) else {
            let new: Vec<_> = self.inserted.into_iter().map(|(_, text)| text).collect();
            let inner =
                if new.is_empty() { String::new() } else { format!("{}{}{}", around.before, new.join(&around.between), around.after) };
            splices.replace(self.span.start + 1..self.span.end - 1, inner);
            return;
        };
        for (before, text) in &self.inserted {
            let kept_before = (0..*before).rev().find(|member| !self.removed[*member]);
            if let Some(member) = kept_before {
                splices.insert(self.members[member].end, format!("{}{text}", around.between));
            } else {
                let next = self.removed.iter().position(|removed| !removed).unwrap_or(last_kept);
                splices.insert(self.members[next].start, format!("{text}{}", around.between));
            }
        }
        let mut member = 0;
        while member < self.removed.len() {
            let run = self.removed[member..].iter().take_while(|removed| **removed).count();
            if run > 0 && member > last_kept {
                splices.remove(self.members[last_kept].end..self.members[member + run - 1].end);
            } else if run > 0 {
                splices.remove(self.members[member].start..self.members[member + run].start);
            }
            member += run.max(1);
        }
    }

    fn around(&self, line_end: &str) -> Around {
        let (Some(first), Some(last)) = (self.members.first(), self.members.last()) else { return self.empty.clone() };
        let before = &self.text[self.span.start + 1..first.start];
        let after = &self.text[last.end..self.span.end - 1];
        let blank = |text: &str| if text.trim().is_empty() { text.to_owned() } else { String::new() };
        let between = match (own_lines(self.text, self.span.start, &self.members), self.members.get(1)) {
            (Some(indent), _) => format!(",{line_end}{indent}"),
            (None, Some(second)) if &self.text[first.end..second.start] == "," => ",".to_owned(),
            (None, _) => ", ".to_owned(),
        };
        Around { before: blank(before), between, after: blank(after) }
    }
}
