//! Full-text search, and records by the value of a field. The index only finds candidates: who fits, in which order
//! and with which snippet is decided by the core, as for every store.

use lorebase::knowledge::KindName;
use lorebase::store::{Record, RepositoryId, SearchHit, View, Words, json_equal};
use serde_json::Value;
use sqlx::sqlite::SqliteConnection;

use super::super::failure::Failure;
use super::super::words::json;
use super::read;

/// Longer texts are not looked up by their words.
const LONGEST_PHRASE: usize = 1000;

const PUBLISHED: &str = "SELECT uid FROM (SELECT * FROM ( \
    SELECT v.uid AS uid, bm25(entity_fts, 10.0, 4.0, 1.0) AS score FROM entity_fts f CROSS JOIN entity v ON v.uid = f.rowid \
    WHERE entity_fts MATCH ?1 AND v.repository = ?2 AND (?3 IS NULL OR v.kind = ?3) \
    AND NOT EXISTS (SELECT 1 FROM change c WHERE c.uid = v.uid AND c.state = 'pending') ORDER BY score, v.uid LIMIT ?4) \
    UNION ALL SELECT * FROM ( \
    SELECT v.uid AS uid, bm25(change_fts, 10.0, 4.0, 1.0) AS score FROM change_fts f CROSS JOIN change v ON v.uid = f.rowid \
    WHERE change_fts MATCH ?1 AND v.repository = ?2 AND (?3 IS NULL OR v.kind = ?3) \
    AND v.state = 'pending' AND v.action = 'write' ORDER BY score, v.uid LIMIT ?4))";

const WORKING: &str = "SELECT uid FROM (SELECT * FROM ( \
    SELECT v.uid AS uid, bm25(entity_fts, 10.0, 4.0, 1.0) AS score FROM entity_fts f CROSS JOIN entity v ON v.uid = f.rowid \
    WHERE entity_fts MATCH ?1 AND v.repository = ?2 AND (?3 IS NULL OR v.kind = ?3) \
    AND NOT EXISTS (SELECT 1 FROM change c WHERE c.uid = v.uid) ORDER BY score, v.uid LIMIT ?4) \
    UNION ALL SELECT * FROM ( \
    SELECT v.uid AS uid, bm25(change_fts, 10.0, 4.0, 1.0) AS score FROM change_fts f CROSS JOIN change v ON v.uid = f.rowid \
    WHERE change_fts MATCH ?1 AND v.repository = ?2 AND (?3 IS NULL OR v.kind = ?3) \
    AND v.action <> 'delete' ORDER BY score, v.uid LIMIT ?4))";

pub(super) async fn search(
    connection: &mut SqliteConnection,
    id: RepositoryId,
    text: &str,
    kind: Option<&KindName>,
    view: View,
    limit: usize,
) -> Result<Vec<SearchHit>, Failure> {
    let words = Words::of(text);
    if words.as_slice().is_empty() || limit == 0 {
        return Ok(Vec::new());
    }
    let statement = match view {
        View::Published => PUBLISHED,
        View::Working => WORKING,
    };
    let uids: Vec<i64> = sqlx::query_scalar(statement)
        .bind(expression(&words))
        .bind(id)
        .bind(kind.map(KindName::as_str))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&mut *connection)
        .await?;
    let mut found: Vec<(f64, Record)> = Vec::with_capacity(uids.len());
    for record in read::by_uid(connection, id, &uids).await?.into_iter().flatten() {
        if let Some(score) = record.seen(view).and_then(|seen| words.score(seen.content)) {
            found.push((score, record));
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.key.cmp(&b.1.key)));
    found.truncate(limit);
    let hit = |(_, record): (f64, Record)| {
        let snippet = record.seen(view).map(|seen| words.snippet(seen.content)).unwrap_or_default();
        SearchHit { record, snippet }
    };
    Ok(found.into_iter().map(hit).collect())
}

