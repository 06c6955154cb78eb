//! `list`: a page of a query, or of a search.

use lorebase::knowledge::KindName;
use lorebase::store::{Filter, FilterOp, Query, SortKey, View};

use crate::Done;
use crate::args::{Common, List};
use crate::entity;
use crate::failure::Failure;
use crate::output::{BOLD, Output};
use crate::session::Session;
use crate::table::{Cell, Column, Table};

/// The library gives no more at once.
const LARGEST_PAGE: u64 = 1000;

pub(crate) async fn run(common: &Common, output: &Output, list: List) -> Result<Done, Failure> {
    let query = query(&list)?;
    let session = Session::open(common).await?;
    let page = match &list.search {
        Some(text) => session.kb.matching(text, &query).await?,
        None => session.kb.list(&query).await?,
    };
    if output.is_json() {
        output.json(&page)?;
        return Ok(Done::Well);
    }
    if page.items.is_empty() {
        output.note(session.emptiness().await?.unwrap_or("nothing is like that"));
        return Ok(Done::Well);
    }
    let mut table = Table::new(&[Column::whole("ENTITY"), Column::flexible("TITLE"), Column::spare("STATUS", 1), Column::whole("SYNC")]);
    for item in &page.items {
        let (word, style) = entity::sync_status(item.sync_status);
        let cells = [
            Cell::styled(entity::name(item), BOLD),
            Cell::new(item.title.as_str()),
            Cell::new(entity::status(item)),
            Cell::styled(word, style),
        ];
        table.row(cells.into());
    }
    table.print(output)?;
    if (page.items.len() as u64) < page.total {
        // A cursor is long; a person would rather have all of a short list.
        let more = match page.next_cursor {
            Some(cursor) if page.total > LARGEST_PAGE => format!("; the next page: --cursor {cursor}"),
            _ => format!("; more with --limit {}", page.total),
        };
        output.note(format!("{} of {}{more}", page.items.len(), page.total));
    }
    Ok(Done::Well)
}

fn query(list: &List) -> Result<Query, Failure> {
    let mut filters: Vec<Filter> = list.conditions.iter().map(|condition| condition.parse()).collect::<Result<_, lorebase::Error>>()?;
    if let Some(status) = &list.status {
        // The workflow's status where the kind has one, else the field of that name.
        filters.push(Filter { field: "status".to_owned(), op: FilterOp::Eq, value: status.as_str().into() });
    }
    let (field, descending) = match list.sort.as_deref() {
        Some(field) => field.strip_prefix('-').map_or((field, false), |field| (field, true)),
        None => ("slug", false),
    };
    let sort = match field {
        "slug" => SortKey::Slug,
        "title" => SortKey::Title,
        "updated" => SortKey::Updated,
        field => SortKey::Field(field.to_owned()),
    };
    Ok(Query {
        kind: list.kind.as_deref().map(KindName::from),
        status: None,
        filters,
        sort,
        descending,
        view: if list.working { View::Working } else { View::Published },
        limit: list.limit.unwrap_or(0),
        cursor: list.cursor.clone(),
    })
}
