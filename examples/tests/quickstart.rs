//! Runs the quickstart as its readers do, and holds it to its story. Cargo builds the examples before the tests
//! (unless it is told to build this test alone), so the program is found beside them.
#![expect(clippy::unwrap_used, reason = "a story that cannot be run fails the test")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn program() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let name = format!("quickstart{}", std::env::consts::EXE_SUFFIX);
    let program = here.parent().and_then(Path::parent).unwrap().join("examples").join(name);
    assert!(program.exists(), "there is no `{}`; build it with `cargo build --example quickstart`", program.display());
    program
}

/// The quickstart, without a `git` program in reach.
fn quickstart(arguments: &[&Path]) -> Output {
    Command::new(program()).args(arguments).env("PATH", "").output().unwrap()
}

fn told(output: &Output) -> String {
    assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The error of a story that could not be told.
fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// All of these, in this order.
fn assert_told(story: &str, lines: &[&str]) {
    let mut rest = story;
    for line in lines {
        let Some(at) = rest.find(line) else { panic!("`{line}` is not told where it belongs:\n{story}") };
        rest = &rest[at + line.len()..];
    }
}

#[test]
fn the_whole_story_is_told_in_a_new_folder() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("it's new");
    let story = told(&quickstart(&[&folder]));
    assert_told(
        &story,
        &[
            "9 created",
            "skill/writing-release-notes, revision 1, synced",
            "by Ada Byron: Create skill: Writing Release Notes",
            "+ region: south",
            "customer/acme-inc, revision 2, region \"south\"",
            "customer/acme-inc, revision 3, synced",
            "refused    customer/@cust-acme was changed since revision 1",
            "draft      revision 2, draft",
            "live       revision 1, synced",
            "skill/reading-pdfs, revision 3, synced",
            "skills/writing-release-notes.md -> skills/release-notes-people-read.md",
            "1 renamed",
            "row        gone",
            "prompt_block/disclaimer, revision 3",
            "1 updated, 1 broken",
            "customers/acme-inc.md:4:",
            "acme-inc   invalid",
            "tone       synced, sortOrder 5",
            "acme-inc   synced, industry \"manufacturing: anvils\"",
            "pending",
            "1 merged, 1 published",
            "tier \"gold\", region \"west\", synced",
            "1 in conflict",
            "saved here  \"silver\"",
            "in git      \"bronze\"",
            "customer/acme-inc, revision 10, synced",
            "10 of 10 synced, 0 pending, 0 draft, 0 conflict, 0 failed, 0 broken files",
            "healthy",
            "drift      none",
            "[scanned] [pages]",
            "The list of all 10",
            "it'\\''s new",
        ],
    );
    assert!(folder.join(".git/lorebase/cache.db").exists());
    let acme = std::fs::read_to_string(folder.join("customers/acme-inc.md")).unwrap();
    assert!(acme.contains("industry: \"manufacturing: anvils\"   # as in their annual report\nregion: west\ntier: silver\n"), "{acme}");

    let branch = || std::fs::read_to_string(folder.join(".git/refs/heads/main")).unwrap();
    let before = branch();
    let visit = told(&quickstart(&[&folder]));
    assert_told(&visit, &["Nothing is committed", "nothing to do", "10 of 10 synced", "drift      none"]);
    assert_eq!(branch(), before);
}

#[test]
fn a_folder_that_is_no_repository_is_refused_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("note.txt"), "mine").unwrap();
    let error = refused(&quickstart(&[folder.path()]));
    assert!(error.starts_with("error: ") && error.contains("is not a git repository") && error.contains("git init"), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing was written there");
    let file = folder.path().join("note.txt");
    assert!(refused(&quickstart(&[&file])).contains("name a folder"));
}

#[test]
fn too_many_words_are_answered_with_the_usage() {
    let error = refused(&quickstart(&[Path::new("a"), Path::new("b")]));
    assert!(error.contains("usage: cargo run --example quickstart"), "{error}");
}
