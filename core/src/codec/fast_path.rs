//! The frontmatter that nearly every file has, read without the YAML parser: block mappings and lists of values on one
//! line, nested or not. It gives the same tree as [`super::yaml`], places included, or the values of that tree, or gives
//! up; what is wrong in a document is never found here.

use std::borrow::Cow;

use serde_json::Value;

use super::describe::Said;
use super::making::{Make, Places, Tree, Values};
use super::node::{MOST_NODES, Node, Shape, Style};
use crate::knowledge::Fields;

/// The longest key that is taken; the parser refuses those over 1,024 characters.
const LONGEST_KEY: usize = 200;

/// How deep mappings and lists may nest here: far less than the parser takes.
const DEEPEST_TAKEN: usize = 16;

/// The tree of a block mapping of simple values; `None` for everything else, right or wrong.
pub(super) fn parse(text: &str) -> Option<Node<'_>> {
    read(text, &mut Tree)
}

/// The values of the tree that [`parse`] gives, and its outermost entries; `None` where there is no such tree, where it has
/// no values, and for a text that may have more of them than are taken.
pub(super) fn values(text: &str) -> Option<(Fields, Vec<Said<'_>>)> {
    // A value or key takes a character and one that ends it: a shorter text has not too many.
    if text.len() > MOST_NODES {
        return None;
    }
    let mut making = Values { said: Vec::with_capacity(text.len() / 32 + 4), last: None };
    match read(text, &mut making)? {
        Value::Object(fields) => Some((fields, making.said)),
        _ => None,
    }
}

fn read<'a, M: Make<'a>>(text: &'a str, making: &mut M) -> Option<M::Value> {
    if !is_simple(text.as_bytes()) {
        return None;
    }
    let mut lines = Lines { text, next: 0, line: None, making };
    lines.advance();
    let root = if lines.line?.column == 0 { lines.mapping(0, text.len() / 32 + 4, 0)? } else { return None };
    lines.line.is_none().then_some(root.value)
}

/// Whether a text holds no character that means something else at some place, and none that YAML does not allow.
fn is_simple(bytes: &[u8]) -> bool {
    const CHUNK: usize = 32;
    let mut at = 0;
    for chunk in bytes.chunks(CHUNK) {
        // Without a branch for each byte, so that the compiler takes many at once.
        if !chunk.iter().fold(true, |simple, byte| simple & matches!(byte, b' '..=b'~' | b'\n')) {
            let looked_at = (at..at + chunk.len()).all(|at| match bytes[at] {
                b'\r' => bytes.get(at + 1) == Some(&b'\n'),
                // C1 controls and NEL; LINE and PARAGRAPH SEPARATOR; the byte order mark and what is no character.
                0xc2 => bytes.get(at + 1).is_some_and(|second| *second >= 0xa0),
                0xe2 => bytes.get(at + 1) != Some(&0x80) || !matches!(bytes.get(at + 2), Some(0xa8 | 0xa9)),
                0xef => false,
                b' '..=b'~' | b'\n' | 0x80.. => true,
                _ => false,
            });
            if !looked_at {
                return false;
            }
        }
        at += chunk.len();
    }
    true
}

/// One line that says something.
#[derive(Clone, Copy)]
struct Line<'a> {
    /// Without its end.
    text: &'a str,
    /// Where it begins in the whole text.
    start: usize,
    /// Where what it says begins: behind blanks, and behind the dash that was read already.
    column: usize,
}

impl Line<'_> {
    fn is_item(&self) -> bool {
        let bytes = &self.text.as_bytes()[self.column..];
        bytes[0] == b'-' && bytes.get(1).is_none_or(|byte| *byte == b' ')
    }
}

/// A value, and where it stands.
struct Made<V> {
    value: V,
    start: usize,
    end: usize,
}

struct Lines<'a, 'm, M> {
    text: &'a str,
    /// Where the line behind `line` begins.
    next: usize,
    /// The first line that is not read yet; none at the end.
    line: Option<Line<'a>>,
    making: &'m mut M,
}

