//! Properties of the codec over generated documents: what is written is read again, an edit touches nothing but its
//! field, and no input makes it panic. Seeds are fixed, so that a failure is the same everywhere.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use serde_json::{Map, Value, json};

use super::{FieldEdit, decode_file, edit_head, fit_body, parse_settings, put_entry, remove_entry, render_head};
use crate::ErrorKind;
use crate::knowledge::{ConflictPolicy, Fields, Format, Kind, KnowledgePath, Naming};

fn config(cases: u32, seed: u64) -> Config {
    Config { cases, rng_seed: RngSeed::Fixed(seed), failure_persistence: None, ..Config::default() }
}

fn kind(format: Format) -> Kind {
    Kind {
        name: "note".into(),
        folder: String::new(),
        glob: "all.json".to_owned(),
        format,
        naming: Naming::Slug,
        title_fields: vec!["title".to_owned()],
        workflow: true,
        review: false,
        readme: false,
        schema: None,
        strict: false,
        lists: std::collections::BTreeMap::new(),
        unique: Vec::new(),
        private: vec!["secret".to_owned()],
        derived: std::collections::BTreeMap::new(),
        conflict: ConflictPolicy::Ask,
    }
}

fn fields_of(head: &str) -> Option<Fields> {
    let path = KnowledgePath::new("a.md").unwrap();
    let mut file = decode_file(&kind(Format::Markdown), "", &path, head.as_bytes());
    Some(file.entities.pop()?.content.fields)
}

/// Strings that some YAML reader or writer gets wrong.
const TRICKY: [&str; 50] = [
    "",
    " ",
    "no",
    "Yes",
    "on",
    "OFF",
    "y",
    "N",
    "true",
    "NULL",
    "~",
    "null",
    "NaN",
    ".inf",
    "0123",
    "0o17",
    "0x1F",
    "1e3",
    "1_000",
    "12:30:45",
    "2024-01-01",
    "2024-13-45",
    "-",
    "- a",
    "?",
    "? a",
    ":",
    "a: b",
    "a:",
    ": a",
    "a #b",
    "#a",
    "a\nb",
    "a\n",
    "\na",
    "a\r\nb",
    "\t",
    "a\tb",
    "\"",
    "'",
    "it's \"x\"",
    "\\",
    "%a",
    "@a",
    "`a`",
    "{{ x }}",
    "[a]",
    "---",
    "...",
    "<<",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => proptest::sample::select(TRICKY.as_slice()).prop_map(str::to_owned),
        3 => "[a-zA-Z/_(][a-zA-Z0-9 ,.:#'/-]{0,12}",
        2 => "[ -~\n\t]{0,12}",
        1 => proptest::collection::vec(proptest::sample::select(vec!['\u{85}', '\u{a0}', '\u{200b}', '\u{2028}', '\u{feff}', '\u{fffe}', '\u{7f}', '\u{1}', 'é', '東', '😀', ' ', 'a']), 0..5)
            .prop_map(|chars| chars.into_iter().collect()),
        1 => "\\PC{0,8}",
    ]
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        6 => text().prop_map(Value::String),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<u64>().prop_map(Value::from),
        1 => any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(3, 12, 4, |inner| {
        prop_oneof![proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array), fields(inner, 0..4).prop_map(Value::Object),]
    })
}

fn fields(value: impl Strategy<Value = Value>, count: std::ops::Range<usize>) -> impl Strategy<Value = Map<String, Value>> {
    proptest::collection::vec((text(), value), count).prop_map(|pairs| pairs.into_iter().collect())
}

