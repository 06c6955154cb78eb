//! Properties of edits inside of fields, of TOML and of JSON files of many entries over generated documents, and what
//! happens to documents of hostile sizes. Seeds are fixed.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use serde_json::{Map, Value, json};

use super::{FieldEdit, FieldPath, decode_content, decode_file, edit_head, edit_toml, put_entry, remove_entry, render_head, toml_tree};
use crate::ErrorKind;
use crate::knowledge::{Config as Settings, Fields, Format, Kind, KnowledgePath, Location};

fn kind(format: Format) -> Kind {
    let kind = Settings::built_in().kinds.into_iter().find(|kind| kind.name.as_str() == "document").unwrap();
    Kind { format, ..kind }
}

fn fields_of(format: Format, head: &str) -> Option<Fields> {
    let location = Location::file(KnowledgePath::new("documents/a.md").unwrap());
    Some(decode_content(&kind(format), "", &location, head, "").ok()?.0.content.fields)
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![3 => "[a-z]{1,6}", 2 => "[ -~\n\t]{0,10}", 1 => "\\PC{0,8}", 1 => Just("2024-02-29".to_owned())]
}

/// A value that TOML has: no null, no integer past 63 bits.
fn value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        4 => text().prop_map(Value::String),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
    ];
    scalar.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array), map(inner, 0..4).prop_map(Value::Object)]
    })
}

fn map(value: impl Strategy<Value = Value>, count: std::ops::Range<usize>) -> impl Strategy<Value = Map<String, Value>> {
    proptest::collection::vec((text(), value), count).prop_map(|pairs| pairs.into_iter().collect())
}

/// Owners as a person writes them: the lines of each, with a comment.
fn owners() -> impl Strategy<Value = Vec<(String, bool, bool)>> {
    proptest::collection::vec(("[b-dp-s]{3,6}", any::<bool>(), any::<bool>()), 1..5).prop_map(|mut owners| {
        owners.sort();
        owners.dedup_by(|a, b| a.0 == b.0);
        owners
    })
}

fn lines((email, blank, quoted): &(String, bool, bool)) -> String {
    let quote = if *quoted { "'" } else { "" };
    format!("{}  - email: {email}@x.org # {email}\n    # named\n    name:  {quote}{email}{quote}   # n\n", if *blank { "\n" } else { "" })
}

