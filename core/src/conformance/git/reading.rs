//! Cases about reading: heads, trees, blobs, differences.

use super::{assert_kind, bytes, commit, paths, publish, publish_all, put, remove, unknown};
use crate::ErrorKind;
use crate::store::{BlobId, BlobRead, EntryMode, GitStore};

/// A fresh branch is unborn, which is not an error.
pub async fn a_new_branch_has_no_head(store: &dyn GitStore) {
    assert_eq!(store.head().await.expect("head"), None);
}

/// The first commit has no parent and holds what it was given.
pub async fn a_first_commit_becomes_the_head(store: &dyn GitStore) {
    let tip = publish(store, None, vec![put("a.md", b"one")]).await;
    assert_eq!(store.commit(&tip).await.expect("commit").parents, []);
    assert_eq!(bytes(store, &tip, "a.md").await.as_deref(), Some(&b"one"[..]));
}

/// Sorted by the bytes of the whole path, which is not the order of names folder by folder.
pub async fn a_tree_is_ordered_by_path(store: &dyn GitStore) {
    let edits = ["b.md", "a/z.md", "a.md", "a-b.md", "a/b/c.md", "a0.md", "Z.md"].map(|path| put(path, path.as_bytes()));
    let tip = publish(store, None, edits.to_vec()).await;
    let found = store.tree(&tip).await.expect("tree");
    assert_eq!(paths(store, &tip).await, ["Z.md", "a-b.md", "a.md", "a/b/c.md", "a/z.md", "a0.md", "b.md"]);
    assert!(found.iter().all(|entry| entry.mode == EntryMode::File));
}

/// Folders, missing files and paths below a file are `None`.
pub async fn lookup_answers_in_the_order_asked(store: &dyn GitStore) {
    let tip = publish(store, None, vec![put("a/b.md", b"1"), put("c.md", b"2")]).await;
    let asked = ["c.md", "no.md", "a", "a/b.md", "c.md/x", "c.md", ""].map(str::to_owned);
    let found = store.lookup(&tip, &asked).await.expect("lookup");
    let names: Vec<_> = found.iter().map(|entry| entry.as_ref().map(|entry| entry.path.as_str())).collect();
    assert_eq!(names, [Some("c.md"), None, None, Some("a/b.md"), None, Some("c.md"), None]);
    assert_eq!(found[0], found[5]);
    assert_eq!(store.lookup(&tip, &[]).await.expect("lookup"), []);
}

/// A blob exactly as large as the limit is read; one byte more is not.
pub async fn reading_keeps_the_order_and_the_limit(store: &dyn GitStore) {
    let tip = publish(store, None, vec![put("a", b"12345"), put("b", b"123456"), put("c", b"")]).await;
    let ids: Vec<BlobId> = store.tree(&tip).await.expect("tree").into_iter().map(|entry| entry.blob).collect();
    let asked = [ids[1].clone(), ids[0].clone(), ids[2].clone(), ids[1].clone()];
    let read = store.read(&asked, 5).await.expect("read");
    let large = BlobRead::TooLarge(6);
    assert_eq!(read, [large.clone(), BlobRead::Found(b"12345".to_vec()), BlobRead::Found(Vec::new()), large]);
    assert_eq!(store.read(&[], 5).await.expect("read"), []);
}

/// An id nobody has, and one that is no id at all.
pub async fn blobs_that_are_not_there_are_missing(store: &dyn GitStore) {
    let tip = publish(store, None, vec![put("a", b"1")]).await;
    let nobody = BlobId::new(unknown(&tip).as_str());
    let read = store.read(&[nobody, BlobId::new("no id")], 10).await.expect("read");
    assert_eq!(read, [BlobRead::Missing, BlobRead::Missing]);
}

/// Each with what was there and what is there.
pub async fn changes_name_added_edited_and_deleted_files(store: &dyn GitStore) {
    let first = publish(store, None, vec![put("d/edit", b"1"), put("d/gone", b"2"), put("d/same", b"3")]).await;
    let second = publish(store, Some(&first), vec![put("d/edit", b"4"), remove("d/gone"), put("d/add", b"5")]).await;
    let changes = store.changes(Some(&first), &second).await.expect("changes");
    let seen: Vec<_> = changes.iter().map(|change| (change.path.as_str(), change.old.is_some(), change.new.is_some())).collect();
    assert_eq!(seen, [("d/add", false, true), ("d/edit", true, true), ("d/gone", true, false)]);
    let at = |commit| store.lookup(commit, std::slice::from_ref(&changes[1].path));
    assert_eq!(at(&first).await.expect("lookup"), [changes[1].old.clone()]);
    assert_eq!(at(&second).await.expect("lookup"), [changes[1].new.clone()]);
    let back = store.changes(Some(&second), &first).await.expect("changes");
    assert_eq!(back[0].old, changes[0].new);
    assert_eq!(back[0].new, None);
}

/// Every file is an addition.
pub async fn changes_without_a_start_are_the_whole_tree(store: &dyn GitStore) {
    let tip = publish(store, None, vec![put("b", b"1"), put("a/b", b"2"), put("a.md", b"3")]).await;
    let changes = store.changes(None, &tip).await.expect("changes");
    let new: Vec<_> = changes.iter().filter_map(|change| change.new.clone()).collect();
    assert_eq!(new, store.tree(&tip).await.expect("tree"));
    assert!(changes.iter().all(|change| change.old.is_none()));
}

