//! The index of words, brought up to date after the rows: at once for a few records, later for many. What has to be done
//! is noted in the transaction of the rows. Whoever finds the words of a record holds its note, and whoever changes its
//! texts writes the note: so a text that changes meanwhile is noted once more, and nobody waits in a circle because notes
//! are taken in the order of their numbers, after everything else.

use std::collections::HashMap;

use lorebase::knowledge::Fields;
use lorebase::store::{Slot, distinct, terms};
use lorebase::{Error, ErrorKind};
use sqlx::postgres::{PgConnection, PgRow};

use super::super::batch::Written;
use super::super::failure::Failure;
use super::super::rows::Columns;
use super::super::words::to_number;

/// Records whose texts are in memory at a time.
const PORTION: usize = 512;

/// What a `tsvector` holds, <https://www.postgresql.org/docs/current/textsearch-limitations.html>: bytes of a word, and of
/// all of them, each of which takes up to eleven more for its places.
const LONGEST_WORD: usize = 2000;
const MOST_BYTES: usize = 1 << 20;
const BESIDE_A_WORD: usize = 12;

/// The texts of records, as they stand now.
const TEXTS: &str = "SELECT k.uid, e.title AS e_title, e.fields AS e_fields, e.body AS e_body, \
                     c.title AS c_title, c.fields AS c_fields, c.body AS c_body \
                     FROM unnest($1::bigint[]) k (uid) LEFT JOIN lorebase.entity e ON e.uid = k.uid LEFT JOIN lorebase.change c ON c.uid = k.uid";

/// How many records wait.
pub(super) async fn waiting(connection: &mut PgConnection) -> Result<u64, Failure> {
    to_number("uid", sqlx::query_scalar("SELECT count(*) FROM lorebase.unindexed").fetch_one(&mut *connection).await?)
}

/// Notes the records whose texts were written, and indexes them where that is to be done `at_once`.
pub(super) async fn note(connection: &mut PgConnection, written: &[Written<'_>], at_once: bool) -> Result<(), Failure> {
    let retold = |written: &&Written<'_>| written.write.live != Slot::Keep || written.write.change != Slot::Keep;
    let mut uids: Vec<i64> = written.iter().filter(retold).map(|written| written.uid).collect();
    if uids.is_empty() {
        return Ok(());
    }
    uids.sort_unstable();
    // Writing a note that is there waits for whoever holds it.
    sqlx::query("INSERT INTO lorebase.unindexed (uid) SELECT unnest($1::bigint[]) ON CONFLICT (uid) DO UPDATE SET uid = excluded.uid")
        .bind(&uids)
        .execute(&mut *connection)
        .await?;
    if at_once { these(connection, &uids).await } else { Ok(()) }
}

/// Indexes at most `most` of the records that wait; how many are left.
pub(super) async fn some(connection: &mut PgConnection, most: usize) -> Result<u64, Failure> {
    let mut left = most;
    loop {
        let asked = left.min(PORTION);
        let uids: Vec<i64> = sqlx::query_scalar("SELECT uid FROM lorebase.unindexed ORDER BY uid LIMIT $1 FOR UPDATE")
            .bind(i64::try_from(asked).unwrap_or(i64::MAX))
            .fetch_all(&mut *connection)
            .await?;
        these(connection, &uids).await?;
        left -= asked;
        if uids.len() < asked || left == 0 {
            return waiting(connection).await;
        }
    }
}

/// One version in the index.
struct Version {
    uid: i64,
    ours: bool,
    words: String,
    whole: bool,
}

/// Indexes these records, whose notes are held.
async fn these(connection: &mut PgConnection, uids: &[i64]) -> Result<(), Failure> {
    if uids.is_empty() {
        return Ok(());
    }
    let rows = sqlx::query(TEXTS).bind(uids).fetch_all(&mut *connection).await?;
    // Finding the words of many texts would hold up everything else on this thread.
    let found = tokio::task::spawn_blocking(move || versions(&rows));
    let versions = found.await.map_err(|_| Error::new(ErrorKind::Internal, "the words of a text could not be found"))??;
    sqlx::query("DELETE FROM lorebase.word WHERE uid = ANY ($1)").bind(uids).execute(&mut *connection).await?;
    let (mut of, mut ours, mut words, mut whole) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for version in versions {
        of.push(version.uid);
        ours.push(version.ours);
        words.push(version.words);
        whole.push(version.whole);
    }
    sqlx::query(
        "INSERT INTO lorebase.word (uid, ours, words, whole) \
         SELECT uid, ours, words::tsvector, whole FROM unnest($1::bigint[], $2::boolean[], $3::text[], $4::boolean[]) AS given (uid, ours, words, whole)",
    )
    .bind(of)
    .bind(ours)
    .bind(words)
    .bind(whole)
    .execute(&mut *connection)
    .await?;
    sqlx::query("DELETE FROM lorebase.unindexed WHERE uid = ANY ($1)").bind(uids).execute(&mut *connection).await?;
    Ok(())
}

fn versions(rows: &[PgRow]) -> Result<Vec<Version>, Failure> {
    let mut versions = Vec::with_capacity(rows.len());
    for row in rows {
        for (ours, title, fields, body) in [(false, "e_title", "e_fields", "e_body"), (true, "c_title", "c_fields", "c_body")] {
            let Some(fields) = row.maybe_json::<Fields>(fields)? else { continue };
            let words = vector([&distinct(&row.text(title)?), &distinct(&terms(&fields)), &distinct(&row.text(body)?)]);
            let (words, whole) = words.map_or((String::new(), true), |words| (words, false));
            versions.push(Version { uid: row.integer("uid")?, ours, words, whole });
        }
    }
    Ok(versions)
}

/// The words of title, fields and body as a `tsvector` is written; `None` where it would not hold them.
fn vector(parts: [&str; 3]) -> Option<String> {
    let mut places: HashMap<&str, u8> = HashMap::new();
    for (part, words) in (0..).zip(parts) {
        for word in words.split(' ').filter(|word| !word.is_empty()) {
            *places.entry(cut(word)).or_default() |= 1 << part;
        }
    }
    let bytes: usize = places.keys().map(|word| word.len() + BESIDE_A_WORD).sum();
    if bytes > MOST_BYTES {
        return None;
    }
    let mut vector = String::with_capacity(2 * bytes);
    for (word, parts) in places {
        vector.push('\'');
        vector.push_str(word);
        vector.push_str("':");
        let held: Vec<&str> =
            [(1, "1A"), (2, "2B"), (4, "3C")].into_iter().filter(|(part, _)| parts & part != 0).map(|(_, at)| at).collect();
        vector.push_str(&held.join(","));
        vector.push(' ');
    }
    Some(vector)
}

/// The beginning of a word that is too long, as the index knows it.
pub(super) fn cut(word: &str) -> &str {
    if word.len() <= LONGEST_WORD {
        return word;
    }
    let end = (0..=LONGEST_WORD).rev().find(|at| word.is_char_boundary(*at)).unwrap_or(0);
    &word[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_holds_each_word_once_with_the_parts_it_is_in() {
        assert_eq!(vector(["a", "", "a"]).as_deref(), Some("'a':1A,3C "));
        assert_eq!(vector(["", "", ""]).as_deref(), Some(""));
    }

    #[test]
    fn what_a_vector_does_not_hold_is_told() {
        let words: Vec<String> = (0..100_000).map(|number| format!("w{number}")).collect();
        assert_eq!(vector(["", "", &words.join(" ")]), None);
        assert_eq!(cut(&"ü".repeat(1500)).len(), LONGEST_WORD);
    }
}
