//! Lists, as SQLite says them.

use lorebase::store::{Filter, FilterOp, Page, Position, Query, RepositoryId};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Row};

use super::super::failure::Failure;
use super::super::list::{Dialect, Statement, Value, Values, page, total};
use super::super::words::{json, to_number};
use super::read;

/// SQLite.
#[derive(Debug)]
struct Lite;

async fn rows(statement: Statement<Lite>, connection: &mut SqliteConnection) -> Result<Vec<SqliteRow>, Failure> {
    let mut query = sqlx::query(AssertSqlSafe(statement.text));
    for value in statement.values.0 {
        query = match value {
            Value::Integer(integer) => query.bind(integer),
            Value::Text(text) => query.bind(text),
        };
    }
    Ok(query.fetch_all(&mut *connection).await?)
}

pub(super) async fn list(connection: &mut SqliteConnection, id: RepositoryId, query: &Query) -> Result<Page, Failure> {
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

impl Dialect for Lite {
    const SCHEMA: &'static str = "";
    const MARK: char = '?';
    const TITLE: &'static [&'static str] = &["v.title"];

    fn title(mark: &str) -> Vec<String> {
        vec![mark.to_owned()]
    }

    fn moment(mark: &str) -> String {
        mark.to_owned()
    }

    fn by_field(values: &mut Values<Self>, field: &str) -> Result<Vec<String>, Failure> {
        let found = field_of(values, field)?;
        let rank = format!(
            "CASE coalesce(json_type({found}), 'null') WHEN 'null' THEN 0 WHEN 'integer' THEN 1 WHEN 'real' THEN 1 WHEN 'text' THEN 2 ELSE 3 END"
        );
        let value = format!("CASE WHEN json_type({found}) IN ('integer', 'real', 'text') THEN json_extract({found}, '$') ELSE 0 END");
        Ok(vec![rank, value])
    }

    fn field_at(values: &mut Values<Self>, begin: &Position) -> Result<Vec<String>, Failure> {
        let value = if begin.value.is_null() { "0".to_owned() } else { format!("json_extract({}, '$')", values.text(json(&begin.value)?)) };
        Ok(vec![values.integer(i64::from(begin.rank)), value])
    }

    fn condition(values: &mut Values<Self>, filter: &Filter) -> Result<String, Failure> {
        let found = field_of(values, &filter.field)?;
        let list = match &filter.value {
            list @ serde_json::Value::Array(_) if filter.op == FilterOp::In => json(list)?,
            value => json(&[value])?,
        };
        let list = values.text(list);
        // `f.j` is the field, `w` the wanted values.
        let each = |condition: &str| format!("EXISTS (SELECT 1 FROM (SELECT {found} AS j) f, json_each({list}) w WHERE {condition})");
        let field = ["json_type(f.j)", "json_extract(f.j, '$')", "f.j"];
        let wanted = ["w.type", "w.atom", "w.value"];
        let ordered = |operator: &str| {
            each(&format!(
                "(json_type(f.j) IN ('integer', 'real') AND w.type IN ('integer', 'real') OR json_type(f.j) = 'text' AND w.type = 'text') \
                 AND json_extract(f.j, '$') {operator} w.atom"
            ))
        };
        Ok(match filter.op {
            FilterOp::Eq | FilterOp::In => each(&equal(field, wanted)),
            FilterOp::Ne => format!("NOT {}", each(&equal(field, wanted))),
            FilterOp::Lt => ordered("<"),
            FilterOp::Le => ordered("<="),
            FilterOp::Gt => ordered(">"),
            FilterOp::Ge => ordered(">="),
            FilterOp::Contains => {
                let item = equal(["i.type", "i.atom", "i.value"], wanted);
                let inner = equal(["m.type", "m.atom", "m.value"], wanted);
                each(&format!(
                    "CASE json_type(f.j) WHEN 'text' THEN w.type = 'text' AND instr(json_extract(f.j, '$'), w.atom) > 0 \
                     WHEN 'array' THEN EXISTS (SELECT 1 FROM json_each(f.j) i WHERE {item} \
                     OR i.type = 'object' AND EXISTS (SELECT 1 FROM json_each(i.value) m WHERE {inner})) ELSE 0 END"
                ))
            }
        })
    }
}

/// The JSON of a field, NULL where there is none, see `Seen::field`.
fn field_of(values: &mut Values<Lite>, field: &str) -> Result<String, Failure> {
    let path = values.text(json_path(field)?);
    let own = match field {
        "title" => ", json_quote(v.title)",
        "slug" => ", json_quote(v.slug)",
        "id" => ", json_quote(v.id)",
        "kind" => ", json_quote(v.kind)",
        "path" => ", json_quote(v.path)",
        "status" => ", iif(v.status IS NULL, NULL, json_quote(v.status))",
        _ => "",
    };
    Ok(format!("coalesce(v.fields -> {path}, (SELECT k.private -> {path} FROM knowledge k WHERE k.uid = v.uid){own})"))
}

