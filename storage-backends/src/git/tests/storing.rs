//! How objects and refs reach the disk, and what other git programs do meanwhile.

use std::fs;

use lorebase::ErrorKind;
use lorebase::store::{AdvanceOutcome, BlobRead, CommitId, EntryMode, GitStore, NewCommit};

use super::{assert_kind, assert_sound, bare, block_on, checkout, commit, git, head, open, options, put, remove, save, saved};
use crate::git::GitOptions;

fn many(count: usize) -> Vec<NewCommit> {
    (0..count).map(|i| commit(vec![put(&format!("f/{i}.md"), &format!("text {i}\n"))])).collect()
}

fn guards(folder: &std::path::Path) -> usize {
    let names = fs::read_dir(folder.join("objects/pack")).into_iter().flatten();
    names.filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|extension| extension == "keep")).count()
}

#[test]
fn few_objects_are_loose_files_and_many_are_one_pack() {
    let (folder, store) = bare();
    saved(&store, vec![put("a/b.md", "text")]);
    assert_eq!(git(folder.path(), &["count-objects"]), "4 objects, 16 kilobytes");
    let parent = head(&store);
    let ids = block_on(store.prepare(parent.as_ref(), &many(100))).unwrap();
    let counted = git(folder.path(), &["count-objects", "-v"]);
    assert!(counted.contains("count: 4\n") && counted.contains("packs: 1\n"), "{counted}");
    assert!(counted.contains("garbage: 0\n"), "{counted}");
    assert_eq!(block_on(store.advance(parent.as_ref(), &ids[99])).unwrap(), AdvanceOutcome::Advanced);
    assert_sound(folder.path());
}

#[test]
fn a_long_chain_in_one_folder_is_a_small_pack_that_git_reads() {
    let (folder, store) = bare();
    let filled: Vec<_> = (0..600).map(|i| put(&format!("f/{i:04}-{}.md", "x".repeat(40)), "text")).collect();
    saved(&store, filled);
    let parent = head(&store);
    let chain: Vec<_> = (0..200).map(|i| commit(vec![put(&format!("f/{i:04}.md"), &format!("{i}")), put("g/same.md", "same")])).collect();
    let back = commit(vec![remove("f/0199.md")]);
    let chain: Vec<_> = chain.into_iter().chain([back]).collect();
    let ids = block_on(store.prepare(parent.as_ref(), &chain)).unwrap();
    assert_eq!(block_on(store.advance(parent.as_ref(), &ids[200])).unwrap(), AdvanceOutcome::Advanced);
    assert_sound(folder.path());
    let trees = |of: &CommitId| git(folder.path(), &["rev-parse", &format!("{of}:f")]);
    assert_eq!(trees(&ids[198]), trees(&ids[200]), "what was taken back is as it was before");
    // Each of the 200 lists of the folder alone takes more than 40 KB, 8 MB in all.
    let size: u64 = git(folder.path(), &["count-objects", "-v"])
        .lines()
        .find_map(|line| line.strip_prefix("size-pack: "))
        .and_then(|size| size.parse().ok())
        .unwrap();
    assert!(size < 500, "{size} KB");
    let read = block_on(store.lookup(&ids[150], &["f/0150.md".to_owned(), "f/0151.md".to_owned()])).unwrap();
    assert!(read[0].is_some() && read[1].is_none());
}

#[test]
fn a_pack_is_guarded_until_the_branch_names_it() {
    let (folder, store) = bare();
    let ids = block_on(store.prepare(None, &many(30))).unwrap();
    assert_eq!(guards(folder.path()), 1);
    git(folder.path(), &["repack", "-a", "-d", "-q"]);
    git(folder.path(), &["prune", "--expire=now"]);
    assert_eq!(block_on(store.advance(None, &ids[29])).unwrap(), AdvanceOutcome::Advanced);
    assert_eq!(guards(folder.path()), 0);
    assert_sound(folder.path());
}

