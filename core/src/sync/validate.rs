//! Checking files without a cache: what an ingest would say about a whole tree.

use std::collections::{HashMap, HashSet};

use super::bind::bind;
use super::candidate::{LARGEST_FILE, candidate, flatten};
use super::engine::SyncEngine;
use super::scan::Scan;
use crate::Result;
use crate::knowledge::Diagnostic;

/// Files read at a time.
const CHUNK: usize = 500;

impl SyncEngine {
    /// Everything that is wrong with the files of git's head, ordered by path, line and column; empty for a branch
    /// without commits. Reads the repository only.
    ///
    /// # Errors
    /// `Unsupported` without a repository; errors of the repository.
    pub async fn validate(&self) -> Result<Vec<Diagnostic>> {
        let git = self.git()?;
        let Some(head) = git.head().await? else { return Ok(Vec::new()) };
        let settings = self.settings_at(&head, None).await?;
        let scan = Scan::of_tree(&settings.config, &git.tree(&head).await?, &[], true);
        let mut findings = settings.diagnostics.clone();
        findings.extend(scan.findings.into_iter().map(|(_, _, finding)| finding));
        let mut candidates = Vec::new();
        for tasks in scan.files.chunks(CHUNK) {
            let blobs: Vec<_> = tasks.iter().map(|task| task.blob.clone()).collect();
            let reads = git.read(&blobs, LARGEST_FILE).await?;
            candidates.extend(tasks.iter().zip(reads).map(|(task, read)| candidate(&settings, task, read)));
        }
        let (incoming, _) = flatten(&mut candidates);
        findings.extend(bind(&[], &incoming, &HashSet::new(), &HashMap::new()).rejected.into_iter().map(|(_, finding)| finding));
        findings.extend(candidates.into_iter().flat_map(|candidate| candidate.findings));
        findings.sort_by(|a, b| (&a.path, a.line, a.column).cmp(&(&b.path, b.line, b.column)));
        Ok(findings)
    }
}
