//! Small values for the cases: everything is derived from a path or a number, so that a case says only what matters.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::knowledge::{Author, Content, EntityKey, Fields, KnowledgePath, Location, Slug};
use crate::store::{
    ApplyOutcome, Batch, BlobId, CacheStore, Change, ChangeAction, ChangeState, CommitId, ConflictNote, ConflictReason, Direction, Guard,
    Live, LogStatus, LogWrite, Operation, Owner, Query, Record, RecordWrite, RepositoryId, RepositoryKey, Slot, Target, View,
};

/// A moment, `seconds` after a fixed one.
pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millisecond(1_767_225_600_000).unwrap() + SignedDuration::from_secs(seconds)
}

pub(super) fn key(id: &str) -> EntityKey {
    EntityKey::new("skill", id)
}

pub(super) fn commit(number: u32) -> CommitId {
    CommitId::new(format!("{number:040x}"))
}

pub(super) fn blob(number: u32) -> BlobId {
    BlobId::new(format!("{number:040x}"))
}

pub(super) fn file(path: &str) -> Location {
    Location::file(KnowledgePath::new(path).unwrap())
}

pub(super) fn fields(value: Value) -> Fields {
    let Value::Object(fields) = value else { panic!("fields are a mapping, not {value}") };
    fields
}

/// The content of a Markdown file whose title is its slug.
pub(super) fn content(path: &str) -> Content {
    let slug = path.rsplit('/').next().unwrap().trim_end_matches(".md").to_owned();
    Content {
        slug: Slug::new(slug.clone()),
        location: file(path),
        title: slug.clone(),
        status: None,
        fields: fields(json!({ "name": slug })),
        head: format!("---\nname: {slug}\n---\n"),
        body: format!("About {slug}.\n"),
    }
}

pub(super) fn live(content: Content) -> Live {
    Live { content, revision: 1, blob: blob(1), commit: commit(1), explicit_id: true, synced_at: at(0) }
}

pub(super) fn change(state: ChangeState, content: Content) -> Change {
    Change {
        action: ChangeAction::Write,
        state,
        content,
        placed: true,
        revision: 2,
        base: None,
        author: Author::new("Ada", "ada@example.com"),
        co_authors: Vec::new(),
        message: None,
        operations: vec![Uuid::from_u128(7)],
        created_at: at(10),
        updated_at: at(10),
        attempts: 0,
        due_at: at(10),
        last_error: None,
        dead: false,
    }
}

pub(super) fn pending(content: Content) -> Change {
    change(ChangeState::Pending, content)
}

pub(super) fn draft(content: Content) -> Change {
    change(ChangeState::Draft, content)
}

pub(super) fn conflict() -> ConflictNote {
    ConflictNote {
        reason: ConflictReason::BothChanged,
        fields: vec!["name".to_owned()],
        body: true,
        commit: commit(9),
        author: Some(Author::new("Bob", "bob@example.com")),
        since: at(9),
    }
}

pub(super) fn log(number: u128, key: EntityKey, started: i64) -> LogWrite {
    LogWrite {
        id: Uuid::from_u128(number),
        key,
        operation: Operation::Update,
        direction: Direction::DbToGit,
        status: LogStatus::Pending,
        started_at: at(started),
        completed_at: None,
        error: None,
        commit: None,
        synced_by: "Ada <ada@example.com>".to_owned(),
        revision: 1,
        idempotency_key: None,
    }
}

pub(super) fn owner(pid: u32) -> Owner {
    Owner { host: "host".to_owned(), boot: "boot".to_owned(), pid, started: 5, instance: Uuid::from_u128(u128::from(pid)) }
}

pub(super) async fn attached(store: &dyn CacheStore) -> RepositoryId {
    store.attach(&RepositoryKey { namespace: "default".to_owned(), branch: "main".to_owned() }, at(0)).await.unwrap().id
}

pub(super) async fn attached_as(store: &dyn CacheStore, namespace: &str) -> RepositoryId {
    store.attach(&RepositoryKey { namespace: namespace.to_owned(), branch: "main".to_owned() }, at(0)).await.unwrap().id
}

pub(super) fn new(key: EntityKey) -> RecordWrite {
    RecordWrite::new(Target::New, key, 1)
}

pub(super) fn new_live(id: &str, content: Content) -> RecordWrite {
    RecordWrite { live: Slot::Set(live(content)), ..new(key(id)) }
}

pub(super) fn new_change(id: &str, change: Change) -> RecordWrite {
    RecordWrite { change: Slot::Set(change), ..new(key(id)) }
}

pub(super) fn batch(repository: RepositoryId, writes: Vec<RecordWrite>) -> Batch {
    Batch { writes, ..Batch::new(repository, at(0)) }
}

pub(super) fn each(repository: RepositoryId, writes: Vec<RecordWrite>) -> Batch {
    Batch { guard: Guard::Each, ..batch(repository, writes) }
}

/// Applies a batch that must be written whole, and gives the numbers.
pub(super) async fn applied(store: &dyn CacheStore, batch: &Batch) -> Vec<i64> {
    match store.apply(batch).await.unwrap() {
        ApplyOutcome::Applied { uids, moved } if moved.is_empty() => uids,
        other => panic!("the batch is written whole, not {other:?}"),
    }
}

pub(super) async fn write(store: &dyn CacheStore, repository: RepositoryId, writes: Vec<RecordWrite>) -> Vec<i64> {
    applied(store, &batch(repository, writes)).await
}

pub(super) async fn find(store: &dyn CacheStore, repository: RepositoryId, id: &str) -> Option<Record> {
    store.records(repository, &[key(id)]).await.unwrap().pop().unwrap()
}

pub(super) async fn get(store: &dyn CacheStore, repository: RepositoryId, id: &str) -> Record {
    find(store, repository, id).await.unwrap_or_else(|| panic!("there is a record {id}"))
}

pub(super) fn ids<'a>(records: impl IntoIterator<Item = &'a Record>) -> Vec<&'a str> {
    records.into_iter().map(|record| record.key.id.as_str()).collect()
}

/// The ids of a list, with its total checked against the number of items.
pub(super) async fn listed(store: &dyn CacheStore, repository: RepositoryId, query: &Query) -> Vec<String> {
    let page = store.list(repository, query).await.unwrap();
    assert_eq!(page.total, page.items.len() as u64, "the total counts what matches");
    assert_eq!(page.next_cursor, None, "everything is on one page");
    ids(&page.items).into_iter().map(str::to_owned).collect()
}

pub(super) async fn searched(store: &dyn CacheStore, repository: RepositoryId, text: &str, view: View) -> Vec<String> {
    let hits = store.search(repository, text, None, view, 20).await.unwrap();
    hits.iter().map(|hit| hit.record.key.id.as_str().to_owned()).collect()
}

/// Two futures at once.
pub(super) async fn both<A, B>(a: impl Future<Output = A>, b: impl Future<Output = B>) -> (A, B) {
    let (mut a, mut b) = (pin!(a), pin!(b));
    let (mut done_a, mut done_b) = (None, None);
    std::future::poll_fn(move |context| {
        if done_a.is_none()
            && let Poll::Ready(value) = a.as_mut().poll(context)
        {
            done_a = Some(value);
        }
        if done_b.is_none()
            && let Poll::Ready(value) = b.as_mut().poll(context)
        {
            done_b = Some(value);
        }
        match (done_a.take(), done_b.take()) {
            (Some(a), Some(b)) => Poll::Ready((a, b)),
            (a, b) => {
                (done_a, done_b) = (a, b);
                Poll::Pending
            }
        }
    })
    .await
}
