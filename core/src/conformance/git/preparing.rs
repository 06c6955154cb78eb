//! Cases about making commits: what edits do to a tree, what a commit records, and what is refused.

use super::{assert_kind, bytes, commit, commit_at, paths, publish, publish_all, put, remove, signature, unknown};
use crate::ErrorKind;
use crate::knowledge::Author;
use crate::store::{BlobId, GitStore, NewCommit, Signature, TreeEdit};

/// Each on the one before.
pub async fn a_chain_of_commits_is_written_in_order(store: &dyn GitStore) {
    let chain = [commit(vec![put("a", b"1")]), commit(vec![put("b", b"2")]), commit(vec![remove("a")])];
    let ids = publish_all(store, None, &chain).await;
    assert_eq!(store.commit(&ids[1]).await.expect("commit").parents, [ids[0].clone()]);
    assert_eq!(store.commit(&ids[2]).await.expect("commit").parents, [ids[1].clone()]);
    assert_eq!(paths(store, &ids[0]).await, ["a"]);
    assert_eq!(paths(store, &ids[1]).await, ["a", "b"]);
    assert_eq!(paths(store, &ids[2]).await, ["b"]);
}

/// Removals come before writes, in whatever order they are given.
pub async fn two_files_swap_their_paths_in_one_commit(store: &dyn GitStore) {
    let first = publish(store, None, vec![put("a", b"A"), put("b", b"B")]).await;
    let swap = vec![put("a", b"B"), remove("a"), put("b", b"A"), remove("b")];
    let second = publish(store, Some(&first), swap).await;
    assert_eq!(bytes(store, &second, "a").await.as_deref(), Some(&b"B"[..]));
    assert_eq!(bytes(store, &second, "b").await.as_deref(), Some(&b"A"[..]));
}

/// Git has no empty folders; all of them can go.
pub async fn removing_the_last_file_of_a_folder_removes_the_folder(store: &dyn GitStore) {
    let first = publish(store, None, vec![put("a/b/c/d.md", b"1"), put("a/e.md", b"2"), put("f.md", b"3")]).await;
    let second = publish(store, Some(&first), vec![remove("a/b/c/d.md")]).await;
    assert_eq!(paths(store, &second).await, ["a/e.md", "f.md"]);
    let third = publish(store, Some(&second), vec![remove("a/e.md"), remove("f.md")]).await;
    assert_eq!(paths(store, &third).await, Vec::<String>::new());
    let fourth = publish(store, Some(&third), vec![put("a", b"now a file")]).await;
    assert_eq!(paths(store, &fourth).await, ["a"]);
}

/// Neither for a missing file, nor for a folder, nor below a file.
pub async fn removing_what_is_not_there_does_nothing(store: &dyn GitStore) {
    let first = publish(store, None, vec![put("a/b", b"1"), put("c", b"2")]).await;
    let second = publish(store, Some(&first), vec![remove("no"), remove("a"), remove("c/d"), remove("x/y/z")]).await;
    assert_eq!(store.changes(Some(&first), &second).await.expect("changes"), []);
}

/// As long as one commit removes what is in the way.
pub async fn a_folder_gives_way_to_a_file_and_back(store: &dyn GitStore) {
    let first = publish(store, None, vec![put("a/b", b"1"), put("a/c/d", b"2"), put("z", b"0")]).await;
    let second = publish(store, Some(&first), vec![put("a", b"3"), remove("a/b"), remove("a/c/d")]).await;
    assert_eq!(paths(store, &second).await, ["a", "z"]);
    let third = publish(store, Some(&second), vec![put("a/b", b"4"), remove("a")]).await;
    assert_eq!(paths(store, &third).await, ["a/b", "z"]);
}

/// `InvalidInput`, in the parent's tree and within one commit.
pub async fn a_file_in_place_of_a_folder_is_refused(store: &dyn GitStore) {
    let first = publish(store, None, vec![put("a/b", b"1")]).await;
    assert_kind(store.prepare(Some(&first), &[commit(vec![put("a", b"2")])]).await, ErrorKind::InvalidInput);
    let chain = [commit(vec![put("x/y", b"1")]), commit(vec![put("x", b"2")])];
    assert_kind(store.prepare(Some(&first), &chain).await, ErrorKind::InvalidInput);
    assert_kind(store.prepare(None, &[commit(vec![put("p/q", b"1"), put("p", b"2")])]).await, ErrorKind::InvalidInput);
}

