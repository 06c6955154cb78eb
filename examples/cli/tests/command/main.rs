//! The command as people, runbooks and CI use it: the real binary on real repositories that the `git` program made.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod at_once;
mod bad_input;
mod both_sides;
mod interrupted;
mod places;
mod programs;
mod reading;
mod saving;
mod terminal;
mod transcripts;
mod validating;
mod world;
