//! Stores in memory, always compiled: the reference model of every contract, and what tests of the engine run on.
//! Nothing here is durable.

mod cache;
mod clock;
mod git;
mod processes;
mod tree;

pub use cache::MemoryCache;
pub use clock::{ManualClock, SeededEntropy};
pub use git::MemoryGit;
pub use processes::MemoryProcesses;
