//! Checking the files of a folder as they are on the disk, without a database and even without a repository: what CI
//! does with a pull request. The folder stands in for the tree of one commit, so that the findings are those that a
//! synchronisation would have; nothing is ever written.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use lorebase::codec::parse_settings;
use lorebase::knowledge::{Author, Config, Diagnostic, KnowledgePath, Severity};
use lorebase::memory::MemoryCache;
use lorebase::store::{
    AdvanceOutcome, BlobId, BlobRead, CommitId, CommitInfo, EntryMode, FileChange, GitStore, NewCommit, RepositoryKey, TreeEntry,
};
use lorebase::sync::{CommitPolicy, Environment};
use lorebase::{Error, ErrorKind, KnowledgeBase, Parts, PublishMode, Result};

use crate::clock::{SystemClock, SystemEntropy};
use crate::process::SystemProcesses;
use crate::runtime::run_blocking;

/// What was found in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// How many files of the folder belong to a kind.
    pub files: usize,
    /// What is wrong with them and with the settings, ordered by path, line and column. Paths are from the top.
    pub diagnostics: Vec<Diagnostic>,
}

impl Checked {
    /// How many findings are errors: files that would not be taken.
    pub fn errors(&self) -> usize {
        self.diagnostics.iter().filter(|finding| finding.severity == Severity::Error).count()
    }
}

/// Checks a folder, or one file, as it is on the disk. The settings are those of the nearest `lorebase.yaml` at or above
/// it (else paths count from the nearest repository's top, else from the folder itself); `root` holds in place of
/// theirs. Everything below that top is read, so that two files with one id are found, and told are the findings of the
/// folder asked for and those of the settings. Links are not followed, folders whose name begins with a dot are skipped.
///
/// # Errors
/// `NotFound` (there is no such folder or file), `InvalidInput` (an unsafe root), `Unavailable` (it cannot be read).
pub async fn validate_folder(path: &Path, root: Option<&str>) -> Result<Checked> {
    let asked = path.to_owned();
    let (top, below, files) = run_blocking(move || {
        let asked = fs::canonicalize(&asked).map_err(|error| unreadable(&asked, error))?;
        let top = top_of(&asked);
        let below = slashed(asked.strip_prefix(&top).unwrap_or(Path::new("")));
        let mut files = Vec::new();
        walk(&top, Path::new(""), &mut files)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok((top, below, files))
    })
    .await?;
    let inside = |path: &str| below.is_empty() || path == below || path.strip_prefix(&below).is_some_and(|rest| rest.starts_with('/'));
    let config = settings(&top, root)?;
    let counts = |entry: &&TreeEntry| {
        inside(&entry.path) && KnowledgePath::new(entry.path.as_str()).is_ok_and(|path| config.classify(&path).is_some())
    };
    let count = files.iter().filter(counts).count();
    let kb = KnowledgeBase::new(Parts {
        git: Some(Arc::new(Folder { top, files })),
        cache: Arc::new(MemoryCache::new()),
        env: Environment { clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy), processes: Arc::new(SystemProcesses) },
        key: RepositoryKey { namespace: "default".to_owned(), branch: "main".to_owned() },
        publish: PublishMode::Off,
        committer: Author::new("Lorebase", "lorebase@localhost"),
        policy: CommitPolicy::PerSave,
        root: root.map(str::to_owned),
        wake: None,
    })
    .await?;
    let mut diagnostics = kb.validate().await?;
    diagnostics.retain(|finding| finding.path == Config::FILE || inside(&finding.path));
    Ok(Checked { files: count, diagnostics })
}

/// The folder from which paths count.
fn top_of(asked: &Path) -> PathBuf {
    let folders = || asked.ancestors().skip(usize::from(!asked.is_dir()));
    let top =
        folders().find(|folder| folder.join(Config::FILE).is_file()).or_else(|| folders().find(|folder| folder.join(".git").exists()));
    top.or_else(|| folders().next()).unwrap_or(asked).to_owned()
}

/// The kinds, only to say how many files count; what is wrong with the settings is a finding.
fn settings(top: &Path, root: Option<&str>) -> Result<Config> {
    let text = fs::read_to_string(top.join(Config::FILE)).unwrap_or_default();
    let config = parse_settings(&text).unwrap_or_else(|_| Config::built_in());
    match root {
        Some(root) => config.with_root(root),
        None => Ok(config),
    }
}

