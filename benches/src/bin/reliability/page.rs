//! The page: what was run, what it came to, and what none of it shows. Without a date, so that the same run makes the
//! same page.

use std::fmt::Write;
use std::process::Command;

use serde_json::Value;

use super::proofs::{Proof, Proofs};

const INTRODUCTION: &str = "\
# Reliability

No acknowledged save is ever lost, whoever else works, wherever a process dies and whatever the disk does. This page shows
what is behind that sentence. `make torture` runs all of it and writes this page anew; `make test` runs every proof in a
short form. Each is repeated with its seed. The invariants (a) to (g) are those of the [sync model](sync-model.md).
";

const PROOFS: &str = "
## The proofs

*Model*: random histories of saves, stale forms, drafts, an engineer's commits, reverts and force-pushes, renames,
deletions, synchronisations, crashes and clock jumps, each step compared with a simple model of what must be true. *Faults*:
each call of either store fails, is never answered, is overtaken, or is the last thing its process did, in turn, before and
after it had its effect. *Killed anywhere*: real processes save onto a real repository and database, are killed (SIGKILL)
after 20 to 720 ms or at a named place, and the next one goes on; every third time a new process looks at everything: the
invariants, SQLite's `integrity_check` and `foreign_key_check`, `git fsck --strict` and `git status`. Beside them an engineer
works and tidies up with the git program, and lost databases and lost repositories are made again, killed in the middle as
well. *Saved at once*: eight processes on twenty entities, from fresh and stale forms, and the engineer; then each
acknowledged save must be in git exactly once, and its text there, replaced by one save that had seen it, or in a conflict.
*Paused*: a process is stopped (SIGSTOP) in the middle, its lease runs out, another saves and synchronises, and the first goes
on.
";

const POINTS: &str = "
## Where processes were killed

At each of these places a process was ended by aim; what chance hit comes on top.
";

const DISKS: &str = "
## Bad disks

In each case a save is refused with a reason or kept, everything else is served, the error names the place and the way out,
and once the cause is gone one synchronisation brings everything into git, once.
";

const SABOTAGE: &str = "
## Whether the proofs can see

A proof that cannot fail shows nothing. Each guard is taken away in turn, and the model must miss it; and the judges of the
processes must tell a lost save, a silent revert, a doubled operation and a stale acknowledgement that were put into an
otherwise good story (`tests/processes/judge_sees.rs`).
";

const NOT_PROVED: &str = "
## What is not proved

- **Power cuts.** A kill takes the process and leaves what it wrote with the operating system. What must be on the disk is
  flushed before anything rests on it (objects and folders before the branch moves, SQLite with `synchronous=FULL`), but no
  test here takes the power, and a disk that lies about flushing defeats everybody.
- **Somebody else's damage to the database.** A database file that is deleted or put back from yesterday is filled from git
  again; saves that were in it alone are gone with it. So are those in a `-wal` file that is deleted while nobody has the
  database open after a crash.
- **Network file systems, Windows and macOS.** The runs are on Linux and local file systems.
- **Histories that nobody thought of.** Random ones find what their steps can express.
";

/// The whole page.
pub(crate) fn page(proofs: &Proofs) -> String {
    let mut text = INTRODUCTION.to_owned();
    totals(&mut text, proofs);
    text.push_str(PROOFS);
    let of_processes = |proof: &&Proof| !proof.name.starts_with("bad disk") && proof.caught.is_none();
    text.push_str("\n| proof | runs | steps or saves | acknowledged | lost | broken | seed | time |\n| --- | --: | --: | --: | --: | --: | --: | --: |\n");
    for proof in proofs.all.iter().filter(of_processes) {
        let Proof { name, what, runs, steps, seed, acknowledged, lost, broken, seconds, .. } = proof;
        let runs = format!("{} {}", count(*runs), if what == "steps" { "histories" } else { what });
        let (steps, acknowledged) = (count(*steps), count(*acknowledged));
        let _ = writeln!(text, "| {name} | {runs} | {steps} | {acknowledged} | {lost} | {broken} | {seed} | {seconds:.0} s |");
    }
    at_once(&mut text, proofs);
    paused(&mut text, proofs);
    points(&mut text, proofs);
    text.push_str(DISKS);
    text.push_str("\n| what is wrong | held |\n| --- | --- |\n");
    for proof in proofs.named("bad disk: ") {
        let held = if proof.runs > 0 { "yes" } else { "**did not run**" };
        let _ = writeln!(text, "| {} | {held} |", proof.name.trim_start_matches("bad disk: "));
    }
    text.push_str(SABOTAGE);
    text.push_str("\n| taken away | missed | after histories | seen as |\n| --- | --- | --: | --- |\n");
    for proof in proofs.named("sabotage ") {
        let missed = if proof.caught == Some(true) { "yes" } else { "**no**" };
        let by = proof.by.as_deref().unwrap_or_default().replace('|', "\\|");
        let name = proof.name.trim_start_matches("sabotage over ");
        let _ = writeln!(text, "| {name} | {missed} | {} | {by} |", proof.after_histories);
    }
    text.push_str(NOT_PROVED);
    text
}