/// Each word a string of FTS5, the last one a prefix. Words are letters and digits only.
fn expression(words: &Words) -> String {
    let strings: Vec<String> = words.as_slice().iter().map(|word| format!("\"{word}\"")).collect();
    format!("{} *", strings.join(" "))
}

pub(super) async fn by_field(
    connection: &mut SqliteConnection,
    id: RepositoryId,
    kind: &KindName,
    field: &str,
    value: &Value,
) -> Result<Vec<Record>, Failure> {
    let uids: Vec<i64> = if let Some(phrase) = phrase(value) {
        // The text index knows every text of a field, so only records that hold this one are looked at.
        sqlx::query_scalar(
            "SELECT v.uid FROM entity_fts f CROSS JOIN entity v ON v.uid = f.rowid \
             WHERE entity_fts MATCH ?3 AND v.repository = ?1 AND v.kind = ?2 AND v.fields ->> ?4 = ?5 \
             UNION SELECT v.uid FROM change_fts f CROSS JOIN change v ON v.uid = f.rowid \
             WHERE change_fts MATCH ?3 AND v.repository = ?1 AND v.kind = ?2 AND v.fields ->> ?4 = ?5 \
             UNION SELECT uid FROM knowledge WHERE repository = ?1 AND kind = ?2 AND private IS NOT NULL AND private ->> ?4 = ?5 \
             ORDER BY 1",
        )
        .bind(id)
        .bind(kind.as_str())
        .bind(phrase)
        .bind(format!("$.{}", json(field)?))
        .bind(value.as_str())
        .fetch_all(&mut *connection)
        .await?
    } else {
        sqlx::query_scalar(
            "SELECT uid FROM entity WHERE repository = ?1 AND kind = ?2 AND json_type(fields, ?3) IS NOT NULL \
             AND (?4 IS NULL OR json_extract(fields, ?3) IS json_extract(?4, '$')) \
             UNION SELECT uid FROM change WHERE repository = ?1 AND kind = ?2 AND json_type(fields, ?3) IS NOT NULL \
             AND (?4 IS NULL OR json_extract(fields, ?3) IS json_extract(?4, '$')) \
             UNION SELECT uid FROM knowledge \
             WHERE repository = ?1 AND kind = ?2 AND private IS NOT NULL AND json_type(private, ?3) IS NOT NULL ORDER BY 1",
        )
        .bind(id)
        .bind(kind.as_str())
        .bind(format!("$.{}", json(field)?))
        .bind(if value.is_array() || value.is_object() { None } else { Some(json(value)?) })
        .fetch_all(&mut *connection)
        .await?
    };
    let records = read::by_uid(connection, id, &uids).await?.into_iter().flatten();
    Ok(records.filter(|record| holds(record, field, value)).collect())
}

fn holds(record: &Record, field: &str, value: &Value) -> bool {
    let live = record.live.as_ref().map(|live| &live.content.fields);
    let ours = record.change.as_ref().map(|change| &change.content.fields);
    let private = (live.is_some() || ours.is_some()).then_some(&record.private);
    [live, ours, private].into_iter().flatten().any(|fields| fields.get(field).is_some_and(|found| json_equal(found, value)))
}

/// The text as one string of FTS5 over the column of field texts; `None` where the index may not hold it.
fn phrase(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    let indexed = text.len() <= LONGEST_PHRASE && !text.contains('\0') && text.contains(|c: char| c.is_ascii_alphanumeric());
    indexed.then(|| format!("terms : \"{}\"", text.replace('"', "\"\"")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_search_expression_holds_only_quoted_words() {
        assert_eq!(expression(&Words::of("Foo\" OR (bar* NEAR")), "\"foo\" \"or\" \"bar\" \"near\" *");
    }

    #[test]
    fn only_texts_that_the_index_surely_holds_are_looked_up_in_it() {
        assert_eq!(phrase(&json!("a \"b\"")).as_deref(), Some("terms : \"a \"\"b\"\"\""));
        assert_eq!(phrase(&json!("?!")), None);
        assert_eq!(phrase(&json!("a\0")), None);
        assert_eq!(phrase(&json!(1)), None);
    }
}
