//! Rows of an existing table into git, and again.

use lorebase::ImportRow;
use lorebase::knowledge::SyncStatus;
use lorebase::store::Query;
use lorebase::sync::{Save, SyncOptions};
use lorebase_backends::{Options, open};
use serde_json::{Value, json};

use crate::git::{assert_clean, assert_sound, git, tree};
use crate::on_every_layout;
use crate::seed::ENTITIES;
use crate::world::{Layout, World, ada, run};

on_every_layout!(
    fifty_rows_become_one_commit_and_repeating_it_changes_nothing,
    a_row_that_cannot_be_taken_is_named,
    a_lost_repository_is_made_again_from_the_database,
);

fn row(index: usize) -> ImportRow {
    let Value::Object(fields) = json!({"id": format!("row-{index}"), "name": format!("Row {index}"), "tier": "gold", "tags": ["a", "b"]})
    else {
        panic!("not an object")
    };
    ImportRow { slug: None, id: None, fields, body: format!("# Row {index}\n") }
}

fn fifty_rows_become_one_commit_and_repeating_it_changes_nothing(world: &World) {
    let rows: Vec<ImportRow> = (0..50).map(row).collect();
    let paths: Vec<String> = (0..50).map(|index| format!("customers/row-{index}.md")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let before = world.commits();
    let import = |world: &World| {
        let report = run(world.kb().import("customer", &rows, Some(ada()), None)).unwrap();
        world.acknowledge_all();
        (report.created, report.updated, report.unchanged)
    };
    world.step(&[], |world| assert_eq!(import(world), (50, 0, 0)));
    assert_eq!(run(world.kb().status()).unwrap().pending, 50);
    world.step(&[], |world| assert_eq!(import(world), (0, 0, 50)));
    world.step(&paths, |world| assert_eq!(run(world.kb().export(true, None)).unwrap().published, 50));
    assert_eq!(world.commits(), before + 1);
    assert_eq!(git(&world.repo(), &["log", "-1", "--format=%an", "main"]), "Ada");
    let head = world.head();
    world.step(&[], |world| {
        assert_eq!(run(world.kb().export(true, None)).unwrap().published, 0);
        assert_eq!(import(world), (0, 0, 50));
        world.sync();
    });
    assert_eq!(world.head(), head);
    assert_eq!(run(world.kb().list(&Query { limit: 1000, ..Query::default() })).unwrap().total, ENTITIES + 50);
    let first = world.get("customer", "row-7").unwrap();
    assert_eq!((first.sync_status, first.body.as_str(), first.id.as_str()), (SyncStatus::Synced, "# Row 7\n", "row-7"));
}

fn a_row_that_cannot_be_taken_is_named(world: &World) {
    let mut bad = row(1);
    bad.slug = Some("../../etc/passwd".to_owned());
    bad.id = Some("fresh".to_owned());
    bad.fields.shift_remove("id");
    let error = world.step(&[], |world| run(world.kb().import("customer", &[row(0), bad], Some(ada()), None)).unwrap_err());
    assert!(error.message().starts_with("row 1: customer cannot have the slug `../../etc/passwd`: "), "{error}");
}

fn a_lost_repository_is_made_again_from_the_database(world: &World) {
    let entities: Vec<(String, (String, String))> = tree(&world.repo(), "main")
        .into_iter()
        .filter(|(path, _)| !path.ends_with("README.md") && !path.starts_with("assets/") && !path.starts_with("categories/"))
        .collect();
    let saved = world.save(Save::update("customer", "acme-inc-").set("tier", "silver"));
    world.close();
    let empty = world.folder().join("again");
    git(world.folder(), &["init", "-q", "-b", "main", "again"]);
    let kb = run(open(Options::new(&empty).cache(world.cache_url()))).unwrap();
    let error = run(kb.sync(SyncOptions::default())).unwrap_err();
    assert!(error.message().contains("fill it from the database with an export"), "{error}");
    let report = run(kb.export(false, None)).unwrap();
    assert_eq!((report.published, report.deleted, report.invalid), (ENTITIES, 0, 0));
    assert!(run(kb.drift()).unwrap().is_empty());
    let again = tree(&empty, "main");
    let files: Vec<_> = again.iter().filter(|(path, _)| !path.starts_with("categories/")).map(|(path, _)| path.clone()).collect();
    assert_eq!(files, entities.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>());
    for (path, (_, blob)) in entities.iter().filter(|(path, _)| !path.starts_with("customers/")) {
        let same = git(&empty, &["rev-parse", &format!("main:{path}")]);
        assert!(world.layout == Layout::Sha256 || same == *blob, "{path}");
    }
    assert_sound(&empty);
    assert_clean(&empty);
    assert_eq!(run(kb.get("customer", "acme-inc-")).unwrap().unwrap().fields["tier"], saved.fields["tier"]);
}
