//! What must hold whenever nothing is left to do, whatever happened before.

use std::collections::{HashMap, HashSet};

use lorebase::KnowledgeBase;
use lorebase::store::{CacheStore, ChangeState, Direction, GitStore, LogQuery, LogStatus, Record};
use lorebase::sync::SyncOptions;

use crate::world::{World, run};

/// What every commit that the head reaches says about saves: the operation ids, as often as they occur.
pub(crate) fn operations_in_git(world: &World) -> Vec<String> {
    let mut found = Vec::new();
    let mut next = run(world.git.head()).unwrap();
    while let Some(id) = next {
        let commit = run(world.git.commit(&id)).unwrap();
        found.extend(commit.message.lines().filter_map(|line| line.strip_prefix("Lorebase-Operation: ")).map(str::to_owned));
        next = commit.parents.first().cloned();
    }
    found
}

/// Every record that has a change of ours.
pub(crate) fn changed(world: &World, kb: &KnowledgeBase) -> Vec<Record> {
    let id = kb.engine().repository_id();
    let mut records = run(world.cache.pending(id, None, 100_000)).unwrap();
    records.extend(run(world.cache.conflicts(id)).unwrap());
    records.extend(run(world.cache.drafts(id)).unwrap());
    records.extend(run(world.cache.dead(id)).unwrap());
    records.sort_by_key(|record| record.uid);
    records.dedup_by_key(|record| record.uid);
    records
}

/// Holds everything against everything else. Changes may only wait where a finding about a file says why.
pub(crate) fn assert_at_rest(world: &World, kb: &KnowledgeBase) {
    let drift = run(kb.drift()).unwrap();
    assert!(drift.is_empty(), "SQL is not what git says: {drift:#?}");

    let changes = changed(world, kb);
    let findings: HashSet<String> = run(kb.diagnostics()).unwrap().into_iter().map(|finding| finding.path).collect();
    for record in &changes {
        let change = record.change.as_ref().unwrap();
        assert!(!change.dead, "{} was given up: {:?}", record.key, change.last_error);
        if change.state == ChangeState::Pending {
            let explained = findings.contains(change.content.location.path.as_str())
                || record.live.as_ref().is_some_and(|live| findings.contains(live.content.location.path.as_str()));
            assert!(explained, "{} still waits without a finding about its file: {change:#?}", record.key);
        }
        assert_eq!(record.conflict.is_some(), change.state == ChangeState::Conflict, "{}", record.key);
    }

    assert_operations(world, kb, &changes);
    assert_counts(world, kb, &changes);

    let head = run(world.git.head()).unwrap();
    let idle = run(kb.sync(SyncOptions::default())).unwrap();
    let moved = [idle.created, idle.updated, idle.renamed, idle.deleted, idle.published, idle.merged];
    assert_eq!(moved, [0; 6], "another synchronisation found work: {idle:#?}");
    assert_eq!(run(world.git.head()).unwrap(), head);
}

fn assert_operations(world: &World, kb: &KnowledgeBase, changes: &[Record]) {
    let in_git = operations_in_git(world);
    let mut seen = HashSet::new();
    for operation in &in_git {
        assert!(seen.insert(operation), "the save {operation} is in git twice");
    }
    let waiting: HashMap<String, &Record> = changes
        .iter()
        .flat_map(|record| record.change.iter().flat_map(|change| &change.operations).map(move |id| (id.to_string(), record)))
        .collect();
    let log = run(kb.log(&LogQuery { limit: 1_000_000, ..LogQuery::default() })).unwrap();
    let mut logged = HashSet::new();
    for row in log.iter().filter(|row| row.direction == Direction::DbToGit) {
        let id = row.id.to_string();
        let waits = waiting.contains_key(&id);
        assert_eq!(row.status != LogStatus::Success, waits, "the save {row:?} is {} in a change", if waits { "still" } else { "not" });
        assert!(row.status == LogStatus::Success || !seen.contains(&id), "the save {row:?} is in git");
        logged.insert(id);
    }
    for operation in waiting.keys().chain(&in_git) {
        assert!(logged.contains(operation), "the save {operation} has no log row");
    }
}

fn assert_counts(world: &World, kb: &KnowledgeBase, changes: &[Record]) {
    let id = kb.engine().repository_id();
    let status = run(kb.status()).unwrap();
    let known: HashSet<i64> = run(world.cache.manifest(id, None, 1_000_000)).unwrap().into_iter().map(|row| row.uid).collect();
    let all: HashSet<i64> = known.iter().copied().chain(changes.iter().map(|record| record.uid)).collect();
    assert_eq!(status.total, all.len() as u64, "{status:?}");
    let of = |state| changes.iter().filter(|record| record.change.as_ref().is_some_and(|change| change.state == state)).count() as u64;
    assert_eq!((status.conflict, status.draft), (of(ChangeState::Conflict), of(ChangeState::Draft)), "{status:?}");
    assert_eq!(status.synced, (all.len() - changes.len()) as u64, "{status:?}");
}
