//! What every [`GitStore`] does, as cases over a fresh, empty branch: reading, preparing, and moving the branch.
//! [`git_conformance!`](crate::git_conformance) makes a test of each. A case panics where the store fails it.

mod advancing;
mod preparing;
mod reading;

pub use advancing::*;
pub use preparing::*;
pub use reading::*;

use crate::knowledge::Author;
use crate::store::{AdvanceOutcome, BlobRead, CommitId, EntryMode, GitStore, NewCommit, Signature, TreeEdit};
use crate::{Error, ErrorKind};

/// Makes a `#[test]` of every case. The argument is a function that makes a fresh store with an empty branch and
/// runs the case on it to the end:
///
/// ```
/// use lorebase::memory::MemoryGit;
/// use lorebase::store::GitStore;
///
/// fn run(case: impl AsyncFnOnce(&dyn GitStore)) {
///     pollster::block_on(case(&MemoryGit::new()));
/// }
///
/// lorebase::git_conformance!(run);
/// ```
#[macro_export]
macro_rules! git_conformance {
    ($run:path) => {
        $crate::git_conformance! {
            $run:
            a_new_branch_has_no_head
            a_first_commit_becomes_the_head
            a_chain_of_commits_is_written_in_order
            a_tree_is_ordered_by_path
            lookup_answers_in_the_order_asked
            reading_keeps_the_order_and_the_limit
            blobs_that_are_not_there_are_missing
            changes_name_added_edited_and_deleted_files
            changes_without_a_start_are_the_whole_tree
            changes_between_equal_trees_are_empty
            changes_are_ordered_by_path_across_folders
            a_rename_is_a_removal_and_an_addition
            a_file_that_becomes_a_folder_is_two_changes
            equal_bytes_have_equal_ids
            the_root_is_the_first_commit
            commits_exist_whether_reachable_or_not
            unknown_commits_are_not_found
            two_files_swap_their_paths_in_one_commit
            removing_the_last_file_of_a_folder_removes_the_folder
            removing_what_is_not_there_does_nothing
            a_folder_gives_way_to_a_file_and_back
            a_file_in_place_of_a_folder_is_refused
            a_folder_in_place_of_a_file_is_refused
            paths_that_git_does_not_take_are_refused
            an_edit_to_the_same_bytes_changes_nothing
            a_commit_without_edits_keeps_the_tree
            an_empty_file_is_a_file
            binary_bytes_come_back_exactly
            deep_folders_and_other_alphabets_are_paths
            a_large_file_comes_back_exactly
            a_commit_records_who_when_and_why
            names_that_would_break_a_commit_are_cleaned
            a_message_is_kept_as_it_is
            a_long_chain_is_written_whole
            many_files_are_written_in_one_commit
            preparing_makes_nothing_visible
            preparing_the_same_twice_is_harmless
            preparing_on_an_unknown_parent_is_not_found
            preparing_nothing_gives_nothing
            stored_contents_are_placed_by_a_commit
            a_content_that_nobody_stored_cannot_be_placed
            a_lost_race_names_where_the_branch_is
            a_branch_that_exists_is_not_created_again
            a_branch_that_is_gone_is_not_recreated
            only_one_of_two_concurrent_moves_wins
            the_branch_moves_only_to_commits_that_exist
            the_branch_can_move_back
            moving_to_where_it_is_changes_nothing
            a_branch_contains_its_ancestors_and_nothing_else
            a_loser_can_prepare_again_and_win
        }
    };
    ($run:path: $($case:ident)+) => {
        $(
            #[test]
            fn $case() {
                $run($crate::conformance::git::$case);
            }
        )+
    };
}

/// On a store whose head has an executable at `path`: writing it keeps the mode, and a new file is not executable.
pub async fn an_executable_stays_executable(store: &dyn GitStore, path: &str) {
    let head = store.head().await.expect("head").expect("a commit");
    let tip = publish(store, Some(&head), vec![put(path, b"new"), put("beside", b"new")]).await;
    let found = store.lookup(&tip, &[path.to_owned(), "beside".to_owned()]).await.expect("lookup");
    assert_eq!(found[0].as_ref().map(|entry| entry.mode), Some(EntryMode::Executable));
    assert_eq!(found[1].as_ref().map(|entry| entry.mode), Some(EntryMode::File));
    let changes = store.changes(Some(&head), &tip).await.expect("changes");
    assert_eq!(changes.len(), 2, "{changes:?}");
}

