//! Fields that stay in the database: never in a commit, and an error where somebody pushes one.

use lorebase::sync::Save;
use lorebase::{Accept, ImportRow, PublishMode};
use serde_json::json;

use crate::git::{git, try_git};
use crate::on_every_layout;
use crate::seed::{CUSTOMER, SETTINGS};
use crate::world::{World, run};

const PATH: &str = "customers/acme-inc-.md";

on_every_layout!(
    a_private_field_is_read_and_saved_and_reaches_no_commit,
    a_pushed_private_field_is_an_error_at_its_place,
    no_object_of_the_repository_holds_a_private_value_however_it_was_saved
);

/// What every value below begins with; nothing else in these tests does.
const MARK: &str = "zq7private";

fn declare(world: &World) {
    let settings = format!("{SETTINGS}  customer:\n    private: [margin]\n");
    world.step(&["lorebase.yaml"], |world| {
        world.engineer(&[("lorebase.yaml", Some(&settings))]);
        world.sync()
    });
}

fn a_private_field_is_read_and_saved_and_reaches_no_commit(world: &World) {
    declare(world);
    let head = world.head();
    world.step(&[], |world| {
        run(world.kb().save(Save::update("customer", "acme-inc-").set("margin", "zzz1"))).unwrap();
    });
    assert_eq!((world.head(), &world.get("customer", "acme-inc-").unwrap().fields["margin"]), (head, &"zzz1".into()));
    world.step(&[PATH], |world| world.save(Save::update("customer", "acme-inc-").set("margin", "zzz2").set("tier", "silver")));
    world.step(&["customers/new.md"], |world| world.save(Save::create("customer").title("New").set("margin", "zzz3")));
    world.engineer(&[(PATH, Some(&CUSTOMER.replace("north", "south")))]);
    world.sync();
    assert_eq!(world.get("customer", "acme-inc-").unwrap().fields["margin"], "zzz2", "a push leaves it alone");
    let history = git(&world.repo(), &["log", "-p", "--all", "--format=%B"]);
    // No digits: those of an object's or an operation's id may be any.
    assert!(!history.contains("zzz"), "{history}");
    assert!(!history.replace("private: [margin]", "").contains("margin"), "{history}");
}

fn a_pushed_private_field_is_an_error_at_its_place(world: &World) {
    declare(world);
    world.step(&[PATH], |world| {
        world.engineer(&[(PATH, Some(&CUSTOMER.replace("tier: gold", "margin: 1")))]);
        assert_eq!(world.sync().invalid, 1);
    });
    let finding = run(world.kb().diagnostics()).unwrap().remove(0);
    assert_eq!(
        finding.to_string(),
        "customers/acme-inc-.md:4:1 [field.private] `margin` is private to the database and must not be in a file; remove it\n  margin: 1\n  ^"
    );
    assert_eq!(world.get("customer", "acme-inc-").unwrap().fields["tier"], "gold", "the last good version stays");
}

/// Every object, loose or packed, reachable or not, whole.
fn objects(world: &World) -> String {
    let output = try_git(&world.repo(), &["cat-file", "--batch", "--batch-all-objects"]);
    assert!(output.status.success());
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn no_object_of_the_repository_holds_a_private_value_however_it_was_saved(world: &World) {
    world.engineer(&[(
        "lorebase.yaml",
        Some(&format!("{SETTINGS}  customer:\n    private: [phone, notes, birthday]\n    unique: [phone]\n")),
    )]);
    world.sync();
    let value = |number: u32| format!("{MARK}-{number}");
    let customer = |slug: &str| Save::update("customer", slug);
    // Created, updated, unset, renamed, with a new title and a new body.
    world.save(Save::create("customer").title("New").set("phone", value(1)).set("notes", json!({"deep": [value(2)]})).set("tier", "gold"));
    world.save(customer("new").set("phone", value(3)).set("tier", "silver").body("Text.\n").based_on_current());
    world.save(customer("new").rename("newer").set("birthday", value(4)));
    world.save(customer("newer").title("Newest").set("notes", value(5)));
    world.save(customer("newer").unset("birthday").set("region", "south").message("a subject of ours"));
    // Imported, and saved by a process that does not publish.
    let rows: Vec<ImportRow> = (10..13)
        .map(|number| ImportRow {
            fields: json!({"name": format!("Row {number}"), "phone": value(number), "notes": [value(number)]}).as_object().unwrap().clone(),
            ..ImportRow::default()
        })
        .collect();
    run(world.kb().import("customer", &rows, None, None)).unwrap();
    world.reopen(PublishMode::Off);
    world.save(customer("row-10").set("phone", value(20)).set("tier", "gold"));
    world.save(customer("newer").set("notes", value(21)).set("region", "north"));
    // A conflict, settled each way, with private values saved into it.
    for (index, accept) in [Accept::Git, Accept::Cache, Accept::Document(CUSTOMER.replace("gold", "bronze"))].into_iter().enumerate() {
        let round = u32::try_from(index).unwrap();
        world.save(customer("acme-inc-").set("region", format!("ours {round}")).set("notes", value(30 + round)));
        world.engineer(&[(PATH, Some(&CUSTOMER.replace("north", &format!("theirs {round}"))))]);
        assert_eq!(world.sync().conflicts, 1);
        world.save(customer("acme-inc-").set("phone", value(40 + round)));
        run(world.kb().resolve("customer", "acme-inc-", accept, None, None)).unwrap();
        world.sync();
    }
    // A field that becomes private while a save with it waits.
    world.save(customer("row-11").set("secret", value(50)).set("tier", "gold"));
    let settings = format!("{SETTINGS}  customer:\n    private: [phone, notes, birthday, secret]\n");
    world.engineer(&[("lorebase.yaml", Some(&settings))]);
    world.sync();
    world.sync();
    world.delete("customer", "row-12");
    world.sync();
    git(&world.repo(), &["repack", "-q", "-d"]);

    let kept = |slug: &str, field: &str| world.get("customer", slug).unwrap().fields.get(field).cloned();
    assert_eq!(kept("newer", "notes"), Some(json!(value(21))));
    assert_eq!((kept("row-10", "phone"), kept("row-11", "secret")), (Some(json!(value(20))), Some(json!(value(50)))));
    assert_eq!(kept("acme-inc-", "phone"), Some(json!(value(42))));
    let objects = objects(world);
    assert!(
        objects.contains("region: south") && objects.contains("a subject of ours") && objects.contains("Row 12"),
        "the saves are there"
    );
    let found: Vec<&str> = objects.lines().filter(|line| line.contains(MARK)).collect();
    assert_eq!(found, Vec::<&str>::new());
    let named: Vec<&str> = objects
        .lines()
        .filter(|line| {
            ["phone", "notes", "birthday", "secret"].iter().any(|field| line.contains(field))
                && !line.contains("private: ")
                && !line.contains("unique: ")
        })
        .collect();
    assert_eq!(named, Vec::<&str>::new(), "not even their names");
    for row in world.log() {
        assert!(!format!("{row:?}").contains(MARK), "{row:?}");
    }
}
