//! JSON files of many entities: an array of objects (known by `id`) or an object of objects (known by key).
//!
//! An object of an array is known by the first of these that it has: `id` (a text, a number or a boolean as it is
//! written), `slug` (a text), or the slug of `name` or `title`.

use super::edit_flow::{self, Around, FlowEdit, own_lines};
use super::edit_json::layout_of;
use super::fault::Fault;
use super::json_tree;
use super::line_end;
use super::node::{Data, Node, Style};
use super::splice::{Splices, indent_of};
use super::write::{self, JsonLayout};
use crate::knowledge::slugify;
use crate::{Error, ErrorKind, Result};

/// One entry of a file: its key, if it has one, where that stands, and its value.
pub(super) struct FileEntry<'n, 'a> {
    pub(super) key: Option<String>,
    pub(super) at: usize,
    pub(super) value: &'n Node<'a>,
}

/// The entries of a file in its order.
///
/// # Errors
/// A fault when the file is neither an array nor an object.
pub(super) fn entries_of<'n, 'a>(root: &'n Node<'a>) -> Result<Vec<FileEntry<'n, 'a>>, Fault> {
    match &root.data {
        Data::Map(entries, _) => Ok(entries
            .iter()
            .map(|entry| FileEntry {
                key: entry.key.text().filter(|key| !key.is_empty()).map(str::to_owned),
                at: entry.key.start,
                value: &entry.value,
            })
            .collect()),
        Data::Seq(items, _) => Ok(items.iter().map(|item| FileEntry { key: own_key(item), at: item.start, value: item }).collect()),
        _ => Err(Fault::new("json.root", root.start, "the file must be an object of entries by key or an array of entries")),
    }
}

/// The key of an object of an array.
fn own_key(item: &Node<'_>) -> Option<String> {
    let field = |name: &str| item.entry(name).map(|entry| &entry.value);
    let text = |node: &Node<'_>| match &node.data {
        Data::Scalar(text, Style::Double) if !text.trim().is_empty() => Some(text.clone().into_owned()),
        _ => None,
    };
    let written = |node: &Node<'_>| match &node.data {
        Data::Scalar(text, Style::Plain) if text != "null" => Some(text.clone().into_owned()),
        _ => text(node),
    };
    let slug = |name: &str| field(name).and_then(text).and_then(|text| slugify(&text)).map(|slug| slug.as_str().to_owned());
    field("id").and_then(written).or_else(|| field("slug").and_then(text)).or_else(|| slug("name")).or_else(|| slug("title"))
}

/// Writes one entry (its JSON text) into a file; all other bytes stay. `None`: a file that does not exist yet (an
/// object of objects is made).
///
/// An entry whose text is not indented (as [`render_head`](super::render_head) gives it) is indented to its place, in
/// the file's line ends; any other text is written as it is. In an array the entry must have `key` as its own key.
///
/// # Errors
/// `InvalidDocument` when the file or the entry cannot be read, the file holds the key twice, or the entry of an
/// array is known by another key.
///
/// ```
/// use lorebase::codec::put_entry;
///
/// let file = put_entry(None, "pdf", "{\n  \"name\": \"PDF\"\n}")?;
/// assert_eq!(file, "{\n  \"pdf\": {\n    \"name\": \"PDF\"\n  }\n}\n");
/// # Ok::<(), lorebase::Error>(())
/// ```
pub fn put_entry(file: Option<&str>, key: &str, entry: &str) -> Result<String> {
    let parsed = json_tree::parse(entry).map_err(|fault| unreadable("the entry", &fault))?;
    if !matches!(parsed.data, Data::Map(..)) {
        return Err(Error::new(ErrorKind::InvalidDocument, format!("the entry `{key}` is no JSON object")));
    }
    let Some(file) = file else {
        let layout = JsonLayout::default();
        return Ok(format!("{{\n  {}\n}}\n", write::json_entry(key, &indented(entry, "  ", "\n"), &layout)));
    };
    let root = json_tree::parse(file).map_err(|fault| unreadable("the file", &fault))?;
    let layout = layout_of(file, &root);
    let mut splices = Splices::default();
    if let Some(index) = index_of(&root, key)? {
        let entries = entries_of(&root).map_err(|fault| unreadable("the file", &fault))?;
        let node = entries[index].value;
        let indent = indent_of(file, node.end - 1);
        splices.replace(node.start..node.end, indented(entry, indent, layout.line_end));
    } else {
        let (members, in_array) = members(&root);
        if in_array && own_key(&parsed).as_deref() != Some(key) {
            let message =
                format!("the entry of an array must be known by its own `id`, `slug` or `name`; this one is not known as `{key}`");
            return Err(Error::new(ErrorKind::InvalidDocument, message));
        }
        let outer = indent_of(file, root.end - 1).to_owned();
        let inner = match own_lines(file, root.start, &members) {
            Some(indent) => indent.to_owned(),
            None => format!("{outer}{}", layout.indent),
        };
        let value = indented(entry, &inner, layout.line_end);
        let text = if in_array { value } else { write::json_entry(key, &value, &layout) };
        let empty = Around::lines(layout.line_end, &inner, &outer);
        let removed = vec![false; members.len()];
        let inserted = vec![(members.len(), text)];
        FlowEdit { text: file, span: root.start..root.end, members, removed, inserted, empty }.apply(layout.line_end, &mut splices);
    }
    verified(splices, file)
}

