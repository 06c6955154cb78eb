//! Disks and files that do not do what they should: full, read-only, damaged, locked by somebody who is gone. A save is
//! refused or kept, never lost; other entities are served; and once the cause is gone one synchronisation heals all.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lorebase::ErrorKind;
use lorebase::knowledge::SyncStatus;
use lorebase::sync::SyncOptions;
use serde_json::json;

use super::child::{self, database};
use super::disk_faults::{Becomes, Ground, field, is_told, save};
use super::orders::{Orders, Task, last_words};
use super::report::{Proof, report};
use super::scratch::{Scratch, git};
use super::trial::exit_of;

fn orders(scratch: &Scratch, fault: &str) -> Orders {
    Orders {
        task: Task::Disk { fault: fault.to_owned() },
        folder: scratch.folder().to_owned(),
        repository: scratch.repository(),
        life: 1,
        seed: 1,
        end: None,
    }
}

fn ground(scratch: &Scratch) -> Ground {
    let database = database(&orders(scratch, ""));
    Ground { folder: scratch.folder().to_owned(), repository: scratch.repository(), database }
}

fn proven(fault: &str, begun: Instant, ran: bool) {
    let details = json!({"ran": ran});
    let proof = Proof { runs: u64::from(ran), ..Proof::default() };
    report(&format!("bad disk: {fault}"), "faults", proof, begun, &details);
}

/// A fault that comes while the library is open and goes when `put_back` gets the path it made.
fn suffer(fault: &str, bare: bool, becomes: Becomes, says: &[&str], make: impl FnOnce(&Scratch) -> Damage) {
    let begun = Instant::now();
    let scratch = Scratch::new(bare);
    let ground = ground(&scratch);
    let mut damage = None;
    let damage = std::cell::RefCell::new(&mut damage);
    pollster::block_on(ground.suffer(
        becomes,
        says,
        || **damage.borrow_mut() = Some(make(&scratch)),
        || damage.borrow_mut().take().unwrap().undo(),
    ));
    scratch.assert_tidy(true);
    proven(fault, begun, true);
}

/// A file that was replaced, and what it was before; nothing where it was not there.
struct Damage(PathBuf, Option<Vec<u8>>);

impl Damage {
    fn to(path: PathBuf, bytes: impl FnOnce(&[u8]) -> Vec<u8>) -> Self {
        let before = fs::read(&path).ok();
        let damaged = bytes(before.as_deref().unwrap_or_default());
        Self::replace(&path, &damaged);
        Self(path, before)
    }

    fn replace(path: &Path, bytes: &[u8]) {
        // Objects are read-only, and a file that somebody has mapped must not shrink under them.
        let _ = fs::remove_file(path);
        fs::File::create(path).unwrap().write_all(bytes).unwrap();
    }

    fn undo(self) {
        match self.1 {
            Some(before) => Self::replace(&self.0, &before),
            None => fs::remove_file(&self.0).unwrap(),
        }
    }
}

fn half(bytes: &[u8]) -> Vec<u8> {
    bytes[..bytes.len() / 2].to_vec()
}

fn object(scratch: &Scratch, name: &str) -> PathBuf {
    let id = git(&scratch.repository(), &["rev-parse", name]);
    scratch.git_dir().join("objects").join(&id[..2]).join(&id[2..])
}

#[test]
fn a_lock_of_the_index_that_somebody_left_is_named_and_stays() {
    let says = ["index.lock` exists: another git program is at work", "if none is running any more, remove that file"];
    suffer("stale index.lock", false, Becomes::Pending, &says, |scratch| Damage::to(scratch.git_dir().join("index.lock"), |_| Vec::new()));
}

#[test]
fn a_lock_of_the_branch_that_somebody_left_is_named_and_stays() {
    let says = ["refs/heads/main.lock` exists: another git program is at work", "remove that file"];
    suffer("stale main.lock", true, Becomes::Pending, &says, |scratch| {
        Damage::to(scratch.git_dir().join("refs/heads/main.lock"), |_| Vec::new())
    });
}

