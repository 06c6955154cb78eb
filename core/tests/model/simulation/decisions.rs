//! A person decides: conflicts, one way, the other way or field by field, and what an external source says. The side
//! that was chosen stays, and so does everything that did not conflict.

use std::collections::BTreeSet;

use lorebase::knowledge::Content;
use lorebase::store::{ChangeAction, ConflictReason, Record};
use lorebase::sync::{Choices, Save, Side};
use lorebase::{Accept, ConflictView, ErrorKind, Selector, Settle};

use super::sending::{Doing, Sent};
use super::stage::{ada, run};
use super::text::{PRIVATE, SOURCE, with_field, words, words_in, words_of};
use super::{Broken, Check, Simulation, Step, What};

impl Simulation {
    pub(super) fn decide(&mut self, step: Step) -> Check {
        if step.what == What::Settle { self.settle(step) } else { self.resolve(step) }
    }

    fn resolve(&mut self, step: Step) -> Check {
        let conflicts = run(self.kb.conflicts())?;
        let Some(view) = conflicts.get(step.b % conflicts.len().max(1)) else { return Ok(()) };
        let key = lorebase::knowledge::EntityKey { kind: view.kind.clone(), id: view.id.clone() };
        let Some(record) = self.record(&key)? else { return Ok(()) };
        let side = |number: usize| if (step.c >> (number % 8)) & 1 == 0 { Side::Git } else { Side::Cache };
        let mut words = Vec::new();
        let accept = match step.c % 4 {
            0 => Accept::Git,
            1 => Accept::Cache,
            2 => {
                words.push(self.ledger.word('u'));
                Accept::Document(document(&record, &words[0]))
            }
            _ => Accept::Each(Choices {
                rest: None,
                fields: view.fields.iter().enumerate().map(|(number, field)| (field.clone(), side(number))).collect(),
                hunks: (0..view.hunks.len()).map(|number| (number, side(number + view.fields.len()))).collect(),
            }),
        };
        let outdated = step.c / 4 % 4 == 3;
        let expected = if outdated { view.revision - 1 } else { view.revision };
        let replaces = if outdated { BTreeSet::new() } else { given_up(view, &record, &accept) };
        let doing = if outdated { Doing::Outdated } else { Doing::Resolve(view.revision) };
        let engine = step.a % 2;
        let kb = self.engines[engine].kb.clone();
        let (kind, id) = (view.kind.to_string(), Selector::Id(view.id.clone()));
        let work = Box::pin(async move { kb.resolve(&kind, id, accept, Some(expected), Some(ada())).await.map(drop) });
        self.send(Sent { engine, work, doing, words, key: Some(key), replaces, exact: false }, step)
    }

    fn settle(&mut self, step: Step) -> Check {
        let overrides = run(self.kb.overrides(SOURCE))?;
        let Some(entity) = overrides.get(step.b % overrides.len().max(1)) else { return Ok(()) };
        let (mut said, mut replaces) = (Vec::new(), BTreeSet::new());
        let settle = if step.c.is_multiple_of(2) { Settle::Take } else { Settle::Keep };
        if settle == Settle::Take {
            said.extend(entity.fields.iter().flat_map(|field| words_in(field.said.as_ref())));
            replaces.extend(entity.fields.iter().flat_map(|field| words_in(field.current.as_ref())));
        }
        let engine = step.a % 2;
        let kb = self.engines[engine].kb.clone();
        let key = lorebase::knowledge::EntityKey { kind: entity.kind.clone(), id: entity.id.clone() };
        let (kind, id) = (entity.kind.to_string(), Selector::Id(entity.id.clone()));
        let work = Box::pin(async move { kb.settle(&kind, id, SOURCE, settle, &[], Some(ada())).await.map(drop) });
        self.send(Sent { engine, work, doing: Doing::Settle, words: said, key: Some(key), replaces, exact: false }, step)
    }

    /// Decides everything. Where a place or a value is taken by now, our side takes another place or gives way.
    pub(super) fn decide_all(&mut self, choice: usize) -> Check {
        for view in run(self.kb.conflicts())? {
            let key = lorebase::knowledge::EntityKey { kind: view.kind.clone(), id: view.id.clone() };
            let Some(record) = self.record(&key)? else { continue };
            self.ledger.replaced(both_sides(&record), "a decision");
            let first = if (choice + usize::try_from(record.uid).unwrap_or(0)).is_multiple_of(2) { Accept::Git } else { Accept::Cache };
            let (kind, id) = (view.kind.as_str(), Selector::Id(view.id.clone()));
            match run(self.kb.resolve(kind, id.clone(), first.clone(), Some(view.revision), None)) {
                Ok(_) => continue,
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(Broken(format!("{key} cannot be decided: {error:?}"))),
            }
            let elsewhere = Save::update(kind, "").id(view.id.as_str()).rename(&format!("decided-{}", record.uid));
            run(self.kb.save(elsewhere))?;
            if run(self.kb.resolve(kind, id.clone(), first, None, None)).is_err() {
                run(self.kb.resolve(kind, id, Accept::Git, None, None))?;
            }
        }
        Ok(())
    }
}

fn both_sides(record: &Record) -> BTreeSet<String> {
    let contents = record.live.iter().map(|live| &live.content).chain(record.change.iter().map(|change| &change.content));
    contents.flat_map(words_of).chain(words_in(record.private.get(PRIVATE))).collect()
}

/// The words that a decision gives up, and no others.
fn given_up(view: &ConflictView, record: &Record, accept: &Accept) -> BTreeSet<String> {
    let removed = record.change.as_ref().is_none_or(|change| change.action != ChangeAction::Write) || record.live.is_none();
    if removed || matches!(accept, Accept::Document(_)) || view.reason != ConflictReason::BothChanged {
        return both_sides(record);
    }
    let of = |side: &Option<lorebase::SideView>| -> BTreeSet<String> {
        let Some(side) = side else { return BTreeSet::new() };
        let fields = side.fields.values().flat_map(|value| words_in(Some(value)));
        fields.chain(words(side.body.as_deref().unwrap_or_default())).collect()
    };
    let mut gone = match accept {
        Accept::Git => of(&view.cache),
        Accept::Cache => of(&view.git),
        _ => of(&view.cache).into_iter().chain(of(&view.git)).collect(),
    };
    // Comments are git's, whatever is chosen.
    gone.extend(record.change.iter().flat_map(|change| in_comments(&change.content)));
    gone
}

/// What somebody who saw both sides writes instead: one of them with another value.
fn document(record: &Record, word: &str) -> String {
    let live = record.live.as_ref().map(|live| &live.content);
    let Some(content) = live.or(record.change.as_ref().map(|change| &change.content)) else { return String::new() };
    let text = format!("{}{}", content.head, content.body);
    match serde_json::from_str::<serde_json::Value>(&text) {
        Ok(mut entry) => {
            entry["f0"] = word.into();
            format!("{entry:#}")
        }
        Err(_) => with_field(&text, "f0", word),
    }
}

fn in_comments(content: &Content) -> BTreeSet<String> {
    content.head.lines().filter(|line| line.starts_with('#')).flat_map(words).collect()
}
