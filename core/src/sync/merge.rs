//! Three versions of one entity into one. Pure: takes values, gives a value. Each field and the body are merged whole:
//! a side that did not change gives way to the one that did; where both changed differently a person decides. The
//! result is made by editing git's bytes, so that everything nobody changed stays as it is there.

use serde_json::Value;

use crate::codec::{FieldEdit, Schemas, decode_content, edit_head, fit_body};
use crate::knowledge::{Content, DerivedRule, Fields, Kind};
use crate::store::ConflictReason;

/// What a person must decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeConflict {
    /// Why.
    pub reason: ConflictReason,
    /// The fields that both sides changed differently; `path` stands for the place itself when both moved it.
    pub fields: Vec<String>,
    /// Whether both sides changed the body differently.
    pub body: bool,
}

/// Merges `ours` (a change in SQL) and `theirs` (git) over what they have in common; `None` when they have nothing in
/// common (both made the same path).
///
/// # Errors
/// The fields and the body that both sides changed differently, or [`ConflictReason::InvalidMerge`] when the
/// merged bytes would not be a valid document.
pub fn merge(kind: &Kind, root: &str, base: Option<&Content>, ours: &Content, theirs: &Content) -> Result<Content, MergeConflict> {
    merge_preferring(kind, root, base, ours, theirs, Prefer::Neither)
}

/// Who wins where both sides changed the same thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prefer {
    /// Nobody: it is a conflict.
    Neither,
    Ours,
    Theirs,
}

/// Like [`merge`], with a decision for everything that both sides changed differently.
pub(crate) fn merge_preferring(
    kind: &Kind,
    root: &str,
    base: Option<&Content>,
    ours: &Content,
    theirs: &Content,
    prefer: Prefer,
) -> Result<Content, MergeConflict> {
    let empty = Fields::new();
    let base_fields = base.map_or(&empty, |base| &base.fields);
    let (edits, mut fields) = merge_fields(kind, base_fields, &ours.fields, &theirs.fields, prefer);

    let body = pick(base.map(|base| base.body.as_str()), &ours.body, &theirs.body, prefer, same_text);
    let location = pick(base.map(|base| &base.location), &ours.location, &theirs.location, prefer, |a, b| a == b);
    if location.is_none() {
        fields.push("path".to_owned());
    }
    let (Some(body), Some(location), true) = (body, location, fields.is_empty()) else {
        return Err(MergeConflict { reason: ConflictReason::BothChanged, fields, body: body.is_none() });
    };

    let invalid = || MergeConflict { reason: ConflictReason::InvalidMerge, fields: Vec::new(), body: false };
    let head = edit_head(kind.format, &theirs.head, &edits).map_err(|_| invalid())?;
    let body = fit_body(&format!("{}{}", theirs.head, theirs.body), body);
    let (decoded, _) = decode_content(kind, root, location, &head, &body).map_err(|_| invalid())?;
    Ok(decoded.content)
}

/// A merged version, if the schema of its kind takes it.
pub(super) fn valid(schemas: &Schemas, kind: &Kind, merged: Content) -> Result<Content, MergeConflict> {
    match schemas.refusal(kind, &merged, &Fields::new()) {
        Some(_) => Err(MergeConflict { reason: ConflictReason::InvalidMerge, fields: Vec::new(), body: false }),
        None => Ok(merged),
    }
}

/// The side that changed, `None` when both did and differ.
fn pick<'a, T: ?Sized>(base: Option<&T>, ours: &'a T, theirs: &'a T, prefer: Prefer, same: impl Fn(&T, &T) -> bool) -> Option<&'a T> {
    if same(ours, theirs) || base.is_some_and(|base| same(base, ours)) {
        Some(theirs)
    } else if base.is_some_and(|base| same(base, theirs)) {
        Some(ours)
    } else {
        match prefer {
            Prefer::Neither => None,
            Prefer::Ours => Some(ours),
            Prefer::Theirs => Some(theirs),
        }
    }
}

/// Whether two bodies differ in nothing but their line endings.
pub(super) fn same_text(a: &str, b: &str) -> bool {
    a == b || (a.contains('\r') || b.contains('\r')) && a.replace("\r\n", "\n") == b.replace("\r\n", "\n")
}

/// The edits that bring our changes onto their fields, and the fields that conflict.
fn merge_fields(kind: &Kind, base: &Fields, ours: &Fields, theirs: &Fields, prefer: Prefer) -> (Vec<FieldEdit>, Vec<String>) {
    let mut edits = Vec::new();
    let mut conflicts = Vec::new();
    let ours_removed = base.keys().filter(|key| !ours.contains_key(*key));
    for key in ours.keys().chain(ours_removed) {
        let (b, o, t) = (base.get(key), ours.get(key), theirs.get(key));
        if o == t || o == b || key == "id" && t.is_some() {
            continue;
        }
        if t == b || is_derived(kind, key) || prefer == Prefer::Ours {
            edits.push(edit_to(key, later(kind, key, o, t)));
        } else if prefer == Prefer::Neither {
            conflicts.push(key.clone());
        }
    }
    (edits, conflicts)
}

fn is_derived(kind: &Kind, key: &str) -> bool {
    kind.derived.contains_key(key)
}

/// Ours, except for a maintained time that git has later: it must never go back.
fn later<'a>(kind: &Kind, key: &str, ours: Option<&'a Value>, theirs: Option<&'a Value>) -> Option<&'a Value> {
    match (kind.derived.get(key), ours.and_then(Value::as_str), theirs.and_then(Value::as_str)) {
        (Some(DerivedRule::Updated), Some(o), Some(t)) if t > o => theirs,
        (Some(DerivedRule::Created), Some(o), Some(t)) if t < o => theirs,
        _ => ours,
    }
}

fn edit_to(key: &str, value: Option<&Value>) -> FieldEdit {
    match value {
        Some(value) => FieldEdit::Set(key.to_owned(), value.clone()),
        None => FieldEdit::Unset(key.to_owned()),
    }
}
