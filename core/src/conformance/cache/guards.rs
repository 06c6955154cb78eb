//! Who may write: stamps, keys and concurrent writers.

use std::sync::Arc;

use super::fixture::{
    applied, at, attached, attached_as, batch, both, change, conflict, content, each, find, get, key, live, log, new, new_live, pending,
    write,
};
use crate::ErrorKind;
use crate::store::{ApplyOutcome, Batch, CacheStore, ChangeState, KeptRevision, LogQuery, RecordWrite, Slot, Target, View};

/// A record comes back exactly as it was written.
pub async fn what_is_written_is_read_back_whole(store: &dyn CacheStore) {
    let id = attached(store).await;
    let mut ours = change(ChangeState::Conflict, content("skills/new.md"));
    ours.base = Some(crate::store::Base { content: content("skills/base.md"), blob: super::fixture::blob(3) });
    let write = RecordWrite {
        live: Slot::Set(live(content("skills/pdf.md"))),
        change: Slot::Set(ours.clone()),
        conflict: Slot::Set(conflict()),
        private: Slot::Set(super::fixture::fields(serde_json::json!({"secret": [1, null, {"a": "b"}]}))),
        ..RecordWrite::new(Target::New, key("pdf"), 2)
    };
    let uids = applied(store, &batch(id, vec![write])).await;
    let record = get(store, id, "pdf").await;
    assert_eq!(uids, vec![record.uid]);
    assert_eq!((record.key.clone(), record.revision), (key("pdf"), 2));
    assert_eq!(record.live, Some(live(content("skills/pdf.md"))));
    assert_eq!(record.change, Some(ours));
    assert_eq!(record.conflict, Some(conflict()));
    assert_eq!(record.private, super::fixture::fields(serde_json::json!({"secret": [1, null, {"a": "b"}]})));
    assert_eq!(store.records_by_uid(id, &uids).await.unwrap(), vec![Some(record)]);
}

/// `New` means that nobody has the key.
pub async fn a_new_record_whose_key_exists_has_moved(store: &dyn CacheStore) {
    let id = attached(store).await;
    write(store, id, vec![new_live("pdf", content("skills/pdf.md"))]).await;
    let again = batch(id, vec![new_live("pdf", content("skills/other.md"))]);
    assert_eq!(store.apply(&again).await.unwrap(), ApplyOutcome::Moved(vec![0]));
    assert_eq!(get(store, id, "pdf").await.live.unwrap().content, content("skills/pdf.md"));
}

/// Shared or not, a batch means the same; many in a row are all there, and all are found.
pub async fn large_shared_batches_are_guarded_written_and_found(store: &dyn CacheStore) {
    let id = attached(store).await;
    write(store, id, vec![new_live("e0007", content("skills/e0007.md"))]).await;
    for portion in 0..4 {
        let entity = |number: usize| new_live(&format!("e{number:04}"), content(&format!("skills/e{number:04}.md")));
        let writes: Vec<RecordWrite> = (0..700).map(|number| entity(portion * 700 + number)).collect();
        let whole = Arc::new(batch(id, writes.clone()));
        if portion == 0 {
            assert_eq!(store.apply_shared(Arc::clone(&whole)).await.unwrap(), ApplyOutcome::Moved(vec![7]));
        }
        let moved = if portion == 0 { vec![7] } else { Vec::new() };
        match store.apply_shared(Arc::new(each(id, writes))).await.unwrap() {
            ApplyOutcome::Applied { uids, moved: left } => assert_eq!((uids.len(), &left), (700 - left.len(), &moved)),
            other => panic!("the batch is written, not {other:?}"),
        }
    }
    assert_eq!(store.manifest(id, None, 5000).await.unwrap().len(), 2800);
    assert_eq!(get(store, id, "e2345").await.live.unwrap().content, content("skills/e2345.md"));
    while store.index(1024).await.unwrap() > 0 {}
    let hits = store.search(id, "e2345", None, View::Published, 10).await.unwrap();
    assert_eq!(hits.iter().map(|hit| hit.record.key.clone()).collect::<Vec<_>>(), [key("e2345")]);
}

/// `Existing` means: as it was read.
pub async fn an_existing_record_with_another_stamp_has_moved(store: &dyn CacheStore) {
    let id = attached(store).await;
    write(store, id, vec![new_live("pdf", content("skills/pdf.md"))]).await;
    let read = get(store, id, "pdf").await;
    write(store, id, vec![RecordWrite::onto(&read)]).await;
    let late = batch(id, vec![RecordWrite { live: Slot::Clear, ..RecordWrite::onto(&read) }]);
    assert_eq!(store.apply(&late).await.unwrap(), ApplyOutcome::Moved(vec![0]));
    let gone = batch(id, vec![RecordWrite::new(Target::Existing { uid: read.uid + 1000, stamp: 1 }, key("x"), 1)]);
    assert_eq!(store.apply(&gone).await.unwrap(), ApplyOutcome::Moved(vec![0]));
    assert!(get(store, id, "pdf").await.live.is_some());
}

