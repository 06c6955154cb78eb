//! Edits of TOML frontmatter: `toml_edit` keeps what is not touched as it is. A document that it would not give back
//! byte for byte is refused before anything is changed.

use serde_json::{Map, Value};
use toml_edit::{Array, Datetime, DocumentMut, InlineTable, Item, TableLike, Value as TomlValue};

use super::splice::{Refusal, Step, steps};

/// The text in which the fields are `new` instead of `old`.
///
/// # Errors
/// Why it cannot be done in place.
pub(super) fn edit(text: &str, old: &Map<String, Value>, new: &Map<String, Value>) -> Result<String, Refusal> {
    let crlf = text.contains("\r\n");
    let unix = text.replace("\r\n", "\n");
    let mut document: DocumentMut = unix.parse().map_err(|_| "it is not TOML".to_owned())?;
    let given_back = document.to_string();
    if (if crlf { given_back.replace('\n', "\r\n") } else { given_back }) != text {
        return Err("this TOML would not be kept byte for byte".to_owned());
    }
    table(document.as_table_mut(), old, new)?;
    let edited = document.to_string();
    Ok(if crlf { edited.replace('\n', "\r\n") } else { edited })
}

/// A new document.
///
/// # Errors
/// When a value cannot be written in TOML.
pub(super) fn render(fields: &Map<String, Value>) -> Result<String, Refusal> {
    let mut document = DocumentMut::new();
    table(document.as_table_mut(), &Map::new(), fields)?;
    Ok(document.to_string())
}

/// The fields without what TOML cannot say: nulls and integers past 63 bits.
pub(super) fn sayable(fields: &Map<String, Value>) -> Map<String, Value> {
    fields.iter().filter_map(|(key, value)| Some((key.clone(), said(value)?))).collect()
}

fn said(value: &Value) -> Option<Value> {
    match value {
        Value::Array(items) => Some(Value::Array(items.iter().filter_map(said).collect())),
        Value::Object(fields) => Some(Value::Object(sayable(fields))),
        scalar => written(scalar).is_ok().then(|| scalar.clone()),
    }
}

fn table(place: &mut dyn TableLike, old: &Map<String, Value>, new: &Map<String, Value>) -> Result<(), Refusal> {
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        place.remove(key);
    }
    for (key, next) in new {
        match (old.get(key), place.get_mut(key)) {
            (Some(value), _) if value == next => {}
            (Some(value), Some(item)) => self::item(item, value, next).map_err(|reason| format!("`{key}`: {reason}"))?,
            _ => _ = place.insert(key, Item::Value(written(next).map_err(|reason| format!("`{key}`: {reason}"))?)),
        }
    }
    Ok(())
}

fn item(place: &mut Item, old: &Value, new: &Value) -> Result<(), Refusal> {
    match (&mut *place, old, new) {
        (Item::Value(value), _, _) => return self::value(value, old, new),
        (Item::Table(inner), Value::Object(old), Value::Object(new)) => return table(inner, old, new),
        (Item::ArrayOfTables(tables), Value::Array(old), Value::Array(new)) if !new.is_empty() => {
            let steps = steps(old, new);
            let changes = |step: &Step| !matches!(step, Step::Change(from, to) if old[*from] == new[*to]);
            if steps.iter().any(|step| matches!(step, Step::Insert(_))) || new.iter().any(|item| !item.is_object()) {
                return Err("a table cannot be added to `[[…]]` tables in place".to_owned());
            }
            for step in steps.iter().rev().filter(|step| changes(step)) {
                match (step, old, new) {
                    (Step::Change(from, to), old, new) => {
                        if let (Some(inner), Value::Object(old), Value::Object(new)) = (tables.get_mut(*from), &old[*from], &new[*to]) {
                            table(inner, old, new)?;
                        }
                    }
                    (Step::Remove(from), ..) => _ = tables.remove(*from),
                    (Step::Insert(_), ..) => {}
                }
            }
            return Ok(());
        }
        _ => {}
    }
    Err("a table cannot become another kind of value in place".to_owned())
}

