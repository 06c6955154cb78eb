//! Single values of `lorebase.yaml`, each with a mistake that names what is expected.

use super::fault::Fault;
use super::node::{Data, Node, Style};
use super::scalar;
use crate::knowledge::KnowledgePath;

/// The entries of a mapping: the key's node, its text, and the value.
pub(super) fn entries<'n, 'a>(node: &'n Node<'a>, what: &str) -> Result<Vec<(&'n Node<'a>, &'n str, &'n Node<'a>)>, Fault> {
    let Data::Map(entries, _) = &node.data else { return Err(wrong(node, &format!("{what} must be a mapping"))) };
    entries
        .iter()
        .map(|entry| Ok((&entry.key, entry.key.text().ok_or_else(|| wrong(&entry.key, "a key must be plain text"))?, &entry.value)))
        .collect()
}

/// A text that is not empty.
pub(super) fn text(node: &Node<'_>, what: &str) -> Result<String, Fault> {
    match &node.data {
        Data::Scalar(text, style) if !text.is_empty() && (*style != Style::Plain || scalar::known(text).is_none()) => {
            Ok(text.clone().into_owned())
        }
        _ => Err(wrong(node, &format!("{what} must be a text"))),
    }
}

/// `true` or `false`.
pub(super) fn boolean(node: &Node<'_>) -> Result<bool, Fault> {
    match &node.data {
        Data::Scalar(text, Style::Plain) => scalar::known(text).and_then(|value| value.as_bool()),
        _ => None,
    }
    .ok_or_else(|| wrong(node, "write `true` or `false`"))
}

/// One of several words.
pub(super) fn choice<T: Copy>(node: &Node<'_>, choices: &[(&str, T)]) -> Result<T, Fault> {
    let found = choices.iter().find(|(word, _)| node.text() == Some(word)).map(|(_, value)| *value);
    found.ok_or_else(|| {
        let words: Vec<_> = choices.iter().map(|(word, _)| format!("`{word}`")).collect();
        wrong(node, &format!("write one of {}", words.join(", ")))
    })
}

/// A list of texts.
pub(super) fn texts(node: &Node<'_>, what: &str) -> Result<Vec<String>, Fault> {
    let Data::Seq(items, _) = &node.data else { return Err(wrong(node, &format!("{what} must be a list of fields: `[a, b]`"))) };
    items.iter().map(|item| text(item, "a field's name")).collect()
}

/// A safe folder without a slash at the end; empty for the top.
pub(super) fn folder(node: &Node<'_>) -> Result<String, Fault> {
    let given = match &node.data {
        Data::Scalar(text, Style::Single | Style::Double) if text.is_empty() => return Ok(String::new()),
        _ => text(node, "a folder")?,
    };
    let folder = given.trim_end_matches('/');
    safe(node, folder)?;
    Ok(folder.to_owned())
}

/// Checks a path from the top of the repository.
pub(super) fn safe(node: &Node<'_>, path: &str) -> Result<(), Fault> {
    KnowledgePath::new(path).map(|_| ()).map_err(|error| Fault::new("settings.path", node.start, error.message().to_owned()))
}

/// `below` in `root`.
pub(super) fn joined(root: &str, below: &str) -> String {
    match (root.is_empty(), below.is_empty()) {
        (true, _) => below.to_owned(),
        (false, true) => root.to_owned(),
        (false, false) => format!("{root}/{below}"),
    }
}

pub(super) fn wrong(node: &Node<'_>, message: &str) -> Fault {
    Fault::new("settings.value", node.start, message)
}
