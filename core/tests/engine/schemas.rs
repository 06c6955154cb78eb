//! Fields held to the JSON Schema of their kind: what is pushed, what is saved, what is merged, and a schema that is
//! itself wrong.

use lorebase::knowledge::{Diagnostic, Severity, SyncStatus};
use lorebase::sync::Save;
use lorebase::{Accept, ErrorKind, PublishMode};
use serde_json::json;

use crate::world::{World, ada, put, remove, run};

const STRICT: &str = "kinds:\n  playbook:\n    folder: playbooks\n    schema: schemas/playbook.json\n    private: [secret]\n";
const PLAYBOOK: &str = r#"{"type": "object", "required": ["title", "secret"],
  "properties": {"level": {"enum": ["low", "high"]}, "steps": {"type": "array", "items": {"type": "object", "required": ["do"]}},
                 "secret": {"type": "string"}, "a": {"type": "number"}, "b": {"type": "number"}},
  "not": {"required": ["a", "b"]}}
"#;

fn playbooks(files: &[(&str, &str)]) -> World {
    let world = World::new();
    let mut edits = vec![put("lorebase.yaml", STRICT), put("schemas/playbook.json", PLAYBOOK)];
    edits.extend(files.iter().map(|(path, text)| put(path, text)));
    world.push(&edits);
    world.sync();
    world
}

fn findings(world: &World) -> Vec<Diagnostic> {
    run(world.kb.diagnostics()).unwrap()
}

fn shown(findings: &[Diagnostic]) -> Vec<String> {
    findings.iter().map(|finding| format!("{}:{}:{} {}", finding.path, finding.line, finding.column, finding.code)).collect()
}

#[test]
fn a_built_in_schema_warns_and_the_file_is_taken() {
    let world = World::new();
    let text = "---\nname: Acme\nemployeeCount: \"500\"\nowners:\n  - name: [Ada]\n    email: a\nsomething: {else: 1}\nregion:\n---\n";
    world.push(&[put("customers/acme.md", text)]);
    let report = world.sync();
    assert_eq!((report.created, report.invalid), (1, 0));
    let found = findings(&world);
    assert_eq!(shown(&found), ["customers/acme.md:3:16 schema.type", "customers/acme.md:5:11 schema.type"]);
    assert!(found.iter().all(|finding| finding.severity == Severity::Warning));
    assert_eq!(found[0].message, "`employeeCount` must be a number, not a text; remove the quotes");
    assert_eq!(found[1].message, "`owners[0].name` must be a text, not a list; change the value");
    assert_eq!(world.get("customer", "acme").unwrap().sync_status, SyncStatus::Synced);
    assert_eq!(run(world.kb.validate()).unwrap(), found);

    world.save(Save::update("customer", "acme").set("employeeCount", 500).set("owners", json!([])));
    assert_eq!(findings(&world), [], "what was mended by a save is said no more");
    world.save(Save::update("customer", "acme").set("tags", "gold"));
    assert_eq!(shown(&findings(&world)), ["customers/acme.md:7:7 schema.type"], "and what was broken by one is said at once");
    world.assert_no_drift();
}

#[test]
fn a_strict_kind_quarantines_what_its_schema_does_not_allow() {
    let world = playbooks(&[("playbooks/a.md", "---\ntitle: A\nlevel: low\n---\n"), ("playbooks/b.md", "---\ntitle: B\n---\n")]);
    assert_eq!(findings(&world), []);
    world.push(&[
        put("playbooks/a.md", "---\ntitle: A2\nlevel: middle\nsteps:\n  - do: this\n  - note: that\n---\n"),
        put("playbooks/b.md", "---\nlevel: high\n---\n"),
        put("playbooks/c.md", "---\ntitle: C\n---\n"),
    ]);
    let report = world.sync();
    assert_eq!((report.created, report.updated, report.invalid), (1, 0, 2));
    let found = findings(&world);
    let expected = ["playbooks/a.md:3:8 schema.enum", "playbooks/a.md:6:5 schema.required", "playbooks/b.md:2:1 schema.required"];
    assert_eq!(shown(&found), expected);
    assert_eq!(found[0].message, "`level` is none of `low`, `high`; write one of them");
    assert_eq!(found[1].message, "`do` is missing in `steps[1]`; add it");
    let a = world.get("playbook", "a").unwrap();
    assert_eq!((a.title.as_str(), a.sync_status), ("A", SyncStatus::Invalid));
    world.assert_no_drift();
    world.push(&[put("playbooks/a.md", "---\ntitle: A3\nlevel: high\n---\n"), remove("playbooks/b.md")]);
    assert_eq!(world.sync().invalid, 0);
    assert_eq!(world.get("playbook", "a").unwrap().title, "A3");
}

