//! Both sides at once.

use lorebase::knowledge::SyncStatus;
use lorebase::store::{ConflictReason, TreeEdit};
use lorebase::sync::{Choices, Save, Side};
use lorebase::{Accept, Delete, ErrorKind, PublishMode};

use crate::world::{World, put, remove, run};

const ONE: &str = "---\nid: one\nname: One\ntier: gold\nregion: north\n---\nText.\n";

/// A saved change that waits while an engineer pushes.
fn both(save: Save, edits: &[TreeEdit]) -> World {
    let world = World::with(PublishMode::Off);
    world.write("customers/one.md", ONE);
    world.sync();
    world.save(save);
    world.push(edits);
    world.sync();
    world
}

#[test]
fn changes_of_different_fields_merge() {
    let world = both(Save::update("customer", "one").set("tier", "silver"), &[put("customers/one.md", &ONE.replace("north", "south"))]);
    assert_eq!(world.file("customers/one.md").unwrap(), ONE.replace("north", "south").replace("gold", "silver"));
    assert!(run(world.kb.conflicts()).unwrap().is_empty());
    world.assert_no_drift();
}

#[test]
fn the_same_change_on_both_sides_is_no_conflict() {
    let world = both(Save::update("customer", "one").set("tier", "silver"), &[put("customers/one.md", &ONE.replace("gold", "silver"))]);
    assert_eq!(world.get("customer", "one").unwrap().sync_status, SyncStatus::Synced);
    assert_eq!(world.commits(), 2, "there was nothing left to commit");
    world.assert_no_drift();
}

#[test]
fn different_changes_of_one_field_wait_for_a_person_and_hold_nothing_else() {
    let world = both(Save::update("customer", "one").set("tier", "silver"), &[put("customers/one.md", &ONE.replace("gold", "bronze"))]);
    let conflict = run(world.kb.conflicts()).unwrap().remove(0);
    assert_eq!((conflict.reason, conflict.fields.as_slice()), (ConflictReason::BothChanged, &["tier".to_owned()][..]));
    assert_eq!(conflict.base.unwrap().fields["tier"], "gold");
    assert_eq!(conflict.cache.unwrap().fields["tier"], "silver");
    assert_eq!(conflict.git.unwrap().fields["tier"], "bronze");
    let live = world.get("customer", "one").unwrap();
    assert_eq!((live.fields["tier"].as_str(), live.sync_status), (Some("bronze"), SyncStatus::Conflict));
    assert_eq!(world.working("customer", "one").unwrap().fields["tier"], "silver");
    world.save(Save::create("customer").title("Other"));
    world.sync();
    assert!(world.file("customers/other.md").is_some());
    world.assert_no_drift();
}

#[test]
fn a_later_save_updates_our_side_of_a_conflict() {
    let world = both(Save::update("customer", "one").set("tier", "silver"), &[put("customers/one.md", &ONE.replace("gold", "bronze"))]);
    let saved = world.save(Save::update("customer", "one").set("tier", "copper"));
    assert_eq!(saved.sync_status, SyncStatus::Conflict);
    assert_eq!(run(world.kb.conflicts()).unwrap()[0].cache.as_ref().unwrap().fields["tier"], "copper");
}

#[test]
fn a_person_decides_for_either_side() {
    for (accept, tier) in [(Accept::Git, "bronze"), (Accept::Cache, "silver")] {
        let world = both(Save::update("customer", "one").set("tier", "silver"), &[put("customers/one.md", &ONE.replace("gold", "bronze"))]);
        let conflict = run(world.kb.conflicts()).unwrap().remove(0);
        let stale = run(world.kb.resolve("customer", "one", accept.clone(), Some(conflict.revision + 1), None)).unwrap_err();
        assert_eq!(stale.kind(), ErrorKind::Conflict);
        run(world.kb.resolve("customer", "one", accept, Some(conflict.revision), None)).unwrap();
        world.sync();
        assert_eq!(world.get("customer", "one").unwrap().fields["tier"], tier);
        assert!(world.file("customers/one.md").unwrap().contains(&format!("tier: {tier}\n")));
        assert!(run(world.kb.conflicts()).unwrap().is_empty());
        world.assert_no_drift();
    }
}

