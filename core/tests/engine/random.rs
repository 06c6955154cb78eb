//! Random histories: two engines, an engineer, deaths, failures, stalls and a clock that jumps. Every value that
//! anybody writes is a word of its own, so that at the end each one can be asked for: it is in git, waits in a change,
//! or somebody replaced it knowingly.
//!
//! The seed is fixed; `LOREBASE_RANDOM_CASES` runs more histories and `LOREBASE_RANDOM_SEED` others.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::pin::Pin;
use std::time::Duration;

use lorebase::conformance::fault::{Fault, Faults};
use lorebase::knowledge::{Content, EntityKey, Knowledge, Status};
use lorebase::store::{BlobRead, CacheStore, ChangeAction, ChangeState, CommitId, GitStore, Query, Record, TreeEdit, View};
use lorebase::sync::{Save, SyncOptions};
use lorebase::{Accept, Delete, ErrorKind, KnowledgeBase, PublishMode, Result};
use proptest::prelude::*;
use proptest::test_runner::{Config, Reason, RngAlgorithm, TestError, TestRng, TestRunner};
use serde_json::{Value, json};

use crate::invariants::{assert_at_rest, changed};
use crate::world::{World, ada, eve, poll_once, put, remove, run};

const JSON: &str = "categories/metadata.json";
const BROKEN: &str = "broken: [\n";
/// No two customers share a value of it.
const UNIQUE: &str = "salesforceId";

/// What happens, and three numbers that choose to whom and how.
#[derive(Debug, Clone, Copy)]
struct Action {
    what: What,
    a: usize,
    b: usize,
    c: usize,
}

#[derive(Debug, Clone, Copy)]
enum What {
    Create,
    Field,
    Body,
    Title,
    Slug,
    Workflow,
    Delete,
    Repeat,
    Add,
    EditField,
    EditBody,
    Move,
    Swap,
    Remove,
    Copy,
    Break,
    Mend,
    Revert,
    Rewind,
    Sync,
    Clock,
    Resume,
}

fn action() -> impl Strategy<Value = Action> {
    use What::{
        Add, Body, Break, Clock, Copy, Create, Delete, EditBody, EditField, Field, Mend, Move, Remove, Repeat, Resume, Revert, Rewind,
        Slug, Swap, Sync, Title, Workflow,
    };
    let what = prop_oneof![
        6 => Just(Create), 10 => Just(Field), 5 => Just(Body), 4 => Just(Title), 3 => Just(Slug), 5 => Just(Workflow), 3 => Just(Delete),
        2 => Just(Repeat), 6 => Just(Add), 6 => Just(EditField), 3 => Just(EditBody), 4 => Just(Move), 3 => Just(Swap), 2 => Just(Remove),
        2 => Just(Copy), 2 => Just(Break), 2 => Just(Mend), 1 => Just(Revert), 1 => Just(Rewind), 14 => Just(Sync), 2 => Just(Clock),
        2 => Just(Resume),
    ];
    (what, 0..1000_usize, 0..1000_usize, 0..1000_usize).prop_map(|(what, a, b, c)| Action { what, a, b, c })
}

/// The words in a text: `u17x` was saved, `g17x` was pushed.
fn words(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| {
            word.starts_with(['u', 'g']) && word.len() > 2 && word.ends_with('x') && word[1..word.len() - 1].parse::<u32>().is_ok()
        })
        .map(str::to_owned)
        .collect()
}

fn words_of(content: &Content) -> BTreeSet<String> {
    words(&format!("{}{}", content.head, content.body))
}

type Work = Pin<Box<dyn Future<Output = Result<()>>>>;

/// A change that was sent off: what it writes, and what it replaces once it is durable.
struct Sent {
    engine: usize,
    work: Work,
    word: Option<String>,
    key: Option<EntityKey>,
    deletes: bool,
    replaces: BTreeSet<String>,
    again: Option<(Save, String)>,
}

