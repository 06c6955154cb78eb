//! Everything that can be wrong with a repository is told by name, with the way out.

use std::fs;
use std::process::Command;

use lorebase::ErrorKind;
use lorebase::store::GitStore;

use super::{assert_clean, assert_kind, assert_sound, block_on, checkout, git, head, open, options, put, saved};
use crate::git::{GitOptions, ObjectFormat};

fn named(path: &std::path::Path, branch: &str) -> GitOptions {
    GitOptions { branch: Some(branch.to_owned()), ..options(path) }
}

#[test]
fn a_folder_that_is_not_there_is_not_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nowhere");
    assert_kind(open(options(&path)), ErrorKind::NotFound, &[path.to_str().unwrap(), "no folder", "`init`"]);
}

#[test]
fn a_folder_that_is_no_repository_is_not_found_even_inside_one() {
    let (folder, _store) = checkout();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    assert_kind(open(options(&inner)), ErrorKind::NotFound, &[inner.to_str().unwrap(), "not a git repository", "git init"]);
}

#[test]
fn a_detached_head_needs_a_named_branch() {
    let (folder, store) = checkout();
    let id = saved(&store, vec![put("a", "1")]);
    git(folder.path(), &["checkout", "-q", "--detach"]);
    assert_kind(open(options(folder.path())), ErrorKind::InvalidInput, &["HEAD", "name the branch"]);
    assert_eq!(head(&open(named(folder.path(), "main")).unwrap()), Some(id));
}

#[test]
fn a_branch_that_does_not_exist_is_a_mistake_once_there_are_others() {
    let (folder, store) = checkout();
    assert_eq!(head(&open(named(folder.path(), "anything")).unwrap()), None);
    saved(&store, vec![put("a", "1")]);
    assert_kind(open(named(folder.path(), "mian")), ErrorKind::NotFound, &["`mian`", "`main`"]);
    git(folder.path(), &["checkout", "-q", "--orphan", "fresh"]);
    assert_eq!(head(&open(named(folder.path(), "fresh")).unwrap()), None);
}

#[test]
fn a_bad_branch_name_is_refused() {
    let (folder, _store) = checkout();
    for name in ["", "a b", "..", "a..b", "-x/.lock", "a.lock", "a\\b"] {
        let error = open(named(folder.path(), name)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{name:?}: {error}");
    }
}

#[test]
fn an_unborn_branch_is_fine() {
    let (folder, store) = checkout();
    assert_eq!(store.branch(), "main");
    assert_eq!(head(&store), None);
    saved(&store, vec![put("a", "1")]);
    assert_clean(folder.path());
}

#[test]
fn a_reftable_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "-q", "--ref-format=reftable"]);
    assert_kind(open(options(folder.path())), ErrorKind::Unsupported, &["reftable", "extensions.refStorage", "git refs migrate"]);
}

#[test]
fn an_unknown_extension_is_refused_by_name() {
    let (folder, _store) = checkout();
    git(folder.path(), &["config", "core.repositoryFormatVersion", "1"]);
    git(folder.path(), &["config", "extensions.fromTheFuture", "yes"]);
    let error = open(options(folder.path())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.message().to_lowercase().contains("fromthefuture"), "{error}");
}

/// As another user where the tests run as root, who may write everywhere: the test starts itself again.
#[cfg(unix)]
#[test]
fn a_read_only_object_folder_is_unavailable_with_the_way_out() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    const NAME: &str = "git::tests::opening::a_read_only_object_folder_is_unavailable_with_the_way_out";
    let root = fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0);
    if root {
        let run = Command::new(std::env::current_exe().unwrap()).args(["--exact", NAME]).uid(65_534).gid(65_534).output().unwrap();
        let said = String::from_utf8_lossy(&run.stdout).into_owned();
        assert!(run.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&run.stderr));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "-q", "--bare"]);
    let objects = folder.path().join("objects");
    fs::set_permissions(&objects, fs::Permissions::from_mode(0o555)).unwrap();
    let outcome = open(options(folder.path()));
    fs::set_permissions(&objects, fs::Permissions::from_mode(0o755)).unwrap();
    assert_kind(outcome, ErrorKind::Unavailable, &[objects.to_str().unwrap(), "write access"]);
}

