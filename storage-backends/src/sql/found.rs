//! What becomes of the candidates that an index found: the core decides who fits, in which order and with which snippet.

use lorebase::store::{Record, SearchHit, View, Words, json_equal};
use serde_json::Value;

/// Longer texts are not looked up by their words.
pub(super) const LONGEST_PHRASE: usize = 1000;

/// So many versions that hold the words are compared at least, however few are asked for.
pub(super) const COMPARED: usize = 100;

/// The best of the candidates that fit, best first.
pub(super) fn best(words: &Words, candidates: impl Iterator<Item = Record>, view: View, limit: usize) -> Vec<SearchHit> {
    let scored = candidates.filter_map(|record| Some((record.seen(view).and_then(|seen| words.score(seen.content))?, record)));
    let mut found: Vec<(f64, Record)> = scored.collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.key.cmp(&b.1.key)));
    found.truncate(limit);
    let hit = |(_, record): (f64, Record)| {
        let snippet = record.seen(view).map(|seen| words.snippet(seen.content)).unwrap_or_default();
        SearchHit { record, snippet }
    };
    found.into_iter().map(hit).collect()
}

/// Whether one of a record's parts has this field with this value.
pub(super) fn holds(record: &Record, field: &str, value: &Value) -> bool {
    let live = record.live.as_ref().map(|live| &live.content.fields);
    let ours = record.change.as_ref().map(|change| &change.content.fields);
    let private = (live.is_some() || ours.is_some()).then_some(&record.private);
    [live, ours, private].into_iter().flatten().any(|fields| fields.get(field).is_some_and(|found| json_equal(found, value)))
}
