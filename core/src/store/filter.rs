//! Conditions on entities: how a version is held against one, and how a person writes one. Every store filters by
//! these rules, in SQL or in memory.

use std::cmp::Ordering;
use std::str::FromStr;

use serde_json::Value;

use super::{Filter, FilterOp, Query, Seen, compare_numbers, json_equal};
use crate::codec::parse_value;
use crate::{Error, ErrorKind, Result};

/// The operators as they are written; of two that begin alike the longer one comes first.
const OPERATORS: [(&str, FilterOp); 8] = [
    ("!=", FilterOp::Ne),
    ("<=", FilterOp::Le),
    (">=", FilterOp::Ge),
    ("=", FilterOp::Eq),
    ("<", FilterOp::Lt),
    (">", FilterOp::Gt),
    ("contains", FilterOp::Contains),
    ("in", FilterOp::In),
];

impl Query {
    /// Whether a version is of the kind and the status that is asked for and meets every condition.
    pub fn admits(&self, seen: &Seen<'_>) -> bool {
        self.kind.as_ref().is_none_or(|kind| seen.key.kind == *kind)
            && self.status.is_none_or(|status| seen.content.status == Some(status))
            && self.filters.iter().all(|filter| filter.admits(seen))
    }
}

impl Filter {
    /// Whether a version meets the condition.
    pub fn admits(&self, seen: &Seen<'_>) -> bool {
        let found = seen.field(&self.field);
        let null = Value::Null;
        let found = found.as_deref().unwrap_or(&null);
        let wanted = &self.value;
        let order = || match (found, wanted) {
            (Value::Number(a), Value::Number(b)) => Some(compare_numbers(a, b)),
            (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
            _ => None,
        };
        match self.op {
            FilterOp::Eq => json_equal(found, wanted),
            FilterOp::Ne => !json_equal(found, wanted),
            FilterOp::Lt => order().is_some_and(Ordering::is_lt),
            FilterOp::Le => order().is_some_and(Ordering::is_le),
            FilterOp::Gt => order().is_some_and(Ordering::is_gt),
            FilterOp::Ge => order().is_some_and(Ordering::is_ge),
            FilterOp::Contains => contains(found, wanted),
            FilterOp::In => wanted.as_array().is_some_and(|list| list.iter().any(|value| json_equal(found, value))),
        }
    }
}

fn contains(found: &Value, wanted: &Value) -> bool {
    match found {
        Value::Array(items) => items.iter().any(|item| {
            json_equal(item, wanted) || item.as_object().is_some_and(|fields| fields.values().any(|value| json_equal(value, wanted)))
        }),
        Value::String(text) => wanted.as_str().is_some_and(|part| text.contains(part)),
        _ => false,
    }
}

/// `FIELD OP VALUE`, where `OP` is one of `= != < <= > >= contains in` and `VALUE` a YAML value:
///
/// ```
/// use lorebase::store::{Filter, FilterOp};
///
/// let filter: Filter = "owner.region in [west, south]".parse()?;
/// assert_eq!((filter.field.as_str(), filter.op), ("owner.region", FilterOp::In));
/// assert_eq!("tier=3".parse::<Filter>()?.value, 3);
/// assert!("tier is 3".parse::<Filter>().is_err());
/// # Ok::<(), lorebase::Error>(())
/// ```
impl FromStr for Filter {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |why: &str| {
            let message = format!(
                "the condition `{}` {why}; write `FIELD OP VALUE` with one of = != < <= > >= contains in, for example `tier = gold`",
                text.escape_debug()
            );
            Error::new(ErrorKind::InvalidInput, message)
        };
        let trimmed = text.trim();
        let end = trimmed.find(|c: char| c.is_whitespace() || "=!<>".contains(c)).ok_or_else(|| wrong("has no operator"))?;
        let (field, rest) = trimmed.split_at(end);
        let rest = rest.trim_start();
        if field.is_empty() {
            return Err(wrong("names no field"));
        }
        let (op, value) = OPERATORS
            .iter()
            .find_map(|(name, op)| Some((*op, rest.strip_prefix(name)?)))
            .filter(|(op, value)| !matches!(op, FilterOp::Contains | FilterOp::In) || value.starts_with([' ', '\t', '[', '"', '\'']))
            .ok_or_else(|| wrong("has no operator that is known"))?;
        if value.trim().is_empty() {
            return Err(wrong("has no value"));
        }
        if value.starts_with('=') {
            return Err(wrong("has an operator that is not known"));
        }
        let value = parse_value(value.trim())?;
        if op == FilterOp::In && !value.is_array() {
            return Err(wrong("needs a list after `in`, like `[a, b]`"));
        }
        Ok(Self { field: field.to_owned(), op, value })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn conditions_are_written_with_and_without_spaces() {
        for (text, field, op, value) in [
            ("tier = gold", "tier", FilterOp::Eq, json!("gold")),
            ("tier=gold", "tier", FilterOp::Eq, json!("gold")),
            ("a.b!=null", "a.b", FilterOp::Ne, json!(null)),
            (" n <= 3 ", "n", FilterOp::Le, json!(3)),
            ("n<3", "n", FilterOp::Lt, json!(3)),
            ("n >3", "n", FilterOp::Gt, json!(3)),
            ("n>= 2026-01-01", "n", FilterOp::Ge, json!("2026-01-01")),
            ("tags contains \"a b\"", "tags", FilterOp::Contains, json!("a b")),
            ("tags in [a, 1]", "tags", FilterOp::In, json!(["a", 1])),
            ("in in [in]", "in", FilterOp::In, json!(["in"])),
            ("title = a = b", "title", FilterOp::Eq, json!("a = b")),
        ] {
            assert_eq!(text.parse::<Filter>().unwrap(), Filter { field: field.to_owned(), op, value }, "{text}");
        }
    }

    #[test]
    fn what_is_no_condition_is_refused_with_the_form_that_is_meant() {
        for text in ["", "tier", "= gold", "tier gold", "tier inside [a]", "tier =", "tier == gold", "tier in a", "tier ! a"] {
            let error = text.parse::<Filter>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.message().contains("FIELD OP VALUE"), "{error}");
        }
        assert!("a = [x".parse::<Filter>().unwrap_err().message().contains("no YAML value"));
    }
}
