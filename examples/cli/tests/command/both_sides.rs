//! Both sides at once: engineers' commits, conflicts and their decision, drift, health.

use crate::world::{World, assert_told};

/// A save that waits, and an engineer's commit of the same field and text.
fn conflicted() -> World {
    let world = World::seeded();
    std::fs::write(world.outside().join("body.md"), "Makes anvils and rockets.\n").unwrap();
    let save = ["save", "customer/acme-inc", "--set", "tier=silver", "--body-file", "../body.md", "--author", "Ada <ada@example.com>"];
    world.run_with(&[("LOREBASE_PUBLISH", "off")], &save).well();
    let text =
        world.read("customers/acme-inc.md").replace("tier: gold", "tier: bronze").replace("Makes anvils.", "Makes anvils and springs.");
    world.commit(&[("customers/acme-inc.md", &text)]);
    world
}

#[test]
fn an_engineers_commits_arrive_and_what_would_be_done_can_be_asked() {
    let world = World::seeded();
    world.git(&["mv", "skills/reading-pdfs.md", "skills/pdfs.md"]);
    world.git(&["rm", "-q", "prompts/blocks/tone.md"]);
    world.commit(&[("customers/new.md", "---\nname: New\n---\n")]);
    assert_told("sync_dry_run", &world.transcript(&["sync", "--dry-run"]));
    let report = world.run(&["sync", "--json"]);
    assert_eq!(report.status, Some(0));
    let report = report.json();
    let count = |name: &str| report[name].as_u64().unwrap();
    assert_eq!((count("created"), count("renamed"), count("deleted"), count("updated")), (1, 1, 1, 0));
    for name in ["unchanged", "published", "merged", "conflicts", "invalid", "durationMs"] {
        assert!(report[name].is_u64(), "{name}");
    }
    assert_eq!(report["syncedCommit"], world.git(&["rev-parse", "HEAD"]));
    assert!(world.run(&["sync"]).well().ends_with(": nothing to do\n"));
    assert_eq!(
        world.run(&["drift", "--json"]).json(),
        serde_json::json!({"missingInGit": [], "missingInCache": [], "different": [], "invalid": []})
    );
}

#[test]
fn a_conflict_is_shown_side_by_side_and_decided() {
    let world = conflicted();
    assert_told("sync_conflict", &world.transcript(&["sync"]));
    assert_told("conflicts", &world.transcript(&["conflicts"]));
    assert_told("status_conflict", &world.transcript(&["status"]));
    let told = world.run(&["conflicts", "--json"]);
    assert_eq!(told.status, Some(1));
    let conflict = &told.json()[0];
    assert_eq!(
        (&conflict["kind"], &conflict["slug"], &conflict["fields"]),
        (&"customer".into(), &"acme-inc".into(), &serde_json::json!(["tier"]))
    );
    let tiers = ["base", "cache", "git"].map(|side| conflict[side]["fields"]["tier"].as_str().unwrap().to_owned());
    assert_eq!(tiers, ["gold", "silver", "bronze"]);
    assert_eq!(conflict["hunks"][0]["cache"], "Makes anvils and rockets.\n");
    assert_eq!(conflict["hunks"][0]["git"], "\nMakes anvils and springs.\n");
    assert_eq!((&conflict["hunks"][0]["gitLine"], &conflict["hunks"][0]["cacheLine"]), (&1.into(), &1.into()));
    assert_eq!(conflict["hunks"].as_array().unwrap().len(), 1);
    let told = world.run(&["resolve", "customer/acme-inc", "--accept", "cache"]);
    assert!(told.well().starts_with("decided customer/acme-inc: revision "));
    assert!(world.git(&["show", "HEAD:customers/acme-inc.md"]).contains("tier: silver"));
    assert_eq!(world.git(&["log", "-1", "--format=%an"]), "Nia New");
    assert_told("no_conflicts", &world.transcript(&["conflicts"]));
    world.assert_clean();
}

#[test]
fn a_conflict_is_decided_for_git_or_by_a_whole_document() {
    let world = conflicted();
    assert_eq!(world.run(&["sync"]).status, Some(1));
    let head = world.git(&["rev-parse", "HEAD"]);
    assert_eq!(world.run(&["resolve", "customer/acme-inc", "--accept", "git", "--json"]).json(), serde_json::json!([]));
    assert_eq!(world.git(&["rev-parse", "HEAD"]), head);
    assert_eq!(world.run(&["get", "customer/acme-inc", "--json"]).json()["fields"]["tier"], "bronze");

    let world = conflicted();
    assert_eq!(world.run(&["sync"]).status, Some(1));
    let both = "---\nid: cust-acme\nname: Acme Inc.\ntier: platinum\n---\n\nBoth.\n";
    assert_eq!(world.run_reading(both, &["resolve", "customer/acme-inc", "--accept", "-"]).status, Some(0));
    assert_eq!(world.git(&["show", "HEAD:customers/acme-inc.md"]), both.trim_end());
}

