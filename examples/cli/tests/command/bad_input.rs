//! Everything that a call can get wrong: what is printed, and the exit status. Nothing is ever half done.

use crate::world::{World, assert_told};

/// The call is refused as the snapshot says, and neither branch nor files nor rows have changed.
#[track_caller]
fn refused(world: &World, name: &str, arguments: &[&str]) {
    let state =
        || (world.git(&["rev-parse", "HEAD"]), world.git(&["status", "--porcelain"]), world.run(&["list", "--working", "--json"]).stdout);
    let before = state();
    assert_told(name, &world.transcript(arguments));
    assert_eq!(state(), before);
}

#[test]
fn words_that_are_no_command() {
    let world = World::seeded();
    refused(&world, "no_command", &["lisst"]);
    refused(&world, "no_option", &["list", "--knd", "skill"]);
    refused(&world, "no_name", &["get", "skill"]);
    refused(&world, "no_number", &["save", "skill/x", "--expect-revision", "two"]);
    refused(&world, "search_sorted", &["list", "--search", "x", "--sort", "title"]);
    refused(&world, "no_shell", &["completions", "dos"]);
    refused(&world, "no_manual", &["man", "lisst"]);
}

#[test]
fn kinds_and_entities_that_are_none() {
    let world = World::seeded();
    refused(&world, "unknown_kind", &["list", "--kind", "skil"]);
    refused(&world, "unknown_kind_get", &["get", "skil/x"]);
    refused(&world, "unknown_kind_save", &["save", "skil/x", "--title", "X"]);
    refused(&world, "unknown_slug", &["get", "skill/reading-pfds"]);
    refused(&world, "unknown_id", &["get", "skill/@none"]);
    refused(&world, "unknown_delete", &["delete", "skill/reading-pfds"]);
    refused(&world, "unknown_log", &["log", "skill/reading-pfds"]);
    refused(&world, "unknown_retry", &["retry", "skill/reading-pfds"]);
    refused(&world, "unsafe_slug", &["save", "skill/../../etc/passwd", "--title", "X"]);
}

#[test]
fn saves_that_cannot_be() {
    let world = World::seeded();
    world.run(&["save", "customer/acme-inc", "--set", "tier=silver"]).well();
    refused(&world, "stale_revision", &["save", "customer/acme-inc", "--set", "tier=bronze", "--expect-revision", "1"]);
    refused(&world, "future_revision", &["save", "customer/acme-inc", "--set", "tier=bronze", "--expect-revision", "9"]);
    refused(&world, "revision_of_nothing", &["save", "customer/new", "--title", "New", "--expect-revision", "1"]);
    refused(&world, "stale_delete", &["delete", "customer/acme-inc", "--expect-revision", "1"]);
    refused(&world, "set_no_yaml", &["save", "customer/acme-inc", "--set", "tags=[a"]);
    refused(&world, "set_comment", &["save", "customer/acme-inc", "--set", "color=#fff"]);
    refused(&world, "set_no_value", &["save", "customer/acme-inc", "--set", "tier"]);
    refused(&world, "set_other_id", &["save", "customer/acme-inc", "--set", "id=another"]);
    refused(&world, "no_author", &["save", "customer/acme-inc", "--set", "tier=x", "--author", "Ada"]);
    refused(&world, "body_missing", &["save", "customer/acme-inc", "--body-file", "nowhere.md"]);
    refused(&world, "body_folder", &["save", "customer/acme-inc", "--body-file", "customers"]);
    std::fs::write(world.outside().join("latin.md"), b"caf\xe9").unwrap();
    refused(&world, "body_no_utf8", &["save", "customer/acme-inc", "--body-file", "../latin.md"]);
}

#[test]
fn a_stale_save_carries_both_versions_for_programs() {
    let world = World::seeded();
    world.run(&["save", "customer/acme-inc", "--set", "tier=silver"]).well();
    let told = world.run(&["save", "customer/acme-inc", "--set", "tier=bronze", "--expect-revision", "1", "--json"]);
    assert_eq!(told.status, Some(3));
    let error = &told.json()["error"];
    assert_eq!((&error["code"], &error["context"]["fields"]), (&"conflict".into(), &serde_json::json!(["tier"])));
    assert_eq!(error["context"]["base"]["fields"]["tier"], "gold");
    assert_eq!(error["context"]["current"]["fields"]["tier"], "silver");
    assert_eq!(told.stderr, format!("error: {}\n", error["message"].as_str().unwrap()));
}

#[test]
fn conditions_cursors_and_moments_that_are_none() {
    let world = World::seeded();
    refused(&world, "where_no_operator", &["list", "--where", "tier is gold"]);
    refused(&world, "where_no_value", &["list", "--where", "tier ="]);
    refused(&world, "where_no_list", &["list", "--where", "tier in gold"]);
    refused(&world, "where_no_yaml", &["list", "--where", "tier = [gold"]);
    refused(&world, "no_cursor", &["list", "--cursor", "zz"]);
    refused(&world, "no_moment", &["log", "--since", "yesterday"]);
}

#[test]
fn decisions_of_nothing() {
    let world = World::seeded();
    refused(&world, "resolve_nothing", &["resolve", "customer/acme-inc", "--accept", "git"]);
    refused(&world, "resolve_missing_file", &["resolve", "customer/acme-inc", "--accept", "gti"]);
    refused(&world, "resolve_how", &["resolve", "customer/acme-inc"]);
}

#[test]
fn rows_that_are_none_are_named_by_their_line_and_nothing_is_taken() {
    let world = World::seeded();
    let good = "{\"fields\": {\"name\": \"One\"}}\n";
    for (name, rows) in [
        ("import_no_json", format!("{good}\n{{\"fields\": \n")),
        ("import_unknown_key", format!("{good}{{\"name\": \"Two\"}}\n")),
        ("import_no_object", format!("{good}[1]\n")),
        ("import_bad_slug", "\n{\"slug\": \"../x\", \"fields\": {\"name\": \"Two\"}}\n".to_owned()),
    ] {
        std::fs::write(world.outside().join("rows.jsonl"), rows).unwrap();
        refused(&world, name, &["import", "../rows.jsonl", "--kind", "customer"]);
    }
    refused(&world, "import_missing", &["import", "nowhere.jsonl", "--kind", "customer"]);
    refused(&world, "import_unknown_kind", &["import", "../rows.jsonl", "--kind", "custmer"]);
}

#[test]
fn remotes_are_refused_with_the_way_out() {
    let world = World::seeded();
    refused(&world, "remote", &["sync", "--remote", "origin"]);
    refused(&world, "repo_url", &["--repo", "https://ada:secret@example.com/kb.git", "list"]);
    refused(&world, "repo_scp", &["--repo", "git@example.com:kb.git", "list"]);
    assert_told("remote_variable", &world.transcript_with(&[("LOREBASE_REMOTE", "origin")], &["list"]));
    assert_told("publish_variable", &world.transcript_with(&[("LOREBASE_PUBLISH", "later")], &["list"]));
}

#[test]
fn with_json_an_error_is_one_document_too() {
    let world = World::seeded();
    refused(&world, "json_not_found", &["get", "skill/none", "--json"]);
    refused(&world, "json_usage", &["lisst", "--json"]);
    refused(&world, "json_input", &["list", "--where", "x", "--json"]);
}
