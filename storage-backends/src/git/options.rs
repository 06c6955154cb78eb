//! How a repository is opened or made.

use std::path::PathBuf;
use std::time::Duration;

/// The hash a new repository names its objects by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ObjectFormat {
    /// SHA-1, which every program that speaks git understands.
    #[default]
    Sha1,
    /// SHA-256.
    Sha256,
}

/// What has reached the disk when a call returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Everything: objects with their folders before the branch moves, then the branch. A power cut loses nothing.
    #[default]
    Batch,
    /// What the operating system has written so far. A killed process loses nothing, a power cut may damage the
    /// repository: for throw-away copies and tests.
    None,
}

/// Which repository and branch, and how to treat them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitOptions {
    /// The work tree, its `.git`, or a bare repository. Folders above it are not searched.
    pub path: PathBuf,
    /// The branch's short name (`main`, `team/knowledge`). Without one, the branch that `HEAD` points at. A name that
    /// the repository does not have is a mistake, unless the repository has no branches at all or `HEAD` already
    /// points at it: then the first commit makes it.
    pub branch: Option<String>,
    /// Make the repository where there is none.
    pub init: bool,
    /// A repository made by `init` has no work tree.
    pub bare: bool,
    /// The hash of a repository made by `init`.
    pub object_format: ObjectFormat,
    /// What has reached the disk when a call returns.
    pub durability: Durability,
    /// How long to wait for a lock that another program holds before it is `Busy`.
    pub lock_wait: Duration,
}

impl GitOptions {
    /// The repository at `path` and the branch that its `HEAD` points at; nothing is made.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            branch: None,
            init: false,
            bare: false,
            object_format: ObjectFormat::default(),
            durability: Durability::default(),
            lock_wait: Duration::from_secs(10),
        }
    }
}
