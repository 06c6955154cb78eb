//! The library in real processes: killed at any moment and started again, and several at once on one repository and one
//! database. Every test starts its own program again as its children (see `orders`), and judges them by what their
//! ledger says was acknowledged and by what the `git` program finds afterwards.
#![expect(clippy::unwrap_used, reason = "a step of a test that fails is a failed test")]

mod check;
mod child;
mod engineer;
mod history;
mod kill;
mod ledger;
mod orders;
mod random;
mod scratch;
mod steps;
mod two_processes;
