//! What a child process does: saves of every kind, announced and acknowledged in the ledger; or only looking.

use std::io::BufRead;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lorebase::knowledge::{Author, Knowledge, SyncStatus};
use lorebase::store::{Direction, LogQuery, LogStatus, Query, View};
use lorebase::sync::{Save, SyncOptions};
use lorebase::{Accept, Delete, Error, ErrorKind, KnowledgeBase, PublishMode, Selector};
use lorebase_backends::sql::{SqliteCache, SqliteOptions};
use lorebase_backends::{Options, open};
use serde::{Deserialize, Serialize};

use super::ledger::{Intent, Line, Pen, What};
use super::orders::{Orders, Task};
use super::random::Random;
use super::scratch::HOT;
use super::steps::{IDLE, Marker, Steps};

/// How often a child that starts may be told that others are at work before its synchronisation succeeds.
const TRIES: u32 = 5;
/// Entities to save onto; beyond these nothing is created.
const MOST: usize = 24;

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
}

/// Does what the orders say; returns only from [`Task::Look`] and [`Task::Race`].
pub(crate) fn obey(orders: &Orders) {
    let steps = Steps::new(&orders.steps(), orders.die_at.clone());
    let marker = steps.handle();
    tracing::subscriber::set_global_default(steps).unwrap();
    pollster::block_on(async {
        match orders.task {
            Task::Work => Worker::start(orders, marker).await.work().await,
            Task::Look => look(orders).await,
            Task::Race { seconds } => race(orders, marker, seconds).await,
        }
    });
}

fn ada() -> Author {
    Author::new("Ada", "ada@example.com")
}

async fn opened(orders: &Orders, publish: PublishMode) -> KnowledgeBase {
    open(Options::new(&orders.repository).publish(publish).poll(Duration::from_millis(40))).await.unwrap()
}

