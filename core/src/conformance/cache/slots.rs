//! The parts of a record: kept, set and cleared one by one, and what stays when all are gone.

use serde_json::json;

use super::fixture::{
    at, attached, change, conflict, content, draft, fields, find, get, key, listed, live, log, new, new_live, pending, searched, write,
};
use crate::knowledge::Content;
use crate::store::{CacheStore, Change, ChangeState, KeptRevision, Live, LogQuery, Query, RecordWrite, Slot, View};

/// Keep, set and clear of every slot.
pub async fn slots_keep_set_and_clear(store: &dyn CacheStore) {
    let id = attached(store).await;
    let first = RecordWrite {
        change: Slot::Set(change(ChangeState::Conflict, content("skills/a.md"))),
        conflict: Slot::Set(conflict()),
        private: Slot::Set(fields(json!({"salary": 1}))),
        ..new_live("a", content("skills/a.md"))
    };
    write(store, id, vec![first]).await;
    let before = get(store, id, "a").await;
    write(store, id, vec![RecordWrite::onto(&before)]).await;
    let kept = get(store, id, "a").await;
    assert_eq!((&kept.live, &kept.change), (&before.live, &before.change));
    assert_eq!((&kept.conflict, &kept.private), (&before.conflict, &before.private));

    let newer = Live { revision: 5, synced_at: at(50), ..live(content("skills/b.md")) };
    let set = RecordWrite {
        live: Slot::Set(newer.clone()),
        change: Slot::Set(pending(content("skills/c.md"))),
        private: Slot::Set(fields(json!({}))),
        ..RecordWrite::onto(&kept)
    };
    write(store, id, vec![set]).await;
    let set = get(store, id, "a").await;
    assert_eq!((&set.live, &set.change), (&Some(newer), &Some(pending(content("skills/c.md")))));
    assert!(set.private.is_empty());

    write(store, id, vec![RecordWrite { change: Slot::Clear, live: Slot::Clear, ..RecordWrite::onto(&set) }]).await;
    let cleared = get(store, id, "a").await;
    assert_eq!((cleared.live, cleared.change, cleared.conflict), (None, None, None));
}

/// What a conflict is about has no meaning without it.
pub async fn a_conflict_lasts_only_as_long_as_its_change(store: &dyn CacheStore) {
    let id = attached(store).await;
    let held = || change(ChangeState::Conflict, content("skills/a.md"));
    write(store, id, vec![RecordWrite { change: Slot::Set(held()), conflict: Slot::Set(conflict()), ..new(key("a")) }]).await;
    let read = get(store, id, "a").await;
    write(store, id, vec![RecordWrite { change: Slot::Set(pending(content("skills/a.md"))), ..RecordWrite::onto(&read) }]).await;
    let resolved = get(store, id, "a").await;
    assert_eq!(resolved.conflict, None);
    write(store, id, vec![RecordWrite { change: Slot::Set(held()), ..RecordWrite::onto(&resolved) }]).await;
    assert_eq!(get(store, id, "a").await.conflict, None, "an old note does not come back");
}

/// Its counter, private fields and revisions stay, and it can come to life again.
pub async fn an_emptied_record_is_kept_but_not_listed(store: &dyn CacheStore) {
    let id = attached(store).await;
    let private = fields(json!({"salary": 2}));
    let kept = KeptRevision { revision: 1, content: content("skills/a.md"), private, created_at: at(1) };
    let first = RecordWrite {
        private: Slot::Set(fields(json!({"salary": 1}))),
        keep: vec![kept.clone()],
        revision: 4,
        ..new_live("a", content("skills/a.md"))
    };
    write(store, id, vec![first]).await;
    let read = get(store, id, "a").await;
    write(store, id, vec![RecordWrite { live: Slot::Clear, ..RecordWrite::onto(&read) }]).await;

    let empty = get(store, id, "a").await;
    assert_eq!((empty.uid, empty.revision), (read.uid, 4));
    assert_eq!(empty.private, fields(json!({"salary": 1})));
    assert_eq!(store.revision(id, empty.uid, 1).await.unwrap(), Some(kept));
    for view in [View::Published, View::Working] {
        assert!(listed(store, id, &Query { view, ..Query::default() }).await.is_empty());
        assert!(searched(store, id, "about", view).await.is_empty());
    }
    assert_eq!(store.counts(id, at(0)).await.unwrap(), crate::store::Counts::default());
    assert!(store.records_by_field(id, &key("a").kind, "salary", &json!(1)).await.unwrap().is_empty());
    assert!(store.manifest(id, None, 10).await.unwrap().is_empty());

    write(store, id, vec![RecordWrite { live: Slot::Set(live(content("skills/a.md"))), ..RecordWrite::onto(&empty) }]).await;
    assert_eq!(listed(store, id, &Query::default()).await, ["a"]);
}

