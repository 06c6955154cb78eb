//! A document as a tree that knows where each part stands in its text, for YAML and JSON alike, and the values that
//! it stands for. Aliases are resolved here, under a budget, so that a small text cannot become a large value.

use std::borrow::Cow;

use serde_json::{Map, Value, map};

use super::fault::{Fault, line_of};
use super::scalar;
use crate::knowledge::Fields;

/// How deep collections may nest, aliases resolved.
pub(super) const DEEPEST: usize = 64;

/// How many nodes a document may have, aliases resolved.
pub(super) const MOST_NODES: usize = 100_000;

/// One node. `start..end` is its content without anchor and tag; `outer` is where those begin.
#[derive(Debug, PartialEq)]
pub(super) struct Node<'a> {
    pub(super) data: Data<'a>,
    pub(super) outer: usize,
    pub(super) start: usize,
    pub(super) end: usize,
    /// The number of its anchor, 0 for none.
    pub(super) anchor: usize,
    pub(super) tagged: bool,
}

#[derive(Debug, PartialEq)]
pub(super) enum Data<'a> {
    Scalar(Cow<'a, str>, Style),
    Seq(Vec<Node<'a>>, Shape),
    Map(Vec<Entry<'a>>, Shape),
    /// The anchor that is meant.
    Alias(usize),
}

#[derive(Debug, PartialEq)]
pub(super) struct Entry<'a> {
    pub(super) key: Node<'a>,
    pub(super) value: Node<'a>,
    /// Where the `:` is, if key, `:` and value stand in the usual way.
    pub(super) colon: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Single,
    Double,
    /// A literal or folded block.
    Block,
    /// Nothing is written.
    Empty,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Block,
    /// With brackets or braces.
    Flow,
    /// A pair without braces inside brackets: `[a: b]`.
    Pair,
}

impl Node<'_> {
    /// The text of a scalar as it is meant (quotes and escapes resolved), for example `1.10` where the value is 1.1.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.data {
            Data::Scalar(text, _) => Some(text),
            _ => None,
        }
    }

    /// The entry of a mapping by its key.
    pub(super) fn entry(&self, key: &str) -> Option<&Entry<'_>> {
        match &self.data {
            Data::Map(entries, _) => entries.iter().find(|entry| entry.key.text() == Some(key)),
            _ => None,
        }
    }
}

/// The fields of a document: its root must be a mapping. `text` is what the tree was read from.
///
/// # Errors
/// A fault when the root is something else, a key is doubled or no scalar, or a limit is passed.
pub(super) fn fields(root: &Node<'_>, text: &str, dialect: &'static Names) -> Result<Fields, Fault> {
    let mut reader = Reader::new(text, dialect);
    match &root.data {
        Data::Map(entries, _) => Ok(reader.mapping(entries, 0)?.0),
        _ => Err(Fault::new(dialect.root, root.outer, "the fields must be a mapping of names to values; write `name: value` lines")),
    }
}

/// The value of a whole document that need not be a mapping.
///
/// # Errors
/// Those of [`fields`], but for its root.
pub(super) fn value(root: &Node<'_>, text: &str, dialect: &'static Names) -> Result<Value, Fault> {
    Ok(Reader::new(text, dialect).value(root, 0)?.0)
}

/// The codes of the faults in one language.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) root: &'static str,
    pub(super) duplicate_key: &'static str,
    pub(super) key: &'static str,
    pub(super) alias: &'static str,
    pub(super) depth: &'static str,
    pub(super) nodes: &'static str,
    pub(super) nul: &'static str,
    /// Whether the parser may let the character NUL through where it stands in the text itself.
    pub(super) raw_nul: bool,
}

pub(super) static YAML: Names = Names {
    root: "yaml.root",
    duplicate_key: "yaml.duplicate_key",
    key: "yaml.key",
    alias: "yaml.alias",
    depth: "yaml.depth",
    nodes: "yaml.nodes",
    nul: "yaml.nul",
    raw_nul: true,
};

pub(super) static TOML: Names = Names {
    root: "toml.syntax",
    duplicate_key: "toml.duplicate_key",
    key: "toml.syntax",
    alias: "toml.syntax",
    depth: "toml.depth",
    nodes: "toml.nodes",
    nul: "toml.nul",
    raw_nul: true,
};

pub(super) static JSON: Names = Names {
    root: "json.entry",
    duplicate_key: "json.duplicate_key",
    key: "json.key",
    alias: "json.syntax",
    depth: "json.depth",
    nodes: "json.nodes",
    nul: "json.nul",
    raw_nul: false,
};

struct Anchored {
    anchor: usize,
    value: Value,
    nodes: usize,
    height: usize,
}

