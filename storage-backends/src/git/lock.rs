//! Two kinds of lock. [`Writer`] is ours: an advisory lock that the system drops with the process, held around every
//! move of a branch. [`GitLock`] is git's: a file `….lock` beside what it guards, which outlives a killed process and
//! therefore has a mark that tells it from everybody else's. Waiting is bounded; then it is `Busy`.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lorebase::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::durable::{self, Disk};
use super::errors;
use crate::failpoint;

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

/// What is in every lock file of ours in this repository, unlike what is in any other, and where such files may be. On
/// the disk before the first of them is made, and left there: who finds one while holding the writers' lock knows that
/// its maker is dead, and taking one costs no waiting for the disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Marks {
    note: String,
    /// What the locks guard, from the folder that all work trees share: the repository may be somewhere else after a
    /// crash.
    guarded: BTreeSet<PathBuf>,
}

impl Marks {
    fn read(own: &Path) -> Result<Option<Self>> {
        let path = own.join("locks");
        let Some(bytes) = durable::read(&path)? else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(|error| {
            let message =
                format!("`{}` cannot be read; look for `.lock` files that no running program holds, and remove it", path.display());
            Error::new(ErrorKind::Corrupt, message).with("path", path.display().to_string()).caused_by(error)
        })
    }

    /// Removes every lock file that a process left when it died. The writers' lock is held.
    pub(super) fn sweep(own: &Path, common_dir: &Path) -> Result<()> {
        let Some(marks) = Self::read(own)? else { return Ok(()) };
        marks.guarded.iter().try_for_each(|guarded| remove_if_ours(&common_dir.join(lock_of(guarded)), &marks.note))
    }

    /// Sees to it that locks of these files are known as ours. What was left of others is swept.
    fn of(own: &Path, guarded: &[PathBuf], disk: Disk) -> Result<Self> {
        let note = own.join("note");
        let found = Self::read(own)?;
        let whole = found.as_ref().is_some_and(|found| guarded.iter().all(|path| found.guarded.contains(path)));
        let known = match &found {
            Some(found) => durable::read(&note)?.is_some_and(|bytes| bytes == found.note.as_bytes()),
            None => false,
        };
        match found {
            Some(found) if whole && known => return Ok(found),
            _ => {}
        }
        let mut marks = found.filter(|_| known).unwrap_or_else(|| Self {
            note: format!("lorebase moves the branch; if it does not run any more, its next start removes this, {}\n", Uuid::new_v4()),
            guarded: BTreeSet::new(),
        });
        marks.guarded.extend(guarded.iter().cloned());
        if !known {
            disk.replace(&note, &own.join("note.tmp"), marks.note.as_bytes(), ["git.note.written", "git.note.replaced"])?;
        }
        let path = own.join("locks");
        let bytes = serde_json::to_vec(&marks).map_err(|error| errors::io("write", &path, error.into()))?;
        disk.replace(&path, &own.join("locks.tmp"), &bytes, ["git.marks.written", "git.marks.replaced"])?;
        Ok(marks)
    }
}

/// The lock files of one move, in their places; removed when it is dropped.
#[derive(Debug)]
pub(super) struct GitLocks {
    marks: Marks,
    taken: Vec<PathBuf>,
}

impl GitLocks {
    /// Takes git's locks of these files in this order. The writers' lock is held, and nothing of the dead is left.
    pub(super) fn take(own: &Path, common_dir: &Path, guarded: &[PathBuf], disk: Disk, patience: &mut Patience) -> Result<Self> {
        let marks = Marks::of(own, guarded, disk)?;
        failpoint::hit("git.lock.ready");
        let mut locks = Self { marks, taken: Vec::with_capacity(guarded.len()) };
        for guarded in guarded {
            let path = common_dir.join(lock_of(guarded));
            place(&own.join("note"), &path, patience)?;
            locks.taken.push(path);
            failpoint::hit("git.lock.taken");
        }
        Ok(locks)
    }
}

