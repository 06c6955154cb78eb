//! Calls that are wrong: what is said, and that nothing is written.

use lorebase::knowledge::KindName;
use lorebase::store::Query;
use lorebase::sync::Save;
use lorebase::{Delete, Error, ErrorKind};

use crate::world::{Layout, World, run};

/// A save that is refused with these words and leaves both sides as they were.
fn refused(save: Save, kind: ErrorKind, says: &str) {
    let world = World::new(Layout::Checkout);
    let (head, log) = (world.head(), world.log_ids());
    let error = world.try_save(save).unwrap_err();
    told(&error, kind, says);
    assert_eq!((world.head(), world.log_ids()), (head, log), "nothing is written");
    world.assert_invariants();
}

fn told(error: &Error, kind: ErrorKind, says: &str) {
    assert_eq!(error.kind(), kind, "{error}");
    assert_eq!(error.message(), says);
}

#[test]
fn an_empty_slug() {
    refused(
        Save::create("skill").slug("").title("x"),
        ErrorKind::InvalidInput,
        "skill cannot have the slug ``: it is empty; give a slug or a title with letters or digits",
    );
}

#[test]
fn neither_slug_nor_title_nor_id() {
    refused(Save::create("skill").body("x"), ErrorKind::InvalidInput, "a new skill needs a title, a slug or an id");
}

#[test]
fn a_slug_that_leads_out_of_the_folder() {
    refused(
        Save::create("skill").slug("../../.git/hooks/post-commit").title("x"),
        ErrorKind::InvalidInput,
        "skill cannot have the slug `../../.git/hooks/post-commit`: unsafe path `skills/../../.git/hooks/post-commit.md`: it holds the part `..`; give the path itself",
    );
}

#[test]
fn a_slug_with_a_character_that_windows_refuses() {
    refused(
        Save::update("playbook", "incident").rename("a:b"),
        ErrorKind::InvalidInput,
        "playbook cannot have the slug `a:b`: unsafe path `playbooks/a:b.md`: it holds `:`, which Windows does not allow; rename the file",
    );
}

#[test]
fn a_slug_that_is_taken() {
    refused(
        Save::create("playbook").slug("incident").title("x"),
        ErrorKind::Conflict,
        "there is already a playbook with this slug; nothing was saved, choose another or save onto it",
    );
}

#[test]
fn a_title_whose_slug_is_taken() {
    refused(
        Save::create("playbook").title("Incident"),
        ErrorKind::Conflict,
        "the slug of this playbook is taken by playbook/@incident; nothing was saved, choose another slug or title",
    );
}

#[test]
fn a_revision_that_never_was() {
    refused(
        Save::update("playbook", "incident").set("severity", 1).based_on(7),
        ErrorKind::InvalidInput,
        "playbook/@incident has no revision 7; its newest is 1",
    );
}

#[test]
fn a_body_without_the_revision_it_was_made_from() {
    refused(
        Save::update("playbook", "incident").body("x"),
        ErrorKind::InvalidInput,
        "changing the body of playbook/@incident needs the revision it was made from (based_on), or the explicit word `current`",
    );
}

#[test]
fn a_kind_that_is_none() {
    let known = "there is no kind `skil`; the kinds here are skill, customer, system_prompt, prompt_block, template, document, category, playbook (as the last synchronised `lorebase.yaml` has them)";
    refused(Save::create("skil").title("x"), ErrorKind::InvalidInput, known);
    let world = World::new(Layout::Bare);
    told(&run(world.kb().get("skil", "x")).unwrap_err(), ErrorKind::InvalidInput, known);
    told(&run(world.kb().delete(Delete::new("skil", "x"))).unwrap_err(), ErrorKind::InvalidInput, known);
    let listed = run(world.kb().list(&Query { kind: Some(KindName::from("skil")), ..Query::default() }));
    told(&listed.unwrap_err(), ErrorKind::InvalidInput, known);
    told(&run(world.kb().search("pdf", Some("skil"), lorebase::store::View::Published, 5)).unwrap_err(), ErrorKind::InvalidInput, known);
}

#[test]
fn an_entity_that_is_not_there() {
    refused(
        Save::update("playbook", "nothing").set("x", 1),
        ErrorKind::NotFound,
        "there is no playbook with the slug `nothing`; check the name",
    );
}

#[test]
fn a_new_id_for_an_entity() {
    refused(
        Save::update("playbook", "incident").set("id", "other"),
        ErrorKind::InvalidInput,
        "the id of playbook/@incident never changes; make a new entity instead",
    );
}

#[test]
fn a_list_cursor_that_no_page_returned() {
    let world = World::new(Layout::Bare);
    let listed = |query: &Query| run(world.kb().list(query));
    let unknown = Query { cursor: Some("mickey".to_owned()), ..Query::default() };
    told(
        &listed(&unknown).unwrap_err(),
        ErrorKind::InvalidInput,
        "the list's cursor is not one that a page returned; begin again without a cursor",
    );
    let first = listed(&Query { limit: 3, ..Query::default() }).unwrap();
    let other = Query { kind: Some(KindName::from("skill")), cursor: first.next_cursor.clone(), ..Query::default() };
    told(
        &listed(&other).unwrap_err(),
        ErrorKind::InvalidInput,
        "the list's cursor belongs to another query; keep kind, status, filters, sort, order and view, or begin without a cursor",
    );
    let mut seen = first.items;
    let mut next = first.next_cursor;
    while let Some(cursor) = next {
        let page = listed(&Query { limit: 3, cursor: Some(cursor), ..Query::default() }).unwrap();
        seen.extend(page.items);
        next = page.next_cursor;
    }
    assert_eq!(seen.len() as u64, crate::seed::ENTITIES);
}
