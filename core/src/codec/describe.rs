//! What a document says about itself: its id, title, slug and workflow state, and the rules of its kind about single
//! fields. Pure over what was read of its outermost entries; places are those of the text that was read.

use std::borrow::Cow;

use super::fault::Fault;
use super::node::{Data, Node, Style};
use super::scalar;
use crate::knowledge::{EntityId, Format, Kind, KnowledgePath, Location, Naming, Slug, Status};

/// Who the entity is, and whether the document says so itself.
pub(super) struct Identity {
    pub(super) id: EntityId,
    pub(super) explicit: bool,
}

/// One entry of a document's outermost mapping: all that is asked of it beside its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Said<'a> {
    pub(super) key: Cow<'a, str>,
    pub(super) key_start: usize,
    pub(super) value_start: usize,
    /// Where the value is a scalar.
    pub(super) text: Option<Text<'a>>,
}

/// A scalar as it is meant.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Text<'a> {
    pub(super) text: Cow<'a, str>,
    /// Whether it is written without quotes and tag.
    pub(super) plain: bool,
}

impl<'a> Said<'a> {
    /// The entries of a tree that is a mapping whose keys are texts.
    pub(super) fn of(tree: &'a Node<'a>) -> Vec<Self> {
        let Data::Map(entries, _) = &tree.data else { return Vec::new() };
        let said = |entry: &'a super::node::Entry<'a>| {
            let text = match &entry.value.data {
                Data::Scalar(text, style) => {
                    Some(Text { text: Cow::Borrowed(text.as_ref()), plain: *style == Style::Plain && !entry.value.tagged })
                }
                _ => None,
            };
            let key = Cow::Borrowed(entry.key.text()?);
            Some(Self { key, key_start: entry.key.start, value_start: entry.value.start, text })
        };
        entries.iter().filter_map(said).collect()
    }
}

/// What one document's fields say, and what is noticed while reading it.
pub(super) struct Description<'d> {
    pub(super) kind: &'d Kind,
    pub(super) location: &'d Location,
    pub(super) said: &'d [Said<'d>],
    pub(super) warnings: Vec<Fault>,
}

impl<'d> Description<'d> {
    /// The id that the document gives, else the one of its place.
    pub(super) fn identity(&mut self, root: &str) -> Identity {
        if let Some(entry) = self.entry("id") {
            match naming_text(entry) {
                Some(text) => return Identity { id: EntityId::new(text), explicit: true },
                None => self.warnings.push(Fault::new(
                    "id.invalid",
                    entry.key_start,
                    "`id` must be a text or a number; it is ignored, so that the id changes when the file moves: give it a value or remove it",
                )),
            }
        }
        let id = match (self.kind.naming, &self.location.entry) {
            (Naming::Id, Some(entry)) => EntityId::new(entry.as_str()),
            (Naming::Id, None) => EntityId::new(stem(&self.location.path)),
            (Naming::Slug, _) => EntityId::derived(&self.kind.name, &below(root, self.location)),
        };
        Identity { id, explicit: false }
    }

    /// The first title field with a text or number, else the first heading, else the file's or entry's name.
    pub(super) fn title(&self, body: &str) -> String {
        let named = self.kind.title_fields.iter().find_map(|field| title_text(self.entry(field)?));
        named
            .or_else(|| super::heading::first(body).map(str::to_owned))
            .unwrap_or_else(|| self.location.entry.clone().unwrap_or_else(|| stem(&self.location.path).to_owned()))
    }

    /// The path below the kind's folder, or the key of the entry.
    pub(super) fn slug(&self) -> Slug {
        match (self.kind.format, &self.location.entry) {
            (Format::Json, Some(entry)) => Slug::new(entry.as_str()),
            _ => self.kind.slug_of(&self.location.path),
        }
    }

    /// The workflow state of a kind that has a workflow.
    pub(super) fn status(&mut self) -> Option<Status> {
        if !self.kind.workflow {
            return None;
        }
        let Some(entry) = self.entry("status") else { return Some(Status::Published) };
        let status = entry.text.as_ref().and_then(|text| Status::parse(&text.text));
        if status.is_none() {
            self.warnings.push(Fault::new(
                "status.unknown",
                entry.value_start,
                "`status` is none of DRAFT, IN_REVIEW, PUBLISHED, ARCHIVED and counts as PUBLISHED; write one of them",
            ));
        }
        Some(status.unwrap_or(Status::Published))
    }

    /// A field that must never reach a file.
    pub(super) fn private(&self) -> Option<Fault> {
        let (field, entry) = self.kind.private.iter().find_map(|field| Some((field, self.entry(field)?)))?;
        let message = format!("`{field}` is private to the database and must not be in a file; remove it");
        Some(Fault::new("field.private", entry.key_start, message))
    }

    fn entry(&self, key: &str) -> Option<&'d Said<'d>> {
        self.said.iter().find(|entry| entry.key == key)
    }
}

/// A text that is not blank, or a number or boolean as it is written.
fn naming_text<'n>(entry: &'n Said<'_>) -> Option<&'n str> {
    let Text { text, plain } = entry.text.as_ref()?;
    let null = *plain && scalar::known(text).is_some_and(|value| value.is_null());
    (!text.trim().is_empty() && !null).then_some(text)
}

/// A text that is not blank, or a number as it is written.
fn title_text(entry: &Said<'_>) -> Option<String> {
    let Text { text, plain } = entry.text.as_ref()?;
    let value = if *plain { scalar::known(text) } else { None };
    let says = value.is_none_or(|value| value.is_number()) && !text.trim().is_empty();
    says.then(|| text.trim().to_owned())
}

/// The file's name without its extension.
fn stem(path: &KnowledgePath) -> &str {
    let name = path.as_str().rsplit('/').next().unwrap_or_default();
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// The location as it would be if the repository held nothing but the root folder.
fn below(root: &str, location: &Location) -> Location {
    let path = location.path.as_str().strip_prefix(root).and_then(|rest| rest.strip_prefix('/'));
    match path.filter(|_| !root.is_empty()).and_then(|path| KnowledgePath::new(path).ok()) {
        Some(path) => Location { path, entry: location.entry.clone() },
        None => location.clone(),
    }
}
