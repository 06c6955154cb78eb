//! A child process: how it opens the library, recovers, and looks at what there is.

use std::io::BufRead;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use lorebase::knowledge::{Author, Knowledge, SyncStatus};
use lorebase::store::{Direction, LogQuery, LogStatus, Query, View};
use lorebase::sync::SyncOptions;
use lorebase::{ErrorKind, KnowledgeBase, PublishMode};
use lorebase_backends::sql::{PostgresCache, PostgresOptions, SqliteCache, SqliteOptions};
use lorebase_backends::{Options, open};
use serde::{Deserialize, Serialize};

use super::ledger::{Line, Pen};
use super::orders::{Orders, Task};
use super::steps::Steps;
use super::worker::{SOURCE, Worker};
use super::{disk_faults, on_postgres, saver, shifted};

/// How often a child that starts may be told that others are at work before its synchronisation succeeds.
const TRIES: u32 = 5;

/// An entity as a child that looks sees it, without the details that nobody asks for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entity {
    pub(crate) kind: String,
    pub(crate) id: String,
    pub(crate) status: SyncStatus,
    /// Every field, with title and body, as one text each.
    pub(crate) values: Vec<(String, String)>,
}

/// What a child that looks has seen.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Sight {
    /// The working view.
    pub(crate) entities: Vec<Entity>,
    /// Differences between SQL and git's head.
    pub(crate) drift: Option<String>,
    /// What is wrong with the database.
    pub(crate) unsound: Vec<String>,
    /// Saves that the log calls waiting while their entity has nothing that waits.
    pub(crate) forgotten: Vec<String>,
    /// Operations that the log calls done, with the commit in which they are.
    pub(crate) done: Vec<(String, String)>,
    /// What the external source said and a person has not taken: kind, id and value.
    pub(crate) open: Vec<(String, String, String)>,
}

/// Does what the orders say; never returns from [`Task::Work`].
pub(crate) fn obey(orders: &Orders) {
    let steps = Steps::new(&orders.steps(), orders.end.clone());
    let marker = steps.handle();
    tracing::subscriber::set_global_default(steps).unwrap();
    pollster::block_on(async {
        match &orders.task {
            Task::Work(life) => Worker::start(orders, marker, *life).await.work().await,
            Task::Look => look(orders).await,
            Task::Rebuild { database } => rebuild(orders, database.display().to_string()).await,
            Task::Restore { repository, database } => restore(repository.clone(), database.display().to_string()).await,
            Task::Contend { seconds, savers } => saver::contend(orders, marker, *seconds, *savers).await,
            Task::Hold { saves } => saver::hold(orders, marker, *saves).await,
            Task::Disk { fault } => disk_faults::suffer(orders, fault).await,
        }
    });
}

pub(crate) fn ada() -> Author {
    Author::new("Ada", "ada@example.com")
}

pub(crate) async fn opened(orders: &Orders, publish: PublishMode) -> KnowledgeBase {
    if shifted::is_used(&orders.folder) {
        return shifted::open(&orders.folder, &orders.repository, database(orders), publish).await.unwrap();
    }
    let mut options = Options::new(&orders.repository).publish(publish).poll(Duration::from_millis(40));
    if let Some(url) = on_postgres::url(&orders.folder) {
        options = options.cache(url);
    }
    open(options).await.unwrap()
}

/// The first synchronisation after a start: it may be told a few times that others are at work, and no more.
pub(crate) async fn recover(orders: &Orders, kb: &KnowledgeBase, pen: &mut Pen) {
    let started = Instant::now();
    for tries in 1..=TRIES {
        match kb.sync(SyncOptions::default()).await {
            Ok(_) => {
                let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
                return pen.write(&Line::Recovered { life: orders.life, tries, milliseconds });
            }
            Err(error) if error.kind() == ErrorKind::Busy => eprintln!("try {tries}: {error}"),
            Err(error) => panic!("the first synchronisation of life {}: {error:?}", orders.life),
        }
    }
    panic!("life {} did not get its turn in {TRIES} tries", orders.life);
}

pub(crate) async fn everything(kb: &KnowledgeBase, view: View) -> Vec<Knowledge> {
    let listing = kb.list(&Query { view, limit: 1000, ..Query::default() }).await.unwrap();
    assert_eq!(listing.next_cursor, None, "more entities than one page");
    listing.items
}

