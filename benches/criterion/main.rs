//! The parts of the main job one by one, for finding out what a change does to them. What the figures mean beside
//! those of other tools is measured by the program of this package.
//!
//! `cargo bench -p lorebase-benches`, or with a part of a name behind `--`.
#![expect(clippy::expect_used, reason = "a bench that cannot be set up ends")]

mod bulk;
mod codec;
mod save;
mod stage;
mod sync;

use criterion::{criterion_group, criterion_main};

criterion_group!(benches, codec::codec, sync::sync, save::save, bulk::bulk);
criterion_main!(benches);
