//! Which record each entity of git's tree belongs to. Pure. The whole set is bound at once, so that files can move,
//! swap their paths, change their ids and come back in one commit without anything being taken for new or lost.

use std::collections::{HashMap, HashSet};

use super::incoming::Incoming;
use super::unique::{self, Holder};
use crate::knowledge::{Diagnostic, EntityKey, Location, LocationKey};
use crate::store::{Record, UniqueValue};

/// One decision: indexes into the records and the entities that were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Binding {
    /// The entity belongs to this record, or to a new one. `displaced`: the record's own change was to go to a place
    /// that git gave to another identity.
    Present { incoming: usize, record: Option<usize>, displaced: bool },
    /// Git has the record's entity no longer.
    Absent { record: usize },
    /// Git gave the place of the change of a record that is otherwise untouched to another identity.
    Displaced { record: usize },
}

/// All decisions.
#[derive(Debug, Default)]
pub(super) struct Bound {
    pub(super) bindings: Vec<Binding>,
    /// Entities that are not taken, and why.
    pub(super) rejected: Vec<(usize, Diagnostic)>,
}

/// Code of a second file with an id.
pub(super) const DUPLICATE_ID: &str = "identity.duplicate";
/// Code of a second path that differs only in case.
pub(super) const PATH_CLASH: &str = "path.clash";
/// Code of a second entity with a value that only one may have.
pub(super) const UNIQUE_TAKEN: &str = "unique.taken";
/// The repository does not have the content of a file.
pub(super) const FILE_MISSING: &str = "file.missing";

/// Whether a finding goes away when something elsewhere changes (what is missing may be fetched): its file is looked at
/// again until then.
pub(super) fn is_contested(code: &str) -> bool {
    matches!(code, DUPLICATE_ID | PATH_CLASH | UNIQUE_TAKEN | FILE_MISSING)
}

/// Binds `incoming` to `records`. `looked_at` says of a file whether it was read in full or is gone: records living
/// there are free to be bound anew; all others are where they were. `records` holds every record that lives in a
/// looked-at file or has the id or (live or planned) the place of an entity. `holders` says who has the unique values
/// of the entities (and of the records' live versions) by now.
pub(super) fn bind(records: &[Record], incoming: &[Incoming], looked_at: &HashSet<&str>, holders: &HashMap<UniqueValue, Holder>) -> Bound {
    bind_keeping(records, incoming, looked_at, holders, &HashSet::new())
}

/// Like [`bind`], where these records (by number) keep what they have although git has them no longer.
pub(super) fn bind_keeping(
    records: &[Record],
    incoming: &[Incoming],
    looked_at: &HashSet<&str>,
    holders: &HashMap<UniqueValue, Holder>,
    kept: &HashSet<i64>,
) -> Bound {
    let mut breaches: Vec<(usize, Diagnostic)> = Vec::new();
    // A refused entity leaves its record what it had, which can be what another one asks for: until nothing changes.
    loop {
        let mut state = Binder::new(records, incoming, looked_at);
        for (entity, finding) in &breaches {
            state.refused[*entity] = true;
            state.out.rejected.push((*entity, finding.clone()));
        }
        state.refuse_clashing_paths();
        state.bind_by_id();
        state.find_vanished();
        state.bind_by_place_or_bytes();
        let bound = state.finish();
        let found = unique::breaches(records, incoming, &bound, holders, kept);
        if found.is_empty() {
            return bound;
        }
        breaches.extend(found);
    }
}

struct Binder<'a> {
    records: &'a [Record],
    incoming: &'a [Incoming],
    loose: Vec<bool>,
    by_key: HashMap<&'a EntityKey, usize>,
    by_place: HashMap<LocationKey, usize>,
    planned: HashMap<LocationKey, usize>,
    /// Records whose place is empty now or another record's, by id and by bytes, each in the order of their paths.
    vanished_by_id: HashMap<&'a str, Vec<usize>>,
    vanished_by_bytes: HashMap<(&'a str, &'a str), Vec<usize>>,
    /// Entities in the order of their paths: the lowest wins.
    order: Vec<usize>,
    /// The record that an entity is bound to.
    bound: Vec<Option<usize>>,
    /// The entity that a record is bound to.
    taken: Vec<Option<usize>>,
    refused: Vec<bool>,
    out: Bound,
}

