//! Commits of engineers becoming rows.

use lorebase::store::View;
use lorebase::sync::{Save, SyncOptions};
use lorebase::{Accept, Delete, PublishMode};

use crate::world::{World, put, remove, run};

fn skill(id: &str, title: &str) -> String {
    format!("---\nid: {id}\ntitle: {title}\n---\nBody of {title}.\n")
}

#[test]
fn a_push_becomes_rows_and_an_idle_sync_does_nothing() {
    let world = World::new();
    world.push(&[
        put("skills/a.md", &skill("a", "A")),
        put("customers/b.md", "---\nname: B\n---\n"),
        put("README.md", "# no entity\n"),
        put("skills/.hidden.md", "x"),
    ]);
    let report = world.sync();
    assert_eq!((report.created, report.invalid), (2, 0));
    assert_eq!(world.get("skill", "a").unwrap().title, "A");
    assert_eq!(world.get("customer", "b").unwrap().title, "B");
    let idle = world.sync();
    assert_eq!((idle.created, idle.updated, idle.unchanged), (0, 0, 0));
    world.assert_no_drift();
}

#[test]
fn a_file_without_frontmatter_is_an_entity_without_fields() {
    let world = World::new();
    world.push(&[put("documents/plain.md", "Some text\n\n# The heading\n"), put("documents/bare.md", "nothing else\n")]);
    world.sync();
    let plain = world.get("document", "plain").unwrap();
    assert_eq!((plain.title.as_str(), plain.fields.len()), ("The heading", 0));
    assert_eq!(world.get("document", "bare").unwrap().title, "bare");
    world.save(Save::update("document", "plain").body("Other\n").based_on_current());
    assert_eq!(world.file("documents/plain.md").unwrap(), "Other\n", "an edit never adds an id");
    world.assert_no_drift();
}

#[test]
fn a_moved_file_keeps_its_record_by_id_or_by_bytes() {
    let world = World::new();
    world.push(&[put("skills/a.md", &skill("a", "A")), put("documents/x.md", "# Text\n\nwithout id\n")]);
    world.sync();
    let x = world.get("document", "x").unwrap();
    world.push(&[
        remove("skills/a.md"),
        put("skills/deep/b.md", &skill("a", "A2")),
        remove("documents/x.md"),
        put("documents/y.md", "# Text\n\nwithout id\n"),
    ]);
    let report = world.sync();
    assert_eq!((report.renamed, report.created, report.deleted), (2, 0, 0));
    assert_eq!(world.get("skill", "deep/b").unwrap().title, "A2");
    let y = world.get("document", "y").unwrap();
    assert_ne!(x.id, y.id, "a derived id follows its place");
    assert!(y.revision > x.revision, "and its history goes on");
    world.assert_no_drift();
}

#[test]
fn two_files_can_swap_their_paths_in_one_commit() {
    let world = World::new();
    world.push(&[put("skills/a.md", &skill("a", "A")), put("skills/b.md", &skill("b", "B"))]);
    world.sync();
    world.push(&[put("skills/a.md", &skill("b", "B")), put("skills/b.md", &skill("a", "A"))]);
    let report = world.sync();
    assert_eq!((report.renamed, report.deleted, report.created), (2, 0, 0));
    assert_eq!(world.get("skill", "b").unwrap().id.as_str(), "a");
    world.assert_no_drift();
}

#[test]
fn a_file_without_an_id_keeps_its_record_when_it_swaps_its_path_with_one_that_has_an_id() {
    let world = World::with(lorebase::PublishMode::Off);
    let plain = "# Text\n\nwithout id\n";
    world.push(&[put("skills/a.md", &skill("a", "A")), put("skills/b.md", plain)]);
    world.sync();
    let (a, b) = (world.get("skill", "a").unwrap(), world.get("skill", "b").unwrap());
    world.save(Save::update("skill", "b").set("active", true));
    world.push(&[put("skills/a.md", plain), put("skills/b.md", &skill("a", "A"))]);
    let report = world.sync();
    assert_eq!((report.renamed, report.created, report.deleted, report.conflicts), (2, 0, 0, 0), "{report:?}");
    assert_eq!(world.get("skill", "b").unwrap().id, a.id);
    let moved = world.get("skill", "a").unwrap();
    assert!(moved.revision > b.revision && moved.fields["active"] == true, "its history and its waiting change follow");
    world.assert_no_drift();
}

