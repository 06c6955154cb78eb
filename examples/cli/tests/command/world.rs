//! One repository in a temporary folder, an engineer with the `git` program, and the command beside it: without a
//! home, without anything of the user's environment.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// What one call came to.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) status: Option<i32>,
}

impl Told {
    pub(crate) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self { stdout: text(&output.stdout), stderr: text(&output.stderr), status: output.status.code() }
    }

    /// The one JSON document on stdout.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// It went well; stdout.
    #[track_caller]
    pub(crate) fn well(self) -> String {
        assert_eq!(self.status, Some(0), "{self:?}");
        self.stdout
    }
}

pub(crate) struct World {
    folder: TempDir,
    repo: PathBuf,
}

impl World {
    /// A repository with one commit of a `README.md`.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let repo = folder.path().join("repo");
        fs::create_dir(&repo).unwrap();
        let world = Self { folder, repo };
        world.git(&["init", "-q", "-b", "main"]);
        world.git(&["config", "user.name", "Nia New"]);
        world.git(&["config", "user.email", "nia@example.com"]);
        world.commit(&[("README.md", "# Ours\n")]);
        world
    }

    /// The same with three files of three kinds, synchronised.
    pub(crate) fn seeded() -> Self {
        let world = Self::new();
        world.commit(&SEED);
        world.run(&["sync"]).well();
        world
    }

    pub(crate) fn repo(&self) -> &Path {
        &self.repo
    }

    /// Beside the repository.
    pub(crate) fn outside(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.repo.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.repo.join(path)).unwrap()
    }

    /// An engineer's commit.
    pub(crate) fn commit(&self, files: &[(&str, &str)]) {
        for (path, text) in files {
            self.write(path, text);
        }
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", "An engineer's commit"]);
    }

    #[track_caller]
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        clean(&mut command);
        command.args(["-c", "commit.gpgsign=false", "-c", "user.useConfigOnly=true"]).args(arguments).current_dir(&self.repo);
        let output = command.output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// The command in the repository's folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lorebase"));
        clean(&mut command);
        command.args(arguments).current_dir(&self.repo).stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Told {
        Told::of(&self.command(arguments).output().unwrap())
    }

    /// The command with variables of the environment.
    pub(crate) fn run_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Told {
        Told::of(&self.command(arguments).envs(variables.iter().copied()).output().unwrap())
    }

    /// The command with something to read.
    pub(crate) fn run_reading(&self, input: &str, arguments: &[&str]) -> Told {
        use std::io::Write as _;
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Told::of(&child.wait_with_output().unwrap())
    }

    /// What a person sees of one call: both outputs and the status, without anything that differs between two runs.
    pub(crate) fn transcript(&self, arguments: &[&str]) -> String {
        self.transcript_with(&[], arguments)
    }

    pub(crate) fn transcript_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> String {
        let told = self.run_with(variables, arguments);
        let words: Vec<String> = arguments.iter().map(|word| quoted(word)).collect();
        let mut text = String::new();
        for (name, value) in variables {
            write!(text, "{name}={value} ").unwrap();
        }
        let status = told.status.unwrap();
        writeln!(text, "lorebase {} -> {status}", words.join(" ")).unwrap();
        for (name, out) in [("stdout", &told.stdout), ("stderr", &told.stderr)] {
            if !out.is_empty() {
                writeln!(text, "{name}:\n{}", out.trim_end()).unwrap();
            }
        }
        text.replace(self.folder.path().to_str().unwrap(), "[TEMP]")
    }

    /// Nothing is left half done in the repository.
    #[track_caller]
    pub(crate) fn assert_clean(&self) {
        self.git(&["fsck", "--strict", "--no-dangling"]);
        assert_eq!(self.git(&["status", "--porcelain"]), "");
    }
}

fn quoted(word: &str) -> String {
    if word.is_empty() || word.contains([' ', '[', '<', '*']) { format!("'{word}'") } else { word.to_owned() }
}

/// Nothing of whoever runs the tests: no home, no configuration of git, no colours.
pub(crate) fn clean(command: &mut Command) {
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
}

/// Compares with the snapshot of a name; commits, ids and moments are told alike in all of them.
#[track_caller]
pub(crate) fn assert_told(name: &str, transcript: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.add_filter(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "[ID]");
    settings.add_filter(r"\b[0-9a-f]{40}\b", "[COMMIT]");
    settings.add_filter(r"\b(at|as|commit|in git|at the commit) [0-9a-f]{8}\b", "$1 [SHORT]");
    settings.add_filter(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "[MOMENT]");
    settings.add_filter(r"\d{4}-\d\d-\d\d \d\d:\d\d", "[MINUTE]");
    settings.add_filter(r#""durationMs":\d+"#, r#""durationMs":0"#);
    settings.bind(|| insta::assert_snapshot!(name, transcript));
}

pub(crate) const SEED: [(&str, &str); 3] = [
    (
        "skills/reading-pdfs.md",
        "---\nid: skill-pdf\ntitle: Reading PDFs\ncategories: [documents]\nstatus: PUBLISHED\n---\n\n# Reading PDFs\n\nTake the text layer first.\n",
    ),
    ("customers/acme-inc.md", "---\nid: cust-acme\nname: Acme Inc.\nregion: south\ntier: gold\n---\n\nMakes anvils.\n"),
    ("prompts/blocks/tone.md", "---\nid: tone\nname: Tone\nsortOrder: 2\nactive: true\n---\n\nBe kind.\n"),
];