#[test]
fn a_pack_that_lost_its_race_is_guarded_no_longer() {
    let (folder, store) = bare();
    let lost = block_on(store.prepare(None, &many(30))).unwrap();
    let first = saved(&store, vec![put("a", "1")]);
    assert_eq!(guards(folder.path()), 1);
    assert_eq!(block_on(store.advance(None, &lost[29])).unwrap(), AdvanceOutcome::Moved(Some(first)));
    assert_eq!(guards(folder.path()), 0);
}

#[test]
fn guards_of_dead_processes_go_when_the_store_is_opened_and_others_stay() {
    let (folder, store) = bare();
    block_on(store.prepare(None, &many(30))).unwrap();
    let pack = folder.path().join("objects/pack");
    let keep = fs::read_dir(&pack).unwrap().map(|entry| entry.unwrap().path()).find(|path| path.extension().unwrap() == "keep").unwrap();
    let alive = fs::read_to_string(&keep).unwrap();
    fs::write(pack.join("pack-human.keep"), "a person's").unwrap();
    open(options(folder.path())).unwrap();
    assert_eq!(guards(folder.path()), 2);
    let started = crate::process::me().started;
    let dead = alive.replace(&format!("\"started\":{started}"), "\"started\":1");
    assert_ne!(alive, dead);
    fs::write(&keep, &dead).unwrap();
    open(options(folder.path())).unwrap();
    assert_eq!(guards(folder.path()), 1);
    assert!(pack.join("pack-human.keep").exists());
}

#[test]
fn half_written_packs_of_dead_processes_go_when_the_store_is_opened_and_others_stay() {
    use crate::process::{in_a_name, me};
    let (folder, _) = bare();
    let staging = |owner: &str| {
        let path = folder.path().join("objects").join(format!("tmp_lorebase_{owner}"));
        fs::create_dir(&path).unwrap();
        path
    };
    let dead = lorebase::store::Owner { started: 1, ..me() };
    let (begun, filled) = (staging(&in_a_name(&dead)), staging(&in_a_name(&lorebase::store::Owner { instance: me().instance, ..dead })));
    fs::write(filled.join("owner"), "lorebase").unwrap();
    let (alive, nobodys) = (staging(&in_a_name(&me())), staging("x"));
    open(options(folder.path())).unwrap();
    assert!(!begun.exists() && !filled.exists());
    assert!(alive.exists(), "the folder of a living process");
    assert!(nobodys.exists(), "the folder of nobody known, before a day has gone by");
    let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
    fs::File::open(&nobodys).unwrap().set_modified(long_ago).unwrap();
    open(options(folder.path())).unwrap();
    assert!(alive.exists() && !nobodys.exists());
}

#[test]
fn an_object_damaged_by_a_power_cut_is_written_again() {
    let (folder, store) = bare();
    let ids = block_on(store.prepare(None, &[commit(vec![put("a", "1")])])).unwrap();
    let hex = ids[0].as_str();
    let object = folder.path().join("objects").join(&hex[..2]).join(&hex[2..]);
    fs::remove_file(&object).unwrap();
    fs::write(&object, "").unwrap();
    assert_eq!(save(&store, vec![put("a", "1")]).unwrap(), AdvanceOutcome::Advanced);
    assert_sound(folder.path());
}

#[cfg(unix)]
#[test]
fn objects_are_as_readable_as_the_repository_and_never_writable() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, store) = bare();
    fs::set_permissions(folder.path().join("objects"), fs::Permissions::from_mode(0o2770)).unwrap();
    let id = saved(&store, vec![put("a", "1")]);
    let path = folder.path().join("objects").join(&id.as_str()[..2]);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&path), 0o2770);
    assert_eq!(mode(&path.join(&id.as_str()[2..])), 0o440);
}

#[test]
fn a_branch_in_packed_refs_is_read_and_moved() {
    let (folder, store) = bare();
    let first = saved(&store, vec![put("a", "1")]);
    git(folder.path(), &["pack-refs", "--all", "--prune"]);
    assert!(!folder.path().join("refs/heads/main").exists());
    assert_eq!(head(&store), Some(first));
    let second = saved(&store, vec![put("a", "2")]);
    assert_eq!(git(folder.path(), &["rev-parse", "main"]), second.as_str());
    git(folder.path(), &["pack-refs", "--all", "--prune"]);
    let third = saved(&store, vec![put("a", "3")]);
    assert_eq!(head(&store), Some(third));
    assert_sound(folder.path());
}

