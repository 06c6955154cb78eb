//! Saves, deletions and imports: one commit each, by the right author.

use crate::world::{World, assert_told};

#[test]
fn a_new_repository_is_begun_filled_and_read() {
    let world = World::new();
    let place = world.outside().join("handbook");
    let place = place.to_str().unwrap();
    assert_told("init", &world.transcript(&["init", place]));
    assert!(world.outside().join("handbook/skills/README.md").exists());
    let told = world.run(&["--repo", place, "save", "skill/first", "--title", "First", "--author", "Ada <ada@example.com>"]);
    assert!(told.well().starts_with("created skill/first: revision 1, synced as "));
    let list = world.run(&["--repo", place, "list", "--json"]).json();
    assert_eq!((&list["total"], &list["items"][0]["slug"], &list["nextCursor"]), (&1.into(), &"first".into(), &().into()));
    assert_told("init_again", &world.transcript(&["init", place]));
}

#[test]
fn init_in_a_repository_with_files_adds_the_settings_and_nothing_else() {
    let world = World::new();
    world.run(&["init", "--root", "knowledge"]).well();
    assert_eq!(
        world.git(&["show", "--name-only", "--format=%an <%ae> %s"]),
        "Nia New <nia@example.com> Begin a knowledge repository\n\nlorebase.yaml"
    );
    assert!(world.read("lorebase.yaml").contains("\nroot: \"knowledge\"\n"));
    world.assert_clean();
}

#[test]
fn a_save_is_one_commit_of_one_file_by_who_git_says_you_are() {
    let world = World::seeded();
    let told = world.run(&["save", "customer/acme-inc", "--set", "tier=silver", "--message", "Acme pays less"]);
    assert!(told.well().starts_with("saved customer/acme-inc: revision 2, synced as "));
    assert_eq!(world.git(&["log", "-1", "--format=%an <%ae>|%cn|%s"]), "Nia New <nia@example.com>|Lorebase|Acme pays less");
    assert_eq!(world.git(&["show", "--numstat", "--format="]), "1\t1\tcustomers/acme-inc.md");
    let told = world.run(&["save", "customer/acme-inc", "--unset", "tier", "--author", "Ada <ada@example.com>"]);
    assert_eq!(told.status, Some(0));
    assert_eq!(world.git(&["log", "-1", "--format=%an <%ae>"]), "Ada <ada@example.com>");
    assert!(!world.read("customers/acme-inc.md").contains("tier"));
    world.assert_clean();
}

#[test]
fn the_users_own_configuration_of_git_says_who_saves_and_without_any_it_is_the_service() {
    let world = World::seeded();
    for key in ["user.name", "user.email"] {
        world.git(&["config", "--unset", key]);
    }
    let author = || world.git(&["log", "-1", "--format=%an <%ae>"]);
    world.run(&["save", "customer/acme-inc", "--set", "tier=a"]).well();
    assert_eq!(author(), "Lorebase <lorebase@localhost>");
    std::fs::write(world.outside().join(".gitconfig"), "[user]\n\tname = Una User\n\temail = una@example.com\n").unwrap();
    let home = world.outside().to_str().unwrap().to_owned();
    let mut at_home = world.command(&["save", "customer/acme-inc", "--set", "tier=b"]);
    assert!(at_home.env("HOME", &home).env_remove("GIT_CONFIG_GLOBAL").status().unwrap().success());
    assert_eq!(author(), "Una User <una@example.com>");
    let named = [("HOME", home.as_str()), ("GIT_AUTHOR_NAME", "Ada"), ("GIT_AUTHOR_EMAIL", "ada@example.com")];
    world.run_with(&named, &["delete", "customer/acme-inc"]).well();
    assert_eq!(author(), "Ada <ada@example.com>");
}

#[test]
fn values_are_yaml_and_the_text_comes_from_a_file_or_standard_input() {
    let world = World::seeded();
    let saved = world.run_reading(
        "# New\n\nText.\n",
        &[
            "save",
            "skill/new",
            "--title",
            "New",
            "--set",
            "categories=[a, b]",
            "--set",
            "note='12'",
            "--body-file",
            "-",
            "--status",
            "DRAFT",
            "--json",
        ],
    );
    let saved = saved.json();
    assert_eq!(saved["fields"]["categories"], serde_json::json!(["a", "b"]));
    assert_eq!((&saved["fields"]["note"], &saved["status"], &saved["syncStatus"]), (&"12".into(), &"DRAFT".into(), &"draft".into()));
    assert_eq!(saved["body"], "# New\n\nText.\n");
    assert_eq!(saved["gitCommitSha"], serde_json::Value::Null);
    let names: Vec<&str> = saved.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        names,
        ["id", "kind", "slug", "path", "title", "status", "fields", "body", "revision", "syncStatus", "lastSyncedAt", "gitCommitSha"]
    );
    assert_told("get_a_draft", &world.transcript(&["get", "skill/new"]));
    assert_told("get_a_draft_working", &world.transcript(&["get", "skill/new", "--working"]));
    world.run(&["save", "skill/new", "--status", "PUBLISHED"]).well();
    assert!(world.repo().join("skills/new.md").exists());
}

