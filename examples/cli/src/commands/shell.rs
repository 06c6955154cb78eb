//! `completions` and `man`: what a shell and `man` want to know about the command, made from its own definition.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::Done;
use crate::args::Arguments;
use crate::failure::{Failure, usage};
use crate::output::Output;

pub(crate) fn completions(output: &Output, shell: Shell) -> Result<Done, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "lorebase", &mut script);
    output.bytes(&script)?;
    Ok(Done::Well)
}

pub(crate) fn man(output: &Output, name: Option<&str>) -> Result<Done, Failure> {
    let mut whole = Arguments::command();
    whole.build();
    let command = match name {
        None => whole,
        Some(name) => {
            let found = whole.find_subcommand(name).cloned();
            found.ok_or_else(|| usage(format!("there is no command `{}`; `lorebase help` lists them", name.escape_debug())))?
        }
    };
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    output.bytes(&page)?;
    Ok(Done::Well)
}
