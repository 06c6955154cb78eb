//! What the `git` program says about every token: when it came into the tree, and who took it out again. Read on from
//! where it was read before; a branch here is never rewound.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::scratch::{ENGINEER, git};

/// Where a token stands at the last commit read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stand {
    Present,
    /// Brought in once more by the engineer: back, in a file from an older version, or into a second file.
    Restored,
    RemovedByUs,
    RemovedByEngineer,
}

#[derive(Debug, Default)]
pub(crate) struct History {
    read_to: Option<String>,
    /// Tokens, and the ids that files and entries give.
    marks: HashMap<String, Stand>,
    /// What the engineer brought back, whatever became of it since.
    restored: HashSet<String>,
    /// What the engineer took out of one of its places, and nobody has touched since.
    taken_once: HashSet<String>,
    /// In how many lines of the tree each of them is.
    lines: HashMap<String, i64>,
    /// In which commit each operation is, counted from 1.
    operations: HashMap<String, usize>,
    /// Operations that are in git more than once.
    pub(crate) doubled: Vec<String>,
    /// The commits that were read.
    ids: HashSet<String>,
    pub(crate) commits: usize,
    pub(crate) by_engineer: usize,
}

impl Stand {
    pub(crate) fn in_git(self) -> bool {
        matches!(self, Self::Present | Self::Restored)
    }
}

impl History {
    /// Reads the commits that came since the last time.
    pub(crate) fn read(&mut self, repository: &Path) {
        let head = git(repository, &["rev-parse", "refs/heads/main"]);
        let range = self.read_to.as_ref().map_or_else(|| head.clone(), |from| format!("{from}..{head}"));
        let format = "--format=%x01%H%x02%ae%x02%B%x03";
        let log = git(repository, &["log", "--reverse", "--no-renames", "-p", "-U0", "--no-color", "--no-ext-diff", format, &range]);
        for commit in log.split('\u{1}').filter(|commit| !commit.trim().is_empty()) {
            let (about, patch) = commit.split_once('\u{3}').unwrap();
            let mut about = about.split('\u{2}');
            let (id, author, message) = (about.next().unwrap(), about.next().unwrap(), about.next().unwrap());
            self.commit(id, author == ENGINEER, message, patch);
        }
        self.read_to = Some(head);
    }

    pub(crate) fn commit(&mut self, id: &str, engineer: bool, message: &str, patch: &str) {
        self.commits += 1;
        self.ids.insert(id.to_owned());
        self.by_engineer += usize::from(engineer);
        for operation in message.lines().filter_map(|line| line.strip_prefix("Lorebase-Operation: ")) {
            if self.operations.insert(operation.to_owned(), self.commits).is_some() {
                self.doubled.push(format!("operation {operation} is in git twice, again in {id}"));
            }
        }
        let mut changes: HashMap<String, i64> = HashMap::new();
        for line in patch.lines().filter(|line| !line.starts_with("+++ ") && !line.starts_with("--- ")) {
            let change = match line.as_bytes().first() {
                Some(b'+') => 1,
                Some(b'-') => -1,
                _ => continue,
            };
            marks(&line[1..]).for_each(|mark| *changes.entry(mark).or_default() += change);
        }
        // What is in both has only moved.
        for (mark, change) in changes.into_iter().filter(|(_, change)| *change != 0) {
            let lines = self.lines.entry(mark.clone()).or_default();
            *lines += change;
            self.taken_once.remove(&mark);
            let stand = match (change > 0, *lines > 0) {
                (true, _) if engineer && self.marks.contains_key(&mark) => Stand::Restored,
                (true, _) => Stand::Present,
                // There is another one.
                (false, true) => {
                    if engineer {
                        self.taken_once.insert(mark);
                    }
                    continue;
                }
                (false, false) if engineer => Stand::RemovedByEngineer,
                (false, false) => Stand::RemovedByUs,
            };
            if stand == Stand::Restored {
                self.restored.insert(mark.clone());
            }
            self.marks.insert(mark, stand);
        }
    }

    /// `None`: it was never in git.
    pub(crate) fn stand(&self, token: &str) -> Option<Stand> {
        self.marks.get(token).copied()
    }

