//! A set of replacements of byte ranges, made against one text and applied in one go, and where lines begin and end.

use std::ops::Range;

use serde_json::Value;

/// Why an edit cannot be made in place.
pub(super) type Refusal = String;

/// Replacements that were collected so far.
#[derive(Debug, Default)]
pub(super) struct Splices(Vec<(Range<usize>, String)>);

impl Splices {
    pub(super) fn replace(&mut self, range: Range<usize>, with: impl Into<String>) {
        self.0.push((range, with.into()));
    }

    pub(super) fn insert(&mut self, at: usize, text: impl Into<String>) {
        self.replace(at..at, text);
    }

    pub(super) fn remove(&mut self, range: Range<usize>) {
        self.replace(range, "");
    }

    /// How many there are, to go back to with [`Self::back_to`].
    pub(super) fn mark(&self) -> usize {
        self.0.len()
    }

    pub(super) fn back_to(&mut self, mark: usize) {
        self.0.truncate(mark);
    }

    /// The text with all replacements made. At one place insertions come first, in the order in which they were made.
    ///
    /// # Errors
    /// When two of them touch the same bytes.
    pub(super) fn apply(mut self, text: &str) -> Result<String, Refusal> {
        self.0.sort_by_key(|(range, _)| (range.start, range.end));
        let added: usize = self.0.iter().map(|(_, with)| with.len()).sum();
        let mut out = String::with_capacity(text.len() + added);
        let mut at = 0;
        for (range, with) in &self.0 {
            let kept = text.get(at..range.start).ok_or("two of the changes touch the same line")?;
            out.push_str(kept);
            out.push_str(with);
            at = range.end;
        }
        out.push_str(text.get(at..).ok_or("a change reaches past the end")?);
        Ok(out)
    }
}

/// Where the line that holds `at` begins.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

/// Where the line that holds `at` ends, before its line end.
pub(super) fn line_stop(text: &str, at: usize) -> usize {
    let stop = text[at..].find('\n').map_or(text.len(), |newline| at + newline);
    if stop > at && text.as_bytes()[stop - 1] == b'\r' && stop < text.len() { stop - 1 } else { stop }
}

/// Where the line after the one that holds `at` begins.
pub(super) fn next_line(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |newline| at + newline + 1)
}

/// The blanks at the beginning of the line that holds `at`.
pub(super) fn indent_of(text: &str, at: usize) -> &str {
    let start = line_start(text, at);
    let line = &text[start..];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

/// How the items of a list become those of another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The old item becomes the new one (they may be equal).
    Change(usize, usize),
    Remove(usize),
    Insert(usize),
}

/// With more new keys than this none is taken for another name of one that goes.
pub(super) const MOST_RENAMED: usize = 100;

/// The longest middle part that is compared item with item.
pub(super) const MOST_COMPARED: usize = 1_000_000;

/// The steps from `old` to `new`, in order: equal items stay in place as far as their order allows, the ones between
/// them are changed in pairs, and the rest is removed or inserted.
pub(super) fn steps(old: &[Value], new: &[Value]) -> Vec<Step> {
    let prefix = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let most = old.len().min(new.len()) - prefix;
    let suffix = old.iter().rev().zip(new.iter().rev()).take(most).take_while(|(a, b)| a == b).count();
    let mut steps: Vec<Step> = (0..prefix).map(|at| Step::Change(at, at)).collect();
    let (old_end, new_end) = (old.len() - suffix, new.len() - suffix);
    let (mut from, mut to) = (prefix, prefix);
    let same = common(&old[prefix..old_end], &new[prefix..new_end], |a, b| a == b);
    for (a, b) in same.into_iter().chain([(old_end - prefix, new_end - prefix)]) {
        pair(&mut steps, old, from..prefix + a, new, to..prefix + b);
        if prefix + a < old_end {
            steps.push(Step::Change(prefix + a, prefix + b));
        }
        (from, to) = (prefix + a + 1, prefix + b + 1);
    }
    steps.extend((0..suffix).map(|at| Step::Change(old_end + at, new_end + at)));
    steps
}

