//! The rows against HEAD, read by other means than the library's decoder: a Markdown file is its record's very bytes,
//! its lines are its fields, and JSON is what `serde_json` says.

use std::collections::{BTreeMap, HashSet};

use lorebase::KnowledgeBase;
use lorebase::knowledge::{Diagnostic, Severity};
use lorebase::store::{Live, Record};
use serde_json::{Map, Value};

use super::stage::{Stage, run};
use super::text::{JSON, SETTINGS, plain_field};
use super::{Check, sight};

pub(super) fn check(stage: &Stage, kb: &KnowledgeBase) -> Check {
    let id = kb.engine().repository_id();
    let files = sight::files(stage)?;
    let is_error = |finding: &Diagnostic| finding.severity == Severity::Error;
    let refused: HashSet<String> = run(kb.diagnostics())?.into_iter().filter(is_error).map(|finding| finding.path).collect();
    let uids: Vec<i64> = run(stage.cache.manifest(id, None, 100_000))?.into_iter().map(|row| row.uid).collect();
    let mut rows: BTreeMap<String, Vec<(Record, Live)>> = BTreeMap::new();
    for record in run(stage.cache.records_by_uid(id, &uids))?.into_iter().flatten() {
        if let Some(live) = record.live.clone() {
            rows.entry(live.content.location.path.as_str().to_owned()).or_default().push((record, live));
        }
    }
    for path in rows.keys() {
        ensure!(files.contains_key(path) || refused.contains(path), "a row stands for {path}, which git does not have");
    }
    for (path, text) in files.iter().filter(|(path, _)| *path != SETTINGS && !refused.contains(*path)) {
        let rows = rows.get(path).map_or(&[][..], Vec::as_slice);
        if path == JSON { check_entries(text, rows)? } else { check_file(path, text, rows)? }
    }
    Ok(())
}

fn check_file(path: &str, text: &str, rows: &[(Record, Live)]) -> Check {
    ensure!(rows.len() == 1, "{} rows stand for {path}, which is one entity", rows.len());
    let (record, live) = &rows[0];
    let bytes = format!("{}{}", live.content.head, live.content.body);
    ensure!(bytes == text, "the row of {path} has other bytes than git: {bytes:?} instead of {text:?}");
    if let Some(id) = plain_field(text, "id") {
        ensure!(record.key.id.as_str() == id, "the row of {path} has the id {}, its file says {id}", record.key.id);
    }
    for field in ["f0", "f1"] {
        let value = live.content.fields.get(field).and_then(Value::as_str);
        ensure!(value == plain_field(text, field), "the row of {path} has {value:?} for {field}: {text:?}");
    }
    Ok(())
}

fn check_entries(text: &str, rows: &[(Record, Live)]) -> Check {
    let entries: Map<String, Value> = serde_json::from_str(text).unwrap_or_default();
    ensure!(entries.len() == rows.len(), "{} rows stand for the {} entries of {JSON}", rows.len(), entries.len());
    for (record, live) in rows {
        let entry = live.content.location.entry.as_ref().and_then(|entry| entries.get(entry.as_str()));
        let entry = entry.and_then(Value::as_object);
        ensure!(entry == Some(&live.content.fields), "the row of {} says {:?}, the entry {entry:?}", record.key, live.content.fields);
    }
    Ok(())
}