#[test]
fn a_broken_file_is_quarantined_and_blocks_nothing() {
    let world = World::new();
    world.push(&[put("skills/a.md", &skill("a", "A")), put("skills/b.md", &skill("b", "B"))]);
    world.sync();
    world.push(&[put("skills/a.md", "---\ntitle: [unclosed\n---\n"), put("skills/b.md", &skill("b", "B2"))]);
    let report = world.sync();
    assert_eq!((report.updated, report.invalid), (1, 1));
    let a = world.get("skill", "a").unwrap();
    assert_eq!((a.title.as_str(), a.sync_status), ("A", lorebase::knowledge::SyncStatus::Invalid));
    let findings = run(world.kb.diagnostics()).unwrap();
    assert_eq!((findings[0].path.as_str(), findings[0].line > 0), ("skills/a.md", true));
    world.assert_no_drift();
    world.write("skills/a.md", &skill("a", "A3"));
    assert_eq!(world.sync().invalid, 0);
    assert_eq!(world.get("skill", "a").unwrap().title, "A3");
}

#[test]
fn a_second_file_with_an_id_waits_until_the_first_is_gone() {
    let world = World::new();
    world.push(&[put("skills/a.md", &skill("same", "A"))]);
    world.sync();
    world.push(&[put("skills/0.md", &skill("same", "Copy"))]);
    let report = world.sync();
    assert_eq!((report.invalid, report.created), (1, 0));
    assert_eq!(world.get("skill", "a").unwrap().title, "A");
    assert!(run(world.kb.diagnostics()).unwrap()[0].message.contains("skills/a.md"));
    world.push(&[remove("skills/a.md")]);
    let report = world.sync();
    assert_eq!(report.invalid, 0);
    assert_eq!(world.get("skill", "0").unwrap().title, "Copy");
    world.assert_no_drift();
}

#[test]
fn paths_that_differ_only_in_case_and_links_are_findings() {
    let world = World::new();
    world.push(&[put("skills/a.md", &skill("a", "A")), put("skills/A.md", &skill("b", "B"))]);
    world.git.push_entry(&crate::world::eve(), "skills/link.md", lorebase::store::EntryMode::Symlink, b"a.md");
    world.git.push_entry(&crate::world::eve(), "skills/module", lorebase::store::EntryMode::Submodule, b"x");
    let report = world.sync();
    assert_eq!((report.created, report.invalid), (1, 3));
    let codes: Vec<String> = run(world.kb.diagnostics()).unwrap().into_iter().map(|finding| finding.code).collect();
    for code in ["path.clash", "file.symlink", "file.submodule"] {
        assert!(codes.iter().any(|found| found == code), "{codes:?}");
    }
    world.assert_no_drift();
}

#[test]
fn an_id_that_an_engineer_adds_or_takes_away_keeps_the_record() {
    let world = World::new();
    world.write("skills/a.md", "---\ntitle: A\n---\n");
    world.sync();
    let before = world.get("skill", "a").unwrap();
    world.write("skills/a.md", "---\nid: mine\ntitle: A\n---\n");
    let report = world.sync();
    assert_eq!((report.created, report.deleted, report.updated), (0, 0, 1));
    let after = world.get("skill", "a").unwrap();
    assert_eq!(after.id.as_str(), "mine");
    assert!(after.revision > before.revision);
    world.write("skills/a.md", "---\ntitle: A\n---\n");
    world.sync();
    assert_eq!(world.get("skill", "a").unwrap().id, before.id);
    world.assert_no_drift();
}

#[test]
fn a_file_that_becomes_another_kind_keeps_its_record() {
    let world = World::new();
    world.write("skills/a.md", &skill("a", "A"));
    world.sync();
    world.push(&[remove("skills/a.md"), put("documents/a.md", &skill("a", "A"))]);
    let report = world.sync();
    assert_eq!((report.renamed, report.created, report.deleted), (1, 0, 0));
    assert!(world.get("skill", "a").is_none());
    assert_eq!(world.get("document", "a").unwrap().title, "A");
    world.assert_no_drift();
}

#[test]
fn a_json_entry_whose_id_comes_back_in_a_markdown_file_is_gone_and_its_change_waits_for_a_person() {
    let world = World::with(PublishMode::Off);
    world.write("categories/metadata.json", "{\n  \"a\": {\"id\": \"same\", \"name\": \"A\"}\n}\n");
    world.sync();
    world.save(Save::update("category", "a").set("color", "red"));
    world.push(&[put("categories/metadata.json", "{}\n"), put("skills/s.md", &skill("same", "S"))]);
    world.sync();
    assert_eq!(world.get("skill", "s").unwrap().title, "S");
    let conflicts = run(world.kb.conflicts()).unwrap();
    assert_eq!((conflicts.len(), conflicts[0].kind.as_str()), (1, "category"));
    world.assert_no_drift();
}

