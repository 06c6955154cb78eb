//! One story on a stage: what a test says shortly, and whose failure is the test's.

use std::pin::Pin;
use std::time::Duration;

use lorebase::knowledge::Knowledge;
use lorebase::store::{CommitId, TreeEdit, View};
use lorebase::sync::{CommitPolicy, Save, SyncOptions, SyncReport};
use lorebase::{Delete, KnowledgeBase, PublishMode, Result};

use super::stage::{Stage, ada, put, run};
use super::{Check, commits, plain, rest, sight};

/// Work that can be stopped on its way.
pub(crate) type Act = Pin<Box<dyn Future<Output = Result<()>>>>;

pub(crate) struct Scene {
    pub(crate) stage: Stage,
    /// A process in which nothing goes wrong and that commits only when it synchronises.
    pub(crate) kb: KnowledgeBase,
}

impl Scene {
    pub(crate) fn new(stage: Stage) -> Self {
        let kb = stage.open(PublishMode::Off, CommitPolicy::PerSave, None);
        Self { stage, kb }
    }

    /// Another process in which nothing goes wrong.
    pub(crate) fn another(&self) -> KnowledgeBase {
        self.stage.open(PublishMode::Off, CommitPolicy::PerSave, None)
    }

    pub(crate) fn push(&self, edits: &[TreeEdit]) -> CommitId {
        self.stage.push(edits).unwrap()
    }

    pub(crate) fn write(&self, path: &str, text: &str) -> CommitId {
        self.push(&[put(path, text)])
    }

    pub(crate) fn sync(&self) -> SyncReport {
        self.stage.clock.advance(Duration::from_secs(1));
        run(self.kb.sync(SyncOptions::default())).unwrap()
    }

    pub(crate) fn save(&self, save: Save) -> Knowledge {
        self.stage.clock.advance(Duration::from_secs(1));
        run(self.kb.save(save.author(ada()))).unwrap()
    }

    pub(crate) fn delete(&self, kind: &str, slug: &str) {
        run(self.kb.delete(Delete::new(kind, slug))).unwrap();
    }

    pub(crate) fn get(&self, kind: &str, slug: &str) -> Option<Knowledge> {
        run(self.kb.get(kind, slug)).unwrap()
    }

    pub(crate) fn working(&self, kind: &str, slug: &str) -> Option<Knowledge> {
        run(self.kb.get_view(kind, slug, View::Working)).unwrap()
    }

    /// The text of a file at the head.
    pub(crate) fn file(&self, path: &str) -> Option<String> {
        sight::files(&self.stage).unwrap().remove(path)
    }

    /// How many commits the branch has.
    pub(crate) fn commits(&self) -> usize {
        commits::history(&self.stage).unwrap().len()
    }

    /// Whether everything holds now that nothing is left to do.
    pub(crate) fn check_rest(&self, kb: &KnowledgeBase) -> Check {
        rest::check(&self.stage, kb)?;
        commits::check(&self.stage, &|_| false)?;
        plain::check(&self.stage, kb)
    }
}

pub(crate) fn save(kb: KnowledgeBase, save: Save) -> Act {
    Box::pin(async move { kb.save(save.author(ada())).await.map(drop) })
}

pub(crate) fn sync(kb: KnowledgeBase) -> Act {
    Box::pin(async move { kb.sync(SyncOptions::default()).await.map(drop) })
}
