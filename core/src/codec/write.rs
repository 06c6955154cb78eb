//! Values as new text: YAML in block and in flow style, and JSON. Pure output; what may be replaced is decided
//! elsewhere.

use serde_json::{Map, Value};

use super::quote;

/// How new blocks of a file look.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) line_end: &'static str,
    /// How far the dashes of a list stand in from its key.
    pub(super) list_indent: usize,
    /// How far the keys of a mapping stand in from its key.
    pub(super) map_indent: usize,
}

impl Default for Layout {
    fn default() -> Self {
        Self { line_end: "\n", list_indent: 2, map_indent: 2 }
    }
}

/// Whether a value is written on its key's line even in block style.
pub(super) fn is_inline(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => true,
    }
}

/// `key: value` lines, each with its line end, `indent` in front.
pub(super) fn entries(out: &mut String, fields: &Map<String, Value>, indent: &str, layout: &Layout) {
    for (key, value) in fields {
        out.push_str(indent);
        entry(out, key, value, indent, layout);
    }
}

/// One `key: value` with its line end; further lines get `indent` and more.
pub(super) fn entry(out: &mut String, key: &str, value: &Value, indent: &str, layout: &Layout) {
    out.push_str(&quote::string(key, false));
    out.push(':');
    if is_inline(value) {
        out.push(' ');
        out.push_str(&quote::scalar(value, false));
        out.push_str(layout.line_end);
    } else {
        out.push_str(layout.line_end);
        block(out, value, indent, layout);
    }
}

/// The lines of a list or mapping that stands under a key with `indent` in front.
pub(super) fn block(out: &mut String, value: &Value, indent: &str, layout: &Layout) {
    match value {
        Value::Array(list) => items(out, list, &format!("{indent}{:1$}", "", layout.list_indent), layout),
        Value::Object(fields) => entries(out, fields, &format!("{indent}{:1$}", "", layout.map_indent), layout),
        _ => {}
    }
}

/// `- item` lines, each with its line end, `indent` in front.
pub(super) fn items(out: &mut String, list: &[Value], indent: &str, layout: &Layout) {
    for value in list {
        out.push_str(indent);
        out.push_str("- ");
        item(out, value, &format!("{indent}  "), layout);
    }
}

/// A value behind a dash with its line end; further lines get `indent` in front.
pub(super) fn item(out: &mut String, value: &Value, indent: &str, layout: &Layout) {
    let start = out.len();
    match value {
        Value::Array(list) if !list.is_empty() => items(out, list, indent, layout),
        Value::Object(fields) if !fields.is_empty() => entries(out, fields, indent, layout),
        scalar => {
            out.push_str(&quote::scalar(scalar, false));
            out.push_str(layout.line_end);
            return;
        }
    }
    // The first line stands behind the dash.
    out.replace_range(start..start + indent.len(), "");
}

/// A value inside of `[]` or `{}`, or one that is to have them.
pub(super) fn flow(value: &Value) -> String {
    match value {
        Value::Array(list) => format!("[{}]", list.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            format!("{{{}}}", fields.iter().map(|(key, value)| flow_entry(key, value)).collect::<Vec<_>>().join(", "))
        }
        scalar => quote::scalar(scalar, true),
    }
}

/// A `key: value` inside of `{}`.
pub(super) fn flow_entry(key: &str, value: &Value) -> String {
    format!("{}: {}", quote::string(key, true), flow(value))
}

/// How new JSON of a file looks.
#[derive(Debug, Clone)]
pub(super) struct JsonLayout {
    pub(super) line_end: &'static str,
    /// One level.
    pub(super) indent: String,
    /// Behind the `:`.
    pub(super) space: &'static str,
}

impl Default for JsonLayout {
    fn default() -> Self {
        Self { line_end: "\n", indent: "  ".to_owned(), space: " " }
    }
}

/// JSON over several lines; all lines but the first get `indent` in front.
pub(super) fn json(value: &Value, indent: &str, layout: &JsonLayout) -> String {
    let inner = format!("{indent}{}", layout.indent);
    let parts: Vec<String> = match value {
        Value::Array(list) => list.iter().map(|value| json(value, &inner, layout)).collect(),
        Value::Object(fields) => fields.iter().map(|(key, value)| json_entry(key, &json(value, &inner, layout), layout)).collect(),
        scalar => return scalar.to_string(),
    };
    let (open, close) = if value.is_array() { ('[', ']') } else { ('{', '}') };
    if parts.is_empty() {
        return format!("{open}{close}");
    }
    let line_end = layout.line_end;
    format!("{open}{line_end}{inner}{}{line_end}{indent}{close}", parts.join(&format!(",{line_end}{inner}")))
}

/// JSON on one line.
pub(super) fn json_line(value: &Value, layout: &JsonLayout) -> String {
    let comma = if layout.space.is_empty() { "," } else { ", " };
    match value {
        Value::Array(list) => format!("[{}]", list.iter().map(|value| json_line(value, layout)).collect::<Vec<_>>().join(comma)),
        Value::Object(fields) => {
            let parts: Vec<_> = fields.iter().map(|(key, value)| json_entry(key, &json_line(value, layout), layout)).collect();
            format!("{{{}}}", parts.join(comma))
        }
        scalar => scalar.to_string(),
    }
}

/// One member of an object.
pub(super) fn json_entry(key: &str, value: &str, layout: &JsonLayout) -> String {
    format!("{}:{}{value}", Value::from(key), layout.space)
}
