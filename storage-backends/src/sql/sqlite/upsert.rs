//! The rows of admitted writes, many in one statement.

use lorebase::knowledge::{Content, Fields};
use lorebase::store::{BlobId, Change, Claim, ConflictNote, KeptRevision, Live, LogWrite, RecordWrite, RepositoryId, Slot};
use sqlx::sqlite::SqliteConnection;

use super::super::bulk::{Bound, Insert};
use super::super::failure::Failure;
use super::super::words::{json, moment, number, word};
use super::{log, source};

/// One write with the number and stamp of its record.
pub(super) struct Written<'a> {
    pub(super) uid: i64,
    pub(super) stamp: u64,
    pub(super) rekeyed: bool,
    pub(super) write: &'a RecordWrite,
    pub(super) claim: &'a Claim,
}

const KNOWLEDGE: Insert = Insert {
    into: "INSERT INTO knowledge (uid, repository, kind, id, revision, stamp, private) VALUES ",
    columns: 7,
    // NULL keeps the private fields; none at all are `{}`.
    tail: " ON CONFLICT (uid) DO UPDATE SET kind = excluded.kind, id = excluded.id, revision = max(revision, excluded.revision), \
           stamp = excluded.stamp, private = nullif(coalesce(excluded.private, private), '{}')",
};

const ENTITY: Insert = Insert {
    into: "INSERT INTO entity (uid, repository, kind, id, location_key, slug, title, status, path, entry, fields, head, body, blob, \
           commit_id, explicit_id, revision, synced_at) VALUES ",
    columns: 18,
    tail: " ON CONFLICT (uid) DO UPDATE SET location_key = excluded.location_key, slug = excluded.slug, title = excluded.title, \
           status = excluded.status, path = excluded.path, entry = excluded.entry, fields = excluded.fields, head = excluded.head, \
           body = excluded.body, blob = excluded.blob, commit_id = excluded.commit_id, explicit_id = excluded.explicit_id, \
           revision = excluded.revision, synced_at = excluded.synced_at",
};

const CHANGE: Insert = Insert {
    into: "INSERT INTO change (uid, repository, kind, id, location_key, slug, title, status, path, entry, fields, head, body, action, \
           state, dead, placed, revision, author_name, author_email, co_authors, message, operations, created_at, updated_at, attempts, \
           due_at, last_error, base_blob, base_slug, base_title, base_status, base_path, base_entry, base_fields, base_head, base_body) \
           VALUES ",
    columns: 37,
    tail: " ON CONFLICT (uid) DO UPDATE SET location_key = excluded.location_key, slug = excluded.slug, title = excluded.title, \
           status = excluded.status, path = excluded.path, entry = excluded.entry, fields = excluded.fields, head = excluded.head, \
           body = excluded.body, action = excluded.action, state = excluded.state, dead = excluded.dead, placed = excluded.placed, \
           revision = excluded.revision, author_name = excluded.author_name, author_email = excluded.author_email, \
           co_authors = excluded.co_authors, message = excluded.message, operations = excluded.operations, \
           created_at = excluded.created_at, updated_at = excluded.updated_at, attempts = excluded.attempts, due_at = excluded.due_at, \
           last_error = excluded.last_error, base_blob = excluded.base_blob, base_slug = excluded.base_slug, \
           base_title = excluded.base_title, base_status = excluded.base_status, base_path = excluded.base_path, \
           base_entry = excluded.base_entry, base_fields = excluded.base_fields, base_head = excluded.base_head, \
           base_body = excluded.base_body",
};

const CONFLICT: Insert = Insert {
    into: "INSERT INTO conflict (uid, reason, fields, body, commit_id, author_name, author_email, since) VALUES ",
    columns: 8,
    tail: " ON CONFLICT (uid) DO UPDATE SET reason = excluded.reason, fields = excluded.fields, body = excluded.body, \
           commit_id = excluded.commit_id, author_name = excluded.author_name, author_email = excluded.author_email, \
           since = excluded.since",
};

const REVISION: Insert = Insert {
    into: "INSERT INTO revision (uid, revision, created_at, private, slug, title, status, path, entry, fields, head, body) VALUES ",
    columns: 12,
    tail: " ON CONFLICT (uid, revision) DO NOTHING",
};

