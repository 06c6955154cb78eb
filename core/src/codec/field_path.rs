//! Where a value stands inside of the fields, and the edit of the field that changes only that value. Pure over
//! values; the bytes are the affair of [`edit_head`](super::edit_head).

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

use super::FieldEdit;
use super::edit_merge::{merged, provides};
use crate::knowledge::Fields;
use crate::{Error, ErrorKind, Result};

/// A value inside of the fields: `billing.city`, `owners[email=ann@example.com].name`, `tags[0]`, `tags[=draft]` (the
/// item that is `draft`), `tags[]` (a new item at the end). A name that holds one of `.[]="` is written in double
/// quotes, as in JSON: `"a.b".c`.
///
/// ```
/// use lorebase::codec::{FieldPath, edit_head};
/// use lorebase::knowledge::Format;
///
/// let head = "---\nowners:\n  - email: ann@example.com # lead\n    name: 'Ann'\n  - email: bob@example.com\n---\n";
/// let fields = serde_json::json!({"owners": [{"email": "ann@example.com", "name": "Ann"}, {"email": "bob@example.com"}]});
/// let path: FieldPath = "owners[email=ann@example.com].name".parse()?;
/// let edit = path.set(fields.as_object().unwrap(), "Ann Lee".into())?;
/// assert_eq!(edit_head(Format::Markdown, head, &[edit])?, head.replace("'Ann'", "'Ann Lee'"));
/// # Ok::<(), lorebase::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldPath {
    field: String,
    steps: Vec<PathStep>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum PathStep {
    Key(String),
    Index(usize),
    /// The item whose field (or that itself, without a field) is written so.
    Item(Option<String>, String),
    /// A new item at the end.
    New,
}

impl FieldPath {
    /// The path of a whole field, whatever its name.
    pub fn field(name: impl Into<String>) -> Self {
        Self { field: name.into(), steps: Vec::new() }
    }

    /// The name of the field in which the value stands.
    pub fn name(&self) -> &str {
        &self.field
    }

