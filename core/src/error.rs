//! The one error type of the library. A few kinds, each telling the caller what to do next; the message names
//! the place and the way out; structured context survives into other languages. A lost race is never an error
//! here: stores report it as a value.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The result of every fallible call of the library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What the caller should do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The thing asked for does not exist: check the name.
    NotFound,
    /// The call itself is wrong (an argument, an option, a setting): change it.
    InvalidInput,
    /// A file's content cannot be understood: mend it at the named place.
    InvalidDocument,
    /// Somebody else changed the same thing: read both versions (in the context) and decide.
    Conflict,
    /// A lock is held or a resource is in use right now: try again.
    Busy,
    /// A server, file system or database cannot be reached or written: try again later.
    Unavailable,
    /// Credentials are missing or refused: change them.
    Unauthorized,
    /// A feature of the repository or database that this version does not handle.
    Unsupported,
    /// Stored data is damaged: restore it from the other side.
    Corrupt,
    /// A defect of this library: report it.
    Internal,
}

impl ErrorKind {
    /// The stable code of this kind, as bindings and logs show it.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::InvalidInput => "invalid_input",
            Self::InvalidDocument => "invalid_document",
            Self::Conflict => "conflict",
            Self::Busy => "busy",
            Self::Unavailable => "unavailable",
            Self::Unauthorized => "unauthorized",
            Self::Unsupported => "unsupported",
            Self::Corrupt => "corrupt",
            Self::Internal => "internal",
        }
    }
}

/// An error: a kind, one sentence that names the place and the way out, and structured context.
///
/// ```
/// use lorebase::{Error, ErrorKind};
///
/// let error = Error::new(ErrorKind::NotFound, "no skill has the slug `pdf`").with("slug", "pdf");
/// assert_eq!(error.kind(), ErrorKind::NotFound);
/// assert_eq!(error.context()["slug"], "pdf");
/// assert!(!error.is_retryable());
/// ```
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<Inner>);

#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct Inner {
    kind: ErrorKind,
    message: String,
    context: Map<String, Value>,
    source: Option<Box<dyn std::error::Error + Send + Sync + 'static>>,
}

impl Error {
    /// An error of `kind` with one lower-case sentence for a person.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind, message: message.into(), context: Map::new(), source: None }))
    }

    /// Adds one value to the context (a path, a revision, the versions of a conflict).
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.context.insert(key.to_owned(), value.into());
        self
    }

    /// Keeps the error that caused this one.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync + 'static>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What the caller should do next.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The sentence alone, without its causes.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Structured details: JSON values by name.
    pub fn context(&self) -> &Map<String, Value> {
        &self.0.context
    }

    /// Whether the same call may succeed later without any change: [`ErrorKind::Busy`] and
    /// [`ErrorKind::Unavailable`].
    pub fn is_retryable(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Busy | ErrorKind::Unavailable)
    }
}
