//! Why a call failed. Each database tells it as an error of the library in its own words: which place, what was expected,
//! what to do.

use lorebase::Error;

/// Why a call failed, before it is known in which database.
#[derive(Debug)]
pub(super) enum Failure {
    /// The database said no.
    Sql(sqlx::Error),
    /// A stored value is not one that we wrote.
    Stored(String),
    /// Said already.
    Told(Error),
}

impl Failure {
    pub(super) fn stored(column: &str, value: &str) -> Self {
        let shown: String = value.chars().take(60).collect();
        Self::Stored(format!("the column `{column}` holds `{shown}`"))
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Told(error)
    }
}
