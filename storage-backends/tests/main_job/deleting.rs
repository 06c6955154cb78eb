//! Deletions both ways, and what they leave.

use lorebase::sync::{Save, SyncOptions};
use lorebase::{Delete, ErrorKind};

use crate::git::git;
use crate::on_every_layout;
use crate::seed::{CATEGORIES, CUSTOMER};
use crate::world::{World, run};

on_every_layout!(
    a_deletion_here_removes_the_file_and_nothing_else,
    a_deletion_in_git_removes_the_row_and_saving_brings_it_back,
    many_deletions_in_git_wait_for_confirmation,
    a_deletion_names_the_revision_it_was_made_from,
);

fn a_deletion_here_removes_the_file_and_nothing_else(world: &World) {
    for (kind, slug, path) in [
        ("skill", "pdf/SKILL", "skills/pdf/SKILL.md"),
        ("customer", "acme-inc-", "customers/acme-inc-.md"),
        ("system_prompt", "greeter", "prompts/system/greeter.md"),
        ("document", "handbook", "documents/handbook.md"),
        ("playbook", "incident", "playbooks/incident.md"),
    ] {
        world.step(&[path], |world| world.delete(kind, slug));
        assert_eq!(world.file(path), None);
        assert_eq!(world.last_touched(), [path]);
        assert!(world.get(kind, slug).is_none() && world.working(kind, slug).is_none());
    }
    world.step(&["categories/metadata.json"], |world| world.delete("category", "documents"));
    let left = CATEGORIES.replace("  \"documents\": {\"name\": \"Documents\", \"sortOrder\": 1},\n", "");
    assert_eq!(world.file("categories/metadata.json").unwrap(), left);
    world.step(&["categories/metadata.json"], |world| world.delete("category", "sales"));
    world.step(&["categories/metadata.json"], |world| world.save(Save::create("category").title("Again")));
    assert_eq!(world.get("category", "again").unwrap().title, "Again");
    if world.layout != crate::world::Layout::Bare {
        assert!(!world.repo().join("skills/pdf").exists(), "an empty folder is nobody's");
    }
}

fn a_deletion_in_git_removes_the_row_and_saving_brings_it_back(world: &World) {
    let was = world.get("customer", "acme-inc-").unwrap();
    world.step(&["customers/acme-inc-.md"], |world| {
        world.engineer_git(&[&["rm", "-q", "customers/acme-inc-.md"], &["commit", "-q", "-m", "Remove"]]);
        assert_eq!(world.sync().deleted, 1);
    });
    assert!(world.get("customer", "acme-inc-").is_none());
    let gone = world.step(&[], |world| world.try_save(Save::update("customer", "acme-inc-").set("tier", "x")).unwrap_err());
    assert_eq!(gone.kind(), ErrorKind::NotFound);
    let again = world.step(&["customers/acme.md"], |world| world.save(Save::create("customer").id("c-17").title("Acme")));
    assert!(again.revision > was.revision, "a revision is never given twice");
    let stale =
        world.step(&[], |world| world.try_save(Save::update("customer", "acme").set("tier", "x").based_on(was.revision)).unwrap_err());
    assert_eq!(
        (stale.kind(), &stale.context()["fields"]),
        (ErrorKind::Conflict, &serde_json::json!(["tier"])),
        "a form of its former life"
    );
    world.step(&["customers/acme.md", "customers/acme-inc-.md"], |world| {
        world.engineer(&[("customers/acme.md", None), ("customers/acme-inc-.md", Some(CUSTOMER))]);
        let report = world.sync();
        assert_eq!((report.renamed, report.created, report.deleted), (1, 0, 0), "{report:?}");
    });
}

fn many_deletions_in_git_wait_for_confirmation(world: &World) {
    world.step(&many(), |world| {
        for (index, path) in many().iter().enumerate() {
            world.pull();
            world.write(path, format!("# Document {index}\n"));
        }
        world.commit("Many");
        assert_eq!(world.sync().created, 30);
    });
    world.pull();
    git(&world.work(), &["rm", "-q", "-r", "documents"]);
    world.write("skills/new.md", "# Another\n");
    world.commit("Remove a folder");
    let report = world.sync();
    assert_eq!((report.created, report.deleted, report.held_deletions), (1, 0, 31), "{report:?}");
    assert!(world.get("document", "many-7").is_some(), "they are still there");
    world.save(Save::update("playbook", "incident").set("severity", 1));
    assert!(world.file("playbooks/incident.md").unwrap().contains("severity: 1"), "the hold stops nothing else");
    let status = run(world.kb().status()).unwrap();
    assert_eq!(status.held_deletions.map(|held| held.count), Some(31));
    let waits = world.save(Save::update("document", "many-3").set("filename", "kept.pdf"));
    assert_eq!(waits.sync_status, lorebase::knowledge::SyncStatus::Pending, "an edit of a held one waits");
    let report = run(world.kb().sync(SyncOptions { allow_deletions: true, ..SyncOptions::default() })).unwrap();
    assert_eq!((report.deleted, report.held_deletions, report.conflicts), (31, 0, 1), "{report:?}");
    world.assert_invariants();
    let conflict = run(world.kb().conflicts()).unwrap().remove(0);
    assert_eq!(conflict.slug.as_str(), "many-3");
    run(world.kb().resolve("document", "many-3", lorebase::Accept::Cache, None, None)).unwrap();
    world.acknowledge_all();
    world.assert_invariants();
    assert_eq!(world.file("documents/many-3.md").unwrap(), "---\nfilename: kept.pdf\n---\n# Document 3\n");
}

/// More than the share that may vanish at once.
fn many() -> Vec<&'static str> {
    const PATHS: [&str; 30] = [
        "documents/many-0.md",
        "documents/many-1.md",
        "documents/many-2.md",
        "documents/many-3.md",
        "documents/many-4.md",
        "documents/many-5.md",
        "documents/many-6.md",
        "documents/many-7.md",
        "documents/many-8.md",
        "documents/many-9.md",
        "documents/many-10.md",
        "documents/many-11.md",
        "documents/many-12.md",
        "documents/many-13.md",
        "documents/many-14.md",
        "documents/many-15.md",
        "documents/many-16.md",
        "documents/many-17.md",
        "documents/many-18.md",
        "documents/many-19.md",
        "documents/many-20.md",
        "documents/many-21.md",
        "documents/many-22.md",
        "documents/many-23.md",
        "documents/many-24.md",
        "documents/many-25.md",
        "documents/many-26.md",
        "documents/many-27.md",
        "documents/many-28.md",
        "documents/many-29.md",
    ];
    PATHS.to_vec()
}

fn a_deletion_names_the_revision_it_was_made_from(world: &World) {
    let seen = world.get("playbook", "incident").unwrap().revision;
    world.step(&["playbooks/incident.md"], |world| world.save(Save::update("playbook", "incident").set("severity", 1)));
    let refused = world.step(&[], |world| run(world.kb().delete(Delete::new("playbook", "incident").expected_revision(seen))).unwrap_err());
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    assert_eq!(refused.message(), "playbook/@incident is at revision 2, not 1: read it again before deleting it");
}
