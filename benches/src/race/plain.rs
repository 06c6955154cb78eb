//! The least that a save can be: a commit written with gix, one transaction of the row and its words, and the disk
//! waited for as git and SQLite do it. Nothing tells after a crash which of the two happened, nobody else is asked for
//! a turn, and no old version is kept: the journal's price is what the library takes beyond this.

use std::fs::File;
use std::path::Path;
use std::time::Instant;

use gix::ObjectId;
use gix::bstr::ByteSlice;
use gix::objs::{Commit, Tree};
use gix::refs::Target as RefTarget;
use gix::refs::transaction::{Change, LogChange, PreviousValue, RefEdit};
use lorebase::clock::Clock;
use lorebase::codec::{FieldEdit, edit_head};
use lorebase::knowledge::{Fields, Format};
use lorebase::store::{distinct, terms};
use lorebase_backends::clock::SystemClock;
use lorebase_benches::Outcome;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Connection, Row};

use super::job::{Job, Target};

/// The style that does without a journal.
pub(crate) const WITHOUT_JOURNAL: &str = "without-journal";

/// Saves one after the other; the seconds of each.
pub(crate) async fn save(job: &Job) -> Outcome<Vec<f64>> {
    let repo = gix::open_opts(&job.repo, gix::open::Options::isolated())?;
    let options = SqliteConnectOptions::new()
        .filename(&job.db)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("cache_size", "-16000")
        .pragma("wal_autocheckpoint", "4000");
    let mut connection = SqliteConnection::connect_with(&options).await?;
    let mut seconds = Vec::with_capacity(job.targets.len());
    for target in &job.targets {
        let start = Instant::now();
        one(&repo, &mut connection, job, target).await?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    connection.close().await?;
    Ok(seconds)
}

async fn one(repo: &gix::Repository, connection: &mut SqliteConnection, job: &Job, target: &Target) -> Outcome<()> {
    let row = sqlx::query("SELECT uid, title, fields, head, body, revision FROM entity WHERE kind = ? AND slug = ?")
        .bind(&target.kind)
        .bind(&target.slug)
        .fetch_one(&mut *connection)
        .await?;
    let (uid, title, body): (i64, String, String) = (row.try_get("uid")?, row.try_get("title")?, row.try_get("body")?);
    let revision = row.try_get::<i64, _>("revision")? + 1;
    let mut fields: Fields = serde_json::from_str(row.try_get("fields")?)?;
    fields.insert("filename".to_owned(), job.value.clone().into());
    let edit = FieldEdit::Set("filename".to_owned(), job.value.clone().into());
    let head = edit_head(Format::Markdown, row.try_get("head")?, &[edit])?;

    let (blob, commit) = commit(repo, job, target, format!("{head}{body}").as_bytes())?;

    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::query("UPDATE entity SET fields = ?, head = ?, blob = ?, commit_id = ?, revision = ?, synced_at = ? WHERE uid = ?")
        .bind(serde_json::to_string(&fields)?)
        .bind(&head)
        .bind(blob.to_string())
        .bind(commit.to_string())
        .bind(revision)
        .bind(SystemClock.now().to_string())
        .bind(uid)
        .execute(&mut *transaction)
        .await?;
    sqlx::query("UPDATE knowledge SET revision = ?, stamp = stamp + 1 WHERE uid = ?")
        .bind(revision)
        .bind(uid)
        .execute(&mut *transaction)
        .await?;
    sqlx::query("INSERT OR REPLACE INTO word (rowid, title, terms, body) VALUES (?, ?, ?, ?)")
        .bind(2 * uid)
        .bind(distinct(&title))
        .bind(distinct(&terms(&fields)))
        .bind(distinct(&body))
        .execute(&mut *transaction)
        .await?;
    sqlx::query("DELETE FROM unindexed WHERE uid = ?").bind(uid).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(())
}

/// One commit of one file on the branch; its blob and itself. Each object and the branch are flushed as git does with
/// `core.fsync=all`: one file after the other, and no folders.
fn commit(repo: &gix::Repository, job: &Job, target: &Target, bytes: &[u8]) -> Outcome<(ObjectId, ObjectId)> {
    let head = repo.find_reference("refs/heads/main")?.peel_to_id()?.detach();
    let root = repo.find_commit(head)?.tree_id()?.detach();
    let blob = repo.write_blob(bytes)?.detach();
    let mut written = vec![blob];
    let path: Vec<&str> = target.path.split('/').collect();
    let tree = put(repo, root, &path, blob, &mut written)?;
    let (name, email) = job.author.trim_end_matches('>').split_once(" <").ok_or("no author")?;
    let time = gix::date::Time::new(SystemClock.now().as_second(), 0);
    let author = gix::actor::Signature { name: name.into(), email: email.into(), time };
    let commit = Commit {
        tree,
        parents: [head].into_iter().collect(),
        author: author.clone(),
        committer: author.clone(),
        encoding: None,
        message: format!("Update {}\n", target.path).into(),
        extra_headers: Vec::new(),
    };
    let commit = repo.write_object(&commit)?.detach();
    written.push(commit);
    for id in written {
        let hex = id.to_string();
        flush(&repo.common_dir().join("objects").join(&hex[..2]).join(&hex[2..]))?;
    }
    let edit = RefEdit {
        change: Change::Update {
            log: LogChange::default(),
            expected: PreviousValue::MustExistAndMatch(RefTarget::Object(head)),
            new: RefTarget::Object(commit),
        },
        name: "refs/heads/main".try_into()?,
        deref: false,
    };
    repo.edit_references_as([edit], Some(author.to_ref(&mut gix::date::parse::TimeBuf::default())))?;
    flush(&repo.common_dir().join("refs/heads/main"))?;
    Ok((blob, commit))
}

/// The tree with another blob at a path that it has.
fn put(repo: &gix::Repository, tree: ObjectId, path: &[&str], blob: ObjectId, written: &mut Vec<ObjectId>) -> Outcome<ObjectId> {
    let (name, below) = path.split_first().ok_or("an empty path")?;
    let mut tree: Tree = repo.find_tree(tree)?.decode()?.to_owned();
    let entry = tree.entries.iter_mut().find(|entry| entry.filename.as_bstr() == *name).ok_or("no such path")?;
    entry.oid = if below.is_empty() { blob } else { put(repo, entry.oid, below, blob, written)? };
    let id = repo.write_object(&tree)?.detach();
    written.push(id);
    Ok(id)
}

fn flush(path: &Path) -> Outcome<()> {
    Ok(File::open(path)?.sync_all()?)
}
