//! A person's work tree: it follows the branch, and no uncommitted work is ever touched.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Stdio;

use lorebase::ErrorKind;
use lorebase::store::{AdvanceOutcome, GitStore, TreeEdit};
use tempfile::TempDir;

use super::{
    GixStore, assert_clean, assert_kind, assert_sound, block_on, blocked, checkout, commit, git, head, open, options, put, remove, save,
    saved, status, try_git,
};
use crate::git::GitOptions;

const EDITED: &str = "edited but not committed";
const STAGED: &str = "staged";
const DELETED: &str = "deleted but not committed";
const IN_THE_WAY: &str = "untracked file in the way";

/// A work tree with `a.md` and `b/c.md`.
fn started() -> (TempDir, GixStore) {
    let (folder, store) = checkout();
    saved(&store, vec![put("a.md", "a\n"), put("b/c.md", "c\n")]);
    assert_clean(folder.path());
    (folder, store)
}

fn text(folder: &TempDir, path: &str) -> String {
    fs::read_to_string(folder.path().join(path)).unwrap()
}

fn write(folder: &TempDir, path: &str, text: &str) {
    let path = folder.path().join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn reason(store: &GixStore, edit: TreeEdit) -> String {
    let mut found = blocked(store, vec![edit]);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0).1
}

#[test]
fn files_and_index_follow_the_branch() {
    let (folder, store) = started();
    saved(&store, vec![put("a.md", "new\n"), remove("b/c.md"), put("d/e/f.md", "f\n")]);
    assert_clean(folder.path());
    assert_eq!(text(&folder, "a.md"), "new\n");
    assert_eq!(text(&folder, "d/e/f.md"), "f\n");
    assert!(!folder.path().join("b").exists(), "an empty folder was left behind");
    git(folder.path(), &["commit", "-q", "--allow-empty", "-m", "on top"]);
    assert_eq!(git(folder.path(), &["ls-tree", "-r", "--name-only", "HEAD"]), "a.md\nd/e/f.md");
    assert_clean(folder.path());
}

#[test]
fn files_swap_their_paths_and_folders_become_files() {
    let (folder, store) = started();
    saved(&store, vec![put("a.md", "c\n"), put("b/c.md", "a\n")]);
    assert_eq!((text(&folder, "a.md"), text(&folder, "b/c.md")), ("c\n".to_owned(), "a\n".to_owned()));
    saved(&store, vec![remove("b/c.md"), put("b", "now a file\n"), remove("a.md"), put("a.md/inner", "now a folder\n")]);
    assert_eq!((text(&folder, "b"), text(&folder, "a.md/inner")), ("now a file\n".to_owned(), "now a folder\n".to_owned()));
    assert_clean(folder.path());
}

#[test]
fn an_edited_file_blocks_and_stays() {
    let (folder, store) = started();
    write(&folder, "a.md", "a person's\n");
    assert_eq!(reason(&store, put("a.md", "ours\n")), EDITED);
    assert_eq!(reason(&store, remove("a.md")), EDITED);
    assert_eq!(text(&folder, "a.md"), "a person's\n");
    assert_eq!(status(folder.path()), " M a.md");
}

#[test]
fn a_staged_file_blocks_and_stays_staged() {
    let (folder, store) = started();
    write(&folder, "a.md", "a person's\n");
    git(folder.path(), &["add", "a.md"]);
    assert_eq!(reason(&store, put("a.md", "ours\n")), STAGED);
    write(&folder, "a.md", "a\n");
    assert_eq!(reason(&store, put("a.md", "ours\n")), STAGED);
    assert_eq!(status(folder.path()), "MM a.md");
}

#[test]
fn a_staged_new_file_blocks() {
    let (folder, store) = started();
    write(&folder, "new.md", "a person's\n");
    git(folder.path(), &["add", "new.md"]);
    assert_eq!(reason(&store, put("new.md", "ours\n")), STAGED);
    assert_eq!(reason(&store, put("new.md/below", "ours\n")), STAGED);
    git(folder.path(), &["rm", "-q", "--cached", "new.md"]);
    git(folder.path(), &["add", "-N", "new.md"]);
    assert_eq!(reason(&store, put("new.md", "ours\n")), STAGED);
}

