//! Members of a JSON object that change in place: every other byte stays, new ones look like their neighbours.

use serde_json::{Map, Value};

use super::edit_flow::{self, Around, FlowEdit, own_lines};
use super::line_end;
use super::node::{Data, Node};
use super::splice::{MOST_RENAMED, Refusal, Splices, Step, indent_of, steps};
use super::write::{self, JsonLayout};

/// The text in which the members of `root` are `new` instead of `old`.
///
/// # Errors
/// Why it cannot be done in place.
pub(super) fn edit(text: &str, root: &Node<'_>, old: &Map<String, Value>, new: &Map<String, Value>) -> Result<String, Refusal> {
    let mut edit = JsonEdit { text, layout: layout_of(text, root), splices: Splices::default() };
    edit.object(root, old, new)?;
    edit.splices.apply(text)
}

/// How the members of a container look.
pub(super) fn layout_of(text: &str, root: &Node<'_>) -> JsonLayout {
    let mut layout = JsonLayout { line_end: line_end::dominant(text).unwrap_or("\n"), ..JsonLayout::default() };
    let members = match &root.data {
        Data::Map(entries, _) => {
            if let Some((entry, colon)) = entries.first().and_then(|entry| Some((entry, entry.colon?))) {
                layout.space = if text[colon + 1..entry.value.start].is_empty() { "" } else { " " };
            }
            edit_flow::entry_spans(entries)
        }
        Data::Seq(items, _) => edit_flow::item_spans(items),
        _ => return layout,
    };
    if let Some(inner) = own_lines(text, root.start, &members)
        && let Some(unit) = inner.strip_prefix(indent_of(text, root.end - 1))
        && !unit.is_empty()
    {
        unit.clone_into(&mut layout.indent);
    }
    layout
}

struct JsonEdit<'t> {
    text: &'t str,
    layout: JsonLayout,
    splices: Splices,
}

impl JsonEdit<'_> {
    fn object(&mut self, node: &Node<'_>, old: &Map<String, Value>, new: &Map<String, Value>) -> Result<(), Refusal> {
        let Data::Map(entries, _) = &node.data else { return Err("it is no object".to_owned()) };
        for (entry, (key, value)) in entries.iter().zip(old) {
            if let Some(next) = new.get(key) {
                self.value(&entry.value, value, next)?;
            }
        }
        let mut added: Vec<_> = new.iter().filter(|(key, _)| !old.contains_key(*key)).collect();
        let mut removed = Vec::with_capacity(entries.len());
        for (entry, (key, value)) in entries.iter().zip(old) {
            let comes = !new.contains_key(key) && added.len() <= MOST_RENAMED;
            let renamed = added.iter().position(|(_, new)| comes && *new == value);
            if let Some(index) = renamed {
                self.splices.replace(entry.key.start..entry.key.end, Value::from(added.remove(index).0.as_str()).to_string());
            }
            removed.push(renamed.is_none() && !new.contains_key(key));
        }
        let members = edit_flow::entry_spans(entries);
        let lines = members.is_empty().then(|| format!("{}{}", indent_of(self.text, node.start), self.layout.indent));
        let own = own_lines(self.text, node.start, &members).map(str::to_owned).or(lines);
        let inserted = added
            .into_iter()
            .map(|(key, value)| (entries.len(), write::json_entry(key, &self.written(value, own.as_deref()), &self.layout)))
            .collect();
        self.flow(node, members, removed, inserted);
        Ok(())
    }

    fn array(&mut self, node: &Node<'_>, items: &[Node<'_>], old: &[Value], new: &[Value]) -> Result<(), Refusal> {
        let members = edit_flow::item_spans(items);
        let own = own_lines(self.text, node.start, &members).map(str::to_owned);
        let mut removed = vec![false; items.len()];
        let mut inserted = Vec::new();
        let mut before = 0;
        for step in steps(old, new) {
            match step {
                Step::Change(from, to) => {
                    self.value(&items[from], &old[from], &new[to])?;
                    before = from + 1;
                }
                Step::Remove(from) => {
                    removed[from] = true;
                    before = from + 1;
                }
                Step::Insert(to) => inserted.push((before, self.written(&new[to], own.as_deref()))),
            }
        }
        self.flow(node, members, removed, inserted);
        Ok(())
    }

    fn value(&mut self, node: &Node<'_>, old: &Value, new: &Value) -> Result<(), Refusal> {
        match (&node.data, old, new) {
            _ if old == new => Ok(()),
            (Data::Map(..), Value::Object(old), Value::Object(new)) if !old.is_empty() && !new.is_empty() => self.object(node, old, new),
            (Data::Seq(items, _), Value::Array(old), Value::Array(new)) if !old.is_empty() && !new.is_empty() => {
                self.array(node, items, old, new)
            }
            _ => {
                let indent = self.text.contains('\n').then(|| indent_of(self.text, node.start));
                let text = self.written(new, indent);
                self.splices.replace(node.start..node.end, text);
                Ok(())
            }
        }
    }

    fn flow(&mut self, node: &Node<'_>, members: Vec<std::ops::Range<usize>>, removed: Vec<bool>, inserted: Vec<(usize, String)>) {
        let outer = indent_of(self.text, node.end - 1);
        let empty = Around::lines(self.layout.line_end, &format!("{outer}{}", self.layout.indent), outer);
        FlowEdit { text: self.text, span: node.start..node.end, members, removed, inserted, empty }
            .apply(self.layout.line_end, &mut self.splices);
    }

    /// A value as text: over several lines below `indent`, or on one.
    fn written(&self, value: &Value, indent: Option<&str>) -> String {
        match indent {
            Some(indent) => write::json(value, indent, &self.layout),
            None => write::json_line(value, &self.layout),
        }
    }
}
