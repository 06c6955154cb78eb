//! Which version of a record a reader sees, and what its fields are. The one place where the two views are told
//! apart, so that every store and every reader agree.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::Value;

use super::{ChangeAction, ChangeState, Record, View};
use crate::knowledge::{Content, EntityKey, Fields};

/// The version of a record that a view shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen<'a> {
    /// The identity.
    pub key: &'a EntityKey,
    /// The version.
    pub content: &'a Content,
    /// Its number.
    pub revision: u64,
    /// When it was synced (a live version) or saved (a change).
    pub updated_at: Timestamp,
    /// The fields that stay in SQL.
    pub private: &'a Fields,
}

impl Record {
    /// The version that `view` shows, or `None` where it hides the record.
    ///
    /// Published: a pending write, nothing under a pending removal, else the live version. Working: the change
    /// whatever its state (nothing for a deletion, the kept content for an archiving), else the live version.
    pub fn seen(&self, view: View) -> Option<Seen<'_>> {
        let on_top = self.change.as_ref().filter(|change| view == View::Working || change.state == ChangeState::Pending);
        let (content, revision, updated_at) = match (on_top, &self.live) {
            (Some(change), _) => {
                let shown = match change.action {
                    ChangeAction::Write => true,
                    ChangeAction::Delete => false,
                    ChangeAction::Archive => view == View::Working,
                };
                shown.then_some((&change.content, change.revision, change.updated_at))?
            }
            (None, Some(live)) => (&live.content, live.revision, live.synced_at),
            (None, None) => return None,
        };
        Some(Seen { key: &self.key, content, revision, updated_at, private: &self.private })
    }
}

impl Seen<'_> {
    /// The value at `path` (dots go into mappings): a field of the file, else a private one, else what `title`,
    /// `slug`, `id`, `kind`, `path` and `status` mean. `None` when there is no such value.
    pub fn field(&self, path: &str) -> Option<Cow<'_, Value>> {
        if let Some(value) = at(&self.content.fields, path).or_else(|| at(self.private, path)) {
            return Some(Cow::Borrowed(value));
        }
        let own = match path {
            "title" => self.content.title.clone(),
            "slug" => self.content.slug.as_str().to_owned(),
            "id" => self.key.id.as_str().to_owned(),
            "kind" => self.key.kind.as_str().to_owned(),
            "path" => self.content.location.path.as_str().to_owned(),
            "status" => self.content.status?.as_str().to_owned(),
            _ => return None,
        };
        Some(Cow::Owned(Value::String(own)))
    }
}

fn at<'a>(fields: &'a Fields, path: &str) -> Option<&'a Value> {
    let mut parts = path.split('.');
    let first = fields.get(parts.next()?)?;
    parts.try_fold(first, |value, part| value.as_object()?.get(part))
}
