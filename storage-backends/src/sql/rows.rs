//! From rows to values. The columns have the same names in every database; only how a column is read differs, which
//! [`Columns`] hides.

use jiff::Timestamp;
use lorebase::knowledge::{Author, Content, Diagnostic, EntityId, EntityKey, Fields, KindName, KnowledgePath, Location, Severity, Slug};
use lorebase::store::{
    Base, BlobId, Change, CommitId, ConflictNote, Counts, Cursor, KeptRevision, Lease, Live, LogEntry, ManifestRow, Owner, Prepared,
    PriorSave, Record, RepositoryKey, RepositoryRow, Side, SourceState, Standing, StoredConfig, UniqueValue,
};
use uuid::Uuid;

use super::failure::Failure;
use super::words::{from_json, from_word, to_moment, to_number};

/// One row, column by column.
pub(super) trait Columns {
    fn text(&self, column: &str) -> Result<String, Failure>;
    fn maybe_text(&self, column: &str) -> Result<Option<String>, Failure>;
    fn integer(&self, column: &str) -> Result<i64, Failure>;
    fn maybe_integer(&self, column: &str) -> Result<Option<i64>, Failure>;

    fn flag(&self, column: &str) -> Result<bool, Failure> {
        Ok(self.integer(column)? != 0)
    }

    fn number(&self, column: &str) -> Result<u64, Failure> {
        to_number(column, self.integer(column)?)
    }

    fn moment(&self, column: &str) -> Result<Timestamp, Failure> {
        to_moment(column, &self.text(column)?)
    }

    fn maybe_moment(&self, column: &str) -> Result<Option<Timestamp>, Failure> {
        self.maybe_text(column)?.map(|text| to_moment(column, &text)).transpose()
    }

    fn json<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<T, Failure> {
        from_json(column, &self.text(column)?)
    }

    fn maybe_json<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<Option<T>, Failure> {
        self.maybe_text(column)?.map(|text| from_json(column, &text)).transpose()
    }

    fn word<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<T, Failure> {
        from_word(column, &self.text(column)?)
    }
}

/// The columns of one record: `knowledge k` with its `entity e`, `change c` and `conflict x`, where they exist. First the
/// schema of the tables with its dot, or nothing.
macro_rules! select_record {
    ($schema:literal; $($rest:literal)+) => {
        concat!(
            "SELECT k.uid, k.stamp, k.kind, k.id, k.revision, k.private, ",
            "e.uid AS e_uid, e.slug AS e_slug, e.title AS e_title, e.status AS e_status, e.path AS e_path, e.entry AS e_entry, ",
            "e.blob AS e_blob, e.commit_id AS e_commit_id, e.explicit_id AS e_explicit_id, e.revision AS e_revision, ",
            "e.synced_at AS e_synced_at, e.fields AS e_fields, e.head AS e_head, e.body AS e_body, ",
            "c.uid AS c_uid, c.action AS c_action, c.state AS c_state, c.dead AS c_dead, c.placed AS c_placed, c.slug AS c_slug, ",
            "c.title AS c_title, c.status AS c_status, c.path AS c_path, c.entry AS c_entry, c.revision AS c_revision, ",
            "c.author_name AS c_author_name, c.author_email AS c_author_email, c.co_authors AS c_co_authors, ",
            "c.message AS c_message, c.operations AS c_operations, c.created_at AS c_created_at, c.updated_at AS c_updated_at, ",
            "c.attempts AS c_attempts, c.due_at AS c_due_at, c.last_error AS c_last_error, c.base_blob AS c_base_blob, ",
            "c.fields AS c_fields, c.head AS c_head, c.body AS c_body, ",
            "c.base_slug AS b_slug, c.base_title AS b_title, c.base_status AS b_status, c.base_path AS b_path, ",
            "c.base_entry AS b_entry, c.base_fields AS b_fields, c.base_head AS b_head, c.base_body AS b_body, ",
            "x.uid AS x_uid, x.reason AS x_reason, x.fields AS x_fields, x.body AS x_body, x.commit_id AS x_commit_id, ",
            "x.author_name AS x_author_name, x.author_email AS x_author_email, x.since AS x_since ",
            "FROM ", $schema, "knowledge k LEFT JOIN ", $schema, "entity e ON e.uid = k.uid LEFT JOIN ", $schema,
            "change c ON c.uid = k.uid LEFT JOIN ", $schema, "conflict x ON x.uid = k.uid ",
            $($rest),+
        )
    };
}
pub(super) use select_record;