/// `InvalidInput`, at any depth.
pub async fn a_folder_in_place_of_a_file_is_refused(store: &dyn GitStore) {
    let first = publish(store, None, vec![put("a", b"1"), put("b/c", b"2")]).await;
    for path in ["a/b", "a/b/c", "b/c/d"] {
        assert_kind(store.prepare(Some(&first), &[commit(vec![put(path, b"2")])]).await, ErrorKind::InvalidInput);
    }
    assert_kind(store.prepare(None, &[commit(vec![put("p", b"1"), put("p/q", b"2")])]).await, ErrorKind::InvalidInput);
}

/// `InvalidInput` naming the path; nothing can leave the tree.
pub async fn paths_that_git_does_not_take_are_refused(store: &dyn GitStore) {
    for path in ["", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", ".git", ".git/config", "a/.GIT/b", "a\0b"] {
        match store.prepare(None, &[commit(vec![put(path, b"1")])]).await {
            Err(error) => assert_eq!(error.kind(), ErrorKind::InvalidInput, "{path:?}: {error}"),
            Ok(_) => panic!("{path:?} was taken"),
        }
    }
}

/// A commit is made, its tree is its parent's.
pub async fn an_edit_to_the_same_bytes_changes_nothing(store: &dyn GitStore) {
    let first = publish(store, None, vec![put("a", b"1"), put("b/c", b"2")]).await;
    let second = publish(store, Some(&first), vec![put("b/c", b"2")]).await;
    assert_ne!(first, second);
    assert_eq!(store.changes(Some(&first), &second).await.expect("changes"), []);
}

/// Even as the first commit.
pub async fn a_commit_without_edits_keeps_the_tree(store: &dyn GitStore) {
    let first = publish(store, None, vec![]).await;
    assert_eq!(paths(store, &first).await, Vec::<String>::new());
    let second = publish(store, Some(&first), vec![put("a", b"1")]).await;
    let third = publish(store, Some(&second), vec![]).await;
    assert_eq!(paths(store, &third).await, ["a"]);
}

/// Not a missing one.
pub async fn an_empty_file_is_a_file(store: &dyn GitStore) {
    let tip = publish(store, None, vec![put("empty.md", b"")]).await;
    assert_eq!(bytes(store, &tip, "empty.md").await, Some(Vec::new()));
}

/// Line ends, byte order marks, NUL and bytes that are not UTF-8.
pub async fn binary_bytes_come_back_exactly(store: &dyn GitStore) {
    let all: Vec<u8> = (0..=255).collect();
    let tip = publish(store, None, vec![put("all", &all), put("crlf", b"a\r\nb\rc\n"), put("bom", b"\xEF\xBB\xBFx")]).await;
    assert_eq!(bytes(store, &tip, "all").await, Some(all));
    assert_eq!(bytes(store, &tip, "crlf").await.as_deref(), Some(&b"a\r\nb\rc\n"[..]));
    assert_eq!(bytes(store, &tip, "bom").await.as_deref(), Some(&b"\xEF\xBB\xBFx"[..]));
}

/// Spaces and quotes too.
pub async fn deep_folders_and_other_alphabets_are_paths(store: &dyn GitStore) {
    let deep = format!("{}file.md", "d/".repeat(40));
    let names = [deep.as_str(), "größe/übersicht.md", "日本語/ファイル.md", "with space/it's 'quoted' &c.md", "emoji/🎉.md"];
    let tip = publish(store, None, names.map(|path| put(path, path.as_bytes())).to_vec()).await;
    for path in names {
        assert_eq!(bytes(store, &tip, path).await.as_deref(), Some(path.as_bytes()));
    }
    assert_eq!(paths(store, &tip).await.len(), names.len());
}

/// A megabyte that does not compress well.
pub async fn a_large_file_comes_back_exactly(store: &dyn GitStore) {
    let mut x = 0x2545_F491_4F6C_DD1Du64;
    let large: Vec<u8> = std::iter::repeat_with(|| {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        x.to_be_bytes()[0]
    })
    .take(1 << 20)
    .collect();
    let tip = publish(store, None, vec![put("large.bin", &large)]).await;
    assert_eq!(bytes(store, &tip, "large.bin").await, Some(large));
}

