//! Reading: one entity, a page of them, a search. Everything comes from SQL.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::KnowledgeBase;
use crate::knowledge::{Diagnostic, EntityId, EntityKey, KindName, Knowledge, Severity, Slug, SyncStatus};
use crate::store::{BlobId, ChangeState, LogEntry, LogQuery, LogStatus, Query, Record, SortKey, View};
use crate::{Error, ErrorKind, Result};

/// How many hits of a search are held against the other conditions.
const MOST_HITS: usize = 10_000;

/// How an entity is named.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Selector {
    /// By its slug.
    Slug(Slug),
    /// By its id.
    Id(EntityId),
}

impl From<&str> for Selector {
    /// A slug, or an id after `@`.
    fn from(text: &str) -> Self {
        match text.strip_prefix('@') {
            Some(id) => Self::Id(EntityId::from(id)),
            None => Self::Slug(Slug::from(text)),
        }
    }
}

impl Selector {
    /// Whether a view shows a record under this slug; an id finds its record in every view.
    pub(super) fn finds(&self, record: &Record, view: View) -> bool {
        match self {
            Self::Slug(slug) => record.seen(view).is_some_and(|seen| seen.content.slug == *slug),
            Self::Id(id) => record.key.id == *id,
        }
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Listing {
    /// The entities.
    pub items: Vec<Knowledge>,
    /// Where the next page begins; `None` at the end.
    pub next_cursor: Option<String>,
    /// How many match in all.
    pub total: u64,
}

/// One found entity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The entity.
    pub entity: Knowledge,
    /// A part of the text with the found words between `[` and `]`.
    pub snippet: String,
}

impl KnowledgeBase {
    /// One entity as published, by slug (or `@id`); `None` when there is none.
    ///
    /// # Errors
    /// `InvalidInput` for an unknown kind; errors of the cache.
    pub async fn get(&self, kind: &str, selector: impl Into<Selector>) -> Result<Option<Knowledge>> {
        self.get_view(kind, selector, View::Published).await
    }

    /// One entity in the view asked for.
    ///
    /// # Errors
    /// Those of [`get`](Self::get).
    pub async fn get_view(&self, kind: &str, selector: impl Into<Selector>, view: View) -> Result<Option<Knowledge>> {
        let config = self.config().await?;
        let kind = Self::kind(&config, &KindName::from(kind))?.name.clone();
        let Some(record) = self.find(&kind, &selector.into(), view).await? else { return Ok(None) };
        let broken = self.broken_paths().await?;
        Ok(shown(&record, view, &broken))
    }

    /// The record that a selector names, preferring one that the view shows under that very slug.
    pub(super) async fn find(&self, kind: &KindName, selector: &Selector, view: View) -> Result<Option<Record>> {
        let id = self.0.repository;
        match selector {
            Selector::Id(entity) => {
                Ok(self.0.cache.records(id, &[EntityKey { kind: kind.clone(), id: entity.clone() }]).await?.pop().flatten())
            }
            Selector::Slug(slug) => {
                let records = self.0.cache.records_by_slug(id, kind, slug).await?;
                Ok(records.into_iter().find(|record| selector.finds(record, view)))
            }
        }
    }

    /// One page of a query.
    ///
    /// # Errors
    /// `InvalidInput` for an unknown kind or a cursor of another query; errors of the cache.
    pub async fn list(&self, query: &Query) -> Result<Listing> {
        self.known(query.kind.as_ref()).await?;
        let page = self.0.cache.list(self.0.repository, query).await?;
        let broken = self.broken_paths().await?;
        let items = page.items.iter().filter_map(|record| shown(record, query.view, &broken)).collect();
        Ok(Listing { items, next_cursor: page.next_cursor, total: page.total })
    }

    /// Full-text search over title, fields and body: every word, the last may be a prefix. Best first.
    ///
    /// # Errors
    /// `InvalidInput` for an unknown kind; errors of the cache.
    pub async fn search(&self, text: &str, kind: Option<&str>, view: View, limit: usize) -> Result<Vec<Found>> {
        let kind = kind.map(KindName::from);
        self.known(kind.as_ref()).await?;
        let hits = self.0.cache.search(self.0.repository, text, kind.as_ref(), view, limit).await?;
        let broken = self.broken_paths().await?;
        Ok(hits.into_iter().filter_map(|hit| Some(Found { entity: shown(&hit.record, view, &broken)?, snippet: hit.snippet })).collect())
    }

