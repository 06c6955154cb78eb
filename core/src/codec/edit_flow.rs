//! Members of `[]` and `{}` that change, come and go, in YAML and JSON: commas stay right, and what stands on lines
//! of its own stays so.

use std::ops::Range;

use super::node::{Entry, Node};
use super::splice::{Splices, indent_of, line_start, line_stop, next_line};

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
        self.insert(&around, last_kept, line_end, splices);
        let lines: Option<Vec<_>> = if self.is_commented() {
            (0..self.members.len()).filter(|member| self.removed[*member]).map(|member| self.own_line(member)).collect()
        } else {
            None
        };
        if let Some(lines) = lines {
            // The comma that stays before the closing bracket is allowed in YAML.
            for line in lines {
                splices.remove(line);
            }
            return;
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

    fn insert(&self, around: &Around, last_kept: usize, line_end: &str, splices: &mut Splices) {
        // Behind which member a comma was put already.
        let mut comma_behind = None;
        for (before, text) in &self.inserted {
            let kept_before = (0..*before).rev().find(|member| !self.removed[*member]);
            let Some(member) = kept_before else {
                let next = self.removed.iter().position(|removed| !removed).unwrap_or(last_kept);
                splices.insert(self.members[next].start, format!("{text}{}", around.between));
                continue;
            };
            let end = self.members[member].end;
            let Some((comma, stop)) = self.comment_behind(end) else {
                splices.insert(end, format!("{}{text}", around.between));
                continue;
            };
            let indent = indent_of(self.text, self.members[member].start);
            if comma {
                splices.insert(stop, format!("{line_end}{indent}{text},"));
            } else {
                splices.insert(if comma_behind == Some(member) { stop } else { end }, ",");
                splices.insert(stop, format!("{line_end}{indent}{text}"));
                comma_behind = Some(member);
            }
        }
    }

    /// Whether a comment stands between the members.
    fn is_commented(&self) -> bool {
        let ends = self.members.iter().map(|member| member.end);
        let starts = self.members.iter().map(|member| member.start).chain([self.span.end]);
        std::iter::once(self.span.start).chain(ends).zip(starts).any(|(end, start)| self.text[end..start].contains('#'))
    }

    /// The comment on the line behind a member: whether a comma stands before it, and where it ends.
    fn comment_behind(&self, end: usize) -> Option<(bool, usize)> {
        let rest = self.text[end..self.span.end].trim_start_matches([' ', '\t']);
        let behind = rest.strip_prefix(',').unwrap_or(rest);
        let commented = behind.trim_start_matches([' ', '\t']).starts_with('#');
        commented.then(|| (behind.len() < rest.len(), line_stop(self.text, end)))
    }

    /// The lines of a member that has them for itself, with its comma and comment.
    fn own_line(&self, member: usize) -> Option<Range<usize>> {
        let Range { start, end } = self.members[member].clone();
        let line = line_start(self.text, start);
        let rest = self.text[end..line_stop(self.text, end)].trim_start_matches([' ', '\t']);
        let rest = rest.strip_prefix(',').unwrap_or(rest).trim_start_matches([' ', '\t']);
        let alone = self.text[line..start].trim().is_empty() && (rest.is_empty() || rest.starts_with('#'));
        alone.then(|| line..next_line(self.text, end))
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
