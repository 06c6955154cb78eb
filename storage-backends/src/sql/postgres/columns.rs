//! How the cells of a row are read.

use jiff::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{Row, ValueRef};

use super::super::failure::Failure;
use super::super::rows::Columns;
use super::moment::Moment;

impl Columns for PgRow {
    fn text(&self, column: &str) -> Result<String, Failure> {
        self.maybe_text(column)?.ok_or_else(|| Failure::stored(column, "NULL"))
    }

    /// Texts and JSON alike: both come as they were written.
    fn maybe_text(&self, column: &str) -> Result<Option<String>, Failure> {
        let value = self.try_get_raw(column)?;
        if value.is_null() {
            return Ok(None);
        }
        let text = value.as_str().map_err(|source| sqlx::Error::ColumnDecode { index: column.to_owned(), source })?;
        Ok(Some(text.to_owned()))
    }

    fn integer(&self, column: &str) -> Result<i64, Failure> {
        Ok(self.try_get(column)?)
    }

    fn maybe_integer(&self, column: &str) -> Result<Option<i64>, Failure> {
        Ok(self.try_get(column)?)
    }

    fn flag(&self, column: &str) -> Result<bool, Failure> {
        Ok(self.try_get(column)?)
    }

    fn moment(&self, column: &str) -> Result<Timestamp, Failure> {
        Ok(self.try_get::<Moment, _>(column)?.0)
    }

    fn maybe_moment(&self, column: &str) -> Result<Option<Timestamp>, Failure> {
        Ok(self.try_get::<Option<Moment>, _>(column)?.map(|moment| moment.0))
    }
}