#[test]
fn a_lock_of_head_that_somebody_left_is_in_nobodys_way() {
    let begun = Instant::now();
    let scratch = Scratch::new(false);
    let lock = Damage::to(scratch.git_dir().join("HEAD.lock"), |_| Vec::new());
    pollster::block_on(async {
        let kb = ground(&scratch).open().await.unwrap();
        kb.sync(SyncOptions::default()).await.unwrap();
        assert_eq!(save(&kb, "c-acme", "t1x1z").await.unwrap().sync_status, SyncStatus::Synced);
        lock.undo();
        ground(&scratch).healed(&kb, &["t1x1z"]).await;
    });
    scratch.assert_tidy(true);
    proven("stale HEAD.lock", begun, true);
}

/// An object of the branch that is damaged while nobody has the repository open, so that nothing of it is in memory.
fn damaged(fault: &str, name: &str) {
    let begun = Instant::now();
    let scratch = Scratch::new(true);
    let ground = ground(&scratch);
    pollster::block_on(async {
        let kb = ground.open().await.unwrap();
        kb.sync(SyncOptions::default()).await.unwrap();
        assert_eq!(save(&kb, "c-acme", "t1x1z").await.unwrap().sync_status, SyncStatus::Synced);
        drop(kb);
        let damage = Damage::to(object(&scratch, name), half);
        let kb = ground.open().await.unwrap();
        assert_eq!(save(&kb, "c-acme", "t1x2z").await.unwrap().sync_status, SyncStatus::Pending);
        is_told(&kb.sync(SyncOptions::default()).await.unwrap_err(), &["run `git fsck` and restore what it names from another clone"]);
        assert_eq!((field(&kb, "c-acme").await, field(&kb, "c-zenith").await), ("t1x2z".to_owned(), "e0x3z".to_owned()));
        damage.undo();
        ground.healed(&kb, &["t1x1z", "t1x2z"]).await;
    });
    scratch.assert_tidy(true);
    proven(fault, begun, true);
}

#[test]
fn a_truncated_commit_holds_up_saves_and_loses_none() {
    damaged("truncated commit", "main");
}

#[test]
fn a_truncated_tree_holds_up_saves_and_loses_none() {
    damaged("truncated tree", "main^{tree}");
}

#[test]
fn an_empty_branch_file_is_named_with_the_way_out() {
    let says = ["refs/heads/main` holds no object id", "find the last good one in the reflog and set it with `git update-ref`"];
    suffer("zero-length ref", false, Becomes::Pending, &says, |scratch| {
        Damage::to(scratch.git_dir().join("refs/heads/main"), |_| Vec::new())
    });
}

#[test]
fn an_empty_index_is_named_with_the_way_out() {
    let says = ["/index` is damaged", "remove that file and run `git reset`"];
    suffer("zero-length index", false, Becomes::Pending, &says, |scratch| Damage::to(scratch.git_dir().join("index"), |_| Vec::new()));
}

#[test]
fn a_truncated_pack_holds_up_saves_and_loses_none() {
    let begun = Instant::now();
    let scratch = Scratch::new(true);
    git(&scratch.repository(), &["gc", "-q"]);
    let ground = ground(&scratch);
    pollster::block_on(async {
        let kb = ground.open().await.unwrap();
        kb.sync(SyncOptions::default()).await.unwrap();
        drop(kb);
        let packs = fs::read_dir(scratch.git_dir().join("objects/pack")).unwrap();
        let pack = packs.map(|entry| entry.unwrap().path()).find(|path| path.extension().is_some_and(|kind| kind == "pack")).unwrap();
        let damage = Damage::to(pack, half);
        // What is known is served, and whatever cannot be read is told.
        match ground.open().await {
            Ok(kb) => {
                assert_eq!(save(&kb, "c-acme", "t1x2z").await.unwrap().sync_status, SyncStatus::Pending);
                is_told(
                    &kb.sync(SyncOptions::default()).await.unwrap_err(),
                    &["run `git fsck` and restore what it names from another clone"],
                );
                assert_eq!(field(&kb, "c-zenith").await, "e0x3z");
            }
            Err(error) => panic!("nothing is served because a pack is damaged: {error}"),
        }
        damage.undo();
        let kb = ground.open().await.unwrap();
        ground.healed(&kb, &["t1x2z"]).await;
    });
    scratch.assert_tidy(true);
    proven("truncated pack", begun, true);
}

