//! Values that no two entities of a kind share. A record holds the values of its live version, of its change and of its
//! private fields apart, as it holds their places; who may take one is decided in [`admit`](super::admit) for every store
//! alike. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::{Uuid, uuid};

use super::admission::{Admitted, Claim, Standing};
use super::{Batch, ChangeAction, Slot};
use crate::knowledge::{Config, EntityKey, Fields, KindName};

/// The unique fields of each kind that has any.
pub type UniqueRules = BTreeMap<KindName, Vec<String>>;

/// A longer value is held by its digest, so that an index can hold it.
const LONGEST: usize = 200;

const DIGEST_NAMESPACE: Uuid = uuid!("a3a4c6a0-42f3-5c39-9d5c-7d7f0a3f8f52");

/// One value of a unique field. Texts and numbers count, and a number is the same as its text; blank texts, null and
/// everything else are no values.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UniqueValue {
    /// The kind.
    pub kind: KindName,
    /// The field.
    pub field: String,
    /// The value as text; of a long one a digest.
    pub value: String,
}

/// The part of a record that a value is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The live version.
    Live,
    /// The change.
    Change,
    /// The private fields.
    Private,
}

/// What happens where a batch asks for a value that another entity has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Claiming {
    /// The write goes on without the value: bookkeeping about what is there already.
    #[default]
    IfFree,
    /// The batch is refused where a live version asks: git's versions.
    Live,
    /// The batch is refused where a change or a private field asks: saves.
    Change,
}

impl Claiming {
    fn refuses(self, side: Side) -> bool {
        match self {
            Self::IfFree => false,
            Self::Live => side == Side::Live,
            Self::Change => side != Side::Live,
        }
    }
}

/// The unique fields of a configuration.
pub fn unique_rules(config: &Config) -> UniqueRules {
    let with_fields = config.kinds.iter().filter(|kind| !kind.unique.is_empty());
    with_fields.map(|kind| (kind.name.clone(), kind.unique.clone())).collect()
}

/// The unique values among some fields of an entity.
///
/// ```
/// use lorebase::knowledge::Config;
/// use lorebase::store::{unique_rules, unique_values};
///
/// let rules = unique_rules(&Config::built_in());
/// let fields = serde_json::json!({ "name": "Acme", "salesforceId": 17 });
/// let values = unique_values(&rules, &"customer".into(), fields.as_object().unwrap());
/// assert_eq!((values[0].field.as_str(), values[0].value.as_str()), ("salesforceId", "17"));
/// ```
pub fn unique_values(rules: &UniqueRules, kind: &KindName, fields: &Fields) -> Vec<UniqueValue> {
    let Some(unique) = rules.get(kind) else { return Vec::new() };
    let value = |field: &String| {
        let text = match fields.get(field)? {
            Value::String(text) if !text.trim().is_empty() => text.clone(),
            Value::Number(number) => match number.as_f64() {
                // 17.0 is 17, as everywhere where numbers are compared.
                Some(real) if number.is_f64() && real.fract() == 0.0 && real.abs() < 1e15 => format!("{real:.0}"),
                _ => number.to_string(),
            },
            _ => return None,
        };
        let value = if text.len() > LONGEST { Uuid::new_v5(&DIGEST_NAMESPACE, text.as_bytes()).to_string() } else { text };
        Some(UniqueValue { kind: kind.clone(), field: field.clone(), value })
    };
    unique.iter().filter_map(value).collect()
}

/// The values that a write sets, part by part.
pub(super) fn claimed(rules: &UniqueRules, write: &super::RecordWrite) -> Vec<(Side, UniqueValue)> {
    if !rules.contains_key(&write.key.kind) {
        return Vec::new();
    }
    let of = |side: Side, fields: &Fields| unique_values(rules, &write.key.kind, fields).into_iter().map(move |value| (side, value));
    let mut values = Vec::new();
    if let Slot::Set(live) = &write.live {
        values.extend(of(Side::Live, &live.content.fields));
    }
    if let Slot::Set(change) = &write.change
        && change.action == ChangeAction::Write
    {
        values.extend(of(Side::Change, &change.content.fields));
    }
    if let Slot::Set(private) = &write.private {
        values.extend(of(Side::Private, private));
    }
    values
}

/// Whether the values that a part of a record held are given up: the part is written, the record is of another kind from
/// now on, or nothing of its entity is left beside private fields.
fn gives_up(record: &Standing, write: &super::RecordWrite, side: Side) -> bool {
    let written = match side {
        Side::Live => write.live != Slot::Keep,
        Side::Change => write.change != Slot::Keep,
        Side::Private => write.private != Slot::Keep || !remains(Some(record), write),
    };
    written || record.key.kind != write.key.kind
}

/// Whether a record has a live version or a change after a write: without both there is no entity to hold private values.
fn remains(record: Option<&Standing>, write: &super::RecordWrite) -> bool {
    fn after<T>(slot: &Slot<T>, before: bool) -> bool {
        match slot {
            Slot::Keep => before,
            Slot::Set(_) => true,
            Slot::Clear => false,
        }
    }
    let (live, changed) = record.map_or((false, false), |record| (record.live.is_some(), record.changed));
    after(&write.live, live) || after(&write.change, changed)
}

