//! Rows of an existing table into git, and again.

use lorebase::ImportRow;
use lorebase::knowledge::SyncStatus;
use lorebase::store::Query;
use serde_json::{Value, json};

use crate::git::git;
use crate::on_every_layout;
use crate::seed::ENTITIES;
use crate::world::{World, ada, run};

on_every_layout!(fifty_rows_become_one_commit_and_repeating_it_changes_nothing, a_row_that_cannot_be_taken_is_named,);

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