proptest! {
    #![proptest_config(Config { cases: 500, rng_seed: RngSeed::Fixed(7), failure_persistence: None, ..Config::default() })]

    #[test]
    fn an_edit_of_one_item_leaves_the_lines_of_the_others(owners in owners(), index in any::<prop::sample::Index>(), crlf in any::<bool>()) {
        let index = index.index(owners.len());
        let ended = |text: String| if crlf { text.replace('\n', "\r\n") } else { text };
        let all: Vec<_> = owners.iter().map(lines).collect();
        let head = |items: &[String]| ended(format!("---\na: 1\nowners:\n{}# end\nz: 1\n---\n", items.concat()));
        let fields = fields_of(Format::Markdown, &head(&all)).unwrap();
        let email = &owners[index].0;
        let path = |tail: &str| format!("owners[email={email}@x.org]{tail}").parse::<FieldPath>().unwrap();
        let edited = |edit: FieldEdit| edit_head(Format::Markdown, &head(&all), &[edit]).unwrap();

        let mut expected = all.clone();
        let quote = if owners[index].2 { "'" } else { "" };
        expected[index] = all[index].replace(&format!("name:  {quote}{email}{quote}"), &format!("name:  {quote}Another{quote}"));
        prop_assert_eq!(edited(path(".name").set(&fields, "Another".into()).unwrap()), head(&expected));

        expected[index] = format!("{}    role: lead\n", all[index]);
        prop_assert_eq!(edited(path(".role").set(&fields, "lead".into()).unwrap()), head(&expected));

        if owners.len() > 1 {
            let mut left = all.clone();
            left.remove(index);
            let removed = edited(path("").unset(&fields).unwrap());
let written = |text: &str| text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect::<Vec<_>>();
            prop_assert_eq!(written(&removed), written(&head(&left)));
        }

        let mut more = all.clone();
        more.push("  - email: new\n".to_owned());
        let new = "owners[]".parse::<FieldPath>().unwrap().set(&fields, json!({"email": "new"})).unwrap();
        prop_assert_eq!(edited(new), head(&more));

        let renamed: Vec<_> = path(".name").rename(&fields, "title").unwrap();
        expected[index] = all[index].replace("    name:", "    title:");
        prop_assert_eq!(edit_head(Format::Markdown, &head(&all), &renamed).unwrap(), head(&expected));
    }

    #[test]
    fn rendered_toml_is_read_again_and_becomes_any_other(old in map(value(), 0..5), new in map(value(), 0..5)) {
        let head = render_head(Format::Toml, &old);
        prop_assert_eq!(fields_of(Format::Toml, &head), Some(old.clone()), "{}", head);
        let gone = old.keys().filter(|key| !new.contains_key(*key)).map(|key| FieldEdit::Unset(key.clone()));
        let edits: Vec<_> = gone.chain(new.iter().map(|(key, value)| FieldEdit::Set(key.clone(), value.clone()))).collect();
        match edit_head(Format::Toml, &head, &edits) {
            Ok(edited) => prop_assert_eq!(fields_of(Format::Toml, &edited), Some(new)),
            // A line of a text that is a fence cannot stand in frontmatter.
            Err(error) => prop_assert!(error.kind() == ErrorKind::Unsupported && format!("{new:?}{old:?}").contains("+++"), "{}", error),
        }
    }

    #[test]
    fn an_edit_of_toml_touches_only_its_line(number in any::<i32>(), texts in proptest::collection::vec("[a-z ]{0,6}", 3), new in value(), index in 0_usize..4) {
        let lines = [
            format!("# first\nk0   =  {number}   # c\n"),
            format!("k1 = '{}'\n", texts[0]),
            format!("k2 = [ \"{}\" , # c\n  2024-01-01,\n]\n", texts[1]),
            format!("\nk3.a = {{ b = \"{}\" }} # d\n", texts[2]),
        ];
        let head = format!("+++\n{}[t]\nx = 1\n+++\n", lines.concat());
        let key = format!("k{index}");
        if let Ok(edited) = edit_head(Format::Toml, &head, &[FieldEdit::Set(key.clone(), new.clone())]) {
            let (before, after) = (format!("+++\n{}", lines[..index].concat()), format!("{}[t]\nx = 1\n+++\n", lines[index + 1..].concat()));
            prop_assert!(edited.starts_with(&before) && edited.ends_with(&after), "{}\nbecame\n{}", head, edited);
        } else {
            prop_assert!(index == 3 || new.to_string().contains("+++"), "{} is refused", new);
        }
    }

    #[test]
    fn entries_of_an_array_come_and_go_without_touching_others(ids in proptest::collection::btree_set("[a-z]{1,4}", 1..5), index in any::<prop::sample::Index>(), fields in map(value(), 0..3)) {
        let ids: Vec<_> = ids.into_iter().collect();
        let id = &ids[index.index(ids.len())];
        let entry = |id: &str| format!("{{ \"id\":\"{id}\" ,\"n\" : [1,2 ] }}");
        let file = |entries: Vec<String>| format!("[\n   {}\n]\n", entries.join(",\n\n   "));
        let all = file(ids.iter().map(|id| entry(id)).collect());

        let mut new = json!({"id": id}).as_object().unwrap().clone();
        new.extend(fields.into_iter().filter(|(key, _)| key != "id"));
        let text = Value::Object(new).to_string();
        let put = put_entry(Some(&all), id, &text).unwrap();
        prop_assert_eq!(put, file(ids.iter().map(|other| if other == id { text.clone() } else { entry(other) }).collect()));

        let removed = remove_entry(&all, id).unwrap();
        if ids.len() > 1 {
            prop_assert_eq!(removed, file(ids.iter().filter(|other| *other != id).map(|other| entry(other)).collect()));
        }
    }

    #[test]
    fn no_toml_makes_the_editor_panic(text in "[a-c0-9=\\[\\]{}\"'.,# \n+-]{0,60}", new in value()) {
        drop(toml_tree::parse(&text));
        drop(edit_toml::edit(&text, &Fields::new(), json!({"a": new}).as_object().unwrap()));
        drop(edit_head(Format::Toml, &format!("+++\n{text}\n+++\n"), &[FieldEdit::Set("a".to_owned(), json!([1]))]));
    }
}

