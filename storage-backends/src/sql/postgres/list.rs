//! Lists, as PostgreSQL says them. Fields are compared as `jsonb`, which knows numbers by value and mappings in any order;
//! texts by code point.

use lorebase::store::{Filter, FilterOp, Page, Position, Query, RepositoryId};
use serde_json::Value as Json;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Row};

use super::super::failure::Failure;
use super::super::list::{Dialect, Statement, Value, Values, page, total};
use super::super::words::{json, to_number};
use super::read;
use super::texts::{asked, asked_json};

/// PostgreSQL.
#[derive(Debug)]
struct Pg;

async fn rows(statement: Statement<Pg>, connection: &mut PgConnection) -> Result<Vec<PgRow>, Failure> {
    let mut query = sqlx::query(AssertSqlSafe(statement.text));
    for value in statement.values.0 {
        query = match value {
            Value::Integer(integer) => query.bind(integer),
            Value::Text(text) => query.bind(asked(&text).into_owned()),
        };
    }
    Ok(query.fetch_all(&mut *connection).await?)
}

pub(super) async fn list(connection: &mut PgConnection, id: RepositoryId, query: &Query) -> Result<Page, Failure> {
    let begin = query.begin()?;
    let total = rows(total(id, query)?, connection).await?;
    let total: i64 = total.iter().try_fold(0, |sum, row| Ok::<_, sqlx::Error>(sum + row.try_get::<i64, _>(0)?))?;
    let size = query.page_size();
    let found = rows(page(id, query, begin.as_ref())?, connection).await?;
    let mut uids = found.iter().map(|row| row.try_get(0)).collect::<Result<Vec<i64>, _>>()?;
    let more = uids.len() > size;
    uids.truncate(size);
    let items: Vec<_> = read::by_uid(connection, id, &uids).await?.into_iter().flatten().collect();
    let next_cursor = match items.last().and_then(|last| last.seen(query.view)) {
        Some(last) if more => Some(query.cursor_after(Position::of(query, &last))?),
        _ => None,
    };
    Ok(Page { items, next_cursor, total: to_number("total", total)? })
}

