//! Small records, and threads that begin together.

use std::sync::Barrier;

use jiff::{SignedDuration, Timestamp};
use lorebase::knowledge::{Author, Content, EntityKey, KnowledgePath, Location, Slug};
use lorebase::store::{
    ApplyOutcome, Batch, BlobId, CacheStore, Change, ChangeAction, ChangeState, CommitId, Live, Owner, Record, RecordWrite, RepositoryId,
    RepositoryKey, Slot, Target,
};
use lorebase_backends::sql::{PostgresCache, PostgresOptions};
use serde_json::json;
use uuid::Uuid;

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millisecond(1_767_225_600_000).unwrap() + SignedDuration::from_secs(seconds)
}

pub(crate) fn opened(url: &str) -> PostgresCache {
    pollster::block_on(PostgresCache::open(PostgresOptions::new(url))).unwrap()
}

pub(crate) fn attached(store: &PostgresCache) -> RepositoryId {
    let key = RepositoryKey { namespace: "default".to_owned(), branch: "main".to_owned() };
    pollster::block_on(store.attach(&key, at(0))).unwrap().id
}

pub(crate) fn key(id: &str) -> EntityKey {
    EntityKey::new("customer", id)
}

pub(crate) fn content(path: &str, body: &str) -> Content {
    let serde_json::Value::Object(fields) = json!({"tier": "gold"}) else { unreachable!("it is a mapping") };
    Content {
        slug: Slug::new(path.trim_end_matches(".md")),
        location: Location::file(KnowledgePath::new(path).unwrap()),
        title: path.to_owned(),
        status: None,
        fields,
        head: "---\n---\n".to_owned(),
        body: body.to_owned(),
    }
}

pub(crate) fn live(content: Content) -> Live {
    Live { content, revision: 1, blob: BlobId::new("b"), commit: CommitId::new("c"), explicit_id: true, synced_at: at(0) }
}

pub(crate) fn change(content: Content, revision: u64) -> Change {
    Change {
        action: ChangeAction::Write,
        state: ChangeState::Pending,
        content,
        placed: true,
        revision,
        base: None,
        author: Author::new("Ada", "ada@example.com"),
        co_authors: Vec::new(),
        message: None,
        operations: Vec::new(),
        created_at: at(1),
        updated_at: at(1),
        attempts: 0,
        due_at: at(1),
        last_error: None,
        dead: false,
    }
}

pub(crate) fn new(id: &str, path: &str) -> RecordWrite {
    RecordWrite { live: Slot::Set(live(content(path, id))), ..RecordWrite::new(Target::New, key(id), 1) }
}

pub(crate) fn owner(number: u128) -> Owner {
    Owner { host: "h".to_owned(), boot: "b".to_owned(), pid: 1, started: 1, instance: Uuid::from_u128(number) }
}

pub(crate) fn batch(id: RepositoryId, writes: Vec<RecordWrite>) -> Batch {
    Batch { writes, ..Batch::new(id, at(2)) }
}

pub(crate) fn apply(store: &PostgresCache, batch: &Batch) -> ApplyOutcome {
    pollster::block_on(store.apply(batch)).unwrap()
}

/// Applies a batch that nothing stands in the way of.
pub(crate) fn written(store: &PostgresCache, id: RepositoryId, writes: Vec<RecordWrite>) -> Vec<i64> {
    match apply(store, &batch(id, writes)) {
        ApplyOutcome::Applied { uids, moved } if moved.is_empty() => uids,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn get(store: &PostgresCache, id: RepositoryId, name: &str) -> Record {
    pollster::block_on(store.records(id, &[key(name)])).unwrap().pop().unwrap().unwrap()
}

/// What several threads make, each with connections of its own that were opened at once, begun at the same moment.
pub(crate) fn at_once<T: Send>(url: &str, threads: usize, make: impl Fn(usize, &PostgresCache) -> T + Sync) -> Vec<T> {
    let barrier = Barrier::new(threads);
    std::thread::scope(|scope| {
        let opening: Vec<_> = (0..threads).map(|_| scope.spawn(|| opened(url))).collect();
        let stores: Vec<PostgresCache> = opening.into_iter().map(|thread| thread.join().unwrap()).collect();
        let begun: Vec<_> = stores
            .into_iter()
            .enumerate()
            .map(|(number, store)| {
                let (barrier, make) = (&barrier, &make);
                scope.spawn(move || {
                    barrier.wait();
                    let value = make(number, &store);
                    pollster::block_on(store.close());
                    value
                })
            })
            .collect();
        begun.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}
