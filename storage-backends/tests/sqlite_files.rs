//! What can be wrong with a cache's file, each told by name, and several users of one file.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use jiff::Timestamp;
use lorebase::knowledge::{Content, EntityId, EntityKey, Fields, KnowledgePath, Location, Slug};
use lorebase::store::{
    ApplyOutcome, Batch, BlobId, CacheStore, CommitId, Live, Query, RecordWrite, RepositoryId, RepositoryKey, Slot, Target,
};
use lorebase::{Error, ErrorKind};
use lorebase_backends::sql::{SqliteCache, SqliteOptions};
use sqlx::{ConnectOptions, Connection};

fn open(options: SqliteOptions) -> Result<SqliteCache, Error> {
    pollster::block_on(SqliteCache::open(options))
}

fn refused(options: SqliteOptions) -> (ErrorKind, String) {
    match open(options) {
        Ok(cache) => panic!("the cache is not opened, yet here is {cache:?}"),
        Err(error) => (error.kind(), error.message().to_owned()),
    }
}

fn now() -> Timestamp {
    Timestamp::from_millisecond(1_767_225_600_000).unwrap()
}

fn attach(cache: &SqliteCache) -> RepositoryId {
    let key = RepositoryKey { namespace: "default".to_owned(), branch: "main".to_owned() };
    pollster::block_on(cache.attach(&key, now())).unwrap().id
}

fn write(id: &str) -> RecordWrite {
    let content = Content {
        slug: Slug::new(id),
        location: Location::file(KnowledgePath::new(format!("skills/{id}.md")).unwrap()),
        title: id.to_owned(),
        status: None,
        fields: Fields::new(),
        head: String::new(),
        body: format!("About {id}.\n"),
    };
    let live = Live { content, revision: 1, blob: BlobId::new("b"), commit: CommitId::new("c"), explicit_id: true, synced_at: now() };
    RecordWrite { live: Slot::Set(live), ..RecordWrite::new(Target::New, EntityKey::new("skill", EntityId::new(id)), 1) }
}

fn apply(cache: &SqliteCache, repository: RepositoryId, id: &str) -> Result<ApplyOutcome, Error> {
    pollster::block_on(cache.apply(&Batch { writes: vec![write(id)], ..Batch::new(repository, now()) }))
}

fn total(cache: &SqliteCache, repository: RepositoryId) -> u64 {
    pollster::block_on(cache.list(repository, &Query::default())).unwrap().total
}

/// A connection of another user of the file, on a runtime of its own.
struct Other {
    runtime: tokio::runtime::Runtime,
    connection: sqlx::SqliteConnection,
}

impl Other {
    fn on(file: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file).create_if_missing(true);
        let connection = runtime.block_on(options.connect()).unwrap();
        Self { runtime, connection }
    }

    fn says(&mut self, statement: &'static str) {
        self.runtime.block_on(sqlx::raw_sql(statement).execute(&mut self.connection)).unwrap();
    }

    fn close(self) {
        self.runtime.block_on(self.connection.close()).unwrap();
    }
}

#[test]
fn what_was_written_is_there_when_the_file_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cache.db");
    let cache = open(SqliteOptions::file(&file)).unwrap();
    let repository = attach(&cache);
    apply(&cache, repository, "a").unwrap();
    pollster::block_on(cache.close());
    let again = open(SqliteOptions { create: false, ..SqliteOptions::file(&file) }).unwrap();
    assert_eq!(attach(&again), repository);
    assert_eq!(total(&again, repository), 1);
}

#[test]
fn a_missing_file_is_not_made_unless_asked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cache.db");
    let (kind, message) = refused(SqliteOptions { create: false, ..SqliteOptions::file(&file) });
    assert_eq!(kind, ErrorKind::NotFound);
    assert!(message.contains("cache.db` does not exist; open it with `create`"), "{message}");
    assert!(!file.exists());
}

#[test]
fn a_missing_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (kind, message) = refused(SqliteOptions::file(folder.path().join("no/cache.db")));
    assert_eq!(kind, ErrorKind::NotFound);
    assert!(message.contains("/no` does not exist; make it first"), "{message}");
}

#[test]
fn a_folder_is_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let (kind, message) = refused(SqliteOptions::file(folder.path()));
    assert_eq!(kind, ErrorKind::InvalidInput);
    assert!(message.contains("is a folder; name a file"), "{message}");
}

// Permissions do not stop the superuser, but nobody makes files in /proc.
#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_cannot_be_written_is_told() {
    let (kind, message) = refused(SqliteOptions::file("/proc/cache.db"));
    assert_eq!(kind, ErrorKind::Unavailable);
    assert!(message.contains("`/proc/cache.db` cannot be opened; check that"), "{message}");
}

#[test]
fn a_file_that_is_no_database_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.txt");
    let notes = "My notes, not a database.\n".repeat(100);
    std::fs::write(&file, &notes).unwrap();
    let (kind, message) = refused(SqliteOptions::file(&file));
    assert_eq!(kind, ErrorKind::Corrupt);
    assert!(message.contains("notes.txt` is no sound SQLite database") && message.contains("move the file aside"), "{message}");
    assert!(message.contains("saves and drafts in it that are not in git yet would be lost"), "{message}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), notes);
}

