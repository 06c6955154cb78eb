//! The sides of the race: what each is, and a process of it doing one job while its memory is watched.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::Duration;

use lorebase_benches::check::Table;
use lorebase_benches::{Outcome, git};

use super::job::{Answer, Job, Work};
use super::ours::WITHOUT_INDEX;
use super::peers::Peers;
use super::plain::WITHOUT_JOURNAL;
use super::texts::EDIT;

/// Who takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Side {
    /// The library on a bare repository, as a server has it.
    Ours,
    /// The library on a repository with a work tree, which follows each commit.
    OursCheckout,
    /// The library without its full-text index.
    OursWithoutIndex,
    /// A commit and a transaction, and no journal.
    Plain,
    /// TypeScript, all in one transaction.
    Batched,
    /// The same with git's own shortcut for many new objects.
    BatchedFlush,
    /// TypeScript, one row after the other.
    Rows,
    /// Python.
    Python,
    /// The library, editing one field.
    OursEdit,
    /// A reader of frontmatter in JavaScript.
    GrayMatter,
    /// A reader of YAML in JavaScript.
    JsYaml,
    /// Another one, which keeps places and comments.
    Yaml,
}

impl Side {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "lorebase",
            Self::OursCheckout => "lorebase, with a work tree",
            Self::OursWithoutIndex => "lorebase, without its full-text index",
            Self::Plain => "gix and SQLite alone",
            Self::Batched => "TypeScript, batched",
            Self::BatchedFlush => "TypeScript, `core.fsyncMethod=batch`",
            Self::Rows => "TypeScript, row by row",
            Self::Python => "Python",
            Self::OursEdit => "lorebase, one field set and the result verified",
            Self::GrayMatter => "gray-matter",
            Self::JsYaml => "js-yaml 4",
            Self::Yaml => "yaml 2",
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
            Self::Plain => "plain",
            Self::Batched => "ts-batched",
            Self::BatchedFlush => "ts-batched-flush",
            Self::Rows => "ts-rows",
            Self::Python => "python",
            Self::OursEdit => "ours-edit",
            Self::GrayMatter => "gray-matter",
            Self::JsYaml => "js-yaml",
            Self::Yaml => "yaml",
        }
    }

    /// Whether its database is one that the library has filled.
    pub(crate) fn is_ours(self) -> bool {
        matches!(self, Self::Ours | Self::OursCheckout | Self::OursWithoutIndex | Self::Plain)
    }

    pub(crate) fn table(self) -> Table {
        if self.is_ours() { Table::Ours } else { Table::Peers }
    }

    fn style(self) -> &'static str {
        match self {
            Self::OursWithoutIndex => WITHOUT_INDEX,
            Self::Plain => WITHOUT_JOURNAL,
            Self::Rows => "rows",
            Self::OursEdit => EDIT,
            Self::GrayMatter | Self::JsYaml | Self::Yaml => self.key(),
            _ => "batched",
        }
    }

    fn command(self, peers: &Peers) -> Outcome<Command> {
        let mut command = match self {
            Self::Batched | Self::BatchedFlush | Self::Rows | Self::GrayMatter | Self::JsYaml | Self::Yaml => {
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

    /// Does the job in a new process. Returns its answer and what it used.
    pub(crate) fn run(self, peers: &Peers, job: &Job) -> Outcome<(Answer, Usage)> {
        let job = Job { style: self.style().to_owned(), ..job.clone() };
        let (answer, usage) = run(self.command(peers)?, &serde_json::to_string(&job)?)
            .map_err(|error| format!("{}, {:?}: {error}", self.name(), job.work))?;
        if job.work != Work::Decode && answer.durability != "wal 2" {
            return Err(format!("{}: the database was written with `{}`, not `wal 2`", self.name(), answer.durability).into());
        }
        Ok((answer, usage))
    }
}

/// What a process used from its start to its end, beginning and loading included.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Usage {
    /// The highest anonymous memory it was seen with, in bytes; 0 where the system does not tell. Not that of the
    /// processes it started.
    pub(crate) memory: u64,
    /// Seconds of processor time, those of the processes it started and waited for included.
    pub(crate) processor: f64,
}

impl Usage {
    fn look(&mut self, process: u32) {
        let read = |name: &str| std::fs::read_to_string(format!("/proc/{process}/{name}")).unwrap_or_default();
        let status = read("status");
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
        let memory = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
        self.memory = self.memory.max(memory.unwrap_or(0) * 1024);
        // Behind the name, which may hold anything: the 12th to the 15th are times in hundredths of a second.
        let stat = read("stat");
        let ticks = stat.rsplit(')').next().into_iter().flat_map(str::split_whitespace).skip(11).take(4);
        let ticks: u32 = ticks.filter_map(|ticks| ticks.parse::<u32>().ok()).sum();
        self.processor = self.processor.max(f64::from(ticks) / 100.0);
    }
}

/// Runs a program that takes a job and answers in one line.
pub(crate) fn run(mut command: Command, job: &str) -> Outcome<(Answer, Usage)> {
    // What others have written since must not be paid for by this one.
    Command::new("sync").status()?;
    let mut child = command.arg(job).stdout(Stdio::piped()).spawn()?;
    let mut usage = Usage::default();
    let ended = loop {
        usage.look(child.id());
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
    Ok((answer, usage))
}
