//! What a transaction finds that had to wait for another one: somebody else's work, not what it saw before.

use sqlx::{Connection, PgConnection};
use std::time::{Duration, Instant};

use lorebase::ErrorKind;
use lorebase::store::{ApplyOutcome, Batch, CacheStore, RecordWrite, Slot};
use lorebase_backends::sql::{PostgresCache, PostgresOptions};

use super::records::{apply, attached, batch, content, get, live, new, opened, written};
use super::server::{self, Database};

/// A transaction of somebody else that holds what every writer asks for first.
pub(crate) struct Lock {
    runtime: tokio::runtime::Runtime,
    connection: PgConnection,
}

impl Lock {
    pub(crate) fn on_the_repository(url: &str) -> Self {
        Self::by(url, "SELECT 1 FROM lorebase.repository FOR NO KEY UPDATE")
    }

    pub(crate) fn by(url: &str, statement: &'static str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let connection = runtime.block_on(PgConnection::connect(url)).unwrap();
        let mut lock = Self { runtime, connection };
        lock.execute("BEGIN");
        lock.execute(statement);
        lock
    }

    pub(crate) fn execute(&mut self, statement: &'static str) {
        self.runtime.block_on(sqlx::raw_sql(statement).execute(&mut self.connection)).unwrap();
    }

    pub(crate) fn end(mut self) {
        self.execute("COMMIT");
    }
}

/// Waits until a session waits for a lock.
pub(crate) fn until_one_waits(url: &str) {
    let deadline = Instant::now() + Duration::from_secs(30);
    server::block_on(async {
        let mut connection = PgConnection::connect(url).await.unwrap();
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&mut connection).await.unwrap() == 0 {
            assert!(Instant::now() < deadline, "nobody waits");
        }
    });
}

/// What a batch finds that waited while `meanwhile` was done.
fn waited(url: &str, store: &PostgresCache, batch: &Batch, meanwhile: &'static str) -> ApplyOutcome {
    let mut lock = Lock::on_the_repository(url);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| apply(store, batch));
        until_one_waits(url);
        lock.execute(meanwhile);
        lock.end();
        waiting.join().unwrap()
    })
}

#[test]
fn a_batch_that_waited_sees_the_fence_that_was_raised_meanwhile() {
    let database = Database::new();
    let store = opened(&database.url());
    let id = attached(&store);
    let fenced = Batch { fence: Some(0), ..batch(id, vec![new("a", "a.md")]) };
    let outcome = waited(&database.url(), &store, &fenced, "UPDATE lorebase.repository SET fence = fence + 1");
    assert_eq!(outcome, ApplyOutcome::Fenced(1));
}

#[test]
fn a_batch_that_waited_sees_the_record_that_was_written_meanwhile() {
    let database = Database::new();
    let store = opened(&database.url());
    let id = attached(&store);
    written(&store, id, vec![new("a", "a.md")]);
    let read = get(&store, id, "a");
    let write = RecordWrite { live: Slot::Set(live(content("a.md", "ours"))), ..RecordWrite::onto(&read) };
    let outcome = waited(&database.url(), &store, &batch(id, vec![write]), "UPDATE lorebase.knowledge SET stamp = stamp + 1");
    assert_eq!(outcome, ApplyOutcome::Moved(vec![0]));
    assert_eq!(get(&store, id, "a").live.unwrap().content.body, "a", "and has written nothing");
}

#[test]
fn a_batch_that_waited_sees_the_place_that_was_taken_meanwhile() {
    let database = Database::new();
    let store = opened(&database.url());
    let id = attached(&store);
    written(&store, id, vec![new("a", "a.md")]);
    let moved = "UPDATE lorebase.entity SET path = 'b.md', location_key = 'b.md'";
    let outcome = waited(&database.url(), &store, &batch(id, vec![new("b", "b.md")]), moved);
    assert!(matches!(outcome, ApplyOutcome::LocationTaken { write: 0, .. }), "{outcome:?}");
}

#[test]
fn an_applications_foreign_key_holds_up_no_writer() {
    let database = Database::new();
    let store = opened(&database.url());
    let id = attached(&store);
    written(&store, id, vec![new("a", "a.md")]);
    server::block_on(server::execute(&database.url(), "CREATE TABLE note (about bigint REFERENCES lorebase.knowledge (uid))"));
    let note = Lock::by(&database.url(), "INSERT INTO note SELECT uid FROM lorebase.knowledge");
    let read = get(&store, id, "a");
    let write = RecordWrite { live: Slot::Set(live(content("a.md", "ours"))), ..RecordWrite::onto(&read) };
    written(&store, id, vec![write]);
    note.end();
}

#[test]
fn who_waits_too_long_for_another_writer_is_told_so() {
    let database = Database::new();
    let options = PostgresOptions { patience: Duration::from_millis(200), ..PostgresOptions::new(database.url()) };
    let store = pollster::block_on(PostgresCache::open(options)).unwrap();
    let id = attached(&store);
    let lock = Lock::on_the_repository(&database.url());
    let error = pollster::block_on(store.apply(&batch(id, vec![new("a", "a.md")]))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy);
    assert!(error.to_string().contains("somebody else held what was to be written"), "{error}");
    lock.end();
    written(&store, id, vec![new("a", "a.md")]);
}

#[test]
fn a_statement_that_takes_too_long_is_told_and_leaves_nothing() {
    let database = Database::new();
    let options = PostgresOptions { statement_timeout: Duration::from_millis(200), ..PostgresOptions::new(database.url()) };
    let store = pollster::block_on(PostgresCache::open(options)).unwrap();
    let id = attached(&store);
    let lock = Lock::on_the_repository(&database.url());
    let error = pollster::block_on(store.apply(&batch(id, vec![new("a", "a.md")]))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy);
    assert!(error.to_string().contains("did not finish a statement within 0.2 s"), "{error}");
    lock.end();
    assert_eq!(pollster::block_on(store.records(id, &[super::records::key("a")])).unwrap(), [None]);
}
