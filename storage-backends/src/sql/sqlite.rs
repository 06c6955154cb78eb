//! The cache in one SQLite file (or in memory): WAL, `synchronous=FULL`, one writer at a time, readers that never
//! wait for it. Several processes may use one file; writers wait for each other at most the busy timeout.
//!
//! No other SQLite library may open the file within this process: closing it there would drop the locks held here.

mod apply;
mod bulk;
mod checkpoint;
mod columns;
mod diagnose;
mod failure;
mod index;
mod list;
mod log;
mod open;
mod read;
mod repository;
mod search;
mod source;
mod unique;
mod upsert;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use lorebase::knowledge::{Diagnostic, EntityKey, KindName, Location, LocationKey, Slug};
use lorebase::store::{
    ApplyOutcome, Batch, BlobId, CacheStore, Counts, KeptRevision, LeaseOutcome, LogEntry, LogQuery, ManifestRow, Outlook, Owner, Page,
    Prepared, PriorSave, Query, Record, RepositoryId, RepositoryKey, RepositoryRow, SearchHit, SourceState, UniqueValue, View,
};
use lorebase::{Error, Result};
use sqlx::pool::PoolConnection;
use sqlx::{Connection, Sqlite, SqlitePool};

use self::failure::{ends_transaction, told};
use super::failure::Failure;
use crate::failpoint;
use crate::runtime::run;

/// Records that a search indexes in one transaction before it begins.
const INDEXED_AT_ONCE: usize = 1024;

/// Where the database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SqlitePlace {
    /// A file. Beside it SQLite keeps `-wal` and `-shm` files, which belong to it.
    File(PathBuf),
    /// In this process, gone with it.
    Memory,
}

/// How to open a [`SqliteCache`].
///
/// ```
/// use lorebase_backends::sql::SqliteOptions;
///
/// let options = SqliteOptions { create: false, ..SqliteOptions::file("cache.db") };
/// assert_eq!(options.busy_timeout.as_secs(), 10);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteOptions {
    /// Where the database is.
    pub place: SqlitePlace,
    /// Whether a missing file is made.
    pub create: bool,
    /// How long a writer waits for another process before it is told `Busy`.
    pub busy_timeout: Duration,
}

impl SqliteOptions {
    /// A file, made when it is missing; a busy timeout of ten seconds.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self { place: SqlitePlace::File(path.into()), create: true, busy_timeout: Duration::from_secs(10) }
    }

    /// A database of its own in memory.
    pub fn memory() -> Self {
        Self { place: SqlitePlace::Memory, create: true, busy_timeout: Duration::from_secs(10) }
    }
}

/// A [`CacheStore`] in SQLite. Clones share the connections.
#[derive(Debug, Clone)]
pub struct SqliteCache {
    connections: Arc<Connections>,
}

#[derive(Debug)]
struct Connections {
    /// The file, for people.
    name: String,
    patience: Duration,
    /// One connection: writers of this process queue here, those of others in SQLite's own lock.
    writer: SqlitePool,
    readers: SqlitePool,
    /// Whether the writer may commit without waiting for the disk: left behind where light work ended in a panic.
    light: AtomicBool,
    /// Whether the log is being copied into the file beside the writer.
    copying: AtomicBool,
}

impl Connections {
    /// The writer, whose commits wait for the disk whatever happened before.
    async fn durable_writer(&self) -> Result<PoolConnection<Sqlite>, Failure> {
        let mut held = self.writer.acquire().await?;
        if self.light.load(Ordering::SeqCst) {
            sqlx::query("PRAGMA synchronous = FULL").execute(&mut *held).await?;
            self.light.store(false, Ordering::SeqCst);
        }
        Ok(held)
    }

    /// A connection whose transaction SQLite may have ended by itself is not used again; the next one is a new one.
    fn checked<T>(held: &mut PoolConnection<Sqlite>, outcome: Result<T, Failure>) -> Result<T, Failure> {
        if outcome.as_ref().is_err_and(ends_transaction) {
            held.close_on_drop();
        }
        outcome
    }