#[test]
fn a_person_decides_with_an_edited_document() {
    let world = both(Save::update("customer", "one").set("tier", "silver"), &[put("customers/one.md", &ONE.replace("gold", "bronze"))]);
    let edited = ONE.replace("gold", "both");
    run(world.kb.resolve("customer", "one", Accept::Document(edited.clone()), None, None)).unwrap();
    world.sync();
    assert_eq!(world.file("customers/one.md").unwrap(), edited);
    world.assert_no_drift();
}

#[test]
fn an_edit_survives_a_deletion_in_git_as_a_conflict() {
    let world = both(Save::update("customer", "one").set("tier", "silver"), &[remove("customers/one.md")]);
    let conflict = run(world.kb.conflicts()).unwrap().remove(0);
    assert_eq!((conflict.reason, conflict.git.is_none()), (ConflictReason::DeletedInGit, true));
    assert!(world.get("customer", "one").is_none());
    run(world.kb.resolve("customer", "one", Accept::Cache, None, None)).unwrap();
    world.sync();
    assert!(world.file("customers/one.md").unwrap().contains("tier: silver"));
    world.assert_no_drift();
}

#[test]
fn an_edit_in_git_survives_a_deletion_here_as_a_conflict() {
    let world = World::with(PublishMode::Off);
    world.write("customers/one.md", ONE);
    world.sync();
    run(world.kb.delete(Delete::new("customer", "one"))).unwrap();
    world.write("customers/one.md", &ONE.replace("gold", "bronze"));
    world.sync();
    let conflict = run(world.kb.conflicts()).unwrap().remove(0);
    assert_eq!((conflict.reason, conflict.cache.is_none()), (ConflictReason::DeletedInCache, true));
    assert_eq!(world.get("customer", "one").unwrap().fields["tier"], "bronze");
    run(world.kb.resolve("customer", "one", Accept::Git, None, None)).unwrap();
    world.sync();
    assert_eq!(world.get("customer", "one").unwrap().sync_status, SyncStatus::Synced);
    world.assert_no_drift();
}

#[test]
fn a_path_that_git_gave_to_another_id_leaves_ours_without_a_path() {
    let world = World::with(PublishMode::Off);
    world.save(Save::create("customer").title("New").body("ours\n"));
    world.write("customers/new.md", "---\nid: theirs\nname: Theirs\n---\n");
    world.sync();
    let conflict = run(world.kb.conflicts()).unwrap().remove(0);
    assert_eq!(conflict.reason, ConflictReason::PathTaken);
    assert_eq!(world.get("customer", "new").unwrap().title, "Theirs");
    let taken = run(world.kb.resolve("customer", &*format!("@{}", conflict.id), Accept::Cache, None, None)).unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::Conflict);
    let saved = world.save(Save::update("customer", "").id(conflict.id.as_str()).rename("new-2"));
    assert_eq!(saved.slug.as_str(), "new-2");
    run(world.kb.resolve("customer", "new-2", Accept::Cache, None, None)).unwrap();
    world.sync();
    assert!(world.file("customers/new-2.md").unwrap().ends_with("ours\n"));
    world.assert_no_drift();
}

#[test]
fn where_our_move_lost_its_place_choosing_git_gives_the_move_up_and_keeps_the_edit() {
    for accept in [Accept::Git, Accept::Each(Choices::default().field("path", Side::Git))] {
        let world = World::with(PublishMode::Off);
        world.write("customers/one.md", ONE);
        world.sync();
        world.save(Save::update("customer", "one").rename("two").set("segment", "retail"));
        world.write("customers/two.md", "---\nid: two\nname: Two\n---\n");
        world.sync();
        assert_eq!(run(world.kb.conflicts()).unwrap()[0].reason, ConflictReason::PathTaken);
        run(world.kb.resolve("customer", "@one", accept, None, None)).unwrap();
        world.sync();
        let one = world.get("customer", "one").unwrap();
        assert_eq!((one.sync_status, &one.fields["segment"]), (SyncStatus::Synced, &"retail".into()));
        assert_eq!(world.get("customer", "two").unwrap().id.as_str(), "two");
        world.assert_no_drift();
    }
}

