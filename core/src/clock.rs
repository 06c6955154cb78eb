//! Time and chance, given from outside, so that every decision of the library can be simulated and replayed.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
pub use jiff::Timestamp;
use uuid::Uuid;

use crate::{Error, ErrorKind, Result};

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

/// A moment as a person writes it: `2026-01-31T10:00:00Z`, a date (its beginning in UTC), or an age before `now` in
/// minutes, hours, days or weeks: `30m`, `12h`, `7d`, `2w`.
///
/// # Errors
/// [`ErrorKind::InvalidInput`] for any other text.
///
/// ```
/// use lorebase::clock::{Timestamp, parse_moment};
///
/// let now: Timestamp = "2026-02-07T12:00:00Z".parse()?;
/// assert_eq!(parse_moment("7d", now)?.to_string(), "2026-01-31T12:00:00Z");
/// assert_eq!(parse_moment("2026-01-31", now)?.to_string(), "2026-01-31T00:00:00Z");
/// assert!(parse_moment("soon", now).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn parse_moment(text: &str, now: Timestamp) -> Result<Timestamp> {
    let text = text.trim();
    age(text).and_then(|age| now.checked_sub(age).ok()).or_else(|| text.parse().ok()).or_else(|| beginning(text)).ok_or_else(|| {
        let message = format!(
            "`{}` is no moment; write a date (2026-01-31), a moment (2026-01-31T10:00:00Z) or an age (30m, 12h, 7d, 2w)",
            text.escape_debug()
        );
        Error::new(ErrorKind::InvalidInput, message)
    })
}

fn age(text: &str) -> Option<Duration> {
    let unit = match text.bytes().next_back()? {
        b'm' => 60,
        b'h' => 60 * 60,
        b'd' => 24 * 60 * 60,
        b'w' => 7 * 24 * 60 * 60,
        _ => return None,
    };
    let count: u64 = text[..text.len() - 1].parse().ok()?;
    Some(Duration::from_secs(count.checked_mul(unit)?))
}

fn beginning(date: &str) -> Option<Timestamp> {
    let date: jiff::civil::Date = date.parse().ok()?;
    date.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|start| start.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_dates_moments_and_ages() {
        let now: Timestamp = "2026-02-07T12:00:00Z".parse().unwrap();
        for (text, moment) in [
            ("30m", "2026-02-07T11:30:00Z"),
            ("12h", "2026-02-07T00:00:00Z"),
            ("2w", "2026-01-24T12:00:00Z"),
            (" 0d ", "2026-02-07T12:00:00Z"),
            ("2026-01-31", "2026-01-31T00:00:00Z"),
            ("2026-01-31T10:00:00+02:00", "2026-01-31T08:00:00Z"),
        ] {
            assert_eq!(parse_moment(text, now).unwrap().to_string(), moment, "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused_whatever_its_size() {
        let now: Timestamp = "2026-02-07T12:00:00Z".parse().unwrap();
        for text in ["", "d", "-1d", "1y", "yesterday", "99999999999999999999d", "9999999999999999w", "9999999w", "é"] {
            let error = parse_moment(text, now).unwrap_err();
            assert!(error.kind() == ErrorKind::InvalidInput && error.message().contains("is no moment"), "{error}");
        }
    }
}
