//! Values that no two entities of a kind share: who has them, who has to wait, and when the waiting ends.

use lorebase::knowledge::SyncStatus;
use lorebase::sync::Save;
use lorebase::{Delete, ErrorKind, ImportRow, PublishMode};
use serde_json::json;

use crate::world::{World, ada, poll_once, put, remove, run};

fn customer(name: &str, salesforce: &str) -> String {
    format!("---\nid: {name}\nname: {name}\nsalesforceId: {salesforce}\n---\n")
}

fn findings(world: &World) -> Vec<(String, u32, String)> {
    run(world.kb.diagnostics()).unwrap().into_iter().map(|finding| (finding.path, finding.line, finding.code)).collect()
}

fn taken(path: &str) -> (String, u32, String) {
    (path.to_owned(), 4, "unique.taken".to_owned())
}

fn refused(world: &World, save: Save) -> lorebase::Error {
    let error = run(world.kb.save(save.author(ada()))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    error
}

#[test]
fn a_save_with_a_value_of_somebody_else_is_refused_by_name() {
    let world = World::new();
    world.push(&[put("customers/a.md", &customer("a", "X1")), put("customers/b.md", &customer("b", "X2"))]);
    world.sync();
    let error = refused(&world, Save::update("customer", "b").set("salesforceId", "X1"));
    assert_eq!(
        error.to_string(),
        "the salesforceId of customer/@b already belongs to customer/@a; nothing was saved, choose another or save onto that entity"
    );
    assert_eq!((&error.context()["field"], &error.context()["takenBy"]), (&json!("salesforceId"), &json!("customer/@a")));
    refused(&world, Save::create("customer").title("New").set("salesforceId", "X2"));
    assert!(world.working("customer", "new").is_none());
    assert_eq!(world.get("customer", "b").unwrap().fields["salesforceId"], "X2");
    world.save(Save::create("customer").title("New").set("salesforceId", "X3"));
    world.save(Save::update("customer", "a").set("salesforceId", "X4"));
    world.save(Save::update("customer", "b").set("salesforceId", "X1"));
    for name in ["Blank", "Null"] {
        let value = if name == "Null" { json!(null) } else { json!("") };
        world.save(Save::create("customer").title(name).set("salesforceId", value.clone()));
        world.save(Save::create("customer").title(&format!("{name} too")).set("salesforceId", value));
    }
    world.assert_no_drift();
}

#[test]
fn an_import_names_the_row_that_has_a_value_of_another() {
    let world = World::new();
    let row = |id: &str, value: &str| ImportRow {
        id: Some(id.to_owned()),
        fields: json!({"name": id, "salesforceId": value}).as_object().unwrap().clone(),
        ..ImportRow::default()
    };
    let rows = [row("a", "X1"), row("b", "X2"), row("c", "X1")];
    let error = run(world.kb.import("customer", &rows, None, None)).unwrap_err();
    assert_eq!((error.kind(), &error.context()["takenBy"]), (ErrorKind::Conflict, &json!("customer/@a")), "{error}");
    assert!(world.working("customer", "b").is_some() && world.working("customer", "c").is_none());
}

#[test]
fn of_two_saves_of_one_value_at_once_exactly_one_is_taken() {
    // One save stops where every call of its store may stop, while the other one runs to its end.
    let mut refused = 0;
    for calls in 0..12 {
        let world = World::with(PublishMode::Off);
        let faults = lorebase::conformance::fault::Faults::new();
        let slow = world.faulty(PublishMode::Off, &faults);
        faults.arm(calls, lorebase::conformance::fault::Fault::StopBefore);
        let mut first = Box::pin(slow.save(Save::create("customer").title("First").set("salesforceId", "X")));
        let Some(done) = poll_once(first.as_mut()) else {
            run(world.kb.save(Save::create("customer").title("Second").set("salesforceId", "X"))).unwrap_or_else(|_| {
                // The first one was written before it stopped.
                world.working("customer", "first").unwrap()
            });
            faults.resume();
            let first = run(first);
            refused += usize::from(first.is_err());
            let have = ["first", "second"].into_iter().filter(|slug| world.working("customer", slug).is_some()).count();
            assert_eq!(have, 1, "stopped at call {calls}: {first:?}");
            continue;
        };
        done.unwrap();
    }
    assert!(refused > 0, "the saves did meet");
}

#[test]
fn a_pushed_newcomer_waits_until_the_value_is_free() {
    let world = World::new();
    world.push(&[put("customers/b.md", &customer("b", "X1"))]);
    world.sync();
    world.push(&[put("customers/a.md", &customer("a", "X1")), put("customers/c.md", &customer("c", "X1"))]);
    let report = world.sync();
    assert_eq!((report.created, report.invalid), (0, 2));
    assert_eq!(findings(&world), [taken("customers/a.md"), taken("customers/c.md")]);
    let finding = run(world.kb.diagnostics()).unwrap().remove(0);
    assert_eq!(
        finding.message,
        "the salesforceId of `customers/a.md` already belongs to `customers/b.md`; give one of them another, or none"
    );
    assert_eq!(finding.source_line.as_deref(), Some("salesforceId: X1"));
    assert_eq!(world.sync().invalid, 2, "looking again says the same");
    world.assert_no_drift();

    world.push(&[remove("customers/b.md")]);
    let report = world.sync();
    assert_eq!((report.created, report.deleted, report.invalid), (1, 1, 1), "the lowest path is next");
    assert_eq!(findings(&world), [taken("customers/c.md")]);
    world.write("customers/c.md", &customer("c", "X2"));
    assert_eq!(world.sync().invalid, 0);
    world.assert_no_drift();
}

#[test]
fn what_a_save_or_a_deletion_frees_is_given_to_whoever_waits() {
    for delete in [false, true] {
        let world = World::new();
        world.push(&[put("customers/b.md", &customer("b", "X1"))]);
        world.sync();
        world.push(&[put("customers/a.md", &customer("a", "X1"))]);
        assert_eq!(world.sync().invalid, 1);
        if delete {
            run(world.kb.delete(Delete::new("customer", "b"))).unwrap();
        } else {
            world.save(Save::update("customer", "b").unset("salesforceId"));
        }
        assert_eq!(findings(&world), [], "delete: {delete}");
        assert_eq!(world.get("customer", "a").unwrap().fields["salesforceId"], "X1");
        refused(&world, Save::create("customer").title("Late").set("salesforceId", "X1"));
        world.assert_no_drift();
    }
}

#[test]
fn two_files_swap_their_values_in_one_commit() {
    let world = World::new();
    world.push(&[put("customers/a.md", &customer("a", "X1")), put("customers/b.md", &customer("b", "X2"))]);
    world.sync();
    world.push(&[put("customers/a.md", &customer("a", "X2")), put("customers/b.md", &customer("b", "X1"))]);
    let report = world.sync();
    assert_eq!((report.updated, report.invalid), (2, 0));
    refused(&world, Save::create("customer").title("N").set("salesforceId", "X2"));
    world.assert_no_drift();
}

#[test]
fn who_is_refused_keeps_the_value_that_was_there_before() {
    let world = World::new();
    world.push(&[
        put("customers/a.md", &customer("a", "X1")),
        put("customers/b.md", &customer("b", "X2")),
        put("customers/c.md", &customer("c", "X3")),
    ]);
    world.sync();
    // b asks for what a has and so stays as it was; c asks for what b therefore still has.
    world.push(&[put("customers/b.md", &customer("b", "X1")), put("customers/c.md", &customer("c", "X2"))]);
    assert_eq!(world.sync().invalid, 2);
    assert_eq!(findings(&world), [taken("customers/b.md"), taken("customers/c.md")]);
    let b = world.get("customer", "b").unwrap();
    assert_eq!((&b.fields["salesforceId"], b.sync_status), (&json!("X2"), SyncStatus::Invalid));
    world.write("customers/a.md", &customer("a", "X9"));
    assert_eq!(world.sync().invalid, 0, "one after the other they go through");
    assert_eq!(world.get("customer", "c").unwrap().fields["salesforceId"], "X2");
    world.assert_no_drift();
}

#[test]
fn a_waiting_save_has_its_value_against_a_push() {
    let world = World::with(PublishMode::Off);
    world.push(&[put("customers/a.md", &customer("a", "X1"))]);
    world.sync();
    world.save(Save::create("customer").title("Ours").set("salesforceId", "X2"));
    world.push(&[put("customers/b.md", &customer("b", "X2"))]);
    let report = world.sync();
    assert_eq!((report.published, report.invalid, report.conflicts), (1, 1, 0));
    assert_eq!(findings(&world), [taken("customers/b.md")]);
    world.assert_no_drift();
}

#[test]
fn a_push_and_a_save_between_its_plan_and_its_write_cannot_both_have_a_value() {
    let mut met = 0;
    for calls in 0..40 {
        let world = World::with(PublishMode::Off);
        world.push(&[put("customers/a.md", &customer("a", "X1"))]);
        world.sync();
        world.push(&[put("customers/b.md", &customer("b", "X2"))]);
        let faults = lorebase::conformance::fault::Faults::new();
        let slow = world.faulty(PublishMode::Off, &faults);
        faults.arm(calls, lorebase::conformance::fault::Fault::StopBefore);
        let mut sync = Box::pin(slow.sync(lorebase::sync::SyncOptions { no_publish: true, ..Default::default() }));
        let Some(done) = poll_once(sync.as_mut()) else {
            let saved = run(world.kb.save(Save::create("customer").title("Ours").set("salesforceId", "X2"))).is_ok();
            faults.resume();
            run(sync).unwrap();
            let pushed = world.get("customer", "b").is_some();
            assert!(saved != pushed, "stopped at call {calls}: saved {saved}, pushed {pushed}");
            met += usize::from(saved);
            continue;
        };
        done.unwrap();
    }
    assert!(met > 3, "the save did come first");
}

#[test]
fn a_new_rule_quarantines_all_but_the_first_and_an_old_one_is_lifted() {
    let world = World::new();
    world.push(&[put("lorebase.yaml", "kinds:\n  customer: {unique: []}\n"), put("customers/a.md", &customer("a", "X1"))]);
    world.push(&[put("customers/b.md", &customer("b", "X1")), put("customers/c.md", &customer("c", "X1"))]);
    assert_eq!(world.sync().created, 3);
    world.push(&[remove("lorebase.yaml")]);
    assert_eq!(world.sync().invalid, 2);
    assert_eq!(findings(&world), [taken("customers/b.md"), taken("customers/c.md")]);
    assert!(world.get("customer", "b").is_some(), "its last good version stays");
    refused(&world, Save::update("customer", "c").set("tier", "gold"));
    let c = world.save(Save::update("customer", "c").set("salesforceId", "X3"));
    assert_eq!(c.sync_status, SyncStatus::Synced);
    assert_eq!(findings(&world), [taken("customers/b.md")]);
    world.write("customers/a.md", &customer("a", "X4"));
    assert_eq!(world.sync().invalid, 0);
    refused(&world, Save::update("customer", "a").set("salesforceId", "X1"));
    world.push(&[put("lorebase.yaml", "kinds:\n  customer: {unique: []}\n"), put("customers/d.md", &customer("d", "X1"))]);
    assert_eq!(world.sync().invalid, 0);
    world.assert_no_drift();
}

#[test]
fn a_private_field_can_be_unique_and_its_value_is_not_told() {
    let world = World::new();
    world.push(&[put("lorebase.yaml", "kinds:\n  customer: {private: [mail], unique: [mail]}\n")]);
    world.sync();
    world.save(Save::create("customer").title("A").set("mail", "secret@example.com"));
    let error = refused(&world, Save::create("customer").title("B").set("mail", "secret@example.com"));
    assert!(!error.to_string().contains("secret@"), "{error}");
    world.save(Save::update("customer", "a").unset("mail"));
    world.save(Save::create("customer").title("B").set("mail", "secret@example.com"));
}

#[test]
fn a_prompts_name_and_the_files_of_a_folder_are_judged_alike_without_a_database() {
    let world = World::new();
    let prompt = |name: &str| format!("---\nname: {name}\n---\nDo.\n");
    world.push(&[
        put("prompts/system/one.md", &prompt("Same")),
        put("prompts/system/two.md", &prompt("Same")),
        put("prompts/blocks/one.md", &prompt("Same")),
        put("prompts/blocks/two.md", &prompt("Same")),
    ]);
    let found = run(world.kb.validate()).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].path.as_str(), found[0].line, found[0].column), ("prompts/system/two.md", 2, 7));
    assert_eq!(found[0].to_string().lines().last(), Some("        ^"));
    world.sync();
    assert_eq!(run(world.kb.diagnostics()).unwrap(), found);
}

