//! Refreshes from an external source beside edits by people.

use lorebase::knowledge::SyncStatus;
use lorebase::store::Query;
use lorebase::sync::Save;
use lorebase::{ErrorKind, PublishMode, Settle};

use crate::world::{World, ada, put, run};

fn crm(tier: &str, region: &str) -> Save {
    Save::upsert("customer", "acme").title("Acme").set("tier", tier).set("region", region).source("crm")
}

/// A customer that the source made, and whose tier a person has changed.
fn edited() -> World {
    let world = World::new();
    world.save(crm("gold", "north"));
    world.save(Save::update("customer", "acme").set("tier", "platinum"));
    world
}

fn tier_and_region(world: &World) -> (String, String) {
    let acme = world.get("customer", "acme").unwrap();
    (acme.fields["tier"].as_str().unwrap().to_owned(), acme.fields["region"].as_str().unwrap().to_owned())
}

#[test]
fn a_refresh_changes_only_what_the_source_changed_and_is_one_commit() {
    let world = edited();
    let before = world.commits();
    let saved = world.save(crm("gold", "south"));
    assert_eq!((saved.sync_status, world.commits()), (SyncStatus::Synced, before + 1));
    assert_eq!(tier_and_region(&world), ("platinum".to_owned(), "south".to_owned()));
    let found = run(world.kb.overrides("crm")).unwrap();
    assert_eq!((found.len(), found[0].slug.as_str(), found[0].fields.len()), (1, "acme", 1));
    assert_eq!((found[0].fields[0].field.as_str(), found[0].fields[0].open), ("tier", false));
    world.save(crm("gold", "south"));
    assert_eq!(world.commits(), before + 1, "a refresh without news writes nothing");
    assert!(run(world.kb.overrides("another")).unwrap().is_empty());
}

#[test]
fn a_disagreement_is_shown_and_a_person_decides() {
    for (settle, tier) in [(Settle::Keep, "platinum"), (Settle::Take, "silver")] {
        let world = edited();
        world.save(crm("silver", "south"));
        assert_eq!(tier_and_region(&world), ("platinum".to_owned(), "south".to_owned()));
        let shown = run(world.kb.overrides("crm")).unwrap().remove(0).fields.remove(0);
        assert_eq!((shown.said, shown.current, shown.open), (Some("silver".into()), Some("platinum".into()), true));
        let decided = run(world.kb.settle("customer", "acme", "crm", settle, &["tier".to_owned()], Some(ada()))).unwrap();
        assert_eq!(decided.fields["tier"], tier);
        let left = run(world.kb.overrides("crm")).unwrap();
        assert_eq!(left.iter().flat_map(|entity| &entity.fields).filter(|field| field.open).count(), 0);
        assert_eq!(left.len(), usize::from(settle == Settle::Keep), "what is kept is still listed as a manual edit");
        world.save(crm("silver", "south"));
        assert_eq!(tier_and_region(&world).0, tier, "the same word again changes nothing");
        world.assert_no_drift();
    }
}

#[test]
fn a_first_refresh_of_what_exists_adds_and_asks() {
    let world = World::new();
    world.write("customers/acme.md", "---\nid: acme\nname: Acme\ntier: gold  # by hand\n---\nText.\n");
    world.sync();
    world.save(crm("silver", "north"));
    assert_eq!(world.file("customers/acme.md").unwrap(), "---\nid: acme\nname: Acme\ntier: gold  # by hand\nregion: north\n---\nText.\n");
    assert!(run(world.kb.overrides("crm")).unwrap()[0].fields[0].open);
}

#[test]
fn an_engineers_push_is_an_edit_like_any_other() {
    let world = World::new();
    world.save(crm("gold", "north"));
    let file = world.file("customers/acme.md").unwrap();
    world.write("customers/acme.md", &file.replace("tier: gold", "tier: pushed"));
    world.sync();
    world.save(crm("gold", "west"));
    assert_eq!(tier_and_region(&world), ("pushed".to_owned(), "west".to_owned()));
}

#[test]
fn what_a_source_said_about_private_fields_never_reaches_git() {
    let world = World::with(PublishMode::Inline);
    world.push(&[put("lorebase.yaml", "kinds:\n  customer:\n    private: [phone]\n")]);
    world.sync();
    world.save(Save::upsert("customer", "acme").title("Acme").set("phone", "555").source("crm"));
    world.save(Save::update("customer", "acme").set("phone", "777"));
    world.save(Save::upsert("customer", "acme").title("Acme").set("phone", "556").source("crm"));
    assert_eq!(world.get("customer", "acme").unwrap().fields["phone"], "777");
    assert!(run(world.kb.overrides("crm")).unwrap()[0].fields[0].open);
    assert!(!world.file("customers/acme.md").unwrap().contains("phone"));
}

#[test]
fn a_refresh_of_many_customers_without_news_is_no_write() {
    let world = World::new();
    let save =
        |number: usize| Save::upsert("customer", &format!("c-{number}")).title(&format!("C {number}")).set("tier", "gold").source("crm");
    for number in 0..50 {
        world.save(save(number));
    }
    let (commits, log) =
        (world.commits(), run(world.kb.log(&lorebase::store::LogQuery { limit: 1000, ..Default::default() })).unwrap().len());
    for number in 0..50 {
        world.save(save(number));
    }
    assert_eq!(world.commits(), commits);
    assert_eq!(run(world.kb.log(&lorebase::store::LogQuery { limit: 1000, ..Default::default() })).unwrap().len(), log);
    assert_eq!(run(world.kb.list(&Query::default())).unwrap().total, 50);
}

#[test]
fn a_refresh_brings_fields_only() {
    let world = edited();
    for save in [crm("a", "b").body("text"), crm("a", "b").based_on(1), crm("a", "b").rename("other")] {
        let error = run(world.kb.save(save)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
    let unknown = run(world.kb.settle("customer", "acme", "erp", Settle::Keep, &[], None)).unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::NotFound);
}
