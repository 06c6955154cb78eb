//! What SQLite answers when it does not do what was asked, told as an error of the library: which file, what was
//! expected, what to do.

use std::time::Duration;

use lorebase::{Error, ErrorKind};

use super::super::failure::Failure;

// The primary result codes of SQLite, https://www.sqlite.org/rescode.html
const ERROR: i32 = 1;
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const READONLY: i32 = 8;
const IOERR: i32 = 10;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const CANTOPEN: i32 = 14;
const NOTADB: i32 = 26;

/// The primary result code, if the database gave one.
fn code(error: &sqlx::Error) -> Option<i32> {
    let extended: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(extended & 0xff)
}

/// Whether trying again can help.
pub(super) fn is_busy(error: &sqlx::Error) -> bool {
    matches!(code(error), Some(BUSY | LOCKED))
}

/// Whether SQLite may have ended the transaction by itself, as it does where the disk fails. What holds the connection
/// goes on believing in the transaction, so that none can be begun on it again.
pub(super) fn ends_transaction(failure: &Failure) -> bool {
    let Failure::Sql(error) = failure else { return false };
    let of_disk = matches!(code(error), Some(READONLY | IOERR | CORRUPT | FULL | CANTOPEN | NOTADB));
    of_disk || matches!(error, sqlx::Error::InvalidSavePointStatement | sqlx::Error::BeginFailed)
}

/// Whether a statement does not fit the tables that are there.
pub(super) fn is_misfit(error: &sqlx::Error) -> bool {
    code(error) == Some(ERROR)
}

/// Tells a failure of the cache in the file `file`, which is waited for at most `patience`.
pub(super) fn told(failure: Failure, file: &str, patience: Duration) -> Error {
    let error = match failure {
        Failure::Told(error) => return error,
        Failure::Stored(what) => return corrupt(file, &what),
        Failure::Sql(error) => error,
    };
    let waited = patience.as_secs_f32();
    let (kind, message) = match (code(&error), &error) {
        (Some(BUSY | LOCKED), _) => (
            ErrorKind::Busy,
            format!(
                "the cache `{file}` was locked by another process for {waited} s; try again, or end the program that holds a transaction on it"
            ),
        ),
        (None, sqlx::Error::PoolTimedOut) => (
            ErrorKind::Busy,
            format!("the cache `{file}` had no free connection for a long time; too much is asked of it at once, try again"),
        ),
        (Some(CORRUPT | NOTADB), _) => return corrupt(file, &error.to_string()).caused_by(error),
        (Some(READONLY), _) => {
            (ErrorKind::Unavailable, format!("the cache `{file}` cannot be written; make the file and its folder writable"))
        }
        (Some(FULL), _) => (ErrorKind::Unavailable, format!("the disk with the cache `{file}` is full; free some space and try again")),
        (Some(IOERR), _) => {
            (ErrorKind::Unavailable, format!("the cache `{file}` cannot be read or written ({error}); check the disk it is on"))
        }
        (Some(CANTOPEN), _) => (
            ErrorKind::Unavailable,
            format!("the cache `{file}` cannot be opened; check that it is a file in an existing folder that this user can write"),
        ),
        _ => (ErrorKind::Internal, format!("the cache `{file}` refused a statement ({error}); this is a defect of lorebase")),
    };
    Error::new(kind, message).with("path", file).caused_by(error)
}

fn corrupt(file: &str, what: &str) -> Error {
    let way_out = "it is a cache and can be rebuilt from git: move the file aside and open again; saves and drafts in it that are not in git \
                   yet would be lost, so keep the old file";
    Error::new(ErrorKind::Corrupt, format!("`{file}` is no sound SQLite database of lorebase ({what}); {way_out}")).with("path", file)
}
