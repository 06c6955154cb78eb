//! Ctrl-C in the middle of a synchronisation: it stops between two transactions and says what is left.
#![cfg(unix)]

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

use crate::world::World;

const FILES: usize = 8000;

/// A repository whose first synchronisation takes a while.
fn large() -> World {
    let world = World::new();
    let mut stream =
        String::from("commit refs/heads/main\ncommitter Nia <nia@example.com> 1767225600 +0000\ndata 4\nmany\nfrom refs/heads/main^0\n");
    let body = "A line of text that has to be read and kept.\n".repeat(60);
    for n in 0..FILES {
        let text = format!("---\nname: Customer {n}\ntags: [a, b, c]\n---\n\n{body}");
        write!(stream, "M 100644 inline customers/{}/c{n}.md\ndata {}\n{text}\n", n % 20, text.len()).unwrap();
    }
    let mut import = Command::new("git").args(["fast-import", "--quiet"]).current_dir(world.repo()).stdin(Stdio::piped()).spawn().unwrap();
    import.stdin.take().unwrap().write_all(stream.as_bytes()).unwrap();
    assert!(import.wait().unwrap().success());
    world.git(&["reset", "-q", "--hard"]);
    world
}

fn interrupt(child: &Child) {
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn the_first_one_stops_between_two_transactions_and_the_next_sync_goes_on() {
    let world = large();
    let mut child = world.command(&["sync", "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut told = String::new();
    stderr.read_line(&mut told).unwrap();
    assert!(told.starts_with("reading ") && told.ends_with(&format!(" of {FILES} files\n")), "{told}");
    interrupt(&child);
    stderr.read_to_string(&mut told).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{told}");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["cancelled"], &report["syncedCommit"]), (&true.into(), &serde_json::Value::Null));
    let left = told.lines().last().unwrap();
    assert!(
        left.starts_with("stopped: ") && left.ends_with("files are read; nothing is lost, `lorebase sync` goes on from there"),
        "{told}"
    );

    let done = world.run(&["list", "--json", "--limit", "1"]).json()["total"].as_u64().unwrap();
    assert_eq!(report["created"], done, "what the report says is done is there");
    assert!(done > 0 && done < FILES as u64, "{done}");
    let report = world.run(&["sync", "--json"]).json();
    assert_eq!((&report["cancelled"], report["created"].as_u64().unwrap()), (&false.into(), FILES as u64 - done));
    assert_eq!(world.run(&["list", "--json", "--limit", "1"]).json()["total"], FILES);
    assert!(world.run(&["drift"]).well().starts_with("no drift"));
    world.assert_clean();
}

#[test]
fn the_second_one_ends_at_once_and_leaves_nothing_behind() {
    let world = large();
    let mut child = world.command(&["sync"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    interrupt(&child);
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    world.run(&["sync"]).well();
    assert_eq!(world.run(&["list", "--json", "--limit", "1"]).json()["total"], FILES);
    world.assert_clean();
}
