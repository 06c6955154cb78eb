//! Commits of the real git program becoming rows: whatever an engineer does to the branch.

use std::os::unix::fs::PermissionsExt;

use lorebase::sync::Save;

use crate::git::{git, tree};
use crate::on_every_layout;
use crate::seed::{CATEGORIES, CUSTOMER, ENTITIES, PLAYBOOK, PROMPT_BLOCK, SKILL};
use crate::world::World;

on_every_layout!(
    edits_additions_and_deletions_become_rows,
    moves_and_swaps_keep_the_rows,
    a_change_of_mode_is_no_change_and_an_edit_keeps_it,
    a_revert_of_our_own_commit_is_believed,
    a_merge_commit_brings_both_of_its_sides,
    an_older_commit_put_back_takes_rows_back,
    a_rewritten_history_is_taken_by_its_state,
    a_broken_file_stands_still_and_the_rest_goes_on,
    new_settings_are_read_from_the_commit,
);

fn edits_additions_and_deletions_become_rows(world: &World) {
    let paths = ["skills/reading-pdfs.md", "skills/new.md", "customers/acme-inc-.md", "categories/metadata.json"];
    let report = world.step(&paths, |world| {
        world.engineer(&[
            (paths[0], Some(&SKILL.replace("active: true", "active: false"))),
            (paths[1], Some("No frontmatter\n")),
            (paths[2], None),
            (paths[3], Some(&CATEGORIES.replace("\"Sales\"", "\"Deals\""))),
        ]);
        world.sync()
    });
    assert_eq!((report.created, report.updated, report.deleted, report.renamed), (1, 2, 1, 0), "{report:?}");
    assert_eq!(world.get("skill", "reading-pdfs").unwrap().fields["active"], false);
    assert_eq!(world.get("category", "sales").unwrap().title, "Deals");
    assert!(world.get("customer", "acme-inc-").is_none());
    let again = world.sync();
    assert_eq!((again.created, again.updated, again.unchanged), (0, 0, 0));
}

fn moves_and_swaps_keep_the_rows(world: &World) {
    let before = world.get("skill", "reading-pdfs").unwrap();
    let nested = world.get("skill", "pdf/SKILL").unwrap();
    world.step(&["skills/reading-pdfs.md", "skills/deep/er/moved.md", "skills/pdf/SKILL.md", "skills/pdf2/SKILL.md"], |world| {
        std::fs::create_dir_all(world.work().join("skills/deep/er")).unwrap();
        std::fs::create_dir_all(world.work().join("skills/pdf2")).unwrap();
        world.engineer_git(&[
            &["mv", "skills/reading-pdfs.md", "skills/deep/er/moved.md"],
            &["mv", "skills/pdf/SKILL.md", "skills/pdf2/SKILL.md"],
            &["commit", "-q", "-m", "Move"],
        ]);
        let report = world.sync();
        assert_eq!((report.renamed, report.created, report.deleted), (2, 0, 0), "{report:?}");
    });
    assert_eq!(world.get("skill", "deep/er/moved").unwrap().id, before.id);
    assert!(world.get("skill", "pdf2/SKILL").unwrap().revision > nested.revision, "its history goes on");

    let swapped = ["skills/deep/er/moved.md", "skills/pdf2/SKILL.md"];
    world.step(&swapped, |world| {
        world.engineer_git(&[
            &["mv", swapped[0], "skills/aside.md"],
            &["mv", swapped[1], swapped[0]],
            &["mv", "skills/aside.md", swapped[1]],
            &["commit", "-q", "-m", "Swap"],
        ]);
        let report = world.sync();
        assert_eq!((report.created, report.deleted), (0, 0), "{report:?}");
    });
    assert_eq!(world.get("skill", "pdf2/SKILL").unwrap().id, before.id);

    // From one kind into another, and a folder's new case.
    world.step(&["playbooks/incident.md", "documents/incident.md"], |world| {
        world.engineer_git(&[&["mv", "playbooks/incident.md", "documents/incident.md"], &["commit", "-q", "-m", "Another kind"]]);
        world.sync();
    });
    assert_eq!(world.get("document", "incident").unwrap().id.as_str(), "incident");
    world.step(&["documents/incident.md", "documents/Incident.md"], |world| {
        world.engineer_git(&[&["mv", "documents/incident.md", "documents/Incident.md"], &["commit", "-q", "-m", "Case"]]);
        world.sync();
    });
    assert!(world.get("document", "Incident").is_some() && world.get("document", "incident").is_none());
}

