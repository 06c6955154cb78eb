//! Time and chance under a test's control: a clock that moves only when told to, and numbers that follow from a
//! seed, so that a failing run can be replayed exactly.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::{Builder, Uuid};

use crate::clock::{Clock, Entropy};

/// A clock that stands still until it is set, advanced, or slept on.
///
/// ```
/// use std::time::Duration;
/// use lorebase::clock::Clock;
/// use lorebase::memory::ManualClock;
///
/// let clock = ManualClock::new("2026-01-01T00:00:00Z".parse().unwrap());
/// clock.advance(Duration::from_secs(90));
/// assert_eq!(clock.now().to_string(), "2026-01-01T00:01:30Z");
/// ```
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `start`, cut to whole milliseconds.
    pub fn new(start: Timestamp) -> Self {
        Self(AtomicI64::new(start.as_millisecond()))
    }

    /// Sets it, backwards too, as a machine's clock may be.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.as_millisecond(), Ordering::SeqCst);
    }

    /// Moves it forward; a part of a millisecond counts as a whole one, so that time never stands still for a
    /// waiter.
    pub fn advance(&self, by: Duration) {
        let millis = by.as_nanos().div_ceil(1_000_000);
        self.0.fetch_add(i64::try_from(millis).unwrap_or(i64::MAX / 4), Ordering::SeqCst);
    }
}

impl Default for ManualClock {
    /// A clock that shows 2026-01-01T00:00:00Z.
    fn default() -> Self {
        Self(AtomicI64::new(1_767_225_600_000))
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.load(Ordering::SeqCst)).unwrap_or(Timestamp::MAX)
    }

    /// Advances the clock and returns at once.
    async fn sleep(&self, duration: Duration) {
        self.advance(duration);
    }
}

/// Identifiers and numbers that follow from a seed (splitmix64).
#[derive(Debug)]
pub struct SeededEntropy(AtomicU64);

impl SeededEntropy {
    /// The sequence of this seed.
    pub fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    fn next(&self) -> u64 {
        const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
        let mut z = self.0.fetch_add(STEP, Ordering::SeqCst).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

impl Entropy for SeededEntropy {
    fn uuid(&self) -> Uuid {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.next().to_be_bytes());
        bytes[8..].copy_from_slice(&self.next().to_be_bytes());
        Builder::from_random_bytes(bytes).into_uuid()
    }

    fn below(&self, bound: u64) -> u64 {
        let scaled = u128::from(self.next()) * u128::from(bound);
        u64::try_from(scaled >> 64).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_moves_only_when_told_to() {
        let clock = ManualClock::default();
        let start = clock.now();
        assert_eq!(clock.now(), start);
        clock.advance(Duration::from_micros(1));
        assert_eq!(clock.now().as_millisecond(), start.as_millisecond() + 1);
        clock.set(Timestamp::from_millisecond(5).unwrap());
        assert_eq!(clock.now().as_millisecond(), 5);
    }

    #[test]
    fn sleeping_advances_the_clock_and_returns_at_once() {
        let clock = ManualClock::default();
        let start = clock.now();
        pollster::block_on(clock.sleep(Duration::from_hours(1)));
        assert_eq!(clock.now().as_millisecond() - start.as_millisecond(), 3_600_000);
    }

    #[test]
    fn a_seed_gives_the_same_sequence_every_time() {
        let (a, b, other) = (SeededEntropy::new(7), SeededEntropy::new(7), SeededEntropy::new(8));
        for bound in 1..100 {
            assert_eq!(a.uuid(), b.uuid());
            assert_eq!(a.below(bound), b.below(bound));
        }
        assert_ne!(a.uuid(), other.uuid());
    }

    #[test]
    fn numbers_stay_below_their_bound_and_reach_all_of_it() {
        let entropy = SeededEntropy::new(1);
        let mut seen = [false; 10];
        for _ in 0..1000 {
            seen[usize::try_from(entropy.below(10)).unwrap()] = true;
        }
        assert_eq!(seen, [true; 10]);
        assert_eq!(entropy.below(0), 0);
        assert_eq!(entropy.below(1), 0);
    }

    #[test]
    fn identifiers_are_version_4() {
        assert_eq!(SeededEntropy::new(3).uuid().get_version_num(), 4);
    }
}
