//! Others who save while somebody's save is being committed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use lorebase::knowledge::SyncStatus;
use lorebase::store::{AdvanceOutcome, BlobId, BlobRead, CommitId, CommitInfo, FileChange, GitStore, NewCommit, TreeEntry};
use lorebase::sync::Save;
use lorebase::{KnowledgeBase, PublishMode, Result};

use super::world::{World, run};

/// A branch; whenever it moves, somebody else saves.
#[derive(Debug)]
struct Crowded {
    inner: Arc<dyn GitStore>,
    other: KnowledgeBase,
    moves: AtomicU32,
}

macro_rules! as_before {
    ($(fn $name:ident($($arg:ident: $type:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl GitStore for Crowded {
            $(async fn $name(&self, $($arg: $type),*) -> Result<$answer> {
                self.inner.$name($($arg),*).await
            })*

            async fn advance(&self, expected: Option<&CommitId>, tip: &CommitId) -> Result<AdvanceOutcome> {
                let moves = self.moves.fetch_add(1, Ordering::SeqCst) + 1;
                if moves < 10 {
                    self.other.save(Save::update("skill", "two").set("turn", moves)).await?;
                }
                self.inner.advance(expected, tip).await
            }
        }
    };
}

as_before! {
    fn head() -> Option<CommitId>;
    fn root(tip: &CommitId) -> Option<CommitId>;
    fn exists(commit: &CommitId) -> bool;
    fn changes(from: Option<&CommitId>, to: &CommitId) -> Vec<FileChange>;
    fn tree(at: &CommitId) -> Vec<TreeEntry>;
    fn lookup(at: &CommitId, paths: &[String]) -> Vec<Option<TreeEntry>>;
    fn read(blobs: &[BlobId], limit: u64) -> Vec<BlobRead>;
    fn commit(id: &CommitId) -> CommitInfo;
    fn store(blobs: Vec<Vec<u8>>) -> Vec<BlobId>;
    fn prepare(parent: Option<&CommitId>, commits: &[NewCommit]) -> Vec<CommitId>;
    fn contains(tip: &CommitId, commit: &CommitId) -> bool;
}

#[test]
fn a_save_waits_for_its_own_commit_and_not_for_what_others_save_meanwhile() {
    let world = World::new();
    for title in ["One", "Two"] {
        world.save(Save::create("skill").title(title));
    }
    let crowded = Arc::new(Crowded { inner: world.git.clone(), other: world.another(PublishMode::Off), moves: AtomicU32::new(0) });
    let kb = world.with_git(crowded.clone(), PublishMode::Inline);
    let saved = run(kb.save(Save::update("skill", "one").set("turn", 0))).unwrap();
    assert_eq!(saved.sync_status, SyncStatus::Synced);
    assert_eq!(crowded.moves.load(Ordering::SeqCst), 1, "it commits for others as long as they go on");
    assert_eq!(world.working("skill", "two").unwrap().sync_status, SyncStatus::Pending);
    world.sync();
    assert_eq!(world.get("skill", "two").unwrap().fields["turn"], 1);
}