#[test]
fn newcomers_that_ask_for_the_values_of_held_back_deletions_wait_and_stop_nothing() {
    let world = World::new();
    let at = |path: &str, number: usize, id: &str| put(path, &format!("---\nid: {id}\nname: C{number}\nsalesforceId: sf-{number}\n---\n"));
    let old: Vec<_> = (0..40).map(|number| at(&format!("customers/c{number}.md"), number, &format!("c{number}"))).collect();
    world.push(&old);
    world.sync();
    let mut moved: Vec<_> = (0..40).map(|number| remove(&format!("customers/c{number}.md"))).collect();
    moved.extend((0..40).map(|number| at(&format!("customers/emea/c{number}.md"), number, &format!("emea-{number}"))));
    moved.push(put("skills/one.md", "---\nid: one\ntitle: One\n---\n"));
    world.push(&moved);
    let report = world.sync();
    assert_eq!((report.held_deletions, report.invalid), (40, 40), "held back, and whoever asks for their values waits");
    assert!(world.get("skill", "one").is_some(), "everything else goes on");
    let allowed = run(world.kb.sync(lorebase::sync::SyncOptions { allow_deletions: true, ..Default::default() })).unwrap();
    assert_eq!((allowed.deleted, allowed.invalid), (40, 0));
    assert_eq!(world.get("customer", "emea/c7").unwrap().fields["salesforceId"], "sf-7");
    world.assert_no_drift();
}
