//! A new knowledge repository, or the first settings in one that is there. What is written is the core's
//! [`starter`]; here it becomes one commit.

use std::path::PathBuf;

use lorebase::clock::Clock;
use lorebase::knowledge::{Author, Config, starter};
use lorebase::store::{AdvanceOutcome, CommitId, GitStore, NewCommit, Signature, TreeEdit};
use lorebase::{Error, ErrorKind, Result};
use serde::Serialize;

use crate::clock::SystemClock;
use crate::git::{GitOptions, GixStore};

/// What to begin, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitOptions {
    /// The folder; made when it is not there.
    pub path: PathBuf,
    /// The branch; `main` in a new repository, else the one that `HEAD` points at.
    pub branch: Option<String>,
    /// Where the kinds' folders are; empty for the top.
    pub root: String,
    /// Who makes the first commit.
    pub author: Author,
}

/// What was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Begun {
    /// The repository.
    pub path: PathBuf,
    /// The commit.
    pub commit: CommitId,
    /// The files that it holds, in order.
    #[serde(skip)]
    pub files: Vec<String>,
}

/// Makes a repository at a path (unless there is one), and in it one commit with a commented `lorebase.yaml` and, in
/// a repository without commits, a folder for each built-in kind.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use lorebase::knowledge::Author;
/// use lorebase_backends::{InitOptions, init};
///
/// let folder = tempfile::tempdir()?;
/// let author = Author::new("Ada", "ada@example.com");
/// let options = InitOptions { path: folder.path().join("handbook"), branch: None, root: String::new(), author };
/// let begun = init(options).await?;
/// assert!(begun.path.join("lorebase.yaml").exists() && begun.path.join("skills/README.md").exists());
/// # Ok(())
/// # })
/// # }
/// ```
///
/// # Errors
/// `InvalidInput` (it has settings already, the root is no safe path), `Conflict` (a file of that name is there and not
/// committed), `Busy` (somebody else committed at that moment); those of [`open`](crate::open) for the repository.
pub async fn init(options: InitOptions) -> Result<Begun> {
    let InitOptions { path, branch, root, author } = options;
    let mut files = starter(&root)?;
    let git = GixStore::open(GitOptions { branch, init: true, ..GitOptions::new(&path) }).await?;
    let head = git.head().await?;
    if let Some(head) = &head {
        if git.lookup(head, &[Config::FILE.to_owned()]).await?.into_iter().any(|entry| entry.is_some()) {
            let message = format!("`{}` is a knowledge repository already: it has a `{}`; edit that one", path.display(), Config::FILE);
            return Err(Error::new(ErrorKind::InvalidInput, message).with("path", path.display().to_string()));
        }
        files.truncate(1);
    }
    let names: Vec<String> = files.iter().map(|(path, _)| path.clone()).collect();
    let edits = files.into_iter().map(|(path, text)| TreeEdit::Put { path, bytes: text.into_bytes() }).collect();
    let signature = Signature { author, time: SystemClock.now() };
    let message = "Begin a knowledge repository\n".to_owned();
    let commit = NewCommit { author: signature.clone(), committer: signature, message, edits };
    let tip = git
        .prepare(head.as_ref(), &[commit])
        .await?
        .pop()
        .ok_or_else(|| Error::new(ErrorKind::Internal, "a commit came back without its id"))?;
    match git.advance(head.as_ref(), &tip).await? {
        AdvanceOutcome::Advanced => Ok(Begun { path, commit: tip, files: names }),
        AdvanceOutcome::Moved(_) => Err(Error::new(ErrorKind::Busy, "somebody committed at the same moment; nothing was begun, try again")),
        AdvanceOutcome::Blocked(paths) => {
            let paths: Vec<String> = paths.into_iter().map(|blocked| format!("`{}` ({})", blocked.path, blocked.reason)).collect();
            let message =
                format!("there is uncommitted work in the way: {}; commit it or move it away, nothing was begun", paths.join(", "));
            Err(Error::new(ErrorKind::Conflict, message))
        }
    }
}
