//! Saves of every kind: one commit each, and only the meant bytes of only the meant file.

use lorebase::ErrorKind;
use lorebase::knowledge::SyncStatus;
use lorebase::sync::Save;
use serde_json::json;

use crate::git::git;
use crate::on_every_layout;
use crate::seed::{CATEGORIES, CUSTOMER, DOCUMENT, NESTED_SKILL, PLAYBOOK, PROMPT_BLOCK, SKILL, SYSTEM_PROMPT, TEMPLATE};
use crate::world::World;

on_every_layout!(
    one_field_of_every_kind_changes_only_its_own_bytes,
    a_body_changes_and_the_frontmatter_stays,
    fields_are_added_unset_and_set_to_null,
    a_new_entity_of_every_kind_is_a_file_of_its_own,
    a_new_title_moves_the_file_while_its_slug_follows,
    an_idempotency_key_saves_once,
    a_stale_form_is_merged_or_refused_and_never_reverts_a_push,
);

/// Saves and holds that there is one new commit, by the author, of exactly these paths.
fn saved(world: &World, paths: &[&str], save: Save) {
    let before = world.commits();
    world.step(paths, |world| {
        let saved = world.save(save);
        assert_eq!(saved.sync_status, SyncStatus::Synced);
        assert_eq!(saved.git_commit_sha.as_deref(), Some(&*world.head()));
    });
    assert_eq!(world.commits(), before + 1);
    let mut expected = paths.to_vec();
    expected.sort_unstable();
    assert_eq!(world.last_touched(), expected);
    assert_eq!(git(&world.repo(), &["log", "-1", "--format=%an <%ae>", "main"]), "Ada <ada@example.com>");
}

/// The day that a derived field shows, put back to what it was.
fn without_today(text: &str) -> String {
    let line = text.lines().find(|line| line.starts_with("updated: ")).unwrap();
    assert_eq!(line.len(), "updated: 2024-02-01".len(), "a date stays a date: {line}");
    text.replace(line, "updated: 2024-02-01")
}

fn one_field_of_every_kind_changes_only_its_own_bytes(world: &World) {
    let cases = [
        ("skill", "reading-pdfs", "skills/reading-pdfs.md", "active", json!(false), SKILL.replace("active: true", "active: false")),
        ("skill", "pdf/SKILL", "skills/pdf/SKILL.md", "name", json!("pdf2"), NESTED_SKILL.replace("name: pdf\r", "name: pdf2\r")),
        ("system_prompt", "greeter", "prompts/system/greeter.md", "isDefault", json!(false), SYSTEM_PROMPT.replace("true", "false")),
        ("prompt_block", "tone", "prompts/blocks/tone.md", "sortOrder", json!(20), PROMPT_BLOCK.replace("10", "20")),
        ("template", "slides/pitch", "templates/slides/pitch.md", "format", json!("html"), TEMPLATE.replace("google_slides", "html")),
        (
            "playbook",
            "incident",
            "playbooks/incident.md",
            "steps",
            json!(["look", "tell", "mend"]),
            PLAYBOOK.replace("- look\n", "- look\n- tell\n"),
        ),
        ("category", "sales", "categories/metadata.json", "color", json!("#00ff00"), CATEGORIES.replace("#ff0000", "#00ff00")),
    ];
    for (kind, slug, path, field, value, expected) in cases {
        saved(world, &[path], Save::update(kind, slug).set(field, value));
        assert_eq!(world.file(path).unwrap(), expected, "{kind}");
    }
    saved(world, &["customers/acme-inc-.md"], Save::update("customer", "acme-inc-").set("tier", "silver"));
    assert_eq!(without_today(&world.file("customers/acme-inc-.md").unwrap()), CUSTOMER.replace("gold", "silver"));
    saved(world, &["documents/handbook.md"], Save::update("document", "handbook").set("filename", "handbook.pdf"));
    assert_eq!(world.file("documents/handbook.md").unwrap(), format!("---\nfilename: handbook.pdf\n---\n{DOCUMENT}"));
}

fn a_body_changes_and_the_frontmatter_stays(world: &World) {
    let revision = world.get("playbook", "incident").unwrap().revision;
    saved(world, &["playbooks/incident.md"], Save::update("playbook", "incident").body("Call somebody.\n").based_on(revision));
    assert_eq!(world.file("playbooks/incident.md").unwrap(), PLAYBOOK.replace("Do not panic.", "Call somebody."));
    saved(world, &["documents/handbook.md"], Save::update("document", "handbook").body("Other text").based_on_current());
    assert_eq!(world.file("documents/handbook.md").unwrap(), "Other text");
    // A form sends Unix lines; the file keeps its own.
    saved(world, &["skills/pdf/SKILL.md"], Save::update("skill", "pdf/SKILL").body("New\nlines.\n").based_on_current());
    assert_eq!(world.file("skills/pdf/SKILL.md").unwrap(), NESTED_SKILL.replace("Windows lines.", "New\r\nlines."));
}