fn numbered(numbers: std::ops::Range<usize>, line: impl Fn(usize) -> String) -> String {
    numbers.map(line).collect::<Vec<_>>().concat()
}

#[test]
fn documents_of_hostile_sizes_are_read_or_refused_by_their_caps() {
    let code = |format: Format, text: String| {
        let path = KnowledgePath::new("documents/a.md").unwrap();
        decode_file(&kind(format), "", &path, text.as_bytes()).diagnostics.first().map(|found| found.code.clone())
    };
    let yaml = |inner: String| code(Format::Markdown, format!("---\n{inner}\n---\n"));
    assert_eq!(yaml("[".repeat(65_000)).as_deref(), Some("yaml.depth"));
    assert_eq!(yaml("a: ".repeat(65_000)).as_deref(), Some("yaml.colon"));
    assert_eq!(yaml("? ".repeat(65_000)).as_deref(), Some("yaml.depth"));
    assert_eq!(yaml("{a: ".repeat(60_000)).as_deref(), Some("yaml.depth"));
    assert_eq!(yaml(format!("a: {}", "x".repeat(1024 * 1024))).as_deref(), Some("fence.size"));
    assert_eq!(yaml("a: x\n".repeat(2 * 1024 * 1024)).as_deref(), Some("fence.size"));
    assert_eq!(yaml(numbered(0..100_000, |n| format!("k{n}: 1\n"))).as_deref(), Some("fence.size"));
    assert_eq!(yaml(numbered(0..20_000, |n| format!("k{n}: 1\n"))), None);
    assert_eq!(yaml("a: 1\n".repeat(40_000)).as_deref(), Some("yaml.duplicate_key"));
    assert_eq!(yaml(format!("a:\n{}", "- x\n".repeat(60_000))), None);
    assert_eq!(yaml(format!("a: [{}]", "x,".repeat(100_000))).as_deref(), Some("yaml.nodes"));
    assert_eq!(code(Format::Markdown, format!("---\na: 1\n---\n{}", "[".repeat(1024 * 1024))), None);
    let toml = |inner: String| code(Format::Toml, format!("+++\n{inner}\n+++\n"));
    assert_eq!(toml(format!("a = {}", "[".repeat(60_000))).as_deref(), Some("toml.syntax"));
    assert_eq!(toml(numbered(0..20_000, |n| format!("k{n} = 1\n"))), None);
    assert_eq!(toml(numbered(0..10_000, |n| format!("[t{n}.a.b.c]\n"))), None);
}

#[test]
fn large_documents_are_edited_in_place() {
    let head = format!("---\nlist:\n{}z: 1\n---\n", numbered(0..20_000, |n| format!("- item {n}\n")));
    let fields = fields_of(Format::Markdown, &head).unwrap();
    let edit = "list[=item 9000]".parse::<FieldPath>().unwrap().set(&fields, "new".into()).unwrap();
    assert_eq!(edit_head(Format::Markdown, &head, &[edit]).unwrap(), head.replace("- item 9000\n", "- new\n"));
    let edits: Vec<_> = (0..20_000).map(|n| FieldEdit::Set(format!("k{n}"), n.into())).collect();
    assert_eq!(fields_of(Format::Markdown, &edit_head(Format::Markdown, "---\na: 1\n---\n", &edits).unwrap()).unwrap().len(), 20_001);
}
