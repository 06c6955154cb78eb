//! The main job's own figures: the first synchronisation of a repository, an idle one, a small one, one save, and
//! bulk in the other direction. Prints minimum, median and maximum of several runs, in one process after the other on
//! the same machine, with the processor time beside the clock's and the peak of anonymous memory.
//!
//! `cargo bench -p lorebase-benches [-- SIZE… PART…]`; without sizes 1,000, 10,000 and 100,000 entities of 3 KB,
//! without parts (`first`, `idle`, `small`, `save`, `import`) all of them.
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use lorebase::clock::Timestamp;
use lorebase::knowledge::Author;
use lorebase::store::{AdvanceOutcome, GitStore, NewCommit, Signature, TreeEdit};
use lorebase::sync::{Phase, Save, SyncOptions};
use lorebase::{ImportRow, KnowledgeBase, Result};
use lorebase_backends::git::{GitOptions, GixStore};
use lorebase_backends::{Options, open};

const WORDS: [&str; 16] = [
    "status", "owner", "decision", "adapter", "commit", "ledger", "entity", "branch", "review", "policy", "token", "merge", "record",
    "schema", "index", "note",
];

/// The first synchronisation alone, in a process of its own: its memory is not mixed with what made the repository.
const TAKE: &str = "take";

const PARTS: [&str; 5] = ["first", "idle", "small", "save", "import"];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, word, repo, folder] = arguments.as_slice()
        && word == TAKE
    {
        return take(Path::new(repo), Path::new(folder));
    }
    let sizes: Vec<usize> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let sizes = if sizes.is_empty() { vec![1_000, 10_000, 100_000] } else { sizes };
    let asked: Vec<&str> = PARTS.into_iter().filter(|part| std::env::args().any(|argument| argument == *part)).collect();
    let parts = if asked.is_empty() { PARTS.to_vec() } else { asked };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(|error| lorebase::Error::new(lorebase::ErrorKind::Internal, error.to_string()))?;
    println!("load average before: {}", std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim());
    runtime.block_on(async {
        for size in sizes {
            measure(size, &parts).await?;
        }
        Ok(())
    })
}

fn take(repo: &Path, folder: &Path) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(|error| lorebase::Error::new(lorebase::ErrorKind::Internal, error.to_string()))?;
    let memory = Memory::watch();
    runtime.block_on(async { fresh(repo, folder, 100).await?.sync(SyncOptions::default()).await })?;
    println!("{}", memory.peak());
    Ok(())
}

/// The peak of the anonymous memory of a process that takes in the repository, in KB.
fn memory_of_taking(repo: &Path, folder: &Path) -> Option<u64> {
    let output = std::process::Command::new(std::env::current_exe().ok()?).arg(TAKE).arg(repo).arg(folder).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

async fn measure(size: usize, parts: &[&str]) -> Result<()> {
    let folder = scratch()?;
    let repo = folder.path().join("knowledge.git");
    let store = GixStore::open(GitOptions { init: true, bare: true, ..GitOptions::new(&repo) }).await?;
    for part in (0..size).collect::<Vec<_>>().chunks(10_000) {
        commit(&store, part.iter().map(|number| put(*number, 0)).collect()).await?;
    }
    println!("\n{size} entities of 3 KB, bare repository, SQLite with synchronous=FULL");

    if parts.contains(&"first") {
        let runs = if size > 20_000 { 3 } else { 5 };
        let (mut first, mut rows) = (Times::default(), Times::default());
        for run in 0..runs {
            let kb = fresh(&repo, folder.path(), run).await?;
            let start = Start::now();
            let equal = Arc::new(Mutex::new(None));
            let noted = equal.clone();
            let progress = Arc::new(move |progress: lorebase::sync::Progress| {
                if progress.phase == Phase::Ingest && progress.done == progress.total {
                    noted.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| start.passed());
                }
            });
            let report = kb.sync(SyncOptions { progress: Some(progress), ..SyncOptions::default() }).await?;
            first.add(start.passed());
            rows.add(equal.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default());
            assert_eq!(report.created, size as u64, "every file became a row");
        }
        rows.print("first synchronisation, rows only");
        first.print("first synchronisation, with index");
        let peak = memory_of_taking(&repo, folder.path()).unwrap_or_default();
        println!("  anonymous memory at its peak       {} MB", peak / 1024);
    }

    let kb = fresh(&repo, folder.path(), 0).await?;
    kb.sync(SyncOptions::default()).await?;
    if parts.contains(&"idle") {
        let mut idle = Times::default();
        for _ in 0..50 {
            let start = Start::now();
            kb.sync(SyncOptions::default()).await?;
            idle.add(start.passed());
        }
        idle.print("idle synchronisation");
    }

    if parts.contains(&"small") {
        let mut small = Times::default();
        for round in 1..=9 {
            commit(&store, (0..size / 100).map(|number| put(number * 100, round)).collect()).await?;
            let start = Start::now();
            let report = kb.sync(SyncOptions::default()).await?;
            small.add(start.passed());
            assert_eq!(report.updated, (size / 100) as u64, "every changed file became a row");
        }
        small.print("1% changed in one commit");
    }

    if parts.contains(&"save") {
        let mut durable = Times::default();
        for number in 0..100 {
            let start = Start::now();
            let saved = kb.save(Save::update("document", &slug(number * 7)).set("filename", format!("changed-{number}.pdf"))).await?;
            durable.add(start.passed());
            assert!(saved.git_commit_sha.is_some(), "the save is in git");
        }
        durable.print("one save, committed and durable");
    }
    assert!(kb.drift().await?.is_empty(), "both sides are equal");

    if parts.contains(&"import") {
        import(size).await?;
    }
    Ok(())
}

