//! How a string or another scalar is written in YAML so that js-yaml 3 and 4, yaml 2, PyYAML and this library all
//! read the same value.

use std::fmt::Write as _;

use serde_json::{Number, Value};

use super::node::Style;
use super::scalar::is_timestamp;

/// Words that some reader takes for something else than a string, in lower case.
const WORDS: [&str; 11] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"];

/// The text of a scalar where nothing was before it. `flow`: inside `[]` or `{}`.
pub(super) fn scalar(value: &Value, flow: bool) -> String {
    match value {
        Value::String(text) => string(text, flow),
        other => bare(other),
    }
}

/// The text of a scalar that takes the place of one written in `style`; a plain date stays plain.
pub(super) fn scalar_like(value: &Value, style: Style, old: &str, flow: bool) -> String {
    let Value::String(text) = value else { return bare(value) };
    match style {
        Style::Single if !needs_escapes(text) => single(text),
        Style::Double => double(text),
        Style::Plain if is_timestamp(old) && is_timestamp(text) => text.clone(),
        _ => string(text, flow),
    }
}

/// The text of a string or a key.
pub(super) fn string(text: &str, flow: bool) -> String {
    if is_plain(text, flow) {
        text.to_owned()
    } else if !needs_escapes(text) && text.contains('"') && !text.contains('\'') {
        single(text)
    } else {
        double(text)
    }
}

/// The text of null, a boolean, a number or an empty collection.
fn bare(value: &Value) -> String {
    match value {
        Value::Number(number) => self::number(number),
        other => other.to_string(),
    }
}

/// A float with an exponent gets a fraction and a sign: `1e300` is a string for readers of YAML 1.1.
fn number(number: &Number) -> String {
    let text = number.to_string();
    let Some((mantissa, exponent)) = text.split_once('e') else { return text };
    let fraction = if mantissa.contains('.') { "" } else { ".0" };
    let sign = if exponent.starts_with(['-', '+']) { "" } else { "+" };
    format!("{mantissa}{fraction}e{sign}{exponent}")
}

fn is_plain(text: &str, flow: bool) -> bool {
    let Some(first) = text.chars().next() else { return false };
    (first.is_alphabetic() || matches!(first, '/' | '_' | '('))
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && !needs_escapes(text)
        // PyYAML ends a plain value in a flow collection at a `?` too, as in `[https://x.org/?q]`.
        && !(flow && text.contains([',', '[', ']', '{', '}', '?']))
        && !WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
        && !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'e' | b'E' | b'.' | b'_' | b'+' | b'-'))
}

/// Whether a character must be written as an escape: no other style can hold it, or readers disagree about it.
fn is_escaped(c: char) -> bool {
    c < ' ' || matches!(c, '\u{7f}'..='\u{a0}' | '\u{200b}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

fn needs_escapes(text: &str) -> bool {
    text.chars().any(is_escaped)
}

fn single(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn double(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c <= '\u{7f}' && is_escaped(c) => _ = write!(out, "\\x{:02X}", u32::from(c)),
            c if is_escaped(c) => _ = write!(out, "\\u{:04X}", u32::from(c)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn strings_are_quoted_only_where_some_reader_would_read_something_else() {
        let cases = [
            ("Acme", "Acme"),
            ("Acme, Inc.", "Acme, Inc."),
            ("/docs/a", "/docs/a"),
            ("_x", "_x"),
            ("(a) b", "(a) b"),
            ("über", "über"),
            ("https://x.org/#a", "https://x.org/#a"),
            ("", "\"\""),
            ("no", "\"no\""),
            ("YES", "\"YES\""),
            ("Null", "\"Null\""),
            ("2024-01-01", "\"2024-01-01\""),
            ("0123", "\"0123\""),
            ("e5", "\"e5\""),
            ("a: b", "\"a: b\""),
            ("a #b", "\"a #b\""),
            ("a:", "\"a:\""),
            ("a ", "\"a \""),
            (" a", "\" a\""),
            ("- a", "\"- a\""),
            ("say \"hi\"", "say \"hi\""),
            ("\"hi\"", "'\"hi\"'"),
            ("\"it's\"", "\"\\\"it's\\\"\""),
            ("%x", "\"%x\""),
            ("a\nb\tc\\", "\"a\\nb\\tc\\\\\""),
            ("a\u{a0}b", "\"a\\u00A0b\""),
            ("\u{7}", "\"\\x07\""),
            ("\u{feff}x", "\"\\uFEFFx\""),
            ("{{ x }}", "\"{{ x }}\""),
        ];
        for (text, written) in cases {
            assert_eq!(string(text, false), written, "{text:?}");
        }
        for text in ["Acme, Inc.", "a[1]", "b{}", "https://x.org/?q"] {
            assert_eq!(string(text, true), format!("\"{text}\""));
        }
    }

    #[test]
    fn other_scalars_are_written_for_every_reader() {
        for (value, written) in [
            (json!(null), "null"),
            (json!(true), "true"),
            (json!(-3), "-3"),
            (json!(1.5), "1.5"),
            (json!(1e300), "1.0e+300"),
            (json!(1.5e-9), "1.5e-9"),
        ] {
            assert_eq!(scalar(&value, false), written);
        }
    }

    #[test]
    fn a_replacement_keeps_the_quotes_and_the_plainness_of_dates() {
        assert_eq!(scalar_like(&json!("b"), Style::Single, "a", false), "'b'");
        assert_eq!(scalar_like(&json!("it's"), Style::Single, "a", false), "'it''s'");
        assert_eq!(scalar_like(&json!("b\n"), Style::Single, "a", false), "\"b\\n\"");
        assert_eq!(scalar_like(&json!("b"), Style::Double, "a", false), "\"b\"");
        assert_eq!(scalar_like(&json!("2024-02-01"), Style::Plain, "2024-01-01", false), "2024-02-01");
        assert_eq!(scalar_like(&json!("2024-02-31"), Style::Plain, "2024-01-01", false), "\"2024-02-31\"");
        assert_eq!(scalar_like(&json!("2024-02-01"), Style::Plain, "soon", false), "\"2024-02-01\"");
        assert_eq!(scalar_like(&json!(3), Style::Double, "2", false), "3");
    }
}
