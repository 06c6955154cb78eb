//! What a child does until it is killed: saves of every kind, each announced before it is made and acknowledged after
//! it returned.

use std::time::{Duration, Instant};

use lorebase::knowledge::Knowledge;
use lorebase::store::View;
use lorebase::sync::{Save, SyncOptions};
use lorebase::{Accept, Delete, Error, ErrorKind, ImportRow, KnowledgeBase, PublishMode, Selector, Settle};

use super::child::{ada, everything, opened, recover};
use super::ledger::{Intent, Line, Pen, What};
use super::orders::{Life, Orders};
use super::random::Random;
use super::scratch::HOT;
use super::steps::{IDLE, Marker};

/// Entities to save onto; beyond these nothing is created.
const MOST: usize = 24;

/// Rows that are imported together: enough objects for a pack.
const ROWS: u32 = 20;

/// Forms that stay open while others save.
const FORMS: usize = 6;

/// The external source, and the field of which it speaks.
pub(crate) const SOURCE: &str = "crm";

/// Saves one after the other.
pub(crate) struct Worker {
    kb: KnowledgeBase,
    pen: Pen,
    random: Random,
    marker: Marker,
    way: Life,
    life: u32,
    /// How many saves there were in this life.
    number: u32,
    known: Vec<Knowledge>,
    /// Entities as they were some time ago.
    forms: Vec<Knowledge>,
}