struct Simulation {
    world: World,
    engines: [(KnowledgeBase, Faults); 2],
    count: usize,
    /// Every word that was acknowledged or pushed, and what became of it as far as somebody decided it.
    tracked: BTreeMap<String, Option<String>>,
    stalled: Option<Sent>,
    repeat: Option<(Save, String)>,
    revisions: HashMap<i64, u64>,
}

impl Simulation {
    fn new() -> Self {
        let world = World::with(PublishMode::Off);
        let engines = [PublishMode::Inline, PublishMode::Off].map(|publish| {
            let faults = Faults::new();
            (world.faulty(publish, &faults), faults)
        });
        Self { world, engines, count: 0, tracked: BTreeMap::new(), stalled: None, repeat: None, revisions: HashMap::new() }
    }

    fn word(&mut self, by: char) -> String {
        self.count += 1;
        format!("{by}{}x", self.count)
    }

    fn id(&self) -> i64 {
        self.world.kb.engine().repository_id()
    }

    fn record(&self, key: &EntityKey) -> Option<Record> {
        run(self.world.cache.records(self.id(), std::slice::from_ref(key))).unwrap().pop().flatten()
    }

    fn replaced(&mut self, words: impl IntoIterator<Item = String>, by: &str) {
        for word in words {
            self.tracked.entry(word).and_modify(|end| *end = Some(by.to_owned()));
        }
    }

    // ---- what git has

    fn head(&self) -> Option<CommitId> {
        run(self.world.git.head()).unwrap()
    }

    fn files_at(&self, commit: &CommitId) -> BTreeMap<String, String> {
        let entries = run(self.world.git.tree(commit)).unwrap();
        let blobs: Vec<_> = entries.iter().map(|entry| entry.blob.clone()).collect();
        let reads = run(self.world.git.read(&blobs, u64::MAX)).unwrap();
        let text = |read| if let BlobRead::Found(bytes) = read { String::from_utf8(bytes).unwrap() } else { panic!("{read:?}") };
        entries.into_iter().zip(reads).map(|(entry, read)| (entry.path, text(read))).collect()
    }

    fn files(&self) -> BTreeMap<String, String> {
        self.head().map(|head| self.files_at(&head)).unwrap_or_default()
    }

    fn words_in_git(&self) -> BTreeSet<String> {
        self.files().values().flat_map(|text| words(text)).collect()
    }

    // ---- the engineer

    fn push(&mut self, edits: &[TreeEdit]) {
        if edits.is_empty() {
            return;
        }
        let before = self.words_in_git();
        self.world.git.push(&eve(), "An engineer's commit\n", edits).unwrap();
        self.pushed(&before);
    }

    fn pushed(&mut self, before: &BTreeSet<String>) {
        let after = self.words_in_git();
        self.replaced(before.difference(&after).cloned(), "an engineer");
        for word in after.difference(before) {
            self.tracked.entry(word.clone()).or_insert(None);
        }
    }

    fn markdown(&self, pick: usize) -> Option<(String, String)> {
        let files: Vec<_> = self.files().into_iter().filter(|(path, _)| path != JSON).collect();
        (!files.is_empty()).then(|| files[pick % files.len()].clone())
    }

    fn edit_unique(&mut self, value: usize, pick: usize) {
        let files: Vec<_> = self.files().into_iter().filter(|(path, _)| path.starts_with("customers/")).collect();
        if let Some((path, text)) = files.get(pick % files.len().max(1)) {
            self.push(&[put(path, &with_field(text, UNIQUE, &format!("v{}", value % 3)))]);
        }
    }

