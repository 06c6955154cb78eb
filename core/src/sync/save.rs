//! Deciding a save: from what a form sends and what is stored to one guarded write, or to the reason why not. Pure.
//! A save is a patch: what it does not name stays; a stale one is merged against the bytes it was made from, and
//! when that cannot be done nothing is written.

use std::borrow::Cow;

use serde_json::Value;
use uuid::Uuid;

use super::merge::{MergeConflict, merge, same_text, valid};
use super::naming::{follow_title, new_identity, place, refuse_new_id};
use super::patch::{apply_edits, edit_name, is_noop, maintained, named_edits, refuse_unknown_status};
use super::request::{BasedOn, Save};
use super::stale::{Version, gone, rebase, rebase_rename, version};
use crate::clock::Timestamp;
use crate::codec::{FieldEdit, Schemas, Violation, decode_content, edit_head, fit_body, render_head};
use crate::knowledge::{Author, Config, Content, EntityKey, Fields, Format, Kind, Location, Status};
use crate::store::{
    Base, Change, ChangeAction, ChangeState, ConflictNote, Direction, KeptRevision, Live, LogStatus, LogWrite, Operation, Record,
    RecordWrite, Slot, Target,
};
use crate::{Error, ErrorKind, Result};

/// Everything a plan needs that is neither the save nor the record.
pub(crate) struct SaveContext<'a> {
    pub(crate) kind: &'a Kind,
    pub(crate) root: &'a str,
    /// All kinds: a new place must be of this one.
    pub(crate) config: &'a Config,
    /// What their fields are held to.
    pub(crate) schemas: &'a Schemas,
    pub(crate) now: Timestamp,
    pub(crate) operation: Uuid,
    /// An id for a new entity that brings none.
    pub(crate) fresh_id: Uuid,
    pub(crate) author: Author,
}

/// What a save comes to.
#[derive(Debug)]
pub(crate) enum SavePlan {
    /// This write.
    Write(Box<RecordWrite>),
    /// Nothing would change.
    Nothing,
}

/// The newest content of a record on our side: ours, else what git holds; none for one that is gone or going.
pub(crate) fn newest(record: &Record) -> Option<(&Content, u64)> {
    match &record.change {
        Some(change) if change.action == ChangeAction::Delete => None,
        Some(change) => Some((&change.content, change.revision)),
        None => record.live.as_ref().map(|live| (&live.content, live.revision)),
    }
}

/// The content of a revision, if the record itself still holds it.
pub(super) fn held(record: &Record, revision: u64) -> Option<&Content> {
    let live = record.live.as_ref().filter(|live| live.revision == revision).map(|live| &live.content);
    live.or_else(|| record.change.as_ref().filter(|change| change.revision == revision).map(|change| &change.content))
}

/// Whether planning this save needs what is kept of an older revision, and of which. The record itself holds the bytes of
/// up to two revisions, but of private fields only the newest.
pub(crate) fn needs_revision(kind: &Kind, save: &Save, record: &Record) -> Option<u64> {
    match (save.based_on, newest(record)) {
        (Some(BasedOn::Revision(asked)), Some((_, newest))) if asked != newest => {
            (held(record, asked).is_none() || !kind.private.is_empty()).then_some(asked)
        }
        _ => None,
    }
}

