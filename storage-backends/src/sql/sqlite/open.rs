//! Opening: the connections, the tables, and everything that can be wrong with a file, told by name.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use lorebase::{Error, ErrorKind, Result};
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, SqlSafeStr};

use super::super::failure::Failure;
use super::failure::{is_busy, is_misfit, told};
use super::{Connections, SqliteCache, SqliteOptions, SqlitePlace, checkpoint};
use crate::failpoint;

const READERS: u32 = 4;
/// How long a call waits for a connection of this process: the queue of writers always moves.
const QUEUE: Duration = Duration::from_mins(1);
const TABLES: &str = include_str!("../../../migrations/sqlite/0001_tables.sql");

fn migrator() -> Migrator {
    let tables = Migration::new(1, "tables".into(), MigrationType::Simple, TABLES.into_sql_str(), false);
    let mut migrator = Migrator::with_migrations(vec![tables]);
    // A table of our own: the file may also hold an application's tables and its migrations.
    migrator.dangerous_set_table_name("lorebase_migration");
    migrator
}

fn newest(migrator: &Migrator) -> i64 {
    migrator.iter().map(|migration| migration.version).max().unwrap_or(0)
}

pub(super) async fn open(options: SqliteOptions) -> Result<SqliteCache> {
    let (name, connect) = match &options.place {
        SqlitePlace::Memory => ("memory".to_owned(), SqliteConnectOptions::new().in_memory(true)),
        SqlitePlace::File(path) => {
            look(path, options.create)?;
            let connect = SqliteConnectOptions::new()
                .filename(path)
                .create_if_missing(options.create)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full);
            (path.display().to_string(), connect)
        }
    };
    let patience = options.busy_timeout;
    let connect = connect.busy_timeout(patience).foreign_keys(true).pragma("cache_size", "-16000").disable_statement_logging();
    // Rows cross a thread: fewer, larger portions; and a checkpoint for each few batches instead of for each.
    let connect = connect.row_buffer_size(512).pragma("wal_autocheckpoint", "4000");
    let explain = |failure| told(failure, &name, patience);

    settle(&connect, patience, &options.place, &name).await?;
    let pool =
        || SqlitePoolOptions::new().acquire_timeout(QUEUE.max(patience)).idle_timeout(None).max_lifetime(None).test_before_acquire(false);
    let writer = pool().max_connections(1).connect_with(connect.clone()).await.map_err(|error| explain(error.into()))?;
    let readers = match options.place {
        SqlitePlace::File(_) => {
            pool().max_connections(READERS).connect_lazy_with(connect.pragma("query_only", "ON").pragma("cache_size", "-8000"))
        }
        SqlitePlace::Memory => {
            // Every connection to memory is a database of its own, so there is only one.
            let mut connection = writer.acquire().await.map_err(|error| explain(error.into()))?;
            migrate(&mut connection, &name).await.map_err(explain)?;
            writer.clone()
        }
    };
    let version: String =
        sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&readers).await.map_err(|error| told(error.into(), &name, patience))?;
    Ok(SqliteCache {
        connections: Arc::new(Connections {
            name,
            patience,
            writer,
            readers,
            light: AtomicBool::new(false),
            // Memory has no log that could be copied.
            copying: AtomicBool::new(options.place == SqlitePlace::Memory || !checkpoint::is_safe(&version)),
        }),
    })
}

/// What can be said before SQLite is asked.
fn look(path: &Path, create: bool) -> Result<()> {
    let shown = path.display();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let wrong = |kind, message: String| Err(Error::new(kind, message).with("path", shown.to_string()));
    if path.is_dir() {
        return wrong(ErrorKind::InvalidInput, format!("the cache `{shown}` is a folder; name a file"));
    }
    if path.exists() {
        return Ok(());
    }
    if !folder.is_dir() {
        let folder = folder.display();
        return wrong(
            ErrorKind::NotFound,
            format!("the cache `{shown}` cannot be made because the folder `{folder}` does not exist; make it first"),
        );
    }
    if !create {
        return wrong(
            ErrorKind::NotFound,
            format!("the cache `{shown}` does not exist; open it with `create` to make a new one, which is then filled from git"),
        );
    }
    Ok(())
}