    fn engineer(&mut self, action: Action) {
        let Action { what, a, b, c } = action;
        let folder = ["skills", "customers", "documents"][a % 3];
        let free = format!("{folder}/name-{}.md", b % 5);
        match what {
            What::Add if a % 4 == 3 => {
                let word = self.word('g');
                self.edit_json(b, |entries, key| {
                    entries.entry(key).or_insert_with(|| json!({"name": "Named", "f0": word}));
                });
            }
            What::Add if !self.files().contains_key(&free) => {
                let (note, field, body) = (self.word('g'), self.word('g'), self.word('g'));
                let id = if folder == "documents" || c % 5 == 0 { String::new() } else { format!("id: id{}\n", c % 6) };
                let title = if folder == "customers" { "name" } else { "title" };
                let text = format!("---\n{id}{title}: Name {}\n# {note}\nf0: {field}\n---\nBody {body}\n", b % 5);
                self.push(&[put(&free, &text)]);
            }
            What::EditField if a % 4 == 3 => {
                let word = self.word('g');
                let field = format!("f{}", c % 2);
                self.edit_json(b, |entries, key| {
                    if let Some(Value::Object(entry)) = entries.get_mut(&key) {
                        entry.insert(field, word.into());
                    }
                });
            }
            What::EditField if c % 5 == 3 => self.edit_unique(a, b),
            What::EditField => {
                if let Some((path, text)) = self.markdown(b) {
                    let word = self.word('g');
                    self.push(&[put(&path, &with_field(&text, &format!("f{}", c % 2), &word))]);
                }
            }
            What::EditBody => {
                if let Some((path, text)) = self.markdown(b) {
                    let word = self.word('g');
                    let text = if c % 2 == 0 { format!("{text}More {word}\n") } else { with_body(&text, &format!("Other {word}\n")) };
                    self.push(&[put(&path, &text)]);
                }
            }
            What::Move => {
                if let Some((path, text)) = self.markdown(c).filter(|_| !self.files().contains_key(&free)) {
                    let to = if a % 2 == 0 { free } else { format!("{}/name-{}.md", path.split('/').next().unwrap(), b % 5) };
                    if to != path && !self.files().contains_key(&to) {
                        self.push(&[remove(&path), put(&to, &text)]);
                    }
                }
            }
            What::Swap => {
                if let (Some(one), Some(two)) = (self.markdown(a), self.markdown(b)) {
                    let same = one.0.split('/').next() == two.0.split('/').next();
                    if one.0 != two.0 && same {
                        let edits = [put(&one.0, &two.1), put(&two.0, &one.1)];
                        // A move onto the other's place, which loses the other.
                        let over = [remove(&one.0), put(&two.0, &one.1)];
                        self.push(if c % 3 == 0 { &over } else { &edits });
                    }
                }
            }
            What::Remove if a % 4 == 3 => self.edit_json(b, |entries, key| {
                entries.shift_remove(&key);
            }),
            What::Remove => {
                if let Some((path, _)) = self.markdown(b) {
                    self.push(&[remove(&path)]);
                }
            }
            What::Copy => {
                if let Some((_, text)) = self.markdown(c).filter(|_| !self.files().contains_key(&free)) {
                    self.push(&[put(&free, &text)]);
                }
            }
            What::Break => {
                let files: Vec<_> = self.files().into_iter().collect();
                if let Some((path, text)) = files.get(a % files.len().max(1)).filter(|(_, text)| !is_broken(text)) {
                    let text = if path == JSON { format!("{text}!!") } else { text.replacen("---\n", &format!("---\n{BROKEN}"), 1) };
                    self.push(&[put(path, &text)]);
                }
            }
            What::Mend => self.mend(),
            What::Revert => {
                let parent = self.head().and_then(|head| run(self.world.git.commit(&head)).unwrap().parents.first().cloned());
                if let (Some(parent), Some(head)) = (parent, self.head()) {
                    let (old, new) = (self.files_at(&parent), self.files_at(&head));
                    let mut edits: Vec<TreeEdit> = new.keys().filter(|path| !old.contains_key(*path)).map(|path| remove(path)).collect();
                    edits.extend(old.iter().filter(|(path, text)| new.get(*path) != Some(text)).map(|(path, text)| put(path, text)));
                    self.push(&edits);
                }
            }
            What::Rewind => self.rewind(a % 3),
            _ => {}
        }
    }

