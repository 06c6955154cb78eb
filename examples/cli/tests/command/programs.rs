//! For programs and shells: one JSON document, closed pipes, completions, the manual.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::world::{World, assert_told};

#[test]
fn every_command_prints_exactly_one_json_document() {
    let world = World::seeded();
    for arguments in [
        &["status"][..],
        &["sync"],
        &["sync", "--dry-run"],
        &["list"],
        &["list", "--search", "pdf"],
        &["get", "tone/x"],
        &["get", "prompt_block/tone"],
        &["save", "prompt_block/tone", "--set", "sortOrder=3"],
        &["log"],
        &["retry"],
        &["drift"],
        &["drift", "--repair"],
        &["conflicts"],
        &["export"],
        &["validate"],
        &["delete", "prompt_block/tone"],
        &["init", "../other"],
    ] {
        let told = world.run(&[arguments, &["--json"]].concat());
        assert!(told.json().is_object() || told.json().is_array(), "{arguments:?}");
        assert_eq!(told.stdout.lines().count(), 1, "{arguments:?}");
    }
}

#[test]
fn the_health_is_told_with_every_number() {
    let world = World::seeded();
    let health = world.run(&["status", "--json"]).json();
    for name in ["synced", "pending", "failed", "conflict", "draft", "invalid", "unknown", "total", "recentFailures", "lagSeconds"] {
        assert!(health[name].is_u64(), "{name}");
    }
    assert_eq!((&health["total"], &health["synced"], &health["healthy"]), (&3.into(), &3.into(), &true.into()));
    assert_told("status", &world.transcript(&["status"]));
}

#[test]
fn a_reader_that_goes_away_ends_the_command_quietly() {
    let world = World::new();
    let text = "x".repeat(3000);
    let files: Vec<(String, String)> =
        (0..200).map(|n| (format!("customers/c{n}.md"), format!("---\nname: C{n}\nnote: {text}\n---\n{text}\n"))).collect();
    world.commit(&files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect::<Vec<_>>());
    world.run(&["sync"]).well();
    for arguments in [&["list", "--limit", "200", "--json"][..], &["get", "customer/c1"], &["log", "--limit", "200"]] {
        let mut child = world.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut reader = BufReader::with_capacity(16, child.stdout.take().unwrap());
        reader.fill_buf().unwrap();
        drop(reader);
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn shells_and_manuals_get_what_they_ask_for() {
    let world = World::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(world.run(&["completions", shell]).well().contains("expect-revision"), "{shell}");
    }
    let manual = world.run(&["man"]).well();
    assert!(manual.contains(".TH lorebase 1") && manual.contains("Exit status"), "{manual}");
    assert!(world.run(&["man", "save"]).well().contains("body\\-file"));
    assert!(world.run(&["--version"]).well().starts_with("lorebase "));
}

#[test]
fn the_help_is_short_and_complete() {
    let world = World::new();
    assert_told("help", &world.transcript(&["--help"]));
    assert_told("help_save", &world.transcript(&["save", "--help"]));
}
