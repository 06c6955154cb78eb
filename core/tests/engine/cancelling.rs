//! A synchronisation that is asked to stop does so between two transactions, and the next one goes on from there.

use std::sync::Arc;

use lorebase::PublishMode;
use lorebase::sync::{Cancellation, Save, SyncOptions};

use crate::world::{World, put, run};

const FILES: usize = 1600;

fn cancelled() -> SyncOptions {
    let cancellation = Cancellation::default();
    assert!(!cancellation.cancel(), "nobody asked before");
    assert!(cancellation.cancel());
    SyncOptions { cancellation, ..SyncOptions::default() }
}

#[test]
fn what_was_read_stays_and_the_rest_follows_later() {
    let world = World::new();
    let edits: Vec<_> = (0..FILES).map(|n| put(&format!("customers/c{n}.md"), &format!("---\nname: C{n}\n---\n"))).collect();
    let head = world.push(&edits);
    let cancellation = Cancellation::default();
    let asked = cancellation.clone();
    let progress = Arc::new(move |_| {
        asked.cancel();
    });
    let report = run(world.kb.sync(SyncOptions { progress: Some(progress), cancellation, ..SyncOptions::default() })).unwrap();
    assert!(report.cancelled && report.synced_commit.is_none(), "{report:?}");
    let done = report.created;
    assert!(done > 0 && done < FILES as u64, "{report:?}");
    assert_eq!(run(world.kb.synced_commit()).unwrap(), None);
    let report = world.sync();
    assert_eq!((report.cancelled, report.created), (false, FILES as u64 - done));
    assert_eq!(run(world.kb.synced_commit()).unwrap(), Some(head));
    world.assert_no_drift();
}

#[test]
fn one_that_is_asked_before_it_begins_does_nothing_and_leaves_nothing_locked() {
    let world = World::with(PublishMode::Off);
    world.save(Save::create("skill").title("One"));
    let report = run(world.kb.sync(cancelled())).unwrap();
    assert_eq!((report.cancelled, report.published, world.commits()), (true, 0, 0));
    assert_eq!(run(world.another(PublishMode::Off).sync(SyncOptions::default())).unwrap().published, 1);
    assert_eq!(world.commits(), 1);
}
