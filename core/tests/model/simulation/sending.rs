//! Sending work off, with or without something going wrong on the way: a call that fails, an engine that dies or
//! stands still in the middle of a call and goes on much later.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::time::Duration;

use lorebase::codec::FieldEdit;
use lorebase::conformance::fault::Fault;
use lorebase::knowledge::EntityKey;
use lorebase::store::{ChangeAction, Record};
use lorebase::sync::{Save, SyncOptions};
use lorebase::{ErrorKind, Result};

use super::stage::run;
use super::text::{PRIVATE, words, words_in, words_of};
use super::{Check, Simulation, Step};

pub(super) type Work = Pin<Box<dyn Future<Output = Result<()>>>>;

/// What was sent off.
pub(super) enum Doing {
    Save(Box<Save>),
    /// The external source speaks.
    Refresh,
    Delete,
    /// A decision about our side at this revision.
    Resolve(u64),
    /// A decision about what the source said.
    Settle,
    /// A decision of a revision that is not the newest: never carried out.
    Outdated,
    Sync,
    /// It was found to be durable before its answer came.
    Counted,
}

/// Work on its way, and what it replaces once it is durable.
pub(super) struct Sent {
    pub(super) engine: usize,
    pub(super) work: Work,
    pub(super) doing: Doing,
    pub(super) words: Vec<String>,
    pub(super) key: Option<EntityKey>,
    pub(super) replaces: BTreeSet<String>,
    /// Nothing else may go, however long it takes.
    pub(super) exact: bool,
}

impl Simulation {
    pub(super) fn sync(&mut self, step: Step) -> Check {
        let engine = step.a % 2;
        let kb = self.engines[engine].kb.clone();
        let work: Work = Box::pin(async move { kb.sync(SyncOptions::default()).await.map(drop) });
        let sent = Sent { engine, work, doing: Doing::Sync, words: Vec::new(), key: None, replaces: BTreeSet::new(), exact: false };
        self.send(sent, step)
    }

    /// The same operation once more, with other content: it does nothing.
    pub(super) fn repeat(&mut self, step: Step) -> Check {
        let Some((save, first)) = self.repeat.clone() else { return Ok(()) };
        let word = self.ledger.word('u');
        let before = self.present()?;
        let answer = run(self.engines[step.a % 2].kb.save(save.set("f0", word.as_str())));
        let told = answer.as_ref().map_or_else(|error| error.kind() == ErrorKind::NotFound, |_| true);
        ensure!(told, "a save sent twice was answered {answer:?}");
        let after = self.present()?;
        ensure!(!after.contains(&word), "the key of {first} was used twice");
        ensure!(before.contains(&first) <= after.contains(&first), "{first} went when its save was sent again");
        Ok(())
    }

    pub(super) fn send(&mut self, mut sent: Sent, step: Step) -> Check {
        let faults = self.engines[sent.engine].faults.clone();
        if self.stalled.as_ref().is_some_and(|stalled| stalled.engine == sent.engine) {
            // One engine works on two things only in its own turn: that is another story.
            return Ok(());
        }
        let call = (step.a / 2 % 45) as u64;
        let kind = if step.b.is_multiple_of(2) { ErrorKind::Unavailable } else { ErrorKind::Busy };
        match step.c / 5 % 12 {
            0 | 1 => faults.arm(call, Fault::StopBefore),
            2 | 3 => faults.arm(call, Fault::StopAfter),
            4 => faults.arm(call, Fault::ErrorBefore(kind)),
            5 => faults.arm(call, Fault::ErrorAfter(kind)),
            _ => faults.disarm(),
        }
        let answer = faults.drive(sent.work.as_mut());
        let failed = faults.struck().is_some();
        if failed && answer.is_some() {
            self.ledger.count("failed calls");
        }
        match (answer, step.c / 60 % 4) {
            (Some(answer), _) => {
                faults.disarm();
                self.answered(&sent, answer, failed)
            }
            (None, 0 | 2) if self.stalled.is_none() => {
                if matches!(sent.doing, Doing::Settle) {
                    // It may be written by now, and may be planned again.
                    self.ledger.replaced(sent.replaces.iter().cloned(), "a decision");
                } else if self.is_durable(&sent)? {
                    self.acknowledged(&sent)?;
                    sent.doing = Doing::Counted;
                }
                self.stalled = Some(sent);
                // Half of them stand still for longer than a lease.
                if (step.c / 240).is_multiple_of(2) {
                    self.stage.clock.advance(Duration::from_mins(5));
                }
                self.ledger.count("stood still");
                Ok(())
            }
            // The caller waits no longer; the process lives on.
            (None, 3) => {
                faults.disarm();
                self.ledger.count("callers gave up");
                self.gone(sent)
            }
            (None, _) => {
                faults.disarm();
                self.ledger.count("processes died");
                let engine = sent.engine;
                self.stage.kill(&self.engines[engine].kb);
                self.gone(sent)?;
                let dead = &mut self.engines[engine];
                dead.kb = self.stage.open(dead.publish, dead.policy, Some(&faults));
                Ok(())
            }
        }
    }

    /// Nobody will hear the answer.
    fn gone(&mut self, sent: Sent) -> Check {
        if self.is_durable(&sent)? {
            self.acknowledged(&sent)?;
        }
        drop(sent.work);
        Ok(())
    }

