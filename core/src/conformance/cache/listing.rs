//! Lists: filters, orders and pages.

use serde_json::{Value, json};

use super::fixture::{at, attached, content, fields, get, key, listed, live, new, new_live, pending, write};
use crate::ErrorKind;
use crate::knowledge::{Content, EntityKey, KindName, Slug, Status};
use crate::store::{CacheStore, Change, Filter, FilterOp, Live, Query, RecordWrite, RepositoryId, Slot, SortKey, View};

fn holding(id: &str, value: Value) -> RecordWrite {
    new_live(id, Content { fields: fields(value), ..content(&format!("skills/{id}.md")) })
}

fn condition(field: &str, op: FilterOp, value: Value) -> Query {
    Query { filters: vec![Filter { field: field.to_owned(), op, value }], ..Query::default() }
}

async fn where_field(store: &dyn CacheStore, id: RepositoryId, op: FilterOp, value: Value) -> Vec<String> {
    listed(store, id, &condition("f", op, value)).await
}

/// Kind and workflow status.
pub async fn lists_are_narrowed_by_kind_and_status(store: &dyn CacheStore) {
    let id = attached(store).await;
    let with = |path: &str, status| Content { status, ..content(path) };
    let prompt = |id: &str, content| RecordWrite { live: Slot::Set(live(content)), ..new(EntityKey::new("prompt", id)) };
    let writes = vec![
        new_live("a", with("skills/a.md", Some(Status::Published))),
        new_live("b", with("skills/b.md", Some(Status::InReview))),
        prompt("p", with("prompts/p.md", None)),
        prompt("q", with("prompts/q.md", Some(Status::Published))),
    ];
    write(store, id, writes).await;
    let kind = |kind: &str, status| Query { kind: Some(KindName::new(kind)), status, ..Query::default() };
    assert_eq!(listed(store, id, &kind("prompt", None)).await, ["p", "q"]);
    assert_eq!(listed(store, id, &kind("prompt", Some(Status::Published))).await, ["q"]);
    assert_eq!(listed(store, id, &kind("skill", Some(Status::InReview))).await, ["b"]);
    assert!(listed(store, id, &kind("Skill", None)).await.is_empty());
    assert_eq!(listed(store, id, &Query { status: Some(Status::Published), ..Query::default() }).await, ["q", "a"]);
}

/// JSON equality, numbers by value, a missing field equal to null.
pub async fn lists_are_filtered_by_equality(store: &dyn CacheStore) {
    let id = attached(store).await;
    let values = [
        ("array", json!({"f": [1, "x"]})),
        ("false", json!({"f": false})),
        ("float", json!({"f": 1.0})),
        ("int", json!({"f": 1})),
        ("map", json!({"f": {"a": 1, "b": [2]}})),
        ("missing", json!({})),
        ("null", json!({"f": null})),
        ("text", json!({"f": "1"})),
        ("true", json!({"f": true})),
    ];
    write(store, id, values.iter().map(|(id, value)| holding(id, value.clone())).collect()).await;
    for (wanted, found) in [
        (json!(1), &["float", "int"][..]),
        (json!(1.0), &["float", "int"]),
        (json!("1"), &["text"]),
        (json!(true), &["true"]),
        (json!(false), &["false"]),
        (json!(null), &["missing", "null"]),
        (json!([1.0, "x"]), &["array"]),
        (json!(["x", 1]), &[]),
        (json!({"b": [2], "a": 1}), &["map"]),
        (json!({"a": 1}), &[]),
        (json!({}), &[]),
        (json!([]), &[]),
    ] {
        assert_eq!(where_field(store, id, FilterOp::Eq, wanted.clone()).await, found, "equal to {wanted}");
        let others: Vec<_> = values.iter().map(|(id, _)| *id).filter(|id| !found.contains(id)).collect();
        assert_eq!(where_field(store, id, FilterOp::Ne, wanted.clone()).await, others, "not equal to {wanted}");
    }
}

