//! The SQL side: what all databases share (tables, rows, words, what a batch asks) and the databases themselves. Nothing
//! outside this folder knows SQL.

mod batch;
mod failure;
mod rows;
#[cfg(feature = "sqlite")]
mod sqlite;
mod tables;
mod words;

#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteCache, SqliteOptions, SqlitePlace};
