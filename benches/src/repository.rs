//! Repositories as a server has them: bare, in one pack, made by `git fast-import`. The same entities give the same
//! commit on every machine. `git gc` finds nothing to pack more tightly in texts that have nothing to do with each
//! other; where contents are chains of differences, as the importer leaves them by itself, is another case to measure.

use std::fmt::Write as _;
use std::io::{BufWriter, Write};
use std::path::Path;

use crate::entities::Entity;
use crate::{Outcome, git};

/// The moment of the first commit; each later one is a minute younger.
const FIRST: u64 = 1_767_225_600;

/// How contents are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// Each as a whole.
    Whole,
    /// Most as a difference to the one before, up to 50 in a row.
    Chains,
}

/// Makes an empty bare repository whose commits wait for the disk.
///
/// # Errors
/// When git fails.
pub fn create(repository: &Path) -> Outcome<()> {
    std::fs::create_dir_all(repository)?;
    git::run(repository, &["init", "-q", "--bare", "-b", "main"])?;
    settle(repository)
}

/// The settings of every repository that is measured: everything durable, as ours always is, and no housekeeping in
/// the middle of a measurement.
///
/// # Errors
/// When git fails.
pub fn settle(repository: &Path) -> Outcome<()> {
    for (name, value) in [
        ("core.fsync", "all"),
        ("core.fsyncMethod", "fsync"),
        ("gc.auto", "0"),
        ("maintenance.auto", "false"),
        ("user.name", "Lorebase"),
        ("user.email", "lorebase@localhost"),
    ] {
        git::run(repository, &["config", name, value])?;
    }
    Ok(())
}

/// A clone with a work tree, settled in the same way.
///
/// # Errors
/// When git fails.
pub fn check_out(repository: &Path, into: &Path) -> Outcome<()> {
    let folder = repository.parent().unwrap_or(repository);
    git::run(folder, &["clone", "-q", "--no-hardlinks", &repository.display().to_string(), &into.display().to_string()])?;
    settle(into)
}

/// Commits these entities as an engineer would push them: one commit, one pack (of contents as a whole). `round` counts
/// the commits before. Returns the commit.
///
/// # Errors
/// When git fails.
pub fn commit(repository: &Path, round: u64, entities: impl Iterator<Item = Entity>) -> Outcome<String> {
    commit_packed(repository, round, entities, Packing::Whole)
}

/// The same with a choice of packing.
///
/// # Errors
/// When git fails.
pub fn commit_packed(repository: &Path, round: u64, entities: impl Iterator<Item = Entity>, packing: Packing) -> Outcome<String> {
    let depth = match packing {
        Packing::Whole => "--depth=0",
        Packing::Chains => "--depth=50",
    };
    let mut import = git::command(repository, &["fast-import", "--quiet", "--force", depth]);
    let mut child = import.stdin(std::process::Stdio::piped()).spawn()?;
    let stdin = child.stdin.take().ok_or("git fast-import takes no input")?;
    let mut stream = BufWriter::new(stdin);
    write_stream(&mut stream, round, entities)?;
    drop(stream);
    let status = child.wait()?;
    if !status.success() {
        return Err(format!("git fast-import in {} ended with {status}", repository.display()).into());
    }
    git::line(repository, &["rev-parse", "refs/heads/main"])
}

/// What `git fast-import` is told for one commit.
///
/// # Errors
/// When the stream cannot be written.
pub fn write_stream(stream: &mut impl Write, round: u64, entities: impl Iterator<Item = Entity>) -> Outcome<()> {
    let who = format!("Engineer <engineer@example.com> {} +0000", FIRST + 60 * round);
    let message = format!("Change {round}\n");
    let mut text = format!("commit refs/heads/main\nauthor {who}\ncommitter {who}\ndata {}\n{message}", message.len());
    if round > 0 {
        text.push_str("from refs/heads/main^0\n");
    }
    stream.write_all(text.as_bytes())?;
    for entity in entities {
        let content = entity.text();
        text.clear();
        writeln!(text, "M 100644 inline {}\ndata {}", entity.path, content.len())?;
        text.push_str(&content);
        text.push('\n');
        stream.write_all(text.as_bytes())?;
    }
    stream.write_all(b"done\n")?;
    stream.flush()?;
    Ok(())
}

/// Writes the entities as rows of a table, one JSON object a line.
///
/// # Errors
/// When the file cannot be written.
pub fn write_rows(file: &Path, entities: impl Iterator<Item = Entity>) -> Outcome<()> {
    let mut lines = BufWriter::new(std::fs::File::create(file)?);
    for entity in entities {
        serde_json::to_writer(&mut lines, &entity)?;
        lines.write_all(b"\n")?;
    }
    lines.flush()?;
    Ok(())
}