#[test]
fn a_save_that_a_strict_schema_does_not_allow_is_refused_with_the_field_and_the_reason() {
    let world = playbooks(&[("playbooks/a.md", "---\ntitle: A\n---\n")]);
    let refused = |save: Save| {
        let error = run(world.kb.save(save.author(ada()))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        (error.context()["field"].as_str().unwrap().to_owned(), error.context()["code"].as_str().unwrap().to_owned(), error.to_string())
    };
    let (field, code, message) = refused(Save::update("playbook", "a").set("level", "middle"));
    assert_eq!((field.as_str(), code.as_str()), ("level", "schema.enum"));
    assert_eq!(
        message,
        "the schema of playbook does not allow this, nothing was saved: `level` is none of `low`, `high`; write one of them"
    );
    assert_eq!(refused(Save::create("playbook").title("N").set("steps", "x")).0, "steps");
    assert_eq!(refused(Save::update("playbook", "a").unset("title")).0, "title");
    let (field, _, message) = refused(Save::update("playbook", "a").set("secret", json!([4711])));
    assert!(field == "secret" && !message.contains("4711"), "{message}");
    assert_eq!(world.get("playbook", "a").unwrap().revision, 1);
    assert!(world.working("playbook", "n").is_none());
    world.save(Save::create("playbook").title("N").set("level", "low").set("secret", "s"));
    assert_eq!(world.get("playbook", "n").unwrap().fields["secret"], "s");
}

#[test]
fn a_merge_that_a_strict_schema_does_not_allow_is_a_conflict() {
    let world = playbooks(&[("playbooks/a.md", "---\ntitle: A\n---\n")]);
    let away = world.another(PublishMode::Off);
    run(away.save(Save::update("playbook", "a").set("a", 1))).unwrap();
    world.write("playbooks/a.md", "---\ntitle: A\nb: 2\n---\n");
    assert_eq!(world.sync().conflicts, 1);
    let conflict = run(world.kb.conflicts()).unwrap().remove(0);
    assert_eq!(conflict.reason, lorebase::store::ConflictReason::InvalidMerge);
    assert_eq!(world.get("playbook", "a").unwrap().fields["b"], 2);
    let error = run(world.kb.resolve("playbook", "a", Accept::Cache, None, None)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    let document = Accept::Document("---\ntitle: A\na: x\n---\n".to_owned());
    assert_eq!(run(world.kb.resolve("playbook", "a", document, None, None)).unwrap_err().context()["field"], "a");
    run(world.kb.resolve("playbook", "a", Accept::Document("---\ntitle: A\na: 1\n---\n".to_owned()), None, None)).unwrap();
    assert_eq!(world.file("playbooks/a.md").unwrap(), "---\ntitle: A\na: 1\n---\n");
    world.assert_no_drift();
}

#[test]
fn how_strict_a_schema_is_can_be_chosen() {
    let world = World::new();
    let settings = "kinds:\n  playbook: {folder: playbooks, schema: s.json, strict: false}\n  customer: {strict: true}\n";
    world.push(&[
        put("lorebase.yaml", settings),
        put("s.json", r#"{"required": ["title"]}"#),
        put("playbooks/a.md", "---\nname: A\n---\n"),
        put("customers/b.md", "---\nname: B\nactive: 'yes'\n---\n"),
    ]);
    let report = world.sync();
    assert_eq!((report.created, report.invalid), (1, 1));
    let found = findings(&world);
    assert_eq!(shown(&found), ["customers/b.md:3:9 schema.type", "playbooks/a.md:2:1 schema.required"]);
    assert_eq!((found[0].severity, found[1].severity), (Severity::Error, Severity::Warning));
}

#[test]
fn each_entry_of_a_json_file_is_judged_alone_at_its_own_line() {
    let world = World::new();
    let text = "{\n  \"a\": {\"name\": \"A\", \"color\": 3},\n  \"b\": {\"name\": \"B\"},\n  \"c\": {\n    \"name\": \"C\",\n    \"sortOrder\": \"first\"\n  }\n}\n";
    world.push(&[put("lorebase.yaml", "kinds:\n  category: {strict: true}\n"), put("categories/metadata.json", text)]);
    let report = world.sync();
    assert_eq!((report.created, report.invalid), (1, 1));
    let file = "categories/metadata.json";
    assert_eq!(shown(&findings(&world)), [format!("{file}:2:31 schema.type"), format!("{file}:6:18 schema.type")]);
    assert_eq!(world.get("category", "b").unwrap().title, "B");
    world.save(Save::update("category", "b").set("color", "#fff"));
    assert_eq!(findings(&world).len(), 2, "an entry that is saved leaves what is said about the others");
    world.assert_no_drift();
}

#[test]
fn a_schema_that_is_wrong_is_named_and_the_last_good_one_stays() {
    let world = playbooks(&[("playbooks/a.md", "---\ntitle: A\n---\n")]);
    let cases = [
        ("{\"type\": \"object\",\n  \"properties\": {\"a\": {\"type\": \"strng\"}}}", "schemas/playbook.json:2:32 schema.invalid"),
        ("{\n  \"a\": }", "schemas/playbook.json:2:8 schema.json"),
        ("{\"properties\":\n  {\"x\": {\"$ref\": \"https://example.com/x.json\"}}}", "schemas/playbook.json:2:18 schema.ref"),
        ("{\"$ref\": \"#/nowhere\"}", "schemas/playbook.json:1:1 schema.ref"),
        ("{\"properties\": {\"a\": {\"pattern\": \"(?=x)\"}}}", "schemas/playbook.json:1:34 schema.invalid"),
    ];
    for (index, (text, place)) in cases.into_iter().enumerate() {
        world.push(&[put("schemas/playbook.json", text), put("playbooks/b.md", &format!("---\nlevel: l{index}\n---\n"))]);
        world.sync();
        let found = findings(&world);
        let said: Vec<_> = found.iter().filter(|finding| finding.path == "playbooks/b.md").cloned().collect();
        assert_eq!(
            shown(&said),
            ["playbooks/b.md:2:1 schema.required", "playbooks/b.md:2:8 schema.enum"],
            "the last good schema is in force"
        );
        let about: Vec<_> = found.iter().filter(|finding| finding.path != "playbooks/b.md").cloned().collect();
        assert_eq!(shown(&about), [place], "{about:#?}");
        assert_eq!(run(world.kb.repair()).unwrap().missing_in_git, []);
        assert_eq!(findings(&world), found, "looking again says the same");
    }
    world.push(&[remove("schemas/playbook.json")]);
    world.sync();
    let found = findings(&world);
    assert_eq!(shown(&found)[0], "lorebase.yaml:4:13 schema.missing");
    assert_eq!(run(world.kb.schema("playbook")).unwrap().unwrap()["required"], json!(["title", "secret"]));
    world.push(&[put("schemas/playbook.json", "{}"), put("playbooks/b.md", "---\nlevel: x\n---\n")]);
    assert_eq!(world.sync().invalid, 0);
    assert_eq!(findings(&world), []);
}

#[test]
fn a_kind_whose_first_schema_is_wrong_goes_on_without_one() {
    let world = World::new();
    world.push(&[put("lorebase.yaml", STRICT), put("schemas/playbook.json", "nothing"), put("playbooks/a.md", "---\nlevel: 3\n---\n")]);
    let report = world.sync();
    assert_eq!((report.created, report.invalid), (1, 1));
    assert_eq!(shown(&findings(&world)), ["schemas/playbook.json:1:1 schema.json"]);
    assert!(run(world.kb.schema("playbook")).unwrap().is_none());
    assert!(run(world.kb.schema("skill")).unwrap().is_some());
    assert_eq!(run(world.kb.schema("nothing")).unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[test]
fn a_process_without_a_repository_is_held_to_the_schema_that_was_kept() {
    let world = playbooks(&[("playbooks/a.md", "---\ntitle: A\n---\n")]);
    let alone = world.without_repository();
    let error = run(alone.save(Save::update("playbook", "a").set("level", "middle"))).unwrap_err();
    assert_eq!(error.context()["field"], "level");
    run(alone.save(Save::update("playbook", "a").set("level", "high"))).unwrap();
    world.sync();
    assert_eq!(world.file("playbooks/a.md").unwrap(), "---\ntitle: A\nlevel: high\n---\n");
}

#[test]
fn an_entity_that_a_new_schema_does_not_allow_is_mended_by_a_save() {
    let world = World::new();
    world.push(&[put("lorebase.yaml", "kinds:\n  playbook: {folder: playbooks}\n"), put("playbooks/a.md", "---\nlevel: middle\n---\n")]);
    world.sync();
    world.push(&[put("lorebase.yaml", STRICT), put("schemas/playbook.json", PLAYBOOK)]);
    assert_eq!(world.sync().invalid, 1);
    let error = run(world.kb.save(Save::update("playbook", "a").set("note", "x"))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let a = world.save(Save::update("playbook", "a").set("title", "A").set("level", "low"));
    assert_eq!(a.sync_status, SyncStatus::Synced);
    assert_eq!(findings(&world), []);
    world.assert_no_drift();
}

#[test]
fn five_bad_files_are_told_with_place_cause_and_fix() {
    let world = World::new();
    world.push(&[
        put("lorebase.yaml", STRICT),
        put("schemas/playbook.json", PLAYBOOK),
        put("customers/acme.md", "---\nname: Acme\ndiscount: %5\n---\n"),
        put("customers/globex.md", "---\nname: Globex\n\tactive: true\n---\n"),
        put("playbooks/出荷.md", "---\ntitle: 出荷\nsteps: [{do: 確認}, {note: 発送}]\n---\n"),
        put("prompts/system/a.md", "---\nname: Twice\n---\n"),
        put("prompts/system/b.md", "---\nname: Twice\n---\n"),
        put("categories/metadata.json", "{\n  \"sales\": {\"name\": \"Sales\", \"sortOrder\": \"2\"}\n}\n"),
    ]);
    let told: Vec<String> = run(world.kb.validate()).unwrap().iter().map(ToString::to_string).collect();
    let expected = [
        [
            "categories/metadata.json:2:43 [schema.type] `sortOrder` must be a number, not a text; remove the quotes",
            r#"    "sales": {"name": "Sales", "sortOrder": "2"}"#,
            "                                            ^",
        ],
        ["customers/acme.md:3:11 [yaml.char] '%' cannot start a plain value; quote the value", "  discount: %5", "            ^"],
        ["customers/globex.md:2:7 [yaml.tab] a tab stands where only spaces may; indent with spaces", "  name: Globex", "        ^"],
        [
            "playbooks/出荷.md:3:19 [schema.required] `do` is missing in `steps[1]`; add it",
            "  steps: [{do: 確認}, {note: 発送}]",
            "                      ^",
        ],
        [
            "prompts/system/b.md:2:7 [unique.taken] the name of `prompts/system/b.md` already belongs to `prompts/system/a.md`; \
             give one of them another, or none",
            "  name: Twice",
            "        ^",
        ],
    ]
    .map(|lines| lines.join("\n"));
    assert_eq!(told, expected);
}
