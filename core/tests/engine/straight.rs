//! Saves that meet nobody go to git in few calls; whatever is in their way sends them the ordinary one.

use std::time::Duration;

use lorebase::conformance::fault::Faults;
use lorebase::knowledge::SyncStatus;
use lorebase::store::{CacheStore, GitStore};
use lorebase::sync::Save;
use lorebase::{Delete, PublishMode};

use crate::world::{World, ada, put, run};

const ONE: &str = "---\nid: one\ntitle: One\n---\nText.\n";

/// How many calls of the stores are few.
const FEW: u64 = 10;

fn world() -> World {
    let world = World::new();
    world.push(&[put("skills/one.md", ONE), put("skills/two.md", "---\nid: two\ntitle: Two\n---\n")]);
    world.sync();
    world
}

#[test]
fn an_update_a_creation_and_a_deletion_take_few_calls_and_leave_nothing_behind() {
    let world = world();
    let faults = Faults::new();
    let kb = world.faulty(PublishMode::Inline, &faults);
    let id = kb.engine().repository_id();
    faults.disarm();
    let saved = run(kb.save(Save::update("skill", "one").set("active", true).author(ada()))).unwrap();
    assert!(faults.calls() <= FEW, "an update took {} calls", faults.calls());
    let head = run(world.git.head()).unwrap().unwrap();
    assert_eq!((saved.sync_status, saved.git_commit_sha.as_deref()), (SyncStatus::Synced, Some(head.as_str())));
    assert_eq!(Some(saved), world.get("skill", "one"), "what is answered is what is stored");
    faults.disarm();
    let made = run(kb.save(Save::create("skill").title("New").author(ada()))).unwrap();
    assert!(faults.calls() <= FEW + 2, "a creation took {} calls", faults.calls());
    assert_eq!(Some(made), world.get("skill", "new"));
    faults.disarm();
    run(kb.delete(Delete::new("skill", "two").author(ada()))).unwrap();
    assert!(faults.calls() <= FEW, "a deletion took {} calls", faults.calls());
    assert_eq!(world.file("skills/two.md"), None);
    let row = run(world.cache.repository(id)).unwrap();
    assert_eq!((row.lease, run(world.cache.prepared(id)).unwrap()), (None, vec![]));
    world.assert_at_rest(&kb);
}

#[test]
fn a_save_takes_others_that_wait_along() {
    let world = world();
    let other = world.another(PublishMode::Off);
    let waits = run(other.save(Save::update("skill", "two").set("active", true))).unwrap();
    assert_eq!(waits.sync_status, SyncStatus::Pending);
    world.save(Save::update("skill", "one").set("active", true));
    assert_eq!(world.get("skill", "two").unwrap().sync_status, SyncStatus::Synced);
    world.assert_at_rest(&world.kb);
}

#[test]
fn a_save_after_a_push_takes_the_push_in_first() {
    let world = world();
    world.push(&[put("skills/one.md", &ONE.replace("Text", "Another text"))]);
    let saved = world.save(Save::update("skill", "one").set("active", true));
    assert_eq!((saved.sync_status, saved.body.as_str()), (SyncStatus::Synced, "Another text.\n"));
    world.assert_at_rest(&world.kb);
}

#[test]
fn a_save_waits_for_a_lease_that_somebody_holds_and_takes_that_of_the_dead() {
    let world = world();
    let other = world.another(PublishMode::Off);
    let id = other.engine().repository_id();
    let now = lorebase::clock::Clock::now(&*world.clock);
    run(world.cache.lease(id, other.engine().owner(), now, Duration::from_mins(1), None)).unwrap();
    world.processes.kill(other.engine().owner().instance);
    let saved = world.save(Save::update("skill", "one").set("active", true));
    assert_eq!(saved.sync_status, SyncStatus::Synced);
    assert_eq!(run(world.cache.repository(id)).unwrap().lease, None);
    world.assert_at_rest(&world.kb);
}
