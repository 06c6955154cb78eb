//! Reports, states and lists in words, and where a reader finds everything with `git` and `sqlite3`.

use std::path::Path;

use lorebase::knowledge::{Knowledge, SyncStatus};
use lorebase::store::{CommitId, Direction, LogEntry};
use lorebase::sync::SyncReport;
use lorebase::{KnowledgeBase, Result};

use crate::page::{fact, quote, short, some, typed};

/// What a synchronisation did, without what it did not.
pub(crate) fn summary(report: &SyncReport) -> String {
    let parts = [
        (report.created, "created"),
        (report.updated, "updated"),
        (report.renamed, "renamed"),
        (report.deleted, "deleted"),
        (report.merged, "merged"),
        (report.published, "published"),
        (report.conflicts, "in conflict"),
        (report.invalid, "broken"),
        (report.held_deletions, "deletions held for confirmation"),
    ];
    let told: Vec<String> = parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    if told.is_empty() { "nothing to do".to_owned() } else { told.join(", ") }
}

/// An entity's state as an interface shows it.
pub(crate) fn word(status: SyncStatus) -> &'static str {
    match status {
        SyncStatus::Synced => "synced",
        SyncStatus::Pending => "pending",
        SyncStatus::Failed => "failed",
        SyncStatus::Draft => "draft",
        SyncStatus::Conflict => "conflict",
        SyncStatus::Invalid => "invalid",
    }
}

/// Status and drift.
pub(crate) async fn standing(kb: &KnowledgeBase) -> Result<()> {
    let health = kb.status().await?;
    fact(
        "status",
        format_args!(
            "{} of {} synced, {} pending, {} draft, {} conflict, {} failed, {}, lag {} s: {}",
            health.synced,
            health.total,
            health.pending,
            health.draft,
            health.conflict,
            health.failed,
            some(health.invalid, "broken file", "broken files"),
            health.lag_seconds,
            if health.healthy { "healthy" } else { "not healthy" }
        ),
    );
    let drift = kb.drift().await?;
    let differ = drift.missing_in_git.len() + drift.missing_in_cache.len() + drift.different.len();
    if drift.is_empty() {
        fact("drift", "none: SQL says what the files at HEAD say, byte for byte");
    } else {
        fact("drift", format_args!("{} between SQL and the files at HEAD", some(differ as u64, "difference", "differences")));
    }
    Ok(())
}

/// One row of the log.
pub(crate) fn log_row(row: &LogEntry) -> String {
    let way = match row.direction {
        Direction::DbToGit => "SQL -> git",
        Direction::GitToDb => "git -> SQL",
    };
    let commit = row.git_commit_sha.as_deref().map(|commit| short(&CommitId::new(commit)).to_owned()).unwrap_or_default();
    let lower = |word: String| word.to_lowercase();
    format!(
        "{way}  {:<8} {:<7} {:<9} {:<10} {commit:<8}  {}",
        lower(format!("{:?}", row.status)),
        lower(format!("{:?}", row.operation)),
        row.kind.as_str(),
        row.entity_id.as_str(),
        row.synced_by
    )
}

/// One line for each entity.
pub(crate) fn table(items: &[Knowledge]) {
    let width = |of: fn(&Knowledge) -> usize| items.iter().map(of).max().unwrap_or_default();
    let (kind, slug) = (width(|item| item.kind.as_str().len()), width(|item| item.slug.as_str().chars().count()));
    for item in items {
        let commit = item.git_commit_sha.as_deref().map(|commit| short(&CommitId::new(commit)).to_owned()).unwrap_or_default();
        quote(format_args!(
            "{:<kind$}  {:<slug$}  rev {:<2}  {:<7} {commit}",
            item.kind.as_str(),
            item.slug.as_str(),
            item.revision,
            word(item.sync_status)
        ));
    }
}

/// Where the files are, with commands to paste. `own` is Lorebase's folder in the git directory.
pub(crate) fn yourself(folder: &Path, own: &Path) {
    let (repo, cache) = (quoted(folder), quoted(&own.join("cache.db")));
    fact("files", folder.display());
    fact("cache", own.join("cache.db").display());
    for command in [
        format!("git -C {repo} log --stat"),
        format!("git -C {repo} status && git -C {repo} fsck --strict"),
        format!("sqlite3 {cache} 'SELECT kind, slug, revision, path FROM entity ORDER BY kind, slug'"),
        format!("sqlite3 {cache} 'SELECT direction, status, operation, kind, entity_id FROM log ORDER BY started_at'"),
    ] {
        typed(command);
    }
}

/// A path as a shell takes it.
pub(crate) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    if text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+".contains(c)) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// Text of several lines as one.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
