//! Time and chance, given from outside, so that every decision of the library can be simulated and replayed.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
pub use jiff::Timestamp;
use uuid::Uuid;

/// What time it is, and waiting. Values are whole milliseconds, so that they survive every store unchanged.
#[async_trait]
pub trait Clock: Debug + Send + Sync + 'static {
    /// The present moment in whole milliseconds.
    fn now(&self) -> Timestamp;

    /// Returns after `duration` has passed on this clock.
    async fn sleep(&self, duration: Duration);
}

/// Where identifiers and jitter come from.
pub trait Entropy: Debug + Send + Sync + 'static {
    /// A new random identifier (version 4).
    fn uuid(&self) -> Uuid;

    /// A number from 0 up to and not including `bound`; 0 when `bound` is 0.
    fn below(&self, bound: u64) -> u64;
}
