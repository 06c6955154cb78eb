//! What processes that died one after the other left behind, in the same second.

use std::time::Duration;

use lorebase::PublishMode;
use lorebase::conformance::fault::{Fault, Faults};
use lorebase::knowledge::SyncStatus;
use lorebase::store::CacheStore;
use lorebase::sync::{Save, SyncOptions};

use crate::world::{World, ada, poll_once, put, run};

const ENTITIES: usize = 3;

/// A synchronisation by a process that dies after a call of its stores; whether there was such a call.
fn dies_after(world: &World, call: u64) -> bool {
    let faults = Faults::new();
    let kb = world.faulty(PublishMode::Off, &faults);
    faults.arm(call, Fault::StopAfter);
    let mut act = Box::pin(kb.sync(SyncOptions::default()));
    let _ = poll_once(act.as_mut());
    drop(act);
    world.processes.kill(kb.engine().owner().instance);
    faults.struck().is_some()
}

fn save(world: &World, number: usize, title: &str) {
    run(world.kb.save(Save::update("skill", &format!("s{number}")).set("note", title).author(ada()))).unwrap();
}

/// Two chains that were prepared in one second begin with the same commits: what is in git of one is in git of the other.
#[test]
fn chains_that_share_their_first_commits_are_acknowledged_each_to_its_end() {
    let mut shared = 0;
    for first in 0.. {
        let mut any = false;
        for second in 0.. {
            let world = World::with(PublishMode::Off);
            for number in 0..ENTITIES {
                world.write(&format!("skills/s{number}.md"), &format!("---\nid: s-{number}\nname: Skill {number}\n---\n"));
            }
            world.sync();
            for number in 0..ENTITIES {
                save(&world, number, &format!("First {number}"));
            }
            if !dies_after(&world, first) {
                break;
            }
            any = true;
            save(&world, ENTITIES - 1, "Second");
            if !dies_after(&world, second) {
                break;
            }
            let chains = run(world.cache.prepared(world.kb.engine().repository_id())).unwrap();
            let began = |chain: &lorebase::store::Prepared| chain.items[0].commit.clone();
            shared += usize::from(chains.len() == 2 && began(&chains[0]) == began(&chains[1]) && world.commits() > ENTITIES);
            save(&world, ENTITIES - 1, "Third");
            world.git.push(&crate::world::eve(), "Beside it\n", &[put("skills/other.md", "---\nname: Other\n---\n")]).unwrap();
            world.sync();
            world.assert_at_rest(&world.kb);
            let last = world.working("skill", &format!("s{}", ENTITIES - 1)).unwrap();
            assert_eq!((&last.fields["note"], last.sync_status), (&"Third".into(), SyncStatus::Synced), "after {first} and {second}");
        }
        if !any {
            break;
        }
    }
    assert!(shared >= 1, "no two chains shared a beginning that is in git");
}

/// What was committed and cannot be read any more is taken in from git, however many are acknowledged after it.
#[test]
fn a_version_that_was_pruned_before_it_was_acknowledged_is_taken_from_git() {
    let mut pruned = 0;
    for call in 0.. {
        let world = World::with(PublishMode::Off);
        for number in 0..ENTITIES {
            world.write(&format!("skills/s{number}.md"), &format!("---\nid: s-{number}\nname: Skill {number}\n---\n"));
        }
        world.sync();
        save(&world, 0, "First");
        if !dies_after(&world, call) {
            break;
        }
        let waits = !run(world.cache.prepared(world.kb.engine().repository_id())).unwrap().is_empty();
        save(&world, 0, "Second");
        world.clock.advance(Duration::from_secs(1));
        run(world.kb.prune(Duration::ZERO)).unwrap();
        pruned += usize::from(waits && world.commits() > ENTITIES);
        // One that dies as well, so that another chain is acknowledged before git is taken in.
        save(&world, 1, "Beside it");
        dies_after(&world, call);
        world.sync();
        world.sync();
        world.assert_no_drift();
        for (number, note) in [(0, "Second"), (1, "Beside it")] {
            let found = world.working("skill", &format!("s{number}")).unwrap();
            assert_eq!((&found.fields["note"], found.sync_status), (&note.into(), SyncStatus::Synced), "{number} after {call}");
        }
    }
    assert!(pruned >= 1, "nothing was pruned between git and its acknowledgement");
}
