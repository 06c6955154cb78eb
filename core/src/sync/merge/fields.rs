//! Merging two edits of one frontmatter, key by key. A side that did not change gives way; mappings are merged inside;
//! lists by the rule that the kind declares for them. Absent, null and empty are three different things.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Side;
use crate::knowledge::{DerivedRule, Fields, Kind, ListRule};

/// One value that both sides changed differently.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldConflict {
    /// Which: `tier`, `billing.city`, `owners[email=a@example.com].name`.
    pub path: String,
    /// What both sides began with; `None` when it was absent.
    pub base: Option<Value>,
    /// Our value; `None` when we removed it.
    pub cache: Option<Value>,
    /// Git's value; `None` when git has it no longer.
    pub git: Option<Value>,
}

/// Merges fields and remembers what cannot be merged.
pub(super) struct FieldMerge<'a, C> {
    lists: &'a BTreeMap<String, ListRule>,
    /// The decision for a path that both sides changed differently.
    choose: C,
    pub(super) conflicts: Vec<FieldConflict>,
}

/// Where a value is: as it is shown, and as the rules name it (without the items of keyed lists).
struct Place {
    shown: String,
    rule: String,
}

impl Place {
    fn field(&self, key: &str) -> Self {
        Self { shown: format!("{}.{key}", self.shown), rule: format!("{}.{key}", self.rule) }
    }

    fn item(&self, field: &str, key: &str) -> Self {
        Self { shown: format!("{}[{field}={key}]", self.shown), rule: self.rule.clone() }
    }
}

impl<'a, C: Fn(&str) -> Option<Side>> FieldMerge<'a, C> {
    pub(super) fn new(kind: &'a Kind, choose: C) -> Self {
        Self { lists: &kind.lists, choose, conflicts: Vec::new() }
    }

    /// What the merge comes to, as the top-level fields that differ from git's: each with its new value, `None` for one
    /// that goes away.
    pub(super) fn run(&mut self, kind: &Kind, base: &Fields, ours: &Fields, theirs: &Fields) -> Vec<(String, Option<Value>)> {
        let mut changed = Vec::new();
        let ours_removed = base.keys().filter(|key| !ours.contains_key(*key));
        for key in ours.keys().chain(ours_removed) {
            let (b, o, t) = (base.get(key), ours.get(key), theirs.get(key));
            if key == "id" && t.is_some() {
                continue;
            }
            let merged = match kind.derived.get(key) {
                // A maintained field never conflicts, and a maintained time never goes back.
                Some(rule) if o != b => later(*rule, o, t).cloned(),
                _ => self.value(&Place { shown: key.clone(), rule: key.clone() }, b, o, t),
            };
            if merged.as_ref() != t {
                changed.push((key.clone(), merged));
            }
        }
        changed
    }

    fn value(&mut self, place: &Place, base: Option<&Value>, ours: Option<&Value>, theirs: Option<&Value>) -> Option<Value> {
        if ours == theirs || ours == base {
            return theirs.cloned();
        }
        if theirs == base {
            return ours.cloned();
        }
        match (base, ours, theirs) {
            (None | Some(Value::Object(_)), Some(Value::Object(ours)), Some(Value::Object(theirs))) => {
                let empty = Fields::new();
                let base = base.and_then(Value::as_object).unwrap_or(&empty);
                Some(Value::Object(self.mapping(place, base, ours, theirs)))
            }
            (None | Some(Value::Array(_)), Some(Value::Array(o)), Some(Value::Array(t))) => {
                let b = base.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
                let merged = match self.lists.get(&place.rule) {
                    Some(ListRule::Set) => Some(set(b, o, t)),
                    Some(ListRule::Keyed(field)) => self.keyed(place, field, b, o, t),
                    Some(ListRule::Sequence) | None => None,
                };
                merged.map_or_else(|| self.conflict(place, base, ours, theirs), |merged| Some(Value::Array(merged)))
            }
            _ => self.conflict(place, base, ours, theirs),
        }
    }

