//! What a command line asks for: a search within a query, identities by name, conflicts by their parts, rows of lines,
//! another root.

use lorebase::store::{LogQuery, Query, SortKey};
use lorebase::sync::Save;
use lorebase::{ErrorKind, PublishMode, Selector};

use crate::world::{World, put, run};

fn seeded() -> World {
    let world = World::new();
    world.push(&[
        put("customers/one.md", "---\nid: one\nname: One\ntier: gold\n---\nAnvils for everybody.\n"),
        put("customers/two.md", "---\nid: two\nname: Two\ntier: silver\n---\nAnvils, anvils, anvils.\n"),
        put("skills/anvils.md", "---\nid: anvils\ntitle: Anvils\n---\n"),
    ]);
    world.sync();
    world
}

#[test]
fn a_search_keeps_to_the_other_conditions_of_the_query() {
    let world = seeded();
    let found = |query: &Query| {
        let listing = run(world.kb.matching("anvil", query)).unwrap();
        (listing.items.iter().map(|item| item.id.as_str().to_owned()).collect::<Vec<_>>().join(" "), listing.total)
    };
    assert_eq!(found(&Query::default()), ("anvils two one".to_owned(), 3));
    assert_eq!(found(&Query { limit: 1, ..Query::default() }), ("anvils".to_owned(), 3));
    assert_eq!(found(&Query { kind: Some("customer".into()), ..Query::default() }), ("two one".to_owned(), 2));
    assert_eq!(found(&Query { filters: vec!["tier = gold".parse().unwrap()], ..Query::default() }), ("one".to_owned(), 1));
    for query in [
        Query { sort: SortKey::Title, ..Query::default() },
        Query { descending: true, ..Query::default() },
        Query { cursor: Some("7b".to_owned()), ..Query::default() },
        Query { kind: Some("custmer".into()), ..Query::default() },
    ] {
        assert_eq!(run(world.kb.matching("anvil", &query)).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}

#[test]
fn an_identity_is_found_by_its_slug_and_an_id_is_believed() {
    let world = seeded();
    assert_eq!(run(world.kb.key_of("customer", "one")).unwrap().to_string(), "customer/@one");
    run(world.kb.delete(lorebase::Delete::new("customer", "one"))).unwrap();
    assert_eq!(run(world.kb.key_of("customer", "one")).unwrap_err().kind(), ErrorKind::NotFound);
    let key = run(world.kb.key_of("customer", Selector::from("@one"))).unwrap();
    assert_eq!(run(world.kb.log(&LogQuery { key: Some(key), ..LogQuery::default() })).unwrap().len(), 2);
    assert_eq!(run(world.kb.key_of("custmer", "one")).unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[test]
fn a_conflict_of_texts_is_one_hunk_and_one_of_fields_is_none() {
    let world = World::with(PublishMode::Off);
    let file = |name: &str, body: &str| put("customers/one.md", &format!("---\nid: one\nname: {name}\n---\n{body}\n"));
    world.push(&[file("One", "Text.")]);
    world.sync();
    world.save(Save::update("customer", "one").body("Ours.\n").based_on(1));
    world.push(&[file("One", "Theirs.")]);
    world.sync();
    let conflict = run(world.kb.conflicts()).unwrap().remove(0);
    let [hunk] = conflict.hunks.as_slice() else { panic!("{conflict:?}") };
    assert_eq!((hunk.base.as_str(), hunk.cache.as_str(), hunk.git.as_str()), ("Text.\n", "Ours.\n", "Theirs.\n"));

    let world = World::with(PublishMode::Off);
    world.push(&[file("One", "Text.")]);
    world.sync();
    world.save(Save::update("customer", "one").set("name", "Ours"));
    world.push(&[file("Theirs", "Text.")]);
    world.sync();
    let conflict = run(world.kb.conflicts()).unwrap().remove(0);
    assert!(conflict.hunks.is_empty() && conflict.fields == ["name"], "{conflict:?}");
}

#[test]
fn rows_are_read_from_lines_and_nothing_is_taken_unless_all_can_be_read() {
    let world = World::with(PublishMode::Off);
    let lines =
        "{\"slug\": \"a\", \"fields\": {\"name\": \"A\"}}\n\n{\"id\": \"b\", \"fields\": {\"name\": \"B\"}, \"body\": \"Text.\\n\"}\n";
    let report = run(world.kb.import_lines("customer", lines, None, None)).unwrap();
    assert_eq!((report.created, report.unchanged), (2, 0));
    assert_eq!(run(world.kb.import_lines("customer", lines, None, None)).unwrap().unchanged, 2);
    for (lines, told) in [
        ("{\"slug\": \"c\"}\n{]\n", "line 2 is no row: "),
        ("\n\n{\"name\": \"C\"}\n", "line 3 is no row: unknown field `name`"),
        ("\n{\"slug\": \"../c\", \"fields\": {\"name\": \"C\"}}\n", "line 2: "),
    ] {
        let error = run(world.kb.import_lines("customer", lines, None, None)).unwrap_err();
        assert!(error.kind() == ErrorKind::InvalidInput && error.message().starts_with(told), "{error}");
    }
    assert_eq!(run(world.kb.list(&Query::default())).unwrap().total, 2);
}
