//! Many writers at once: nothing is lost, whoever they are.

use std::path::Path;
use std::process::{Command, Stdio};

use lorebase::store::{AdvanceOutcome, GitStore};

use super::{assert_clean, assert_sound, bare, block_on, checkout, command, commit, git, head, open, options, put, throw_away};
use crate::git::GixStore;

/// Saves `count` files, each until it is in.
fn save_all(store: &GixStore, name: &str, count: usize) {
    for i in 0..count {
        loop {
            let parent = head(store);
            let ids = block_on(store.prepare(parent.as_ref(), &[commit(vec![put(&format!("{name}/{i}.md"), name)])])).unwrap();
            match block_on(store.advance(parent.as_ref(), &ids[0])).unwrap() {
                AdvanceOutcome::Advanced => break,
                AdvanceOutcome::Moved(_) => {}
                AdvanceOutcome::Blocked(blocked) => panic!("{blocked:?}"),
            }
        }
    }
}

#[test]
fn threads_that_move_one_branch_lose_nothing() {
    let (folder, store) = bare();
    std::thread::scope(|scope| {
        for name in ["one", "two"] {
            let store = store.clone();
            scope.spawn(move || save_all(&store, name, 50));
        }
    });
    assert_eq!(git(folder.path(), &["rev-list", "--count", "main"]), "100");
    assert_eq!(git(folder.path(), &["ls-tree", "-r", "--name-only", "main"]).lines().count(), 100);
    assert_sound(folder.path());
}

/// Starts itself again as two other processes.
#[test]
fn processes_that_move_one_branch_lose_nothing() {
    const NAME: &str = "git::tests::racing::processes_that_move_one_branch_lose_nothing";
    if let (Some(path), Some(name)) = (std::env::var_os("LOREBASE_TEST_REPOSITORY"), std::env::var("LOREBASE_TEST_NAME").ok()) {
        return save_all(&open(throw_away(path)).unwrap(), &name, 100);
    }
    let (folder, _store) = checkout();
    let start = |name: &str| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", NAME]).env("LOREBASE_TEST_REPOSITORY", folder.path()).env("LOREBASE_TEST_NAME", name);
        command.stdout(Stdio::null()).spawn().unwrap()
    };
    let children = ["one", "two"].map(start);
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(git(folder.path(), &["rev-list", "--count", "main"]), "200");
    assert_eq!(git(folder.path(), &["ls-tree", "-r", "--name-only", "main"]).lines().count(), 200);
    assert_clean(folder.path());
}

/// As a person would: again while the other one holds a lock.
fn patiently(folder: &Path, args: &[&str]) {
    for _ in 0..1000 {
        let output = command(folder, args).output().unwrap();
        if output.status.success() {
            return;
        }
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("lock") || said.contains("but expected"), "git {args:?}: {said}");
    }
    panic!("git {args:?} never got its turn");
}

/// Git itself commits to the same branch in the same work tree meanwhile.
#[test]
fn a_person_who_commits_at_the_same_time_loses_nothing_either() {
    let (folder, store) = checkout();
    save_all(&store, "start", 1);
    let (path, count) = (folder.path().to_owned(), 40);
    std::thread::scope(|scope| {
        scope.spawn(|| save_all(&store, "ours", count));
        scope.spawn(|| {
            for i in 0..count {
                let name = format!("theirs{i}.md");
                std::fs::write(path.join(&name), "theirs\n").unwrap();
                patiently(&path, &["add", &name]);
                patiently(&path, &["commit", "-q", "-m", "theirs", "--", &name]);
            }
        });
    });
    assert_eq!(git(folder.path(), &["rev-list", "--count", "main"]), (2 * count + 1).to_string());
    assert_eq!(git(folder.path(), &["ls-tree", "-r", "--name-only", "main"]).lines().count(), 2 * count + 1);
    // A commit of some paths reads the index before it locks it: what gets into the index in between, git drops from it.
    git(folder.path(), &["reset", "-q"]);
    assert_clean(folder.path());
}

#[test]
fn two_branches_of_one_repository_move_independently() {
    let (folder, store) = bare();
    save_all(&store, "main", 1);
    git(folder.path(), &["branch", "other", "main"]);
    let other = open(crate::git::GitOptions { branch: Some("other".to_owned()), ..options(folder.path()) }).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| save_all(&store, "main", 10));
        scope.spawn(|| save_all(&other, "other", 10));
    });
    assert_eq!(git(folder.path(), &["rev-list", "--count", "other"]), "11");
    assert_sound(folder.path());
}
