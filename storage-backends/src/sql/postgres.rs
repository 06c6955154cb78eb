//! The cache in PostgreSQL, in a schema of its own (`lorebase`): many processes on many machines share it. Writers of one
//! repository come one after the other, by the lock of its row, which ends with their transaction; readers never wait.
//! Nothing depends on a session: no advisory lock outlives a transaction, nothing is heard by LISTEN.

mod apply;
mod bulk;
mod clock;
mod columns;
mod connections;
mod failure;
mod index;
mod list;
mod log;
mod moment;
mod open;
mod read;
mod repository;
mod search;
mod texts;
mod unique;
mod upsert;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use lorebase::Result;
use lorebase::knowledge::{Diagnostic, EntityKey, KindName, Location, LocationKey, Slug};
use lorebase::store::{
    ApplyOutcome, Batch, BlobId, CacheStore, Counts, KeptRevision, LeaseOutcome, LogEntry, LogQuery, ManifestRow, Outlook, Owner, Page,
    Prepared, PriorSave, Query, Record, RepositoryId, RepositoryKey, RepositoryRow, SearchHit, SourceState, UniqueValue, View,
};

pub use self::clock::LeaseClock;
use self::connections::{Connections, Mode, Tries};
use super::failure::Failure;
use crate::failpoint;
use crate::runtime::run;

/// Records that a search indexes in one transaction before it begins.
const INDEXED_BEFORE_A_SEARCH: usize = 1024;

/// How to open a [`PostgresCache`].
///
/// ```
/// use lorebase_backends::sql::PostgresOptions;
///
/// let options = PostgresOptions::new("postgres://app:secret@db.internal/knowledge?statement-cache-capacity=0");
/// assert_eq!((options.statement_cache, options.max_connections), (0, 8));
/// assert!(!format!("{options:?}").contains("secret"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresOptions {
    /// `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, with `sslmode`, `sslrootcert` and the like as for `psql`. What it
    /// does not say is taken from `PGHOST`, `PGUSER`, `PGPASSWORD` and so on.
    pub url: String,
    /// How many connections are open at most.
    pub max_connections: u32,
    /// How many statements a connection keeps prepared. With 0, for proxies that give each transaction another session,
    /// every call is a transaction of its own that sets its time-outs itself.
    pub statement_cache: usize,
    /// How long a statement may take.
    pub statement_timeout: Duration,
    /// How long a call waits for a connection, and for others who write to the same repository.
    pub patience: Duration,
    /// Whose clock says when a lease ends.
    pub clock: LeaseClock,
}

impl PostgresOptions {
    /// Eight connections of a hundred statements (or `statement-cache-capacity` of the URL), a minute for a statement, ten
    /// seconds of patience, the database's clock.
    pub fn new(url: impl Into<String>) -> Self {
        let url = url.into();
        let pairs = url.split_once('?').map_or("", |(_, pairs)| pairs).split('&').filter_map(|pair| pair.split_once('='));
        let named = pairs.filter(|(name, _)| *name == "statement-cache-capacity").filter_map(|(_, value)| value.parse().ok()).next_back();
        Self {
            statement_cache: named.unwrap_or(100),
            url,
            max_connections: 8,
            statement_timeout: Duration::from_mins(1),
            patience: Duration::from_secs(10),
            clock: LeaseClock::default(),
        }
    }
}

// The URL holds the password.
impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("max_connections", &self.max_connections)
            .field("statement_cache", &self.statement_cache)
            .field("statement_timeout", &self.statement_timeout)
            .field("patience", &self.patience)
            .field("clock", &self.clock)
            .finish_non_exhaustive()
    }
}

/// A [`CacheStore`] in PostgreSQL 13 or newer. Clones share the connections.
#[derive(Debug, Clone)]
pub struct PostgresCache {
    connections: Arc<Connections>,
}

/// Runs `$body` on a connection of the mode, again where it certainly came to nothing, whatever becomes of the caller.
macro_rules! calling {
    ($cache:expr, $mode:ident, |$connection:ident| $body:expr) => {{
        let connections = Arc::clone(&$cache.connections);
        run(async move {
            let mut tries = Tries::begin();
            loop {
                let called: Result<_, Failure> = async {
                    let mut held = connections.hold(Mode::$mode).await?;
                    let value = {
                        let $connection = held.connection();
                        $body.await?
                    };
                    connections.commit(held).await?;
                    Ok(value)
                }
                .await;
                match called {
                    Ok(value) => break Ok(value),
                    Err(failure) => tries.again(&connections, failure).await?,
                }
            }
        })
        .await
    }};
}