/// The record of a row of [`select_record`].
pub(super) fn record(row: &impl Columns) -> Result<Record, Failure> {
    Ok(Record {
        uid: row.integer("uid")?,
        stamp: row.number("stamp")?,
        key: key(row, "kind", "id")?,
        revision: row.number("revision")?,
        live: row.maybe_integer("e_uid")?.map(|_| live(row)).transpose()?,
        change: row.maybe_integer("c_uid")?.map(|_| change(row)).transpose()?,
        conflict: row.maybe_integer("x_uid")?.map(|_| conflict(row)).transpose()?,
        private: row.maybe_json("private")?.unwrap_or_default(),
    })
}

pub(super) fn key(row: &impl Columns, kind: &str, id: &str) -> Result<EntityKey, Failure> {
    Ok(EntityKey { kind: KindName::new(row.text(kind)?), id: EntityId::new(row.text(id)?) })
}

/// The content in the columns that begin with `prefix`.
fn content(row: &impl Columns, prefix: &str) -> Result<Content, Failure> {
    let column = |name: &str| format!("{prefix}{name}");
    Ok(Content {
        slug: Slug::new(row.text(&column("slug"))?),
        location: location(row, &column("path"), &column("entry"))?,
        title: row.text(&column("title"))?,
        status: row.maybe_text(&column("status"))?.map(|text| from_word("status", &text)).transpose()?,
        fields: row.json::<Fields>(&column("fields"))?,
        head: row.text(&column("head"))?,
        body: row.text(&column("body"))?,
    })
}

pub(super) fn location(row: &impl Columns, path: &str, entry: &str) -> Result<Location, Failure> {
    let text = row.text(path)?;
    let safe = KnowledgePath::new(text.as_str()).map_err(|_| Failure::stored(path, &text))?;
    Ok(Location { path: safe, entry: row.maybe_text(entry)? })
}

fn live(row: &impl Columns) -> Result<Live, Failure> {
    Ok(Live {
        content: content(row, "e_")?,
        revision: row.number("e_revision")?,
        blob: BlobId::new(row.text("e_blob")?),
        commit: CommitId::new(row.text("e_commit_id")?),
        explicit_id: row.flag("e_explicit_id")?,
        synced_at: row.moment("e_synced_at")?,
    })
}

fn change(row: &impl Columns) -> Result<Change, Failure> {
    let base = match row.maybe_text("c_base_blob")? {
        Some(blob) => Some(Base { content: content(row, "b_")?, blob: BlobId::new(blob) }),
        None => None,
    };
    let attempts = row.integer("c_attempts")?;
    Ok(Change {
        action: row.word("c_action")?,
        state: row.word("c_state")?,
        content: content(row, "c_")?,
        placed: row.flag("c_placed")?,
        revision: row.number("c_revision")?,
        base,
        author: Author { name: row.text("c_author_name")?, email: row.text("c_author_email")? },
        co_authors: row.json("c_co_authors")?,
        message: row.maybe_text("c_message")?,
        operations: row.json("c_operations")?,
        created_at: row.moment("c_created_at")?,
        updated_at: row.moment("c_updated_at")?,
        attempts: u32::try_from(attempts).map_err(|_| Failure::stored("attempts", &attempts.to_string()))?,
        due_at: row.moment("c_due_at")?,
        last_error: row.maybe_text("c_last_error")?,
        dead: row.flag("c_dead")?,
    })
}

fn conflict(row: &impl Columns) -> Result<ConflictNote, Failure> {
    let author = row.maybe_text("x_author_name")?.zip(row.maybe_text("x_author_email")?);
    Ok(ConflictNote {
        reason: row.word("x_reason")?,
        fields: row.json("x_fields")?,
        body: row.flag("x_body")?,
        commit: CommitId::new(row.text("x_commit_id")?),
        author: author.map(|(name, email)| Author { name, email }),
        since: row.moment("x_since")?,
    })
}

/// A row of the table `revision`.
pub(super) fn kept(row: &impl Columns) -> Result<KeptRevision, Failure> {
    Ok(KeptRevision {
        revision: row.number("revision")?,
        content: content(row, "")?,
        private: row.maybe_json("private")?.unwrap_or_default(),
        created_at: row.moment("created_at")?,
    })
}

/// A row of the table `log`.
pub(super) fn log_entry(row: &impl Columns) -> Result<LogEntry, Failure> {
    Ok(LogEntry {
        id: uuid(row, "id")?,
        kind: KindName::new(row.text("kind")?),
        entity_id: EntityId::new(row.text("entity_id")?),
        operation: row.word("operation")?,
        direction: row.word("direction")?,
        status: row.word("status")?,
        started_at: row.moment("started_at")?,
        completed_at: row.maybe_moment("completed_at")?,
        error: row.maybe_text("error")?,
        git_commit_sha: row.maybe_text("commit_id")?,
        synced_by: row.text("synced_by")?,
    })
}

pub(super) fn uuid(row: &impl Columns, column: &str) -> Result<Uuid, Failure> {
    let text = row.text(column)?;
    text.parse().map_err(|_| Failure::stored(column, &text))
}

