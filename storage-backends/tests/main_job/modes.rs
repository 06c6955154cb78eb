//! Who commits and when: this process at once, in the background, another one; with a database or without.

use std::time::{Duration, Instant};

use lorebase::knowledge::SyncStatus;
use lorebase::store::{Query, View};
use lorebase::sync::{Save, SyncOptions};
use lorebase::{Delete, ErrorKind, KnowledgeBase, PublishMode};
use lorebase_backends::{Options, open};

use crate::on_every_layout;
use crate::seed::{ENTITIES, PROMPT_BLOCK};
use crate::world::{World, ada, run};

const PATH: &str = "prompts/blocks/tone.md";

on_every_layout!(
    in_the_background_saves_and_pushes_travel_by_themselves,
    switched_off_saves_wait_for_somebody_else,
    a_cache_in_memory_reads_and_saves_without_any_database,
    without_a_repository_saves_wait_for_a_process_that_has_one,
    a_lost_database_is_built_again_from_git,
    a_rehearsal_says_what_would_happen_and_does_nothing,
);

/// Waits until something holds, at most half a minute.
fn eventually(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "{what} has not happened within 30 s");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

fn pending(kb: &KnowledgeBase) -> u64 {
    run(kb.status()).unwrap().pending
}

fn in_the_background_saves_and_pushes_travel_by_themselves(world: &World) {
    world.close();
    let kb = run(open(world.options(PublishMode::Background).poll(Duration::from_millis(50)))).unwrap();
    let saved = run(kb.save(Save::update("prompt_block", "tone").set("sortOrder", 11).author(ada()))).unwrap();
    assert_eq!(saved.fields["sortOrder"], 11);
    eventually("the commit", || world.file(PATH).unwrap() == PROMPT_BLOCK.replace("10", "11"));
    eventually("the acknowledgement", || pending(&kb) == 0);
    world.engineer(&[(PATH, Some(&PROMPT_BLOCK.replace("10", "12")))]);
    eventually("the row", || run(kb.get("prompt_block", "tone")).unwrap().unwrap().fields["sortOrder"] == 12);
    run(kb.delete(Delete::new("prompt_block", "tone"))).unwrap();
    eventually("the deletion", || world.file(PATH).is_none() && run(kb.status()).unwrap().total == ENTITIES - 1);
    drop(kb);
    world.reopen(PublishMode::Inline);
    world.acknowledge_all();
    world.assert_invariants();
}

fn switched_off_saves_wait_for_somebody_else(world: &World) {
    world.reopen(PublishMode::Off);
    let head = world.head();
    world.step(&[], |world| {
        world.save(Save::update("prompt_block", "tone").set("sortOrder", 11));
        world.save(Save::update("prompt_block", "tone").set("active", false));
        world.save(Save::create("skill").title("One"));
    });
    assert_eq!((world.head(), pending(&world.kb())), (head, 2));
    assert_eq!(world.get("prompt_block", "tone").unwrap().fields["sortOrder"], 11, "readers see it at once");
    let other = run(open(world.options(PublishMode::Inline))).unwrap();
    world.step(&[PATH, "skills/one.md"], |_| assert_eq!(run(other.sync(SyncOptions::default())).unwrap().published, 2));
    assert_eq!(world.file(PATH).unwrap(), PROMPT_BLOCK.replace("10", "11").replace("true", "false"));
    assert_eq!(pending(&world.kb()), 0);
}

fn a_cache_in_memory_reads_and_saves_without_any_database(world: &World) {
    world.forget();
    let kb = run(open(Options::new(world.repo()).cache("memory:"))).unwrap();
    let all = run(kb.list(&Query { limit: 1000, ..Query::default() })).unwrap();
    assert_eq!((all.total, all.items.len() as u64), (ENTITIES, ENTITIES));
    assert_eq!(run(kb.search("anvils", None, View::Published, 10)).unwrap()[0].entity.slug.as_str(), "acme-inc-");
    let saved = run(kb.save(Save::update("prompt_block", "tone").set("sortOrder", 11).author(ada()))).unwrap();
    assert_eq!((saved.sync_status, world.file(PATH).unwrap()), (SyncStatus::Synced, PROMPT_BLOCK.replace("10", "11")));
    assert!(run(kb.drift()).unwrap().is_empty());
    drop(kb);
    assert!(!world.database().exists(), "no database was made");
    world.reopen(PublishMode::Inline);
    world.sync();
    world.assert_invariants();
}

fn without_a_repository_saves_wait_for_a_process_that_has_one(world: &World) {
    world.close();
    let kb = run(open(Options::without_repository(world.cache_url()))).unwrap();
    assert_eq!(run(kb.list(&Query::default())).unwrap().total, ENTITIES);
    assert_eq!(run(kb.get("playbook", "incident")).unwrap().unwrap().title, "Incident", "the kinds of the repository are known");
    let wrong = run(kb.save(Save::create("playbook").slug("a:b").title("x"))).unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::InvalidInput);
    let saved = run(kb.save(Save::update("prompt_block", "tone").set("sortOrder", 11).author(ada()))).unwrap();
    assert_eq!(saved.sync_status, SyncStatus::Pending);
    run(kb.delete(Delete::new("playbook", "incident"))).unwrap();
    let refused = run(kb.sync(SyncOptions::default())).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
    assert_eq!(refused.message(), "this knowledge base was opened without a repository; open it with one to synchronise");
    assert_eq!(run(kb.drift()).unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(world.file(PATH).unwrap(), PROMPT_BLOCK);
    drop(kb);
    world.reopen(PublishMode::Inline);
    world.step(&[PATH, "playbooks/incident.md"], |world| assert_eq!(world.sync().published, 2));
    assert_eq!(world.file(PATH).unwrap(), PROMPT_BLOCK.replace("10", "11"));
    assert_eq!(world.file("playbooks/incident.md"), None);
    world.acknowledge_all();
    world.assert_invariants();
}

fn a_lost_database_is_built_again_from_git(world: &World) {
    world.step(&[PATH], |world| world.save(Save::update("prompt_block", "tone").set("sortOrder", 11)));
    let head = world.head();
    let before = run(world.kb().list(&Query { limit: 1000, ..Query::default() })).unwrap();
    world.forget();
    world.reopen(PublishMode::Inline);
    assert_eq!(world.sync().created, ENTITIES);
    world.assert_invariants();
    let after = run(world.kb().list(&Query { limit: 1000, ..Query::default() })).unwrap();
    let essence = |listing: lorebase::Listing| -> Vec<_> {
        listing.items.into_iter().map(|item| (item.key(), item.location, item.fields, item.body)).collect()
    };
    assert_eq!(essence(before), essence(after));
    assert_eq!(world.head(), head, "nothing was committed for it");
}

fn a_rehearsal_says_what_would_happen_and_does_nothing(world: &World) {
    world.reopen(PublishMode::Off);
    world.save(Save::create("skill").title("One"));
    world.engineer(&[(PATH, None), ("documents/new.md", Some("# New\n"))]);
    let head = world.head();
    let report = run(world.kb().sync(SyncOptions { dry_run: true, ..SyncOptions::default() })).unwrap();
    assert_eq!((report.created, report.deleted, report.published), (1, 1, 1), "{report:?}");
    assert_eq!((world.head(), world.get("document", "new"), pending(&world.kb())), (head, None, 1));
    assert!(world.get("prompt_block", "tone").is_some());
    let done = world.step(&[PATH, "documents/new.md", "skills/one.md"], World::sync);
    assert_eq!((done.created, done.deleted, done.published), (1, 1, 1), "{done:?}");
}
