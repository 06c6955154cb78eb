//! Who holds which unique value, in a table of its own. What may be held was decided before; this only keeps it. Two
//! writers never ask at the same moment, because both have locked the repository's row.

use std::collections::HashMap;

use lorebase::knowledge::{Fields, KindName};
use lorebase::store::{Grants, RepositoryId, Side, Standing, UniqueRules, UniqueValue, regrant};
use sqlx::postgres::PgConnection;

use super::super::failure::Failure;
use super::super::rows::{Columns, held_value, unique_value};
use super::super::tables::Cells;
use super::super::tables::{Form, Table};
use super::super::words::word;
use super::bulk::insert;
use super::texts::asked;

const UNIQUE_VALUE: Table = Table {
    name: "unique_value",
    columns: &[
        ("repository", Form::Integer),
        ("kind", Form::Text),
        ("field", Form::Text),
        ("value", Form::Text),
        ("side", Form::Text),
        ("uid", Form::Integer),
    ],
    conflict: "",
};

/// The holders of those of these values that somebody holds.
pub(super) async fn holders(
    connection: &mut PgConnection,
    id: RepositoryId,
    values: &[&UniqueValue],
) -> Result<HashMap<UniqueValue, i64>, Failure> {
    if values.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query(
        "SELECT u.uid, u.kind, u.field, u.value FROM unnest($2::text[], $3::text[], $4::text[]) j (kind, field, value) \
         CROSS JOIN LATERAL (SELECT * FROM lorebase.unique_value u \
         WHERE u.repository = $1 AND u.kind = j.kind AND u.field = j.field AND u.value = j.value OFFSET 0) u",
    )
    .bind(id)
    .bind(column(values, |value| value.kind.as_str()))
    .bind(column(values, |value| &value.field))
    .bind(column(values, |value| &value.value))
    .fetch_all(&mut *connection)
    .await?;
    rows.iter().map(|row| Ok((unique_value(row)?, row.integer("uid")?))).collect()
}

fn column(values: &[&UniqueValue], of: impl Fn(&UniqueValue) -> &str) -> Vec<String> {
    values.iter().map(|value| asked(of(value)).into_owned()).collect()
}

/// Fills in what the records of kinds with unique fields hold.
pub(super) async fn fill(connection: &mut PgConnection, rules: &UniqueRules, standing: &mut [Standing]) -> Result<(), Failure> {
    let uids: Vec<i64> = standing.iter().filter(|record| rules.contains_key(&record.key.kind)).map(|record| record.uid).collect();
    if uids.is_empty() {
        return Ok(());
    }
    let rows = sqlx::query("SELECT uid, kind, field, value, side FROM lorebase.unique_value WHERE uid = ANY ($1)")
        .bind(uids)
        .fetch_all(&mut *connection)
        .await?;
    let mut held: HashMap<i64, Vec<(Side, UniqueValue)>> = HashMap::new();
    for row in &rows {
        let (uid, value) = held_value(row)?;
        held.entry(uid).or_default().push(value);
    }
    for record in standing {
        record.holds = held.remove(&record.uid).unwrap_or_default();
    }
    Ok(())
}

/// Frees what is freed and gives the written records their values.
pub(super) async fn write(connection: &mut PgConnection, id: RepositoryId, uids: &[i64], grants: &Grants) -> Result<(), Failure> {
    if !grants.freed.is_empty() {
        let freed: Vec<(i64, String)> = grants.freed.iter().map(|(uid, side)| Ok((*uid, word(side)?))).collect::<Result<_, Failure>>()?;
        let (uids, sides): (Vec<i64>, Vec<String>) = freed.into_iter().unzip();
        sqlx::query(
            "DELETE FROM lorebase.unique_value u USING unnest($1::bigint[], $2::text[]) j (uid, side) WHERE u.uid = j.uid AND u.side = j.side",
        )
        .bind(uids)
        .bind(sides)
        .execute(&mut *connection)
        .await?;
    }
    let given = uids.iter().zip(&grants.given).flat_map(|(uid, values)| values.iter().map(|(side, value)| (*uid, *side, value)));
    let given: Vec<_> = given.collect();
    give(connection, id, given).await
}

/// Gives all values anew, by other rules.
pub(super) async fn write_anew(connection: &mut PgConnection, id: RepositoryId, rules: &UniqueRules) -> Result<(), Failure> {
    sqlx::query("DELETE FROM lorebase.unique_value WHERE repository = $1").bind(id).execute(&mut *connection).await?;
    let kinds: Vec<&str> = rules.keys().map(KindName::as_str).collect();
    let mut parts: Vec<(i64, KindName, Side, Fields)> = Vec::new();
    for (side, statement) in [
        (
            Side::Live,
            "SELECT uid, kind, fields FROM lorebase.entity WHERE repository = $1 AND kind = ANY ($2) ORDER BY path, entry NULLS FIRST",
        ),
        (
            Side::Change,
            "SELECT uid, kind, fields FROM lorebase.change WHERE repository = $1 AND action = 'write' AND kind = ANY ($2) ORDER BY uid",
        ),
        (
            Side::Private,
            "SELECT uid, kind, private AS fields FROM lorebase.knowledge k WHERE repository = $1 AND private IS NOT NULL \
             AND (EXISTS (SELECT 1 FROM lorebase.entity e WHERE e.uid = k.uid) \
             OR EXISTS (SELECT 1 FROM lorebase.change c WHERE c.uid = k.uid)) AND kind = ANY ($2) ORDER BY uid",
        ),
    ] {
        for row in sqlx::query(statement).bind(id).bind(&kinds).fetch_all(&mut *connection).await? {
            parts.push((row.integer("uid")?, KindName::new(row.text("kind")?), side, row.json("fields")?));
        }
    }
    let granted = regrant(rules, parts.iter().map(|(uid, kind, side, fields)| (*uid, kind, *side, fields)));
    give(connection, id, granted.iter().map(|(uid, side, value)| (*uid, *side, value)).collect()).await
}

async fn give(connection: &mut PgConnection, id: RepositoryId, rows: Vec<(i64, Side, &UniqueValue)>) -> Result<(), Failure> {
    insert(&UNIQUE_VALUE, connection, rows, |sink, (uid, side, value)| {
        sink.integer(id);
        sink.text(value.kind.as_str());
        sink.text(value.field.as_str());
        sink.text(value.value.as_str());
        sink.text(word(side)?.as_str());
        sink.integer(uid);
        Ok(())
    })
    .await
}
