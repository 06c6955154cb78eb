//! Many rows in few statements: as arrays, one for each column (`unnest`), or by `COPY`, which takes only rows that are
//! not there yet. The text of the statements is made of the tables' constants.

use std::fmt::Write as _;

use jiff::Timestamp;
use lorebase::knowledge::LocationKey;
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

use super::super::failure::Failure;
use super::super::tables::{Cells, Form, Table};
use super::moment::Moment;
use super::texts::{holds_nul, nul, stored_place};

/// A statement takes so many rows at most, and no more once it holds so many bytes.
const MOST_ROWS: usize = 2000;
const MOST_BYTES: usize = 4 << 20;

/// As many new rows at once go by `COPY`: below, its round trips cost more than they save.
const COPIED: usize = 200;

/// Bytes that are sent in one portion of a `COPY`.
const PORTION: usize = 256 << 10;

/// Writes all rows, as the table's conflict says where one is there. No two of them may be of one key.
pub(super) async fn insert<T>(
    table: &'static Table,
    connection: &mut PgConnection,
    rows: impl IntoIterator<Item = T>,
    fill: impl Fn(&mut Sink, T) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let mut sink = Sink::arrays(table);
        let mut count = 0;
        while count < MOST_ROWS && sink.bytes < MOST_BYTES {
            let Some(row) = rows.next() else { break };
            fill(&mut sink, row)?;
            count += 1;
        }
        sink.insert(connection).await?;
    }
    Ok(())
}

/// Writes rows that are not there yet.
pub(super) async fn insert_new<T, R>(
    table: &'static Table,
    connection: &mut PgConnection,
    rows: R,
    fill: impl Fn(&mut Sink, T) -> Result<(), Failure>,
) -> Result<(), Failure>
where
    R: IntoIterator<Item = T>,
    R::IntoIter: ExactSizeIterator,
{
    let rows = rows.into_iter();
    if rows.len() < COPIED {
        return insert(table, connection, rows, fill).await;
    }
    let names: Vec<&str> = table.columns.iter().map(|(name, _)| *name).collect();
    let mut copy = connection.copy_in_raw(&format!("COPY lorebase.{} ({}) FROM STDIN", table.name, names.join(", "))).await?;
    let mut sink = Sink::lines(table);
    for row in rows {
        let filled = fill(&mut sink, row);
        if let Err(failure) = filled.and_then(|()| sink.refused.take().map_or(Ok(()), Err)) {
            // The connection would wait for the rest of the rows.
            copy.abort("a row cannot be written").await?;
            return Err(failure);
        }
        if sink.bytes >= PORTION {
            copy.send(sink.taken()).await?;
        }
    }
    copy.send(sink.taken()).await?;
    copy.finish().await?;
    Ok(())
}

/// The cells of one column.
enum Column {
    Integers(Vec<Option<i64>>),
    Flags(Vec<bool>),
    Texts(Vec<Option<String>>),
    Moments(Vec<Option<Moment>>),
}

enum Shape {
    Arrays(Vec<Column>),
    Lines(String),
}

/// Where the cells of rows go.
pub(super) struct Sink {
    table: &'static Table,
    shape: Shape,
    /// The column of the next cell.
    at: usize,
    bytes: usize,
    refused: Option<Failure>,
}

impl Sink {
    fn arrays(table: &'static Table) -> Self {
        let column = |(_, form): &(_, Form)| match form {
            Form::Integer => Column::Integers(Vec::new()),
            Form::Flag => Column::Flags(Vec::new()),
            Form::Text | Form::Json => Column::Texts(Vec::new()),
            Form::Moment => Column::Moments(Vec::new()),
        };
        Self { table, shape: Shape::Arrays(table.columns.iter().map(column).collect()), at: 0, bytes: 0, refused: None }
    }

    fn lines(table: &'static Table) -> Self {
        Self { table, shape: Shape::Lines(String::with_capacity(2 * PORTION)), at: 0, bytes: 0, refused: None }
    }

    /// The lines so far; the next ones begin anew.
    fn taken(&mut self) -> Vec<u8> {
        self.bytes = 0;
        match &mut self.shape {
            Shape::Lines(text) => std::mem::replace(text, String::with_capacity(2 * PORTION)).into_bytes(),
            Shape::Arrays(_) => Vec::new(),
        }
    }

    async fn insert(self, connection: &mut PgConnection) -> Result<(), Failure> {
        if let Some(refused) = self.refused {
            return Err(refused);
        }
        let Shape::Arrays(columns) = self.shape else { return Ok(()) };
        let mut query = sqlx::query(AssertSqlSafe(statement(self.table)));
        for column in columns {
            query = match column {
                Column::Integers(cells) => query.bind(cells),
                Column::Flags(cells) => query.bind(cells),
                Column::Texts(cells) => query.bind(cells),
                Column::Moments(cells) => query.bind(cells),
            };
        }
        query.execute(&mut *connection).await?;
        Ok(())
    }