/// They are no part of any version, yet found where fields are asked for.
pub async fn private_fields_stay_beside_the_versions(store: &dyn CacheStore) {
    let id = attached(store).await;
    let private = fields(json!({"salesforceId": "0017", "notes": {"mood": "good"}}));
    write(store, id, vec![RecordWrite { private: Slot::Set(private.clone()), ..new_live("a", content("skills/a.md")) }]).await;
    let read = get(store, id, "a").await;
    assert_eq!(read.private, private);
    assert_eq!(read.live.unwrap().content.fields, content("skills/a.md").fields);
    let filter = |field: &str, value| Query {
        filters: vec![crate::store::Filter { field: field.to_owned(), op: crate::store::FilterOp::Eq, value }],
        ..Query::default()
    };
    assert_eq!(listed(store, id, &filter("salesforceId", json!("0017"))).await, ["a"]);
    assert_eq!(listed(store, id, &filter("notes.mood", json!("good"))).await, ["a"]);
    assert!(searched(store, id, "0017", View::Published).await.is_empty(), "a search does not look at them");
}

/// The first bytes of a revision are its bytes.
pub async fn kept_revisions_are_written_once(store: &dyn CacheStore) {
    let id = attached(store).await;
    let kept = |body: &str, seconds| {
        let content = Content { body: body.to_owned(), ..content("skills/a.md") };
        KeptRevision { revision: 1, content, private: crate::knowledge::Fields::new(), created_at: at(seconds) }
    };
    let uid = write(store, id, vec![RecordWrite { keep: vec![kept("first", 1)], ..new(key("a")) }]).await[0];
    let read = get(store, id, "a").await;
    write(store, id, vec![RecordWrite { keep: vec![kept("second", 2)], ..RecordWrite::onto(&read) }]).await;
    assert_eq!(store.revision(id, uid, 1).await.unwrap(), Some(kept("first", 1)));
    assert_eq!(store.revision(id, uid, 2).await.unwrap(), None);
    assert_eq!(store.revision(id, uid + 1, 1).await.unwrap(), None);
}

/// What a form or the engine may still need stays.
pub async fn pruning_forgets_old_revisions_and_log_rows_but_not_those_in_use(store: &dyn CacheStore) {
    let id = attached(store).await;
    let kept = |revision, seconds| KeptRevision {
        revision,
        content: content("skills/a.md"),
        private: crate::knowledge::Fields::new(),
        created_at: at(seconds),
    };
    let all = RecordWrite {
        live: Slot::Set(Live { revision: 2, ..live(content("skills/a.md")) }),
        change: Slot::Set(Change { revision: 3, ..draft(content("skills/a.md")) }),
        keep: vec![kept(1, 1), kept(2, 2), kept(3, 3), kept(4, 100)],
        log: vec![log(1, key("a"), 1), log(2, key("a"), 100)],
        ..new(key("a"))
    };
    let uid = write(store, id, vec![all]).await[0];
    assert_eq!(store.prune(id, at(100)).await.unwrap(), 2);
    let mut left = Vec::new();
    for revision in 1..=4 {
        left.extend(store.revision(id, uid, revision).await.unwrap().map(|kept| kept.revision));
    }
    assert_eq!(left, [2, 3, 4]);
    assert_eq!(store.log(id, &LogQuery::default()).await.unwrap().len(), 1);
    assert_eq!(store.prune(id, at(100)).await.unwrap(), 0);
    assert!(find(store, id, "a").await.is_some());
}

/// Nobody is left whose they would be once the entity could not come back as it was.
pub async fn pruning_forgets_the_private_fields_of_an_entity_with_its_last_revision(store: &dyn CacheStore) {
    let id = attached(store).await;
    let private = || Slot::Set(fields(json!({"salary": 1})));
    let kept = |seconds| KeptRevision {
        revision: 1,
        content: content("skills/a.md"),
        private: crate::knowledge::Fields::new(),
        created_at: at(seconds),
    };
    let gone = |seconds| RecordWrite { private: private(), keep: vec![kept(seconds)], ..new(key("gone")) };
    write(store, id, vec![gone(50), RecordWrite { private: private(), ..new_live("there", content("skills/b.md")) }]).await;
    store.prune(id, at(50)).await.unwrap();
    assert_eq!(get(store, id, "gone").await.private, fields(json!({"salary": 1})), "it may still come back");
    assert_eq!(store.prune(id, at(51)).await.unwrap(), 1);
    assert!(get(store, id, "gone").await.private.is_empty());
    assert_eq!(get(store, id, "there").await.private, fields(json!({"salary": 1})));
}