/// Decides a save on an entity that exists (`record` has a newest content). `older` is what [`needs_revision`] asked for,
/// as far as it is kept.
pub(crate) fn plan_update(ctx: &SaveContext<'_>, save: &Save, record: &Record, older: Option<&KeptRevision>) -> Result<SavePlan> {
    let (current, newest_revision) =
        newest(record).ok_or_else(|| Error::new(ErrorKind::Internal, format!("{} has nothing to update", record.key)))?;
    let mut edits = named_edits(ctx.kind, save, &current.fields);
    let mut body = save.body.as_deref().filter(|body| !same_text(body, &current.body)).map(Cow::Borrowed);
    let mut rename = save.rename.as_ref().filter(|slug| **slug != current.slug);

    match save.based_on {
        Some(BasedOn::Revision(asked)) if asked != newest_revision => {
            if asked > record.revision || asked == 0 {
                return Err(Error::new(
                    ErrorKind::InvalidInput,
                    format!("{} has no revision {asked}; its newest is {newest_revision}", record.key),
                )
                .with("revision", newest_revision));
            }
            let base = held(record, asked).or(older.map(|kept| &kept.content));
            let base = base.ok_or_else(|| gone(record, asked, newest_revision, current))?;
            // A number that is not kept yet has been given once only: nothing private has changed since.
            let private = older.map_or(&record.private, |kept| &kept.private);
            let base = Version { content: base, revision: asked, private };
            let current = Version { content: current, revision: newest_revision, private: &record.private };
            (edits, body) = rebase(ctx.kind, record, &base, &current, edits, body)?;
            rename = rebase_rename(record, &base, &current, rename)?;
        }
        None if body.is_some() => {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                format!(
                    "changing the body of {} needs the revision it was made from (based_on), or the explicit word `current`",
                    record.key
                ),
            )
            .with("revision", newest_revision));
        }
        Some(_) | None => {}
    }
    refuse_new_id(record, &edits)?;
    edits.retain(|edit| edit_name(edit) != "id");

    let (private_edits, mut edits): (Vec<_>, Vec<_>) =
        edits.into_iter().partition(|edit| ctx.kind.private.contains(&edit_name(edit).to_owned()));
    let mut private = record.private.clone();
    edits.extend(take_private(ctx.kind, &current.fields, &mut private));
    apply_edits(&mut private, &private_edits);
    let edits: Vec<_> = edits.into_iter().filter(|edit| !is_noop(edit, &current.fields)).collect();
    refuse_unknown_status(ctx.kind, &edits)?;
    let mut write = RecordWrite::onto(record);
    if private != record.private {
        write.private = Slot::Set(private);
    }
    if edits.is_empty() && body.is_none() && rename.is_none() && record.change.as_ref().is_none_or(|change| !change.dead) {
        // A key is remembered even where there was nothing to do: a late repeat must not apply.
        if matches!(write.private, Slot::Keep) && save.idempotency_key.is_none() {
            return Ok(SavePlan::Nothing);
        }
        let mut revision = newest_revision;
        if let Slot::Set(private) = &write.private {
            hold_to_schema(ctx, current, private)?;
            number_live_anew(ctx, record, &mut write);
            if let Some(change) = &record.change {
                write.revision += 1;
                write.keep.extend(kept(record, Some((&change.content, change.revision)), ctx.now));
                write.change = Slot::Set(Change { revision: write.revision, ..change.clone() });
            }
            revision = write.revision;
        }
        write.log.push(log_row(ctx, save, record.key.clone(), Operation::Update, LogStatus::Success, revision));
        return Ok(SavePlan::Write(Box::new(write)));
    }

    let mut edits = edits;
    edits.extend(maintained(ctx.kind, &current.fields, ctx.now, false));
    let head = edit_head(ctx.kind.format, &current.head, &edits).map_err(|error| error.with("entity", record.key.to_string()))?;
    let body = body.map_or_else(|| current.body.clone(), |body| fit_body(&format!("{}{}", current.head, current.body), &body));
    let edited = decode(ctx, &current.location, &head, &body)?;
    let location = match rename {
        Some(slug) => place(ctx, slug)?,
        // Asked to be where it is: a new title does not move it either.
        None if save.rename.is_some() => current.location.clone(),
        // A title that makes no safe path leaves the file where it is.
        None => follow_title(ctx.kind, current, &edited.title)
            .and_then(|slug| place(ctx, &slug).ok())
            .unwrap_or_else(|| current.location.clone()),
    };
    let content = decode(ctx, &location, &head, &body)?;
    let private = if let Slot::Set(private) = &write.private { private } else { &record.private };
    hold_to_schema(ctx, &content, private)?;
    if matches!(write.private, Slot::Set(_)) {
        number_live_anew(ctx, record, &mut write);
    }
    Ok(finish(ctx, save, record, write, content, current.status))
}

/// Private fields belong to every version: with others the live one is a new revision too, so that a form that was made
/// before can be told from one that was made after.
fn number_live_anew(ctx: &SaveContext<'_>, record: &Record, write: &mut RecordWrite) {
    let Some(live) = &record.live else { return };
    write.revision += 1;
    write.keep.extend(kept(record, Some((&live.content, live.revision)), ctx.now));
    write.live = Slot::Set(Live { revision: write.revision, ..live.clone() });
}