    /// The keys of git's mapping in their order, then those that only we have.
    fn mapping(&mut self, place: &Place, base: &Fields, ours: &Fields, theirs: &Fields) -> Fields {
        let only_ours = ours.keys().filter(|key| !theirs.contains_key(*key));
        let mut merged = Fields::new();
        for key in theirs.keys().chain(only_ours) {
            if let Some(value) = self.value(&place.field(key), base.get(key), ours.get(key), theirs.get(key)) {
                merged.insert(key.clone(), value);
            }
        }
        merged
    }

    /// Items known by one of their fields: git's in their order, then those that only we have. `None` when an item of any
    /// side is not known so, or two have the same key.
    fn keyed(&mut self, place: &Place, field: &str, base: &[Value], ours: &[Value], theirs: &[Value]) -> Option<Vec<Value>> {
        let (base, ours, theirs) = (by_key(field, base)?, by_key(field, ours)?, by_key(field, theirs)?);
        let (of_base, of_ours, of_theirs) = (index(&base), index(&ours), index(&theirs));
        let only_ours = ours.iter().filter(|(key, _)| !of_theirs.contains_key(key.as_str()));
        let mut merged = Vec::new();
        for (key, _) in theirs.iter().chain(only_ours) {
            let of = |side: &HashMap<&str, &'_ Value>| side.get(key.as_str()).copied().cloned();
            let (base, ours, theirs) = (of(&of_base), of(&of_ours), of(&of_theirs));
            merged.extend(self.value(&place.item(field, key), base.as_ref(), ours.as_ref(), theirs.as_ref()));
        }
        Some(merged)
    }

    fn conflict(&mut self, place: &Place, base: Option<&Value>, ours: Option<&Value>, theirs: Option<&Value>) -> Option<Value> {
        match (self.choose)(&place.shown) {
            Some(Side::Cache) => ours.cloned(),
            Some(Side::Git) => theirs.cloned(),
            None => {
                self.conflicts.push(FieldConflict {
                    path: place.shown.clone(),
                    base: base.cloned(),
                    cache: ours.cloned(),
                    git: theirs.cloned(),
                });
                theirs.cloned()
            }
        }
    }
}

/// Git's items in their order without those that we removed, then those that we added.
fn set(base: &[Value], ours: &[Value], theirs: &[Value]) -> Vec<Value> {
    let keys = |items: &[Value]| items.iter().map(canonical).collect::<HashSet<_>>();
    let (in_base, in_ours) = (keys(base), keys(ours));
    let kept = theirs.iter().filter(|item| {
        let key = canonical(item);
        in_ours.contains(&key) || !in_base.contains(&key)
    });
    let mut merged: Vec<Value> = kept.cloned().collect();
    let mut seen = keys(theirs);
    merged.extend(
        ours.iter()
            .filter(|item| {
                let key = canonical(item);
                !in_base.contains(&key) && seen.insert(key)
            })
            .cloned(),
    );
    merged
}

fn by_key<'v>(field: &str, items: &'v [Value]) -> Option<Vec<(String, &'v Value)>> {
    let mut seen = HashSet::new();
    let keyed = items.iter().map(|item| {
        let key = match item.as_object()?.get(field)? {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
        };
        seen.insert(key.clone()).then_some((key, item))
    });
    keyed.collect()
}

fn index<'k, 'v>(items: &'k [(String, &'v Value)]) -> HashMap<&'k str, &'v Value> {
    items.iter().map(|(key, item)| (key.as_str(), *item)).collect()
}

/// Equal for equal values: the keys of mappings in order.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let sorted: BTreeMap<&String, String> = fields.iter().map(|(key, value)| (key, canonical(value))).collect();
            format!("{sorted:?}")
        }
        Value::Array(items) => format!("{:?}", items.iter().map(canonical).collect::<Vec<_>>()),
        scalar => scalar.to_string(),
    }
}

/// Ours, except for a maintained time that git has later (created: earlier).
fn later<'a>(rule: DerivedRule, ours: Option<&'a Value>, theirs: Option<&'a Value>) -> Option<&'a Value> {
    match (rule, ours.and_then(Value::as_str), theirs.and_then(Value::as_str)) {
        (DerivedRule::Updated, Some(o), Some(t)) if t > o => theirs,
        (DerivedRule::Created, Some(o), Some(t)) if t < o => theirs,
        _ => ours,
    }
}