/// Numbers by value, texts by code point, other types never.
pub async fn lists_are_filtered_by_order(store: &dyn CacheStore) {
    let id = attached(store).await;
    let values = [
        ("a1", json!(1)),
        ("a2", json!(2.5)),
        ("a3", json!(9_007_199_254_740_993_i64)),
        ("b1", json!("B")),
        ("b2", json!("a")),
        ("b3", json!("ä")),
        ("c1", json!(true)),
        ("c2", json!(null)),
        ("c3", json!([1])),
    ];
    write(store, id, values.into_iter().map(|(id, value)| holding(id, json!({ "f": value }))).collect()).await;
    for (op, wanted, found) in [
        (FilterOp::Lt, json!(2.5), &["a1"][..]),
        (FilterOp::Le, json!(2.5), &["a1", "a2"]),
        (FilterOp::Gt, json!(1), &["a2", "a3"]),
        (FilterOp::Ge, json!(1.0), &["a1", "a2", "a3"]),
        (FilterOp::Gt, json!(9_007_199_254_740_992_i64), &["a3"]),
        (FilterOp::Lt, json!("a"), &["b1"]),
        (FilterOp::Le, json!("a"), &["b1", "b2"]),
        (FilterOp::Gt, json!("B"), &["b2", "b3"]),
        (FilterOp::Ge, json!("ä"), &["b3"]),
        (FilterOp::Lt, json!(true), &[]),
        (FilterOp::Ge, json!(null), &[]),
        (FilterOp::Ge, json!([1]), &[]),
    ] {
        assert_eq!(where_field(store, id, op, wanted.clone()).await, found, "{op:?} {wanted}");
    }
}

/// Lists, lists of mappings, and parts of texts.
pub async fn lists_are_filtered_by_what_is_contained(store: &dyn CacheStore) {
    let id = attached(store).await;
    let values = [
        ("list", json!(["red", 1, null])),
        ("maps", json!([{"email": "ada@example.com", "n": 2}, {"email": "bob@example.com", "tags": ["red"]}])),
        ("map", json!({"email": "ada@example.com"})),
        ("nested", json!([["red"]])),
        ("text", json!("a red %_ apple")),
        ("true", json!([true])),
    ];
    write(store, id, values.into_iter().map(|(id, value)| holding(id, json!({ "f": value }))).collect()).await;
    for (wanted, found) in [
        (json!("red"), &["list", "text"][..]),
        (json!("ada@example.com"), &["maps"]),
        (json!(1.0), &["list"]),
        (json!(2), &["maps"]),
        (json!(null), &["list"]),
        (json!(true), &["true"]),
        (json!(["red"]), &["maps", "nested"]),
        (json!({"n": 2, "email": "ada@example.com"}), &["maps"]),
        (json!("%_"), &["text"]),
        (json!("RED"), &[]),
        (json!("re%"), &[]),
        (json!(""), &["text"]),
    ] {
        assert_eq!(where_field(store, id, FilterOp::Contains, wanted.clone()).await, found, "contains {wanted}");
    }
}

/// The field is one of a list.
pub async fn lists_are_filtered_by_membership(store: &dyn CacheStore) {
    let id = attached(store).await;
    let values = [("a", json!({"f": 1})), ("b", json!({"f": "x"})), ("c", json!({"f": [1]})), ("d", json!({})), ("e", json!({"f": true}))];
    write(store, id, values.into_iter().map(|(id, value)| holding(id, value)).collect()).await;
    for (wanted, found) in
        [(json!([1.0, "x"]), &["a", "b"][..]), (json!([[1], true]), &["c", "e"]), (json!([null, "none"]), &["d"]), (json!([]), &[])]
    {
        assert_eq!(where_field(store, id, FilterOp::In, wanted.clone()).await, found, "in {wanted}");
    }
}

/// Dots go into mappings, never into lists.
pub async fn filters_reach_into_mappings(store: &dyn CacheStore) {
    let id = attached(store).await;
    let writes = vec![
        holding("a", json!({"owner": {"email": "ada@example.com", "team": {"name": "core"}}})),
        holding("b", json!({"owner": [{"email": "ada@example.com"}]})),
        holding("c", json!({"owner": "ada@example.com"})),
        holding("d", json!({"o\"w'n": {"x\\y": 1, "": 2}})),
    ];
    write(store, id, writes).await;
    let of = |field: &'static str, value: Value| async move { listed(store, id, &condition(field, FilterOp::Eq, value)).await };
    assert_eq!(of("owner.email", json!("ada@example.com")).await, ["a"]);
    assert_eq!(of("owner.team.name", json!("core")).await, ["a"]);
    assert_eq!(of("owner", json!("ada@example.com")).await, ["c"]);
    assert!(of("owner.0.email", json!("ada@example.com")).await.is_empty());
    assert_eq!(of("o\"w'n.x\\y", json!(1)).await, ["d"]);
    assert_eq!(of("o\"w'n.", json!(2)).await, ["d"]);
    assert_eq!(of("owner.email.x", json!(null)).await, ["a", "b", "c", "d"]);
}