#[test]
fn a_truncated_blob_holds_up_the_saves_of_its_file_alone() {
    let begun = Instant::now();
    let scratch = Scratch::new(true);
    let ground = ground(&scratch);
    pollster::block_on(async {
        let kb = ground.open().await.unwrap();
        kb.sync(SyncOptions::default()).await.unwrap();
        let damage = Damage::to(object(&scratch, "main:customers/acme.md"), half);
        // Opened anew, so that nothing is in memory.
        let kb = ground.open().await.unwrap();
        let acme = save(&kb, "c-acme", "t1x2z").await.unwrap();
        assert_eq!(save(&kb, "c-zenith", "t1x3z").await.unwrap().sync_status, SyncStatus::Synced, "another file is not held up");
        assert_eq!((field(&kb, "c-acme").await, field(&kb, "c-zenith").await), ("t1x2z".to_owned(), "t1x3z".to_owned()));
        println!("the save onto the damaged file is {:?}", acme.sync_status);
        damage.undo();
        ground.healed(&kb, &["t1x2z", "t1x3z"]).await;
    });
    scratch.assert_tidy(true);
    proven("truncated blob", begun, true);
}

/// The database of a repository with one save in git and one that waits, nobody having it open.
fn closed_with_a_waiting_save(scratch: &Scratch) -> PathBuf {
    let ground = ground(scratch);
    pollster::block_on(async {
        let kb = ground.open().await.unwrap();
        kb.sync(SyncOptions::default()).await.unwrap();
        save(&kb, "c-acme", "t1x1z").await.unwrap();
        let lock = Damage::to(scratch.git_dir().join("refs/heads/main.lock"), |_| Vec::new());
        assert_eq!(save(&kb, "c-acme", "t1x2z").await.unwrap().sync_status, SyncStatus::Pending);
        lock.undo();
    });
    // The last connection, closed in the background, puts what is still in the log into the file.
    let deadline = Instant::now() + Duration::from_secs(20);
    while log_of(&ground.database, "-wal").exists() {
        assert!(Instant::now() < deadline, "the database was never closed");
        std::thread::park_timeout(Duration::from_millis(5));
    }
    ground.database
}

#[test]
fn a_truncated_database_is_told_and_put_back_loses_nothing() {
    let begun = Instant::now();
    let scratch = Scratch::new(true);
    let database = closed_with_a_waiting_save(&scratch);
    let damage = Damage::to(database.clone(), half);
    pollster::block_on(async {
        let refused = match ground(&scratch).open().await {
            Err(error) => error,
            Ok(kb) => kb.sync(SyncOptions::default()).await.unwrap_err(),
        };
        assert_eq!(refused.kind(), ErrorKind::Corrupt, "{refused}");
        is_told(
            &refused,
            &["cache.db", "move the file aside and open again", "saves and drafts in it that are not in git yet would be lost"],
        );
        remove_logs(&database);
        damage.undo();
        let kb = ground(&scratch).open().await.unwrap();
        assert_eq!(field(&kb, "c-acme").await, "t1x2z");
        ground(&scratch).healed(&kb, &["t1x1z", "t1x2z"]).await;
    });
    scratch.assert_tidy(true);
    proven("truncated database", begun, true);
}

#[test]
fn a_database_without_its_log_is_sound_and_equal_to_git() {
    let begun = Instant::now();
    let scratch = Scratch::new(true);
    let database = closed_with_a_waiting_save(&scratch);
    pollster::block_on(async {
        let kb = ground(&scratch).open().await.unwrap();
        kb.sync(SyncOptions::default()).await.unwrap();
        drop(kb);
    });
    remove_logs(&database);
    pollster::block_on(async {
        let kb = ground(&scratch).open().await.unwrap();
        ground(&scratch).healed(&kb, &["t1x1z", "t1x2z"]).await;
    });
    scratch.assert_tidy(true);
    proven("database without its -wal", begun, true);
}