#[test]
fn a_damaged_file_is_told_when_the_damage_is_met() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cache.db");
    let cache = open(SqliteOptions::file(&file)).unwrap();
    let repository = attach(&cache);
    for number in 0..50 {
        apply(&cache, repository, &format!("s{number}")).unwrap();
    }
    assert_eq!(pollster::block_on(cache.check()).unwrap(), Vec::<String>::new());
    pollster::block_on(cache.close());
    let mut bytes = std::fs::read(&file).unwrap();
    let pages = bytes.len() / 4096;
    assert!(pages > 10, "all of it is in the file itself");
    bytes[4096 * 2..].fill(0xa5);
    std::fs::write(&file, bytes).unwrap();

    let met = open(SqliteOptions::file(&file))
        .and_then(|cache| pollster::block_on(cache.list(repository, &Query::default())).map(|_| ()))
        .unwrap_err();
    assert_eq!(met.kind(), ErrorKind::Corrupt, "{met}");
    assert!(met.message().contains("rebuilt from git"), "{met}");
    assert!(std::error::Error::source(&met).is_some());
}

#[test]
fn a_newer_version_of_the_tables_is_refused_by_both_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cache.db");
    pollster::block_on(open(SqliteOptions::file(&file)).unwrap().close());
    let mut other = Other::on(&file);
    other.says("INSERT INTO lorebase_migration (version, description, success, checksum, execution_time) VALUES (7, 'later', 1, x'00', 0)");
    other.close();
    let (kind, message) = refused(SqliteOptions::file(&file));
    assert_eq!(kind, ErrorKind::Unsupported);
    assert!(message.contains("has tables of version 7") && message.contains("knows version 1: upgrade lorebase"), "{message}");
}

#[test]
fn a_database_with_tables_of_the_same_names_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app.db");
    let mut other = Other::on(&file);
    other.says("CREATE TABLE entity (mine TEXT); INSERT INTO entity VALUES ('kept')");
    let (kind, message) = refused(SqliteOptions::file(&file));
    assert_eq!(kind, ErrorKind::Unsupported);
    assert!(message.contains("table entity already exists") && message.contains("give the cache a file of its own"), "{message}");
    other.says("SELECT mine FROM entity; CREATE TABLE repository (nothing_was_left_behind TEXT)");
    other.close();
}

#[test]
fn a_database_of_an_application_can_hold_the_cache() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app.db");
    let mut other = Other::on(&file);
    other.says("CREATE TABLE project (id INTEGER PRIMARY KEY); CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY)");
    let cache = open(SqliteOptions::file(&file)).unwrap();
    let repository = attach(&cache);
    apply(&cache, repository, "a").unwrap();
    other.says("CREATE TABLE used (project INTEGER REFERENCES project (id), knowledge INTEGER REFERENCES knowledge (uid))");
    other.says("INSERT INTO project VALUES (1); INSERT INTO used SELECT 1, uid FROM knowledge");
    other.close();
    assert_eq!(total(&cache, repository), 1);
}

#[test]
fn a_writer_waits_for_another_process_only_so_long() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cache.db");
    let cache = open(SqliteOptions { busy_timeout: Duration::from_millis(50), ..SqliteOptions::file(&file) }).unwrap();
    let repository = attach(&cache);
    let mut other = Other::on(&file);
    other.says("BEGIN IMMEDIATE; UPDATE repository SET fence = fence");
    let busy = apply(&cache, repository, "a").unwrap_err();
    assert_eq!(busy.kind(), ErrorKind::Busy);
    assert!(busy.is_retryable());
    assert!(busy.message().contains("cache.db` was locked by another process for 0.05 s; try again"), "{busy}");
    assert_eq!(total(&cache, repository), 0, "readers do not wait");
    other.says("ROLLBACK");
    apply(&cache, repository, "a").unwrap();
    assert_eq!(total(&cache, repository), 1);
}

#[test]
fn a_file_held_exclusively_cannot_be_opened() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cache.db");
    let mut other = Other::on(&file);
    other.says("BEGIN EXCLUSIVE; CREATE TABLE held (x)");
    let (kind, message) = refused(SqliteOptions { busy_timeout: Duration::from_millis(50), ..SqliteOptions::file(&file) });
    assert_eq!(kind, ErrorKind::Busy, "{message}");
    other.says("ROLLBACK");
    open(SqliteOptions::file(&file)).unwrap();
}

#[test]
fn two_handles_of_one_process_write_side_by_side() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cache.db");
    let caches = [open(SqliteOptions::file(&file)).unwrap(), open(SqliteOptions::file(&file)).unwrap()];
    let repository = attach(&caches[0]);
    std::thread::scope(|scope| {
        for (number, cache) in caches.iter().enumerate() {
            for thread in 0..2 {
                scope.spawn(move || {
                    for round in 0..25 {
                        apply(cache, repository, &format!("s{number}-{thread}-{round}")).unwrap();
                    }
                });
            }
        }
    });
    assert_eq!(total(&caches[0], repository), 100);
    assert_eq!(pollster::block_on(caches[1].check()).unwrap(), Vec::<String>::new());
}

const CHILD: &str = "LOREBASE_TEST_CHILD";

/// Run by the tests below in processes of their own: opens the file and writes 20 records.
#[test]
fn child_process() {
    let Some(told) = std::env::var_os(CHILD) else { return };
    let told = told.into_string().unwrap();
    let (name, file) = told.split_once(':').unwrap();
    let cache = open(SqliteOptions::file(file)).unwrap();
    let repository = attach(&cache);
    for round in 0..20 {
        apply(&cache, repository, &format!("{name}-{round}")).unwrap();
    }
}

#[test]
fn ten_processes_open_a_new_file_at_once_and_write() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cache.db");
    let children: Vec<_> = (0..10)
        .map(|number| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "child_process", "--nocapture"])
                .env(CHILD, format!("p{number}:{}", file.display()))
                .spawn()
                .unwrap()
        })
        .collect();
    for child in children {
        assert!(child.wait_with_output().unwrap().status.success());
    }
    let cache = open(SqliteOptions { create: false, ..SqliteOptions::file(&file) }).unwrap();
    assert_eq!(total(&cache, attach(&cache)), 200);
}