    fn told(&self, failure: Failure) -> Error {
        told(failure, &self.name, self.patience)
    }
}

/// Runs `$body` on a reading connection, whatever becomes of the caller.
macro_rules! reading {
    ($cache:expr, |$connection:ident| $body:expr) => {{
        let connections = Arc::clone(&$cache.connections);
        run(async move {
            let read = async {
                let mut held = connections.readers.acquire().await?;
                let read: Result<_, Failure> = async {
                    let $connection = &mut *held;
                    $body.await
                }
                .await;
                Connections::checked(&mut held, read)
            };
            read.await.map_err(|failure: Failure| connections.told(failure))
        })
        .await
    }};
}

/// Runs `$body` in one snapshot of the database.
macro_rules! reading_at_once {
    ($cache:expr, |$connection:ident| $body:expr) => {{
        let connections = Arc::clone(&$cache.connections);
        run(async move {
            let read = async {
                let mut held = connections.readers.acquire().await?;
                let read: Result<_, Failure> = async {
                    let mut transaction = held.begin().await?;
                    let $connection = &mut *transaction;
                    let value = $body.await?;
                    transaction.commit().await?;
                    Ok(value)
                }
                .await;
                Connections::checked(&mut held, read)
            };
            read.await.map_err(|failure: Failure| connections.told(failure))
        })
        .await
    }};
}

/// Runs `$body` in one transaction that holds the write lock from its beginning.
macro_rules! writing {
    ($cache:expr, |$connection:ident| $body:expr) => {{
        let connections = Arc::clone(&$cache.connections);
        run(async move {
            let write = async {
                let mut held = connections.durable_writer().await?;
                let written: Result<_, Failure> = async {
                    let mut transaction = held.begin_with("BEGIN IMMEDIATE").await?;
                    let $connection = &mut *transaction;
                    let value = $body.await?;
                    failpoint::hit("sql.write.written");
                    transaction.commit().await?;
                    failpoint::hit("sql.write.committed");
                    Ok(value)
                }
                .await;
                Connections::checked(&mut held, written)
            };
            write.await.map_err(|failure: Failure| connections.told(failure))
        })
        .await
    }};
}

/// The same, but the commit does not wait for the disk: it is there with the next one that does, or not at all when the
/// power fails before. For what means nothing once all processes of the machine are gone (a lease), or is noted
/// until it is done (the index).
macro_rules! writing_lightly {
    ($cache:expr, |$connection:ident| $body:expr) => {{
        let connections = Arc::clone(&$cache.connections);
        run(async move {
            let write = async {
                let mut held = connections.writer.acquire().await?;
                connections.light.store(true, Ordering::SeqCst);
                sqlx::query("PRAGMA synchronous = NORMAL").execute(&mut *held).await?;
                let written: Result<_, Failure> = async {
                    let mut transaction = held.begin_with("BEGIN IMMEDIATE").await?;
                    let $connection = &mut *transaction;
                    let value = $body.await?;
                    failpoint::hit("sql.light.written");
                    transaction.commit().await?;
                    failpoint::hit("sql.light.committed");
                    Ok(value)
                }
                .await;
                if let Err(error) = sqlx::query("PRAGMA synchronous = FULL").execute(&mut *held).await {
                    // The next one is opened as it should be.
                    held.close().await?;
                    connections.light.store(false, Ordering::SeqCst);
                    return Err(error.into());
                }
                connections.light.store(false, Ordering::SeqCst);
                Connections::checked(&mut held, written)
            };
            write.await.map_err(|failure: Failure| connections.told(failure))
        })
        .await
    }};
}

impl SqliteCache {
    /// Opens the database and brings its tables up to date.
    ///
    /// # Errors
    /// `NotFound` (no such file and `create` is off, or no such folder), `Unavailable` (it cannot be read or
    /// written), `Corrupt` (no SQLite database, or a damaged one), `Unsupported` (made by a newer version), `Busy`
    /// (locked by another process for longer than the busy timeout).
    pub async fn open(options: SqliteOptions) -> Result<Self> {
        run(async move { open::open(options).await }).await
    }

