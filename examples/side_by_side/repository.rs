//! One repository with one file, and an engineer who commits to it.

use std::path::Path;

use lorebase::clock::Clock as _;
use lorebase::knowledge::Author;
use lorebase::store::{AdvanceOutcome, BlobRead, GitStore as _, NewCommit, Signature, TreeEdit};
use lorebase::{Error, ErrorKind, Result};
use lorebase_backends::clock::SystemClock;
use lorebase_backends::git::{GitOptions, GixStore};

const PATH: &str = "customers/acme.md";

pub(crate) struct Repository {
    git: GixStore,
}

impl Repository {
    /// The repository in a folder, with the file as its first commit.
    pub(crate) async fn new(folder: &Path, text: &str) -> Result<Self> {
        let repository = Self { git: GixStore::open(GitOptions { init: true, bare: true, ..GitOptions::new(folder) }).await? };
        repository.commit("Grace", "Begin", text).await?;
        Ok(repository)
    }

    /// The file at the head.
    pub(crate) async fn file(&self) -> Result<String> {
        let missing = || Error::new(ErrorKind::Internal, format!("`{PATH}` is not there"));
        let head = self.git.head().await?.ok_or_else(missing)?;
        let entry = self.git.lookup(&head, &[PATH.to_owned()]).await?.pop().flatten().ok_or_else(missing)?;
        match self.git.read(&[entry.blob], u64::MAX).await?.pop() {
            Some(BlobRead::Found(bytes)) => String::from_utf8(bytes).map_err(|_| missing()),
            _ => Err(missing()),
        }
    }

    /// A commit of the whole file on top of the head.
    pub(crate) async fn commit(&self, who: &str, message: &str, text: &str) -> Result<()> {
        let author = Signature { author: Author::new(who, format!("{}@example.com", who.to_lowercase())), time: SystemClock.now() };
        let edit = TreeEdit::Put { path: PATH.to_owned(), bytes: text.as_bytes().to_vec() };
        let commit = NewCommit { author: author.clone(), committer: author, message: format!("{message}\n"), edits: vec![edit] };
        let head = self.git.head().await?;
        let tip = self.git.prepare(head.as_ref(), &[commit]).await?.pop();
        let tip = tip.ok_or_else(|| Error::new(ErrorKind::Internal, "a prepared commit has no id"))?;
        match self.git.advance(head.as_ref(), &tip).await? {
            AdvanceOutcome::Advanced => Ok(()),
            other => Err(Error::new(ErrorKind::Busy, format!("the branch moved ({other:?})"))),
        }
    }

    /// The engineer edits the file as it is at the head.
    pub(crate) async fn edit(&self, old: &str, new: &str) -> Result<()> {
        let text = self.file().await?.replacen(old, new, 1);
        self.commit("Grace", "Edit Acme", &text).await
    }
}
