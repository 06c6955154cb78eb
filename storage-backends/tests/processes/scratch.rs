//! A throw-away repository with some knowledge in it, and the `git` program as nobody has configured it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use super::on_postgres;
use super::server::Database;

/// The engineer's mail address: whose commits are a person's.
pub(crate) const ENGINEER: &str = "eve@example.com";

/// The ids of entities that everybody likes to work on.
pub(crate) const HOT: [&str; 3] = ["c-acme", "c-zenith", "s-reading"];

/// How many entities a crowd works on, and how many lines of each are somebody's own.
pub(crate) const CROWD: u64 = 20;
pub(crate) const SLOTS: u64 = 8;

/// The id of an entity on which a crowd works.
pub(crate) fn crowd_id(number: u64) -> String {
    format!("h-{number}")
}

#[derive(Debug)]
pub(crate) struct Scratch {
    folder: TempDir,
    pub(crate) bare: bool,
    /// Of a PostgreSQL, in place of a file in the repository.
    database: Option<Database>,
}

impl Scratch {
    /// A repository with two customers, a skill, a category and a file that cannot be understood.
    pub(crate) fn new(bare: bool) -> Self {
        let files = [
            ("customers/acme.md", "---\nid: c-acme\nname: Acme\nregion: e0x1z\ntier: none\nnote: none\n---\n# Acme\n\nText e0x2z\n"),
            (
                "customers/zenith.md",
                "---\nid: c-zenith\nname: Zenith\nregion: e0x3z\ntier: none\nnote: none\n---\n# Zenith\n\nText e0x4z\n",
            ),
            ("customers/broken.md", "---\nname: [\n---\n"),
            ("skills/reading.md", "---\nid: s-reading\ntitle: Reading\nregion: e0x5z\ntier: none\nstatus: PUBLISHED\n---\nText e0x6z\n"),
            ("categories/metadata.json", "{\n  \"first\": {\n    \"name\": \"First\",\n    \"region\": \"e0x7z\"\n  }\n}\n"),
        ];
        Self::with(bare, files.map(|(path, text)| (path.to_owned(), text.to_owned())))
    }

    /// A repository with the entities on which a crowd works.
    pub(crate) fn crowded(bare: bool) -> Self {
        let file = |number: u64| {
            let id = crowd_id(number);
            let slots: String = (0..SLOTS)
                .fold(String::new(), |text, slot| text + &format!("\nSlot {slot} e0x{number}0{slot}z\n\nBetween {slot} and the next.\n"));
            let head = format!("id: {id}\nname: Hot {number}\nregion: e0x{number}08z\ntier: e0x{number}09z\nnote: none\n");
            (format!("customers/hot-{number}.md"), format!("---\n{head}---\n# Hot {number}\n{slots}"))
        };
        Self::with(bare, (0..CROWD).map(file))
    }

    fn with(bare: bool, files: impl IntoIterator<Item = (String, String)>) -> Self {
        let scratch = Self { folder: tempfile::tempdir().unwrap(), bare, database: None };
        let work = if bare { scratch.clone_folder() } else { scratch.repository() };
        git(scratch.folder(), &["init", "-q", "-b", "main", work.to_str().unwrap()]);
        for (path, text) in files {
            let path = work.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        git(&work, &["add", "-A"]);
        git(&work, &["commit", "-q", "-m", "Begin"]);
        if bare {
            let path = scratch.repository();
            git(scratch.folder(), &["init", "-q", "--bare", "-b", "main", path.to_str().unwrap()]);
            git(&work, &["remote", "add", "origin", path.to_str().unwrap()]);
            git(&work, &["push", "-q", "origin", "main"]);
        }
        scratch
    }

    /// With the cache in a PostgreSQL, which every process of the test is told by a file.
    pub(crate) fn on_postgres(mut self) -> Self {
        let database = Database::new();
        on_postgres::tell(self.folder(), &database.url());
        self.database = Some(database);
        self
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn repository(&self) -> PathBuf {
        self.folder().join("repository")
    }

    /// Where the engineer works on a bare repository.
    pub(crate) fn clone_folder(&self) -> PathBuf {
        self.folder().join("clone")
    }

    /// Git's own folder.
    pub(crate) fn git_dir(&self) -> PathBuf {
        if self.bare { self.repository() } else { self.repository().join(".git") }
    }

    /// Everything that must hold of a repository that nobody uses: sound objects, a checkout without differences, no
    /// lock, journal or temporary file.
    pub(crate) fn assert_tidy(&self, sound: bool) {
        if sound {
            let fsck = try_git(&self.repository(), &["fsck", "--strict", "--full", "--no-dangling", "--no-progress"]);
            let said = format!("{}{}", String::from_utf8_lossy(&fsck.stdout), String::from_utf8_lossy(&fsck.stderr));
            let bad: Vec<&str> = said.lines().filter(|line| !line.starts_with("notice:")).collect();
            assert!(fsck.status.success() && bad.is_empty(), "git fsck: {said}");
        }
        if !self.bare {
            assert_eq!(git(&self.repository(), &["status", "--porcelain"]), "", "the checkout differs from its branch");
        }
        let left: Vec<PathBuf> = files_below(&self.git_dir()).into_iter().filter(|path| is_leftover(path)).collect();
        assert_eq!(left, Vec::<PathBuf>::new(), "left over");
    }

    /// Keeps the folder for a person to look at.
    pub(crate) fn keep(self) -> PathBuf {
        self.folder.keep()
    }
}

/// `writer.lock` and the database are ours for good; every other lock and temporary file has an end.
fn is_leftover(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let ours = path.parent().is_some_and(|folder| folder.ends_with("lorebase"));
    let temporary = is(&name, "tmp") || name.starts_with("tmp_lorebase_");
    (is(&name, "lock") && !(ours && name == "writer.lock")) || temporary || ours && name == "journal"
}

/// Whether a file's name has this extension.
pub(crate) fn is(name: &str, extension: &str) -> bool {
    Path::new(name).extension().is_some_and(|found| found == extension)
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(files_below(&path));
        }
        files.push(path);
    }
    files
}

pub(crate) fn try_git(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(arguments);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").env("HOME", folder);
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "Eve").env(format!("GIT_{who}_EMAIL"), ENGINEER);
    }
    command.output().unwrap()
}

pub(crate) fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = try_git(folder, arguments);
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}
