//! What a failure of the file system or of gix means to a caller: nothing can be written now, or stored data is
//! damaged.

use std::io;
use std::path::Path;

use lorebase::{Error, ErrorKind};

/// A file could not be read or written.
pub(super) fn io(action: &str, path: &Path, error: io::Error) -> Error {
    let place = path.display();
    let message = match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            format!("cannot {action} `{place}`: {error}; give the user that runs this program write access to the whole repository")
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            format!("cannot {action} `{place}`: the disk is full; free some space and try again")
        }
        _ => format!("cannot {action} `{place}`: {error}"),
    };
    Error::new(ErrorKind::Unavailable, message).with("path", place.to_string()).caused_by(error)
}

/// gix could not do something: an operating system's refusal is `Unavailable`, anything else is damaged data.
pub(super) fn gix(action: &str, error: impl Into<gix::Error>) -> Error {
    let error = error.into();
    let refused = error.iter_errors().find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
    match refused {
        Some(kind) if !matches!(kind, io::ErrorKind::NotFound | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) => {
            Error::new(ErrorKind::Unavailable, format!("cannot {action}: {error}")).caused_by(error)
        }
        _ => {
            let message = format!("cannot {action}: {error}; run `git fsck` and restore what it names from another clone");
            Error::new(ErrorKind::Corrupt, message).caused_by(error)
        }
    }
}

/// A commit that the repository does not have.
pub(super) fn no_commit(id: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("the repository has no commit {id}")).with("commit", id)
}