#[test]
fn a_slug_created_here_and_pushed_without_an_id_merges_over_nothing() {
    let world = World::with(PublishMode::Off);
    let ours = world.save(Save::create("document").title("Note").body("same\n"));
    world.write("documents/note.md", "---\ntitle: Note\nfilename: n.pdf\n---\nsame\n");
    world.sync();
    let merged = world.get("document", "note").unwrap();
    assert_eq!((merged.fields["filename"].as_str(), merged.id.as_str()), (Some("n.pdf"), ours.id.as_str()));
    assert!(run(world.kb.conflicts()).unwrap().is_empty());
    world.assert_no_drift();
}

#[test]
fn an_id_that_another_file_has_by_now_is_not_written_a_second_time() {
    let world = World::with(PublishMode::Off);
    world.save(Save::create("document").id("same").title("Note").body("ours\n"));
    world.push(&[put("documents/note.md", "---\ntitle: Note\n---\ntheirs\n"), put("documents/other.md", "---\ntitle: Other\n---\n")]);
    world.sync();
    world.write("documents/other.md", "---\nid: same\ntitle: Other\n---\n");
    world.sync();
    for conflict in run(world.kb.conflicts()).unwrap() {
        run(world.kb.resolve("document", &*format!("@{}", conflict.id), Accept::Cache, None, None)).unwrap();
    }
    world.sync();
    let with_id = ["documents/note.md", "documents/other.md"].map(|path| world.file(path).unwrap().contains("id: same\n"));
    assert_eq!(with_id.iter().filter(|with_id| **with_id).count(), 1);
    world.assert_no_drift();
}

#[test]
fn an_engineer_who_reverts_our_commit_is_believed() {
    let world = World::new();
    world.write("customers/one.md", ONE);
    world.sync();
    world.save(Save::update("customer", "one").set("tier", "silver"));
    world.write("customers/one.md", ONE);
    let report = world.sync();
    assert_eq!(report.updated, 1);
    assert_eq!(world.get("customer", "one").unwrap().fields["tier"], "gold");
    world.assert_no_drift();
}

#[test]
fn a_rule_can_decide_instead_of_a_person() {
    for (rule, tier) in [("git", "bronze"), ("cache", "silver")] {
        let world = World::with(PublishMode::Off);
        world.push(&[put("lorebase.yaml", &format!("kinds:\n  customer:\n    conflict: {rule}\n")), put("customers/one.md", ONE)]);
        world.sync();
        world.save(Save::update("customer", "one").set("tier", "silver"));
        world.write("customers/one.md", &ONE.replace("gold", "bronze").replace("north", "south"));
        world.sync();
        let now = world.get("customer", "one").unwrap();
        assert_eq!((now.fields["tier"].as_str(), now.fields["region"].as_str()), (Some(tier), Some("south")));
        assert!(run(world.kb.conflicts()).unwrap().is_empty());
        world.assert_no_drift();
    }
}

const GUIDE: &str = "---\nid: one\ntitle: One\ntags: [a]\n---\nFirst paragraph.\n\nSecond paragraph.\n\nThird paragraph.\n";

fn guides() -> World {
    let world = World::with(PublishMode::Off);
    world.push(&[put("lorebase.yaml", "kinds:\n  guide:\n    folder: guides\n    lists: {tags: set}\n"), put("guides/one.md", GUIDE)]);
    world.sync();
    world
}

#[test]
fn edits_of_different_paragraphs_and_of_one_set_merge() {
    let world = guides();
    let edited = GUIDE.split_once("---\nFirst").map(|(_, body)| format!("First{}", body.replace("Third", "Last"))).unwrap();
    let seen = world.get("guide", "one").unwrap().revision;
    world.save(Save::update("guide", "one").set("tags", vec!["a", "ours"]).body(edited).based_on(seen));
    world.write("guides/one.md", &GUIDE.replace("First paragraph", "The beginning").replace("[a]", "[a, theirs]  # sorted by hand"));
    let report = world.sync();
    assert_eq!((report.merged, report.conflicts), (1, 0));
    let merged =
        GUIDE.replace("First paragraph", "The beginning").replace("Third", "Last").replace("[a]", "[a, theirs, ours]  # sorted by hand");
    assert_eq!(world.file("guides/one.md").unwrap(), merged);
    world.assert_no_drift();
}

