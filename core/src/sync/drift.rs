//! Comparing SQL with git, entity by entity and byte by byte, and mending SQL from git. Changes of ours are no drift,
//! and no repair touches them.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::candidate::{LARGEST_FILE, decoded};
use super::engine::{Round, SyncEngine, SyncOptions};
use super::report::SyncReport;
use super::scan::Scan;
use super::settings::Settings;
use crate::Result;
use crate::knowledge::{EntityKey, Location, Severity};
use crate::store::{BlobRead, CommitId, RepositoryRow};

/// Files compared at a time.
const CHUNK: usize = 500;

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriftEntry {
    /// The identity, where it is known.
    #[serde(flatten)]
    pub key: Option<EntityKey>,
    /// The file, or `file#entry`.
    pub path: String,
}

/// Where SQL and git's head differ.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Drift {
    /// In SQL as live, not in git.
    pub missing_in_git: Vec<DriftEntry>,
    /// In git, not in SQL.
    pub missing_in_cache: Vec<DriftEntry>,
    /// In both, not the same.
    pub different: Vec<DriftEntry>,
    /// Files that cannot be understood or contest another's id or path.
    pub invalid: Vec<DriftEntry>,
}

impl Drift {
    /// Whether SQL is exactly what git's head says; files that cannot be understood do not count.
    pub fn is_empty(&self) -> bool {
        self.missing_in_git.is_empty() && self.missing_in_cache.is_empty() && self.different.is_empty()
    }
}

impl SyncEngine {
    /// Compares every entity of SQL with git's head. Reads everything; changes nothing.
    ///
    /// # Errors
    /// `Unsupported` without a repository; errors of the stores.
    pub async fn drift(&self) -> Result<Drift> {
        let git = self.git()?;
        let row = self.cache.repository(self.repository).await?;
        let mut drift = Drift::default();
        let head = git.head().await?;
        let Some(head) = head else {
            drift.missing_in_git = self.manifest().await?.into_iter().map(|row| entry(Some(row.key), &row.location)).collect();
            return Ok(drift);
        };
        let settings = self.settings_at(&head, row.config.as_ref()).await?;
        let scan = Scan::of_tree(&settings.config, &git.tree(&head).await?, &[], true);
        let contested: HashSet<String> = self
            .cache
            .diagnostics(self.repository)
            .await?
            .into_iter()
            .filter(|(finding, _)| finding.severity == Severity::Error)
            .map(|(finding, _)| finding.path)
            .collect();
        drift.invalid.extend(scan.findings.iter().map(|(path, _, _)| DriftEntry { key: None, path: path.clone() }));
        let mut rows: HashMap<Location, EntityKey> = self.manifest().await?.into_iter().map(|row| (row.location, row.key)).collect();
        for chunk in scan.files.chunks(CHUNK) {
            self.compare(&settings, chunk, &contested, &mut rows, &mut drift).await?;
        }
        let left = rows.into_iter().filter(|(location, _)| !contested.contains(location.path.as_str()));
        drift.missing_in_git = left.map(|(location, key)| entry(Some(key), &location)).collect();
        drift.missing_in_git.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(drift)
    }

    async fn compare(
        &self,
        settings: &Settings,
        files: &[super::scan::FileTask],
        contested: &HashSet<String>,
        rows: &mut HashMap<Location, EntityKey>,
        drift: &mut Drift,
    ) -> Result<()> {
        let blobs: Vec<_> = files.iter().map(|task| task.blob.clone()).collect();
        let reads = self.git()?.read(&blobs, LARGEST_FILE).await?;
        let paths: Vec<String> = files.iter().map(|task| task.path.to_string()).collect();
        let lives: HashMap<Location, _> = self
            .cache
            .records_in(self.repository, &paths)
            .await?
            .into_iter()
            .filter_map(|record| record.live.map(|live| (live.content.location.clone(), (record.key, live))))
            .collect();
        for (task, read) in files.iter().zip(reads) {
            let (BlobRead::Found(bytes), Some(kind)) = (read, settings.config.kind(&task.kind)) else {
                drift.invalid.push(DriftEntry { key: None, path: task.path.to_string() });
                rows.retain(|location, _| location.path != task.path);
                continue;
            };
            let decoded = decoded(settings, kind, &task.path, &bytes);
            if decoded.diagnostics.iter().any(|finding| finding.severity == Severity::Error) || contested.contains(task.path.as_str()) {
                drift.invalid.push(DriftEntry { key: None, path: task.path.to_string() });
                rows.retain(|location, _| location.path != task.path);
                continue;
            }
            for entity in decoded.entities {
                let location = entity.content.location.clone();
                let key = EntityKey { kind: task.kind.clone(), id: entity.id };
                rows.remove(&location);
                match lives.get(&location) {
                    None => drift.missing_in_cache.push(entry(Some(key), &location)),
                    Some((known, live)) if *known != key || live.content != entity.content || live.blob != task.blob => {
                        drift.different.push(entry(Some(key), &location));
                    }
                    Some(_) => {}
                }
            }
        }
        Ok(())
    }

    /// Reads every file of git's head again and mends what differs in SQL. Changes of ours stay.
    ///
    /// # Errors
    /// Those of [`sync`](Self::sync).
    pub async fn repair(&self) -> Result<SyncReport> {
        self.sync(SyncOptions { recheck: true, no_publish: true, ..SyncOptions::default() }).await
    }

    /// What a synchronisation would do now.
    pub(super) async fn rehearse(&self, row: &RepositoryRow, head: Option<&CommitId>, options: &SyncOptions) -> Result<SyncReport> {
        let mut round = Round {
            fence: row.fence,
            report: SyncReport::default(),
            options: SyncOptions { dry_run: true, ..options.clone() },
            awaited: None,
        };
        if head.is_some() {
            self.ingest(&mut round).await?;
        }
        if !options.no_publish {
            round.report.published += self.cache.pending(self.repository, None, 100_000).await?.len() as u64;
        }
        Ok(round.report)
    }
}

fn entry(key: Option<EntityKey>, location: &Location) -> DriftEntry {
    DriftEntry { key, path: location.to_string() }
}
