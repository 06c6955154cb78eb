//! `resolve`: a person's decision.

use lorebase::Accept;
use lorebase::sync::{Choices, Side};

use crate::Done;
use crate::args::{Common, Decision};
use crate::commands::save;
use crate::entity::EntityName;
use crate::failure::{Failure, usage};
use crate::input;
use crate::output::{BOLD, Output, styled};
use crate::session::Session;

pub(crate) async fn run(
    common: &Common,
    output: &Output,
    name: &EntityName,
    decision: &Decision,
    author: Option<&str>,
) -> Result<Done, Failure> {
    let accept = accept(decision)?;
    let session = Session::open(common).await?;
    let author = session.author(author)?;
    let decided = session.kb.resolve(&name.kind, name.selector(), accept, decision.expect_revision, author).await?;
    let left = session.kb.conflicts().await?;
    if output.is_json() {
        output.json(&left)?;
    } else {
        match &decided {
            Some(decided) => save::print(&session, output, "decided", decided).await?,
            None => output.line(format!("decided {}: it is gone", styled(BOLD, name)))?,
        }
        if !left.is_empty() {
            output.note(format!("{} more in conflict; see `lorebase conflicts`", left.len()));
        }
    }
    session.publish_in_background().await?;
    Ok(Done::look_if(!left.is_empty()))
}

/// One side, a whole document, or a side for each part.
fn accept(decision: &Decision) -> Result<Accept, Failure> {
    let named = decision.accept.as_deref().and_then(|accept| accept.to_str()).and_then(side);
    if decision.fields.is_empty() && decision.hunks.is_empty() {
        return match (&decision.accept, named) {
            (_, Some(Side::Git)) => Ok(Accept::Git),
            (_, Some(Side::Cache)) => Ok(Accept::Cache),
            (Some(file), None) => Ok(Accept::Document(input::text(file)?)),
            (None, None) => Err(usage("nothing is decided: say --accept git, --accept cache, --accept FILE, or --field and --hunk")),
        };
    }
    if decision.accept.is_some() && named.is_none() {
        return Err(usage("a whole document decides everything: leave out --field and --hunk, or accept git or cache for the rest"));
    }
    let mut choices = Choices { rest: named, ..Choices::default() };
    for choice in &decision.fields {
        let (field, side) = chosen("--field", choice)?;
        choices = choices.field(field, side);
    }
    for choice in &decision.hunks {
        let (number, side) = chosen("--hunk", choice)?;
        let number: usize = number.parse().ok().filter(|number| *number > 0).ok_or_else(|| {
            usage(format!(
                "`--hunk {}` names no hunk; write its number as `lorebase conflicts` shows it, for example --hunk 1=git",
                choice.escape_debug()
            ))
        })?;
        choices = choices.hunk(number - 1, side);
    }
    Ok(Accept::Each(choices))
}

/// `WHAT=git` or `WHAT=cache`; what is decided may hold `=` itself.
fn chosen<'a>(option: &str, choice: &'a str) -> Result<(&'a str, Side), Failure> {
    choice
        .rsplit_once('=')
        .and_then(|(what, name)| Some((what, side(name)?)))
        .ok_or_else(|| usage(format!("`{option} {}` chooses no side; end it with =git or =cache", choice.escape_debug())))
}

fn side(name: &str) -> Option<Side> {
    match name {
        "git" => Some(Side::Git),
        "cache" => Some(Side::Cache),
        _ => None,
    }
}
