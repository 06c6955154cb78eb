//! A lost repository made again from the database: one first commit with every file that SQL knows, byte for byte. Only
//! a branch without any commit is filled, and only when asked to; everything after that commit is ordinary work.

use std::collections::BTreeMap;

use super::engine::{Round, SyncEngine};
use super::report::Phase;
use super::save::take_private;
use crate::codec::{edit_head, put_entry};
use crate::knowledge::{Config, Kind};
use crate::store::{AdvanceOutcome, ApplyOutcome, NewCommit, Record, RecordWrite, Signature, Slot, StoredConfig, TreeEdit};
use crate::{Error, ErrorKind, Result};

/// Records read at a time.
const CHUNK: usize = 500;

impl SyncEngine {
    /// Fills a branch without commits with `lorebase.yaml`, the schemas and the files of all live entities. Does nothing
    /// where the branch has a commit or SQL never knew one. A kill leaves the branch as it was, or whole.
    pub(super) async fn restore(&self, round: &mut Round) -> Result<()> {
        let git = self.git()?;
        let row = self.cache.repository(self.repository).await?;
        if row.cursor.is_none() || git.head().await?.is_some() {
            return Ok(());
        }
        let mut files = row.config.as_ref().map(settings_files).unwrap_or_default();
        let settings = self.stored_settings(row.config.as_ref());
        let manifest = self.manifest().await?;
        for chunk in manifest.chunks(CHUNK) {
            let uids: Vec<i64> = chunk.iter().map(|row| row.uid).collect();
            let records = self.cache.records_by_uid(self.repository, &uids).await?;
            let mut batch = self.batch_for(round, self.env.clock.now());
            for record in records.into_iter().flatten() {
                let taken = settings.config.kind(&record.key.kind).map(|kind| without_private(kind, &record)).transpose()?.flatten();
                let Some(mut content) = record.live.map(|live| live.content) else { continue };
                if let Some((head, write)) = taken {
                    content.head = head;
                    batch.writes.push(write);
                }
                let path = content.location.path.to_string();
                let text = match &content.location.entry {
                    None => content.head + &content.body,
                    Some(entry) => put_entry(files.get(&path).map(String::as_str), entry, &content.head)?,
                };
                files.insert(path, text);
            }
            if !batch.writes.is_empty() && !matches!(self.cache.apply(&batch).await?, ApplyOutcome::Applied { .. }) {
                return Err(Error::new(ErrorKind::Busy, "somebody saved meanwhile; nothing was restored, export again"));
            }
        }
        let count = manifest.len();
        let edits: Vec<TreeEdit> = files.into_iter().map(|(path, text)| TreeEdit::Put { path, bytes: text.into_bytes() }).collect();
        let who = Signature { author: self.committer.clone(), time: self.env.clock.now() };
        let message = format!("Restore {count} entities from the database\n");
        let commit = NewCommit { author: who.clone(), committer: who, message, edits };
        let tip =
            git.prepare(None, &[commit]).await?.pop().ok_or_else(|| Error::new(ErrorKind::Internal, "a chain of one commit is empty"))?;
        match git.advance(None, &tip).await? {
            AdvanceOutcome::Advanced => {
                round.report.published += count as u64;
                round.progress(Phase::Publish, count, count);
                Ok(())
            }
            AdvanceOutcome::Moved(_) => Err(Error::new(
                ErrorKind::Busy,
                "somebody committed to the empty branch meanwhile; nothing was restored, synchronise instead",
            )),
            AdvanceOutcome::Blocked(blocked) => {
                let paths: Vec<String> = blocked.iter().map(|blocked| format!("`{}` ({})", blocked.path, blocked.reason)).collect();
                Err(Error::new(
                    ErrorKind::Conflict,
                    format!(
                        "the empty branch's checkout holds files that would be overwritten: {}; move them away and export again",
                        paths.join(", ")
                    ),
                ))
            }
        }
    }
}

/// The head of a live version without the fields that have become private since it was committed, and the write that
/// keeps them; `None` where there are none.
fn without_private(kind: &Kind, record: &Record) -> Result<Option<(String, RecordWrite)>> {
    let Some(live) = &record.live else { return Ok(None) };
    let mut private = record.private.clone();
    let edits = take_private(kind, &live.content.fields, &mut private);
    if edits.is_empty() {
        return Ok(None);
    }
    let mut write = RecordWrite::onto(record);
    write.private = Slot::Set(private);
    Ok(Some((edit_head(kind.format, &live.content.head, &edits)?, write)))
}

fn settings_files(stored: &StoredConfig) -> BTreeMap<String, String> {
    let mut files: BTreeMap<String, String> = stored.schemas.clone();
    if !stored.yaml.is_empty() {
        files.insert(Config::FILE.to_owned(), stored.yaml.clone());
    }
    files
}