impl<'a> Binder<'a> {
    fn new(records: &'a [Record], incoming: &'a [Incoming], looked_at: &HashSet<&str>) -> Self {
        let inhabited: HashSet<&Location> = incoming.iter().map(place).collect();
        let mut by_place = HashMap::new();
        let mut planned = HashMap::new();
        let mut loose = Vec::with_capacity(records.len());
        for (index, record) in records.iter().enumerate() {
            if let Some(live) = &record.live {
                by_place.insert(live.content.location.key(), index);
            }
            if let Some(change) = record.change.as_ref().filter(|change| change.placed) {
                planned.insert(change.content.location.key(), index);
            }
            // An entry that was read is free even where its file as a whole is not sound.
            let free = |location: &Location| looked_at.contains(location.path.as_str()) || inhabited.contains(location);
            loose.push(record.live.as_ref().is_none_or(|live| free(&live.content.location)));
        }
        let mut order: Vec<usize> = (0..incoming.len()).collect();
        order.sort_by(|a, b| place(&incoming[*a]).cmp(place(&incoming[*b])));
        Self {
            records,
            incoming,
            loose,
            by_key: records.iter().enumerate().map(|(index, record)| (&record.key, index)).collect(),
            by_place,
            planned,
            vanished_by_id: HashMap::new(),
            vanished_by_bytes: HashMap::new(),
            order,
            bound: vec![None; incoming.len()],
            taken: vec![None; records.len()],
            refused: vec![false; incoming.len()],
            out: Bound::default(),
        }
    }

    fn refuse(&mut self, entity: usize, code: &str, message: String) {
        self.refused[entity] = true;
        let location = place(&self.incoming[entity]);
        self.out.rejected.push((entity, Diagnostic::error(location.path.as_str(), code, message)));
    }

    fn take(&mut self, entity: usize, record: usize) {
        self.bound[entity] = Some(record);
        self.taken[record] = Some(entity);
    }

    /// The record that lives exactly where the entity is.
    fn at_home(&self, entity: usize) -> Option<usize> {
        let location = place(&self.incoming[entity]);
        let record = *self.by_place.get(&location.key())?;
        let live = self.records[record].live.as_ref()?;
        (live.content.location == *location).then_some(record)
    }

    fn refuse_clashing_paths(&mut self) {
        let mut first: HashMap<LocationKey, usize> = HashMap::new();
        for entity in self.order.clone() {
            if self.refused[entity] {
                continue;
            }
            let location = place(&self.incoming[entity]);
            let key = location.key();
            if let Some(record) = self.by_place.get(&key).copied().filter(|record| !self.loose[*record]) {
                let other = self.records[record].live.as_ref().map_or_else(String::new, |live| live.content.location.to_string());
                if self.at_home(entity) != Some(record) {
                    self.refuse(entity, PATH_CLASH, clash(location, &other));
                    continue;
                }
            }
            match first.get(&key).copied() {
                None => {
                    first.insert(key, entity);
                }
                Some(earlier) => {
                    let (winner, loser) = if self.at_home(entity).is_some() && self.at_home(earlier).is_none() {
                        (entity, earlier)
                    } else {
                        (earlier, entity)
                    };
                    let message = clash(place(&self.incoming[loser]), &place(&self.incoming[winner]).to_string());
                    self.refuse(loser, PATH_CLASH, message);
                    first.insert(key, winner);
                }
            }
        }
    }

    fn bind_by_id(&mut self) {
        let mut claims: HashMap<EntityKey, Vec<usize>> = HashMap::new();
        for entity in self.order.iter().copied().filter(|entity| !self.refused[*entity]) {
            claims.entry(self.incoming[entity].key()).or_default().push(entity);
        }
        let mut keys: Vec<&EntityKey> = claims.keys().collect();
        keys.sort();
        for key in keys.into_iter().cloned().collect::<Vec<_>>() {
            let claimants = &claims[&key];
            let record = self.by_key.get(&key).copied();
            if let Some(record) = record.filter(|record| !self.loose[*record]) {
                let holder = self.records[record].live.as_ref().map_or_else(String::new, |live| live.content.location.to_string());
                for entity in claimants.clone() {
                    self.refuse(entity, DUPLICATE_ID, duplicate(&key, &holder));
                }
                continue;
            }
            let at_home = |entity: &usize| match record {
                Some(record) => self.lives_or_will_live_at(record, place(&self.incoming[*entity])),
                None => self.at_home(*entity).is_some(),
            };
            let winner = claimants.iter().copied().find(at_home).unwrap_or(claimants[0]);
            let holder = place(&self.incoming[winner]).to_string();
            for entity in claimants.iter().copied().filter(|entity| *entity != winner).collect::<Vec<_>>() {
                self.refuse(entity, DUPLICATE_ID, duplicate(&key, &holder));
            }
            if let Some(record) = record {
                self.take(winner, record);
            }
        }
    }

