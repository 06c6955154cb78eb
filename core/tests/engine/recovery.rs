//! Dying and failing at every single call of the stores: after a restart nothing that was acknowledged is missing,
//! nothing is there twice, and both sides are equal.

use std::pin::Pin;
use std::time::Duration;

use lorebase::conformance::fault::{Fault, Faults};
use lorebase::knowledge::Status;
use lorebase::store::{GitStore, View};
use lorebase::sync::{Save, SyncOptions};
use lorebase::{Delete, ErrorKind, KnowledgeBase, PublishMode, Result};

use crate::invariants::assert_at_rest;
use crate::world::{World, ada, poll_once, put, remove, run};

const ONE: &str = "---\nid: one\ntitle: One # as it is\nactive: true\n---\nText.\n";
const TWO: &str = "---\nid: two\ntitle: Two\n---\nOther text.\n";
const JSON: &str = "{\n  \"a\": {\"name\": \"A\",   \"color\": \"red\"},\n  \"b\": {\"name\": \"B\"}\n}\n";

const FAULTS: [Fault; 6] = [
    Fault::StopBefore,
    Fault::StopAfter,
    Fault::ErrorBefore(ErrorKind::Unavailable),
    Fault::ErrorAfter(ErrorKind::Unavailable),
    Fault::ErrorBefore(ErrorKind::Busy),
    Fault::ErrorAfter(ErrorKind::Busy),
];

type Act = Pin<Box<dyn Future<Output = Result<()>>>>;

struct Scenario {
    publish: PublishMode,
    begin: fn(&World),
    act: fn(KnowledgeBase) -> Act,
    /// Whether the act is done. It must be when it was acknowledged, and may be when it was not.
    done: fn(&World) -> bool,
    /// What holds whether it is done or not.
    always: fn(&World),
}

/// Runs the scenario once for every call that it makes and every way in which that call can go wrong.
fn every_call(scenario: &Scenario) {
    let mut strikes = 0;
    for fault in FAULTS {
        for call in 0.. {
            let world = World::with(PublishMode::Off);
            (scenario.begin)(&world);
            let faults = Faults::new();
            let kb = world.faulty(scenario.publish, &faults);
            faults.arm(call, fault);
            let answer = poll_once((scenario.act)(kb.clone()).as_mut());
            let Some(struck) = faults.struck() else { break };
            strikes += 1;
            faults.disarm();
            let restarted = if answer.is_none() {
                world.kill(&kb);
                world.another(PublishMode::Off)
            } else {
                kb.clone()
            };
            world.clock.advance(Duration::from_secs(1));
            let case = format!("{fault:?} at call {call} (`{struck}`), which was answered {answer:?}");
            run(restarted.sync(SyncOptions::default())).unwrap_or_else(|error| panic!("{case}: {error}"));
            let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                assert_at_rest(&world, &restarted);
                (scenario.always)(&world);
                let done = (scenario.done)(&world);
                assert!(done || !matches!(answer, Some(Ok(()))), "what was acknowledged is missing");
            }));
            if let Err(cause) = checked {
                eprintln!("{case}");
                std::panic::resume_unwind(cause);
            }
        }
    }
    assert!(strikes >= 4 * FAULTS.len(), "only {strikes} faults struck");
}

fn save(kb: KnowledgeBase, save: Save) -> Act {
    Box::pin(async move { kb.save(save.author(ada())).await.map(drop) })
}

fn sync(kb: KnowledgeBase) -> Act {
    Box::pin(async move { kb.sync(SyncOptions::default()).await.map(drop) })
}

fn one_and_two(world: &World) {
    world.push(&[put("skills/one.md", ONE), put("skills/two.md", TWO)]);
    world.sync();
}

fn two_is_untouched(world: &World) {
    assert_eq!(world.file("skills/two.md").unwrap(), TWO);
}

fn nothing(_: &World) {}

#[test]
fn creating_an_entity() {
    every_call(&Scenario {
        publish: PublishMode::Inline,
        begin: one_and_two,
        act: |kb| save(kb, Save::create("skill").title("New").body("new\n")),
        done: |world| world.file("skills/new.md").is_some_and(|text| text.ends_with("---\nnew\n")),
        always: two_is_untouched,
    });
}

#[test]
fn the_first_commit_of_an_unborn_branch() {
    every_call(&Scenario {
        publish: PublishMode::Inline,
        begin: nothing,
        act: |kb| save(kb, Save::create("skill").title("New").body("new\n")),
        done: |world| world.file("skills/new.md").is_some(),
        always: |world| assert!(world.commits() <= 1),
    });
}

