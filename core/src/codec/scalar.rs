//! What a plain scalar means: YAML 1.2 core, except that nothing is lost. Leading-zero digits, dates, not-a-number,
//! infinities and integers past 64 bits stay the strings that they are written as.

use serde_json::{Number, Value};

/// The value of a plain scalar (or a JSON number or word).
pub(super) fn resolve(text: &str) -> Value {
    known(text).unwrap_or_else(|| Value::String(text.to_owned()))
}

/// The value of a plain scalar that is not a string; `None` for a string.
pub(super) fn known(text: &str) -> Option<Value> {
    match text.as_bytes().first() {
        None => Some(Value::Null),
        Some(b'~' | b'n' | b'N') => matches!(text, "~" | "null" | "Null" | "NULL").then_some(Value::Null),
        Some(b't' | b'T') => matches!(text, "true" | "True" | "TRUE").then_some(Value::Bool(true)),
        Some(b'f' | b'F') => matches!(text, "false" | "False" | "FALSE").then_some(Value::Bool(false)),
        Some(b'0'..=b'9' | b'-' | b'+' | b'.') => number(text).map(Value::Number),
        Some(_) => None,
    }
}

fn number(text: &str) -> Option<Number> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let leading_zero = digits.len() > 1 && digits.starts_with('0') && digits.as_bytes()[1].is_ascii_digit();
    if digits.is_empty() || leading_zero {
        return None;
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse::<i64>().map(Number::from).or_else(|_| text.parse::<u64>().map(Number::from)).ok();
    }
    if let Some(hex) = text.strip_prefix("0x") {
        return radix(hex, 16);
    }
    if let Some(octal) = text.strip_prefix("0o") {
        return radix(octal, 8);
    }
    // Most of what begins with a digit is a date: a sign stands only behind an exponent.
    let mut before = 0;
    let floats = digits.bytes().all(|byte| {
        let after = std::mem::replace(&mut before, byte);
        matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E') || matches!((after, byte), (b'e' | b'E', b'+' | b'-'))
    });
    let mut bytes = digits.bytes();
    let starts = match bytes.next() {
        Some(b'.') => bytes.next().is_some_and(|byte| byte.is_ascii_digit()),
        first => first.is_some_and(|byte| byte.is_ascii_digit()),
    };
    if floats && starts { text.parse::<f64>().ok().and_then(Number::from_f64) } else { None }
}

fn radix(digits: &str, radix: u32) -> Option<Number> {
    if !digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    u64::from_str_radix(digits, radix).ok().map(Number::from)
}

/// Whether the text is a date or a date with a time, as every YAML reader that knows timestamps takes it.
pub(super) fn is_timestamp(text: &str) -> bool {
    let Some((date, rest)) = text.split_at_checked(10) else { return false };
    is_date(date) && (rest.is_empty() || rest.strip_prefix(['T', 't', ' ']).is_some_and(is_time))
}

fn is_date(text: &str) -> bool {
    let (Some(year), Some(month), Some(day)) = (digits(text, 0, 4), digits(text, 5, 2), digits(text, 8, 2)) else { return false };
    let dashes = text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-';
    let (Ok(year), Ok(month), Ok(day)) = (i16::try_from(year), i8::try_from(month), i8::try_from(day)) else { return false };
    dashes && year > 0 && jiff::civil::Date::new(year, month, day).is_ok()
}

fn is_time(text: &str) -> bool {
    let (Some(hour), Some(minute), Some(second)) = (digits(text, 0, 2), digits(text, 3, 2), digits(text, 6, 2)) else { return false };
    let colons = text.as_bytes()[2] == b':' && text.as_bytes()[5] == b':';
    let mut rest = &text[8..];
    if let Some(fraction) = rest.strip_prefix('.') {
        let end = fraction.find(|c: char| !c.is_ascii_digit()).unwrap_or(fraction.len());
        if end == 0 {
            return false;
        }
        rest = &fraction[end..];
    }
    colons && hour < 24 && minute < 60 && second < 60 && is_offset(rest)
}

fn is_offset(text: &str) -> bool {
    match text.as_bytes().first() {
        None => true,
        Some(b'Z') => text.len() == 1,
        Some(b'+' | b'-') => {
            text.len() == 6
                && text.as_bytes()[3] == b':'
                && digits(text, 1, 2).is_some_and(|hour| hour < 24)
                && digits(text, 4, 2).is_some_and(|minute| minute < 60)
        }
        Some(_) => false,
    }
}

fn digits(text: &str, at: usize, count: usize) -> Option<u32> {
    let part = text.get(at..at + count)?;
    part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())?
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn core_values_are_recognised() {
        let cases = [
            ("", json!(null)),
            ("~", json!(null)),
            ("Null", json!(null)),
            ("True", json!(true)),
            ("FALSE", json!(false)),
            ("0", json!(0)),
            ("-0", json!(0)),
            ("+1", json!(1)),
            ("-42", json!(-42)),
            ("9007199254740993", json!(9_007_199_254_740_993_i64)),
            ("18446744073709551615", json!(u64::MAX)),
            ("0x1F", json!(31)),
            ("0o17", json!(15)),
            ("1.5", json!(1.5)),
            ("-1.10", json!(-1.1)),
            (".5", json!(0.5)),
            ("5.", json!(5.0)),
            ("1e3", json!(1000.0)),
            ("12e03", json!(12000.0)),
            ("0.0", json!(0.0)),
        ];
        for (text, value) in cases {
            assert_eq!(resolve(text), value, "{text:?}");
        }
    }

    #[test]
    fn everything_that_would_lose_something_stays_the_string_it_is() {
        for text in [
            "0123",
            "-012",
            "00.5",
            "2024-01-01",
            "2024-13-45",
            "12:30:45",
            ".inf",
            "-.Inf",
            ".nan",
            "NaN",
            "18446744073709551616",
            "-9223372036854775809",
            "1e999",
            "123e4567",
            "1_000",
            "0b101",
            "0x",
            "0o8",
            "-0x1F",
            "0x+1",
            "no",
            "yes",
            "on",
            "Off",
            "y",
            "nULL",
            "=",
            "<<",
            "0.1.2",
            "-",
            "+",
            ".",
            "..",
            "e5",
            "1e",
            "--1",
            "+-1",
            "-.e1",
            "1-2",
            "+é",
            ".é",
            "-\u{feff}",
        ] {
            assert_eq!(resolve(text), json!(text), "{text:?}");
        }
    }

    #[test]
    fn timestamps_are_told_from_digits() {
        for text in ["2024-01-31", "2024-02-29T23:59:59Z", "2024-01-01 10:00:00", "2024-01-01T10:00:00.123+02:00"] {
            assert!(is_timestamp(text), "{text:?}");
        }
        for text in [
            "2024-13-45",
            "2023-02-29",
            "2024-01-01T",
            "2024-01-01T25:00:00Z",
            "2024-1-1",
            "20240101",
            "",
            "2024-01-01T10:00:00z",
            "éééééééééé",
        ] {
            assert!(!is_timestamp(text), "{text:?}");
        }
    }
}
