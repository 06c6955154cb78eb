//! Lists, as far as they are the same in every database: which table is read for which view, in which order, and where a
//! page begins. This is one of the places where the text of a statement is made at run time: it is put together from
//! constants, chosen by enums; every value and every path into a field is bound by number.

use std::marker::PhantomData;

use lorebase::store::{Filter, Position, Query, RepositoryId, SortKey, View};
use lorebase::{Error, ErrorKind};

use super::failure::Failure;

/// How one database says what differs.
pub(super) trait Dialect: Sized {
    /// What stands before the name of a table.
    const SCHEMA: &'static str;
    /// What stands before the number of a value.
    const MARK: char;
    /// The columns that order by title.
    const TITLE: &'static [&'static str];

    /// The place of a title in those columns; `mark` is the title.
    fn title(mark: &str) -> Vec<String>;
    /// A moment of a place, whose text is `mark`.
    fn moment(mark: &str) -> String;
    /// The columns that order by a field: missing and null first, then numbers, then texts; anything else last.
    fn by_field(values: &mut Values<Self>, field: &str) -> Result<Vec<String>, Failure>;
    /// The place of a field's value in those columns.
    fn field_at(values: &mut Values<Self>, begin: &Position) -> Result<Vec<String>, Failure>;
    /// Whether a filter lets a version pass.
    fn condition(values: &mut Values<Self>, filter: &Filter) -> Result<String, Failure>;
}

/// Which table a branch of the list reads. A view shows versions of both, never two of one record.
#[derive(Debug, Clone, Copy)]
pub(super) enum Side {
    Entity,
    Change,
}

impl Side {
    const BOTH: [Self; 2] = [Self::Entity, Self::Change];

    fn table(self) -> &'static str {
        match self {
            Self::Entity => "entity v",
            Self::Change => "change v",
        }
    }

    /// Which rows the view shows, see `Record::seen`.
    fn shown(self, view: View, schema: &str) -> String {
        match (self, view) {
            (Self::Entity, View::Published) => {
                format!("NOT EXISTS (SELECT 1 FROM {schema}change c WHERE c.uid = v.uid AND c.state = 'pending')")
            }
            (Self::Entity, View::Working) => format!("NOT EXISTS (SELECT 1 FROM {schema}change c WHERE c.uid = v.uid)"),
            (Self::Change, View::Published) => "v.state = 'pending' AND v.action = 'write'".to_owned(),
            (Self::Change, View::Working) => "v.action <> 'delete'".to_owned(),
        }
    }

    fn updated_at(self) -> &'static str {
        match self {
            Self::Entity => "v.synced_at",
            Self::Change => "v.updated_at",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Integer(i64),
    Text(String),
}

/// A statement's values, by number in the order in which they were bound.
#[derive(Debug)]
pub(super) struct Values<D>(pub(super) Vec<Value>, PhantomData<D>);

impl<D> Default for Values<D> {
    fn default() -> Self {
        Self(Vec::new(), PhantomData)
    }
}

impl<D: Dialect> Values<D> {
    pub(super) fn text(&mut self, text: impl Into<String>) -> String {
        self.bind(Value::Text(text.into()))
    }

    pub(super) fn integer(&mut self, integer: i64) -> String {
        self.bind(Value::Integer(integer))
    }

    fn bind(&mut self, value: Value) -> String {
        let known = self.0.iter().position(|bound| *bound == value);
        let index = known.unwrap_or_else(|| {
            self.0.push(value);
            self.0.len() - 1
        });
        format!("{}{}", D::MARK, index + 1)
    }
}

/// A statement and its values.
pub(super) struct Statement<D> {
    pub(super) text: String,
    pub(super) values: Values<D>,
}

/// Counts what fits: a number from each table.
pub(super) fn total<D: Dialect>(id: RepositoryId, query: &Query) -> Result<Statement<D>, Failure> {
    let mut values = Values::default();
    let mut branches = Vec::new();
    for side in Side::BOTH {
        let wanted = conditions(&mut values, id, query, side)?.join(" AND ");
        branches.push(format!("SELECT count(*) FROM {}{} WHERE {wanted}", D::SCHEMA, side.table()));
    }
    Ok(Statement { text: branches.join(" UNION ALL "), values })
}

