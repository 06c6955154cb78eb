//! The SQL side: what all databases share (rows, words, errors) and the databases themselves. Nothing outside this
//! folder knows SQL.

mod bulk;
mod failure;
mod rows;
mod sqlite;
mod words;

pub use sqlite::{SqliteCache, SqliteOptions, SqlitePlace};