fn a_change_of_mode_is_no_change_and_an_edit_keeps_it(world: &World) {
    let path = "playbooks/incident.md";
    let before = world.get("playbook", "incident").unwrap();
    world.step(&[path], |world| {
        world.pull();
        std::fs::set_permissions(world.work().join(path), std::fs::Permissions::from_mode(0o755)).unwrap();
        world.commit("Executable");
        world.sync();
    });
    assert_eq!(world.get("playbook", "incident").unwrap().revision, before.revision);
    world.step(&[path], |world| world.save(Save::update("playbook", "incident").set("severity", 1)));
    assert_eq!(tree(&world.repo(), "main")[path].0, "100755");
}

fn a_revert_of_our_own_commit_is_believed(world: &World) {
    let path = "prompts/blocks/tone.md";
    world.step(&[path], |world| world.save(Save::update("prompt_block", "tone").set("sortOrder", 99)));
    let ours = world.head();
    world.step(&[path], |world| {
        world.engineer_git(&[&["revert", "--no-edit", &ours]]);
        assert_eq!(world.sync().updated, 1);
    });
    assert_eq!(world.file(path).unwrap(), PROMPT_BLOCK);
    assert_eq!(world.get("prompt_block", "tone").unwrap().fields["sortOrder"], 10);
    world.step(&[path], |world| world.save(Save::update("prompt_block", "tone").set("sortOrder", 99)));
    assert_eq!(world.file(path).unwrap(), PROMPT_BLOCK.replace("10", "99"), "the same save again is a new commit");

    world.step(&["skills/short-lived.md"], |world| world.save(Save::create("skill").title("Short lived")));
    let created = world.head();
    world.step(&["skills/short-lived.md"], |world| {
        world.engineer_git(&[&["revert", "--no-edit", &created]]);
        assert_eq!(world.sync().deleted, 1);
    });
    assert!(world.get("skill", "short-lived").is_none());
}

fn a_merge_commit_brings_both_of_its_sides(world: &World) {
    world.pull();
    let work = world.work();
    git(&work, &["checkout", "-q", "-b", "topic"]);
    world.write("documents/topic.md", "# From the topic\n");
    git(&work, &["add", "-A"]);
    git(&work, &["commit", "-q", "-m", "Topic"]);
    git(&work, &["checkout", "-q", "main"]);
    world.step(&["prompts/blocks/tone.md"], |world| world.save(Save::update("prompt_block", "tone").set("sortOrder", 1)));
    world.step(&["documents/topic.md"], |world| {
        world.pull();
        world.engineer_git(&[&["merge", "-q", "--no-ff", "-m", "Merge the topic", "topic"]]);
        assert_eq!(world.sync().created, 1);
    });
    assert_eq!(world.get("document", "topic").unwrap().title, "From the topic");
    world.step(&["documents/topic.md"], |world| world.save(Save::update("document", "topic").set("filename", "t.pdf")));
}

fn an_older_commit_put_back_takes_rows_back(world: &World) {
    let beginning = world.head();
    world.step(&["skills/one.md"], |world| world.save(Save::create("skill").title("One")));
    world.step(&["customers/acme-inc-.md"], |world| world.save(Save::update("customer", "acme-inc-").set("tier", "silver")));
    world.step(&["skills/one.md", "customers/acme-inc-.md"], |world| {
        world.rewind(&beginning);
        world.sync();
    });
    assert_eq!(world.file("customers/acme-inc-.md").unwrap(), CUSTOMER);
    assert_eq!(world.get("customer", "acme-inc-").unwrap().fields["tier"], "gold");
    assert!(world.get("skill", "one").is_none());
    world.step(&["skills/one.md"], |world| world.save(Save::create("skill").title("One")));
}