/// What stands in the file and has become private since moves over; the edits that take it out of the file.
pub(super) fn take_private(kind: &Kind, fields: &Fields, private: &mut Fields) -> Vec<FieldEdit> {
    let standing = kind.private.iter().filter_map(|field| fields.get(field).map(|value| (field, value)));
    let mut edits = Vec::new();
    for (field, value) in standing {
        private.entry(field.as_str()).or_insert_with(|| value.clone());
        edits.push(FieldEdit::Unset(field.clone()));
    }
    edits
}

/// Decides a save of an entity that does not exist. `record` is what is left of an earlier one with the same id.
pub(crate) fn plan_create(ctx: &SaveContext<'_>, save: &Save, record: Option<&Record>) -> Result<SavePlan> {
    if let Some(BasedOn::Revision(revision)) = save.based_on {
        return Err(Error::new(
            ErrorKind::Conflict,
            format!("revision {revision} of this {} is gone: somebody deleted it; save without a base to make it again", ctx.kind.name),
        ));
    }
    let mut edits = named_edits(ctx.kind, save, &Fields::new());
    refuse_unknown_status(ctx.kind, &edits)?;
    let (key, slug) = new_identity(ctx, save, &edits)?;
    edits.retain(|edit| edit_name(edit) != "id");
    let location = place(ctx, &slug)?;
    let mut fields = Fields::new();
    fields.insert("id".to_owned(), Value::String(key.id.as_str().to_owned()));
    let (private_edits, edits): (Vec<_>, Vec<_>) =
        edits.into_iter().partition(|edit| ctx.kind.private.contains(&edit_name(edit).to_owned()));
    apply_edits(&mut fields, &edits);
    let mut private = Fields::new();
    apply_edits(&mut private, &private_edits);
    if ctx.kind.workflow && !fields.contains_key("status") {
        let status = if ctx.kind.review { Status::Draft } else { Status::Published };
        fields.insert("status".to_owned(), Value::String(status.as_str().to_owned()));
    }
    let maintained = maintained(ctx.kind, &fields, ctx.now, true);
    apply_edits(&mut fields, &maintained);
    let head = match ctx.kind.format {
        // TOML has no null: the save is refused rather than kept without it.
        Format::Toml => {
            edit_head(Format::Toml, "", &fields.into_iter().map(|(key, value)| FieldEdit::Set(key, value)).collect::<Vec<_>>())?
        }
        format => render_head(format, &fields),
    };
    let content = decode(ctx, &location, &head, save.body.as_deref().unwrap_or_default())?;
    hold_to_schema(ctx, &content, &private)?;
    let mut write = match record {
        Some(record) => RecordWrite::onto(record),
        None => RecordWrite::new(Target::New, key.clone(), 0),
    };
    // What an earlier entity with this id kept to itself is not this one's.
    write.private = match record {
        _ if !private.is_empty() => Slot::Set(private),
        Some(record) if !record.private.is_empty() => Slot::Clear,
        _ => Slot::Keep,
    };
    let nothing = || Record { uid: 0, stamp: 0, key, revision: 0, live: None, change: None, conflict: None, private: Fields::new() };
    let record = record.cloned().unwrap_or_else(nothing);
    Ok(finish(ctx, save, &record, write, content, None))
}

/// Decides a deletion. `expected` is the revision that the caller saw, if it names one.
pub(crate) fn plan_delete(ctx: &SaveContext<'_>, record: &Record, expected: Option<u64>, save: &Save) -> Result<SavePlan> {
    let Some((current, newest_revision)) = newest(record) else { return Ok(SavePlan::Nothing) };
    if let Some(asked) = expected.filter(|asked| *asked != newest_revision) {
        let message = format!("{} is at revision {newest_revision}, not {asked}: read it again before deleting it", record.key);
        return Err(Error::new(ErrorKind::Conflict, message)
            .with("revision", newest_revision)
            .with("current", version(current, newest_revision)));
    }
    let mut write = RecordWrite::onto(record);
    write.keep.extend(kept(record, record.change.as_ref().map(|change| (&change.content, change.revision)), ctx.now));
    write.conflict = Slot::Clear;
    write.revision = record.revision + 1;
    // Even what git never had is deleted by a change: its commit may be on its way at this moment.
    let content = record.live.as_ref().map_or(current, |live| &live.content).clone();
    let mut change = collapse(ctx, save, record, content, ChangeAction::Delete, ChangeState::Pending, write.revision);
    change.base = live_base(record);
    change.placed = record.live.is_some();
    write.change = Slot::Set(change);
    write.log.push(log_row(ctx, save, record.key.clone(), Operation::Delete, LogStatus::Pending, record.revision + 1));
    Ok(SavePlan::Write(Box::new(write)))
}