/// The first synchronisation after a start: it may be told a few times that others are at work, and no more.
async fn recover(orders: &Orders, kb: &KnowledgeBase, pen: &mut Pen) {
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

async fn everything(kb: &KnowledgeBase, view: View) -> Vec<Knowledge> {
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
    let drift = kb.drift().await.unwrap();
    let entities = everything(&kb, View::Working).await;
    let cache = SqliteCache::open(SqliteOptions { create: false, ..SqliteOptions::file(database(orders)) }).await.unwrap();
    let waiting = kb.log(&LogQuery { status: Some(LogStatus::Pending), limit: 100_000, ..LogQuery::default() }).await.unwrap();
    let settled = |entity: &&Knowledge| entity.sync_status == SyncStatus::Synced;
    let synced: Vec<_> = entities.iter().filter(settled).map(Knowledge::key).collect();
    let forgotten = waiting
        .iter()
        .filter(|row| row.direction == Direction::DbToGit)
        .filter(|row| synced.iter().any(|key| key.kind == row.kind && key.id == row.entity_id))
        .map(|row| format!("{} of {} {}", row.id, row.kind, row.entity_id))
        .collect();
    let sight = Sight {
        entities: entities.into_iter().map(Entity::from).collect(),
        drift: (!drift.is_empty()).then(|| format!("{drift:#?}")),
        unsound: cache.check().await.unwrap(),
        forgotten,
    };
    std::fs::write(orders.sight(), serde_json::to_vec(&sight).unwrap()).unwrap();
}

fn database(orders: &Orders) -> std::path::PathBuf {
    let git = orders.repository.join(".git");
    let git = if git.exists() { git } else { orders.repository.clone() };
    git.join("lorebase/cache.db")
}

impl From<Knowledge> for Entity {
    fn from(entity: Knowledge) -> Self {
        let mut values: Vec<(String, String)> = entity.fields.iter().map(|(name, value)| (name.clone(), value.to_string())).collect();
        values.push(("title".to_owned(), entity.title));
        values.push(("body".to_owned(), entity.body));
        Self { kind: entity.kind.to_string(), id: entity.id.to_string(), status: entity.sync_status, values }
    }
}

/// Saves one after the other, each announced before it is made and acknowledged after it returned.
struct Worker {
    kb: KnowledgeBase,
    pen: Pen,
    random: Random,
    marker: Arc<Marker>,
    life: u32,
    /// How many saves there were in this life.
    number: u32,
    known: Vec<Knowledge>,
}

impl Worker {
    async fn start(orders: &Orders, marker: Marker) -> Self {
        let publish = match orders.life % 3 {
            0 => PublishMode::Off,
            1 => PublishMode::Inline,
            _ => PublishMode::Background,
        };
        // A child that is to die at a step of publishing must publish.
        let publish = if orders.die_at.is_some() { PublishMode::Inline } else { publish };
        let kb = opened(orders, publish).await;
        let last =
            orders.ledger().read().into_iter().rev().find_map(|line| if let Line::Intent(intent) = line { Some(intent) } else { None });
        let (pen, random) = (orders.ledger().pen(), Random::new(orders.seed));
        let mut worker = Self { kb, pen, random, marker: Arc::new(marker), life: orders.life, number: 0, known: Vec::new() };
        if let Some(last) = last {
            worker.again(&last).await;
        }
        recover(orders, &worker.kb, &mut worker.pen).await;
        worker
    }

    /// Saves at once onto what the life before was about to save, before anything of it is recovered.
    async fn again(&mut self, last: &Intent) {
        let token = self.token(0);
        let mut save = Save::update(&last.kind, "").id(&last.id).set("tier", token.as_str());
        save.slug = None;
        self.save(What::Edit, &last.kind, &last.id, &[("tier", &token)], save).await;
    }

    async fn work(mut self) {
        loop {
            if self.number.is_multiple_of(8) || self.known.is_empty() {
                self.known = everything(&self.kb, View::Working).await;
            }
            self.number += 1;
            match self.random.below(100) {
                // People think between two saves, and others get their turn.
                95.. => std::thread::park_timeout(Duration::from_millis(self.random.below(200))),
                0..12 if self.known.len() < MOST => self.create().await,
                0..20 => self.synchronise().await,
                20..30 => self.body().await,
                30..40 => self.rename().await,
                40..46 if self.known.len() > MOST / 2 => self.delete().await,
                46..58 => self.review().await,
                58..64 => self.decide().await,
                _ => self.edit().await,
            }
            self.marker.mark(IDLE);
        }
    }

    /// A text of its own for each field of a save.
    fn token(&self, of: u32) -> String {
        format!("t{}x{}{of}z", self.life, self.number)
    }

    fn pick(&mut self) -> Option<Knowledge> {
        let hot: Vec<&Knowledge> = self.known.iter().filter(|entity| HOT.contains(&entity.id.as_str())).collect();
        if self.random.below(3) == 0 && !hot.is_empty() {
            return self.random.pick(&hot).map(|entity| (*entity).clone());
        }
        self.random.pick(&self.known).cloned()
    }

    fn announce(&mut self, what: What, kind: &str, id: &str, values: &[(&str, &str)]) -> String {
        let number = format!("{}.{}", self.life, self.number);
        let values = values.iter().map(|(field, token)| ((*field).to_owned(), (*token).to_owned())).collect();
        self.pen.write(&Line::Intent(Intent { number: number.clone(), what, kind: kind.to_owned(), id: id.to_owned(), values }));
        number
    }

    fn answer(&mut self, number: String, outcome: Result<(u64, String), Error>) {
        let line = match outcome {
            Ok((revision, status)) => Line::Acknowledged { number, revision, status },
            // The engineer deleted it, or changed it since it was read.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Conflict) => {
                Line::Refused { number, why: error.to_string() }
            }
            Err(error) => Line::Failed { number, why: format!("{error:?}") },
        };
        self.pen.write(&line);
    }

    async fn save(&mut self, what: What, kind: &str, id: &str, values: &[(&str, &str)], save: Save) {
        let number = self.announce(what, kind, id, values);
        let outcome = self.kb.save(save.author(ada())).await;
        self.answer(number, outcome.map(|saved| (saved.revision, format!("{:?}", saved.sync_status))));
    }

    async fn synchronise(&mut self) {
        match self.kb.sync(SyncOptions::default()).await {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Busy => eprintln!("{error}"),
            Err(error) => {
                let number = format!("{}.{}", self.life, self.number);
                self.pen.write(&Line::Failed { number, why: format!("a synchronisation: {error:?}") });
            }
        }
    }

    async fn create(&mut self) {
        let kinds = ["customer", "skill", "category"];
        let kind = *self.random.pick(&kinds).unwrap();
        let id = format!("{}-{}-{}", &kind[..1], self.life, self.number);
        let [title, region, body] = [1, 2, 3].map(|of| self.token(of));
        let mut save = Save::create(kind).id(&id).title(&format!("New {title}")).set("region", region.as_str()).set("tier", "none");
        let mut values = vec![("title", title.as_str()), ("region", &region)];
        if kind != "category" {
            save = save.body(format!("# New\n\nText {body}\n"));
            values.push(("body", &body));
        }
        if kind == "skill" && self.random.below(3) == 0 {
            save = save.set("status", "DRAFT");
        }
        self.save(What::Create, kind, &id, &values, save).await;
    }

    async fn edit(&mut self) {
        let Some(entity) = self.pick() else { return };
        let field = *self.random.pick(&["region", "tier", "note"]).unwrap();
        let token = self.token(0);
        let mut save = onto(&entity).set(field, token.as_str());
        if self.random.below(3) == 0 {
            save = save.based_on(entity.revision);
        }
        self.save(What::Edit, entity.kind.as_str(), entity.id.as_str(), &[(field, &token)], save).await;
    }

    async fn body(&mut self) {
        let Some(entity) = self.pick().filter(|entity| entity.kind.as_str() != "category") else { return };
        let token = self.token(0);
        let save = onto(&entity).body(format!("# Body\n\nText {token}\n")).based_on(entity.revision);
        self.save(What::Edit, entity.kind.as_str(), entity.id.as_str(), &[("body", &token)], save).await;
    }

    async fn rename(&mut self) {
        let Some(entity) = self.pick() else { return };
        let token = self.token(0);
        let save = onto(&entity).title(&format!("Name {token}"));
        self.save(What::Edit, entity.kind.as_str(), entity.id.as_str(), &[("title", &token)], save).await;
    }

    /// A skill moves through the workflow while it is edited.
    async fn review(&mut self) {
        let skills: Vec<Knowledge> = self.known.iter().filter(|entity| entity.kind.as_str() == "skill").cloned().collect();
        let Some(skill) = self.random.pick(&skills).cloned() else { return };
        let status = *self.random.pick(&["DRAFT", "IN_REVIEW", "PUBLISHED", "PUBLISHED", "PUBLISHED", "ARCHIVED"]).unwrap();
        let token = self.token(0);
        let save = onto(&skill).set("status", status).set("tier", token.as_str());
        self.save(What::Edit, "skill", skill.id.as_str(), &[("tier", &token)], save).await;
    }

    async fn delete(&mut self) {
        let Some(entity) = self.pick() else { return };
        let (kind, id) = (entity.kind.to_string(), entity.id.to_string());
        let number = self.announce(What::Delete, &kind, &id, &[]);
        let outcome = self.kb.delete(Delete::new(&kind, Selector::Id(entity.id.clone())).author(ada())).await;
        self.answer(number, outcome.map(|was| (was.revision, "deleted".to_owned())));
        self.known.retain(|known| known.id != entity.id);
    }

    async fn decide(&mut self) {
        let conflicts = self.kb.conflicts().await.unwrap();
        let Some(conflict) = self.random.pick(&conflicts) else { return };
        let (what, accept) = if self.random.below(2) == 0 { (What::Keep, Accept::Cache) } else { (What::Discard, Accept::Git) };
        let (kind, id) = (conflict.kind.to_string(), conflict.id.to_string());
        let number = self.announce(what, &kind, &id, &[]);
        let outcome = self.kb.resolve(&kind, Selector::Id(conflict.id.clone()), accept, Some(conflict.revision), Some(ada())).await;
        self.answer(number, outcome.map(|left| (left.map_or(0, |left| left.revision), "decided".to_owned())));
    }
}

