//! On a terminal: tables that fit, colours unless they are not wanted. The terminal is made by `script`.
#![cfg(target_os = "linux")]

use std::process::Stdio;

use crate::world::World;

fn on_terminal(world: &World, columns: usize, variables: &[(&str, &str)], arguments: &str) -> String {
    let binary = env!("CARGO_BIN_EXE_lorebase");
    let inner = format!("stty cols {columns} rows 24; exec '{binary}' {arguments}");
    let mut command = std::process::Command::new("script");
    command.args(["-qec", &inner, "/dev/null"]).current_dir(world.repo()).stdin(Stdio::null());
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("TERM", "xterm").envs(variables.iter().copied());
    let output = command.output().expect("this test needs `script` (Debian: apt install bsdutils, Fedora: util-linux-script)");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().replace('\r', "")
}

#[test]
fn tables_fit_a_terminal_of_forty_columns_and_use_one_of_a_hundred() {
    let world = World::seeded();
    let title = "Reading documents of every kind that people send to us by mail and otherwise";
    world.run(&["save", "skill/reading-pdfs", "--title", title, "--set", "status=PUBLISHED"]).well();
    let no_colour = [("NO_COLOR", "1")];
    for arguments in ["list", "log", "status", "drift", "conflicts"] {
        for columns in [40, 100] {
            let text = on_terminal(&world, columns, &no_colour, arguments);
            assert!(text.lines().all(|line| line.chars().count() <= columns), "{columns} columns:\n{text}");
            assert!(!text.contains('\u{1b}'), "{text:?}");
        }
    }
    let narrow = on_terminal(&world, 40, &no_colour, "list");
    assert!(narrow.contains("customer/acme-inc") && narrow.contains('…'), "{narrow}");
    assert!(on_terminal(&world, 200, &no_colour, "list").contains(title));
}

#[test]
fn colours_are_for_terminals_only() {
    let world = World::seeded();
    assert!(on_terminal(&world, 80, &[], "status").contains("\u{1b}[32m3/3 synced"));
    assert!(!world.run(&["status"]).stdout.contains('\u{1b}'));
    assert!(on_terminal(&world, 80, &[], "status --json").contains("{\n  \"synced\": 3,"));
}
