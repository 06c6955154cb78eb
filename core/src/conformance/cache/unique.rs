//! No two entities of a kind share a unique value: whoever has it first keeps it, in whichever part, until it is free.

use serde_json::{Value, json};

use super::fixture::{
    applied, attached, attached_as, batch, both, content, draft, fields, get, key, live, new, new_change, new_live, pending,
};
use crate::knowledge::{Content, EntityKey};
use crate::store::{
    ApplyOutcome, Batch, CacheStore, Change, ChangeAction, Claiming, Record, RecordWrite, RepositoryId, RepositoryPatch, Slot, Target,
    UniqueRules, UniqueValue,
};

async fn ruled(store: &dyn CacheStore, id: RepositoryId, unique: &[&str]) {
    let rules = UniqueRules::from([("skill".into(), unique.iter().map(|field| (*field).to_owned()).collect())]);
    let patch = RepositoryPatch { unique: Slot::Set(rules), ..RepositoryPatch::default() };
    applied(store, &Batch { repository_patch: patch, ..batch(id, Vec::new()) }).await;
}

async fn attached_with_rules(store: &dyn CacheStore) -> RepositoryId {
    let id = attached(store).await;
    ruled(store, id, &["mail"]).await;
    id
}

/// The content of a file with a value in the unique field.
fn with(path: &str, mail: impl Into<Value>) -> Content {
    Content { fields: fields(json!({ "mail": mail.into() })), ..content(path) }
}

fn save(id: RepositoryId, writes: Vec<RecordWrite>) -> Batch {
    Batch { claiming: Claiming::Change, ..batch(id, writes) }
}

fn ingest(id: RepositoryId, writes: Vec<RecordWrite>) -> Batch {
    Batch { claiming: Claiming::Live, ..batch(id, writes) }
}

fn taken(write: usize, by: &str) -> ApplyOutcome {
    ApplyOutcome::ValueTaken { write, field: "mail".to_owned(), by: key(by) }
}

fn live_write(record: &Record, content: Content) -> RecordWrite {
    RecordWrite { live: Slot::Set(live(content)), ..RecordWrite::onto(record) }
}

fn change_write(record: &Record, change: Slot<Change>) -> RecordWrite {
    RecordWrite { change, ..RecordWrite::onto(record) }
}

/// The id of the record that has a value.
async fn holder(store: &dyn CacheStore, id: RepositoryId, mail: &str) -> Option<String> {
    let value = UniqueValue { kind: "skill".into(), field: "mail".to_owned(), value: mail.to_owned() };
    let uid = store.holders(id, &[value]).await.unwrap().remove(0)?;
    store.records_by_uid(id, &[uid]).await.unwrap().remove(0).map(|record| record.key.id.to_string())
}

/// Saves and pushes alike are refused, and nothing of the batch is written.
pub async fn a_unique_value_belongs_to_whoever_has_it_first(store: &dyn CacheStore) {
    let id = attached_with_rules(store).await;
    applied(store, &ingest(id, vec![new_live("a", with("skills/a.md", "x"))])).await;
    let writes = || vec![new(key("c")), new_change("b", pending(with("skills/b.md", "x")))];
    assert_eq!(store.apply(&save(id, writes())).await.unwrap(), taken(1, "a"));
    assert!(super::fixture::find(store, id, "c").await.is_none());
    assert_eq!(store.apply(&ingest(id, vec![new_live("b", with("skills/b.md", "x"))])).await.unwrap(), taken(0, "a"));
    let a = get(store, id, "a").await;
    applied(store, &save(id, vec![change_write(&a, Slot::Set(pending(with("skills/a.md", "x"))))])).await;
    assert_eq!(holder(store, id, "x").await.as_deref(), Some("a"));
}

/// A save, a draft and a private field each keep a value from others.
pub async fn every_part_of_a_record_holds_unique_values(store: &dyn CacheStore) {
    let id = attached_with_rules(store).await;
    let private = RecordWrite { private: Slot::Set(fields(json!({ "mail": "p" }))), ..new_live("a", content("skills/a.md")) };
    applied(store, &save(id, vec![private, new_change("b", draft(with("skills/b.md", "d")))])).await;
    for (mail, by) in [("p", "a"), ("d", "b")] {
        assert_eq!(store.apply(&save(id, vec![new_change("c", pending(with("skills/c.md", mail)))])).await.unwrap(), taken(0, by));
        assert_eq!(store.apply(&ingest(id, vec![new_live("c", with("skills/c.md", mail))])).await.unwrap(), taken(0, by));
    }
    let write = RecordWrite { private: Slot::Set(fields(json!({ "mail": "d" }))), ..new_live("c", content("skills/c.md")) };
    assert_eq!(store.apply(&save(id, vec![write])).await.unwrap(), taken(0, "b"));
}

