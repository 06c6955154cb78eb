//! A form that was made from an older revision: reduced to what its sender changed, and held against what others
//! changed since. Pure.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::merge::{Choices, merge_body, merge_fields, same_text};
use super::patch::{apply_edits, edit_name};
use crate::codec::FieldEdit;
use crate::knowledge::{Content, Fields, Kind, Slug};
use crate::store::Record;
use crate::{Error, ErrorKind, Result};

/// One version as a form sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Version<'a> {
    pub(super) content: &'a Content,
    pub(super) revision: u64,
    pub(super) private: &'a Fields,
}

impl Version<'_> {
    fn fields(&self) -> Fields {
        let mut fields = self.content.fields.clone();
        fields.extend(self.private.clone());
        fields
    }
}

/// Merges a stale form with what others saved since: its edits and its body, as they apply to the current version.
pub(super) fn rebase<'a>(
    kind: &Kind,
    record: &Record,
    from: &Version<'_>,
    to: &Version<'_>,
    edits: Vec<FieldEdit>,
    body: Option<Cow<'a, str>>,
) -> Result<(Vec<FieldEdit>, Option<Cow<'a, str>>)> {
    // Ids are checked by themselves.
    let (mut kept, edits): (Vec<_>, Vec<_>) = edits.into_iter().partition(|edit| edit_name(edit) == "id");
    let seen = from.fields();
    let mut wanted = seen.clone();
    apply_edits(&mut wanted, &edits);
    let choices = Choices::default();
    let fields = merge_fields(kind, &seen, &wanted, &to.fields(), &choices);
    let (base, current) = (from.content, to.content);
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
            "{} was changed since revision {}: revision {} has another {}; nothing was saved, merge the two and save again",
            record.key,
            from.revision,
            to.revision,
            what.join(" and another ")
        ),
    )
    .with("entity", record.key.to_string())
    .with("fields", names)
    .with("body", !hunks.is_empty())
    .with("hunks", json!(hunks))
    .with("base", version(base, from.revision))
    .with("current", version(current, to.revision))
    .with("revision", to.revision))
}

/// The new slug that a stale form asks for, if it is one: a form that names the slug it was made with moves nothing, and
/// two people who move one entity to two places must agree.
pub(super) fn rebase_rename<'s>(
    record: &Record,
    from: &Version<'_>,
    to: &Version<'_>,
    rename: Option<&'s Slug>,
) -> Result<Option<&'s Slug>> {
    let Some(asked) = rename.filter(|slug| **slug != from.content.slug) else { return Ok(None) };
    if to.content.slug == from.content.slug {
        return Ok(Some(asked));
    }
    let message = format!(
        "{} was moved since revision {}: it is `{}` now, and this save asks for `{asked}`; nothing was saved, choose one and save again",
        record.key, from.revision, to.content.slug
    );
    Err(Error::new(ErrorKind::Conflict, message)
        .with("entity", record.key.to_string())
        .with("fields", ["path"].to_vec())
        .with("body", false)
        .with("base", version(from.content, from.revision))
        .with("current", version(to.content, to.revision))
        .with("revision", to.revision))
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
