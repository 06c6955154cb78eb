//! `validate`: files as they are on the disk.

use std::path::PathBuf;

use lorebase_backends::{Checked, validate_folder};

use crate::Done;
use crate::args::{Common, Findings};
use crate::failure::Failure;
use crate::findings::{Finding, github, print, text};
use crate::output::{BAD, GOOD, Output, WAITS, styled};
use crate::session::local;

pub(crate) async fn run(common: &Common, output: &Output, path: Option<PathBuf>, format: Findings) -> Result<Done, Failure> {
    let path = match path {
        Some(path) => path,
        None => local(common)?,
    };
    let checked = validate_folder(&path, common.root.as_deref()).await?;
    let format = if output.is_json() { Findings::Json } else { format };
    match format {
        Findings::Json => output.json(&checked.diagnostics.iter().map(Finding::from).collect::<Vec<_>>())?,
        Findings::Github => print(output, &checked.diagnostics, github)?,
        Findings::Text => print(output, &checked.diagnostics, text)?,
    }
    output.note(summary(&checked));
    Ok(Done::look_if(checked.errors() > 0))
}

fn summary(checked: &Checked) -> String {
    let (errors, all) = (checked.errors(), checked.diagnostics.len());
    let count = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let files = count(checked.files, "file");
    match (errors, all - errors) {
        (0, 0) if checked.files == 0 => styled(WAITS, "no file here belongs to a kind; `lorebase.yaml` says where the kinds' folders are"),
        (0, 0) => format!("{files} checked: {}", styled(GOOD, "all well")),
        (0, warnings) => format!("{files} checked: {}", styled(WAITS, count(warnings, "warning"))),
        (errors, 0) => format!("{files} checked: {}", styled(BAD, count(errors, "error"))),
        (errors, warnings) => {
            format!("{files} checked: {}, {}", styled(BAD, count(errors, "error")), styled(WAITS, count(warnings, "warning")))
        }
    }
}