#[test]
fn a_deleted_file_blocks_whether_the_deletion_is_staged_or_not() {
    let (folder, store) = started();
    fs::remove_file(folder.path().join("a.md")).unwrap();
    assert_eq!(reason(&store, put("a.md", "ours\n")), DELETED);
    git(folder.path(), &["rm", "-q", "a.md"]);
    assert_eq!(reason(&store, put("a.md", "ours\n")), DELETED);
    assert!(!folder.path().join("a.md").exists());
    git(folder.path(), &["restore", "--source=HEAD", "a.md"]);
    assert_eq!(reason(&store, put("a.md", "ours\n")), STAGED);
}

#[test]
fn an_untracked_file_in_the_way_blocks_and_stays() {
    let (folder, store) = started();
    write(&folder, "new.md", "a person's\n");
    write(&folder, "folder/notes.md", "a person's\n");
    write(&folder, "file", "a person's\n");
    assert_eq!(reason(&store, put("new.md", "ours\n")), IN_THE_WAY);
    assert_eq!(reason(&store, put("folder", "ours\n")), IN_THE_WAY);
    assert_eq!(reason(&store, put("file/below.md", "ours\n")), IN_THE_WAY);
    assert_eq!(text(&folder, "new.md"), "a person's\n");
    write(&folder, ".gitignore", "new.md\n");
    assert_eq!(reason(&store, put("new.md", "ours\n")), IN_THE_WAY, "an ignored file is a person's too");
}

#[test]
fn an_untracked_file_in_a_folder_that_gives_way_blocks_and_stays() {
    let (folder, store) = started();
    write(&folder, "b/notes.md", "a person's\n");
    let found = blocked(&store, vec![remove("b/c.md"), put("b", "ours\n")]);
    assert_eq!(found, [("b".to_owned(), IN_THE_WAY.to_owned())]);
    assert_eq!(text(&folder, "b/c.md"), "c\n");
    saved(&store, vec![remove("b/c.md")]);
    assert_eq!(text(&folder, "b/notes.md"), "a person's\n");
}

#[test]
fn an_empty_folder_is_not_in_the_way() {
    let (folder, store) = started();
    fs::create_dir_all(folder.path().join("new.md/empty")).unwrap();
    saved(&store, vec![put("new.md", "ours\n")]);
    assert_clean(folder.path());
}

#[test]
fn nothing_is_written_through_a_symbolic_link() {
    let (folder, store) = started();
    let outside = tempfile::tempdir().unwrap();
    symlink(outside.path(), folder.path().join("link")).unwrap();
    assert_eq!(reason(&store, put("link/x.md", "ours\n")), "a folder on the way is a symbolic link");
    fs::rename(folder.path().join("b"), outside.path().join("b")).unwrap();
    symlink(outside.path().join("b"), folder.path().join("b")).unwrap();
    assert_eq!(reason(&store, put("b/c.md", "ours\n")), "a folder on the way is a symbolic link");
    fs::remove_file(folder.path().join("a.md")).unwrap();
    symlink(outside.path().join("b/c.md"), folder.path().join("a.md")).unwrap();
    assert_eq!(reason(&store, put("a.md", "ours\n")), EDITED);
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
    assert_eq!(fs::read_to_string(outside.path().join("b/c.md")).unwrap(), "c\n");
}

#[test]
fn symbolic_links_and_submodules_are_never_checked_out() {
    let (folder, store) = started();
    let first = head(&store).unwrap();
    symlink("a.md", folder.path().join("link")).unwrap();
    git(folder.path(), &["add", "link"]);
    git(folder.path(), &["commit", "-q", "-m", "link"]);
    let with_link = head(&store).unwrap();
    git(folder.path(), &["reset", "-q", "--hard", first.as_str()]);
    match block_on(store.advance(Some(&first), &with_link)).unwrap() {
        AdvanceOutcome::Blocked(blocked) => assert!(blocked[0].reason.contains("symbolic link"), "{blocked:?}"),
        other => panic!("{other:?}"),
    }
    assert!(!folder.path().join("link").exists());
}

