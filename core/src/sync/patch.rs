//! The edits of fields that a save comes to, those of fields that the library maintains among them. Pure.

use serde_json::Value;

use super::request::Save;
use crate::clock::Timestamp;
use crate::codec::FieldEdit;
use crate::knowledge::{DerivedRule, Fields, Kind, Status};
use crate::{Error, ErrorKind, Result};

/// The save's edits by field, the title among them in the field that the entity keeps it in.
pub(crate) fn named_edits(kind: &Kind, save: &Save, current: &Fields) -> Vec<FieldEdit> {
    let mut edits = save.edits.clone();
    if let Some(title) = &save.title {
        let field = kind.title_fields.iter().find(|field| current.contains_key(*field)).or(kind.title_fields.first());
        edits.push(FieldEdit::Set(field.map_or_else(|| "title".to_owned(), Clone::clone), Value::String(title.clone())));
    }
    edits
}

pub(super) fn edit_name(edit: &FieldEdit) -> &str {
    match edit {
        FieldEdit::Set(name, _) | FieldEdit::Unset(name) => name,
    }
}

pub(super) fn edit_value(edit: &FieldEdit) -> Option<&Value> {
    match edit {
        FieldEdit::Set(_, value) => Some(value),
        FieldEdit::Unset(_) => None,
    }
}

pub(super) fn is_noop(edit: &FieldEdit, fields: &Fields) -> bool {
    fields.get(edit_name(edit)) == edit_value(edit)
}

pub(super) fn apply_edits(fields: &mut Fields, edits: &[FieldEdit]) {
    for edit in edits {
        match edit {
            FieldEdit::Set(name, value) => {
                fields.insert(name.clone(), value.clone());
            }
            FieldEdit::Unset(name) => {
                fields.shift_remove(name);
            }
        }
    }
}

/// A misspelt status would count as published, and what was meant for a reviewer would go to git.
pub(super) fn refuse_unknown_status(kind: &Kind, edits: &[FieldEdit]) -> Result<()> {
    let status = edits.iter().rfind(|edit| kind.workflow && edit_name(edit) == "status").and_then(edit_value);
    let Some(unknown) = status.filter(|value| value.as_str().and_then(Status::parse).is_none()) else { return Ok(()) };
    let message = format!(
        "`{}` is no status of a {}; nothing was saved, use one of DRAFT, IN_REVIEW, PUBLISHED, ARCHIVED",
        unknown.as_str().map_or_else(|| unknown.to_string(), str::to_owned),
        kind.name
    );
    Err(Error::new(ErrorKind::InvalidInput, message).with("field", "status"))
}

/// The values of the fields that the library maintains.
pub(super) fn maintained(kind: &Kind, fields: &Fields, now: Timestamp, new: bool) -> Vec<FieldEdit> {
    let mut edits = Vec::new();
    for (field, rule) in &kind.derived {
        let present = fields.get(field);
        let wanted = match rule {
            DerivedRule::Created => new && present.is_none(),
            DerivedRule::Updated => {
                if new {
                    present.is_none()
                } else {
                    present.is_some()
                }
            }
        };
        if wanted {
            edits.push(FieldEdit::Set(field.clone(), Value::String(moment(now, present))));
        }
    }
    edits
}

/// A moment in the shape that the field has: a date stays a date.
pub(super) fn moment(now: Timestamp, like: Option<&Value>) -> String {
    let full = format!("{now:.3}");
    let is_date = like.and_then(Value::as_str).is_some_and(|text| text.len() == 10 && text.split('-').count() == 3);
    if is_date { full[..10].to_owned() } else { full }
}
