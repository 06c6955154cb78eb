//! People with forms: what they save, and which words each of them knowingly replaces. A form that names the revision
//! it was made from replaces only what that revision showed.

use std::collections::BTreeSet;

use lorebase::Delete;
use lorebase::knowledge::{Content, EntityKey, Knowledge, Status};
use lorebase::store::{Query, Record, View};
use lorebase::sync::Save;

use super::sending::{Doing, Sent};
use super::stage::{ada, run};
use super::text::{PRIVATE, SOURCE, UNIQUE, words, words_in, words_of};
use super::{Check, Simulation, Step, What};

/// One form on its way out.
struct Form {
    save: Save,
    words: Vec<String>,
    replaces: BTreeSet<String>,
    /// Nothing else may go, however long it takes.
    exact: bool,
}

impl Simulation {
    /// An entity of a kind that this can happen to.
    fn pick(&self, pick: usize, what: What) -> Check<Option<(Knowledge, Record)>> {
        let query = Query { view: View::Working, limit: 100, ..Query::default() };
        let mut items = run(self.kb.list(&query))?.items;
        items.retain(|item| match what {
            What::Private | What::Refresh => item.kind.as_str() == "customer",
            What::Workflow => item.kind.as_str() == "skill",
            What::Body | What::Slug => item.kind.as_str() != "category",
            _ => true,
        });
        let Some(item) = items.get(pick % items.len().max(1)) else { return Ok(None) };
        Ok(self.record(&item.key())?.map(|record| (item.clone(), record)))
    }

    /// What a form made from this revision shows; nothing where it is not kept.
    fn as_seen(&self, record: &Record, revision: u64) -> Check<Option<Content>> {
        let live = record.live.iter().map(|live| (live.revision, &live.content));
        let ours = record.change.iter().map(|change| (change.revision, &change.content));
        if let Some((_, content)) = live.chain(ours).find(|(number, _)| *number == revision) {
            return Ok(Some(content.clone()));
        }
        Ok(run(self.stage.cache.revision(self.id(), record.uid, revision))?.map(|kept| kept.content))
    }

    pub(super) fn form(&mut self, step: Step) -> Check {
        let Step { what, a, b, .. } = step;
        if what == What::Create {
            return self.create(step);
        }
        let Some((item, record)) = self.pick(b, what)? else { return Ok(()) };
        let Some(newest) = record.change.as_ref().map(|change| &change.content).or(record.live.as_ref().map(|live| &live.content)) else {
            return Ok(());
        };
        let newest = newest.clone();
        let form = match what {
            What::Field => self.field(step, &item, &record, &newest)?,
            What::Body => self.body(step, &item, &record, &newest)?,
            What::Title | What::Slug | What::Workflow => Some(self.other(step, &item, &newest)),
            What::Private if self.with_private => Some(self.private(step, &item, &record, &newest)),
            What::Refresh => Some(self.refresh(step, &item, &newest)),
            What::Delete => return self.delete(step, &item, &record, &newest),
            _ => None,
        };
        form.map_or(Ok(()), |form| self.send_form(a % 2, Some(item.key()), form, step))
    }

    fn create(&mut self, step: Step) -> Check {
        let Step { a, b, c, .. } = step;
        let kind = ["skill", "customer", "document", "category"][b % 4];
        let word = self.ledger.word('u');
        let mut save = Save::create(kind).title(&format!("Name {}", c % 5)).set("f0", word.as_str());
        save = if kind == "category" { save.slug(&format!("entry-{}", c % 3)) } else { save.body(format!("Body {word}\n")) };
        if a % 3 == 0 {
            save = save.id(&format!("id{}", b % 6));
        }
        self.send_form(a % 2, None, Form { save, words: vec![word], replaces: BTreeSet::new(), exact: false }, step)
    }

    fn field(&mut self, Step { a, b, c, .. }: Step, item: &Knowledge, record: &Record, newest: &Content) -> Check<Option<Form>> {
        let word = self.ledger.word('u');
        let field = format!("f{}", c % 2);
        let mut save = update(item).set(&field, word.as_str());
        if item.kind.as_str() == "customer" && b % 3 == 1 {
            save = save.set(UNIQUE, format!("v{}", c % 3));
        }
        let exact = c % 5 == 0;
        let mut replaces = words_in(newest.fields.get(&field));
        if exact {
            let revision = 1 + a as u64 % record.revision;
            save = save.based_on(revision);
            replaces = self.as_seen(record, revision)?.map(|seen| words_in(seen.fields.get(&field))).unwrap_or_default();
        }
        Ok(Some(Form { save, words: vec![word], replaces, exact }))
    }