/// On a store whose head has a symbolic link at `path`: writing it is refused, removing it is not.
pub async fn a_symbolic_link_is_not_written(store: &dyn GitStore, path: &str) {
    let head = store.head().await.expect("head").expect("a commit");
    let found = store.lookup(&head, &[path.to_owned()]).await.expect("lookup");
    assert_eq!(found[0].as_ref().map(|entry| entry.mode), Some(EntryMode::Symlink));
    let refused = store.prepare(Some(&head), &[commit(vec![put(path, b"new")])]).await;
    assert_kind(refused, ErrorKind::InvalidInput);
    let tip = publish(store, Some(&head), vec![remove(path)]).await;
    assert_eq!(store.lookup(&tip, &[path.to_owned()]).await.expect("lookup"), [None]);
}

fn put(path: &str, bytes: &[u8]) -> TreeEdit {
    TreeEdit::Put { path: path.to_owned(), bytes: bytes.to_vec() }
}

fn remove(path: &str) -> TreeEdit {
    TreeEdit::Remove { path: path.to_owned() }
}

fn signature(name: &str, second: i64) -> Signature {
    let time = jiff::Timestamp::from_second(second).expect("a moment");
    Signature { author: Author::new(name, format!("{}@example.com", name.to_lowercase())), time }
}

fn commit(edits: Vec<TreeEdit>) -> NewCommit {
    commit_at(1_780_000_000, edits)
}

fn commit_at(second: i64, edits: Vec<TreeEdit>) -> NewCommit {
    NewCommit { author: signature("Ada", second), committer: signature("Lorebase", second), message: "Change\n".to_owned(), edits }
}

/// One commit on `parent`, made visible.
async fn publish(store: &dyn GitStore, parent: Option<&CommitId>, edits: Vec<TreeEdit>) -> CommitId {
    publish_all(store, parent, &[commit(edits)]).await.remove(0)
}

async fn publish_all(store: &dyn GitStore, parent: Option<&CommitId>, commits: &[NewCommit]) -> Vec<CommitId> {
    let ids = store.prepare(parent, commits).await.expect("prepare");
    assert_eq!(ids.len(), commits.len());
    let tip = ids.last().expect("at least one commit");
    assert_eq!(store.advance(parent, tip).await.expect("advance"), AdvanceOutcome::Advanced);
    assert_eq!(store.head().await.expect("head").as_ref(), Some(tip));
    ids
}

async fn paths(store: &dyn GitStore, at: &CommitId) -> Vec<String> {
    store.tree(at).await.expect("tree").into_iter().map(|entry| entry.path).collect()
}

/// The bytes at a path of a commit.
async fn bytes(store: &dyn GitStore, at: &CommitId, path: &str) -> Option<Vec<u8>> {
    let found = store.lookup(at, &[path.to_owned()]).await.expect("lookup").remove(0)?;
    assert_eq!(found.path, path);
    match store.read(&[found.blob], u64::MAX).await.expect("read").remove(0) {
        BlobRead::Found(bytes) => Some(bytes),
        other => panic!("{path}: {other:?}"),
    }
}

/// An id of the same kind of repository as `like` that nothing has.
fn unknown(like: &CommitId) -> CommitId {
    CommitId::new("7".repeat(like.as_str().len()))
}

fn assert_kind<T: std::fmt::Debug>(outcome: Result<T, Error>, kind: ErrorKind) {
    match outcome {
        Err(error) => assert_eq!(error.kind(), kind, "{error}"),
        Ok(value) => panic!("expected {kind:?}, got {value:?}"),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_macro_runs_every_case() {
        let listed = include_str!("git.rs");
        for source in [include_str!("git/reading.rs"), include_str!("git/preparing.rs"), include_str!("git/advancing.rs")] {
            for line in source.lines() {
                if let Some((name, _)) = line.strip_prefix("pub async fn ").and_then(|rest| rest.split_once('(')) {
                    assert!(listed.contains(&format!("            {name}\n")), "git_conformance! does not run {name}");
                }
            }
        }
    }
}
