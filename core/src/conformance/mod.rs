//! The behaviour suites that every store must pass: plain async cases over a contract, on a fresh empty store each.
//! A backend runs them all through one macro, so that a new case reaches every backend by itself. Beside them stand
//! stores that go wrong at a chosen call ([`fault`]).

pub mod cache;
pub mod fault;
pub mod git;
