//! The tables that a batch writes: their columns and the cells of each row, the same in every database. How rows travel
//! and how a cell is written are the database's own.

use jiff::Timestamp;
use lorebase::knowledge::{Content, Diagnostic, Fields, LocationKey, Status};
use lorebase::store::{BlobId, Change, ConflictNote, KeptRevision, Live, LogWrite, RepositoryId, Slot, SourceState};

use super::batch::Written;
use super::failure::Failure;
use super::words::{json, number, word};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Integer,
    Flag,
    Text,
    Json,
    Moment,
}

use Form::{Flag, Integer, Json, Moment, Text};

/// A table and how its rows are written.
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: &'static [(&'static str, Form)],
    /// What happens to a row that is there, ` ON CONFLICT …`. It names its table, because both rows are in sight.
    pub(super) conflict: &'static str,
}

/// Where the cells of a row go, in the order of the table's columns.
pub(super) trait Cells {
    fn integer(&mut self, value: impl Into<Option<i64>>);
    fn flag(&mut self, value: bool);
    fn text<'t>(&mut self, value: impl Into<Option<&'t str>>);
    fn json<'t>(&mut self, value: impl Into<Option<&'t str>>);
    fn moment(&mut self, value: impl Into<Option<Timestamp>>);
    /// A text that is looked up by an index however long it is.
    fn place(&mut self, value: Option<&LocationKey>);
}

pub(super) const KNOWLEDGE: Table = Table {
    name: "knowledge",
    columns: &[
        ("uid", Integer),
        ("repository", Integer),
        ("kind", Text),
        ("id", Text),
        ("revision", Integer),
        ("stamp", Integer),
        ("private", Json),
    ],
    // NULL keeps the private fields; none at all are `{}`.
    conflict: " ON CONFLICT (uid) DO UPDATE SET kind = excluded.kind, id = excluded.id, \
               revision = CASE WHEN excluded.revision > knowledge.revision THEN excluded.revision ELSE knowledge.revision END, \
               stamp = excluded.stamp, private = CASE WHEN CAST(coalesce(excluded.private, knowledge.private) AS TEXT) = '{}' THEN NULL \
               ELSE coalesce(excluded.private, knowledge.private) END",
};

pub(super) const ENTITY: Table = Table {
    name: "entity",
    columns: &[
        ("uid", Integer),
        ("repository", Integer),
        ("kind", Text),
        ("id", Text),
        ("location_key", Text),
        ("slug", Text),
        ("title", Text),
        ("status", Text),
        ("path", Text),
        ("entry", Text),
        ("fields", Json),
        ("head", Text),
        ("body", Text),
        ("blob", Text),
        ("commit_id", Text),
        ("explicit_id", Flag),
        ("revision", Integer),
        ("synced_at", Moment),
    ],
    conflict: " ON CONFLICT (uid) DO UPDATE SET location_key = excluded.location_key, slug = excluded.slug, title = excluded.title, \
               status = excluded.status, path = excluded.path, entry = excluded.entry, fields = excluded.fields, head = excluded.head, \
               body = excluded.body, blob = excluded.blob, commit_id = excluded.commit_id, explicit_id = excluded.explicit_id, \
               revision = excluded.revision, synced_at = excluded.synced_at",
};

pub(super) const CHANGE: Table = Table {
    name: "change",
    columns: &[
        ("uid", Integer),
        ("repository", Integer),
        ("kind", Text),
        ("id", Text),
        ("location_key", Text),
        ("slug", Text),
        ("title", Text),
        ("status", Text),
        ("path", Text),
        ("entry", Text),
        ("fields", Json),
        ("head", Text),
        ("body", Text),
        ("action", Text),
        ("state", Text),
        ("dead", Flag),
        ("placed", Flag),
        ("revision", Integer),
        ("author_name", Text),
        ("author_email", Text),
        ("co_authors", Json),
        ("message", Text),
        ("operations", Json),
        ("created_at", Moment),
        ("updated_at", Moment),
        ("attempts", Integer),
        ("due_at", Moment),
        ("last_error", Text),
        ("base_blob", Text),
        ("base_slug", Text),
        ("base_title", Text),
        ("base_status", Text),
        ("base_path", Text),
        ("base_entry", Text),
        ("base_fields", Json),
        ("base_head", Text),
        ("base_body", Text),
    ],
    conflict: " ON CONFLICT (uid) DO UPDATE SET location_key = excluded.location_key, slug = excluded.slug, title = excluded.title, \
               status = excluded.status, path = excluded.path, entry = excluded.entry, fields = excluded.fields, head = excluded.head, \
               body = excluded.body, action = excluded.action, state = excluded.state, dead = excluded.dead, placed = excluded.placed, \
               revision = excluded.revision, author_name = excluded.author_name, author_email = excluded.author_email, \
               co_authors = excluded.co_authors, message = excluded.message, operations = excluded.operations, \
               created_at = excluded.created_at, updated_at = excluded.updated_at, attempts = excluded.attempts, \
               due_at = excluded.due_at, last_error = excluded.last_error, base_blob = excluded.base_blob, \
               base_slug = excluded.base_slug, base_title = excluded.base_title, base_status = excluded.base_status, \
               base_path = excluded.base_path, base_entry = excluded.base_entry, base_fields = excluded.base_fields, \
               base_head = excluded.base_head, base_body = excluded.base_body",
};