    /// A cell of a `COPY`, already free of what has a meaning there; NULL where there is none.
    fn cell(&mut self, write: impl FnOnce(&mut String)) {
        let last = self.at + 1 == self.table.columns.len();
        if let Shape::Lines(text) = &mut self.shape {
            write(text);
            text.push(if last { '\n' } else { '\t' });
            self.bytes = text.len();
        }
    }

    /// On to the next column.
    fn next(&mut self) {
        self.at = (self.at + 1) % self.table.columns.len();
    }

    fn written(&mut self, value: Option<&str>, has_nul: impl FnOnce(&str) -> bool) {
        if value.is_some_and(has_nul) {
            let column = self.table.columns[self.at].0;
            self.refused.get_or_insert_with(|| nul(self.table.name, column));
        }
        if let Shape::Arrays(columns) = &mut self.shape {
            if let Column::Texts(cells) = &mut columns[self.at] {
                self.bytes += value.map_or(1, str::len);
                cells.push(value.map(str::to_owned));
            }
        } else {
            self.cell(|text| match value {
                Some(value) => escape(text, value),
                None => text.push_str("\\N"),
            });
        }
        self.next();
    }
}

impl Cells for Sink {
    fn integer(&mut self, value: impl Into<Option<i64>>) {
        let value = value.into();
        if let Shape::Arrays(columns) = &mut self.shape
            && let Column::Integers(cells) = &mut columns[self.at]
        {
            cells.push(value);
        }
        self.cell(|text| match value {
            // Writing to a text cannot fail.
            Some(value) => drop(write!(text, "{value}")),
            None => text.push_str("\\N"),
        });
        self.next();
    }

    fn flag(&mut self, value: bool) {
        if let Shape::Arrays(columns) = &mut self.shape
            && let Column::Flags(cells) = &mut columns[self.at]
        {
            cells.push(value);
        }
        self.cell(|text| text.push(if value { 't' } else { 'f' }));
        self.next();
    }

    fn text<'t>(&mut self, value: impl Into<Option<&'t str>>) {
        self.written(value.into(), |text| text.contains('\0'));
    }

    fn place(&mut self, value: Option<&LocationKey>) {
        self.text(value.map(stored_place).as_deref());
    }

    fn json<'t>(&mut self, value: impl Into<Option<&'t str>>) {
        self.written(value.into(), holds_nul);
    }

    fn moment(&mut self, value: impl Into<Option<Timestamp>>) {
        let value = value.into();
        if let Shape::Arrays(columns) = &mut self.shape
            && let Column::Moments(cells) = &mut columns[self.at]
        {
            cells.push(value.map(Moment));
        }
        self.cell(|text| match value {
            Some(value) => drop(write!(text, "{value:.3}")),
            None => text.push_str("\\N"),
        });
        self.next();
    }
}

/// A text of a `COPY`: <https://www.postgresql.org/docs/current/sql-copy.html>, "Text Format".
fn escape(into: &mut String, text: &str) {
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escaped = match byte {
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            _ => continue,
        };
        into.push_str(&text[from..at]);
        into.push_str(escaped);
        from = at + 1;
    }
    into.push_str(&text[from..]);
}

fn statement(table: &Table) -> String {
    let list = |of: &dyn Fn(usize, &str, Form) -> String| -> String {
        let parts: Vec<String> = table.columns.iter().enumerate().map(|(index, (name, form))| of(index + 1, name, *form)).collect();
        parts.join(", ")
    };
    let names = list(&|_, name, _| name.to_owned());
    let values = list(&|index, _, form| format!("c{index}{}", if form == Form::Json { "::json" } else { "" }));
    let arrays = list(&|index, _, form| {
        let kind = match form {
            Form::Integer => "bigint",
            Form::Flag => "boolean",
            Form::Text | Form::Json => "text",
            Form::Moment => "timestamptz",
        };
        format!("${index}::{kind}[]")
    });
    let given = list(&|index, _, _| format!("c{index}"));
    let (table, conflict) = (table.name, table.conflict);
    format!("INSERT INTO lorebase.{table} ({names}) SELECT {values} FROM unnest({arrays}) AS given ({given}){conflict}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_meaning_in_a_copy_is_escaped() {
        let mut text = String::new();
        escape(&mut text, "a\\N\tb\r\nü\\.");
        assert_eq!(text, r"a\\N\tb\r\nü\\.");
    }
}
