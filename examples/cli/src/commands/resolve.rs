//! `resolve`: a person's decision.

use std::path::Path;

use lorebase::Accept;

use crate::Done;
use crate::args::Common;
use crate::commands::save;
use crate::entity::EntityName;
use crate::failure::Failure;
use crate::input;
use crate::output::{BOLD, Output, styled};
use crate::session::Session;

pub(crate) async fn run(common: &Common, output: &Output, name: &EntityName, accept: &Path, author: Option<&str>) -> Result<Done, Failure> {
    let accept = match accept.to_str() {
        Some("git") => Accept::Git,
        Some("cache") => Accept::Cache,
        _ => Accept::Document(input::text(accept)?),
    };
    let session = Session::open(common).await?;
    let author = session.author(author)?;
    let decided = session.kb.resolve(&name.kind, name.selector(), accept, None, author).await?;
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
