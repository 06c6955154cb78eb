//! The rows that a side left in its database, field by field.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection, Row as _};

use super::Blob;
use crate::Outcome;
use crate::entities::Entity;

/// One row of an entity.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The kind.
    pub kind: String,
    /// The id.
    pub id: String,
    /// The slug.
    pub slug: String,
    /// The title.
    pub title: String,
    /// The frontmatter as JSON; the order of keys says nothing.
    pub fields: Value,
    /// The text behind the frontmatter, byte for byte.
    pub body: String,
    /// The id of the file's blob.
    pub blob: String,
    /// The commit that the row was last made equal with.
    pub commit: String,
    /// How many contents the row has had.
    pub revision: i64,
}

/// What the two databases call the commit's column; all else is called the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// The library's.
    Ours,
    /// The peers'.
    Peers,
}

/// The row that an entity comes to, at the blob that git names.
pub fn expected(entity: &Entity, blob: &Blob, commit: &str, revision: i64) -> Row {
    Row {
        kind: entity.kind.to_owned(),
        id: entity.id.clone(),
        slug: entity.slug.clone(),
        title: entity.title.clone(),
        fields: Value::Object(entity.fields.clone()),
        body: entity.body.clone(),
        blob: blob.id.clone(),
        commit: commit.to_owned(),
        revision,
    }
}

/// All rows by path.
///
/// # Errors
/// When the database cannot be read.
pub async fn read_rows(database: &Path, table: Table) -> Outcome<BTreeMap<String, Row>> {
    let mut connection = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(database)).await?;
    let commit = match table {
        Table::Ours => "commit_id",
        Table::Peers => "commit_sha",
    };
    let select = format!("SELECT path, kind, id, slug, title, fields, body, blob, {commit}, revision FROM entity");
    let mut rows = BTreeMap::new();
    for row in sqlx::query(AssertSqlSafe(select)).fetch_all(&mut connection).await? {
        let fields: String = row.try_get(5)?;
        let read = Row {
            kind: row.try_get(1)?,
            id: row.try_get(2)?,
            slug: row.try_get(3)?,
            title: row.try_get(4)?,
            fields: serde_json::from_str(&fields)?,
            body: row.try_get(6)?,
            blob: row.try_get(7)?,
            commit: row.try_get(8)?,
            revision: row.try_get(9)?,
        };
        rows.insert(row.try_get(0)?, read);
    }
    connection.close().await?;
    Ok(rows)
}

/// Says the first difference between the rows that must be there and those that are.
///
/// # Errors
/// The difference: a row too few, a row too many, or the column and both values.
pub fn compare_rows(expected: &BTreeMap<String, Row>, found: &BTreeMap<String, Row>) -> Outcome<()> {
    for (path, wanted) in expected {
        let Some(row) = found.get(path) else { return Err(format!("{path}: there is no row").into()) };
        if row == wanted {
            continue;
        }
        let columns = [
            ("kind", format!("{:?}", wanted.kind), format!("{:?}", row.kind)),
            ("id", format!("{:?}", wanted.id), format!("{:?}", row.id)),
            ("slug", format!("{:?}", wanted.slug), format!("{:?}", row.slug)),
            ("title", format!("{:?}", wanted.title), format!("{:?}", row.title)),
            ("body", format!("{:?}", wanted.body), format!("{:?}", row.body)),
            ("blob", wanted.blob.clone(), row.blob.clone()),
            ("commit", wanted.commit.clone(), row.commit.clone()),
            ("revision", wanted.revision.to_string(), row.revision.to_string()),
        ];
        let differs = columns.iter().find(|(_, wanted, found)| wanted != found);
        let (column, wanted, found) = differs.cloned().unwrap_or_else(|| ("fields", wanted.fields.to_string(), row.fields.to_string()));
        return Err(format!("{path}: the column {column} must be {wanted} and is {found}").into());
    }
    match found.keys().find(|path| !expected.contains_key(*path)) {
        Some(path) => Err(format!("{path}: there is a row, and no such file").into()),
        None => Ok(()),
    }
}
