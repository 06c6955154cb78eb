//! Deciding what one entity of git's tree means for its record. Pure. A clean record takes git's version; a record
//! with a change of ours is merged, or becomes a conflict that holds only itself.

use uuid::Uuid;

use super::merge::{Choices, MergeConflict, Side, merge, merge_choosing, same_text, valid};
use super::save::{kept, live_base, operation_of};
use crate::clock::Timestamp;
use crate::codec::{Decoded, Schemas, decode_content};
use crate::knowledge::{Author, ConflictPolicy, Content, EntityKey, Kind, KindName};
use crate::store::{
    Base, BlobId, Change, ChangeAction, ChangeState, CommitId, ConflictNote, ConflictReason, Direction, Live, LogStatus, LogWrite,
    Operation, Record, RecordWrite, Slot, Target, UniqueValue,
};

/// One entity as git's tree has it now.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Incoming {
    pub(super) kind: KindName,
    pub(super) decoded: Decoded,
    pub(super) blob: BlobId,
    /// The values that no other entity may have.
    pub(super) unique: Vec<UniqueValue>,
}

impl Incoming {
    pub(super) fn key(&self) -> EntityKey {
        EntityKey { kind: self.kind.clone(), id: self.decoded.id.clone() }
    }
}

/// Everything a plan needs that is neither the record nor the entity.
pub(super) struct IngestContext<'a> {
    /// The kind that the entity has now.
    pub(super) kind: &'a Kind,
    pub(super) root: &'a str,
    pub(super) schemas: &'a Schemas,
    pub(super) commit: &'a CommitId,
    /// Who made that commit.
    pub(super) author: Option<&'a Author>,
    pub(super) now: Timestamp,
    /// The id of the log row, if one is written.
    pub(super) operation: Uuid,
    /// Whether its unique values may have come free: it asks for them again.
    pub(super) reclaim: bool,
    /// Versions of ours that were prepared for git and never acknowledged, with the saves they held.
    pub(super) unacknowledged: &'a [(Content, Vec<Uuid>)],
}

/// What a plan did, for the report.
#[expect(clippy::struct_excessive_bools, reason = "each is one number of the report")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Effect {
    pub(super) created: bool,
    pub(super) updated: bool,
    pub(super) renamed: bool,
    pub(super) deleted: bool,
    pub(super) merged: bool,
    pub(super) conflict: bool,
    pub(super) settled: bool,
}

/// Decides what an entity that git has means. `record` is the one it is bound to.
pub(super) fn plan_present(ctx: &IngestContext<'_>, record: Option<&Record>, incoming: &Incoming) -> Option<(RecordWrite, Effect)> {
    let mut effect = Effect::default();
    let Some(record) = record else {
        let (write, effect, _) = plan_new(ctx, incoming.clone());
        return Some((write, effect));
    };
    let mut write = RecordWrite::onto(record);
    write.key = incoming.key();
    let theirs = &incoming.decoded.content;
    let settled = settle_against_present(ctx, record, incoming, &mut write, &mut effect);
    ask_anew(ctx, record, theirs, &mut write);
    let returns = record.live.is_none() && record.change.is_none();
    if returns && !record.private.is_empty() {
        // Written again, they hold their unique values again.
        write.private = Slot::Set(record.private.clone());
    }
    if write.key.kind != record.key.kind {
        // Written again, these parts hold their values among the entities of the new kind.
        if let (Slot::Keep, Some(change)) = (&write.change, &record.change) {
            write.change = Slot::Set(change.clone());
        }
        if !record.private.is_empty() {
            write.private = Slot::Set(record.private.clone());
        }
    }

    match &record.live {
        Some(old) if old.content == *theirs && write.key == record.key => {
            let stale = ctx.reclaim || old.blob != incoming.blob || old.explicit_id != incoming.decoded.explicit_id;
            if !stale && !settled {
                return None;
            }
            write.live = Slot::Set(Live {
                blob: incoming.blob.clone(),
                explicit_id: incoming.decoded.explicit_id,
                synced_at: ctx.now,
                ..old.clone()
            });
        }
        Some(old) if old.content.same_bytes(theirs) => {
            write.live = Slot::Set(live(ctx, incoming, old.revision));
            write.log.push(log(ctx, incoming.key(), Operation::Refresh, old.revision));
            effect.updated = true;
        }
        old => {
            let revision = settled_revision(record, theirs, &write).unwrap_or_else(|| {
                write.revision += 1;
                write.revision
            });
            write.live = Slot::Set(live(ctx, incoming, revision));
            write.keep.extend(kept(record, old.as_ref().map(|old| (&old.content, old.revision)), ctx.now));
            effect.renamed = old.as_ref().is_some_and(|old| old.content.location != theirs.location);
            effect.created = old.is_none() && !settled;
            effect.updated = old.is_some() && !effect.renamed;
            let operation = if old.is_none() { Operation::Create } else { Operation::Update };
            write.log.push(log(ctx, incoming.key(), operation, revision));
        }
    }
    Some((write, effect))
}

