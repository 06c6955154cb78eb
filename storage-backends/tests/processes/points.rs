//! The named places at which a process is ended, and the life that comes to each of them.

use super::orders::Life;

/// How a process comes to a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// By working like this.
    Working(Life),
    /// By opening what a process left that was ended at this other place.
    After(&'static str),
    /// By filling a new database.
    Filling,
    /// By making a new repository and filling it from a database.
    Making,
}

/// A named place in the stores.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Point {
    pub(crate) name: &'static str,
    pub(crate) way: Way,
    /// Passed only where a work tree follows the branch.
    pub(crate) checkout: bool,
    /// What is true there, for people.
    pub(crate) what: &'static str,
}

const fn point(name: &'static str, way: Way, what: &'static str) -> Point {
    Point { name, way, checkout: false, what }
}

const fn in_checkout(name: &'static str, way: Way, what: &'static str) -> Point {
    Point { name, way, checkout: true, what }
}

const INLINE: Way = Way::Working(Life::Inline);
const BULK: Way = Way::Working(Life::Bulk);

/// Every place of the stores.
pub(crate) const POINTS: [Point; 50] = [
    point("git.objects.half", INLINE, "some of a commit's objects are in their places"),
    point("git.objects.placed", INLINE, "all objects are in their places, their folders not flushed"),
    point("git.prepare.objects", INLINE, "the objects are on the disk, nothing names them"),
    point("git.prepare.staged", BULK, "the folder of a new pack is there, its owner's note is not"),
    point("git.pack.noted", BULK, "the owner's note is there, the pack is not"),
    point("git.pack.half", BULK, "a pack is written without its checksum"),
    point("git.pack.written", BULK, "a pack is written and not in its place"),
    point("git.pack.guarded", BULK, "the guard of a pack is in its place, the pack is not"),
    point("git.pack.without_index", BULK, "a pack is in its place, its index is not"),
    point("git.prepare.packed", BULK, "a pack is in its place, guarded, and nothing names it"),
    point("git.note.written", Way::Making, "what will be in every lock file is written and not in its place"),
    point("git.note.replaced", Way::Making, "what will be in every lock file is in its place, nothing names it"),
    point("git.marks.written", Way::Making, "where locks of ours may be is written and not in its place"),
    point("git.marks.replaced", Way::Making, "where locks of ours may be is in its place, its folder not flushed"),
    point("git.lock.ready", INLINE, "locks may be taken, none is"),
    in_checkout("git.journal.written", INLINE, "a new journal is written beside the old one"),
    in_checkout("git.journal.replaced", INLINE, "a new journal is in its place, its folder not flushed"),
    point("git.lock.taken", INLINE, "the first of git's locks is taken"),
    point("git.advance.locked", INLINE, "all of git's locks are taken"),
    point("git.advance.journalled", INLINE, "the journal says what the work tree will do"),
    point("git.ref.written", INLINE, "the branch's new value is written beside it"),
    point("git.ref.replaced", INLINE, "the branch has moved, its folder not flushed"),
    point("git.advance.moved", INLINE, "the branch has moved, nothing follows yet"),
    point("git.advance.logged", INLINE, "the reflog has its line"),
    in_checkout("git.checkout.removed", INLINE, "a file that the commit removes is gone"),
    in_checkout("git.checkout.written", INLINE, "new files are written, none is in its place"),
    in_checkout("git.checkout.half", BULK, "half of the new files are in their places"),
    in_checkout("git.advance.files", INLINE, "all files are in their places, the index is old"),
    in_checkout("git.index.written", INLINE, "a new index is written beside the old one"),
    in_checkout("git.advance.index", INLINE, "files and index follow, the locks are still there"),
    in_checkout("git.advance.unlocked", INLINE, "the locks are given back, the journal is still there"),
    point("git.recovery.unlocked", Way::After("git.advance.moved"), "a recovery has removed the locks of the dead"),
    in_checkout("git.recovery.done", Way::After("git.ref.replaced"), "a recovery is done, the journal is still there"),
    point("git.recovery.unguarded", Way::After("git.prepare.packed"), "a recovery has removed the guard of a dead process's pack"),
    point("git.recovery.staging", Way::After("git.pack.half"), "a recovery is about to remove a half-written pack"),
    point("git.init.made", Way::Making, "a new repository is made and not in its place"),
    point("git.init.placed", Way::Making, "a new repository is in its place, and nothing in it"),
    point("sql.apply.asked", INLINE, "a batch waits for the database"),
    point("sql.apply.begun", INLINE, "a transaction has begun"),
    point("sql.apply.half", INLINE, "a transaction has freed places and not taken them"),
    point("sql.apply.written", INLINE, "a transaction is about to commit"),
    point("sql.apply.committed", INLINE, "a transaction is committed and nobody was told"),
    point("sql.light.written", INLINE, "a lease is about to be committed"),
    point("sql.light.committed", INLINE, "a lease is taken or given back and nobody was told"),
    point("sql.index.half", INLINE, "old words are gone from the index, new ones not in it"),
    point("sql.write.written", Way::Filling, "a new repository's row is about to be committed"),
    point("sql.write.committed", Way::Filling, "a new repository's row is committed and nobody was told"),
    point("sql.migrate.asked", Way::Filling, "a new database has no tables"),
    point("sql.migrate.made", Way::Filling, "the tables are made and not committed"),
    point("sql.migrate.committed", Way::Filling, "the tables are there, and nothing in them"),
];

/// What is true when an event of a step is seen, for people.
pub(crate) const STEPS: [(&str, &str); 13] = [
    ("D0", "a save is about to be written"),
    ("D1", "the lease is about to be taken for publishing"),
    ("D2", "waiting changes are about to be compared with the head"),
    ("D3", "commits are about to be prepared"),
    ("D4", "the chain is recorded, the branch is about to move"),
    ("D5", "the branch has moved, nothing is acknowledged"),
    ("G1", "the lease is about to be taken for ingesting"),
    ("G2", "head and cursor are about to be compared"),
    ("G3", "what changed is about to be listed"),
    ("G4", "files are about to be read and decoded"),
    ("G5", "it is about to be decided who is who"),
    ("G6", "rows and cursor are about to be written"),
    ("G7", "rows and cursor are written"),
];

#[test]
fn every_named_place_of_the_stores_is_aimed_at() {
    fn named(folder: &std::path::Path, found: &mut std::collections::BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                named(&path, found);
            } else {
                let text = std::fs::read_to_string(&path).unwrap();
                for (at, _) in text.match_indices('"') {
                    let word: String = text[at + 1..].chars().take_while(|c| c.is_ascii_lowercase() || *c == '.' || *c == '_').collect();
                    let is_place = (word.starts_with("git.") || word.starts_with("sql.")) && text[at + 1 + word.len()..].starts_with('"');
                    if is_place && word.matches('.').count() == 2 {
                        found.insert(word);
                    }
                }
            }
        }
    }
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = std::collections::BTreeSet::new();
    named(&source, &mut found);
    let aimed: std::collections::BTreeSet<String> = POINTS.iter().map(|point| point.name.to_owned()).collect();
    assert_eq!(found, aimed);
}