fn value(place: &mut TomlValue, old: &Value, new: &Value) -> Result<(), Refusal> {
    match (&mut *place, old, new) {
        (TomlValue::InlineTable(inner), Value::Object(old), Value::Object(new)) => return table(inner, old, new),
        (TomlValue::Array(items), Value::Array(old), Value::Array(new)) if !old.is_empty() && !new.is_empty() => {
            return array(items, old, new);
        }
        _ => {}
    }
    let decor = place.decor().clone();
    let was = place.to_string();
    let mut next = match (new, &*place) {
        (Value::String(text), TomlValue::Datetime(_)) if text.parse::<Datetime>().is_ok_and(|time| time.to_string() == *text) => {
            text.parse::<Datetime>().map_err(|_| "it is no time".to_owned())?.into()
        }
        (Value::String(text), _) if was.trim_start().starts_with('\'') && !text.contains('\'') && !text.chars().any(char::is_control) => {
            format!("'{text}'").parse().map_err(|_| "it cannot stand in quotes".to_owned())?
        }
        _ => written(new)?,
    };
    *next.decor_mut() = decor;
    *place = next;
    Ok(())
}

fn array(items: &mut Array, old: &[Value], new: &[Value]) -> Result<(), Refusal> {
    // How many items stand before the one that a step is about, those that came and went counted.
    let mut at = 0;
    for step in steps(old, new) {
        match step {
            Step::Change(from, to) => {
                if old[from] != new[to]
                    && let Some(item) = items.get_mut(at)
                {
                    value(item, &old[from], &new[to])?;
                }
                at += 1;
            }
            Step::Remove(_) => {
                let gone = items.remove(at);
                // What stands before the first item is the array's and not the item's.
                if at == 0
                    && let (Some(first), Some(prefix)) = (items.get_mut(0), gone.decor().prefix().cloned())
                    && first.decor().prefix().and_then(toml_edit::RawString::as_str).is_some_and(|prefix| prefix.trim().is_empty())
                {
                    first.decor_mut().set_prefix(prefix);
                }
            }
            Step::Insert(to) => {
                let mut next = written(&new[to])?;
                let like = if at == 0 { items.get(0) } else { items.get(at - 1) }.map(|item| item.decor().clone());
                let prefix = like.as_ref().and_then(|decor| decor.prefix()?.as_str()).unwrap_or_default();
                // On a line of its own, where the item before is; else behind a blank.
                let lines = prefix.rfind('\n').map(|line| prefix[line..].to_owned());
                next.decor_mut().set_prefix(lines.unwrap_or_else(|| if at == 0 { String::new() } else { " ".to_owned() }));
                if at == items.len()
                    && at > 0
                    && let Some(before) = items.get_mut(at - 1)
                    && let Some(suffix) = before.decor().suffix().cloned()
                {
                    before.decor_mut().set_suffix("");
                    next.decor_mut().set_suffix(suffix);
                }
                items.insert_formatted(at, next);
                at += 1;
            }
        }
    }
    Ok(())
}

/// A value as new TOML, mappings in braces.
fn written(value: &Value) -> Result<TomlValue, Refusal> {
    Ok(match value {
        Value::Null => return Err("TOML has no null; remove the field instead".to_owned()),
        Value::Bool(flag) => (*flag).into(),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => whole.into(),
            (None, Some(float)) if number.is_f64() => float.into(),
            _ => return Err(format!("TOML has no number as large as {number}")),
        },
        Value::String(text) => text.as_str().into(),
        Value::Array(items) => items.iter().map(written).collect::<Result<Array, _>>()?.into(),
        Value::Object(fields) => {
            let entries = fields.iter().map(|(key, value)| Ok((key.as_str(), written(value)?)));
            entries.collect::<Result<Vec<_>, Refusal>>()?.into_iter().collect::<InlineTable>().into()
        }
    })
}
