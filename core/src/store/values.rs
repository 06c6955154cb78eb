//! How JSON values of fields are compared: numbers by value whatever their spelling, mappings whatever their order,
//! texts by code point. Every store filters and sorts by these rules.

use std::cmp::Ordering;

use serde_json::{Number, Value};

/// Whether two values are equal: numbers by value, mappings in any order, everything else exactly.
pub fn json_equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => compare_numbers(a, b).is_eq(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| json_equal(a, b)),
        (Value::Object(a), Value::Object(b)) => a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| json_equal(a, b))),
        _ => a == b,
    }
}

/// Compares numbers by value; integers outside 64 signed bits count as floats.
pub fn compare_numbers(a: &Number, b: &Number) -> Ordering {
    match (a.as_i64(), b.as_i64()) {
        (Some(a), Some(b)) => a.cmp(&b),
        (Some(a), None) => compare_mixed(a, real(b)),
        (None, Some(b)) => compare_mixed(b, real(a)).reverse(),
        (None, None) => compare_reals(real(a), real(b)),
    }
}

fn real(number: &Number) -> f64 {
    number.as_f64().unwrap_or_default()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "the ranges are checked first; the tie is settled on the float"
)]
fn compare_mixed(int: i64, real: f64) -> Ordering {
    const END: f64 = 9_223_372_036_854_775_808.0;
    if real < -END {
        return Ordering::Greater;
    }
    if real >= END {
        return Ordering::Less;
    }
    int.cmp(&(real as i64)).then_with(|| compare_reals(int as f64, real))
}

// Both zeros are equal, and a JSON number is never NaN.
fn compare_reals(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or(Ordering::Equal)
}

/// The order of [`SortKey::Field`](super::SortKey::Field): missing and null first, then numbers, then texts;
/// anything else last and equal.
pub fn compare_sorted(a: &Value, b: &Value) -> Ordering {
    sort_rank(a).cmp(&sort_rank(b)).then_with(|| match (a, b) {
        (Value::Number(a), Value::Number(b)) => compare_numbers(a, b),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        _ => Ordering::Equal,
    })
}

/// The group of a value in that order: 0 null, 1 number, 2 text, 3 anything else.
pub fn sort_rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Number(_) => 1,
        Value::String(_) => 2,
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => 3,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_equal_by_value_at_any_depth_and_mappings_in_any_order() {
        assert!(json_equal(&json!({"a": [1, 2.5], "b": null}), &json!({"b": null, "a": [1.0, 2.5]})));
        assert!(!json_equal(&json!([1]), &json!([1, 1])));
        assert!(!json_equal(&json!(1), &json!("1")));
        assert!(!json_equal(&json!(1), &json!(true)));
    }

    #[test]
    fn large_integers_and_floats_are_compared_exactly() {
        let number = |value: Value| value.as_number().cloned().unwrap();
        let big = number(json!(9_007_199_254_740_993_i64));
        assert_eq!(compare_numbers(&big, &number(json!(9_007_199_254_740_992.0))), Ordering::Greater);
        assert_eq!(compare_numbers(&number(json!(i64::MAX)), &number(json!(9.3e18))), Ordering::Less);
        assert_eq!(compare_numbers(&number(json!(-2)), &number(json!(-2.5))), Ordering::Greater);
    }
}