#[test]
fn a_change_follows_its_file_into_another_kind() {
    let world = World::with(PublishMode::Off);
    world.write("skills/a.md", &skill("a", "A"));
    world.sync();
    world.save(Save::update("skill", "a").rename("b").set("active", true));
    world.push(&[remove("skills/a.md"), put("documents/c.md", &skill("a", "A"))]);
    world.sync();
    let conflict = run(world.kb.conflicts()).unwrap().remove(0);
    assert_eq!((conflict.kind.as_str(), conflict.cache.unwrap().path.as_str()), ("document", "documents/b.md"));
    run(world.kb.resolve("document", "b", Accept::Cache, None, None)).unwrap();
    world.sync();
    assert!(world.file("documents/b.md").unwrap().contains("active: true\n"));
    assert!(world.file("documents/c.md").is_none() && world.file("skills/b.md").is_none());
    world.assert_no_drift();
}

#[test]
fn a_file_that_moves_onto_the_place_of_a_deleted_one_leaves_the_change_there_to_a_person() {
    for delete in [false, true] {
        let world = World::with(PublishMode::Off);
        world.push(&[put("skills/a.md", &skill("a", "A")), put("skills/b.md", &skill("b", "B"))]);
        world.sync();
        if delete {
            run(world.kb.delete(Delete::new("skill", "a"))).unwrap();
        } else {
            world.save(Save::update("skill", "a").set("active", true));
        }
        world.push(&[remove("skills/b.md"), put("skills/a.md", &skill("b", "B"))]);
        let report = world.sync();
        assert_eq!((report.renamed, report.deleted), (1, 1));
        assert_eq!(world.get("skill", "a").unwrap().id.as_str(), "b");
        assert_eq!(run(world.kb.conflicts()).unwrap().len(), usize::from(!delete));
        world.assert_no_drift();
    }
}

#[test]
fn a_file_that_moves_onto_the_place_of_a_held_deletion_is_taken_in() {
    let world = World::new();
    let files: Vec<_> = (0..60).map(|n| put(&format!("skills/s{n}.md"), &skill(&format!("s{n}"), &format!("S{n}")))).collect();
    world.push(&files);
    world.sync();
    let gone = (0..40).map(|n| remove(&format!("skills/s{n}.md")));
    world.push(&gone.chain([remove("skills/s50.md"), put("skills/s1.md", &skill("s50", "S50"))]).collect::<Vec<_>>());
    let report = world.sync();
    assert_eq!((report.renamed, report.deleted, report.held_deletions), (1, 1, 39));
    assert_eq!(world.get("skill", "s1").unwrap().id.as_str(), "s50");
    assert!(world.get("skill", "s2").is_some());
}

#[test]
fn a_swap_of_two_files_takes_a_waiting_change_along() {
    let world = World::with(PublishMode::Off);
    world.push(&[put("skills/a.md", &skill("a", "A")), put("skills/b.md", &skill("b", "B"))]);
    world.sync();
    world.save(Save::update("skill", "a").set("active", true));
    world.push(&[put("skills/a.md", &skill("b", "B")), put("skills/b.md", &skill("a", "A"))]);
    world.sync();
    assert!(run(world.kb.conflicts()).unwrap().is_empty());
    assert!(world.file("skills/b.md").unwrap().contains("active: true\n"));
    world.assert_no_drift();
}

#[test]
fn many_deletions_at_once_are_held_until_confirmed() {
    let world = World::new();
    let files: Vec<_> = (0..60).map(|n| put(&format!("skills/s{n}.md"), &skill(&format!("s{n}"), &format!("S{n}")))).collect();
    world.push(&files);
    world.sync();
    let gone: Vec<_> = (0..40).map(|n| remove(&format!("skills/s{n}.md"))).chain([put("skills/new.md", &skill("new", "New"))]).collect();
    world.push(&gone);
    let report = world.sync();
    assert_eq!((report.deleted, report.held_deletions, report.created), (0, 40, 1));
    assert!(world.get("skill", "s1").is_some());
    let saved = world.save(Save::update("skill", "s50").title("Still works"));
    assert_eq!(saved.sync_status, lorebase::knowledge::SyncStatus::Synced);
    assert_eq!(run(world.kb.status()).unwrap().held_deletions.map(|held| held.count), Some(40));
    let report = run(world.kb.sync(SyncOptions { allow_deletions: true, ..SyncOptions::default() })).unwrap();
    assert_eq!((report.deleted, report.held_deletions), (40, 0));
    assert!(world.get("skill", "s1").is_none());
    world.assert_no_drift();
}

