//! `GixStore` against real repositories, looked at with the `git` program.

mod checkout;
mod conformance;
mod crash;
mod model;
mod opening;
mod racing;
mod storing;

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use lorebase::knowledge::Author;
use lorebase::store::{AdvanceOutcome, CommitId, GitStore, NewCommit, Signature, TreeEdit};
use lorebase::{Error, ErrorKind};
use tempfile::TempDir;

use super::{Durability, GitOptions, GixStore};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Runs git as nobody has configured it.
fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(args);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").env("HOME", folder);
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "Bob").env(format!("GIT_{who}_EMAIL"), "bob@example.com");
    }
    command
}

fn try_git(folder: &Path, args: &[&str]) -> Output {
    let missing = "these tests compare with the `git` program and cannot run it; install it (`apt install git`, `brew install git`)";
    command(folder, args).output().expect(missing)
}

fn git(folder: &Path, args: &[&str]) -> String {
    let output = try_git(folder, args);
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

fn assert_sound(folder: &Path) {
    let output = try_git(folder, &["fsck", "--strict", "--full", "--no-dangling"]);
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let bad: Vec<&str> = said.lines().filter(|line| !line.starts_with("notice:")).collect();
    assert!(output.status.success() && bad.is_empty(), "git fsck: {said}");
}

fn status(folder: &Path) -> String {
    git(folder, &["status", "--porcelain"])
}

fn assert_clean(folder: &Path) {
    assert_sound(folder);
    assert_eq!(status(folder), "");
}

fn options(path: impl Into<std::path::PathBuf>) -> GitOptions {
    GitOptions { lock_wait: Duration::from_secs(5), ..GitOptions::new(path) }
}

fn open(options: GitOptions) -> Result<GixStore, Error> {
    block_on(GixStore::open(options))
}

/// A new repository with a work tree and its store.
fn checkout() -> (TempDir, GixStore) {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "-q", "-b", "main"]);
    let store = open(options(folder.path())).unwrap();
    (folder, store)
}

/// A new bare repository and its store.
fn bare() -> (TempDir, GixStore) {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "-q", "--bare", "-b", "main"]);
    let store = open(options(folder.path())).unwrap();
    (folder, store)
}

fn put(path: &str, text: &str) -> TreeEdit {
    TreeEdit::Put { path: path.to_owned(), bytes: text.as_bytes().to_vec() }
}

fn remove(path: &str) -> TreeEdit {
    TreeEdit::Remove { path: path.to_owned() }
}

fn commit(edits: Vec<TreeEdit>) -> NewCommit {
    let by = Signature { author: Author::new("Ada", "ada@example.com"), time: jiff::Timestamp::from_second(1_780_000_000).unwrap() };
    NewCommit { author: by.clone(), committer: by, message: "Change things\n".to_owned(), edits }
}

fn head(store: &GixStore) -> Option<CommitId> {
    block_on(store.head()).unwrap()
}

/// Prepares one commit on the head and tries to move the branch there.
fn save(store: &GixStore, edits: Vec<TreeEdit>) -> Result<AdvanceOutcome, Error> {
    let parent = head(store);
    let ids = block_on(store.prepare(parent.as_ref(), &[commit(edits)])).unwrap();
    block_on(store.advance(parent.as_ref(), &ids[0]))
}

fn saved(store: &GixStore, edits: Vec<TreeEdit>) -> CommitId {
    assert_eq!(save(store, edits).unwrap(), AdvanceOutcome::Advanced);
    head(store).unwrap()
}

/// The paths and reasons of a refusal.
fn blocked(store: &GixStore, edits: Vec<TreeEdit>) -> Vec<(String, String)> {
    let before = head(store);
    match save(store, edits).unwrap() {
        AdvanceOutcome::Blocked(blocked) => {
            assert_eq!(head(store), before, "a refusal moved the branch");
            blocked.into_iter().map(|blocked| (blocked.path, blocked.reason)).collect()
        }
        other => panic!("not blocked: {other:?}"),
    }
}

fn assert_kind<T: std::fmt::Debug>(outcome: Result<T, Error>, kind: ErrorKind, mentions: &[&str]) {
    let error = outcome.expect_err("an error");
    assert_eq!(error.kind(), kind, "{error}");
    for part in mentions {
        assert!(error.message().contains(part), "`{error}` does not say `{part}`");
    }
}

fn throw_away(path: impl Into<std::path::PathBuf>) -> GitOptions {
    GitOptions { durability: Durability::None, ..options(path) }
}