    fn rewind(&mut self, further: usize) {
        let mut at = self.head();
        for _ in 0..=further {
            at = at.and_then(|commit| run(self.world.git.commit(&commit)).unwrap().parents.first().cloned());
        }
        if at.is_some() {
            let before = self.words_in_git();
            self.world.git.force(at.as_ref()).unwrap();
            self.pushed(&before);
        }
    }

    fn edit_json(&mut self, pick: usize, edit: impl FnOnce(&mut serde_json::Map<String, Value>, String)) {
        let text = self.files().get(JSON).cloned().unwrap_or_else(|| "{}".to_owned());
        if let Ok(Value::Object(mut entries)) = serde_json::from_str(&text) {
            edit(&mut entries, format!("entry-{}", pick % 3));
            self.push(&[put(JSON, &format!("{:#}\n", Value::Object(entries)))]);
        }
    }

    fn mend(&mut self) {
        let broken = self.files().into_iter().filter(|(_, text)| is_broken(text));
        let edits: Vec<TreeEdit> = broken.map(|(path, text)| put(&path, &text.replace(BROKEN, "").replace("!!", ""))).collect();
        self.push(&edits);
    }

    // ---- the web form

    fn pick(&self, pick: usize) -> Option<(Knowledge, Record)> {
        let query = Query { view: View::Working, limit: 100, ..Query::default() };
        let items = run(self.world.kb.list(&query)).unwrap().items;
        let item = (!items.is_empty()).then(|| items[pick % items.len()].clone())?;
        let record = self.record(&item.key())?;
        Some((item, record))
    }

    fn form(&mut self, action: Action) {
        let Action { what, a, b, c } = action;
        let engine = a % 2;
        if let What::Create = what {
            let kind = ["skill", "customer", "document", "category"][b % 4];
            let word = self.word('u');
            let mut save = Save::create(kind).title(&format!("Name {}", c % 5)).set("f0", word.as_str());
            save = if kind == "category" { save.slug(&format!("entry-{}", c % 3)) } else { save.body(format!("Body {word}\n")) };
            if a % 3 == 0 {
                save = save.id(&format!("id{}", b % 6));
            }
            self.send_save(engine, save, word, None, BTreeSet::new(), action);
            return;
        }
        let Some((item, record)) = self.pick(b) else { return };
        let newest = record.change.as_ref().map_or_else(|| &record.live.as_ref().unwrap().content, |change| &change.content).clone();
        let key = Some(item.key());
        let update = || Save::update(item.kind.as_str(), "").id(item.id.as_str());
        let value = |field: &str| newest.fields.get(field).map(|value| words(&value.to_string())).unwrap_or_default();
        let word = self.word('u');
        match what {
            What::Field => {
                let field = format!("f{}", c % 2);
                let save = update().set(&field, word.as_str());
                let save = if item.kind.as_str() == "customer" && b % 3 == 1 { save.set(UNIQUE, format!("v{}", c % 3)) } else { save };
                let save = if c % 5 == 0 { save.based_on(1 + a as u64 % record.revision) } else { save };
                let replaces = value(&field);
                self.send_save(engine, save, word, key, replaces, action);
            }
            What::Body if item.kind.as_str() != "category" => {
                let save = update().body(format!("Saved {word}\n"));
                let save = match c % 4 {
                    0 => save.based_on_current(),
                    1 => save.based_on(1 + a as u64 % record.revision),
                    2 => save.based_on(item.revision),
                    _ if a % 5 == 0 => save,
                    _ => save.based_on_current().title(&format!("Name {}", a % 5)),
                };
                self.send_save(engine, save, word, key, words(&newest.body), action);
            }
            What::Title => {
                let save = update().title(&format!("Name {}", c % 5)).set("f1", word.as_str());
                let replaces = value("f1");
                self.send_save(engine, save, word, key, replaces, action);
            }
            What::Slug if item.kind.as_str() != "category" => {
                let save = update().rename(&format!("name-{}", c % 5)).set("f0", word.as_str());
                let replaces = value("f0");
                self.send_save(engine, save, word, key, replaces, action);
            }
            What::Workflow if item.kind.as_str() == "skill" => {
                let status = [Status::Draft, Status::InReview, Status::Published, Status::Published, Status::Archived][c % 5];
                let save = update().status(status).set("f1", word.as_str());
                let replaces = value("f1");
                self.send_save(engine, save, word, key, replaces, action);
            }
            What::Delete => {
                let mut replaces = words_of(&newest);
                replaces.extend(record.live.iter().flat_map(|live| words_of(&live.content)));
                let kb = self.engines[engine].0.clone();
                let delete = Delete::new(item.kind.as_str(), lorebase::Selector::Id(item.id.clone())).author(ada());
                let sending: Work = Box::pin(async move { kb.delete(delete).await.map(drop) });
                self.send(Sent { engine, work: sending, word: None, key, deletes: true, replaces, again: None }, action);
            }
            _ => {}
        }
    }

