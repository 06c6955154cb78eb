//! Opening and making repositories, with an answer for everything that can be wrong with one. Only the repository's
//! own configuration counts: nothing is read from the user's, the system's, or the environment.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use gix::config::Snapshot;
use gix::odb::store::init::Slots;
use lorebase::{Error, ErrorKind, Result};
use uuid::Uuid;

use super::durable::{self, Disk};
use super::options::{Durability, GitOptions};
use super::{Shared, branch, errors, make, recovery};

/// The extensions of the repository format that change nothing for us.
const HARMLESS: [&str; 9] = [
    "noop",
    "noop-v1",
    "preciousobjects",
    "partialclone",
    "worktreeconfig",
    "objectformat",
    "relativeworktrees",
    "refstorage",
    "compatobjectformat",
];

/// How every repository and work tree is opened: by its own configuration alone, and only if it is the user's own.
pub(super) fn isolated() -> gix::open::Options {
    gix::open::Options::isolated().bail_if_untrusted(true)
}

pub(super) fn gix_options() -> gix::open::Options {
    // With the default of 32 slots, packs that appear later could not be seen.
    isolated().object_store_slots(Slots::Given(4096))
}

pub(super) fn open(options: &GitOptions) -> Result<Shared> {
    let path = &options.path;
    if options.init && !is_repository(path) {
        make::make(options)?;
    }
    if !path.exists() {
        let message = format!("there is no folder `{}`; check the path, or make a repository there (`init`)", path.display());
        return Err(Error::new(ErrorKind::NotFound, message).with("path", path.display().to_string()));
    }
    if !is_repository(path) {
        let message = format!("`{}` is not a git repository; name its top folder, or make one (`init`, or `git init`)", path.display());
        return Err(Error::new(ErrorKind::NotFound, message).with("path", path.display().to_string()));
    }
    let repo = gix_options().open(path).map_err(|error| refused(path, error))?;
    let local = repo.to_thread_local();
    supported(path, &local.config_snapshot())?;
    let git_dir = absolute(local.git_dir())?;
    let common_dir = absolute(local.common_dir())?;
    let branch = choose(options, &local, &git_dir, &common_dir)?;
    let disk = Disk(options.durability == Durability::Batch);
    let objects = common_dir.join("objects");
    writable(&objects)?;
    let own = common_dir.join("lorebase");
    disk.make_folder(&own)?;
    let shared = Shared {
        hash: local.object_hash(),
        repo,
        branch,
        bare: local.is_bare() && git_dir == common_dir,
        git_dir,
        common_dir,
        objects,
        own,
        disk,
        wait: options.lock_wait,
        kept: Mutex::new(VecDeque::new()),
        reader: Mutex::new(None),
        recent: super::recent::Recent::default(),
        next: Mutex::new(None),
        index: Mutex::new(None),
        begun: Mutex::new(None),
    };
    recovery::at_open(&shared)?;
    Ok(shared)
}

/// Whether the path itself is a repository; not whether one is above it.
fn is_repository(path: &Path) -> bool {
    path.join(".git").exists() || (path.join("HEAD").exists() && path.join("objects").is_dir()) || path.join("commondir").exists()
}

fn refused(path: &Path, error: gix::Error) -> Error {
    let place = path.display().to_string();
    if error.is_permission_denied() {
        let message =
            format!("cannot open `{place}`: {error}; the repository must be owned and writable by the user that runs this program");
        return Error::new(ErrorKind::Unavailable, message).with("path", place).caused_by(error);
    }
    Error::new(ErrorKind::Unsupported, format!("cannot open `{place}`: {error}")).with("path", place).caused_by(error)
}

fn supported(path: &Path, config: &Snapshot<'_>) -> Result<()> {
    let refuse = |message: String| Err(Error::new(ErrorKind::Unsupported, message).with("path", path.display().to_string()));
    let place = path.display();
    if let Some(storage) = config.string("extensions.refStorage")
        && storage != "files"
    {
        return refuse(format!(
            "`{place}` keeps its refs as {storage} (extensions.refStorage), which is not supported; \
             run `git refs migrate --ref-format=files` in it"
        ));
    }
    if config.string("extensions.compatObjectFormat").is_some() {
        return refuse(format!("`{place}` maps ids between two hashes (extensions.compatObjectFormat), which is not supported"));
    }
    for section in config.plumbing().sections_by_name("extensions").into_iter().flatten() {
        for name in section.body().value_names() {
            if !HARMLESS.contains(&name.to_ascii_lowercase().as_str()) {
                return refuse(format!("`{place}` uses the repository extension `{name}`, which is not supported"));
            }
        }
    }
    Ok(())
}

/// The full name of the branch to work on.
fn choose(options: &GitOptions, repo: &gix::Repository, git_dir: &Path, common_dir: &Path) -> Result<String> {
    let place = options.path.display();
    let head = branch::head_of(git_dir, common_dir)?;
    let Some(wanted) = &options.branch else {
        return match head {
            Some(name) if name.starts_with("refs/heads/") => Ok(name),
            _ => {
                let message = format!("HEAD of `{place}` is not on a branch; check a branch out there, or name the branch to use");
                Err(Error::new(ErrorKind::InvalidInput, message).with("path", place.to_string()))
            }
        };
    };
    let short = wanted.strip_prefix("refs/heads/").unwrap_or(wanted);
    let full = format!("refs/heads/{short}");
    branch::full_name(&full)?;
    let full = branch::resolve(common_dir, &full)?;
    let exists = repo.try_find_reference(full.as_str()).map_err(|error| errors::gix("read the refs", error))?.is_some();
    if exists || head.as_deref() == Some(full.as_str()) {
        return Ok(full);
    }
    let others = branches(repo)?;
    if others.is_empty() {
        return Ok(full);
    }
    let message = format!("`{place}` has no branch `{short}`, only `{}`; name one of them, or make it first", others.join("`, `"));
    Err(Error::new(ErrorKind::NotFound, message).with("branch", short))
}

/// The short names of the first few branches.
fn branches(repo: &gix::Repository) -> Result<Vec<String>> {
    let failed = |error| errors::gix("read the refs", error);
    let platform = repo.references().map_err(failed)?;
    let all = platform.local_branches().map_err(failed)?;
    Ok(all.filter_map(Result::ok).take(10).map(|reference| reference.name().shorten().to_string()).collect())
}

/// Fails now rather than at the first save.
fn writable(objects: &Path) -> Result<()> {
    let probe = objects.join(format!("tmp_obj_{}", Uuid::new_v4().simple()));
    std::fs::write(&probe, b"").map_err(|error| errors::io("write to the object folder", objects, error))?;
    durable::remove(&probe)
}

fn absolute(path: &Path) -> Result<PathBuf> {
    let path = std::fs::canonicalize(path).map_err(|error| errors::io("find", path, error))?;
    if path.to_str().is_none() {
        let message = format!("the path `{}` is not UTF-8; move the repository", path.display());
        return Err(Error::new(ErrorKind::InvalidInput, message));
    }
    Ok(path)
}
