//! Fields that stay in the database: never in a commit, and an error where somebody pushes one.

use lorebase::sync::Save;

use crate::git::git;
use crate::on_every_layout;
use crate::seed::{CUSTOMER, SETTINGS};
use crate::world::{World, run};

const PATH: &str = "customers/acme-inc-.md";

on_every_layout!(a_private_field_is_read_and_saved_and_reaches_no_commit, a_pushed_private_field_is_an_error_at_its_place);

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
        run(world.kb().save(Save::update("customer", "acme-inc-").set("margin", 4711))).unwrap();
    });
    assert_eq!((world.head(), &world.get("customer", "acme-inc-").unwrap().fields["margin"]), (head, &4711.into()));
    world.step(&[PATH], |world| world.save(Save::update("customer", "acme-inc-").set("margin", 4712).set("tier", "silver")));
    world.step(&["customers/new.md"], |world| world.save(Save::create("customer").title("New").set("margin", 4713)));
    world.engineer(&[(PATH, Some(&CUSTOMER.replace("north", "south")))]);
    world.sync();
    assert_eq!(world.get("customer", "acme-inc-").unwrap().fields["margin"], 4712, "a push leaves it alone");
    let history = git(&world.repo(), &["log", "-p", "--all", "--format=%B"]);
    assert!(!history.contains("471"), "{history}");
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