#[test]
fn a_branch_that_somebody_deleted_is_not_made_again() {
    let (folder, store) = bare();
    let first = saved(&store, vec![put("a", "1")]);
    let next = block_on(store.prepare(Some(&first), &[commit(vec![put("a", "2")])])).unwrap();
    git(folder.path(), &["update-ref", "-d", "refs/heads/main"]);
    assert_eq!(block_on(store.advance(Some(&first), &next[0])).unwrap(), AdvanceOutcome::Moved(None));
    assert_eq!(head(&store), None);
}

#[test]
fn somebody_elses_push_is_seen_and_wins_the_race() {
    let (folder, store) = bare();
    let first = saved(&store, vec![put("a", "1")]);
    let ours = block_on(store.prepare(Some(&first), &[commit(vec![put("a", "ours")])])).unwrap();
    let work = tempfile::tempdir().unwrap();
    git(work.path(), &["clone", "-q", &folder.path().to_string_lossy(), "."]);
    fs::write(work.path().join("b"), "theirs").unwrap();
    git(work.path(), &["add", "b"]);
    git(work.path(), &["commit", "-q", "-m", "theirs"]);
    git(work.path(), &["push", "-q"]);
    let theirs = CommitId::new(git(work.path(), &["rev-parse", "HEAD"]));
    assert_eq!(head(&store), Some(theirs.clone()));
    assert_eq!(block_on(store.advance(Some(&first), &ours[0])).unwrap(), AdvanceOutcome::Moved(Some(theirs.clone())));
    let info = block_on(store.commit(&theirs)).unwrap();
    assert_eq!((info.author.author.name.as_str(), info.message.as_str()), ("Bob", "theirs\n"));
}

#[test]
fn objects_stay_readable_while_git_repacks_again_and_again() {
    let (folder, store) = bare();
    let mut ids = Vec::new();
    for round in 0..40 {
        ids.push(saved(&store, vec![put("a", &round.to_string())]));
        let args: &[&str] = if round % 10 == 9 { &["repack", "-a", "-d", "-q"] } else { &["repack", "-d", "-q"] };
        git(folder.path(), args);
    }
    for (round, id) in ids.iter().enumerate() {
        let blob = block_on(store.tree(id)).unwrap().remove(0).blob;
        assert_eq!(block_on(store.read(&[blob], 100)).unwrap(), [BlobRead::Found(round.to_string().into_bytes())]);
    }
    assert_sound(folder.path());
}

#[test]
fn ancestry_is_the_same_with_a_commit_graph_and_without() {
    let (folder, store) = bare();
    let ids = block_on(store.prepare(None, &many(60))).unwrap();
    block_on(store.advance(None, &ids[59])).unwrap();
    let beside = block_on(store.prepare(Some(&ids[10]), &many(1))).unwrap().remove(0);
    git(folder.path(), &["branch", "other", beside.as_str()]);
    for graph in [false, true] {
        if graph {
            git(folder.path(), &["commit-graph", "write", "--reachable"]);
        }
        let store = open(options(folder.path())).unwrap();
        let contains = |tip: &CommitId, id: &CommitId| block_on(store.contains(tip, id)).unwrap();
        assert!(contains(&ids[59], &ids[0]) && contains(&ids[59], &ids[58]) && contains(&beside, &ids[10]));
        assert!(!contains(&ids[0], &ids[59]) && !contains(&beside, &ids[11]) && !contains(&ids[59], &beside));
        assert_eq!(block_on(store.root(&ids[59])).unwrap().as_ref(), Some(&ids[0]));
        let newer = saved(&store, vec![put("g", &graph.to_string())]);
        assert!(contains(&newer, &ids[0]) && contains(&newer, &newer) && !contains(&ids[59], &newer));
        git(folder.path(), &["update-ref", "refs/heads/main", ids[59].as_str()]);
    }
}