/// Only root can give a repository away; anybody else tries one of root's.
#[cfg(unix)]
#[test]
fn a_repository_of_another_user_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "-q", "--bare"]);
    let path = if std::os::unix::fs::chown(folder.path(), Some(65_534), Some(65_534)).is_ok() {
        folder.path()
    } else {
        std::path::Path::new("/proc/1/cwd")
    };
    let error = open(options(path)).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::NotFound), "{error}");
    assert!(path != folder.path() || error.message().contains("owned"), "{error}");
}

#[test]
fn init_makes_a_repository_once_and_then_opens_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/repository");
    let wanted = GitOptions { init: true, ..named(&path, "team/knowledge") };
    let id = saved(&open(wanted.clone()).unwrap(), vec![put("a", "1")]);
    assert_eq!(git(&path, &["symbolic-ref", "HEAD"]), "refs/heads/team/knowledge");
    assert_clean(&path);
    assert_eq!(head(&open(wanted).unwrap()), Some(id));
}

#[test]
fn init_can_make_a_bare_repository_with_another_hash() {
    let folder = tempfile::tempdir().unwrap();
    let wanted = GitOptions { init: true, bare: true, object_format: ObjectFormat::Sha256, ..options(folder.path()) };
    let id = saved(&open(wanted).unwrap(), vec![put("a", "1")]);
    assert_eq!(id.as_str().len(), 64);
    assert_eq!(git(folder.path(), &["rev-parse", "--is-bare-repository", "--show-object-format"]), "true\nsha256");
    assert_sound(folder.path());
}

#[test]
fn the_work_tree_and_its_git_folder_are_the_same_repository() {
    let (folder, store) = checkout();
    let id = saved(&store, vec![put("a", "1")]);
    let other = open(options(folder.path().join(".git"))).unwrap();
    assert_eq!(head(&other), Some(id));
    saved(&other, vec![put("a", "2")]);
    assert_clean(folder.path());
}

#[test]
fn a_symbolic_branch_is_followed_to_the_real_one() {
    let (folder, store) = checkout();
    let id = saved(&store, vec![put("a", "1")]);
    git(folder.path(), &["symbolic-ref", "refs/heads/alias", "refs/heads/main"]);
    let store = open(named(folder.path(), "alias")).unwrap();
    assert_eq!(store.branch(), "main");
    assert_eq!(head(&store), Some(id));
    git(folder.path(), &["symbolic-ref", "HEAD", "refs/heads/alias"]);
    let store = open(options(folder.path())).unwrap();
    saved(&store, vec![put("a", "2")]);
    assert_clean(folder.path());
}

#[test]
fn configuration_of_the_user_and_the_environment_is_not_read() {
    const NAME: &str = "git::tests::opening::configuration_of_the_user_and_the_environment_is_not_read";
    if let Some(path) = std::env::var_os("LOREBASE_TEST_REPOSITORY") {
        saved(&open(options(path)).unwrap(), vec![put("a", "2")]);
        return;
    }
    let (folder, store) = checkout();
    saved(&store, vec![put("a", "1")]);
    let other = tempfile::tempdir().unwrap();
    fs::write(other.path().join(".gitconfig"), "[core]\n\tbare = true\n\tautocrlf = true\n").unwrap();
    let run = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", NAME])
        .env("LOREBASE_TEST_REPOSITORY", folder.path())
        .env("HOME", other.path())
        .env("GIT_DIR", other.path())
        .env("GIT_INDEX_FILE", other.path().join("index"))
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    assert_eq!(fs::read_to_string(folder.path().join("a")).unwrap(), "2");
    assert_clean(folder.path());
}

#[test]
fn debug_names_the_repository_and_the_branch() {
    let (folder, store) = checkout();
    let shown = format!("{store:?}");
    let name = folder.path().file_name().unwrap().to_str().unwrap();
    assert!(shown.contains(name) && shown.contains("main"), "{shown}");
    assert_eq!(block_on(store.head()).unwrap(), None);
}