    fn send_save(&mut self, engine: usize, save: Save, word: String, key: Option<EntityKey>, replaces: BTreeSet<String>, action: Action) {
        let kb = self.engines[engine].0.clone();
        let save = save.author(ada()).idempotency_key(&word);
        let again = Some((save.clone(), word.clone()));
        let sending: Work = Box::pin(async move { kb.save(save).await.map(drop) });
        self.send(Sent { engine, work: sending, word: Some(word), key, deletes: false, replaces, again }, action);
    }

    fn repeat(&mut self, action: Action) {
        let Some((save, first)) = self.repeat.clone() else { return };
        let word = self.word('u');
        let before = self.present();
        let again = save.set("f0", word.as_str());
        let answer = run(self.engines[action.a % 2].0.save(again));
        assert!(
            answer.as_ref().is_ok_and(|_| true) || answer.as_ref().is_err_and(|error| error.kind() == ErrorKind::NotFound),
            "{answer:?}"
        );
        assert!(!self.present().contains(&word), "the key of {first} was used twice");
        assert!(before.contains(&first) <= self.present().contains(&first));
    }

    fn sync(&mut self, action: Action) {
        let engine = action.a % 2;
        let kb = self.engines[engine].0.clone();
        let sending: Work = Box::pin(async move { kb.sync(SyncOptions::default()).await.map(drop) });
        self.send(Sent { engine, work: sending, word: None, key: None, deletes: false, replaces: BTreeSet::new(), again: None }, action);
    }

    /// Does it, with or without something going wrong on the way.
    fn send(&mut self, mut sent: Sent, action: Action) {
        let faults = self.engines[sent.engine].1.clone();
        if self.stalled.as_ref().is_some_and(|stalled| stalled.engine == sent.engine) {
            // One engine works on two things only in its own turn: that is another story.
            return;
        }
        let call = (action.a / 2 % 45) as u64;
        let kind = if action.b.is_multiple_of(2) { ErrorKind::Unavailable } else { ErrorKind::Busy };
        let fault = match action.c / 5 % 12 {
            0 | 1 => Some(Fault::StopBefore),
            2 | 3 => Some(Fault::StopAfter),
            4 => Some(Fault::ErrorBefore(kind)),
            5 => Some(Fault::ErrorAfter(kind)),
            _ => None,
        };
        match fault {
            Some(fault) => faults.arm(call, fault),
            None => faults.disarm(),
        }
        let answer = poll_once(sent.work.as_mut());
        let failed = faults.struck().is_some();
        match answer {
            None if (action.c / 60).is_multiple_of(2) && self.stalled.is_none() => {
                if self.is_durable(&sent) {
                    self.acknowledged(&sent);
                    sent.word = None;
                    sent.deletes = false;
                    sent.replaces.clear();
                }
                self.stalled = Some(sent);
            }
            None => {
                faults.disarm();
                self.world.kill(&self.engines[sent.engine].0);
                if self.is_durable(&sent) {
                    self.acknowledged(&sent);
                }
                drop(sent.work);
                let publish = if sent.engine == 0 { PublishMode::Inline } else { PublishMode::Off };
                self.engines[sent.engine].0 = self.world.faulty(publish, &faults);
            }
            Some(answer) => {
                faults.disarm();
                self.answered(&sent, answer, failed);
            }
        }
    }

