//! Full-text search, and records by the value of a field. The index only finds candidates: who fits, in which order
//! and with which snippet is decided by the core, as for every store.

use lorebase::knowledge::KindName;
use lorebase::store::{Record, RepositoryId, SearchHit, View, Words};
use serde_json::Value;
use sqlx::sqlite::SqliteConnection;

use super::super::failure::Failure;
use super::super::found::{self, COMPARED, LONGEST_PHRASE};
use super::super::words::json;
use super::read;

/// Versions that a view shows and that fit an expression, in no order that means anything.
macro_rules! fitting {
    ($live:literal, $ours:literal) => {
        concat!(
            "SELECT f.rowid / 2 FROM word f WHERE f.word MATCH ?1 AND CASE f.rowid % 2 ",
            "WHEN 0 THEN EXISTS (SELECT 1 FROM entity v WHERE v.uid = f.rowid / 2 AND v.repository = ?2 ",
            "AND (?3 IS NULL OR v.kind = ?3) AND NOT EXISTS (SELECT 1 FROM change c WHERE c.uid = v.uid",
            $live,
            ")) ELSE EXISTS (SELECT 1 FROM change v WHERE v.uid = f.rowid / 2 AND v.repository = ?2 ",
            "AND (?3 IS NULL OR v.kind = ?3) AND ",
            $ours,
            ") END LIMIT ?4"
        )
    };
}

const PUBLISHED: &str = fitting!(" AND c.state = 'pending'", "v.state = 'pending' AND v.action = 'write'");
const WORKING: &str = fitting!("", "v.action <> 'delete'");

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
    let compared = limit.saturating_mul(2).max(COMPARED);
    let mut uids: Vec<i64> = Vec::new();
    for expression in expressions(&words) {
        let fitting: Vec<i64> = sqlx::query_scalar(statement)
            .bind(expression)
            .bind(id)
            .bind(kind.map(KindName::as_str))
            .bind(i64::try_from(compared).unwrap_or(i64::MAX))
            .fetch_all(&mut *connection)
            .await?;
        let all = fitting.len() < compared;
        uids.extend(fitting);
        // The first expression lacks nothing: were there fewer than asked for, then these are all.
        if all && uids.len() < compared {
            break;
        }
    }
    uids.sort_unstable();
    uids.dedup();
    let candidates = read::by_uid(connection, id, &uids).await?.into_iter().flatten();
    Ok(found::best(&words, candidates, view, limit))
}

/// Versions with all words; those of them with a word in the title; those with one in a field. Each word is a string
/// of FTS5, the last one a prefix. Words are letters and digits only.
fn expressions(words: &Words) -> [String; 3] {
    let mut strings: Vec<String> = words.as_slice().iter().map(|word| format!("\"{word}\"")).collect();
    if let Some(last) = strings.last_mut() {
        last.push_str(" *");
    }
    let (all, any) = (strings.join(" AND "), strings.join(" OR "));
    [all.clone(), format!("({all}) AND title : ({any})"), format!("({all}) AND terms : ({any})")]
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
            "SELECT v.uid FROM word f CROSS JOIN entity v ON v.uid = f.rowid / 2 \
             WHERE f.word MATCH ?3 AND f.rowid % 2 = 0 AND v.repository = ?1 AND v.kind = ?2 AND v.fields ->> ?4 = ?5 \
             UNION SELECT v.uid FROM word f CROSS JOIN change v ON v.uid = f.rowid / 2 \
             WHERE f.word MATCH ?3 AND f.rowid % 2 = 1 AND v.repository = ?1 AND v.kind = ?2 AND v.fields ->> ?4 = ?5 \
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
    Ok(records.filter(|record| found::holds(record, field, value)).collect())
}

/// The words of a text in the column of field texts; `None` where there are none or too many, or SQL would compare
/// another text.
fn phrase(value: &Value) -> Option<String> {
    let text = value.as_str().filter(|text| text.len() <= LONGEST_PHRASE && !text.contains('\0'))?;
    let words = Words::of(text);
    let strings: Vec<String> = words.as_slice().iter().map(|word| format!("\"{word}\"")).collect();
    (!strings.is_empty()).then(|| format!("terms : ({})", strings.join(" AND ")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_search_expression_holds_only_quoted_words() {
        let [all, titles, fields] = expressions(&Words::of("Foo\" OR (bar* NEAR"));
        assert_eq!(all, "\"foo\" AND \"or\" AND \"bar\" AND \"near\" *");
        assert_eq!(titles, format!("({all}) AND title : (\"foo\" OR \"or\" OR \"bar\" OR \"near\" *)"));
        assert_eq!(fields, format!("({all}) AND terms : (\"foo\" OR \"or\" OR \"bar\" OR \"near\" *)"));
    }

    #[test]
    fn only_texts_with_words_are_looked_up_in_the_index() {
        assert_eq!(phrase(&json!("A \"b\"")).as_deref(), Some("terms : (\"a\" AND \"b\")"));
        assert_eq!(phrase(&json!("?!")), None);
        assert_eq!(phrase(&json!("a\0")), None);
        assert_eq!(phrase(&json!(1)), None);
    }
}
