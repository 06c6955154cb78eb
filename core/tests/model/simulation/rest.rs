//! What must hold whenever nothing is left to do, whatever happened before: SQL is what git says, no save is in git
//! twice, none waits without a reason, and log and numbers tell the truth.

use std::collections::{HashMap, HashSet};

use lorebase::KnowledgeBase;
use lorebase::store::{ChangeState, Direction, LogQuery, LogStatus, Record};
use lorebase::sync::SyncOptions;

use super::stage::{Stage, run};
use super::{Check, commits};

/// What every commit that the head reaches says about saves: the operation ids, as often as they occur.
fn operations_in_git(stage: &Stage) -> Check<Vec<String>> {
    let operation = |line: &str| line.strip_prefix("Lorebase-Operation: ").map(str::to_owned);
    Ok(commits::history(stage)?.iter().flat_map(|commit| commit.message.lines().filter_map(operation)).collect())
}

/// Every record that has a change of ours.
pub(super) fn changed(stage: &Stage, kb: &KnowledgeBase) -> Check<Vec<Record>> {
    let id = kb.engine().repository_id();
    let mut records = run(stage.cache.pending(id, None, 100_000))?;
    records.extend(run(stage.cache.conflicts(id))?);
    records.extend(run(stage.cache.drafts(id))?);
    records.extend(run(stage.cache.dead(id))?);
    records.sort_by_key(|record| record.uid);
    records.dedup_by_key(|record| record.uid);
    Ok(records)
}

/// Holds everything against everything else. Changes may only wait where a finding about a file says why.
pub(super) fn check(stage: &Stage, kb: &KnowledgeBase) -> Check {
    let drift = run(kb.drift())?;
    ensure!(drift.is_empty(), "SQL is not what git says: {drift:?}");

    let changes = changed(stage, kb)?;
    let findings: HashSet<String> = run(kb.diagnostics())?.into_iter().map(|finding| finding.path).collect();
    for record in &changes {
        let Some(change) = &record.change else { continue };
        ensure!(!change.dead, "{} was given up: {:?}", record.key, change.last_error);
        if change.state == ChangeState::Pending {
            let explained = findings.contains(change.content.location.path.as_str())
                || record.live.as_ref().is_some_and(|live| findings.contains(live.content.location.path.as_str()));
            ensure!(explained, "{} still waits without a finding about its file: {change:?}", record.key);
        }
        let shown = record.conflict.is_some() == (change.state == ChangeState::Conflict);
        ensure!(shown, "{} is {:?} with the conflict {:?}", record.key, change.state, record.conflict);
    }

    check_operations(stage, kb, &changes)?;
    check_counts(stage, kb, &changes)?;

    let head = run(stage.git.head())?;
    let idle = run(kb.sync(SyncOptions::default()))?;
    let moved = [idle.created, idle.updated, idle.renamed, idle.deleted, idle.published, idle.merged];
    ensure!(moved == [0; 6], "another synchronisation found work: {idle:?}");
    ensure!(run(stage.git.head())? == head, "another synchronisation moved the branch");
    Ok(())
}

fn check_operations(stage: &Stage, kb: &KnowledgeBase, changes: &[Record]) -> Check {
    let in_git = operations_in_git(stage)?;
    let mut seen = HashSet::new();
    for operation in &in_git {
        ensure!(seen.insert(operation), "the save {operation} is in git twice");
    }
    let waiting: HashMap<String, &Record> = changes
        .iter()
        .flat_map(|record| record.change.iter().flat_map(|change| &change.operations).map(move |id| (id.to_string(), record)))
        .collect();
    let log = run(kb.log(&LogQuery { limit: 1_000_000, ..LogQuery::default() }))?;
    let mut logged = HashSet::new();
    for row in log.iter().filter(|row| row.direction == Direction::DbToGit) {
        let id = row.id.to_string();
        let waits = waiting.contains_key(&id);
        let told = (row.status != LogStatus::Success) == waits;
        let and = if waits { "it is still in a change" } else { "it is in no change" };
        ensure!(told, "the log calls a save {:?} and {and}: {row:?}", row.status);
        ensure!(row.status == LogStatus::Success || !seen.contains(&id), "the log calls a save {:?} that is in git: {row:?}", row.status);
        logged.insert(id);
    }
    for operation in waiting.keys().chain(&in_git) {
        ensure!(logged.contains(operation), "the save {operation} has no log row");
    }
    Ok(())
}

fn check_counts(stage: &Stage, kb: &KnowledgeBase, changes: &[Record]) -> Check {
    let id = kb.engine().repository_id();
    let status = run(kb.status())?;
    let known: HashSet<i64> = run(stage.cache.manifest(id, None, 1_000_000))?.into_iter().map(|row| row.uid).collect();
    let all: HashSet<i64> = known.iter().copied().chain(changes.iter().map(|record| record.uid)).collect();
    let of = |state| changes.iter().filter(|record| record.change.as_ref().is_some_and(|change| change.state == state)).count() as u64;
    let counted = (status.total, status.conflict, status.draft, status.synced);
    let expected = (all.len() as u64, of(ChangeState::Conflict), of(ChangeState::Draft), (all.len() - changes.len()) as u64);
    ensure!(counted == expected, "total, conflicts, drafts and synced are {expected:?}, counted are {counted:?}");
    Ok(())
}
