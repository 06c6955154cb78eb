//! What waits: pending, due, dead, drafts, conflicts, and the numbers of a repository.

use jiff::Timestamp;

use super::fixture::{
    applied, at, attached, blob, change, conflict, content, draft, ids, key, log, new, new_change, new_live, pending, write,
};
use crate::knowledge::Diagnostic;
use crate::store::{Batch, CacheStore, Change, ChangeState, Counts, LogStatus, LogWrite, RecordWrite, RepositoryId, Slot};

fn saved(id: &str, updated: i64, due: i64) -> RecordWrite {
    let waiting = Change { updated_at: at(updated), due_at: at(due), ..pending(content(&format!("skills/{id}.md"))) };
    new_change(id, waiting)
}

async fn due(store: &dyn CacheStore, id: RepositoryId, due: Option<Timestamp>, limit: usize) -> Vec<String> {
    ids(&store.pending(id, due, limit).await.unwrap()).into_iter().map(str::to_owned).collect()
}

/// By the last save, then by number; at most as many as asked for.
pub async fn pending_changes_come_oldest_first(store: &dyn CacheStore) {
    let id = attached(store).await;
    let dead = new_change("dead", Change { dead: true, ..pending(content("skills/dead.md")) });
    let rest = [new_change("draft", draft(content("skills/draft.md"))), dead, new_live("live", content("skills/live.md"))];
    write(store, id, vec![saved("c", 30, 0), saved("a", 10, 0), saved("b2", 20, 0), saved("b1", 20, 0)]).await;
    write(store, id, rest.to_vec()).await;
    assert_eq!(due(store, id, None, 10).await, ["a", "b2", "b1", "c"]);
    assert_eq!(due(store, id, None, 2).await, ["a", "b2"]);
}

/// A change that failed waits its time without holding up others.
pub async fn only_due_changes_are_asked_for(store: &dyn CacheStore) {
    let id = attached(store).await;
    write(store, id, vec![saved("late", 1, 100), saved("now", 2, 50), saved("past", 3, 10)]).await;
    assert_eq!(due(store, id, Some(at(50)), 10).await, ["now", "past"]);
    assert_eq!(due(store, id, Some(at(50)), 1).await, ["now"]);
    assert_eq!(due(store, id, Some(at(9)), 10).await, Vec::<String>::new());
    assert_eq!(due(store, id, Some(at(100)), 10).await, ["late", "now", "past"]);
}

async fn one_of_each(store: &dyn CacheStore, id: RepositoryId) {
    let at_path = |name: &str| content(&format!("skills/{name}.md"));
    let writes = vec![
        new_live("synced", at_path("synced")),
        RecordWrite { change: Slot::Set(pending(at_path("pending"))), ..new_live("pending", at_path("pending")) },
        new_change("dead", Change { dead: true, updated_at: at(1), ..pending(at_path("dead")) }),
        new_change("draft", draft(at_path("draft"))),
        RecordWrite { conflict: Slot::Set(conflict()), ..new_change("conflict", change(ChangeState::Conflict, at_path("conflict"))) },
        new_change("dead-conflict", Change { dead: true, ..change(ChangeState::Conflict, at_path("dead-conflict")) }),
        new(key("empty")),
    ];
    write(store, id, writes).await;
}

/// Each in the order of the numbers.
pub async fn dead_changes_drafts_and_conflicts_are_listed_apart(store: &dyn CacheStore) {
    let id = attached(store).await;
    one_of_each(store, id).await;
    let conflicts = store.conflicts(id).await.unwrap();
    assert_eq!(ids(&conflicts), ["conflict", "dead-conflict"]);
    assert_eq!(conflicts[0].conflict, Some(conflict()));
    assert_eq!(ids(&store.dead(id).await.unwrap()), ["dead", "dead-conflict"]);
    assert_eq!(ids(&store.drafts(id).await.unwrap()), ["draft"]);
    assert_eq!(ids(&store.pending(id, None, 10).await.unwrap()), ["pending"]);
}

/// Conflict before dead before pending before draft before synced.
pub async fn every_record_counts_once_in_its_group(store: &dyn CacheStore) {
    let id = attached(store).await;
    assert_eq!(store.counts(id, at(0)).await.unwrap(), Counts::default());
    one_of_each(store, id).await;
    let expected =
        Counts { synced: 1, pending: 1, failed: 1, conflict: 2, draft: 1, invalid: 0, recent_failures: 0, oldest_pending: Some(at(10)) };
    assert_eq!(store.counts(id, at(0)).await.unwrap(), expected);
}

/// A file with errors counts once; a warning does not count; old failures do not count.
pub async fn failures_and_invalid_files_are_counted(store: &dyn CacheStore) {
    let id = attached(store).await;
    let error = |path: &str| Diagnostic::error(path, "x", "x");
    let found = vec![
        ("a.md".to_owned(), Some(blob(1)), vec![error("a.md"), error("a.md")]),
        ("b.md".to_owned(), None, vec![Diagnostic::warning("b.md", "x", "x")]),
        ("c.md".to_owned(), None, vec![Diagnostic::warning("c.md", "x", "x"), error("c.md")]),
    ];
    let failed = |number, started| LogWrite { status: LogStatus::Failed, ..log(number, key("a"), started) };
    let rows = vec![failed(1, 10), failed(2, 20), failed(3, 30), log(4, key("a"), 40)];
    applied(store, &Batch { diagnostics: found, log: rows, ..Batch::new(id, at(0)) }).await;
    let counts = store.counts(id, at(20)).await.unwrap();
    assert_eq!((counts.invalid, counts.recent_failures), (2, 2));
}
