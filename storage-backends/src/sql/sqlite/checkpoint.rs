//! Copying the write-ahead log into the file beside the writer. SQLite copies it in the commit that made it long, and
//! everything waits meanwhile; where much is written at once another connection copies most of it while the next batch
//! is on its way. Never needed: what is not copied here is copied there.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Connections;
use crate::runtime::spawn;

/// A batch with so many writes is one of many.
pub(super) const MANY: usize = 200;

/// Whether this SQLite may begin its log anew while another connection copies it: before 3.51.3 a copy that began right after
/// one that was complete could take what it had not copied for copied. An application may link an older one than ours.
pub(super) fn is_safe(version: &str) -> bool {
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    (next(), next(), next()) >= (3, 51, 3)
}

/// Begins to copy what was committed, unless that goes on already.
pub(super) fn beside(connections: &Arc<Connections>) {
    if connections.copying.swap(true, Ordering::SeqCst) {
        return;
    }
    let connections = Arc::clone(connections);
    let begun = spawn(async move {
        if let Err(error) = copy(&connections).await {
            tracing::debug!(%error, "the log was not copied beside the writer");
        }
        connections.copying.store(false, Ordering::SeqCst);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_left_alone_where_sqlite_cannot_bear_it() {
        assert!(["3.51.3", "3.52.0", "4.0"].into_iter().all(is_safe));
        assert!(["3.51.2", "3.7.17", "3.50.9", "", "x"].into_iter().all(|version| !is_safe(version)));
    }
}