#[test]
fn editing_a_field() {
    every_call(&Scenario {
        publish: PublishMode::Inline,
        begin: one_and_two,
        act: |kb| save(kb, Save::update("skill", "one").set("active", false)),
        done: |world| world.file("skills/one.md").unwrap() == ONE.replace("true", "false"),
        always: |world| {
            two_is_untouched(world);
            assert!(world.file("skills/one.md").unwrap().contains("One # as it is\n"));
        },
    });
}

#[test]
fn renaming() {
    every_call(&Scenario {
        publish: PublishMode::Inline,
        begin: one_and_two,
        act: |kb| save(kb, Save::update("skill", "one").title("Uno")),
        done: |world| world.file("skills/one.md").is_none() && world.file("skills/uno.md").is_some(),
        always: |world| assert!(world.file("skills/one.md").is_some() != world.file("skills/uno.md").is_some()),
    });
}

#[test]
fn renaming_a_document_whose_id_follows_its_place_onto_the_place_of_a_deleted_one() {
    every_call(&Scenario {
        publish: PublishMode::Inline,
        begin: |world| {
            world.push(&[put("documents/a.md", "# Text\n"), put("documents/b.md", "# Other\n")]);
            world.sync();
            run(world.kb.delete(Delete::new("document", "b"))).unwrap();
            world.sync();
        },
        act: |kb| save(kb, Save::update("document", "a").rename("b")),
        done: |world| world.file("documents/b.md").is_some_and(|text| text == "# Text\n"),
        always: |world| assert_eq!(world.file("documents/a.md").is_some(), world.file("documents/b.md").is_none()),
    });
}

#[test]
fn deleting() {
    every_call(&Scenario {
        publish: PublishMode::Inline,
        begin: one_and_two,
        act: |kb| Box::pin(async move { kb.delete(Delete::new("skill", "one")).await.map(drop) }),
        done: |world| world.file("skills/one.md").is_none() && world.get("skill", "one").is_none(),
        always: two_is_untouched,
    });
}

#[test]
fn archiving() {
    every_call(&Scenario {
        publish: PublishMode::Inline,
        begin: one_and_two,
        act: |kb| save(kb, Save::update("skill", "one").status(Status::Archived)),
        done: |world| world.file("skills/one.md").is_none(),
        always: |world| assert_eq!(world.working("skill", "one").unwrap().body, "Text.\n"),
    });
}

#[test]
fn publishing_a_draft() {
    every_call(&Scenario {
        publish: PublishMode::Inline,
        begin: |world| {
            one_and_two(world);
            world.save(Save::update("skill", "one").set("active", false).status(Status::Draft));
        },
        act: |kb| save(kb, Save::update("skill", "one").status(Status::Published)),
        done: |world| world.file("skills/one.md").unwrap().contains("active: false\n"),
        always: |world| assert_eq!(world.working("skill", "one").unwrap().fields["active"], false),
    });
}

#[test]
fn editing_one_entry_of_a_json_file() {
    every_call(&Scenario {
        publish: PublishMode::Inline,
        begin: |world| {
            world.write("categories/metadata.json", JSON);
            world.sync();
        },
        act: |kb| save(kb, Save::update("category", "b").set("name", "Bee")),
        done: |world| world.file("categories/metadata.json").unwrap() == JSON.replace("\"B\"", "\"Bee\""),
        always: |world| assert!(world.file("categories/metadata.json").unwrap().contains("{\"name\": \"A\",   \"color\": \"red\"}")),
    });
}

#[test]
fn adding_and_removing_entries_of_a_json_file_in_one_chain() {
    every_call(&Scenario {
        publish: PublishMode::Off,
        begin: |world| {
            world.write("categories/metadata.json", JSON);
            world.sync();
            world.save(Save::create("category").slug("c").title("C"));
            run(world.kb.delete(Delete::new("category", "a"))).unwrap();
            world.save(Save::update("category", "b").set("color", "blue"));
        },
        act: sync,
        done: |world| world.get("category", "c").is_some() && world.get("category", "a").is_none(),
        always: |world| {
            let text = world.file("categories/metadata.json").unwrap();
            assert!(text.contains("\"c\"") && !text.contains("\"a\"") && text.contains("blue"), "{text}");
        },
    });
}

