//! What nobody can be faster than on this machine: the git program, SQLite and the disk, each doing its part alone.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use lorebase_benches::entities::{Generator, Mix};
use lorebase_benches::{Outcome, git, repository};

use super::figures::Figures;
use super::peers::Peers;
use super::side::run;

/// Each limit with its figures.
pub(crate) fn measure(folder: &Path, seed: u64, size: usize, runs: usize, peers: &Peers) -> Outcome<Vec<(&'static str, Figures)>> {
    let folder = folder.join("limits");
    std::fs::create_dir_all(&folder)?;
    let generator = Generator::new(seed, Mix::All);
    let mut stream = Vec::new();
    repository::write_stream(&mut stream, 0, generator.entities(size))?;
    let rows = folder.join("rows.jsonl");
    repository::write_rows(&rows, generator.entities(size))?;
    let names = [
        "`git fast-import` of all files in one commit",
        "`git cat-file --batch` of all blobs",
        "SQLite: all rows in one `executemany`",
        "SQLite: one full-text index over them",
        "`fdatasync` of 4 KB",
    ];
    let mut figures = vec![Figures::default(); names.len()];
    for turn in 0..runs {
        let repo = folder.join(format!("{turn}.git"));
        repository::create(&repo)?;
        figures[0].add(&[timed(|| git::fed(&repo, &["fast-import", "--quiet"], &stream).map(drop))?], None);
        let listing = String::from_utf8(git::run(&repo, &["ls-tree", "-r", "--object-only", "main"])?)?;
        figures[1].add(&[timed(|| git::fed(&repo, &["cat-file", "--batch", "--buffer"], listing.as_bytes()).map(drop))?], None);
        let limit = serde_json::json!({"rows": rows, "db": folder.join(format!("{turn}.db"))}).to_string();
        let mut python = Command::new(peers.interpreter());
        python.arg(peers.python().join("limit.py")).stderr(Stdio::inherit());
        let (answer, _) = run(python, &limit)?;
        figures[2].add(answer.seconds.get(..1).unwrap_or_default(), None);
        figures[3].add(answer.seconds.get(1..).unwrap_or_default(), None);
        figures[4].add(&flushes(&folder.join("flushed"))?, None);
    }
    Ok(names.into_iter().zip(figures).collect())
}

fn timed(work: impl FnOnce() -> Outcome<()>) -> Outcome<f64> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed().as_secs_f64())
}

fn flushes(path: &Path) -> Outcome<Vec<f64>> {
    let mut file = File::create(path)?;
    let mut seconds = Vec::new();
    for _ in 0..50 {
        file.write_all(&[0; 4096])?;
        seconds.push(timed(|| Ok(file.sync_data()?))?);
    }
    std::fs::remove_file(path)?;
    Ok(seconds)
}
