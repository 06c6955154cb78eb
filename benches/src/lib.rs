//! What the benches measure on and how they make sure that it was the same work: entities made from a seed, the
//! repositories and lists of rows that hold them, and a checker that reads what a side left behind. Nothing here is
//! timed, and nothing here trusts the code that is measured: the truth is what the generator meant, not what a decoder
//! read.

pub mod check;
pub mod entities;
pub mod git;
mod head;
mod prose;
mod random;
pub mod repository;

/// Anything that stops a bench; it is printed and ends the run.
pub type Fault = Box<dyn std::error::Error + Send + Sync>;

/// The result of everything that a bench prepares, runs or checks.
pub type Outcome<T> = Result<T, Fault>;