fn walk(top: &Path, below: &Path, files: &mut Vec<TreeEntry>) -> Result<()> {
    let folder = top.join(below);
    for entry in fs::read_dir(&folder).map_err(|error| unreadable(&folder, error))? {
        let entry = entry.map_err(|error| unreadable(&folder, error))?;
        let path = below.join(entry.file_name());
        let kind = entry.file_type().map_err(|error| unreadable(&entry.path(), error))?;
        let mode = if kind.is_dir() {
            if !entry.file_name().to_string_lossy().starts_with('.') {
                walk(top, &path, files)?;
            }
            continue;
        } else if kind.is_symlink() {
            EntryMode::Symlink
        } else if kind.is_file() {
            EntryMode::File
        } else {
            continue;
        };
        let path = slashed(&path);
        files.push(TreeEntry { blob: BlobId::new(path.as_str()), path, mode });
    }
    Ok(())
}

fn slashed(path: &Path) -> String {
    let parts: Vec<_> = path.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    let place = path.display();
    let (kind, message) = match error.kind() {
        std::io::ErrorKind::NotFound => (ErrorKind::NotFound, format!("there is no file or folder `{place}`; check the path")),
        _ => (ErrorKind::Unavailable, format!("cannot read `{place}`: {error}; give the user that runs this program read access")),
    };
    Error::new(kind, message).with("path", place.to_string()).caused_by(error)
}

/// A folder as the tree of one commit that does not exist. Blobs are named by their paths.
#[derive(Debug)]
struct Folder {
    top: PathBuf,
    files: Vec<TreeEntry>,
}

impl Folder {
    fn commit() -> CommitId {
        CommitId::new("0".repeat(40))
    }

    fn refuse<T>() -> Result<T> {
        Err(Error::new(ErrorKind::Unsupported, "a folder that is checked has no commits; open its repository instead"))
    }
}

fn read(path: &Path, limit: u64) -> Result<BlobRead> {
    let size = match fs::metadata(path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BlobRead::Missing),
        Err(error) => return Err(unreadable(path, error)),
    };
    if size > limit {
        return Ok(BlobRead::TooLarge(size));
    }
    fs::read(path).map(BlobRead::Found).map_err(|error| unreadable(path, error))
}

#[async_trait]
impl GitStore for Folder {
    async fn head(&self) -> Result<Option<CommitId>> {
        Ok(Some(Self::commit()))
    }

    async fn root(&self, _tip: &CommitId) -> Result<Option<CommitId>> {
        Ok(None)
    }

    async fn exists(&self, commit: &CommitId) -> Result<bool> {
        Ok(*commit == Self::commit())
    }

    async fn changes(&self, _from: Option<&CommitId>, _to: &CommitId) -> Result<Vec<FileChange>> {
        Self::refuse()
    }

    async fn tree(&self, _at: &CommitId) -> Result<Vec<TreeEntry>> {
        Ok(self.files.clone())
    }

    async fn lookup(&self, _at: &CommitId, paths: &[String]) -> Result<Vec<Option<TreeEntry>>> {
        let find = |path: &String| self.files.binary_search_by(|entry| entry.path.cmp(path)).ok().map(|at| self.files[at].clone());
        Ok(paths.iter().map(find).collect())
    }

    async fn read(&self, blobs: &[BlobId], limit: u64) -> Result<Vec<BlobRead>> {
        let paths: Vec<PathBuf> = blobs.iter().map(|blob| self.top.join(blob.as_str())).collect();
        run_blocking(move || paths.iter().map(|path| read(path, limit)).collect()).await
    }

    async fn commit(&self, _id: &CommitId) -> Result<CommitInfo> {
        Self::refuse()
    }

    async fn store(&self, _blobs: Vec<Vec<u8>>) -> Result<Vec<BlobId>> {
        Self::refuse()
    }

    async fn prepare(&self, _parent: Option<&CommitId>, _commits: &[NewCommit]) -> Result<Vec<CommitId>> {
        Self::refuse()
    }

    async fn advance(&self, _expected: Option<&CommitId>, _tip: &CommitId) -> Result<AdvanceOutcome> {
        Self::refuse()
    }

    async fn contains(&self, _tip: &CommitId, _commit: &CommitId) -> Result<bool> {
        Ok(false)
    }
}