/// Rows of a table into an empty repository: into the cache, then into git as one commit, or one commit each.
async fn import(size: usize) -> Result<()> {
    let rows: Vec<ImportRow> = (0..size).map(row).collect();
    for one_commit in [true, false] {
        let (mut taken, mut exported) = (Times::default(), Times::default());
        for run in 0..3 {
            let folder = scratch()?;
            let options = Options::new(folder.path().join("knowledge.git")).init_bare();
            let kb = open(options.cache(format!("sqlite:{}", folder.path().join(format!("cache-{run}.db")).display()))).await?;
            let start = Start::now();
            kb.import("document", &rows, None, None).await?;
            taken.add(start.passed());
            let start = Start::now();
            let report = kb.export(one_commit, None).await?;
            exported.add(start.passed());
            assert_eq!(report.published, size as u64, "every row is in git");
            assert!(kb.drift().await?.is_empty(), "both sides are equal");
        }
        taken.print("rows into the cache");
        exported.print(if one_commit { "rows into git, one commit" } else { "rows into git, one commit each" });
    }
    Ok(())
}

fn scratch() -> Result<tempfile::TempDir> {
    tempfile::tempdir().map_err(|error| lorebase::Error::new(lorebase::ErrorKind::Unavailable, error.to_string()))
}

async fn fresh(repo: &Path, folder: &Path, run: usize) -> Result<KnowledgeBase> {
    open(Options::new(repo).cache(format!("sqlite:{}", folder.join(format!("cache-{run}.db")).display()))).await
}

/// At most 1,000 files a folder.
fn slug(number: usize) -> String {
    format!("{:03}/entity-{number:06}", number / 1000)
}

fn body(number: usize, version: usize, length: usize) -> String {
    let mut text = format!("# Entity {number}\n\n");
    let mut random = (number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (version as u64).wrapping_mul(0xD1B5_4A32_D192_ED03);
    while text.len() < length {
        for _ in 0..12 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            text.push_str(WORDS[usize::try_from(random % 16).unwrap_or(0)]);
            text.push(' ');
        }
        text.push('\n');
    }
    text
}

fn put(number: usize, version: usize) -> TreeEdit {
    let head = format!(
        "---\nid: entity-{number:06}\ntitle: Entity {number}\nfilename: file-{number}.pdf\nfileType: pdf\nversion: {version}\ntags: [one, two]\n---\n"
    );
    let body = body(number, version, 3000 - head.len());
    TreeEdit::Put { path: format!("documents/{}.md", slug(number)), bytes: format!("{head}{body}").into_bytes() }
}

fn row(number: usize) -> ImportRow {
    let fields = serde_json::json!({
        "id": format!("entity-{number:06}"), "title": format!("Entity {number}"), "filename": format!("file-{number}.pdf"),
        "fileType": "pdf", "version": 0, "tags": ["one", "two"],
    });
    ImportRow {
        slug: Some(slug(number)),
        fields: fields.as_object().cloned().unwrap_or_default(),
        body: body(number, 0, 2850),
        ..ImportRow::default()
    }
}

async fn commit(store: &GixStore, edits: Vec<TreeEdit>) -> Result<()> {
    let who = Signature { author: Author::new("Engineer", "engineer@example.com"), time: Timestamp::UNIX_EPOCH };
    let head = store.head().await?;
    let commit = NewCommit { author: who.clone(), committer: who, message: "Change\n".to_owned(), edits };
    let tip = store.prepare(head.as_ref(), &[commit]).await?.remove(0);
    assert_eq!(store.advance(head.as_ref(), &tip).await?, AdvanceOutcome::Advanced);
    Ok(())
}

/// The clock's and the processor's time.
#[derive(Clone, Copy, Default)]
struct Passed {
    clock: Duration,
    processor: Duration,
}

#[derive(Clone, Copy)]
struct Start {
    clock: Instant,
    processor: Duration,
}

impl Start {
    fn now() -> Self {
        Self { clock: Instant::now(), processor: processor() }
    }

    fn passed(self) -> Passed {
        Passed { clock: self.clock.elapsed(), processor: processor().saturating_sub(self.processor) }
    }
}

/// What all threads have used, in steps of the system's clock tick; nothing where the system does not tell.
fn processor() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_ascii_whitespace();
    Duration::from_millis(fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() * 10)
}

#[derive(Default)]
struct Times(Vec<Passed>);

impl Times {
    fn add(&mut self, passed: Passed) {
        self.0.push(passed);
    }

    fn print(&mut self, what: &str) {
        self.0.sort_by_key(|passed| passed.clock);
        let show = |time: Duration| format!("{:10.3} ms", time.as_secs_f64() * 1000.0);
        let processor: Duration = self.0.iter().map(|passed| passed.processor).sum();
        println!(
            "  {what:34} {:3} runs: min {} median {} max {} processor {}",
            self.0.len(),
            show(self.0[0].clock),
            show(self.0[self.0.len() / 2].clock),
            show(self.0[self.0.len() - 1].clock),
            show(processor / u32::try_from(self.0.len()).unwrap_or(1)),
        );
    }
}

/// Looks at the process's anonymous memory until it is asked for the highest it saw.
struct Memory {
    highest: Arc<AtomicU64>,
    ended: Arc<AtomicBool>,
}

impl Memory {
    fn watch() -> Self {
        let memory = Self { highest: Arc::default(), ended: Arc::default() };
        let (highest, ended) = (memory.highest.clone(), memory.ended.clone());
        std::thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                highest.fetch_max(anonymous(), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        memory
    }

    /// In KB.
    fn peak(self) -> u64 {
        self.ended.store(true, Ordering::Relaxed);
        self.highest.load(Ordering::Relaxed)
    }
}

fn anonymous() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}
