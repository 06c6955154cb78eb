//! `save`: create or change, then publish.

use lorebase::codec::parse_value;
use lorebase::knowledge::{Knowledge, SyncStatus};
use lorebase::store::{LogQuery, View};
use lorebase::{PublishMode, Selector, sync};

use crate::Done;
use crate::args::{Common, Save};
use crate::entity;
use crate::failure::{Failure, usage};
use crate::input;
use crate::output::Output;
use crate::session::Session;

pub(crate) async fn run(common: &Common, output: &Output, arguments: Save) -> Result<Done, Failure> {
    let mut save = request(&arguments)?;
    let session = Session::open(common).await?;
    save.author = session.author(arguments.author.as_deref())?;
    let before = session.kb.get_view(&arguments.entity.kind, arguments.entity.selector(), View::Working).await?;
    let saved = session.kb.save(save).await?;
    let verb = match before {
        None => "created",
        Some(before) if before.revision == saved.revision => "nothing new in",
        Some(_) => "saved",
    };
    print(&session, output, verb, &saved).await?;
    session.publish_in_background().await?;
    Ok(Done::Well)
}

fn request(arguments: &Save) -> Result<sync::Save, Failure> {
    let mut save = sync::Save::upsert(&arguments.entity.kind, "");
    (save.slug, save.id) = match arguments.entity.selector() {
        Selector::Slug(slug) => (Some(slug), None),
        Selector::Id(id) => (None, Some(id)),
    };
    for pair in &arguments.set {
        let (field, value) = pair
            .split_once('=')
            .filter(|(field, _)| !field.trim().is_empty())
            .ok_or_else(|| usage(format!("`--set {}` names no value; write --set FIELD=YAML", pair.escape_debug())))?;
        let value = parse_value(value).map_err(|error| usage(format!("--set {}: {}", field.trim(), error.message())))?;
        save = save.set(field.trim(), value);
    }
    for field in &arguments.unset {
        save = save.unset(field);
    }
    if let Some(status) = &arguments.status {
        save = save.set("status", status.as_str());
    }
    if let Some(title) = &arguments.title {
        save = save.title(title);
    }
    if let Some(file) = &arguments.body_file {
        save = save.body(input::text(file)?);
    }
    save.message.clone_from(&arguments.message);
    Ok(match (&arguments.source, arguments.expect_revision) {
        (Some(source), _) => save.source(source),
        (None, Some(revision)) => save.based_on(revision),
        (None, None) => save.based_on_current(),
    })
}

/// A saved entity: the document, or one line with the reason where it waits.
pub(crate) async fn print(session: &Session, output: &Output, verb: &str, saved: &Knowledge) -> Result<(), Failure> {
    if output.is_json() {
        return output.json(saved);
    }
    let why = match saved.sync_status {
        SyncStatus::Pending | SyncStatus::Failed => why(session, saved).await?,
        _ => None,
    };
    output.line(entity::saved(verb, saved, why.as_deref()))
}

/// Why it waits, where that was not asked for.
async fn why(session: &Session, saved: &Knowledge) -> Result<Option<String>, Failure> {
    match session.publish {
        PublishMode::Off => return Ok(None),
        PublishMode::Background => return Ok(Some("it is committed now".to_owned())),
        PublishMode::Inline => {}
    }
    let newest = session.kb.log(&LogQuery { key: Some(saved.key()), limit: 1, ..LogQuery::default() }).await?;
    let error = newest.into_iter().next().and_then(|row| row.error);
    let pause = session.kb.status().await?.pause.map(|pause| pause.reason);
    let way_out =
        if saved.sync_status == SyncStatus::Failed { "mend that and run `lorebase retry`" } else { "`lorebase sync` tries again" };
    Ok(error.or(pause).map(|why| format!("{why}; {way_out}")))
}