#[test]
fn unsafe_names_from_elsewhere_never_reach_the_disk() {
    let (folder, store) = started();
    let before = head(&store).unwrap();
    let blob = git(folder.path(), &["rev-parse", "HEAD:a.md"]);
    for name in ["..", ".git", ".GIT", "git~1", "a\\b", "CON", "x:y"] {
        let inner = tree_of(folder.path(), &format!("100644 blob {blob}\tconfig\n"));
        let tree = tree_of(folder.path(), &format!("040000 tree {inner}\t{name}\n"));
        let tip = git(folder.path(), &["commit-tree", "-p", before.as_str(), "-m", "from elsewhere", &tree]);
        match block_on(store.advance(Some(&before), &lorebase::store::CommitId::new(tip))).unwrap() {
            AdvanceOutcome::Blocked(blocked) => assert!(blocked.iter().any(|blocked| blocked.reason.contains("unsafe")), "{blocked:?}"),
            other => panic!("{name}: {other:?}"),
        }
    }
    assert_eq!(status(folder.path()), "");
    assert_eq!(text(&folder, "a.md"), "a\n");
}

fn tree_of(folder: &Path, entries: &str) -> String {
    let mut child = super::command(folder, &["mktree"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), entries.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn one_blocked_path_stops_the_whole_move_and_all_of_them_are_told() {
    let (folder, store) = started();
    write(&folder, "a.md", "a person's\n");
    write(&folder, "new.md", "a person's\n");
    let found = blocked(&store, vec![put("a.md", "1"), put("b/c.md", "1"), put("new.md", "1")]);
    assert_eq!(found, [("a.md".to_owned(), EDITED.to_owned()), ("new.md".to_owned(), IN_THE_WAY.to_owned())]);
    assert_eq!(text(&folder, "b/c.md"), "c\n");
    assert!(!folder.path().join(".git/index.lock").exists());
}

#[test]
fn a_persons_work_at_other_paths_is_left_exactly_as_it_is() {
    let (folder, store) = started();
    saved(&store, vec![put("staged.md", "1\n"), put("edited.md", "1\n"), put("gone.md", "1\n"), put("both.md", "1\n")]);
    for path in ["staged.md", "edited.md", "both.md", "untracked.md"] {
        write(&folder, path, "2\n");
    }
    git(folder.path(), &["add", "staged.md", "both.md"]);
    write(&folder, "both.md", "3\n");
    git(folder.path(), &["rm", "-q", "gone.md"]);
    let before = (status(folder.path()), git(folder.path(), &["diff"]), git(folder.path(), &["diff", "--cached"]));
    for round in 0..3 {
        saved(&store, vec![put("a.md", &format!("{round}\n")), put(&format!("n/{round}.md"), "n\n")]);
        let after = (status(folder.path()), git(folder.path(), &["diff"]), git(folder.path(), &["diff", "--cached"]));
        assert_eq!(after, before);
    }
    assert_sound(folder.path());
}

/// Same size, same moment, same file: only git's rule about entries as young as the index tells it to look.
#[test]
fn an_edit_as_young_as_the_index_is_still_seen_afterwards() {
    let (folder, store) = started();
    let (file, index) = (folder.path().join("b/c.md"), folder.path().join(".git/index"));
    let set = |path: &Path, moment| fs::File::options().write(true).open(path).unwrap().set_modified(moment).unwrap();
    git(folder.path(), &["config", "core.trustctime", "false"]);
    git(folder.path(), &["update-index", "--refresh"]);
    let moment = fs::metadata(&index).unwrap().modified().unwrap() - std::time::Duration::from_mins(1);
    set(&file, moment);
    git(folder.path(), &["update-index", "--refresh"]);
    fs::write(&file, "X\n").unwrap();
    set(&file, moment);
    set(&index, moment);
    let looked = git(folder.path(), &["--no-optional-locks", "status", "--porcelain"]);
    assert_eq!(looked, " M b/c.md", "the trap is not set");
    saved(&store, vec![put("a.md", "ours\n")]);
    assert_eq!(status(folder.path()), " M b/c.md");
}

#[test]
fn the_executable_bit_and_permissions_are_kept() {
    let (folder, store) = started();
    let path = folder.path().join("a.md");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(reason(&store, put("a.md", "ours\n")), EDITED);
    git(folder.path(), &["commit", "-q", "-a", "-m", "executable"]);
    saved(&store, vec![put("a.md", "ours\n")]);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o755);
    fs::set_permissions(folder.path().join("b/c.md"), fs::Permissions::from_mode(0o600)).unwrap();
    saved(&store, vec![put("b/c.md", "ours\n")]);
    assert_eq!(fs::metadata(folder.path().join("b/c.md")).unwrap().permissions().mode() & 0o777, 0o600);
    assert_clean(folder.path());
}

#[test]
fn where_the_executable_bit_means_nothing_it_is_not_an_edit() {
    let (folder, store) = started();
    git(folder.path(), &["config", "core.fileMode", "false"]);
    fs::set_permissions(folder.path().join("a.md"), fs::Permissions::from_mode(0o755)).unwrap();
    saved(&store, vec![put("a.md", "ours\n")]);
    assert_clean(folder.path());
}

#[test]
fn with_another_branch_checked_out_only_the_branch_moves() {
    let (folder, store) = started();
    git(folder.path(), &["checkout", "-q", "-b", "feature"]);
    write(&folder, "a.md", "a person's\n");
    let id = saved(&store, vec![put("a.md", "ours\n")]);
    assert_eq!(git(folder.path(), &["rev-parse", "main"]), id.as_str());
    assert_eq!(text(&folder, "a.md"), "a person's\n");
    git(folder.path(), &["checkout", "-q", "-f", "main"]);
    git(folder.path(), &["checkout", "-q", "--detach"]);
    saved(&store, vec![put("a.md", "again\n")]);
    assert_eq!(text(&folder, "a.md"), "ours\n");
    assert_clean(folder.path());
}

#[test]
fn every_work_tree_on_the_branch_follows() {
    let (folder, store) = started();
    git(folder.path(), &["checkout", "-q", "--detach"]);
    let linked = tempfile::tempdir().unwrap();
    let place = linked.path().join("tree");
    git(folder.path(), &["worktree", "add", "-q", place.to_str().unwrap(), "main"]);
    saved(&store, vec![put("a.md", "ours\n")]);
    assert_eq!(fs::read_to_string(place.join("a.md")).unwrap(), "ours\n");
    assert_eq!(text(&folder, "a.md"), "a\n");
    assert_clean(&place);
    assert_clean(folder.path());
    fs::write(place.join("a.md"), "a person's\n").unwrap();
    assert_eq!(reason(&store, put("a.md", "again\n")), EDITED);
    fs::remove_dir_all(&place).unwrap();
    saved(&store, vec![put("a.md", "again\n")]);
}

#[test]
fn a_bare_repository_with_a_linked_work_tree_keeps_it_in_step() {
    let (folder, store) = super::bare();
    saved(&store, vec![put("a.md", "a\n")]);
    let linked = tempfile::tempdir().unwrap();
    let place = linked.path().join("tree");
    git(folder.path(), &["worktree", "add", "-q", place.to_str().unwrap(), "main"]);
    saved(&store, vec![put("a.md", "ours\n")]);
    assert_clean(&place);
    assert_eq!(fs::read_to_string(place.join("a.md")).unwrap(), "ours\n");
}

#[test]
fn a_work_tree_on_another_file_system_follows_too() {
    let (folder, store) = started();
    drop(store);
    // On Linux this is memory; elsewhere it is one more folder.
    let other = Path::new("/dev/shm");
    let place = if other.is_dir() { tempfile::tempdir_in(other) } else { tempfile::tempdir() }.unwrap();
    git(folder.path(), &["config", "core.worktree", place.path().to_str().unwrap()]);
    git(folder.path(), &["reset", "-q", "--hard"]);
    let store = open(options(folder.path())).unwrap();
    saved(&store, vec![put("a.md", "ours\n"), remove("b/c.md"), put("d/e.md", "ours\n")]);
    assert_eq!(fs::read_to_string(place.path().join("d/e.md")).unwrap(), "ours\n");
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 2, "a.md and d");
    assert_clean(folder.path());
}

