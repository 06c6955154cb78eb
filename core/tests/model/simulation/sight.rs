//! What the oracle sees: the files at the head and the rows, read from the stores themselves, and what must hold of
//! them at every moment.

use std::collections::{BTreeMap, BTreeSet};

use lorebase::store::{BlobRead, ChangeAction, CommitId, Record};

use super::stage::{Stage, run};
use super::text::{PRIVATE, SOURCE, UNIQUE, words, words_in, words_of};
use super::{Check, Simulation, rest};

/// More records than any history makes.
const RECORDS: i64 = 120;

/// The texts of all files of a commit.
pub(super) fn files_at(stage: &Stage, commit: &CommitId) -> Check<BTreeMap<String, String>> {
    let entries = run(stage.git.tree(commit))?;
    let blobs: Vec<_> = entries.iter().map(|entry| entry.blob.clone()).collect();
    let reads = run(stage.git.read(&blobs, u64::MAX))?;
    let mut files = BTreeMap::new();
    for (entry, read) in entries.into_iter().zip(reads) {
        let text = if let BlobRead::Found(bytes) = read { String::from_utf8(bytes).ok() } else { None };
        ensure!(text.is_some(), "the text of {} cannot be read", entry.path);
        files.extend(text.map(|text| (entry.path, text)));
    }
    Ok(files)
}

/// The texts of all files at the head.
pub(super) fn files(stage: &Stage) -> Check<BTreeMap<String, String>> {
    run(stage.git.head())?.map_or_else(|| Ok(BTreeMap::new()), |head| files_at(stage, &head))
}

impl Simulation {
    pub(super) fn files(&self) -> Check<BTreeMap<String, String>> {
        files(&self.stage)
    }

    pub(super) fn words_in_git(&self) -> Check<BTreeSet<String>> {
        Ok(self.files()?.values().flat_map(|text| words(text)).collect())
    }

    pub(super) fn all_records(&self) -> Check<Vec<Record>> {
        let uids: Vec<i64> = (1..=RECORDS).collect();
        Ok(run(self.stage.cache.records_by_uid(self.id(), &uids))?.into_iter().flatten().collect())
    }

    pub(super) fn record(&self, key: &lorebase::knowledge::EntityKey) -> Check<Option<Record>> {
        Ok(run(self.stage.cache.records(self.id(), std::slice::from_ref(key)))?.pop().flatten())
    }

    /// Every word that git has, that waits in a change, or that SQL keeps to itself.
    pub(super) fn present(&self) -> Check<BTreeSet<String>> {
        let mut found = self.words_in_git()?;
        for record in rest::changed(&self.stage, &self.kb)? {
            found.extend(record.change.iter().flat_map(|change| words_of(&change.content)));
        }
        for record in self.all_records()? {
            found.extend(words_in(record.private.get(PRIVATE)));
        }
        Ok(found)
    }

    /// Every word that the source said last of anything.
    pub(super) fn said(&self) -> Check<BTreeSet<String>> {
        let said = run(self.stage.cache.said_by(self.id(), SOURCE, 0, 1000))?;
        Ok(said.iter().flat_map(|(_, state)| state.said.values().flat_map(|value| words_in(Some(value)))).collect())
    }

    pub(super) fn check_words(&self, when: &str) -> Check {
        let present = self.present()?;
        let missing = self.ledger.missing(&present);
        ensure!(missing.is_none(), "the word {} is lost {when}", missing.unwrap_or_default());
        Ok(())
    }

    pub(super) fn check_revisions(&mut self) -> Check {
        for record in self.all_records()? {
            let before = self.revisions.insert(record.uid, record.revision).unwrap_or(0);
            ensure!(before <= record.revision, "{} went from revision {before} to {}", record.key, record.revision);
            let highest = [record.live.as_ref().map(|live| live.revision), record.change.as_ref().map(|change| change.revision)];
            ensure!(
                highest.into_iter().flatten().all(|revision| revision <= record.revision),
                "a version of {} is newer than its counter: {record:#?}",
                record.key
            );
        }
        Ok(())
    }

    /// No two records have one unique value, in whichever version.
    pub(super) fn check_unique_values(&self) -> Check {
        let mut holders: BTreeMap<String, i64> = BTreeMap::new();
        for record in self.all_records()?.iter().filter(|record| record.key.kind.as_str() == "customer") {
            let change = record.change.iter().filter(|change| change.action == ChangeAction::Write).map(|change| &change.content);
            for content in record.live.iter().map(|live| &live.content).chain(change) {
                if let Some(value) = content.fields.get(UNIQUE) {
                    let holder = *holders.entry(value.to_string()).or_insert(record.uid);
                    ensure!(holder == record.uid, "two customers have {value}");
                }
            }
        }
        Ok(())
    }

    /// Tells where everything stands.
    pub(super) fn describe(&self) -> Check {
        for (path, text) in self.files()? {
            eprintln!("   git {path}: {}", text.escape_debug());
        }
        for record in self.all_records()? {
            eprintln!("   record {} {} revision {} {:?}", record.uid, record.key, record.revision, record.private);
            if let Some(live) = &record.live {
                eprintln!("      live {} at {}: {:?}", live.revision, live.content.location, words_of(&live.content));
            }
            if let Some(change) = &record.change {
                let (revision, place, placed) = (change.revision, &change.content.location, change.placed);
                let (words, base) = (words_of(&change.content), change.base.as_ref().map(|base| words_of(&base.content)));
                eprintln!("      {:?} {:?} {revision} at {place} (placed {placed}): {words:?} from {base:?}", change.state, change.action);
            }
        }
        Ok(())
    }
}
