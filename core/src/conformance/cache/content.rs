//! Bytes and values survive exactly: unicode, odd names, large bodies, many records.

use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::fixture::{at, attached, batch, blob, change, commit, content, fields, get, key, new_change, new_live, searched, write};
use crate::knowledge::{Author, Content, KnowledgePath, Location, Slug, Status};
use crate::store::{ApplyOutcome, Base, CacheStore, Change, ChangeAction, ChangeState, Query, Target, View};

/// Scripts, emoji, combining marks, controls and quotes.
pub async fn unicode_survives(store: &dyn CacheStore) {
    let id = attached(store).await;
    let text = "Grüße – Привет – 你好 – 🦀👩\u{200d}🔬 – e\u{301} – \u{feff}\u{2028} – 'x' \"y\" \\ % _ ; -- \t\r\n";
    let odd = Content {
        slug: Slug::new("größe/你好"),
        location: Location::file(KnowledgePath::new("skills/größe/你好.md").unwrap()),
        title: text.to_owned(),
        status: Some(Status::InReview),
        fields: fields(json!({"ключ": text, "list": [text], "näm": {"🦀": text}})),
        head: format!("---\r\nключ: {text}---\r\n"),
        body: text.to_owned(),
    };
    write(store, id, vec![new_live("größe'\"", odd.clone())]).await;
    let read = get(store, id, "größe'\"").await;
    assert_eq!(read.live.unwrap().content, odd);
    assert_eq!(store.records_by_slug(id, &read.key.kind, &odd.slug).await.unwrap().len(), 1);
}

/// Names with dots, quotes and nothing in them; numbers at their limits; every kind of emptiness; order of fields.
pub async fn odd_field_names_and_values_survive(store: &dyn CacheStore) {
    let id = attached(store).await;
    let mut odd = content("skills/a.md");
    odd.fields = fields(json!({
        "z.y": 1, "": "empty", "a\"b": [], "back\\slash": {}, "$": null, "[0]": false,
        "numbers": [i64::MIN, i64::MAX, 0, -0.0, 0.1, 1e300, 5e-324, 1.0, 123_456_789.123_456_79],
        "deep": {"er": {"est": [[[{"x": null}]]]}},
    }));
    odd.head = String::new();
    odd.body = String::new();
    write(store, id, vec![new_live("a", odd.clone())]).await;
    let read = get(store, id, "a").await.live.unwrap().content;
    assert_eq!(read, odd);
    assert_eq!(read.fields.keys().collect::<Vec<_>>(), odd.fields.keys().collect::<Vec<_>>());
}

/// A large document is one document.
pub async fn a_body_of_two_megabytes_survives(store: &dyn CacheStore) {
    let id = attached(store).await;
    let mut large = content("skills/a.md");
    large.body = "Ein langes Dokument über alles Mögliche.\n".repeat(2 * 1024 * 1024 / 42);
    large.body.push_str("needle\n");
    write(store, id, vec![new_live("a", large.clone())]).await;
    assert!(get(store, id, "a").await.live.unwrap().content == large, "the body is read back byte for byte");
    assert_eq!(searched(store, id, "needle", View::Published).await, ["a"]);
}

/// Nothing of a change is lost on the way.
pub async fn every_part_of_a_change_survives(store: &dyn CacheStore) {
    let id = attached(store).await;
    let whole = Change {
        action: ChangeAction::Archive,
        placed: false,
        revision: 9,
        base: Some(Base { content: Content { status: Some(Status::Published), ..content("skills/base.md") }, blob: blob(7) }),
        author: Author::new("Ada Lovelace", "ada@example.com"),
        co_authors: vec![Author::new("Bob", "bob@example.com"), Author::new("Ümit", "u@example.com")],
        message: Some("Say why\n\nand how".to_owned()),
        operations: vec![Uuid::from_u128(1), Uuid::from_u128(u128::MAX)],
        created_at: Timestamp::from_millisecond(1_767_225_600_001).unwrap(),
        updated_at: at(2),
        attempts: 4,
        due_at: at(3),
        last_error: Some("the remote said no".to_owned()),
        dead: true,
        ..change(ChangeState::Draft, Content { status: Some(Status::Archived), ..content("skills/a.md") })
    };
    write(store, id, vec![new_change("a", whole.clone())]).await;
    assert_eq!(get(store, id, "a").await.change, Some(whole));
    let mut live = super::fixture::live(content("skills/b.md"));
    live.explicit_id = false;
    live.commit = commit(77);
    let write_live = crate::store::RecordWrite {
        live: crate::store::Slot::Set(live.clone()),
        ..crate::store::RecordWrite::new(Target::New, key("b"), u64::from(u32::MAX) + 5)
    };
    write(store, id, vec![write_live]).await;
    let read = get(store, id, "b").await;
    assert_eq!((read.live, read.revision), (Some(live), u64::from(u32::MAX) + 5));
}

/// The size of one ingest's chunk, with numbers in the order of the writes.
pub async fn five_hundred_records_are_written_in_one_batch(store: &dyn CacheStore) {
    let id = attached(store).await;
    let many = |body: &'static str| {
        (0..500).map(move |number| {
            let mut content = content(&format!("skills/s{number:03}.md"));
            content.body = format!("{body} {number}");
            new_live(&format!("s{number:03}"), content)
        })
    };
    let ApplyOutcome::Applied { uids, .. } = store.apply(&batch(id, many("old").collect())).await.unwrap() else {
        panic!("the batch is written");
    };
    let records = store.records_by_uid(id, &uids).await.unwrap();
    let again: Vec<_> = many("new")
        .zip(&records)
        .map(|(write, record)| {
            let record = record.as_ref().unwrap();
            assert_eq!(write.key, record.key);
            crate::store::RecordWrite { target: Target::Existing { uid: record.uid, stamp: record.stamp }, ..write }
        })
        .collect();
    assert_eq!(write(store, id, again).await, uids);
    let page = store.list(id, &Query { limit: 1000, ..Query::default() }).await.unwrap();
    assert_eq!((page.total, page.items.len()), (500, 500));
    assert!(
        page.items
            .iter()
            .enumerate()
            .all(|(number, record)| { record.live.as_ref().is_some_and(|live| live.content.body == format!("new {number}")) })
    );
}