/// Decides about an entity that has no record yet. Its unique values come back, for [`replan`].
pub(super) fn plan_new(ctx: &IngestContext<'_>, incoming: Incoming) -> (RecordWrite, Effect, Vec<UniqueValue>) {
    let mut write = RecordWrite::new(Target::New, incoming.key(), 1);
    write.log.push(log(ctx, incoming.key(), Operation::Create, 1));
    write.live = Slot::Set(Live {
        content: incoming.decoded.content,
        revision: 1,
        blob: incoming.blob,
        commit: ctx.commit.clone(),
        explicit_id: incoming.decoded.explicit_id,
        synced_at: ctx.now,
    });
    (write, Effect { created: true, ..Effect::default() }, incoming.unique)
}

/// The entity that [`plan_new`] was about.
pub(super) fn replan(write: RecordWrite, unique: Vec<UniqueValue>) -> Option<Incoming> {
    let Slot::Set(live) = write.live else { return None };
    let decoded = Decoded { id: write.key.id, explicit_id: live.explicit_id, content: live.content };
    Some(Incoming { kind: write.key.kind, decoded, blob: live.blob, unique })
}

/// A conflict whose other side has changed is another question: our side takes a new number, so that a decision made
/// from the old one is refused.
fn ask_anew(ctx: &IngestContext<'_>, record: &Record, theirs: &Content, write: &mut RecordWrite) {
    let same = record.live.as_ref().is_some_and(|live| live.content.same_bytes(theirs));
    let (Some(before), false, true) = (&record.change, same, record.conflict.is_some()) else { return };
    if let Slot::Set(change) = &mut write.change
        && change.state == ChangeState::Conflict
        && change.revision == before.revision
    {
        write.revision += 1;
        change.revision = write.revision;
        write.keep.extend(kept(record, Some((&before.content, before.revision)), ctx.now));
    }
}

/// Decides what it means that git has the entity no longer.
pub(super) fn plan_absent(ctx: &IngestContext<'_>, record: &Record) -> Option<(RecordWrite, Effect)> {
    let old = record.live.as_ref()?;
    let mut write = RecordWrite::onto(record);
    let mut effect = Effect { deleted: true, ..Effect::default() };
    write.live = Slot::Clear;
    write.keep.extend(kept(record, Some((&old.content, old.revision)), ctx.now));
    write.log.push(log(ctx, record.key.clone(), Operation::Delete, old.revision));
    let Some(change) = &record.change else { return Some((write, effect)) };
    match (change.action, change.state) {
        (_, ChangeState::Draft) => {}
        (ChangeAction::Delete, _) => {
            settle(ctx, change, &change.operations, record, &mut write);
            write.change = Slot::Clear;
            write.conflict = Slot::Clear;
        }
        (ChangeAction::Archive, _) => {
            settle(ctx, change, &change.operations, record, &mut write);
            write.change = Slot::Set(archived(change));
            write.conflict = Slot::Clear;
        }
        (ChangeAction::Write, _) => {
            let conflict = MergeConflict::whole(ConflictReason::DeletedInGit);
            hold(ctx, record, change.clone(), &conflict, &mut write);
            effect.conflict = true;
        }
    }
    Some((write, effect))
}

/// Git gave the place of a new entity of ours to another identity: ours is kept, without a place.
pub(super) fn plan_displaced(ctx: &IngestContext<'_>, record: &Record) -> Option<(RecordWrite, Effect)> {
    let change = record.change.as_ref().filter(|change| change.placed)?;
    let mut write = RecordWrite::onto(record);
    let conflict = take_place(ctx, record, change, &mut write);
    Some((write, Effect { conflict, ..Effect::default() }))
}

/// Takes the place away from a change. Whether a person must decide now.
fn take_place(ctx: &IngestContext<'_>, record: &Record, change: &Change, write: &mut RecordWrite) -> bool {
    let change = without_place(change);
    let decide = change.state == ChangeState::Conflict && change.action == ChangeAction::Write;
    if decide {
        let conflict = MergeConflict { moved: true, ..MergeConflict::whole(ConflictReason::PathTaken) };
        hold(ctx, record, change, &conflict, write);
    } else {
        write.change = Slot::Set(change);
    }
    decide
}

/// A change that loses its place: one that wanted a place of its own waits for a person, all others (a removal, a
/// draft of what lives elsewhere by now) need none.
pub(super) fn without_place(change: &Change) -> Change {
    let moved_by_us = change.base.as_ref().is_none_or(|base| base.content.location != change.content.location);
    let state = match (change.action, change.state) {
        (ChangeAction::Write, ChangeState::Draft) if !moved_by_us => ChangeState::Draft,
        (ChangeAction::Write, _) => ChangeState::Conflict,
        (ChangeAction::Delete | ChangeAction::Archive, state) => state,
    };
    Change { placed: false, state, ..change.clone() }
}