#[test]
fn a_conflict_is_decided_part_by_part() {
    let world = conflicted();
    assert_eq!(world.run(&["sync"]).status, Some(1));
    assert_told("resolve_half", &world.transcript(&["resolve", "customer/acme-inc", "--field", "tier=git"]));
    assert_told("resolve_no_side", &world.transcript(&["resolve", "customer/acme-inc", "--field", "tier"]));
    assert_told("resolve_no_hunk", &world.transcript(&["resolve", "customer/acme-inc", "--hunk", "first=git"]));
    let both = ["resolve", "customer/acme-inc", "--accept", "body.md", "--field", "tier=git"];
    assert_told("resolve_two_ways", &world.transcript(&both));
    assert_eq!(world.run(&["conflicts", "--json"]).json()[0]["fields"], serde_json::json!(["tier"]), "nothing was decided");
    world.run(&["resolve", "customer/acme-inc", "--field", "tier=git", "--hunk", "1=cache"]).well();
    let file = world.git(&["show", "HEAD:customers/acme-inc.md"]);
    assert!(file.contains("tier: bronze") && file.contains("Makes anvils and rockets."), "{file}");
    world.assert_clean();
}

#[test]
fn edits_of_different_paragraphs_merge_and_a_refresh_leaves_manual_edits_alone() {
    let world = World::seeded();
    let refresh = |tier: &str, region: &str| {
        let (tier, region) = (format!("tier={tier}"), format!("region={region}"));
        world.transcript(&["save", "customer/acme-inc", "--source", "crm", "--set", &tier, "--set", &region])
    };
    world.run(&["save", "customer/acme-inc", "--source", "crm", "--set", "tier=gold", "--set", "region=south"]).well();
    world.run(&["save", "customer/acme-inc", "--set", "tier=platinum"]).well();
    assert_told("refresh", &refresh("silver", "west"));
    assert_told("overrides", &world.transcript(&["overrides", "crm"]));
    assert!(world.read("customers/acme-inc.md").contains("region: west\ntier: platinum\n"));
    let told = world.run(&["overrides", "crm", "--json"]);
    assert_eq!((told.status, &told.json()[0]["fields"][0]["said"]), (Some(1), &"silver".into()));
    assert_told("overrides_settle", &world.transcript(&["overrides", "crm", "customer/acme-inc", "--settle", "take"]));
    assert_told("overrides_none", &world.transcript(&["overrides", "crm"]));
    assert!(world.read("customers/acme-inc.md").contains("tier: silver\n"));
    world.assert_clean();
}

#[test]
fn a_lost_repository_is_filled_from_the_database() {
    let world = World::seeded();
    let cache = format!("sqlite:{}", world.repo().join(".git/lorebase/cache.db").display());
    let empty = world.outside().join("again");
    world.git(&["init", "-q", "-b", "main", empty.to_str().unwrap()]);
    let again = |command: &str| world.transcript(&["--repo", "../again", "--cache", &cache, command]);
    assert_told("lost_sync", &again("sync"));
    assert_told("lost_export", &again("export"));
    for path in ["skills/reading-pdfs.md", "customers/acme-inc.md", "prompts/blocks/tone.md"] {
        assert_eq!(std::fs::read_to_string(empty.join(path)).unwrap(), world.read(path));
    }
    assert!(again("drift").contains("no drift"));
}

#[test]
fn a_broken_file_is_told_and_everything_else_goes_on() {
    let world = World::seeded();
    world.commit(&[("customers/acme-inc.md", "---\nname: [Acme\n---\n"), ("customers/new.md", "---\nname: New\n---\n")]);
    assert_told("sync_broken", &world.transcript(&["sync"]));
    assert_told("status_broken", &world.transcript(&["status"]));
    assert_told("drift_broken", &world.transcript(&["drift"]));
    assert_eq!(world.run(&["get", "customer/acme-inc", "--json"]).json()["syncStatus"], "invalid");
}

#[test]
fn drift_is_told_and_a_synchronisation_mends_it() {
    let world = World::seeded();
    world.commit(&[("customers/new.md", "---\nname: New\n---\n")]);
    assert_told("drift", &world.transcript(&["drift"]));
    assert_told("drift_repair", &world.transcript(&["drift", "--repair"]));
    assert!(world.run(&["drift"]).well().starts_with("no drift"));
}

#[test]
fn many_deletions_at_once_wait_for_a_word() {
    let world = World::new();
    let files: Vec<(String, String)> = (0..40).map(|n| (format!("customers/c{n}.md"), format!("---\nname: C{n}\n---\n"))).collect();
    world.commit(&files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect::<Vec<_>>());
    world.run(&["sync"]).well();
    world.git(&["rm", "-q", "-r", "customers"]);
    world.git(&["commit", "-q", "-m", "Oh dear"]);
    assert_told("sync_held", &world.transcript(&["sync"]));
    assert_told("status_held", &world.transcript(&["status"]));
    assert_told("sync_allowed", &world.transcript(&["sync", "--allow-deletions"]));
}

#[test]
fn what_cannot_be_committed_is_a_failure_that_can_be_tried_again() {
    let world = World::seeded();
    world.commit(&[("customers/odd.md/inner.txt", "a folder where a file should be\n")]);
    world.run(&["sync"]).well();
    assert_told("save_failed", &world.transcript(&["save", "customer/odd", "--set", "name=Odd"]));
    assert_told("status_failed", &world.transcript(&["status"]));
    world.git(&["rm", "-q", "-r", "customers/odd.md"]);
    world.git(&["commit", "-q", "-m", "Make room"]);
    world.run(&["sync"]).well();
    let again = world.run(&["retry", "customer/odd", "--json"]).json();
    assert_eq!((&again[0]["status"], &again[0]["operation"]), (&"success".into(), &"create".into()), "{again}");
    assert!(world.repo().join("customers/odd.md").is_file());
    assert_told("retry_nothing", &world.transcript(&["retry"]));
}