#[test]
fn a_shallow_clone_has_no_root_and_contains_what_it_has() {
    let (folder, store) = bare();
    let ids = block_on(store.prepare(None, &many(5))).unwrap();
    block_on(store.advance(None, &ids[4])).unwrap();
    let clone = tempfile::tempdir().unwrap();
    let url = format!("file://{}", folder.path().display());
    git(clone.path(), &["clone", "-q", "--bare", "--depth=2", &url, "."]);
    let store = open(options(clone.path())).unwrap();
    assert_eq!(block_on(store.root(&ids[4])).unwrap(), None);
    assert!(block_on(store.contains(&ids[4], &ids[3])).unwrap());
    assert!(!block_on(store.contains(&ids[4], &ids[0])).unwrap());
    assert!(!block_on(store.exists(&ids[0])).unwrap());
    assert_eq!(block_on(store.tree(&ids[3])).unwrap().len(), 4);
}

#[test]
fn a_partial_clone_misses_blobs_and_a_shared_clone_finds_them() {
    let (folder, store) = bare();
    let id = saved(&store, vec![put("a", "1")]);
    let blob = block_on(store.tree(&id)).unwrap().remove(0).blob;
    git(folder.path(), &["config", "uploadpack.allowFilter", "true"]);
    let url = format!("file://{}", folder.path().display());
    for (args, expected) in [("--filter=blob:none", BlobRead::Missing), ("--shared", BlobRead::Found(b"1".to_vec()))] {
        let clone = tempfile::tempdir().unwrap();
        let from = if args == "--shared" { folder.path().to_str().unwrap() } else { &url };
        git(clone.path(), &["clone", "-q", "--bare", args, from, "."]);
        let store = open(options(clone.path())).unwrap();
        for limit in [100, u64::MAX] {
            assert_eq!(block_on(store.read(std::slice::from_ref(&blob), limit)).unwrap(), std::slice::from_ref(&expected), "{args}");
        }
        let next = saved(&store, vec![put("b", "2")]);
        assert_eq!(block_on(store.tree(&next)).unwrap().len(), 2);
    }
}

#[test]
fn a_merge_is_followed_on_both_sides_and_rooted_on_the_first() {
    let (folder, store) = checkout();
    let root = saved(&store, vec![put("a", "1")]);
    git(folder.path(), &["checkout", "-q", "-b", "side"]);
    git(folder.path(), &["commit", "-q", "--allow-empty", "-m", "side"]);
    let side = CommitId::new(git(folder.path(), &["rev-parse", "HEAD"]));
    git(folder.path(), &["checkout", "-q", "main"]);
    saved(&store, vec![put("b", "1")]);
    git(folder.path(), &["merge", "-q", "--no-edit", "side"]);
    let merged = head(&store).unwrap();
    assert!(block_on(store.contains(&merged, &side)).unwrap());
    assert_eq!(block_on(store.commit(&merged)).unwrap().parents.len(), 2);
    assert_eq!(block_on(store.root(&merged)).unwrap(), Some(root));
}

#[test]
fn links_and_submodules_show_only_as_modes_and_names_that_are_no_utf8_are_marked() {
    let (folder, store) = checkout();
    std::os::unix::fs::symlink("/etc/passwd", folder.path().join("link")).unwrap();
    git(folder.path(), &["add", "link"]);
    let cacheinfo = format!("160000,{},module", "1".repeat(40));
    git(folder.path(), &["update-index", "--add", "--cacheinfo", &cacheinfo]);
    let odd: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"caf\xE9.md");
    fs::write(folder.path().join(odd), "x").unwrap();
    git(folder.path(), &["add", "caf*"]);
    git(folder.path(), &["commit", "-q", "-m", "odd things"]);
    let tip = head(&store).unwrap();
    let found: Vec<_> = block_on(store.tree(&tip)).unwrap().into_iter().map(|entry| (entry.path, entry.mode)).collect();
    let expected = [("caf\u{FFFD}.md", EntryMode::File), ("link", EntryMode::Symlink), ("module", EntryMode::Submodule)];
    assert_eq!(found, expected.map(|(path, mode)| (path.to_owned(), mode)));
    let changes = block_on(store.changes(None, &tip)).unwrap();
    assert_eq!(changes.len(), 3);
    let inside = block_on(store.prepare(Some(&tip), &[commit(vec![put("module/x", "1")])]));
    assert_kind(inside, ErrorKind::InvalidInput, &["`module`"]);
}

