//! Exports of more than one portion: one commit whatever there is, and nothing missing when the process dies anywhere.

use std::time::Duration;

use lorebase::conformance::fault::{Fault, Faults};
use lorebase::store::{GitStore, LogQuery, LogStatus};
use lorebase::sync::{Save, SyncOptions};
use lorebase::{Delete, ImportRow, KnowledgeBase, PublishMode};

use crate::world::{World, ada, eve, poll_once, put, run};

/// More than go into one chain.
const MANY: usize = 1100;

fn rows(count: usize) -> Vec<ImportRow> {
    let row = |number: usize| {
        let fields = serde_json::json!({"id": format!("d{number}"), "title": format!("Document {number}")});
        ImportRow { fields: fields.as_object().unwrap().clone(), body: format!("Text {number}\n"), ..ImportRow::default() }
    };
    (0..count).map(row).collect()
}

/// A world in which much waits: new documents, entries of one JSON file, a rename, a deletion, an edit.
fn waiting() -> World {
    let world = World::with(PublishMode::Off);
    world.push(&[
        put("skills/gone.md", "---\nid: gone\ntitle: Gone\n---\n"),
        put("skills/moves.md", "---\nid: moves\ntitle: Moves\n---\n"),
        put("skills/edited.md", "---\nid: edited\ntitle: Edited\n---\nText.\n"),
        put("categories/metadata.json", "{\n  \"a\": {\"name\": \"A\"},\n  \"b\": {\"name\": \"B\"}\n}\n"),
    ]);
    world.sync();
    run(world.kb.import("document", &rows(MANY), Some(ada()), None)).unwrap();
    world.save(Save::update("category", "a").set("color", "red"));
    world.save(Save::create("category").id("c").set("name", "C"));
    world.save(Save::update("skill", "moves").rename("moved"));
    run(world.kb.save(Save::update("skill", "edited").set("active", true).author(eve()))).unwrap();
    run(world.kb.delete(Delete::new("skill", "gone").author(ada()))).unwrap();
    world
}

fn export(kb: &KnowledgeBase) -> lorebase::Result<u64> {
    run(kb.export(true, None)).map(|report| report.published)
}

fn assert_exported(world: &World) {
    assert_eq!(world.commits(), 2);
    let head = run(world.git.head()).unwrap().unwrap();
    let commit = run(world.git.commit(&head)).unwrap();
    assert_eq!(commit.message.lines().next(), Some(format!("Save {} entities", MANY + 5).as_str()));
    assert_eq!(commit.message.matches("Lorebase-Operation: ").count(), MANY + 5);
    assert_eq!((commit.author.author.clone(), commit.message.matches("Co-authored-by: ").count()), (ada(), 1));
    assert!(commit.message.contains(&format!("Co-authored-by: {}", eve())));
    let categories = world.file("categories/metadata.json").unwrap();
    for part in ["\"color\": \"red\"", "\"name\": \"B\"", "\"name\": \"C\""] {
        assert!(categories.contains(part), "{categories}");
    }
    assert!(world.file("skills/moved.md").is_some() && world.file("skills/moves.md").is_none() && world.file("skills/gone.md").is_none());
    assert!(world.file("skills/edited.md").unwrap().contains("active: true"));
    assert_eq!(run(world.git.tree(&head)).unwrap().len(), MANY + 3);
    let log = LogQuery { status: Some(LogStatus::Success), limit: usize::MAX, ..LogQuery::default() };
    let done = run(world.kb.log(&log)).unwrap().iter().filter(|row| row.git_commit_sha.as_deref() == Some(head.as_str())).count();
    assert!(done >= MANY + 5, "only {done} saves are told to be in git");
}

#[test]
fn whatever_waits_becomes_one_commit() {
    let world = waiting();
    assert_eq!(export(&world.kb).unwrap(), MANY as u64 + 5);
    assert_exported(&world);
    world.assert_at_rest(&world.kb);
    assert_eq!(export(&world.kb).unwrap(), 0);
    assert_eq!(world.commits(), 2);
}

#[test]
fn what_cannot_be_written_holds_back_nothing_else() {
    let world = World::with(PublishMode::Off);
    world.sync();
    run(world.kb.import("document", &rows(MANY), Some(ada()), None)).unwrap();
    // A file where a folder of ours would be.
    world.save(Save::create("document").slug("folder/inner").title("Inner"));
    world.push(&[put("documents/folder", "a file\n")]);
    assert_eq!(export(&world.kb).unwrap(), MANY as u64);
    assert!(world.file("documents/document-7.md").is_some());
    assert_eq!(run(world.kb.status()).unwrap().failed, 1);
}

#[test]
fn dying_at_any_call_loses_and_doubles_nothing() {
    let mut struck = 0;
    for fault in [Fault::StopBefore, Fault::StopAfter] {
        // Every third call, and another third after each kind of end.
        for call in (usize::from(fault == Fault::StopAfter) as u64..).step_by(3) {
            let world = waiting();
            let faults = Faults::new();
            let kb = world.faulty(PublishMode::Off, &faults);
            faults.arm(call, fault);
            let mut act = Box::pin(async { kb.export(true, None).await });
            let answer = poll_once(act.as_mut());
            if faults.struck().is_none() {
                break;
            }
            struck += 1;
            assert!(answer.is_none());
            drop(act);
            faults.disarm();
            world.processes.kill(kb.engine().owner().instance);
            let restarted = world.another(PublishMode::Off);
            world.clock.advance(Duration::from_secs(1));
            run(restarted.sync(SyncOptions { policy: Some(lorebase::sync::CommitPolicy::PerBatch), ..SyncOptions::default() })).unwrap();
            assert_exported(&world);
            world.assert_at_rest(&restarted);
        }
    }
    assert!(struck >= 15, "only {struck} calls were struck");
}

#[test]
fn a_branch_that_loses_a_half_acknowledged_export_is_taken_in_as_a_whole() {
    let (mut struck, mut half) = (0, 0);
    for call in 0.. {
        let world = waiting();
        let before = run(world.git.head()).unwrap();
        let faults = Faults::new();
        let kb = world.faulty(PublishMode::Off, &faults);
        faults.arm(call, Fault::StopAfter);
        let mut act = Box::pin(async { kb.export(true, None).await });
        let _ = poll_once(act.as_mut());
        if faults.struck().is_none() {
            break;
        }
        struck += 1;
        drop(act);
        faults.disarm();
        world.processes.kill(kb.engine().owner().instance);
        let restarted = world.another(PublishMode::Off);
        let waits = run(restarted.status()).unwrap().pending;
        if waits == 0 || waits == MANY as u64 + 5 {
            continue;
        }
        half += 1;
        world.git.force(before.as_ref()).unwrap();
        world.clock.advance(Duration::from_secs(1));
        run(restarted.sync(SyncOptions { allow_deletions: true, ..SyncOptions::default() })).unwrap();
        world.assert_at_rest(&restarted);
    }
    assert!(struck >= 15 && half >= 1, "{half} of {struck} calls left an export acknowledged by half");
}
