//! Conflicts: both versions side by side, and a person's decision. Deciding is an ordinary save with a revision
//! check; what did not conflict is merged whichever side is chosen.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::KnowledgeBase;
use super::read::{Selector, shown};
use super::write::{Attempt, value_taken};
use crate::clock::Timestamp;
use crate::codec::{decode_content, decode_file};
use crate::knowledge::{Author, Config, Content, EntityId, Format, KindName, Knowledge, Slug};
use crate::store::{Change, ChangeAction, ChangeState, ConflictReason, LogStatus, Operation, Record, RecordWrite, Slot, View};
use crate::sync::{Choices, FieldConflict, Hunk, MergeConflict, Save, Side, merge_choosing, plan};
use crate::{Error, ErrorKind, Result};

/// How often a decision is planned anew when others get in between.
const TRIES: usize = 20;

/// One side of a conflict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SideView {
    /// Its place.
    pub path: String,
    /// The values of what conflicts, by the path of the field; one that is absent is left out.
    pub fields: serde_json::Map<String, Value>,
    /// The whole body, where bodies conflict or a side is missing.
    pub body: Option<String>,
}

/// A conflict as a person sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConflictView {
    /// The kind.
    pub kind: KindName,
    /// The entity's id.
    pub id: EntityId,
    /// The slug of our side.
    pub slug: Slug,
    /// Why a person must decide.
    pub reason: ConflictReason,
    /// What both sides changed differently: the paths of fields (`tier`, `owners[email=a@example.com].name`), and `path`
    /// for the place itself.
    pub fields: Vec<String>,
    /// The stretches of the body that both sides changed differently, from top to bottom.
    pub hunks: Vec<Hunk>,
    /// What both sides began with.
    pub base: Option<SideView>,
    /// What was saved here; `None` when it was deleted here.
    pub cache: Option<SideView>,
    /// What git has; `None` when git has it no longer.
    pub git: Option<SideView>,
    /// The revision of our side: what a decision names.
    pub revision: u64,
    /// Git's commit.
    pub git_commit: String,
    /// Who made it.
    pub git_author: Option<Author>,
    /// Who saved last here.
    pub cache_author: Author,
    /// Since when.
    pub since: Timestamp,
}

/// A person's decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accept {
    /// Git's side of everything that conflicts.
    Git,
    /// Our side of everything that conflicts.
    Cache,
    /// A side for each field and each hunk of the body; it must leave nothing open.
    Each(Choices),
    /// This whole document (for a JSON entry its text).
    Document(String),
}

impl KnowledgeBase {
    /// All conflicts.
    ///
    /// # Errors
    /// Errors of the cache.
    pub async fn conflicts(&self) -> Result<Vec<ConflictView>> {
        let config = self.config().await?;
        Ok(self.0.cache.conflicts(self.0.repository).await?.iter().filter_map(|record| view(&config, record)).collect())
    }

    /// Decides a conflict. `expected_revision` is [`ConflictView::revision`]: the decision is refused when our side
    /// was saved again since. Returns the entity as it is afterwards; `None` when the decision removed it.
    ///
    /// # Errors
    /// `NotFound` (no such entity, or it has no conflict), `Conflict` (it moved since; the path or the value of a unique field is still taken),
    /// `InvalidInput` (the document, or the result of the decision, is not valid), errors of the cache.
    pub async fn resolve(
        &self,
        kind: &str,
        selector: impl Into<Selector>,
        accept: Accept,
        expected_revision: Option<u64>,
        author: Option<Author>,
    ) -> Result<Option<Knowledge>> {
        let kind = KindName::from(kind);
        let selector = selector.into();
        for _ in 0..TRIES {
            let record = self.conflicted(&kind, &selector).await?;
            let settings = self.settings().await?;
            let rules = Self::kind(&settings.config, &record.key.kind)?;
            let ctx = self.save_context(rules, &settings, author.clone());
            let newest = record.change.as_ref().map_or(0, |change| change.revision);
            if let Some(asked) = expected_revision.filter(|asked| *asked != newest) {
                let message = format!("our side of {} is at revision {newest}, not {asked}: look at the conflict again", record.key);
                return Err(Error::new(ErrorKind::Conflict, message).with("revision", newest));
            }
            let write = decide(&ctx, &record, &accept)?;
            match self.attempt(write).await? {
                Attempt::Written(uid) => {
                    self.publish(uid).await?;
                    let record = self.0.cache.records_by_uid(self.0.repository, &[uid]).await?.pop().flatten();
                    let broken = self.broken_paths().await?;
                    return Ok(record.and_then(|record| shown(&record, View::Working, &broken)));
                }
                Attempt::Again => {}
                Attempt::Taken(by) => {
                    let message = format!("the place of {} belongs to {by} in git; save it under another slug instead", record.key);
                    return Err(Error::new(ErrorKind::Conflict, message).with("takenBy", by.to_string()));
                }
                Attempt::ValueTaken(field, by) => return Err(value_taken(&record.key, &field, &by)),
                Attempt::Prior(_) => return Err(Error::new(ErrorKind::Internal, "a decision carries no idempotency key")),
            }
        }
        Err(Error::new(ErrorKind::Busy, "others kept changing this entity; the conflict is still there, try again"))
    }

