//! The library in real processes: killed at any moment and started again, many at once on one repository and one
//! database, paused past their lease, and on disks that do not do what they should. Every test starts its own program
//! again as its children (see `orders`), and judges them by what their ledger says was acknowledged and by what the
//! `git` program finds afterwards.
#![expect(clippy::unwrap_used, reason = "a step of a test that fails is a failed test")]

mod check;
mod child;
mod contention;
mod contested;
mod disk_faults;
mod disks;
mod engineer;
mod history;
mod judge_sees;
mod kill;
mod ledger;
mod on_postgres;
mod orders;
mod paused;
mod points;
mod random;
mod report;
mod saver;
mod scratch;
#[path = "../server/mod.rs"]
mod server;
mod shifted;
mod steps;
mod trial;
mod worker;
