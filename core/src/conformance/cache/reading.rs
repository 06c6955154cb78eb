//! Reading records by what they are and where they are.

use serde_json::{Value, json};

use super::fixture::{attached, blob, content, draft, fields, file, get, ids, key, live, new, new_change, new_live, pending, write};
use crate::knowledge::{Content, EntityKey, KindName, KnowledgePath, Location, Slug};
use crate::store::{CacheStore, ManifestRow, RecordWrite, Slot};

fn entry(key: &str) -> Content {
    Content {
        location: Location::entry(KnowledgePath::new("categories/metadata.json").unwrap(), key),
        slug: Slug::new(key),
        ..content("categories/metadata.json")
    }
}

/// Order and gaps of the question are those of the answer.
pub async fn records_are_read_in_the_order_asked(store: &dyn CacheStore) {
    let id = attached(store).await;
    let uids =
        write(store, id, vec![new(key("a")), new(key("b")), RecordWrite { key: EntityKey::new("prompt", "a"), ..new(key("a")) }]).await;
    let asked = [key("b"), key("x"), key("a"), key("b"), EntityKey::new("prompt", "a")];
    let read: Vec<_> = store.records(id, &asked).await.unwrap().into_iter().map(|record| record.map(|record| record.uid)).collect();
    assert_eq!(read, [Some(uids[1]), None, Some(uids[0]), Some(uids[1]), Some(uids[2])]);
    let asked = [uids[1], 9999, uids[0], uids[1]];
    let read: Vec<_> = store.records_by_uid(id, &asked).await.unwrap().into_iter().map(|record| record.map(|record| record.uid)).collect();
    assert_eq!(read, [Some(uids[1]), None, Some(uids[0]), Some(uids[1])]);
    assert!(store.records(id, &[]).await.unwrap().is_empty());
}

/// Live or placed, by the key under which places are unique.
pub async fn records_are_found_by_place(store: &dyn CacheStore) {
    let id = attached(store).await;
    let moved = RecordWrite { change: Slot::Set(pending(content("skills/to.md"))), ..new_live("a", content("skills/From.md")) };
    write(store, id, vec![new_change("z", draft(content("skills/z.md"))), moved, new_live("c", entry("c"))]).await;
    let places = ["skills/from.md", "skills/TO.md", "skills/z.md", "skills/none.md"].map(|path| file(path).key());
    assert_eq!(ids(&store.records_at(id, &places).await.unwrap()), ["z", "a"]);
    assert_eq!(ids(&store.records_at(id, &places[..1]).await.unwrap()), ["a"]);
    assert_eq!(ids(&store.records_at(id, &[entry("c").location.key()]).await.unwrap()), ["c"]);
    assert!(store.records_at(id, &[file("categories/metadata.json").key()]).await.unwrap().is_empty());
}

/// All entries of a file, exactly as it is spelt.
pub async fn records_are_found_by_file(store: &dyn CacheStore) {
    let id = attached(store).await;
    let writes = vec![
        new_live("b", entry("b")),
        new_live("a", entry("a")),
        new_live("s", content("skills/s.md")),
        new_change("d", draft(entry("d"))),
    ];
    write(store, id, writes).await;
    let found = |paths: &[&str]| {
        let paths: Vec<_> = paths.iter().map(|path| (*path).to_owned()).collect();
        async move { store.records_in(id, &paths).await.unwrap() }
    };
    assert_eq!(ids(&found(&["categories/metadata.json"]).await), ["b", "a"]);
    assert_eq!(ids(&found(&["skills/s.md", "categories/metadata.json"]).await), ["b", "a", "s"]);
    assert!(found(&["skills/S.md", "skills"]).await.is_empty());
}