/// What becomes of the unique values with a batch: first all that is freed, then what is given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Grants {
    /// The parts of records (by number) that give up all their values.
    pub freed: Vec<(i64, Side)>,
    /// The values that each of the admitted writes gets, in their order.
    pub given: Vec<Vec<(Side, UniqueValue)>>,
}

/// A value that cannot be given: by the write of this index, because of this entity.
pub(super) struct Breach {
    pub(super) write: usize,
    pub(super) field: String,
    pub(super) by: EntityKey,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Uid(i64),
    New(usize),
}

/// Which of the values that the admitted writes ask for they get, and which are freed.
pub(super) fn grant(batch: &Batch, claims: &[Claim], standing: &[Standing], writes: &[Admitted]) -> Result<Grants, Breach> {
    let who = |admitted: &Admitted| admitted.uid.map_or(Who::New(admitted.write), Who::Uid);
    let written: HashMap<i64, &Admitted> = writes.iter().filter_map(|admitted| Some((admitted.uid?, admitted))).collect();
    let mut held: HashMap<&UniqueValue, (Who, &EntityKey)> = HashMap::new();
    let mut freed = BTreeSet::new();
    for record in standing {
        let write = written.get(&record.uid).map(|admitted| (&batch.writes[admitted.write], &claims[admitted.write]));
        for (side, value) in &record.holds {
            let stays = match write.filter(|(write, _)| gives_up(record, write, *side)) {
                // What a record had and has again it has before anybody newly takes it.
                Some((_, claim)) => {
                    freed.insert((record.uid, *side));
                    claim.values.iter().any(|(_, again)| again == value)
                }
                None => true,
            };
            if stays {
                held.insert(value, (Who::Uid(record.uid), &record.key));
            }
        }
    }
    let mut given = Vec::with_capacity(writes.len());
    let by_uid: HashMap<i64, &Standing> = standing.iter().map(|record| (record.uid, record)).collect();
    for admitted in writes {
        let mut got = Vec::new();
        let stood = admitted.uid.and_then(|uid| by_uid.get(&uid).copied());
        let there = remains(stood, &batch.writes[admitted.write]);
        for (side, value) in claims[admitted.write].values.iter().filter(|(side, _)| there || *side != Side::Private) {
            match held.get(value).filter(|(holder, _)| *holder != who(admitted)) {
                Some((_, by)) if batch.claiming.refuses(*side) => {
                    return Err(Breach { write: admitted.write, field: value.field.clone(), by: (*by).clone() });
                }
                Some(_) => {}
                None => {
                    held.insert(value, (who(admitted), &batch.writes[admitted.write].key));
                    got.push((*side, value.clone()));
                }
            }
        }
        given.push(got);
    }
    Ok(Grants { freed: freed.into_iter().collect(), given })
}

/// Who gets which values when the rules change: the parts of all records in the order of their precedence, of which the
/// first to have a value gets it.
pub fn regrant<'a>(
    rules: &UniqueRules,
    parts: impl Iterator<Item = (i64, &'a KindName, Side, &'a Fields)>,
) -> Vec<(i64, Side, UniqueValue)> {
    let mut held: HashMap<UniqueValue, i64> = HashMap::new();
    let mut granted = Vec::new();
    for (uid, kind, side, fields) in parts {
        for value in unique_values(rules, kind, fields) {
            if *held.entry(value.clone()).or_insert(uid) == uid {
                granted.push((uid, side, value));
            }
        }
    }
    granted
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_and_numbers_are_values_and_everything_else_is_none() {
        let rules = UniqueRules::from([("skill".into(), ["a", "b", "c", "d", "e", "f", "g"].map(str::to_owned).to_vec())]);
        let fields = json!({"a": " x", "b": 7, "c": 7.0, "d": "7", "e": true, "f": " ", "g": null});
        let values = unique_values(&rules, &"skill".into(), fields.as_object().unwrap());
        let shown: Vec<_> = values.iter().map(|value| (value.field.as_str(), value.value.as_str())).collect();
        assert_eq!(shown, [("a", " x"), ("b", "7"), ("c", "7"), ("d", "7")]);
        assert!(unique_values(&rules, &"other".into(), fields.as_object().unwrap()).is_empty());
    }

    #[test]
    fn a_long_value_is_held_by_its_digest() {
        let rules = UniqueRules::from([("skill".into(), vec!["a".to_owned()])]);
        let of = |text: String| unique_values(&rules, &"skill".into(), json!({ "a": text }).as_object().unwrap()).remove(0).value;
        let (one, two) = (of("x".repeat(300)), of("x".repeat(301)));
        assert_eq!((one.len(), one == two), (36, false));
        assert_eq!(of("x".repeat(200)).len(), 200);
    }
}
