//! The `lorebase` command: knowledge in git and SQL from a terminal, a runbook or CI. It parses, calls the library and
//! prints; it decides nothing. What it does and gives is described by `lorebase help` and, for programs, by the types
//! that the library serialises.

mod args;
mod commands;
mod entity;
mod failure;
mod findings;
mod input;
mod interrupt;
mod output;
mod progress;
mod session;
mod table;

use std::process::ExitCode;

use clap::Parser;

use crate::args::Arguments;
use crate::output::Output;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How a command ended, when it did what it was asked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Done {
    /// Nothing more to say.
    Well,
    /// There is something to look at: broken files, drift, conflicts, bad health.
    Look,
    /// A person stopped it between two transactions.
    Interrupted,
}

impl Done {
    fn look_if(something: bool) -> Self {
        if something { Self::Look } else { Self::Well }
    }
}

impl From<Done> for ExitCode {
    fn from(done: Done) -> Self {
        match done {
            Done::Well => Self::SUCCESS,
            Done::Look => Self::from(1),
            Done::Interrupted => Self::from(interrupt::STATUS),
        }
    }
}

fn main() -> ExitCode {
    interrupt::install();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return failure::unparsed(&error),
    };
    let output = Output::new(arguments.options.json);
    match pollster::block_on(commands::run(arguments, &output)) {
        Ok(done) => done.into(),
        Err(failure) => failure.report(&output),
    }
}
