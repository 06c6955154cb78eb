//! One YAML value on its own, as people write it outside of a file: what a command line sets or compares with.
//! Read by the same rules as a field's value in a file.

use serde_json::Value;

use super::fault::Fault;
use super::{node, yaml};
use crate::{Error, ErrorKind, Result};

/// Reads one YAML value: a number, a boolean, `null`, a text, `[a, b]`, `{a: 1}`. Nothing at all is `null`.
///
/// # Errors
/// [`ErrorKind::InvalidInput`] when the text is no YAML, or only a comment (`#fff`: quote it).
///
/// ```
/// use lorebase::codec::parse_value;
/// assert_eq!(parse_value("[a, 1]")?, serde_json::json!(["a", 1]));
/// assert_eq!(parse_value("2026-01-31")?, "2026-01-31");
/// assert!(parse_value("[a").is_err());
/// # Ok::<(), lorebase::Error>(())
/// ```
pub fn parse_value(text: &str) -> Result<Value> {
    read(text)
        .map_err(|fault| Error::new(ErrorKind::InvalidInput, format!("`{}` is no YAML value: {}", text.escape_debug(), fault.message)))
}

fn read(text: &str) -> Result<Value, Fault> {
    match yaml::parse(text)? {
        Some(tree) => node::value(&tree, text, &node::YAML),
        None if text.trim().is_empty() => Ok(Value::Null),
        None => Err(Fault::new("yaml.comment", 0, "it begins with `#` and is only a comment; put it in quotes")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_what_they_would_be_in_a_file() {
        for (text, value) in [
            ("", json!(null)),
            ("null", json!(null)),
            ("12", json!(12)),
            ("1.5", json!(1.5)),
            ("true", json!(true)),
            ("yes", json!("yes")),
            ("0123", json!("0123")),
            ("two words", json!("two words")),
            ("\"12\"", json!("12")),
            ("'#fff'", json!("#fff")),
            ("[a, {b: 1}]", json!(["a", {"b": 1}])),
            ("{name: Ada, tags: []}", json!({"name": "Ada", "tags": []})),
            ("- a\n- b\n", json!(["a", "b"])),
        ] {
            assert_eq!(parse_value(text).unwrap(), value, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_value_is_refused_with_the_text_and_the_reason() {
        for (text, part) in [
            ("[a", "`[a` is no YAML value: "),
            ("{a: 1, a: 2}", "on this line already"),
            ("#fff", "put it in quotes"),
            ("*x", "no YAML value"),
            ("a: b: c", "no YAML value"),
        ] {
            let error = parse_value(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.message().contains(part), "{error}");
        }
        assert!(parse_value(&"[".repeat(100_000)).is_err());
    }
}
