//! A PostgreSQL for tests: the one that `TEST_DATABASE_URL` names (as a role that may make databases and roles), else a
//! throw-away one of this run. Each test has a database of its own, dropped at its end.

#![allow(dead_code, reason = "several test programs share this, and none needs all of it")]

mod cluster;

use std::fs::File;
use std::path::PathBuf;
use std::sync::OnceLock;

pub(crate) use self::cluster::Cluster;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use uuid::Uuid;

/// Runs something of sqlx, which needs a runtime of its own.
pub(crate) fn block_on<T>(call: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(call)
}

/// Runs statements on a connection that ends with them.
pub(crate) async fn execute(url: &str, statements: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// A database of one test.
#[derive(Debug)]
pub(crate) struct Database {
    server: String,
    pub(crate) name: String,
}

impl Database {
    /// An empty one on the server of this run.
    pub(crate) fn new() -> Self {
        Self::on(server())
    }

    /// An empty one on another server.
    pub(crate) fn on(server: &str) -> Self {
        let database = Self { server: server.to_owned(), name: format!("lorebase_test_{}", Uuid::new_v4().simple()) };
        let make = format!("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'", database.name);
        block_on(execute(server, &make));
        database
    }

    pub(crate) fn url(&self) -> String {
        named(&self.server, &self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // A server that a test has stopped takes its databases with it.
        let dropped = std::thread::spawn(move || {
            block_on(async {
                let Ok(mut connection) = PgConnection::connect(&server).await else { return };
                let statement = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
                let _ = sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await;
            });
        });
        let _ = dropped.join();
    }
}

/// The URL with another database.
pub(crate) fn named(url: &str, database: &str) -> String {
    let (front, query) = url.split_once('?').map_or((url, String::new()), |(front, query)| (front, format!("?{query}")));
    let host = front.find("://").map_or(0, |at| at + 3);
    let end = front[host..].find('/').map_or(front.len(), |at| host + at);
    format!("{}/{database}{query}", &front[..end])
}

/// The server of this run, as a role that may do everything.
pub(crate) fn server() -> &'static str {
    static SERVER: OnceLock<String> = OnceLock::new();
    SERVER.get_or_init(|| match std::env::var("TEST_DATABASE_URL") {
        Ok(url) => url,
        Err(_) => of_this_run(),
    })
}

/// One server for all processes of a run: the first to come starts it, and it ends when whoever started the run does.
#[cfg(unix)]
fn of_this_run() -> String {
    let run = std::env::var("NEXTEST_RUN_ID").ok();
    // Started by hand, a test program is a run of its own.
    let by_cargo = run.is_some() || std::env::var_os("CARGO").is_some();
    let owner = if by_cargo { std::os::unix::process::parent_id() } else { std::process::id() };
    let folder = cluster::place().join(format!("lorebase-postgres-{}", run.unwrap_or_else(|| owner.to_string())));
    let beside = PathBuf::from(format!("{}.lock", folder.display()));
    let lock = File::options().create(true).truncate(false).write(true).open(beside).unwrap();
    lock.lock().unwrap();
    let told = folder.join("url");
    if let Ok(url) = std::fs::read_to_string(&told) {
        return url;
    }
    let cluster = Cluster::start(folder, Some(owner));
    std::fs::write(told, cluster.url()).unwrap();
    let url = cluster.url();
    cluster.keep();
    url
}

#[cfg(not(unix))]
fn of_this_run() -> String {
    panic!("no PostgreSQL for tests; set TEST_DATABASE_URL to a database of a role that may make databases and roles")
}