    /// Whether the engineer brought the entity with this id back after it was removed, or into a second file before.
    pub(crate) fn restored(&self, id: &str) -> bool {
        self.marks.get(&mark_of(id)) == Some(&Stand::Restored)
    }

    /// Whether the engineer ever brought this token back, as an editor does that was open while somebody else saved.
    pub(crate) fn was_restored(&self, token: &str) -> bool {
        self.restored.contains(token)
    }

    /// Whether the engineer, who had brought this token in once more, was the last to take it out of one of its places.
    pub(crate) fn taken_from_one_of_two(&self, token: &str) -> bool {
        self.stand(token) == Some(Stand::Restored) && self.taken_once.contains(token)
    }

    /// Whether the engineer removed the entity with this id, or brought it back.
    pub(crate) fn removed_or_restored(&self, id: &str) -> bool {
        matches!(self.marks.get(&mark_of(id)), Some(Stand::RemovedByEngineer | Stand::Restored))
    }

    pub(crate) fn operations(&self) -> usize {
        self.operations.len()
    }

    /// In which commit an operation is, counted from 1.
    pub(crate) fn place_of(&self, operation: &str) -> Option<usize> {
        self.operations.get(operation).copied()
    }

    /// Whether a commit is in the branch.
    pub(crate) fn has(&self, commit: &str) -> bool {
        self.ids.contains(commit)
    }
}

/// What is told apart in a line: its tokens, and the id that it gives.
fn marks(line: &str) -> impl Iterator<Item = String> {
    let text = line.trim();
    let in_json = || text.strip_prefix("\"id\": \"").and_then(|rest| rest.split('"').next());
    let id = text.strip_prefix("id: ").or_else(in_json).map(mark_of);
    tokens(line).map(str::to_owned).chain(id)
}

fn mark_of(id: &str) -> String {
    format!("id: {id}")
}

/// The tokens in a text: `t` (saved) or `e` (the engineer's), digits, `x`, digits, `z`.
pub(crate) fn tokens(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| {
        let inner = word.strip_prefix(['t', 'e']).and_then(|rest| rest.strip_suffix('z'));
        inner
            .and_then(|inner| inner.split_once('x'))
            .is_some_and(|(a, b)| !a.is_empty() && !b.is_empty() && a.bytes().chain(b.bytes()).all(|byte| byte.is_ascii_digit()))
    })
}

#[test]
fn what_the_engineer_copied_outlives_the_removal_of_either() {
    let copied = || {
        let mut history = History::default();
        history.commit("1", false, "", "+++ b/a\n+id: c-1\n+note: t1x1z\n");
        assert!(!history.restored("c-1"));
        history.commit("2", true, "", "+++ b/b\n+id: c-1\n+note: t1x1z\n");
        history
    };
    let (kept, mut gone) = (copied(), copied());
    assert!(kept.restored("c-1") && kept.stand("t1x1z").is_some_and(Stand::in_git));
    for (by_engineer, removed) in [(false, Stand::RemovedByUs), (true, Stand::RemovedByEngineer)] {
        let mut history = copied();
        history.commit("3", by_engineer, "", "--- a/a\n-id: c-1\n-note: t1x1z\n");
        assert!(history.restored("c-1") && history.stand("t1x1z").is_some_and(Stand::in_git));
        assert_eq!(history.taken_from_one_of_two("t1x1z"), by_engineer);
        history.commit("4", by_engineer, "", "--- a/b\n-id: c-1\n-note: t1x1z\n");
        assert_eq!((history.restored("c-1"), history.stand("t1x1z")), (false, Some(removed)));
        assert!(!history.taken_from_one_of_two("t1x1z"));
    }
    for by_engineer in [true, false] {
        let mut history = copied();
        history.commit("3", true, "", "+++ b/c\n+note: t1x1z\n");
        history.commit("4", true, "", "--- a/b\n-note: t1x1z\n");
        assert!(history.taken_from_one_of_two("t1x1z"));
        // What is overwritten in its place by us is not excused by what the engineer took before.
        history.commit("5", by_engineer, "", "--- a/a\n-note: t1x1z\n");
        assert_eq!(history.taken_from_one_of_two("t1x1z"), by_engineer);
    }
    gone.commit("3", true, "", "--- a/a\n-id: c-1\n+++ b/c\n+id: c-1\n");
    assert!(gone.restored("c-1"), "a move changes nothing");
}
