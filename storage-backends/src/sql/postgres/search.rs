//! Full-text search, and records by the value of a field. The index only finds candidates: who fits, in which order
//! and with which snippet is decided by the core, as for every store.

use lorebase::knowledge::KindName;
use lorebase::store::{Record, RepositoryId, SearchHit, View, Words};
use serde_json::Value;
use sqlx::postgres::PgConnection;

use super::super::failure::Failure;
use super::super::found::{self, COMPARED, LONGEST_PHRASE};
use super::super::words::json;
use super::index::cut;
use super::read;
use super::texts::{asked, asked_json};

/// Versions that a view shows and that fit an expression, in no order that means anything.
macro_rules! fitting {
    ($live:literal, $ours:literal) => {
        concat!(
            "SELECT f.uid FROM lorebase.word f WHERE (f.words @@ $1::tsquery OR f.whole) AND CASE WHEN f.ours ",
            "THEN EXISTS (SELECT 1 FROM lorebase.change v WHERE v.uid = f.uid AND v.repository = $2 ",
            "AND ($3::text IS NULL OR v.kind = $3) AND ",
            $ours,
            ") ELSE EXISTS (SELECT 1 FROM lorebase.entity v WHERE v.uid = f.uid AND v.repository = $2 ",
            "AND ($3::text IS NULL OR v.kind = $3) AND NOT EXISTS (SELECT 1 FROM lorebase.change c WHERE c.uid = v.uid",
            $live,
            ")) END LIMIT $4"
        )
    };
}

const PUBLISHED: &str = fitting!(" AND c.state = 'pending'", "v.state = 'pending' AND v.action = 'write'");
const WORKING: &str = fitting!("", "v.action <> 'delete'");

pub(super) async fn search(
    connection: &mut PgConnection,
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
            .bind(kind.map(|kind| asked(kind.as_str())))
            .bind(read::count(compared))
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

/// Versions with all words; those of them with a word in the title (A); those with one in a field (B). The last word may
/// be a prefix. Words are letters and digits only.
fn expressions(words: &Words) -> [String; 3] {
    let words = words.as_slice();
    let of = |weight: &str| -> Vec<String> {
        let each = words.iter().enumerate().map(|(index, word)| {
            let (word, whole) = (cut(word), cut(word).len() == word.len() && index + 1 < words.len());
            format!("'{word}':{}{weight}", if whole { "" } else { "*" })
        });
        each.map(|word| word.trim_end_matches(':').to_owned()).collect()
    };
    let all = of("").join(" & ");
    [all.clone(), format!("{all} & ({})", of("A").join(" | ")), format!("{all} & ({})", of("B").join(" | "))]
}

pub(super) async fn by_field(
    connection: &mut PgConnection,
    id: RepositoryId,
    kind: &KindName,
    field: &str,
    value: &Value,
) -> Result<Vec<Record>, Failure> {
    // The text index knows every text of a field, so only records that hold this one are looked at.
    let (live, ours) = if phrase(value).is_some() {
        (
            "SELECT v.uid FROM lorebase.word f JOIN lorebase.entity v ON v.uid = f.uid \
             WHERE (f.words @@ $5::tsquery OR f.whole) AND NOT f.ours AND v.repository = $1 AND v.kind = $2 AND v.fields::jsonb -> $3 = $4::jsonb",
            "SELECT v.uid FROM lorebase.word f JOIN lorebase.change v ON v.uid = f.uid \
             WHERE (f.words @@ $5::tsquery OR f.whole) AND f.ours AND v.repository = $1 AND v.kind = $2 AND v.fields::jsonb -> $3 = $4::jsonb",
        )
    } else {
        (
            "SELECT uid FROM lorebase.entity WHERE repository = $1 AND kind = $2 AND fields::jsonb -> $3 = $4::jsonb AND $5::text IS NULL",
            "SELECT uid FROM lorebase.change WHERE repository = $1 AND kind = $2 AND fields::jsonb -> $3 = $4::jsonb",
        )
    };
    let statement = format!(
        "{live} UNION {ours} UNION SELECT uid FROM lorebase.knowledge WHERE repository = $1 AND kind = $2 AND private IS NOT NULL \
         AND private::jsonb -> $3 = $4::jsonb ORDER BY 1"
    );
    // Of the constants above.
    let uids: Vec<i64> = sqlx::query_scalar(sqlx::AssertSqlSafe(statement))
        .bind(id)
        .bind(asked(kind.as_str()))
        .bind(asked(field))
        .bind(asked_json(&json(value)?))
        .bind(phrase(value))
        .fetch_all(&mut *connection)
        .await?;
    let records = read::by_uid(connection, id, &uids).await?.into_iter().flatten();
    Ok(records.filter(|record| found::holds(record, field, value)).collect())
}

/// The words of a text among those of fields; `None` where there are none or too many.
fn phrase(value: &Value) -> Option<String> {
    let text = value.as_str().filter(|text| text.len() <= LONGEST_PHRASE)?;
    let words: Vec<String> = Words::of(text).as_slice().iter().map(|word| format!("'{word}':B")).collect();
    (!words.is_empty()).then(|| words.join(" & "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_search_expression_holds_only_quoted_words() {
        let [all, titles, fields] = expressions(&Words::of("Foo' | (bar* <->"));
        assert_eq!(all, "'foo' & 'bar':*");
        assert_eq!(titles, "'foo' & 'bar':* & ('foo':A | 'bar':*A)");
        assert_eq!(fields, "'foo' & 'bar':* & ('foo':B | 'bar':*B)");
    }

    #[test]
    fn only_texts_with_words_are_looked_up_in_the_index() {
        assert_eq!(phrase(&json!("A \"b\"")).as_deref(), Some("'a':B & 'b':B"));
        assert_eq!(phrase(&json!("?!")), None);
        assert_eq!(phrase(&json!(1)), None);
    }
}
