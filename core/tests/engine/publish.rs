//! Changes on their way to git.

use std::time::Duration;

use lorebase::knowledge::{Author, Status, SyncStatus};
use lorebase::store::{GitStore, LogQuery, LogStatus, Query};
use lorebase::sync::{Save, SyncOptions};
use lorebase::{Delete, ImportRow, PublishMode};

use crate::world::{World, ada, eve, run};

#[test]
fn saves_of_one_entity_collapse_into_one_commit_with_all_authors() {
    let world = World::with(PublishMode::Off);
    world.save(Save::create("skill").title("One"));
    run(world.kb.save(Save::update("skill", "one").set("active", true).author(eve()))).unwrap();
    assert_eq!(run(world.kb.status()).unwrap().pending, 1);
    assert_eq!(world.sync().published, 1);
    assert_eq!(world.commits(), 1);
    let head = run(world.git.head()).unwrap().unwrap();
    let commit = run(world.git.commit(&head)).unwrap();
    assert_eq!(commit.author.author, eve());
    assert!(commit.message.contains(&format!("Co-authored-by: {}", ada())), "{}", commit.message);
    assert_eq!(commit.message.matches("Lorebase-Operation: ").count(), 2);
    let log = run(world.kb.log(&LogQuery { status: Some(LogStatus::Success), ..LogQuery::default() })).unwrap();
    assert_eq!(log.len(), 2);
    assert!(log.iter().all(|row| row.git_commit_sha.as_deref() == Some(head.as_str())));
}

#[test]
fn a_save_against_uncommitted_work_waits_and_goes_through_later() {
    let world = World::new();
    world.save(Save::create("skill").title("One"));
    world.git.hold("skills/one.md", "edited but not committed");
    let waits = world.save(Save::update("skill", "one").set("active", true));
    assert_eq!(waits.sync_status, SyncStatus::Pending);
    let other = world.save(Save::create("skill").title("Two"));
    assert_eq!(other.sync_status, SyncStatus::Synced, "one blocked path blocks nothing else");
    let report = world.sync();
    assert_eq!(report.blocked[0].path, "skills/one.md");
    world.git.release("skills/one.md");
    assert_eq!(world.sync().published, 1);
    world.assert_no_drift();
}

#[test]
fn a_due_time_is_respected_by_steps_and_not_by_an_explicit_sync() {
    let world = World::new();
    world.save(Save::create("skill").title("One"));
    world.git.hold("skills/one.md", "edited but not committed");
    world.save(Save::update("skill", "one").set("active", true));
    world.git.release("skills/one.md");
    let next = run(world.kb.engine().step(Duration::from_hours(1))).unwrap();
    assert_eq!(world.get("skill", "one").unwrap().sync_status, SyncStatus::Pending);
    lorebase::memory::ManualClock::set(&world.clock, next.wake_at);
    run(world.kb.engine().step(Duration::from_hours(1))).unwrap();
    assert_eq!(world.get("skill", "one").unwrap().sync_status, SyncStatus::Synced);
}

#[test]
fn import_and_export_can_be_repeated() {
    let world = World::with(PublishMode::Off);
    let rows: Vec<ImportRow> = (0..30)
        .map(|n| {
            let fields = serde_json::json!({"name": format!("Customer {n}"), "tier": "gold"});
            ImportRow { fields: fields.as_object().unwrap().clone(), body: format!("Text {n}\n"), ..ImportRow::default() }
        })
        .collect();
    let first = run(world.kb.import("customer", &rows, None, None)).unwrap();
    let second = run(world.kb.import("customer", &rows, None, None)).unwrap();
    assert_eq!((first.created, second.created, second.updated, second.unchanged), (30, 0, 0, 30));
    assert_eq!(run(world.kb.export(true, None)).unwrap().published, 30);
    assert_eq!(run(world.kb.export(true, None)).unwrap().published, 0);
    assert_eq!(world.commits(), 1);
    assert_eq!(run(world.kb.list(&Query::default())).unwrap().total, 30);
    world.assert_no_drift();
}