/// The numbers of one page's records and of one more.
pub(super) fn page<D: Dialect>(id: RepositoryId, query: &Query, begin: Option<&Position>) -> Result<Statement<D>, Failure> {
    let mut values = Values::default();
    let limit = values.integer(i64::try_from(query.page_size() + 1).unwrap_or(i64::MAX));
    let direction = if query.descending { " DESC" } else { "" };
    let mut branches = Vec::new();
    for (name, side) in ["a", "b"].into_iter().zip(Side::BOTH) {
        branches.push(format!("SELECT * FROM ({}) {name}", branch(&mut values, id, query, begin, side)?));
    }
    let columns = order(&mut values, query, Side::Entity)?.len();
    let by: Vec<String> = (1..=columns).map(|column| format!("o{column}{direction}")).collect();
    let text = format!("SELECT uid FROM ({}) p ORDER BY {} LIMIT {limit}", branches.join(" UNION ALL "), by.join(", "));
    Ok(Statement { text, values })
}

/// One table's part of the page: its own index, its own limit.
pub(super) fn branch<D: Dialect>(
    values: &mut Values<D>,
    id: RepositoryId,
    query: &Query,
    begin: Option<&Position>,
    side: Side,
) -> Result<String, Failure> {
    let limit = values.integer(i64::try_from(query.page_size() + 1).unwrap_or(i64::MAX));
    let (direction, after) = if query.descending { (" DESC", "<") } else { ("", ">") };
    let order = order(values, query, side)?;
    let columns: Vec<String> = (1..).zip(&order).map(|(column, expression)| format!("{expression} AS o{column}")).collect();
    let by: Vec<String> = order.iter().map(|expression| format!("{expression}{direction}")).collect();
    let mut wanted = conditions(values, id, query, side)?;
    if let Some(begin) = begin {
        let place = place(values, query, begin)?;
        wanted.push(format!("({}) {after} ({})", order.join(", "), place.join(", ")));
    }
    let (schema, columns, table, wanted, by) = (D::SCHEMA, columns.join(", "), side.table(), wanted.join(" AND "), by.join(", "));
    Ok(format!("SELECT v.uid AS uid, {columns} FROM {schema}{table} WHERE {wanted} ORDER BY {by} LIMIT {limit}"))
}

fn conditions<D: Dialect>(values: &mut Values<D>, id: RepositoryId, query: &Query, side: Side) -> Result<Vec<String>, Failure> {
    let mut wanted = vec![format!("v.repository = {}", values.integer(id)), side.shown(query.view, D::SCHEMA)];
    if let Some(kind) = &query.kind {
        wanted.push(format!("v.kind = {}", values.text(kind.as_str())));
    }
    if let Some(status) = query.status {
        wanted.push(format!("v.status = {}", values.text(status.as_str())));
    }
    for filter in &query.filters {
        wanted.push(D::condition(values, filter)?);
    }
    Ok(wanted)
}

/// The columns of the order. With a kind given, it is left out: it is the same everywhere.
fn order<D: Dialect>(values: &mut Values<D>, query: &Query, side: Side) -> Result<Vec<String>, Failure> {
    let text = |column: &str| column.to_owned();
    let mut columns = match &query.sort {
        SortKey::Slug if query.kind.is_none() => vec![text("v.kind"), text("v.slug")],
        SortKey::Slug => vec![text("v.slug")],
        SortKey::Title => D::TITLE.iter().copied().map(text).collect(),
        SortKey::Updated => vec![text(side.updated_at())],
        SortKey::Field(field) => D::by_field(values, field)?,
    };
    if query.sort != SortKey::Slug && query.kind.is_none() {
        columns.push(text("v.kind"));
    }
    columns.push(text("v.id"));
    Ok(columns)
}

/// The values of a place, column by column of [`order`].
fn place<D: Dialect>(values: &mut Values<D>, query: &Query, begin: &Position) -> Result<Vec<String>, Failure> {
    let kind = |values: &mut Values<D>| query.kind.is_none().then(|| values.text(begin.kind.as_str()));
    let own = |values: &mut Values<D>| match begin.value.as_str() {
        Some(text) => Ok(values.text(text)),
        None => Err(Failure::Told(Error::new(ErrorKind::InvalidInput, "the list's cursor is not one that a page returned"))),
    };
    let mut place: Vec<String> = match &query.sort {
        SortKey::Slug => kind(values).into_iter().chain([own(values)?]).collect(),
        SortKey::Title => D::title(&own(values)?),
        SortKey::Updated => vec![D::moment(&own(values)?)],
        SortKey::Field(_) => D::field_at(values, begin)?,
    };
    if query.sort != SortKey::Slug {
        place.extend(kind(values));
    }
    place.push(values.text(begin.id.as_str()));
    Ok(place)
}