impl<'a, M: Make<'a>> Lines<'a, '_, M> {
    /// Goes on to the next line that holds more than blanks and a comment.
    fn advance(&mut self) {
        while self.next < self.text.len() {
            let start = self.next;
            let rest = &self.text[start..];
            let end = memchr::memchr(b'\n', rest.as_bytes());
            self.next = end.map_or(self.text.len(), |end| start + end + 1);
            let text = end.map_or(rest, |end| rest[..end].strip_suffix('\r').unwrap_or(&rest[..end]));
            let column = blanks(text.as_bytes(), 0);
            if !matches!(text.as_bytes().get(column), None | Some(b'#')) {
                self.line = Some(Line { text, start, column });
                return;
            }
        }
        self.line = None;
    }

    /// The mapping whose keys stand at `column`, the first of them on the present line.
    fn mapping(&mut self, column: usize, capacity: usize, depth: usize) -> Option<Made<M::Value>> {
        if depth > DEEPEST_TAKEN {
            return None;
        }
        let begin = self.line?.start + column;
        let mut end = begin;
        let mut map = self.making.open(capacity);
        while let Some(line) = self.line.filter(|line| line.column >= column) {
            let colon = if line.column == column { colon(line.text, column)? } else { return None };
            let start = line.start;
            let key = &line.text[column..colon];
            let value = self.value(line.text, colon + 1, start)?;
            self.advance();
            let value = match value {
                Some(value) => value,
                None => self.below(column, start + colon + 1, depth)?,
            };
            end = value.end;
            let places = Places { key: start + column, colon: start + colon, value: value.start };
            self.making.entry(&mut map, depth, key, places, value.value)?;
        }
        Some(Made { value: self.making.close(map, begin, end), start: begin, end })
    }

    /// The value of a key at `column` behind which nothing is written: what stands below it, else nothing, at `nothing`.
    fn below(&mut self, column: usize, nothing: usize, depth: usize) -> Option<Made<M::Value>> {
        match self.line {
            Some(line) if line.is_item() && line.column >= column => self.list(line.column, depth + 1),
            Some(line) if line.column > column => self.mapping(line.column, 4, depth + 1),
            _ => {
                let value = self.making.scalar(Cow::Borrowed(""), Style::Empty, nothing, nothing);
                Some(Made { value, start: nothing, end: nothing })
            }
        }
    }

    /// The list whose dashes stand at `column`, the first of them on the present line.
    fn list(&mut self, column: usize, depth: usize) -> Option<Made<M::Value>> {
        let mut items = Vec::new();
        let start = self.line?.start + column;
        let mut end = start;
        while let Some(line) = self.line.filter(|line| line.column >= column) {
            if line.column > column {
                return None;
            }
            if !line.is_item() {
                // The next key of a mapping whose list is not indented; anything else is seen there.
                break;
            }
            let at = blanks(line.text.as_bytes(), column + 1);
            let item = if at < line.text.len() && colon(line.text, at).is_some() {
                self.line = Some(Line { column: at, ..line });
                self.mapping(at, 4, depth + 1)?
            } else {
                let value = self.value(line.text, column + 1, line.start)??;
                self.advance();
                value
            };
            end = item.end;
            items.push(item.value);
        }
        Some(Made { value: self.making.list(items, Shape::Block, start, end), start, end })
    }

    /// A value on its line behind the `:` or `-` that ends at `after`, with a comment or nothing behind it; `Some(None)`
    /// where nothing is written.
    #[expect(clippy::option_option, reason = "giving up is not the same as finding nothing")]
    fn value(&mut self, line: &'a str, after: usize, start: usize) -> Option<Option<Made<M::Value>>> {
        let bytes = line.as_bytes();
        let at = blanks(bytes, after);
        let Some(first) = bytes.get(at) else { return Some(None) };
        if at == after {
            return None;
        }
        let (value, end) = match first {
            b'#' => return Some(None),
            b'\'' | b'"' => {
                let (text, style, end) = quoted(line, at)?;
                (self.making.scalar(text, style, start + at, start + end), end)
            }
            b'[' => self.flow_list(line, at, start)?,
            first if begins_plain(*first, bytes.get(at + 1)) => {
                let text = plain(line, at)?;
                let end = start + at + text.len();
                let value = self.making.scalar(Cow::Borrowed(text), Style::Plain, start + at, end);
                return Some(Some(Made { value, start: start + at, end }));
            }
            _ => return None,
        };
        is_over(&bytes[end..]).then_some(Some(Made { value, start: start + at, end: start + end }))
    }

