//! Repositories and databases that are not what they should be.

use std::fs;

use crate::world::{World, assert_told};

#[test]
fn places_without_a_repository() {
    let world = World::new();
    let file = world.outside().join("note.txt");
    fs::write(&file, "mine").unwrap();
    fs::create_dir(world.outside().join("empty")).unwrap();
    assert_told("no_folder", &world.transcript(&["--repo", "../nowhere", "list"]));
    assert_told("no_repository", &world.transcript(&["--repo", "../empty", "list"]));
    assert_told("a_file", &world.transcript(&["--repo", "../note.txt", "list"]));
    assert_told("init_on_a_file", &world.transcript(&["init", "../note.txt"]));
    assert_eq!(fs::read_to_string(file).unwrap(), "mine");
    assert_eq!(fs::read_dir(world.outside().join("empty")).unwrap().count(), 0);
}

#[test]
fn a_detached_head_and_branches_that_are_not_there() {
    let world = World::seeded();
    world.git(&["checkout", "-q", "--detach"]);
    assert_told("detached", &world.transcript(&["list"]));
    assert_eq!(world.run(&["--branch", "main", "list"]).status, Some(0));
    assert_told("no_branch", &world.transcript(&["--branch", "mian", "list"]));
}

#[test]
fn databases_that_are_none() {
    let world = World::new();
    fs::write(world.outside().join("garbage.db"), "this is no database, but long enough to look like one at first sight\n".repeat(100))
        .unwrap();
    assert_told("cache_url", &world.transcript(&["--cache", "mysql://ada:secret@localhost/kb", "list"]));
    assert_told("cache_no_server", &world.transcript(&["--cache", "postgres://ada:secret@localhost/kb?host=/nowhere", "list"]));
    assert_told("cache_no_url", &world.transcript(&["--cache", "cache.db", "list"]));
    assert_told("cache_no_folder", &world.transcript(&["--cache", "sqlite:../nowhere/cache.db", "list"]));
    assert_told("cache_garbage", &world.transcript(&["--cache", "sqlite:../garbage.db", "list"]));
    assert_told("cache_variable", &world.transcript_with(&[("LOREBASE_CACHE", "nonsense")], &["list"]));
}

/// The kernel's own folder takes nobody's files, not even root's.
#[cfg(target_os = "linux")]
#[test]
fn a_read_only_folder_for_the_cache() {
    let world = World::new();
    assert_told("cache_read_only", &world.transcript(&["--cache", "sqlite:/sys/cache.db", "list"]));
    fs::remove_dir_all(world.repo().join(".git/lorebase")).unwrap();
    std::os::unix::fs::symlink("/sys/kernel", world.repo().join(".git/lorebase")).unwrap();
    let told = world.run(&["list"]);
    assert_eq!((told.status, told.stdout.as_str()), (Some(3), ""), "{told:?}");
    assert!(told.stderr.starts_with("error: ") && told.stderr.lines().count() == 1, "{told:?}");
}

#[test]
fn the_database_of_another_repository() {
    let (one, two) = (World::seeded(), World::seeded());
    two.commit(&[("skills/other.md", "---\ntitle: Other\n---\n")]);
    two.git(&["checkout", "-q", "--orphan", "other"]);
    two.git(&["rm", "-q", "-r", "-f", "."]);
    two.commit(&[("skills/another.md", "---\ntitle: Another\n---\n")]);
    two.git(&["branch", "-q", "-D", "main"]);
    two.git(&["branch", "-q", "-m", "main"]);
    two.git(&["reflog", "expire", "--expire=now", "--all"]);
    two.git(&["gc", "-q", "--prune=now"]);
    let cache = format!("sqlite:{}", one.repo().join(".git/lorebase/cache.db").display());
    let told = two.transcript(&["--cache", &cache, "list"]).replace(&one.outside().display().to_string(), "[OTHER]");
    assert_told("cache_of_another", &told);
    assert_eq!(two.run(&["--cache", &cache, "--namespace", "two", "sync"]).status, Some(0));
    assert_eq!(one.run(&["list", "--json"]).json()["total"], 3);
}

#[test]
fn the_cache_is_where_it_is_asked_for_and_never_in_the_work_tree() {
    let world = World::seeded();
    world.assert_clean();
    assert!(world.repo().join(".git/lorebase/cache.db").exists());
    let place = world.outside().join("elsewhere.db");
    let url = format!("sqlite:{}", place.display());
    world.run_with(&[("LOREBASE_CACHE", &url)], &["sync"]).well();
    assert!(place.exists());
    assert_eq!(world.run(&["--cache", "memory:", "list", "--json"]).json()["total"], 3);
}

#[test]
fn a_root_on_the_command_line_holds_in_place_of_the_settings() {
    let world = World::seeded();
    world.commit(&[("knowledge/skills/below.md", "---\ntitle: Below\n---\n")]);
    world.run(&["sync"]).well();
    let slugs = |arguments: &[&str]| {
        let list = world.run(arguments).json();
        list["items"].as_array().unwrap().iter().map(|item| item["slug"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    world.run(&["--root", "knowledge", "sync"]).well();
    assert_eq!(slugs(&["--root", "knowledge", "list", "--json"]), ["below"]);
    world.run(&["--root", "knowledge", "save", "skill/second", "--title", "Second"]).well();
    assert!(world.repo().join("knowledge/skills/second.md").exists());
    world.run(&["sync"]).well();
    assert_eq!(slugs(&["list", "--json"]), ["acme-inc", "tone", "reading-pdfs"]);
    assert_told("root_unsafe", &world.transcript(&["--root", "../x", "list"]));
}

#[test]
fn settings_that_are_invalid_keep_the_last_good_ones_and_are_told() {
    let world = World::seeded();
    world.commit(&[("lorebase.yaml", "kinds:\n  playbook:\n    foldr: playbooks\n")]);
    assert_told("settings_sync", &world.transcript(&["sync"]));
    assert_told("settings_validate", &world.transcript(&["validate"]));
    assert_eq!(world.run(&["list", "--json"]).json()["total"], 3);
}