/// Writes everything about these records. Keys and places that change are free by now.
pub(super) async fn records(connection: &mut SqliteConnection, id: RepositoryId, written: &[Written<'_>]) -> Result<(), Failure> {
    identities(connection, id, written).await?;
    let lives: Vec<(&Written<'_>, &Live)> =
        written.iter().filter_map(|written| if let Slot::Set(live) = &written.write.live { Some((written, live)) } else { None }).collect();
    ENTITY.all(connection, &lives, |query, (written, live)| entity(query, id, written, live)).await?;
    let changes: Vec<(&Written<'_>, &Change)> = written
        .iter()
        .filter_map(|written| if let Slot::Set(change) = &written.write.change { Some((written, change)) } else { None })
        .collect();
    CHANGE.all(connection, &changes, |query, (written, ours)| change(query, id, written, ours)).await?;
    conflicts(connection, written).await?;
    let kept: Vec<(i64, &KeptRevision)> =
        written.iter().flat_map(|written| written.write.keep.iter().map(|kept| (written.uid, kept))).collect();
    REVISION
        .all(connection, &kept, |query, (uid, kept)| {
            let private = (!kept.private.is_empty()).then(|| json(&kept.private)).transpose()?;
            let query = query.bind(*uid).bind(number(kept.revision)?).bind(moment(kept.created_at)).bind(private);
            content(query, &kept.content)
        })
        .await?;
    source::write(connection, id, written).await?;
    let rows: Vec<(Option<i64>, &LogWrite)> =
        written.iter().flat_map(|written| written.write.log.iter().map(|log| (Some(written.uid), log))).collect();
    log::write(connection, id, &rows).await
}

async fn identities(connection: &mut SqliteConnection, id: RepositoryId, written: &[Written<'_>]) -> Result<(), Failure> {
    KNOWLEDGE
        .all(connection, written, |query, written| {
            let private = match &written.write.private {
                Slot::Keep => None,
                Slot::Set(private) => Some(json(private)?),
                Slot::Clear => Some(json(&Fields::new())?),
            };
            Ok(query
                .bind(written.uid)
                .bind(id)
                .bind(written.write.key.kind.as_str().to_owned())
                .bind(written.write.key.id.as_str().to_owned())
                .bind(number(written.write.revision)?)
                .bind(number(written.stamp)?)
                .bind(private))
        })
        .await?;
    let rekeyed: Vec<i64> = written.iter().filter(|written| written.rekeyed).map(|written| written.uid).collect();
    if !rekeyed.is_empty() {
        let rekeyed = json(&rekeyed)?;
        for statement in [
            "UPDATE entity SET kind = k.kind, id = k.id FROM knowledge k WHERE k.uid = entity.uid \
             AND entity.uid IN (SELECT value FROM json_each(?))",
            "UPDATE change SET kind = k.kind, id = k.id FROM knowledge k WHERE k.uid = change.uid \
             AND change.uid IN (SELECT value FROM json_each(?))",
        ] {
            sqlx::query(statement).bind(&rekeyed).execute(&mut *connection).await?;
        }
    }
    Ok(())
}

async fn conflicts(connection: &mut SqliteConnection, written: &[Written<'_>]) -> Result<(), Failure> {
    // A note lives only while its change is in conflict: what no longer is, goes; a note without a change is none.
    let uids: Vec<i64> = written
        .iter()
        .filter(|written| written.stamp > 1 && (written.write.change != Slot::Keep || written.write.conflict == Slot::Clear))
        .map(|written| written.uid)
        .collect();
    let cleared: Vec<i64> = written.iter().filter(|written| written.write.conflict == Slot::Clear).map(|written| written.uid).collect();
    if !uids.is_empty() {
        sqlx::query(
            "DELETE FROM conflict WHERE uid IN (SELECT value FROM json_each(?1)) AND (uid IN (SELECT value FROM json_each(?2)) \
             OR NOT EXISTS (SELECT 1 FROM change c WHERE c.uid = conflict.uid AND c.state = 'conflict'))",
        )
        .bind(json(&uids)?)
        .bind(json(&cleared)?)
        .execute(&mut *connection)
        .await?;
    }
    let notes: Vec<(i64, &ConflictNote)> = written
        .iter()
        .filter_map(|written| if let Slot::Set(note) = &written.write.conflict { Some((written.uid, note)) } else { None })
        .collect();
    if notes.is_empty() {
        return Ok(());
    }
    let asked: Vec<i64> = notes.iter().map(|(uid, _)| *uid).collect();
    let held: Vec<i64> =
        sqlx::query_scalar("SELECT uid FROM change WHERE state = 'conflict' AND uid IN (SELECT value FROM json_each(?)) ORDER BY uid")
            .bind(json(&asked)?)
            .fetch_all(&mut *connection)
            .await?;
    let notes: Vec<_> = notes.into_iter().filter(|(uid, _)| held.binary_search(uid).is_ok()).collect();
    CONFLICT
        .all(connection, &notes, |query, (uid, note)| {
            Ok(query
                .bind(*uid)
                .bind(word(note.reason)?)
                .bind(json(&note.fields)?)
                .bind(note.body)
                .bind(note.commit.as_str().to_owned())
                .bind(note.author.as_ref().map(|author| author.name.clone()))
                .bind(note.author.as_ref().map(|author| author.email.clone()))
                .bind(moment(note.since)))
        })
        .await
}

/// slug, title, status, path, entry, fields, head, body.
fn content<'q>(query: Bound<'q>, content: &Content) -> Result<Bound<'q>, Failure> {
    Ok(query
        .bind(content.slug.as_str().to_owned())
        .bind(content.title.clone())
        .bind(content.status.map(lorebase::knowledge::Status::as_str))
        .bind(content.location.path.as_str().to_owned())
        .bind(content.location.entry.clone())
        .bind(json(&content.fields)?)
        .bind(content.head.clone())
        .bind(content.body.clone()))
}

fn entity<'q>(query: Bound<'q>, id: RepositoryId, written: &Written<'_>, live: &Live) -> Result<Bound<'q>, Failure> {
    let place = written.claim.live.as_ref().map(|place| place.as_str().to_owned());
    let query = query.bind(written.uid).bind(id);
    let query = query.bind(written.write.key.kind.as_str().to_owned()).bind(written.write.key.id.as_str().to_owned()).bind(place);
    Ok(content(query, &live.content)?
        .bind(live.blob.as_str().to_owned())
        .bind(live.commit.as_str().to_owned())
        .bind(live.explicit_id)
        .bind(number(live.revision)?)
        .bind(moment(live.synced_at)))
}

fn change<'q>(query: Bound<'q>, id: RepositoryId, written: &Written<'_>, ours: &Change) -> Result<Bound<'q>, Failure> {
    let place = ours.content.location.key().as_str().to_owned();
    let query = query.bind(written.uid).bind(id);
    let query = query.bind(written.write.key.kind.as_str().to_owned()).bind(written.write.key.id.as_str().to_owned()).bind(place);
    let query = content(query, &ours.content)?
        .bind(word(ours.action)?)
        .bind(word(ours.state)?)
        .bind(ours.dead)
        .bind(ours.placed)
        .bind(number(ours.revision)?)
        .bind(ours.author.name.clone())
        .bind(ours.author.email.clone())
        .bind(json(&ours.co_authors)?)
        .bind(ours.message.clone())
        .bind(json(&ours.operations)?)
        .bind(moment(ours.created_at))
        .bind(moment(ours.updated_at))
        .bind(i64::from(ours.attempts))
        .bind(moment(ours.due_at))
        .bind(ours.last_error.clone())
        .bind(ours.base.as_ref().map(|base| BlobId::as_str(&base.blob).to_owned()));
    let base = ours.base.as_ref().map(|base| &base.content);
    let text = |of: fn(&Content) -> &str| base.map(|content| of(content).to_owned());
    Ok(query
        .bind(text(|content| content.slug.as_str()))
        .bind(text(|content| &content.title))
        .bind(base.and_then(|content| content.status).map(lorebase::knowledge::Status::as_str))
        .bind(text(|content| content.location.path.as_str()))
        .bind(base.and_then(|content| content.location.entry.clone()))
        .bind(base.map(|content| json(&content.fields)).transpose()?)
        .bind(text(|content| &content.head))
        .bind(text(|content| &content.body)))
}
