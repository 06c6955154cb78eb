//! A company's knowledge as Markdown with frontmatter **in git, the source of truth,** and **in SQL, the fast
//! cache,** equal in both directions.
//!
//! This crate is the model and every decision: what an entity is ([`knowledge`]), bytes to documents and back
//! ([`codec`]), the contracts of the stores ([`store`]), and the engine that keeps two stores equal ([`sync`]).
//! It does no I/O and knows no runtime. Real repositories and databases, and the `open` that most programs want,
//! are in the crate `lorebase-backends`.

pub mod clock;
pub mod codec;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod docs;
mod error;
pub mod knowledge;
mod knowledge_base;
pub mod memory;
pub mod store;
pub mod sync;

pub use error::{Error, ErrorKind, Result};
pub use knowledge_base::{
    Accept, ConflictView, Delete, Found, Health, ImportRow, KnowledgeBase, Listing, OverriddenField, Override, Parts, PublishMode,
    Selector, Settle, SideView, Wake, WeakKnowledgeBase,
};
