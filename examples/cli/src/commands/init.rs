//! `init`: a new knowledge repository.

use std::path::PathBuf;

use lorebase::knowledge::Author;
use lorebase_backends::{InitOptions, init, person};

use crate::Done;
use crate::args::Common;
use crate::entity::short;
use crate::failure::Failure;
use crate::output::{BOLD, DIM, Output, styled};
use crate::session::local;

pub(crate) async fn run(common: &Common, output: &Output, path: Option<PathBuf>) -> Result<Done, Failure> {
    let path = match path {
        Some(path) => local(&Common { repo: path, ..common.clone() })?,
        None => local(common)?,
    };
    let author = person(&path).unwrap_or_else(|| Author::new("Lorebase", "lorebase@localhost"));
    let root = common.root.clone().unwrap_or_default();
    let begun = init(InitOptions { path, branch: common.branch.clone(), root, author }).await?;
    if output.is_json() {
        output.json(&begun)?;
        return Ok(Done::Well);
    }
    output.line(format!("began {} with commit {}", styled(BOLD, begun.path.display()), short(begun.commit.as_str())))?;
    for file in &begun.files {
        output.line(format!("  {}", styled(DIM, file)))?;
    }
    output.note(
        "next, in that folder: write a file, or `lorebase save skill/my-first --title 'My first'`; `lorebase list` shows what is there",
    );
    Ok(Done::Well)
}