async fn look(orders: &Orders) {
    let kb = opened(orders, PublishMode::Off).await;
    let mut pen = orders.ledger().pen();
    recover(orders, &kb, &mut pen).await;
    std::io::stdin().lock().read_line(&mut String::new()).unwrap();
    kb.sync(SyncOptions::default()).await.unwrap();
    std::fs::write(orders.sight(), serde_json::to_vec(&seen(&kb, unsound(orders).await).await).unwrap()).unwrap();
}

/// What is wrong with the database.
async fn unsound(orders: &Orders) -> Vec<String> {
    match on_postgres::url(&orders.folder) {
        Some(url) => PostgresCache::open(PostgresOptions::new(url)).await.unwrap().check().await.unwrap(),
        None => unsound_file(database(orders)).await,
    }
}

pub(crate) async fn unsound_file(database: PathBuf) -> Vec<String> {
    let cache = SqliteCache::open(SqliteOptions { create: false, ..SqliteOptions::file(database) }).await.unwrap();
    cache.check().await.unwrap()
}

/// Everything that is judged.
pub(crate) async fn seen(kb: &KnowledgeBase, unsound: Vec<String>) -> Sight {
    let drift = kb.drift().await.unwrap();
    let entities = everything(kb, View::Working).await;
    let log = kb.log(&LogQuery { limit: 1_000_000, ..LogQuery::default() }).await.unwrap();
    let settled = |entity: &&Knowledge| entity.sync_status == SyncStatus::Synced;
    let synced: Vec<_> = entities.iter().filter(settled).map(Knowledge::key).collect();
    let saves = || log.iter().filter(|row| row.direction == Direction::DbToGit);
    let forgotten = saves()
        .filter(|row| row.status == LogStatus::Pending)
        .filter(|row| synced.iter().any(|key| key.kind == row.kind && key.id == row.entity_id))
        .map(|row| format!("{} of {} {}", row.id, row.kind, row.entity_id))
        .collect();
    let done = saves().filter(|row| row.status == LogStatus::Success);
    let done = done.filter_map(|row| Some((row.id.to_string(), row.git_commit_sha.clone()?))).collect();
    let overrides = kb.overrides(SOURCE).await.unwrap();
    let open = overrides.iter().flat_map(|over| {
        over.fields.iter().filter_map(|field| Some((over.kind.to_string(), over.id.to_string(), field.said.as_ref()?.to_string())))
    });
    Sight {
        drift: (!drift.is_empty()).then(|| format!("{drift:#?}")),
        unsound,
        forgotten,
        done,
        open: open.collect(),
        entities: entities.into_iter().map(Entity::from).collect(),
    }
}

pub(crate) fn database(orders: &Orders) -> PathBuf {
    let git = orders.repository.join(".git");
    let git = if git.exists() { git } else { orders.repository.clone() };
    git.join("lorebase/cache.db")
}

/// A database that was lost, made again from git, whatever an earlier try has left of it.
async fn rebuild(orders: &Orders, database: String) {
    let kb = open(Options::new(&orders.repository).cache(format!("sqlite:{database}")).publish(PublishMode::Off)).await.unwrap();
    kb.sync(SyncOptions::default()).await.unwrap();
    let sight = seen(&kb, unsound_file(database.into()).await).await;
    assert!(sight.drift.is_none() && sight.unsound.is_empty() && !sight.entities.is_empty(), "{sight:#?}");
}

/// A repository that was lost, made again from a database, whatever an earlier try has left of it.
async fn restore(repository: PathBuf, database: String) {
    let options = Options::new(repository).init_bare().branch("main").cache(format!("sqlite:{database}")).publish(PublishMode::Off);
    let kb = open(options).await.unwrap();
    kb.export(false, None).await.unwrap();
    let sight = seen(&kb, unsound_file(database.into()).await).await;
    assert!(sight.drift.is_none() && sight.unsound.is_empty() && !sight.entities.is_empty(), "{sight:#?}");
}

impl From<Knowledge> for Entity {
    fn from(entity: Knowledge) -> Self {
        let mut values: Vec<(String, String)> = entity.fields.iter().map(|(name, value)| (name.clone(), value.to_string())).collect();
        values.push(("title".to_owned(), entity.title));
        values.push(("body".to_owned(), entity.body));
        Self { kind: entity.kind.to_string(), id: entity.id.to_string(), status: entity.sync_status, values }
    }
}