    /// Reads the whole database and says what is damaged; an empty list means that it is sound. Slow on large files.
    ///
    /// # Errors
    /// As every method of [`CacheStore`].
    pub async fn check(&self) -> Result<Vec<String>> {
        // A check of the text index counts as writing.
        writing!(self, |connection| open::check(connection))
    }

    /// The index lags behind after much was written at once: a search waits until it knows everything.
    async fn index_all(&self) -> Result<()> {
        while self.index(INDEXED_AT_ONCE).await? > 0 {}
        Ok(())
    }

    /// Closes all connections; calls that are under way are finished first.
    pub async fn close(&self) {
        let connections = Arc::clone(&self.connections);
        let closed = run(async move {
            connections.readers.close().await;
            connections.writer.close().await;
            Ok(())
        });
        if let Err(error) = closed.await {
            tracing::warn!(%error, "the cache was not closed cleanly");
        }
    }
}

#[async_trait]
impl CacheStore for SqliteCache {
    async fn attach(&self, key: &RepositoryKey, now: Timestamp) -> Result<RepositoryRow> {
        let asked = key.clone();
        if let Some(found) = reading_at_once!(self, |connection| repository::find(connection, &asked))? {
            return Ok(found);
        }
        let key = key.clone();
        writing!(self, |connection| repository::attach(connection, &key, now))
    }

    async fn repository(&self, id: RepositoryId) -> Result<RepositoryRow> {
        reading!(self, |connection| repository::read(connection, id))
    }

    async fn outlook(&self, id: RepositoryId, due: Option<Timestamp>) -> Result<Outlook> {
        reading!(self, |connection| repository::outlook(connection, id, due))
    }

    async fn lease(&self, id: RepositoryId, owner: &Owner, now: Timestamp, ttl: Duration, replacing: Option<u64>) -> Result<LeaseOutcome> {
        let owner = owner.clone();
        writing_lightly!(self, |connection| repository::lease(connection, id, &owner, now, ttl, replacing))
    }

    async fn release(&self, id: RepositoryId, fence: u64) -> Result<()> {
        writing_lightly!(self, |connection| repository::release(connection, id, fence))
    }

    async fn apply(&self, batch: &Batch) -> Result<ApplyOutcome> {
        self.apply_shared(Arc::new(batch.clone())).await
    }

    async fn apply_shared(&self, batch: Arc<Batch>) -> Result<ApplyOutcome> {
        let connections = Arc::clone(&self.connections);
        run(async move {
            let many = batch.writes.len() >= checkpoint::MANY;
            let write = async {
                let mut held = connections.durable_writer().await?;
                failpoint::hit("sql.apply.asked");
                let written = async {
                    let mut transaction = held.begin_with("BEGIN IMMEDIATE").await?;
                    failpoint::hit("sql.apply.begun");
                    let outcome = apply::apply(&mut transaction, &batch).await?;
                    match outcome {
                        ApplyOutcome::Applied { .. } => {
                            failpoint::hit("sql.apply.written");
                            transaction.commit().await?;
                            failpoint::hit("sql.apply.committed");
                        }
                        _ => transaction.rollback().await?,
                    }
                    Ok(outcome)
                };
                let written = written.await;
                if many {
                    checkpoint::beside(&connections);
                }
                Connections::checked(&mut held, written)
            };
            write.await.map_err(|failure: Failure| connections.told(failure))
        })
        .await
    }

    async fn records(&self, id: RepositoryId, keys: &[EntityKey]) -> Result<Vec<Option<Record>>> {
        let keys = keys.to_vec();
        reading!(self, |connection| read::by_key(connection, id, &keys))
    }

    async fn records_by_uid(&self, id: RepositoryId, uids: &[i64]) -> Result<Vec<Option<Record>>> {
        let uids = uids.to_vec();
        reading!(self, |connection| read::by_uid(connection, id, &uids))
    }