/// A number of another repository is no record of this one.
pub async fn a_record_of_another_repository_has_moved(store: &dyn CacheStore) {
    let (one, two) = (attached_as(store, "one").await, attached_as(store, "two").await);
    write(store, one, vec![new_live("pdf", content("skills/pdf.md"))]).await;
    let read = get(store, one, "pdf").await;
    let foreign = batch(two, vec![RecordWrite { live: Slot::Clear, ..RecordWrite::onto(&read) }]);
    assert_eq!(store.apply(&foreign).await.unwrap(), ApplyOutcome::Moved(vec![0]));
    assert_eq!(get(store, one, "pdf").await, read);
}

/// All or nothing, the rest of the batch included.
pub async fn guard_all_writes_nothing_when_one_record_moved(store: &dyn CacheStore) {
    let id = attached(store).await;
    write(store, id, vec![new_live("a", content("skills/a.md"))]).await;
    let refused = Batch {
        log: vec![log(1, key("a"), 1)],
        ..batch(
            id,
            vec![new_live("b", content("skills/b.md")), new_live("a", content("skills/x.md")), new_live("c", content("skills/c.md"))],
        )
    };
    assert_eq!(store.apply(&refused).await.unwrap(), ApplyOutcome::Moved(vec![1]));
    assert!(find(store, id, "b").await.is_none() && find(store, id, "c").await.is_none());
    assert!(store.log(id, &LogQuery::default()).await.unwrap().is_empty());
}

/// Each record by itself: those that moved are named and left alone with their log rows.
pub async fn guard_each_writes_everything_else(store: &dyn CacheStore) {
    let id = attached(store).await;
    write(store, id, vec![new_live("a", content("skills/a.md"))]).await;
    let moved = RecordWrite { log: vec![log(1, key("a"), 1)], ..new_live("a", content("skills/x.md")) };
    let other = RecordWrite { log: vec![log(2, key("c"), 1)], ..new_live("c", content("skills/c.md")) };
    let outcome = store.apply(&each(id, vec![new_live("b", content("skills/b.md")), moved, other])).await.unwrap();
    let (b, c) = (get(store, id, "b").await.uid, get(store, id, "c").await.uid);
    assert_eq!(outcome, ApplyOutcome::Applied { uids: vec![b, c], moved: vec![1] });
    assert_eq!(get(store, id, "a").await.live.unwrap().content, content("skills/a.md"));
    let logged = store.log(id, &LogQuery::default()).await.unwrap();
    assert_eq!(logged.iter().map(|row| row.entity_id.as_str()).collect::<Vec<_>>(), ["c"]);
}

/// The stamp is the only guard that concurrent savers need.
pub async fn of_two_writers_on_one_stamp_exactly_one_wins(store: &dyn CacheStore) {
    let id = attached(store).await;
    write(store, id, vec![new_live("pdf", content("skills/pdf.md"))]).await;
    for round in 0..20 {
        let read = get(store, id, "pdf").await;
        let save = |body: &str| {
            let mut content = content("skills/pdf.md");
            content.body = format!("{body} {round}");
            batch(id, vec![RecordWrite { change: Slot::Set(pending(content)), ..RecordWrite::onto(&read) }])
        };
        let (left, right) = (save("left"), save("right"));
        let (a, b) = both(store.apply(&left), store.apply(&right)).await;
        let won: Vec<_> =
            [("left", a.unwrap()), ("right", b.unwrap())].into_iter().filter(|(_, o)| matches!(o, ApplyOutcome::Applied { .. })).collect();
        let [(winner, _)] = won.as_slice() else { panic!("exactly one wins, not {won:?}") };
        assert_eq!(get(store, id, "pdf").await.change.unwrap().content.body, format!("{winner} {round}"));
    }
}