#[test]
fn an_export_of_one_commit_an_entity_keeps_the_authors() {
    let world = World::with(PublishMode::Off);
    world.save(Save::create("skill").title("One"));
    run(world.kb.save(Save::create("skill").title("Two").author(Author::new("Bob", "bob@example.com")))).unwrap();
    run(world.kb.export(false, None)).unwrap();
    assert_eq!(world.commits(), 2);
}

#[test]
fn a_create_that_is_deleted_before_it_was_committed_leaves_no_commit() {
    let world = World::with(PublishMode::Off);
    world.save(Save::create("skill").title("One"));
    run(world.kb.delete(Delete::new("skill", "one"))).unwrap();
    assert!(world.working("skill", "one").is_none());
    world.sync();
    assert_eq!(world.commits(), 0);
    let health = run(world.kb.status()).unwrap();
    assert_eq!((health.total, health.pending), (0, 0));
    world.assert_no_drift();
}

#[test]
fn a_second_engine_does_not_wait_for_a_dead_one() {
    let world = World::with(PublishMode::Off);
    world.save(Save::create("skill").title("One"));
    let dead = world.another(PublishMode::Off);
    let owner = dead.engine().owner().clone();
    let cache: &dyn lorebase::store::CacheStore = &*world.cache;
    run(cache.lease(dead.engine().repository_id(), &owner, lorebase::clock::Clock::now(&*world.clock), Duration::from_hours(1), None))
        .unwrap();
    let busy = run(world.kb.sync(SyncOptions::default())).unwrap_err();
    assert_eq!(busy.kind(), lorebase::ErrorKind::Busy);
    world.processes.kill(owner.instance);
    assert_eq!(world.sync().published, 1);
}

#[test]
fn a_change_that_git_cannot_hold_becomes_a_dead_letter_and_blocks_nothing() {
    let world = World::with(PublishMode::Off);
    world.write("skills/one.md/oddity.txt", "a folder where a file should be\n");
    world.sync();
    world.save(Save::create("skill").slug("one").title("One"));
    world.save(Save::create("skill").title("Two"));
    assert_eq!(world.sync().published, 1);
    assert!(world.file("skills/two.md").is_some());
    let dead = world.working("skill", "one").unwrap();
    assert_eq!(dead.sync_status, SyncStatus::Failed);
    let health = run(world.kb.status()).unwrap();
    assert_eq!((health.failed, health.healthy), (1, false));
    assert_eq!(run(world.kb.recent_failures(10)).unwrap().len(), 1);
    world.push(&[crate::world::remove("skills/one.md/oddity.txt")]);
    world.sync();
    let again = run(world.kb.retry(None)).unwrap();
    assert_eq!(again.iter().map(|row| (row.entity_id.as_str(), row.error.is_none())).collect::<Vec<_>>(), [(dead.id.as_str(), true)]);
    assert_eq!(world.sync().published, 1);
    assert_eq!(world.get("skill", "one").unwrap().sync_status, SyncStatus::Synced);
    world.assert_no_drift();
}

#[test]
fn archiving_what_was_to_move_onto_an_unreadable_file_leaves_what_is_said_about_that_file() {
    let world = World::with(PublishMode::Off);
    let text = "---\nid: one\ntitle: One\n---\n";
    world.push(&[crate::world::put("skills/one.md", text), crate::world::put("skills/broken.md", "---\nbroken: [\n---\n")]);
    world.sync();
    let said = run(world.kb.diagnostics()).unwrap();
    assert_eq!(said.len(), 1);
    world.save(Save::update("skill", "one").rename("broken"));
    world.save(Save::update("skill", "broken").status(Status::Archived));
    assert_eq!(world.sync().published, 1);
    assert!(world.file("skills/one.md").is_none() && world.file("skills/broken.md").is_some());
    assert_eq!(run(world.kb.diagnostics()).unwrap(), said);
}
