//! The races: every side does the same job in turn, A B C A B C, and after each turn what it left is checked.

use std::collections::BTreeMap;
use std::path::Path;

use lorebase_benches::check::{commits, each_by};
use lorebase_benches::entities::{Generator, Mix};
use lorebase_benches::{Outcome, git, repository};
use tokio::runtime::Runtime;

use super::figures::Figures;
use super::job::{Job, Target, Work};
use super::peers::Peers;
use super::side::Side;
use super::world::{Truth, Truths, World, check_files, check_rows, copy_database, remove_database};

/// The author of everything that is saved.
const AUTHOR: &str = "Ada Lovelace <ada@example.com>";
/// How often a process that finds nothing to do looks again.
const LOOKS: usize = 20;
/// How many saves a process makes.
const SAVES: usize = 20;

/// The figures of each side.
pub(crate) type Board = BTreeMap<Side, Figures>;

/// What all races share.
pub(crate) struct Track<'a> {
    pub(crate) peers: &'a Peers,
    pub(crate) runtime: &'a Runtime,
    pub(crate) runs: usize,
    pub(crate) versions: BTreeMap<String, String>,
}

impl Track<'_> {
    pub(super) fn turn(&mut self, side: Side, job: &Job, board: &mut Board) -> Outcome<()> {
        let (answer, usage) = side.run(self.peers, job)?;
        let seconds: Vec<String> = answer.seconds.iter().take(3).map(|time| super::figures::shown(*time)).collect();
        eprintln!("  {:?} {}: {}{}", job.work, side.name(), seconds.join(" "), if answer.seconds.len() > 3 { " …" } else { "" });
        self.versions.extend(answer.versions);
        board.entry(side).or_default().add(&answer.seconds, Some(usage));
        Ok(())
    }

    /// All files into an empty database. The last database of each side stays for the other jobs.
    pub(crate) fn initial(&mut self, world: &World, sides: &[Side], runs: usize) -> Outcome<Board> {
        let mut board = Board::new();
        for _ in 0..runs {
            for side in sides {
                let db = world.database(*side);
                remove_database(&db);
                self.turn(*side, &job(Work::Initial, &world.repository(*side), &db), &mut board)?;
                check_rows(self.runtime, *side, &db, &world.bare(), &world.truths)?;
            }
        }
        Ok(board)
    }

    /// The databases that other jobs begin with, where there are none yet.
    pub(crate) fn fill(&mut self, world: &World, sides: &[Side]) -> Outcome<()> {
        let missing: Vec<Side> = sides.iter().copied().filter(|side| !world.database(*side).exists()).collect();
        self.initial(world, &missing, 1).map(drop)
    }

    /// Nothing to do.
    pub(crate) fn noop(&mut self, world: &World, sides: &[Side]) -> Outcome<Board> {
        self.fill(world, sides)?;
        let mut board = Board::new();
        for _ in 0..self.runs {
            for side in sides {
                let db = world.database(*side);
                let look = Job { count: LOOKS, ..job(Work::Noop, &world.repository(*side), &db) };
                self.turn(*side, &look, &mut board)?;
            }
        }
        Ok(board)
    }

    /// One in a hundred files changed in one commit.
    pub(crate) fn small(&mut self, world: &mut World, sides: &[Side]) -> Outcome<Board> {
        self.fill(world, sides)?;
        let mut board = Board::new();
        for _ in 0..self.runs {
            world.change()?;
            for side in sides {
                let db = world.database(*side);
                self.turn(*side, &job(Work::Small, &world.repository(*side), &db), &mut board)?;
                check_rows(self.runtime, *side, &db, &world.bare(), &world.truths)?;
            }
        }
        Ok(board)
    }

    /// Saves of one field, each a commit of its own. Every side has a repository and a database to itself.
    pub(crate) fn save(&mut self, world: &World, sides: &[Side]) -> Outcome<Board> {
        let from = |side: Side| if side.is_ours() { Side::Ours } else { side };
        self.fill(world, &sides.iter().copied().map(from).collect::<Vec<_>>())?;
        let folder = world.folder.join("saves");
        std::fs::create_dir_all(&folder)?;
        let mut truths: BTreeMap<Side, Truths> = BTreeMap::new();
        for side in sides {
            clone(world, *side, &folder.join(side.key()))?;
            copy_database(&world.database(from(*side)), &folder.join(format!("{}.db", side.key())))?;
            truths.insert(*side, world.truths.clone());
        }
        let documents: Vec<Target> = world.truths.values().filter(|truth| truth.entity.kind == "document").map(target).collect();
        let mut board = Board::new();
        for run in 0..self.runs {
            let spread = documents.len() / SAVES.min(documents.len());
            let targets: Vec<Target> = documents.iter().skip(run % spread).step_by(spread).take(SAVES).cloned().collect();
            for side in sides {
                let (repo, db) = (folder.join(side.key()), folder.join(format!("{}.db", side.key())));
                let base = git::line(&repo, &["rev-parse", "main"])?;
                let value = format!("changed-{run}.pdf");
                let save = Job { targets: targets.clone(), value: value.clone(), ..job(Work::Save, &repo, &db) };
                self.turn(*side, &save, &mut board)?;
                let made = commits(&repo, Some(&base))?;
                each_by(&made, targets.len(), AUTHOR, 1).map_err(|why| format!("{}: {why}", side.name()))?;
                let truths = truths.get_mut(side).ok_or("a side without rows")?;
                let mut saved = Vec::new();
                for (target, commit) in targets.iter().zip(&made) {
                    if commit.paths != [target.path.clone()] {
                        return Err(format!(
                            "{}: commit {} must change {} and changes {:?}",
                            side.name(),
                            commit.id,
                            target.path,
                            commit.paths
                        )
                        .into());
                    }
                    let truth = truths.get_mut(&target.path).ok_or("a target that is no entity")?;
                    truth.entity.fields.insert("filename".to_owned(), value.clone().into());
                    truth.commit.clone_from(&commit.id);
                    truth.revision += 1;
                    saved.push(target.path.clone());
                }
                check_files(*side, &repo, truths, Some(&saved))?;
                check_rows(self.runtime, *side, &db, &repo, truths)?;
                if *side == Side::Plain {
                    git::run(&repo, &["fsck", "--strict", "--no-progress"])?;
                }
            }
        }
        Ok(board)
    }

    /// A table of `size` rows into an empty repository, in one commit or one commit each.
    pub(crate) fn export(&mut self, folder: &Path, seed: u64, size: usize, each: bool, sides: &[Side]) -> Outcome<Board> {
        let folder = folder.join(if each { "export-each" } else { "export-one" });
        std::fs::create_dir_all(&folder)?;
        let generator = Generator::new(seed, Mix::Documents);
        let rows = folder.join("rows.jsonl");
        repository::write_rows(&rows, generator.entities(size))?;
        let mut board = Board::new();
        for run in 0..self.runs {
            for side in sides {
                let name = format!("{}-{run}", side.key());
                let (repo, db) = (folder.join(&name), folder.join(format!("{name}.db")));
                if *side == Side::Ours {
                    repository::create(&repo)?;
                } else {
                    std::fs::create_dir_all(&repo)?;
                    git::run(&repo, &["init", "-q", "-b", "main"])?;
                    repository::settle(&repo)?;
                }
                if *side == Side::BatchedFlush {
                    git::run(&repo, &["config", "core.fsyncMethod", "batch"])?;
                }
                let export = Job { rows: Some(rows.clone()), each, ..job(Work::Export, &repo, &db) };
                self.turn(*side, &export, &mut board)?;
                let made = commits(&repo, None)?;
                let (count, paths) = if each { (size, 1) } else { (1, size) };
                each_by(&made, count, AUTHOR, paths).map_err(|why| format!("{}: {why}", side.name()))?;
                let mut truths = Truths::new();
                let by_path: BTreeMap<&str, &str> =
                    made.iter().flat_map(|commit| commit.paths.iter().map(|path| (path.as_str(), commit.id.as_str()))).collect();
                for entity in generator.entities(size) {
                    let commit =
                        (*by_path.get(entity.path.as_str()).ok_or_else(|| format!("{} was not committed", entity.path))?).to_owned();
                    truths.insert(entity.path.clone(), Truth { entity, commit, revision: 1 });
                }
                check_files(*side, &repo, &truths, None)?;
                check_rows(self.runtime, *side, &db, &repo, &truths)?;
            }
        }
        Ok(board)
    }
}

