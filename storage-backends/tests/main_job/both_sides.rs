//! Saves and pushes of the same entity at the same time, met on a real branch.

use lorebase::knowledge::SyncStatus;
use lorebase::store::ConflictReason;
use lorebase::sync::Save;
use lorebase::{Accept, PublishMode};

use crate::on_every_layout;
use crate::seed::{CATEGORIES, PLAYBOOK, PROMPT_BLOCK};
use crate::world::{World, run};

const PATH: &str = "prompts/blocks/tone.md";
const FILE: &str = "categories/metadata.json";

on_every_layout!(
    different_fields_merge_into_one_file,
    the_same_change_on_both_sides_leaves_nothing_to_commit,
    one_field_changed_twice_waits_for_a_person,
    a_person_may_decide_with_a_document,
    an_edit_meets_a_deletion_and_survives,
    a_path_taken_in_git_leaves_ours_without_one,
    entries_of_one_json_file_arrive_from_both_sides,
    a_race_is_won_by_trying_again,
    a_move_in_git_takes_our_change_along,
    our_move_takes_their_edit_along,
    a_file_moved_to_two_places_waits_for_a_person,
);

/// A save that waits while the engineer pushes.
fn both(world: &World, save: Save, path: &str, theirs: Option<&str>) {
    world.reopen(PublishMode::Off);
    let saved = world.step(&[], |world| world.save(save));
    assert_eq!(saved.sync_status, SyncStatus::Pending);
    world.step(&[path], |world| {
        world.engineer(&[(path, theirs)]);
        world.sync()
    });
    world.reopen(PublishMode::Inline);
}

fn different_fields_merge_into_one_file(world: &World) {
    both(world, Save::update("prompt_block", "tone").set("sortOrder", 11), PATH, Some(&PROMPT_BLOCK.replace("true", "false")));
    assert_eq!(world.file(PATH).unwrap(), PROMPT_BLOCK.replace("10", "11").replace("true", "false"));
    assert!(run(world.kb().conflicts()).unwrap().is_empty());
}

fn the_same_change_on_both_sides_leaves_nothing_to_commit(world: &World) {
    world.reopen(PublishMode::Off);
    world.save(Save::update("prompt_block", "tone").set("sortOrder", 11));
    let theirs = world.engineer(&[(PATH, Some(&PROMPT_BLOCK.replace("10", "11")))]);
    world.sync();
    assert_eq!((world.head(), world.taken_back()), (theirs, 1));
    world.assert_invariants();
    assert_eq!(world.get("prompt_block", "tone").unwrap().sync_status, SyncStatus::Synced);
}

fn conflict(world: &World) -> lorebase::ConflictView {
    both(world, Save::update("prompt_block", "tone").set("sortOrder", 11), PATH, Some(&PROMPT_BLOCK.replace("10", "12")));
    assert_eq!(world.file(PATH).unwrap(), PROMPT_BLOCK.replace("10", "12"), "no marker ever reaches a file");
    assert_eq!(world.get("prompt_block", "tone").unwrap().sync_status, SyncStatus::Conflict);
    run(world.kb().conflicts()).unwrap().remove(0)
}

fn one_field_changed_twice_waits_for_a_person(world: &World) {
    for (accept, expected) in [(Accept::Git, "12"), (Accept::Cache, "11")] {
        let seen = conflict(world);
        assert_eq!((seen.reason, seen.fields.as_slice()), (ConflictReason::BothChanged, &["sortOrder".to_owned()][..]));
        assert_eq!(seen.git_author.as_ref().map(|author| author.name.as_str()), Some("Eve Engineer"));
        let other =
            world.step(&["documents/handbook.md"], |world| world.save(Save::update("document", "handbook").set("filename", expected)));
        assert_eq!(other.sync_status, SyncStatus::Synced, "a conflict holds only its entity");
        world.step(&[PATH], |world| {
            let before = world.log_ids();
            run(world.kb().resolve("prompt_block", "tone", accept.clone(), Some(seen.revision), None)).unwrap();
            world.acknowledge(&before, &world.get("prompt_block", "tone").unwrap().key());
            world.taken_back();
        });
        assert_eq!(world.file(PATH).unwrap(), PROMPT_BLOCK.replace("10", expected));
        assert!(run(world.kb().conflicts()).unwrap().is_empty());
        world.step(&[PATH], |world| {
            world.engineer(&[(PATH, Some(PROMPT_BLOCK))]);
            world.sync()
        });
    }
}

