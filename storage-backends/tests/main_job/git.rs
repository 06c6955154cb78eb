//! The real `git` program, run as nobody has configured it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

/// Mode and blob of one file of a commit.
pub(crate) type Entry = (String, String);

pub(crate) fn try_git(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(["-c", "core.quotePath=false", "-c", "protocol.file.allow=always"]).args(args);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").env("HOME", folder);
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "Eve Engineer").env(format!("GIT_{who}_EMAIL"), "eve@example.com");
    }
    command.output().unwrap()
}

pub(crate) fn git(folder: &Path, args: &[&str]) -> String {
    let output = try_git(folder, args);
    assert!(
        output.status.success(),
        "git {args:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// The bytes of a file at a commit; `None` where it is not there.
pub(crate) fn bytes_at(repo: &Path, commit: &str, path: &str) -> Option<Vec<u8>> {
    let output = try_git(repo, &["cat-file", "blob", &format!("{commit}:{path}")]);
    output.status.success().then_some(output.stdout)
}

/// All files of a commit by path.
pub(crate) fn tree(repo: &Path, commit: &str) -> BTreeMap<String, Entry> {
    let output = try_git(repo, &["ls-tree", "-r", "-z", commit]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout)
        .unwrap()
        .split_terminator('\0')
        .map(|line| {
            let (what, path) = line.split_once('\t').unwrap();
            let mut words = what.split(' ');
            let mode = words.next().unwrap().to_owned();
            (path.to_owned(), (mode, words.nth(1).unwrap().to_owned()))
        })
        .collect()
}

/// `git fsck --strict` has nothing to say.
pub(crate) fn assert_sound(repo: &Path) {
    let output = try_git(repo, &["fsck", "--strict", "--full", "--no-dangling", "--no-progress"]);
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let bad: Vec<&str> = said.lines().filter(|line| !line.starts_with("notice:")).collect();
    assert!(output.status.success() && bad.is_empty(), "git fsck: {said}");
}

/// A work tree in which files, index and `HEAD` are the same, whatever times the index remembers.
pub(crate) fn assert_clean(checkout: &Path) {
    assert_eq!(git(checkout, &["status", "--porcelain"]), "", "git status");
    let head = tree(checkout, "HEAD");
    let staged: BTreeMap<String, Entry> = git(checkout, &["ls-files", "-s", "-z"])
        .split_terminator('\0')
        .map(|line| {
            let (what, path) = line.split_once('\t').unwrap();
            let words: Vec<&str> = what.split(' ').collect();
            (path.to_owned(), (words[0].to_owned(), words[1].to_owned()))
        })
        .collect();
    assert_eq!(staged, head, "index and HEAD");
    for (path, (mode, blob)) in &head {
        if mode.starts_with("100") {
            assert_eq!(git(checkout, &["hash-object", "--no-filters", "--", path]), *blob, "{path} on disk and in HEAD");
        }
    }
}