/// A field as a person may have written it: its lines, and the value they mean.
fn written(key: String) -> impl Strategy<Value = (String, String, Value)> {
    let word = || {
        "[a-z]{2,6}".prop_filter("a plain word", |word| {
            !matches!(word.as_str(), "no" | "on" | "off" | "yes" | "true" | "false" | "null" | "nan" | "inf" | "ee")
        })
    };
    let comment = || proptest::sample::select(vec!["", "   # why", "  "]);
    let lines = prop_oneof![
        (word(), comment()).prop_map(|(a, c)| (format!(" {a}{c}\n"), json!(a))),
        (word(), comment()).prop_map(|(a, c)| (format!(" '{a} # x'{c}\n"), json!(format!("{a} # x")))),
        (word(), comment()).prop_map(|(a, c)| (format!("  \"{a}\\t\"{c}\n"), json!(format!("{a}\t")))),
        comment().prop_map(|c| (format!("{c}\n"), Value::Null)),
        (any::<i32>(), comment()).prop_map(|(a, c)| (format!(" {a}{c}\n"), json!(a))),
        (word(), word()).prop_map(|(a, b)| (format!(" {a}\n  {b}\n"), json!(format!("{a} {b}")))),
        (word(), word()).prop_map(|(a, b)| (format!(" |\n  {a}\n\n    {b}\n"), json!(format!("{a}\n\n  {b}\n")))),
        (word(), word()).prop_map(|(a, b)| (format!(" >- # c\n    {a}\n    {b}\n"), json!(format!("{a} {b}")))),
        (proptest::collection::vec(word(), 0..4), comment()).prop_map(|(a, c)| (format!(" [{}]{c}\n", a.join(", ")), json!(a))),
        proptest::collection::vec(word(), 1..4).prop_map(|a| (format!(" [\n  {}\n]\n", a.join(",\n  ")), json!(a))),
        (proptest::collection::vec(word(), 1..4), comment()).prop_map(|(a, c)| {
            (format!("{c}\n{}", a.iter().map(|item| format!("  - {item}{c}\n")).collect::<Vec<_>>().concat()), json!(a))
        }),
        proptest::collection::vec((word(), word()), 1..3).prop_map(|pairs| {
            let lines = pairs.iter().map(|(a, b)| format!("- m: {a}\n  # of {a}\n  nn: '{b}'\n")).collect::<Vec<_>>().concat();
            (format!("\n{lines}"), pairs.iter().map(|(a, b)| json!({"m": a, "nn": b})).collect())
        }),
        (word(), word(), comment()).prop_map(|(a, b, c)| (
            format!("{c}\n    mm: {a}{c}\n    oo:\n      - {b}\n    pp: {{q: {a}}}\n"),
            json!({"mm": a, "oo": [b], "pp": {"q": a}})
        )),
    ];
    lines.prop_map(move |(lines, value)| (key.clone(), format!("{key}:{lines}"), value))
}

/// A frontmatter as written: each field's block of lines with a comment block between.
fn document() -> impl Strategy<Value = (Vec<(String, String, Value)>, bool)> {
    let block = |index: usize| (written(format!("key{index}")), proptest::sample::select(vec!["", "# above\n", "\n"]));
    let blocks = (block(0), block(1), block(2), block(3)).prop_map(|(a, b, c, d)| {
        [a, b, c, d].into_iter().flat_map(|(field, above)| [(String::new(), above.to_owned(), Value::Null), field]).collect()
    });
    (blocks, any::<bool>())
}

