//! The main job in one command: knowledge travels from a form into a git commit and from an engineer's commit into
//! SQL, and nothing is lost on the way. Needs only Rust: `cargo run --example quickstart [-- PATH]`.
//!
//! Without `PATH`, or with one where nothing is yet, the whole story happens in a new repository, which is kept. In a
//! repository that exists nothing is committed and no file is touched: the story only says what is there.

mod engineer;
mod look;
mod page;
mod story;
mod visit;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo run --example quickstart [-- PATH]

  without PATH  tells the whole story in a new repository in the folder for temporary files, and keeps it
  with PATH     the same where PATH does not exist or is an empty folder; says what is there, and commits
                nothing, where PATH is a git repository";

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let told = match (arguments.next(), arguments.next()) {
        (Some(word), None) if word == "--help" || word == "-h" => {
            page::line(USAGE);
            Ok(())
        }
        (Some(word), None) if word.to_string_lossy().starts_with('-') => Err(USAGE.into()),
        (path, None) => pollster::block_on(tell(path.map(PathBuf::from))),
        (_, Some(_)) => Err(USAGE.into()),
    };
    match told {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn tell(path: Option<PathBuf>) -> Result<(), Box<dyn Error>> {
    match path {
        None => {
            let folder = tempfile::Builder::new().prefix("lorebase-quickstart-").tempdir()?.keep();
            story::tell(&folder).await?;
        }
        Some(path) if nothing_there(&path)? => story::tell(&path).await?,
        Some(path) => visit::tell(&path).await?,
    }
    Ok(())
}

fn nothing_there(path: &Path) -> Result<bool, String> {
    match std::fs::read_dir(path) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(format!("cannot look into `{}`: {error}; name a folder that you can read", path.display())),
    }
}