/// A value is free once no part of its record has it.
pub async fn a_unique_value_is_free_when_no_part_has_it(store: &dyn CacheStore) {
    let id = attached_with_rules(store).await;
    applied(store, &ingest(id, vec![new_live("a", with("skills/a.md", "x"))])).await;
    let a = get(store, id, "a").await;
    applied(store, &save(id, vec![change_write(&a, Slot::Set(pending(with("skills/a.md", "y"))))])).await;
    assert_eq!((holder(store, id, "x").await.as_deref(), holder(store, id, "y").await.as_deref()), (Some("a"), Some("a")));
    let a = get(store, id, "a").await;
    applied(store, &ingest(id, vec![RecordWrite { change: Slot::Clear, ..live_write(&a, with("skills/a.md", "y")) }])).await;
    assert_eq!((holder(store, id, "x").await, holder(store, id, "y").await.as_deref()), (None, Some("a")));
    let a = get(store, id, "a").await;
    applied(store, &ingest(id, vec![RecordWrite { live: Slot::Clear, ..RecordWrite::onto(&a) }])).await;
    assert_eq!(holder(store, id, "y").await, None);
    applied(store, &save(id, vec![new_change("b", pending(with("skills/b.md", "y")))])).await;
}

/// Of an entity that is gone the private fields stay, and keep nothing from others; it has them again where nobody took
/// them meanwhile.
pub async fn a_private_unique_value_is_free_while_nothing_is_left_of_its_entity(store: &dyn CacheStore) {
    let id = attached_with_rules(store).await;
    let private = || Slot::Set(fields(json!({ "mail": "p" })));
    applied(store, &save(id, vec![RecordWrite { private: private(), ..new_live("a", content("skills/a.md")) }])).await;
    assert_eq!(holder(store, id, "p").await.as_deref(), Some("a"));
    let a = get(store, id, "a").await;
    applied(store, &ingest(id, vec![RecordWrite { live: Slot::Clear, ..RecordWrite::onto(&a) }])).await;
    assert_eq!((holder(store, id, "p").await, get(store, id, "a").await.private), (None, fields(json!({ "mail": "p" }))));
    let a = get(store, id, "a").await;
    applied(store, &ingest(id, vec![RecordWrite { private: private(), ..live_write(&a, content("skills/a.md")) }])).await;
    assert_eq!(holder(store, id, "p").await.as_deref(), Some("a"));
    let a = get(store, id, "a").await;
    let emptied = RecordWrite { live: Slot::Clear, private: private(), ..RecordWrite::onto(&a) };
    applied(store, &ingest(id, vec![emptied])).await;
    applied(store, &save(id, vec![new_change("b", pending(with("skills/b.md", "p")))])).await;
    let a = get(store, id, "a").await;
    applied(store, &ingest(id, vec![RecordWrite { private: private(), ..live_write(&a, content("skills/a.md")) }])).await;
    assert_eq!(holder(store, id, "p").await.as_deref(), Some("b"));
}

/// What is being removed asks for nothing.
pub async fn a_removal_holds_no_unique_value(store: &dyn CacheStore) {
    let id = attached_with_rules(store).await;
    let removal = Change { action: ChangeAction::Delete, ..pending(with("skills/a.md", "x")) };
    applied(store, &save(id, vec![new_change("a", removal)])).await;
    assert_eq!(holder(store, id, "x").await, None);
}

/// Within one batch values are given up before they are taken.
pub async fn two_records_swap_their_unique_values_in_one_batch(store: &dyn CacheStore) {
    let id = attached_with_rules(store).await;
    applied(store, &ingest(id, vec![new_live("a", with("skills/a.md", "x")), new_live("b", with("skills/b.md", "y"))])).await;
    let (a, b) = (get(store, id, "a").await, get(store, id, "b").await);
    applied(store, &ingest(id, vec![live_write(&a, with("skills/a.md", "y")), live_write(&b, with("skills/b.md", "x"))])).await;
    assert_eq!((holder(store, id, "x").await.as_deref(), holder(store, id, "y").await.as_deref()), (Some("b"), Some("a")));
}

