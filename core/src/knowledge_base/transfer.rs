//! Bulk: rows of an existing table into the cache, and everything that waits into git. Both can be repeated: what is
//! there already is left alone.

use serde::{Deserialize, Serialize};

use super::KnowledgeBase;
use super::write::{Attempt, value_taken};
use crate::codec::FieldEdit;
use crate::knowledge::{Author, EntityId, EntityKey, Fields, KindName, Slug};
use crate::store::{ApplyOutcome, Batch, Claiming};
use crate::sync::{CommitPolicy, Mode, Phase, Progress, ProgressFn, Save, SyncOptions, SyncReport};
use crate::{Error, ErrorKind, Result};

/// Rows written in one transaction.
const CHUNK: usize = 500;

/// One row of an existing table.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportRow {
    /// The slug; made from the title when absent.
    #[serde(default)]
    pub slug: Option<String>,
    /// The id; a new one when absent.
    #[serde(default)]
    pub id: Option<String>,
    /// All fields, the title among them.
    #[serde(default)]
    pub fields: Fields,
    /// The Markdown.
    #[serde(default)]
    pub body: String,
}

impl ImportRow {
    fn save(&self, kind: &KindName, author: Option<Author>) -> Save {
        let id = self.id.clone().or_else(|| self.fields.get("id").and_then(|id| id.as_str().map(str::to_owned)));
        let mut save = Save::upsert(kind.as_str(), "");
        save.mode = Mode::Upsert;
        save.slug = self.slug.as_deref().map(Slug::from);
        save.id = id.as_deref().map(EntityId::from);
        save.edits = self.fields.iter().map(|(name, value)| FieldEdit::Set(name.clone(), value.clone())).collect();
        save.body = Some(self.body.clone());
        save.author = author;
        save.based_on_current()
    }
}