struct Reader<'t> {
    text: &'t str,
    names: &'static Names,
    anchors: Vec<Anchored>,
    /// Values so far, aliases resolved.
    nodes: usize,
    /// Values in `anchors`.
    kept: usize,
    /// Whether a value can hold the character NUL without an escape.
    raw_nul: bool,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str, names: &'static Names) -> Self {
        let raw_nul = names.raw_nul && memchr::memchr(0, text.as_bytes()).is_some();
        Self { text, names, anchors: Vec::new(), nodes: 0, kept: 0, raw_nul }
    }

    /// The value of a node at a depth, and how many levels it has itself.
    fn value(&mut self, node: &Node<'_>, depth: usize) -> Result<(Value, usize), Fault> {
        let before = self.nodes;
        self.count(1, node.start)?;
        let (value, height) = match &node.data {
            Data::Scalar(text, style) => {
                self.no_nul(node)?;
                (resolved(text, *style, node.tagged), 0)
            }
            Data::Seq(items, _) => {
                self.check_depth(depth, node.start)?;
                let mut values = Vec::with_capacity(items.len());
                let mut height = 0;
                for item in items {
                    let (value, levels) = self.value(item, depth + 1)?;
                    height = height.max(levels);
                    values.push(value);
                }
                (Value::Array(values), height + 1)
            }
            Data::Map(entries, _) => {
                let (fields, height) = self.mapping(entries, depth)?;
                (Value::Object(fields), height)
            }
            Data::Alias(anchor) => return self.alias(*anchor, node.start, depth),
        };
        if node.anchor > 0 {
            self.keep(Anchored { anchor: node.anchor, value: value.clone(), nodes: self.nodes - before, height }, node.start)?;
        }
        Ok((value, height))
    }

    fn mapping(&mut self, entries: &[Entry<'_>], depth: usize) -> Result<(Fields, usize), Fault> {
        self.check_depth(depth, entries.first().map_or(0, |entry| entry.key.start))?;
        let mut fields = Map::with_capacity(entries.len());
        let mut height = 0;
        for entry in entries {
            let key = self.key(&entry.key)?;
            match fields.entry(key) {
                map::Entry::Occupied(known) => return Err(self.doubled(entries, &entry.key, known.key())),
                map::Entry::Vacant(free) => {
                    let (value, levels) = self.value(&entry.value, depth + 1)?;
                    height = height.max(levels);
                    free.insert(value);
                }
            }
        }
        Ok((fields, height + 1))
    }

    fn key(&mut self, node: &Node<'_>) -> Result<String, Fault> {
        self.count(1, node.start)?;
        match &node.data {
            Data::Scalar(text, style) => {
                self.no_nul(node)?;
                if node.anchor > 0 {
                    let value = resolved(text, *style, node.tagged);
                    self.keep(Anchored { anchor: node.anchor, value, nodes: 1, height: 0 }, node.start)?;
                }
                Ok(text.clone().into_owned())
            }
            Data::Alias(anchor) => match self.alias(*anchor, node.start, 0)?.0 {
                Value::String(text) => Ok(text),
                Value::Array(_) | Value::Object(_) => Err(self.bad_key(node)),
                other => Ok(other.to_string()),
            },
            Data::Seq(..) | Data::Map(..) => Err(self.bad_key(node)),
        }
    }

    fn no_nul(&self, scalar: &Node<'_>) -> Result<(), Fault> {
        let Data::Scalar(text, _) = &scalar.data else { return Ok(()) };
        if (self.raw_nul || matches!(text, Cow::Owned(_))) && memchr::memchr(0, text.as_bytes()).is_some() {
            return Err(Fault::new(
                self.names.nul,
                scalar.start,
                "a value holds the character NUL, which databases cannot keep; remove it",
            ));
        }
        Ok(())
    }

    fn alias(&mut self, anchor: usize, at: usize, depth: usize) -> Result<(Value, usize), Fault> {
        let Some(index) = self.anchors.iter().rposition(|known| known.anchor == anchor) else {
            return Err(Fault::new(self.names.alias, at, "the alias stands inside the value that it repeats; write the value out"));
        };
        let (nodes, height) = (self.anchors[index].nodes, self.anchors[index].height);
        self.count(nodes, at)?;
        if height > 0 {
            self.check_depth(depth + height - 1, at)?;
        }
        Ok((self.anchors[index].value.clone(), height))
    }

    /// Keeps a copy for later aliases; anchors inside anchors must not multiply the copies.
    fn keep(&mut self, anchored: Anchored, at: usize) -> Result<(), Fault> {
        self.kept += anchored.nodes;
        if self.kept > MOST_NODES {
            return Err(self.too_many(at));
        }
        self.anchors.push(anchored);
        Ok(())
    }

    fn count(&mut self, nodes: usize, at: usize) -> Result<(), Fault> {
        self.nodes += nodes;
        if self.nodes > MOST_NODES {
            return Err(self.too_many(at));
        }
        Ok(())
    }

    fn too_many(&self, at: usize) -> Fault {
        Fault::new(self.names.nodes, at, format!("there are more than {MOST_NODES} values; move the data out of the fields"))
    }

    fn check_depth(&self, depth: usize, at: usize) -> Result<(), Fault> {
        if depth >= DEEPEST {
            return Err(Fault::new(self.names.depth, at, format!("the values nest deeper than {DEEPEST} levels; flatten them")));
        }
        Ok(())
    }

    fn bad_key(&self, node: &Node<'_>) -> Fault {
        Fault::new(self.names.key, node.start, "a key must be plain text; quote a value that begins with `{` or `[`")
    }

    fn doubled(&self, entries: &[Entry<'_>], again: &Node<'_>, key: &str) -> Fault {
        let first = entries.iter().find(|entry| entry.key.text() == Some(key)).map_or(again.start, |entry| entry.key.start);
        let (first, second) = (line_of(self.text, first), line_of(self.text, again.start));
        // What was read may be a part of the file: only how far one is from the other is true in both.
        let place = match second.saturating_sub(first) {
            0 => "on this line already".to_owned(),
            1 => "on the line above already".to_owned(),
            lines => format!("there already, {lines} lines above"),
        };
        let message = format!("the key `{}` is {place}; keep one", key.escape_debug());
        Fault::new(self.names.duplicate_key, again.start, message)
    }
}

/// The value of a scalar.
pub(super) fn resolved(text: &str, style: Style, tagged: bool) -> Value {
    match style {
        // A tag is kept and not applied: the text is all that is certain.
        Style::Plain if !tagged => scalar::resolve(text),
        Style::Empty if !tagged => Value::Null,
        _ => Value::String(text.to_owned()),
    }
}