fn fields_are_added_unset_and_set_to_null(world: &World) {
    let path = "skills/reading-pdfs.md";
    saved(world, &[path], Save::update("skill", "reading-pdfs").unset("x-unknown").set("description", "no: really #1"));
    let text = world.file(path).unwrap();
    assert_eq!(text, SKILL.replace("x-unknown: 'kept as it is'\n", "description: \"no: really #1\"\n"));
    saved(world, &[path], Save::update("skill", "reading-pdfs").set("description", json!(null)));
    assert_eq!(world.get("skill", "reading-pdfs").unwrap().fields["description"], json!(null));
    saved(world, &[path], Save::update("skill", "reading-pdfs").unset("description"));
    assert_eq!(world.file(path).unwrap(), SKILL.replace("x-unknown: 'kept as it is'\n", ""));
    saved(world, &["categories/metadata.json"], Save::update("category", "sales").unset("color").set("description", "Deals"));
    assert_eq!(world.get("category", "sales").unwrap().fields.get("color"), None);
    assert!(
        world.file("categories/metadata.json").unwrap().starts_with("{\n  \"documents\": {\"name\": \"Documents\", \"sortOrder\": 1},\n")
    );
}

fn a_new_entity_of_every_kind_is_a_file_of_its_own(world: &World) {
    for (kind, path) in [
        ("skill", "skills/a-new-one.md"),
        ("customer", "customers/a-new-one.md"),
        ("system_prompt", "prompts/system/a-new-one.md"),
        ("prompt_block", "prompts/blocks/a-new-one.md"),
        ("template", "templates/a-new-one.md"),
        ("document", "documents/a-new-one.md"),
        ("playbook", "playbooks/a-new-one.md"),
        ("category", "categories/metadata.json"),
    ] {
        let save = Save::create(kind).title("A new: one").set("order", 7).set("note", "yes");
        saved(world, &[path], if kind == "category" { save } else { save.body("Text.\n") });
        let read = world.get(kind, "a-new-one").unwrap();
        assert_eq!((read.title.as_str(), &read.fields["order"], &read.fields["note"]), ("A new: one", &json!(7), &json!("yes")), "{kind}");
        let text = world.file(path).unwrap();
        assert!(text.contains(read.id.as_str()) || kind == "category", "{kind}: a new file carries its id: {text}");
    }
    let template = Save::create("template").slug("documents/offer").title("Offer");
    saved(world, &["templates/documents/offer.md"], template);
    saved(world, &["customers/größe.md"], Save::create("customer").slug("größe").title("Größe & Söhne"));
}

fn a_new_title_moves_the_file_while_its_slug_follows(world: &World) {
    saved(world, &["skills/reading-pdfs.md", "skills/reading-files.md"], Save::update("skill", "reading-pdfs").title("Reading files"));
    let moved = SKILL.replacen("Reading PDFs", "Reading files", 1);
    assert_eq!(world.file("skills/reading-files.md").unwrap(), moved);
    saved(world, &["skills/reading-files.md", "skills/fixed.md"], Save::update("skill", "reading-files").rename("fixed"));
    assert_eq!(world.file("skills/fixed.md").unwrap(), moved);
    saved(world, &["skills/fixed.md"], Save::update("skill", "fixed").title("Something else"));
    // A slug that older code made still follows its title; prompts are named by their id and stay.
    saved(world, &["customers/acme-inc-.md", "customers/acme.md"], Save::update("customer", "acme-inc-").title("Acme"));
    saved(world, &["prompts/blocks/tone.md"], Save::update("prompt_block", "tone").title("Manner"));
    let taken = world.try_save(Save::update("playbook", "incident").rename("README")).unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::InvalidInput);
    world.assert_invariants();
}

fn an_idempotency_key_saves_once(world: &World) {
    let form = || Save::create("skill").title("Once").idempotency_key("form-1");
    saved(world, &["skills/once.md"], form());
    let (head, first) = (world.head(), world.get("skill", "once").unwrap());
    world.step(&[], |world| {
        let again = world.save(form());
        assert_eq!((&again.id, again.revision), (&first.id, first.revision));
    });
    assert_eq!(world.head(), head);
    world.delete("skill", "once");
    let after = world.try_save(form()).unwrap_err();
    assert_eq!(after.kind(), ErrorKind::NotFound, "a repeated key never brings back what was deleted since");
    world.assert_invariants();
}

fn a_stale_form_is_merged_or_refused_and_never_reverts_a_push(world: &World) {
    let form = world.get("customer", "acme-inc-").unwrap();
    world.engineer(&[("customers/acme-inc-.md", Some(&CUSTOMER.replace("north", "south")))]);
    // The form was made before the push and the push was not even taken in.
    world.step(&["customers/acme-inc-.md"], |world| {
        world.save(Save::update("customer", "acme-inc-").set("tier", "silver").set("region", "north").based_on(form.revision))
    });
    let text = world.file("customers/acme-inc-.md").unwrap();
    assert!(text.contains("tier: silver\n") && text.contains("region: south\n"), "{text}");
    let head = world.head();
    let refused = world.step(&[], |world| {
        world.try_save(Save::update("customer", "acme-inc-").set("region", "west").based_on(form.revision)).unwrap_err()
    });
    assert_eq!((refused.kind(), world.head()), (ErrorKind::Conflict, head.clone()));
    assert_eq!(
        refused.message(),
        "customer/@c-17 was changed since revision 1: revision 3 has another region; nothing was saved, merge the two and save again"
    );
    assert_eq!(refused.context()["current"]["fields"]["region"], "south");
    let body = world.step(&[], |world| world.try_save(Save::update("customer", "acme-inc-").body("x\n")).unwrap_err());
    assert_eq!((body.kind(), world.head()), (ErrorKind::InvalidInput, head));
}
