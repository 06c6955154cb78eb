//! Values as the text that stands in a column: readable in any SQL shell, sortable where it is sorted.

use jiff::Timestamp;
use lorebase::{Error, ErrorKind};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::failure::Failure;

/// A moment with exactly three fractional digits: text order is time order.
#[cfg(any(feature = "sqlite", test))]
pub(super) fn moment(at: Timestamp) -> String {
    format!("{at:.3}")
}

pub(super) fn to_moment(column: &str, text: &str) -> Result<Timestamp, Failure> {
    text.parse().map_err(|_| Failure::stored(column, text))
}

/// A value as JSON.
pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> Result<String, Failure> {
    serde_json::to_string(value)
        .map_err(|error| Error::new(ErrorKind::Internal, "a value cannot be written as JSON").caused_by(error).into())
}

pub(super) fn from_json<T: DeserializeOwned>(column: &str, text: &str) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|_| Failure::stored(column, text))
}

/// An enum as its one word.
pub(super) fn word<T: Serialize>(value: T) -> Result<String, Failure> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Ok(word),
        _ => Err(Error::new(ErrorKind::Internal, "a value that should be one word is not").into()),
    }
}

pub(super) fn from_word<T: DeserializeOwned>(column: &str, text: &str) -> Result<T, Failure> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).map_err(|_| Failure::stored(column, text))
}

/// A counter as SQL's signed integer.
pub(super) fn number(value: u64) -> Result<i64, Failure> {
    i64::try_from(value).map_err(|_| Error::new(ErrorKind::InvalidInput, format!("{value} is too large for the cache")).into())
}

pub(super) fn to_number(column: &str, value: i64) -> Result<u64, Failure> {
    u64::try_from(value).map_err(|_| Failure::stored(column, &value.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_sort_as_text() {
        let at = |ms| moment(Timestamp::from_millisecond(ms).unwrap());
        assert_eq!(at(1_767_225_600_000), "2026-01-01T00:00:00.000Z");
        assert_eq!(at(1_767_225_600_010), "2026-01-01T00:00:00.010Z");
        assert!(at(1_767_225_600_999) < at(1_767_225_601_000));
        assert_eq!(to_moment("x", &at(1_767_225_600_010)).ok(), Timestamp::from_millisecond(1_767_225_600_010).ok());
    }
}