/// A field of that name wins over what the entity itself is called; where there is none, the entity answers.
pub async fn fields_come_before_the_entitys_own_attributes(store: &dyn CacheStore) {
    let id = attached(store).await;
    let plain = Content { title: "Own Title".to_owned(), status: Some(Status::Published), ..content("skills/plain.md") };
    let named = Content {
        fields: fields(json!({"title": "Field Title", "slug": "s", "id": "i", "kind": "k", "path": "p", "status": null})),
        ..Content { status: Some(Status::Published), ..content("skills/named.md") }
    };
    write(store, id, vec![new_live("plain", plain), new_live("named", named)]).await;
    for (field, own, other) in [
        ("title", json!("Own Title"), json!("Field Title")),
        ("slug", json!("plain"), json!("s")),
        ("id", json!("plain"), json!("i")),
        ("kind", json!("skill"), json!("k")),
        ("path", json!("skills/plain.md"), json!("p")),
        ("status", json!("PUBLISHED"), json!(null)),
    ] {
        assert_eq!(listed(store, id, &condition(field, FilterOp::Eq, own)).await, ["plain"], "{field}");
        assert_eq!(listed(store, id, &condition(field, FilterOp::Eq, other)).await, ["named"], "{field}");
    }
    let prefix = condition("path", FilterOp::Contains, json!("skills/"));
    assert_eq!(listed(store, id, &prefix).await, ["plain"]);
}

/// Conditions are joined by and.
pub async fn all_filters_must_hold(store: &dyn CacheStore) {
    let id = attached(store).await;
    let writes = vec![
        holding("a", json!({"tier": 1, "region": "eu"})),
        holding("b", json!({"tier": 2, "region": "eu"})),
        holding("c", json!({"tier": 2, "region": "us"})),
    ];
    write(store, id, writes).await;
    let filter = |field: &str, op, value| Filter { field: field.to_owned(), op, value };
    let query = Query {
        kind: Some(KindName::new("skill")),
        filters: vec![
            filter("tier", FilterOp::Ge, json!(2)),
            filter("region", FilterOp::In, json!(["eu", "apac"])),
            filter("region", FilterOp::Ne, json!("us")),
        ],
        ..Query::default()
    };
    assert_eq!(listed(store, id, &query).await, ["b"]);
}