fn totals(text: &mut String, proofs: &Proofs) {
    let sum = |of: fn(&Proof) -> u64| -> u64 { proofs.all.iter().filter(|proof| proof.caught.is_none()).map(of).sum() };
    let _ = writeln!(
        text,
        "\n**{} acknowledged saves, {} kills, by chance and at {} named places, {} steps of the model: {} saves lost, {} invariants broken.**",
        count(sum(|proof| proof.acknowledged)),
        count(proofs.kills()),
        proofs.points().len(),
        count(proofs.steps()),
        sum(|proof| proof.lost),
        sum(|proof| proof.broken),
    );
    let source = env!("CARGO_MANIFEST_DIR");
    let told = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().map(|output| output.stdout).unwrap_or_default();
        String::from_utf8_lossy(&output).trim().to_owned()
    };
    let changed = if told("git", &["-C", source, "status", "--porcelain"]).is_empty() { "" } else { "+" };
    let commit = told("git", &["-C", source, "rev-parse", "--short", "HEAD"]);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let _ = writeln!(
        text,
        "\nlorebase {}, commit {commit}{changed}, {}, {}, {cores} cores, {} {}.",
        env!("CARGO_PKG_VERSION"),
        told("git", &["--version"]),
        told("rustc", &["--version"]).split(" (").next().unwrap_or_default(),
        std::env::consts::OS,
        std::env::consts::ARCH,
    );
}

fn at_once(text: &mut String, proofs: &Proofs) {
    text.push_str(
        "\n| saved at once | processes | for | saves | a second | tried again | refused | conflicts, decided | median | longest |\n\
         | --- | --: | --: | --: | --: | --: | --: | --: | --: | --: |\n",
    );
    for proof in proofs.named("saved at once: ") {
        let of = |name: &str| number(&proof.details[name]);
        let _ = writeln!(
            text,
            "| {} | {} | {} s | {} | {} | {} | {} | {}, {} | {} ms | {} ms |",
            proof.name.trim_start_matches("saved at once: "),
            of("processes"),
            of("forSeconds"),
            count(proof.acknowledged),
            of("perSecond"),
            of("retries"),
            of("refused"),
            of("conflicts"),
            of("decided"),
            of("medianMs"),
            of("longestMs"),
        );
    }
}

fn paused(text: &mut String, proofs: &Proofs) {
    text.push_str("\n| paused past the lease | places | pauses | others committed meanwhile | stale acknowledgements |\n| --- | --: | --: | --: | --: |\n");
    for proof in proofs.named("paused past the lease: ") {
        let of = |name: &str| number(&proof.details[name]);
        let name = proof.name.trim_start_matches("paused past the lease: ");
        let _ = writeln!(text, "| {name} | {} | {} | {} | {} |", of("places"), proof.runs, of("takenOver"), of("staleAcknowledgements"));
    }
    text.push_str("\nThe others were held up where the paused process held git's or SQLite's own lock, and lost nothing by it.\n");
}

fn points(text: &mut String, proofs: &Proofs) {
    text.push_str(POINTS);
    text.push_str("\n| place | what is true there | kills |\n| --- | --- | --: |\n");
    for (name, (what, kills)) in proofs.points() {
        let _ = writeln!(text, "| `{name}` | {what} | {kills} |");
    }
    for proof in proofs.named("killed anywhere: ") {
        let chance = proof.details["byChance"].as_object().into_iter().flatten();
        let chance: Vec<String> = chance.map(|(step, kills)| format!("{step} {}", number(kills))).collect();
        let _ = writeln!(
            text,
            "\nBy chance, in the last step that had begun ({}): {}. {} looks; the slowest first synchronisation after a kill took {} ms.",
            proof.name.trim_start_matches("killed anywhere: "),
            chance.join(", "),
            number(&proof.details["looks"]),
            number(&proof.details["slowestRecoveryMs"]),
        );
    }
}

fn number(value: &Value) -> String {
    value.as_u64().map_or_else(|| "?".to_owned(), count)
}

/// With a comma between thousands.
fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut told = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            told.push(',');
        }
        told.push(digit);
    }
    told
}