impl KnowledgeBase {
    /// Takes rows as [`import`](Self::import) does, each a line of JSON: `{"slug": …, "id": …, "fields": {…}, "body":
    /// "…"}`, every key optional. Blank lines are skipped. Nothing is taken unless every line can be read.
    ///
    /// # Errors
    /// Those of [`import`](Self::import), naming the line (from 1).
    pub async fn import_lines(&self, kind: &str, lines: &str, author: Option<Author>, progress: Option<ProgressFn>) -> Result<SyncReport> {
        let (mut rows, mut numbers) = (Vec::new(), Vec::new());
        for (index, line) in lines.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let row: ImportRow = serde_json::from_str(line).map_err(|error| {
                let text = error.to_string();
                let (why, _) = text.rsplit_once(" at line ").unwrap_or((&text, ""));
                let message = format!(
                    "line {} is no row: {why} (column {}); write one JSON object a line, with `slug`, `id`, `fields` and `body`",
                    index + 1,
                    error.column()
                );
                Error::new(ErrorKind::InvalidInput, message).with("line", index + 1)
            })?;
            rows.push(row);
            numbers.push(index + 1);
        }
        let name = |row: usize| format!("line {}", numbers.get(row).copied().unwrap_or(row));
        self.import_named(kind, &rows, author, progress, &name).await
    }

    /// Takes rows of an existing table into the cache as pending changes; nothing is committed until
    /// [`export`](Self::export) or the next synchronisation. A row is known by its id, else its slug, else the slug
    /// of its title; one that is there already with the same content is left alone. Returns how many were created,
    /// updated and unchanged.
    ///
    /// # Errors
    /// `InvalidInput` naming the row (from 0) that cannot be taken; rows before it are in. Errors of the cache.
    pub async fn import(&self, kind: &str, rows: &[ImportRow], author: Option<Author>, progress: Option<ProgressFn>) -> Result<SyncReport> {
        self.import_named(kind, rows, author, progress, &|row| format!("row {row}")).await
    }

    async fn import_named(
        &self,
        kind: &str,
        rows: &[ImportRow],
        author: Option<Author>,
        progress: Option<ProgressFn>,
        name: &(dyn Fn(usize) -> String + Send + Sync),
    ) -> Result<SyncReport> {
        let kind = KindName::from(kind);
        let settings = self.settings().await?;
        let rules = Self::kind(&settings.config, &kind)?;
        let started = self.0.env.clock.now();
        let mut report = SyncReport::default();
        for (index, chunk) in rows.chunks(CHUNK).enumerate() {
            let mut batch = Batch::new(self.0.repository, self.0.env.clock.now());
            batch.claiming = Claiming::Change;
            let saves: Vec<Save> = chunk.iter().map(|row| row.save(&kind, author.clone())).collect();
            let ids = saves.iter().filter_map(|save| save.id.clone());
            let looked = self.look_up(ids.map(|id| EntityKey { kind: kind.clone(), id }).collect()).await?;
            for (offset, (row, mut save)) in chunk.iter().zip(saves).enumerate() {
                let named = |error: Error| {
                    let mut text = Error::new(error.kind(), format!("{}: {}", name(index * CHUNK + offset), error.message()));
                    for (key, value) in error.context() {
                        text = text.with(key, value.clone());
                    }
                    text
                };
                if save.slug.is_none() && save.id.is_none() {
                    let title = rules.title_fields.iter().find_map(|field| row.fields.get(field)?.as_str());
                    save.slug = title.and_then(crate::knowledge::slugify);
                }
                match self.plan_import(rules, &settings, &save, &looked).await.map_err(named)? {
                    Some(write) => {
                        if write.revision == 1 {
                            report.created += 1;
                        } else {
                            report.updated += 1;
                        }
                        batch.writes.push(write);
                    }
                    None => report.unchanged += 1,
                }
            }
            self.write_rows(&batch).await?;
            if let Some(progress) = &progress {
                progress(Progress { phase: Phase::Ingest, done: (index * CHUNK + chunk.len()) as u64, total: rows.len() as u64 });
            }
        }
        let spent = self.0.env.clock.now().duration_since(started).as_millis();
        report.duration_ms = u64::try_from(spent).unwrap_or(0);
        Ok(report)
    }

    /// One transaction; row by row where two rows get into each other's way or a save got in between.
    async fn write_rows(&self, batch: &Batch) -> Result<()> {
        if matches!(self.0.cache.apply(batch).await?, ApplyOutcome::Applied { .. }) {
            return Ok(());
        }
        for write in &batch.writes {
            match self.attempt(write.clone()).await? {
                Attempt::Written(_) | Attempt::Prior(_) => {}
                Attempt::Again => {
                    return Err(Error::new(
                        ErrorKind::Busy,
                        format!("{} was saved by somebody else during the import; import again", write.key),
                    ));
                }
                Attempt::Taken(by) => {
                    return Err(Error::new(
                        ErrorKind::Conflict,
                        format!("the place of {} is taken by {by}; give the row another slug", write.key),
                    ));
                }
                Attempt::ValueTaken(field, by) => return Err(value_taken(&write.key, &field, &by)),
            }
        }
        Ok(())
    }

    /// Commits everything that waits: one commit for all of it, or one an entity. Drafts and conflicts stay.
    ///
    /// A branch that lost all its commits is filled first: one commit of `lorebase.yaml`, the schemas and the files of
    /// every entity as git had them, byte for byte (of a JSON file, every entry). Files that are no entities, and
    /// history, were never in the database.
    ///
    /// # Errors
    /// Those of [`sync`](Self::sync).
    pub async fn export(&self, one_commit: bool, progress: Option<ProgressFn>) -> Result<SyncReport> {
        let policy = if one_commit { CommitPolicy::PerBatch } else { CommitPolicy::PerSave };
        self.sync(SyncOptions { policy: Some(policy), restore: true, progress, ..SyncOptions::default() }).await
    }

    /// Forgets the kept bytes of old revisions and the log rows that are older than `age`. A form made from a forgotten
    /// revision can no longer be merged and is told so. Returns how many rows went.
    ///
    /// # Errors
    /// Errors of the cache.
    pub async fn prune(&self, age: std::time::Duration) -> Result<u64> {
        let before = self.0.env.clock.now().checked_sub(age).unwrap_or(crate::clock::Timestamp::MIN);
        self.0.cache.prune(self.0.repository, before).await
    }
}
