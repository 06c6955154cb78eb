//! Which entities of git's tree ask for a unique value that another one has. Pure. Whoever has the value keeps it; where
//! nobody has it, the entity whose record had it before, else the one of the lowest path, is the first.

use std::collections::{HashMap, HashSet};

use super::bind::{Binding, Bound, UNIQUE_TAKEN};
use super::incoming::Incoming;
use crate::codec::field_finding;
use crate::knowledge::{Diagnostic, Fields, Format};
use crate::store::{ChangeAction, Record, UniqueValue};

/// Who has a unique value by now, as the database knows it.
#[derive(Debug, Clone)]
pub(super) struct Holder {
    pub(super) uid: i64,
    /// Where the entity is, for a person; empty for a record that the plan has anyway.
    pub(super) place: String,
}

/// Where a record's entity is, for a person.
pub(super) fn place_of(record: &Record) -> String {
    let live = record.live.as_ref().map(|live| &live.content);
    let content = live.or_else(|| record.change.as_ref().map(|change| &change.content));
    content.map_or_else(|| record.key.to_string(), |content| content.location.to_string())
}

/// The entities that must give way, each with the finding that says so. `bound` says whose version each would become.
pub(super) fn breaches(
    records: &[Record],
    incoming: &[Incoming],
    bound: &Bound,
    holders: &HashMap<UniqueValue, Holder>,
    kept: &HashSet<i64>,
) -> Vec<(usize, Diagnostic)> {
    let mut asking: HashMap<&UniqueValue, Vec<(usize, Option<usize>)>> = HashMap::new();
    let mut becomes: HashMap<i64, Option<usize>> = HashMap::new();
    for binding in &bound.bindings {
        match *binding {
            Binding::Present { incoming: entity, record, .. } => {
                becomes.extend(record.map(|record| (records[record].uid, Some(entity))));
                for value in &incoming[entity].unique {
                    asking.entry(value).or_default().push((entity, record));
                }
            }
            Binding::Absent { record } => {
                becomes.insert(records[record].uid, None);
            }
            Binding::Displaced { .. } => {}
        }
    }
    let by_uid: HashMap<i64, &Record> = records.iter().map(|record| (record.uid, record)).collect();
    let mut found = Vec::new();
    for (value, askers) in asking {
        let holder = holders.get(value).filter(|holder| {
            let Some(record) = by_uid.get(&holder.uid) else { return true };
            let live = match becomes.get(&holder.uid) {
                Some(Some(entity)) => incoming[*entity].unique.contains(value),
                Some(None) => kept.contains(&holder.uid) && had(record, value),
                None => record.live.as_ref().is_some_and(|live| has(&live.content.fields, value)),
            };
            let ours =
                record.change.as_ref().is_some_and(|change| change.action == ChangeAction::Write && has(&change.content.fields, value));
            // Private fields of an entity that nothing is left of wait for its return; they keep nothing from others.
            let there = record.change.is_some()
                || match becomes.get(&holder.uid) {
                    Some(Some(_)) => true,
                    Some(None) => kept.contains(&holder.uid),
                    None => record.live.is_some(),
                };
            live || ours || there && has(&record.private, value)
        });
        let first = match holder {
            Some(holder) => askers.iter().position(|(_, record)| record.is_some_and(|record| records[record].uid == holder.uid)),
            // The bindings are in the order of the paths.
            None => Some(askers.iter().position(|(_, record)| record.is_some_and(|record| had(&records[record], value))).unwrap_or(0)),
        };
        let by = match (holder, first) {
            (_, Some(first)) => incoming[askers[first].0].decoded.content.location.to_string(),
            (Some(holder), None) => by_uid.get(&holder.uid).map_or_else(|| holder.place.clone(), |record| place_of(record)),
            (None, None) => continue,
        };
        for (_, (entity, _)) in askers.iter().enumerate().filter(|(index, _)| Some(*index) != first) {
            found.push((*entity, finding(&incoming[*entity], value, &by)));
        }
    }
    found.sort_by_key(|(entity, _)| *entity);
    found.dedup_by_key(|(entity, _)| *entity);
    found
}

fn finding(entity: &Incoming, value: &UniqueValue, by: &str) -> Diagnostic {
    let content = &entity.decoded.content;
    let message = format!("the {} of `{}` already belongs to `{by}`; give one of them another, or none", value.field, content.location);
    let format = if content.location.entry.is_some() { Format::Json } else { Format::Markdown };
    field_finding(format, content, &value.field, UNIQUE_TAKEN, message)
}

fn had(record: &Record, value: &UniqueValue) -> bool {
    record.live.as_ref().is_some_and(|live| has(&live.content.fields, value))
}

fn has(fields: &Fields, value: &UniqueValue) -> bool {
    let rules = [(value.kind.clone(), vec![value.field.clone()])].into();
    crate::store::unique_values(&rules, &value.kind, fields).contains(value)
}
