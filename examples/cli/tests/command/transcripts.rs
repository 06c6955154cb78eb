//! The transcripts of the documentation are what happens: their commands are run, and what they print is compared. With
//! `LOREBASE_UPDATE_DOCS=1` the page is written anew instead.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::world::clean;

const BLOCK: &str = "```console\n";

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../core/docs/transcripts.md")
}

/// One shell, command by command: where one leaves it the next one begins.
struct Shell {
    folder: tempfile::TempDir,
    place: PathBuf,
}

impl Shell {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().to_owned();
        Self { folder, place }
    }

    /// What a command prints on both streams, in their order.
    fn run(&mut self, line: &str) -> String {
        let left = self.folder.path().join("place");
        let script = format!("exec 2>&1\n{line}\nstatus=$?\npwd > '{}'\nexit $status\n", left.display());
        let mut command = Command::new("sh");
        clean(&mut command);
        let program = Path::new(env!("CARGO_BIN_EXE_lorebase")).parent().unwrap();
        let path = std::env::join_paths(
            std::iter::once(program.to_owned()).chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
        );
        command.args(["-c", &script]).current_dir(&self.place).env("PATH", path.unwrap()).stdin(Stdio::null());
        let output = command.output().unwrap();
        self.place = PathBuf::from(std::fs::read_to_string(&left).unwrap().trim_end());
        String::from_utf8(output.stdout).unwrap()
    }
}

/// The commands of a stretch of the page, with what they print in place of what stands there.
fn rerun(shell: &mut Shell, text: &str) -> String {
    let mut told = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(BLOCK) {
        let (before, block) = rest.split_at(at + BLOCK.len());
        told.push_str(before);
        let end = block.find("```").unwrap();
        for line in block[..end].lines().filter_map(|line| line.strip_prefix("$ ")) {
            let _ = write!(told, "$ {line}\n{}", shell.run(line));
        }
        rest = &block[end..];
    }
    told + rest
}

/// The same for all commit ids.
fn without_ids(text: &str) -> String {
    let mut told = String::new();
    let mut word = String::new();
    for c in text.chars().chain(['\n']) {
        if c.is_ascii_alphanumeric() {
            word.push(c);
            continue;
        }
        let id = word.len() >= 7 && word.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c));
        told.push_str(if id { "[id]" } else { &word });
        word.clear();
        told.push(c);
    }
    told
}

#[test]
fn the_transcripts_of_the_documentation_are_what_happens() {
    let text = std::fs::read_to_string(page()).unwrap();
    let mut sections = text.split_inclusive("\n## ").collect::<Vec<_>>().into_iter();
    let beginning = sections.next().unwrap();
    let mut told = rerun(&mut Shell::new(), beginning);
    for section in sections {
        let mut shell = Shell::new();
        rerun(&mut shell, beginning);
        told.push_str(&rerun(&mut shell, section));
    }
    if std::env::var_os("LOREBASE_UPDATE_DOCS").is_some() {
        std::fs::write(page(), told).unwrap();
        return;
    }
    assert_eq!(without_ids(&told), without_ids(&text), "run again with LOREBASE_UPDATE_DOCS=1 and look at the difference");
}