impl Drop for GitLocks {
    fn drop(&mut self) {
        for path in &self.taken {
            if let Err(error) = remove_if_ours(path, &self.marks.note) {
                tracing::warn!(%error, "a lock file was left behind; the next move of the branch removes it");
            }
        }
    }
}

fn lock_of(guarded: &Path) -> PathBuf {
    let mut path = guarded.as_os_str().to_owned();
    path.push(".lock");
    path.into()
}

/// Puts a lock in its place once nobody else's is there. Made whole at once: a lock without its note could not be told
/// from anybody else's.
fn place(note: &Path, path: &Path, patience: &mut Patience) -> Result<()> {
    loop {
        match fs::hard_link(note, path) {
            Ok(()) => return Ok(()),
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
            Err(error) => return Err(errors::io("make the lock", path, error)),
        }
    }
}

/// Removes a lock file if it is ours; anybody else's stays.
fn remove_if_ours(path: &Path, note: &str) -> Result<()> {
    if durable::read(path)?.is_some_and(|bytes| bytes == note.as_bytes()) {
        durable::remove(path)?;
    }
    Ok(())
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

    fn take(folder: &Path) -> Result<GitLocks> {
        GitLocks::take(folder, folder, &[PathBuf::from("index"), PathBuf::from("main")], Disk(true), &mut patience())
    }

    #[test]
    fn lock_files_are_in_their_places_until_they_are_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let locks = take(folder.path()).unwrap();
        assert!(folder.path().join("index.lock").exists() && folder.path().join("main.lock").exists());
        drop(locks);
        assert!(!folder.path().join("index.lock").exists() && !folder.path().join("main.lock").exists());
    }

    #[test]
    fn somebody_elses_lock_file_is_busy_and_stays_and_the_others_are_given_back() {
        let folder = tempfile::tempdir().unwrap();
        let other = folder.path().join("main.lock");
        fs::write(&other, "").unwrap();
        let error = take(folder.path()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Busy);
        assert!(error.message().contains("main.lock"), "{error}");
        Marks::sweep(folder.path(), folder.path()).unwrap();
        assert!(other.exists());
        assert!(!folder.path().join("index.lock").exists());
    }

    #[test]
    fn only_locks_of_ours_are_swept_wherever_the_repository_is_now() {
        let folder = tempfile::tempdir().unwrap();
        std::mem::forget(take(folder.path()).unwrap());
        let moved = tempfile::tempdir().unwrap();
        let lock = moved.path().join("index.lock");
        fs::write(&lock, "lorebase moves the branch, another\n").unwrap();
        for file in ["locks", "note"] {
            fs::copy(folder.path().join(file), moved.path().join(file)).unwrap();
        }
        Marks::sweep(moved.path(), moved.path()).unwrap();
        assert!(lock.exists());
        fs::rename(folder.path().join("index.lock"), &lock).unwrap();
        Marks::sweep(moved.path(), moved.path()).unwrap();
        assert!(!lock.exists());
    }

    #[test]
    fn marks_stay_as_long_as_they_are_whole_and_are_made_anew_where_they_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let (locks, note) = (folder.path().join("locks"), folder.path().join("note"));
        drop(take(folder.path()).unwrap());
        let (first, first_note) = (fs::read(&locks).unwrap(), fs::read(&note).unwrap());
        drop(take(folder.path()).unwrap());
        assert_eq!((fs::read(&locks).unwrap(), fs::read(&note).unwrap()), (first.clone(), first_note.clone()));
        let more = [PathBuf::from("worktrees/one/index")];
        fs::create_dir_all(folder.path().join("worktrees/one")).unwrap();
        drop(GitLocks::take(folder.path(), folder.path(), &more, Disk(true), &mut patience()).unwrap());
        assert_ne!(fs::read(&locks).unwrap(), first);
        assert_eq!(fs::read(&note).unwrap(), first_note);
        fs::write(&note, "").unwrap();
        let held = take(folder.path()).unwrap();
        assert_ne!(fs::read(&note).unwrap(), first_note);
        assert_eq!(fs::read(folder.path().join("main.lock")).unwrap(), fs::read(&note).unwrap());
        drop(held);
    }
}