#[test]
fn taking_in_a_push_that_swaps_moves_and_deletes() {
    every_call(&Scenario {
        publish: PublishMode::Off,
        begin: |world| {
            one_and_two(world);
            world.push(&[put("skills/three.md", "---\nid: three\ntitle: Three\n---\n"), put("documents/a.md", "# Text\n")]);
            world.sync();
            world.push(&[
                put("skills/one.md", TWO),
                put("skills/two.md", ONE),
                remove("skills/three.md"),
                remove("documents/a.md"),
                put("documents/b.md", "# Text\n"),
            ]);
        },
        act: sync,
        done: |world| world.get("skill", "one").unwrap().id.as_str() == "two",
        always: |world| {
            assert_eq!(world.get("skill", "two").unwrap().id.as_str(), "one");
            assert!(world.get("skill", "three").is_none() && world.get("document", "b").is_some());
        },
    });
}

#[test]
fn both_sides_at_once() {
    every_call(&Scenario {
        publish: PublishMode::Off,
        begin: |world| {
            one_and_two(world);
            world.save(Save::update("skill", "one").set("active", false));
            world.save(Save::update("skill", "two").title("Deux"));
            world.push(&[put("skills/one.md", &ONE.replace("Text.", "Their text.")), put("skills/two.md", &TWO.replace("Two", "Zwei"))]);
        },
        act: sync,
        done: |_| true,
        always: |world| {
            let merged = ONE.replace("Text.", "Their text.").replace("true", "false");
            assert_eq!(world.file("skills/one.md").unwrap(), merged);
            let conflicts = run(world.kb.conflicts()).unwrap();
            assert_eq!((conflicts.len(), conflicts[0].cache.as_ref().unwrap().fields["title"].as_str()), (1, Some("Deux")));
        },
    });
}

#[test]
fn five_entities_waiting_together() {
    every_call(&Scenario {
        publish: PublishMode::Off,
        begin: |world| {
            one_and_two(world);
            for name in ["Three", "Four", "Five"] {
                world.save(Save::create("skill").title(name));
            }
            world.save(Save::update("skill", "one").body("Edited.\n").based_on_current());
            run(world.kb.delete(Delete::new("skill", "two"))).unwrap();
        },
        act: sync,
        done: |_| true,
        always: |world| {
            assert_eq!(world.commits(), 6);
            assert!(world.file("skills/two.md").is_none() && world.file("skills/one.md").unwrap().ends_with("Edited.\n"));
        },
    });
}

/// Stops an engine at every call of its synchronisation, lets another one do all the work, and lets the first go on.
fn stalled(begin: impl Fn(&World), meanwhile: impl Fn(&World, &KnowledgeBase), check: impl Fn(&World)) {
    let mut strikes = 0;
    for fault in [Fault::StopBefore, Fault::StopAfter] {
        for call in 0.. {
            let world = World::with(PublishMode::Off);
            begin(&world);
            let faults = Faults::new();
            let slow = world.faulty(PublishMode::Off, &faults);
            faults.arm(call, fault);
            let mut work = sync(slow.clone());
            if poll_once(work.as_mut()).is_some() {
                break;
            }
            strikes += 1;
            let case = format!("{fault:?} at call {call} (`{}`)", faults.struck().unwrap());
            world.clock.advance(Duration::from_mins(5));
            let other = world.another(PublishMode::Off);
            let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                meanwhile(&world, &other);
                faults.resume();
                let answer = poll_once(work.as_mut()).expect("nothing holds it any more");
                if let Err(error) = answer {
                    assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
                }
                run(other.sync(SyncOptions::default())).unwrap();
                assert_at_rest(&world, &other);
                check(&world);
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
        |world| {
            one_and_two(world);
            world.save(Save::update("skill", "one").set("active", false));
        },
        |world, other| {
            run(other.sync(SyncOptions::default())).unwrap();
            run(other.save(Save::update("skill", "one").set("active", "again"))).unwrap();
            world.write("skills/two.md", &TWO.replace("Two", "Deux"));
            run(other.sync(SyncOptions::default())).unwrap();
        },
        |world| {
            assert!(world.file("skills/one.md").unwrap().contains("active: again\n"));
            assert_eq!(world.get("skill", "two").unwrap().title, "Deux");
        },
    );
}

#[test]
fn a_deletion_of_what_an_owner_without_lease_is_committing_is_not_forgotten() {
    stalled(
        |world| {
            one_and_two(world);
            world.save(Save::create("skill").title("New"));
        },
        |_, other| {
            run(other.delete(Delete::new("skill", "new"))).unwrap();
            run(other.sync(SyncOptions::default())).unwrap();
        },
        |world| {
            world.clock.advance(Duration::from_hours(1));
            world.sync();
            assert!(world.file("skills/new.md").is_none() && world.get("skill", "new").is_none());
        },
    );
}

#[test]
fn a_place_that_was_given_up_and_taken_while_its_commit_was_on_the_way_is_settled() {
    let accepted = std::cell::Cell::new(0);
    stalled(
        |world| {
            one_and_two(world);
            world.save(Save::create("skill").id("new").title("New"));
        },
        |_, other| {
            run(other.save(Save::update("skill", "new").rename("moved"))).unwrap();
            match run(other.save(Save::create("skill").id("second").title("New").body("second\n"))) {
                Ok(_) => accepted.set(accepted.get() + 1),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error}"),
            }
        },
        |world| {
            let second = run(world.kb.get_view("skill", "@second", View::Working)).unwrap();
            let first = run(world.kb.get_view("skill", "@new", View::Working)).unwrap().unwrap();
            assert_eq!(first.slug.as_str(), "moved");
            assert!(second.is_none_or(|second| second.body == "second\n"));
        },
    );
    assert!(accepted.get() > 20, "accepted only {} times", accepted.get());
}

