//! The judgement where many save onto the same texts at once. A save from a form names the text that it replaces, so
//! that the replacements of one place are a chain: each acknowledged text is there, or replaced by exactly one save that
//! had seen it, or taken out by a person. No clock is needed for that, and nothing that the library says of itself.

use std::collections::{HashMap, HashSet};

use lorebase::knowledge::SyncStatus;

use super::child::{Entity, Sight};
use super::history::{History, Stand};
use super::ledger::{Intent, Line, What};

/// The figures of a judgement.
#[derive(Debug, Default, Clone)]
pub(crate) struct Figures {
    pub(crate) saves: u64,
    pub(crate) acknowledged: u64,
    /// Answers that nothing was saved: a stale form that cannot be merged, or others who were faster.
    pub(crate) refused: u64,
    /// Attempts beyond the first.
    pub(crate) retries: u64,
    /// Conflicts with git at the end, and decided ones.
    pub(crate) conflicts: u64,
    pub(crate) decided: u64,
    /// Saves that a decision for git's version gave up.
    pub(crate) given_up: u64,
    pub(crate) lost: u64,
    /// Acknowledgements of what is not in the branch.
    pub(crate) stale: u64,
    /// How long each save took, the shortest first.
    pub(crate) microseconds: Vec<u64>,
}

/// An acknowledged save.
struct Saved<'a> {
    intent: &'a Intent,
    place: &'a str,
    token: &'a str,
    operation: Option<&'a str>,
    synced: bool,
}

/// Says what is wrong; nothing when all is well.
pub(crate) fn judge(lines: &[Line], sight: &Sight, history: &History) -> (Figures, Vec<String>) {
    let (mut figures, mut wrong) = (Figures::default(), history.doubled.clone());
    let intents: HashMap<&str, &Intent> = lines
        .iter()
        .filter_map(|line| if let Line::Intent(intent) = line { Some((intent.number.as_str(), intent)) } else { None })
        .collect();
    figures.saves = intents.len() as u64;
    let (mut saved, mut given_up) = (Vec::new(), HashSet::new());
    for line in lines {
        match line {
            Line::Acknowledged { number, operation, attempts, microseconds, status, .. } => {
                figures.acknowledged += 1;
                figures.retries += u64::from(attempts.saturating_sub(1));
                figures.microseconds.push(*microseconds);
                let intent = intents[number.as_str()];
                figures.decided += u64::from(matches!(intent.what, What::Keep | What::Discard));
                if intent.what == What::Discard {
                    given_up.insert(intent.id.as_str());
                }
                if let Some((place, token)) = intent.values.first() {
                    saved.push(Saved { intent, place, token, operation: operation.as_deref(), synced: status == "Synced" });
                }
            }
            Line::Refused { .. } => figures.refused += 1,
            Line::Failed { number, why } => wrong.push(format!("save {number} failed: {why}")),
            Line::Intent(_) | Line::Recovered { .. } => {}
        }
    }
    figures.microseconds.sort_unstable();
    let entities: HashMap<&str, &Entity> = sight.entities.iter().map(|entity| (entity.id.as_str(), entity)).collect();
    for save in &saved {
        in_git_once(save, &entities, &given_up, history, &mut figures, &mut wrong);
    }
    let mut places: HashMap<(&str, &str), Vec<&Saved<'_>>> = HashMap::new();
    for save in &saved {
        places.entry((save.intent.id.as_str(), save.place)).or_default().push(save);
    }
    for ((id, place), saves) in places {
        let Some(entity) = entities.get(id) else {
            figures.lost += saves.len() as u64;
            wrong.push(format!("{id} is gone with {} acknowledged saves", saves.len()));
            continue;
        };
        let excused = given_up.contains(id);
        let faults = replaced(&saves, entity, excused, history);
        figures.lost += faults.len() as u64;
        wrong.extend(faults.into_iter().map(|fault| format!("{place} of {id}: {fault}")));
    }
    for (operation, commit) in sight.done.iter().filter(|(_, commit)| !history.has(commit)) {
        figures.stale += 1;
        wrong.push(format!("operation {operation} was acknowledged in commit {commit}, which is not in the branch"));
    }
    for entity in &sight.entities {
        match entity.status {
            SyncStatus::Conflict => figures.conflicts += 1,
            SyncStatus::Synced => {}
            other => wrong.push(format!("{} is {other:?} after a synchronisation", entity.id)),
        }
    }
    wrong.extend(sight.drift.iter().map(|drift| format!("SQL and git differ: {drift}")));
    wrong.extend(sight.unsound.iter().map(|fault| format!("the database is not sound: {fault}")));
    wrong.extend(sight.forgotten.iter().map(|row| format!("the log calls a save waiting that does not wait: {row}")));
    wrong.sort();
    (figures, wrong)
}

/// Every acknowledged save is in git once, or held by a conflict, or given up by a decision.
fn in_git_once(
    save: &Saved<'_>,
    entities: &HashMap<&str, &Entity>,
    given_up: &HashSet<&str>,
    history: &History,
    figures: &mut Figures,
    wrong: &mut Vec<String>,
) {
    let Saved { intent: Intent { number, id, .. }, .. } = save;
    let Some(operation) = save.operation else {
        return wrong.push(format!("save {number} was acknowledged and nothing was written"));
    };
    if history.place_of(operation).is_some() {
        return;
    }
    if save.synced {
        figures.stale += 1;
        return wrong.push(format!("save {number} was acknowledged as synced, and operation {operation} is not in git"));
    }
    if given_up.contains(id.as_str()) {
        figures.given_up += 1;
    } else if entities.get(id.as_str()).is_none_or(|entity| entity.status != SyncStatus::Conflict) {
        figures.lost += 1;
        wrong.push(format!("save {number} of {id} was acknowledged, and operation {operation} is not in git"));
    }
}

/// What is wrong with the replacements of one place.
fn replaced(saves: &[&Saved<'_>], entity: &Entity, excused: bool, history: &History) -> Vec<String> {
    let mut faults = Vec::new();
    let mut seen: HashMap<&str, &str> = HashMap::new();
    for save in saves {
        let Some(text) = &save.intent.seen else { continue };
        if let Some(other) = seen.insert(text, save.token)
            && !excused
            && !history.was_restored(text)
        {
            faults.push(format!("two forms replaced `{text}`: `{other}` and `{}`", save.token));
        }
    }
    for save in saves {
        let shown = entity.values.iter().any(|(_, value)| value.contains(save.token));
        let by_person = history.stand(save.token) == Some(Stand::RemovedByEngineer);
        // Without a form whoever saves last wins: a later commit, the same one, or what a conflict holds after all of them.
        let commit = |save: &Saved<'_>| save.operation.and_then(|operation| history.place_of(operation)).unwrap_or(usize::MAX);
        let later = |other: &&&Saved<'_>| other.token != save.token && other.intent.seen.is_none() && commit(other) >= commit(save);
        let by_other = seen.contains_key(save.token) || save.intent.seen.is_none() && saves.iter().any(|other| later(&other));
        if !(shown || by_person || by_other || excused) {
            faults.push(format!(
                "`{}` is lost: in git {:?}, and nobody who had seen it replaced it",
                save.token,
                history.stand(save.token)
            ));
        }
    }
    faults
}
