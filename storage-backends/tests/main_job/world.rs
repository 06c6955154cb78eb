//! One repository with a checkout or without, one database file, an engineer with the `git` program, and what must
//! hold after every step.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use lorebase::codec::{decode_file, parse_settings};
use lorebase::knowledge::{Author, Config, EntityKey, Knowledge, KnowledgePath, Severity};
use lorebase::store::{CacheStore, Direction, LogEntry, LogQuery, LogStatus, Record, View};
use lorebase::sync::{Save, SyncOptions, SyncReport};
use lorebase::{Delete, Error, KnowledgeBase, PublishMode};
use lorebase_backends::sql::{SqliteCache, SqliteOptions};
use lorebase_backends::{Options, open};
use tempfile::TempDir;
use uuid::Uuid;

use crate::git::{assert_clean, assert_sound, bytes_at, git, tree};
use crate::seed;

/// Where the files are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// A bare repository; the engineer has a clone of it.
    Bare,
    /// A checkout in which both work.
    Checkout,
    /// A checkout whose ids are SHA-256.
    Sha256,
}

/// One save as it was acknowledged.
#[derive(Debug, Clone)]
struct Acknowledged {
    operation: Uuid,
    key: EntityKey,
}

pub(crate) struct World {
    pub(crate) layout: Layout,
    folder: TempDir,
    kb: RefCell<Option<KnowledgeBase>>,
    acknowledged: RefCell<Vec<Acknowledged>>,
    /// Saves that a person took back, or that git had anyway: they are in no commit of the branch, rightly.
    taken_back: RefCell<BTreeSet<Uuid>>,
}

pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    pollster::block_on(future)
}

pub(crate) fn ada() -> Author {
    Author::new("Ada", "ada@example.com")
}

impl World {
    /// The seeded repository, synchronised.
    pub(crate) fn new(layout: Layout) -> Self {
        Self::with(layout, PublishMode::Inline)
    }

    pub(crate) fn with(layout: Layout, publish: PublishMode) -> Self {
        Self::of(layout, publish, &seed::FILES, seed::ENTITIES)
    }

    /// A repository of these files, which hold so many entities and nothing that is wrong.
    pub(crate) fn of(layout: Layout, publish: PublishMode, files: &[(&str, &[u8])], entities: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        match layout {
            Layout::Bare => {
                git(path, &["init", "-q", "--bare", "-b", "main", "repo"]);
                git(path, &["clone", "-q", "repo", "clone"]);
            }
            Layout::Checkout => drop(git(path, &["init", "-q", "-b", "main", "repo"])),
            Layout::Sha256 => drop(git(path, &["init", "-q", "-b", "main", "--object-format=sha256", "repo"])),
        }
        let world = Self { layout, folder, kb: RefCell::default(), acknowledged: RefCell::default(), taken_back: RefCell::default() };
        for (path, bytes) in files {
            world.write(path, bytes);
        }
        world.commit("The beginning");
        world.reopen(publish);
        let report = world.sync();
        assert_eq!((report.created, report.invalid), (entities, 0), "{:?}", run(world.kb().diagnostics()));
        world.assert_invariants();
        world
    }

    /// The folder with everything in it.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What is opened.
    pub(crate) fn repo(&self) -> PathBuf {
        self.folder.path().join("repo")
    }

    /// Where the engineer works.
    pub(crate) fn work(&self) -> PathBuf {
        self.folder.path().join(if self.layout == Layout::Bare { "clone" } else { "repo" })
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("cache.db")
    }

    pub(crate) fn cache_url(&self) -> String {
        format!("sqlite:{}", self.database().display())
    }

    pub(crate) fn options(&self, publish: PublishMode) -> Options {
        Options::new(self.repo()).cache(self.cache_url()).publish(publish)
    }

    /// Closes what is open and opens it anew, as another process would.
    pub(crate) fn reopen(&self, publish: PublishMode) {
        self.close();
        *self.kb.borrow_mut() = Some(run(open(self.options(publish))).unwrap());
    }

    pub(crate) fn close(&self) {
        self.kb.borrow_mut().take();
    }

