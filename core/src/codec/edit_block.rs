//! Values of a YAML document that change in place: only the bytes of what changed are spliced, in the style that
//! stands there. A change that has no such splice is refused, never forced; the caller verifies the outcome.

use serde_json::{Map, Value};

use super::edit_flow::{self, Around, FlowEdit};
use super::edit_merge::{has_anchor, is_merge, is_merged, merged, unwritable};
use super::edit_rewrite::inline;
use super::node::{Data, Entry, Node, Shape, Style};
use super::quote;
use super::splice::{MOST_COMPARED, MOST_RENAMED, Refusal, Splices, Step, line_start, line_stop, next_line, steps};
use super::write::{self, Layout, is_inline};

/// An edit of one YAML text under way.
pub(super) struct YamlEdit<'t> {
    pub(super) text: &'t str,
    pub(super) layout: Layout,
    pub(super) splices: Splices,
}

/// Where a value stands.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    /// Right behind the `:` or `-`.
    pub(super) after: usize,
    /// Inside of `[]` or `{}`.
    pub(super) flow: bool,
    /// Behind a dash.
    pub(super) dash: bool,
    /// What stands in front of the lines that belong to the key or dash.
    pub(super) indent: String,
    /// How the other strings of a list are quoted.
    pub(super) quotes: Option<Style>,
}

/// The text in which the fields of `root` are `new` instead of `old`.
///
/// # Errors
/// Why it cannot be done without touching other bytes.
pub(super) fn edit(
    text: &str,
    root: &Node<'_>,
    old: &Map<String, Value>,
    new: &Map<String, Value>,
    line_end: &'static str,
) -> Result<String, Refusal> {
    let layout = Layout { line_end, ..layout_of(text, root) };
    let mut edit = YamlEdit { text, layout, splices: Splices::default() };
    edit.mapping(root, old, new)?;
    edit.splices.apply(text)
}

