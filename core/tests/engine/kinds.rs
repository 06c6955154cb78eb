//! Kinds whose folders lie in one another's.

use lorebase::ErrorKind;
use lorebase::sync::Save;

use crate::world::{World, ada, put, run};

const NESTED: &str = "kinds:\n  note: {folder: notes}\n  memo: {folder: notes/memos, glob: '*.md'}\n";

#[test]
fn a_file_belongs_to_the_kind_with_the_longest_folder_that_takes_it() {
    let world = World::new();
    world.push(&[
        put("lorebase.yaml", NESTED),
        put("notes/a.md", "---\ntitle: A\n---\n"),
        put("notes/memos/b.md", "---\ntitle: B\n---\n"),
        put("notes/memos/deep/c.md", "---\ntitle: C\n---\n"),
    ]);
    assert_eq!(world.sync().created, 3);
    for (kind, slug) in [("note", "a"), ("memo", "b"), ("note", "memos/deep/c")] {
        assert!(world.get(kind, slug).is_some(), "{kind}/{slug}");
    }
    let error = run(world.kb.save(Save::create("note").title("X").slug("memos/x").author(ada()))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    assert!(error.message().contains("memo"), "{error}");
    world.save(Save::create("memo").title("X"));
    assert!(world.file("notes/memos/x.md").is_some());
    world.assert_no_drift();
}

#[test]
fn a_kind_that_is_declared_later_takes_over_what_is_in_its_folder() {
    let world = World::new();
    world.push(&[put("lorebase.yaml", "kinds:\n  note: {folder: notes}\n"), put("notes/memos/b.md", "---\nid: b\ntitle: B\n---\n")]);
    world.sync();
    let before = world.get("note", "memos/b").unwrap();
    world.push(&[put("lorebase.yaml", NESTED)]);
    let report = world.sync();
    assert_eq!((report.deleted, report.conflicts, report.invalid), (0, 0, 0), "{report:?}");
    let after = world.get("memo", "b").unwrap();
    assert_eq!((after.id, world.get("note", "memos/b")), (before.id, None));
    world.assert_no_drift();
}

#[test]
fn two_kinds_of_one_folder_are_a_mistake_that_leaves_the_last_settings_in_force() {
    let world = World::new();
    world.push(&[put("lorebase.yaml", NESTED), put("notes/a.md", "---\ntitle: A\n---\n")]);
    world.sync();
    world.push(&[put("lorebase.yaml", "kinds:\n  note: {folder: notes}\n  memo: {folder: notes}\n")]);
    assert_eq!(world.sync().invalid, 1);
    let finding = run(world.kb.diagnostics()).unwrap().remove(0);
    assert_eq!((finding.path.as_str(), finding.line, finding.code.as_str()), ("lorebase.yaml", 3, "settings.folder"));
    assert_eq!(run(world.kb.config()).unwrap().kind(&"memo".into()).unwrap().folder, "notes/memos");
    assert!(world.get("note", "a").is_some());
}