/// Like [`plan_displaced`] for a record that is written anyway.
pub(super) fn displace(ctx: &IngestContext<'_>, record: &Record, write: &mut RecordWrite) {
    let change = match &write.change {
        Slot::Set(change) => Some(change),
        Slot::Keep => record.change.as_ref(),
        Slot::Clear => None,
    };
    // A change that merged onto the place where git has its entity now is not in the way any more.
    let taken = record.change.as_ref().map(|change| change.content.location.key());
    if let Some(change) = change.filter(|change| change.placed && Some(change.content.location.key()) == taken).cloned() {
        take_place(ctx, record, &change, write);
    }
}

/// What remains of a change that took its entity out of git and is done.
pub(super) fn archived(change: &Change) -> Change {
    Change {
        action: ChangeAction::Write,
        state: ChangeState::Draft,
        base: None,
        operations: Vec::new(),
        last_error: None,
        attempts: 0,
        ..change.clone()
    }
}

/// Merges a change of ours with git's version, if there is one. Whether the change (or a part of it) is settled.
fn settle_against_present(
    ctx: &IngestContext<'_>,
    record: &Record,
    incoming: &Incoming,
    write: &mut RecordWrite,
    effect: &mut Effect,
) -> bool {
    let Some(change) = &record.change else { return false };
    let theirs = &incoming.decoded.content;
    if change.base.as_ref().is_some_and(|base| base.content.same_bytes(theirs)) && change.state != ChangeState::Conflict {
        return false;
    }
    let mut change = change.clone();
    let rehomed = write.key.kind != record.key.kind && rehome(ctx, &mut change, theirs);
    let mut settled = false;
    if let Some((_, operations)) = ctx.unacknowledged.iter().find(|(content, _)| content.same_bytes(theirs)) {
        settle(ctx, &change, operations, record, write);
        change.operations.retain(|operation| !operations.contains(operation));
        change.base = Some(base(incoming));
        settled = true;
    }
    if change.state == ChangeState::Draft {
        if settled || rehomed {
            write.change = Slot::Set(change);
        }
        return settled;
    }
    if change.action != ChangeAction::Write {
        if settled && change.state == ChangeState::Pending {
            write.change = Slot::Set(change);
        } else {
            let conflict = MergeConflict::whole(ConflictReason::DeletedInCache);
            hold(ctx, record, change, &conflict, write);
            effect.conflict = true;
        }
        return settled;
    }
    if change.content.location == theirs.location && change.content.head == theirs.head && same_text(&change.content.body, &theirs.body) {
        settle(ctx, &change, &change.operations, record, write);
        write.change = Slot::Clear;
        write.conflict = Slot::Clear;
        effect.settled = true;
        return true;
    }
    let common = change.base.as_ref().map(|base| &base.content);
    match merge(ctx.kind, ctx.root, common, &change.content, theirs).and_then(|merged| valid(ctx.schemas, ctx.kind, merged)) {
        Ok(merged) if merged.same_bytes(theirs) => {
            settle(ctx, &change, &change.operations, record, write);
            write.keep.extend(kept(record, Some((&change.content, change.revision)), ctx.now));
            write.change = Slot::Clear;
            write.conflict = Slot::Clear;
            effect.settled = true;
            true
        }
        Ok(merged) => {
            write.keep.extend(kept(record, Some((&change.content, change.revision)), ctx.now));
            write.revision += 1;
            effect.merged = merged != change.content;
            change.content = merged;
            change.revision = write.revision;
            change.base = Some(base(incoming));
            change.state = ChangeState::Pending;
            change.placed = true;
            change.due_at = ctx.now;
            write.change = Slot::Set(change);
            write.conflict = Slot::Clear;
            true
        }
        Err(conflict) => {
            by_policy(ctx, record, change, &conflict, incoming, write, effect);
            true
        }
    }
}

/// Git made the entity another kind: ours goes where git has it, or keeps its own slug in that kind's folder.
fn rehome(ctx: &IngestContext<'_>, change: &mut Change, theirs: &Content) -> bool {
    let ours = &change.content;
    if ctx.kind.matches(&ours.location.path) {
        return false;
    }
    let unmoved = change.base.as_ref().is_some_and(|base| base.content.location == ours.location);
    let own = if unmoved || change.action == ChangeAction::Delete { None } else { ctx.kind.location(&ours.slug).ok() };
    let location = own.unwrap_or_else(|| theirs.location.clone());
    let Ok((decoded, _)) = decode_content(ctx.kind, ctx.root, &location, &ours.head, &ours.body) else { return false };
    change.content = decoded.content;
    true
}