/// A rename on its way is found under both names.
pub async fn records_are_found_by_slug_of_either_version(store: &dyn CacheStore) {
    let id = attached(store).await;
    let renamed = RecordWrite { change: Slot::Set(pending(content("skills/new.md"))), ..new_live("a", content("skills/old.md")) };
    let other = RecordWrite { key: EntityKey::new("prompt", "p"), live: Slot::Set(live(content("prompts/old.md"))), ..new(key("p")) };
    write(store, id, vec![renamed, other, new_change("b", draft(content("elsewhere/new.md")))]).await;
    let found = |slug: &'static str| async move { store.records_by_slug(id, &KindName::new("skill"), &slug.into()).await.unwrap() };
    assert_eq!(ids(&found("old").await), ["a"]);
    assert_eq!(ids(&found("new").await), ["a", "b"]);
    assert!(found("OLD").await.is_empty());
}

/// Of a live version, of a change or private; by the value, whatever its type.
pub async fn records_are_found_by_the_value_of_a_field(store: &dyn CacheStore) {
    let id = attached(store).await;
    let with = |path: &str, value: Value| Content { fields: fields(json!({ "f": value, "a.b\"c": "dotted" })), ..content(path) };
    let writes = vec![
        new_live("text", with("t.md", json!("x y"))),
        new_live("number", with("n.md", json!(1))),
        new_live("list", with("l.md", json!([1, {"a": null, "b": 2}]))),
        new_live("null", with("0.md", json!(null))),
        new_live("none", content("skills/none.md")),
        new_change("change", draft(with("c.md", json!("x y")))),
        RecordWrite { private: Slot::Set(fields(json!({"f": "x y"}))), ..new_live("private", content("skills/p.md")) },
        new_live("marks", with("m.md", json!("?!"))),
    ];
    write(store, id, writes).await;
    let of = |field: &'static str, value: Value| async move {
        let found = store.records_by_field(id, &KindName::new("skill"), field, &value).await.unwrap();
        ids(&found).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(of("f", json!("x y")).await, ["text", "change", "private"]);
    assert!(of("f", json!("X y")).await.is_empty() && of("f", json!("x")).await.is_empty());
    assert_eq!(of("f", json!(1.0)).await, ["number"]);
    assert_eq!(of("f", json!([1, {"b": 2, "a": null}])).await, ["list"]);
    assert_eq!(of("f", json!(null)).await, ["null"]);
    assert_eq!(of("f", json!("?!")).await, ["marks"]);
    assert_eq!(of("a.b\"c", json!("dotted")).await.len(), 6);
    let none = store.records_by_field(id, &KindName::new("prompt"), "f", &json!("x y")).await.unwrap();
    assert!(none.is_empty());
}

/// Whole pages of what SQL last agreed to.
pub async fn the_manifest_is_paged_by_path_and_entry(store: &dyn CacheStore) {
    let id = attached(store).await;
    let mut writes: Vec<_> = ["b", "", "a"].map(|name| new_live(&format!("entry-{name}"), entry(name))).into();
    writes.extend(["skills/z.md", "skills/Z2.md", "a.md", "ä.md"].map(|path| new_live(path, content(path))));
    writes.push(new_live("whole", content("categories/metadata.json")));
    writes.push(new_change("draft", draft(content("d.md"))));
    write(store, id, writes).await;

    let expected = [
        "a.md",
        "categories/metadata.json",
        "categories/metadata.json#",
        "categories/metadata.json#a",
        "categories/metadata.json#b",
        "skills/Z2.md",
        "skills/z.md",
        "ä.md",
    ];
    for limit in [1, 2, 3, 100] {
        let mut read: Vec<ManifestRow> = Vec::new();
        loop {
            let page = store.manifest(id, read.last().map(|row| &row.location), limit).await.unwrap();
            if page.is_empty() {
                break;
            }
            assert!(page.len() <= limit);
            read.extend(page);
        }
        assert_eq!(read.iter().map(|row| row.location.to_string()).collect::<Vec<_>>(), expected, "pages of {limit}");
        assert_eq!((read[1].uid, &read[1].blob), (get(store, id, "whole").await.uid, &blob(1)));
        assert_eq!(read[1].key, key("whole"));
    }
}
