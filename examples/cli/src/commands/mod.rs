//! One file a command: each opens what it needs, calls the library once or twice, and prints.

mod conflicts;
mod delete;
mod drift;
mod get;
mod import;
mod init;
mod list;
mod log;
mod overrides;
mod resolve;
mod save;
mod schema;
mod shell;
mod status;
mod sync;
mod validate;

use crate::Done;
use crate::args::{Arguments, Command};
use crate::failure::Failure;
use crate::output::Output;

pub(crate) async fn run(arguments: Arguments, output: &Output) -> Result<Done, Failure> {
    let options = arguments.options;
    match arguments.command {
        Command::Init { path } => init::run(&options, output, path).await,
        Command::Sync { dry_run, allow_deletions } => sync::run(&options, output, dry_run, allow_deletions).await,
        Command::Status => status::run(&options, output).await,
        Command::List(list) => list::run(&options, output, list).await,
        Command::Get { entity, working } => get::run(&options, output, &entity, working).await,
        Command::Save(save) => save::run(&options, output, save).await,
        Command::Delete { entity, author, message, expect_revision } => {
            delete::run(&options, output, &entity, author.as_deref(), message, expect_revision).await
        }
        Command::Log { entity, status, since, limit } => log::run(&options, output, entity.as_ref(), status, since.as_deref(), limit).await,
        Command::Retry { entity } => log::retry(&options, output, entity.as_ref()).await,
        Command::Drift { repair } => drift::run(&options, output, repair).await,
        Command::Conflicts => conflicts::run(&options, output).await,
        Command::Resolve { entity, decision, author } => resolve::run(&options, output, &entity, &decision, author.as_deref()).await,
        Command::Overrides { source, entity, settle, fields, author } => match entity.zip(settle) {
            Some((entity, settle)) => overrides::settle(&options, output, &source, &entity, settle, &fields, author.as_deref()).await,
            None => overrides::run(&options, output, &source).await,
        },
        Command::Export { one_commit } => sync::export(&options, output, one_commit).await,
        Command::Import { rows, kind, author } => import::run(&options, output, &rows, &kind, author.as_deref()).await,
        Command::Validate { path, format } => validate::run(&options, output, path, format).await,
        Command::Schema { kind } => schema::run(&options, output, &kind).await,
        Command::Completions { shell } => shell::completions(output, shell),
        Command::Man { command } => shell::man(output, command.as_deref()),
    }
}