/// Anything else cannot be meant.
pub async fn a_filter_in_needs_a_list(store: &dyn CacheStore) {
    let id = attached(store).await;
    let error = store.list(id, &condition("f", FilterOp::In, json!("x"))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

/// The default order; equal slugs by id.
pub async fn lists_are_sorted_by_kind_and_slug(store: &dyn CacheStore) {
    let id = attached(store).await;
    let with = |kind: &str, id: &str, path: &str, slug: &str| RecordWrite {
        live: Slot::Set(live(Content { slug: Slug::new(slug), ..content(path) })),
        ..new(EntityKey::new(kind, id))
    };
    let writes = vec![
        with("skill", "1", "a.md", "b"),
        with("prompt", "9", "b.md", "z"),
        with("skill", "3", "c.md", "a"),
        with("skill", "2", "d.md", "a"),
        with("skill", "4", "e.md", "Z"),
    ];
    write(store, id, writes).await;
    assert_eq!(listed(store, id, &Query::default()).await, ["9", "4", "2", "3", "1"]);
}

/// The version that the view shows gives title and moment.
pub async fn lists_are_sorted_by_title_and_by_moment(store: &dyn CacheStore) {
    let id = attached(store).await;
    let titled = |path: &str, title: &str| Content { title: title.to_owned(), ..content(path) };
    let synced = |id: &str, title: &str, seconds| RecordWrite {
        live: Slot::Set(Live { synced_at: at(seconds), ..live(titled(&format!("{id}.md"), title)) }),
        ..new(key(id))
    };
    let saved = Change { updated_at: at(25), ..pending(titled("c.md", "A")) };
    write(
        store,
        id,
        vec![
            synced("a", "M", 30),
            synced("b", "M", 20),
            RecordWrite { change: Slot::Set(saved), ..synced("c", "Z", 1) },
            synced("d", "b", 20),
        ],
    )
    .await;
    let by = |sort| Query { sort, ..Query::default() };
    assert_eq!(listed(store, id, &by(SortKey::Title)).await, ["c", "a", "b", "d"]);
    assert_eq!(listed(store, id, &by(SortKey::Updated)).await, ["b", "d", "c", "a"]);
}

fn mixed() -> Vec<RecordWrite> {
    let values = [
        ("missing", json!({})),
        ("null", json!({"f": null})),
        ("n1", json!({"f": -3})),
        ("n2", json!({"f": 0.5})),
        ("n3", json!({"f": 10})),
        ("n4", json!({"f": 9_007_199_254_740_993_i64})),
        ("t1", json!({"f": ""})),
        ("t2", json!({"f": "10"})),
        ("t3", json!({"f": "B"})),
        ("t4", json!({"f": "a"})),
        ("u1", json!({"f": [2]})),
        ("u2", json!({"f": false})),
        ("u3", json!({"f": {"a": 1}})),
    ];
    values.into_iter().rev().map(|(id, value)| holding(id, value)).collect()
}

const MIXED: [&str; 13] = ["missing", "null", "n1", "n2", "n3", "n4", "t1", "t2", "t3", "t4", "u1", "u2", "u3"];

/// Missing and null, numbers, texts, anything else.
pub async fn lists_are_sorted_by_a_field_of_any_type(store: &dyn CacheStore) {
    let id = attached(store).await;
    write(store, id, mixed()).await;
    let by = |field: &str| Query { sort: SortKey::Field(field.to_owned()), ..Query::default() };
    assert_eq!(listed(store, id, &by("f")).await, MIXED);
    let mut by_id = MIXED;
    by_id.sort_unstable();
    assert_eq!(listed(store, id, &by("nothing.here")).await, by_id);
    assert_eq!(listed(store, id, &by("slug")).await, by_id);
}

/// Ties included.
pub async fn descending_turns_the_whole_order_round(store: &dyn CacheStore) {
    let id = attached(store).await;
    write(store, id, mixed()).await;
    for sort in [SortKey::Slug, SortKey::Title, SortKey::Updated, SortKey::Field("f".to_owned())] {
        let mut up = listed(store, id, &Query { sort: sort.clone(), ..Query::default() }).await;
        up.reverse();
        assert_eq!(listed(store, id, &Query { sort: sort.clone(), descending: true, ..Query::default() }).await, up, "{sort:?}");
    }
}

async fn paged(store: &dyn CacheStore, id: RepositoryId, mut query: Query) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        let page = store.list(id, &query).await.unwrap();
        assert!(page.items.len() <= query.limit && (page.next_cursor.is_none() || page.items.len() == query.limit));
        all.extend(page.items.iter().map(|record| record.key.id.as_str().to_owned()));
        query.cursor = page.next_cursor;
        if query.cursor.is_none() {
            assert_eq!(page.total, all.len() as u64);
            return all;
        }
    }
}

/// Whatever the size of the pages, together they are the list.
pub async fn pages_join_without_gaps_or_doubles(store: &dyn CacheStore) {
    let id = attached(store).await;
    let writes = (0..50).map(|number| holding(&format!("s{number:02}"), json!({ "f": number % 7 })));
    write(store, id, writes.collect()).await;
    let whole = listed(store, id, &Query { limit: 60, ..Query::default() }).await;
    for limit in [1, 7, 25, 49, 50, 60] {
        assert_eq!(paged(store, id, Query { limit, ..Query::default() }).await, whole, "pages of {limit}");
        let filtered = Query { limit, ..condition("f", FilterOp::Lt, json!(3)) };
        let expected = listed(store, id, &Query { limit: 60, ..filtered.clone() }).await;
        assert_eq!(paged(store, id, filtered).await, expected, "filtered pages of {limit}");
    }
}

/// Every order, both ways, both views, with changes among the live versions.
pub async fn pages_of_every_order_join(store: &dyn CacheStore) {
    let id = attached(store).await;
    let mut writes = mixed();
    for (number, write) in writes.iter_mut().enumerate().step_by(3) {
        let Slot::Set(live) = &write.live else { unreachable!("every write sets a live version") };
        let mut changed = live.content.clone();
        changed.title = format!("changed {number}");
        let state = if number % 2 == 0 { pending(changed) } else { super::fixture::draft(changed) };
        write.change = Slot::Set(state);
    }
    write(store, id, writes).await;
    for sort in [SortKey::Slug, SortKey::Title, SortKey::Updated, SortKey::Field("f".to_owned()), SortKey::Field("name".to_owned())] {
        for (descending, view) in [(false, View::Published), (true, View::Published), (false, View::Working), (true, View::Working)] {
            for kind in [None, Some(KindName::new("skill"))] {
                let query = Query { sort: sort.clone(), descending, view, kind, ..Query::default() };
                let whole = listed(store, id, &query).await;
                assert_eq!(whole.len(), 13);
                for limit in [1, 4] {
                    assert_eq!(paged(store, id, Query { limit, ..query.clone() }).await, whole, "{query:?}");
                }
            }
        }
    }
}

