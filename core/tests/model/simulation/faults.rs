//! Every call of the stores going wrong in turn, in every way: it fails, its process dies, its caller waits no longer,
//! or it hangs until somebody else has done the work and then goes on. Afterwards nothing that was acknowledged is
//! missing, nothing is there twice, and both sides are equal.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

use lorebase::conformance::fault::{Fault, Faults};
use lorebase::sync::CommitPolicy;
use lorebase::{ErrorKind, KnowledgeBase, PublishMode};
use serde_json::{Map, json};

use super::report;
use super::scene::{Act, Scene};
use super::stage::{Stage, run};

/// Something to do, at each of whose calls something goes wrong.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) publish: PublishMode,
    pub(crate) policy: CommitPolicy,
    pub(crate) begin: fn(&Scene),
    pub(crate) act: fn(KnowledgeBase) -> Act,
    /// What another process does then, so that everything comes to rest.
    pub(crate) again: fn(KnowledgeBase) -> Act,
    /// Whether the act is done. It must be when it was acknowledged, and may be when it was not.
    pub(crate) done: fn(&Scene) -> bool,
    /// What holds whether it is done or not.
    pub(crate) always: fn(&Scene),
}

/// In what way a call goes wrong, and what becomes of the one that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Fails,
    Dies,
    /// The call never returns; its caller gives up, and the process lives on.
    Abandoned,
    /// The call hangs until the lease has passed and another one has done the work; then it goes on.
    Overtaken,
}

const WAYS: [(Way, Fault); 10] = [
    (Way::Fails, Fault::ErrorBefore(ErrorKind::Unavailable)),
    (Way::Fails, Fault::ErrorAfter(ErrorKind::Unavailable)),
    (Way::Fails, Fault::ErrorBefore(ErrorKind::Busy)),
    (Way::Fails, Fault::ErrorAfter(ErrorKind::Busy)),
    (Way::Dies, Fault::StopBefore),
    (Way::Dies, Fault::StopAfter),
    (Way::Abandoned, Fault::StopBefore),
    (Way::Abandoned, Fault::StopAfter),
    (Way::Overtaken, Fault::StopBefore),
    (Way::Overtaken, Fault::StopAfter),
];

/// Runs the scenarios with something going wrong, in every way at every call or, with a `stride`, in every so manyth of
/// these cases, and tells how often it did.
pub(crate) fn every_call(name: &str, stage: fn() -> Stage, scenarios: &[Scenario], stride: usize) {
    let begun = Instant::now();
    let mut tally = Tally::default();
    let mut details = Map::new();
    let failed = scenarios.iter().find_map(|scenario| {
        let before = tally.strikes;
        let failed = all_ways(stage, scenario, stride, &mut tally).err();
        details.insert(scenario.name.to_owned(), (tally.strikes - before).into());
        failed
    });
    report::tell(&json!({
        "proof": name, "what": "strikes", "runs": tally.strikes, "steps": tally.strikes, "seed": 0, "acknowledged": tally.acknowledged,
        "lost": 0, "broken": u8::from(failed.is_some()), "seconds": begun.elapsed().as_secs(), "details": details,
    }));
    if let Some(cause) = failed {
        resume_unwind(cause);
    }
    let least = (60 * scenarios.len() / stride) as u64;
    assert!(tally.strikes >= least, "only {} faults struck", tally.strikes);
}

#[derive(Default)]
struct Tally {
    strikes: u64,
    acknowledged: u64,
}

fn all_ways(stage: fn() -> Stage, scenario: &Scenario, stride: usize, tally: &mut Tally) -> std::thread::Result<()> {
    let calls = calls(stage, scenario);
    for number in (0..calls * WAYS.len()).step_by(stride) {
        let ((way, fault), call) = (WAYS[number % WAYS.len()], number / WAYS.len());
        match catch_unwind(AssertUnwindSafe(|| once(stage, scenario, way, fault, call as u64))) {
            Ok(Some(acknowledged)) => {
                tally.strikes += 1;
                tally.acknowledged += u64::from(acknowledged);
            }
            Ok(None) => {}
            Err(cause) => {
                eprintln!("{}: {way:?}, {fault:?} at call {call}", scenario.name);
                return Err(cause);
            }
        }
    }
    Ok(())
}

/// How many calls the act makes when nothing goes wrong.
fn calls(stage: fn() -> Stage, scenario: &Scenario) -> usize {
    let scene = Scene::new(stage());
    (scenario.begin)(&scene);
    let faults = Faults::new();
    let kb = scene.stage.open(scenario.publish, scenario.policy, Some(&faults));
    faults.disarm();
    run((scenario.act)(kb)).unwrap();
    usize::try_from(faults.calls()).unwrap()
}

/// Whether the act was acknowledged; `None` when it makes fewer calls.
fn once(stage: fn() -> Stage, scenario: &Scenario, way: Way, fault: Fault, call: u64) -> Option<bool> {
    let scene = Scene::new(stage());
    (scenario.begin)(&scene);
    let faults = Faults::new();
    let kb = scene.stage.open(scenario.publish, scenario.policy, Some(&faults));
    faults.arm(call, fault);
    let mut work = (scenario.act)(kb.clone());
    let mut answer = faults.drive(work.as_mut());
    let struck = faults.struck()?;
    let next = match way {
        Way::Fails => kb,
        Way::Abandoned => {
            drop(work);
            kb
        }
        Way::Dies => {
            drop(work);
            scene.stage.kill(&kb);
            scene.another()
        }
        Way::Overtaken => {
            scene.stage.clock.advance(Duration::from_mins(5));
            let other = scene.another();
            run((scenario.again)(other.clone())).unwrap();
            faults.resume();
            answer = faults.drive(work.as_mut());
            let told = answer.as_ref().expect("nothing holds it any more");
            assert!(told.as_ref().map_or_else(|error| error.kind() == ErrorKind::Busy, |()| true), "at `{struck}`: {told:?}");
            other
        }
    };
    faults.disarm();
    scene.stage.clock.advance(Duration::from_secs(1));
    run((scenario.again)(next.clone())).unwrap();
    scene.check_rest(&next).unwrap();
    (scenario.always)(&scene);
    let acknowledged = matches!(answer, Some(Ok(())));
    assert!(!acknowledged || (scenario.done)(&scene), "what was acknowledged is missing, after `{struck}` went wrong");
    Some(acknowledged)
}
