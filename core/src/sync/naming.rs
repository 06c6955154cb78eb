//! What a saved entity is called and where it lives: ids that never change, slugs that follow their titles, places
//! that belong to the kind. Pure.

use serde_json::Value;

use super::patch::{edit_name, edit_value};
use super::request::Save;
use super::save::SaveContext;
use crate::codec::FieldEdit;
use crate::knowledge::{Content, EntityId, EntityKey, Format, Kind, Location, Naming, Slug, slugify};
use crate::store::Record;
use crate::{Error, ErrorKind, Result};

pub(super) fn refuse_new_id(record: &Record, edits: &[FieldEdit]) -> Result<()> {
    let new = edits.iter().any(|edit| match edit {
        FieldEdit::Set(name, value) => name == "id" && value.as_str() != Some(record.key.id.as_str()),
        FieldEdit::Unset(name) => name == "id",
    });
    if new {
        return Err(Error::new(ErrorKind::InvalidInput, format!("the id of {} never changes; make a new entity instead", record.key)));
    }
    Ok(())
}

/// The slug that a new title asks for, while the old one followed its title.
pub(super) fn follow_title(kind: &Kind, current: &Content, new_title: &str) -> Option<Slug> {
    if kind.naming != Naming::Slug || kind.format == Format::Json || new_title == current.title {
        return None;
    }
    let follows = current.slug.same_as_generated(&current.title);
    follows.then(|| slugify(new_title)).flatten().filter(|slug| *slug != current.slug)
}

/// Id and slug of a new entity.
pub(super) fn new_identity(ctx: &SaveContext<'_>, save: &Save, edits: &[FieldEdit]) -> Result<(EntityKey, Slug)> {
    let text = |name: &str| {
        edits.iter().rev().find(|edit| edit_name(edit) == name).and_then(edit_value).and_then(Value::as_str).map(str::to_owned)
    };
    let given = save.id.as_ref().map(|id| id.as_str().to_owned()).or_else(|| text("id")).filter(|id| !id.is_empty());
    let title = ctx.kind.title_fields.iter().find_map(|field| text(field)).filter(|title| !title.trim().is_empty());
    let named_by_id = ctx.kind.naming == Naming::Id || ctx.kind.format == Format::Json;
    // A title such as `Con` makes no file name that every system takes: its entity is named by its id.
    let from_title = || title.as_deref().and_then(slugify).filter(|slug| place(ctx, slug).is_ok());
    let slug = match &save.slug {
        Some(slug) => slug.clone(),
        None if named_by_id => given.as_deref().map(Slug::from).or_else(from_title).unwrap_or_else(|| Slug::new(ctx.fresh_id.to_string())),
        None => {
            let by_id = || given.as_deref().and_then(slugify).unwrap_or_else(|| Slug::new(ctx.fresh_id.to_string()));
            if title.is_none() && given.is_none() {
                return Err(Error::new(ErrorKind::InvalidInput, format!("a new {} needs a title, a slug or an id", ctx.kind.name)));
            }
            from_title().unwrap_or_else(by_id)
        }
    };
    let stem = || slug.as_str().rsplit('/').next().unwrap_or_default().to_owned();
    let id = given.unwrap_or_else(|| if named_by_id { stem() } else { ctx.fresh_id.to_string() });
    Ok((EntityKey { kind: ctx.kind.name.clone(), id: EntityId::new(id) }, slug))
}

/// Where an entity with this slug lives: a safe path that belongs to the kind.
pub(super) fn place(ctx: &SaveContext<'_>, slug: &Slug) -> Result<Location> {
    let location = ctx.kind.location(slug)?;
    match ctx.config.classify(&location.path) {
        Some(kind) if kind.name == ctx.kind.name => Ok(location),
        other => {
            let whose = other.map_or_else(|| "no kind".to_owned(), |kind| format!("the kind {}", kind.name));
            let message = format!(
                "the slug `{slug}` would put this {} at `{location}`, which belongs to {whose}; choose another slug",
                ctx.kind.name
            );
            Err(Error::new(ErrorKind::InvalidInput, message))
        }
    }
}
