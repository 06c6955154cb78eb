//! Three versions of one entity into one. Pure: takes values, gives a value. Fields are merged key by key, lists by
//! their declared rule, bodies by lines; where both sides changed the same thing a person (or a rule) decides. The
//! result is made by editing git's bytes, so that everything nobody changed stays as it is there, and is read again.

mod body;
mod fields;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use body::Hunk;
pub use fields::FieldConflict;

use crate::codec::{FieldEdit, Schemas, decode_content, edit_head, fit_body};
use crate::knowledge::{Content, Fields, Kind};
use crate::store::ConflictReason;

/// One of the two sides of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// What was saved in SQL.
    Cache,
    /// What git has.
    Git,
}

/// Decisions for what both sides changed differently. The default leaves everything to a person.
///
/// ```
/// use lorebase::sync::{Choices, Side};
///
/// let choices = Choices::all(Side::Git).field("tier", Side::Cache).hunk(0, Side::Cache);
/// assert_eq!(choices.fields["tier"], Side::Cache);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Choices {
    /// For everything that is not named below.
    pub rest: Option<Side>,
    /// By the path of a field as [`FieldConflict::path`] gives it, or `path` for the place itself.
    pub fields: BTreeMap<String, Side>,
    /// By the number of a hunk of the body, from 0.
    pub hunks: BTreeMap<usize, Side>,
}

impl Choices {
    /// One side for everything.
    pub fn all(side: Side) -> Self {
        Self { rest: Some(side), ..Self::default() }
    }

    /// One side for a field.
    #[must_use]
    pub fn field(mut self, path: impl Into<String>, side: Side) -> Self {
        self.fields.insert(path.into(), side);
        self
    }

    /// One side for a hunk of the body.
    #[must_use]
    pub fn hunk(mut self, number: usize, side: Side) -> Self {
        self.hunks.insert(number, side);
        self
    }

    fn of_field(&self, path: &str) -> Option<Side> {
        self.fields.get(path).copied().or(self.rest)
    }

    fn of_hunk(&self, number: usize) -> Option<Side> {
        self.hunks.get(&number).copied().or(self.rest)
    }
}

/// What a person must decide.
#[derive(Debug, Clone, PartialEq)]
pub struct MergeConflict {
    /// Why.
    pub reason: ConflictReason,
    /// The values that both sides changed differently.
    pub fields: Vec<FieldConflict>,
    /// The stretches of the body that both sides changed differently.
    pub hunks: Vec<Hunk>,
    /// Whether both sides moved the entity to different places.
    pub moved: bool,
}

impl MergeConflict {
    /// A conflict that is not about single values.
    pub(crate) fn whole(reason: ConflictReason) -> Self {
        Self { reason, fields: Vec::new(), hunks: Vec::new(), moved: false }
    }

    /// The names of what conflicts: paths of fields, and `path` for the place itself.
    pub fn names(&self) -> Vec<String> {
        let moved = self.moved.then(|| PLACE.to_owned());
        self.fields.iter().map(|field| field.path.clone()).chain(moved).collect()
    }
}

/// What the place of an entity is called among the names of conflicting fields.
const PLACE: &str = "path";

/// Merges `ours` (a change in SQL) and `theirs` (git) over what they have in common; `None` when they have nothing in
/// common (both made the same path).
///
/// # Errors
/// What both sides changed differently, or [`ConflictReason::InvalidMerge`] when the merged bytes would not be a
/// valid document.
pub fn merge(kind: &Kind, root: &str, base: Option<&Content>, ours: &Content, theirs: &Content) -> Result<Content, MergeConflict> {
    merge_choosing(kind, root, base, ours, theirs, &Choices::default())
}