impl YamlEdit<'_> {
    fn mapping(&mut self, node: &Node<'_>, old: &Map<String, Value>, new: &Map<String, Value>) -> Result<(), Refusal> {
        let Data::Map(entries, shape) = &node.data else { return Err("it is no mapping".to_owned()) };
        let mut added: Vec<_> = new.iter().filter(|(key, _)| !old.contains_key(*key)).collect();
        if let Some((key, _)) = added.iter().find(|(key, _)| is_merged(entries, old, key)) {
            return Err(merged(key));
        }
        let mut removed = Vec::with_capacity(entries.len());
        for (entry, (key, value)) in entries.iter().zip(old) {
            let next = new.get(key);
            if next != Some(value) && is_merge(entry) {
                return Err("the merge key `<<` cannot be edited in place".to_owned());
            }
            if next.is_none() && is_merged(entries, old, key) {
                return Err(merged(key));
            }
            let renamed = next.is_none() && self.rename(entry, value, &mut added, *shape != Shape::Block);
            removed.push(next.is_none() && !renamed);
            match next {
                None if renamed => {}
                Some(next) if next != value => {
                    let colon = entry.colon.ok_or_else(|| format!("the key `{key}` is not written as `key: value`"))?;
                    let indent = blanks_before(self.text, entry.key.outer);
                    let slot = Slot { after: colon + 1, flow: *shape != Shape::Block, dash: false, indent, quotes: None };
                    self.value(&slot, &entry.value, value, next).map_err(|reason| format!("`{key}`: {reason}"))?;
                }
                None if has_anchor(&entry.key) || has_anchor(&entry.value) => {
                    return Err(format!("`{key}`: it holds an anchor that an alias may mean"));
                }
                _ => {}
            }
        }
        match shape {
            Shape::Block => self.block_entries(entries, &removed, &added),
            Shape::Flow => {
                let members = edit_flow::entry_spans(entries);
                let inserted = added.into_iter().map(|(key, value)| (entries.len(), write::flow_entry(key, value))).collect();
                let span = node.start..node.end;
                FlowEdit { text: self.text, span, members, removed, inserted, empty: Around::line() }
                    .apply(self.layout.line_end, &mut self.splices);
                Ok(())
            }
            Shape::Pair if added.is_empty() && !removed.contains(&true) => Ok(()),
            Shape::Pair => Err("a pair inside of `[]` has no braces".to_owned()),
        }
    }

    /// Gives the entry the name of an added field with the same value, if there is one.
    fn rename(&mut self, entry: &Entry<'_>, value: &Value, added: &mut Vec<(&String, &Value)>, flow: bool) -> bool {
        let Data::Scalar(_, style) = &entry.key.data else { return false };
        let writable = entry.colon.is_some() && unwritable(&entry.key).is_none() && added.len() <= MOST_RENAMED;
        let Some(index) = added.iter().position(|(_, new)| writable && *new == value) else { return false };
        let (name, _) = added.remove(index);
        let text = quote::scalar_like(&Value::from(name.as_str()), *style, "", flow);
        self.splices.replace(entry.key.start..entry.key.end, text);
        true
    }

    fn block_entries(&mut self, entries: &[Entry<'_>], removed: &[bool], added: &[(&String, &Value)]) -> Result<(), Refusal> {
        let mut at = 0;
        while at < entries.len() {
            let entry = &entries[at];
            if !removed[at] {
                at += 1;
                continue;
            }
            if entry.colon.is_none() {
                return Err("a key that begins with `?` cannot be removed in place".to_owned());
            }
            if begins_line(self.text, entry.key.outer) {
                self.splices.remove(line_start(self.text, entry.key.outer)..next_line(self.text, self.end_of_entry(entry)));
                at += 1;
                continue;
            }
            // The first key stands behind a dash: the next one that stays takes its place.
            let kept = (at..entries.len()).find(|next| !removed[*next]).ok_or("nothing is left of a mapping in a list")?;
            let gap = self.end_of_entry(&entries[kept - 1])..entries[kept].key.outer;
            if !self.text[gap].trim().is_empty() {
                return Err("a comment stands between the keys".to_owned());
            }
            self.splices.remove(entry.key.outer..entries[kept].key.outer);
            at = kept;
        }
        if let (Some(last), false) = (entries.last(), added.is_empty()) {
            let indent = blanks_before(self.text, last.key.outer);
            let mut lines = String::new();
            for (key, value) in added {
                lines.push_str(&indent);
                write::entry(&mut lines, key, value, &indent, &self.layout);
            }
            self.splices.insert(next_line(self.text, self.end_of_entry(last)), lines);
        }
        Ok(())
    }

    fn value(&mut self, slot: &Slot, node: &Node<'_>, old: &Value, new: &Value) -> Result<(), Refusal> {
        if old == new {
            return Ok(());
        }
        if node.anchor > 0 || node.tagged || matches!(node.data, Data::Alias(_)) {
            return Err(refused(unwritable(node)));
        }
        let mark = self.splices.mark();
        let in_place = match (&node.data, old, new) {
            (Data::Map(entries, _), Value::Object(old), Value::Object(new)) if !old.is_empty() && !new.is_empty() => {
                let outcome = self.mapping(node, old, new);
                if entries.iter().any(is_merge) {
                    // Not to be written anew: the reason of the mapping is the one to tell.
                    return outcome;
                }
                outcome
            }
            (Data::Seq(items, shape), Value::Array(old), Value::Array(new)) if !old.is_empty() && !new.is_empty() => match shape {
                Shape::Block => self.block_items(node, items, old, new),
                Shape::Flow | Shape::Pair => self.flow_items(node, items, old, new),
            },
            _ => return self.rewrite(slot, node, new),
        };
        in_place.or_else(|reason| {
            self.splices.back_to(mark);
            if stays_in_part(old, new) && self.is_commented(node) {
                return Err(format!("{reason}, and comments would be lost if it were written anew"));
            }
            self.rewrite(slot, node, new).map_err(|_| reason)
        })
    }

    /// Whether something between the beginning and the end of a value may be a comment.
    fn is_commented(&self, node: &Node<'_>) -> bool {
        let text = &self.text[node.start..self.end_of(node).max(node.start)];
        text.match_indices('#').any(|(at, _)| text[..at].ends_with([' ', '\t', '\n']))
    }

    fn block_items(&mut self, node: &Node<'_>, items: &[Node<'_>], old: &[Value], new: &[Value]) -> Result<(), Refusal> {
        let dashes = self.dashes(node, items)?;
        let indent = blanks_before(self.text, node.start);
        let quotes = common_quotes(items);
        let mut insert_at = begins_line(self.text, dashes[0]).then(|| line_start(self.text, dashes[0]));
        for step in steps(old, new) {
            match step {
                Step::Change(from, to) => {
                    let slot = Slot { after: dashes[from] + 1, flow: false, dash: true, indent: format!("{indent}  "), quotes };
                    self.value(&slot, &items[from], &old[from], &new[to])?;
                    insert_at = Some(next_line(self.text, self.end_of(&items[from]).max(dashes[from])));
                }
                Step::Remove(from) => {
                    if has_anchor(&items[from]) {
                        return Err(refused(Some("an anchor")));
                    }
                    if !begins_line(self.text, dashes[from]) {
                        return Err("the first item of a list inside a list cannot be removed in place".to_owned());
                    }
                    let next = next_line(self.text, self.end_of(&items[from]).max(dashes[from]));
                    self.splices.remove(line_start(self.text, dashes[from])..next);
                    insert_at = Some(next);
                }
                Step::Insert(to) => {
                    let at = insert_at.ok_or("nothing can be put before the first item of a list inside a list")?;
                    let mut line = format!("{indent}- ");
                    self.item(&mut line, &new[to], &format!("{indent}  "), quotes);
                    self.splices.insert(at, line);
                }
            }
        }
        Ok(())
    }

    fn flow_items(&mut self, node: &Node<'_>, items: &[Node<'_>], old: &[Value], new: &[Value]) -> Result<(), Refusal> {
        let quotes = common_quotes(items);
        let mut removed = vec![false; items.len()];
        let mut inserted = Vec::new();
        let mut before = 0;
        for step in steps(old, new) {
            match step {
                Step::Change(from, to) => {
                    let slot = Slot { after: items[from].start, flow: true, dash: false, indent: String::new(), quotes };
                    self.value(&slot, &items[from], &old[from], &new[to])?;
                    before = from + 1;
                }
                Step::Remove(from) => {
                    if has_anchor(&items[from]) {
                        return Err(refused(Some("an anchor")));
                    }
                    removed[from] = true;
                    before = from + 1;
                }
                Step::Insert(to) => inserted.push((before, inline(&new[to], quotes, true))),
            }
        }
        let members = edit_flow::item_spans(items);
        let span = node.start..node.end;
        FlowEdit { text: self.text, span, members, removed, inserted, empty: Around::line() }
            .apply(self.layout.line_end, &mut self.splices);
        Ok(())
    }

    /// An item behind its dash, quoted like its neighbours.
    fn item(&self, out: &mut String, value: &Value, indent: &str, quotes: Option<Style>) {
        if is_inline(value) {
            out.push_str(&inline(value, quotes, false));
            out.push_str(self.layout.line_end);
        } else {
            write::item(out, value, indent, &self.layout);
        }
    }

    /// Where the dash of each item is.
    fn dashes(&self, node: &Node<'_>, items: &[Node<'_>]) -> Result<Vec<usize>, Refusal> {
        let column = node.start - line_start(self.text, node.start);
        let is_dash =
            |at: usize| self.text.as_bytes().get(at) == Some(&b'-') && self.text.as_bytes().get(at + 1).is_none_or(u8::is_ascii_whitespace);
        let mut dashes = Vec::with_capacity(items.len());
        let mut dash = node.start;
        for item in items {
            while !is_dash(dash) || !dashes.is_empty() && !begins_line(self.text, dash) {
                dash = self.in_column(next_line(self.text, dash), column);
                if dash >= self.text.len() || dash > item.start.max(item.end) {
                    return Err("the dashes of the list cannot be told apart".to_owned());
                }
            }
            dashes.push(dash);
            dash = self.in_column(next_line(self.text, self.end_of(item).max(dash)), column);
        }
        Ok(dashes)
    }

    /// The place in a column of the line that begins at `line`, or the end of a shorter line.
    fn in_column(&self, line: usize, column: usize) -> usize {
        let at = (line + column).min(line_stop(self.text, line));
        self.text.floor_char_boundary(at)
    }

    fn end_of_entry(&self, entry: &Entry<'_>) -> usize {
        let own = entry.colon.map_or(entry.key.end, |colon| colon + 1);
        self.end_of(&entry.value).max(own)
    }

    /// Where the last byte of a value is, line ends and comments behind it left out.
    pub(super) fn end_of(&self, node: &Node<'_>) -> usize {
        match &node.data {
            Data::Seq(items, Shape::Block) => items.last().map_or(node.end, |item| self.end_of(item).max(node.start)),
            Data::Map(entries, Shape::Block | Shape::Pair) => entries.last().map_or(node.end, |entry| self.end_of_entry(entry)),
            Data::Scalar(text, Style::Block) if text.ends_with("\n\n") || text.as_ref() == "\n" => {
                // Kept blank lines belong to the value.
                let end = self.text[..node.end].strip_suffix('\n').map_or(node.end, str::len);
                self.text[..end].strip_suffix('\r').map_or(end, str::len)
            }
            _ => self.text[..node.end].trim_end_matches([' ', '\t', '\r', '\n']).len(),
        }
    }
}

