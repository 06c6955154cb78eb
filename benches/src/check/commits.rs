//! The commits that a side made, as git tells them.

use std::path::Path;

use crate::{Outcome, git};

/// One commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its id.
    pub id: String,
    /// `name <email>`.
    pub author: String,
    /// The paths that it changes, sorted.
    pub paths: Vec<String>,
}

/// The commits of `main` after `base` (all of them without one), oldest first.
///
/// # Errors
/// When git fails.
pub fn commits(repository: &Path, base: Option<&str>) -> Outcome<Vec<Commit>> {
    let range = base.map_or_else(|| "main".to_owned(), |base| format!("{base}..main"));
    let format = "--format=format:%x01%H%x02%an <%ae>%x02";
    let log = git::run(repository, &["log", "--reverse", "--topo-order", "--root", "--name-only", "--no-renames", "-z", format, &range])?;
    let log = String::from_utf8(log)?;
    let mut found = Vec::new();
    for entry in log.split('\u{1}').skip(1) {
        let mut parts = entry.splitn(3, '\u{2}');
        let (Some(id), Some(author), Some(paths)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(format!("git log says `{entry}`").into());
        };
        let mut paths: Vec<String> = paths.split(['\0', '\n']).filter(|path| !path.is_empty()).map(str::to_owned).collect();
        paths.sort();
        found.push(Commit { id: id.to_owned(), author: author.to_owned(), paths });
    }
    Ok(found)
}

/// Whether there are exactly `count` commits, all by `author`, which change `paths` paths each and none twice.
///
/// # Errors
/// The first commit that is different.
pub fn each_by(commits: &[Commit], count: usize, author: &str, paths: usize) -> Outcome<()> {
    if commits.len() != count {
        return Err(format!("there must be {count} commits and are {}", commits.len()).into());
    }
    let mut seen = std::collections::BTreeSet::new();
    for commit in commits {
        if commit.author != author {
            return Err(format!("commit {}: the author must be {author} and is {}", commit.id, commit.author).into());
        }
        if commit.paths.len() != paths {
            return Err(format!("commit {}: it must change {paths} paths and changes {}", commit.id, commit.paths.len()).into());
        }
        for path in &commit.paths {
            if !seen.insert(path) {
                return Err(format!("commit {}: it changes {path} a second time", commit.id).into());
            }
        }
    }
    Ok(())
}