#[test]
fn a_merge_or_rebase_in_progress_blocks() {
    let (folder, store) = started();
    git(folder.path(), &["checkout", "-q", "-b", "side"]);
    write(&folder, "a.md", "side\n");
    git(folder.path(), &["commit", "-q", "-a", "-m", "side"]);
    git(folder.path(), &["checkout", "-q", "main"]);
    write(&folder, "a.md", "main\n");
    git(folder.path(), &["commit", "-q", "-a", "-m", "main"]);
    assert!(!try_git(folder.path(), &["merge", "side"]).status.success());
    assert_eq!(reason(&store, put("b/c.md", "ours\n")), "a merge is in progress");
    fs::remove_file(folder.path().join(".git/MERGE_HEAD")).unwrap();
    assert_eq!(reason(&store, put("b/c.md", "ours\n")), "a merge has unresolved files");
    git(folder.path(), &["reset", "-q", "--hard"]);
    assert!(!try_git(folder.path(), &["cherry-pick", "side"]).status.success());
    assert_eq!(reason(&store, put("b/c.md", "ours\n")), "a cherry-pick is in progress");
    git(folder.path(), &["cherry-pick", "--abort"]);
    assert!(!try_git(folder.path(), &["rebase", "side"]).status.success());
    assert_eq!(reason(&store, put("b/c.md", "ours\n")), "a rebase of this branch is in progress");
    git(folder.path(), &["rebase", "--abort"]);
    saved(&store, vec![put("b/c.md", "ours\n")]);
    assert_clean(folder.path());
}

