//! Repositories and databases that cannot be used: what is said, and that nothing is lost.

use std::path::Path;

use lorebase::knowledge::SyncStatus;
use lorebase::store::Query;
use lorebase::sync::Save;
use lorebase::{Error, ErrorKind, PublishMode};
use lorebase_backends::{Options, open};
use sqlx::{ConnectOptions, Connection};

use crate::git::git;
use crate::seed::ENTITIES;
use crate::world::{Layout, World, run};

fn refusal(options: Options, kind: ErrorKind, says: &str) -> Error {
    let error = run(open(options)).unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.message().contains(says), "`{error}` does not say `{says}`");
    error
}

fn temporary() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// Runs a statement on a database as another program would.
fn on_database<T>(path: &Path, then: impl AsyncFnOnce(&mut sqlx::SqliteConnection) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = sqlx::sqlite::SqliteConnectOptions::new().filename(path).connect().await.unwrap();
        let result = then(&mut connection).await;
        connection.close().await.unwrap();
        result
    })
}

#[test]
fn a_folder_that_is_no_repository() {
    let folder = temporary();
    let place = folder.path().display();
    refusal(
        Options::new(folder.path()),
        ErrorKind::NotFound,
        &format!("`{place}` is not a git repository; name its top folder, or make one (`init`, or `git init`)"),
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was made");
}

#[test]
fn a_folder_inside_a_repository_is_not_its_top() {
    let world = World::new(Layout::Checkout);
    refusal(Options::new(world.repo().join("skills")), ErrorKind::NotFound, "is not a git repository; name its top folder");
}

#[test]
fn a_path_that_does_not_exist() {
    let folder = temporary();
    let path = folder.path().join("no/such/place");
    refusal(
        Options::new(&path),
        ErrorKind::NotFound,
        &format!("there is no folder `{}`; check the path, or make a repository there (`init`)", path.display()),
    );
}

#[test]
fn a_path_below_a_file_cannot_be_made_even_by_root() {
    let folder = temporary();
    let file = folder.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let repo = file.join("repo");
    refusal(Options::new(&repo).init(), ErrorKind::Unavailable, &format!("cannot make a repository in `{}`: ", repo.display()));
    assert_eq!(std::fs::read(&file).unwrap(), b"x");
}

#[test]
fn an_unborn_branch_is_empty_and_the_first_save_makes_it() {
    let folder = temporary();
    git(folder.path(), &["init", "-q", "-b", "trunk"]);
    let kb = run(open(Options::new(folder.path()))).unwrap();
    assert_eq!(kb.key().branch, "trunk");
    assert_eq!(run(kb.sync(lorebase::sync::SyncOptions::default())).unwrap().synced_commit, None);
    assert_eq!(run(kb.list(&Query::default())).unwrap().total, 0);
    assert!(run(kb.drift()).unwrap().is_empty());
    let saved = run(kb.save(Save::create("skill").title("First"))).unwrap();
    assert_eq!(saved.sync_status, SyncStatus::Synced);
    assert_eq!(git(folder.path(), &["rev-list", "--count", "trunk"]), "1");
    crate::git::assert_sound(folder.path());
    crate::git::assert_clean(folder.path());
    assert!(run(kb.drift()).unwrap().is_empty());
}

#[test]
fn a_branch_that_vanishes_removes_nothing_here() {
    let world = World::new(Layout::Bare);
    let head = world.head();
    git(&world.repo(), &["update-ref", "-d", "refs/heads/main"]);
    let error = run(world.kb().sync(lorebase::sync::SyncOptions::default())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let told = "bring it back, or fill it from the database with an export; nothing was removed here";
    assert_eq!(error.message(), format!("the branch `main` no longer exists (it was at {head}); {told}"));
    let saved = run(world.kb().save(Save::update("prompt_block", "tone").set("sortOrder", 11))).unwrap();
    assert_eq!(saved.sync_status, SyncStatus::Pending);
    assert_eq!(run(world.kb().list(&Query::default())).unwrap().total, ENTITIES);
    git(&world.repo(), &["update-ref", "refs/heads/main", &head]);
    world.step(&["prompts/blocks/tone.md"], |world| assert_eq!(world.sync().published, 1));
}

#[test]
fn a_detached_head_needs_a_branch_to_be_named() {
    let world = World::new(Layout::Checkout);
    git(&world.repo(), &["checkout", "-q", "--detach"]);
    world.close();
    refusal(
        world.options(PublishMode::Inline),
        ErrorKind::InvalidInput,
        &format!("HEAD of `{}` is not on a branch; check a branch out there, or name the branch to use", world.repo().display()),
    );
    let kb = run(open(world.options(PublishMode::Inline).branch("main"))).unwrap();
    run(kb.save(Save::update("prompt_block", "tone").set("sortOrder", 11))).unwrap();
    assert_eq!(git(&world.repo(), &["status", "--porcelain"]), "");
    drop(kb);
    git(&world.repo(), &["checkout", "-q", "main"]);
    world.reopen(PublishMode::Inline);
    world.assert_invariants();
}

#[test]
fn a_branch_that_is_not_there_is_refused_with_those_that_are() {
    let world = World::new(Layout::Bare);
    refusal(
        world.options(PublishMode::Inline).branch("mian"),
        ErrorKind::NotFound,
        &format!("`{}` has no branch `mian`, only `main`; name one of them, or make it first", world.repo().display()),
    );
}

#[test]
fn reftable_is_refused_by_name() {
    let folder = temporary();
    git(folder.path(), &["init", "-q", "--ref-format=reftable"]);
    refusal(
        Options::new(folder.path()),
        ErrorKind::Unsupported,
        "keeps its refs as reftable (extensions.refStorage), which is not supported; run `git refs migrate --ref-format=files` in it",
    );
}

#[test]
fn a_database_in_a_folder_that_does_not_exist() {
    let world = World::new(Layout::Bare);
    let (folder, file) = (world.folder().join("nowhere"), world.folder().join("nowhere/cache.db"));
    refusal(
        Options::new(world.repo()).cache(format!("sqlite:{}", file.display())),
        ErrorKind::NotFound,
        &format!("the cache `{}` cannot be made because the folder `{}` does not exist; make it first", file.display(), folder.display()),
    );
    assert!(!folder.exists());
}

/// The kernel's own folder takes nobody's files, not even root's.
#[cfg(target_os = "linux")]
#[test]
fn a_database_in_a_read_only_folder() {
    let world = World::new(Layout::Bare);
    refusal(
        Options::new(world.repo()).cache("sqlite:/sys/lorebase-cache.db"),
        ErrorKind::Unavailable,
        "the cache `/sys/lorebase-cache.db` cannot be opened; check that it is a file in an existing folder that this user can write",
    );
}

/// The same for the repository's objects.
#[cfg(target_os = "linux")]
#[test]
fn a_read_only_repository() {
    let world = World::new(Layout::Bare);
    world.close();
    let (objects, aside) = (world.repo().join("objects"), world.repo().join("aside"));
    std::fs::rename(&objects, &aside).unwrap();
    std::os::unix::fs::symlink("/sys/kernel", &objects).unwrap();
    let error = refusal(world.options(PublishMode::Inline), ErrorKind::Unavailable, "cannot write to the object folder `");
    assert!(error.message().ends_with("give the user that runs this program write access to the whole repository"), "{error}");
    std::fs::remove_file(&objects).unwrap();
    std::fs::rename(&aside, &objects).unwrap();
    world.reopen(PublishMode::Inline);
    world.assert_invariants();
}

#[test]
fn a_repository_that_stops_taking_writes_delays_a_save_and_loses_nothing() {
    let world = World::new(Layout::Bare);
    let (own, aside) = (world.repo().join("lorebase"), world.repo().join("aside"));
    std::fs::rename(&own, &aside).unwrap();
    std::fs::write(&own, "in the way").unwrap();
    let saved = world.save(Save::update("prompt_block", "tone").set("sortOrder", 11));
    assert_eq!(saved.sync_status, SyncStatus::Pending);
    let status = run(world.kb().status()).unwrap();
    let pause = status.pause.unwrap();
    assert!(!status.healthy && pause.reason.contains(&own.display().to_string()), "{pause:?}");
    let error = run(world.kb().sync(lorebase::sync::SyncOptions::default())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    std::fs::remove_file(&own).unwrap();
    // The folder itself is made again: it holds nothing that a running program may not lose.
    world.step(&["prompts/blocks/tone.md"], |world| assert_eq!(world.sync().published, 1));
    let status = run(world.kb().status()).unwrap();
    assert_eq!((status.pause, status.pending), (None, 0));
}

#[test]
fn a_database_that_another_program_holds_is_busy_and_nothing_is_lost() {
    let world = World::new(Layout::Bare);
    let path = world.database();
    let (kb, options) = (world.kb(), world.options(PublishMode::Inline));
    let (saved, opened) = on_database(&path, async |connection| {
        sqlx::query("BEGIN EXCLUSIVE").execute(&mut *connection).await.unwrap();
        let reader = run(open(options.clone())).unwrap();
        assert_eq!(run(reader.get("prompt_block", "tone")).unwrap().unwrap().fields["sortOrder"], 10, "readers never wait");
        let save = std::thread::spawn(move || run(kb.save(Save::update("prompt_block", "tone").set("sortOrder", 11))));
        let open = std::thread::spawn(move || run(open(options.namespace("new"))).map(drop));
        let outcomes = (save.join().unwrap().unwrap_err(), open.join().unwrap().unwrap_err());
        sqlx::query("ROLLBACK").execute(connection).await.unwrap();
        outcomes
    });
    for error in [saved, opened] {
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Busy, true), "{error}");
        assert_eq!(
            error.message(),
            format!(
                "the cache `{}` was locked by another process for 10 s; try again, or end the program that holds a transaction on it",
                path.display()
            )
        );
    }
    world.step(&["prompts/blocks/tone.md"], |world| world.save(Save::update("prompt_block", "tone").set("sortOrder", 12)));
}

#[test]
fn a_database_that_is_none_is_said_to_be_corrupt_and_can_be_put_aside() {
    let world = World::new(Layout::Bare);
    let head = world.head();
    world.forget();
    std::fs::write(world.database(), "this is not a database, whatever its name says".repeat(200)).unwrap();
    let says = format!("`{}` is no sound SQLite database of lorebase (", world.database().display());
    let error = refusal(world.options(PublishMode::Inline), ErrorKind::Corrupt, &says);
    assert!(error.message().contains("move the file aside and open again"), "{error}");
    std::fs::rename(world.database(), world.folder().join("aside.db")).unwrap();
    world.reopen(PublishMode::Inline);
    assert_eq!((world.sync().created, world.head()), (ENTITIES, head));
    world.assert_invariants();
}

#[test]
fn a_database_damaged_in_the_middle_is_said_to_be_corrupt() {
    let world = World::new(Layout::Bare);
    world.close();
    let mut bytes = std::fs::read(world.database()).unwrap();
    assert!(bytes.len() > 100_000, "the pages are in the file, not beside it");
    for byte in &mut bytes[8192..] {
        *byte = 0xa5;
    }
    std::fs::write(world.database(), bytes).unwrap();
    let failed = run(async {
        let kb = open(world.options(PublishMode::Inline)).await?;
        kb.sync(lorebase::sync::SyncOptions { recheck: true, ..Default::default() }).await.map(drop)
    });
    let error = failed.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert!(
        error.message().contains(&world.database().display().to_string()) && error.message().contains("move the file aside"),
        "{error}"
    );
}

#[test]
fn a_database_of_a_newer_version_is_left_alone() {
    let world = World::new(Layout::Bare);
    world.close();
    on_database(&world.database(), async |connection| {
        let newer =
            "INSERT INTO lorebase_migration (version, description, success, checksum, execution_time) VALUES (99, 'later', 1, x'00', 0)";
        sqlx::query(newer).execute(connection).await.unwrap();
    });
    refusal(
        world.options(PublishMode::Inline),
        ErrorKind::Unsupported,
        &format!(
            "the cache `{}` has tables of version 99, made by a newer lorebase; this one knows version 1: upgrade lorebase",
            world.database().display()
        ),
    );
    on_database(&world.database(), async |connection| {
        sqlx::query("DELETE FROM lorebase_migration WHERE version = 99").execute(connection).await.unwrap();
    });
    world.reopen(PublishMode::Inline);
    world.assert_invariants();
}

#[test]
fn an_unknown_database_url_is_refused_without_its_secret() {
    let world = World::new(Layout::Bare);
    for url in ["mysql://app:hunter2@db.internal/lorebase", "hunter2", "sqlite:", "memory", ""] {
        let error = refusal(
            Options::new(world.repo()).cache(url),
            ErrorKind::InvalidInput,
            "use `sqlite:PATH`, `postgres://USER:PASSWORD@HOST/DATABASE` or `memory:`",
        );
        let told = format!("{error} {error:?}");
        assert!(!told.contains("hunter2") && !told.contains("db.internal"), "{told}");
    }
}

#[test]
fn nothing_to_open_is_refused() {
    let error = run(open(Options::without_repository(""))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}
