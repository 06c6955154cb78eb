//! The log: an audit trail that outlives what it is about, and the memory of idempotency keys.

use uuid::Uuid;

use super::fixture::{applied, at, attached, batch, commit, content, find, get, key, log, new, new_live, write};
use crate::knowledge::EntityKey;
use crate::store::{
    ApplyOutcome, Batch, CacheStore, Direction, LogEntry, LogQuery, LogStatus, LogWrite, Operation, PriorSave, RecordWrite, RepositoryId,
    Slot,
};

fn numbers(rows: &[LogEntry]) -> Vec<u128> {
    rows.iter().map(|row| row.id.as_u128()).collect()
}

async fn read(store: &dyn CacheStore, id: RepositoryId, query: LogQuery) -> Vec<u128> {
    numbers(&store.log(id, &query).await.unwrap())
}

/// Pending becomes success; when it began stays.
pub async fn a_log_row_is_completed_and_keeps_its_start(store: &dyn CacheStore) {
    let id = attached(store).await;
    let begun = LogWrite { idempotency_key: Some("k".to_owned()), operation: Operation::Create, ..log(1, key("a"), 1) };
    write(store, id, vec![RecordWrite { log: vec![begun], ..new(key("a")) }]).await;
    let done = LogWrite {
        status: LogStatus::Success,
        completed_at: Some(at(6)),
        commit: Some(commit(4).to_string()),
        operation: Operation::Create,
        revision: 3,
        ..log(1, key("a"), 5)
    };
    applied(store, &Batch { log: vec![done], ..Batch::new(id, at(6)) }).await;
    let expected = LogEntry {
        id: Uuid::from_u128(1),
        kind: key("a").kind,
        entity_id: key("a").id,
        operation: Operation::Create,
        direction: Direction::DbToGit,
        status: LogStatus::Success,
        started_at: at(1),
        completed_at: Some(at(6)),
        error: None,
        git_commit_sha: Some(commit(4).to_string()),
        synced_by: "Ada <ada@example.com>".to_owned(),
    };
    assert_eq!(store.log(id, &LogQuery::default()).await.unwrap(), vec![expected]);
    let prior = store.prior_save(id, "k").await.unwrap().unwrap();
    assert_eq!(prior, PriorSave { operation_id: Uuid::from_u128(1), key: key("a"), revision: 3 });
}

/// By identity, status and moment; newest first, the later written first among equals.
pub async fn log_rows_are_filtered_and_newest_first(store: &dyn CacheStore) {
    let id = attached(store).await;
    let failed = LogWrite {
        status: LogStatus::Failed,
        error: Some("refused".to_owned()),
        direction: Direction::GitToDb,
        operation: Operation::Refresh,
        ..log(3, key("b"), 20)
    };
    write(
        store,
        id,
        vec![
            RecordWrite { log: vec![log(1, key("a"), 10), log(2, key("a"), 30)], ..new(key("a")) },
            RecordWrite { log: vec![failed, log(4, key("b"), 30)], ..new(key("b")) },
        ],
    )
    .await;
    assert_eq!(read(store, id, LogQuery::default()).await, [4, 2, 3, 1]);
    assert_eq!(read(store, id, LogQuery { key: Some(key("a")), ..LogQuery::default() }).await, [2, 1]);
    assert_eq!(read(store, id, LogQuery { status: Some(LogStatus::Failed), ..LogQuery::default() }).await, [3]);
    assert_eq!(read(store, id, LogQuery { since: Some(at(20)), ..LogQuery::default() }).await, [4, 2, 3]);
    assert_eq!(read(store, id, LogQuery { limit: 2, ..LogQuery::default() }).await, [4, 2]);
    let both = LogQuery { key: Some(key("b")), status: Some(LogStatus::Pending), since: Some(at(1)), limit: 0 };
    assert_eq!(read(store, id, both).await, [4]);
    let many = (10..150).map(|number| log(number, key("a"), 5)).collect();
    applied(store, &Batch { log: many, ..Batch::new(id, at(0)) }).await;
    assert_eq!(read(store, id, LogQuery::default()).await.len(), 100);
}

/// Rows of a record are found by what it is called now; they say what it was called then.
pub async fn log_rows_outlive_the_record_and_follow_its_id(store: &dyn CacheStore) {
    let id = attached(store).await;
    let first = RecordWrite { log: vec![log(1, key("a"), 1)], ..new_live("a", content("skills/a.md")) };
    write(store, id, vec![first]).await;
    let record = get(store, id, "a").await;
    let renamed = RecordWrite { key: key("b"), log: vec![log(2, key("b"), 2)], live: Slot::Clear, ..RecordWrite::onto(&record) };
    write(store, id, vec![renamed]).await;
    write(store, id, vec![RecordWrite { log: vec![log(3, key("a"), 3)], ..new(key("a")) }]).await;

    let rows = store.log(id, &LogQuery { key: Some(key("b")), ..LogQuery::default() }).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.entity_id.as_str()).collect::<Vec<_>>(), ["b", "a"]);
    assert_eq!(read(store, id, LogQuery { key: Some(key("a")), ..LogQuery::default() }).await, [3]);
}

/// Rows that a batch writes by itself have only the key.
pub async fn log_rows_of_no_record_are_found_by_key(store: &dyn CacheStore) {
    let id = attached(store).await;
    let other = EntityKey::new("document", "x");
    applied(store, &Batch { log: vec![log(1, other.clone(), 1), log(2, key("a"), 2)], ..Batch::new(id, at(0)) }).await;
    assert_eq!(read(store, id, LogQuery { key: Some(other), ..LogQuery::default() }).await, [1]);
}

/// The second save with a key changes nothing and learns of the first.
pub async fn an_idempotency_key_is_used_once(store: &dyn CacheStore) {
    let id = attached(store).await;
    let save = |number, entity: &str| {
        let logged = LogWrite { idempotency_key: Some("form-1".to_owned()), revision: 8, ..log(number, key(entity), 1) };
        batch(id, vec![RecordWrite { log: vec![logged], ..new(key(entity)) }])
    };
    assert_eq!(store.prior_save(id, "form-1").await.unwrap(), None);
    applied(store, &save(1, "a")).await;
    let prior = PriorSave { operation_id: Uuid::from_u128(1), key: key("a"), revision: 8 };
    assert_eq!(store.apply(&save(2, "b")).await.unwrap(), ApplyOutcome::Duplicate(prior.clone()));
    assert_eq!(store.apply(&save(2, "a")).await.unwrap(), ApplyOutcome::Duplicate(prior.clone()), "before the stamps are looked at");
    assert_eq!(store.prior_save(id, "form-1").await.unwrap(), Some(prior));
    assert!(find(store, id, "b").await.is_none());
    assert_eq!(read(store, id, LogQuery::default()).await, [1]);
    let elsewhere = super::fixture::attached_as(store, "elsewhere").await;
    applied(store, &Batch { repository: elsewhere, ..save(3, "b") }).await;
}

/// A caller that comes back reads the record it wrote.
pub async fn an_idempotency_key_names_the_record_under_its_new_id(store: &dyn CacheStore) {
    let id = attached(store).await;
    let logged = LogWrite { idempotency_key: Some("k".to_owned()), ..log(1, key("a"), 1) };
    write(store, id, vec![RecordWrite { log: vec![logged], ..new(key("a")) }]).await;
    let record = get(store, id, "a").await;
    write(store, id, vec![RecordWrite { key: key("b"), ..RecordWrite::onto(&record) }]).await;
    assert_eq!(store.prior_save(id, "k").await.unwrap().unwrap().key, key("b"));
}