/// From new content to the write: the workflow decides where it goes, a draft that is published is merged.
fn finish(
    ctx: &SaveContext<'_>,
    save: &Save,
    record: &Record,
    mut write: RecordWrite,
    mut content: Content,
    old_status: Option<Status>,
) -> SavePlan {
    let was_draft = record.change.as_ref().is_some_and(|change| change.state == ChangeState::Draft);
    let (mut action, mut state) = destination(&content, old_status, record.live.is_some(), was_draft);
    let mut base = match &record.change {
        Some(change) => change.base.clone(),
        None => live_base(record),
    };
    let conflicted = record.change.as_ref().is_some_and(|change| change.state == ChangeState::Conflict);
    if conflicted {
        state = ChangeState::Conflict;
        action = ChangeAction::Write;
    } else if was_draft && state == ChangeState::Pending {
        match republish(ctx, record, base.as_ref(), &content) {
            Ok(merged) => {
                content = merged;
                base = live_base(record);
            }
            Err(conflict) => {
                state = ChangeState::Conflict;
                write.conflict = Slot::Set(note(&conflict, record, ctx.now));
            }
        }
    }
    write.revision += 1;
    write.keep.extend(kept(record, record.change.as_ref().map(|change| (&change.content, change.revision)), ctx.now));
    let mut change = collapse(ctx, save, record, content, action, state, write.revision);
    change.base = base;
    // A draft that lost its place to another identity does not ask for it again before it is published.
    let stays = |old: &Change| old.content.location == change.content.location;
    if conflicted || state == ChangeState::Draft && record.change.as_ref().is_some_and(stays) {
        change.placed = record.change.as_ref().is_none_or(|change| change.placed);
    }
    let operation = if record.live.is_none() && record.change.is_none() { Operation::Create } else { Operation::Update };
    let operation = if action == ChangeAction::Archive { Operation::Delete } else { operation };
    write.log.push(log_row(ctx, save, write.key.clone(), operation, LogStatus::Pending, write.revision));
    write.change = Slot::Set(change);
    SavePlan::Write(Box::new(write))
}

/// What the workflow says about new content.
fn destination(content: &Content, old_status: Option<Status>, live: bool, was_draft: bool) -> (ChangeAction, ChangeState) {
    match content.status {
        Some(Status::Archived) if live => (ChangeAction::Archive, ChangeState::Pending),
        // What an engineer pushed is in git whatever its status says; saving it without a new status publishes.
        Some(Status::Draft | Status::InReview) if live && !was_draft && old_status == content.status => {
            (ChangeAction::Write, ChangeState::Pending)
        }
        Some(Status::Draft | Status::InReview | Status::Archived) => (ChangeAction::Write, ChangeState::Draft),
        Some(Status::Published) | None => (ChangeAction::Write, ChangeState::Pending),
    }
}

/// Merges a draft that is published with what git holds by now.
fn republish(ctx: &SaveContext<'_>, record: &Record, base: Option<&Base>, content: &Content) -> Result<Content, MergeConflict> {
    match (&record.live, base) {
        (Some(live), base) if base.is_none_or(|base| !base.content.same_bytes(&live.content)) => {
            let merged = merge(ctx.kind, ctx.root, base.map(|base| &base.content), content, &live.content);
            merged.and_then(|merged| valid(ctx.schemas, ctx.kind, merged))
        }
        (None, Some(_)) => Err(MergeConflict::whole(crate::store::ConflictReason::DeletedInGit)),
        _ => Ok(content.clone()),
    }
}