    /// The entities of a query whose title, fields and body hold every word of `text`, the best first: all on one page
    /// of at most [`Query::limit`]. Looks at the 10,000 best hits at most.
    ///
    /// # Errors
    /// `InvalidInput` for an unknown kind, and for a query with a cursor or an order of its own; errors of the cache.
    pub async fn matching(&self, text: &str, query: &Query) -> Result<Listing> {
        if query.cursor.is_some() || query.sort != SortKey::default() || query.descending {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "a search puts the best first and has one page; leave out the order and the cursor",
            ));
        }
        query.begin()?;
        self.known(query.kind.as_ref()).await?;
        let hits = self.0.cache.search(self.0.repository, text, query.kind.as_ref(), query.view, MOST_HITS).await?;
        let fits = |record: &Record| record.seen(query.view).is_some_and(|seen| query.admits(&seen));
        let records: Vec<Record> = hits.into_iter().map(|hit| hit.record).filter(fits).collect();
        let broken = self.broken_paths().await?;
        let items = records.iter().take(query.page_size()).filter_map(|record| shown(record, query.view, &broken)).collect();
        Ok(Listing { items, next_cursor: None, total: records.len() as u64 })
    }

    /// The identity that a selector names, in either view. An id is taken as it is, so that the log of an entity that
    /// is gone can still be asked for.
    ///
    /// # Errors
    /// `NotFound` for a slug that nothing has; `InvalidInput` for an unknown kind; errors of the cache.
    pub async fn key_of(&self, kind: &str, selector: impl Into<Selector>) -> Result<EntityKey> {
        let config = self.config().await?;
        let kind = Self::kind(&config, &KindName::from(kind))?.name.clone();
        let selector = selector.into();
        if let Selector::Id(id) = selector {
            return Ok(EntityKey { kind, id });
        }
        for view in [View::Working, View::Published] {
            if let Some(record) = self.find(&kind, &selector, view).await? {
                return Ok(record.key);
            }
        }
        Err(Self::missing(&kind, &selector))
    }

    /// Refuses a kind that is none: an empty answer would hide a misspelt name.
    async fn known(&self, kind: Option<&KindName>) -> Result<()> {
        match kind {
            Some(kind) => Self::kind(&self.config().await?, kind).map(drop),
            None => Ok(()),
        }
    }

    /// Log rows, newest first.
    ///
    /// # Errors
    /// Errors of the cache.
    pub async fn log(&self, query: &LogQuery) -> Result<Vec<LogEntry>> {
        self.0.cache.log(self.0.repository, query).await
    }

    /// Failed log rows of the last 24 hours, newest first.
    ///
    /// # Errors
    /// Errors of the cache.
    pub async fn recent_failures(&self, limit: usize) -> Result<Vec<LogEntry>> {
        let since = super::health::failures_since(self.0.env.clock.now());
        self.log(&LogQuery { status: Some(LogStatus::Failed), since: Some(since), limit, ..LogQuery::default() }).await
    }

    /// All findings about files, ordered by path.
    ///
    /// # Errors
    /// Errors of the cache.
    pub async fn diagnostics(&self) -> Result<Vec<Diagnostic>> {
        Ok(self.0.cache.diagnostics(self.0.repository).await?.into_iter().map(|(finding, _)| finding).collect())
    }

    /// Checks every file of git's head and says what is wrong, without changing anything.
    ///
    /// # Errors
    /// `Unsupported` without a repository; errors of the repository.
    pub async fn validate(&self) -> Result<Vec<Diagnostic>> {
        self.0.engine.validate().await
    }

    pub(super) async fn broken_paths(&self) -> Result<HashSet<String>> {
        Ok(broken(&self.0.cache.diagnostics(self.0.repository).await?))
    }

    pub(super) fn missing(kind: &KindName, selector: &Selector) -> Error {
        Error::new(ErrorKind::NotFound, format!("there is no {}; check the name", Self::named(kind, selector)))
    }

    pub(super) fn named(kind: &KindName, selector: &Selector) -> String {
        match selector {
            Selector::Slug(slug) => format!("{kind} with the slug `{slug}`"),
            Selector::Id(id) => format!("{kind} with the id `{id}`"),
        }
    }
}

/// The paths whose files cannot be understood.
pub(super) fn broken(findings: &[(Diagnostic, Option<BlobId>)]) -> HashSet<String> {
    findings.iter().filter(|(finding, _)| finding.severity == Severity::Error).map(|(finding, _)| finding.path.clone()).collect()
}

/// A record as a reader of `view` sees it.
pub(super) fn shown(record: &Record, view: View, broken: &HashSet<String>) -> Option<Knowledge> {
    let seen = record.seen(view)?;
    let mut fields = seen.content.fields.clone();
    fields.extend(seen.private.iter().map(|(name, value)| (name.clone(), value.clone())));
    Some(Knowledge {
        id: record.key.id.clone(),
        kind: record.key.kind.clone(),
        slug: seen.content.slug.clone(),
        location: seen.content.location.clone(),
        title: seen.content.title.clone(),
        status: seen.content.status,
        fields,
        body: seen.content.body.clone(),
        revision: seen.revision,
        sync_status: sync_status(record, seen.revision, broken),
        last_synced_at: record.live.as_ref().map(|live| live.synced_at),
        git_commit_sha: record.live.as_ref().map(|live| live.commit.to_string()),
    })
}

fn sync_status(record: &Record, revision: u64, broken: &HashSet<String>) -> SyncStatus {
    match &record.change {
        Some(change) if change.state == ChangeState::Conflict => SyncStatus::Conflict,
        Some(change) if change.dead => SyncStatus::Failed,
        Some(change) if change.state == ChangeState::Pending => SyncStatus::Pending,
        Some(change) if change.revision == revision => SyncStatus::Draft,
        _ if record.live.as_ref().is_some_and(|live| broken.contains(live.content.location.path.as_str())) => SyncStatus::Invalid,
        _ => SyncStatus::Synced,
    }
}