impl PostgresCache {
    /// Connects, and brings the tables up to date. The schema `lorebase` is made where it is missing, which needs the right
    /// to create schemas, unless an administrator made it.
    ///
    /// # Errors
    /// `InvalidInput` (a URL of another form), `Unauthorized` (wrong password, no right to make the tables), `NotFound` (no
    /// such database), `Unsupported` (a server before 13, another encoding than UTF-8, tables of a newer version),
    /// `Unavailable` (no server there), `Busy` (no connection left). Each names the server, none the password.
    pub async fn open(options: PostgresOptions) -> Result<Self> {
        run(async move { open::open(options).await }).await.map(|connections| Self { connections: Arc::new(connections) })
    }

    /// Reads all tables and says what of them does not fit together; an empty list means that all does. Slow on large ones.
    ///
    /// # Errors
    /// As every method of [`CacheStore`].
    pub async fn check(&self) -> Result<Vec<String>> {
        calling!(self, Snapshot, |connection| open::check(connection))
    }

    /// Closes all connections; calls that are under way are finished first.
    pub async fn close(&self) {
        let connections = Arc::clone(&self.connections);
        let closed = run(async move {
            connections.pool.close().await;
            Ok(())
        });
        if let Err(error) = closed.await {
            tracing::warn!(%error, "the cache was not closed cleanly");
        }
    }

    /// The index lags behind after much was written at once: a search waits until it knows everything.
    async fn index_all(&self) -> Result<()> {
        while self.index(INDEXED_BEFORE_A_SEARCH).await? > 0 {}
        Ok(())
    }
}

#[async_trait]
impl CacheStore for PostgresCache {
    async fn attach(&self, key: &RepositoryKey, now: Timestamp) -> Result<RepositoryRow> {
        let asked = key.clone();
        if let Some(found) = calling!(self, Read, |connection| repository::find(connection, &asked))? {
            return Ok(found);
        }
        let key = key.clone();
        calling!(self, Write, |connection| repository::attach(connection, &key, now))
    }

    async fn repository(&self, id: RepositoryId) -> Result<RepositoryRow> {
        calling!(self, Read, |connection| repository::read(connection, id))
    }

    async fn outlook(&self, id: RepositoryId, due: Option<Timestamp>) -> Result<Outlook> {
        let (outlook, more) = calling!(self, Read, |connection| repository::look(connection, id, due))?;
        if !more {
            return Ok(outlook);
        }
        calling!(self, Snapshot, |connection| repository::outlook(connection, id, due))
    }

    async fn lease(&self, id: RepositoryId, owner: &Owner, now: Timestamp, ttl: Duration, replacing: Option<u64>) -> Result<LeaseOutcome> {
        let owner = owner.clone();
        let when = (now, ttl, self.connections.clock);
        calling!(self, Write, |connection| repository::lease(connection, id, &owner, when, replacing))
    }

    async fn release(&self, id: RepositoryId, fence: u64) -> Result<()> {
        calling!(self, Write, |connection| repository::release(connection, id, fence))
    }

    async fn apply(&self, batch: &Batch) -> Result<ApplyOutcome> {
        self.apply_shared(Arc::new(batch.clone())).await
    }

    async fn apply_shared(&self, batch: Arc<Batch>) -> Result<ApplyOutcome> {
        let connections = Arc::clone(&self.connections);
        run(async move {
            let mut tries = Tries::begin();
            loop {
                let applied: Result<_, Failure> = async {
                    failpoint::hit("sql.apply.asked");
                    let mut held = connections.hold(Mode::Write).await?;
                    let outcome = apply::apply(held.connection(), &batch, connections.clock).await?;
                    if matches!(outcome, ApplyOutcome::Applied { .. }) {
                        failpoint::hit("sql.apply.written");
                        connections.commit(held).await?;
                        failpoint::hit("sql.apply.committed");
                    } else {
                        held.roll_back().await?;
                    }
                    Ok(outcome)
                }
                .await;
                match applied {
                    Ok(outcome) => break Ok(outcome),
                    Err(failure) => tries.again(&connections, failure).await?,
                }
            }
        })
        .await
    }

    async fn records(&self, id: RepositoryId, keys: &[EntityKey]) -> Result<Vec<Option<Record>>> {
        let keys = keys.to_vec();
        calling!(self, Read, |connection| read::by_key(connection, id, &keys))
    }

    async fn records_by_uid(&self, id: RepositoryId, uids: &[i64]) -> Result<Vec<Option<Record>>> {
        let uids = uids.to_vec();
        calling!(self, Read, |connection| read::by_uid(connection, id, &uids))
    }

    async fn records_at(&self, id: RepositoryId, locations: &[LocationKey]) -> Result<Vec<Record>> {
        let locations = locations.to_vec();
        calling!(self, Read, |connection| read::at(connection, id, &locations))
    }

    async fn records_in(&self, id: RepositoryId, paths: &[String]) -> Result<Vec<Record>> {
        let paths = paths.to_vec();
        calling!(self, Read, |connection| read::in_files(connection, id, &paths))
    }

    async fn records_by_slug(&self, id: RepositoryId, kind: &KindName, slug: &Slug) -> Result<Vec<Record>> {
        let (kind, slug) = (kind.clone(), slug.clone());
        calling!(self, Read, |connection| read::by_slug(connection, id, &kind, &slug))
    }

