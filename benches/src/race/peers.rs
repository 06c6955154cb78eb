//! The peers' packages, installed into the target folder from their lockfiles: what is measured is what is locked.

use std::path::{Path, PathBuf};
use std::process::Command;

use lorebase_benches::Outcome;

/// Where the peers are.
#[derive(Debug, Clone)]
pub(crate) struct Peers {
    folder: PathBuf,
}

impl Peers {
    /// Copies the peers' sources below `target` and installs their packages, unless these very ones are there.
    pub(crate) fn install(target: &Path) -> Outcome<Self> {
        let peers = Self { folder: target.join("peers") };
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
        copy(&sources.join("node"), &peers.node())?;
        copy(&sources.join("python"), &peers.python())?;
        once(&peers.node(), "package-lock.json", || {
            let mut npm = Command::new("npm");
            run(npm.current_dir(peers.node()).args(["ci", "--no-audit", "--no-fund"]), "install Node 20 or later with npm")
        })?;
        once(&peers.python(), "requirements.txt", || {
            let mut python = Command::new("python3");
            run(python.args(["-m", "venv", "--clear"]).arg(peers.python().join("venv")), "install Python 3.11 or later")?;
            let mut pip = Command::new(peers.interpreter());
            run(pip.current_dir(peers.python()).args(["-m", "pip", "install", "-q", "--no-deps", "-r", "requirements.txt"]), "see above")
        })?;
        Ok(peers)
    }

    pub(crate) fn node(&self) -> PathBuf {
        self.folder.join("node")
    }

    pub(crate) fn python(&self) -> PathBuf {
        self.folder.join("python")
    }

    pub(crate) fn interpreter(&self) -> PathBuf {
        self.python().join("venv/bin/python")
    }
}

fn copy(from: &Path, to: &Path) -> Outcome<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

/// Installs unless the lockfile is the one that was installed last.
fn once(folder: &Path, lockfile: &str, install: impl FnOnce() -> Outcome<()>) -> Outcome<()> {
    let wanted = std::fs::read(folder.join(lockfile))?;
    let installed = folder.join("installed");
    if std::fs::read(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    install()?;
    std::fs::write(installed, wanted)?;
    Ok(())
}

fn run(command: &mut Command, otherwise: &str) -> Outcome<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    eprintln!("installing the peers' packages with {name}");
    let status = command.status().map_err(|error| format!("cannot start {name}: {error}; {otherwise}"))?;
    if status.success() { Ok(()) } else { Err(format!("{name} ended with {status}; {otherwise}").into()) }
}