    /// The value, if it is there.
    ///
    /// # Errors
    /// `InvalidInput` when more than one item is meant.
    pub fn get<'v>(&self, fields: &'v Fields) -> Result<Option<&'v Value>> {
        let Some(mut value) = fields.get(&self.field) else { return Ok(None) };
        for step in &self.steps {
            let next = match step {
                PathStep::Key(key) => value.get(key),
                PathStep::Index(index) => value.as_array().and_then(|items| items.get(*index)),
                PathStep::Item(field, text) => match value.as_array() {
                    Some(items) => self.position(items, field.as_deref(), text)?.map(|index| &items[index]),
                    None => None,
                },
                PathStep::New => None,
            };
            match next {
                Some(next) => value = next,
                None => return Ok(None),
            }
        }
        Ok(Some(value))
    }

    /// The edit that makes this value what it says and leaves the rest of its field. Mappings and lists on the way
    /// are made where nothing stands.
    ///
    /// # Errors
    /// `InvalidInput` when the path leads through a value that has no such parts, or to no item, or to several.
    pub fn set(&self, fields: &Fields, value: Value) -> Result<FieldEdit> {
        let mut root = fields.get(&self.field).cloned().unwrap_or_default();
        let mut place = &mut root;
        for step in &self.steps {
            place = self.enter(place, step)?;
        }
        *place = value;
        Ok(FieldEdit::Set(self.field.clone(), root))
    }

    /// The edit that takes this value away; it changes nothing where there is none.
    ///
    /// # Errors
    /// `InvalidInput` when several items are meant; `Unsupported` when a merge key provides the value.
    pub fn unset(&self, fields: &Fields) -> Result<FieldEdit> {
        let Some((last, way)) = self.steps.split_last() else { return Ok(FieldEdit::Unset(self.field.clone())) };
        let Some(root) = fields.get(&self.field) else { return Ok(FieldEdit::Unset(self.field.clone())) };
        let mut root = root.clone();
        if let Some(parent) = self.walk(&mut root, way)? {
            match (parent, last) {
                (Value::Object(map), PathStep::Key(key)) => {
                    let gone = map.shift_remove(key).is_some();
                    if !gone && provides(map, key) {
                        return Err(Error::new(ErrorKind::Unsupported, format!("`{self}`: {}", merged(key))));
                    }
                }
                (Value::Array(items), PathStep::Index(index)) if *index < items.len() => drop(items.remove(*index)),
                (Value::Array(items), PathStep::Item(field, text)) => {
                    if let Some(index) = self.position(items, field.as_deref(), text)? {
                        items.remove(index);
                    }
                }
                _ => {}
            }
        }
        Ok(FieldEdit::Set(self.field.clone(), root))
    }

    /// The edits that give this value's key another name; the value's bytes and its place stay. They change nothing
    /// where there is no such value.
    ///
    /// # Errors
    /// `InvalidInput` when the path ends in a list, several items are meant, or the name is taken.
    pub fn rename(&self, fields: &Fields, name: &str) -> Result<Vec<FieldEdit>> {
        let Some((last, way)) = self.steps.split_last() else {
            let Some(value) = fields.get(&self.field).filter(|_| self.field != name) else { return Ok(Vec::new()) };
            if fields.contains_key(name) {
                return Err(self.refused(&format!("there is a field `{name}` already")));
            }
            return Ok(vec![FieldEdit::Unset(self.field.clone()), FieldEdit::Set(name.to_owned(), value.clone())]);
        };
        let PathStep::Key(key) = last else { return Err(self.refused("only a key has a name")) };
        let Some(root) = fields.get(&self.field) else { return Ok(Vec::new()) };
        let mut root = root.clone();
        match self.walk(&mut root, way)? {
            Some(Value::Object(map)) if key != name && map.contains_key(key) => {
                if map.contains_key(name) {
                    return Err(self.refused(&format!("there is a key `{name}` already")));
                }
                *map =
                    std::mem::take(map).into_iter().map(|(old, value)| (if old == *key { name.to_owned() } else { old }, value)).collect();
            }
            _ => return Ok(Vec::new()),
        }
        Ok(vec![FieldEdit::Set(self.field.clone(), root)])
    }

    /// The value at the end of some steps, if it is there.
    fn walk<'v>(&self, root: &'v mut Value, way: &[PathStep]) -> Result<Option<&'v mut Value>> {
        let mut place = root;
        for step in way {
            let next = match (place, step) {
                (Value::Object(map), PathStep::Key(key)) => map.get_mut(key),
                (Value::Array(items), PathStep::Index(index)) => items.get_mut(*index),
                (Value::Array(items), PathStep::Item(field, text)) => {
                    let index = self.position(items, field.as_deref(), text)?;
                    index.and_then(|index| items.get_mut(index))
                }
                _ => None,
            };
            match next {
                Some(next) => place = next,
                None => return Ok(None),
            }
        }
        Ok(Some(place))
    }

    /// The place one step further, made where nothing stands.
    fn enter<'v>(&self, place: &'v mut Value, step: &PathStep) -> Result<&'v mut Value> {
        if place.is_null() {
            *place = if matches!(step, PathStep::Key(_)) { Value::Object(Map::new()) } else { Value::Array(Vec::new()) };
        }
        match (place, step) {
            (Value::Object(map), PathStep::Key(key)) => Ok(map.entry(key.as_str()).or_insert(Value::Null)),
            (Value::Array(items), PathStep::New) => {
                items.push(Value::Null);
                items.last_mut().ok_or_else(|| self.refused("there is no such item"))
            }
            (Value::Array(items), PathStep::Index(index)) => {
                let count = items.len();
                items.get_mut(*index).ok_or_else(|| self.refused(&format!("there are {count} items, counted from 0")))
            }
            (Value::Array(items), PathStep::Item(field, text)) => match self.position(items, field.as_deref(), text)? {
                Some(index) => Ok(&mut items[index]),
                None => {
                    Err(self.refused(&format!("no item has `{}{text}`", field.as_ref().map_or(String::new(), |field| format!("{field}=")))))
                }
            },
            (_, PathStep::Key(key)) => Err(self.refused(&format!("what should hold the key `{key}` is no mapping"))),
            (_, _) => Err(self.refused("what should hold the item is no list")),
        }
    }

    fn position(&self, items: &[Value], field: Option<&str>, text: &str) -> Result<Option<usize>> {
        let is_meant = |item: &Value| field.map_or(Some(item), |field| item.get(field)).is_some_and(|value| is_written(value, text));
        let mut found = items.iter().enumerate().filter(|(_, item)| is_meant(item)).map(|(index, _)| index);
        match (found.next(), found.next()) {
            (Some(first), Some(second)) => {
                Err(self.refused(&format!("the items {first} and {second} are both meant; name one by its number")))
            }
            (first, _) => Ok(first),
        }
    }

    fn refused(&self, reason: &str) -> Error {
        Error::new(ErrorKind::InvalidInput, format!("`{self}` leads nowhere: {reason}"))
    }
}