/// Author and committer apart, whole seconds, names in any alphabet, trailers as part of the message.
pub async fn a_commit_records_who_when_and_why(store: &dyn GitStore) {
    let author = Signature { author: Author::new("Zoë Ångström 李", "zoë@example.com"), ..signature("x", 1_700_000_000) };
    let committer = Signature {
        author: Author::new("Lorebase", "lorebase@example.com"),
        time: jiff::Timestamp::from_millisecond(1_700_000_123_999).expect("a moment"),
    };
    let message = "Save „Größe\" ✓\n\nLonger text.\n\nLorebase-Operation: 1\nCo-authored-by: Bob <bob@example.com>\n";
    let new = NewCommit { author: author.clone(), committer: committer.clone(), message: message.to_owned(), edits: vec![put("a", b"1")] };
    let tip = publish_all(store, None, &[new]).await.remove(0);
    let info = store.commit(&tip).await.expect("commit");
    assert_eq!(info.id, tip);
    assert_eq!(info.author, author);
    assert_eq!(info.committer.author, committer.author);
    assert_eq!(info.committer.time.as_millisecond(), 1_700_000_123_000);
    assert_eq!(info.message, message);
}

/// An author's fields are public: what slipped in is left out, times before 1970 are 1970.
pub async fn names_that_would_break_a_commit_are_cleaned(store: &dyn GitStore) {
    let author = Author { name: "Eve <x>\nauthor".to_owned(), email: "e<v>e@example.com\n".to_owned() };
    let time = jiff::Timestamp::from_second(-5).expect("a moment");
    let by = Signature { author, time };
    let new = NewCommit { author: by.clone(), committer: by, message: "a\0b".to_owned(), edits: vec![put("a", b"1")] };
    let tip = publish_all(store, None, &[new]).await.remove(0);
    let info = store.commit(&tip).await.expect("commit");
    assert_eq!(info.author.author, Author { name: "Eve xauthor".to_owned(), email: "eve@example.com".to_owned() });
    assert_eq!(info.author.time.as_second(), 0);
    assert_eq!(info.message, "ab");
}

/// Without a line end, with several, or empty.
pub async fn a_message_is_kept_as_it_is(store: &dyn GitStore) {
    let mut parent = None;
    for message in ["no line end", "two\n\n", "a\r\nb\n", ""] {
        let new = NewCommit { message: message.to_owned(), ..commit(vec![put("a", message.as_bytes())]) };
        let tip = publish_all(store, parent.as_ref(), &[new]).await.remove(0);
        assert_eq!(store.commit(&tip).await.expect("commit").message, message);
        parent = Some(tip);
    }
}

/// A hundred commits at once: enough for a store to choose another way of writing.
pub async fn a_long_chain_is_written_whole(store: &dyn GitStore) {
    let first = publish(store, None, vec![put("start", b"0")]).await;
    let chain: Vec<NewCommit> =
        (0..100).map(|i| commit_at(1_780_000_000 + i, vec![put(&format!("f/{}.md", i % 7), i.to_string().as_bytes())])).collect();
    let ids = publish_all(store, Some(&first), &chain).await;
    assert_eq!(store.commit(&ids[0]).await.expect("commit").parents, std::slice::from_ref(&first));
    for (i, id) in ids.iter().enumerate() {
        assert_eq!(bytes(store, id, &format!("f/{}.md", i % 7)).await, Some(i.to_string().into_bytes()));
    }
    assert_eq!(paths(store, &ids[99]).await.len(), 8);
    assert_eq!(store.root(&ids[99]).await.expect("root"), Some(first));
}

/// Three hundred files in sixteen folders.
pub async fn many_files_are_written_in_one_commit(store: &dyn GitStore) {
    let edits = (0..300).map(|i| put(&format!("d{:02}/f{i:03}.md", i % 16), format!("file {i}\n").as_bytes())).collect();
    let tip = publish(store, None, edits).await;
    assert_eq!(paths(store, &tip).await.len(), 300);
    assert_eq!(bytes(store, &tip, "d03/f019.md").await, Some(b"file 19\n".to_vec()));
    let second = publish(store, Some(&tip), (0..300).map(|i| remove(&format!("d{:02}/f{i:03}.md", i % 16))).collect()).await;
    assert_eq!(paths(store, &second).await, Vec::<String>::new());
}

