//! Many rows in few statements. This is one of the two places where the text of a statement is made at run time: its
//! parts are all constants of this crate, only the number of question marks varies.

use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{AssertSqlSafe, Sqlite, query::Query};

use super::failure::Failure;

/// How many rows a statement takes. Few sizes, so that the prepared statements are found again.
const SIZES: [usize; 3] = [64, 8, 1];

/// An insertion into one table.
pub(super) struct Insert {
    /// `INSERT INTO table (columns) VALUES `.
    pub(super) into: &'static str,
    /// How many columns.
    pub(super) columns: usize,
    /// What follows the rows, for example ` ON CONFLICT …`.
    pub(super) tail: &'static str,
}

pub(super) type Bound<'q> = Query<'q, Sqlite, SqliteArguments>;

impl Insert {
    /// Writes all rows; `bind` binds the columns of one. While the database's thread writes some, the next ones are bound
    /// here.
    pub(super) async fn all<T, R>(
        &self,
        connection: &mut SqliteConnection,
        rows: R,
        bind: impl for<'q> Fn(Bound<'q>, T) -> Result<Bound<'q>, Failure>,
    ) -> Result<(), Failure>
    where
        R: IntoIterator<Item = T>,
        R::IntoIter: ExactSizeIterator,
    {
        self.all_by(&SIZES, connection, rows, bind).await
    }

    /// The same in statements of other sizes, the largest first and 1 the last.
    pub(super) async fn all_by<T, R>(
        &self,
        sizes: &[usize],
        connection: &mut SqliteConnection,
        rows: R,
        bind: impl for<'q> Fn(Bound<'q>, T) -> Result<Bound<'q>, Failure>,
    ) -> Result<(), Failure>
    where
        R: IntoIterator<Item = T>,
        R::IntoIter: ExactSizeIterator,
    {
        let mut rows = rows.into_iter();
        let mut bound = self.next(sizes, &mut rows, &bind)?;
        while let Some(query) = bound {
            let (written, next) = tokio::join!(biased; query.execute(&mut *connection), async { self.next(sizes, &mut rows, &bind) });
            written?;
            bound = next?;
        }
        Ok(())
    }

    /// The next statement, with as many rows as one takes.
    fn next<'q, T>(
        &self,
        sizes: &[usize],
        rows: &mut impl ExactSizeIterator<Item = T>,
        bind: &impl Fn(Bound<'q>, T) -> Result<Bound<'q>, Failure>,
    ) -> Result<Option<Bound<'q>>, Failure> {
        let Some(size) = sizes.iter().copied().find(|size| *size <= rows.len()) else { return Ok(None) };
        let query = sqlx::query(AssertSqlSafe(self.statement(size)));
        rows.take(size).try_fold(query, bind).map(Some)
    }

    fn statement(&self, rows: usize) -> String {
        let marks = vec!["?"; self.columns].join(",");
        let row = format!("({marks})");
        format!("{}{}{}", self.into, vec![row.as_str(); rows].join(","), self.tail)
    }
}