    fn answered(&mut self, sent: &Sent, answer: Result<()>, failed: bool) {
        match answer {
            Ok(()) => self.acknowledged(sent),
            Err(error) => {
                // One that stalls, or could not give its lease back, holds the others up until the lease runs out.
                let busy = error.kind() == ErrorKind::Busy && error.message().contains("has been synchronising");
                let refused = matches!(error.kind(), ErrorKind::Conflict | ErrorKind::InvalidInput | ErrorKind::NotFound);
                let form = sent.word.is_some() || sent.deletes;
                assert!(failed || busy || refused && form, "an error without a cause: {error:?}");
                if self.is_durable(sent) {
                    self.acknowledged(sent);
                }
            }
        }
    }

    /// Whether a save without an answer was written nevertheless.
    fn is_durable(&self, sent: &Sent) -> bool {
        match (&sent.word, &sent.key) {
            (Some(word), _) => self.present().contains(word),
            (None, Some(key)) if sent.deletes => self.record(key).is_none_or(|record| match &record.change {
                Some(change) => change.action == ChangeAction::Delete,
                None => record.live.is_none(),
            }),
            _ => false,
        }
    }

    fn acknowledged(&mut self, sent: &Sent) {
        self.replaced(sent.replaces.iter().cloned(), sent.word.as_deref().unwrap_or("a deletion"));
        if let Some(word) = &sent.word {
            self.tracked.insert(word.clone(), None);
            self.repeat.clone_from(&sent.again);
        }
    }

    fn resume(&mut self) {
        let Some(mut sent) = self.stalled.take() else { return };
        let faults = self.engines[sent.engine].1.clone();
        // What it replaces now is what stands there now.
        if let (Some(record), true) = (sent.key.as_ref().and_then(|key| self.record(key)), sent.word.is_some() || sent.deletes) {
            let contents = record.live.iter().map(|live| &live.content).chain(record.change.iter().map(|change| &change.content));
            let now: BTreeSet<String> = contents.flat_map(words_of).collect();
            let (Some((save, _)), false) = (&sent.again, sent.deletes) else {
                sent.replaces.extend(now);
                return self.finish_resumed(sent, &faults);
            };
            for content in record.live.iter().map(|live| &live.content).chain(record.change.iter().map(|change| &change.content)) {
                for edit in &save.edits {
                    if let lorebase::codec::FieldEdit::Set(name, _) = edit {
                        sent.replaces.extend(content.fields.get(name).map(|value| words(&value.to_string())).unwrap_or_default());
                    }
                }
                if save.body.is_some() {
                    sent.replaces.extend(words(&content.body));
                }
            }
        }
        self.finish_resumed(sent, &faults);
    }

    fn finish_resumed(&mut self, mut sent: Sent, faults: &Faults) {
        faults.resume();
        let answer = poll_once(sent.work.as_mut()).expect("nothing holds it any more");
        faults.disarm();
        self.answered(&sent, answer, true);
    }

    // ---- what must hold

    /// Every word that git has or that waits in a change.
    fn present(&self) -> BTreeSet<String> {
        let mut found = self.words_in_git();
        for record in changed(&self.world, &self.world.kb) {
            found.extend(words_of(&record.change.unwrap().content));
        }
        found
    }

