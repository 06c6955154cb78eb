//! Full-text search: words, prefixes, views, ranks and snippets.

use serde_json::json;

use super::fixture::{attached, content, draft, fields, get, new, new_change, new_live, pending, searched, write};
use crate::knowledge::{Content, EntityKey, KindName};
use crate::store::{CacheStore, Change, ChangeAction, RecordWrite, RepositoryId, Slot, View};

fn saying(id: &str, title: &str, body: &str) -> RecordWrite {
    new_live(id, said(id, title, body))
}

fn said(id: &str, title: &str, body: &str) -> Content {
    Content { title: title.to_owned(), body: body.to_owned(), fields: fields(json!({})), ..content(&format!("skills/{id}.md")) }
}

async fn found(store: &dyn CacheStore, id: RepositoryId, text: &str) -> Vec<String> {
    let mut found = searched(store, id, text, View::Published).await;
    found.sort_unstable();
    found
}

/// Title, texts of fields at any depth, and body count as one text.
pub async fn a_search_finds_records_that_hold_every_word(store: &dyn CacheStore) {
    let id = attached(store).await;
    let deep =
        Content { fields: fields(json!({"owner": [{"name": "Grace Hopper"}], "year": 1952})), ..said("deep", "Compiler", "It compiles.") };
    let writes = vec![saying("a", "Alpha", "one two"), saying("b", "Beta", "two three"), new_live("deep", deep), saying("empty", "", "")];
    write(store, id, writes).await;
    assert_eq!(found(store, id, "two").await, ["a", "b"]);
    assert_eq!(found(store, id, "three two").await, ["b"]);
    assert_eq!(found(store, id, "alpha two").await, ["a"]);
    assert_eq!(found(store, id, "hopper compiler compiles").await, ["deep"]);
    assert!(found(store, id, "one three").await.is_empty());
    assert!(found(store, id, "owner").await.is_empty(), "names of fields are not text");
    assert!(found(store, id, "").await.is_empty() && found(store, id, " \t").await.is_empty());
}

/// Only the last word is still being typed.
pub async fn the_last_word_of_a_search_may_be_a_prefix(store: &dyn CacheStore) {
    let id = attached(store).await;
    write(store, id, vec![saying("a", "Presentation", "slides and charts"), saying("b", "Present", "gifts")]).await;
    assert_eq!(found(store, id, "presen").await, ["a", "b"]);
    assert_eq!(found(store, id, "charts presen").await, ["a"]);
    assert!(found(store, id, "presen charts").await.is_empty());
    assert!(found(store, id, "resent").await.is_empty());
}

/// As people type.
pub async fn a_search_ignores_case_and_diacritics(store: &dyn CacheStore) {
    let id = attached(store).await;
    let writes = vec![
        saying("a", "Crème brûlée", "Dessert"),
        saying("b", "cre\u{300}me", "decomposed"),
        saying("c", "ПРИВЕТ мир", ""),
        saying("d", "日本語 ガイド", ""),
    ];
    write(store, id, writes).await;
    assert_eq!(found(store, id, "creme").await, ["a", "b"]);
    assert_eq!(found(store, id, "CRÈME BRULEE").await, ["a"]);
    assert_eq!(found(store, id, "привет").await, ["c"]);
    assert_eq!(found(store, id, "日本").await, ["d"]);
}

/// The same rules as in lists.
pub async fn a_search_sees_what_its_view_shows(store: &dyn CacheStore) {
    let id = attached(store).await;
    let over = |id: &str, change: Change| RecordWrite { change: Slot::Set(change), ..saying(id, id, "live needle") };
    let deleted = Change { action: ChangeAction::Delete, ..pending(said("c", "c", "removed needle")) };
    let writes = vec![
        over("a", pending(said("a", "a", "saved thread"))),
        over("b", draft(said("b", "b", "draft thread"))),
        over("c", deleted),
        new_change("d", draft(said("d", "d", "new thread"))),
        new_change("e", pending(said("e", "e", "new thread needle"))),
    ];
    write(store, id, writes).await;
    let sorted = |text: &'static str, view| async move {
        let mut found = searched(store, id, text, view).await;
        found.sort_unstable();
        found
    };
    assert_eq!(sorted("needle", View::Published).await, ["b", "e"]);
    assert_eq!(sorted("needle", View::Working).await, ["e"]);
    assert_eq!(sorted("thread", View::Published).await, ["a", "e"]);
    assert_eq!(sorted("thread", View::Working).await, ["a", "b", "d", "e"]);
}

/// The index never lags behind and never remembers what is gone.
pub async fn a_search_follows_every_change_of_the_text(store: &dyn CacheStore) {
    let id = attached(store).await;
    write(store, id, vec![saying("a", "Old title", "old body")]).await;
    let read = get(store, id, "a").await;
    let mut newer = said("a", "New title", "new body");
    newer.fields = fields(json!({"tag": "colour"}));
    write(store, id, vec![RecordWrite { live: Slot::Set(super::fixture::live(newer.clone())), ..RecordWrite::onto(&read) }]).await;
    assert!(found(store, id, "old").await.is_empty());
    assert_eq!(found(store, id, "new colour").await, ["a"]);

    let read = get(store, id, "a").await;
    newer.fields = fields(json!({"tag": "shape"}));
    write(store, id, vec![RecordWrite { change: Slot::Set(pending(newer)), ..RecordWrite::onto(&read) }]).await;
    assert!(found(store, id, "colour").await.is_empty());
    assert_eq!(found(store, id, "shape").await, ["a"]);

    let read = get(store, id, "a").await;
    write(store, id, vec![RecordWrite { change: Slot::Clear, ..RecordWrite::onto(&read) }]).await;
    assert_eq!(found(store, id, "colour").await, ["a"]);
    let read = get(store, id, "a").await;
    write(store, id, vec![RecordWrite { live: Slot::Clear, ..RecordWrite::onto(&read) }]).await;
    assert!(found(store, id, "colour").await.is_empty());
}