pub(super) const CONFLICT: Table = Table {
    name: "conflict",
    columns: &[
        ("uid", Integer),
        ("reason", Text),
        ("fields", Json),
        ("body", Flag),
        ("commit_id", Text),
        ("author_name", Text),
        ("author_email", Text),
        ("since", Moment),
    ],
    conflict: " ON CONFLICT (uid) DO UPDATE SET reason = excluded.reason, fields = excluded.fields, body = excluded.body, \
               commit_id = excluded.commit_id, author_name = excluded.author_name, author_email = excluded.author_email, \
               since = excluded.since",
};

pub(super) const REVISION: Table = Table {
    name: "revision",
    columns: &[
        ("uid", Integer),
        ("revision", Integer),
        ("created_at", Moment),
        ("private", Json),
        ("slug", Text),
        ("title", Text),
        ("status", Text),
        ("path", Text),
        ("entry", Text),
        ("fields", Json),
        ("head", Text),
        ("body", Text),
    ],
    conflict: " ON CONFLICT (uid, revision) DO NOTHING",
};

pub(super) const SOURCE: Table = Table {
    name: "source",
    columns: &[("uid", Integer), ("repository", Integer), ("name", Text), ("said", Json), ("open", Json), ("said_at", Moment)],
    conflict: " ON CONFLICT (uid, name) DO UPDATE SET said = excluded.said, open = excluded.open, said_at = excluded.said_at",
};

pub(super) const LOG: Table = Table {
    name: "log",
    columns: &[
        ("repository", Integer),
        ("id", Text),
        ("uid", Integer),
        ("kind", Text),
        ("entity_id", Text),
        ("operation", Text),
        ("direction", Text),
        ("status", Text),
        ("started_at", Moment),
        ("completed_at", Moment),
        ("error", Text),
        ("commit_id", Text),
        ("synced_by", Text),
        ("revision", Integer),
        ("idempotency_key", Text),
    ],
    conflict: " ON CONFLICT (repository, id) DO UPDATE SET uid = coalesce(excluded.uid, log.uid), kind = excluded.kind, \
               entity_id = excluded.entity_id, operation = excluded.operation, direction = excluded.direction, \
               status = excluded.status, completed_at = excluded.completed_at, error = excluded.error, \
               commit_id = excluded.commit_id, synced_by = excluded.synced_by, revision = excluded.revision",
};

pub(super) const DIAGNOSTIC: Table = Table {
    name: "diagnostic",
    columns: &[
        ("repository", Integer),
        ("path", Text),
        ("ordinal", Integer),
        ("blob", Text),
        ("place", Text),
        ("line", Integer),
        ("col", Integer),
        ("severity", Text),
        ("code", Text),
        ("message", Text),
        ("source_line", Text),
    ],
    conflict: "",
};

pub(super) fn identity(cells: &mut impl Cells, id: RepositoryId, written: &Written<'_>) -> Result<(), Failure> {
    let private = match &written.write.private {
        Slot::Keep => None,
        Slot::Set(private) => Some(json(private)?),
        Slot::Clear => Some(json(&Fields::new())?),
    };
    cells.integer(written.uid);
    cells.integer(id);
    cells.text(written.write.key.kind.as_str());
    cells.text(written.write.key.id.as_str());
    cells.integer(number(written.write.revision)?);
    cells.integer(number(written.stamp)?);
    cells.json(private.as_deref());
    Ok(())
}

/// slug, title, status, path, entry, fields, head, body.
fn content(cells: &mut impl Cells, content: &Content) -> Result<(), Failure> {
    cells.text(content.slug.as_str());
    cells.text(content.title.as_str());
    cells.text(content.status.map(Status::as_str));
    cells.text(content.location.path.as_str());
    cells.text(content.location.entry.as_deref());
    cells.json(json(&content.fields)?.as_str());
    cells.text(content.head.as_str());
    cells.text(content.body.as_str());
    Ok(())
}

/// uid, repository, kind, id, location_key.
fn beginning(cells: &mut impl Cells, id: RepositoryId, written: &Written<'_>, place: Option<&LocationKey>) {
    cells.integer(written.uid);
    cells.integer(id);
    cells.text(written.write.key.kind.as_str());
    cells.text(written.write.key.id.as_str());
    cells.place(place);
}

