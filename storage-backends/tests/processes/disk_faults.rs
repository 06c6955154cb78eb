//! What a save, a reader and a synchronisation come to while the ground under them is bad, and after it is good again:
//! one clear error with place and way out, the save kept or refused, everything else served, and nothing lost. The
//! faults that need a mount of their own are made here too, by a child that has one.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use lorebase::knowledge::{Knowledge, SyncStatus};
use lorebase::store::View;
use lorebase::sync::{Save, SyncOptions};
use lorebase::{Error, ErrorKind, KnowledgeBase, PublishMode, Selector};
use lorebase_backends::sql::{SqliteCache, SqliteOptions};

use super::child::{ada, database};
use super::orders::Orders;
use super::scratch::git;
use super::shifted;

/// What becomes of a save while the ground is bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Becomes {
    /// It is acknowledged and waits; a synchronisation says why.
    Pending,
    /// It is refused with the reason.
    Refused,
}

/// Where everything is.
#[derive(Debug, Clone)]
pub(crate) struct Ground {
    pub(crate) folder: PathBuf,
    pub(crate) repository: PathBuf,
    pub(crate) database: PathBuf,
}

impl Ground {
    pub(crate) async fn open(&self) -> Result<KnowledgeBase, Error> {
        shifted::open(&self.folder, &self.repository, self.database.clone(), PublishMode::Inline).await
    }

    /// Goes through a fault that comes while the library is open.
    pub(crate) async fn suffer(&self, becomes: Becomes, says: &[&str], fault: impl FnOnce(), mend: impl FnOnce()) {
        let kb = self.open().await.unwrap();
        kb.sync(SyncOptions::default()).await.unwrap();
        assert_eq!(save(&kb, "c-acme", "t1x1z").await.unwrap().sync_status, SyncStatus::Synced);
        fault();
        let outcome = save(&kb, "c-acme", "t1x2z").await;
        let told = match (becomes, outcome) {
            (Becomes::Pending, Ok(saved)) => {
                assert_eq!(saved.sync_status, SyncStatus::Pending, "{saved:?}");
                assert_eq!(save(&kb, "c-zenith", "t1x3z").await.unwrap().sync_status, SyncStatus::Pending);
                kb.sync(SyncOptions::default()).await.unwrap_err()
            }
            (Becomes::Refused, Err(error)) => error,
            (_, outcome) => panic!("a save is not {becomes:?}: {outcome:?}"),
        };
        is_told(&told, says);
        let (region, kept) = (field(&kb, "c-acme").await, becomes == Becomes::Pending);
        assert_eq!(region, if kept { "t1x2z" } else { "t1x1z" }, "what is acknowledged is served");
        assert_eq!(field(&kb, "c-zenith").await, if kept { "t1x3z" } else { "e0x3z" });
        mend();
        self.healed(&kb, if kept { &["t1x1z", "t1x2z", "t1x3z"] } else { &["t1x1z"] }).await;
    }

    /// One synchronisation and everything is in git, once, and both sides are equal.
    pub(crate) async fn healed(&self, kb: &KnowledgeBase, acknowledged: &[&str]) {
        kb.sync(SyncOptions::default()).await.unwrap();
        for token in acknowledged {
            let commits = git(&self.repository, &["log", "--format=%H", "--diff-filter=AM", &format!("-S{token}"), "refs/heads/main"]);
            let brought = commits
                .lines()
                .filter(|commit| git(&self.repository, &["show", "--format=", commit]).contains(&format!("+region: {token}")));
            assert_eq!(brought.count(), 1, "`{token}` is not in git once");
        }
        assert_eq!(save(kb, "c-acme", "t1x9z").await.unwrap().sync_status, SyncStatus::Synced);
        assert!(kb.drift().await.unwrap().is_empty());
        let cache = SqliteCache::open(SqliteOptions { create: false, ..SqliteOptions::file(&self.database) }).await.unwrap();
        assert_eq!(cache.check().await.unwrap(), Vec::<String>::new());
    }
}

pub(crate) async fn save(kb: &KnowledgeBase, id: &str, token: &str) -> Result<Knowledge, Error> {
    let mut save = Save::update("customer", "").id(id).set("region", token).author(ada());
    save.slug = None;
    kb.save(save).await
}

pub(crate) async fn field(kb: &KnowledgeBase, id: &str) -> String {
    let entity = kb.get_view("customer", Selector::Id(id.into()), View::Working).await.unwrap().unwrap();
    entity.fields["region"].as_str().unwrap().to_owned()
}

pub(crate) fn is_told(error: &Error, says: &[&str]) {
    for part in says {
        assert!(error.to_string().contains(part), "`{error}` does not say `{part}`");
    }
}