proptest! {
    #![proptest_config(config(600, 1))]

    #[test]
    fn rendered_fields_are_read_again(fields in fields(value(), 0..5)) {
        let head = render_head(Format::Markdown, &fields);
        prop_assert_eq!(fields_of(&head), Some(fields.clone()), "{}", head);
        let entry = render_head(Format::Json, &fields);
        prop_assert_eq!(serde_json::from_str::<Value>(&entry).unwrap().as_object().map(Map::len), Some(fields.len()));
        let file = put_entry(None, "k", &entry).unwrap();
        let decoded = decode_file(&kind(Format::Json), "", &KnowledgePath::new("all.json").unwrap(), file.as_bytes());
        if !fields.contains_key("secret") {
            prop_assert_eq!(&decoded.entities[0].content.fields, &fields, "{}", file);
        }
    }

    #[test]
    fn another_reader_reads_rendered_strings_alike(strings in proptest::collection::vec(text(), 1..6)) {
        let fields = json!({"list": strings, "deep": {"list": strings}});
        let head = render_head(Format::Markdown, fields.as_object().unwrap());
        let yaml = head.strip_prefix("---\n").and_then(|head| head.strip_suffix("---\n")).unwrap();
        let read: serde_yaml::Value = serde_yaml::from_str(yaml).unwrap();
        prop_assert_eq!(serde_json::to_value(read).unwrap(), fields, "{}", yaml);
    }

    #[test]
    fn an_edit_touches_only_its_field((blocks, crlf) in document(), index in 0_usize..4, new in value()) {
        let ended = |text: String| if crlf { text.replace('\n', "\r\n") } else { text };
        let join = |blocks: &[(String, String, Value)]| ended(blocks.iter().map(|(_, lines, _)| lines.as_str()).collect());
        let (open, close) = (ended("---\n".to_owned()), ended("---\n".to_owned()));
        let head = format!("{open}{}{close}", join(&blocks));
        let at = index * 2 + 1;
        let key = blocks[at].0.clone();
        let old: Fields = blocks.iter().filter(|(key, ..)| !key.is_empty()).map(|(key, _, value)| (key.clone(), value.clone())).collect();
        prop_assert_eq!(fields_of(&head), Some(old.clone()), "{}", &head);
        let (before, after) = (format!("{open}{}", join(&blocks[..at])), format!("{}{close}", join(&blocks[at + 1..])));

        let edited = edit_head(Format::Markdown, &head, &[FieldEdit::Set(key.clone(), new.clone())]).unwrap();
        prop_assert!(edited.starts_with(&before) && edited.ends_with(&after), "{}\nbecame\n{}", &head, &edited);
        let mut expected = old.clone();
        expected.insert(key.clone(), new.clone());
        prop_assert_eq!(fields_of(&edited), Some(expected));
        prop_assert!(!crlf || edited.matches('\n').count() == edited.matches("\r\n").count(), "{:?}", &edited);

        let removed = edit_head(Format::Markdown, &head, &[FieldEdit::Unset(key.clone())]).unwrap();
        prop_assert_eq!(removed, format!("{before}{after}"));

        let added = edit_head(Format::Markdown, &head, &[FieldEdit::Set("another".to_owned(), new)]).unwrap();
        let all = head.strip_suffix(close.as_str()).unwrap();
        prop_assert!(added.starts_with(all), "{}\nbecame\n{}", &head, &added);
    }

    #[test]
    fn lists_and_mappings_of_any_shape_become_any_other(old in value(), new in value()) {
        let fields = json!({"a": old, "zz": 1});
        for format in [Format::Markdown, Format::Json] {
            let head = render_head(format, fields.as_object().unwrap());
            let edited = edit_head(format, &head, &[FieldEdit::Set("a".to_owned(), new.clone())]);
            prop_assert!(edited.is_ok(), "{}\n{:?}\n{:?}", head, new, edited);
        }
    }

    #[test]
    fn inline_collections_of_any_shape_become_any_other(old in value(), new in value()) {
        for head in [format!("---\na: {}  # c\nzz: 1\n---\n", super::write::flow(&old)), format!("---\n{{zz: 1, a: {}}}\n---\n", super::write::flow(&old))] {
            let edited = edit_head(Format::Markdown, &head, &[FieldEdit::Set("a".to_owned(), new.clone()), FieldEdit::Unset("zz".to_owned())]);
            prop_assert!(edited.is_ok(), "{}\n{:?}\n{:?}", head, new, edited);
        }
        let entry = Value::Object([("a".to_owned(), old)].into_iter().collect()).to_string();
        let edited = edit_head(Format::Json, &entry, &[FieldEdit::Set("a".to_owned(), new)]);
        prop_assert!(edited.is_ok(), "{}\n{:?}", entry, edited);
    }

    #[test]
    fn entries_come_and_go_without_touching_others(entries in fields(fields(value(), 0..3).prop_map(Value::Object), 0..4), new in fields(value(), 0..3), compact in any::<bool>()) {
        let entries: Fields = entries.into_iter().filter(|(key, _)| !matches!(key.as_str(), "" | "the new one")).collect();
        let file = if compact { Value::Object(entries.clone()).to_string() } else { render_head(Format::Json, &entries) };
        let entry = render_head(Format::Json, &new);
        let put = put_entry(Some(&file), "the new one", &entry).unwrap();
        let mut expected = entries.clone();
        expected.insert("the new one".to_owned(), Value::Object(new));
        prop_assert_eq!(serde_json::from_str::<Value>(&put).unwrap().to_string(), serde_json::from_str::<Value>(&Value::Object(expected).to_string()).unwrap().to_string());
        prop_assert_eq!(remove_entry(&put, "the new one").unwrap(), file);
    }

    #[test]
    fn a_fitted_body_has_one_line_end(old in "[a\r\n]{0,8}", new in "[a\n]{0,8}") {
        let fitted = fit_body(&old, &new);
        prop_assert_eq!(fitted.replace("\r\n", "\n"), new);
    }
}