#[test]
fn a_save_that_changes_nothing_says_so_and_commits_nothing() {
    let world = World::seeded();
    let before = world.git(&["rev-parse", "HEAD"]);
    assert!(world.run(&["save", "customer/acme-inc", "--set", "tier=gold"]).well().starts_with("nothing new in customer/acme-inc: "));
    assert_eq!(world.git(&["rev-parse", "HEAD"]), before);
}

#[test]
fn an_entity_is_named_by_its_id_too() {
    let world = World::seeded();
    world.run(&["save", "customer/@cust-acme", "--set", "tier=silver"]).well();
    assert_eq!(world.run(&["get", "customer/@cust-acme", "--json"]).json()["fields"]["tier"], "silver");
}

#[test]
fn a_deletion_goes_to_both_sides_and_its_log_stays() {
    let world = World::seeded();
    let was = world.run(&["delete", "skill/reading-pdfs", "--json"]).json();
    assert_eq!((&was["id"], &was["title"]), (&"skill-pdf".into(), &"Reading PDFs".into()));
    assert!(!world.repo().join("skills/reading-pdfs.md").exists());
    assert_eq!(world.git(&["log", "-1", "--format=%an"]), "Nia New");
    let log = world.run(&["log", "skill/@skill-pdf", "--json"]).json();
    assert_eq!((&log[0]["operation"], &log[0]["status"], &log[0]["entityId"]), (&"delete".into(), &"success".into(), &"skill-pdf".into()));
    world.assert_clean();
}

#[test]
fn the_environment_says_when_a_save_is_committed() {
    let world = World::seeded();
    let off = [("LOREBASE_PUBLISH", "off")];
    let before = world.git(&["rev-parse", "HEAD"]);
    assert_told("save_off", &world.transcript_with(&off, &["save", "customer/acme-inc", "--set", "tier=silver"]));
    assert_eq!(world.run_with(&off, &["sync", "--json"]).json()["published"], 0);
    assert_eq!(world.git(&["rev-parse", "HEAD"]), before);
    assert_eq!(world.run(&["sync", "--json"]).json()["published"], 1);
    let told = world.run_with(&[("LOREBASE_PUBLISH", "background")], &["save", "customer/acme-inc", "--set", "tier=bronze", "--json"]);
    assert_eq!(told.json()["syncStatus"], "pending");
    assert!(world.git(&["show", "HEAD:customers/acme-inc.md"]).contains("tier: bronze"));
}

#[test]
fn a_checkout_with_uncommitted_work_delays_a_save_and_says_why() {
    let world = World::seeded();
    world.write("customers/acme-inc.md", "---\nid: cust-acme\nname: Acme Inc.\n---\n\nBeing edited.\n");
    assert_told("save_blocked", &world.transcript(&["save", "customer/acme-inc", "--set", "tier=silver"]));
    assert_told("sync_blocked", &world.transcript(&["sync"]));
    assert!(world.read("customers/acme-inc.md").contains("Being edited."));
}

#[test]
fn rows_of_a_table_are_imported_and_exported_in_one_commit() {
    let world = World::seeded();
    let row = |n: u32| {
        let fields = serde_json::json!({"name": format!("Customer {n}"), "tier": n});
        serde_json::json!({"id": format!("c{n}"), "fields": fields, "body": format!("Text {n}.\n")}).to_string()
    };
    let rows = (0..30).map(row).collect::<Vec<_>>().join("\n");
    std::fs::write(world.outside().join("rows.jsonl"), &rows).unwrap();
    assert_told("import", &world.transcript(&["import", "../rows.jsonl", "--kind", "customer"]));
    assert_eq!(world.run_reading(&rows, &["import", "-", "--kind", "customer", "--json"]).json()["unchanged"], 30);
    let before: u32 = world.git(&["rev-list", "--count", "HEAD"]).parse().unwrap();
    assert_eq!(world.run(&["export", "--one-commit", "--json"]).json()["published"], 30);
    assert_eq!(world.git(&["rev-list", "--count", "HEAD"]).parse::<u32>().unwrap(), before + 1);
    assert_eq!(world.git(&["log", "-1", "--format=%an"]), "Nia New");
    assert!(world.read("customers/customer-7.md").contains("tier: 7"));
    world.assert_clean();
}
