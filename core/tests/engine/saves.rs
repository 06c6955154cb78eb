//! Saves: patches, revisions, slugs, idempotency.

use lorebase::ErrorKind;
use lorebase::knowledge::SyncStatus;
use lorebase::store::{Query, View};
use lorebase::sync::Save;
use lorebase::{Delete, PublishMode};

use crate::world::{World, ada, put, run};

const ACME: &str = "---\nid: acme\nname: Acme   # the big one\nindustry: 'Mining'\ntier: gold\n---\n# Acme\n\nNotes.\n";

#[test]
fn a_save_becomes_a_commit_by_its_author() {
    let world = World::new();
    let saved = world.save(Save::create("skill").title("Reading PDFs").body("# Reading PDFs\n").set("categories", vec!["documents"]));
    assert_eq!(saved.slug.as_str(), "reading-pdfs");
    assert_eq!(saved.sync_status, SyncStatus::Synced);
    assert_eq!(saved.revision, 1);
    let text = world.file("skills/reading-pdfs.md").unwrap();
    assert!(text.contains("title: Reading PDFs\n") && text.ends_with("---\n# Reading PDFs\n"), "{text}");
    let head = run(lorebase::store::GitStore::head(&*world.git)).unwrap().unwrap();
    let commit = run(lorebase::store::GitStore::commit(&*world.git, &head)).unwrap();
    assert_eq!(commit.author.author, ada());
    assert!(commit.message.contains("Lorebase-Operation: "), "{}", commit.message);
    assert_eq!(saved.git_commit_sha.as_deref(), Some(head.as_str()));
    world.assert_no_drift();
}

#[test]
fn an_edit_changes_only_the_bytes_it_means() {
    let world = World::new();
    world.write("customers/acme.md", ACME);
    world.sync();
    world.save(Save::update("customer", "acme").set("tier", "silver"));
    assert_eq!(world.file("customers/acme.md").unwrap(), ACME.replace("tier: gold", "tier: silver"));
    world.assert_no_drift();
}

