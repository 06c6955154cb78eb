//! Measures the main job beside what people use today, and writes `benches/RESULTS.md`. `--help` says how.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command speaks to its user")]

mod args;
mod race;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use args::Args;
use lorebase::clock::Clock;
use lorebase_backends::clock::SystemClock;
use lorebase_benches::entities::{Generator, Mix};
use lorebase_benches::repository::Packing;
use lorebase_benches::{Outcome, repository};
use race::figures::Figures;
use race::jobs::Track;
use race::peers::Peers;
use race::results::{Race, Results};
use race::side::Side;
use race::targets::Sizes;
use race::world::World;
use race::{job, limits, machine, ours, report};
use tokio::runtime::Runtime;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The size at which every job is done and checked before anything is timed, and the smallest repository of the targets.
const SMALL: usize = 1_000;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = match words.split_first() {
        Some((first, _)) if first == "--help" || first == "-h" => {
            print!("{}", args::USAGE);
            Ok(())
        }
        Some((first, rest)) if first == "side" => side(rest.first().map_or("", String::as_str)),
        _ => args::parse(words.iter().cloned()).and_then(|args| if args.generate { generate(&args) } else { measure(&args, &words) }),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lorebase-benches: {error}");
            ExitCode::FAILURE
        }
    }
}

fn runtime() -> Outcome<Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().build()?)
}

fn today() -> String {
    SystemClock.now().to_string().chars().take(10).collect()
}

/// The library's side of one job.
fn side(text: &str) -> Outcome<()> {
    let job: job::Job = serde_json::from_str(text)?;
    println!("{}", serde_json::to_string(&runtime()?.block_on(ours::answer(&job))?)?);
    Ok(())
}

fn generate(args: &Args) -> Outcome<()> {
    let out = args.out.clone().ok_or("say where to: --out FOLDER")?;
    let generator = Generator::new(args.seed, Mix::All);
    let repo = out.join("knowledge.git");
    if repo.exists() {
        return Err(format!("`{}` is there already; name another folder", repo.display()).into());
    }
    repository::create(&repo)?;
    let commit = repository::commit(&repo, 0, generator.entities(args.size))?;
    repository::write_rows(&out.join("rows.jsonl"), generator.entities(args.size))?;
    println!("{} entities, commit {commit}", args.size);
    Ok(())
}

/// The folder that cargo builds into.
fn target() -> Outcome<PathBuf> {
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(2).ok_or("the program stands outside of a target folder")?;
    Ok(target.to_owned())
}

fn measure(args: &Args, words: &[String]) -> Outcome<()> {
    if cfg!(debug_assertions) && !args.short {
        return Err("this is a debug build; measure with `cargo run --release -p lorebase-benches`".into());
    }
    if let Some(missing) = args.corpus.as_deref().filter(|corpus| !corpus.is_dir()) {
        return Err(format!("there is no folder `{}`; name one with Markdown files: --corpus FOLDER", missing.display()).into());
    }
    let target = target()?;
    let peers = Peers::install(&target)?;
    let work = target.join("race").join(std::process::id().to_string());
    let runtime = runtime()?;
    let before = machine::load();
    let mut track = Track { peers: &peers, runtime: &runtime, runs: args.runs, versions: std::collections::BTreeMap::new() };
    let mut results = Results::default();
    rehearse(&mut track, &work.join("rehearsal"), args, &mut results)?;
    race(&mut track, &work, args, &mut results)?;
    if args.wants("large") {
        large(&mut track, &work.join("large"), args, &mut results)?;
    }
    if args.wants("codec") {
        codec(&mut track, &work.join("codec"), args, &mut results)?;
    }
    if args.wants("limits") {
        results.limits = limits::measure(&work, args.seed, args.size, args.runs, &peers)?;
    }
    let mut versions = track.versions;
    versions.insert("git".to_owned(), machine::git_version()?);
    versions.insert("rustc".to_owned(), machine::compiler());
    versions.insert("lorebase".to_owned(), format!("{} at commit {}", env!("CARGO_PKG_VERSION"), machine::commit()));
    let notes = report::Notes {
        command: ["cargo run --release -p lorebase-benches --"]
            .into_iter()
            .chain(words.iter().map(String::as_str))
            .collect::<Vec<_>>()
            .join(" "),
        date: today(),
        seed: args.seed,
        machine: machine::processor(),
        load: (before, machine::load()),
        versions,
    };
    let sizes = Sizes { small: SMALL, main: args.size, large: args.large, each: args.each };
    let page = report::page(&results, sizes, &notes);
    println!("{page}");
    let complete = args.only.is_empty() && !args.short;
    let default = complete.then(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("RESULTS.md"));
    if let Some(file) = args.out.clone().or(default) {
        std::fs::write(&file, page)?;
        eprintln!("written to {}", file.display());
    }
    if !args.keep {
        // Last, because some file systems take longer to remove files than the whole race took.
        eprintln!("removing {}", work.display());
        std::fs::remove_dir_all(&work)?;
    }
    Ok(())
}

