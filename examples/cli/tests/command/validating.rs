//! Files as they are on the disk, for CI: no cache, no commit, not even a repository.

use std::fs;

use crate::world::{Told, World, assert_told};

fn broken() -> World {
    let world = World::new();
    world.write("lorebase.yaml", "kinds:\n  playbook:\n    folder: playbooks\n");
    world.write("playbooks/good.md", "---\nid: one\ntitle: Good\n---\n");
    world.write("playbooks/open.md", "---\ntitle: Open\ntags: [a, b\n---\n");
    world.write("playbooks/twice.md", "---\nid: one\ntitle: Twice\n---\n");
    world.write("playbooks/latin.md", b"---\ntitle: caf\xe9\n---\n");
    world.write("skills/odd.md", "---\ntitle: Odd\nstatus: MAYBE\n---\n");
    world.write("notes/other.md", "---\n[\n---\n");
    world
}

#[test]
fn findings_are_printed_for_people_for_github_and_for_programs() {
    let world = broken();
    assert_told("validate_text", &world.transcript(&["validate"]));
    assert_told("validate_github", &world.transcript(&["validate", "--format", "github"]));
    assert_told("validate_json", &world.transcript(&["validate", "--format", "json"]));
    assert_eq!(world.run(&["validate", "--json"]).stdout, world.run(&["validate", "--format", "json"]).stdout);
}

#[test]
fn nothing_is_written_and_no_repository_is_needed() {
    let world = broken();
    fs::remove_dir_all(world.repo().join(".git")).unwrap();
    let before = names(&world);
    assert_eq!(world.run(&["validate"]).status, Some(1));
    assert_eq!(names(&world), before);
}

fn names(world: &World) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(world.repo()).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_folder_or_a_file_is_checked_with_the_settings_above_it() {
    let world = broken();
    let paths = |told: &Told| {
        let findings = told.json();
        findings.as_array().unwrap().iter().map(|finding| finding["path"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(paths(&world.run(&["validate", "skills", "--json"])), ["skills/odd.md"]);
    assert_eq!(paths(&world.run(&["validate", "playbooks/open.md", "--json"])), ["playbooks/open.md"]);
    assert_eq!(paths(&world.run(&["validate", "playbooks/twice.md", "--json"])), ["playbooks/twice.md"]);
    assert_told("validate_good_file", &world.transcript(&["validate", "playbooks/good.md"]));
    assert_told("validate_other_file", &world.transcript(&["validate", "notes"]));
    let mut inside = world.command(&["validate", "open.md", "--json"]);
    assert_eq!(paths(&Told::of(&inside.current_dir(world.repo().join("playbooks")).output().unwrap())), ["playbooks/open.md"]);
}

#[test]
fn warnings_alone_are_nothing_to_stop_for() {
    let world = broken();
    assert_told("validate_warning", &world.transcript(&["validate", "skills"]));
}

#[test]
fn places_and_settings_that_cannot_be_checked() {
    let world = World::new();
    assert_told("validate_nowhere", &world.transcript(&["validate", "nowhere"]));
    assert_told("validate_format", &world.transcript(&["validate", "--format", "xml"]));
    world.write("lorebase.yaml", "kinds:\n  playbook: {foldr: x}\n");
    world.write("skills/fine.md", "---\ntitle: Fine\n---\n");
    assert_told("validate_settings", &world.transcript(&["validate", "skills"]));
    assert_told("validate_root", &world.transcript(&["--root", "../x", "validate"]));
}

#[test]
fn a_root_on_the_command_line_holds_here_too() {
    let world = World::new();
    world.write("knowledge/skills/open.md", "---\ntitle: [\n---\n");
    assert_eq!(world.run(&["validate"]).status, Some(0));
    assert_eq!(world.run(&["--root", "knowledge", "validate"]).status, Some(1));
}

#[test]
fn the_schema_of_a_kind_is_printed_for_editors() {
    let world = World::new();
    let built_in = world.run(&["schema", "skill"]);
    let schema: serde_json::Value = serde_json::from_str(&built_in.stdout).unwrap();
    assert_eq!((built_in.status, &schema["title"], &schema["additionalProperties"]), (Some(0), &"Skill".into(), &true.into()));
    assert_eq!(world.run(&["schema", "skill", "--json"]).json(), schema);
    assert_told("schema_unknown", &world.transcript(&["schema", "skil"]));
}

#[test]
fn a_schema_of_ones_own_is_checked_on_the_disk() {
    let world = World::new();
    world.write("lorebase.yaml", "kinds:\n  playbook: {folder: playbooks, schema: s.json, unique: [code]}\n");
    world.write("s.json", "{\"required\": [\"title\"], \"properties\": {\"level\": {\"enum\": [\"low\", \"high\"]}}}\n");
    world.write("playbooks/a.md", "---\ntitle: A\nlevel: middle\n---\n");
    world.write("playbooks/b.md", "---\ntitle: B\ncode: 7\n---\n");
    world.write("playbooks/c.md", "---\ntitle: C\ncode: '7'\n---\n");
    world.write("customers/d.md", "---\nname: D\nemployeeCount: many\n---\n");
    assert_told("validate_schema", &world.transcript(&["validate"]));
    assert_told("validate_schema_github", &world.transcript(&["validate", "--format", "github"]));
    world.write("s.json", "{\n  \"type\": \"objekt\"\n}\n");
    assert_told("validate_schema_wrong", &world.transcript(&["validate"]));
}