/// A row of the table `diagnostic`.
pub(super) fn finding(row: &impl Columns) -> Result<(Diagnostic, Option<BlobId>), Failure> {
    let place = |column: &str| u32::try_from(row.integer(column)?).map_err(|_| Failure::stored(column, "a negative number"));
    let finding = Diagnostic {
        path: row.text("place")?,
        line: place("line")?,
        column: place("col")?,
        severity: row.word::<Severity>("severity")?,
        code: row.text("code")?,
        message: row.text("message")?,
        source_line: row.maybe_text("source_line")?,
    };
    Ok((finding, row.maybe_text("blob")?.map(BlobId::new)))
}

/// An idempotency key and what it was used for; the record under the key it has now.
pub(super) fn prior_save(row: &impl Columns) -> Result<(String, PriorSave), Failure> {
    let prior = PriorSave { operation_id: uuid(row, "id")?, key: key(row, "kind", "entity_id")?, revision: row.number("revision")? };
    Ok((row.text("idempotency_key")?, prior))
}

/// A row of the table `source`.
pub(super) fn source_state(row: &impl Columns) -> Result<SourceState, Failure> {
    Ok(SourceState { said: row.json("said")?, open: row.json("open")?, at: row.moment("said_at")? })
}

/// A row of the manifest.
pub(super) fn manifest_row(row: &impl Columns) -> Result<ManifestRow, Failure> {
    Ok(ManifestRow {
        uid: row.integer("uid")?,
        key: key(row, "kind", "id")?,
        location: location(row, "path", "entry")?,
        blob: BlobId::new(row.text("blob")?),
    })
}

/// What stands of a record, without its unique values.
pub(super) fn standing(row: &impl Columns) -> Result<Standing, Failure> {
    Ok(Standing {
        uid: row.integer("uid")?,
        stamp: row.number("stamp")?,
        key: key(row, "kind", "id")?,
        live: row.maybe_text("live_at")?.map(|place| from_word("location_key", &place)).transpose()?,
        placed: row.maybe_text("placed_at")?.map(|place| from_word("location_key", &place)).transpose()?,
        changed: row.flag("changed")?,
        holds: Vec::new(),
    })
}

/// A row of the table `unique_value`, whoever holds it.
pub(super) fn unique_value(row: &impl Columns) -> Result<UniqueValue, Failure> {
    Ok(UniqueValue { kind: KindName::new(row.text("kind")?), field: row.text("field")?, value: row.text("value")? })
}

/// The same with its holder's number and the part it is in.
pub(super) fn held_value(row: &impl Columns) -> Result<(i64, (Side, UniqueValue)), Failure> {
    Ok((row.integer("uid")?, (row.word("side")?, unique_value(row)?)))
}

/// A row of the table `repository`.
pub(super) fn repository_row(row: &impl Columns) -> Result<RepositoryRow, Failure> {
    let cursor = row.maybe_text("cursor_commit")?.zip(row.maybe_text("cursor_fingerprint")?);
    let config = match row.maybe_text("config_yaml")? {
        Some(yaml) => Some(StoredConfig { yaml, schemas: row.json("config_schemas")? }),
        None => None,
    };
    let lease = match row.maybe_json::<Owner>("lease_owner")? {
        Some(owner) => Some(Lease { owner, until: row.moment("lease_until")? }),
        None => None,
    };
    Ok(RepositoryRow {
        id: row.integer("id")?,
        key: RepositoryKey { namespace: row.text("namespace")?, branch: row.text("branch")? },
        root: row.maybe_text("root")?.map(CommitId::new),
        cursor: cursor.map(|(commit, fingerprint)| Cursor { commit: CommitId::new(commit), fingerprint }),
        config,
        unique: row.maybe_json("unique_fields")?,
        fence: row.number("fence")?,
        lease,
        pause: row.maybe_json("pause")?,
        held: row.maybe_json("held")?,
    })
}

/// A row of the table `batch`.
pub(super) fn chain(row: &impl Columns) -> Result<Prepared, Failure> {
    Ok(Prepared {
        id: uuid(row, "id")?,
        fence: row.number("fence")?,
        parent: row.maybe_text("parent")?.map(CommitId::new),
        tip: CommitId::new(row.text("tip")?),
        items: row.json("items")?,
        created_at: row.moment("created_at")?,
    })
}

/// The one row that counts a repository.
pub(super) fn counts(row: &impl Columns) -> Result<Counts, Failure> {
    Ok(Counts {
        synced: row.number("synced")?,
        pending: row.number("pending")?,
        failed: row.number("failed")?,
        conflict: row.number("conflict")?,
        draft: row.number("draft")?,
        invalid: row.number("invalid")?,
        recent_failures: row.number("failures")?,
        oldest_pending: row.maybe_moment("oldest")?,
    })
}
