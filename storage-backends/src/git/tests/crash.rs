//! A process that is ended at every named place: the next one completes or undoes what it began, and touches nothing
//! that is a person's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lorebase::store::{AdvanceOutcome, CommitId, GitStore};
use tempfile::TempDir;

use super::super::lock::Writer;
use super::{GixStore, assert_clean, assert_sound, block_on, checkout, commit, git, head, open, options, put, remove, saved, status};

const PLACES: [&str; 8] = [
    "git.prepare.staged",
    "git.prepare.packed",
    "git.prepare.objects",
    "git.advance.locked",
    "git.advance.journalled",
    "git.advance.moved",
    "git.advance.files",
    "git.advance.index",
];

/// The first place at which the branch has moved.
const MOVED: usize = 5;

/// The child: one save in the repository that the environment names.
#[test]
fn a_process_that_is_about_to_die_saves() {
    let Some(path) = std::env::var_os("LOREBASE_TEST_REPOSITORY") else { return };
    let store = open(options(PathBuf::from(path))).unwrap();
    saved(&store, change());
}

fn change() -> Vec<lorebase::store::TreeEdit> {
    let mut edits = vec![put("edit.md", "new\n"), put("add/ed.md", "new\n"), remove("gone/gone.md")];
    edits.extend((0..60).map(|i| put(&format!("many/{i}.md"), &format!("new {i}\n"))));
    edits
}

/// A work tree in which a process died at `place`, and where the branch was before.
fn died_at(place: &str) -> (TempDir, CommitId) {
    let (folder, store) = checkout();
    let before = saved(&store, vec![put("edit.md", "old\n"), put("gone/gone.md", "old\n"), put("other.md", "old\n")]);
    die(folder.path(), place);
    (folder, before)
}

fn die(repository: &Path, place: &str) {
    let log = tempfile::NamedTempFile::new().unwrap();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "git::tests::crash::a_process_that_is_about_to_die_saves"])
        .env("LOREBASE_TEST_REPOSITORY", repository)
        .env("LOREBASE_FAILPOINT", place)
        .env("LOREBASE_FAILPOINT_LOG", log.path())
        .output()
        .unwrap();
    let passed = fs::read_to_string(log.path()).unwrap();
    assert!(!child.status.success() && passed.lines().last() == Some(place), "{passed}{}", String::from_utf8_lossy(&child.stderr));
}

fn leftovers(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for place in ["index.lock", "refs/heads/main.lock", "lorebase/journal"] {
        if folder.join(".git").join(place).exists() {
            found.push(place.to_owned());
        }
    }
    for (place, kind) in [("lorebase", "tmp"), ("objects/pack", "keep")] {
        for file in fs::read_dir(folder.join(".git").join(place)).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|extension| extension == kind) {
                found.push(path.display().to_string());
            }
        }
    }
    for object in fs::read_dir(folder.join(".git/objects")).unwrap() {
        let name = object.unwrap().file_name().to_string_lossy().into_owned();
        if name.starts_with("tmp_") {
            found.push(name);
        }
    }
    found
}

fn assert_whole(folder: &TempDir, store: &GixStore, before: &CommitId, place: &str) {
    assert_eq!(leftovers(folder.path()), Vec::<String>::new(), "{place}");
    assert_clean(folder.path());
    let moved = head(store).as_ref() != Some(before);
    let reached = PLACES.iter().position(|name| *name == place) >= Some(MOVED);
    assert_eq!(moved, reached, "{place}");
    let edited = if moved { "new\n" } else { "old\n" };
    assert_eq!(fs::read_to_string(folder.path().join("edit.md")).unwrap(), edited, "{place}");
    assert_eq!(folder.path().join("add/ed.md").exists(), moved, "{place}");
    assert_eq!(folder.path().join("gone").exists(), !moved, "{place}");
}

#[test]
fn opening_again_completes_or_undoes_what_was_begun() {
    for place in PLACES {
        let (folder, before) = died_at(place);
        let store = open(options(folder.path())).unwrap();
        assert_whole(&folder, &store, &before, place);
    }
}

#[test]
fn a_repository_that_was_moved_after_the_crash_is_recovered_at_its_new_place() {
    for place in PLACES {
        let (folder, before) = died_at(place);
        let moved = tempfile::tempdir().unwrap();
        fs::rename(folder.path(), moved.path()).unwrap();
        let store = open(options(moved.path())).unwrap();
        assert_whole(&moved, &store, &before, place);
    }
}