/// The steps of a part without equal items: those that are the same thing change, the others between them in pairs.
fn pair(steps: &mut Vec<Step>, all_old: &[Value], old: Range<usize>, all_new: &[Value], new: Range<usize>) {
    let (mut from, mut to) = (old.start, new.start);
    let alike = common(&all_old[old.clone()], &all_new[new.clone()], is_alike);
    for (a, b) in alike.into_iter().map(|(a, b)| (old.start + a, new.start + b)).chain([(old.end, new.end)]) {
        let both = (a - from).min(b - to);
        steps.extend((0..both).map(|at| Step::Change(from + at, to + at)));
        steps.extend((from + both..a).map(Step::Remove));
        steps.extend((to + both..b).map(Step::Insert));
        if a < old.end {
            steps.push(Step::Change(a, b));
        }
        (from, to) = (a + 1, b + 1);
    }
}

/// What mappings in a list are known by.
const NAMES: [&str; 6] = ["id", "key", "email", "url", "name", "title"];

/// Whether both are mappings known by the same name.
fn is_alike(old: &Value, new: &Value) -> bool {
    let (Value::Object(old), Value::Object(new)) = (old, new) else { return false };
    NAMES.iter().find_map(|name| old.get(*name).map(|known| new.get(*name) == Some(known))).unwrap_or(false)
}

/// The longest common subsequence, as pairs of positions.
fn common(old: &[Value], new: &[Value], same: impl Fn(&Value, &Value) -> bool) -> Vec<(usize, usize)> {
    if old.is_empty() || new.is_empty() || old.len().saturating_mul(new.len()) > MOST_COMPARED {
        return Vec::new();
    }
    let width = new.len() + 1;
    let mut lengths = vec![0_u32; (old.len() + 1) * width];
    for a in (0..old.len()).rev() {
        for b in (0..new.len()).rev() {
            lengths[a * width + b] = if same(&old[a], &new[b]) {
                lengths[(a + 1) * width + b + 1] + 1
            } else {
                lengths[(a + 1) * width + b].max(lengths[a * width + b + 1])
            };
        }
    }
    let (mut a, mut b, mut pairs) = (0, 0, Vec::new());
    while a < old.len() && b < new.len() {
        if same(&old[a], &new[b]) {
            pairs.push((a, b));
            (a, b) = (a + 1, b + 1);
        } else if lengths[(a + 1) * width + b] >= lengths[a * width + b + 1] {
            a += 1;
        } else {
            b += 1;
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn diff(old: &Value, new: &Value) -> Vec<Step> {
        steps(old.as_array().unwrap(), new.as_array().unwrap())
    }

    #[test]
    fn equal_items_stay_and_the_rest_is_paired() {
        use Step::{Change, Insert, Remove};
        assert_eq!(diff(&json!(["a", "b", "c"]), &json!(["a", "c"])), [Change(0, 0), Remove(1), Change(2, 1)]);
        assert_eq!(diff(&json!(["a"]), &json!(["a", "b"])), [Change(0, 0), Insert(1)]);
        assert_eq!(diff(&json!(["a", "b"]), &json!(["x", "b", "c"])), [Change(0, 0), Change(1, 1), Insert(2)]);
        assert_eq!(
            diff(&json!(["a", "b", "c", "d", "e"]), &json!(["b", "x", "d"])),
            [Remove(0), Change(1, 0), Change(2, 1), Change(3, 2), Remove(4)]
        );
        assert_eq!(diff(&json!([1, 1]), &json!([1])), [Change(0, 0), Remove(1)]);
    }

    #[test]
    fn mappings_that_are_the_same_thing_stay_together() {
        use Step::{Change, Insert, Remove};
        let old = json!([{"email": "a", "n": 1}, {"email": "b", "n": 1}, {"email": "c", "n": 1}]);
        assert_eq!(diff(&old, &json!([{"email": "b", "n": 2}, {"email": "c", "n": 3}])), [Remove(0), Change(1, 0), Change(2, 1)]);
        assert_eq!(
            diff(&old, &json!([{"email": "b", "n": 2}, {"email": "x"}, {"email": "y"}])),
            [Remove(0), Change(1, 0), Change(2, 1), Insert(2)]
        );
        assert_eq!(diff(&json!([{"k": 1}]), &json!([{"k": 2}])), [Change(0, 0)]);
    }

    #[test]
    fn splices_apply_together_and_refuse_to_overlap() {
        let mut splices = Splices::default();
        splices.remove(1..2);
        splices.insert(1, "x");
        splices.insert(3, "y");
        assert_eq!(splices.apply("abc").unwrap(), "axcy");
        let mut splices = Splices::default();
        splices.remove(0..2);
        splices.remove(1..3);
        assert!(splices.apply("abc").is_err());
    }
}
