//! Deciding what a change writes into git's tree. Pure: from a change and the bytes that the commit before it left to
//! the edits of its own commit, so that two entries of one JSON file both arrive.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::de::IgnoredAny;

use crate::Error;
use crate::codec::{put_entry, remove_entry};
use crate::knowledge::{Location, Status};
use crate::store::{BlobId, Change, ChangeAction, Record, TreeEdit};

/// The files that a chain touches: as git has them, changed by every commit of the chain so far.
#[derive(Debug, Default)]
pub(super) struct Chain {
    files: BTreeMap<String, FileState>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct FileState {
    /// The blob at the head; `None` when the file is not there.
    head: Option<BlobId>,
    /// The bytes now, of a file that holds many entries; nothing of them for any other. `None` when the file is not there
    /// or was never read (then it was not touched either).
    bytes: Option<String>,
    /// Whether a commit of this chain changed it.
    touched: bool,
}

/// Why a change cannot be committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Not now: for a person.
    Later(String),
    /// Never as it is: for a person.
    Never(String),
}

impl Chain {
    /// Whether a file was told of.
    pub(super) fn knows(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    /// What a file with many entries is by now; `None` where it is gone.
    pub(super) fn shared(&self, path: &str) -> Option<&str> {
        self.files.get(path).and_then(|state| state.bytes.as_deref())
    }

    /// Tells what a file is at the head; `text` where it was read.
    pub(super) fn at_head(&mut self, path: String, blob: Option<BlobId>, text: Option<String>) {
        self.files.insert(path, FileState { head: blob, bytes: text, touched: false });
    }

    /// The edits of one change, and the files as they are after it. Nothing is remembered when it is refused.
    pub(super) fn add(&mut self, record: &Record, change: &Change) -> Result<Vec<TreeEdit>, Refusal> {
        let old = record.live.as_ref().map(|live| (&live.content.location, &live.blob));
        if let Some((location, blob)) = old {
            self.expect(location, Some(blob))?;
        }
        let mut next = Vec::new();
        let new = (change.action == ChangeAction::Write).then_some(&change.content.location);
        if let Some((location, _)) = old.filter(|(location, _)| Some(*location) != new) {
            next.push((location.path.to_string(), self.without(location)?));
        }
        if let Some(location) = new {
            if old.is_none_or(|(old, _)| old.path != location.path) && location.entry.is_none() {
                self.expect(location, None)?;
            }
            // An entry that moves within its file is put into what is left without the old one.
            let earlier = next.iter().find(|(path, _)| path == location.path.as_str()).and_then(|(_, text)| text.as_deref());
            let text = self.with(location, change, earlier)?;
            next.retain(|(path, _)| path != location.path.as_str());
            next.push((location.path.to_string(), Some(text)));
        }
        let entries = [old.map(|(location, _)| location), new];
        let mut edits = Vec::with_capacity(next.len());
        for (path, text) in next {
            let shared = entries.iter().flatten().any(|location| location.entry.is_some() && location.path.as_str() == path);
            let bytes = text.as_ref().map(|text| if shared { text.clone() } else { String::new() });
            edits.push(match text {
                Some(text) => TreeEdit::Put { path: path.clone(), bytes: text.into_bytes() },
                None => TreeEdit::Remove { path: path.clone() },
            });
            let state = self.files.entry(path).or_insert(FileState { head: None, bytes: None, touched: true });
            state.bytes = bytes;
            state.touched = true;
        }
        Ok(edits)
    }

    /// The head must have what SQL agreed to (or nothing), unless this chain itself changed the file.
    fn expect(&self, location: &Location, blob: Option<&BlobId>) -> Result<(), Refusal> {
        match self.files.get(location.path.as_str()) {
            Some(state) if state.touched => match (blob, &state.bytes) {
                (None, Some(_)) => Err(Refusal::Later(format!("`{}` is taken by another change of the same commit", location.path))),
                _ => Ok(()),
            },
            state => match (blob, state.and_then(|state| state.head.as_ref())) {
                (Some(expected), Some(actual)) if expected == actual => Ok(()),
                (None, None) => Ok(()),
                (Some(_), None) => Err(Refusal::Later(format!(
                    "git removed `{}` and the deletion waits for confirmation (sync with deletions allowed)",
                    location.path
                ))),
                (_, Some(_)) => Err(Refusal::Later(format!(
                    "git has a version of `{}` that could not be taken in; mend the file (see the diagnostics) and it goes through",
                    location.path
                ))),
            },
        }
    }

    fn without(&self, location: &Location) -> Result<Option<String>, Refusal> {
        let Some(entry) = &location.entry else { return Ok(None) };
        let text = self.text(location)?.ok_or_else(|| Refusal::Later(format!("`{}` is not in git", location.path)))?;
        remove_entry(text, entry).map(Some).map_err(|error| refusal(Some(text), location, &error))
    }

    fn with(&self, location: &Location, change: &Change, earlier: Option<&str>) -> Result<String, Refusal> {
        let content = &change.content;
        let Some(entry) = &location.entry else { return Ok(format!("{}{}", content.head, content.body)) };
        let current = match earlier {
            Some(text) => Some(text),
            None => self.text(location)?,
        };
        let untaken = |text: &str| change.base.is_none() && remove_entry(text, entry).is_ok_and(|without| without != text);
        if current.is_some_and(untaken) {
            return Err(Refusal::Later(format!(
                "git has an entry `{location}` that could not be taken in; mend it (see the diagnostics) and the change goes through"
            )));
        }
        put_entry(current, entry, &content.head).map_err(|error| refusal(current, location, &error))
    }

    fn text(&self, location: &Location) -> Result<Option<&str>, Refusal> {
        match self.files.get(location.path.as_str()) {
            Some(FileState { bytes: Some(text), touched: true, .. }) if text.is_empty() => {
                Err(Refusal::Later(format!("`{}` is taken by another change of the same commit", location.path)))
            }
            Some(FileState { bytes: Some(text), .. }) => Ok(Some(text)),
            Some(FileState { head: Some(_), touched: false, .. }) => {
                Err(Refusal::Later(format!("`{}` in git is not a readable text; mend it and the change goes through", location.path)))
            }
            _ => Ok(None),
        }
    }
}

/// A file that nobody can read is mended some day; an entry that does not fit into a good one never will.
fn refusal(file: Option<&str>, location: &Location, error: &Error) -> Refusal {
    if file.is_some_and(|text| serde_json::from_str::<IgnoredAny>(text).is_err()) {
        return Refusal::Later(format!("`{}` in git is not valid JSON; mend it and the change goes through", location.path));
    }
    Refusal::Never(error.to_string())
}

/// The paths that a record's change touches.
pub(super) fn touched_paths(record: &Record) -> Vec<String> {
    let live = record.live.as_ref().map(|live| live.content.location.path.to_string());
    let change = record.change.as_ref().map(|change| change.content.location.path.to_string());
    let mut paths: Vec<String> = live.into_iter().chain(change).collect();
    paths.dedup();
    paths
}

/// The message of a change's commit: the subject asked for or one that says what happens, then trailers with the
/// saves it holds and who else saved into it.
pub(super) fn message(record: &Record, change: &Change) -> String {
    let content = &change.content;
    let verb = match (change.action, &record.live) {
        (ChangeAction::Delete, _) => "Delete",
        (ChangeAction::Archive, _) => "Archive",
        (ChangeAction::Write, None) => "Create",
        (ChangeAction::Write, Some(live)) if live.content.location != content.location => "Rename",
        (ChangeAction::Write, Some(live)) if content.status == Some(Status::Published) && live.content.status != content.status => {
            "Publish"
        }
        (ChangeAction::Write, Some(_)) => "Update",
    };
    let subject = change.message.as_deref().map(str::trim).filter(|message| !message.is_empty()).map_or_else(
        || format!("{verb} {}: {}", record.key.kind, content.title.split_whitespace().collect::<Vec<_>>().join(" ")),
        str::to_owned,
    );
    let mut message = format!("{subject}\n\n");
    trailers(&mut message, change);
    message
}

/// The trailers of one change.
pub(super) fn trailers(message: &mut String, change: &Change) {
    for author in &change.co_authors {
        let _ = writeln!(message, "Co-authored-by: {author}");
    }
    for operation in &change.operations {
        let _ = writeln!(message, "Lorebase-Operation: {operation}");
    }
}
