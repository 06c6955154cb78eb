//! Where a branch points, read from the files themselves: the loose file, else `packed-refs`. A branch is known by
//! its full name; symbolic names are followed once, when the store is opened.

use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::bstr::ByteSlice;
use gix::refs::FullName;
use lorebase::{Error, ErrorKind, Result};

use super::{Shared, durable, errors};

/// What a file under `refs` or a `HEAD` says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pointer {
    Object(ObjectId),
    Symbolic(String),
}

/// Reads a loose ref or a `HEAD`; `None` when there is no such file.
pub(super) fn pointer(path: &Path) -> Result<Option<Pointer>> {
    let Some(bytes) = durable::read(path)? else { return Ok(None) };
    let text = bytes.trim();
    if let Some(target) = text.strip_prefix(b"ref:") {
        return Ok(Some(Pointer::Symbolic(target.trim().to_str_lossy().into_owned())));
    }
    if let Ok(id) = ObjectId::from_hex(text) {
        return Ok(Some(Pointer::Object(id)));
    }
    let place = path.display().to_string();
    let message = format!("`{place}` holds no object id; find the last good one in the reflog and set it with `git update-ref`");
    Err(Error::new(ErrorKind::Corrupt, message).with("path", place))
}

/// The file of a ref that all work trees share.
pub(super) fn file(common_dir: &Path, name: &str) -> PathBuf {
    common_dir.join(name)
}

/// Follows symbolic refs from `name` to the one that holds an id, or would.
pub(super) fn resolve(common_dir: &Path, name: &str) -> Result<String> {
    let mut at = name.to_owned();
    for _ in 0..5 {
        match pointer(&file(common_dir, &at))? {
            Some(Pointer::Symbolic(next)) => at = next,
            _ => return Ok(at),
        }
    }
    Err(Error::new(
        ErrorKind::Unsupported,
        format!("the symbolic ref `{name}` leads through more than five others; name the branch itself"),
    ))
}

/// The branch that a work tree's `HEAD` is on in the end; `None` when it is detached.
pub(super) fn head_of(git_dir: &Path, common_dir: &Path) -> Result<Option<String>> {
    match pointer(&git_dir.join("HEAD"))? {
        Some(Pointer::Symbolic(name)) => resolve(common_dir, &name).map(Some),
        _ => Ok(None),
    }
}

/// The commit a branch points at right now.
pub(super) fn read(shared: &Shared, name: &str) -> Result<Option<ObjectId>> {
    let path = file(&shared.common_dir, name);
    match pointer(&path)? {
        Some(Pointer::Object(id)) => Ok(Some(id)),
        Some(Pointer::Symbolic(_)) => {
            let message = format!("`{name}` has become a symbolic ref since it was opened; open the repository again");
            Err(Error::new(ErrorKind::Unsupported, message))
        }
        None => packed(shared, name),
    }
}

fn packed(shared: &Shared, name: &str) -> Result<Option<ObjectId>> {
    let action = || format!("read `{}`", shared.common_dir.join("packed-refs").display());
    // Never the cached one: a copy that is older than the lock we hold would undo somebody's push.
    let buffer = shared.repo.refs.open_packed_buffer().map_err(|error| errors::gix(&action(), error))?;
    let Some(buffer) = buffer else { return Ok(None) };
    let full = full_name(name)?;
    let found = buffer.try_find(full.as_ref()).map_err(|error| errors::gix(&action(), error))?;
    Ok(found.map(|reference| reference.target()))
}

/// Checks a branch's full name.
pub(super) fn full_name(name: &str) -> Result<FullName> {
    FullName::try_from(name).map_err(|error| {
        let short = name.strip_prefix("refs/heads/").unwrap_or(name);
        Error::new(ErrorKind::InvalidInput, format!("`{short}` is no name for a branch: {error}")).with("branch", short)
    })
}
