//! Owners that hang until their lease has passed and then go on, in stories where somebody else meanwhile did more than
//! the same work; and what is left of a chain by a force-push.

use std::time::Duration;

use lorebase::conformance::fault::{Fault, Faults};
use lorebase::knowledge::Status;
use lorebase::store::View;
use lorebase::sync::{CommitPolicy, Save, SyncOptions};
use lorebase::{Delete, ErrorKind, KnowledgeBase, PublishMode};

use crate::memory;
use crate::simulation::run;
use crate::simulation::scenarios::{ONE, TWO, one_and_two};
use crate::simulation::scene::{Scene, save, sync};

/// Stops an engine at every call of its synchronisation, lets another one do all the work, and lets the first go on.
fn stalled(begin: impl Fn(&Scene), meanwhile: impl Fn(&Scene, &KnowledgeBase), check: impl Fn(&Scene)) {
    let mut strikes = 0;
    for fault in [Fault::StopBefore, Fault::StopAfter] {
        for call in 0.. {
            let scene = Scene::new(memory::stage());
            begin(&scene);
            let faults = Faults::new();
            let slow = scene.stage.open(PublishMode::Off, CommitPolicy::PerSave, Some(&faults));
            faults.arm(call, fault);
            let mut work = sync(slow.clone());
            if faults.drive(work.as_mut()).is_some() {
                break;
            }
            strikes += 1;
            let case = format!("{fault:?} at call {call} (`{}`)", faults.struck().unwrap());
            scene.stage.clock.advance(Duration::from_mins(5));
            let other = scene.another();
            let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                meanwhile(&scene, &other);
                faults.resume();
                let answer = faults.drive(work.as_mut()).expect("nothing holds it any more");
                if let Err(error) = answer {
                    assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
                }
                run(other.sync(SyncOptions::default())).unwrap();
                scene.check_rest(&other).unwrap();
                check(&scene);
            }));
            if let Err(cause) = checked {
                eprintln!("{case}");
                std::panic::resume_unwind(cause);
            }
        }
    }
    assert!(strikes > 20, "only {strikes} stops");
}

#[test]
fn an_owner_whose_lease_ran_out_writes_nothing_over_what_its_successor_did() {
    stalled(
        |scene| {
            one_and_two(scene);
            scene.save(Save::update("skill", "one").set("active", false));
        },
        |scene, other| {
            run(other.sync(SyncOptions::default())).unwrap();
            run(other.save(Save::update("skill", "one").set("active", "again"))).unwrap();
            scene.write("skills/two.md", &TWO.replace("Two", "Deux"));
            run(other.sync(SyncOptions::default())).unwrap();
        },
        |scene| {
            assert!(scene.file("skills/one.md").unwrap().contains("active: again\n"));
            assert_eq!(scene.get("skill", "two").unwrap().title, "Deux");
        },
    );
}

#[test]
fn a_deletion_of_what_an_owner_without_lease_is_committing_is_not_forgotten() {
    stalled(
        |scene| {
            one_and_two(scene);
            scene.save(Save::create("skill").title("New"));
        },
        |_, other| {
            run(other.delete(Delete::new("skill", "new"))).unwrap();
            run(other.sync(SyncOptions::default())).unwrap();
        },
        |scene| {
            scene.stage.clock.advance(Duration::from_hours(1));
            scene.sync();
            assert!(scene.file("skills/new.md").is_none() && scene.get("skill", "new").is_none());
        },
    );
}

#[test]
fn a_place_that_was_given_up_and_taken_while_its_commit_was_on_the_way_is_settled() {
    let accepted = std::cell::Cell::new(0);
    stalled(
        |scene| {
            one_and_two(scene);
            scene.save(Save::create("skill").id("new").title("New"));
        },
        |_, other| {
            run(other.save(Save::update("skill", "new").rename("moved"))).unwrap();
            match run(other.save(Save::create("skill").id("second").title("New").body("second\n"))) {
                Ok(_) => accepted.set(accepted.get() + 1),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error}"),
            }
        },
        |scene| {
            let second = run(scene.kb.get_view("skill", "@second", View::Working)).unwrap();
            let first = run(scene.kb.get_view("skill", "@new", View::Working)).unwrap().unwrap();
            assert_eq!(first.slug.as_str(), "moved");
            assert!(second.is_none_or(|second| second.body == "second\n"));
        },
    );
    assert!(accepted.get() > 20, "accepted only {} times", accepted.get());
}