/// A page begins after a place in the order, not after a number of rows.
pub async fn pages_hold_while_records_come_and_go(store: &dyn CacheStore) {
    let id = attached(store).await;
    let names = ["b", "d", "f", "h", "j"];
    write(store, id, names.iter().map(|name| holding(name, json!({}))).collect()).await;
    let first = store.list(id, &Query { limit: 2, ..Query::default() }).await.unwrap();
    assert_eq!(super::fixture::ids(&first.items), ["b", "d"]);

    let last_seen = get(store, id, "d").await;
    let gone = RecordWrite { live: Slot::Clear, ..RecordWrite::onto(&last_seen) };
    write(store, id, vec![gone, holding("a", json!({})), holding("e", json!({}))]).await;
    let query = Query { limit: 2, cursor: first.next_cursor, ..Query::default() };
    let second = store.list(id, &query).await.unwrap();
    assert_eq!(super::fixture::ids(&second.items), ["e", "f"]);
    assert_eq!(second.total, 6);
    let third = store.list(id, &Query { limit: 3, cursor: second.next_cursor, ..Query::default() }).await.unwrap();
    assert_eq!((super::fixture::ids(&third.items), third.next_cursor), (vec!["h", "j"], None));
}

/// A cursor in another list would silently skip.
pub async fn a_cursor_belongs_to_its_query(store: &dyn CacheStore) {
    let id = attached(store).await;
    write(store, id, mixed()).await;
    let query = Query { limit: 2, ..Query::default() };
    let cursor = store.list(id, &query).await.unwrap().next_cursor;
    assert!(cursor.is_some());
    let other_queries = [
        Query { sort: SortKey::Title, cursor: cursor.clone(), ..query.clone() },
        Query { descending: true, cursor: cursor.clone(), ..query.clone() },
        Query { view: View::Working, cursor: cursor.clone(), ..query.clone() },
        Query { kind: Some(KindName::new("skill")), cursor: cursor.clone(), ..query.clone() },
        Query { status: Some(Status::Draft), cursor: cursor.clone(), ..query.clone() },
        Query { cursor: cursor.clone(), ..condition("f", FilterOp::Eq, json!(1)) },
    ];
    for other in other_queries {
        assert_eq!(store.list(id, &other).await.unwrap_err().kind(), ErrorKind::InvalidInput, "{other:?}");
    }
    for nonsense in ["", "x", "00", "7b7d", "zz", "{}", "ä"] {
        let nonsense = Query { cursor: Some(nonsense.to_owned()), ..query.clone() };
        assert_eq!(store.list(id, &nonsense).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    let next = Query { limit: 5, cursor, ..query };
    assert_eq!(store.list(id, &next).await.unwrap().items.len(), 5, "the size of a page may change");
}

/// 0 means 50, more than 1,000 means 1,000.
pub async fn limits_are_bounded(store: &dyn CacheStore) {
    let id = attached(store).await;
    let writes: Vec<_> = (0..1005).map(|number| holding(&format!("s{number:04}"), json!({}))).collect();
    write(store, id, writes).await;
    for (limit, size) in [(0, 50), (1, 1), (1000, 1000), (usize::MAX, 1000)] {
        let page = store.list(id, &Query { limit, ..Query::default() }).await.unwrap();
        assert_eq!((page.items.len(), page.total), (size, 1005), "limit {limit}");
        assert!(page.next_cursor.is_some());
    }
}

/// Text is bound, never part of a statement or a path.
pub async fn hostile_text_in_a_query_is_only_text(store: &dyn CacheStore) {
    let id = attached(store).await;
    write(store, id, vec![holding("a", json!({"f": "x"}))]).await;
    for text in ["'; DROP TABLE entity; --", "$.f", "\"", "f\") OR 1=1 --", "[0]", "\\", "\\\"", "%", "$", "a\0b", "#-1", "", "."] {
        for op in [FilterOp::Eq, FilterOp::Lt, FilterOp::Contains] {
            let query = Query { sort: SortKey::Field(text.to_owned()), ..condition(text, op, json!(text)) };
            assert!(listed(store, id, &query).await.is_empty(), "{text:?}");
        }
        assert_eq!(listed(store, id, &Query { sort: SortKey::Field(text.to_owned()), ..Query::default() }).await, ["a"]);
        let kind = Query { kind: Some(KindName::new(text)), ..Query::default() };
        assert!(listed(store, id, &kind).await.is_empty());
    }
    assert_eq!(listed(store, id, &Query::default()).await, ["a"]);
}
