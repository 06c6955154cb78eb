//! A child that saves onto entities on which everybody saves: from forms, fresh and stale, each with the text that it
//! replaces; and fields without a form. What it saw is in the ledger, so that afterwards every replacement can be held
//! to it.

use std::time::{Duration, Instant};

use lorebase::knowledge::Knowledge;
use lorebase::store::View;
use lorebase::sync::{Save, SyncOptions};
use lorebase::{Accept, Error, ErrorKind, KnowledgeBase, PublishMode, Selector};

use super::child::{ada, database, opened};
use super::history::tokens;
use super::ledger::{Intent, Line, Pen, What};
use super::orders::Orders;
use super::random::Random;
use super::scratch::{CROWD, SLOTS, crowd_id};
use super::shifted;
use super::steps::Marker;
use super::worker::{answer, onto};

/// The field that is set whatever it is.
pub(crate) const UNSEEN: &str = "tier";

/// Forms that stay open while others save.
const FORMS: usize = 12;

/// Where two processes are to meet.
const FEW: [u64; 2] = [2, 2];

struct Saver {
    kb: KnowledgeBase,
    pen: Pen,
    marker: Marker,
    random: Random,
    life: u32,
    number: u32,
    forms: Vec<Knowledge>,
    /// On how many entities it works, and on how many places in the text of each.
    among: [u64; 2],
}

impl Saver {
    fn new(orders: &Orders, marker: Marker, kb: KnowledgeBase, among: [u64; 2]) -> Self {
        let (pen, random) = (orders.ledger().pen(), Random::new(orders.seed));
        Self { kb, pen, marker, random, life: orders.life, number: 0, forms: Vec::new(), among }
    }

    /// One save, or a decision about a conflict.
    async fn turn(&mut self) {
        self.number += 1;
        match self.random.below(20) {
            0 if self.life == 1 => self.decide().await,
            0..5 => self.set().await,
            5..10 => self.field().await,
            _ => self.slot().await,
        }
    }

    fn token(&self) -> String {
        format!("t{}x{}z", self.life, self.number)
    }

    /// A form: as somebody sees it now, or as it was a while ago.
    async fn form(&mut self) -> Knowledge {
        let old = if self.among == FEW { !self.forms.is_empty() } else { self.forms.len() == FORMS && self.random.below(5) == 0 };
        if old {
            let at = usize::try_from(self.random.below(self.forms.len() as u64)).unwrap();
            return self.forms.swap_remove(at);
        }
        let number = self.random.below(self.among[0]);
        let form = self.read(number).await;
        if self.forms.len() < FORMS && self.among != FEW {
            self.forms.push(form.clone());
        }
        form
    }

    async fn read(&self, number: u64) -> Knowledge {
        let id = crowd_id(number);
        self.kb.get_view("customer", Selector::Id(id.as_str().into()), View::Working).await.unwrap().unwrap()
    }

    async fn save(&mut self, id: &str, place: &str, seen: Option<String>, save: Save) {
        let (number, begun) = (format!("{}.{}", self.life, self.number), Instant::now());
        self.announce(&number, What::Edit, id, vec![(place.to_owned(), self.token())], seen);
        let outcome = self.kb.save(save.author(ada())).await;
        self.answer(number, begun, outcome.map(|saved| (saved.revision, format!("{:?}", saved.sync_status))));
    }

    fn announce(&mut self, number: &str, what: What, id: &str, values: Vec<(String, String)>, seen: Option<String>) {
        let intent = Intent { number: number.to_owned(), what, kind: "customer".to_owned(), id: id.to_owned(), values, seen };
        self.pen.write(&Line::Intent(intent));
    }

    /// Where many save at once a save may be told that others were faster, or that a lock was not given back.
    fn answer(&mut self, number: String, begun: Instant, outcome: Result<(u64, String), Error>) {
        let saving = self.marker.saving();
        self.pen.write(&match outcome {
            Err(error) if error.kind() == ErrorKind::Busy => Line::Refused { number, why: error.to_string() },
            outcome => answer(number, begun, saving.operation, saving.attempts, outcome),
        });
    }

