//! The frontmatter that nearly every file has, read without the YAML parser: flat keys, values on one line, lists of
//! such values. It gives the same tree as [`super::yaml`], places included, or gives up; what is wrong in a document
//! is never found here.

use std::borrow::Cow;

use super::node::{Data, Entry, Node, Shape, Style};

/// The longest key that is taken; the parser refuses those over 1,024 characters.
const LONGEST_KEY: usize = 200;

/// The tree of a block mapping of simple values; `None` for everything else, right or wrong.
pub(super) fn parse(text: &str) -> Option<Node<'_>> {
    let mut entries: Vec<Entry<'_>> = Vec::with_capacity(text.len() / 32 + 4);
    // The column of the dashes of the list that may go on, none of them seen yet.
    let mut list = List::Closed;
    let mut at = 0;
    while at < text.len() {
        let line = line_at(text, at)?;
        let start = at;
        at = line.next;
        let blanks = line.text.bytes().take_while(|byte| *byte == b' ').count();
        match line.text.as_bytes().get(blanks) {
            None | Some(b'#') => {}
            Some(b'-') => {
                let column = match list {
                    List::Closed => return None,
                    List::Open => blanks,
                    List::Column(column) => column,
                };
                if blanks != column {
                    return None;
                }
                list = List::Column(column);
                let value = value(line.text, blanks + 1, start).filter(|node| !matches!(node.data, Data::Scalar(_, Style::Empty)))?;
                append(entries.last_mut()?, value, start + blanks);
            }
            Some(_) if blanks == 0 => {
                let entry = entry(line.text, start)?;
                list = if matches!(entry.value.data, Data::Scalar(_, Style::Empty)) { List::Open } else { List::Closed };
                entries.push(entry);
            }
            Some(_) => return None,
        }
    }
    let (start, end) = (entries.first()?.key.start, entries.last()?.value.end);
    Some(node(Data::Map(entries, Shape::Block), start, end))
}

enum List {
    Closed,
    Open,
    Column(usize),
}

struct Line<'a> {
    text: &'a str,
    next: usize,
}

/// The line at `at` without its end; none where it holds a character that means something else at some place, or one
/// that YAML does not allow.
fn line_at(text: &str, at: usize) -> Option<Line<'_>> {
    let bytes = &text.as_bytes()[at..];
    let mut end = 0;
    while let Some(&byte) = bytes.get(end) {
        match byte {
            b'\n' => return Some(Line { text: &text[at..at + end], next: at + end + 1 }),
            b'\r' if bytes.get(end + 1) == Some(&b'\n') => return Some(Line { text: &text[at..at + end], next: at + end + 2 }),
            // C1 controls and NEL; LINE and PARAGRAPH SEPARATOR; the byte order mark and what is no character.
            0xc2 if bytes.get(end + 1).is_some_and(|second| *second < 0xa0) => return None,
            0xe2 if bytes.get(end + 1) == Some(&0x80) && matches!(bytes.get(end + 2), Some(0xa8 | 0xa9)) => return None,
            0xef => return None,
            b' '..=b'~' | 0x80.. => {}
            _ => return None,
        }
        end += 1;
    }
    Some(Line { text: &text[at..], next: text.len() })
}

/// `key: value` at the beginning of a line.
fn entry(line: &str, start: usize) -> Option<Entry<'_>> {
    let bytes = line.as_bytes();
    if !matches!(bytes.first(), Some(b'a'..=b'z' | b'A'..=b'Z' | b'_')) {
        return None;
    }
    let inside = |byte: &u8| matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' | b' ');
    let colon = bytes.iter().take(LONGEST_KEY).take_while(|byte| inside(byte)).count();
    let spaced = bytes.get(colon + 1).is_none_or(|byte| *byte == b' ');
    if bytes.get(colon) != Some(&b':') || !spaced || bytes[colon - 1] == b' ' {
        return None;
    }
    let key = node(Data::Scalar(Cow::Borrowed(&line[..colon]), Style::Plain), start, start + colon);
    Some(Entry { key, value: value(line, colon + 1, start)?, colon: Some(start + colon) })
}