/// Of two in one batch the later one is named.
pub async fn two_new_records_cannot_take_one_unique_value(store: &dyn CacheStore) {
    let id = attached_with_rules(store).await;
    let writes = vec![new_change("a", pending(with("skills/a.md", 7))), new_change("b", pending(with("skills/b.md", "7")))];
    assert_eq!(store.apply(&save(id, writes)).await.unwrap(), taken(1, "a"));
}

/// Exactly one of two simultaneous saves has it.
pub async fn of_two_writers_of_one_unique_value_exactly_one_wins(store: &dyn CacheStore) {
    let id = attached_with_rules(store).await;
    let (one, two) = (
        save(id, vec![new_change("a", pending(with("skills/a.md", "x")))]),
        save(id, vec![new_change("b", pending(with("skills/b.md", "x")))]),
    );
    let (one, two) = both(store.apply(&one), store.apply(&two)).await;
    let outcomes = [one.unwrap(), two.unwrap()];
    let won = outcomes.iter().filter(|outcome| matches!(outcome, ApplyOutcome::Applied { .. })).count();
    assert_eq!(won, 1, "{outcomes:?}");
    assert!(outcomes.contains(&taken(0, "a")) || outcomes.contains(&taken(0, "b")), "{outcomes:?}");
}

/// Bookkeeping about what is in git already is never refused; it goes on without the value.
pub async fn a_batch_that_refuses_nothing_leaves_taken_values_alone(store: &dyn CacheStore) {
    let id = attached_with_rules(store).await;
    applied(store, &ingest(id, vec![new_live("a", with("skills/a.md", "x"))])).await;
    applied(store, &batch(id, vec![new_live("b", with("skills/b.md", "x"))])).await;
    assert_eq!(holder(store, id, "x").await.as_deref(), Some("a"));
    let a = get(store, id, "a").await;
    applied(store, &ingest(id, vec![live_write(&a, with("skills/a.md", "y"))])).await;
    assert_eq!(holder(store, id, "x").await, None, "nobody inherits it unasked");
    let b = get(store, id, "b").await;
    applied(store, &ingest(id, vec![live_write(&b, with("skills/b.md", "x"))])).await;
    assert_eq!(holder(store, id, "x").await.as_deref(), Some("b"));
}

/// Live versions come first, in the order of their places.
pub async fn new_rules_give_all_unique_values_anew(store: &dyn CacheStore) {
    let id = attached(store).await;
    let writes = vec![
        new_live("b", with("skills/b.md", "x")),
        new_live("a", with("skills/a.md", "x")),
        new_change("0", pending(with("skills/0.md", "x"))),
        new_change("c", pending(with("skills/c.md", "z"))),
    ];
    applied(store, &save(id, writes)).await;
    assert_eq!(holder(store, id, "x").await, None);
    ruled(store, id, &["mail"]).await;
    assert_eq!(holder(store, id, "x").await.as_deref(), Some("a"));
    assert_eq!(store.apply(&save(id, vec![new_change("d", pending(with("skills/d.md", "z")))])).await.unwrap(), taken(0, "c"));
    ruled(store, id, &["other"]).await;
    assert_eq!((holder(store, id, "x").await, holder(store, id, "z").await), (None, None));
}

/// Another kind, another repository and no value at all are nobody's affair.
pub async fn unique_values_are_held_within_one_kind_and_repository(store: &dyn CacheStore) {
    let id = attached_with_rules(store).await;
    let two = attached_as(store, "two").await;
    ruled(store, two, &["mail"]).await;
    applied(store, &ingest(id, vec![new_live("a", with("skills/a.md", "x")), new_live("n", with("skills/n.md", Value::Null))])).await;
    let other =
        RecordWrite { live: Slot::Set(live(with("prompts/a.md", "x"))), ..RecordWrite::new(Target::New, EntityKey::new("prompt", "a"), 1) };
    applied(store, &ingest(id, vec![other, new_live("m", with("skills/m.md", Value::Null)), new_live("e", with("skills/e.md", ""))])).await;
    applied(store, &ingest(two, vec![new_live("a", with("skills/a.md", "x"))])).await;
    assert_eq!(store.holders(99, &[]).await.unwrap(), []);
}
