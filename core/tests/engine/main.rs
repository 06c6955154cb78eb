//! The engine over stores in memory: every flow of the sync model, one story a test. The same stories run over real
//! repositories and databases in the backends' tests.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

mod asking;
mod bulk;
mod cancelling;
mod conflicts;
mod crowd;
mod drafts;
mod exports;
mod ingest;
mod kinds;
mod private;
mod publish;
mod recovering;
mod restore;
mod saves;
mod schemas;
mod sources;
mod straight;
mod unique;
mod world;
