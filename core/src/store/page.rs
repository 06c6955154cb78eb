//! Where a page of a list ends, and how that place is handed to the caller and back. A cursor carries the query it
//! belongs to, so that it is never taken for a place in another list.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::{Uuid, uuid};

use super::values::{compare_sorted, sort_rank};
use super::{FilterOp, Query, Seen, SortKey};
use crate::knowledge::{EntityId, EntityKey, KindName};
use crate::{Error, ErrorKind, Result};

const CURSOR_NAMESPACE: Uuid = uuid!("b6f6c4a1-5f0d-5d3e-8f0c-0d1f6a5c9e27");
const DEFAULT_PAGE: usize = 50;
const LARGEST_PAGE: usize = 1000;

/// The place of one entity in the order of a query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// What the query sorts by: the slug, the title, the moment with three fractional digits, or the field's value
    /// (`null` for anything that is neither number nor text).
    pub value: Value,
    /// The group of the value, see [`sort_rank`].
    pub rank: u8,
    /// The kind.
    pub kind: KindName,
    /// The id.
    pub id: EntityId,
}

impl Position {
    /// The place of an entity in the order of `query`.
    pub fn of(query: &Query, seen: &Seen<'_>) -> Self {
        let value = match &query.sort {
            SortKey::Slug => Value::from(seen.content.slug.as_str()),
            SortKey::Title => Value::from(seen.content.title.as_str()),
            SortKey::Updated => Value::from(format!("{:.3}", seen.updated_at)),
            SortKey::Field(field) => seen.field(field).map_or(Value::Null, std::borrow::Cow::into_owned),
        };
        let rank = sort_rank(&value);
        let value = if rank == 3 { Value::Null } else { value };
        let EntityKey { kind, id } = seen.key.clone();
        Self { value, rank, kind, id }
    }

    /// The ascending order of two places of one query.
    pub fn compare(&self, other: &Self, sort: &SortKey) -> Ordering {
        let by_value = || self.rank.cmp(&other.rank).then_with(|| compare_sorted(&self.value, &other.value));
        match sort {
            SortKey::Slug => self.kind.cmp(&other.kind).then_with(by_value),
            _ => by_value().then_with(|| self.kind.cmp(&other.kind)),
        }
        .then_with(|| self.id.cmp(&other.id))
    }
}

#[derive(Serialize, Deserialize)]
struct Token {
    query: Uuid,
    at: Position,
}

impl Query {
    /// How many items a page of this query has at most.
    pub fn page_size(&self) -> usize {
        if self.limit == 0 { DEFAULT_PAGE } else { self.limit.min(LARGEST_PAGE) }
    }

    /// The cursor of the page that begins after `at`.
    ///
    /// # Errors
    /// `Internal` when the place cannot be written.
    pub fn cursor_after(&self, at: Position) -> Result<String> {
        let token = Token { query: self.digest()?, at };
        let text = serde_json::to_vec(&token).map_err(unwritable)?;
        Ok(text.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)])).collect())
    }

    /// Checks the query and reads its cursor: the place after which the page begins.
    ///
    /// # Errors
    /// `InvalidInput` for a cursor of another query or of no query, and for a filter `in` without a list.
    pub fn begin(&self) -> Result<Option<Position>> {
        if let Some(filter) = self.filters.iter().find(|filter| filter.op == FilterOp::In && !filter.value.is_array()) {
            return Err(Error::new(ErrorKind::InvalidInput, format!("the filter on `{}` with `in` needs a list of values", filter.field)));
        }
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let unreadable = || {
            Error::new(ErrorKind::InvalidInput, "the list's cursor is not one that a page returned; begin again without a cursor")
                .with("cursor", cursor.as_str())
        };
        let bytes = unhex(cursor).ok_or_else(unreadable)?;
        let token: Token = serde_json::from_slice(&bytes).map_err(|_| unreadable())?;
        if token.query != self.digest()? {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "the list's cursor belongs to another query; keep kind, status, filters, sort, order and view, or begin without a cursor",
            ));
        }
        if token.at.rank != sort_rank(&token.at.value) && token.at.rank != 3 {
            return Err(unreadable());
        }
        Ok(Some(token.at))
    }

    fn digest(&self) -> Result<Uuid> {
        let told = (&self.kind, self.status, &self.filters, &self.sort, self.descending, self.view);
        Ok(Uuid::new_v5(&CURSOR_NAMESPACE, &serde_json::to_vec(&told).map_err(unwritable)?))
    }
}

fn unwritable(error: serde_json::Error) -> Error {
    Error::new(ErrorKind::Internal, "a list's cursor could not be written").caused_by(error)
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    pairs.iter().map(|&[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect()
}