#[test]
fn a_store_that_is_open_completes_or_undoes_it_before_it_moves_the_branch() {
    for place in PLACES {
        let (folder, store) = checkout();
        saved(&store, vec![put("edit.md", "old\n"), put("gone/gone.md", "old\n"), put("other.md", "old\n")]);
        die(folder.path(), place);
        saved(&store, vec![put("edit.md", "newest\n"), put("other.md", "newest\n")]);
        assert_eq!(fs::read_to_string(folder.path().join("edit.md")).unwrap(), "newest\n");
        assert_clean(folder.path());
        assert!(!folder.path().join(".git/lorebase/journal").exists());
    }
}

#[test]
fn new_content_left_beside_a_file_is_swept_away() {
    let (folder, before) = died_at("git.advance.moved");
    fs::write(folder.path().join("gone/.lorebase.tmp"), "new").unwrap();
    fs::write(folder.path().join(".lorebase.tmp"), "new").unwrap();
    let store = open(options(folder.path())).unwrap();
    assert_whole(&folder, &store, &before, "git.advance.moved");
}

#[test]
fn what_was_readied_before_the_journal_was_written_is_swept_away_at_opening() {
    let (folder, store) = checkout();
    saved(&store, vec![put("edit.md", "old\n")]);
    drop(store);
    fs::write(folder.path().join(".git/lorebase/lock-0.tmp"), "lorebase").unwrap();
    open(options(folder.path())).unwrap();
    assert_eq!(leftovers(folder.path()), Vec::<String>::new());
}

#[test]
fn opening_waits_for_a_killed_process_that_still_holds_the_writers_lock() {
    let (folder, before) = died_at("git.advance.moved");
    let dying = Writer::attempt(&folder.path().join(".git/lorebase")).unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    let opening = std::thread::spawn({
        let path = folder.path().to_owned();
        move || {
            let store = open(options(path)).unwrap();
            tell.send(()).unwrap();
            store
        }
    });
    assert!(told.recv_timeout(std::time::Duration::from_millis(200)).is_err(), "it was opened without the lock");
    drop(dying);
    assert_whole(&folder, &opening.join().unwrap(), &before, "git.advance.moved");
}

#[test]
fn recovery_that_is_killed_as_well_is_recovered() {
    for place in ["git.advance.files", "git.advance.index"] {
        let (folder, before) = died_at("git.advance.moved");
        die(folder.path(), place);
        let store = open(options(folder.path())).unwrap();
        assert_whole(&folder, &store, &before, place);
    }
}

#[test]
fn a_persons_edit_after_the_crash_stays() {
    for place in ["git.advance.moved", "git.advance.files", "git.advance.index"] {
        let (folder, _) = died_at(place);
        fs::write(folder.path().join("edit.md"), "a person's\n").unwrap();
        fs::create_dir_all(folder.path().join("gone")).unwrap();
        fs::write(folder.path().join("gone/gone.md"), "a person's\n").unwrap();
        let store = open(options(folder.path())).unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("edit.md")).unwrap(), "a person's\n");
        assert_eq!(fs::read_to_string(folder.path().join("gone/gone.md")).unwrap(), "a person's\n");
        assert_eq!(fs::read_to_string(folder.path().join("add/ed.md")).unwrap(), "new\n");
        assert_eq!(status(folder.path()), " M edit.md\n?? gone/", "{place}");
        assert_eq!(super::blocked(&store, vec![put("edit.md", "ours\n")])[0].1, "edited but not committed");
        assert_sound(folder.path());
    }
}

#[test]
fn a_persons_deletion_after_the_crash_stays() {
    for place in ["git.advance.moved", "git.advance.files", "git.advance.index"] {
        let (folder, _) = died_at(place);
        fs::remove_file(folder.path().join("edit.md")).unwrap();
        let store = open(options(folder.path())).unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("add/ed.md")).unwrap(), "new\n");
        assert_eq!(status(folder.path()), " D edit.md", "{place}");
        assert_eq!(super::blocked(&store, vec![put("edit.md", "ours\n")])[0].1, "deleted but not committed");
        git(folder.path(), &["commit", "-q", "-m", "a person's", "--", "edit.md"]);
        assert_clean(folder.path());
    }
}

#[test]
fn what_a_person_staged_after_the_crash_stays_staged() {
    let (folder, _) = died_at("git.advance.files");
    fs::remove_file(folder.path().join(".git/index.lock")).unwrap();
    fs::write(folder.path().join("edit.md"), "a person's\n").unwrap();
    git(folder.path(), &["add", "edit.md"]);
    open(options(folder.path())).unwrap();
    assert_eq!(status(folder.path()), "M  edit.md");
    assert_sound(folder.path());
}

