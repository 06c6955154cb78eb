//! External sources: refreshing entities from them, and what people have decided otherwise.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::KnowledgeBase;
use super::read::Selector;
use super::write::{Attempt, Looked, busy, value_taken};
use crate::clock::Timestamp;
use crate::knowledge::{Author, EntityId, Fields, KindName, Knowledge, Slug};
use crate::store::{Record, RecordWrite, SourceState};
use crate::sync::{Save, plan};
use crate::{Error, ErrorKind, Result};

/// Records read at a time.
const CHUNK: usize = 500;

/// How often a decision is planned anew when others get in between.
const TRIES: usize = 20;

/// One field in which an entity differs from what a source said last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OverriddenField {
    /// Its name.
    pub field: String,
    /// What the source said; `None` when it took the field away.
    pub said: Option<Value>,
    /// What the entity has; `None` when it has no such field.
    pub current: Option<Value>,
    /// Whether the source has changed its mind since a person edited the field, and nobody has decided yet.
    pub open: bool,
}

/// An entity that differs from what a source said last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Override {
    /// The kind.
    pub kind: KindName,
    /// The entity's id.
    pub id: EntityId,
    /// Its slug.
    pub slug: Slug,
    /// The fields that differ.
    pub fields: Vec<OverriddenField>,
    /// When the source changed its mind last.
    pub said_at: Timestamp,
}

/// A decision about what a source said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Settle {
    /// The entity keeps its own value; it is asked about again only when the source changes its mind.
    Keep,
    /// The source's value is taken, as an ordinary save.
    Take,
}

impl KnowledgeBase {
    /// The entities that differ from what a source said last: edits by people, with those first asked about marked as
    /// open. Oldest entities first.
    ///
    /// # Errors
    /// Errors of the cache.
    pub async fn overrides(&self, source: &str) -> Result<Vec<Override>> {
        let mut found = Vec::new();
        let mut after = 0;
        loop {
            let said = self.0.cache.said_by(self.0.repository, source, after, CHUNK).await?;
            let Some((last, _)) = said.last() else { return Ok(found) };
            after = *last;
            let uids: Vec<i64> = said.iter().map(|(uid, _)| *uid).collect();
            let records = self.0.cache.records_by_uid(self.0.repository, &uids).await?;
            found.extend(records.into_iter().zip(said).filter_map(|(record, (_, state))| overridden(&record?, &state)));
        }
    }

    /// Decides about fields (all that differ, where none is named) in which an entity differs from what a source said.
    /// Returns the entity as it is afterwards.
    ///
    /// # Errors
    /// `NotFound` (no such entity, or the source never spoke of it), those of [`save`](Self::save).
    pub async fn settle(
        &self,
        kind: &str,
        selector: impl Into<Selector>,
        source: &str,
        settle: Settle,
        fields: &[String],
        author: Option<Author>,
    ) -> Result<Knowledge> {
        let (kind, selector) = (KindName::from(kind), selector.into());
        for _ in 0..TRIES {
            let settings = self.settings().await?;
            let rules = Self::kind(&settings.config, &kind)?;
            let mut save = match &selector {
                Selector::Slug(slug) => Save::update(kind.as_str(), slug.as_str()),
                Selector::Id(id) => Save::update(kind.as_str(), "").id(id.as_str()),
            };
            let record = self.target(rules, &save, &Looked::default()).await?.ok_or_else(|| Self::missing(&kind, &selector))?;
            let state = self.0.cache.source(self.0.repository, record.uid, source).await?.ok_or_else(|| {
                Error::new(ErrorKind::NotFound, format!("the source `{source}` never said anything about {}", record.key))
            })?;
            if settle == Settle::Take {
                save.edits = plan::without_id(plan::taking(&state, &own_fields(&record), fields));
            }
            let ctx = self.save_context(rules, &settings, author.clone());
            let mut write = match self.plan_save(&ctx, &save, Some(&record), &Looked::default()).await? {
                plan::SavePlan::Write(write) => *write,
                plan::SavePlan::Nothing => RecordWrite::onto(&record),
            };
            write.source = Some((source.to_owned(), plan::decided(&state, fields)));
            match self.attempt(write).await? {
                Attempt::Written(uid) => {
                    self.publish(uid).await?;
                    return self.by_uid(uid).await?.ok_or_else(|| Self::missing(&kind, &selector));
                }
                Attempt::Again => {}
                Attempt::Taken(by) => {
                    let message = format!("taking the new title would move {} onto the place of {by}; nothing was saved", record.key);
                    return Err(Error::new(ErrorKind::Conflict, message));
                }
                Attempt::ValueTaken(field, by) => return Err(value_taken(&record.key, &field, &by)),
                Attempt::Prior(_) => return Err(Error::new(ErrorKind::Internal, "a decision carries no idempotency key")),
            }
        }
        Err(busy(&kind))
    }

    /// A refresh: reduced to what the source changed, then an ordinary save that also keeps what it said.
    pub(super) async fn plan_refresh(
        &self,
        ctx: &plan::SaveContext<'_>,
        save: &Save,
        source: &str,
        record: Option<&Record>,
    ) -> Result<plan::SavePlan> {
        if save.body.is_some() || save.rename.is_some() || save.based_on.is_some() {
            let what = "a save of an external source brings fields only: leave out body, new slug and revision, or save as a person";
            return Err(Error::new(ErrorKind::InvalidInput, what));
        }
        if source.trim().is_empty() {
            return Err(Error::new(ErrorKind::InvalidInput, "the name of an external source is empty; name it, for example `salesforce`"));
        }
        let existing = record.filter(|record| plan::newest(record).is_some());
        let current = existing.map(own_fields).unwrap_or_default();
        let before = match existing {
            Some(record) => self.0.cache.source(self.0.repository, record.uid, source).await?,
            None => None,
        };
        let edits = plan::without_id(plan::named_edits(ctx.kind, save, &current));
        let refresh = plan::refresh(ctx.kind, &edits, before.as_ref(), &current, ctx.now);
        let mut plain = Save { source: None, ..save.clone() };
        if existing.is_some() {
            plain.edits = refresh.edits;
            plain.title = None;
        }
        let planned = Box::pin(self.plan_save(ctx, &plain, record, &Looked::default())).await?;
        let mut write = match (planned, record, &refresh.state) {
            (plan::SavePlan::Write(write), _, _) => write,
            (plan::SavePlan::Nothing, Some(record), Some(_)) => Box::new(RecordWrite::onto(record)),
            (nothing, _, _) => return Ok(nothing),
        };
        write.source = refresh.state.map(|state| (source.to_owned(), state));
        Ok(plan::SavePlan::Write(write))
    }
}

/// What an entity has on our side, private fields included.
fn own_fields(record: &Record) -> Fields {
    let mut fields = plan::newest(record).map_or_else(Fields::new, |(content, _)| content.fields.clone());
    fields.extend(record.private.clone());
    fields
}

fn overridden(record: &Record, state: &SourceState) -> Option<Override> {
    let (content, _) = plan::newest(record)?;
    let fields: Vec<OverriddenField> = plan::differences(state, &own_fields(record))
        .into_iter()
        .map(|found| OverriddenField { field: found.field, said: found.said, current: found.current, open: found.open })
        .collect();
    let differs = !fields.is_empty();
    differs.then(|| Override {
        kind: record.key.kind.clone(),
        id: record.key.id.clone(),
        slug: content.slug.clone(),
        fields,
        said_at: state.at,
    })
}