#[test]
fn what_only_git_itself_can_write_is_left_to_it() {
    type Arrange = fn(&Path);
    let cases: [(&str, Arrange); 7] = [
        ("core.autocrlf", |folder| {
            git(folder, &["config", "core.autocrlf", "true"]);
        }),
        ("sparse", |folder| {
            git(folder, &["sparse-checkout", "set", "b"]);
        }),
        ("`filter`", |folder| fs::write(folder.join(".gitattributes"), "*.md filter=lfs -text\n").unwrap()),
        ("`eol`", |folder| fs::write(folder.join(".gitattributes"), "a.md eol=crlf\n").unwrap()),
        ("`ident`", |folder| fs::write(folder.join(".git/info/attributes"), "a.md ident\n").unwrap()),
        ("`working-tree-encoding`", |folder| {
            fs::write(folder.join(".gitattributes"), "[attr]wide working-tree-encoding=UTF-16\n*.md wide\n").unwrap();
        }),
        ("`text`", |folder| {
            git(folder, &["config", "core.eol", "crlf"]);
            fs::write(folder.join(".gitattributes"), "* text=auto\n").unwrap();
        }),
    ];
    for (name, arrange) in cases {
        let (folder, store) = started();
        arrange(folder.path());
        match save(&store, vec![put("a.md", "ours\n")]).unwrap() {
            AdvanceOutcome::Blocked(blocked) => {
                let reason = &blocked[0].reason;
                assert!(reason.contains(name) && reason.contains("git itself"), "{name}: {reason}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn attributes_that_change_nothing_here_do_not_block() {
    let (folder, store) = started();
    write(&folder, ".gitattributes", "* text=auto eol=lf\n*.png filter=lfs\n*.md -filter diff=markdown\n");
    write(&folder, "b/.gitattributes", "c.md -text\n");
    git(folder.path(), &["add", ".gitattributes", "b/.gitattributes"]);
    git(folder.path(), &["commit", "-q", "-m", "attributes"]);
    saved(&store, vec![put("a.md", "ours\n"), put("b/c.md", "ours\n")]);
    assert_clean(folder.path());
}

#[test]
fn deeper_attributes_win() {
    let (folder, store) = started();
    write(&folder, ".gitattributes", "*.md filter=lfs\n");
    write(&folder, "b/.gitattributes", "*.md -filter\n");
    saved(&store, vec![put("b/c.md", "ours\n")]);
    assert!(reason(&store, put("a.md", "ours\n")).contains("`filter`"));
}

#[test]
fn a_lock_of_a_person_s_git_is_respected() {
    let (folder, store) = started();
    let before = head(&store);
    drop(store);
    let hasty = GitOptions { lock_wait: std::time::Duration::from_millis(30), ..options(folder.path()) };
    for name in ["index.lock", "refs/heads/main.lock"] {
        let lock = folder.path().join(".git").join(name);
        fs::write(&lock, "").unwrap();
        let store = open(hasty.clone()).unwrap();
        assert_kind(save(&store, vec![put("a.md", "ours\n")]), ErrorKind::Busy, &[name, "remove that file"]);
        assert!(lock.exists());
        assert_eq!(head(&store), before);
        fs::remove_file(&lock).unwrap();
        let mut left: Vec<_> = fs::read_dir(folder.path().join(".git/lorebase")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["locks", "note", "writer.lock"], "something was left behind");
    }
    saved(&open(hasty).unwrap(), vec![put("a.md", "ours\n")]);
    assert_clean(folder.path());
}

#[test]
fn a_stale_cache_tree_is_not_left_in_the_index() {
    let (folder, store) = started();
    git(folder.path(), &["write-tree"]);
    saved(&store, vec![put("b/c.md", "ours\n"), put("b/d.md", "ours\n")]);
    assert_eq!(git(folder.path(), &["write-tree"]), git(folder.path(), &["rev-parse", "HEAD^{tree}"]));
    assert_clean(folder.path());
}

#[test]
fn indexes_of_every_version_and_with_every_cache_are_kept_readable() {
    let (folder, store) = started();
    git(folder.path(), &["config", "core.untrackedCache", "true"]);
    let mut untracked = Vec::new();
    for version in ["2", "3", "4"] {
        git(folder.path(), &["update-index", "--index-version", version]);
        git(folder.path(), &["update-index", "--untracked-cache"]);
        assert_eq!(status(folder.path()), untracked.join("\n"));
        saved(&store, vec![put("a.md", version), put(&format!("{version}.md"), "new\n")]);
        assert_sound(folder.path());
        let name = format!("untracked-{version}.md");
        write(&folder, &name, "a person's\n");
        untracked.push(format!("?? {name}"));
        assert_eq!(status(folder.path()), untracked.join("\n"));
    }
    git(folder.path(), &["config", "index.skipHash", "true"]);
    git(folder.path(), &["update-index", "--force-write-index"]);
    saved(&store, vec![put("a.md", "again\n")]);
    assert_eq!(status(folder.path()), untracked.join("\n"));
    assert_sound(folder.path());
}

#[test]
fn a_split_index_becomes_a_whole_one() {
    let (folder, store) = started();
    git(folder.path(), &["config", "core.splitIndex", "true"]);
    git(folder.path(), &["update-index", "--split-index"]);
    for round in 0..3 {
        saved(&store, vec![put("a.md", &format!("{round}\n")), put(&format!("{round}.md"), "new\n")]);
        assert_clean(folder.path());
        write(&folder, &format!("staged{round}.md"), "a person's\n");
        git(folder.path(), &["add", "."]);
        git(folder.path(), &["commit", "-q", "-m", "a person's"]);
    }
    assert_clean(folder.path());
}

#[test]
fn a_sha256_work_tree_follows() {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "-q", "-b", "main", "--object-format=sha256"]);
    let store = open(options(folder.path())).unwrap();
    saved(&store, vec![put("a.md", "a\n"), put("b/c.md", "c\n")]);
    saved(&store, vec![put("a.md", "ours\n"), remove("b/c.md"), put("d.md", "d\n")]);
    assert_clean(folder.path());
    write(&folder, "a.md", "a person's\n");
    assert_eq!(reason(&store, put("a.md", "again\n")), EDITED);
}

#[test]
fn many_files_follow_in_one_commit() {
    let (folder, store) = started();
    saved(&store, (0..500).map(|i| put(&format!("m/{}/{i}.md", i % 20), &format!("{i}\n"))).collect());
    assert_clean(folder.path());
    saved(&store, (0..500).map(|i| remove(&format!("m/{}/{i}.md", i % 20))).collect());
    assert!(!folder.path().join("m").exists());
    assert_clean(folder.path());
}

#[test]
fn a_chain_of_commits_moves_the_work_tree_once_to_its_end() {
    let (folder, store) = started();
    let parent = head(&store);
    let chain = [commit(vec![put("a.md", "1")]), commit(vec![remove("b/c.md")]), commit(vec![put("a.md", "3"), put("b/c.md", "back")])];
    let ids = block_on(store.prepare(parent.as_ref(), &chain)).unwrap();
    assert_eq!(block_on(store.advance(parent.as_ref(), &ids[2])).unwrap(), AdvanceOutcome::Advanced);
    assert_eq!((text(&folder, "a.md").as_str(), text(&folder, "b/c.md").as_str()), ("3", "back"));
    assert_clean(folder.path());
}
