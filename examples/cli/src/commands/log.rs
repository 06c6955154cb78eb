//! `log` and `retry`: what was saved and synced, and once more what could not be committed.

use std::collections::HashMap;

use lorebase::Selector;
use lorebase::clock::{Clock, Timestamp, parse_moment};
use lorebase::knowledge::EntityKey;
use lorebase::store::{Direction, LogEntry, LogQuery, Operation, View};
use lorebase_backends::clock::SystemClock;

use crate::Done;
use crate::args::{Common, LogFilter};
use crate::entity::{self, EntityName, short};
use crate::failure::Failure;
use crate::output::Output;
use crate::session::Session;
use crate::table::{Cell, Column, Table};

/// Rows whose entities are named by their slugs.
const NAMED: usize = 200;

pub(crate) async fn run(
    common: &Common,
    output: &Output,
    name: Option<&EntityName>,
    status: Option<LogFilter>,
    since: Option<&str>,
    limit: Option<usize>,
) -> Result<Done, Failure> {
    let since = since.map(|since| parse_moment(since, SystemClock.now())).transpose()?;
    let session = Session::open(common).await?;
    let key = match name {
        Some(name) => Some(session.kb.key_of(&name.kind, name.selector()).await?),
        None => None,
    };
    let query = LogQuery { key, status: status.map(Into::into), since, limit: limit.unwrap_or(0) };
    print(&session, output, &session.kb.log(&query).await?, "no such rows").await?;
    Ok(Done::Well)
}

pub(crate) async fn retry(common: &Common, output: &Output, name: Option<&EntityName>) -> Result<Done, Failure> {
    let session = Session::open(common).await?;
    let key = match name {
        Some(name) => Some(session.kb.key_of(&name.kind, name.selector()).await?),
        None => None,
    };
    let rows = session.kb.retry(key.as_ref()).await?;
    print(&session, output, &rows, "nothing failed: there is nothing to try again").await?;
    session.publish_in_background().await?;
    Ok(Done::Well)
}

async fn print(session: &Session, output: &Output, rows: &[LogEntry], none: &str) -> Result<(), Failure> {
    if output.is_json() {
        return output.json(rows);
    }
    if rows.is_empty() {
        output.note(none);
        return Ok(());
    }
    let names = names(session, rows).await?;
    let mut table = Table::new(&[
        Column::spare("WHEN", 4),
        Column::whole("STATUS"),
        Column::spare("WHAT", 3),
        Column::flexible("ENTITY"),
        Column::spare("COMMIT", 2),
        Column::spare("BY", 1),
        Column::flexible("ERROR"),
    ]);
    for row in rows {
        let (word, style) = entity::log_status(row.status);
        let cells = [
            Cell::new(moment(row.started_at)),
            Cell::styled(word, style),
            Cell::new(what(row)),
            Cell::new(names.get(&key(row)).cloned().unwrap_or_else(|| key(row).to_string())),
            Cell::new(row.git_commit_sha.as_deref().map(short).unwrap_or_default()),
            Cell::new(row.synced_by.split(" <").next().unwrap_or_default()),
            Cell::new(row.error.as_deref().unwrap_or_default()),
        ];
        table.row(cells.into());
    }
    table.print(output)
}

fn key(row: &LogEntry) -> EntityKey {
    EntityKey { kind: row.kind.clone(), id: row.entity_id.clone() }
}

/// What people call the entities of these rows; those that are gone have only their ids, as have those of a long log.
async fn names(session: &Session, rows: &[LogEntry]) -> Result<HashMap<EntityKey, String>, Failure> {
    let mut names = HashMap::new();
    for row in rows.iter().take(NAMED) {
        let key = key(row);
        if names.contains_key(&key) || session.kb.config().await?.kind(&key.kind).is_none() {
            continue;
        }
        for view in [View::Working, View::Published] {
            if let Some(found) = session.kb.get_view(key.kind.as_str(), Selector::Id(key.id.clone()), view).await? {
                names.insert(key, entity::name(&found));
                break;
            }
        }
    }
    Ok(names)
}

fn what(row: &LogEntry) -> String {
    let operation = match row.operation {
        Operation::Create => "create",
        Operation::Update => "update",
        Operation::Delete => "delete",
        Operation::Refresh => "refresh",
    };
    match row.direction {
        Direction::DbToGit => format!("{operation} to git"),
        Direction::GitToDb => format!("{operation} from git"),
    }
}

/// A moment in UTC, to the minute.
pub(crate) fn moment(at: Timestamp) -> String {
    at.to_string().chars().take("2026-01-31T10:00".len()).map(|c| if c == 'T' { ' ' } else { c }).collect()
}
