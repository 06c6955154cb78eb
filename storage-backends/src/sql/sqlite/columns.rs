//! How the cells of a row are read.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::super::failure::Failure;
use super::super::rows::Columns;

impl Columns for SqliteRow {
    fn text(&self, column: &str) -> Result<String, Failure> {
        Ok(self.try_get(column)?)
    }

    fn maybe_text(&self, column: &str) -> Result<Option<String>, Failure> {
        Ok(self.try_get(column)?)
    }

    fn integer(&self, column: &str) -> Result<i64, Failure> {
        Ok(self.try_get(column)?)
    }

    fn maybe_integer(&self, column: &str) -> Result<Option<i64>, Failure> {
        Ok(self.try_get(column)?)
    }
}