    fn assert_nothing_is_lost(&self, when: &str) {
        let present = self.present();
        for (word, end) in &self.tracked {
            assert!(end.is_some() || present.contains(word), "{word} is lost {when}");
        }
    }

    fn assert_revisions_rise(&mut self) {
        let uids: Vec<i64> = (1..=60).collect();
        for record in run(self.world.cache.records_by_uid(self.id(), &uids)).unwrap().into_iter().flatten() {
            let before = self.revisions.insert(record.uid, record.revision).unwrap_or(0);
            assert!(before <= record.revision, "{} went from revision {before} to {}", record.key, record.revision);
            let highest = [record.live.as_ref().map(|live| live.revision), record.change.as_ref().map(|change| change.revision)];
            assert!(highest.into_iter().flatten().all(|revision| revision <= record.revision), "{record:#?}");
        }
    }

    /// No two records have one unique value, in whichever version.
    fn assert_unique_values(&self) {
        let mut holders: BTreeMap<String, i64> = BTreeMap::new();
        for record in run(self.world.cache.records_by_uid(self.id(), &(1..=60).collect::<Vec<_>>())).unwrap().into_iter().flatten() {
            let change = record.change.iter().filter(|change| change.action == ChangeAction::Write).map(|change| &change.content);
            for content in record.live.iter().map(|live| &live.content).chain(change) {
                if let (Some(value), "customer") = (content.fields.get(UNIQUE), record.key.kind.as_str()) {
                    let holder = *holders.entry(value.to_string()).or_insert(record.uid);
                    assert_eq!(holder, record.uid, "two customers have {value}");
                }
            }
        }
    }

    fn act(&mut self, action: Action) {
        self.world.clock.advance(Duration::from_secs(1));
        match action.what {
            What::Sync => self.sync(action),
            What::Resume => self.resume(),
            What::Repeat => self.repeat(action),
            What::Clock if action.a.is_multiple_of(4) => {
                let back = Duration::from_secs(action.b as u64 % 30);
                let now = lorebase::clock::Clock::now(&*self.world.clock);
                self.world.clock.set(now.checked_sub(back).unwrap());
            }
            What::Clock => self.world.clock.advance(Duration::from_secs(action.b as u64 * 8)),
            What::Create | What::Field | What::Body | What::Title | What::Slug | What::Workflow | What::Delete => self.form(action),
            _ => self.engineer(action),
        }
        self.assert_nothing_is_lost("on the way");
        self.assert_revisions_rise();
        self.assert_unique_values();
    }

    /// Tells where everything stands.
    fn describe(&self) {
        for (path, text) in self.files() {
            eprintln!("   git {path}: {}", text.escape_debug());
        }
        for record in run(self.world.cache.records_by_uid(self.id(), &(1..=60).collect::<Vec<_>>())).unwrap().into_iter().flatten() {
            eprintln!("   record {} {} revision {}", record.uid, record.key, record.revision);
            if let Some(live) = &record.live {
                eprintln!("      live {} at {}: {:?}", live.revision, live.content.location, words_of(&live.content));
            }
            if let Some(change) = &record.change {
                let (revision, place, placed) = (change.revision, &change.content.location, change.placed);
                let words = words_of(&change.content);
                eprintln!("      {:?} {:?} {revision} at {place} (placed {placed}): {words:?}", change.state, change.action);
            }
        }
    }

    fn settle(&mut self) {
        for _ in 0..3 {
            self.world.clock.advance(Duration::from_secs(700));
            let answer = run(self.world.kb.sync(SyncOptions { allow_deletions: true, ..SyncOptions::default() }));
            if let Err(error) = answer {
                self.describe();
                panic!("it does not settle: {error:?}");
            }
        }
        assert_at_rest(&self.world, &self.world.kb);
        self.assert_nothing_is_lost("at rest");
    }