fn is_written(value: &Value, text: &str) -> bool {
    match value {
        Value::String(value) => value == text,
        Value::Array(_) | Value::Object(_) => false,
        scalar => {
            let written = scalar.to_string();
            written == text
        }
    }
}

impl FromStr for FieldPath {
    type Err = Error;

    /// # Errors
    /// `InvalidInput` when the text is no path.
    fn from_str(text: &str) -> Result<Self> {
        let wrong = |reason: &str| {
            Error::new(
                ErrorKind::InvalidInput,
                format!("`{text}` is no path to a value ({reason}); write `a.b`, `list[0]` or `list[id=x].b`"),
            )
        };
        let (field, mut rest) = name(text).ok_or_else(|| wrong("it must begin with a name"))?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let step;
            (step, rest) = if let Some(after) = rest.strip_prefix('.') {
                let (key, after) = name(after).ok_or_else(|| wrong("a name must follow the dot"))?;
                (PathStep::Key(key), after)
            } else if let Some(after) = rest.strip_prefix('[') {
                item(after).ok_or_else(|| wrong("the brackets hold a number, `name=value` or nothing"))?
            } else {
                return Err(wrong("a dot or a bracket must follow a name"));
            };
            steps.push(step);
        }
        Ok(Self { field, steps })
    }
}

/// What brackets hold, and what follows them.
fn item(text: &str) -> Option<(PathStep, &str)> {
    if let Some(rest) = text.strip_prefix(']') {
        return Some((PathStep::New, rest));
    }
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    if let (1.., Some(rest)) = (digits, text[digits..].strip_prefix(']')) {
        return Some((PathStep::Index(text[..digits].parse().ok()?), rest));
    }
    let (field, rest) = if text.starts_with('=') { (None, text) } else { name(text).map(|(field, rest)| (Some(field), rest))? };
    let rest = rest.strip_prefix('=')?;
    let (value, rest) = if rest.starts_with('"') {
        quoted(rest)?
    } else {
        rest.split_once(']').map(|(value, _)| (value.to_owned(), &rest[value.len()..]))?
    };
    Some((PathStep::Item(field, value), rest.strip_prefix(']')?))
}

/// A name and what follows it.
fn name(text: &str) -> Option<(String, &str)> {
    if text.starts_with('"') {
        return quoted(text);
    }
    let end = text.find(['.', '[', ']', '=', '"']).unwrap_or(text.len());
    (end > 0).then(|| (text[..end].to_owned(), &text[end..]))
}

/// A JSON string and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<String>();
    let value = values.next()?.ok()?;
    Some((value, &text[values.byte_offset()..]))
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_name(f, &self.field)?;
        for step in &self.steps {
            match step {
                PathStep::Key(key) => {
                    f.write_str(".")?;
                    write_name(f, key)?;
                }
                PathStep::Index(index) => write!(f, "[{index}]")?,
                PathStep::New => f.write_str("[]")?,
                PathStep::Item(field, text) => {
                    f.write_str("[")?;
                    if let Some(field) = field {
                        write_name(f, field)?;
                    }
                    let plain = !text.starts_with('"') && !text.contains(']');
                    if plain { write!(f, "={text}]")? } else { write!(f, "={}]", Value::from(text.as_str()))? }
                }
            }
        }
        Ok(())
    }
}