fn a_person_may_decide_with_a_document(world: &World) {
    conflict(world);
    let edited = PROMPT_BLOCK.replace("10", "13").replace("kind", "brief");
    world.step(&[PATH], |world| run(world.kb().resolve("prompt_block", "tone", Accept::Document(edited.clone()), None, None)).unwrap());
    assert_eq!(world.file(PATH).unwrap(), edited);
}

fn an_edit_meets_a_deletion_and_survives(world: &World) {
    both(world, Save::update("prompt_block", "tone").set("sortOrder", 11), PATH, None);
    let seen = run(world.kb().conflicts()).unwrap().remove(0);
    assert_eq!((seen.reason, seen.git), (ConflictReason::DeletedInGit, None));
    world.step(&[PATH], |world| run(world.kb().resolve("prompt_block", "tone", Accept::Cache, None, None)).unwrap());
    assert_eq!(world.file(PATH).unwrap(), PROMPT_BLOCK.replace("10", "11"));

    world.reopen(PublishMode::Off);
    world.delete("playbook", "incident");
    world.step(&["playbooks/incident.md"], |world| {
        world.engineer(&[("playbooks/incident.md", Some(&PLAYBOOK.replace("panic", "run")))]);
        world.sync()
    });
    world.reopen(PublishMode::Inline);
    let seen = run(world.kb().conflicts()).unwrap().remove(0);
    assert_eq!((seen.reason, seen.cache), (ConflictReason::DeletedInCache, None));
    world.step(&["playbooks/incident.md"], |world| run(world.kb().resolve("playbook", "incident", Accept::Cache, None, None)).unwrap());
    assert_eq!(world.file("playbooks/incident.md"), None);
}

fn a_path_taken_in_git_leaves_ours_without_one(world: &World) {
    let theirs = "---\nid: theirs\nname: Theirs\n---\n";
    both(world, Save::create("customer").title("New").body("ours\n"), "customers/new.md", Some(theirs));
    let seen = run(world.kb().conflicts()).unwrap().remove(0);
    assert_eq!(seen.reason, ConflictReason::PathTaken);
    assert_eq!(world.file("customers/new.md").unwrap(), theirs);
    world.step(&["customers/new-2.md"], |world| {
        world.save(Save::update("customer", "").id(seen.id.as_str()).rename("new-2"));
        run(world.kb().resolve("customer", "new-2", Accept::Cache, None, None)).unwrap();
    });
    assert!(world.file("customers/new-2.md").unwrap().ends_with("ours\n"));
}

fn entries_of_one_json_file_arrive_from_both_sides(world: &World) {
    world.reopen(PublishMode::Off);
    world.step(&[], |world| {
        world.save(Save::update("category", "sales").set("color", "#0000ff"));
        world.save(Save::create("category").slug("legal").title("Legal"));
    });
    world.step(&[FILE], |world| {
        world.engineer(&[(FILE, Some(&CATEGORIES.replace("\"Documents\"", "\"Papers\"")))]);
        let report = world.sync();
        assert_eq!((report.conflicts, report.published), (0, 2), "{report:?}");
    });
    let text = world.file(FILE).unwrap();
    assert!(text.starts_with(&CATEGORIES.replace("\"Documents\"", "\"Papers\"").replace("#ff0000", "#0000ff")[..120]), "{text}");
    assert_eq!(world.get("category", "legal").unwrap().title, "Legal");

    world.step(&[], |world| world.save(Save::update("category", "sales").set("color", "red")));
    world.step(&[FILE], |world| {
        world.engineer(&[(FILE, Some(&text.replace("#0000ff", "green").replace("Papers", "Files")))]);
        assert_eq!(world.sync().conflicts, 1);
    });
    assert_eq!(world.get("category", "documents").unwrap().title, "Files");
    world.reopen(PublishMode::Inline);
    world.step(&[FILE], |world| run(world.kb().resolve("category", "sales", Accept::Cache, None, None)).unwrap());
    assert_eq!(world.file(FILE).unwrap(), text.replace("#0000ff", "red").replace("Papers", "Files"));
}

