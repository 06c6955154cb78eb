//! What external sources said stays with the entity, whatever it is called.

use serde_json::json;

use super::fixture::{at, attached, batch, content, fields, get, key, new_live, write};
use crate::knowledge::Fields;
use crate::store::{ApplyOutcome, CacheStore, RecordWrite, SourceState};

fn said(fields: Fields, seconds: i64) -> SourceState {
    SourceState { said: fields, open: vec!["a".to_owned(), "b.c".to_owned()], at: at(seconds) }
}

/// Each source has its own words about each entity; a later word replaces the earlier; a new id changes nothing.
pub async fn what_a_source_said_is_kept_by_entity_and_source(store: &dyn CacheStore) {
    let id = attached(store).await;
    let first = said(fields(json!({"z": 1, "a": [{"x": null}]})), 1);
    let second = said(fields(json!({"a": "other"})), 2);
    let of = |name: &str, path: &str, state: &SourceState| RecordWrite {
        source: Some(("crm".to_owned(), state.clone())),
        ..new_live(name, content(path))
    };
    let uids = write(store, id, vec![of("a", "skills/a.md", &first), of("b", "skills/b.md", &first)]).await;
    assert_eq!(store.source(id, uids[0], "crm").await.unwrap(), Some(first.clone()));
    assert_eq!(store.source(id, uids[0], "other").await.unwrap(), None);
    let read = get(store, id, "a").await;
    let renamed = RecordWrite { key: key("c"), source: Some(("crm".to_owned(), second.clone())), ..RecordWrite::onto(&read) };
    write(store, id, vec![renamed]).await;
    let read = get(store, id, "c").await;
    write(store, id, vec![RecordWrite { source: Some(("other".to_owned(), first.clone())), ..RecordWrite::onto(&read) }]).await;
    assert_eq!(store.said_by(id, "crm", 0, 10).await.unwrap(), [(uids[0], second.clone()), (uids[1], first.clone())]);
    assert_eq!(store.said_by(id, "crm", uids[0], 10).await.unwrap(), [(uids[1], first.clone())]);
    assert_eq!(store.said_by(id, "crm", 0, 1).await.unwrap(), [(uids[0], second)]);
    assert_eq!(store.said_by(id, "other", 0, 10).await.unwrap(), [(uids[0], first)]);
    assert_eq!(store.said_by(id, "nobody", 0, 10).await.unwrap(), []);
}

/// A write that comes too late changes nothing of it, and other repositories never see it.
pub async fn what_a_source_said_is_guarded_like_everything_else(store: &dyn CacheStore) {
    let id = attached(store).await;
    let uid = write(store, id, vec![new_live("a", content("skills/a.md"))]).await[0];
    let read = get(store, id, "a").await;
    let saying =
        |word: &str| RecordWrite { source: Some(("crm".to_owned(), said(fields(json!({"word": word})), 1))), ..RecordWrite::onto(&read) };
    write(store, id, vec![saying("first")]).await;
    assert_eq!(store.apply(&batch(id, vec![saying("late")])).await.unwrap(), ApplyOutcome::Moved(vec![0]));
    assert_eq!(store.source(id, uid, "crm").await.unwrap().unwrap().said["word"], "first");
    assert_eq!(store.source(id + 1, uid, "crm").await.unwrap(), None);
    assert_eq!(store.said_by(id + 1, "crm", 0, 10).await.unwrap(), []);
}
