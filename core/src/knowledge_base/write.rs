//! Saving and deleting. A save is acknowledged when its SQL transaction commits; what git says afterwards can delay
//! it, never undo it.

use std::collections::{HashMap, HashSet};

use super::read::{Selector, broken, shown};
use super::{KnowledgeBase, PublishMode};
use crate::knowledge::{Author, EntityKey, Fields, Kind, KindName, Knowledge};
use crate::store::{
    ApplyOutcome, Batch, BlobId, ChangeAction, ChangeState, Claiming, CommitId, Live, LogEntry, LogQuery, LogWrite, Outlook, PriorSave,
    Record, RecordWrite, Target, View,
};
use crate::sync::{Mode, Save, plan};
use crate::{Error, ErrorKind, Result};

/// How often a save is planned anew when others get in between.
const TRIES: usize = 50;

/// A deletion as a caller sends it.
#[derive(Debug, Clone, PartialEq)]
pub struct Delete {
    /// The kind.
    pub kind: KindName,
    /// The entity.
    pub selector: Selector,
    /// The revision that the caller saw; the deletion is refused when there is a newer one.
    pub expected_revision: Option<u64>,
    /// Who deletes.
    pub author: Option<Author>,
    /// The commit's subject.
    pub message: Option<String>,
    /// A key of the caller's: a second deletion with it does nothing.
    pub idempotency_key: Option<String>,
}

impl Delete {
    /// The deletion of an entity by slug (or `@id`).
    pub fn new(kind: &str, selector: impl Into<Selector>) -> Self {
        Self {
            kind: KindName::from(kind),
            selector: selector.into(),
            expected_revision: None,
            author: None,
            message: None,
            idempotency_key: None,
        }
    }

    /// Refuses when there is a newer revision than this.
    #[must_use]
    pub fn expected_revision(mut self, revision: u64) -> Self {
        self.expected_revision = Some(revision);
        self
    }

    /// Names who deletes.
    #[must_use]
    pub fn author(mut self, author: Author) -> Self {
        self.author = Some(author);
        self
    }
}

/// What one attempt to write came to.
pub(super) enum Attempt {
    /// It is durable; the record's number.
    Written(i64),
    /// Somebody got in between: plan again.
    Again,
    /// The idempotency key was used before.
    Prior(PriorSave),
    /// The place belongs to another identity.
    Taken(EntityKey),
    /// The value of this unique field belongs to another identity.
    ValueTaken(String, EntityKey),
}

/// What is known of some keys already, so that many saves at once need not ask for each.
#[derive(Default)]
pub(super) struct Looked(HashMap<EntityKey, Option<Record>>);

