//! The SQL side: what all databases share (tables, rows, words, what a batch asks) and the databases themselves. Nothing
//! outside this folder knows SQL.

mod batch;
mod failure;
mod found;
mod list;
#[cfg(feature = "postgres")]
mod postgres;
mod rows;
#[cfg(feature = "sqlite")]
mod sqlite;
mod tables;
mod words;

#[cfg(feature = "postgres")]
pub use postgres::{LeaseClock, PostgresCache, PostgresOptions};
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteCache, SqliteOptions, SqlitePlace};
