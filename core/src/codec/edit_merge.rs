//! What says more in a document than its value: anchors, aliases, tags and merge keys. They are kept as they are, and
//! an edit that would lose one, or that other readers would see differently, is refused.

use serde_json::{Map, Value};

use super::node::{Data, Entry, Node, Style};
use super::splice::Refusal;

/// Whether an anchor stands anywhere in the node: an alias elsewhere may mean it.
pub(super) fn has_anchor(node: &Node<'_>) -> bool {
    node.anchor > 0
        || match &node.data {
            Data::Seq(items, _) => items.iter().any(has_anchor),
            Data::Map(entries, _) => entries.iter().any(|entry| has_anchor(&entry.key) || has_anchor(&entry.value)),
            Data::Scalar(..) | Data::Alias(_) => false,
        }
}

/// What stands in the node that cannot be written again from its value.
pub(super) fn unwritable(node: &Node<'_>) -> Option<&'static str> {
    if node.anchor > 0 {
        return Some("an anchor");
    }
    if node.tagged {
        return Some("a tag");
    }
    match &node.data {
        Data::Alias(_) => Some("an alias"),
        Data::Scalar(..) => None,
        Data::Seq(items, _) => items.iter().find_map(unwritable),
        Data::Map(entries, _) => entries.iter().find_map(|entry| {
            let merge = is_merge(entry).then_some("a merge key");
            merge.or_else(|| unwritable(&entry.key)).or_else(|| unwritable(&entry.value))
        }),
    }
}

/// Whether the entry is `<<`, which other readers apply.
pub(super) fn is_merge(entry: &Entry<'_>) -> bool {
    matches!(&entry.key.data, Data::Scalar(text, Style::Plain) if text == "<<")
}

/// Whether a merge key of these entries, whose fields are `old`, provides the key to readers that apply it.
pub(super) fn is_merged(entries: &[Entry<'_>], old: &Map<String, Value>, key: &str) -> bool {
    entries.iter().any(is_merge) && provides(old, key)
}

/// Whether the field `<<` provides the key.
pub(super) fn provides(fields: &Map<String, Value>, key: &str) -> bool {
    match fields.get("<<") {
        Some(Value::Object(merged)) => merged.contains_key(key),
        Some(Value::Array(list)) => list.iter().any(|merged| merged.get(key).is_some()),
        _ => false,
    }
}

/// Why a field that a merge key provides is left alone.
pub(super) fn merged(key: &str) -> Refusal {
    format!("`{key}` comes from the merge key `<<`, which other readers apply and this library keeps as it is; change it at the anchor")
}
