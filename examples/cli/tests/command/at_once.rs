//! Two commands at once: both do what they were asked to.

use crate::world::{Told, World};

#[test]
fn two_saves_of_different_entities_both_succeed() {
    let world = World::seeded();
    for round in 0..5 {
        let value = format!("round={round}");
        let spawn = |entity: &str| {
            let mut command = world.command(&["save", entity, "--set", &value, "--json"]);
            command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap()
        };
        let children = ["customer/acme-inc", "skill/reading-pdfs", "prompt_block/tone"].map(spawn);
        for child in children {
            let told = Told::of(&child.wait_with_output().unwrap());
            assert_eq!((told.status, told.stderr.as_str()), (Some(0), ""), "{told:?}");
            assert_eq!(told.json()["syncStatus"], "synced");
        }
    }
    assert_eq!(world.git(&["rev-list", "--count", "HEAD"]), "17");
    world.assert_clean();
}

#[test]
fn a_synchronisation_beside_a_save_disturbs_neither() {
    let world = World::new();
    let files: Vec<(String, String)> = (0..600).map(|n| (format!("customers/c{n}.md"), format!("---\nname: C{n}\n---\n"))).collect();
    world.commit(&files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect::<Vec<_>>());
    let piped = |arguments: &[&str]| {
        let mut command = world.command(arguments);
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap()
    };
    let sync = piped(&["sync", "--json"]);
    let save = piped(&["save", "skill/new", "--title", "New", "--json"]);
    for child in [sync, save] {
        let told = Told::of(&child.wait_with_output().unwrap());
        assert_eq!((told.status, told.stderr.as_str()), (Some(0), ""), "{told:?}");
    }
    world.run(&["sync"]).well();
    assert_eq!(world.run(&["list", "--json"]).json()["total"], 601);
    assert!(world.git(&["show", "HEAD:skills/new.md"]).contains("title: New"));
    assert!(world.run(&["drift"]).well().starts_with("no drift"));
    world.assert_clean();
}
