//! One side is lost and made again from the other.

use std::sync::Arc;

use lorebase::knowledge::SyncStatus;
use lorebase::memory::{MemoryCache, MemoryGit};
use lorebase::store::{GitStore, View};
use lorebase::sync::{Save, SyncOptions};
use lorebase::{ErrorKind, KnowledgeBase, PublishMode};

use crate::world::{World, put, run};

const ONE: &str = "---\r\nid: one   # ours\r\nname: 'One'\r\n---\r\nText without a last line end";
const CATEGORIES: &str = "{\n  \"a\": {\"name\": \"A\"},\n  \"b\": {\"name\": \"B\"}\n}\n";
const SETTINGS: &str = "kinds:\n  guide: {folder: guides}\n";

fn filled() -> World {
    let world = World::with(PublishMode::Off);
    world.push(&[
        put("lorebase.yaml", SETTINGS),
        put("customers/one.md", ONE),
        put("guides/deep/two.md", "# Two\n"),
        put("categories/metadata.json", CATEGORIES),
        put("README.md", "# Nobody's entity\n"),
    ]);
    world.sync();
    world
}

fn file(git: &MemoryGit, path: &str) -> Option<String> {
    let head = run(git.head()).unwrap()?;
    let entry = run(git.lookup(&head, &[path.to_owned()])).unwrap().pop().flatten()?;
    match run(git.read(&[entry.blob], u64::MAX)).unwrap().pop() {
        Some(lorebase::store::BlobRead::Found(bytes)) => String::from_utf8(bytes).ok(),
        _ => None,
    }
}

#[test]
fn a_lost_repository_is_made_again_from_the_database_and_waiting_saves_follow() {
    let world = filled();
    world.save(Save::update("customer", "one").set("tier", "gold"));
    world.save(Save::create("skill").title("Draft").status(lorebase::knowledge::Status::Draft));
    let empty = Arc::new(MemoryGit::new());
    let kb: KnowledgeBase = world.on(empty.clone(), PublishMode::Off);
    let error = run(kb.sync(SyncOptions::default())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "nothing is filled, and nothing removed, by a mere synchronisation");
    assert_eq!(run(kb.list(&lorebase::store::Query::default())).unwrap().total, 4);

    let report = run(kb.export(false, None)).unwrap();
    assert_eq!((report.published, report.deleted, report.conflicts), (5, 0, 0), "four entities and one waiting save");
    assert_eq!(file(&empty, "customers/one.md").unwrap(), ONE.replace("---\r\nText", "tier: gold\r\n---\r\nText"));
    assert_eq!(file(&empty, "guides/deep/two.md").unwrap(), "# Two\n");
    assert_eq!(file(&empty, "lorebase.yaml").unwrap(), SETTINGS);
    let categories: serde_json::Value = serde_json::from_str(&file(&empty, "categories/metadata.json").unwrap()).unwrap();
    assert_eq!(categories, serde_json::from_str::<serde_json::Value>(CATEGORIES).unwrap());
    assert!(file(&empty, "README.md").is_none(), "what is no entity was never in the database");
    let draft = run(kb.get_view("skill", "draft", View::Working)).unwrap().unwrap();
    assert_eq!(draft.sync_status, SyncStatus::Draft);
    assert!(run(kb.drift()).unwrap().is_empty());
    assert_eq!(run(kb.export(false, None)).unwrap().published, 0, "a second export finds nothing to do");
}

#[test]
fn a_lost_database_is_made_again_from_git() {
    let world = filled();
    let kb = world.with_cache(Arc::new(MemoryCache::new()), PublishMode::Off);
    let report = run(kb.sync(SyncOptions::default())).unwrap();
    assert_eq!((report.created, report.published), (4, 0));
    assert_eq!(run(kb.get("customer", "one")).unwrap().unwrap().title, "One");
    assert!(run(kb.drift()).unwrap().is_empty());
}

#[test]
fn an_export_never_fills_a_branch_that_has_commits_of_its_own() {
    let world = filled();
    let other = Arc::new(MemoryGit::new());
    other.push(&crate::world::eve(), "Another repository\n", &[put("customers/else.md", "---\nid: else\n---\n")]).unwrap();
    let refused = world.try_on(other.clone(), PublishMode::Off).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    assert!(file(&other, "customers/one.md").is_none());
}