/// Neither the head nor anything it contains.
pub async fn preparing_makes_nothing_visible(store: &dyn GitStore) {
    let prepared = store.prepare(None, &[commit(vec![put("a", b"1")])]).await.expect("prepare");
    assert_eq!(store.head().await.expect("head"), None);
    let first = publish(store, None, vec![put("b", b"1")]).await;
    let on_top = store.prepare(Some(&first), &[commit(vec![put("b", b"2")])]).await.expect("prepare");
    assert_eq!(store.head().await.expect("head"), Some(first.clone()));
    assert_eq!(bytes(store, &first, "b").await.as_deref(), Some(&b"1"[..]));
    assert!(!store.contains(&first, &prepared[0]).await.expect("contains"));
    assert!(!store.contains(&first, &on_top[0]).await.expect("contains"));
}

/// After a crash the same objects are written again.
pub async fn preparing_the_same_twice_is_harmless(store: &dyn GitStore) {
    let chain = [commit(vec![put("a/b", b"1")]), commit(vec![put("a/c", b"2")])];
    let once = store.prepare(None, &chain).await.expect("prepare");
    let again = store.prepare(None, &chain).await.expect("prepare");
    assert_eq!(once, again);
    assert_eq!(publish_all(store, None, &chain).await, once);
}

/// `NotFound`, so that the caller reads the head again.
pub async fn preparing_on_an_unknown_parent_is_not_found(store: &dyn GitStore) {
    let first = publish(store, None, vec![put("a", b"1")]).await;
    assert_kind(store.prepare(Some(&unknown(&first)), &[commit(vec![])]).await, ErrorKind::NotFound);
}

/// Contents come before the commit that places them, in as many calls as their number takes; more than one commit may.
pub async fn stored_contents_are_placed_by_a_commit(store: &dyn GitStore) {
    let first = publish(store, None, vec![put("a", b"1"), put("folder/b", b"1")]).await;
    let place = |path: &str, blob: &BlobId| TreeEdit::Place { path: path.to_owned(), blob: blob.clone() };
    let mut edits = Vec::new();
    for portion in 0..3_u8 {
        let bytes: Vec<Vec<u8>> = (0..40_u8).map(|number| vec![portion, number % 30, b'\n']).collect();
        let blobs = store.store(bytes).await.expect("store");
        assert_eq!((blobs.len(), &blobs[0]), (40, &blobs[30]), "equal contents are one");
        edits.extend(blobs.iter().enumerate().map(|(number, blob)| place(&format!("new/{portion}-{number}"), blob)));
    }
    let again = store.store(vec![b"1".to_vec(), b"2".to_vec()]).await.expect("store");
    edits.extend([place("folder/b", &again[1]), place("copy", &again[0]), put("written", b"3")]);
    let tip = publish(store, Some(&first), edits).await;
    assert_eq!(bytes(store, &tip, "new/2-39").await, Some(vec![2, 9, b'\n']));
    assert_eq!(bytes(store, &tip, "folder/b").await.as_deref(), Some(&b"2"[..]));
    assert_eq!(bytes(store, &tip, "copy").await.as_deref(), Some(&b"1"[..]));
    assert_eq!(bytes(store, &tip, "written").await.as_deref(), Some(&b"3"[..]));
    assert_eq!(paths(store, &tip).await.len(), 124);
    // What the repository has need not be stored again.
    let next = publish(store, Some(&tip), vec![place("once more", &again[1])]).await;
    assert_eq!(bytes(store, &next, "once more").await.as_deref(), Some(&b"2"[..]));
}

/// `NotFound`: a commit never names what is not there.
pub async fn a_content_that_nobody_stored_cannot_be_placed(store: &dyn GitStore) {
    let first = publish(store, None, vec![put("a", b"1")]).await;
    let blob = BlobId::new(unknown(&first).as_str());
    let edits = vec![TreeEdit::Place { path: "b".to_owned(), blob }];
    assert_kind(store.prepare(Some(&first), &[commit(edits)]).await, ErrorKind::NotFound);
    assert_eq!(store.head().await.expect("head"), Some(first));
}

/// An empty chain is no commits.
pub async fn preparing_nothing_gives_nothing(store: &dyn GitStore) {
    assert_eq!(store.prepare(None, &[]).await.expect("prepare"), []);
    let first = publish(store, None, vec![put("a", b"1")]).await;
    assert_eq!(store.prepare(Some(&first), &[]).await.expect("prepare"), []);
}