fn a_rewritten_history_is_taken_by_its_state(world: &World) {
    world.step(&["customers/acme-inc-.md"], |world| world.save(Save::update("customer", "acme-inc-").set("tier", "silver")));
    let text = world.file("customers/acme-inc-.md").unwrap();
    world.step(&["playbooks/incident.md"], |world| {
        world.pull();
        world.write("playbooks/incident.md", PLAYBOOK.replace("panic", "run"));
        // One commit without a parent instead of all that was.
        world.rewrite(&[
            &["checkout", "-q", "--orphan", "fresh"],
            &["add", "-A"],
            &["commit", "-q", "-m", "Squashed"],
            &["branch", "-q", "-M", "main"],
        ]);
        world.sync();
    });
    assert_eq!(world.file("customers/acme-inc-.md").unwrap(), text);
    assert!(world.get("playbook", "incident").unwrap().body.contains("run"));
    world.step(&["playbooks/incident.md"], |world| world.save(Save::update("playbook", "incident").set("severity", 1)));
}

fn a_broken_file_stands_still_and_the_rest_goes_on(world: &World) {
    let path = "customers/acme-inc-.md";
    world.step(&[path, "documents/other.md"], |world| {
        world.engineer(&[(path, Some("---\nname: [open\n---\n")), ("documents/other.md", Some("# Other\n"))]);
        let report = world.sync();
        assert_eq!((report.created, report.invalid), (1, 1));
    });
    let last_good = world.get("customer", "acme-inc-").unwrap();
    assert_eq!((last_good.fields["tier"].as_str(), last_good.sync_status), (Some("gold"), lorebase::knowledge::SyncStatus::Invalid));
    let waiting = world.step(&[], |world| world.save(Save::update("customer", "acme-inc-").set("tier", "silver")));
    assert_eq!(waiting.sync_status, lorebase::knowledge::SyncStatus::Pending);
    world.step(&["documents/other.md"], |world| world.save(Save::update("document", "other").set("filename", "o.pdf")));
    world.step(&[path], |world| {
        world.engineer(&[(path, Some(&CUSTOMER.replace("north", "south")))]);
        let report = world.sync();
        assert_eq!((report.invalid, report.published), (0, 1), "{report:?}");
    });
    let text = world.file(path).unwrap();
    assert!(text.contains("tier: silver\n") && text.contains("region: south\n"), "{text}");
}

fn new_settings_are_read_from_the_commit(world: &World) {
    let more = format!("{}  checklist:\n    folder: checklists\n  skill:\n    review: true\n", crate::seed::SETTINGS);
    world.step(&["lorebase.yaml", "checklists/a.md"], |world| {
        world.engineer(&[("lorebase.yaml", Some(&more)), ("checklists/a.md", Some("# A\n"))]);
        assert_eq!(world.sync().created, 1);
    });
    assert_eq!(world.get("checklist", "a").unwrap().title, "A");
    world.step(&[], |world| world.save(Save::create("skill").title("Looked at first")));
    assert_eq!(world.working("skill", "looked-at-first").unwrap().sync_status, lorebase::knowledge::SyncStatus::Draft);
    let back = world.step(&["lorebase.yaml"], |world| {
        world.engineer(&[("lorebase.yaml", Some(crate::seed::SETTINGS))]);
        world.sync()
    });
    assert_eq!(back.deleted, 1, "{back:?}");
    let unknown = lorebase::store::Query::default();
    assert_eq!(crate::world::run(world.kb().list(&unknown)).unwrap().total, ENTITIES);
}