#[test]
fn what_is_saved_onto_an_archived_entity_while_its_removal_is_on_the_way_is_kept() {
    stalled(
        |world| {
            one_and_two(world);
            world.save(Save::update("skill", "one").status(Status::Archived));
        },
        |_, other| {
            run(other.save(Save::update("skill", "one").set("note", "later"))).unwrap();
        },
        |world| {
            assert!(world.file("skills/one.md").is_none());
            assert_eq!(world.working("skill", "one").unwrap().fields["note"], "later");
        },
    );
}

#[test]
fn a_save_that_takes_back_what_an_owner_without_lease_is_committing_wins() {
    stalled(
        |world| {
            one_and_two(world);
            world.save(Save::update("skill", "one").set("active", false));
        },
        |_, other| {
            run(other.save(Save::update("skill", "one").set("active", true))).unwrap();
            run(other.sync(SyncOptions::default())).unwrap();
        },
        |world| assert_eq!(world.file("skills/one.md").unwrap(), ONE),
    );
}

#[test]
fn a_save_that_stalls_between_reading_and_writing_reverts_nobody() {
    let mut strikes = 0;
    for fault in [Fault::StopBefore, Fault::StopAfter] {
        for call in 0.. {
            let world = World::with(PublishMode::Off);
            one_and_two(&world);
            let faults = Faults::new();
            let slow = world.faulty(PublishMode::Off, &faults);
            faults.arm(call, fault);
            let mut work = save(slow, Save::update("skill", "one").set("slow", "saved"));
            if poll_once(work.as_mut()).is_some() {
                break;
            }
            strikes += 1;
            world.save(Save::update("skill", "one").set("quick", "saved"));
            world.write("skills/one.md", &ONE.replace("Text.", "Their text."));
            world.sync();
            faults.resume();
            poll_once(work.as_mut()).unwrap().unwrap();
            world.sync();
            let text = world.file("skills/one.md").unwrap();
            for part in ["slow: saved", "quick: saved", "Their text."] {
                assert!(text.contains(part), "{fault:?} at call {call}: {part} is missing in {text}");
            }
            assert_at_rest(&world, &world.kb);
        }
    }
    assert!(strikes > 4, "only {strikes} stops");
}

#[test]
fn a_force_push_that_leaves_a_part_of_an_unacknowledged_chain_is_understood() {
    let died_after_advancing = |call| {
        let world = World::with(PublishMode::Off);
        one_and_two(&world);
        world.save(Save::update("skill", "one").set("active", false));
        world.save(Save::update("skill", "two").set("active", false));
        let faults = Faults::new();
        let dying = world.faulty(PublishMode::Off, &faults);
        faults.arm(call, Fault::StopAfter);
        drop(poll_once(sync(dying.clone()).as_mut()));
        world.kill(&dying);
        (faults.struck() == Some("advance")).then_some(world)
    };
    let world = (0..100).find_map(died_after_advancing).expect("it moves the branch");
    let tip = run(world.git.head()).unwrap().unwrap();
    let first = run(world.git.commit(&tip)).unwrap().parents[0].clone();
    world.save(Save::update("skill", "one").set("active", "later"));
    world.git.force(Some(&first)).unwrap();
    world.sync();
    assert!(run(world.kb.conflicts()).unwrap().is_empty());
    assert!(world.file("skills/one.md").unwrap().contains("active: later\n"));
    assert!(world.file("skills/two.md").unwrap().contains("active: false\n"));
    assert_at_rest(&world, &world.kb);
}