impl KnowledgeBase {
    /// Creates or changes an entity and, unless publishing is in the background or off, commits it. Returns the
    /// entity as its author sees it (with drafts); its `sync_status` says whether it is in git yet.
    ///
    /// # Errors
    /// `InvalidInput` (unknown kind, no title, an unsafe slug, a body without `based_on`, fields that a strict schema does
    /// not allow), `NotFound` (an update of
    /// nothing), `Conflict` (the slug is taken; the value of a unique field belongs to another entity; a stale form that cannot be merged, with all versions in the
    /// context): nothing was written. Errors of the cache. A failure of git is no error: the save stays pending.
    pub async fn save(&self, save: Save) -> Result<Knowledge> {
        for _ in 0..TRIES {
            if let Some(prior) = self.prior(save.idempotency_key.as_deref()).await? {
                return self.as_saved(&prior.key).await;
            }
            let outlook = self.outlook().await?;
            let settings = self.0.engine.stored_settings(outlook.row.config.as_ref());
            let kind = Self::kind(&settings.config, &save.kind)?;
            let record = self.target(kind, &save, &Looked::default()).await?;
            let ctx = self.save_context(kind, &settings, save.author.clone());
            let write = match self.plan_save(&ctx, &save, record.as_ref(), &Looked::default()).await? {
                plan::SavePlan::Write(write) => write,
                plan::SavePlan::Nothing => {
                    let key =
                        record.map(|record| record.key).ok_or_else(|| Error::new(ErrorKind::Internal, "a new entity cannot be nothing"))?;
                    return self.as_saved(&key).await;
                }
            };
            let key = write.key.clone();
            let (attempt, published) = Box::pin(self.through(&outlook, record.as_ref(), *write)).await?;
            match attempt {
                Attempt::Written(uid) => {
                    let saved = match published {
                        Some(record) => shown(&record, View::Working, &broken(&outlook.findings)),
                        None => self.by_uid(uid).await?,
                    };
                    return saved.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("{key} was saved and has been deleted since")));
                }
                Attempt::Again => {}
                Attempt::Prior(prior) => return self.as_saved(&prior.key).await,
                Attempt::Taken(by) => return Err(self.taken(kind, &save, &by).await),
                Attempt::ValueTaken(field, by) => return Err(value_taken(&key, &field, &by)),
            }
        }
        Err(busy(&save.kind))
    }

    /// Deletes an entity from both sides. Returns it as it was.
    ///
    /// # Errors
    /// `NotFound`, `Conflict` (there is a newer revision than the one expected), `InvalidInput` (unknown kind),
    /// errors of the cache.
    pub async fn delete(&self, delete: Delete) -> Result<Knowledge> {
        let mut save = Save::upsert(delete.kind.as_str(), "");
        save.author = delete.author.clone();
        save.message = delete.message.clone();
        save.idempotency_key = delete.idempotency_key.clone();
        for _ in 0..TRIES {
            if let Some(prior) = self.prior(delete.idempotency_key.as_deref()).await? {
                return self.as_deleted(&prior).await;
            }
            let outlook = self.outlook().await?;
            let settings = self.0.engine.stored_settings(outlook.row.config.as_ref());
            let kind = Self::kind(&settings.config, &delete.kind)?;
            let record = match self.find(&kind.name, &delete.selector, View::Working).await? {
                Some(record) => Some(record),
                None => self.find(&kind.name, &delete.selector, View::Published).await?,
            };
            let Some(record) = record else { return Err(Self::missing(&kind.name, &delete.selector)) };
            let broken = broken(&outlook.findings);
            let Some(was) = shown(&record, View::Working, &broken).or_else(|| shown(&record, View::Published, &broken)) else {
                return Err(Self::missing(&kind.name, &delete.selector));
            };
            let ctx = self.save_context(kind, &settings, delete.author.clone());
            let plan::SavePlan::Write(write) = plan::plan_delete(&ctx, &record, delete.expected_revision, &save)? else { return Ok(was) };
            match Box::pin(self.through(&outlook, Some(&record), *write)).await?.0 {
                Attempt::Written(_) | Attempt::Prior(_) => return Ok(was),
                Attempt::Again => {}
                Attempt::Taken(by) | Attempt::ValueTaken(_, by) => {
                    return Err(Error::new(ErrorKind::Internal, format!("a deletion took what belongs to {by}")));
                }
            }
        }
        Err(busy(&delete.kind))
    }

    /// The record that a save is about. Creating something that exists, and updating nothing, are refused.
    pub(super) async fn target(&self, kind: &Kind, save: &Save, looked: &Looked) -> Result<Option<Record>> {
        let selector = match (&save.id, &save.slug) {
            (Some(id), _) => Some(Selector::Id(id.clone())),
            (None, Some(slug)) => Some(Selector::Slug(slug.clone())),
            (None, None) => None,
        };
        let record = match &selector {
            Some(selector) => {
                let records = match selector {
                    Selector::Id(id) => {
                        self.holder(&EntityKey { kind: kind.name.clone(), id: id.clone() }, looked).await?.into_iter().collect()
                    }
                    Selector::Slug(slug) => self.0.cache.records_by_slug(self.0.repository, &kind.name, slug).await?,
                };
                let seen = |view: View| records.iter().find(|record| selector.finds(record, view));
                match (seen(View::Working), seen(View::Published)) {
                    (Some(record), _) => Some(record.clone()),
                    (None, Some(record)) if deleted_here_and_edited_in_git(record) => {
                        let message =
                            format!("{} was deleted here and edited in git; resolve that conflict first, nothing was saved", record.key);
                        return Err(Error::new(ErrorKind::Conflict, message).with("entity", record.key.to_string()));
                    }
                    (None, found) => found.filter(|record| plan::newest(record).is_some()).cloned(),
                }
            }
            None => None,
        };
        let exists = record.as_ref().is_some_and(|record| plan::newest(record).is_some());
        match (save.mode, exists) {
            (Mode::Create, true) => {
                let record =
                    record.as_ref().and_then(|record| plan::newest(record).map(|(content, revision)| plan::version(content, revision)));
                Err(Error::new(
                    ErrorKind::Conflict,
                    format!(
                        "there is already a {} with this {}; nothing was saved, choose another or save onto it",
                        kind.name,
                        if save.id.is_some() { "id" } else { "slug" }
                    ),
                )
                .with("current", record.unwrap_or_default()))
            }
            (Mode::Update, false) => {
                let selector = selector.ok_or_else(|| Error::new(ErrorKind::InvalidInput, "an update names its entity by slug or id"))?;
                Err(Self::missing(&kind.name, &selector))
            }
            _ => Ok(record),
        }
    }

    /// The record that has a key, looked up unless that was done before.
    async fn holder(&self, key: &EntityKey, looked: &Looked) -> Result<Option<Record>> {
        match looked.0.get(key) {
            Some(known) => Ok(known.clone()),
            None => Ok(self.0.cache.records(self.0.repository, std::slice::from_ref(key)).await?.pop().flatten()),
        }
    }

    /// Looks up the records of many keys at once.
    pub(super) async fn look_up(&self, keys: Vec<EntityKey>) -> Result<Looked> {
        let records = self.0.cache.records(self.0.repository, &keys).await?;
        Ok(Looked(keys.into_iter().zip(records).collect()))
    }

    pub(super) async fn plan_import(
        &self,
        kind: &Kind,
        settings: &plan::Settings,
        save: &Save,
        looked: &Looked,
    ) -> Result<Option<RecordWrite>> {
        let record = self.target(kind, save, looked).await?;
        let ctx = self.save_context(kind, settings, save.author.clone());
        Ok(match self.plan_save(&ctx, save, record.as_ref(), looked).await? {
            plan::SavePlan::Write(write) => Some(*write),
            plan::SavePlan::Nothing => None,
        })
    }

    pub(super) async fn plan_save(
        &self,
        ctx: &plan::SaveContext<'_>,
        save: &Save,
        record: Option<&Record>,
        looked: &Looked,
    ) -> Result<plan::SavePlan> {
        if let Some(source) = &save.source {
            return self.plan_refresh(ctx, save, source, record).await;
        }
        match record {
            Some(record) if plan::newest(record).is_some() => {
                let older = match plan::needs_revision(ctx.kind, save, record) {
                    Some(revision) => self.0.cache.revision(self.0.repository, record.uid, revision).await?,
                    None => None,
                };
                plan::plan_update(ctx, save, record, older.as_ref())
            }
            record => {
                let planned = plan::plan_create(ctx, save, record)?;
                let plan::SavePlan::Write(write) = &planned else { return Ok(planned) };
                // What an earlier entity with this id left behind: its revisions go on.
                match self.holder(&write.key, looked).await? {
                    Some(holder) if record.is_none() && plan::newest(&holder).is_none() => plan::plan_create(ctx, save, Some(&holder)),
                    Some(holder) if record.is_none() => Err(Error::new(
                        ErrorKind::Conflict,
                        format!(
                            "there is already a {} with the id `{}`; nothing was saved, leave the id out or save onto that one",
                            ctx.kind.name, holder.key.id
                        ),
                    )),
                    _ => Ok(planned),
                }
            }
        }
    }

    pub(super) fn save_context<'a>(&self, kind: &'a Kind, settings: &'a plan::Settings, author: Option<Author>) -> plan::SaveContext<'a> {
        plan::SaveContext {
            kind,
            root: &settings.config.root,
            config: &settings.config,
            schemas: &settings.schemas,
            now: self.0.env.clock.now(),
            operation: self.0.env.entropy.uuid(),
            fresh_id: self.0.env.entropy.uuid(),
            author: author.unwrap_or_else(|| self.0.committer.clone()),
        }
    }

    pub(super) async fn attempt(&self, write: RecordWrite) -> Result<Attempt> {
        let mut batch = Batch::new(self.0.repository, self.0.env.clock.now());
        batch.claiming = Claiming::Change;
        batch.writes.push(write);
        answered(self.0.cache.apply(&batch).await?)
    }

    /// Stores a save and publishes it as this process is told to: straight, where nothing else is in the way. Then the
    /// record as it stands comes with the answer, unless it has to be read.
    async fn through(&self, outlook: &Outlook, before: Option<&Record>, write: RecordWrite) -> Result<(Attempt, Option<Box<Record>>)> {
        let inline = self.0.publish == PublishMode::Inline && self.0.git.is_some();
        let before = before.filter(|before| write.target == (Target::Existing { uid: before.uid, stamp: before.stamp }));
        if let (true, Some(before)) = (inline, before) {
            match self.0.engine.straight(outlook, &before.written(&write), Some(&write)).await? {
                plan::Straight::NotTaken => {}
                plan::Straight::Refused(outcome) => return Ok((answered(outcome)?, None)),
                plan::Straight::Published(record) => return Ok((Attempt::Written(before.uid), record)),
                plan::Straight::Saved { again } => {
                    if again {
                        self.publish(before.uid).await?;
                    }
                    return Ok((Attempt::Written(before.uid), None));
                }
            }
        }
        let operation = write.log.first().map(|log| tracing::field::display(log.id));
        tracing::debug!(target: "lorebase::step", step = "D0", repository = self.0.repository, entity = %write.key, operation, "saving");
        let made = (inline && write.target == Target::New).then(|| nobody(&write.key).written(&write));
        let attempt = self.attempt(write).await?;
        let Attempt::Written(uid) = attempt else { return Ok((attempt, None)) };
        if let Some(made) = made {
            match self.0.engine.straight(outlook, &Record { uid, ..made }, None).await {
                Ok(plan::Straight::Published(record)) => return Ok((attempt, record)),
                Ok(plan::Straight::Saved { again: false }) => return Ok((attempt, None)),
                Ok(plan::Straight::NotTaken | plan::Straight::Refused(_) | plan::Straight::Saved { again: true }) => {}
                // It is durable: whatever goes wrong from here on delays it.
                Err(error) => {
                    tracing::warn!(%error, "the save stays pending");
                    return Ok((attempt, None));
                }
            }
        }
        self.publish(uid).await?;
        Ok((attempt, None))
    }

    async fn outlook(&self) -> Result<Outlook> {
        self.0.cache.outlook(self.0.repository, Some(self.0.env.clock.now())).await
    }

    /// Commits as this process is told to.
    pub(super) async fn publish(&self, uid: i64) -> Result<()> {
        match (self.0.publish, &self.0.git) {
            (PublishMode::Inline, Some(_)) => self.0.engine.publish(uid).await,
            (PublishMode::Background, Some(_)) => {
                if let Some(wake) = &self.0.wake {
                    wake();
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn prior(&self, key: Option<&str>) -> Result<Option<PriorSave>> {
        match key {
            Some(key) => self.0.cache.prior_save(self.0.repository, key).await,
            None => Ok(None),
        }
    }

    /// The entity as it was before a deletion that was asked for once more.
    async fn as_deleted(&self, prior: &PriorSave) -> Result<Knowledge> {
        let record = self.0.cache.records(self.0.repository, std::slice::from_ref(&prior.key)).await?.pop().flatten();
        let Some(record) = record else { return Err(Error::new(ErrorKind::NotFound, format!("{} was deleted", prior.key))) };
        let mut revision = prior.revision;
        while revision > 0 {
            if let Some(kept) = self.0.cache.revision(self.0.repository, record.uid, revision).await? {
                let as_it_was = Record {
                    live: Some(Live {
                        content: kept.content,
                        revision,
                        blob: BlobId::new(""),
                        commit: CommitId::new(""),
                        explicit_id: true,
                        synced_at: kept.created_at,
                    }),
                    change: None,
                    ..record
                };
                let was = shown(&as_it_was, View::Published, &HashSet::new());
                return was
                    .map(|was| Knowledge { git_commit_sha: None, ..was })
                    .ok_or_else(|| Error::new(ErrorKind::Internal, "a live version is shown"));
            }
            revision -= 1;
        }
        Err(Error::new(ErrorKind::NotFound, format!("{} was deleted", prior.key)))
    }

    async fn as_saved(&self, key: &EntityKey) -> Result<Knowledge> {
        let record = self.0.cache.records(self.0.repository, std::slice::from_ref(key)).await?.pop().flatten();
        let broken = self.broken_paths().await?;
        record
            .and_then(|record| shown(&record, View::Working, &broken))
            .ok_or_else(|| Error::new(ErrorKind::NotFound, format!("{key} was saved and has been deleted since")))
    }

    pub(super) async fn by_uid(&self, uid: i64) -> Result<Option<Knowledge>> {
        let record = self.0.cache.records_by_uid(self.0.repository, &[uid]).await?.pop().flatten();
        let broken = self.broken_paths().await?;
        Ok(record.and_then(|record| shown(&record, View::Working, &broken)))
    }

    async fn taken(&self, kind: &Kind, save: &Save, by: &EntityKey) -> Error {
        let current =
            self.0.cache.records(self.0.repository, std::slice::from_ref(by)).await.ok().and_then(|mut records| records.pop().flatten());
        let current = current.as_ref().and_then(|record| plan::newest(record).map(|(content, revision)| plan::version(content, revision)));
        let slug = save.rename.as_ref().or(save.slug.as_ref()).map_or_else(String::new, |slug| format!(" `{slug}`"));
        Error::new(
            ErrorKind::Conflict,
            format!("the slug{slug} of this {} is taken by {by}; nothing was saved, choose another slug or title", kind.name),
        )
        .with("current", current.unwrap_or_default())
        .with("takenBy", by.to_string())
    }

    /// Puts dead letters back into the queue: all, or one entity's. Returns the log rows of those saves as they are
    /// afterwards.
    ///
    /// # Errors
    /// Errors of the cache.
    pub async fn retry(&self, only: Option<&EntityKey>) -> Result<Vec<LogEntry>> {
        let mut rows = Vec::new();
        let now = self.0.env.clock.now();
        for record in self.0.cache.dead(self.0.repository).await? {
            let Some(change) = record.change.as_ref().filter(|_| only.is_none_or(|only| *only == record.key)) else { continue };
            let mut change = change.clone();
            change.dead = false;
            change.attempts = 0;
            change.due_at = now;
            change.last_error = None;
            let mut write = RecordWrite::onto(&record);
            write.log.extend(change.operations.iter().map(|id| LogWrite::reopened(*id, &record.key, &change)));
            write.change = crate::store::Slot::Set(change);
            let (key, operations) = (write.key.clone(), write.log.iter().map(|row| row.id).collect::<Vec<_>>());
            if let Attempt::Written(uid) = self.attempt(write).await? {
                self.publish(uid).await?;
                let log = self.log(&LogQuery { key: Some(key), limit: usize::MAX, ..LogQuery::default() }).await?;
                rows.extend(log.into_iter().filter(|row| operations.contains(&row.id)));
            }
        }
        Ok(rows)
    }
}

/// The refusal of a value that another entity has. The value itself is not told: it may be private.
pub(super) fn value_taken(key: &EntityKey, field: &str, by: &EntityKey) -> Error {
    let message = format!("the {field} of {key} already belongs to {by}; nothing was saved, choose another or save onto that entity");
    Error::new(ErrorKind::Conflict, message).with("entity", key.to_string()).with("field", field).with("takenBy", by.to_string())
}

/// What a database's answer means to a save.
fn answered(outcome: ApplyOutcome) -> Result<Attempt> {
    Ok(match outcome {
        ApplyOutcome::Applied { uids, .. } => {
            Attempt::Written(*uids.first().ok_or_else(|| Error::new(ErrorKind::Internal, "a write came back without its number"))?)
        }
        ApplyOutcome::Moved(_) => Attempt::Again,
        ApplyOutcome::LocationTaken { by, .. } => Attempt::Taken(by),
        ApplyOutcome::ValueTaken { field, by, .. } => Attempt::ValueTaken(field, by),
        ApplyOutcome::Duplicate(prior) => Attempt::Prior(prior),
        ApplyOutcome::Fenced(_) => return Err(Error::new(ErrorKind::Internal, "a save carries no fence")),
    })
}

/// A record of which nothing was ever written.
fn nobody(key: &EntityKey) -> Record {
    Record { uid: 0, stamp: 0, key: key.clone(), revision: 0, live: None, change: None, conflict: None, private: Fields::new() }
}

fn deleted_here_and_edited_in_git(record: &Record) -> bool {
    let change = record.change.as_ref();
    record.live.is_some() && change.is_some_and(|change| change.state == ChangeState::Conflict && change.action == ChangeAction::Delete)
}

pub(super) fn busy(kind: &KindName) -> Error {
    Error::new(ErrorKind::Busy, format!("others kept saving this {kind} at the same moment; nothing was saved, try again"))
}