#[test]
fn a_commit_that_took_the_change_back_after_the_crash_is_not_overruled() {
    let (folder, before) = died_at("git.advance.moved");
    for lock in ["index.lock", "refs/heads/main.lock"] {
        fs::remove_file(folder.path().join(".git").join(lock)).unwrap();
    }
    git(folder.path(), &["commit", "-q", "-m", "as the index has it: all of it back"]);
    assert_eq!(git(folder.path(), &["rev-parse", "HEAD^{tree}"]), git(folder.path(), &["rev-parse", &format!("{before}^{{tree}}")]));
    open(options(folder.path())).unwrap();
    assert_eq!(fs::read_to_string(folder.path().join("edit.md")).unwrap(), "old\n");
    assert_clean(folder.path());
}

#[test]
fn a_branch_that_was_reset_after_the_crash_drops_the_journal() {
    let (folder, before) = died_at("git.advance.moved");
    for lock in ["index.lock", "refs/heads/main.lock"] {
        fs::remove_file(folder.path().join(".git").join(lock)).unwrap();
    }
    git(folder.path(), &["update-ref", "refs/heads/main", before.as_str()]);
    open(options(folder.path())).unwrap();
    assert_eq!(fs::read_to_string(folder.path().join("edit.md")).unwrap(), "old\n");
    assert_eq!(leftovers(folder.path()), Vec::<String>::new());
    assert_clean(folder.path());
}

#[test]
fn another_branch_checked_out_after_the_crash_is_left_alone() {
    let (folder, before) = died_at("git.advance.moved");
    for lock in ["index.lock", "refs/heads/main.lock"] {
        fs::remove_file(folder.path().join(".git").join(lock)).unwrap();
    }
    git(folder.path(), &["reset", "-q", "--hard", before.as_str()]);
    git(folder.path(), &["checkout", "-q", "-b", "feature"]);
    git(folder.path(), &["branch", "-f", "main", "main@{1}"]);
    open(options(folder.path())).unwrap();
    assert_eq!(fs::read_to_string(folder.path().join("edit.md")).unwrap(), "old\n");
    assert_clean(folder.path());
}

#[test]
fn a_lock_that_a_persons_git_made_after_the_crash_stays() {
    let (folder, _) = died_at("git.advance.locked");
    let lock = folder.path().join(".git/index.lock");
    fs::remove_file(&lock).unwrap();
    fs::write(&lock, "").unwrap();
    let store = open(options(folder.path())).unwrap();
    assert!(lock.exists());
    assert!(!folder.path().join(".git/refs/heads/main.lock").exists());
    fs::remove_file(&lock).unwrap();
    saved(&store, vec![put("edit.md", "new\n")]);
    assert_clean(folder.path());
}

#[test]
fn with_a_persons_lock_in_place_the_checkout_is_completed_later() {
    let (folder, before) = died_at("git.advance.moved");
    let lock = folder.path().join(".git/index.lock");
    fs::remove_file(&lock).unwrap();
    fs::write(&lock, "").unwrap();
    let store = open(options(folder.path())).unwrap();
    assert_eq!(fs::read_to_string(folder.path().join("edit.md")).unwrap(), "old\n");
    assert!(folder.path().join(".git/lorebase/journal").exists());
    fs::remove_file(&lock).unwrap();
    assert_ne!(head(&store), Some(before));
    saved(&store, vec![put("other.md", "newest\n")]);
    assert_eq!(fs::read_to_string(folder.path().join("edit.md")).unwrap(), "new\n");
    assert_clean(folder.path());
}

#[test]
fn after_an_ambiguous_end_the_branch_tells_whether_it_moved() {
    let (folder, store) = checkout();
    let before = saved(&store, vec![put("edit.md", "old\n"), put("gone/gone.md", "old\n")]);
    let ours = block_on(store.prepare(Some(&before), &[commit(change())])).unwrap().remove(0);
    die(folder.path(), "git.advance.journalled");
    let tip = head(&store).unwrap();
    assert!(!block_on(store.contains(&tip, &ours)).unwrap());
    die(folder.path(), "git.advance.moved");
    let tip = head(&store).unwrap();
    assert!(block_on(store.contains(&tip, &ours)).unwrap());
    assert_eq!(block_on(store.advance(Some(&tip), &tip)).unwrap(), AdvanceOutcome::Advanced);
    assert_clean(folder.path());
}

#[test]
fn a_journal_that_cannot_be_read_is_told_and_kept() {
    let (folder, _) = died_at("git.advance.locked");
    let journal = folder.path().join(".git/lorebase/journal");
    fs::write(&journal, "{").unwrap();
    super::assert_kind(open(options(folder.path())), lorebase::ErrorKind::Corrupt, &["lorebase/journal", ".lock"]);
    assert!(journal.exists());
}