/// Text that is close to YAML.
fn yamlish() -> impl Strategy<Value = String> {
    let parts = vec![
        "a",
        "b",
        ":",
        ": ",
        " ",
        "  ",
        "\n",
        "\n  ",
        "\r\n",
        "\r",
        "- ",
        "-",
        "? ",
        "[",
        "]",
        "{",
        "}",
        ",",
        "'",
        "\"",
        "#",
        " # ",
        "|",
        ">",
        "|+",
        ">-",
        "&x ",
        "*x",
        "!t ",
        "<<",
        "---",
        "...",
        "%",
        "\t",
        "1",
        "2024-01-01",
        "é",
        "\u{feff}",
        "\u{a0}",
        "\\",
        "key: v\n",
        "k:\n",
        "- i\n",
        "true",
        "~",
        "\u{2028}",
    ];
    proptest::collection::vec(proptest::sample::select(parts), 0..24).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(config(4000, 2))]

    #[test]
    fn nothing_panics_and_every_accepted_edit_is_right(inner in yamlish(), new in value()) {
        let head = format!("---\nkey: v\n{inner}\n---\n");
        let fields = fields_of(&head);
        for edit in [FieldEdit::Set("a".to_owned(), new.clone()), FieldEdit::Set("key".to_owned(), new), FieldEdit::Unset("k".to_owned()), FieldEdit::Unset("key".to_owned())] {
            match edit_head(Format::Markdown, &head, std::slice::from_ref(&edit)) {
                Ok(edited) => {
                    let mut expected = fields.clone().unwrap_or_default();
                    match edit {
                        FieldEdit::Set(key, value) => _ = expected.insert(key, value),
                        FieldEdit::Unset(key) => _ = expected.shift_remove(&key),
                    }
                    prop_assert_eq!(fields_of(&edited), Some(expected), "{:?} became {:?}", &head, &edited);
                }
                Err(error) => prop_assert!(matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::InvalidDocument), "{:?}", error),
            }
        }
        drop(parse_settings(&inner));
        drop(decode_file(&kind(Format::Markdown), "", &KnowledgePath::new("a.md").unwrap(), inner.as_bytes()));
    }

    #[test]
    fn arbitrary_bytes_are_diagnosed(bytes in proptest::collection::vec(any::<u8>(), 0..64), jsonish in "[\\[\\]{}\",:a0-9.e\\\\ \n-]{0,40}") {
        let path = KnowledgePath::new("a.md").unwrap();
        for format in [Format::Markdown, Format::Json] {
            for bytes in [bytes.as_slice(), &[b"---\n", bytes.as_slice(), b"\n---\n"].concat(), jsonish.as_bytes()] {
                let file = decode_file(&kind(format), "", &path, bytes);
                prop_assert!(format == Format::Json || file.entities.len() + usize::from(!file.diagnostics.is_empty()) >= 1);
            }
        }
        drop(put_entry(Some(&jsonish), "a", "{}"));
        drop(put_entry(Some("{}"), "a", &jsonish));
        drop(remove_entry(&jsonish, "a"));
        drop(edit_head(Format::Json, &jsonish, &[FieldEdit::Set("a".to_owned(), json!([1]))]));
    }
}
