//! No two identities share a place: live against live, change against change, and each against the other.

use super::fixture::{
    attached, attached_as, batch, content, draft, each, find, get, key, live, log, new, new_change, new_live, pending, write,
};
use crate::knowledge::{Content, KnowledgePath, Location};
use crate::store::{ApplyOutcome, Batch, CacheStore, Change, LogQuery, Record, RecordWrite, RepositoryId, Slot};

fn taken(write: usize, by: &str) -> ApplyOutcome {
    ApplyOutcome::LocationTaken { write, by: key(by) }
}

fn moved_to(record: &Record, path: &str) -> RecordWrite {
    RecordWrite { live: Slot::Set(live(content(path))), ..RecordWrite::onto(record) }
}

async fn refused(store: &dyn CacheStore, id: RepositoryId, writes: Vec<RecordWrite>, outcome: ApplyOutcome) {
    assert_eq!(store.apply(&batch(id, writes)).await.unwrap(), outcome);
}

async fn place_of(store: &dyn CacheStore, repository: RepositoryId, id: &str) -> String {
    get(store, repository, id).await.live.unwrap().content.location.to_string()
}

/// A push that swaps two files arrives whole.
pub async fn two_records_swap_their_places_in_one_batch(store: &dyn CacheStore) {
    let id = attached(store).await;
    write(store, id, vec![new_live("a", content("skills/a.md")), new_live("b", content("skills/b.md"))]).await;
    let (a, b) = (get(store, id, "a").await, get(store, id, "b").await);
    write(store, id, vec![moved_to(&a, "skills/b.md"), moved_to(&b, "skills/a.md")]).await;
    assert_eq!(place_of(store, id, "a").await, "skills/b.md");
    assert_eq!(place_of(store, id, "b").await, "skills/a.md");
    let at_b = store.records_at(id, &[super::fixture::file("skills/b.md").key()]).await.unwrap();
    assert_eq!(super::fixture::ids(&at_b), ["a"]);
}

/// A ring of three, live versions and changes alike.
pub async fn three_records_pass_their_places_round(store: &dyn CacheStore) {
    let id = attached(store).await;
    let names = ["a", "b", "c"];
    let path = |name: &str| format!("skills/{name}.md");
    let all = names.map(|name| RecordWrite { change: Slot::Set(pending(content(&path(name)))), ..new_live(name, content(&path(name))) });
    write(store, id, all.to_vec()).await;
    let mut round = Vec::new();
    for (name, next) in [("a", "b"), ("b", "c"), ("c", "a")] {
        let record = get(store, id, name).await;
        round.push(RecordWrite { change: Slot::Set(pending(content(&path(next)))), ..moved_to(&record, &path(next)) });
    }
    write(store, id, round).await;
    for (name, next) in [("a", "b"), ("b", "c"), ("c", "a")] {
        assert_eq!(place_of(store, id, name).await, path(next));
        assert_eq!(get(store, id, name).await.change.unwrap().content.location.to_string(), path(next));
    }
}

/// The order of the writes does not matter.
pub async fn a_place_freed_in_a_batch_is_taken_in_it(store: &dyn CacheStore) {
    let id = attached(store).await;
    write(store, id, vec![new_live("a", content("skills/x.md"))]).await;
    let a = get(store, id, "a").await;
    write(store, id, vec![new_live("b", content("skills/x.md")), RecordWrite { live: Slot::Clear, ..RecordWrite::onto(&a) }]).await;
    assert_eq!(place_of(store, id, "b").await, "skills/x.md");
    assert!(get(store, id, "a").await.live.is_none());
}

/// On many file systems they would be one file.
pub async fn places_that_differ_only_in_case_are_one(store: &dyn CacheStore) {
    let id = attached(store).await;
    write(store, id, vec![new_live("a", content("skills/Pdf.md"))]).await;
    refused(store, id, vec![new_live("b", content("skills/pdf.md"))], taken(0, "a")).await;
    let a = get(store, id, "a").await;
    write(store, id, vec![moved_to(&a, "skills/pdf.md")]).await;
    assert_eq!(place_of(store, id, "a").await, "skills/pdf.md");
}

/// Composed or decomposed, it is the same name.
pub async fn places_that_differ_only_in_normalisation_are_one(store: &dyn CacheStore) {
    let id = attached(store).await;
    write(store, id, vec![new_live("a", content("skills/cr\u{e8}me.md"))]).await;
    refused(store, id, vec![new_live("b", content("skills/cre\u{300}me.md"))], taken(0, "a")).await;
}

/// A JSON file holds many entities.
pub async fn entries_of_one_file_are_places_of_their_own(store: &dyn CacheStore) {
    let id = attached(store).await;
    let entry = |key: &str| Content {
        location: Location::entry(KnowledgePath::new("categories/metadata.json").unwrap(), key),
        ..content("categories/metadata.json")
    };
    write(store, id, vec![new_live("a", entry("a")), new_live("A", entry("A"))]).await;
    refused(store, id, vec![new_live("b", entry("a"))], taken(0, "a")).await;
}

