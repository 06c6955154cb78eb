//! What an entity is: its identity, its place, its content and its kind. Pure values and rules; nothing here reads
//! or writes anything.

mod built_in;
mod built_in_schemas;
mod config;
mod content;
mod diagnostic;
mod identity;
mod kind;
mod path;
mod path_rules;
mod slug;
mod starter;
mod status;

pub use built_in_schemas::built_in_schema;
pub use config::{Config, fingerprint};
pub use content::{Author, Content, Fields, Knowledge, SyncStatus};
pub use diagnostic::{Diagnostic, Severity};
pub use identity::{EntityId, EntityKey, ID_NAMESPACE, KindName};
pub use kind::{ConflictPolicy, DerivedRule, Format, Kind, ListRule, MergeRule, Naming};
pub use path::{KnowledgePath, Location, LocationKey};
pub use slug::{Slug, slugify};
pub use starter::starter;
pub use status::Status;
