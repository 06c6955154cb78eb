//! Which version a list shows: what is published, or what is being worked on.

use super::fixture::{attached, change, conflict, content, draft, listed, new_change, new_live, pending, write};
use crate::knowledge::{Content, Status};
use crate::store::{CacheStore, Change, ChangeAction, ChangeState, Query, RecordWrite, RepositoryId, Slot, SortKey, View};

/// The titles that a view shows, in order.
async fn titles(store: &dyn CacheStore, id: RepositoryId, view: View) -> Vec<String> {
    let query = Query { view, sort: SortKey::Title, ..Query::default() };
    let shown = listed(store, id, &query).await;
    let page = store.list(id, &query).await.unwrap();
    let titles: Vec<_> = page.items.iter().map(|record| record.seen(view).unwrap().content.title.clone()).collect();
    assert_eq!(shown.len(), titles.len());
    titles
}

fn titled(path: &str, title: &str) -> Content {
    Content { title: title.to_owned(), ..content(path) }
}

fn over(id: &str, change: Change) -> RecordWrite {
    let path = format!("skills/{id}.md");
    RecordWrite { change: Slot::Set(change), ..new_live(id, titled(&path, &format!("{id} live"))) }
}

/// A save is seen at once, a draft only by those who work on it.
pub async fn a_pending_write_is_published_and_a_draft_is_not(store: &dyn CacheStore) {
    let id = attached(store).await;
    let writes = vec![
        over("a", pending(titled("skills/a.md", "a saved"))),
        over("b", draft(titled("skills/b.md", "b draft"))),
        new_change("c", pending(titled("skills/c.md", "c saved"))),
        new_change("d", draft(titled("skills/d.md", "d draft"))),
        new_change("e", Change { dead: true, ..pending(titled("skills/e.md", "e dead")) }),
    ];
    write(store, id, writes).await;
    assert_eq!(titles(store, id, View::Published).await, ["a saved", "b live", "c saved", "e dead"]);
    assert_eq!(titles(store, id, View::Working).await, ["a saved", "b draft", "c saved", "d draft", "e dead"]);
}

/// What was deleted is gone at once; what is being archived stays readable for those who work on it.
pub async fn a_pending_removal_hides_what_is_live(store: &dyn CacheStore) {
    let id = attached(store).await;
    let removal = |name: &str, action| Change { action, ..pending(titled(&format!("skills/{name}.md"), &format!("{name} removed"))) };
    let writes = vec![
        over("a", removal("a", ChangeAction::Delete)),
        over("b", removal("b", ChangeAction::Archive)),
        new_live("c", titled("skills/c.md", "c live")),
    ];
    write(store, id, writes).await;
    assert_eq!(titles(store, id, View::Published).await, ["c live"]);
    assert_eq!(titles(store, id, View::Working).await, ["b removed", "c live"]);
}

/// Readers keep git's version while a person decides.
pub async fn a_conflict_shows_gits_version_or_ours(store: &dyn CacheStore) {
    let id = attached(store).await;
    let ours = |name: &str| change(ChangeState::Conflict, titled(&format!("skills/{name}.md"), &format!("{name} ours")));
    let noted = |write: RecordWrite| RecordWrite { conflict: Slot::Set(conflict()), ..write };
    let deleted = Change { action: ChangeAction::Delete, ..ours("b") };
    write(store, id, vec![noted(over("a", ours("a"))), noted(over("b", deleted)), noted(new_change("c", ours("c")))]).await;
    assert_eq!(titles(store, id, View::Published).await, ["a live", "b live"]);
    assert_eq!(titles(store, id, View::Working).await, ["a ours", "c ours"]);
}

/// The content of a file taken out of git is not lost.
pub async fn an_archived_draft_without_live_version_is_working_only(store: &dyn CacheStore) {
    let id = attached(store).await;
    let archived = Content { status: Some(Status::Archived), ..titled("skills/a.md", "a archived") };
    write(store, id, vec![new_change("a", draft(archived))]).await;
    assert!(titles(store, id, View::Published).await.is_empty());
    assert_eq!(titles(store, id, View::Working).await, ["a archived"]);
    let by_status = |view| Query { status: Some(Status::Archived), view, ..Query::default() };
    assert!(listed(store, id, &by_status(View::Published)).await.is_empty());
    assert_eq!(listed(store, id, &by_status(View::Working)).await, ["a"]);
}