/// Live against live.
pub async fn a_live_version_cannot_take_the_place_of_another(store: &dyn CacheStore) {
    let id = attached(store).await;
    write(store, id, vec![new_live("a", content("skills/a.md")), new_live("b", content("skills/b.md"))]).await;
    let b = get(store, id, "b").await;
    refused(store, id, vec![moved_to(&b, "skills/a.md")], taken(0, "a")).await;
    assert_eq!(get(store, id, "b").await, b);
}

/// Change against change.
pub async fn a_placed_change_cannot_take_the_place_of_another(store: &dyn CacheStore) {
    let id = attached(store).await;
    write(store, id, vec![new_change("a", draft(content("skills/x.md")))]).await;
    refused(store, id, vec![new_change("b", pending(content("skills/x.md")))], taken(0, "a")).await;
    assert!(find(store, id, "b").await.is_none());
}

/// Change against somebody else's live version; one's own is fine.
pub async fn a_placed_change_cannot_take_the_place_of_a_live_version(store: &dyn CacheStore) {
    let id = attached(store).await;
    write(store, id, vec![new_live("a", content("skills/a.md"))]).await;
    refused(store, id, vec![new(key("c")), new_change("b", pending(content("skills/a.md")))], taken(1, "a")).await;
    let a = get(store, id, "a").await;
    write(store, id, vec![RecordWrite { change: Slot::Set(pending(content("skills/a.md"))), ..RecordWrite::onto(&a) }]).await;
}

/// Live version against somebody else's change.
pub async fn a_live_version_cannot_take_the_place_of_a_placed_change(store: &dyn CacheStore) {
    let id = attached(store).await;
    write(store, id, vec![new_change("a", pending(content("skills/a.md")))]).await;
    refused(store, id, vec![new_live("b", content("skills/a.md"))], taken(0, "a")).await;
    let a = get(store, id, "a").await;
    let unplaced = Change { placed: false, ..a.change.clone().unwrap() };
    write(store, id, vec![RecordWrite { change: Slot::Set(unplaced), ..RecordWrite::onto(&a) }, new_live("b", content("skills/a.md"))])
        .await;
    assert_eq!(place_of(store, id, "b").await, "skills/a.md");
}

/// A change whose path was taken is kept without one.
pub async fn a_change_without_a_place_stands_beside_anything(store: &dyn CacheStore) {
    let id = attached(store).await;
    let unplaced = || Change { placed: false, ..draft(content("skills/a.md")) };
    write(store, id, vec![new_live("a", content("skills/a.md")), new_change("b", unplaced()), new_change("c", unplaced())]).await;
    let found = store.records_at(id, &[super::fixture::file("skills/a.md").key()]).await.unwrap();
    assert_eq!(super::fixture::ids(&found), ["a"]);
}

/// Within a batch the later one is named.
pub async fn two_new_records_cannot_take_one_place(store: &dyn CacheStore) {
    let id = attached(store).await;
    let writes = || vec![new_live("a", content("skills/x.md")), new_live("b", content("skills/X.md"))];
    refused(store, id, writes(), taken(1, "a")).await;
    assert!(find(store, id, "a").await.is_none());
    let mixed = vec![new_change("a", pending(content("skills/x.md"))), new_live("b", content("skills/x.md"))];
    refused(store, id, mixed, taken(1, "a")).await;
}

/// Nothing of the batch is written, whatever its guard.
pub async fn a_taken_place_refuses_the_whole_batch(store: &dyn CacheStore) {
    let id = attached(store).await;
    write(store, id, vec![new_live("a", content("skills/a.md"))]).await;
    let writes = vec![
        RecordWrite { log: vec![log(1, key("c"), 1)], ..new_live("c", content("skills/c.md")) },
        new_live("b", content("skills/a.md")),
    ];
    let refused = Batch { log: vec![log(2, key("c"), 1)], ..each(id, writes) };
    assert_eq!(store.apply(&refused).await.unwrap(), taken(1, "a"));
    assert!(find(store, id, "c").await.is_none());
    assert!(store.log(id, &LogQuery::default()).await.unwrap().is_empty());
}

/// Places are unique within one repository.
pub async fn repositories_do_not_share_places(store: &dyn CacheStore) {
    let (one, two) = (attached_as(store, "one").await, attached_as(store, "two").await);
    write(store, one, vec![new_live("a", content("skills/a.md"))]).await;
    write(store, two, vec![new_live("b", content("skills/a.md"))]).await;
    assert_eq!(store.records_at(two, &[super::fixture::file("skills/a.md").key()]).await.unwrap().len(), 1);
}
