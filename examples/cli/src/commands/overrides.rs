//! `overrides`: where an entity differs from what an external source said, and settling that.

use lorebase::{Override, Settle};

use crate::Done;
use crate::args::{Common, SettleAs};
use crate::commands::save;
use crate::entity::{EntityName, value};
use crate::failure::Failure;
use crate::output::{BOLD, Output, WAITS, styled};
use crate::session::Session;
use crate::table::{cut, printable};

pub(crate) async fn run(common: &Common, output: &Output, source: &str) -> Result<Done, Failure> {
    let session = Session::open(common).await?;
    let found = session.kb.overrides(source).await?;
    let open = found.iter().flat_map(|entity| &entity.fields).any(|field| field.open);
    if output.is_json() {
        output.json(&found)?;
        return Ok(Done::look_if(open));
    }
    if found.is_empty() {
        output.line(format!("every entity has what `{}` said", printable(source)))?;
    }
    for entity in &found {
        show(output, source, entity)?;
    }
    Ok(Done::look_if(open))
}

fn show(output: &Output, source: &str, entity: &Override) -> Result<(), Failure> {
    let name = format!("{}/{}", entity.kind, entity.slug);
    output.line(styled(BOLD, &name))?;
    for field in &entity.fields {
        let told = |side: Option<&serde_json::Value>| side.map_or_else(|| "(no such field)".to_owned(), value);
        let open = if field.open { format!(" {}", styled(WAITS, "(undecided)")) } else { String::new() };
        let text = format!("{} here, {} says {}", told(field.current.as_ref()), printable(source), told(field.said.as_ref()));
        let text = output.width().map_or_else(|| text.clone(), |width| cut(&text, width.saturating_sub(field.field.len() + 18)));
        output.line(format!("  {}: {text}{open}", printable(&field.field)))?;
    }
    if entity.fields.iter().any(|field| field.open) {
        output.line(format!("  decide: lorebase overrides {} {name} --settle keep|take [--field FIELD]", printable(source)))?;
    }
    Ok(())
}

pub(crate) async fn settle(
    common: &Common,
    output: &Output,
    source: &str,
    name: &EntityName,
    settle: SettleAs,
    fields: &[String],
    author: Option<&str>,
) -> Result<Done, Failure> {
    let settle = match settle {
        SettleAs::Keep => Settle::Keep,
        SettleAs::Take => Settle::Take,
    };
    let session = Session::open(common).await?;
    let author = session.author(author)?;
    let settled = session.kb.settle(&name.kind, name.selector(), source, settle, fields, author).await?;
    save::print(&session, output, "settled", &settled).await?;
    session.publish_in_background().await?;
    Ok(Done::Well)
}
