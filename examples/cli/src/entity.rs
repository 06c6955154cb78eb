//! How an entity is named on the command line, and how one is shown to a person.

use std::str::FromStr;

use anstyle::Style;
use lorebase::Selector;
use lorebase::knowledge::{Knowledge, SyncStatus};
use lorebase::store::LogStatus;
use serde_json::Value;

use crate::failure::Failure;
use crate::output::{BAD, BOLD, DIM, GOOD, Output, WAITS, styled};
use crate::table::printable;

/// `KIND/SLUG`, or `KIND/@ID`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EntityName {
    pub(crate) kind: String,
    name: String,
}

impl EntityName {
    pub(crate) fn selector(&self) -> Selector {
        Selector::from(self.name.as_str())
    }
}

impl std::fmt::Display for EntityName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

impl FromStr for EntityName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            Some((kind, name)) if !kind.is_empty() && !name.is_empty() && name != "@" => {
                Ok(Self { kind: kind.to_owned(), name: name.to_owned() })
            }
            _ => Err("write KIND/SLUG, for example skill/reading-pdfs, or KIND/@ID".to_owned()),
        }
    }
}

/// `kind/slug`.
pub(crate) fn name(entity: &Knowledge) -> String {
    format!("{}/{}", entity.kind, entity.slug)
}

/// The first digits of a commit's id.
pub(crate) fn short(commit: &str) -> &str {
    commit.get(..8).unwrap_or(commit)
}

pub(crate) fn sync_status(status: SyncStatus) -> (&'static str, Style) {
    match status {
        SyncStatus::Synced => ("synced", GOOD),
        SyncStatus::Pending => ("pending", WAITS),
        SyncStatus::Draft => ("draft", WAITS),
        SyncStatus::Failed => ("failed", BAD),
        SyncStatus::Conflict => ("conflict", BAD),
        SyncStatus::Invalid => ("invalid", BAD),
    }
}

pub(crate) fn log_status(status: LogStatus) -> (&'static str, Style) {
    match status {
        LogStatus::Pending => ("pending", WAITS),
        LogStatus::Success => ("success", GOOD),
        LogStatus::Failed => ("failed", BAD),
    }
}

/// The workflow's status, else what the field says.
pub(crate) fn status(entity: &Knowledge) -> String {
    match entity.status {
        Some(status) => status.to_string(),
        None => entity.fields.get("status").map(value).unwrap_or_default(),
    }
}

/// A field's value on one line.
pub(crate) fn value(value: &Value) -> String {
    match value {
        Value::String(text) => printable(text),
        Value::Array(items) if items.iter().all(|item| !item.is_object() && !item.is_array()) => {
            items.iter().map(self::value).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

/// One entity, from its standing to its text.
pub(crate) fn show(output: &Output, entity: &Knowledge) -> Result<(), Failure> {
    let (word, style) = sync_status(entity.sync_status);
    let commit = entity.git_commit_sha.as_deref().map(|commit| format!(" at {}", short(commit))).unwrap_or_default();
    output.line(format!("{}  {}{commit}, revision {}", styled(BOLD, name(entity)), styled(style, word), entity.revision))?;
    let mut lines = vec![("title", printable(&entity.title)), ("path", entity.location.to_string()), ("id", entity.id.to_string())];
    lines.extend(
        entity.fields.iter().filter(|(field, _)| !matches!(field.as_str(), "id" | "title")).map(|(field, it)| (field.as_str(), value(it))),
    );
    let width = lines.iter().map(|(field, _)| field.chars().count()).max().unwrap_or(0);
    for (field, text) in lines {
        output.line(format!("{}  {text}", styled(DIM, format!("{:width$}", printable(field)))))?;
    }
    if !entity.body.trim().is_empty() {
        output.line("")?;
        output.line(steady(entity.body.trim_matches(['\n', '\r'])))?;
    }
    Ok(())
}

/// What became of a save, on one line.
pub(crate) fn saved(verb: &str, entity: &Knowledge, why: Option<&str>) -> String {
    let (word, style) = sync_status(entity.sync_status);
    let rest = match (entity.sync_status, &entity.git_commit_sha) {
        (SyncStatus::Synced, Some(commit)) => format!(" as {}", short(commit)),
        (SyncStatus::Synced, None) => String::new(),
        (SyncStatus::Draft, _) => ": it stays in the database until it is PUBLISHED".to_owned(),
        (SyncStatus::Conflict, _) => format!(": see `lorebase conflicts`, decide with `lorebase resolve {}`", name(entity)),
        _ => format!(": {}", why.unwrap_or("the next `lorebase sync` commits it")),
    };
    format!("{verb} {}: revision {}, {}{rest}", styled(BOLD, name(entity)), entity.revision, styled(style, word))
}

/// A text of several lines without the characters that would steer a terminal.
pub(crate) fn steady(text: &str) -> String {
    text.replace("\r\n", "\n").chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}
