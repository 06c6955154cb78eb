//! The engineer of the story, who edits files and commits them and knows nothing of a database. Commits as the `git`
//! program would, through the git store of the library, so that the story needs no other program than itself.

use std::path::{Path, PathBuf};

use lorebase::clock::Clock as _;
use lorebase::knowledge::Author;
use lorebase::store::{AdvanceOutcome, CommitId, GitStore as _, NewCommit, Signature, TreeEdit};
use lorebase::{Error, ErrorKind, Result};
use lorebase_backends::clock::SystemClock;
use lorebase_backends::git::{GitOptions, GixStore};

pub(crate) struct Engineer {
    git: GixStore,
    folder: PathBuf,
}

impl Engineer {
    pub(crate) async fn at(folder: &Path) -> Result<Self> {
        Ok(Self { git: GixStore::open(GitOptions::new(folder)).await?, folder: folder.to_owned() })
    }

    /// The folder of Lorebase's own files in the git directory; the cache is in it.
    pub(crate) fn own_folder(&self) -> &Path {
        self.git.folder()
    }

    /// Edits files and commits them.
    pub(crate) async fn commit(&self, message: &str, edits: Vec<TreeEdit>) -> Result<CommitId> {
        let grace = Signature { author: Author::new("Grace Hopper", "grace@example.com"), time: SystemClock.now() };
        let head = self.git.head().await?;
        let commit = NewCommit { author: grace.clone(), committer: grace, message: format!("{message}\n"), edits };
        let tip = self.git.prepare(head.as_ref(), &[commit]).await?.pop();
        let tip = tip.ok_or_else(|| Error::new(ErrorKind::Internal, "a prepared commit has no id"))?;
        match self.git.advance(head.as_ref(), &tip).await? {
            AdvanceOutcome::Advanced => Ok(tip),
            other => Err(Error::new(ErrorKind::Busy, format!("somebody else works in this repository ({other:?}); start again"))),
        }
    }

    /// A file of the checkout, as an editor opens it.
    pub(crate) fn open(&self, path: &str) -> Result<String> {
        std::fs::read_to_string(self.folder.join(path))
            .map_err(|error| Error::new(ErrorKind::NotFound, format!("cannot read `{path}`: {error}")).caused_by(error))
    }

    /// A file of the checkout with one text in place of another.
    pub(crate) fn edit(&self, path: &str, old: &str, new: &str) -> Result<TreeEdit> {
        let text = self.open(path)?;
        if !text.contains(old) {
            return Err(Error::new(ErrorKind::Internal, format!("`{path}` does not hold `{old}`")));
        }
        Ok(put(path, text.replacen(old, new, 1)))
    }

    /// Who made a commit, and its subject, as `git log` shows them.
    pub(crate) async fn shows(&self, commit: &str) -> Result<String> {
        let info = self.git.commit(&CommitId::new(commit)).await?;
        let subject = info.message.lines().next().unwrap_or_default().to_owned();
        Ok(format!("{} by {}: {subject}", crate::page::short(&info.id), info.author.author.name))
    }
}

pub(crate) fn put(path: &str, text: impl Into<Vec<u8>>) -> TreeEdit {
    TreeEdit::Put { path: path.to_owned(), bytes: text.into() }
}

pub(crate) fn remove(path: &str) -> TreeEdit {
    TreeEdit::Remove { path: path.to_owned() }
}
