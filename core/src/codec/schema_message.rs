//! What is said about a value that its schema does not allow: what was expected, what is there, and what to do. No
//! value is repeated whole, because a message goes into logs.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use serde_json::Value;

/// How many values of an `enum` are named.
const MOST_NAMED: usize = 12;

/// The cause and the fix, for the field written as `field` (empty for all fields together).
pub(super) fn message(field: &str, kind: &ValidationErrorKind, found: &Value, masked: &str) -> String {
    let named = if field.is_empty() { "the whole".to_owned() } else { format!("`{field}`") };
    match kind {
        ValidationErrorKind::Required { property } => {
            let property = property.as_str().unwrap_or_default();
            let inside = if field.is_empty() { String::new() } else { format!(" in {named}") };
            format!("`{}` is missing{inside}; add it", property.escape_debug())
        }
        ValidationErrorKind::Type { kind } => of_type(&named, kind, found),
        ValidationErrorKind::Enum { options } => {
            let options: Vec<&Value> =
                options.as_array().map_or_else(Vec::new, |options| options.iter().filter(|v| !v.is_null()).collect());
            let more = if options.len() > MOST_NAMED { ", …" } else { "" };
            let options: Vec<String> = options.into_iter().take(MOST_NAMED).map(shown).collect();
            format!("{named} is none of {}{more}; write one of them", options.join(", "))
        }
        ValidationErrorKind::Constant { expected_value } => format!("{named} must be {}; write that", shown(expected_value)),
        ValidationErrorKind::AdditionalProperties { unexpected } | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            let unexpected: Vec<String> = unexpected.iter().map(|name| format!("`{}`", name.escape_debug())).collect();
            let inside = if field.is_empty() { String::new() } else { format!(" in {named}") };
            format!("the schema knows no field {}{inside}; correct the name, remove it, or add it to the schema", unexpected.join(", "))
        }
        ValidationErrorKind::Pattern { pattern } => format!("{named} does not fit the pattern `{pattern}`; change it"),
        ValidationErrorKind::Format { format } => format!("{named} is not written as `{format}`; change it"),
        ValidationErrorKind::FalseSchema => format!("{named} is not allowed by the schema; remove it"),
        ValidationErrorKind::AnyOf { .. } | ValidationErrorKind::OneOfNotValid { .. } => {
            format!("{named} fits none of the forms that the schema allows; change it to fit one")
        }
        ValidationErrorKind::OneOfMultipleValid { .. } => {
            format!("{named} fits more than one of the forms of which the schema allows exactly one; change it to fit one")
        }
        _ => format!("{named}: {}; change it to fit the schema", masked.trim_end_matches('.')),
    }
}

fn of_type(named: &str, expected: &TypeKind, found: &Value) -> String {
    let expected: Vec<&str> = match expected {
        TypeKind::Single(single) => vec![single.as_str()],
        TypeKind::Multiple(set) => set.iter().map(jsonschema::JsonType::as_str).collect(),
    };
    let fix = match found {
        Value::String(text) if expected.contains(&"boolean") && matches!(text.as_str(), "yes" | "no" | "on" | "off") => {
            "write `true` or `false`"
        }
        Value::String(text) if expected.contains(&"boolean") && matches!(text.as_str(), "true" | "false") => "remove the quotes",
        Value::String(text) if expects_number(&expected) && text.parse::<f64>().is_ok() => "remove the quotes",
        Value::String(_) | Value::Number(_) if expected.contains(&"array") => "write a list, `[…]`",
        Value::Number(_) | Value::Bool(_) if expected.contains(&"string") => "put it in quotes",
        _ => "change the value",
    };
    // Null stands for nothing; nobody has to be told to write it.
    let words: Vec<&str> = expected.iter().filter(|name| **name != "null" || expected.len() == 1).map(|name| word(name)).collect();
    format!("{named} must be {}, not {}; {fix}", words.join(" or "), word(type_of(found)))
}

fn expects_number(expected: &[&str]) -> bool {
    expected.contains(&"number") || expected.contains(&"integer")
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn word(name: &str) -> &str {
    match name {
        "boolean" => "true or false",
        "integer" => "a whole number",
        "number" => "a number",
        "string" => "a text",
        "array" => "a list",
        "object" => "a mapping",
        other => other,
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{}`", text.escape_debug()),
        other => format!("`{other}`"),
    }
}