    /// The database is gone.
    pub(crate) fn forget(&self) {
        self.close();
        for suffix in ["", "-wal", "-shm"] {
            let file = self.folder.path().join(format!("cache.db{suffix}"));
            if file.exists() {
                std::fs::remove_file(file).unwrap();
            }
        }
        // What the log alone knew went with it.
        self.acknowledged.borrow_mut().clear();
    }

    pub(crate) fn kb(&self) -> KnowledgeBase {
        self.kb.borrow().clone().unwrap()
    }

    // What the engineer does.

    pub(crate) fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let full = self.work().join(path);
        std::fs::create_dir_all(full.parent().unwrap()).unwrap();
        std::fs::write(full, bytes).unwrap();
    }

    /// Takes over what was pushed.
    pub(crate) fn pull(&self) {
        if self.layout == Layout::Bare {
            git(&self.work(), &["fetch", "-q", "origin"]);
            git(&self.work(), &["reset", "-q", "--hard", "origin/main"]);
        }
    }

    pub(crate) fn push(&self) {
        if self.layout == Layout::Bare {
            git(&self.work(), &["push", "-q", "--force", "origin", "HEAD:refs/heads/main"]);
        }
    }

    /// Commits everything in the work tree and pushes it.
    pub(crate) fn commit(&self, message: &str) -> String {
        git(&self.work(), &["add", "-A"]);
        git(&self.work(), &["commit", "-q", "-m", message]);
        self.push();
        git(&self.work(), &["rev-parse", "HEAD"])
    }

    /// One commit of these files; `None` removes one.
    pub(crate) fn engineer(&self, files: &[(&str, Option<&str>)]) -> String {
        self.pull();
        for (path, text) in files {
            match text {
                Some(text) => self.write(path, text),
                None => std::fs::remove_file(self.work().join(path)).unwrap(),
            }
        }
        self.commit("An engineer's commit")
    }

    /// Runs git where the engineer works, and pushes.
    pub(crate) fn engineer_git(&self, commands: &[&[&str]]) {
        self.pull();
        for args in commands {
            git(&self.work(), args);
        }
        self.push();
    }

    /// Moves the branch to an older commit; the saves after it are gone by the engineer's will.
    pub(crate) fn rewind(&self, commit: &str) {
        let gone = trailers(&self.repo(), &format!("{commit}..main"));
        self.taken_back.borrow_mut().extend(gone);
        self.engineer_git(&[&["reset", "-q", "--hard", commit]]);
    }

    /// Replaces the branch by one that has nothing of it.
    pub(crate) fn rewrite(&self, commands: &[&[&str]]) {
        let gone = trailers(&self.repo(), "main");
        self.taken_back.borrow_mut().extend(gone);
        for args in commands {
            git(&self.work(), args);
        }
        self.push();
    }

    // What people with a form do.

    pub(crate) fn sync(&self) -> SyncReport {
        run(self.kb().sync(SyncOptions::default())).unwrap()
    }

    pub(crate) fn try_save(&self, save: Save) -> Result<Knowledge, Error> {
        let before = self.log_ids();
        let saved = run(self.kb().save(save.author(ada())))?;
        self.acknowledge(&before, &saved.key());
        Ok(saved)
    }

    pub(crate) fn save(&self, save: Save) -> Knowledge {
        self.try_save(save).unwrap()
    }

    pub(crate) fn delete(&self, kind: &str, slug: &str) {
        let before = self.log_ids();
        let was = run(self.kb().delete(Delete::new(kind, slug).author(ada()))).unwrap();
        self.acknowledge(&before, &was.key());
    }

    /// Keeps in mind what was acknowledged since.
    pub(crate) fn acknowledge(&self, before: &BTreeSet<Uuid>, key: &EntityKey) {
        let new = self.log().into_iter().filter(|row| row.direction == Direction::DbToGit && !before.contains(&row.id));
        self.acknowledged.borrow_mut().extend(new.map(|row| Acknowledged { operation: row.id, key: key.clone() }));
    }

    /// Keeps in mind everything that was saved so far, by whomever.
    pub(crate) fn acknowledge_all(&self) {
        let known: BTreeSet<Uuid> = self.acknowledged.borrow().iter().map(|save| save.operation).collect();
        for row in self.log().into_iter().filter(|row| row.direction == Direction::DbToGit && !known.contains(&row.id)) {
            let key = EntityKey { kind: row.kind, id: row.entity_id };
            self.acknowledged.borrow_mut().push(Acknowledged { operation: row.id, key });
        }
    }

    /// From now on the saves that are in no commit and wait for nothing are rightly so: a person decided against them,
    /// or there was nothing to write. Says how many they are.
    pub(crate) fn taken_back(&self) -> usize {
        let written: BTreeSet<Uuid> = trailers(&self.repo(), "main").into_iter().collect();
        let (_, records) = self.records();
        let waiting: BTreeSet<Uuid> =
            records.iter().filter_map(|record| record.change.as_ref()).flat_map(|change| change.operations.clone()).collect();
        let mut taken_back = self.taken_back.borrow_mut();
        let before = taken_back.len();
        let saves = self.acknowledged.borrow();
        taken_back.extend(saves.iter().map(|save| save.operation).filter(|id| !written.contains(id) && !waiting.contains(id)));
        taken_back.len() - before
    }

    pub(crate) fn log(&self) -> Vec<LogEntry> {
        run(self.kb().log(&LogQuery { limit: 10_000, ..LogQuery::default() })).unwrap()
    }

    pub(crate) fn log_ids(&self) -> BTreeSet<Uuid> {
        self.log().into_iter().map(|row| row.id).collect()
    }

    pub(crate) fn get(&self, kind: &str, slug: &str) -> Option<Knowledge> {
        run(self.kb().get(kind, slug)).unwrap()
    }

    pub(crate) fn working(&self, kind: &str, slug: &str) -> Option<Knowledge> {
        run(self.kb().get_view(kind, slug, View::Working)).unwrap()
    }

    // What is looked at.

    pub(crate) fn head(&self) -> String {
        git(&self.repo(), &["rev-parse", "main"])
    }

    /// The text of a file at the head.
    pub(crate) fn file(&self, path: &str) -> Option<String> {
        bytes_at(&self.repo(), "main", path).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    pub(crate) fn commits(&self) -> usize {
        git(&self.repo(), &["rev-list", "--count", "main"]).parse().unwrap()
    }

    /// The paths that the last commit touched.
    pub(crate) fn last_touched(&self) -> Vec<String> {
        let out = git(&self.repo(), &["diff-tree", "-r", "--no-commit-id", "--no-renames", "--name-only", "-z", "main"]);
        out.split_terminator('\0').map(str::to_owned).collect()
    }

    /// One step: runs it, then holds that every file it did not name is what it was, and the invariants.
    pub(crate) fn step<T>(&self, touched: &[&str], what: impl FnOnce(&Self) -> T) -> T {
        let before = tree(&self.repo(), "main");
        let result = what(self);
        let after = tree(&self.repo(), "main");
        let rest = |tree: &BTreeMap<String, (String, String)>| {
            let mut tree = tree.clone();
            tree.retain(|path, _| !touched.contains(&path.as_str()));
            tree
        };
        assert_eq!(rest(&before), rest(&after), "only {touched:?} may change");
        self.assert_invariants();
        result
    }

    /// Another look at the database, past everything that the knowledge base would make of it.
    fn records(&self) -> (Vec<String>, Vec<Record>) {
        let cache = run(SqliteCache::open(SqliteOptions::file(self.database()))).unwrap();
        let id = self.kb().engine().repository_id();
        let live = run(cache.manifest(id, None, 100_000)).unwrap();
        let uids: Vec<i64> = live.iter().map(|row| row.uid).collect();
        let mut records: Vec<Record> = run(cache.records_by_uid(id, &uids)).unwrap().into_iter().flatten().collect();
        for more in [run(cache.pending(id, None, 100_000)), run(cache.conflicts(id)), run(cache.drafts(id)), run(cache.dead(id))] {
            records.extend(more.unwrap());
        }
        records.sort_by_key(|record| record.uid);
        records.dedup_by_key(|record| record.uid);
        let damage = run(cache.check()).unwrap();
        run(cache.close());
        (damage, records)
    }

    pub(crate) fn assert_invariants(&self) {
        let repo = self.repo();
        let drift = run(self.kb().drift()).unwrap();
        assert!(drift.is_empty(), "{drift:#?}");
        let (damage, records) = self.records();
        assert_eq!(damage, Vec::<String>::new(), "the database is sound");
        self.assert_rows_are_the_head(&records);
        self.assert_no_save_is_lost(&records);

        let written = trailers(&repo, "main");
        let distinct: BTreeSet<&Uuid> = written.iter().collect();
        assert_eq!(written.len(), distinct.len(), "an operation was written twice");
        assert_sound(&repo);
        if self.layout != Layout::Bare {
            assert_clean(&repo);
        }
    }

    /// Live rows are what decoding every file of the head gives, except where a diagnostic says otherwise.
    fn assert_rows_are_the_head(&self, records: &[Record]) {
        type Rows = BTreeMap<String, (EntityKey, String, String, String)>;
        let repo = self.repo();
        let broken: BTreeSet<String> = run(self.kb().diagnostics())
            .unwrap()
            .into_iter()
            .filter(|finding| finding.severity == Severity::Error)
            .map(|finding| finding.path)
            .collect();
        let config = match self.file("lorebase.yaml").map(|text| parse_settings(&text)) {
            None => Config::built_in(),
            Some(Ok(config)) => config,
            Some(Err(_)) => run(self.kb().config()).unwrap(),
        };
        let mut head = Rows::new();
        for (path, (mode, blob)) in tree(&repo, "main") {
            let Ok(safe) = KnowledgePath::new(path.as_str()) else { continue };
            let Some(kind) = config.classify(&safe).filter(|_| mode.starts_with("100") && !broken.contains(&path)) else { continue };
            let decoded = decode_file(kind, &config.root, &safe, &bytes_at(&repo, "main", &path).unwrap());
            for entity in decoded.entities {
                let key = EntityKey { kind: kind.name.clone(), id: entity.id };
                let content = entity.content;
                head.insert(content.location.to_string(), (key, content.head, content.body, blob.clone()));
            }
        }
        let rows: Rows = records
            .iter()
            .filter_map(|record| record.live.as_ref().map(|live| (record, live)))
            .filter(|(_, live)| !broken.contains(live.content.location.path.as_str()))
            .map(|(record, live)| {
                let content = &live.content;
                let row = (record.key.clone(), content.head.clone(), content.body.clone(), live.blob.to_string());
                (content.location.to_string(), row)
            })
            .collect();
        assert_eq!(rows, head, "live rows and decoded HEAD");
    }

    /// Every acknowledged save is in a commit of the branch, waits in a change, or was taken back by a person.
    fn assert_no_save_is_lost(&self, records: &[Record]) {
        let repo = self.repo();
        let written: BTreeSet<Uuid> = trailers(&repo, "main").into_iter().collect();
        let waiting: BTreeSet<Uuid> =
            records.iter().filter_map(|record| record.change.as_ref()).flat_map(|change| change.operations.clone()).collect();
        let log: BTreeMap<Uuid, LogEntry> = self.log().into_iter().map(|row| (row.id, row)).collect();
        for Acknowledged { operation, key } in &*self.acknowledged.borrow() {
            let row = log.get(operation).unwrap_or_else(|| panic!("{key}: the log forgot {operation}"));
            if waiting.contains(operation) {
                assert_ne!(row.status, LogStatus::Success, "{key}: a waiting save is told as done: {row:?}");
                continue;
            }
            assert_eq!(row.status, LogStatus::Success, "{key}: a save is neither waiting nor done: {row:?}");
            let there = written.contains(operation) || self.taken_back.borrow().contains(operation);
            assert!(there, "{key}: {operation} is told as done and is in no commit of the branch: {row:?}");
        }
    }
}

/// The operation ids in the messages of a range, newest first.
fn trailers(repo: &Path, range: &str) -> Vec<Uuid> {
    let out = git(repo, &["log", "--format=%(trailers:key=Lorebase-Operation,valueonly)", range]);
    out.split_whitespace().map(|id| id.parse().unwrap()).collect()
}