impl Dialect for Pg {
    const SCHEMA: &'static str = "lorebase.";
    const MARK: char = '$';
    // The index holds the beginning of a title, see the migration.
    const TITLE: &'static [&'static str] = &["left(v.title, 200)", "v.title"];

    fn title(mark: &str) -> Vec<String> {
        vec![format!("left({mark}, 200)"), mark.to_owned()]
    }

    fn moment(mark: &str) -> String {
        format!("{mark}::timestamptz")
    }

    fn by_field(values: &mut Values<Self>, field: &str) -> Result<Vec<String>, Failure> {
        let found = field_of(values, field);
        let typed = format!("jsonb_typeof({found})");
        Ok(vec![
            format!("CASE coalesce({typed}, 'null') WHEN 'null' THEN 0 WHEN 'number' THEN 1 WHEN 'string' THEN 2 ELSE 3 END"),
            format!("CASE {typed} WHEN 'number' THEN ({found})::numeric ELSE 0 END"),
            format!("CASE {typed} WHEN 'string' THEN {found} #>> '{{}}' ELSE '' END COLLATE \"C\""),
        ])
    }

    fn field_at(values: &mut Values<Self>, begin: &Position) -> Result<Vec<String>, Failure> {
        let rank = values.integer(i64::from(begin.rank));
        let number = match &begin.value {
            number @ Json::Number(_) => format!("{}::numeric", values.text(json(number)?)),
            _ => "0".to_owned(),
        };
        let text = match &begin.value {
            Json::String(text) => values.text(text.as_str()),
            _ => "''".to_owned(),
        };
        Ok(vec![rank, number, text])
    }

    fn condition(values: &mut Values<Self>, filter: &Filter) -> Result<String, Failure> {
        let found = field_of(values, &filter.field);
        let list = match &filter.value {
            list @ Json::Array(_) if filter.op == FilterOp::In => json(list)?,
            value => json(&[value])?,
        };
        let list = values.text(asked_json(&list));
        // `f.j` is the field, `w.v` a wanted value.
        let each = |condition: &str| {
            format!("EXISTS (SELECT 1 FROM (SELECT {found} AS j) f, jsonb_array_elements({list}::jsonb) w (v) WHERE {condition})")
        };
        let equal = "coalesce(f.j, 'null') = w.v";
        let ordered = |operator: &str| {
            each(&format!(
                "CASE WHEN jsonb_typeof(f.j) = 'number' AND jsonb_typeof(w.v) = 'number' THEN f.j {operator} w.v \
                 WHEN jsonb_typeof(f.j) = 'string' AND jsonb_typeof(w.v) = 'string' \
                 THEN (f.j #>> '{{}}') COLLATE \"C\" {operator} (w.v #>> '{{}}') COLLATE \"C\" ELSE false END"
            ))
        };
        Ok(match filter.op {
            FilterOp::Eq | FilterOp::In => each(equal),
            FilterOp::Ne => format!("NOT {}", each(equal)),
            FilterOp::Lt => ordered("<"),
            FilterOp::Le => ordered("<="),
            FilterOp::Gt => ordered(">"),
            FilterOp::Ge => ordered(">="),
            FilterOp::Contains => each(
                "CASE jsonb_typeof(f.j) WHEN 'string' THEN jsonb_typeof(w.v) = 'string' AND strpos(f.j #>> '{}', w.v #>> '{}') > 0 \
                 WHEN 'array' THEN EXISTS (SELECT 1 FROM jsonb_array_elements(CASE jsonb_typeof(f.j) WHEN 'array' THEN f.j ELSE '[]' END) i (v) \
                 WHERE i.v = w.v OR EXISTS (SELECT 1 \
                 FROM jsonb_each(CASE jsonb_typeof(i.v) WHEN 'object' THEN i.v ELSE '{}' END) m (k, v) WHERE m.v = w.v)) ELSE false END",
            ),
        })
    }
}

/// The JSON of a field, NULL where there is none, see `Seen::field`. A name with a dot goes from mapping to mapping; an
/// arrow before a text finds nothing in anything else.
fn field_of(values: &mut Values<Pg>, field: &str) -> String {
    let path = field.split('.').fold(String::new(), |path, part| path + " -> " + &values.text(part));
    let own = match field {
        "title" | "slug" | "id" | "kind" | "path" | "status" => format!(", to_jsonb(v.{field})"),
        _ => String::new(),
    };
    format!("coalesce(v.fields::jsonb{path}, (SELECT k.private::jsonb{path} FROM lorebase.knowledge k WHERE k.uid = v.uid){own})")
}

#[cfg(test)]
mod tests {
    use lorebase::knowledge::{EntityId, KindName};
    use lorebase::store::SortKey;
    use serde_json::json;

    use super::*;

    #[test]
    fn no_value_of_a_query_is_part_of_the_statement() {
        let hostile = "x'\"; DROP TABLE entity; --";
        let filter = |op| Filter { field: hostile.to_owned(), op, value: json!(hostile) };
        let query = Query {
            kind: Some(KindName::new(hostile)),
            filters: [FilterOp::Eq, FilterOp::Lt, FilterOp::Contains].map(filter).into(),
            sort: SortKey::Field(hostile.to_owned()),
            ..Query::default()
        };
        let begin = Position { value: json!(hostile), rank: 2, kind: KindName::new(hostile), id: EntityId::new(hostile) };
        let statement = page::<Pg>(1, &query, Some(&begin)).unwrap();
        assert!(!statement.text.contains("DROP") && !statement.text.contains(hostile));
        assert!(statement.values.0.contains(&Value::Text(hostile.to_owned())));
    }
}
