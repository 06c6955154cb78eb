//! When a thing that failed is tried again: exponential, with jitter, bounded.

use std::time::Duration;

use crate::clock::{Entropy, Timestamp};

/// The first wait.
const FIRST: Duration = Duration::from_millis(500);
/// The longest wait.
const LONGEST: Duration = Duration::from_mins(5);

/// The wait before try number `attempts` + 1: between half and all of 0.5 s doubled each time, at most five minutes.
pub(super) fn delay(attempts: u32, entropy: &dyn Entropy) -> Duration {
    let full = FIRST.saturating_mul(1 << attempts.min(20)).min(LONGEST);
    let half = full / 2;
    half + Duration::from_millis(entropy.below(u64::try_from(half.as_millis()).unwrap_or(u64::MAX) + 1))
}

/// A moment later than `now`, saturating at the end of time.
pub(super) fn after(now: Timestamp, wait: Duration) -> Timestamp {
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}