    async fn conflicted(&self, kind: &KindName, selector: &Selector) -> Result<Record> {
        let matches = |record: &Record| {
            record.key.kind == *kind
                && match selector {
                    Selector::Id(id) => record.key.id == *id,
                    Selector::Slug(slug) => {
                        let ours = record.change.as_ref().is_some_and(|change| change.content.slug == *slug);
                        ours || record.live.as_ref().is_some_and(|live| live.content.slug == *slug)
                    }
                }
        };
        let found = self.0.cache.conflicts(self.0.repository).await?.into_iter().find(matches);
        found.ok_or_else(|| {
            let message =
                format!("there is no conflict of a {}; list the conflicts to see what there is to decide", Self::named(kind, selector));
            Error::new(ErrorKind::NotFound, message)
        })
    }
}

fn view(config: &Config, record: &Record) -> Option<ConflictView> {
    let (change, note) = (record.change.as_ref()?, record.conflict.as_ref()?);
    let conflict = open_questions(config, record, &Choices::default());
    // What the note says was true when it was written; later saves here may have changed it.
    let fields = conflict.as_ref().map_or_else(|| note.fields.clone(), MergeConflict::names);
    let hunks = conflict.as_ref().map_or_else(Vec::new, |conflict| conflict.hunks.clone());
    let whole = !hunks.is_empty() || note.reason != ConflictReason::BothChanged;
    let side = |content: &Content, of: fn(&FieldConflict) -> &Option<Value>| SideView {
        path: content.location.to_string(),
        fields: conflict
            .iter()
            .flat_map(|conflict| &conflict.fields)
            .filter_map(|field| Some((field.path.clone(), of(field).clone()?)))
            .collect(),
        body: whole.then(|| content.body.clone()),
    };
    Some(ConflictView {
        kind: record.key.kind.clone(),
        id: record.key.id.clone(),
        slug: change.content.slug.clone(),
        reason: note.reason,
        fields,
        hunks,
        base: change.base.as_ref().map(|base| side(&base.content, |field| &field.base)),
        cache: (change.action == ChangeAction::Write).then(|| side(&change.content, |field| &field.cache)),
        git: record.live.as_ref().map(|live| side(&live.content, |field| &field.git)),
        revision: change.revision,
        git_commit: note.commit.to_string(),
        git_author: note.author.clone(),
        cache_author: change.author.clone(),
        since: note.since,
    })
}

/// What both sides of a record changed differently and these choices leave open.
fn open_questions(config: &Config, record: &Record, choices: &Choices) -> Option<MergeConflict> {
    let (change, live) = (record.change.as_ref()?, record.live.as_ref()?);
    if change.action != ChangeAction::Write {
        return None;
    }
    let base = change.base.as_ref().map(|base| &base.content);
    merge_choosing(config.kind(&record.key.kind)?, &config.root, base, &change.content, &live.content, choices).err()
}

