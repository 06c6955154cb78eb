//! The main job's own figures: the first synchronisation of a repository, an idle one, a small one, and one save.
//! Prints minimum, median and maximum of several runs, in one process after the other on the same machine.
//!
//! `cargo bench -p lorebase-benches [-- SIZE…]`; without sizes 1,000, 10,000 and 100,000 entities of 3 KB.
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::path::Path;
use std::time::{Duration, Instant};

use lorebase::clock::Timestamp;
use lorebase::knowledge::Author;
use lorebase::store::{AdvanceOutcome, GitStore, NewCommit, Signature, TreeEdit};
use lorebase::sync::{Save, SyncOptions};
use lorebase::{KnowledgeBase, Result};
use lorebase_backends::git::{GitOptions, GixStore};
use lorebase_backends::{Options, open};

const WORDS: [&str; 16] = [
    "status", "owner", "decision", "adapter", "commit", "ledger", "entity", "branch", "review", "policy", "token", "merge", "record",
    "schema", "index", "note",
];

fn main() -> Result<()> {
    let sizes: Vec<usize> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let sizes = if sizes.is_empty() { vec![1_000, 10_000, 100_000] } else { sizes };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(|error| lorebase::Error::new(lorebase::ErrorKind::Internal, error.to_string()))?;
    println!("load average before: {}", std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim());
    runtime.block_on(async {
        for size in sizes {
            measure(size).await?;
        }
        Ok(())
    })
}

async fn measure(size: usize) -> Result<()> {
    let folder = tempfile::tempdir().map_err(|error| lorebase::Error::new(lorebase::ErrorKind::Unavailable, error.to_string()))?;
    let repo = folder.path().join("knowledge.git");
    let store = GixStore::open(GitOptions { init: true, bare: true, ..GitOptions::new(&repo) }).await?;
    commit(&store, (0..size).map(|number| put(number, 0)).collect()).await?;
    println!("\n{size} entities of 3 KB, bare repository, SQLite with synchronous=FULL");

    let runs = if size > 20_000 { 3 } else { 5 };
    let mut first = Vec::new();
    for run in 0..runs {
        let kb = fresh(&repo, folder.path(), run).await?;
        let start = Instant::now();
        let report = kb.sync(SyncOptions::default()).await?;
        first.push(start.elapsed());
        assert_eq!(report.created, size as u64, "every file became a row");
    }
    print("first synchronisation", &mut first);

    let kb = fresh(&repo, folder.path(), 0).await?;
    let mut idle = Vec::new();
    for _ in 0..50 {
        let start = Instant::now();
        kb.sync(SyncOptions::default()).await?;
        idle.push(start.elapsed());
    }
    print("idle synchronisation", &mut idle);

    let mut small = Vec::new();
    for round in 1..=5 {
        commit(&store, (0..size / 100).map(|number| put(number * 100, round)).collect()).await?;
        let start = Instant::now();
        let report = kb.sync(SyncOptions::default()).await?;
        small.push(start.elapsed());
        assert_eq!(report.updated, (size / 100) as u64, "every changed file became a row");
    }
    print("1% changed in one commit", &mut small);

    let mut durable = Vec::new();
    for number in 0..50 {
        let start = Instant::now();
        let saved = kb.save(Save::update("document", &slug(number * 7)).set("filename", format!("changed-{number}.pdf"))).await?;
        durable.push(start.elapsed());
        assert!(saved.git_commit_sha.is_some(), "the save is in git");
    }
    print("one save, committed and durable", &mut durable);
    assert!(kb.drift().await?.is_empty(), "both sides are equal");
    Ok(())
}

async fn fresh(repo: &Path, folder: &Path, run: usize) -> Result<KnowledgeBase> {
    open(Options::new(repo).cache(format!("sqlite:{}", folder.join(format!("cache-{run}.db")).display()))).await
}

/// At most 1,000 files a folder.
fn slug(number: usize) -> String {
    format!("{:03}/entity-{number:06}", number / 1000)
}

fn put(number: usize, version: usize) -> TreeEdit {
    let mut text = format!(
        "---\nid: entity-{number:06}\ntitle: Entity {number}\nfilename: file-{number}.pdf\nfileType: pdf\nversion: {version}\ntags: [one, two]\n---\n# Entity {number}\n\n"
    );
    let mut random = (number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (version as u64).wrapping_mul(0xD1B5_4A32_D192_ED03);
    while text.len() < 3000 {
        for _ in 0..12 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            text.push_str(WORDS[usize::try_from(random % 16).unwrap_or(0)]);
            text.push(' ');
        }
        text.push('\n');
    }
    TreeEdit::Put { path: format!("documents/{}.md", slug(number)), bytes: text.into_bytes() }
}

async fn commit(store: &GixStore, edits: Vec<TreeEdit>) -> Result<()> {
    let who = Signature { author: Author::new("Engineer", "engineer@example.com"), time: Timestamp::UNIX_EPOCH };
    let head = store.head().await?;
    let commit = NewCommit { author: who.clone(), committer: who, message: "Change\n".to_owned(), edits };
    let tip = store.prepare(head.as_ref(), &[commit]).await?.remove(0);
    assert_eq!(store.advance(head.as_ref(), &tip).await?, AdvanceOutcome::Advanced);
    Ok(())
}

fn print(what: &str, times: &mut [Duration]) {
    times.sort();
    let show = |time: Duration| format!("{:10.3} ms", time.as_secs_f64() * 1000.0);
    println!(
        "  {what:34} {:2} runs: min {} median {} max {}",
        times.len(),
        show(times[0]),
        show(times[times.len() / 2]),
        show(times[times.len() - 1])
    );
}
