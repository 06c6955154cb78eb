//! The machine's own time and chance: the only place that asks for either.

use std::time::Duration;

use async_trait::async_trait;
use lorebase::clock::{Clock, Entropy, Timestamp};
use uuid::Uuid;

use crate::runtime;

/// The machine's clock, cut to whole milliseconds.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one system clock")]
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    /// Sleeps on the library's own runtime, whatever executor the caller uses.
    async fn sleep(&self, duration: Duration) {
        let slept = runtime::run(async move {
            tokio::time::sleep(duration).await;
            Ok(())
        });
        // A forked process has no runtime; returning at once would make its caller spin.
        if slept.await.is_err() {
            std::thread::sleep(duration);
        }
    }
}

/// The operating system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn uuid(&self) -> Uuid {
        Uuid::new_v4()
    }

    fn below(&self, bound: u64) -> u64 {
        // The last 62 bits of a random identifier are random.
        let random = Uuid::new_v4().as_u128() & ((1 << 62) - 1);
        u64::try_from((random * u128::from(bound)) >> 62).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_whole_milliseconds_and_never_far_from_a_files_time() {
        let now = SystemClock.now();
        assert_eq!(now.subsec_nanosecond() % 1_000_000, 0);
        let file = tempfile::tempfile().unwrap();
        let modified = Timestamp::try_from(file.metadata().unwrap().modified().unwrap()).unwrap();
        assert!((modified.as_second() - now.as_second()).abs() < 60, "{modified} and {now}");
    }

    #[test]
    fn sleeping_lasts_at_least_as_long_as_asked() {
        let start = std::time::Instant::now();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(SystemClock.sleep(Duration::from_millis(5)));
        assert!(start.elapsed() >= Duration::from_millis(5));
    }

    #[test]
    fn numbers_stay_below_their_bound_and_reach_all_of_it() {
        let mut seen = [false; 8];
        for _ in 0..2000 {
            seen[usize::try_from(SystemEntropy.below(8)).unwrap()] = true;
        }
        assert_eq!(seen, [true; 8]);
        assert_eq!(SystemEntropy.below(0), 0);
        assert_ne!(SystemEntropy.uuid(), SystemEntropy.uuid());
    }
}
