//! First synchronisations of more files than one transaction takes: planned without asking an empty database, with the
//! same outcome as if it had been asked.

use lorebase::PublishMode;
use lorebase::conformance::fault::{Fault, Faults};
use lorebase::store::{CacheStore, TreeEdit};
use lorebase::sync::{Save, SyncOptions};

use crate::world::{World, ada, poll_once, put, run};

/// Customers and documents of several chunks, and in them an id, a path and a unique value that two of them have, each
/// in another chunk than the other.
fn clashing() -> Vec<TreeEdit> {
    let mut edits = Vec::new();
    for number in 0..1500 {
        let id = if number == 1480 { 30 } else { number };
        edits.push(put(&format!("documents/m{number:04}.md"), &format!("---\nid: d-{id}\ntitle: Document {number}\n---\n")));
    }
    for number in 0..600 {
        let force = if number == 590 { 5 } else { number };
        edits.push(put(
            &format!("customers/c{number:04}.md"),
            &format!("---\nid: c-{number}\nname: Customer {number}\nsalesforceId: S{force}\n---\n"),
        ));
    }
    edits.push(put("documents/CASE.md", "---\nid: upper\ntitle: Upper\n---\n"));
    edits.push(put("documents/case.md", "---\nid: lower\ntitle: Lower\n---\n"));
    edits.push(put("documents/z.md", "---\ntitle: Without an id\n---\n"));
    edits
}

/// What the database says, whatever numbers it gave.
fn rows(world: &World) -> Vec<(String, String, String)> {
    let manifest = run(world.cache.manifest(world.kb.engine().repository_id(), None, 10_000)).unwrap();
    manifest.into_iter().map(|row| (row.location.to_string(), row.key.to_string(), row.blob.to_string())).collect()
}

fn findings(world: &World) -> Vec<(String, String)> {
    run(world.kb.diagnostics()).unwrap().into_iter().map(|finding| (finding.path, finding.code)).collect()
}

#[test]
fn clashes_between_chunks_are_findings_of_the_later_path() {
    let world = World::new();
    world.push(&clashing());
    let report = world.sync();
    assert_eq!((report.created, report.updated, report.unchanged), (2100, 0, 0));
    let found = findings(&world);
    let expected =
        [("customers/c0590.md", "unique.taken"), ("documents/case.md", "path.clash"), ("documents/m1480.md", "identity.duplicate")];
    assert_eq!(found, expected.map(|(path, code)| (path.to_owned(), code.to_owned())));
    world.assert_no_drift();
}

#[test]
fn a_database_that_is_not_empty_comes_to_the_same_rows() {
    let (empty, known) = (World::new(), World::new());
    known.write("documents/m0000.md", "---\nid: old\ntitle: Old\n---\n");
    known.sync();
    for world in [&empty, &known] {
        world.push(&clashing());
        world.sync();
    }
    assert_eq!(rows(&empty), rows(&known));
    assert_eq!(findings(&empty), findings(&known));
}

/// A first synchronisation stopped before a call, with the name of that call; `None` when there is no such call.
fn stopped(call: u64, meanwhile: impl FnOnce(&World)) -> Option<(World, &'static str)> {
    let world = World::new();
    let edits: Vec<_> = (0..1300).map(|n| put(&format!("documents/m{n:04}.md"), &format!("---\nid: d-{n}\ntitle: T{n}\n---\n"))).collect();
    world.push(&edits);
    let faults = Faults::new();
    let kb = world.faulty(PublishMode::Off, &faults);
    faults.arm(call, Fault::StopBefore);
    {
        let mut sync = Box::pin(kb.sync(SyncOptions::default()));
        if poll_once(sync.as_mut()).is_some() {
            return None;
        }
        if faults.struck() == Some("apply_shared") {
            meanwhile(&world);
            faults.resume();
            run(sync).unwrap();
        }
    }
    Some((world, faults.struck()?))
}

#[test]
fn a_save_that_lands_in_the_middle_of_a_first_synchronisation_is_kept() {
    let writes: Vec<u64> = (0..)
        .map_while(|call| Some((call, stopped(call, |_| {})?.1)))
        .filter(|(_, name)| *name == "apply_shared")
        .map(|(call, _)| call)
        .collect();
    assert_eq!(writes.len(), 3, "a portion, a chunk and the rest");
    for (slug, id) in [("m0700", None), ("m0700", Some("d-700")), ("other", Some("d-700")), ("m1299", None), ("other", Some("d-1299"))] {
        for call in &writes {
            let mut saved = None;
            let (world, _) = stopped(*call, |world| {
                let save = Save::create("document").title("Ours").slug(slug).author(ada());
                // Where git's version is there already there is nothing to make.
                saved = run(world.another(PublishMode::Off).save(if let Some(id) = id { save.id(id) } else { save })).ok();
            })
            .unwrap();
            assert!(saved.is_some() || *call == writes[2], "{slug} {id:?} before call {call}");
            if let Some(saved) = saved {
                let records = run(world.cache.records(world.kb.engine().repository_id(), &[saved.key()])).unwrap();
                let change = records.into_iter().flatten().next().and_then(|record| record.change);
                assert_eq!(change.map(|change| change.content.title).as_deref(), Some("Ours"), "{slug} {id:?} before call {call}");
            }
            assert_eq!(rows(&world).len(), 1300, "{slug} {id:?} before call {call}");
            world.assert_no_drift();
        }
    }
}