/// Takes one entry out of a file; all other bytes stay. A file without the entry stays as it is.
///
/// # Errors
/// `InvalidDocument` when the file cannot be read or holds the key twice.
pub fn remove_entry(file: &str, key: &str) -> Result<String> {
    let root = json_tree::parse(file).map_err(|fault| unreadable("the file", &fault))?;
    let Some(index) = index_of(&root, key)? else { return Ok(file.to_owned()) };
    let (members, _) = members(&root);
    let mut removed = vec![false; members.len()];
    removed[index] = true;
    let mut splices = Splices::default();
    let span = root.start..root.end;
    FlowEdit { text: file, span, members, removed, inserted: Vec::new(), empty: Around::line() }.apply("\n", &mut splices);
    verified(splices, file)
}

fn index_of(root: &Node<'_>, key: &str) -> Result<Option<usize>> {
    let entries = entries_of(root).map_err(|fault| unreadable("the file", &fault))?;
    let mut found = entries.iter().enumerate().filter(|(_, entry)| entry.key.as_deref() == Some(key)).map(|(index, _)| index);
    let index = found.next();
    if found.next().is_some() {
        return Err(Error::new(ErrorKind::InvalidDocument, format!("the file holds the entry `{key}` twice; keep one")));
    }
    Ok(index)
}

fn members(root: &Node<'_>) -> (Vec<std::ops::Range<usize>>, bool) {
    match &root.data {
        Data::Map(entries, _) => (edit_flow::entry_spans(entries), false),
        Data::Seq(items, _) => (edit_flow::item_spans(items), true),
        _ => (Vec::new(), false),
    }
}

/// The entry's text at its place: with `indent` in front of all lines but the first, if it is not indented yet.
fn indented(entry: &str, indent: &str, line_end: &str) -> String {
    let entry = entry.trim();
    let unindented = entry.rsplit_once('\n').is_some_and(|(_, last)| last == "}");
    if unindented && !indent.is_empty() {
        line_end::convert(entry, "\n").split('\n').collect::<Vec<_>>().join(&format!("{line_end}{indent}"))
    } else {
        entry.to_owned()
    }
}

fn verified(splices: Splices, file: &str) -> Result<String> {
    let text = splices.apply(file).map_err(|reason| Error::new(ErrorKind::Internal, format!("the entry was not written: {reason}")))?;
    json_tree::parse(&text).map_err(|fault| unreadable("the result", &fault))?;
    Ok(text)
}

fn unreadable(what: &str, fault: &Fault) -> Error {
    Error::new(ErrorKind::InvalidDocument, format!("{what} cannot be read as JSON: {}", fault.message)).with("code", fault.code)
}