/// A save onto an entity by its id: its slug may have changed since it was read.
fn onto(entity: &Knowledge) -> Save {
    let mut save = Save::update(entity.kind.as_str(), entity.slug.as_str());
    save.slug = None;
    save.id(entity.id.as_str())
}

/// Saves beside another process: fields of entities that both use, and entities of its own.
async fn race(orders: &Orders, marker: Marker, seconds: u64) {
    let kb = opened(orders, PublishMode::Inline).await;
    let pen = orders.ledger().pen();
    let random = Random::new(orders.seed);
    let mut worker = Worker { kb, pen, random, marker: Arc::new(marker), life: orders.life, number: 0, known: Vec::new() };
    wait_for_the_others(orders);
    // Each has a field of its own in the entities that all share.
    let field = ["", "region", "tier", "note"][orders.life as usize];
    let shared = [("customer", "c-acme"), ("customer", "c-zenith"), ("skill", "s-reading")];
    let mut own: Vec<(String, String)> = Vec::new();
    let end = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < end {
        worker.number += 1;
        let token = worker.token(0);
        if worker.number % 20 == 1 {
            worker.create().await;
            let id = |kind: &str| format!("{}-{}-{}", &kind[..1], worker.life, worker.number);
            let made = ["customer", "skill", "category"].map(|kind| (kind.to_owned(), id(kind)));
            for (kind, id) in made {
                if worker.kb.get(&kind, Selector::Id(id.as_str().into())).await.unwrap().is_some() {
                    own.push((kind, id));
                }
            }
            continue;
        }
        let mine = worker.random.below(2) == 0;
        let (kind, id) = match worker.random.pick(&own).filter(|_| mine) {
            Some((kind, id)) => (kind.clone(), id.clone()),
            None => worker.random.pick(&shared).map(|(kind, id)| ((*kind).to_owned(), (*id).to_owned())).unwrap(),
        };
        let mut save = Save::update(&kind, "").id(&id).set(field, token.as_str());
        save.slug = None;
        worker.save(What::Edit, &kind, &id, &[(field, &token)], save).await;
    }
}

/// All begin at once: each says that it is ready and waits until the other has said so.
fn wait_for_the_others(orders: &Orders) {
    let file = |life: u32| orders.folder.join(format!("ready-{life}"));
    std::fs::write(file(orders.life), "").unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while !(file(1).exists() && file(2).exists()) {
        assert!(Instant::now() < deadline, "the other process never became ready");
        std::thread::yield_now();
    }
}
