//! The files of a branch, read by other means than ours: git's own listing, and a YAML parser that the library does
//! not use. Sides that render frontmatter do it in their own style, so files are compared by what they say.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::entities::Entity;
use crate::{Outcome, git};

/// A file's blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// `100644` and so on.
    pub mode: String,
    /// The blob's id.
    pub id: String,
}

/// The files of a commit by path.
///
/// # Errors
/// When git fails.
pub fn blobs(repository: &Path, commit: &str) -> Outcome<BTreeMap<String, Blob>> {
    let listing = git::run(repository, &["ls-tree", "-r", "-z", commit])?;
    let mut files = BTreeMap::new();
    for line in String::from_utf8(listing)?.split_terminator('\0') {
        let (entry, path) = line.split_once('\t').ok_or_else(|| format!("git ls-tree says `{line}`"))?;
        let mut parts = entry.split(' ');
        let (Some(mode), Some(_), Some(id)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(format!("git ls-tree says `{line}`").into());
        };
        files.insert(path.to_owned(), Blob { mode: mode.to_owned(), id: id.to_owned() });
    }
    Ok(files)
}

/// Says the first file of a commit that does not say what its entity says, or that has none.
///
/// # Errors
/// That file and the difference; or git failed.
pub fn compare_files(repository: &Path, files: &BTreeMap<String, Blob>, entities: &BTreeMap<String, Entity>) -> Outcome<()> {
    if let Some(path) = entities.keys().find(|path| !files.contains_key(*path)) {
        return Err(format!("{path}: there is no file").into());
    }
    let ids: Vec<&str> = files.values().map(|blob| blob.id.as_str()).collect();
    let output = git::fed(repository, &["cat-file", "--batch", "--buffer"], ids.join("\n").as_bytes())?;
    let mut rest = &output[..];
    for (path, blob) in files {
        let end = rest.iter().position(|byte| *byte == b'\n').ok_or("git cat-file ended too soon")?;
        let header = std::str::from_utf8(&rest[..end])?;
        let length: usize = header.rsplit(' ').next().unwrap_or_default().parse().map_err(|_| format!("git cat-file says `{header}`"))?;
        let bytes = rest.get(end + 1..end + 1 + length).ok_or("git cat-file ended too soon")?;
        rest = rest.get(end + length + 2..).unwrap_or_default();
        let entity = entities.get(path).ok_or_else(|| format!("{path}: there is a file, and no such entity"))?;
        if blob.mode != "100644" {
            return Err(format!("{path}: the mode is {}, not 100644", blob.mode).into());
        }
        compare(entity, std::str::from_utf8(bytes)?).map_err(|why| format!("{path}: {why}"))?;
    }
    Ok(())
}

fn compare(entity: &Entity, text: &str) -> Outcome<()> {
    let (head, body) = text.strip_prefix("---\n").and_then(|text| text.split_once("\n---\n")).ok_or("the file has no frontmatter")?;
    let fields: Value = serde_yaml::from_str(head)?;
    if fields != Value::Object(entity.fields.clone()) {
        return Err(format!("the fields must be {} and are {fields}", Value::Object(entity.fields.clone())).into());
    }
    if body != entity.body {
        return Err(format!("the text must be {:?} and is {body:?}", entity.body).into());
    }
    Ok(())
}
