//! A repository and its database in a folder of their own, for the benches beside this file.

use std::path::PathBuf;

use lorebase::KnowledgeBase;
use lorebase_backends::{Options, open};
use lorebase_benches::entities::{Generator, Mix};
use lorebase_benches::repository;
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub(crate) struct Stage {
    folder: TempDir,
    pub(crate) runtime: Runtime,
    pub(crate) generator: Generator,
}

impl Stage {
    /// A bare repository with so many entities; none at all for 0.
    pub(crate) fn new(entities: usize) -> Self {
        // Beside the build: the temporary folder may be memory, which has nothing to flush.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder can be made");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime can be made");
        let stage = Self { folder, runtime, generator: Generator::new(1, Mix::Documents) };
        repository::create(&stage.repository()).expect("git makes repositories");
        if entities > 0 {
            repository::commit(&stage.repository(), 0, stage.generator.entities(entities)).expect("git commits");
        }
        stage
    }

    pub(crate) fn repository(&self) -> PathBuf {
        self.folder.path().join("knowledge.git")
    }

    /// A knowledge base with an empty database.
    pub(crate) fn fresh(&self) -> KnowledgeBase {
        let db = self.folder.path().join("cache.db");
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{end}", db.display()));
        }
        let options = Options::new(self.repository()).cache(format!("sqlite:{}", db.display()));
        self.runtime.block_on(open(options)).expect("the repository opens")
    }
}