    fn body(&mut self, Step { a, c, .. }: Step, item: &Knowledge, record: &Record, newest: &Content) -> Check<Option<Form>> {
        let word = self.ledger.word('u');
        let save = update(item).body(format!("Saved {word}\n"));
        let revision = match c % 5 {
            1 => Some(1 + a as u64 % record.revision),
            2 | 3 => Some(item.revision),
            _ => None,
        };
        let Some(revision) = revision else {
            let save = match c % 5 {
                0 => save.based_on_current(),
                _ if a % 5 == 0 => save,
                _ => save.based_on_current().title(&format!("Name {}", a % 5)),
            };
            return Ok(Some(Form { save, words: vec![word], replaces: words(&newest.body), exact: false }));
        };
        let seen = self.as_seen(record, revision)?.map(|seen| seen.body).unwrap_or_default();
        // One who adds below what the form showed, or writes it anew.
        let text = if c % 2 == 0 { format!("{seen}\nAdded {word}\n") } else { format!("Saved {word}\n") };
        let replaces = if c % 2 == 0 { BTreeSet::new() } else { words(&seen) };
        Ok(Some(Form { save: update(item).body(text).based_on(revision), words: vec![word], replaces, exact: true }))
    }

    fn other(&mut self, Step { what, c, .. }: Step, item: &Knowledge, newest: &Content) -> Form {
        let statuses = [Status::Draft, Status::InReview, Status::Published, Status::Published, Status::Archived];
        let (save, field) = match what {
            What::Slug => (update(item).rename(&format!("name-{}", c % 5)), "f0"),
            What::Workflow => (update(item).status(statuses[c % 5]), "f1"),
            _ => (update(item).title(&format!("Name {}", c % 5)), "f1"),
        };
        let word = self.ledger.word('u');
        let save = save.set(field, word.as_str());
        Form { save, words: vec![word], replaces: words_in(newest.fields.get(field)), exact: false }
    }

    fn private(&mut self, Step { c, .. }: Step, item: &Knowledge, record: &Record, newest: &Content) -> Form {
        let secret = self.ledger.word('p');
        let mut form = Form {
            save: update(item).set(PRIVATE, secret.as_str()),
            words: vec![secret],
            replaces: words_in(record.private.get(PRIVATE)),
            exact: false,
        };
        if c % 2 == 0 {
            let word = self.ledger.word('u');
            form.save = form.save.set("f1", word.as_str());
            form.replaces.extend(words_in(newest.fields.get("f1")));
            form.words.push(word);
        }
        form
    }

    /// The source replaces nothing but what it said itself.
    fn refresh(&mut self, Step { c, .. }: Step, item: &Knowledge, newest: &Content) -> Form {
        let word = self.ledger.word('s');
        let field = format!("f{}", c % 2);
        let replaces = words_in(newest.fields.get(&field)).into_iter().filter(|word| word.starts_with('s')).collect();
        Form { save: update(item).set(&field, word.as_str()).source(SOURCE), words: vec![word], replaces, exact: false }
    }

    fn delete(&mut self, step: Step, item: &Knowledge, record: &Record, newest: &Content) -> Check {
        let mut replaces = words_of(newest);
        replaces.extend(record.live.iter().flat_map(|live| words_of(&live.content)));
        replaces.extend(words_in(record.private.get(PRIVATE)));
        let engine = step.a % 2;
        let kb = self.engines[engine].kb.clone();
        let mut delete = Delete::new(item.kind.as_str(), lorebase::Selector::Id(item.id.clone())).author(ada());
        let exact = step.c.is_multiple_of(3);
        if exact {
            delete = delete.expected_revision(1 + step.b as u64 % record.revision);
        }
        let work = Box::pin(async move { kb.delete(delete).await.map(drop) });
        self.send(Sent { engine, work, doing: Doing::Delete, words: Vec::new(), key: Some(item.key()), replaces, exact }, step)
    }

    fn send_form(&mut self, engine: usize, key: Option<EntityKey>, form: Form, step: Step) -> Check {
        let kb = self.engines[engine].kb.clone();
        let Form { save, words, replaces, exact } = form;
        let is_refresh = save.source.is_some();
        let save = save.author(ada()).idempotency_key(&words[0]);
        let doing = if is_refresh { Doing::Refresh } else { Doing::Save(Box::new(save.clone())) };
        let work = Box::pin(async move { kb.save(save).await.map(drop) });
        self.send(Sent { engine, work, doing, words, key, replaces, exact }, step)
    }
}

fn update(item: &Knowledge) -> Save {
    Save::update(item.kind.as_str(), "").id(item.id.as_str())
}