    /// A list in brackets of plain and quoted values, and where it ends.
    fn flow_list(&mut self, line: &'a str, open: usize, start: usize) -> Option<(M::Value, usize)> {
        let bytes = line.as_bytes();
        let blanks = |at: usize| blanks(bytes, at);
        let mut items = Vec::new();
        let mut at = blanks(open + 1);
        if bytes.get(at) != Some(&b']') {
            loop {
                let (text, style, end) = match bytes.get(at)? {
                    b'\'' | b'"' => quoted(line, at)?,
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'/' | 0x80.. => {
                        let special = |byte: &u8| {
                            matches!(
                                byte,
                                b',' | b'[' | b']' | b'{' | b'}' | b':' | b'#' | b'?' | b'"' | b'\'' | b'&' | b'*' | b'!' | b'|' | b'>'
                            )
                        };
                        let end = at + bytes[at..].iter().position(special)?;
                        let text = line[at..end].trim_end_matches(' ');
                        (Cow::Borrowed(text), Style::Plain, at + text.len())
                    }
                    _ => return None,
                };
                items.push(self.making.scalar(text, style, start + at, start + end));
                at = blanks(end);
                match bytes.get(at)? {
                    b',' => at = blanks(at + 1),
                    b']' => break,
                    _ => return None,
                }
            }
        }
        Some((self.making.list(items, Shape::Flow, start + open, start + at + 1), at + 1))
    }
}

/// Where the blanks from `at` on end.
fn blanks(bytes: &[u8], at: usize) -> usize {
    at + bytes[at..].iter().take_while(|byte| **byte == b' ').count()
}

/// Where the `:` of the key at `at` stands.
fn colon(line: &str, at: usize) -> Option<usize> {
    let bytes = line.as_bytes();
    if !bytes[at].is_ascii_alphabetic() && bytes[at] != b'_' {
        return None;
    }
    let inside = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b' ');
    let colon = at + bytes[at..].iter().take(LONGEST_KEY).take_while(|byte| inside(byte)).count();
    let spaced = bytes.get(colon + 1).is_none_or(|byte| *byte == b' ');
    (bytes.get(colon) == Some(&b':') && spaced && bytes[colon - 1] != b' ').then_some(colon)
}

/// Whether nothing but blanks and a comment follows.
fn is_over(rest: &[u8]) -> bool {
    let blanks = blanks(rest, 0);
    blanks == rest.len() || blanks > 0 && rest[blanks] == b'#'
}

fn begins_plain(first: u8, second: Option<&u8>) -> bool {
    match first {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'/' | b'(' | b'.' | b'$' | b'+' | b'<' | b'=' | b'^' | b'~' | b'\\' | 0x80.. => {
            true
        }
        b'-' => second.is_some_and(u8::is_ascii_alphanumeric),
        _ => false,
    }
}

/// A text without quotes, up to a comment or the line's end.
fn plain(line: &str, at: usize) -> Option<&str> {
    let bytes = line.as_bytes();
    let (mut end, mut from) = (bytes.len(), at);
    while let Some(found) = memchr::memchr2(b':', b'#', &bytes[from..]) {
        let place = from + found;
        if bytes[place] == b'#' {
            if bytes[place - 1] == b' ' {
                end = place;
                break;
            }
        } else if bytes.get(place + 1).is_none_or(|next| *next == b' ') {
            return None;
        }
        from = place + 1;
    }
    Some(line[at..end].trim_end_matches(' '))
}

/// A quoted text whose only escapes are those of its quotes and the backslash, and where it ends.
fn quoted(line: &str, at: usize) -> Option<(Cow<'_, str>, Style, usize)> {
    let bytes = line.as_bytes();
    let quote = bytes[at];
    let (style, escape) = if quote == b'"' { (Style::Double, b'\\') } else { (Style::Single, b'\'') };
    let mut text = Cow::Borrowed("");
    let mut start = at + 1;
    let mut end = start;
    loop {
        end += memchr::memchr2(quote, escape, &bytes[end..])?;
        let (byte, next) = (bytes[end], bytes.get(end + 1).copied());
        if byte == escape && (next == Some(quote) || next == Some(b'\\') && escape == b'\\') {
            text.to_mut().push_str(&line[start..end]);
            start = end + 1;
            end += 2;
        } else if byte == quote {
            let text = if start == at + 1 { Cow::Borrowed(&line[start..end]) } else { text + &line[start..end] };
            return Some((text, style, end + 1));
        } else {
            return None;
        }
    }
}
