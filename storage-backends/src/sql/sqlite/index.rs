//! The index of words, brought up to date after the rows: at once for a few records, later for many. What has to be
//! done is noted with the rows in their own transaction, so that a process that dies in between leaves nothing out.

use lorebase::knowledge::Fields;
use lorebase::store::{distinct, terms};
use lorebase::{Error, ErrorKind};
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::super::failure::Failure;
use super::super::rows::Columns;
use super::super::tables::{Cells, Form, Table};
use super::super::words::{json, to_number};
use super::bulk;
use crate::failpoint;

/// Records whose texts are in memory at a time.
const PORTION: usize = 512;

/// How many versions a statement takes. The index writes out what it has gathered before every statement of several
/// rows, so there are as few of them as possible.
const SIZES: [usize; 10] = [512, 256, 128, 64, 32, 16, 8, 4, 2, 1];

const WORD: Table = Table {
    name: "word",
    columns: &[("rowid", Form::Integer), ("title", Form::Text), ("terms", Form::Text), ("body", Form::Text)],
    conflict: "",
};

/// The texts of noted records, as they stand now.
macro_rules! noted {
    ($($rest:literal)+) => {
        concat!(
            "SELECT u.uid, e.title AS e_title, e.fields AS e_fields, e.body AS e_body, ",
            "c.title AS c_title, c.fields AS c_fields, c.body AS c_body ",
            "FROM unindexed u LEFT JOIN entity e ON e.uid = u.uid LEFT JOIN change c ON c.uid = u.uid ",
            $($rest),+
        )
    };
}

/// How many records wait.
pub(super) async fn waiting(connection: &mut SqliteConnection) -> Result<u64, Failure> {
    to_number("uid", sqlx::query_scalar("SELECT count(*) FROM unindexed").fetch_one(&mut *connection).await?)
}

/// Indexes at most `most` of the records that wait; how many are left. While the database writes the words of one
/// portion, those of the next are found on another thread.
pub(super) async fn some(connection: &mut SqliteConnection, most: usize) -> Result<u64, Failure> {
    let mut left = most;
    let mut after = i64::MIN;
    let mut found = Portion::default();
    loop {
        let asked = left.min(PORTION);
        left -= asked;
        let rows = sqlx::query(noted!("WHERE u.uid > ? ORDER BY u.uid LIMIT ?"))
            .bind(after)
            .bind(i64::try_from(asked).unwrap_or(i64::MAX))
            .fetch_all(&mut *connection)
            .await?;
        let last = rows.len() < PORTION || left == 0;
        after = rows.last().map_or(Ok(after), |row| row.integer("uid"))?;
        let next = tokio::spawn(async move { Portion::of(&rows) });
        let written = write(connection, found).await;
        found = next.await.map_err(|_| Error::new(ErrorKind::Internal, "the words of a text could not be found"))??;
        written?;
        if last {
            write(connection, found).await?;
            return waiting(connection).await;
        }
    }
}

/// Indexes those of these records that wait.
pub(super) async fn these(connection: &mut SqliteConnection, uids: &[i64]) -> Result<(), Failure> {
    let rows = sqlx::query(noted!("WHERE u.uid IN (SELECT value FROM json_each(?))")).bind(json(uids)?).fetch_all(&mut *connection).await?;
    write(connection, Portion::of(&rows)?).await
}

/// One version in the index.
struct Version {
    row: i64,
    title: String,
    terms: String,
    body: String,
}

/// Records and what the index has to know of them.
#[derive(Default)]
struct Portion {
    uids: Vec<i64>,
    present: Vec<Version>,
    gone: Vec<i64>,
}

impl Portion {
    fn of(rows: &[SqliteRow]) -> Result<Self, Failure> {
        let mut portion = Self::default();
        for row in rows {
            let uid = row.integer("uid")?;
            portion.uids.push(uid);
            for (side, title, fields, body) in [(0, "e_title", "e_fields", "e_body"), (1, "c_title", "c_fields", "c_body")] {
                let number = 2 * uid + side;
                match row.maybe_json::<Fields>(fields)? {
                    Some(fields) => portion.present.push(Version {
                        row: number,
                        title: distinct(&row.text(title)?),
                        terms: distinct(&terms(&fields)),
                        body: distinct(&row.text(body)?),
                    }),
                    None => portion.gone.push(number),
                }
            }
        }
        Ok(portion)
    }
}

async fn write(connection: &mut SqliteConnection, portion: Portion) -> Result<(), Failure> {
    if portion.uids.is_empty() {
        return Ok(());
    }
    // Most of them never were there.
    let gone: Vec<i64> = sqlx::query_scalar("SELECT id FROM word_docsize WHERE id IN (SELECT value FROM json_each(?))")
        .bind(json(&portion.gone)?)
        .fetch_all(&mut *connection)
        .await?;
    if !gone.is_empty() {
        sqlx::query("DELETE FROM word WHERE rowid IN (SELECT value FROM json_each(?))")
            .bind(json(&gone)?)
            .execute(&mut *connection)
            .await?;
    }
    failpoint::hit("sql.index.half");
    bulk::by(&SIZES, "INSERT OR REPLACE", &WORD, connection, &portion.present, |row, version| {
        row.integer(version.row);
        row.text(version.title.as_str());
        row.text(version.terms.as_str());
        row.text(version.body.as_str());
        Ok(())
    })
    .await?;
    sqlx::query("DELETE FROM unindexed WHERE uid IN (SELECT value FROM json_each(?))")
        .bind(json(&portion.uids)?)
        .execute(&mut *connection)
        .await?;
    Ok(())
}
