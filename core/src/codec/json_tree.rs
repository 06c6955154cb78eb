//! JSON text to [`Node`]s that know their places (RFC 8259, strictly: no comments, no trailing commas).

use std::borrow::Cow;

use super::fault::Fault;
use super::node::{DEEPEST, Data, Entry, Node, Shape, Style};

/// The most nodes of a whole file; one entry has the limit of every document.
const MOST_NODES_OF_A_FILE: usize = 500_000;

/// Reads one value and nothing after it. A byte order mark in front is skipped.
///
/// # Errors
/// A fault where the text is no JSON, nests too deep or is too large.
pub(super) fn parse(text: &str) -> Result<Node<'_>, Fault> {
    let mut scanner = Scanner { text, at: if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 }, nodes: 0 };
    scanner.blanks();
    let root = scanner.value(0)?;
    scanner.blanks();
    if scanner.at < text.len() {
        return Err(scanner.syntax("something follows the end of the JSON value; remove it"));
    }
    Ok(root)
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    nodes: usize,
}

impl<'a> Scanner<'a> {
    fn value(&mut self, depth: usize) -> Result<Node<'a>, Fault> {
        // Two levels more than an entry may have: the file and its entries.
        if depth > DEEPEST + 2 {
            return Err(Fault::new("json.depth", self.at, format!("the values nest deeper than {DEEPEST} levels; flatten them")));
        }
        self.nodes += 1;
        if self.nodes > MOST_NODES_OF_A_FILE {
            return Err(Fault::new("json.nodes", self.at, format!("the file has more than {MOST_NODES_OF_A_FILE} values; split it")));
        }
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b'a'..=b'z') => self.word(),
            Some(_) => Err(self.syntax("a JSON value must begin here; strings need double quotes")),
            None => Err(self.syntax("the JSON ends where a value must follow; complete it")),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Node<'a>, Fault> {
        let start = self.at;
        let mut entries = Vec::new();
        self.at += 1;
        self.blanks();
        while self.peek() != Some(b'}') {
            if !entries.is_empty() {
                self.comma("}")?;
            }
            if self.peek() != Some(b'"') {
                return Err(self.syntax("a key in double quotes must stand here (no comma may follow the last member)"));
            }
            let key = self.string()?;
            self.blanks();
            let colon = self.at;
            if self.peek() != Some(b':') {
                return Err(self.syntax("a `:` must follow the key"));
            }
            self.at += 1;
            self.blanks();
            let value = self.value(depth + 1)?;
            entries.push(Entry { key, value, colon: Some(colon) });
            self.blanks();
        }
        self.at += 1;
        Ok(self.node(start, Data::Map(entries, Shape::Flow)))
    }

    fn array(&mut self, depth: usize) -> Result<Node<'a>, Fault> {
        let start = self.at;
        let mut items = Vec::new();
        self.at += 1;
        self.blanks();
        while self.peek() != Some(b']') {
            if !items.is_empty() {
                self.comma("]")?;
            }
            items.push(self.value(depth + 1)?);
            self.blanks();
        }
        self.at += 1;
        Ok(self.node(start, Data::Seq(items, Shape::Flow)))
    }

    fn comma(&mut self, close: &str) -> Result<(), Fault> {
        if self.peek() != Some(b',') {
            return Err(self.syntax(&format!("a `,` or `{close}` must stand here")));
        }
        self.at += 1;
        self.blanks();
        Ok(())
    }

    fn string(&mut self) -> Result<Node<'a>, Fault> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut at = start + 1;
        let mut escapes = false;
        loop {
            match bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escapes = true;
                    at += 2;
                }
                Some(0..=0x1f) => {
                    self.at = at;
                    return Err(self.syntax("a string holds a line end or control character; write it as an escape such as `\\n`"));
                }
                Some(_) => at += 1,
                None => return Err(self.syntax("a string is not closed; add the double quote")),
            }
        }
        self.at = at + 1;
        let text = if escapes {
            let parsed = serde_json::from_str(&self.text[start..self.at]);
            Cow::Owned(
                parsed.map_err(|_| Fault::new("json.string", start, "a string holds an unknown escape; write `\\\\` for a backslash"))?,
            )
        } else {
            Cow::Borrowed(&self.text[start + 1..at])
        };
        Ok(self.node(start, Data::Scalar(text, Style::Double)))
    }

    fn number(&mut self) -> Result<Node<'a>, Fault> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let whole = self.digits();
        let leading_zero = whole > 1 && self.text.as_bytes()[self.at - whole] == b'0';
        let mut valid = whole > 0 && !leading_zero;
        if self.peek() == Some(b'.') {
            self.at += 1;
            valid &= self.digits() > 0;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            valid &= self.digits() > 0;
        }
        if !valid {
            self.at = start;
            return Err(self.syntax("this is not a JSON number; quote it if it is text"));
        }
        Ok(self.node(start, Data::Scalar(Cow::Borrowed(&self.text[start..self.at]), Style::Plain)))
    }

    fn word(&mut self) -> Result<Node<'a>, Fault> {
        let start = self.at;
        let rest = &self.text[start..];
        let Some(word) = ["true", "false", "null"].into_iter().find(|word| rest.starts_with(word)) else {
            return Err(self.syntax("a JSON value must begin here; strings need double quotes"));
        };
        self.at += word.len();
        Ok(self.node(start, Data::Scalar(Cow::Borrowed(word), Style::Plain)))
    }

    fn digits(&mut self) -> usize {
        let count = self.text.as_bytes()[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        count
    }

    fn blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn node(&self, start: usize, data: Data<'a>) -> Node<'a> {
        Node { data, outer: start, start, end: self.at, anchor: 0, tagged: false }
    }

    fn syntax(&self, message: &str) -> Fault {
        Fault::new("json.syntax", self.at.min(self.text.len()), message)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::node::{JSON, fields};
    use super::*;

    #[test]
    fn values_are_those_of_serde_json() {
        let text = r#" {"a": [1, -2.5e3, "x\"\u00e9\ud83d\ude00", true, false, null], "b": {"c": {}, "d": []}, "é": ""} "#;
        let root = parse(text).unwrap();
        let expected: Value = serde_json::from_str(text).unwrap();
        assert_eq!(Value::Object(fields(&root, text, &JSON).unwrap()), expected);
    }

    #[test]
    fn a_number_that_cannot_be_held_stays_the_text_that_it_is() {
        let long = "1".repeat(336);
        let text = format!("{{\"a\": {long}, \"b\": -1e999, \"c\": 18446744073709551616}}");
        let root = parse(&text).unwrap();
        let expected = serde_json::json!({"a": long, "b": "-1e999", "c": "18446744073709551616"});
        assert_eq!(Value::Object(fields(&root, &text, &JSON).unwrap()), expected);
    }

    #[test]
    fn each_mistake_is_found_at_its_place() {
        let cases = [
            ("", 0),
            ("{", 1),
            ("{\"a\" 1}", 5),
            ("{\"a\": 1,}", 8),
            ("[1 2]", 3),
            ("{'a': 1}", 1),
            ("[01]", 1),
            ("[1.]", 1),
            ("[-]", 1),
            ("[nul]", 1),
            ("[\"a\n\"]", 3),
            ("[\"a", 1),
            ("{} x", 3),
            ("[1e]", 1),
            ("// c\n{}", 0),
            ("[\"\\", 1),
        ];
        for (text, at) in cases {
            let fault = parse(text).unwrap_err();
            assert_eq!((fault.code, fault.at), ("json.syntax", at), "{text:?}: {}", fault.message);
        }
        assert_eq!(parse("[\"\\q\"]").unwrap_err().code, "json.string");
        assert_eq!(parse("[\"\\ud800\"]").unwrap_err().code, "json.string");
    }

    #[test]
    fn depth_is_bounded() {
        assert_eq!(parse(&"[".repeat(65_000)).unwrap_err().code, "json.depth");
        assert_eq!(parse(&"{\"a\":".repeat(65_000)).unwrap_err().code, "json.depth");
    }
}
