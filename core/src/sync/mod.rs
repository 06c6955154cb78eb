//! The engine that keeps git and SQL equal, and nothing else. What is decided here is pure ([`merge`], the plans of
//! a save, an ingest and a publication); the rounds around it only read, call a plan, and write what it says.

mod acknowledge;
mod backoff;
mod bind;
mod both;
mod bulk;
mod cancellation;
mod candidate;
mod chunks;
mod drift;
mod engine;
mod incoming;
mod ingest;
mod lease;
mod merge;
mod naming;
mod outgoing;
mod patch;
pub(crate) mod plan;
mod publish;
mod recover;
mod report;
mod request;
mod restore;
mod room;
mod save;
mod scan;
mod settings;
mod source;
mod stale;
mod straight;
mod unique;
mod validate;

pub use cancellation::Cancellation;
pub use drift::{Drift, DriftEntry};
pub use engine::{Environment, Next, SyncEngine, SyncOptions};
pub use lease::Processes;
pub use merge::{Choices, FieldConflict, Hunk, MergeConflict, Side, merge, merge_choosing};
pub use publish::CommitPolicy;
pub use report::{Phase, Progress, ProgressFn, SyncReport};
pub use request::{BasedOn, Mode, Save};