pub(super) fn entity(cells: &mut impl Cells, id: RepositoryId, written: &Written<'_>, live: &Live) -> Result<(), Failure> {
    beginning(cells, id, written, written.claim.live.as_ref());
    content(cells, &live.content)?;
    cells.text(live.blob.as_str());
    cells.text(live.commit.as_str());
    cells.flag(live.explicit_id);
    cells.integer(number(live.revision)?);
    cells.moment(live.synced_at);
    Ok(())
}

pub(super) fn change(cells: &mut impl Cells, id: RepositoryId, written: &Written<'_>, ours: &Change) -> Result<(), Failure> {
    beginning(cells, id, written, Some(&ours.content.location.key()));
    content(cells, &ours.content)?;
    cells.text(word(ours.action)?.as_str());
    cells.text(word(ours.state)?.as_str());
    cells.flag(ours.dead);
    cells.flag(ours.placed);
    cells.integer(number(ours.revision)?);
    cells.text(ours.author.name.as_str());
    cells.text(ours.author.email.as_str());
    cells.json(json(&ours.co_authors)?.as_str());
    cells.text(ours.message.as_deref());
    cells.json(json(&ours.operations)?.as_str());
    cells.moment(ours.created_at);
    cells.moment(ours.updated_at);
    cells.integer(i64::from(ours.attempts));
    cells.moment(ours.due_at);
    cells.text(ours.last_error.as_deref());
    cells.text(ours.base.as_ref().map(|base| base.blob.as_str()));
    if let Some(base) = &ours.base {
        content(cells, &base.content)
    } else {
        for (_, form) in &CHANGE.columns[CHANGE.columns.len() - 8..] {
            if *form == Json { cells.json(None) } else { cells.text(None) }
        }
        Ok(())
    }
}

pub(super) fn conflict(cells: &mut impl Cells, uid: i64, note: &ConflictNote) -> Result<(), Failure> {
    cells.integer(uid);
    cells.text(word(note.reason)?.as_str());
    cells.json(json(&note.fields)?.as_str());
    cells.flag(note.body);
    cells.text(note.commit.as_str());
    cells.text(note.author.as_ref().map(|author| author.name.as_str()));
    cells.text(note.author.as_ref().map(|author| author.email.as_str()));
    cells.moment(note.since);
    Ok(())
}

pub(super) fn revision(cells: &mut impl Cells, uid: i64, kept: &KeptRevision) -> Result<(), Failure> {
    let private = (!kept.private.is_empty()).then(|| json(&kept.private)).transpose()?;
    cells.integer(uid);
    cells.integer(number(kept.revision)?);
    cells.moment(kept.created_at);
    cells.json(private.as_deref());
    content(cells, &kept.content)
}

pub(super) fn source(cells: &mut impl Cells, id: RepositoryId, uid: i64, said: &(String, SourceState)) -> Result<(), Failure> {
    let (name, state) = said;
    cells.integer(uid);
    cells.integer(id);
    cells.text(name.as_str());
    cells.json(json(&state.said)?.as_str());
    cells.json(json(&state.open)?.as_str());
    cells.moment(state.at);
    Ok(())
}

pub(super) fn log(cells: &mut impl Cells, id: RepositoryId, uid: Option<i64>, log: &LogWrite) -> Result<(), Failure> {
    cells.integer(id);
    cells.text(log.id.to_string().as_str());
    cells.integer(uid);
    cells.text(log.key.kind.as_str());
    cells.text(log.key.id.as_str());
    cells.text(word(log.operation)?.as_str());
    cells.text(word(log.direction)?.as_str());
    cells.text(word(log.status)?.as_str());
    cells.moment(log.started_at);
    cells.moment(log.completed_at);
    cells.text(log.error.as_deref());
    cells.text(log.commit.as_deref());
    cells.text(log.synced_by.as_str());
    cells.integer(number(log.revision)?);
    cells.text(log.idempotency_key.as_deref());
    Ok(())
}

/// One finding of a file, and which of the file's it is.
pub(super) struct Finding<'a> {
    pub(super) path: &'a str,
    pub(super) ordinal: u64,
    pub(super) blob: Option<&'a BlobId>,
    pub(super) found: &'a Diagnostic,
}

pub(super) fn diagnostic(cells: &mut impl Cells, id: RepositoryId, finding: &Finding<'_>) -> Result<(), Failure> {
    let found = finding.found;
    cells.integer(id);
    cells.text(finding.path);
    cells.integer(number(finding.ordinal)?);
    cells.text(finding.blob.map(BlobId::as_str));
    cells.text(found.path.as_str());
    cells.integer(i64::from(found.line));
    cells.integer(i64::from(found.column));
    cells.text(word(found.severity)?.as_str());
    cells.text(found.code.as_str());
    cells.text(found.message.as_str());
    cells.text(found.source_line.as_deref());
    Ok(())
}