    async fn records_at(&self, id: RepositoryId, locations: &[LocationKey]) -> Result<Vec<Record>> {
        let locations = locations.to_vec();
        reading!(self, |connection| read::at(connection, id, &locations))
    }

    async fn records_in(&self, id: RepositoryId, paths: &[String]) -> Result<Vec<Record>> {
        let paths = paths.to_vec();
        reading!(self, |connection| read::in_files(connection, id, &paths))
    }

    async fn records_by_slug(&self, id: RepositoryId, kind: &KindName, slug: &Slug) -> Result<Vec<Record>> {
        let (kind, slug) = (kind.clone(), slug.clone());
        reading!(self, |connection| read::by_slug(connection, id, &kind, &slug))
    }

    async fn holders(&self, id: RepositoryId, values: &[UniqueValue]) -> Result<Vec<Option<i64>>> {
        let asked = values.to_vec();
        let found = reading!(self, |connection| unique::holders(connection, id, &asked.iter().collect::<Vec<_>>()))?;
        Ok(values.iter().map(|value| found.get(value).copied()).collect())
    }

    async fn records_by_field(&self, id: RepositoryId, kind: &KindName, field: &str, value: &serde_json::Value) -> Result<Vec<Record>> {
        self.index_all().await?;
        let (kind, field, value) = (kind.clone(), field.to_owned(), value.clone());
        reading!(self, |connection| search::by_field(connection, id, &kind, &field, &value))
    }

    async fn manifest(&self, id: RepositoryId, after: Option<&Location>, limit: usize) -> Result<Vec<ManifestRow>> {
        let after = after.cloned();
        reading!(self, |connection| read::manifest(connection, id, after.as_ref(), limit))
    }

    async fn pending(&self, id: RepositoryId, due: Option<Timestamp>, limit: usize) -> Result<Vec<Record>> {
        reading!(self, |connection| read::pending(connection, id, due, limit))
    }

    async fn waiting(&self, id: RepositoryId, due: Option<Timestamp>, limit: usize) -> Result<Vec<i64>> {
        reading!(self, |connection| read::waiting(connection, id, due, limit))
    }

    async fn conflicts(&self, id: RepositoryId) -> Result<Vec<Record>> {
        reading!(self, |connection| read::in_state(connection, id, "conflict"))
    }

    async fn dead(&self, id: RepositoryId) -> Result<Vec<Record>> {
        reading!(self, |connection| read::dead(connection, id))
    }

    async fn drafts(&self, id: RepositoryId) -> Result<Vec<Record>> {
        reading!(self, |connection| read::in_state(connection, id, "draft"))
    }

    async fn revision(&self, id: RepositoryId, uid: i64, revision: u64) -> Result<Option<KeptRevision>> {
        reading!(self, |connection| read::revision(connection, id, uid, revision))
    }

    async fn prune(&self, id: RepositoryId, before: Timestamp) -> Result<u64> {
        writing!(self, |connection| repository::prune(connection, id, before))
    }

    async fn source(&self, id: RepositoryId, uid: i64, source: &str) -> Result<Option<SourceState>> {
        let source = source.to_owned();
        reading!(self, |connection| source::read(connection, id, uid, &source))
    }

    async fn said_by(&self, id: RepositoryId, source: &str, after: i64, limit: usize) -> Result<Vec<(i64, SourceState)>> {
        let source = source.to_owned();
        reading!(self, |connection| source::said_by(connection, id, &source, after, limit))
    }

    async fn prepared(&self, id: RepositoryId) -> Result<Vec<Prepared>> {
        reading!(self, |connection| repository::prepared(connection, id))
    }

    async fn prior_save(&self, id: RepositoryId, idempotency_key: &str) -> Result<Option<PriorSave>> {
        let keys = [idempotency_key.to_owned()];
        reading!(self, |connection| log::prior_saves(connection, id, &keys)).map(|found| found.into_iter().next().map(|(_, prior)| prior))
    }