/// Whether a key or an item of the old value is in the new one.
fn stays_in_part(old: &Value, new: &Value) -> bool {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => old.keys().any(|key| new.contains_key(key)),
        (Value::Array(old), Value::Array(new)) => {
            old.len().saturating_mul(new.len()) > MOST_COMPARED || old.iter().any(|item| new.contains(item))
        }
        _ => false,
    }
}

pub(super) fn refused(what: Option<&str>) -> Refusal {
    format!("{} stands there, which an edit in place would lose", what.unwrap_or("something"))
}

/// Whether only blanks stand before `at` on its line.
pub(super) fn begins_line(text: &str, at: usize) -> bool {
    text[line_start(text, at)..at].bytes().all(|byte| matches!(byte, b' ' | b'\t'))
}

/// What to put in front of a line so that it lines up with `at`.
pub(super) fn blanks_before(text: &str, at: usize) -> String {
    let before = &text[line_start(text, at)..at];
    before.chars().map(|c| if c == '\t' { '\t' } else { ' ' }).collect()
}

/// The quotes that all strings of a list have.
fn common_quotes(items: &[Node<'_>]) -> Option<Style> {
    let mut styles = items.iter().map(|item| match &item.data {
        Data::Scalar(_, style @ (Style::Single | Style::Double)) => Some(*style),
        _ => None,
    });
    let first = styles.next()??;
    styles.all(|style| style == Some(first)).then_some(first)
}

/// How the file indents its lists and mappings, by the first ones below the top.
fn layout_of(text: &str, root: &Node<'_>) -> Layout {
    let mut layout = Layout::default();
    let Data::Map(entries, Shape::Block) = &root.data else { return layout };
    let column = |at: usize| at - line_start(text, at);
    let indent = |wanted: fn(&Data<'_>) -> bool| {
        entries
            .iter()
            .find(|entry| wanted(&entry.value.data) && entry.value.start > entry.key.end && begins_line(text, entry.value.start))
            .and_then(|entry| column(entry.value.start).checked_sub(column(entry.key.start)))
    };
    layout.list_indent = indent(|data| matches!(data, Data::Seq(_, Shape::Block))).unwrap_or(layout.list_indent);
    layout.map_indent = indent(|data| matches!(data, Data::Map(_, Shape::Block))).filter(|indent| *indent > 0).unwrap_or(layout.map_indent);
    layout
}
