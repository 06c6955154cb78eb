//! `import`: rows of an existing table into the cache.

use std::path::Path;

use lorebase::{Error, Result};

use crate::Done;
use crate::args::Common;
use crate::failure::Failure;
use crate::input;
use crate::output::{GOOD, Output, styled};
use crate::progress::Meter;
use crate::session::Session;

pub(crate) async fn run(common: &Common, output: &Output, rows: &Path, kind: &str, author: Option<&str>) -> Result<Done, Failure> {
    let text = input::text(rows)?;
    let session = Session::open(common).await?;
    let author = session.author(author)?;
    let meter = Meter::new();
    let imported = session.kb.import_lines(kind, &text, author, Some(meter.callback())).await;
    drop(meter);
    let report = named(rows, imported)?;
    if output.is_json() {
        output.json(&report)?;
        return Ok(Done::Well);
    }
    output.line(format!(
        "{}: {} created, {} updated, {} unchanged",
        styled(GOOD, "imported"),
        report.created,
        report.updated,
        report.unchanged
    ))?;
    if report.created + report.updated > 0 {
        output.note("nothing is committed yet: `lorebase export --one-commit` or `lorebase sync` does that");
    }
    Ok(Done::Well)
}

/// An error that names a line, with the file it is in.
fn named<T>(file: &Path, outcome: Result<T>) -> Result<T> {
    outcome.map_err(|error| {
        if !error.message().starts_with("line ") {
            return error;
        }
        let named = Error::new(error.kind(), format!("{}, {}", file.display(), error.message()));
        error.context().iter().fold(named, |named, (key, value)| named.with(key, value.clone()))
    })
}
