//! TOML text to [`Node`]s that know their places. With `edit_toml` the only code that knows TOML.

use std::borrow::Cow;

use toml_edit::{Document, Item, Key, Table, TableLike, TomlError, Value};

use super::fault::Fault;
use super::node::{Data, Entry, Node, Shape, Style};

/// Reads one document. Dates, times and numbers that are no numbers of JSON are the texts that they are written as.
///
/// # Errors
/// A fault where the text is no TOML or nests too deep.
pub(super) fn parse(text: &str) -> Result<Node<'_>, Fault> {
    let document = Document::parse(text).map_err(|error| fault(text, &error))?;
    Ok(table(document.as_table(), 0, text.len()))
}

fn table<'a>(table: &dyn TableLike, start: usize, end: usize) -> Node<'a> {
    let mut entries: Vec<_> = table.iter().filter_map(|(key, item)| entry(table.key(key), key, item, start, end)).collect();
    entries.sort_by_key(|entry| entry.key.start);
    node(Data::Map(entries, Shape::Flow), start, end)
}

fn entry<'a>(key: Option<&Key>, name: &str, entry: &Item, start: usize, end: usize) -> Option<Entry<'a>> {
    let span = key.and_then(Key::span).unwrap_or(start..start);
    let key = node(Data::Scalar(Cow::Owned(name.to_owned()), Style::Double), span.start, span.end);
    let place = entry.span().unwrap_or(span.start..end);
    let value = match entry {
        Item::None => return None,
        Item::Value(value) => self::value(value, place.start, place.end),
        Item::Table(inner) => table(inner, place.start, place.end),
        Item::ArrayOfTables(tables) => {
            let items = tables.iter().map(|inner: &Table| {
                let place = inner.span().unwrap_or(place.clone());
                table(inner, place.start, place.end)
            });
            node(Data::Seq(items.collect(), Shape::Flow), place.start, place.end)
        }
    };
    Some(Entry { key, value, colon: None })
}

fn value<'a>(value: &Value, start: usize, end: usize) -> Node<'a> {
    let (text, style) = match value {
        Value::String(text) => (text.value().clone(), Style::Double),
        Value::Integer(number) => (number.value().to_string(), Style::Plain),
        // As JSON writes it, so that it is read as a number with a fraction; not a number and infinities are texts.
        Value::Float(number) => match serde_json::Number::from_f64(*number.value()) {
            Some(number) => (number.to_string(), Style::Plain),
            None => (number.value().to_string(), Style::Double),
        },
        Value::Boolean(flag) => (flag.value().to_string(), Style::Plain),
        Value::Datetime(time) => (time.value().to_string(), Style::Double),
        Value::Array(items) => {
            let items = items.iter().map(|item| {
                let place = item.span().unwrap_or(start..end);
                self::value(item, place.start, place.end)
            });
            return node(Data::Seq(items.collect(), Shape::Flow), start, end);
        }
        Value::InlineTable(inner) => return table(inner, start, end),
    };
    node(Data::Scalar(Cow::Owned(text), style), start, end)
}

fn node(data: Data<'_>, start: usize, end: usize) -> Node<'_> {
    Node { data, outer: start, start, end, anchor: 0, tagged: false }
}

fn fault(text: &str, error: &TomlError) -> Fault {
    let at = error.span().map_or(0, |span| span.start);
    let message = error.message().lines().collect::<Vec<_>>().join(", ");
    let (code, fix) = if message.contains("recursion limit") {
        ("toml.depth", "flatten the values")
    } else if message.contains("duplicate key") {
        ("toml.duplicate_key", "keep one")
    } else {
        ("toml.syntax", "write `name = value`, and quote texts")
    };
    Fault::new(code, at.min(text.len()), format!("this is not TOML ({message}); {fix}"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::node::{TOML, fields};
    use super::*;

    fn read(text: &str) -> Result<Value, Fault> {
        fields(&parse(text)?, text, &TOML).map(Value::Object)
    }

    #[test]
    fn every_type_has_its_value() {
        let text = "a = \"x\"\nb = 'y\\'\nc = 1_000\nd = 1.50\ne = true\nf = 2024-01-01\ng = 2024-01-01T10:00:00Z\nh = inf\ni = [1, {j = \"\"}]\n\"k.l\" = 0x1F\nm.n = 1\n[o]\np = \"\"\"\nq\nr\"\"\"\n[[s]]\nt = 1\n[[s]]\nt = 12:30:00\n";
        assert_eq!(
            read(text),
            Ok(json!({
                "a": "x", "b": "y\\", "c": 1000, "d": 1.5, "e": true, "f": "2024-01-01", "g": "2024-01-01T10:00:00Z", "h": "inf",
                "i": [1, {"j": ""}], "k.l": 31, "m": {"n": 1}, "o": {"p": "q\nr"}, "s": [{"t": 1}, {"t": "12:30:00"}]
            }))
        );
        assert_eq!(read("# nothing\n"), Ok(json!({})));
        assert_eq!(read("a = 1e300\nb = -0.0\nc = 1.0\n"), Ok(json!({"a": 1e300, "b": -0.0, "c": 1.0})));
    }

    #[test]
    fn keys_stand_in_the_order_of_the_file_with_their_places() {
        let text = "b = 1\n[t]\nx = 'y'\n";
        let root = parse(text).unwrap();
        let entry = root.entry("t").unwrap().value.entry("x").unwrap().value.start;
        assert_eq!(&text[entry..], "'y'\n");
        assert_eq!(read(text).unwrap().as_object().unwrap().keys().collect::<Vec<_>>(), ["b", "t"]);
    }

    #[test]
    fn mistakes_have_a_code_and_a_place() {
        for (text, code, at) in [
            ("a = \n", "toml.syntax", 4),
            ("a: 1\n", "toml.syntax", 3),
            ("a = 1\na = 2\n", "toml.duplicate_key", 6),
            ("a = \"x\\u0000\"\n", "toml.nul", 4),
        ] {
            let fault = read(text).unwrap_err();
            assert_eq!((fault.code, fault.at), (code, at), "{text:?}: {}", fault.message);
        }
        assert_eq!(read(&format!("a = {}", "[".repeat(65_000))).unwrap_err().code, "toml.syntax");
        assert_eq!(read(&format!("a = {}1{}", "[".repeat(70), "]".repeat(70))).unwrap_err().code, "toml.depth");
        assert_eq!(read(&format!("{}a = 1", "a.".repeat(65_000))).unwrap_err().code, "toml.depth");
        assert_eq!(read(&format!("[{}a]", "a.".repeat(65_000))).unwrap_err().code, "toml.depth");
    }
}
