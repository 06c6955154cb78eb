//! The shared suite on every flavour of repository; git finds each repository sound afterwards.

use std::path::Path;

use lorebase::store::GitStore;

use super::{assert_clean, assert_sound, block_on, checkout as checked_out, git, open, options, throw_away};
use crate::git::{GitOptions, ObjectFormat};

fn run(options: GitOptions, folder: &Path, case: impl AsyncFnOnce(&dyn GitStore), check: impl FnOnce(&Path)) {
    let store = open(options).unwrap();
    block_on(case(&store));
    assert!(!folder.join("lorebase/journal").exists() && !folder.join(".git/lorebase/journal").exists());
    check(folder);
}

mod bare_sha1 {
    use super::*;

    fn store(case: impl AsyncFnOnce(&dyn GitStore)) {
        let folder = tempfile::tempdir().unwrap();
        let options = GitOptions { init: true, bare: true, ..options(folder.path()) };
        run(options, folder.path(), case, assert_sound);
    }

    lorebase::git_conformance!(store);
}

mod bare_sha256 {
    use super::*;

    fn store(case: impl AsyncFnOnce(&dyn GitStore)) {
        let folder = tempfile::tempdir().unwrap();
        let options = GitOptions { init: true, bare: true, object_format: ObjectFormat::Sha256, ..throw_away(folder.path()) };
        run(options, folder.path(), case, assert_sound);
    }

    lorebase::git_conformance!(store);
}

mod checkout_sha1 {
    use super::*;

    fn store(case: impl AsyncFnOnce(&dyn GitStore)) {
        let folder = tempfile::tempdir().unwrap();
        let options = GitOptions { init: true, ..throw_away(folder.path()) };
        run(options, folder.path(), case, assert_clean);
    }

    lorebase::git_conformance!(store);
}

/// A work tree whose repository is elsewhere, on a branch with a slash in its name.
mod linked_work_tree {
    use super::*;

    fn store(case: impl AsyncFnOnce(&dyn GitStore)) {
        let folder = tempfile::tempdir().unwrap();
        let main = folder.path().join("main");
        std::fs::create_dir(&main).unwrap();
        git(&main, &["init", "-q", "-b", "main"]);
        git(&main, &["commit", "-q", "--allow-empty", "-m", "start"]);
        let linked = folder.path().join("linked");
        git(&main, &["worktree", "add", "-q", "--detach", "../linked"]);
        git(&linked, &["checkout", "-q", "--orphan", "team/knowledge"]);
        run(throw_away(&linked), &linked, case, assert_clean);
        assert_clean(&main);
    }

    lorebase::git_conformance!(store);
}

#[test]
fn an_executable_stays_executable_in_the_tree_and_in_the_work_tree() {
    let (folder, store) = checked_out();
    std::fs::write(folder.path().join("tool"), "#!/bin/sh\n").unwrap();
    git(folder.path(), &["add", "tool"]);
    git(folder.path(), &["update-index", "--chmod=+x", "tool"]);
    git(folder.path(), &["commit", "-q", "-m", "tool"]);
    git(folder.path(), &["reset", "-q", "--hard"]);
    block_on(lorebase::conformance::git::an_executable_stays_executable(&store, "tool"));
    assert_clean(folder.path());
}

#[test]
fn a_symbolic_link_is_not_written() {
    let (folder, store) = super::bare();
    let work = tempfile::tempdir().unwrap();
    git(work.path(), &["clone", "-q", &folder.path().to_string_lossy(), "."]);
    std::os::unix::fs::symlink("target", work.path().join("link")).unwrap();
    git(work.path(), &["add", "link"]);
    git(work.path(), &["commit", "-q", "-m", "link"]);
    git(work.path(), &["push", "-q", "origin", "HEAD:main"]);
    block_on(lorebase::conformance::git::a_symbolic_link_is_not_written(&store, "link"));
    assert_sound(folder.path());
}
