//! What the engine's own commits may do to files: leave alone every line that no form can have meant, and every file
//! that cannot be understood.

use lorebase::store::CommitId;

use super::Check;
use super::stage::{SERVICE, Stage, run};
use super::text::{JSON, is_refused, plain_field};

/// The first-parent history, newest first.
pub(super) fn history(stage: &Stage) -> Check<Vec<lorebase::store::CommitInfo>> {
    let mut found = Vec::new();
    let mut next = run(stage.git.head())?;
    while let Some(id) = next {
        let commit = run(stage.git.commit(&id))?;
        next = commit.parents.first().cloned();
        found.push(commit);
    }
    Ok(found)
}

/// Looks at the newest commits. `may_go` says of a line whether somebody gave it up knowingly.
pub(super) fn check(stage: &Stage, may_go: &dyn Fn(&str) -> bool) -> Check {
    const LOOKED_AT: usize = 20;
    for commit in history(stage)?.into_iter().take(LOOKED_AT).filter(|commit| commit.committer.author.name == SERVICE) {
        if let Some(parent) = commit.parents.first() {
            check_commit(stage, parent, &commit.id, may_go)?;
        }
    }
    Ok(())
}

fn check_commit(stage: &Stage, parent: &CommitId, commit: &CommitId, may_go: &dyn Fn(&str) -> bool) -> Check {
    for change in run(stage.git.changes(Some(parent), commit))? {
        let Some(old) = change.old else { continue };
        let old = text(stage, &old.blob)?;
        ensure!(!is_refused(&change.path, &old), "the engine's commit {commit} touches the broken file {}", change.path);
        let Some(new) = change.new.filter(|_| change.path != JSON) else { continue };
        let new = text(stage, &new.blob)?;
        if plain_field(&old, "id") != plain_field(&new, "id") || plain_field(&old, "id").is_none() {
            continue;
        }
        for line in old.lines().filter(|line| line.starts_with('#') || line.starts_with("id:")) {
            ensure!(
                may_go(line) || new.lines().any(|other| other == line),
                "the engine's commit {commit} changed the line `{line}` of {}",
                change.path
            );
        }
    }
    Ok(())
}

fn text(stage: &Stage, blob: &lorebase::store::BlobId) -> Check<String> {
    let read = run(stage.git.read(std::slice::from_ref(blob), u64::MAX))?.pop();
    let Some(lorebase::store::BlobRead::Found(bytes)) = read else { return Err(super::Broken(format!("{blob} cannot be read"))) };
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