fn a_race_is_won_by_trying_again(world: &World) {
    for round in 0..5 {
        let handbook = format!("# The handbook, {round}\n");
        world.step(&["documents/handbook.md", PATH], |world| {
            world.engineer(&[("documents/handbook.md", Some(&handbook))]);
            let saved = world.save(Save::update("prompt_block", "tone").set("sortOrder", round));
            assert_eq!(saved.sync_status, SyncStatus::Synced, "nobody synchronised between the push and the save");
        });
        assert_eq!(world.file("documents/handbook.md").unwrap(), handbook);
    }
}

/// A save that waits while the engineer moves the file of `incident`.
fn moved_in_git(world: &World, save: Save, to: &str) {
    world.reopen(PublishMode::Off);
    world.step(&[], |world| world.save(save));
    world.engineer_git(&[&["mv", "playbooks/incident.md", to], &["commit", "-q", "-m", "Move"]]);
    world.sync();
    world.reopen(PublishMode::Inline);
    world.assert_invariants();
}

fn a_move_in_git_takes_our_change_along(world: &World) {
    moved_in_git(world, Save::update("playbook", "incident").set("severity", 1), "playbooks/trouble.md");
    assert_eq!(world.file("playbooks/incident.md"), None);
    assert_eq!(world.file("playbooks/trouble.md").unwrap(), PLAYBOOK.replace("- mend\n", "- mend\nseverity: 1\n"));
    // Without an id in the file the row is found by its bytes.
    world.reopen(PublishMode::Off);
    world.save(Save::update("skill", "pdf/SKILL").set("active", true));
    world.engineer_git(&[&["mv", "skills/pdf/SKILL.md", "skills/pdf.md"], &["commit", "-q", "-m", "Move"]]);
    assert_eq!(world.sync().conflicts, 0);
    world.assert_invariants();
    assert!(world.file("skills/pdf.md").unwrap().contains("active: true\r\n"));
}

fn our_move_takes_their_edit_along(world: &World) {
    world.reopen(PublishMode::Off);
    world.step(&[], |world| world.save(Save::update("playbook", "incident").title("Trouble")));
    world.step(&["playbooks/incident.md", "playbooks/trouble.md"], |world| {
        world.engineer(&[("playbooks/incident.md", Some(&PLAYBOOK.replace("panic", "run")))]);
        assert_eq!(world.sync().conflicts, 0);
    });
    assert_eq!(world.file("playbooks/trouble.md").unwrap(), PLAYBOOK.replace("panic", "run").replace("Incident", "Trouble"));
    assert_eq!(world.file("playbooks/incident.md"), None);
}

fn a_file_moved_to_two_places_waits_for_a_person(world: &World) {
    moved_in_git(world, Save::update("playbook", "incident").rename("ours"), "playbooks/theirs.md");
    let seen = run(world.kb().conflicts()).unwrap().remove(0);
    assert_eq!((seen.reason, seen.fields.as_slice()), (ConflictReason::BothChanged, &["path".to_owned()][..]));
    world.step(&["playbooks/theirs.md", "playbooks/ours.md"], |world| {
        run(world.kb().resolve("playbook", "ours", Accept::Cache, None, None)).unwrap();
    });
    assert_eq!((world.file("playbooks/ours.md").as_deref(), world.file("playbooks/theirs.md")), (Some(PLAYBOOK), None));
}
