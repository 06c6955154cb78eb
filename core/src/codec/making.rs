//! What the reader of simple frontmatter makes while it reads: the tree with its places, for edits and diagnostics, or
//! the values alone, for everybody else. What a scalar means is asked of [`super::node`] by both.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::describe::{Said, Text};
use super::node::{self, Data, Entry, Node, Shape, Style};
use crate::knowledge::Fields;

/// Where an entry of a mapping stands.
#[derive(Clone, Copy)]
pub(super) struct Places {
    pub(super) key: usize,
    pub(super) colon: usize,
    pub(super) value: usize,
}

/// What is made of a text.
pub(super) trait Make<'a> {
    type Value;
    type Map;
    fn scalar(&mut self, text: Cow<'a, str>, style: Style, start: usize, end: usize) -> Self::Value;
    fn list(&mut self, items: Vec<Self::Value>, shape: Shape, start: usize, end: usize) -> Self::Value;
    fn open(&mut self, capacity: usize) -> Self::Map;
    /// `None` where the mapping cannot have the entry.
    fn entry(&mut self, map: &mut Self::Map, depth: usize, key: &'a str, at: Places, value: Self::Value) -> Option<()>;
    fn close(&mut self, map: Self::Map, start: usize, end: usize) -> Self::Value;
}

/// Nodes with their places.
pub(super) struct Tree;

impl<'a> Make<'a> for Tree {
    type Value = Node<'a>;
    type Map = Vec<Entry<'a>>;

    fn scalar(&mut self, text: Cow<'a, str>, style: Style, start: usize, end: usize) -> Node<'a> {
        node(Data::Scalar(text, style), start, end)
    }

    fn list(&mut self, items: Vec<Node<'a>>, shape: Shape, start: usize, end: usize) -> Node<'a> {
        node(Data::Seq(items, shape), start, end)
    }

    fn open(&mut self, capacity: usize) -> Vec<Entry<'a>> {
        Vec::with_capacity(capacity)
    }

    fn entry(&mut self, map: &mut Vec<Entry<'a>>, _: usize, key: &'a str, at: Places, value: Node<'a>) -> Option<()> {
        let key = node(Data::Scalar(Cow::Borrowed(key), Style::Plain), at.key, at.colon);
        map.push(Entry { key, value, colon: Some(at.colon) });
        Some(())
    }

    fn close(&mut self, map: Vec<Entry<'a>>, start: usize, end: usize) -> Node<'a> {
        node(Data::Map(map, Shape::Block), start, end)
    }
}

fn node(data: Data<'_>, start: usize, end: usize) -> Node<'_> {
    Node { data, outer: start, start, end, anchor: 0, tagged: false }
}

/// Values alone, and what the outermost entries say.
pub(super) struct Values<'a> {
    pub(super) said: Vec<Said<'a>>,
    /// The value that was made last, where it is a scalar.
    pub(super) last: Option<Text<'a>>,
}

impl<'a> Make<'a> for Values<'a> {
    type Value = Value;
    type Map = Fields;

    fn scalar(&mut self, text: Cow<'a, str>, style: Style, _: usize, _: usize) -> Value {
        let value = node::resolved(&text, style, false);
        self.last = Some(Text { text, plain: style == Style::Plain });
        value
    }

    fn list(&mut self, items: Vec<Value>, _: Shape, _: usize, _: usize) -> Value {
        self.last = None;
        Value::Array(items)
    }

    fn open(&mut self, capacity: usize) -> Fields {
        Map::with_capacity(capacity)
    }

    fn entry(&mut self, map: &mut Fields, depth: usize, key: &'a str, at: Places, value: Value) -> Option<()> {
        if depth == 0 {
            let text = self.last.take();
            self.said.push(Said { key: Cow::Borrowed(key), key_start: at.key, value_start: at.value, text });
        }
        map.insert(key.to_owned(), value).is_none().then_some(())
    }

    fn close(&mut self, map: Fields, _: usize, _: usize) -> Value {
        self.last = None;
        Value::Object(map)
    }
}
