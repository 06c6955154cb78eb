//! A form that was made from an older revision: reduced to what its sender changed, and held against what others
//! changed since. Pure.

use serde_json::{Value, json};

use super::merge::same_text;
use super::patch::{edit_name, edit_value};
use crate::codec::FieldEdit;
use crate::knowledge::{Content, Kind};
use crate::store::Record;
use crate::{Error, ErrorKind, Result};

/// Reduces a stale form to what its sender changed, and checks that nobody else changed the same since.
pub(super) fn rebase<'a>(
    kind: &Kind,
    record: &Record,
    (base, asked): (&Content, u64),
    (current, newest_revision): (&Content, u64),
    edits: Vec<FieldEdit>,
    body: Option<&'a str>,
) -> Result<(Vec<FieldEdit>, Option<&'a str>)> {
    let mut kept = Vec::new();
    let mut fields = Vec::new();
    for edit in edits {
        let name = edit_name(&edit);
        let (wanted, before, now) = (edit_value(&edit), base.fields.get(name), current.fields.get(name));
        if kind.private.iter().any(|field| field == name) || wanted != before && (before == now || wanted == now) {
            kept.push(edit);
        } else if wanted != before {
            fields.push(name.to_owned());
        }
    }
    let body = body.filter(|body| !same_text(body, &base.body));
    let body_clash = body.is_some() && !same_text(&current.body, &base.body);
    if fields.is_empty() && !body_clash {
        return Ok((kept, body));
    }
    let mut what = fields.clone();
    if body_clash {
        what.push("body".to_owned());
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
    .with("fields", fields)
    .with("body", body_clash)
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