impl Worker {
    pub(crate) async fn start(orders: &Orders, marker: Marker, way: Life) -> Self {
        let publish = match (way, orders.life % 3) {
            (Life::Ordinary, 0) | (Life::Bulk, _) => PublishMode::Off,
            (Life::Ordinary, 2) => PublishMode::Background,
            (Life::Ordinary | Life::Inline, _) => PublishMode::Inline,
        };
        let kb = opened(orders, publish).await;
        let last =
            orders.ledger().read().into_iter().rev().find_map(|line| if let Line::Intent(intent) = line { Some(intent) } else { None });
        let (pen, random) = (orders.ledger().pen(), Random::new(orders.seed));
        let mut worker = Self { kb, pen, random, marker, way, life: orders.life, number: 0, known: Vec::new(), forms: Vec::new() };
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

    pub(crate) async fn work(mut self) {
        loop {
            if self.number.is_multiple_of(8) || self.known.is_empty() {
                self.known = everything(&self.kb, View::Working).await;
                let form = self.pick();
                self.forms.extend(form);
                self.forms.drain(..self.forms.len().saturating_sub(FORMS));
            }
            self.number += 1;
            if self.way == Life::Bulk {
                self.import().await;
                self.synchronise().await;
            }
            match self.random.below(100) {
                // People think between two saves, and others get their turn.
                95.. => std::thread::park_timeout(Duration::from_millis(self.random.below(200))),
                0..12 if self.known.len() < MOST => self.create().await,
                0..18 => self.synchronise().await,
                18..26 => self.body().await,
                26..34 => self.stale().await,
                34..43 => self.rename().await,
                43..50 if self.known.len() > MOST / 2 => self.delete().await,
                50..60 => self.review().await,
                60..66 => self.decide().await,
                66..74 => self.refresh().await,
                74..76 => self.settle().await,
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

    fn number(&self) -> String {
        format!("{}.{}", self.life, self.number)
    }

    fn announce(&mut self, number: &str, what: What, kind: &str, id: &str, values: &[(&str, &str)]) {
        let values = values.iter().map(|(field, token)| ((*field).to_owned(), (*token).to_owned())).collect();
        let intent = Intent { number: number.to_owned(), what, kind: kind.to_owned(), id: id.to_owned(), values, seen: None };
        self.pen.write(&Line::Intent(intent));
    }

    fn answer(&mut self, number: String, begun: Instant, outcome: Result<(u64, String), Error>) {
        let saving = self.marker.saving();
        self.pen.write(&answer(number, begun, saving.operation, saving.attempts, outcome));
    }

    async fn save(&mut self, what: What, kind: &str, id: &str, values: &[(&str, &str)], save: Save) {
        let (number, begun) = (self.number(), Instant::now());
        self.announce(&number, what, kind, id, values);
        let outcome = self.kb.save(save.author(ada())).await;
        self.answer(number, begun, outcome.map(|saved| (saved.revision, format!("{:?}", saved.sync_status))));
    }

    async fn synchronise(&mut self) {
        match self.kb.sync(SyncOptions::default()).await {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Busy => eprintln!("{error}"),
            Err(error) => {
                let number = self.number();
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

    /// Rows of a table, always the same customers.
    async fn import(&mut self) {
        let begun = Instant::now();
        let (mut rows, mut numbers) = (Vec::new(), Vec::new());
        for row in 0..ROWS {
            let id = format!("c-row-{row}");
            // A number that begins with 0 is no other save's.
            let token = |of: &str| format!("t{}x0{}0{row:02}{of}z", self.life, self.number);
            let (title, region, body) = (token("1"), token("2"), token("3"));
            let number = format!("{}-{row}", self.number());
            self.announce(&number, What::Import, "customer", &id, &[("title", &title), ("region", &region), ("body", &body)]);
            numbers.push(number);
            let fields = [("name", format!("Row {title}")), ("region", region)].map(|(name, value)| (name.to_owned(), value.into()));
            rows.push(ImportRow {
                slug: None,
                id: Some(id),
                fields: fields.into_iter().collect(),
                body: format!("# Row\n\nText {body}\n"),
            });
        }
        let outcome = self.kb.import("customer", &rows, Some(ada()), None).await;
        for number in numbers {
            let outcome = outcome.as_ref().map(|_| (0, "imported".to_owned()));
            self.pen.write(&answer(number, begun, None, 1, outcome.map_err(|error| Error::new(error.kind(), error.to_string()))));
        }
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

    /// A form that has been open for a while.
    async fn stale(&mut self) {
        let Some(entity) = self.random.pick(&self.forms).cloned() else { return };
        let token = self.token(0);
        let form = onto(&entity).based_on(entity.revision);
        let body = self.random.below(2) == 0 && entity.kind.as_str() != "category";
        let (field, save) =
            if body { ("body", form.body(format!("# Stale\n\nText {token}\n"))) } else { ("note", form.set("note", token.as_str())) };
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

    /// The external source speaks, or a person edits what it spoke of.
    async fn refresh(&mut self) {
        let Some(entity) = self.pick() else { return };
        let token = self.token(0);
        let by_person = self.random.below(4) == 0;
        let save = onto(&entity).set(SOURCE, token.as_str());
        let (what, save) = if by_person { (What::Edit, save) } else { (What::Refresh, save.source(SOURCE)) };
        self.save(what, entity.kind.as_str(), entity.id.as_str(), &[(SOURCE, &token)], save).await;
    }

    /// Decides about what the external source said and a person edited.
    async fn settle(&mut self) {
        let overrides = self.kb.overrides(SOURCE).await.unwrap();
        let Some(over) = self.random.pick(&overrides) else { return };
        let (kind, id) = (over.kind.to_string(), over.id.to_string());
        let (what, settle) = if self.random.below(2) == 0 { (Some(What::Take), Settle::Take) } else { (None, Settle::Keep) };
        let (number, begun) = (self.number(), Instant::now());
        if let Some(what) = what {
            self.announce(&number, what, &kind, &id, &[]);
        }
        let outcome = self.kb.settle(&kind, Selector::Id(over.id.clone()), SOURCE, settle, &[SOURCE.to_owned()], Some(ada())).await;
        if what.is_some() || outcome.is_err() {
            self.answer(number, begun, outcome.map(|entity| (entity.revision, "settled".to_owned())));
        }
    }

    async fn delete(&mut self) {
        let Some(entity) = self.pick() else { return };
        let (kind, id) = (entity.kind.to_string(), entity.id.to_string());
        let (number, begun) = (self.number(), Instant::now());
        let fields = serde_json::Value::Object(entity.fields.clone());
        let seen = Some(format!("{} {} {fields}", entity.title, entity.body));
        self.pen.write(&Line::Intent(Intent {
            number: number.clone(),
            what: What::Delete,
            kind: kind.clone(),
            id,
            values: Vec::new(),
            seen,
        }));
        let outcome = self.kb.delete(Delete::new(&kind, Selector::Id(entity.id.clone())).author(ada())).await;
        self.answer(number, begun, outcome.map(|was| (was.revision, "deleted".to_owned())));
        self.known.retain(|known| known.id != entity.id);
    }

    async fn decide(&mut self) {
        let conflicts = self.kb.conflicts().await.unwrap();
        let Some(conflict) = self.random.pick(&conflicts) else { return };
        let (what, accept) = if self.random.below(2) == 0 { (What::Keep, Accept::Cache) } else { (What::Discard, Accept::Git) };
        let (kind, id) = (conflict.kind.to_string(), conflict.id.to_string());
        let (number, begun) = (self.number(), Instant::now());
        self.announce(&number, what, &kind, &id, &[]);
        let outcome = self.kb.resolve(&kind, Selector::Id(conflict.id.clone()), accept, Some(conflict.revision), Some(ada())).await;
        self.answer(number, begun, outcome.map(|left| (left.map_or(0, |left| left.revision), "decided".to_owned())));
    }
}

/// How the ledger tells of an answer. An engineer may have deleted or changed the entity since it was read.
pub(crate) fn answer(
    number: String,
    begun: Instant,
    operation: Option<String>,
    attempts: u32,
    outcome: Result<(u64, String), Error>,
) -> Line {
    let microseconds = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
    match outcome {
        Ok((revision, status)) => Line::Acknowledged { number, revision, status, operation, attempts, microseconds },
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Conflict) => Line::Refused { number, why: error.to_string() },
        Err(error) => Line::Failed { number, why: format!("{error:?}") },
    }
}

/// A save onto an entity by its id: its slug may have changed since it was read.
pub(crate) fn onto(entity: &Knowledge) -> Save {
    let mut save = Save::update(entity.kind.as_str(), entity.slug.as_str());
    save.slug = None;
    save.id(entity.id.as_str())
}
