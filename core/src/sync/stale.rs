//! A form that was made from an older revision: reduced to what its sender changed, and held against what others
//! changed since. Pure.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::merge::{Choices, merge_body, merge_fields, same_text};
use super::patch::{apply_edits, edit_name};
use crate::codec::FieldEdit;
use crate::knowledge::{Content, Kind};
use crate::store::Record;
use crate::{Error, ErrorKind, Result};

/// Merges a stale form with what others saved since: its edits and its body, as they apply to the current version.
pub(super) fn rebase<'a>(
    kind: &Kind,
    record: &Record,
    (base, asked): (&Content, u64),
    (current, newest_revision): (&Content, u64),
    edits: Vec<FieldEdit>,
    body: Option<Cow<'a, str>>,
) -> Result<(Vec<FieldEdit>, Option<Cow<'a, str>>)> {
    // Ids are checked by themselves, and private fields have no base: they are taken as sent.
    let whole = |edit: &FieldEdit| edit_name(edit) == "id" || kind.private.iter().any(|field| field == edit_name(edit));
    let (mut kept, edits): (Vec<_>, Vec<_>) = edits.into_iter().partition(whole);
    let mut wanted = base.fields.clone();
    apply_edits(&mut wanted, &edits);
    let choices = Choices::default();
    let fields = merge_fields(kind, &base.fields, &wanted, &current.fields, &choices);
    let body = match body.filter(|body| !same_text(body, &base.body)) {
        Some(body) if same_text(&current.body, &base.body) => Ok(Some(body)),
        Some(body) => merge_body(Some(&base.body), &body, &current.body, &choices).map(|merged| Some(Cow::Owned(merged))),
        None => Ok(None),
    };
    let (fields, hunks) = match (fields, body) {
        (Ok(edits), Ok(body)) => {
            kept.extend(edits);
            return Ok((kept, body));
        }
        (fields, body) => (fields.err().unwrap_or_default(), body.err().unwrap_or_default()),
    };
    let names: Vec<&str> = fields.iter().map(|field| field.path.as_str()).collect();
    let mut what = names.clone();
    if !hunks.is_empty() {
        what.push("body");
    }
    Err(Error::new(
        ErrorKind::Conflict,
        format!(
            "{} was changed since revision {asked}: revision {newest_revision} has another {}; nothing was saved, merge the two and save again",
            record.key,
            what.join(" and another ")
        ),
    )
    .with("entity", record.key.to_string())
    .with("fields", names)
    .with("body", !hunks.is_empty())
    .with("hunks", json!(hunks))
    .with("base", version(base, asked))
    .with("current", version(current, newest_revision))
    .with("revision", newest_revision))
}

pub(super) fn gone(record: &Record, asked: u64, newest_revision: u64, current: &Content) -> Error {
    let message = format!(
        "revision {asked} of {} is no longer kept, so that this save cannot be merged; nothing was saved, read revision {newest_revision} and save again",
        record.key
    );
    Error::new(ErrorKind::Conflict, message).with("revision", newest_revision).with("current", version(current, newest_revision))
}

/// One version as an error carries it.
pub(crate) fn version(content: &Content, revision: u64) -> Value {
    json!({ "revision": revision, "slug": content.slug, "title": content.title, "fields": content.fields, "body": content.body })
}