#[test]
fn what_is_saved_onto_an_archived_entity_while_its_removal_is_on_the_way_is_kept() {
    stalled(
        |scene| {
            one_and_two(scene);
            scene.save(Save::update("skill", "one").status(Status::Archived));
        },
        |_, other| {
            run(other.save(Save::update("skill", "one").set("note", "later"))).unwrap();
        },
        |scene| {
            assert!(scene.file("skills/one.md").is_none());
            assert_eq!(scene.working("skill", "one").unwrap().fields["note"], "later");
        },
    );
}

#[test]
fn a_save_that_takes_back_what_an_owner_without_lease_is_committing_wins() {
    stalled(
        |scene| {
            one_and_two(scene);
            scene.save(Save::update("skill", "one").set("active", false));
        },
        |_, other| {
            run(other.save(Save::update("skill", "one").set("active", true))).unwrap();
            run(other.sync(SyncOptions::default())).unwrap();
        },
        |scene| assert_eq!(scene.file("skills/one.md").unwrap(), ONE),
    );
}

#[test]
fn a_save_that_stalls_between_reading_and_writing_reverts_nobody() {
    let mut strikes = 0;
    for fault in [Fault::StopBefore, Fault::StopAfter] {
        for call in 0.. {
            let scene = Scene::new(memory::stage());
            one_and_two(&scene);
            let faults = Faults::new();
            let slow = scene.stage.open(PublishMode::Off, CommitPolicy::PerSave, Some(&faults));
            faults.arm(call, fault);
            let mut work = save(slow, Save::update("skill", "one").set("slow", "saved"));
            if faults.drive(work.as_mut()).is_some() {
                break;
            }
            strikes += 1;
            scene.save(Save::update("skill", "one").set("quick", "saved"));
            scene.write("skills/one.md", &ONE.replace("Text.", "Their text."));
            scene.sync();
            faults.resume();
            faults.drive(work.as_mut()).unwrap().unwrap();
            scene.sync();
            let text = scene.file("skills/one.md").unwrap();
            for part in ["slow: saved", "quick: saved", "Their text."] {
                assert!(text.contains(part), "{fault:?} at call {call}: {part} is missing in {text}");
            }
            scene.check_rest(&scene.kb).unwrap();
        }
    }
    assert!(strikes > 4, "only {strikes} stops");
}

#[test]
fn a_force_push_that_leaves_a_part_of_an_unacknowledged_chain_is_understood() {
    let died_after_advancing = |call| {
        let scene = Scene::new(memory::stage());
        one_and_two(&scene);
        scene.save(Save::update("skill", "one").set("active", false));
        scene.save(Save::update("skill", "two").set("active", false));
        let faults = Faults::new();
        let dying = scene.stage.open(PublishMode::Off, CommitPolicy::PerSave, Some(&faults));
        faults.arm(call, Fault::StopAfter);
        drop(faults.drive(sync(dying.clone()).as_mut()));
        scene.stage.kill(&dying);
        (faults.struck() == Some("advance")).then_some(scene)
    };
    let scene = (0..100).find_map(died_after_advancing).expect("it moves the branch");
    let tip = run(scene.stage.git.head()).unwrap().unwrap();
    let first = run(scene.stage.git.commit(&tip)).unwrap().parents[0].clone();
    scene.save(Save::update("skill", "one").set("active", "later"));
    scene.stage.force(Some(&first));
    scene.sync();
    assert!(run(scene.kb.conflicts()).unwrap().is_empty());
    assert!(scene.file("skills/one.md").unwrap().contains("active: later\n"));
    assert!(scene.file("skills/two.md").unwrap().contains("active: false\n"));
    scene.check_rest(&scene.kb).unwrap();
}
