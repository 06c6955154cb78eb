//! What PostgreSQL answers when it does not do what was asked, told as an error of the library: which server, what was
//! expected, what to do. Never the password.

use std::io;
use std::time::Duration;

use lorebase::{Error, ErrorKind};
use sqlx::postgres::PgDatabaseError;

use super::super::failure::Failure;

/// Where the database is, as a person calls it.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// `host:port` or the socket's folder.
    pub(super) server: String,
    pub(super) database: String,
    pub(super) role: String,
    pub(super) statement_timeout: Duration,
    pub(super) patience: Duration,
}

fn answer(error: &sqlx::Error) -> Option<&PgDatabaseError> {
    error.as_database_error()?.try_downcast_ref()
}

/// The five characters of <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
pub(super) fn code(error: &sqlx::Error) -> Option<&str> {
    answer(error).map(PgDatabaseError::code)
}

/// Whether the connection is gone, so that nothing of an open transaction is left.
pub(super) fn is_cut(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::BeginFailed => true,
        // Ended by an administrator, a crash or a restart, or left open for too long.
        _ => matches!(code(error), Some("57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "08000" | "08003" | "08006")),
    }
}

/// Whether PostgreSQL gave up a transaction in favour of another one: serialization failure, deadlock.
pub(super) fn is_lost_race(error: &sqlx::Error) -> bool {
    matches!(code(error), Some("40001" | "40P01"))
}

/// Tells a failure of the cache at `place`.
pub(super) fn told(failure: Failure, place: &Place) -> Error {
    let error = match failure {
        Failure::Told(error) => return error,
        Failure::Stored(what) => {
            let message = format!(
                "the database {} holds what lorebase did not write ({what}); restore it from a backup, or rebuild the cache from git in a \
                 new database: saves and drafts that are not in git yet are only in the old one",
                name(place)
            );
            return Error::new(ErrorKind::Corrupt, message);
        }
        Failure::Sql(error) => error,
    };
    let (kind, message) = words(&error, place);
    Error::new(kind, message).with("server", place.server.as_str()).with("database", place.database.as_str()).caused_by(error)
}

/// A commit whose answer never came.
pub(super) fn ambiguous(error: sqlx::Error, place: &Place) -> Error {
    let message = format!(
        "the connection to the database {} was cut while it committed ({error}); what was written may be there or not: look, and try again",
        name(place)
    );
    Error::new(ErrorKind::Unavailable, message)
        .with("server", place.server.as_str())
        .with("database", place.database.as_str())
        .caused_by(error)
}

pub(super) fn name(place: &Place) -> String {
    format!("`{}` at `{}`", place.database, place.server)
}

fn words(error: &sqlx::Error, place: &Place) -> (ErrorKind, String) {
    if let Some(answer) = answer(error) {
        return answered(answer, is_cut(error), place);
    }
    let (name, server, said) = (name(place), &place.server, error);
    match error {
        sqlx::Error::PoolTimedOut => (
            ErrorKind::Busy,
            format!(
                "no connection to the database {name} came free in {} s; too much is asked of it at once: try again, or allow more \
                 connections",
                place.patience.as_secs_f32()
            ),
        ),
        sqlx::Error::Io(io)
            if matches!(io.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound | io::ErrorKind::TimedOut) =>
        {
            (
                ErrorKind::Unavailable,
                format!("PostgreSQL at `{server}` cannot be reached ({io}); start it, or check host and port in the database URL"),
            )
        }
        sqlx::Error::Tls(_) => (
            ErrorKind::Unavailable,
            format!(
                "PostgreSQL at `{server}` and lorebase found no common encryption ({said}); check `sslmode` and `sslrootcert` in the \
                 database URL, and that lorebase is built with `postgres-tls`"
            ),
        ),
        sqlx::Error::Configuration(_) => (
            ErrorKind::InvalidInput,
            "the database URL cannot be understood; write `postgres://USER:PASSWORD@HOST:PORT/DATABASE`".to_owned(),
        ),
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::BeginFailed | sqlx::Error::PoolClosed => {
            (ErrorKind::Unavailable, format!("the connection to the database {name} was cut ({said}); try again"))
        }
        _ => (ErrorKind::Internal, format!("the database {name} was asked wrongly ({said}); this is a defect of lorebase")),
    }
}

/// What the server said.
fn answered(answer: &PgDatabaseError, cut: bool, place: &Place) -> (ErrorKind, String) {
    let (name, Place { server, database, role, .. }) = (name(place), place);
    let said = answer.message();
    match answer.code() {
        "28P01" | "28000" => (
            ErrorKind::Unauthorized,
            format!(
                "PostgreSQL at `{server}` does not let the role `{role}` in ({said}); check user and password in the database URL, and \
                 `pg_hba.conf` on the server"
            ),
        ),
        "3D000" => (
            ErrorKind::NotFound,
            format!(
                "PostgreSQL at `{server}` has no database `{database}`; make it with `CREATE DATABASE`, or name another one in the URL"
            ),
        ),
        "42501" => (
            ErrorKind::Unauthorized,
            format!(
                "the role `{role}` may not do this in the database {name} ({said}); let an administrator run `GRANT CREATE ON DATABASE \
                 \"{database}\" TO \"{role}\"`, or `CREATE SCHEMA lorebase AUTHORIZATION \"{role}\"`"
            ),
        ),
        "53300" => (
            ErrorKind::Busy,
            format!("PostgreSQL at `{server}` has no connection left ({said}); try again, open fewer, or raise `max_connections`"),
        ),
        "57014" => (
            ErrorKind::Busy,
            format!(
                "the database {name} did not finish a statement within {} s ({said}); try again when there is less to do, or allow more \
                 time",
                place.statement_timeout.as_secs_f32()
            ),
        ),
        "55P03" => (
            ErrorKind::Busy,
            format!(
                "somebody else held what was to be written in the database {name} for {} s; try again, or end the program that holds a \
                 transaction open",
                place.patience.as_secs_f32()
            ),
        ),
        "40001" | "40P01" => {
            (ErrorKind::Busy, format!("the database {name} gave way to other transactions again and again ({said}); try again"))
        }
        "25006" => (
            ErrorKind::Unavailable,
            format!("the database {name} is read-only, as a replica is ({said}); name the primary in the URL, or wait for the failover"),
        ),
        "53100" | "53200" | "53400" => {
            (ErrorKind::Unavailable, format!("PostgreSQL at `{server}` has no room left ({said}); make some and try again"))
        }
        "22021" | "22P05" => (
            ErrorKind::InvalidInput,
            format!("a text holds a character that the database {name} cannot keep ({said}); remove it and save again"),
        ),
        "54000" => (
            ErrorKind::InvalidInput,
            format!("something to be written is larger than PostgreSQL takes ({said}); make the id, field or text shorter"),
        ),
        "XX001" | "XX002" | "58P01" => (ErrorKind::Corrupt, format!("the database {name} is damaged ({said}); restore it from a backup")),
        _ if cut => (ErrorKind::Unavailable, format!("PostgreSQL at `{server}` ends or begins its work ({said}); try again in a moment")),
        _ => (ErrorKind::Internal, format!("the database {name} refused a statement ({said}); this is a defect of lorebase")),
    }
}