/// The sides of each race.
fn sides(race: Race) -> &'static [Side] {
    match race {
        Race::Initial => &[Side::Ours, Side::OursWithoutIndex, Side::Batched, Side::Rows, Side::Python],
        Race::Chains => &[Side::Ours, Side::OursWithoutIndex, Side::Batched, Side::Python],
        Race::Noop | Race::Small => &[Side::Ours, Side::Batched, Side::Rows, Side::Python],
        Race::Cost => &[Side::Ours, Side::Plain],
        Race::ExportOne => &[Side::Ours, Side::OursCheckout, Side::Batched, Side::BatchedFlush, Side::Python],
        Race::Save | Race::ExportEach => &[Side::Ours, Side::OursCheckout, Side::Batched, Side::Python],
        Race::Decode | Race::DecodeCorpus => &[],
    }
}

/// All jobs that are asked for, once, with few entities: whether all sides do the same work. Also gives the figures of
/// the smallest repository.
fn rehearse(track: &mut Track<'_>, folder: &Path, args: &Args, results: &mut Results) -> Outcome<()> {
    eprintln!("rehearsal with {SMALL} entities: the same work, checked and not timed");
    let runs = std::mem::replace(&mut track.runs, 1);
    let mut world = World::new(folder.to_owned(), args.seed, SMALL, true)?;
    for part in [Race::Initial, Race::Noop, Race::Small, Race::Save, Race::Cost] {
        if args.wants(name(part)) {
            run(track, &mut world, part)?;
        }
    }
    for each in [false, true] {
        let part = if each { Race::ExportEach } else { Race::ExportOne };
        if args.wants(name(part)) {
            track.export(folder, args.seed, 50, each, sides(part))?;
        }
    }
    track.runs = runs;
    if args.wants("noop") || args.wants("large") {
        results.races.insert((Race::Noop, SMALL), track.noop(&world, &[Side::Ours])?);
    }
    Ok(())
}

fn race(track: &mut Track<'_>, work: &Path, args: &Args, results: &mut Results) -> Outcome<()> {
    let synchronised = [Race::Initial, Race::Noop, Race::Small, Race::Save, Race::Cost];
    if synchronised.iter().any(|part| args.wants(name(*part))) {
        eprintln!("{} entities", args.size);
        let mut world = World::new(work.join("main"), args.seed, args.size, true)?;
        for part in synchronised.into_iter().filter(|part| args.wants(name(*part))) {
            let board = run(track, &mut world, part)?;
            results.races.insert((part, args.size), board);
        }
    }
    if args.wants("chains") {
        eprintln!("{} entities in chains of differences", args.size);
        let world = World::packed(work.join("chains"), args.seed, args.size, false, Packing::Chains)?;
        results.races.insert((Race::Chains, args.size), track.initial(&world, sides(Race::Chains), track.runs)?);
    }
    for (part, size, each) in [(Race::ExportOne, args.size, false), (Race::ExportEach, args.each, true)] {
        if args.wants(name(part)) {
            eprintln!("export of {size}");
            results.races.insert((part, size), track.export(work, args.seed, size, each, sides(part))?);
        }
    }
    Ok(())
}

fn run(track: &mut Track<'_>, world: &mut World, part: Race) -> Outcome<std::collections::BTreeMap<Side, Figures>> {
    match part {
        Race::Noop => track.noop(world, sides(part)),
        Race::Small => track.small(world, sides(part)),
        Race::Save | Race::Cost => track.save(world, sides(part)),
        _ => track.initial(world, sides(part), track.runs),
    }
}

/// The largest repository: the first synchronisation and the one that finds nothing to do.
fn large(track: &mut Track<'_>, folder: &Path, args: &Args, results: &mut Results) -> Outcome<()> {
    eprintln!("{} entities", args.large);
    let world = World::new(folder.to_owned(), args.seed, args.large, false)?;
    let sides = [Side::Ours, Side::Batched];
    results.races.insert((Race::Initial, args.large), track.initial(&world, &sides, track.runs)?);
    results.races.insert((Race::Noop, args.large), track.noop(&world, &sides)?);
    Ok(())
}

/// Frontmatter alone.
fn codec(track: &mut Track<'_>, folder: &Path, args: &Args, results: &mut Results) -> Outcome<()> {
    eprintln!("frontmatter");
    let (count, board) = track.generated(folder, args.seed)?;
    results.races.insert((Race::Decode, count), board);
    if let Some(corpus) = &args.corpus {
        let (count, board) = track.corpus(folder, corpus)?;
        results.races.insert((Race::DecodeCorpus, count), board);
    }
    Ok(())
}

fn name(part: Race) -> &'static str {
    match part {
        Race::Initial => "initial",
        Race::Chains => "chains",
        Race::Noop => "noop",
        Race::Small => "small",
        Race::Save => "save",
        Race::Cost => "cost",
        Race::ExportOne => "export-one",
        Race::ExportEach => "export-each",
        Race::Decode | Race::DecodeCorpus => "codec",
    }
}
