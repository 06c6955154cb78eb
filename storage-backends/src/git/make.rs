//! Making a repository: whole in its place, or not at all. It is made beside its place and moved there, because what a
//! process leaves that dies in between is neither a repository nor an empty folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use lorebase::{Error, ErrorKind, Result};

use super::branch;
use super::durable::{self, parent};
use super::open::gix_options;
use super::options::{GitOptions, ObjectFormat};
use crate::{failpoint, process};

/// What the name of a half-made repository begins with; its owner follows.
const STAGING: &str = "tmp_lorebase_init_";

/// Makes the repository that `options` name, where there is none.
pub(super) fn make(options: &GitOptions) -> Result<()> {
    let path = &options.path;
    let branch = options.branch.as_deref().unwrap_or("main");
    branch::full_name(&format!("refs/heads/{branch}"))?;
    let refused = |why: String| {
        let message = format!("cannot make a repository in `{}`: {why}", path.display());
        Error::new(ErrorKind::Unavailable, message).with("path", path.display().to_string())
    };
    let failed = |error: io::Error| refused(error.to_string()).caused_by(error);
    // With a work tree, what is made is only the folder `.git` in it.
    let (above, target) = if options.bare { (parent(path).to_owned(), path.clone()) } else { (path.clone(), path.join(".git")) };
    if path.is_file() {
        return Err(refused("a file is there; name a folder".to_owned()));
    }
    fs::create_dir_all(&above).map_err(failed)?;
    if target.exists() && fs::read_dir(&target).map_err(failed)?.next().is_some() {
        return Err(refused("the folder is not empty".to_owned()));
    }
    abandoned(&above)?;
    let staging = above.join(format!("{STAGING}{}", process::in_a_name(&process::me())));
    let made = staged(options, branch, &staging).map_err(|error| refused(error.to_string()).caused_by(error))?;
    failpoint::hit("git.init.made");
    // A folder takes the place of an empty one on some systems only.
    let _ = fs::remove_dir(&target);
    fs::rename(&made, &target).map_err(failed)?;
    failpoint::hit("git.init.placed");
    match fs::remove_dir_all(&staging) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
        _ => Ok(()),
    }
}

/// Makes it in `staging`; returns the folder to move.
fn staged(options: &GitOptions, branch: &str, staging: &Path) -> gix::Result<PathBuf> {
    let kind = if options.bare { gix::create::Kind::Bare } else { gix::create::Kind::WithWorktree };
    let object_hash = match options.object_format {
        ObjectFormat::Sha1 => None,
        ObjectFormat::Sha256 => Some(gix::hash::Kind::Sha256),
    };
    let create = gix::create::Options { object_hash, ..Default::default() };
    let open = gix_options().config_overrides([format!("init.defaultBranch={branch}")]);
    gix::ThreadSafeRepository::init_opts(staging, kind, create, open)?;
    Ok(if options.bare { staging.to_owned() } else { staging.join(".git") })
}

/// Removes what processes left that died here.
fn abandoned(above: &Path) -> Result<()> {
    for path in durable::list(above)? {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.strip_prefix(STAGING).is_some_and(process::is_dead_by_name) {
            fs::remove_dir_all(&path).map_err(|error| super::errors::io("remove", &path, error))?;
        }
    }
    Ok(())
}
