//! Private fields stay in SQL and are part of every version all the same: forms made before and after a change of them
//! are told apart, schemas see them, and nothing writes them into git.

use std::sync::Arc;

use lorebase::memory::MemoryGit;
use lorebase::store::{GitStore, View};
use lorebase::sync::{Save, SyncOptions};
use lorebase::{Delete, ErrorKind, PublishMode};

use crate::world::{World, ada, put, remove, run};

const SETTINGS: &str = "kinds:\n  customer: {private: [phone, mail, owners], unique: [mail], lists: {owners: set}}\n";
const ONE: &str = "---\nid: one\nname: One\ntier: gold\n---\nText.\n";

fn world(publish: PublishMode) -> World {
    let world = World::with(publish);
    world.push(&[put("lorebase.yaml", SETTINGS), put("customers/one.md", ONE)]);
    world.sync();
    world
}

fn one() -> Save {
    Save::update("customer", "one")
}

#[test]
fn a_stale_form_does_not_overwrite_a_private_field_that_somebody_else_changed() {
    let world = world(PublishMode::Inline);
    let first = world.save(one().set("phone", "1"));
    let commits = world.commits();
    let second = world.save(one().set("phone", "2"));
    assert!(second.revision > first.revision, "private fields belong to the version");
    assert_eq!(world.commits(), commits, "and nothing of it is git's business");

    let error = run(world.kb.save(one().set("phone", "3").based_on(first.revision).author(ada()))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(error.context()["fields"], serde_json::json!(["phone"]));
    assert_eq!(world.get("customer", "one").unwrap().fields["phone"], "2");

    // A whole form of the first revision, in which only the tier was changed.
    let merged = world.save(one().set("phone", "1").set("tier", "silver").based_on(first.revision));
    assert_eq!((merged.fields["phone"].as_str(), merged.fields["tier"].as_str()), (Some("2"), Some("silver")));
    world.assert_no_drift();
}

#[test]
fn private_lists_of_a_stale_form_are_merged_by_their_rule() {
    let world = world(PublishMode::Inline);
    let first = world.save(one().set("owners", vec!["ada"]));
    world.save(one().set("owners", vec!["ada", "bob"]));
    let merged = world.save(one().set("owners", vec!["ada", "eve"]).set("tier", "silver").based_on(first.revision));
    assert_eq!(merged.fields["owners"], serde_json::json!(["ada", "bob", "eve"]));
    assert!(!world.file("customers/one.md").unwrap().contains("bob"));
}

#[test]
fn a_private_field_saved_beside_a_waiting_change_keeps_both_and_commits_once() {
    let world = world(PublishMode::Off);
    let waiting = world.save(one().set("tier", "silver"));
    let published = world.get("customer", "one").unwrap();
    let saved = world.save(one().set("phone", "1"));
    assert!(saved.revision > waiting.revision && world.get("customer", "one").unwrap().revision > published.revision);
    let error = run(world.kb.save(one().set("phone", "2").based_on(published.revision).author(ada()))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let commits = world.commits();
    world.sync();
    assert_eq!(world.commits(), commits + 1);
    let synced = world.get("customer", "one").unwrap();
    assert_eq!((synced.fields["tier"].as_str(), synced.fields["phone"].as_str()), (Some("silver"), Some("1")));
    assert!(synced.revision >= saved.revision, "a number that somebody has seen never comes again");
    world.assert_no_drift();
}

#[test]
fn a_private_field_saved_while_a_commit_is_on_its_way_is_kept_and_makes_no_second_commit() {
    // Another save gets in between at every call of the publication.
    let mut between = 0;
    for call in 0.. {
        let world = world(PublishMode::Off);
        world.save(one().set("tier", "silver"));
        let faults = lorebase::conformance::fault::Faults::new();
        let slow = world.faulty(PublishMode::Off, &faults);
        faults.arm(call, lorebase::conformance::fault::Fault::StopBefore);
        let mut sync = Box::pin(slow.sync(SyncOptions::default()));
        let stopped = crate::world::poll_once(sync.as_mut()).is_none();
        let saved = world.save(one().set("phone", "1"));
        faults.disarm();
        drop(sync);
        world.processes.kill(slow.engine().owner().instance);
        world.clock.advance(std::time::Duration::from_secs(100));
        world.sync();
        let synced = world.get("customer", "one").unwrap();
        assert_eq!((synced.fields["tier"].as_str(), synced.fields["phone"].as_str()), (Some("silver"), Some("1")), "call {call}");
        assert!(synced.revision >= saved.revision, "call {call}");
        assert_eq!(world.commits(), 2, "call {call}");
        world.assert_no_drift();
        if !stopped {
            break;
        }
        between += 1;
    }
    assert!(between > 5, "the save came between {between} calls");
}

#[test]
fn a_deleted_customer_keeps_a_private_unique_value_from_nobody() {
    let world = world(PublishMode::Inline);
    world.save(one().set("mail", "a@example.com"));
    run(world.kb.delete(Delete::new("customer", "one").author(ada()))).unwrap();
    world.save(Save::create("customer").title("Two").set("mail", "a@example.com"));
    world.assert_no_drift();
}

#[test]
fn a_customer_that_comes_back_has_its_private_fields_and_their_unique_values_again() {
    let world = world(PublishMode::Inline);
    world.save(one().set("mail", "a@example.com"));
    world.push(&[remove("customers/one.md")]);
    world.sync();
    world.push(&[put("customers/one.md", ONE)]);
    world.sync();
    assert_eq!(world.get("customer", "one").unwrap().fields["mail"], "a@example.com");
    let error = run(world.kb.save(Save::create("customer").title("Two").set("mail", "a@example.com").author(ada()))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
}

#[test]
fn a_field_that_became_private_does_not_go_into_a_restored_repository() {
    let world = world(PublishMode::Off);
    world.push(&[put("customers/two.md", "---\nid: two\nname: Two\nfax: '4711' # old\ntier: gold\n---\n")]);
    world.sync();
    world.push(&[put("lorebase.yaml", &SETTINGS.replace("[phone", "[fax, phone"))]);
    world.sync();
    let empty = Arc::new(MemoryGit::new());
    let kb = world.on(empty.clone(), PublishMode::Off);
    run(kb.export(false, None)).unwrap();
    let head = run(empty.head()).unwrap().unwrap();
    let entry = run(empty.lookup(&head, &["customers/two.md".to_owned()])).unwrap().pop().flatten().unwrap();
    let Some(lorebase::store::BlobRead::Found(bytes)) = run(empty.read(&[entry.blob], u64::MAX)).unwrap().pop() else { panic!() };
    assert_eq!(String::from_utf8(bytes).unwrap(), "---\nid: two\nname: Two\ntier: gold\n---\n");
    assert_eq!(run(kb.get_view("customer", "two", View::Published)).unwrap().unwrap().fields["fax"], "4711");
    assert!(run(kb.drift()).unwrap().is_empty());
}