/// A child that may mount: goes through the fault that it is told.
pub(crate) async fn suffer(orders: &Orders, fault: &str) {
    let ground = Ground { folder: orders.folder.clone(), repository: orders.repository.clone(), database: database(orders) };
    match fault {
        "full" => full(&ground, Becomes::Refused).await,
        "full for git" => full(&ground, Becomes::Pending).await,
        "read-only objects" => read_only_objects(&ground).await,
        "read-only database" => read_only_database(&ground).await,
        "limit" => limit(&ground).await,
        other => panic!("no fault is called `{other}`"),
    }
}

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A disk of a few megabytes that fills up, with the repository on it; the database is on it too, or elsewhere.
async fn full(ground: &Ground, becomes: Becomes) {
    let disk = ground.folder.join("disk");
    std::fs::create_dir(&disk).unwrap();
    run("mount", &["-t", "tmpfs", "-o", "size=8m", "tmpfs", disk.to_str().unwrap()]);
    run("cp", &["-a", ground.repository.to_str().unwrap(), disk.to_str().unwrap()]);
    let repository = disk.join("repository");
    let database = match becomes {
        Becomes::Refused => database_of(&repository),
        Becomes::Pending => ground.folder.join("elsewhere.db"),
    };
    let small = Ground { repository, database, ..ground.clone() };
    let filler = disk.join("filler");
    let says = ["the disk", "is full; free some space and try again", disk.to_str().unwrap()];
    small.suffer(becomes, &says, || fill(&filler), || std::fs::remove_file(&filler).unwrap()).await;
    run("cp", &["-a", small.repository.to_str().unwrap(), ground.folder.join("afterwards").to_str().unwrap()]);
}

fn database_of(repository: &Path) -> PathBuf {
    let git = repository.join(".git");
    let folder = if git.exists() { git } else { repository.to_owned() }.join("lorebase");
    std::fs::create_dir_all(&folder).unwrap();
    folder.join("cache.db")
}

/// Writes until nothing more can be written.
fn fill(path: &Path) {
    let mut file = std::fs::File::create(path).unwrap();
    for size in [1 << 16, 1 << 9, 1] {
        while file.write_all(&vec![b'x'; size]).is_ok() {}
    }
}

/// A folder that can be read and not written, whoever asks.
async fn read_only_objects(ground: &Ground) {
    let git = ground.repository.join(".git");
    let objects = if git.exists() { git } else { ground.repository.clone() }.join("objects");
    let path = objects.to_str().unwrap();
    run("mount", &["--bind", path, path]);
    let says = [path, "give the user that runs this program write access to the whole repository"];
    ground.suffer(Becomes::Pending, &says, || remount(path, "ro"), || remount(path, "rw")).await;
}

/// A database that is found read-only: it is opened anew, because no file system can be made read-only under a writer.
async fn read_only_database(ground: &Ground) {
    let folder = ground.folder.join("cache");
    std::fs::create_dir(&folder).unwrap();
    let path = folder.to_str().unwrap();
    run("mount", &["--bind", path, path]);
    let ground = Ground { database: folder.join("cache.db"), ..ground.clone() };
    {
        let kb = ground.open().await.unwrap();
        kb.sync(SyncOptions::default()).await.unwrap();
        save(&kb, "c-acme", "t1x1z").await.unwrap();
    }
    remount(path, "ro");
    let told = match ground.open().await {
        Err(error) => error,
        Ok(kb) => {
            assert_eq!(field(&kb, "c-zenith").await, "e0x3z");
            save(&kb, "c-acme", "t1x2z").await.unwrap_err()
        }
    };
    assert_eq!(told.kind(), ErrorKind::Unavailable, "{told}");
    is_told(&told, &[ground.database.to_str().unwrap(), "cannot be", "writ"]);
    remount(path, "rw");
    let kb = ground.open().await.unwrap();
    assert_eq!(field(&kb, "c-acme").await, "t1x1z");
    ground.healed(&kb, &["t1x1z"]).await;
}

/// Connections are closed in the background, and before that a file system stays as it is.
fn remount(path: &str, way: &str) {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let output = Command::new("mount").args(["-o", &format!("remount,bind,{way}"), path]).output().unwrap();
        if output.status.success() {
            return;
        }
        assert!(Instant::now() < deadline, "{}", String::from_utf8_lossy(&output.stderr));
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// No file may grow beyond what the shell has set: a stand-in for a full disk that needs no rights. The limit stays
/// with the process; the next one is without it.
async fn limit(ground: &Ground) {
    let kb = ground.open().await.unwrap();
    let mut last = "t1x1z".to_owned();
    let mut refused = Vec::new();
    for number in 10..200 {
        let token = format!("t1x{number}z");
        match save(&kb, "c-acme", &token).await {
            Ok(_) => last = token,
            Err(error) => refused.push(error),
        }
        if refused.len() == 3 {
            break;
        }
    }
    assert_eq!(refused.len(), 3, "the limit was never felt");
    for error in refused {
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        is_told(&error, &["cache.db", "cannot be read or written", "check the disk it is on"]);
    }
    assert_eq!(field(&kb, "c-acme").await, last);
    assert_eq!(field(&kb, "c-zenith").await, "e0x3z");
    std::fs::write(ground.folder.join("last"), last).unwrap();
}