#[test]
fn a_kind_may_have_toml_frontmatter() {
    let world = World::new();
    let post = "+++\nname = 'One' # c\ndate = 2024-01-01\n\n[seo]\nindex = true\n+++\ntext\n";
    world.push(&[
        put("lorebase.yaml", "kinds:\n  post:\n    folder: posts\n    format: toml\n    title: name\n"),
        put("posts/one.md", post),
        put("posts/yaml.md", "---\nname: Two\n---\n"),
    ]);
    let report = world.sync();
    assert_eq!((report.created, report.invalid), (1, 1), "{report:?}");
    world.save(Save::update("post", "one").set("date", "2024-02-29"));
    assert_eq!(world.file("posts/one.md").unwrap(), post.replace("2024-01-01", "2024-02-29"));
    world.save(Save::create("post").title("New").set("tags", vec!["a"]).body("text\n"));
    let text = world.file("posts/new.md").unwrap();
    assert!(text.starts_with("+++\nid = \"") && text.ends_with("\"\ntags = [\"a\"]\nname = \"New\"\n+++\ntext\n"), "{text}");
    let error = run(world.kb.save(Save::create("post").title("None").set("tags", serde_json::Value::Null))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    world.assert_no_drift();
}

#[test]
fn a_save_that_changes_nothing_makes_no_commit() {
    let world = World::new();
    world.write("customers/acme.md", ACME);
    world.sync();
    let before = world.commits();
    let same = world.save(Save::update("customer", "acme").set("tier", "gold").body("# Acme\n\nNotes.\n").based_on(1));
    assert_eq!((same.revision, same.sync_status, world.commits()), (1, SyncStatus::Synced, before));
}

#[test]
fn a_body_needs_the_revision_it_was_made_from() {
    let world = World::new();
    world.write("customers/acme.md", ACME);
    world.sync();
    let error = run(world.kb.save(Save::update("customer", "acme").body("other\n"))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.message().contains("based_on"), "{error}");
    world.save(Save::update("customer", "acme").body("other\n").based_on_current());
    assert!(world.file("customers/acme.md").unwrap().ends_with("---\nother\n"));
}

#[test]
fn a_stale_form_is_merged_where_it_can_be_and_refused_where_not() {
    let world = World::new();
    world.write("customers/acme.md", ACME);
    world.sync();
    world.write("customers/acme.md", &ACME.replace("Mining", "Steel"));
    world.sync();
    let merged = world.save(Save::update("customer", "acme").set("tier", "silver").set("industry", "Mining").based_on(1));
    assert_eq!(merged.fields["industry"], "Steel", "the form did not change the industry");
    assert_eq!(merged.fields["tier"], "silver");
    let error = run(world.kb.save(Save::update("customer", "acme").set("industry", "Glass").based_on(1))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(error.context()["current"]["fields"]["industry"], "Steel");
    assert_eq!(error.context()["base"]["fields"]["industry"], "Mining");
    assert_eq!(world.get("customer", "acme").unwrap().fields["industry"], "Steel");
    world.assert_no_drift();
}

#[test]
fn a_taken_slug_is_a_conflict_and_nothing_is_written() {
    let world = World::new();
    world.save(Save::create("skill").title("One"));
    let error = run(world.kb.save(Save::create("skill").title("One"))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(error.context()["current"]["title"], "One");
    assert_eq!(world.commits(), 1);
}

#[test]
fn a_new_title_moves_the_file_while_its_slug_follows_the_title() {
    let world = World::new();
    world.save(Save::create("skill").title("One"));
    let moved = world.save(Save::update("skill", "one").title("Two"));
    assert_eq!(moved.slug.as_str(), "two");
    assert!(world.file("skills/one.md").is_none());
    assert!(world.file("skills/two.md").unwrap().contains("title: Two\n"));
    let kept = world.save(Save::update("skill", "two").title("Second").rename("two"));
    assert_eq!((kept.slug.as_str(), kept.title.as_str()), ("two", "Second"), "a slug that is asked for stays");
    let renamed = world.save(Save::update("skill", "two").rename("fixed"));
    assert_eq!(renamed.slug.as_str(), "fixed");
    let stays = world.save(Save::update("skill", "fixed").title("Three"));
    assert_eq!(stays.slug.as_str(), "fixed");
    world.assert_no_drift();
}

#[test]
fn the_same_idempotency_key_saves_once() {
    let world = World::new();
    let save = || Save::create("skill").title("One").idempotency_key("form-1");
    let first = world.save(save());
    let second = world.save(save());
    assert_eq!((&first.id, first.revision, world.commits()), (&second.id, second.revision, 1));
}

#[test]
fn a_deletion_removes_the_file_and_can_be_undone_by_saving_again() {
    let world = World::new();
    let one = world.save(Save::create("skill").id("s1").title("One").body("text\n"));
    let error = run(world.kb.delete(Delete::new("skill", "one").expected_revision(one.revision + 5))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    run(world.kb.delete(Delete::new("skill", "one").author(ada()))).unwrap();
    assert!(world.file("skills/one.md").is_none());
    assert!(world.get("skill", "one").is_none());
    let again = world.save(Save::create("skill").id("s1").title("One"));
    assert!(again.revision > one.revision, "a revision is never given twice");
    world.assert_no_drift();
}

#[test]
fn an_edit_of_one_json_entry_leaves_the_other_entries_alone() {
    let world = World::new();
    let file = "{\n  \"a\": {\"name\": \"A\",   \"color\": \"red\"},\n  \"b\": {\"name\": \"B\"}\n}\n";
    world.write("categories/metadata.json", file);
    world.sync();
    world.save(Save::update("category", "b").set("name", "Bee"));
    assert_eq!(world.file("categories/metadata.json").unwrap(), file.replace("\"B\"", "\"Bee\""));
    world.save(Save::create("category").slug("c").title("C"));
    world.assert_no_drift();
    assert!(world.file("categories/metadata.json").unwrap().starts_with("{\n  \"a\": {\"name\": \"A\",   \"color\": \"red\"},\n"));
    run(world.kb.delete(Delete::new("category", "a"))).unwrap();
    world.assert_no_drift();
    assert!(world.get("category", "a").is_none());
}

#[test]
fn two_json_entries_waiting_together_both_arrive() {
    let world = World::with(PublishMode::Off);
    world.write("categories/metadata.json", "{\n  \"a\": {\"name\": \"A\"},\n  \"b\": {\"name\": \"B\"}\n}\n");
    world.sync();
    world.save(Save::update("category", "a").set("name", "Aa"));
    world.save(Save::update("category", "b").set("name", "Bb"));
    world.sync();
    assert_eq!(world.file("categories/metadata.json").unwrap(), "{\n  \"a\": {\"name\": \"Aa\"},\n  \"b\": {\"name\": \"Bb\"}\n}\n");
    world.assert_no_drift();
}

#[test]
fn unknown_kinds_missing_entities_and_new_ids_are_refused_by_name() {
    let world = World::new();
    world.save(Save::create("skill").title("One"));
    let kind = run(world.kb.get("skil", "one")).unwrap_err();
    assert!(kind.message().contains("`skil`") && kind.message().contains("skill"), "{kind}");
    let query = Query { kind: Some("skil".into()), ..Query::default() };
    assert_eq!(run(world.kb.list(&query)).unwrap_err().message(), kind.message(), "an empty page would hide the mistake");
    assert_eq!(run(world.kb.search("one", Some("skil"), View::Published, 5)).unwrap_err().message(), kind.message());
    let missing = run(world.kb.save(Save::update("skill", "two").title("x"))).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    let id = run(world.kb.save(Save::update("skill", "one").set("id", "other"))).unwrap_err();
    assert_eq!(id.kind(), ErrorKind::InvalidInput);
    let nameless = run(world.kb.save(Save::create("skill").body("x"))).unwrap_err();
    assert_eq!(nameless.kind(), ErrorKind::InvalidInput);
}

#[test]
fn a_title_that_makes_no_safe_file_name_falls_back_to_the_id() {
    let world = World::new();
    let saved = world.save(Save::create("skill").id("s-9").title("Con"));
    assert_eq!(saved.slug.as_str(), "s-9");
    let empty = world.save(Save::create("skill").id("s-10").title("!!!"));
    assert_eq!(empty.slug.as_str(), "s-10");
    let nested = run(world.kb.save(Save::create("skill").slug("../x").title("x"))).unwrap_err();
    assert_eq!(nested.kind(), ErrorKind::InvalidInput);
    let empty = run(world.kb.save(Save::create("skill").slug("").title("x"))).unwrap_err();
    assert!(empty.message().contains("empty"), "{empty}");
    world.assert_no_drift();
}

#[test]
fn a_repeated_deletion_and_a_repeated_save_of_nothing_answer_like_the_first() {
    let world = World::new();
    world.save(Save::create("skill").title("One").body("text\n"));
    let delete = || Delete { idempotency_key: Some("d".to_owned()), ..Delete::new("skill", "one") };
    let first = run(world.kb.delete(delete())).unwrap();
    let second = run(world.kb.delete(delete())).unwrap();
    assert_eq!((first.title, first.body), (second.title, second.body));

    world.save(Save::create("skill").title("Two"));
    let nothing = || Save::update("skill", "two").set("title", "Two").idempotency_key("n");
    world.save(nothing());
    world.save(Save::update("skill", "two").title("Three"));
    run(world.kb.save(nothing())).unwrap();
    assert_eq!(world.get("skill", "three").unwrap().title, "Three", "a late repeat does not apply");
}

#[test]
fn an_entity_made_again_under_an_old_id_has_nothing_of_what_the_old_one_kept_to_itself() {
    let world = World::new();
    world.write("lorebase.yaml", "kinds:\n  customer:\n    private: [phone]\n");
    world.sync();
    world.save(Save::create("customer").id("seven").title("Old").set("phone", "111"));
    run(world.kb.delete(lorebase::Delete::new("customer", "@seven"))).unwrap();
    let made = world.save(Save::create("customer").id("seven").title("New"));
    assert_eq!(made.fields.get("phone"), None);
}

#[test]
fn a_stale_form_that_names_its_slug_moves_nothing_back_and_two_moves_must_agree() {
    let world = World::new();
    world.write("customers/one.md", "---\nid: one\nname: One\ntier: gold\n---\n");
    world.sync();
    let before = world.get("customer", "one").unwrap().revision;
    world.save(Save::update("customer", "one").rename("uno"));
    let form = || Save::update("customer", "").id("one").based_on(before).author(ada());
    let kept = world.save(form().rename("one").set("tier", "silver"));
    assert_eq!((kept.slug.as_str(), &kept.fields["tier"]), ("uno", &"silver".into()));
    assert_eq!(world.save(form().rename("uno")).slug.as_str(), "uno");
    let error = run(world.kb.save(form().rename("eins"))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(
        error.to_string(),
        "customer/@one was moved since revision 1: it is `uno` now, and this save asks for `eins`; nothing was saved, choose one and save again"
    );
    assert!(world.file("customers/uno.md").unwrap().contains("silver"));
}

#[test]
fn a_misspelt_status_is_refused_and_not_taken_for_published() {
    let world = World::new();
    world.write("skills/one.md", "---\nid: one\ntitle: One\nstatus: live\n---\n");
    world.sync();
    for save in [Save::create("skill").title("New"), Save::update("skill", "one")] {
        let error = run(world.kb.save(save.set("status", "draft").author(ada()))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert_eq!(
            error.to_string(),
            "`draft` is no status of a skill; nothing was saved, use one of DRAFT, IN_REVIEW, PUBLISHED, ARCHIVED"
        );
    }
    assert!(world.working("skill", "new").is_none());
    let kept = world.save(Save::update("skill", "one").set("status", "live").set("title", "Two"));
    assert_eq!(kept.fields["status"], "live", "what is there already is nobody's mistake of today");
}