/// The write that carries out a decision. Pure.
fn decide(ctx: &plan::SaveContext<'_>, record: &Record, accept: &Accept) -> Result<RecordWrite> {
    let change = record.change.as_ref().ok_or_else(|| Error::new(ErrorKind::Internal, "a conflict without a change"))?;
    let base = change.base.as_ref().map(|base| &base.content);
    let mut write = RecordWrite::onto(record);
    write.conflict = Slot::Clear;
    write.keep.extend(plan::kept(record, Some((&change.content, change.revision)), ctx.now));
    let ours = without_taken_place(record, change, accept);
    let content = match (accept, &record.live, change.action) {
        (Accept::Document(text), _, _) => Some(document(ctx, &change.content, text)?),
        (Accept::Git, Some(live), ChangeAction::Write) => {
            let merged = merge_choosing(ctx.kind, ctx.root, base, &ours, &live.content, &Choices::all(Side::Git));
            merged.ok().filter(|merged| !merged.same_bytes(&live.content))
        }
        (Accept::Git, _, _) => None,
        (Accept::Cache, Some(live), ChangeAction::Write) => {
            let merged = merge_choosing(ctx.kind, ctx.root, base, &ours, &live.content, &Choices::all(Side::Cache));
            Some(merged.unwrap_or_else(|_| change.content.clone()))
        }
        (Accept::Each(choices), Some(live), ChangeAction::Write) => {
            let merged = merge_choosing(ctx.kind, ctx.root, base, &ours, &live.content, choices);
            let merged = merged.map_err(|open| undecided(record, &open))?;
            Some(merged).filter(|merged| !merged.same_bytes(&live.content))
        }
        (Accept::Each(_), _, _) => {
            let message =
                format!("{} has nothing to decide field by field: one side removed it; accept git, cache or a document", record.key);
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        // What is removed is what git has by now, wherever that is.
        (Accept::Cache, Some(live), ChangeAction::Delete) => Some(live.content.clone()),
        (Accept::Cache, _, _) => Some(change.content.clone()),
    };
    let Some(content) = content else {
        write.change = Slot::Clear;
        let why = "decided in favour of git's version";
        write.log.extend(change.operations.iter().map(|id| {
            let mut row = crate::store::LogWrite::reopened(*id, &record.key, change);
            row.status = LogStatus::Success;
            row.completed_at = Some(ctx.now);
            row.error = Some(why.to_owned());
            row
        }));
        return Ok(write);
    };
    let action = if matches!(accept, Accept::Document(_)) { ChangeAction::Write } else { change.action };
    if action == ChangeAction::Write {
        plan::hold_to_schema(ctx, &content, &record.private)?;
    }
    write.revision = record.revision + 1;
    let save = Save::update(record.key.kind.as_str(), change.content.slug.as_str());
    let mut decided = plan::collapse(ctx, &save, record, content, action, ChangeState::Pending, write.revision);
    decided.base = plan::live_base(record);
    write.log.push(plan::log_row(ctx, &save, record.key.clone(), Operation::Update, LogStatus::Pending, write.revision));
    write.change = Slot::Set(decided);
    Ok(write)
}

/// Our side as it is merged: where another identity has the place that we moved to, choosing git gives our move up.
fn without_taken_place<'r>(record: &'r Record, change: &'r Change, accept: &Accept) -> Cow<'r, Content> {
    let git = match accept {
        Accept::Git => true,
        Accept::Each(choices) => choices.fields.get("path").or(choices.rest.as_ref()) == Some(&Side::Git),
        Accept::Cache | Accept::Document(_) => false,
    };
    let taken = record.conflict.as_ref().is_some_and(|note| note.reason == ConflictReason::PathTaken);
    match record.live.as_ref().filter(|_| git && taken) {
        Some(live) => Cow::Owned(Content { location: live.content.location.clone(), ..change.content.clone() }),
        None => Cow::Borrowed(&change.content),
    }
}

/// A whole document as our side of an entity.
fn document(ctx: &plan::SaveContext<'_>, ours: &Content, text: &str) -> Result<Content> {
    let invalid =
        |finding: &crate::knowledge::Diagnostic| Error::new(ErrorKind::InvalidInput, format!("the document is not valid: {finding}"));
    if ctx.kind.format == Format::Json {
        return decode_content(ctx.kind, ctx.root, &ours.location, text, "")
            .map(|(decoded, _)| decoded.content)
            .map_err(|finding| invalid(&finding));
    }
    let mut decoded = decode_file(ctx.kind, ctx.root, &ours.location.path, text.as_bytes());
    match (decoded.entities.pop(), decoded.diagnostics.first()) {
        (Some(entity), _) => Ok(entity.content),
        (None, Some(finding)) => Err(invalid(finding)),
        (None, None) => Err(Error::new(ErrorKind::InvalidInput, "the document is empty")),
    }
}

fn undecided(record: &Record, open: &MergeConflict) -> Error {
    let mut what = open.names();
    what.extend((1..=open.hunks.len()).map(|number| format!("hunk {number} of the body")));
    let message = match open.reason {
        ConflictReason::BothChanged => {
            format!("{} is not decided yet: choose a side for {} too; nothing was saved", record.key, what.join(", "))
        }
        _ => format!("what was chosen for {} would not be a valid document; accept one side or a whole document", record.key),
    };
    Error::new(ErrorKind::InvalidInput, message).with("fields", open.names()).with("hunks", open.hunks.len())
}
