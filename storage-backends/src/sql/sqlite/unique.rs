//! Who holds which unique value, in a table of its own. What may be held was decided before; this only keeps it.

use std::collections::HashMap;

use lorebase::knowledge::{Fields, KindName};
use lorebase::store::{Grants, RepositoryId, Side, Standing, UniqueRules, UniqueValue, regrant};
use sqlx::sqlite::SqliteConnection;

use super::super::failure::Failure;
use super::super::rows::{Columns, held_value, unique_value};
use super::super::words::json;

/// The holders of those of these values that somebody holds.
pub(super) async fn holders(
    connection: &mut SqliteConnection,
    id: RepositoryId,
    values: &[&UniqueValue],
) -> Result<HashMap<UniqueValue, i64>, Failure> {
    let asked: Vec<[&str; 3]> = values.iter().map(|value| [value.kind.as_str(), value.field.as_str(), value.value.as_str()]).collect();
    if asked.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query(
        "SELECT u.uid, u.kind, u.field, u.value FROM json_each(?2) j CROSS JOIN unique_value u \
         ON u.repository = ?1 AND u.kind = j.value ->> 0 AND u.field = j.value ->> 1 AND u.value = j.value ->> 2",
    )
    .bind(id)
    .bind(json(&asked)?)
    .fetch_all(&mut *connection)
    .await?;
    rows.iter().map(|row| Ok((unique_value(row)?, row.integer("uid")?))).collect()
}

/// Fills in what the records of kinds with unique fields hold.
pub(super) async fn fill(connection: &mut SqliteConnection, rules: &UniqueRules, standing: &mut [Standing]) -> Result<(), Failure> {
    let uids: Vec<i64> = standing.iter().filter(|record| rules.contains_key(&record.key.kind)).map(|record| record.uid).collect();
    if uids.is_empty() {
        return Ok(());
    }
    let rows = sqlx::query("SELECT uid, kind, field, value, side FROM unique_value WHERE uid IN (SELECT value FROM json_each(?))")
        .bind(json(&uids)?)
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
pub(super) async fn write(connection: &mut SqliteConnection, id: RepositoryId, uids: &[i64], grants: &Grants) -> Result<(), Failure> {
    if !grants.freed.is_empty() {
        sqlx::query("DELETE FROM unique_value WHERE (uid, side) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))")
            .bind(json(&grants.freed)?)
            .execute(&mut *connection)
            .await?;
    }
    let given: Vec<Row<'_>> =
        uids.iter().zip(&grants.given).flat_map(|(uid, values)| values.iter().map(|(side, value)| row(*uid, *side, value))).collect();
    insert(connection, id, &given).await
}

/// Gives all values anew, by other rules.
pub(super) async fn write_anew(connection: &mut SqliteConnection, id: RepositoryId, rules: &UniqueRules) -> Result<(), Failure> {
    sqlx::query("DELETE FROM unique_value WHERE repository = ?").bind(id).execute(&mut *connection).await?;
    let kinds = json(&rules.keys().collect::<Vec<_>>())?;
    let mut parts: Vec<(i64, KindName, Side, Fields)> = Vec::new();
    for (side, statement) in [
        (
            Side::Live,
            "SELECT uid, kind, fields FROM entity WHERE repository = ?1 AND kind IN (SELECT value FROM json_each(?2)) ORDER BY path, entry",
        ),
        (
            Side::Change,
            "SELECT uid, kind, fields FROM change WHERE repository = ?1 AND action = 'write' \
             AND kind IN (SELECT value FROM json_each(?2)) ORDER BY uid",
        ),
        (
            Side::Private,
            "SELECT uid, kind, private AS fields FROM knowledge k WHERE repository = ?1 AND private IS NOT NULL \
             AND (EXISTS (SELECT 1 FROM entity e WHERE e.uid = k.uid) OR EXISTS (SELECT 1 FROM change c WHERE c.uid = k.uid)) \
             AND kind IN (SELECT value FROM json_each(?2)) ORDER BY uid",
        ),
    ] {
        for row in sqlx::query(statement).bind(id).bind(&kinds).fetch_all(&mut *connection).await? {
            parts.push((row.integer("uid")?, KindName::new(row.text("kind")?), side, row.json("fields")?));
        }
    }
    let granted = regrant(rules, parts.iter().map(|(uid, kind, side, fields)| (*uid, kind, *side, fields)));
    let granted: Vec<Row<'_>> = granted.iter().map(|(uid, side, value)| row(*uid, *side, value)).collect();
    insert(connection, id, &granted).await
}

type Row<'v> = (&'v str, &'v str, &'v str, Side, i64);

fn row(uid: i64, side: Side, value: &UniqueValue) -> Row<'_> {
    (value.kind.as_str(), value.field.as_str(), value.value.as_str(), side, uid)
}

async fn insert(connection: &mut SqliteConnection, id: RepositoryId, rows: &[Row<'_>]) -> Result<(), Failure> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO unique_value (repository, kind, field, value, side, uid) \
         SELECT ?1, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(?2)",
    )
    .bind(id)
    .bind(json(rows)?)
    .execute(&mut *connection)
    .await?;
    Ok(())
}
