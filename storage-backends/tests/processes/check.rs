//! The judgement: whether every acknowledged save is in git, superseded, or waiting in sight. Rests on the ledger, on
//! what the `git` program says and on the working view; not on what the library says of itself.

use std::collections::{HashMap, HashSet};

use lorebase::knowledge::SyncStatus;

use super::child::{Entity, Sight};
use super::history::{History, Stand, tokens};
use super::ledger::{Intent, Line, What};

/// The figures of a judgement.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Figures {
    /// Saves that were announced.
    pub(crate) saves: usize,
    pub(crate) acknowledged: usize,
    pub(crate) refused: usize,
    /// Acknowledged texts that are the newest of their field, each judged by itself.
    pub(crate) judged: usize,
    pub(crate) drafts: usize,
    pub(crate) conflicts: usize,
    /// Conflicts that were decided, one way or the other.
    pub(crate) decided: usize,
    /// Acknowledged saves whose text is nowhere it may be.
    pub(crate) lost: usize,
    /// Acknowledgements of a commit that is not in the branch.
    pub(crate) stale: usize,
}

/// Says what is wrong; nothing when all is well. Nobody was at work while it was looked at, so that nothing may wait
/// for git but drafts and conflicts.
pub(crate) fn judge(lines: &[Line], sight: &Sight, history: &History) -> (Figures, Vec<String>) {
    let mut wrong = Vec::new();
    let mut acknowledged = HashSet::new();
    let mut figures = Figures::default();
    let mut intents: Vec<&Intent> = Vec::new();
    for line in lines {
        match line {
            Line::Intent(intent) => intents.push(intent),
            Line::Acknowledged { number, .. } => {
                acknowledged.insert(number.as_str());
            }
            Line::Refused { .. } => figures.refused += 1,
            Line::Failed { number, why } => wrong.push(format!("save {number} failed: {why}")),
            Line::Recovered { .. } => {}
        }
    }
    (figures.saves, figures.acknowledged) = (intents.len(), acknowledged.len());
    let entities: HashMap<(&str, &str), &Entity> =
        sight.entities.iter().map(|entity| ((entity.kind.as_str(), entity.id.as_str()), entity)).collect();

    // The newest acknowledged text of each field, and what was tried after it.
    let mut newest: HashMap<(&str, &str, &str), (usize, &str)> = HashMap::new();
    let mut deleted: HashMap<(&str, &str), usize> = HashMap::new();
    for (at, intent) in intents.iter().enumerate().filter(|(_, intent)| acknowledged.contains(intent.number.as_str())) {
        for (field, token) in &intent.values {
            newest.insert((&intent.kind, &intent.id, field), (at, token));
        }
        if intent.what == What::Delete {
            deleted.insert((&intent.kind, &intent.id), at);
        }
    }
    figures.judged = newest.len();
    let decision = |intent: &&&Intent| matches!(intent.what, What::Keep | What::Discard) && acknowledged.contains(intent.number.as_str());
    figures.decided = intents.iter().filter(decision).count();
    let of_source: HashSet<&str> = intents
        .iter()
        .filter(|intent| intent.what == What::Refresh)
        .flat_map(|intent| &intent.values)
        .map(|(_, token)| token.as_str())
        .collect();
    for ((kind, id, field), (at, token)) in newest {
        let entity = entities.get(&(kind, id)).copied();
        let later = intents[at + 1..].iter().filter(|intent| intent.kind == kind && intent.id == id);
        // A file without an id has another one after the engineer moved it: its texts are looked for everywhere.
        let shown = |field: &str, token: &str| {
            let holds = |entity: &&Entity| entity.values.iter().any(|(name, value)| name == field && value.contains(token));
            entity.into_iter().chain(&sight.entities).filter(|entity| entity.kind == kind).find(holds)
        };
        // What the source says where a person has edited is kept beside the entity until somebody decides, or until the
        // entity is gone.
        let refreshed = intents[at..].iter().filter(|intent| intent.what == What::Refresh && intent.kind == kind && intent.id == id);
        let said: Vec<&str> = refreshed.flat_map(|intent| &intent.values).map(|(_, token)| token.as_str()).collect();
        let asked =
            |(of, which, value): &(String, String, String)| of == kind && which == id && tokens(value).any(|text| said.contains(&text));
        if of_source.contains(token) && (entity.is_none() || history.removed_or_restored(id) || sight.open.iter().any(asked)) {
            continue;
        }
        // A file without an id may have been deleted under the id of its next place.
        let there = |intent: &&&Intent| intent.seen.as_deref().is_some_and(|seen| tokens(seen).any(|text| text == token));
        if intents[at + 1..].iter().filter(|intent| intent.what == What::Delete && intent.kind == kind).any(|intent| there(&intent)) {
            continue;
        }
        if let Some(fault) = lost(field, token, entity, shown, later, history) {
            figures.lost += 1;
            wrong.push(format!("`{token}` saved as {field} of {kind} {id} {fault}"));
        }
    }
    for ((kind, id), at) in deleted {
        let Some(entity) = entities.get(&(kind, id)) else { continue };
        let undone = |later: &&Intent| matches!(later.what, What::Discard | What::Import) && later.kind == kind && later.id == id;
        let decided = intents[at + 1..].iter().any(undone);
        let mut texts = entity.values.iter().flat_map(|(_, value)| tokens(value));
        let restored = history.restored(id) || texts.any(|token| history.stand(token) == Some(Stand::Restored));
        if !decided && !restored {
            wrong.push(format!("{kind} {id} was deleted and is there again"));
        }
    }
    for entity in &sight.entities {
        match entity.status {
            SyncStatus::Draft => figures.drafts += 1,
            SyncStatus::Conflict => figures.conflicts += 1,
            SyncStatus::Synced | SyncStatus::Invalid => {}
            SyncStatus::Pending | SyncStatus::Failed => {
                wrong.push(format!("{} {} is {:?} after a synchronisation", entity.kind, entity.id, entity.status));
            }
        }
    }
    wrong.extend(history.doubled.iter().cloned());
    for (operation, commit) in &sight.done {
        if !history.has(commit) {
            figures.stale += 1;
            wrong.push(format!("operation {operation} was acknowledged in commit {commit}, which is not in the branch"));
        }
    }
    wrong.extend(sight.drift.iter().map(|drift| format!("SQL and git differ: {drift}")));
    wrong.extend(sight.unsound.iter().map(|fault| format!("the database is not sound: {fault}")));
    wrong.extend(sight.forgotten.iter().map(|row| format!("the log calls a save waiting that does not wait: {row}")));
    wrong.sort();
    (figures, wrong)
}

