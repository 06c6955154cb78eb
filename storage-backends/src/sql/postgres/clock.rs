//! Whose clock says when a lease ends.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::moment::Moment;

/// Longer leases count as leases of a hundred years.
const LONGEST: Duration = Duration::from_hours(100 * 366 * 24);

/// Whose clock says when a lease ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LeaseClock {
    /// The database's. What callers give as `now` only tells how long a lease lasts, so that a machine whose clock is wrong
    /// neither takes what others hold nor holds what it has lost.
    #[default]
    Database,
    /// That of each caller: for simulations, whose time is not ours.
    Caller,
}

impl LeaseClock {
    /// The moment of a call, unless the database knows better.
    pub(super) fn moment(self, now: Timestamp) -> Option<Moment> {
        (self == Self::Caller).then_some(Moment(now))
    }

    /// The end of a lease of `ttl` from `now`: as a moment, or as microseconds from the database's own now.
    pub(super) fn until(self, now: Timestamp, ttl: Duration) -> (Option<Moment>, i64) {
        let until = now.saturating_add(SignedDuration::try_from(ttl).unwrap_or(SignedDuration::MAX)).unwrap_or(Timestamp::MAX);
        (self.moment(until), i64::try_from(ttl.min(LONGEST).as_micros()).unwrap_or(0))
    }
}