    async fn set(&mut self) {
        let (id, token) = (crowd_id(self.random.below(self.among[0])), self.token());
        let mut save = Save::update("customer", "").id(&id).set(UNSEEN, token.as_str());
        save.slug = None;
        self.save(&id, UNSEEN, None, save).await;
    }

    async fn field(&mut self) {
        let (form, token) = (self.form().await, self.token());
        let seen = form.fields.get("region").map(ToString::to_string).unwrap_or_default();
        let seen = tokens(&seen).next().map(str::to_owned);
        self.save(form.id.as_str(), "region", seen, onto(&form).set("region", token.as_str()).based_on(form.revision)).await;
    }

    async fn slot(&mut self) {
        let (form, token) = (self.form().await, self.token());
        let name = format!("Slot {} ", self.random.below(self.among[1]));
        let Some(line) = form.body.lines().find(|line| line.starts_with(&name)) else { return };
        let seen = tokens(line).next().map(str::to_owned);
        let body = form.body.replace(line, &format!("{name}{token}"));
        self.save(form.id.as_str(), name.trim(), seen, onto(&form).body(body).based_on(form.revision)).await;
    }

    async fn decide(&mut self) {
        let conflicts = self.kb.conflicts().await.unwrap();
        let Some(conflict) = self.random.pick(&conflicts) else { return };
        let (what, accept) = if self.random.below(4) == 0 { (What::Discard, Accept::Git) } else { (What::Keep, Accept::Cache) };
        let (number, begun) = (format!("{}.{}", self.life, self.number), Instant::now());
        let id = conflict.id.to_string();
        let (selector, revision) = (Selector::Id(conflict.id.clone()), conflict.revision);
        self.announce(&number, what, &id, Vec::new(), None);
        let outcome = self.kb.resolve("customer", selector, accept, Some(revision), Some(ada())).await;
        self.answer(number, begun, outcome.map(|left| (left.map_or(0, |left| left.revision), "decided".to_owned())));
    }
}

/// Saves beside others for so many seconds.
pub(crate) async fn contend(orders: &Orders, marker: Marker, seconds: u64, savers: u32) {
    let mut saver = Saver::new(orders, marker, opened(orders, PublishMode::Inline).await, [CROWD, SLOTS]);
    wait_for_the_others(orders, savers);
    let end = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < end {
        saver.turn().await;
    }
}

/// Saves so often on the clock of the test's folder, synchronises before and after, and goes.
pub(crate) async fn hold(orders: &Orders, marker: Marker, times: u32) {
    let kb = shifted::open(&orders.folder, &orders.repository, database(orders), PublishMode::Inline).await.unwrap();
    let mut saver = Saver::new(orders, marker, kb, FEW);
    synchronise(&saver.kb).await;
    // Forms from before whatever happens meanwhile.
    for number in 0..FEW[0] {
        let form = saver.read(number).await;
        saver.forms.push(form);
    }
    for _ in 0..times {
        saver.turn().await;
    }
    synchronise(&saver.kb).await;
}

async fn synchronise(kb: &KnowledgeBase) {
    match kb.sync(SyncOptions::default()).await {
        Ok(_) => {}
        // What a paused process holds, and what a process finds that was paused itself.
        Err(error) if error.is_retryable() => eprintln!("{error}"),
        Err(error) => panic!("{error:?}"),
    }
}

/// All begin at once: each says that it is ready and waits until the others have said so.
fn wait_for_the_others(orders: &Orders, savers: u32) {
    let file = |life: u32| orders.folder.join(format!("ready-{life}"));
    std::fs::write(file(orders.life), "").unwrap();
    let deadline = Instant::now() + Duration::from_mins(1);
    while !(1..=savers).all(|life| file(life).exists()) {
        assert!(Instant::now() < deadline, "the other processes never became ready");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}