/// Why the newest acknowledged text of a field counts as lost, if it does. `shown` finds the entity that shows a text.
fn lost<'a, 's>(
    field: &str,
    token: &str,
    entity: Option<&Entity>,
    shown: impl Fn(&str, &str) -> Option<&'s Entity>,
    mut later: impl Iterator<Item = &'a &'a Intent> + Clone,
    history: &History,
) -> Option<String> {
    let stand = history.stand(token);
    if let Some(entity) = shown(field, token) {
        // What is called synced must be in git.
        let in_git = stand.is_some_and(Stand::in_git) || entity.status != SyncStatus::Synced;
        return (!in_git).then(|| "is shown as synced and is not in git".to_owned());
    }
    // Tried later without an acknowledgement, and visible: that one counts.
    let superseded = later.clone().flat_map(|intent| &intent.values).filter(|(name, _)| name == field);
    if superseded.clone().any(|(_, token)| history.stand(token).is_some() || shown(field, token).is_some()) {
        return None;
    }
    let by_engineer = stand == Some(Stand::RemovedByEngineer) || history.taken_from_one_of_two(token);
    if by_engineer || later.any(|intent| matches!(intent.what, What::Delete | What::Discard | What::Take)) {
        return None;
    }
    let instead = entity.map(|entity| (entity.status, entity.values.iter().find(|(name, _)| name == field)));
    Some(format!("is lost: in git {stand:?}, in its place {instead:?}"))
}