/// Indexing may come later than the rows, in portions, and may be done when there is nothing to do; a search sees no
/// difference.
pub async fn what_is_written_in_bulk_is_found_before_and_after_it_is_indexed(store: &dyn CacheStore) {
    let id = attached(store).await;
    let writes = |word: &str| (0..100).map(|number| saying(&format!("e{number:03}"), "Bulk", &format!("{word} n{number:03}"))).collect();
    write(store, id, writes("first")).await;
    assert_eq!(found(store, id, "first n042").await, ["e042"]);
    while store.index(30).await.unwrap() > 0 {}
    assert_eq!(store.index(30).await.unwrap(), 0);

    let mut onto = Vec::new();
    for number in 0..100 {
        let read = get(store, id, &format!("e{number:03}")).await;
        let live = match number {
            0..50 => Slot::Clear,
            _ => Slot::Set(super::fixture::live(said(&format!("e{number:03}"), "Bulk", &format!("second n{number:03}")))),
        };
        onto.push(RecordWrite { live, ..RecordWrite::onto(&read) });
    }
    write(store, id, onto).await;
    assert!(store.index(30).await.unwrap() < 100, "a portion is done");
    assert!(found(store, id, "first").await.is_empty());
    assert!(found(store, id, "n042").await.is_empty());
    assert_eq!(found(store, id, "second n077").await, ["e077"]);
    assert_eq!(store.search(id, "bulk", None, View::Published, 1000).await.unwrap().len(), 50);
    assert_eq!(store.index(30).await.unwrap(), 0, "a search leaves nothing to do");
}

/// Best first: a word of the title says more than one of the fields, and that more than one of the body.
pub async fn a_search_ranks_titles_before_bodies(store: &dyn CacheStore) {
    let id = attached(store).await;
    let mut writes = vec![
        saying("body", "Other", "all about invoices"),
        new_change("title", pending(said("title", "Invoices", "how to"))),
        new_live("field", Content { fields: fields(json!({"tag": "invoices"})), ..said("field", "Third", "text") }),
    ];
    writes.extend((0..20).map(|number| saying(&format!("z{number}"), "Filler", "nothing to see")));
    write(store, id, writes).await;
    assert_eq!(searched(store, id, "invoices", View::Published).await, ["title", "field", "body"]);
}

/// No text is an error, and none has a meaning of its own.
pub async fn operators_and_quotes_in_a_search_are_harmless(store: &dyn CacheStore) {
    let id = attached(store).await;
    write(store, id, vec![saying("a", "Plain", "near and not or text"), saying("b", "Other", "title body")]).await;
    for (text, ids) in [
        ("\"near", &["a"][..]),
        ("near AND not", &["a"]),
        ("NEAR(text, 2)", &[]),
        ("text OR", &["a"]),
        ("NOT text", &["a"]),
        ("title:plain", &[]),
        ("title : body", &["b"]),
        ("-text", &["a"]),
        ("^plain", &["a"]),
        ("te*xt", &[]),
        ("tex*", &["a"]),
        ("(text", &["a"]),
        ("text)", &["a"]),
        ("{a b}: text", &[]),
        ("'; DROP TABLE entity; --", &[]),
        ("plain\0text", &["a"]),
        ("\\ \" ' * ( ) : ^ - + ~ ` ;", &[]),
        ("🦀", &[]),
    ] {
        assert_eq!(found(store, id, text).await, ids, "{text:?}");
    }
}

/// Kind and number of hits.
pub async fn a_search_is_narrowed_by_kind_and_bounded(store: &dyn CacheStore) {
    let id = attached(store).await;
    let mut writes: Vec<_> = (0..5).map(|number| saying(&format!("s{number}"), "Common", "word")).collect();
    let prompt = RecordWrite { live: Slot::Set(super::fixture::live(said("p", "Common", "word"))), ..new(EntityKey::new("prompt", "p")) };
    writes.push(prompt);
    write(store, id, writes).await;
    let kind = KindName::new("prompt");
    let hits = store.search(id, "common", Some(&kind), View::Published, 10).await.unwrap();
    assert_eq!(hits.iter().map(|hit| hit.record.key.id.as_str()).collect::<Vec<_>>(), ["p"]);
    assert_eq!(store.search(id, "common", None, View::Published, 3).await.unwrap().len(), 3);
    assert!(store.search(id, "common", None, View::Published, 0).await.unwrap().is_empty());
    let elsewhere = super::fixture::attached_as(store, "elsewhere").await;
    assert!(store.search(elsewhere, "common", None, View::Published, 10).await.unwrap().is_empty());
}

/// As it is written in the text, not as it was typed.
pub async fn a_snippet_marks_the_found_words(store: &dyn CacheStore) {
    let id = attached(store).await;
    let long = format!("{}Eine Crème für alle Fälle. {}", "Wort ".repeat(100), "Ende ".repeat(100));
    write(store, id, vec![saying("a", "Dessert", &long), saying("b", "Crème fraîche", "ohne")]).await;
    let hits = store.search(id, "creme fa", None, View::Published, 10).await.unwrap();
    assert_eq!(hits.len(), 1);
    let snippet = &hits[0].snippet;
    assert!(snippet.contains("[Crème] für alle [Fälle]"), "{snippet}");
    assert!(snippet.len() < 200, "{snippet}");
    let hits = store.search(id, "fraiche", None, View::Published, 10).await.unwrap();
    assert!(hits[0].snippet.contains("[fraîche]"), "{}", hits[0].snippet);
}