    fn finish(mut self, choice: i64) {
        self.resume();
        self.engines.iter().for_each(|(_, faults)| faults.disarm());
        self.mend();
        self.settle();
        self.decide(choice);
        self.settle();
        let left = run(self.world.kb.conflicts()).unwrap();
        assert!(left.is_empty(), "{left:#?}");
    }

    fn decide(&mut self, choice: i64) {
        for record in changed(&self.world, &self.world.kb) {
            let change = record.change.as_ref().unwrap();
            if change.state != ChangeState::Conflict {
                continue;
            }
            let both: BTreeSet<String> =
                record.live.iter().flat_map(|live| words_of(&live.content)).chain(words_of(&change.content)).collect();
            self.replaced(both, "a decision");
            let accept = if (choice + record.uid) % 2 == 0 { Accept::Git } else { Accept::Cache };
            let (kind, id) = (record.key.kind.as_str(), lorebase::Selector::Id(record.key.id.clone()));
            let expected = Some(change.revision);
            match run(self.world.kb.resolve(kind, id.clone(), accept.clone(), expected, None)) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Conflict => {
                    let fresh = format!("decided-{}", record.uid);
                    run(self.world.kb.save(Save::update(kind, "").id(record.key.id.as_str()).rename(&fresh))).unwrap();
                    run(self.world.kb.resolve(kind, id, accept, None, None)).unwrap();
                }
                Err(error) => panic!("{}: {error:?}", record.key),
            }
        }
    }
}

fn is_broken(text: &str) -> bool {
    text.contains(BROKEN) || text.ends_with("!!")
}

fn with_field(text: &str, field: &str, word: &str) -> String {
    let line = format!("{field}: {word}\n");
    let mut parts: Vec<&str> = text.split_inclusive('\n').collect();
    let Some(end) = parts.iter().skip(1).position(|line| *line == "---\n").map(|at| at + 1) else { return text.to_owned() };
    match parts[..end].iter().position(|part| part.starts_with(&format!("{field}:"))) {
        Some(at) => parts[at] = &line,
        None => parts.insert(end, &line),
    }
    parts.concat()
}

fn with_body(text: &str, body: &str) -> String {
    let parts: Vec<&str> = text.split_inclusive('\n').collect();
    let end = parts.iter().skip(1).position(|line| *line == "---\n").map_or(0, |at| at + 2);
    format!("{}{body}", parts[..end].concat())
}

#[test]
fn whatever_happens_nothing_is_lost_and_both_sides_end_up_equal() {
    let number = |name: &str, default: u32| std::env::var(name).map_or(default, |value| value.parse().expect("a whole number"));
    let mut seed = [0; 32];
    seed[..4].copy_from_slice(&number("LOREBASE_RANDOM_SEED", 1).to_le_bytes());
    let cases = number("LOREBASE_RANDOM_CASES", 500);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 3000, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let histories = (proptest::collection::vec(action(), 1..45), 0..2_i64);
    runner
        .run(&histories, |(actions, choice)| {
            let mut simulation = Simulation::new();
            for action in actions {
                simulation.act(action);
            }
            simulation.finish(choice);
            Ok(())
        })
        .unwrap_or_else(|failure| match failure {
            TestError::Fail(why, (actions, choice)) => tell(&actions, choice, &why),
            TestError::Abort(why) => panic!("{why}"),
        });
}

/// Goes through the shortest failing history once more and tells what happens.
fn tell(actions: &[Action], choice: i64, why: &Reason) {
    eprintln!("\nThe shortest history that fails:");
    let mut simulation = Simulation::new();
    for action in actions {
        eprintln!("== {:?} {} {} {}", action.what, action.a, action.b, action.c);
        simulation.act(*action);
        simulation.describe();
    }
    eprintln!("== and to the end");
    simulation.finish(choice);
    panic!("{why}");
}
