//! Lorebase on real stores: gix repositories and SQL databases, behind one [`open`].

pub mod clock;
#[cfg(any(feature = "gix", feature = "postgres", feature = "sqlite"))]
mod failpoint;
mod folder;
#[cfg(feature = "gix")]
pub mod git;
#[cfg(feature = "gix")]
mod init;
#[cfg(all(feature = "gix", feature = "sqlite"))]
mod open;
pub mod process;
mod runtime;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub mod sql;

pub use folder::{Checked, validate_folder};
#[cfg(feature = "gix")]
pub use git::person;
#[cfg(feature = "gix")]
pub use init::{Begun, InitOptions, init};
#[cfg(all(feature = "gix", feature = "sqlite"))]
pub use open::{Options, open};

/// The front page of the project, so that its example is compiled and run like any other.
#[cfg(all(doctest, feature = "gix", feature = "sqlite"))]
#[doc = include_str!("../../README.md")]
mod readme {}