fn note(conflict: &MergeConflict, record: &Record, now: Timestamp) -> ConflictNote {
    let commit = record.live.as_ref().map_or_else(|| crate::store::CommitId::new(""), |live| live.commit.clone());
    ConflictNote { reason: conflict.reason, fields: conflict.names(), body: !conflict.hunks.is_empty(), commit, author: None, since: now }
}

/// The live version as the base of a new change.
pub(crate) fn live_base(record: &Record) -> Option<Base> {
    record.live.as_ref().map(|live| Base { content: live.content.clone(), blob: live.blob.clone() })
}

/// The new change, holding what the record's change held before.
pub(crate) fn collapse(
    ctx: &SaveContext<'_>,
    save: &Save,
    record: &Record,
    content: Content,
    action: ChangeAction,
    state: ChangeState,
    revision: u64,
) -> Change {
    let previous = record.change.as_ref();
    let mut operations = previous.map_or_else(Vec::new, |change| change.operations.clone());
    operations.push(ctx.operation);
    let mut co_authors = previous.map_or_else(Vec::new, |change| change.co_authors.clone());
    if let Some(earlier) = previous.map(|change| &change.author).filter(|earlier| !co_authors.contains(earlier)) {
        co_authors.push(earlier.clone());
    }
    co_authors.retain(|author| *author != ctx.author);
    Change {
        action,
        state,
        content,
        placed: true,
        revision,
        base: None,
        author: ctx.author.clone(),
        co_authors,
        message: save.message.clone().or_else(|| previous.and_then(|change| change.message.clone())),
        operations,
        created_at: previous.map_or(ctx.now, |change| change.created_at),
        updated_at: ctx.now,
        attempts: 0,
        due_at: ctx.now,
        last_error: None,
        dead: false,
    }
}

fn decode(ctx: &SaveContext<'_>, location: &Location, head: &str, body: &str) -> Result<Content> {
    match decode_content(ctx.kind, ctx.root, location, head, body) {
        Ok((decoded, _)) => Ok(decoded.content),
        Err(diagnostic) => Err(Error::new(ErrorKind::InvalidInput, format!("the save would not be a valid document: {diagnostic}"))
            .with("path", diagnostic.path.clone())
            .with("line", diagnostic.line)
            .with("column", diagnostic.column)),
    }
}

/// Refuses a version that a strict schema does not allow. What only leaves git is not looked at.
pub(crate) fn hold_to_schema(ctx: &SaveContext<'_>, content: &Content, private: &Fields) -> Result<()> {
    if content.status == Some(Status::Archived) {
        return Ok(());
    }
    let Some(Violation { field, finding }) = ctx.schemas.refusal(ctx.kind, content, private) else { return Ok(()) };
    Err(Error::new(
        ErrorKind::InvalidInput,
        format!("the schema of {} does not allow this, nothing was saved: {}", ctx.kind.name, finding.message),
    )
    .with("path", finding.path)
    .with("line", finding.line)
    .with("column", finding.column)
    .with("code", finding.code)
    .with("field", field))
}

/// A revision whose bytes leave the record and are kept.
pub(crate) fn kept(record: &Record, version: Option<(&Content, u64)>, now: Timestamp) -> Option<KeptRevision> {
    let private = &record.private;
    version.map(|(content, revision)| KeptRevision { revision, content: content.clone(), private: private.clone(), created_at: now })
}

/// What a change is in the log.
pub(crate) fn operation_of(change: &Change) -> Operation {
    match change.action {
        ChangeAction::Write if change.base.is_none() => Operation::Create,
        ChangeAction::Write => Operation::Update,
        ChangeAction::Delete | ChangeAction::Archive => Operation::Delete,
    }
}

pub(crate) fn log_row(
    ctx: &SaveContext<'_>,
    save: &Save,
    key: EntityKey,
    operation: Operation,
    status: LogStatus,
    revision: u64,
) -> LogWrite {
    LogWrite {
        id: ctx.operation,
        key,
        operation,
        direction: Direction::DbToGit,
        status,
        started_at: ctx.now,
        completed_at: (status != LogStatus::Pending).then_some(ctx.now),
        error: None,
        commit: None,
        synced_by: ctx.author.to_string(),
        revision,
        idempotency_key: save.idempotency_key.clone(),
    }
}
