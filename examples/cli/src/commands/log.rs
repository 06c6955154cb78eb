//! `log` and `retry`: what was saved and synced, and once more what could not be committed.

use lorebase::clock::{Clock, Timestamp, parse_moment};
use lorebase::store::{Direction, LogEntry, LogQuery, Operation};
use lorebase_backends::clock::SystemClock;

use crate::Done;
use crate::args::{Common, LogFilter};
use crate::entity::{self, EntityName, short};
use crate::failure::Failure;
use crate::output::Output;
use crate::session::Session;
use crate::table::{Cell, Table};

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
    print(output, &session.kb.log(&query).await?, "no such rows")?;
    Ok(Done::Well)
}

pub(crate) async fn retry(common: &Common, output: &Output, name: Option<&EntityName>) -> Result<Done, Failure> {
    let session = Session::open(common).await?;
    let key = match name {
        Some(name) => Some(session.kb.key_of(&name.kind, name.selector()).await?),
        None => None,
    };
    let rows = session.kb.retry(key.as_ref()).await?;
    print(output, &rows, "nothing failed: there is nothing to try again")?;
    session.publish_in_background().await?;
    Ok(Done::Well)
}

fn print(output: &Output, rows: &[LogEntry], none: &str) -> Result<(), Failure> {
    if output.is_json() {
        return output.json(rows);
    }
    if rows.is_empty() {
        output.note(none);
        return Ok(());
    }
    let mut table = Table::new(&["WHEN", "STATUS", "WHAT", "ENTITY", "COMMIT", "BY", "ERROR"]);
    for row in rows {
        let (word, style) = entity::log_status(row.status);
        let cells = [
            Cell::new(moment(row.started_at)),
            Cell::styled(word, style),
            Cell::new(what(row)),
            Cell::new(format!("{}/@{}", row.kind, row.entity_id)),
            Cell::new(row.git_commit_sha.as_deref().map(short).unwrap_or_default()),
            Cell::new(row.synced_by.split(" <").next().unwrap_or_default()),
            Cell::new(row.error.as_deref().unwrap_or_default()),
        ];
        table.row(cells.into());
    }
    table.print(output)
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

/// A moment in UTC, to the second.
pub(crate) fn moment(at: Timestamp) -> String {
    format!("{at:.0}").replace('T', " ")
}