fn job(work: Work, repo: &Path, db: &Path) -> Job {
    Job {
        work,
        style: String::new(),
        repo: repo.to_owned(),
        db: db.to_owned(),
        count: 0,
        targets: Vec::new(),
        value: String::new(),
        rows: None,
        each: false,
        author: AUTHOR.to_owned(),
    }
}

/// Reads all texts of a file so many times.
pub(super) fn decode_job(texts: &Path, count: usize) -> Job {
    Job { rows: Some(texts.to_owned()), count, ..job(Work::Decode, Path::new(""), Path::new("")) }
}

fn target(truth: &Truth) -> Target {
    let entity = &truth.entity;
    Target { kind: entity.kind.to_owned(), id: entity.id.clone(), slug: entity.slug.clone(), path: entity.path.clone() }
}

/// A repository of a side's own.
fn clone(world: &World, side: Side, into: &Path) -> Outcome<()> {
    if into.exists() {
        std::fs::remove_dir_all(into)?;
    }
    if matches!(side, Side::Ours | Side::Plain) {
        git::run(
            &world.folder,
            &["clone", "-q", "--bare", "--no-hardlinks", &world.bare().display().to_string(), &into.display().to_string()],
        )?;
        return repository::settle(into);
    }
    repository::check_out(&world.bare(), into)
}
