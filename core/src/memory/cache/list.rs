//! Lists and search in memory: every visible version is looked at, and only the page is copied.

use std::cmp::Ordering;

use serde_json::Value;

use super::repository::Repository;
use crate::Result;
use crate::knowledge::KindName;
use crate::store::{Page, Position, Query, Record, SearchHit, Seen, SortKey, View, Words, compare_sorted};

impl Repository {
    pub(super) fn list(&self, query: &Query) -> Result<Page> {
        let begin = query.begin()?;
        let mut found: Vec<(&Record, Seen<'_>)> = self
            .records
            .values()
            .filter(|record| query.kind.as_ref().is_none_or(|kind| record.key.kind == *kind))
            .filter_map(|record| Some((record, record.seen(query.view)?)))
            .filter(|(_, seen)| query.admits(seen))
            .collect();
        let total = found.len() as u64;
        let turned = |order: Ordering| if query.descending { order.reverse() } else { order };
        found.sort_by(|(_, a), (_, b)| turned(compare(&query.sort, a, b)));
        if let Some(begin) = begin {
            let seen_before = |seen: &Seen<'_>| turned(Position::of(query, seen).compare(&begin, &query.sort)).is_le();
            found.drain(..found.partition_point(|(_, seen)| seen_before(seen)));
        }
        let size = query.page_size();
        let next_cursor = match found.get(size.saturating_sub(1)) {
            Some((_, last)) if found.len() > size => Some(query.cursor_after(Position::of(query, last))?),
            _ => None,
        };
        Ok(Page { items: found.into_iter().take(size).map(|(record, _)| record.clone()).collect(), next_cursor, total })
    }

    pub(super) fn search(&self, text: &str, kind: Option<&KindName>, view: View, limit: usize) -> Vec<SearchHit> {
        let words = Words::of(text);
        if words.as_slice().is_empty() {
            return Vec::new();
        }
        let mut found: Vec<(f64, &Record, Seen<'_>)> = self
            .records
            .values()
            .filter(|record| kind.is_none_or(|kind| record.key.kind == *kind))
            .filter_map(|record| Some((record, record.seen(view)?)))
            .filter_map(|(record, seen)| Some((words.score(seen.content)?, record, seen)))
            .collect();
        found.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.key.cmp(&b.1.key)));
        let hit = |(_, record, seen): (f64, &Record, Seen<'_>)| SearchHit { record: record.clone(), snippet: words.snippet(seen.content) };
        found.into_iter().take(limit).map(hit).collect()
    }
}

/// [`Position::compare`] without copying anything.
fn compare(sort: &SortKey, a: &Seen<'_>, b: &Seen<'_>) -> Ordering {
    let by_key = || a.key.cmp(b.key);
    match sort {
        SortKey::Slug => (&a.key.kind, &a.content.slug, &a.key.id).cmp(&(&b.key.kind, &b.content.slug, &b.key.id)),
        SortKey::Title => a.content.title.cmp(&b.content.title).then_with(by_key),
        SortKey::Updated => a.updated_at.cmp(&b.updated_at).then_with(by_key),
        SortKey::Field(field) => {
            let (a, b) = (a.field(field), b.field(field));
            let null = Value::Null;
            compare_sorted(a.as_deref().unwrap_or(&null), b.as_deref().unwrap_or(&null)).then_with(by_key)
        }
    }
}
