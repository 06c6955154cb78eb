//! Two kinds of lock. [`Writer`] is ours: an advisory lock that the system drops with the process, held around every
//! move of a branch. [`GitLock`] is git's: a file `….lock` beside what it guards, which outlives a killed process and
//! is therefore journalled before it is made. Waiting is bounded; then it is `Busy`.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lorebase::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::durable::{self, Disk};
use super::errors;

/// Until when a call may wait.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    until: Instant,
    pause: Duration,
}

impl Patience {
    pub(super) fn new(wait: Duration) -> Self {
        Self { until: Instant::now() + wait, pause: Duration::from_millis(1) }
    }

    /// Waits a little, longer each time and never the same for two waiters; `false` once there is no time left.
    pub(super) fn pause(&mut self) -> bool {
        let now = Instant::now();
        if now >= self.until {
            return false;
        }
        let jitter = Duration::from_micros(u64::from(Uuid::new_v4().as_fields().1) % 1000);
        std::thread::sleep((self.pause + jitter).min(self.until - now));
        self.pause = (self.pause * 2).min(Duration::from_millis(50));
        true
    }
}

/// Only one process and thread at a time moves a branch of this repository.
#[derive(Debug)]
pub(super) struct Writer {
    _file: File,
}

impl Writer {
    /// Waits for the lock.
    pub(super) fn acquire(own: &Path, patience: &mut Patience) -> Result<Self> {
        loop {
            if let Some(lock) = Self::attempt(own)? {
                return Ok(lock);
            }
            if !patience.pause() {
                let path = own.join("writer.lock").display().to_string();
                let message = format!("another program is moving a branch of this repository: it holds `{path}`; try again");
                return Err(Error::new(ErrorKind::Busy, message).with("path", path));
            }
        }
    }

    /// Takes the lock if it is free now.
    pub(super) fn attempt(own: &Path) -> Result<Option<Self>> {
        let path = own.join("writer.lock");
        let open = || OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        // Somebody may have tidied up while this program was running.
        let file = open().or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => fs::create_dir_all(own).and_then(|()| open()),
            _ => Err(error),
        });
        let file = file.map_err(|error| errors::io("open", &path, error))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(errors::io("lock", &path, error)),
        }
    }
}

/// A lock file as the journal names it. The note inside is unlike that of any other lock, so that only this very one
/// is ever removed; numbers of devices and inodes would not survive another mount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LockRecord {
    /// From the folder that all work trees share: the repository may be somewhere else after a crash.
    path: PathBuf,
    note: String,
}

/// A lock file of ours that is ready but not yet in its place.
#[derive(Debug)]
pub(super) struct Ready {
    common_dir: PathBuf,
    temporary: PathBuf,
    record: LockRecord,
}

impl Ready {
    /// Readies the lock of `guarded`, a path from `common_dir`. `temporary` is in the same file system.
    pub(super) fn new(common_dir: &Path, guarded: &Path, temporary: PathBuf, disk: Disk) -> Result<Self> {
        let mut path = guarded.as_os_str().to_owned();
        path.push(".lock");
        let note = format!("lorebase, process {}, {}\n", std::process::id(), Uuid::new_v4());
        durable::remove(&temporary)?;
        disk.write(&temporary, note.as_bytes())?;
        Ok(Self { common_dir: common_dir.to_owned(), temporary, record: LockRecord { path: path.into(), note } })
    }

    pub(super) fn record(&self) -> &LockRecord {
        &self.record
    }

    /// Puts it in its place once nobody else's is there. It must have been journalled.
    pub(super) fn take(self, patience: &mut Patience) -> Result<GitLock> {
        let path = self.common_dir.join(&self.record.path);
        loop {
            // Made whole at once: a lock without its note could not be told from anybody else's.
            match fs::hard_link(&self.temporary, &path) {
                Ok(()) => break,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    if !patience.pause() {
                        let place = path.display().to_string();
                        let message = format!(
                            "`{place}` exists: another git program is at work in this repository; \
                             if none is running any more, remove that file"
                        );
                        return Err(Error::new(ErrorKind::Busy, message).with("path", place));
                    }
                }
                Err(error) => return Err(errors::io("make the lock", &path, error)),
            }
        }
        Ok(GitLock { common_dir: self.common_dir.clone(), record: self.record.clone() })
    }
}

/// In its place or not, the temporary name has served.
impl Drop for Ready {
    fn drop(&mut self) {
        let _ = durable::remove(&self.temporary);
    }
}

/// A lock file of ours in its place; removed when it is dropped.
#[derive(Debug)]
pub(super) struct GitLock {
    common_dir: PathBuf,
    record: LockRecord,
}

impl Drop for GitLock {
    fn drop(&mut self) {
        if let Err(error) = self.record.remove_if_ours(&self.common_dir) {
            tracing::warn!(%error, "a lock file was left behind; the next move of the branch removes it");
        }
    }
}

impl LockRecord {
    /// Removes the lock file if it is exactly the one recorded; anybody else's stays.
    pub(super) fn remove_if_ours(&self, common_dir: &Path) -> Result<()> {
        let path = common_dir.join(&self.path);
        if durable::read(&path)?.is_some_and(|bytes| bytes == self.note.as_bytes()) {
            durable::remove(&path)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patience() -> Patience {
        Patience::new(Duration::from_millis(20))
    }

    #[test]
    fn only_one_holder_at_a_time_has_the_writers_lock() {
        let folder = tempfile::tempdir().unwrap();
        let first = Writer::acquire(folder.path(), &mut patience()).unwrap();
        let error = Writer::acquire(folder.path(), &mut patience()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Busy);
        assert!(error.message().contains("writer.lock"), "{error}");
        drop(first);
        Writer::acquire(folder.path(), &mut patience()).unwrap();
    }

    fn ready(folder: &Path) -> Ready {
        Ready::new(folder, Path::new("index"), folder.join("temporary"), Disk(true)).unwrap()
    }

    #[test]
    fn a_lock_file_is_in_its_place_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let ready = ready(folder.path());
        assert!(!folder.path().join("index.lock").exists());
        let lock = ready.take(&mut patience()).unwrap();
        assert!(folder.path().join("index.lock").exists());
        assert!(!folder.path().join("temporary").exists());
        drop(lock);
        assert!(!folder.path().join("index.lock").exists());
    }

    #[test]
    fn somebody_elses_lock_file_is_busy_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let other = folder.path().join("index.lock");
        fs::write(&other, "").unwrap();
        let ready = ready(folder.path());
        let record = ready.record().clone();
        let error = ready.take(&mut patience()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Busy);
        assert!(error.message().contains("index.lock"), "{error}");
        record.remove_if_ours(folder.path()).unwrap();
        assert!(other.exists());
        assert!(!folder.path().join("temporary").exists());
    }

    #[test]
    fn only_the_recorded_lock_is_removed_wherever_the_repository_is_now() {
        let folder = tempfile::tempdir().unwrap();
        let ready = ready(folder.path());
        let record = ready.record().clone();
        std::mem::forget(ready.take(&mut patience()).unwrap());
        let moved = tempfile::tempdir().unwrap();
        let lock = moved.path().join("index.lock");
        fs::write(&lock, "lorebase, process 1, another\n").unwrap();
        record.remove_if_ours(moved.path()).unwrap();
        assert!(lock.exists());
        fs::rename(folder.path().join("index.lock"), &lock).unwrap();
        record.remove_if_ours(moved.path()).unwrap();
        assert!(!lock.exists());
    }
}
