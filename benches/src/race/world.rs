//! The repositories and databases of one size, what must be in them by now, and whether that is so.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lorebase_benches::check::{Row, blobs, compare_files, compare_rows, expected, read_rows};
use lorebase_benches::entities::{Entity, Generator, Mix};
use lorebase_benches::repository::Packing;
use lorebase_benches::{Outcome, git, repository};
use tokio::runtime::Runtime;

use super::side::Side;

/// What an entity must be now.
#[derive(Debug, Clone)]
pub(crate) struct Truth {
    pub(crate) entity: Entity,
    pub(crate) commit: String,
    pub(crate) revision: i64,
}

/// What all entities must be, by path.
pub(crate) type Truths = BTreeMap<String, Truth>;

/// One size: a bare repository as a server has it, and a clone of it with a work tree.
pub(crate) struct World {
    pub(crate) folder: PathBuf,
    pub(crate) size: usize,
    pub(crate) truths: Truths,
    generator: Generator,
    rounds: u64,
    /// Whether there is a clone with a work tree.
    checkout: bool,
}

impl World {
    pub(crate) fn new(folder: PathBuf, seed: u64, size: usize, checkout: bool) -> Outcome<Self> {
        Self::packed(folder, seed, size, checkout, Packing::Whole)
    }

    /// The same with a choice of packing.
    pub(crate) fn packed(folder: PathBuf, seed: u64, size: usize, checkout: bool, packing: Packing) -> Outcome<Self> {
        let generator = Generator::new(seed, Mix::All);
        let mut world = Self { folder, size, truths: Truths::new(), generator, rounds: 0, checkout };
        repository::create(&world.bare())?;
        let commit = repository::commit_packed(&world.bare(), 0, generator.entities(size), packing)?;
        let truth = |entity: Entity| (entity.path.clone(), Truth { entity, commit: commit.clone(), revision: 1 });
        world.truths = generator.entities(size).map(truth).collect();
        world.rounds = 1;
        if checkout {
            repository::check_out(&world.bare(), &world.checkout())?;
        }
        Ok(world)
    }

    pub(crate) fn bare(&self) -> PathBuf {
        self.folder.join("knowledge.git")
    }

    pub(crate) fn checkout(&self) -> PathBuf {
        self.folder.join("knowledge")
    }

    /// The repository that a side synchronises from.
    pub(crate) fn repository(&self, side: Side) -> PathBuf {
        match side {
            Side::Rows | Side::OursCheckout => self.checkout(),
            _ => self.bare(),
        }
    }

    /// The database that a side keeps from job to job.
    pub(crate) fn database(&self, side: Side) -> PathBuf {
        self.folder.join(format!("{}.db", side.key()))
    }

    /// An engineer changes one in a hundred files in one commit.
    pub(crate) fn change(&mut self) -> Outcome<()> {
        let round = self.rounds;
        self.rounds += 1;
        let offset = usize::try_from(round)? % 100;
        let numbers = (offset..self.size).step_by(100);
        let changed: Vec<Entity> = numbers.map(|number| self.generator.entity(number, round)).collect();
        let commit = repository::commit(&self.bare(), round, changed.iter().cloned())?;
        if self.checkout {
            git::run(&self.checkout(), &["pull", "-q", "--ff-only"])?;
        }
        for entity in changed {
            let truth = self.truths.get_mut(&entity.path).ok_or_else(|| format!("{} is new", entity.path))?;
            *truth = Truth { entity, commit: commit.clone(), revision: truth.revision + 1 };
        }
        Ok(())
    }
}

/// Whether a side's rows are what they must be, with the blobs that the branch has.
pub(crate) fn check_rows(runtime: &Runtime, side: Side, database: &Path, repository: &Path, truths: &Truths) -> Outcome<()> {
    let files = blobs(repository, "main")?;
    if files.len() != truths.len() {
        return Err(format!("{}: {} files must be in the branch and {} are", side.name(), truths.len(), files.len()).into());
    }
    let mut wanted: BTreeMap<String, Row> = BTreeMap::new();
    for (path, truth) in truths {
        let blob = files.get(path).ok_or_else(|| format!("{}: {path} is not in the branch", side.name()))?;
        wanted.insert(path.clone(), expected(&truth.entity, blob, &truth.commit, truth.revision));
    }
    let found = runtime.block_on(read_rows(database, side.table()))?;
    compare_rows(&wanted, &found).map_err(|why| format!("{}: {why}", side.name()).into())
}

/// Whether the files at these paths (or all of them) say what they must.
pub(crate) fn check_files(side: Side, repository: &Path, truths: &Truths, only: Option<&[String]>) -> Outcome<()> {
    let mut files = blobs(repository, "main")?;
    let mut entities: BTreeMap<String, Entity> = truths.iter().map(|(path, truth)| (path.clone(), truth.entity.clone())).collect();
    if let Some(only) = only {
        files.retain(|path, _| only.contains(path));
        entities.retain(|path, _| only.contains(path));
    }
    compare_files(repository, &files, &entities).map_err(|why| format!("{}: {why}", side.name()).into())
}

/// What SQLite keeps beside a database, and the database.
fn parts(database: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|end| {
        let mut name = database.as_os_str().to_owned();
        name.push(end);
        name.into()
    })
}

/// Removes a database.
pub(crate) fn remove_database(database: &Path) {
    for part in parts(database) {
        let _ = std::fs::remove_file(part);
    }
}

/// Copies a database that nobody has open.
pub(crate) fn copy_database(from: &Path, to: &Path) -> Outcome<()> {
    remove_database(to);
    for (from, to) in parts(from).iter().zip(parts(to)).filter(|(from, _)| from.exists()) {
        std::fs::copy(from, to)?;
    }
    Ok(())
}