/// Brings a file into shape. Changing to WAL needs the file for itself and does not wait for others by itself, so
/// that many processes that open a new file at once are tried again until the busy timeout.
async fn settle(connect: &SqliteConnectOptions, patience: Duration, place: &SqlitePlace, name: &str) -> Result<()> {
    if *place == SqlitePlace::Memory {
        return Ok(());
    }
    let begun = Instant::now();
    let mut pause = Duration::from_millis(2);
    loop {
        let settled = async {
            let mut connection = connect.connect().await?;
            let migrated = migrate(&mut connection, name).await;
            sqlx::Connection::close(connection).await?;
            migrated
        };
        match settled.await {
            Err(Failure::Sql(error)) if is_busy(&error) && begun.elapsed() < patience => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_millis(50));
            }
            settled => return settled.map_err(|failure| told(failure, name, patience)),
        }
    }
}

async fn migrate(connection: &mut SqliteConnection, name: &str) -> Result<(), Failure> {
    let migrator = migrator();
    let ours = newest(&migrator);
    if version(connection).await? == Some(ours) {
        return Ok(());
    }
    failpoint::hit("sql.migrate.asked");
    // Who comes second finds the tables made: the version is read again under the lock.
    let mut transaction = sqlx::Connection::begin_with(connection, "BEGIN IMMEDIATE").await?;
    match version(&mut transaction).await? {
        Some(theirs) if theirs > ours => {
            let message = format!(
                "the cache `{name}` has tables of version {theirs}, made by a newer lorebase; this one knows version {ours}: upgrade lorebase"
            );
            return Err(Error::new(ErrorKind::Unsupported, message).with("path", name).with("found", theirs).with("known", ours).into());
        }
        Some(theirs) if theirs == ours => {}
        _ => migrator.run_direct(None, &mut *transaction, false).await.map_err(|error| unmade(error, name))?,
    }
    failpoint::hit("sql.migrate.made");
    transaction.commit().await?;
    failpoint::hit("sql.migrate.committed");
    Ok(())
}

fn unmade(error: MigrateError, name: &str) -> Failure {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) if !is_misfit(&error) => Failure::Sql(error),
        error => {
            let message = format!(
                "the cache's tables cannot be made in `{name}` ({error}): it holds tables of the same names; give the cache a file of its own"
            );
            Failure::Told(Error::new(ErrorKind::Unsupported, message).with("path", name).caused_by(error))
        }
    }
}

/// The version of the tables; `None` for a database without them.
async fn version(connection: &mut SqliteConnection) -> Result<Option<i64>, Failure> {
    let known: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'lorebase_migration'")
        .fetch_one(&mut *connection)
        .await?;
    if known == 0 {
        return Ok(None);
    }
    Ok(sqlx::query_scalar("SELECT max(version) FROM lorebase_migration WHERE success").fetch_one(&mut *connection).await?)
}

/// SQLite's own checks of pages, references and the text indexes.
pub(super) async fn check(connection: &mut SqliteConnection) -> Result<Vec<String>, Failure> {
    let mut found: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check").fetch_all(&mut *connection).await?;
    found.retain(|line| line != "ok");
    let dangling: Vec<String> =
        sqlx::query_scalar("SELECT \"table\" || ' row ' || rowid || ' refers to nothing in ' || parent FROM pragma_foreign_key_check")
            .fetch_all(&mut *connection)
            .await?;
    found.extend(dangling);
    if let Err(error) = sqlx::query("INSERT INTO word (word) VALUES ('integrity-check')").execute(&mut *connection).await {
        found.push(format!("the text index is damaged ({error})"));
    }
    let unequal: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM word_docsize d \
         FULL JOIN (SELECT 2 * uid AS id FROM entity UNION ALL SELECT 2 * uid + 1 FROM change) v ON v.id = d.id \
         WHERE (d.id IS NULL OR v.id IS NULL) AND coalesce(d.id, v.id) / 2 NOT IN (SELECT uid FROM unindexed)",
    )
    .fetch_one(&mut *connection)
    .await?;
    if unequal > 0 {
        found.push(format!("the text index does not fit its tables in {unequal} rows"));
    }
    Ok(found)
}
