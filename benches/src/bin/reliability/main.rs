//! Reads what the long forms of the proofs came to and writes `core/docs/reliability.md` from it. Fails loudly when a
//! proof is missing, did not run, or found anything. `make torture` calls it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command speaks to its user")]

mod page;
mod proofs;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use lorebase_benches::Outcome;
use proofs::Proofs;

const USAGE: &str = "\
reliability FOLDER [--short]

FOLDER holds one JSON file for each proof, as LOREBASE_TORTURE_REPORT makes them. Prints the tables and writes
core/docs/reliability.md. With --short the counts may be small, and nothing is written.
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (options, folders): (Vec<&str>, Vec<&str>) = words.iter().map(String::as_str).partition(|word| word.starts_with("--"));
    let done = match (folders.as_slice(), options.as_slice()) {
        ([folder], []) => tell(Path::new(folder), false),
        ([folder], ["--short"]) => tell(Path::new(folder), true),
        _ => Err(USAGE.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("reliability: {error}");
            ExitCode::FAILURE
        }
    }
}

fn tell(folder: &Path, short: bool) -> Outcome<()> {
    let proofs = Proofs::read(folder)?;
    let text = page::page(&proofs);
    println!("{text}");
    let faults = proofs.faults(short);
    if !faults.is_empty() {
        return Err(format!("the proofs do not hold:\n- {}", faults.join("\n- ")).into());
    }
    if !short {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../core/docs/reliability.md");
        std::fs::write(&path, text)?;
        println!("written: {}", path.canonicalize()?.display());
    }
    Ok(())
}