/// SQLite's files beside a database.
fn remove_logs(database: &Path) {
    for kind in ["-wal", "-shm"] {
        let _ = fs::remove_file(log_of(database, kind));
    }
}

fn log_of(database: &Path, kind: &str) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(kind);
    path.into()
}

/// How a child gets mounts of its own here, if it can: as root, or where users may have namespaces.
fn mounting() -> Option<&'static [&'static str]> {
    const WAYS: [&[&str]; 2] = [&["-rm", "--"], &["-m", "--"]];
    let works = |way: &&&[&str]| {
        let test = ["sh", "-c", "d=$(mktemp -d) && mount -t tmpfs tmpfs \"$d\""];
        std::process::Command::new("unshare").args(**way).args(test).output().is_ok_and(|output| output.status.success())
    };
    WAYS.iter().find(works).copied()
}

/// A fault that is a mount, in a child that has mounts of its own.
fn suffer_mounted(test: &str, fault: &str, bare: bool) {
    if let Some(orders) = Orders::given() {
        return child::obey(&orders);
    }
    let begun = Instant::now();
    let Some(way) = mounting() else {
        eprintln!(
            "NOT RUN: `{fault}` needs `unshare` and `mount`, as root or with user namespaces; a full disk has a stand-in that ran (`limit`)"
        );
        return proven(fault, begun, false);
    };
    let scratch = Scratch::new(bare);
    let mut child = orders(&scratch, fault).start_by("unshare", way, test).unwrap();
    let status = exit_of(&mut child, Duration::from_mins(1), "the child never finished");
    assert!(status.success(), "{status}:\n{}", last_words(scratch.folder()));
    scratch.assert_tidy(true);
    proven(fault, begun, true);
}

#[test]
fn a_full_disk_refuses_saves_and_loses_none() {
    suffer_mounted("disks::a_full_disk_refuses_saves_and_loses_none", "full", false);
}

#[test]
fn a_full_disk_of_the_repository_alone_holds_up_saves_and_loses_none() {
    suffer_mounted("disks::a_full_disk_of_the_repository_alone_holds_up_saves_and_loses_none", "full for git", false);
}

#[test]
fn a_read_only_object_folder_holds_up_saves_and_loses_none() {
    suffer_mounted("disks::a_read_only_object_folder_holds_up_saves_and_loses_none", "read-only objects", true);
}

#[test]
fn a_read_only_database_refuses_saves_and_loses_none() {
    suffer_mounted("disks::a_read_only_database_refuses_saves_and_loses_none", "read-only database", true);
}

#[test]
fn a_limit_of_file_sizes_refuses_saves_and_loses_none() {
    let test = "disks::a_limit_of_file_sizes_refuses_saves_and_loses_none";
    if let Some(orders) = Orders::given() {
        return child::obey(&orders);
    }
    let begun = Instant::now();
    let scratch = Scratch::new(true);
    let ground = ground(&scratch);
    pollster::block_on(async {
        let kb = ground.open().await.unwrap();
        kb.sync(SyncOptions::default()).await.unwrap();
        save(&kb, "c-acme", "t1x1z").await.unwrap();
    });
    let limited = ["-c", "trap '' XFSZ; ulimit -f 128; exec \"$0\" \"$@\""];
    let mut child = orders(&scratch, "limit").start_by("sh", &limited, test).unwrap();
    let status = exit_of(&mut child, Duration::from_mins(1), "the child never finished");
    assert!(status.success(), "{status}:\n{}", last_words(scratch.folder()));
    pollster::block_on(async {
        let kb = ground.open().await.unwrap();
        let last = fs::read_to_string(scratch.folder().join("last")).unwrap();
        assert_eq!(field(&kb, "c-acme").await, last);
        ground.healed(&kb, &["t1x1z", &last]).await;
    });
    scratch.assert_tidy(true);
    proven("limited file sizes", begun, true);
}
