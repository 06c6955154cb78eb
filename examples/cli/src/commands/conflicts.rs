//! `conflicts`: what both sides changed, side by side.

use lorebase::store::ConflictReason;
use lorebase::{ConflictView, SideView};

use crate::Done;
use crate::args::Common;
use crate::entity::{short, steady, value};
use crate::failure::Failure;
use crate::output::{BOLD, DIM, GOOD, Output, WAITS, styled};
use crate::session::Session;
use crate::table::{cut, printable};

/// Lines of a body shown for each side.
const LINES: usize = 12;

pub(crate) async fn run(common: &Common, output: &Output) -> Result<Done, Failure> {
    let session = Session::open(common).await?;
    let conflicts = session.kb.conflicts().await?;
    if output.is_json() {
        output.json(&conflicts)?;
    } else if conflicts.is_empty() {
        output.line("no conflicts")?;
    }
    if !output.is_json() {
        for (at, conflict) in conflicts.iter().enumerate() {
            if at > 0 {
                output.line("")?;
            }
            show(output, conflict)?;
        }
    }
    Ok(Done::look_if(!conflicts.is_empty()))
}

fn show(output: &Output, conflict: &ConflictView) -> Result<(), Failure> {
    let name = format!("{}/{}", conflict.kind, conflict.slug);
    output.line(format!("{}: {}", styled(BOLD, &name), reason(conflict.reason)))?;
    let by = conflict.git_author.as_ref().map(|author| format!(" by {}", printable(&author.name))).unwrap_or_default();
    let ours = format!("here by {}, revision {}", printable(&conflict.cache_author.name), conflict.revision);
    output.line(styled(DIM, format!("  saved {ours}; in git {}{by}", short(&conflict.git_commit))))?;
    let sides = [("base", &conflict.base, DIM), ("ours", &conflict.cache, WAITS), ("git", &conflict.git, GOOD)];
    for field in &conflict.fields {
        output.line(format!("  {}", styled(BOLD, printable(field))))?;
        for (label, side, style) in sides {
            let text = told(side.as_ref(), field);
            let text = output.width().map_or_else(|| text.clone(), |width| cut(&text, width.saturating_sub(10)));
            output.line(format!("    {}  {text}", styled(style, format!("{label:4}"))))?;
        }
    }
    for (number, hunk) in conflict.hunks.iter().enumerate() {
        let title = format!("text, hunk {} (line {})", number + 1, hunk.git_line);
        output.line(format!("  {}", styled(BOLD, title)))?;
        for (label, text, style) in [("base", &hunk.base, DIM), ("ours", &hunk.cache, WAITS), ("git", &hunk.git, GOOD)] {
            lines(output, label, style, text)?;
        }
    }
    if conflict.hunks.is_empty() && sides.iter().any(|(_, side, _)| side.as_ref().is_some_and(|side| side.body.is_some())) {
        output.line(format!("  {}", styled(BOLD, "text")))?;
        for (label, side, style) in sides {
            body(output, label, style, side.as_ref())?;
        }
    }
    output.line(format!("  decide: lorebase resolve {name} --accept git|cache|FILE"))?;
    if conflict.fields.len() + conflict.hunks.len() > 1 {
        let field = conflict.fields.first().map(|field| format!(" --field '{}=git'", printable(field))).unwrap_or_default();
        let hunk = if conflict.hunks.is_empty() { "" } else { " --hunk 1=cache" };
        output.line(format!("  or part by part: --accept for the rest,{field}{hunk}"))?;
    }
    Ok(())
}

fn told(side: Option<&SideView>, field: &str) -> String {
    match side {
        None => "(not there)".to_owned(),
        Some(side) if field == "path" => side.path.clone(),
        Some(side) => side.fields.get(field).map_or_else(|| "(no such field)".to_owned(), value),
    }
}

fn body(output: &Output, label: &str, style: anstyle::Style, side: Option<&SideView>) -> Result<(), Failure> {
    match side.and_then(|side| side.body.as_deref()) {
        Some(text) => lines(output, label, style, text),
        None => output.line(format!("    {}  (not there)", styled(style, format!("{label:4}")))),
    }
}

fn lines(output: &Output, label: &str, style: anstyle::Style, text: &str) -> Result<(), Failure> {
    let text = steady(text);
    let text = text.trim_matches('\n');
    if text.is_empty() {
        return output.line(format!("    {}  (nothing)", styled(style, format!("{label:4}"))));
    }
    for (at, line) in text.lines().take(LINES).enumerate() {
        let label = if at == 0 { label } else { "" };
        let line = output.width().map_or_else(|| line.to_owned(), |width| cut(line, width.saturating_sub(12)));
        output.line(format!("    {}  {} {line}", styled(style, format!("{label:4}")), styled(DIM, "|")).trim_end())?;
    }
    match text.lines().count().saturating_sub(LINES) {
        0 => Ok(()),
        more => output.line(styled(DIM, format!("          and {more} more lines; --json has all"))),
    }
}

fn reason(reason: ConflictReason) -> &'static str {
    match reason {
        ConflictReason::BothChanged => "both sides changed it",
        ConflictReason::DeletedInGit => "it was edited here and deleted in git",
        ConflictReason::DeletedInCache => "it was deleted here and edited in git",
        ConflictReason::PathTaken => "git gave its path to another entity",
        ConflictReason::InvalidMerge => "both sides together are no valid document",
    }
}
