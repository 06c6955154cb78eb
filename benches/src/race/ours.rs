//! The library's side of the race, in a process of its own like every other side: `open`, and then what a program does
//! with a knowledge base.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::path::Path;
use std::time::Instant;

use lorebase::knowledge::Author;
use lorebase::sync::{Save, SyncOptions};
use lorebase::{ImportRow, KnowledgeBase};
use lorebase_backends::{Options, open};
use lorebase_benches::Outcome;
use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection, Row};

use super::job::{Answer, Job, Work};
use super::{plain, texts};

/// Rows of a table that are imported at a time.
const PORTION: usize = 1000;

/// The style that leaves the full-text index out, as the peers have none.
pub(crate) const WITHOUT_INDEX: &str = "without-index";

/// Does the job.
pub(crate) async fn answer(job: &Job) -> Outcome<Answer> {
    if job.work == Work::Decode {
        return texts::answer(job);
    }
    let mut seconds = Vec::new();
    if job.work == Work::Initial {
        if job.style == WITHOUT_INDEX {
            drop(opened(job).await?);
            drop_index(&job.db).await?;
        }
        let start = Instant::now();
        let kb = opened(job).await?;
        kb.sync(SyncOptions::default()).await?;
        seconds.push(start.elapsed().as_secs_f64());
    } else if job.style == plain::WITHOUT_JOURNAL {
        seconds = plain::save(job).await?;
    } else {
        let kb = opened(job).await?;
        work(job, &kb, &mut seconds).await?;
    }
    let (journal, sqlite) = described(&job.db).await?;
    let versions =
        BTreeMap::from([("lorebase".to_owned(), env!("CARGO_PKG_VERSION").to_owned()), ("SQLite of lorebase".to_owned(), sqlite)]);
    // Every connection of the library is opened with `synchronous=FULL`.
    Ok(Answer { seconds, durability: format!("{journal} 2"), versions, fields: Vec::new() })
}

async fn work(job: &Job, kb: &KnowledgeBase, seconds: &mut Vec<f64>) -> Outcome<()> {
    let author = author(&job.author)?;
    match job.work {
        Work::Initial | Work::Decode => {}
        Work::Noop => {
            kb.sync(SyncOptions::default()).await?;
            for _ in 0..job.count {
                let start = Instant::now();
                kb.sync(SyncOptions::default()).await?;
                seconds.push(start.elapsed().as_secs_f64());
            }
        }
        Work::Small => {
            let start = Instant::now();
            kb.sync(SyncOptions::default()).await?;
            seconds.push(start.elapsed().as_secs_f64());
        }
        Work::Save => {
            for target in &job.targets {
                let save = Save::update(&target.kind, &target.slug).set("filename", job.value.as_str()).author(author.clone());
                let start = Instant::now();
                let saved = kb.save(save).await?;
                seconds.push(start.elapsed().as_secs_f64());
                if saved.git_commit_sha.is_none() {
                    return Err(format!("{} was saved and not committed", target.path).into());
                }
            }
        }
        Work::Export => {
            let mut lines = std::io::BufReader::new(std::fs::File::open(job.rows.as_deref().ok_or("an export needs rows")?)?).lines();
            loop {
                let portion: Vec<ImportRow> = lines.by_ref().take(PORTION).map(|line| row(&line?)).collect::<Outcome<_>>()?;
                if portion.is_empty() {
                    break;
                }
                kb.import("document", &portion, Some(author.clone()), None).await?;
            }
            let start = Instant::now();
            kb.export(!job.each, None).await?;
            seconds.push(start.elapsed().as_secs_f64());
        }
    }
    Ok(())
}

async fn opened(job: &Job) -> Outcome<KnowledgeBase> {
    Ok(open(Options::new(&job.repo).cache(format!("sqlite:{}", job.db.display()))).await?)
}

fn author(text: &str) -> Outcome<Author> {
    let (name, email) = text.strip_suffix('>').and_then(|text| text.split_once(" <")).ok_or_else(|| format!("`{text}` is no author"))?;
    Ok(Author::new(name, email))
}

fn row(line: &str) -> Outcome<ImportRow> {
    let row: Value = serde_json::from_str(line)?;
    let text = |name: &str| row[name].as_str().map(str::to_owned);
    let fields = row["fields"].as_object().cloned().unwrap_or_default();
    Ok(ImportRow { slug: text("slug"), id: text("id"), fields, body: text("body").unwrap_or_default() })
}

/// Takes away what makes the full-text index follow the rows.
async fn drop_index(db: &Path) -> Outcome<()> {
    let mut connection = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(db)).await?;
    let select = "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'entity'";
    let triggers = sqlx::query(select).fetch_all(&mut connection).await?;
    if triggers.is_empty() {
        return Err("no trigger keeps the full-text index any more: it must be left out in another way".into());
    }
    for trigger in triggers {
        let name: String = trigger.try_get(0)?;
        sqlx::query(sqlx::AssertSqlSafe(format!("DROP TRIGGER \"{name}\""))).execute(&mut connection).await?;
    }
    connection.close().await?;
    Ok(())
}

async fn described(db: &Path) -> Outcome<(String, String)> {
    let mut connection = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(db)).await?;
    let journal: String = sqlx::query("PRAGMA journal_mode").fetch_one(&mut connection).await?.try_get(0)?;
    let version: String = sqlx::query("SELECT sqlite_version()").fetch_one(&mut connection).await?.try_get(0)?;
    connection.close().await?;
    Ok((journal, version))
}