    async fn diagnostics(&self, id: RepositoryId) -> Result<Vec<(Diagnostic, Option<BlobId>)>> {
        reading!(self, |connection| diagnose::read(connection, id))
    }

    async fn list(&self, id: RepositoryId, query: &Query) -> Result<Page> {
        let query = query.clone();
        reading_at_once!(self, |connection| list::list(connection, id, &query))
    }

    async fn index(&self, most: usize) -> Result<u64> {
        // Mostly there is nothing to do, and then no lock is asked for.
        if reading!(self, |connection| index::waiting(connection))? == 0 {
            return Ok(0);
        }
        writing_lightly!(self, |connection| index::some(connection, most))
    }

    async fn search(&self, id: RepositoryId, text: &str, kind: Option<&KindName>, view: View, limit: usize) -> Result<Vec<SearchHit>> {
        self.index_all().await?;
        let (text, kind) = (text.to_owned(), kind.cloned());
        reading_at_once!(self, |connection| search::search(connection, id, &text, kind.as_ref(), view, limit))
    }

    async fn log(&self, id: RepositoryId, query: &LogQuery) -> Result<Vec<LogEntry>> {
        let query = query.clone();
        reading!(self, |connection| log::read(connection, id, &query))
    }

    async fn counts(&self, id: RepositoryId, failures_since: Timestamp) -> Result<Counts> {
        reading_at_once!(self, |connection| repository::counts(connection, id, failures_since))
    }
}

#[cfg(test)]
mod tests {
    use lorebase::ErrorKind;
    use sqlx::SqliteConnection;

    use super::*;

    const NORMAL: i64 = 1;
    const FULL: i64 = 2;

    async fn synchronous(connection: &mut SqliteConnection) -> Result<i64, Failure> {
        Ok(sqlx::query_scalar("PRAGMA synchronous").fetch_one(connection).await?)
    }

    async fn failing(connection: &mut SqliteConnection) -> Result<(), Failure> {
        assert_eq!(synchronous(connection).await?, NORMAL);
        Err(Error::new(ErrorKind::NotFound, "it is meant to fail").into())
    }

    async fn panicking(connection: &mut SqliteConnection) -> Result<(), Failure> {
        assert_eq!(synchronous(connection).await?, FULL, "it is meant to panic");
        Ok(())
    }

    /// More statements than a connection keeps prepared.
    async fn many_others(connection: &mut SqliteConnection) -> Result<(), Failure> {
        for number in 0..150 {
            sqlx::query(sqlx::AssertSqlSafe(format!("SELECT {number}"))).execute(&mut *connection).await?;
        }
        Ok(())
    }

    #[test]
    fn only_what_need_not_wait_for_the_disk_does_not_wait_however_often() {
        let folder = tempfile::tempdir().unwrap();
        let done: Result<()> = pollster::block_on(async {
            let cache = SqliteCache::open(SqliteOptions::file(folder.path().join("cache.db"))).await?;
            for round in 0..4 {
                assert_eq!(writing!(cache, |connection| synchronous(connection))?, FULL, "before {round}");
                assert_eq!(writing_lightly!(cache, |connection| synchronous(connection))?, NORMAL, "{round}");
                assert_eq!(writing!(cache, |connection| synchronous(connection))?, FULL, "after {round}");
                let failed = writing_lightly!(cache, |connection| failing(connection));
                assert_eq!(failed.unwrap_err().kind(), ErrorKind::NotFound);
                assert_eq!(writing!(cache, |connection| synchronous(connection))?, FULL, "after a failure in {round}");
                assert!(writing_lightly!(cache, |connection| panicking(connection)).is_err(), "a panic is an error in {round}");
                assert_eq!(writing!(cache, |connection| synchronous(connection))?, FULL, "after a panic in {round}");
                writing!(cache, |connection| many_others(connection))?;
            }
            Ok(())
        });
        done.unwrap();
    }
}
