//! Opening: what can be wrong with a server, a role or a database, told by name; and the tables.

use std::time::Duration;

use lorebase::{Error, ErrorKind, Result};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};

use super::super::failure::Failure;
use super::PostgresOptions;
use super::connections::{Begin, Connections};
use super::failure::{Place, code, name, told};
use crate::failpoint;

/// The oldest server whose SQL this is.
const OLDEST: u32 = 130_000;

/// Held while the tables are made, until the transaction ends; an arbitrary number ("lorebase").
const MIGRATING: i64 = 0x6c6f_7265_6261_7365;

/// The steps from no tables to ours, the first one makes version 1. They only ever grow.
const STEPS: [&str; 1] = [include_str!("../../../migrations/postgres/0001_tables.sql")];

/// A connection that rested for so long is tried before it is used.
const RESTED: Duration = Duration::from_secs(1);

pub(super) async fn open(options: PostgresOptions) -> Result<Connections> {
    let connect: PgConnectOptions = options.url.parse().map_err(|error| told(Failure::Sql(error), &nowhere(&options)))?;
    let place = place(&connect, &options);
    let proxied = options.statement_cache == 0;
    let connect = connect.statement_cache_capacity(options.statement_cache).extra_float_digits(None).disable_statement_logging();
    let limits = [
        ("statement_timeout", options.statement_timeout),
        ("lock_timeout", options.patience),
        // Who is stopped in the middle of a transaction does not hold up the others for ever.
        ("idle_in_transaction_session_timeout", options.statement_timeout),
    ];
    let limits = limits.map(|(name, limit)| (name, limit.as_millis().min(i32::MAX as u128)));
    let (connect, local) = if proxied {
        (connect, limits.iter().map(|(name, limit)| format!("{name} = {limit}")).collect())
    } else {
        // The server finds out by itself that a machine is gone which held a transaction.
        let alive = [("tcp_keepalives_idle", 30), ("tcp_keepalives_interval", 10), ("tcp_keepalives_count", 3)];
        (connect.options(limits).options(alive), Vec::new())
    };

    let made = async {
        let mut connection = match tokio::time::timeout(options.patience, connect.connect()).await {
            Ok(connected) => connected?,
            Err(_) => return Err(Failure::Sql(std::io::Error::from(std::io::ErrorKind::TimedOut).into())),
        };
        let begin = Begin::with(&local, looked(&mut connection, &place).await?);
        migrate(&mut connection, &begin, &place).await?;
        connection.close().await?;
        Ok(begin)
    };
    let begin = made.await.map_err(|failure| told(failure, &place))?;
    let pool = PgPoolOptions::new()
        .max_connections(options.max_connections.max(1))
        .acquire_timeout(options.patience)
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for >= RESTED {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(connect.clone());
    Ok(Connections { place, pool, begin, clock: options.clock, proxied, connect })
}

fn place(connect: &PgConnectOptions, options: &PostgresOptions) -> Place {
    let server = match connect.get_socket() {
        Some(socket) => format!("{}:{}", socket.display(), connect.get_port()),
        None => format!("{}:{}", connect.get_host(), connect.get_port()),
    };
    let role = connect.get_username().to_owned();
    // PostgreSQL's own rule for a URL that names none.
    let database = connect.get_database().unwrap_or(&role).to_owned();
    Place { server, database, role, ..nowhere(options) }
}

fn nowhere(options: &PostgresOptions) -> Place {
    Place {
        server: String::new(),
        database: String::new(),
        role: String::new(),
        statement_timeout: options.statement_timeout,
        patience: options.patience,
    }
}

/// What the server is. Whether its commits wait for the disk by themselves.
async fn looked(connection: &mut PgConnection, place: &Place) -> Result<bool, Failure> {
    let refused = |message: String| {
        let error = Error::new(ErrorKind::Unsupported, message);
        Err(error.with("server", place.server.as_str()).with("database", place.database.as_str()).into())
    };
    let server = &place.server;
    if let Some(version) = connection.server_version_num().filter(|version| *version < OLDEST) {
        let (major, minor) = (version / 10_000, version % 10_000);
        let needed = OLDEST / 10_000;
        return refused(format!(
            "PostgreSQL at `{server}` is of version {major}.{minor}; lorebase needs {needed} or newer: upgrade the server"
        ));
    }
    let row = sqlx::raw_sql(
        "SELECT current_setting('server_encoding') AS encoding, current_setting('synchronous_commit') AS synchronous, \
         current_setting('fsync') AS fsync",
    )
    .fetch_one(&mut *connection)
    .await?;
    let encoding: String = row.try_get("encoding")?;
    if encoding != "UTF8" {
        return refused(format!(
            "the database {} keeps its texts in {encoding}; make one with `CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0`",
            name(place)
        ));
    }
    if row.try_get::<String, _>("fsync")? == "off" {
        tracing::warn!(%server, "PostgreSQL runs with fsync=off: a power failure can lose acknowledged saves");
    }
    Ok(row.try_get::<String, _>("synchronous")? != "off")
}

/// Makes the tables or brings them up to date. Who comes second waits for the first and finds them made.
async fn migrate(connection: &mut PgConnection, begin: &Begin, place: &Place) -> Result<(), Failure> {
    let newest = i64::try_from(STEPS.len()).unwrap_or(i64::MAX);
    if version(connection).await? == newest {
        return Ok(());
    }
    failpoint::hit("sql.migrate.asked");
    let mut transaction = connection.begin_with(AssertSqlSafe(begin.write.clone())).await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(MIGRATING).execute(&mut *transaction).await?;
    let theirs = version(&mut transaction).await?;
    if theirs > newest {
        let message = format!(
            "the database {} has tables of version {theirs}, made by a newer lorebase; this one knows version {newest}: upgrade lorebase",
            name(place)
        );
        let error = Error::new(ErrorKind::Unsupported, message).with("database", place.database.as_str());
        return Err(error.with("found", theirs).with("known", newest).into());
    }
    if theirs == 0 {
        // Where an administrator has made it for us, we need no right to make one.
        let there = sqlx::raw_sql("SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = 'lorebase')")
            .fetch_one(&mut *transaction)
            .await?;
        let there: bool = there.try_get(0)?;
        if !there {
            sqlx::raw_sql("CREATE SCHEMA lorebase").execute(&mut *transaction).await?;
        }
        sqlx::raw_sql("CREATE TABLE lorebase.migration (version bigint PRIMARY KEY, made_at timestamptz NOT NULL DEFAULT now())")
            .execute(&mut *transaction)
            .await
            .map_err(|error| in_the_way(error, place))?;
    }
    for (version, step) in (1..).zip(STEPS).filter(|(version, _)| *version > theirs) {
        sqlx::raw_sql(step).execute(&mut *transaction).await.map_err(|error| in_the_way(error, place))?;
        sqlx::query("INSERT INTO lorebase.migration (version) VALUES ($1)").bind(version).execute(&mut *transaction).await?;
    }
    failpoint::hit("sql.migrate.made");
    transaction.commit().await?;
    failpoint::hit("sql.migrate.committed");
    Ok(())
}

fn in_the_way(error: sqlx::Error, place: &Place) -> Failure {
    if code(&error) != Some("42P07") {
        return error.into();
    }
    let message = format!(
        "the cache's tables cannot be made in the database {} ({error}): its schema `lorebase` holds others of the same names; give the cache \
         a database of its own",
        name(place)
    );
    Error::new(ErrorKind::Unsupported, message).caused_by(error).into()
}

/// The version of the tables; 0 where there are none.
async fn version(connection: &mut PgConnection) -> Result<i64, Failure> {
    // From the catalog itself: what `to_regclass` knows within a transaction may be older than a lock that was waited for.
    // And by simple queries: a proxy may give each statement to another session.
    let known = sqlx::raw_sql(
        "SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = 'lorebase' AND c.relname = 'migration')",
    )
    .fetch_one(&mut *connection)
    .await?;
    if !known.try_get(0)? {
        return Ok(0);
    }
    let newest = sqlx::raw_sql("SELECT coalesce(max(version), 0) FROM lorebase.migration").fetch_one(&mut *connection).await?;
    Ok(newest.try_get(0)?)
}

/// What of the tables does not fit together; an empty list means that all does.
pub(super) async fn check(connection: &mut PgConnection) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    for (what, statement) in [
        (
            "the text index does not fit its tables in {} rows",
            "SELECT count(*) FROM lorebase.word w \
             FULL JOIN (SELECT uid, false AS ours FROM lorebase.entity UNION ALL SELECT uid, true FROM lorebase.change) v USING (uid, ours) \
             WHERE (w.words IS NULL OR v.uid IS NULL) AND uid NOT IN (SELECT uid FROM lorebase.unindexed)",
        ),
        (
            "{} notes are about no change in conflict",
            "SELECT count(*) FROM lorebase.conflict x JOIN lorebase.change c USING (uid) WHERE c.state <> 'conflict'",
        ),
        (
            "{} versions have another key than their record",
            "SELECT count(*) FROM lorebase.knowledge k \
             JOIN (SELECT uid, repository, kind, id FROM lorebase.entity UNION ALL SELECT uid, repository, kind, id FROM lorebase.change) v \
             USING (uid) WHERE (k.repository, k.kind, k.id) <> (v.repository, v.kind, v.id)",
        ),
        (
            "{} places belong to two records",
            "SELECT count(*) FROM lorebase.entity e JOIN lorebase.change c \
             ON c.placed AND c.repository = e.repository AND c.location_key = e.location_key WHERE c.uid <> e.uid",
        ),
        (
            "{} unique values belong to two records",
            "SELECT count(*) FROM (SELECT 1 FROM lorebase.unique_value GROUP BY repository, kind, field, value HAVING min(uid) <> max(uid)) v",
        ),
    ] {
        let rows: i64 = sqlx::query_scalar(statement).fetch_one(&mut *connection).await?;
        if rows > 0 {
            found.push(what.replace("{}", &rows.to_string()));
        }
    }
    Ok(found)
}