/// Like [`merge`], with decisions for what both sides changed differently.
///
/// # Errors
/// Those of [`merge`], for what the choices leave open.
pub fn merge_choosing(
    kind: &Kind,
    root: &str,
    base: Option<&Content>,
    ours: &Content,
    theirs: &Content,
    choices: &Choices,
) -> Result<Content, MergeConflict> {
    let empty = Fields::new();
    let fields = merge_fields(kind, base.map_or(&empty, |base| &base.fields), &ours.fields, &theirs.fields, choices);
    let body = merge_body(base.map(|base| base.body.as_str()), &ours.body, &theirs.body, choices);
    let location = pick(base.map(|base| &base.location), &ours.location, &theirs.location, choices.of_field(PLACE));
    let (edits, body, location) = match (fields, body, location) {
        (Ok(edits), Ok(body), Some(location)) => (edits, body, location),
        (fields, body, location) => {
            return Err(MergeConflict {
                reason: ConflictReason::BothChanged,
                fields: fields.err().unwrap_or_default(),
                hunks: body.err().unwrap_or_default(),
                moved: location.is_none(),
            });
        }
    };
    let invalid = || MergeConflict::whole(ConflictReason::InvalidMerge);
    let head = edit_head(kind.format, &theirs.head, &edits).map_err(|_| invalid())?;
    let body = if theirs.body.is_empty() { fit_body(&theirs.head, &body) } else { body };
    let (decoded, _) = decode_content(kind, root, location, &head, &body).map_err(|_| invalid())?;
    Ok(decoded.content)
}

/// The edits that bring our changes of fields onto git's.
pub(super) fn merge_fields(
    kind: &Kind,
    base: &Fields,
    ours: &Fields,
    theirs: &Fields,
    choices: &Choices,
) -> Result<Vec<FieldEdit>, Vec<FieldConflict>> {
    let mut merge = fields::FieldMerge::new(kind, |path: &str| choices.of_field(path));
    let changed = merge.run(kind, base, ours, theirs);
    if !merge.conflicts.is_empty() {
        return Err(merge.conflicts);
    }
    let edit = |(key, value): (String, Option<serde_json::Value>)| match value {
        Some(value) => FieldEdit::Set(key, value),
        None => FieldEdit::Unset(key),
    };
    Ok(changed.into_iter().map(edit).collect())
}

/// The merged body in the line ends of `theirs`, or what a person must decide about it.
pub(super) fn merge_body(base: Option<&str>, ours: &str, theirs: &str, choices: &Choices) -> Result<String, Vec<Hunk>> {
    if same_text(ours, theirs) || base.is_some_and(|base| same_text(base, ours)) {
        return Ok(theirs.to_owned());
    }
    // Even where only we changed it, the lines that nobody changed keep the ends that they have in git.
    let texts = body::Texts::new(base.unwrap_or_default(), ours, theirs);
    let merged = texts.merge();
    merged.resolved(|hunk| choices.of_hunk(hunk)).ok_or_else(|| merged.hunks())
}

/// A merged version, if the schema of its kind takes it, as it takes a file: without private fields.
pub(super) fn valid(schemas: &Schemas, kind: &Kind, merged: Content) -> Result<Content, MergeConflict> {
    match schemas.refusal(kind, &merged, &Fields::new()) {
        Some(_) => Err(MergeConflict::whole(ConflictReason::InvalidMerge)),
        None => Ok(merged),
    }
}

/// The side that changed; where both did and differ the chosen one, `None` without a choice.
fn pick<'a, T: PartialEq>(base: Option<&T>, ours: &'a T, theirs: &'a T, choice: Option<Side>) -> Option<&'a T> {
    if ours == theirs || base == Some(ours) {
        return Some(theirs);
    }
    if base == Some(theirs) {
        return Some(ours);
    }
    choice.map(|side| if side == Side::Cache { ours } else { theirs })
}

/// Whether two bodies differ in nothing but their line endings.
pub(super) fn same_text(a: &str, b: &str) -> bool {
    a == b || (a.contains('\r') || b.contains('\r')) && a.replace("\r\n", "\n") == b.replace("\r\n", "\n")
}