/// A value on its line behind the `:` or `-` that ends at `after`, with a comment or nothing behind it.
fn value(line: &str, after: usize, start: usize) -> Option<Node<'_>> {
    let bytes = line.as_bytes();
    let at = after + bytes[after..].iter().take_while(|byte| **byte == b' ').count();
    let Some(first) = bytes.get(at) else { return Some(empty(start + after)) };
    if at == after {
        return None;
    }
    let (data, end) = match first {
        b'#' => return Some(empty(start + after)),
        b'\'' | b'"' => quoted(line, at)?,
        b'[' => flow_list(line, at, start)?,
        first if begins_plain(*first, bytes.get(at + 1)) => return plain(line, at, start),
        _ => return None,
    };
    is_over(&bytes[end..]).then(|| node(data, start + at, start + end))
}

fn empty<'a>(at: usize) -> Node<'a> {
    node(Data::Scalar(Cow::Borrowed(""), Style::Empty), at, at)
}

/// Whether nothing but blanks and a comment follows.
fn is_over(rest: &[u8]) -> bool {
    let blanks = rest.iter().take_while(|byte| **byte == b' ').count();
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

fn plain(line: &str, at: usize, start: usize) -> Option<Node<'_>> {
    let bytes = line.as_bytes();
    let mut end = at;
    // Behind the last character that is no blank.
    let mut stop = at;
    while let Some(&byte) = bytes.get(end) {
        match byte {
            b' ' => {}
            b':' if bytes.get(end + 1).is_none_or(|next| *next == b' ') => return None,
            b'#' if stop < end => break,
            _ => stop = end + 1,
        }
        end += 1;
    }
    Some(node(Data::Scalar(Cow::Borrowed(&line[at..stop]), Style::Plain), start + at, start + stop))
}

/// A quoted text whose only escapes are those of its quotes and the backslash, and where it ends.
fn quoted(line: &str, at: usize) -> Option<(Data<'_>, usize)> {
    let bytes = line.as_bytes();
    let quote = bytes[at];
    let (style, escape) = if quote == b'"' { (Style::Double, b'\\') } else { (Style::Single, b'\'') };
    let mut text = Cow::Borrowed("");
    let mut start = at + 1;
    let mut end = start;
    loop {
        let (byte, next) = (*bytes.get(end)?, bytes.get(end + 1).copied());
        if byte == escape && (next == Some(quote) || next == Some(b'\\') && escape == b'\\') {
            text.to_mut().push_str(&line[start..end]);
            start = end + 1;
            end += 2;
        } else if byte == quote {
            let text = if start == at + 1 { Cow::Borrowed(&line[start..end]) } else { text + &line[start..end] };
            return Some((Data::Scalar(text, style), end + 1));
        } else if byte == b'\\' && escape == b'\\' {
            return None;
        } else {
            end += 1;
        }
    }
}

/// A list in brackets of plain and quoted values, and where it ends.
fn flow_list(line: &str, open: usize, start: usize) -> Option<(Data<'_>, usize)> {
    let bytes = line.as_bytes();
    let blanks = |at: usize| at + bytes[at..].iter().take_while(|byte| **byte == b' ').count();
    let mut items = Vec::new();
    let mut at = blanks(open + 1);
    if bytes.get(at) == Some(&b']') {
        return Some((Data::Seq(items, Shape::Flow), at + 1));
    }
    loop {
        let (data, end) = match bytes.get(at)? {
            b'\'' | b'"' => quoted(line, at)?,
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'/' | 0x80.. => {
                let special = |byte: &u8| {
                    matches!(byte, b',' | b'[' | b']' | b'{' | b'}' | b':' | b'#' | b'?' | b'"' | b'\'' | b'&' | b'*' | b'!' | b'|' | b'>')
                };
                let end = at + bytes[at..].iter().position(special)?;
                let text = line[at..end].trim_end_matches(' ');
                (Data::Scalar(Cow::Borrowed(text), Style::Plain), at + text.len())
            }
            _ => return None,
        };
        items.push(node(data, start + at, start + end));
        at = blanks(end);
        match bytes.get(at)? {
            b',' => at = blanks(at + 1),
            b']' => return Some((Data::Seq(items, Shape::Flow), at + 1)),
            _ => return None,
        }
    }
}

/// Adds an item to the list that is the value of `entry`.
fn append<'a>(entry: &mut Entry<'a>, item: Node<'a>, dash: usize) {
    if let Data::Seq(items, _) = &mut entry.value.data {
        entry.value.end = item.end;
        items.push(item);
    } else {
        let end = item.end;
        entry.value = node(Data::Seq(vec![item], Shape::Block), dash, end);
    }
}

fn node(data: Data<'_>, start: usize, end: usize) -> Node<'_> {
    Node { data, outer: start, start, end, anchor: 0, tagged: false }
}
