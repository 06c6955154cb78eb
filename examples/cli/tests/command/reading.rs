//! Lists, searches, single entities, logs: for people and for programs.

use crate::world::{World, assert_told};

#[test]
fn a_list_is_a_table_for_people() {
    let world = World::seeded();
    assert_told("list", &world.transcript(&["list"]));
    assert_told("list_page", &world.transcript(&["list", "--limit", "2", "--sort", "-title"]));
    assert_told("list_search", &world.transcript(&["list", "--search", "text lay"]));
    assert_told("list_nothing", &world.transcript(&["list", "--kind", "template"]));
    assert_told("get", &world.transcript(&["get", "skill/reading-pdfs"]));
}

#[test]
fn conditions_narrow_a_list_and_a_search() {
    let world = World::seeded();
    let slugs = |arguments: &[&str]| {
        let list = world.run(&[&["list", "--json"], arguments].concat()).json();
        let slugs: Vec<String> = list["items"].as_array().unwrap().iter().map(|item| item["slug"].as_str().unwrap().to_owned()).collect();
        assert_eq!(list["total"], slugs.len());
        slugs.join(" ")
    };
    assert_eq!(slugs(&[]), "acme-inc tone reading-pdfs");
    assert_eq!(slugs(&["--kind", "skill"]), "reading-pdfs");
    assert_eq!(slugs(&["--status", "PUBLISHED"]), "reading-pdfs");
    assert_eq!(slugs(&["--where", "sortOrder >= 2", "--where", "active = true"]), "tone");
    assert_eq!(slugs(&["--where", "categories contains documents"]), "reading-pdfs");
    assert_eq!(slugs(&["--where", "tier in [gold, silver]"]), "acme-inc");
    assert_eq!(slugs(&["--where", "tier != gold"]), "tone reading-pdfs");
    assert_eq!(slugs(&["--search", "anvils"]), "acme-inc");
    assert_eq!(slugs(&["--search", "anvils", "--where", "tier = silver"]), "");
    assert_eq!(slugs(&["--sort", "-slug", "--kind", "customer"]), "acme-inc");
}

#[test]
fn pages_follow_each_other_by_their_cursor() {
    let world = World::seeded();
    let mut seen = Vec::new();
    let mut cursor: Option<String> = None;
    for _ in 0..3 {
        let mut arguments = vec!["list", "--json", "--limit", "1"];
        arguments.extend(cursor.iter().flat_map(|cursor| ["--cursor", cursor.as_str()]));
        let page = world.run(&arguments).json();
        seen.push(page["items"][0]["slug"].as_str().unwrap().to_owned());
        cursor = page["nextCursor"].as_str().map(str::to_owned);
    }
    assert_eq!((seen.join(" ").as_str(), cursor), ("acme-inc tone reading-pdfs", None));
}

#[test]
fn the_log_says_who_what_and_how_it_ended() {
    let world = World::seeded();
    world.run(&["save", "customer/acme-inc", "--set", "tier=silver"]).well();
    let log = world.run(&["log", "customer/acme-inc", "--limit", "1", "--json"]).json();
    let row = &log[0];
    assert_eq!(row["syncedBy"], "Nia New <nia@example.com>");
    assert_eq!((&row["operation"], &row["direction"], &row["status"]), (&"update".into(), &"db-to-git".into(), &"success".into()));
    assert_eq!(row["gitCommitSha"], world.git(&["rev-parse", "HEAD"]));
    assert_eq!(world.run(&["log", "--since", "1h", "--json"]).json().as_array().unwrap().len(), 4);
    assert_eq!(world.run(&["log", "--since", "2999-01-01", "--json"]).json(), serde_json::json!([]));
    assert_eq!(world.run(&["log", "--status", "failed", "--json"]).json(), serde_json::json!([]));
    assert!(world.run(&["log", "customer/acme-inc"]).well().contains("  update to git    customer/acme-inc  "));
}

#[test]
fn before_the_first_synchronisation_every_reader_says_what_is_missing() {
    let world = World::new();
    for (name, arguments) in [
        ("fresh_list", vec!["list"]),
        ("fresh_get", vec!["get", "skill/x"]),
        ("fresh_status", vec!["status"]),
        ("fresh_sync", vec!["sync"]),
    ] {
        assert_told(name, &world.transcript(&arguments));
    }
}