#[test]
fn settings_add_a_kind_and_a_mistake_in_them_keeps_the_last_good_ones() {
    let world = World::new();
    world.push(&[put("lorebase.yaml", "kinds:\n  playbook:\n    folder: playbooks\n"), put("playbooks/p.md", "---\ntitle: P\n---\n")]);
    world.sync();
    assert_eq!(world.get("playbook", "p").unwrap().title, "P");
    world.push(&[put("lorebase.yaml", "kinds:\n  playbook:\n    folders: playbooks\n"), put("playbooks/q.md", "---\ntitle: Q\n---\n")]);
    let report = world.sync();
    assert_eq!(report.invalid, 1);
    assert_eq!(world.get("playbook", "q").unwrap().title, "Q");
    let finding = &run(world.kb.diagnostics()).unwrap()[0];
    assert_eq!((finding.path.as_str(), finding.line), ("lorebase.yaml", 3));
    world.push(&[put("lorebase.yaml", "kinds:\n  playbook:\n    folder: books\n")]);
    let report = world.sync();
    assert_eq!((report.invalid, report.deleted), (0, 2));
    world.assert_no_drift();
}

#[test]
fn rewritten_history_is_only_another_state() {
    let world = World::new();
    let first = world.write("skills/a.md", &skill("a", "A"));
    world.write("skills/a.md", &skill("a", "A2"));
    world.write("skills/b.md", &skill("b", "B"));
    world.sync();
    world.git.force(Some(&first)).unwrap();
    let report = world.sync();
    assert_eq!((report.updated, report.deleted), (1, 1));
    assert_eq!(world.get("skill", "a").unwrap().title, "A");
    world.assert_no_drift();
}

#[test]
fn a_cursor_whose_commit_was_collected_falls_back_to_the_manifest() {
    let world = World::new();
    let first = world.write("skills/a.md", &skill("a", "A"));
    world.write("skills/b.md", &skill("b", "B"));
    world.sync();
    world.git.force(Some(&first)).unwrap();
    world.write("skills/c.md", &skill("c", "C"));
    world.git.collect();
    let report = world.sync();
    assert_eq!((report.created, report.deleted, report.updated), (1, 1, 0));
    world.assert_no_drift();
}

#[test]
fn a_dry_run_tells_and_changes_nothing() {
    let world = World::new();
    world.write("skills/a.md", &skill("a", "A"));
    let report = run(world.kb.sync(SyncOptions { dry_run: true, ..SyncOptions::default() })).unwrap();
    assert_eq!((report.created, report.synced_commit.clone()), (1, None));
    assert!(run(world.kb.get_view("skill", "a", View::Working)).unwrap().is_none());
}

#[test]
fn repair_mends_rows_and_drops_no_change() {
    let world = World::new();
    world.push(&[put("skills/a.md", &skill("a", "A")), put("skills/b.md", &skill("b", "B"))]);
    world.sync();
    world.save(Save::create("skill").title("Draft").set("status", "DRAFT"));
    let drift = run(world.kb.repair()).unwrap();
    assert!(drift.is_empty());
    assert!(world.working("skill", "draft").is_some());
}

#[test]
fn a_rewritten_and_collected_history_is_still_the_same_repository() {
    let world = World::new();
    world.write("skills/a.md", &skill("a", "A"));
    world.write("skills/b.md", &skill("b", "B"));
    world.sync();
    world.save(Save::create("skill").title("Draft").set("status", "DRAFT"));
    world.git.force(None).unwrap();
    world.push(&[put("skills/a.md", &skill("a", "A"))]);
    world.git.collect();
    let again = world.another(lorebase::PublishMode::Inline);
    let report = run(again.sync(SyncOptions::default())).unwrap();
    assert_eq!((report.deleted, report.created), (1, 0));
    assert!(world.working("skill", "draft").is_some());
    let row = run(lorebase::store::CacheStore::repository(&*world.cache, 1)).unwrap();
    let head = run(lorebase::store::GitStore::head(&*world.git)).unwrap();
    assert_eq!(row.root, head, "the new first commit names the repository from now on");
    world.assert_no_drift();
}

#[test]
fn a_json_file_that_comes_back_while_deletions_are_held_is_read_again() {
    let world = World::new();
    let file = |entries: &[(String, &str)]| {
        let lines: Vec<String> = entries.iter().map(|(id, name)| format!("  \"{id}\": {{\"name\": \"{name}\"}}")).collect();
        format!("{{\n{}\n}}\n", lines.join(",\n"))
    };
    let before: Vec<_> = (0..40).map(|number| (format!("e{number:02}"), "Old")).collect();
    world.write("categories/metadata.json", &file(&before));
    world.sync();
    let mut after: Vec<_> = before[..10].to_vec();
    after[0].1 = "New";
    after.push(("e005".to_owned(), "Newcomer"));
    world.write("categories/metadata.json", &file(&after));
    assert_eq!(world.sync().held_deletions, 30);
    assert_eq!(world.get("category", "e00").unwrap().title, "New");
    world.write("categories/metadata.json", &file(&before));
    world.sync();
    assert_eq!(world.get("category", "e00").unwrap().title, "Old");
    assert!(world.get("category", "e005").is_none());
    world.assert_no_drift();
}
