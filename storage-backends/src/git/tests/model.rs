//! Random edits on a real repository and on the reference model: both refuse the same commits, and agree on every
//! tree, difference and byte. A failure names its seed.

use lorebase::clock::Entropy;
use lorebase::memory::{MemoryGit, SeededEntropy};
use lorebase::store::{AdvanceOutcome, BlobRead, CommitId, FileChange, GitStore, NewCommit, TreeEdit};

use super::{GixStore, assert_clean, assert_sound, block_on, commit, open, put, remove, throw_away};
use crate::git::GitOptions;

/// Few names, so that files and folders often meet; some differ only in how git sorts them.
const PATHS: [&str; 14] = ["a", "a.md", "a-b", "a/b", "a/b/c", "a/b.md", "a0", "b", "b/a", "b/a/x", "b/é.md", "c/d/e/f", "c/d", "z z/y"];

fn pick<'a>(random: &SeededEntropy, from: &[&'a str]) -> &'a str {
    let index = random.below(from.len() as u64);
    from[usize::try_from(index).unwrap()]
}

fn edits(random: &SeededEntropy) -> Vec<TreeEdit> {
    let count = random.below(6);
    let edit = |_| match random.below(5) {
        0 | 1 => remove(pick(random, &PATHS)),
        _ => put(pick(random, &PATHS), pick(random, &["", "1", "2", "1\r\n", "longer text\n"])),
    };
    (0..count).map(edit).collect()
}

/// A commit's files, or a difference, with bytes instead of ids.
async fn described(store: &dyn GitStore, changes: Vec<FileChange>) -> Vec<(String, Option<String>, Option<String>)> {
    let mut all = Vec::new();
    for change in changes {
        let mut sides = Vec::new();
        for entry in [change.old, change.new] {
            sides.push(match entry {
                None => None,
                Some(entry) => match store.read(&[entry.blob], 1000).await.unwrap().remove(0) {
                    BlobRead::Found(bytes) => Some(format!("{:?} {:?}", entry.mode, String::from_utf8(bytes).unwrap())),
                    other => panic!("{}: {other:?}", change.path),
                },
            });
        }
        all.push((change.path, sides.remove(0), sides.remove(0)));
    }
    all
}

async fn step(store: &dyn GitStore, parent: Option<&CommitId>, chain: &[NewCommit]) -> Option<CommitId> {
    match store.prepare(parent, chain).await {
        Ok(ids) => {
            let tip = ids.last().unwrap().clone();
            assert_eq!(store.advance(parent, &tip).await.unwrap(), AdvanceOutcome::Advanced);
            Some(tip)
        }
        Err(error) => {
            assert_eq!(error.kind(), lorebase::ErrorKind::InvalidInput, "{error}");
            None
        }
    }
}

async fn compare(seed: u64, real: &GixStore) {
    let (random, model) = (SeededEntropy::new(seed), MemoryGit::new());
    let (mut ours, mut theirs): (Vec<CommitId>, Vec<CommitId>) = (Vec::new(), Vec::new());
    let mut refused = 0;
    for round in 0..40 {
        let chain: Vec<NewCommit> = (0..=random.below(2)).map(|_| commit(edits(&random))).collect();
        let (a, b) = (step(real, ours.last(), &chain).await, step(&model, theirs.last(), &chain).await);
        assert_eq!(a.is_some(), b.is_some(), "seed {seed}, round {round}: {chain:?}");
        let (Some(a), Some(b)) = (a, b) else {
            refused += 1;
            continue;
        };
        let since = ours.len().checked_sub(1 + usize::try_from(random.below(4)).unwrap());
        let (from, to) = (since.map(|at| (&ours[at], &theirs[at])), (&a, &b));
        let mine = described(real, real.changes(from.map(|from| from.0), to.0).await.unwrap()).await;
        let model_s = described(&model, model.changes(from.map(|from| from.1), to.1).await.unwrap()).await;
        assert_eq!(mine, model_s, "seed {seed}, round {round}");
        let asked: Vec<String> = PATHS.iter().map(|path| (*path).to_owned()).collect();
        let kinds =
            |found: Vec<Option<lorebase::store::TreeEntry>>| found.into_iter().map(|entry| entry.map(|entry| (entry.path, entry.mode)));
        let (found, expected) = (real.lookup(to.0, &asked).await.unwrap(), model.lookup(to.1, &asked).await.unwrap());
        assert!(kinds(found).eq(kinds(expected)), "seed {seed}, round {round}");
        ours.push(a);
        theirs.push(b);
    }
    assert!(refused > 3 && ours.len() > 10, "seed {seed}: {refused} refused, {} taken", ours.len());
}

#[test]
fn a_bare_repository_is_the_model() {
    for seed in 0..12 {
        let folder = tempfile::tempdir().unwrap();
        let store = open(GitOptions { init: true, bare: true, ..throw_away(folder.path()) }).unwrap();
        block_on(compare(seed, &store));
        assert_sound(folder.path());
    }
}

#[test]
fn a_checkout_is_the_model_and_git_finds_it_clean() {
    for seed in 100..106 {
        let folder = tempfile::tempdir().unwrap();
        let store = open(GitOptions { init: true, ..throw_away(folder.path()) }).unwrap();
        block_on(compare(seed, &store));
        assert_clean(folder.path());
    }
}
