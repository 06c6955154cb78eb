//! What a child process is to do, and starting one: the test's own program, running the same test, told apart by an
//! environment variable.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde::{Deserialize, Serialize};

use super::ledger::Ledger;
use super::steps::End;

const VARIABLE: &str = "LOREBASE_TEST_ORDERS";

/// What a child does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Task {
    /// Saves and synchronises until it is killed.
    Work(Life),
    /// Synchronises, waits for a line on its input, synchronises again and writes down what it sees.
    Look,
    /// Fills a new database from the repository and compares the two.
    Rebuild { database: PathBuf },
    /// Fills an empty repository from a database.
    Restore { repository: PathBuf, database: PathBuf },
    /// Saves for so many seconds, one of so many.
    Contend { seconds: u64, savers: u32 },
    /// Saves under a lease that others may believe to be over.
    Hold { saves: u32 },
    /// Has to do with a disk that does not do what it should.
    Disk { fault: String },
}

/// How a child works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Life {
    /// By its number: saves wait, are committed at once, or soon.
    Ordinary,
    /// Every save is committed before it returns.
    Inline,
    /// Rows are imported and committed together.
    Bulk,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Orders {
    pub(crate) task: Task,
    /// The folder with everything of the test.
    pub(crate) folder: PathBuf,
    pub(crate) repository: PathBuf,
    /// Which child this is, from 1.
    pub(crate) life: u32,
    pub(crate) seed: u64,
    /// The child ends itself, or pauses, at the n-th event of a step.
    pub(crate) end: Option<End>,
}

impl Orders {
    /// The orders of this process, if it is a child.
    pub(crate) fn given() -> Option<Self> {
        let text = std::env::var(VARIABLE).ok()?;
        Some(serde_json::from_str(&text).unwrap())
    }

    pub(crate) fn ledger(&self) -> Ledger {
        let beside_others = matches!(self.task, Task::Contend { .. } | Task::Hold { .. });
        Ledger::new(self.folder.join(if beside_others { format!("ledger-{}", self.life) } else { "ledger".to_owned() }))
    }

    pub(crate) fn steps(&self) -> PathBuf {
        self.folder.join(format!("step-{}", self.life))
    }

    /// What a child that looks has seen.
    pub(crate) fn sight(&self) -> PathBuf {
        self.folder.join(format!("sight-{}", self.life))
    }

    /// Starts a child that runs `test` (the full name) with these orders.
    pub(crate) fn start(&self, test: &str, failpoint: Option<&str>) -> Child {
        self.command(&std::env::current_exe().unwrap(), &[], test, failpoint).spawn().unwrap()
    }

    /// The same by way of another program, which is given the child's command line after `arguments`.
    pub(crate) fn start_by(&self, program: &str, arguments: &[&str], test: &str) -> std::io::Result<Child> {
        let own = std::env::current_exe().unwrap();
        let arguments: Vec<&str> = arguments.iter().copied().chain([own.to_str().unwrap()]).collect();
        self.command(Path::new(program), &arguments, test, None).spawn()
    }

    fn command(&self, program: &Path, arguments: &[&str], test: &str, failpoint: Option<&str>) -> Command {
        let output = output(&self.folder);
        let mut command = Command::new(program);
        command.args(arguments).args([test, "--exact", "--nocapture", "--test-threads=1"]);
        command.env(VARIABLE, serde_json::to_string(self).unwrap());
        command.env_remove("LOREBASE_FAILPOINT").envs(failpoint.map(|name| ("LOREBASE_FAILPOINT", name)));
        command.stdin(Stdio::piped()).stdout(output.try_clone().unwrap()).stderr(output);
        command
    }
}

fn output(folder: &Path) -> std::fs::File {
    OpenOptions::new().create(true).append(true).open(folder.join("output")).unwrap()
}

/// The last lines that the children of a test wrote, for a person.
pub(crate) fn last_words(folder: &Path) -> String {
    let text = std::fs::read_to_string(folder.join("output")).unwrap_or_default();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(25)..].join("\n")
}