/// What the kind's rule says about a true difference; without a rule a person decides.
fn by_policy(
    ctx: &IngestContext<'_>,
    record: &Record,
    mut change: Change,
    conflict: &MergeConflict,
    incoming: &Incoming,
    write: &mut RecordWrite,
    effect: &mut Effect,
) {
    match ctx.kind.conflict {
        ConflictPolicy::Git | ConflictPolicy::Cache => {
            let theirs = &incoming.decoded.content;
            let common = change.base.as_ref().map(|base| &base.content);
            let side = if ctx.kind.conflict == ConflictPolicy::Git { Side::Git } else { Side::Cache };
            let merged = merge_choosing(ctx.kind, ctx.root, common, &change.content, theirs, &Choices::all(side));
            let Ok(merged) = merged.and_then(|merged| valid(ctx.schemas, ctx.kind, merged)) else {
                hold(ctx, record, change, conflict, write);
                effect.conflict = true;
                return;
            };
            write.keep.extend(kept(record, Some((&change.content, change.revision)), ctx.now));
            write.conflict = Slot::Clear;
            if merged.same_bytes(theirs) {
                settle(ctx, &change, &change.operations, record, write);
                write.change = Slot::Clear;
                effect.settled = true;
                return;
            }
            write.revision += 1;
            change.content = merged;
            change.revision = write.revision;
            change.base = Some(base(incoming));
            change.state = ChangeState::Pending;
            change.placed = true;
            write.change = Slot::Set(change);
            effect.merged = true;
        }
        ConflictPolicy::Ask => {
            hold(ctx, record, change, conflict, write);
            effect.conflict = true;
        }
    }
}

/// Turns a change into a conflict; an old conflict keeps its beginning.
fn hold(ctx: &IngestContext<'_>, record: &Record, mut change: Change, conflict: &MergeConflict, write: &mut RecordWrite) {
    change.state = ChangeState::Conflict;
    write.change = Slot::Set(change);
    write.conflict = Slot::Set(ConflictNote {
        reason: conflict.reason,
        fields: conflict.names(),
        body: !conflict.hunks.is_empty(),
        commit: ctx.commit.clone(),
        author: ctx.author.cloned(),
        since: record.conflict.as_ref().map_or(ctx.now, |old| old.since),
    });
}

/// The saves of a change are in git.
fn settle(ctx: &IngestContext<'_>, change: &Change, operations: &[Uuid], record: &Record, write: &mut RecordWrite) {
    write.log.extend(operations.iter().map(|id| LogWrite {
        id: *id,
        key: record.key.clone(),
        operation: operation_of(change),
        direction: Direction::DbToGit,
        status: LogStatus::Success,
        started_at: change.created_at,
        completed_at: Some(ctx.now),
        error: None,
        commit: Some(ctx.commit.to_string()),
        synced_by: change.author.to_string(),
        revision: change.revision,
        idempotency_key: None,
    }));
}

/// Publishing the same bytes takes no new number: the live version takes the change's, unless readers have seen a
/// higher one meanwhile.
fn settled_revision(record: &Record, theirs: &Content, write: &RecordWrite) -> Option<u64> {
    let change = record.change.as_ref()?;
    let newer = record.live.as_ref().is_none_or(|live| live.revision < change.revision);
    (newer && matches!(write.change, Slot::Clear) && change.content.same_bytes(theirs)).then_some(change.revision)
}

fn base(incoming: &Incoming) -> Base {
    Base { content: incoming.decoded.content.clone(), blob: incoming.blob.clone() }
}

fn live(ctx: &IngestContext<'_>, incoming: &Incoming, revision: u64) -> Live {
    Live {
        content: incoming.decoded.content.clone(),
        revision,
        blob: incoming.blob.clone(),
        commit: ctx.commit.clone(),
        explicit_id: incoming.decoded.explicit_id,
        synced_at: ctx.now,
    }
}

fn log(ctx: &IngestContext<'_>, key: EntityKey, operation: Operation, revision: u64) -> LogWrite {
    LogWrite {
        id: ctx.operation,
        key,
        operation,
        direction: Direction::GitToDb,
        status: LogStatus::Success,
        started_at: ctx.now,
        completed_at: Some(ctx.now),
        error: None,
        commit: Some(ctx.commit.to_string()),
        synced_by: ctx.author.map_or_else(|| "system".to_owned(), ToString::to_string),
        revision,
        idempotency_key: None,
    }
}

/// A change whose base is exactly what git holds; asserted before publishing.
pub(super) fn stands_on_live(record: &Record) -> bool {
    let base = record.change.as_ref().and_then(|change| change.base.as_ref());
    match (base, live_base(record)) {
        (Some(base), Some(live)) => base.content.same_bytes(&live.content),
        (None, None) => true,
        _ => false,
    }
}
