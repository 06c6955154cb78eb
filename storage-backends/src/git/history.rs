//! Questions about ancestry: where history began, and whether a commit is part of it. A commit-graph file is used
//! where there is one; a shallow clone ends where it was cut.

use std::collections::{BinaryHeap, HashSet};

use gix::commitgraph::Graph;
use gix::{ObjectId, Repository};
use lorebase::store::CommitId;
use lorebase::{Error, ErrorKind, Result};

use super::{Shared, errors};

/// One commit's place in history.
struct Node {
    parents: Vec<ObjectId>,
    time: i64,
    /// From the commit-graph: larger than that of every ancestor.
    generation: Option<u32>,
}

struct History<'a> {
    repo: &'a Repository,
    graph: Option<Graph>,
    cut: Option<gix::shallow::Commits>,
}

impl<'a> History<'a> {
    fn new(repo: &'a Repository) -> Result<Self> {
        let cut = repo.shallow_commits().map_err(|error| errors::gix("read the shallow file", error))?;
        // A commit-graph knows nothing of a cut, and a damaged one only makes this slower.
        let graph = if cut.is_some() { None } else { repo.commit_graph_if_enabled().unwrap_or_default() };
        Ok(Self { repo, graph, cut })
    }

    fn is_cut(&self, id: &ObjectId) -> bool {
        self.cut.as_ref().is_some_and(|cut| cut.contains(id))
    }

    fn node(&self, id: ObjectId) -> Result<Node> {
        let failed = |error: gix::Error| errors::gix(&format!("read the commit {id}"), error);
        if let Some(graph) = &self.graph
            && let Some(commit) = graph.commit_by_id(id)
        {
            let parents = commit.iter_parents().map(|parent| parent.map(|at| graph.id_at(at).to_owned())).collect::<Result<_, _>>();
            return Ok(Node {
                parents: parents.map_err(failed)?,
                time: i64::try_from(commit.committer_timestamp()).unwrap_or(i64::MAX),
                generation: Some(commit.generation()).filter(|generation| *generation > 0),
            });
        }
        let commit = self.repo.find_commit(id).map_err(failed)?;
        let decoded = commit.decode().map_err(failed)?;
        let parents = if self.is_cut(&id) { Vec::new() } else { decoded.parents().collect() };
        Ok(Node { parents, time: decoded.committer().map_err(failed)?.seconds(), generation: None })
    }
}

/// The first commit of the first-parent history; `None` where it is cut off.
pub(super) fn root(shared: &Shared, tip: &CommitId) -> Result<Option<CommitId>> {
    let repo = shared.local();
    let (mut at, _) = shared.commit(&repo, tip)?;
    let history = History::new(&repo)?;
    loop {
        match history.node(at)?.parents.first() {
            Some(parent) => at = *parent,
            None if history.is_cut(&at) => return Ok(None),
            None => return Ok(Some(CommitId::new(at.to_string()))),
        }
    }
}

/// Whether `commit` is `tip` or one of its ancestors.
pub(super) fn contains(shared: &Shared, tip: &CommitId, commit: &CommitId) -> Result<bool> {
    let repo = shared.local();
    match (shared.commit(&repo, tip), shared.commit(&repo, commit)) {
        (Ok((tip, _)), Ok((commit, _))) => reaches(&repo, tip, commit),
        (Err(error), _) | (_, Err(error)) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(false),
    }
}

/// Youngest first, which finds a recent commit at once; exact whatever the clocks said.
pub(super) fn reaches(repo: &Repository, tip: ObjectId, commit: ObjectId) -> Result<bool> {
    if tip == commit {
        return Ok(true);
    }
    let history = History::new(repo)?;
    let target = history.node(commit)?;
    let mut seen = HashSet::from([tip]);
    let mut next = BinaryHeap::from([(i64::MAX, tip)]);
    while let Some((_, id)) = next.pop() {
        let node = history.node(id)?;
        if let (Some(here), Some(there)) = (node.generation, target.generation)
            && here <= there
        {
            continue;
        }
        for parent in node.parents {
            if parent == commit {
                return Ok(true);
            }
            if seen.insert(parent) {
                next.push((node.time, parent));
            }
        }
    }
    Ok(false)
}

/// Whether the repository has this commit.
pub(super) fn exists(shared: &Shared, commit: &CommitId) -> Result<bool> {
    match shared.commit(&shared.local(), commit) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::new(error.kind(), error.message().to_owned()).caused_by(error)),
    }
}