/// Two commits may share one tree.
pub async fn changes_between_equal_trees_are_empty(store: &dyn GitStore) {
    let first = publish(store, None, vec![put("a", b"1")]).await;
    let second = publish(store, Some(&first), vec![put("a", b"2")]).await;
    let third = publish(store, Some(&second), vec![put("a", b"1")]).await;
    assert_eq!(store.changes(Some(&first), &third).await.expect("changes"), []);
    assert_eq!(store.changes(Some(&first), &first).await.expect("changes"), []);
}

/// `a-b` sorts before `a/c`, although the folder `a` is met first.
pub async fn changes_are_ordered_by_path_across_folders(store: &dyn GitStore) {
    let first = publish(store, None, vec![put("keep", b"1"), put("x/y/z", b"1")]).await;
    let edits = ["a/c", "a-b", "a.b", "x/y/z", "x/a", "x.y", "a/b/c"].map(|path| put(path, b"2"));
    let second = publish(store, Some(&first), edits.to_vec()).await;
    let changes = store.changes(Some(&first), &second).await.expect("changes");
    let seen: Vec<_> = changes.iter().map(|change| change.path.as_str()).collect();
    assert_eq!(seen, ["a-b", "a.b", "a/b/c", "a/c", "x.y", "x/a", "x/y/z"]);
}

/// Pairing them is not the store's business.
pub async fn a_rename_is_a_removal_and_an_addition(store: &dyn GitStore) {
    let first = publish(store, None, vec![put("old.md", b"text")]).await;
    let second = publish(store, Some(&first), vec![remove("old.md"), put("new.md", b"text")]).await;
    let changes = store.changes(Some(&first), &second).await.expect("changes");
    assert_eq!(changes.len(), 2);
    assert_eq!((changes[0].path.as_str(), changes[1].path.as_str()), ("new.md", "old.md"));
    let blob = |entry: &Option<crate::store::TreeEntry>| entry.as_ref().map(|entry| entry.blob.clone());
    assert_eq!(blob(&changes[0].new), blob(&changes[1].old));
    assert_eq!((&changes[0].old, &changes[1].new), (&None, &None));
}

/// One path, once as a file and once as a folder.
pub async fn a_file_that_becomes_a_folder_is_two_changes(store: &dyn GitStore) {
    let first = publish(store, None, vec![put("a", b"file")]).await;
    let second = publish(store, Some(&first), vec![remove("a"), put("a/b", b"inside")]).await;
    let changes = store.changes(Some(&first), &second).await.expect("changes");
    let seen: Vec<_> = changes.iter().map(|change| (change.path.as_str(), change.old.is_some(), change.new.is_some())).collect();
    assert_eq!(seen, [("a", true, false), ("a/b", false, true)]);
}

/// Whatever the path and the commit.
pub async fn equal_bytes_have_equal_ids(store: &dyn GitStore) {
    let first = publish(store, None, vec![put("a", b"same"), put("b/c", b"same"), put("d", b"other")]).await;
    let found = store.tree(&first).await.expect("tree");
    assert_eq!(found[0].blob, found[1].blob);
    assert_ne!(found[0].blob, found[2].blob);
}

/// Of every commit of the chain.
pub async fn the_root_is_the_first_commit(store: &dyn GitStore) {
    let chain: Vec<_> = (0..5u8).map(|i| commit(vec![put("a", &[i])])).collect();
    let ids = publish_all(store, None, &chain).await;
    for id in &ids {
        assert_eq!(store.root(id).await.expect("root").as_ref(), Some(&ids[0]));
    }
}

/// Prepared commits exist before they are visible.
pub async fn commits_exist_whether_reachable_or_not(store: &dyn GitStore) {
    let first = publish(store, None, vec![put("a", b"1")]).await;
    let prepared = store.prepare(Some(&first), &[commit(vec![put("a", b"2")])]).await.expect("prepare");
    assert!(store.exists(&first).await.expect("exists"));
    assert!(store.exists(&prepared[0]).await.expect("exists"));
    assert!(!store.exists(&unknown(&first)).await.expect("exists"));
    let blob = store.tree(&first).await.expect("tree").remove(0).blob;
    assert!(!store.exists(&crate::store::CommitId::new(blob.as_str())).await.expect("exists"), "a blob is not a commit");
}

/// Wherever a commit is named.
pub async fn unknown_commits_are_not_found(store: &dyn GitStore) {
    let first = publish(store, None, vec![put("a", b"1")]).await;
    for nobody in [unknown(&first), crate::store::CommitId::new("no id")] {
        assert_kind(store.tree(&nobody).await, ErrorKind::NotFound);
        assert_kind(store.commit(&nobody).await, ErrorKind::NotFound);
        assert_kind(store.root(&nobody).await, ErrorKind::NotFound);
        assert_kind(store.changes(None, &nobody).await, ErrorKind::NotFound);
        assert_kind(store.changes(Some(&nobody), &first).await, ErrorKind::NotFound);
        assert_kind(store.changes(Some(&first), &nobody).await, ErrorKind::NotFound);
        assert_kind(store.lookup(&nobody, &["a".to_owned()]).await, ErrorKind::NotFound);
    }
}
