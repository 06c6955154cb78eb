//! What stands beside `open`: beginning a repository, another root, checking a folder on the disk, who git says one is.
#![cfg(all(feature = "gix", feature = "sqlite"))]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::Path;
use std::process::Command;

use lorebase::ErrorKind;
use lorebase::knowledge::Author;
use lorebase::store::Query;
use lorebase::sync::{Save, SyncOptions};
use lorebase_backends::{InitOptions, Options, init, open, person, validate_folder};

fn run<T>(future: impl Future<Output = T>) -> T {
    pollster::block_on(future)
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .expect("these tests compare with the `git` program; install it (`apt install git`, `brew install git`)");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

fn beginning(path: &Path) -> InitOptions {
    InitOptions { path: path.to_owned(), branch: None, root: String::new(), author: Author::new("Ada", "ada@example.com") }
}

#[test]
fn a_begun_repository_is_one_commit_and_a_clean_checkout() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/handbook");
    let begun = run(init(InitOptions { root: "knowledge".to_owned(), ..beginning(&path) })).unwrap();
    assert_eq!(git(&path, &["log", "--format=%H %an <%ae>"]), format!("{} Ada <ada@example.com>", begun.commit));
    assert_eq!(git(&path, &["ls-files"]).lines().count(), begun.files.len());
    assert_eq!(git(&path, &["status", "--porcelain"]), "");
    let kb = run(open(Options::new(&path))).unwrap();
    assert_eq!(run(kb.sync(SyncOptions::default())).unwrap().created, 0);
    assert!(run(kb.validate()).unwrap().is_empty());
    run(kb.save(Save::create("skill").title("First"))).unwrap();
    assert!(path.join("knowledge/skills/first.md").exists());
}

#[test]
fn beginning_never_touches_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    run(init(beginning(folder.path()))).unwrap();
    let again = run(init(beginning(folder.path()))).unwrap_err();
    assert!(again.kind() == ErrorKind::InvalidInput && again.message().contains("already"), "{again}");

    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "-q"]);
    fs::write(folder.path().join("lorebase.yaml"), "root: mine\n").unwrap();
    let in_the_way = run(init(beginning(folder.path()))).unwrap_err();
    assert!(in_the_way.kind() == ErrorKind::Conflict && in_the_way.message().contains("`lorebase.yaml`"), "{in_the_way}");
    assert_eq!(fs::read_to_string(folder.path().join("lorebase.yaml")).unwrap(), "root: mine\n");
    assert_eq!(run(init(InitOptions { root: "../x".to_owned(), ..beginning(folder.path()) })).unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[test]
fn another_root_reads_the_files_anew_and_back_again() {
    let folder = tempfile::tempdir().unwrap();
    let kb = run(open(Options::new(folder.path()).init())).unwrap();
    run(kb.save(Save::create("skill").title("Top"))).unwrap();
    drop(kb);
    let titles = |options: Options| {
        let kb = run(open(options)).unwrap();
        run(kb.sync(SyncOptions::default())).unwrap();
        assert!(run(kb.drift()).unwrap().is_empty());
        let listing = run(kb.list(&Query::default())).unwrap();
        listing.items.into_iter().map(|item| item.title).collect::<Vec<_>>()
    };
    let below = || Options::new(folder.path()).root("below");
    let kb = run(open(below())).unwrap();
    run(kb.save(Save::create("skill").title("Below"))).unwrap();
    assert!(folder.path().join("below/skills/below.md").exists());
    drop(kb);
    assert_eq!(titles(below()), ["Below"]);
    assert_eq!(titles(Options::new(folder.path())), ["Top"]);
    assert_eq!(titles(Options::new(folder.path()).root("")), ["Top"]);
    assert_eq!(run(open(Options::new(folder.path()).root("../x"))).unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[test]
fn a_folder_on_the_disk_is_checked_like_the_commit_that_it_would_be() {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "-q"]);
    let write = |path: &str, text: &[u8]| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("lorebase.yaml", b"root: k\nkinds:\n  note: {folder: notes}\n");
    write("k/notes/good.md", b"---\nid: a\n---\n");
    write("k/notes/twin.md", b"---\nid: a\n---\n");
    write("k/notes/bad.md", b"---\nid: [\n---\n");
    write("k/notes/.hidden/bad.md", b"---\n[\n---\n");
    write("other/bad.md", b"---\n[\n---\n");
    let checked = run(validate_folder(folder.path(), None)).unwrap();
    git(folder.path(), &["add", "-A"]);
    git(folder.path(), &["-c", "user.name=B", "-c", "user.email=b@example.com", "commit", "-q", "-m", "All"]);
    let kb = run(open(Options::new(folder.path()))).unwrap();
    assert_eq!(checked.diagnostics, run(kb.validate()).unwrap());
    assert_eq!((checked.files, checked.errors()), (3, 2));

    let paths = |path: &str| {
        let checked = run(validate_folder(&folder.path().join(path), None)).unwrap();
        checked.diagnostics.into_iter().map(|finding| finding.path).collect::<Vec<_>>()
    };
    assert_eq!(paths("k/notes"), ["k/notes/bad.md", "k/notes/twin.md"]);
    assert_eq!(paths("k/notes/twin.md"), ["k/notes/twin.md"]);
    assert!(paths("other").is_empty());
    assert_eq!(run(validate_folder(&folder.path().join("nowhere"), None)).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(run(validate_folder(folder.path(), Some("../x"))).unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(run(validate_folder(folder.path(), Some("elsewhere"))).unwrap().files, 0);
}

#[cfg(unix)]
#[test]
fn links_in_a_folder_are_findings_and_never_followed() {
    let folder = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret.md"), "---\n[\n---\n").unwrap();
    fs::create_dir(folder.path().join("skills")).unwrap();
    std::os::unix::fs::symlink(outside.path(), folder.path().join("skills/away")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("secret.md"), folder.path().join("skills/file.md")).unwrap();
    let checked = run(validate_folder(folder.path(), None)).unwrap();
    let told: Vec<_> = checked.diagnostics.iter().map(|finding| (finding.path.as_str(), finding.code.as_str())).collect();
    assert_eq!(told, [("skills/away", "file.symlink"), ("skills/file.md", "file.symlink")]);
}

#[test]
fn git_says_who_one_is_by_the_repositorys_own_configuration() {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "-q"]);
    git(folder.path(), &["config", "user.name", "Nia New"]);
    git(folder.path(), &["config", "user.email", "nia@example.com"]);
    assert_eq!(person(folder.path()), Some(Author::new("Nia New", "nia@example.com")));
    assert_eq!(person(folder.path().join("nowhere")), None);
}