fn write_name(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    if name.is_empty() || name.contains(['.', '[', ']', '=', '"']) { write!(f, "{}", Value::from(name)) } else { f.write_str(name) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields() -> Fields {
        let fields = json!({
            "billing": {"city": "Bern"},
            "owners": [{"email": "a@x.org", "name": "A"}, {"email": "b@x.org"}, {"n": 1}],
            "tags": ["a", "b", "b", 3],
            "a.b": {"c": null},
            "text": "x",
            "merged": {"<<": {"x": 1}, "y": 2},
        });
        fields.as_object().unwrap().clone()
    }

    fn path(text: &str) -> FieldPath {
        text.parse().unwrap()
    }

    #[test]
    fn paths_are_read_and_written_alike() {
        for text in
            ["a", "a.b.c", "a[0][12].b", "a[]", "a[=x y]", "a[id=x.y=z].b", "\"a.b\".c", "a[\"k=\"=v]", "a[=\"]\"]", "größe.x y", "\"\""]
        {
            assert_eq!(path(text).to_string(), text);
        }
        for text in ["", ".a", "a.", "a..b", "a[", "a[x]", "a[-1]", "a]", "a[0", "a[0]b", "a=b", "\"a", "a[=x", "a[99999999999999999999]"] {
            assert_eq!(text.parse::<FieldPath>().unwrap_err().kind(), ErrorKind::InvalidInput, "{text:?}");
        }
    }

    #[test]
    fn a_value_is_found_set_and_taken_away() {
        let get = |text: &str| path(text).get(&fields()).unwrap().cloned();
        assert_eq!(get("owners[email=a@x.org].name"), Some(json!("A")));
        assert_eq!(get("owners[n=1].n"), Some(json!(1)));
        assert_eq!(get("tags[=3]"), Some(json!(3)));
        assert_eq!((get("tags[9]"), get("text.x"), get("none.x"), get("tags[]")), (None, None, None, None));

        let set = |text: &str, value: Value| path(text).set(&fields(), value).unwrap();
        assert_eq!(set("billing.city", json!("Basel")), FieldEdit::Set("billing".into(), json!({"city": "Basel"})));
        assert_eq!(set("tags[]", json!("z")), FieldEdit::Set("tags".into(), json!(["a", "b", "b", 3, "z"])));
        assert_eq!(set("new.deep[].x", json!(1)), FieldEdit::Set("new".into(), json!({"deep": [{"x": 1}]})));
        assert_eq!(set("\"a.b\".c.d", json!(1)), FieldEdit::Set("a.b".into(), json!({"c": {"d": 1}})));
        assert_eq!(set("text", json!(1)), FieldEdit::Set("text".into(), json!(1)));

        let unset = |text: &str| path(text).unset(&fields()).unwrap();
        assert_eq!(unset("billing.city"), FieldEdit::Set("billing".into(), json!({})));
        assert_eq!(unset("tags[=a]"), FieldEdit::Set("tags".into(), json!(["b", "b", 3])));
        assert_eq!(unset("tags[1]"), FieldEdit::Set("tags".into(), json!(["a", "b", 3])));
        assert_eq!(unset("tags[9]"), FieldEdit::Set("tags".into(), json!(["a", "b", "b", 3])));
        assert_eq!(unset("text"), FieldEdit::Unset("text".into()));
        assert_eq!(unset("none.x"), FieldEdit::Unset("none".into()));
    }

    #[test]
    fn a_path_that_leads_nowhere_is_refused_with_the_reason() {
        let reason = |text: &str| path(text).set(&fields(), json!(1)).unwrap_err().message().to_owned();
        assert!(reason("text.x").contains("no mapping"));
        assert!(reason("billing[0]").contains("no list"));
        assert!(reason("tags[4]").contains("4 items"));
        assert!(reason("tags[=b]").contains("items 1 and 2"));
        assert!(reason("owners[email=c].name").contains("no item has `email=c`"));
        assert_eq!(path("tags[=b]").unset(&fields()).unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(path("merged.x").unset(&fields()).unwrap_err().kind(), ErrorKind::Unsupported);
    }

    #[test]
    fn a_key_gets_another_name_where_it_stands() {
        let rename = |text: &str, name: &str| path(text).rename(&fields(), name);
        assert_eq!(rename("text", "words").unwrap(), [FieldEdit::Unset("text".into()), FieldEdit::Set("words".into(), json!("x"))]);
        assert_eq!(rename("merged.y", "z").unwrap(), [FieldEdit::Set("merged".into(), json!({"<<": {"x": 1}, "z": 2}))]);
        assert_eq!(rename("none", "z").unwrap(), []);
        assert_eq!(rename("none.x", "z").unwrap(), []);
        assert_eq!(rename("billing.x", "z").unwrap(), []);
        assert_eq!(rename("text", "tags").unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(rename("owners[0].name", "email").unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(rename("tags[0]", "x").unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}
