//! Whether a side did the work: its rows, its files and its commits against what the generator meant. The first
//! difference ends a run, so no figure is ever of less work than the others did.

mod commits;
mod files;
mod rows;

pub use commits::{Commit, commits, each_by};
pub use files::{Blob, blobs, compare_files};
pub use rows::{Row, Table, compare_rows, expected, read_rows};
