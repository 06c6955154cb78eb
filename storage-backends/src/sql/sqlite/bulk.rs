//! Many rows in few statements. This is one of the two places where the text of a statement is made at run time: its
//! parts are all constants of this crate, only the number of question marks varies.

use jiff::Timestamp;
use lorebase::knowledge::LocationKey;
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{Arguments, AssertSqlSafe, Sqlite, query::Query};

use super::super::failure::Failure;
use super::super::tables::{Cells, Table};
use super::super::words::moment;

/// How many rows a statement takes. Few sizes, so that the prepared statements are found again.
const SIZES: [usize; 3] = [64, 8, 1];

/// Writes all rows; `fill` gives the cells of one. While the database's thread writes some, the next ones are filled
/// here.
pub(super) async fn insert<T, R>(
    table: &Table,
    connection: &mut SqliteConnection,
    rows: R,
    fill: impl Fn(&mut Row, T) -> Result<(), Failure>,
) -> Result<(), Failure>
where
    R: IntoIterator<Item = T>,
    R::IntoIter: ExactSizeIterator,
{
    by(&SIZES, "INSERT", table, connection, rows, fill).await
}

/// The same in statements of other sizes, the largest first and 1 the last, that begin with another word.
pub(super) async fn by<T, R>(
    sizes: &[usize],
    verb: &'static str,
    table: &Table,
    connection: &mut SqliteConnection,
    rows: R,
    fill: impl Fn(&mut Row, T) -> Result<(), Failure>,
) -> Result<(), Failure>
where
    R: IntoIterator<Item = T>,
    R::IntoIter: ExactSizeIterator,
{
    let mut rows = rows.into_iter();
    let mut next = || next(sizes, verb, table, &mut rows, &fill);
    let mut bound = next()?;
    while let Some(query) = bound {
        let (written, following) = tokio::join!(biased; query.execute(&mut *connection), async { next() });
        written?;
        bound = following?;
    }
    Ok(())
}

/// The next statement, with as many rows as one takes.
fn next<T>(
    sizes: &[usize],
    verb: &'static str,
    table: &Table,
    rows: &mut impl ExactSizeIterator<Item = T>,
    fill: &impl Fn(&mut Row, T) -> Result<(), Failure>,
) -> Result<Option<Query<'static, Sqlite, SqliteArguments>>, Failure> {
    let Some(size) = sizes.iter().copied().find(|size| *size <= rows.len()) else { return Ok(None) };
    let mut row = Row::default();
    for each in rows.take(size) {
        fill(&mut row, each)?;
    }
    match row.refused {
        Some(refused) => Err(Failure::Sql(sqlx::Error::Encode(refused))),
        None => Ok(Some(sqlx::query_with(AssertSqlSafe(statement(verb, table, size)), row.bound))),
    }
}

fn statement(verb: &str, table: &Table, rows: usize) -> String {
    let names: Vec<&str> = table.columns.iter().map(|(name, _)| *name).collect();
    let row = format!("({})", vec!["?"; names.len()].join(","));
    let (into, names, rows, conflict) = (table.name, names.join(", "), vec![row.as_str(); rows].join(","), table.conflict);
    format!("{verb} INTO {into} ({names}) VALUES {rows}{conflict}")
}

/// The values of a statement, row after row.
#[derive(Default)]
pub(super) struct Row {
    bound: SqliteArguments,
    refused: Option<sqlx::error::BoxDynError>,
}

impl Row {
    fn add<T: sqlx::Encode<'static, Sqlite> + sqlx::Type<Sqlite> + 'static>(&mut self, value: T) {
        if let Err(refused) = self.bound.add(value) {
            self.refused = Some(refused);
        }
    }
}

impl Cells for Row {
    fn integer(&mut self, value: impl Into<Option<i64>>) {
        self.add(value.into());
    }

    fn flag(&mut self, value: bool) {
        self.add(value);
    }

    fn text<'t>(&mut self, value: impl Into<Option<&'t str>>) {
        self.add(value.into().map(str::to_owned));
    }

    fn place(&mut self, value: Option<&LocationKey>) {
        self.text(value.map(LocationKey::as_str));
    }

    fn json<'t>(&mut self, value: impl Into<Option<&'t str>>) {
        self.add(value.into().map(str::to_owned));
    }

    fn moment(&mut self, value: impl Into<Option<Timestamp>>) {
        self.add(value.into().map(moment));
    }
}
