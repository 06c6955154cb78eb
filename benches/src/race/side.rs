//! The sides of the race: what each is, and a process of it doing one job while its memory is watched.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use lorebase_benches::check::Table;
use lorebase_benches::{Outcome, git};

use super::job::{Answer, Job};
use super::ours::WITHOUT_INDEX;
use super::peers::Peers;

/// Who takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Side {
    /// The library on a bare repository, as a server has it.
    Ours,
    /// The library on a repository with a work tree, which follows each commit.
    OursCheckout,
    /// The library without its full-text index.
    OursWithoutIndex,
    /// TypeScript, all in one transaction.
    Batched,
    /// The same with git's own shortcut for many new objects.
    BatchedFlush,
    /// TypeScript, one row after the other.
    Rows,
    /// Python.
    Python,
}

impl Side {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "lorebase",
            Self::OursCheckout => "lorebase, with a work tree",
            Self::OursWithoutIndex => "lorebase, without its full-text index",
            Self::Batched => "TypeScript, batched",
            Self::BatchedFlush => "TypeScript, `core.fsyncMethod=batch`",
            Self::Rows => "TypeScript, row by row",
            Self::Python => "Python",
        }
    }

    /// The name where there is only one way.
    pub(crate) fn plain_name(self) -> &'static str {
        match self {
            Self::Batched | Self::Rows => "TypeScript",
            side => side.name(),
        }
    }

    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::OursCheckout => "ours-checkout",
            Self::OursWithoutIndex => "ours-without-index",
            Self::Batched => "ts-batched",
            Self::BatchedFlush => "ts-batched-flush",
            Self::Rows => "ts-rows",
            Self::Python => "python",
        }
    }

    pub(crate) fn is_ours(self) -> bool {
        matches!(self, Self::Ours | Self::OursCheckout | Self::OursWithoutIndex)
    }

    pub(crate) fn table(self) -> Table {
        if self.is_ours() { Table::Ours } else { Table::Peers }
    }

    fn style(self) -> &'static str {
        match self {
            Self::OursWithoutIndex => WITHOUT_INDEX,
            Self::Rows => "rows",
            _ => "batched",
        }
    }

    fn command(self, peers: &Peers) -> Outcome<Command> {
        let mut command = match self {
            Self::Batched | Self::BatchedFlush | Self::Rows => {
                let mut node = Command::new("node");
                node.current_dir(peers.node()).args(["--import", "tsx", "main.ts"]);
                node
            }
            Self::Python => {
                let mut python = Command::new(peers.interpreter());
                python.arg(peers.python().join("main.py"));
                python
            }
            _ => {
                let mut ours = Command::new(std::env::current_exe()?);
                ours.arg("side");
                ours
            }
        };
        git::isolate(&mut command);
        Ok(command)
    }

    /// Does the job in a new process. Returns its answer and the highest anonymous memory it had, in bytes.
    pub(crate) fn run(self, peers: &Peers, job: &Job) -> Outcome<(Answer, u64)> {
        let job = Job { style: self.style().to_owned(), ..job.clone() };
        let (answer, memory) = run(self.command(peers)?, &serde_json::to_string(&job)?)
            .map_err(|error| format!("{}, {:?}: {error}", self.name(), job.work))?;
        if answer.durability != "wal 2" {
            return Err(format!("{}: the database was written with `{}`, not `wal 2`", self.name(), answer.durability).into());
        }
        Ok((answer, memory))
    }
}

/// Runs a program that takes a job and answers in one line.
pub(crate) fn run(mut command: Command, job: &str) -> Outcome<(Answer, u64)> {
    // What others have written since must not be paid for by this one.
    Command::new("sync").status()?;
    let mut child = command.arg(job).stdout(Stdio::piped()).spawn()?;
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut memory = 0;
    let ended = loop {
        memory = memory.max(anonymous(&status));
        if let Some(ended) = child.try_wait()? {
            break ended;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let mut line = String::new();
    if let Some(mut output) = child.stdout.take() {
        output.read_to_string(&mut line)?;
    }
    if !ended.success() {
        return Err(format!("ended with {ended}").into());
    }
    let answer = serde_json::from_str(line.trim()).map_err(|error| format!("answered `{}`: {error}", line.trim()))?;
    Ok((answer, memory))
}

/// `RssAnon` of a process, in bytes; 0 where the system does not tell.
fn anonymous(status: &std::path::Path) -> u64 {
    let text = std::fs::read_to_string(status).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()).unwrap_or(0) * 1024
}