#[test]
fn a_chain_that_cannot_be_written_leaves_nothing_behind() {
    let (folder, store) = bare();
    let chain = [commit(vec![put("a", "1")]), commit(vec![put("a/b", "1")])];
    assert_kind(block_on(store.prepare(None, &chain)), ErrorKind::InvalidInput, &["`a`"]);
    assert_eq!(git(folder.path(), &["count-objects"]), "0 objects, 0 kilobytes");
}

#[test]
fn damaged_objects_are_told_as_damage() {
    let (folder, store) = bare();
    let id = saved(&store, vec![put("a", "1")]);
    let tree = git(folder.path(), &["rev-parse", "main^{tree}"]);
    let object = folder.path().join("objects").join(&tree[..2]).join(&tree[2..]);
    fs::remove_file(&object).unwrap();
    assert_kind(block_on(store.tree(&id)), ErrorKind::Corrupt, &[&tree, "git fsck"]);
    fs::write(&object, "garbage").unwrap();
    assert_kind(block_on(store.tree(&id)), ErrorKind::Corrupt, &[&tree]);
    fs::write(folder.path().join("refs/heads/main"), "").unwrap();
    assert_kind(block_on(store.head()), ErrorKind::Corrupt, &["refs/heads/main", "reflog"]);
}

#[test]
fn nested_branch_names_make_their_folders_and_reuse_empty_ones() {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "-q", "--bare", "-b", "main"]);
    let named = |name: &str| GitOptions { branch: Some(name.to_owned()), ..options(folder.path()) };
    let store = open(named("team/knowledge")).unwrap();
    saved(&store, vec![put("a", "1")]);
    git(folder.path(), &["update-ref", "-d", "refs/heads/team/knowledge"]);
    fs::create_dir_all(folder.path().join("refs/heads/team/left/over")).unwrap();
    let store = open(named("team")).unwrap();
    saved(&store, vec![put("a", "1")]);
    assert_eq!(git(folder.path(), &["branch", "--format=%(refname:short)"]), "team");
    assert_sound(folder.path());
}

#[test]
fn a_branch_cannot_be_made_below_another() {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "-q", "--bare", "-b", "main/inner"]);
    let store = open(options(folder.path())).unwrap();
    let id = block_on(store.prepare(None, &[commit(vec![put("a", "1")])])).unwrap().remove(0);
    git(folder.path(), &["update-ref", "refs/heads/main", id.as_str()]);
    git(folder.path(), &["pack-refs", "--all", "--prune"]);
    assert_kind(block_on(store.advance(None, &id)), ErrorKind::InvalidInput, &["refs/heads/main"]);
    assert_sound(folder.path());
}

#[test]
fn reflogs_are_written_where_the_repository_keeps_them() {
    let (folder, store) = checkout();
    let first = saved(&store, vec![put("a", "1")]);
    let second = saved(&store, vec![put("a", "2")]);
    for name in ["HEAD", "main"] {
        let log = git(folder.path(), &["reflog", "show", "--format=%H %gn %gs", name]);
        assert_eq!(log, format!("{second} Ada commit: Change things\n{first} Ada commit (initial): Change things"));
    }
    let (folder, store) = bare();
    saved(&store, vec![put("a", "1")]);
    assert!(!folder.path().join("logs").exists());
}

#[test]
fn a_store_without_waiting_for_the_disk_writes_the_same() {
    let (durable, hasty) = (bare(), tempfile::tempdir().unwrap());
    git(hasty.path(), &["init", "-q", "--bare", "-b", "main"]);
    let store = open(super::throw_away(hasty.path())).unwrap();
    assert_eq!(saved(&durable.1, vec![put("a", "1")]), saved(&store, vec![put("a", "1")]));
    assert_sound(hasty.path());
}
