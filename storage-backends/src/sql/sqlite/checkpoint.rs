//! Copying the write-ahead log into the file beside the writer. SQLite copies it in the commit that made it long, and
//! everything waits meanwhile; where much is written at once another connection copies it while the next batch is
//! written. Never needed: what is not copied here is copied there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::sqlite::SqliteConnection;

use super::super::failure::Failure;
use super::Connections;
use crate::runtime::spawn;

/// A log of so many pages is copied by the commit that made it so long.
pub(super) const PAGES: &str = "2000";
const COPIED: &str = "PRAGMA wal_autocheckpoint = 2000";
const LEFT: &str = "PRAGMA wal_autocheckpoint = 8000";

/// A batch with so many writes is one of many.
pub(super) const MANY: usize = 200;

/// Who copies the log.
#[derive(Debug)]
pub(super) struct Log {
    /// Whether there is none.
    none: bool,
    /// Whether it is being copied beside the writer.
    copying: AtomicBool,
    /// Whether the writer leaves it to that.
    left: AtomicBool,
}

impl Log {
    pub(super) fn new(none: bool) -> Self {
        Self { none, copying: AtomicBool::new(false), left: AtomicBool::new(false) }
    }

    /// Makes the writer leave the log alone until it is four times as long, or again not. SQLite begins a log anew only
    /// when all of it is copied before a transaction begins, so that a writer without pause must stop it in the end.
    pub(super) async fn leave(&self, writer: &mut SqliteConnection, leaves: bool) -> Result<(), Failure> {
        if self.none || self.left.load(Ordering::SeqCst) == leaves {
            return Ok(());
        }
        sqlx::query(if leaves { LEFT } else { COPIED }).execute(writer).await?;
        self.left.store(leaves, Ordering::SeqCst);
        Ok(())
    }
}

/// Begins to copy what was committed, unless that goes on already.
pub(super) fn beside(connections: &Arc<Connections>) {
    if connections.log.none || connections.log.copying.swap(true, Ordering::SeqCst) {
        return;
    }
    let connections = Arc::clone(connections);
    let begun = spawn(async move {
        if let Err(error) = copy(&connections).await {
            tracing::debug!(%error, "the log was not copied beside the writer");
        }
        connections.log.copying.store(false, Ordering::SeqCst);
        Ok(())
    });
    if let Err(error) = begun {
        tracing::debug!(%error, "the log is not copied beside the writer");
    }
}

async fn copy(connections: &Connections) -> Result<(), sqlx::Error> {
    let mut held = connections.readers.acquire().await?;
    sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(&mut *held).await?;
    Ok(())
}