    /// Which records are no longer where they were: nobody is there, or somebody who is known by his id to be another.
    fn find_vanished(&mut self) {
        let records = self.records;
        let inhabitants: HashMap<&Location, usize> = self.incoming.iter().enumerate().map(|(entity, it)| (place(it), entity)).collect();
        let left = |record: &usize| {
            self.loose[*record]
                && self.taken[*record].is_none()
                && live_place(&records[*record])
                    .is_some_and(|location| inhabitants.get(location).is_none_or(|entity| self.bound[*entity].is_some()))
        };
        let mut vanished: Vec<usize> = (0..records.len()).filter(left).collect();
        vanished.sort_by(|a, b| live_place(&records[*a]).cmp(&live_place(&records[*b])));
        for record in vanished {
            self.vanished_by_id.entry(records[record].key.id.as_str()).or_default().push(record);
            if let Some(live) = records[record].live.as_ref().filter(|live| !live.explicit_id) {
                self.vanished_by_bytes.entry((&live.content.head, &live.content.body)).or_default().push(record);
            }
        }
    }

    fn lives_or_will_live_at(&self, record: usize, location: &Location) -> bool {
        let record = &self.records[record];
        match (&record.live, &record.change) {
            (Some(live), _) => live.content.location == *location,
            (None, Some(change)) => change.content.location == *location,
            (None, None) => false,
        }
    }

    fn bind_by_place_or_bytes(&mut self) {
        for entity in self.order.clone() {
            if self.refused[entity] || self.bound[entity].is_some() {
                continue;
            }
            if let Some(record) = self.heir(entity) {
                self.take(entity, record);
            }
        }
    }

    /// The record that an entity with an unknown id continues: the one at its place, one of another kind with its id,
    /// a vanished one with its bytes, or a new one of ours waiting for this place.
    fn heir(&self, entity: usize) -> Option<usize> {
        let incoming = &self.incoming[entity];
        let free = |record: usize| self.loose[record] && self.taken[record].is_none();
        let vacant = |record: &usize| free(*record) && self.records[*record].live.is_some();
        if let Some(record) = self.at_home(entity).filter(vacant) {
            return Some(record);
        }
        // A JSON entry never becomes a Markdown file: a change of ours could not follow.
        let alike =
            |record: &usize| live_place(&self.records[*record]).is_some_and(|live| live.entry.is_some() == place(incoming).entry.is_some());
        let among = |records: Option<&Vec<usize>>| records.into_iter().flatten().copied().find(|record| vacant(record) && alike(record));
        let content = &incoming.decoded.content;
        let moved = if incoming.decoded.explicit_id {
            among(self.vanished_by_id.get(incoming.decoded.id.as_str()))
        } else {
            among(self.vanished_by_bytes.get(&(content.head.as_str(), content.body.as_str())))
        };
        let planned = || {
            let record = *self.planned.get(&place(incoming).key())?;
            (free(record) && self.records[record].live.is_none() && !incoming.decoded.explicit_id).then_some(record)
        };
        moved.or_else(planned)
    }

    fn finish(mut self) -> Bound {
        let mut displaced = HashSet::new();
        for entity in self.order.iter().copied().filter(|entity| !self.refused[*entity]) {
            let planned = self.planned.get(&place(&self.incoming[entity]).key()).copied();
            displaced.extend(planned.filter(|planned| Some(*planned) != self.bound[entity]));
        }
        for entity in self.order.iter().copied().filter(|entity| !self.refused[*entity]) {
            let record = self.bound[entity];
            let displaced = record.is_some_and(|record| displaced.contains(&record));
            self.out.bindings.push(Binding::Present { incoming: entity, record, displaced });
        }
        let kept: HashSet<usize> = self.out.rejected.iter().filter_map(|(entity, _)| self.at_home(*entity)).collect();
        for record in 0..self.records.len() {
            let bound = self.taken[record].is_some();
            if self.loose[record] && !bound && self.records[record].live.is_some() && !kept.contains(&record) {
                self.out.bindings.push(Binding::Absent { record });
            } else if displaced.contains(&record) && !bound {
                self.out.bindings.push(Binding::Displaced { record });
            }
        }
        self.out
    }
}

fn place(incoming: &Incoming) -> &Location {
    &incoming.decoded.content.location
}

fn live_place(record: &Record) -> Option<&Location> {
    record.live.as_ref().map(|live| &live.content.location)
}

fn clash(location: &Location, other: &str) -> String {
    format!("`{location}` and `{other}` differ only in case or Unicode form and cannot both exist on every system; rename one of them")
}

fn duplicate(key: &EntityKey, holder: &str) -> String {
    format!("the {} id `{}` already belongs to `{holder}`; give this file another id, or none", key.kind, key.id)
}