    async fn holders(&self, id: RepositoryId, values: &[UniqueValue]) -> Result<Vec<Option<i64>>> {
        let asked = values.to_vec();
        let found = calling!(self, Read, |connection| unique::holders(connection, id, &asked.iter().collect::<Vec<_>>()))?;
        Ok(values.iter().map(|value| found.get(value).copied()).collect())
    }

    async fn records_by_field(&self, id: RepositoryId, kind: &KindName, field: &str, value: &serde_json::Value) -> Result<Vec<Record>> {
        self.index_all().await?;
        let (kind, field, value) = (kind.clone(), field.to_owned(), value.clone());
        calling!(self, Snapshot, |connection| search::by_field(connection, id, &kind, &field, &value))
    }

    async fn manifest(&self, id: RepositoryId, after: Option<&Location>, limit: usize) -> Result<Vec<ManifestRow>> {
        let after = after.cloned();
        calling!(self, Read, |connection| read::manifest(connection, id, after.as_ref(), limit))
    }

    async fn pending(&self, id: RepositoryId, due: Option<Timestamp>, limit: usize) -> Result<Vec<Record>> {
        calling!(self, Read, |connection| read::pending(connection, id, due, limit))
    }

    async fn waiting(&self, id: RepositoryId, due: Option<Timestamp>, limit: usize) -> Result<Vec<i64>> {
        calling!(self, Read, |connection| read::waiting(connection, id, due, limit))
    }

    async fn conflicts(&self, id: RepositoryId) -> Result<Vec<Record>> {
        calling!(self, Read, |connection| read::in_state(connection, id, "conflict"))
    }

    async fn dead(&self, id: RepositoryId) -> Result<Vec<Record>> {
        calling!(self, Read, |connection| read::dead(connection, id))
    }

    async fn drafts(&self, id: RepositoryId) -> Result<Vec<Record>> {
        calling!(self, Read, |connection| read::in_state(connection, id, "draft"))
    }

    async fn revision(&self, id: RepositoryId, uid: i64, revision: u64) -> Result<Option<KeptRevision>> {
        calling!(self, Read, |connection| read::revision(connection, id, uid, revision))
    }

    async fn prune(&self, id: RepositoryId, before: Timestamp) -> Result<u64> {
        calling!(self, Write, |connection| repository::prune(connection, id, before))
    }

    async fn source(&self, id: RepositoryId, uid: i64, source: &str) -> Result<Option<SourceState>> {
        let source = source.to_owned();
        calling!(self, Read, |connection| read::source(connection, id, uid, &source))
    }

    async fn said_by(&self, id: RepositoryId, source: &str, after: i64, limit: usize) -> Result<Vec<(i64, SourceState)>> {
        let source = source.to_owned();
        calling!(self, Read, |connection| read::said_by(connection, id, &source, after, limit))
    }

    async fn prepared(&self, id: RepositoryId) -> Result<Vec<Prepared>> {
        calling!(self, Read, |connection| repository::prepared(connection, id))
    }

    async fn prior_save(&self, id: RepositoryId, idempotency_key: &str) -> Result<Option<PriorSave>> {
        let keys = [idempotency_key.to_owned()];
        let found = calling!(self, Read, |connection| log::prior_saves(connection, id, &keys))?;
        Ok(found.into_iter().next().map(|(_, prior)| prior))
    }

    async fn diagnostics(&self, id: RepositoryId) -> Result<Vec<(Diagnostic, Option<BlobId>)>> {
        calling!(self, Read, |connection| read::findings(connection, id))
    }

    async fn list(&self, id: RepositoryId, query: &Query) -> Result<Page> {
        let query = query.clone();
        calling!(self, Snapshot, |connection| list::list(connection, id, &query))
    }

    async fn index(&self, most: usize) -> Result<u64> {
        // Mostly there is nothing to do, and then nothing is locked.
        if calling!(self, Read, |connection| index::waiting(connection))? == 0 {
            return Ok(0);
        }
        calling!(self, Light, |connection| index::some(connection, most))
    }

    async fn search(&self, id: RepositoryId, text: &str, kind: Option<&KindName>, view: View, limit: usize) -> Result<Vec<SearchHit>> {
        self.index_all().await?;
        let (text, kind) = (text.to_owned(), kind.cloned());
        calling!(self, Snapshot, |connection| search::search(connection, id, &text, kind.as_ref(), view, limit))
    }

    async fn log(&self, id: RepositoryId, query: &LogQuery) -> Result<Vec<LogEntry>> {
        let query = query.clone();
        calling!(self, Read, |connection| log::read(connection, id, &query))
    }

    async fn counts(&self, id: RepositoryId, failures_since: Timestamp) -> Result<Counts> {
        calling!(self, Read, |connection| repository::counts(connection, id, failures_since))
    }
}