#[test]
fn a_stale_form_merges_by_paragraph_and_is_told_the_hunks_it_cannot_merge() {
    let world = guides();
    let seen = world.get("guide", "one").unwrap();
    world.write("guides/one.md", &GUIDE.replace("First", "The first"));
    world.sync();
    world.save(Save::update("guide", "one").body(seen.body.replace("Third", "Last")).based_on(seen.revision));
    let now = world.get("guide", "one").unwrap();
    assert_eq!(now.body, "The first paragraph.\n\nSecond paragraph.\n\nLast paragraph.\n");
    let refused =
        run(world.kb.save(Save::update("guide", "one").body(seen.body.replace("First", "My first")).based_on(seen.revision))).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    assert_eq!(refused.context()["hunks"][0]["base"], "First paragraph.\n");
    assert_eq!(refused.context()["hunks"][0]["git"], "The first paragraph.\n");
    assert_eq!(world.get("guide", "one").unwrap(), now, "nothing was written");
}

#[test]
fn a_person_decides_hunk_by_hunk_and_field_by_field() {
    let world = guides();
    let seen = world.get("guide", "one").unwrap();
    let ours = seen.body.replace("First", "Our first").replace("Third", "Our third");
    world.save(Save::update("guide", "one").title("Ours").body(ours).based_on(seen.revision));
    world.write(
        "guides/one.md",
        &GUIDE.replace("title: One", "title: Theirs").replace("First", "Their first").replace("Third", "Their third"),
    );
    world.sync();
    let conflict = run(world.kb.conflicts()).unwrap().remove(0);
    assert_eq!(conflict.fields, ["title"]);
    let hunks: Vec<_> = conflict.hunks.iter().map(|hunk| (hunk.base_line, hunk.cache.as_str(), hunk.git.as_str())).collect();
    assert_eq!(
        hunks,
        [(1, "Our first paragraph.\n", "Their first paragraph.\n"), (5, "Our third paragraph.\n", "Their third paragraph.\n")]
    );
    let some = Choices::default().field("title", Side::Cache).hunk(0, Side::Git);
    let open = run(world.kb.resolve("guide", "one", Accept::Each(some.clone()), Some(conflict.revision), None)).unwrap_err();
    assert_eq!(open.kind(), ErrorKind::InvalidInput);
    assert!(open.message().contains("hunk 2"), "{open}");
    run(world.kb.resolve("guide", "one", Accept::Each(some.hunk(1, Side::Cache)), Some(conflict.revision), None)).unwrap();
    world.sync();
    assert!(run(world.kb.conflicts()).unwrap().is_empty());
    let decided = world.get("guide", "ours").expect("our title moved the file");
    assert_eq!(
        (decided.title.as_str(), decided.body.as_str()),
        ("Ours", "Their first paragraph.\n\nSecond paragraph.\n\nOur third paragraph.\n")
    );
    world.assert_no_drift();
}

#[test]
fn a_decision_made_before_another_push_is_refused() {
    let world = both(Save::update("customer", "one").set("tier", "silver"), &[put("customers/one.md", &ONE.replace("gold", "bronze"))]);
    let seen = run(world.kb.conflicts()).unwrap().remove(0);
    world.write("customers/one.md", &ONE.replace("gold", "copper"));
    world.sync();
    let stale = run(world.kb.resolve("customer", "one", Accept::Cache, Some(seen.revision), None)).unwrap_err();
    assert_eq!(stale.kind(), ErrorKind::Conflict, "nobody has looked at the second push");
    let now = run(world.kb.conflicts()).unwrap().remove(0);
    assert_eq!(now.git.unwrap().fields["tier"], "copper");
    world.sync();
    assert_eq!(run(world.kb.conflicts()).unwrap()[0].revision, now.revision, "the same push asks only once");
    world.save(Save::update("customer", "one").set("region", "west").based_on(seen.revision));
    let newest = run(world.kb.conflicts()).unwrap().remove(0);
    run(world.kb.resolve("customer", "one", Accept::Cache, Some(newest.revision), None)).unwrap();
    world.sync();
    let decided = world.get("customer", "one").unwrap();
    assert_eq!((decided.fields["tier"].as_str(), decided.fields["region"].as_str()), (Some("silver"), Some("west")));
    world.assert_no_drift();
}