    fn answered(&mut self, sent: &Sent, answer: Result<()>, failed: bool) -> Check {
        let Err(error) = answer else {
            ensure!(!matches!(sent.doing, Doing::Outdated), "a decision of an outdated revision was carried out");
            return self.acknowledged(sent);
        };
        // One that stalls, or could not give its lease back, holds the others up until the lease runs out.
        let busy = error.kind() == ErrorKind::Busy && error.message().contains("has been synchronising");
        if error.kind() == ErrorKind::Conflict {
            self.ledger.count("refused for what others did");
        }
        let refused = matches!(error.kind(), ErrorKind::Conflict | ErrorKind::InvalidInput | ErrorKind::NotFound);
        let form = !matches!(sent.doing, Doing::Sync | Doing::Counted);
        ensure!(failed || busy || refused && form, "an error without a cause: {error:?}");
        if self.is_durable(sent)? { self.acknowledged(sent) } else { Ok(()) }
    }

    /// Whether something without an answer was written nevertheless.
    fn is_durable(&self, sent: &Sent) -> Check<bool> {
        Ok(match (&sent.doing, &sent.key) {
            (Doing::Save(_) | Doing::Resolve(_), _) if !sent.words.is_empty() => self.present()?.contains(&sent.words[0]),
            (Doing::Refresh, _) => self.said()?.contains(&sent.words[0]),
            (Doing::Delete, Some(key)) => self.record(key)?.is_none_or(|record| match &record.change {
                Some(change) => change.action == ChangeAction::Delete,
                None => record.live.is_none(),
            }),
            (Doing::Resolve(revision), Some(key)) => {
                let record = self.record(key)?;
                record.and_then(|record| record.conflict.and(record.change)).is_none_or(|change| change.revision != *revision)
            }
            // Nothing tells it from what others did; what it would replace is not asked for any more.
            (Doing::Settle, _) => true,
            _ => false,
        })
    }

    fn acknowledged(&mut self, sent: &Sent) -> Check {
        let by = sent.words.first().map_or("a deletion or decision", String::as_str);
        self.ledger.replaced(sent.replaces.iter().cloned(), by);
        match &sent.doing {
            Doing::Sync | Doing::Counted | Doing::Outdated => return Ok(()),
            Doing::Save(save) => {
                sent.words.iter().for_each(|word| self.ledger.owe(word));
                self.ledger.count(if save.based_on.is_some() { "saves of forms" } else { "saves" });
                self.repeat = Some(((**save).clone(), sent.words[0].clone()));
                self.forget_private_of_what_is_gone()?;
            }
            Doing::Refresh => {
                self.ledger.count("refreshes");
                let word = &sent.words[0];
                ensure!(self.said()?.contains(word), "what the source said ({word}) is not kept");
                // Where a person's value stands in its way it only waits for a decision.
                if self.present()?.contains(word) {
                    self.ledger.owe(word);
                }
            }
            Doing::Settle => {
                self.ledger.count("source differences decided");
                // What an engineer replaced already may be the base of our side, to which git's side is preferred.
                let present = self.present()?;
                sent.words.iter().filter(|word| present.contains(*word)).for_each(|word| self.ledger.owe_new(word));
            }
            Doing::Delete => self.ledger.count("deletions"),
            Doing::Resolve(_) => {
                self.ledger.count("conflicts decided");
                sent.words.iter().for_each(|word| self.ledger.owe(word));
            }
        }
        self.ledger.acknowledged += 1;
        Ok(())
    }

    /// The one that stood still goes on. What it replaces now is what stands there now.
    pub(super) fn resume(&mut self) -> Check {
        let Some(mut sent) = self.stalled.take() else { return Ok(()) };
        let record = sent.key.as_ref().map_or(Ok(None), |key| self.record(key))?;
        if let Some(record) = record.filter(|_| !sent.exact) {
            let now = now_replaced(&sent.doing, &record);
            sent.replaces.extend(now);
        }
        let faults = self.engines[sent.engine].faults.clone();
        faults.resume();
        let answer = faults.drive(sent.work.as_mut());
        faults.disarm();
        ensure!(answer.is_some(), "an engine that nothing holds any more stands still");
        answer.map_or(Ok(()), |answer| self.answered(&sent, answer, true))
    }
}

fn now_replaced(doing: &Doing, record: &Record) -> BTreeSet<String> {
    let contents = || record.live.iter().map(|live| &live.content).chain(record.change.iter().map(|change| &change.content));
    let all = || contents().flat_map(words_of);
    let private = words_in(record.private.get(PRIVATE));
    match doing {
        Doing::Save(save) => {
            let mut found = BTreeSet::new();
            for edit in &save.edits {
                if let FieldEdit::Set(name, _) = edit {
                    found.extend(contents().flat_map(|content| words_in(content.fields.get(name))));
                    found.extend(private.iter().filter(|_| name == PRIVATE).cloned());
                }
            }
            if save.body.is_some() {
                found.extend(contents().flat_map(|content| words(&content.body)));
            }
            found
        }
        Doing::Refresh => all().filter(|word| word.starts_with('s')).collect(),
        Doing::Delete | Doing::Resolve(_) | Doing::Settle => all().chain(private).collect(),
        Doing::Sync | Doing::Counted | Doing::Outdated => BTreeSet::new(),
    }
}