/// The JSON path of a dotted name; each part is quoted, so that nothing in it has a meaning.
fn json_path(field: &str) -> Result<String, Failure> {
    let mut path = "$".to_owned();
    for part in field.split('.') {
        path.push('.');
        path.push_str(&json(part)?);
    }
    Ok(path)
}

/// Whether two values are equal: `a` and `b` are each a type, an SQL value and JSON. Numbers by value, mappings in
/// any order: two containers are equal when the sets of their leaves are.
fn equal(a: [&str; 3], b: [&str; 3]) -> String {
    let group = |of: &str| format!("CASE coalesce({of}, 'null') WHEN 'real' THEN 'integer' ELSE coalesce({of}, 'null') END");
    let leaves = |of: &str| format!("SELECT fullkey, CASE type WHEN 'real' THEN 'integer' ELSE type END, atom FROM json_tree({of})");
    let ([a_type, a_value, a_json], [b_type, b_value, b_json]) = (a, b);
    format!(
        "CASE WHEN {} <> {} THEN 0 WHEN {b_type} IN ('array', 'object') \
         THEN NOT EXISTS ({left} EXCEPT {right}) AND NOT EXISTS ({right} EXCEPT {left}) ELSE {a_value} IS {b_value} END",
        group(a_type),
        group(b_type),
        left = leaves(a_json),
        right = leaves(b_json),
    )
}

#[cfg(test)]
mod tests {
    use lorebase::knowledge::{EntityId, KindName};
    use lorebase::store::{SortKey, View};
    use serde_json::json;

    use super::super::super::list::{Side, branch};
    use super::super::{SqliteCache, SqliteOptions};
    use super::*;

    async fn plan(connection: &mut SqliteConnection, text: &str) -> String {
        let rows = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {text}"))).fetch_all(connection).await.unwrap();
        rows.iter().map(|row| row.get::<String, _>("detail")).collect::<Vec<_>>().join("\n")
    }

    fn on_tables(test: impl AsyncFnOnce(&mut SqliteConnection)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let cache = SqliteCache::open(SqliteOptions::memory()).await.unwrap();
            let mut connection = cache.connections.writer.acquire().await.unwrap();
            test(&mut connection).await;
        });
    }

    #[test]
    fn every_order_of_a_page_is_read_from_an_index() {
        on_tables(async |connection| {
            for sort in [SortKey::Slug, SortKey::Title, SortKey::Updated] {
                for kind in [None, Some(KindName::new("skill"))] {
                    for (descending, view) in [(false, View::Published), (true, View::Working)] {
                        let query = Query { sort: sort.clone(), kind: kind.clone(), descending, view, ..Query::default() };
                        let begin = Position { value: json!("x"), rank: 2, kind: KindName::new("skill"), id: EntityId::new("x") };
                        for begin in [None, Some(&begin)] {
                            let text = branch(&mut Values::<Lite>::default(), 1, &query, begin, Side::Entity).unwrap();
                            let plan = plan(connection, &text).await;
                            assert!(plan.contains("SEARCH v USING COVERING INDEX entity_"), "{query:?}\n{plan}");
                            let jumps = plan.contains(">(?,?") || plan.contains("<(?,?");
                            assert_eq!(jumps, begin.is_some(), "{query:?}\n{plan}");
                            assert!(!plan.contains("TEMP B-TREE"), "{query:?}\n{plan}");
                        }
                    }
                }
            }
        });
    }

    #[test]
    fn counting_reads_only_an_index() {
        on_tables(async |connection| {
            for kind in [None, Some(KindName::new("skill"))] {
                let text = total::<Lite>(1, &Query { kind, ..Query::default() }).unwrap().text;
                let plan = plan(connection, &text).await;
                assert!(plan.contains("SEARCH v USING COVERING INDEX entity_"), "{plan}");
            }
        });
    }

    #[test]
    fn a_path_into_a_field_is_quoted_part_by_part() {
        assert_eq!(json_path("owner.email").unwrap(), r#"$."owner"."email""#);
        assert_eq!(json_path(r#"a"b.[0]"#).unwrap(), r#"$."a\"b"."[0]""#);
    }

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
        let statement = page::<Lite>(1, &query, Some(&begin)).unwrap();
        assert!(!statement.text.contains("DROP") && !statement.text.contains(hostile));
        assert!(statement.values.0.contains(&Value::Text(hostile.to_owned())));
    }
}