/// One record, one write: the caller joins what belongs together.
pub async fn a_batch_cannot_write_one_record_twice(store: &dyn CacheStore) {
    let id = attached(store).await;
    let twice = batch(id, vec![new(key("a")), new(key("a"))]);
    assert_eq!(store.apply(&twice).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert!(find(store, id, "a").await.is_none());
    write(store, id, vec![new(key("a"))]).await;
    let read = get(store, id, "a").await;
    let renamed = RecordWrite { key: key("b"), ..RecordWrite::onto(&read) };
    let twice = batch(id, vec![RecordWrite::onto(&read), renamed]);
    assert_eq!(store.apply(&twice).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(get(store, id, "a").await, read);
}

/// Even a write that changes nothing is one.
pub async fn every_write_changes_the_stamp(store: &dyn CacheStore) {
    let id = attached(store).await;
    write(store, id, vec![new(key("a"))]).await;
    let mut stamps = Vec::new();
    for _ in 0..3 {
        let read = get(store, id, "a").await;
        stamps.push(read.stamp);
        write(store, id, vec![RecordWrite::onto(&read)]).await;
    }
    assert!(stamps.is_sorted_by(|a, b| a < b), "{stamps:?}");
}

/// Whatever a write says, a number that was given is given.
pub async fn the_revision_counter_never_goes_back(store: &dyn CacheStore) {
    let id = attached(store).await;
    write(store, id, vec![RecordWrite::new(Target::New, key("a"), 7)]).await;
    let read = get(store, id, "a").await;
    write(store, id, vec![RecordWrite { revision: 3, ..RecordWrite::onto(&read) }]).await;
    assert_eq!(get(store, id, "a").await.revision, 7);
}

/// An identity is its number; kind and id are only its name.
pub async fn a_change_of_id_keeps_number_revisions_and_log(store: &dyn CacheStore) {
    let id = attached(store).await;
    let kept = KeptRevision { revision: 1, content: content("skills/a.md"), private: crate::knowledge::Fields::new(), created_at: at(1) };
    let first = RecordWrite {
        live: Slot::Set(live(content("skills/a.md"))),
        change: Slot::Set(pending(content("skills/a.md"))),
        keep: vec![kept.clone()],
        log: vec![log(1, key("a"), 1)],
        ..new(key("a"))
    };
    write(store, id, vec![first]).await;
    let before = get(store, id, "a").await;
    let other = crate::knowledge::EntityKey::new("prompt", "b");
    write(store, id, vec![RecordWrite { key: other.clone(), ..RecordWrite::onto(&before) }]).await;
    assert!(find(store, id, "a").await.is_none());
    let after = store.records(id, std::slice::from_ref(&other)).await.unwrap().pop().unwrap().unwrap();
    assert_eq!((after.uid, after.live.clone(), after.change.clone()), (before.uid, before.live, before.change));
    assert_eq!(store.revision(id, after.uid, 1).await.unwrap(), Some(kept));
    let logged = store.log(id, &LogQuery { key: Some(other.clone()), ..LogQuery::default() }).await.unwrap();
    assert_eq!(logged.len(), 1);
    let of_kind = crate::store::Query { kind: Some(other.kind), ..crate::store::Query::default() };
    assert_eq!(super::fixture::listed(store, id, &of_kind).await, ["b"]);
}

/// Both give their key up before either takes one.
pub async fn two_records_swap_their_ids_in_one_batch(store: &dyn CacheStore) {
    let id = attached(store).await;
    write(store, id, vec![new_live("a", content("skills/a.md")), new_live("b", content("skills/b.md"))]).await;
    let (a, b) = (get(store, id, "a").await, get(store, id, "b").await);
    let swap = vec![RecordWrite { key: key("b"), ..RecordWrite::onto(&a) }, RecordWrite { key: key("a"), ..RecordWrite::onto(&b) }];
    assert_eq!(write(store, id, swap).await, vec![a.uid, b.uid]);
    assert_eq!(get(store, id, "a").await.uid, b.uid);
    assert_eq!(get(store, id, "b").await.uid, a.uid);
    assert_eq!(get(store, id, "b").await.live, a.live);
}

/// A key of a record outside the batch is not free.
pub async fn an_id_of_somebody_else_has_moved(store: &dyn CacheStore) {
    let id = attached(store).await;
    write(store, id, vec![new_live("a", content("skills/a.md")), new_live("b", content("skills/b.md"))]).await;
    let a = get(store, id, "a").await;
    let outcome = store.apply(&batch(id, vec![RecordWrite { key: key("b"), ..RecordWrite::onto(&a) }])).await.unwrap();
    assert_eq!(outcome, ApplyOutcome::Moved(vec![0]));
    assert_eq!(get(store, id, "a").await, a);
}

/// A file without an id moves, and a new one comes to its old place, in one commit.
pub async fn an_id_is_taken_over_by_a_new_record_in_the_same_batch(store: &dyn CacheStore) {
    let id = attached(store).await;
    write(store, id, vec![new_live("a", content("skills/a.md"))]).await;
    let a = get(store, id, "a").await;
    let gone = RecordWrite { key: key("b"), live: Slot::Set(live(content("skills/b.md"))), ..RecordWrite::onto(&a) };
    write(store, id, vec![new_live("a", content("skills/a.md")), gone]).await;
    assert_eq!(get(store, id, "b").await.uid, a.uid);
    assert_ne!(get(store, id, "a").await.uid, a.uid);
}

/// With each record by itself, one that is left alone can stop another.
pub async fn a_write_left_alone_keeps_its_id_from_others(store: &dyn CacheStore) {
    let id = attached(store).await;
    write(store, id, vec![new_live("a", content("skills/a.md")), new_live("b", content("skills/b.md"))]).await;
    let (a, b) = (get(store, id, "a").await, get(store, id, "b").await);
    write(store, id, vec![RecordWrite::onto(&a)]).await;
    let late = vec![RecordWrite { key: key("c"), ..RecordWrite::onto(&a) }, RecordWrite { key: key("a"), ..RecordWrite::onto(&b) }];
    let outcome = store.apply(&each(id, late)).await.unwrap();
    assert_eq!(outcome, ApplyOutcome::Applied { uids: Vec::new(), moved: vec![0, 1] });
    assert_eq!(get(store, id, "b").await, b);
}
