//! The workflow: drafts, review, publishing, archiving.

use lorebase::knowledge::{Status, SyncStatus};
use lorebase::sync::Save;

use crate::world::{World, run};

#[test]
fn a_draft_lives_in_sql_only_until_it_is_published() {
    let world = World::new();
    let draft = world.save(Save::create("skill").title("One").status(Status::Draft));
    assert_eq!(draft.sync_status, SyncStatus::Draft);
    assert_eq!(world.commits(), 0);
    assert!(world.get("skill", "one").is_none());
    let published = world.save(Save::update("skill", "one").status(Status::Published));
    assert_eq!((published.sync_status, world.commits()), (SyncStatus::Synced, 1));
    world.assert_no_drift();
}

#[test]
fn a_draft_over_a_live_file_leaves_it_live_and_merges_on_publishing() {
    let world = World::new();
    world.write("skills/one.md", "---\nid: one\ntitle: One\nactive: true\n---\nText.\n");
    world.sync();
    world.save(Save::update("skill", "one").set("active", false).status(Status::Draft));
    assert_eq!(world.get("skill", "one").unwrap().fields["active"], true);
    assert_eq!(world.working("skill", "one").unwrap().fields["active"], false);
    world.write("skills/one.md", "---\nid: one\ntitle: One\nactive: true\nadded: by git\n---\nText.\n");
    world.sync();
    let published = world.save(Save::update("skill", "one").status(Status::Published));
    assert_eq!((published.fields["active"].clone(), published.fields["added"].clone()), (false.into(), "by git".into()));
    world.assert_no_drift();
}

#[test]
fn a_draft_that_cannot_merge_on_publishing_becomes_a_conflict() {
    let world = World::new();
    world.write("skills/one.md", "---\nid: one\ntitle: One\n---\nText.\n");
    world.sync();
    world.save(Save::update("skill", "one").body("Mine.\n").based_on_current().status(Status::Draft));
    world.write("skills/one.md", "---\nid: one\ntitle: One\n---\nTheirs.\n");
    world.sync();
    let held = world.save(Save::update("skill", "one").status(Status::Published));
    assert_eq!(held.sync_status, SyncStatus::Conflict);
    let conflicts = run(world.kb.conflicts()).unwrap();
    assert_eq!((conflicts.len(), conflicts[0].hunks.len()), (1, 1));
    assert_eq!(world.get("skill", "one").unwrap().body, "Theirs.\n");
}

#[test]
fn archiving_takes_the_file_out_of_git_and_keeps_the_content() {
    let world = World::new();
    world.save(Save::create("skill").title("One").body("Text.\n"));
    world.save(Save::update("skill", "one").status(Status::Archived));
    assert!(world.file("skills/one.md").is_none());
    assert!(world.get("skill", "one").is_none());
    let kept = world.working("skill", "one").unwrap();
    assert_eq!((kept.body.as_str(), kept.sync_status), ("Text.\n", SyncStatus::Draft));
    world.assert_no_drift();
    world.save(Save::update("skill", "one").status(Status::Published));
    assert!(world.file("skills/one.md").is_some());
    world.assert_no_drift();
}

#[test]
fn a_pushed_draft_stays_in_git_and_saving_it_publishes() {
    let world = World::new();
    world.write("skills/one.md", "---\nid: one\ntitle: One\nstatus: DRAFT\n---\n");
    world.sync();
    assert_eq!(world.get("skill", "one").unwrap().status, Some(Status::Draft));
    let saved = world.save(Save::update("skill", "one").set("active", true));
    assert_eq!(saved.sync_status, SyncStatus::Synced);
    world.assert_no_drift();
}

#[test]
fn in_other_kinds_status_is_a_field_like_any_other() {
    let world = World::new();
    let saved = world.save(Save::create("customer").title("Acme").set("status", "DRAFT"));
    assert_eq!((saved.status, saved.sync_status), (None, SyncStatus::Synced));
}

#[test]
fn a_kind_with_review_starts_as_a_draft() {
    let world = World::new();
    world.write("lorebase.yaml", "kinds:\n  skill:\n    review: true\n");
    world.sync();
    let saved = world.save(Save::create("skill").title("One"));
    assert_eq!((saved.status, saved.sync_status), (Some(Status::Draft), SyncStatus::Draft));
}
