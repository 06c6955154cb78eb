//! The race itself: sides, jobs, figures, and the page that they end up on.

pub(crate) mod figures;
pub(crate) mod job;
pub(crate) mod jobs;
pub(crate) mod limits;
pub(crate) mod machine;
pub(crate) mod ours;
pub(crate) mod peers;
pub(crate) mod plain;
pub(crate) mod report;
pub(crate) mod results;
pub(crate) mod side;
pub(crate) mod targets;
pub(crate) mod texts;
pub(crate) mod world;
