//! The fast path gives what the parser gives, for every input that it takes: generated frontmatter, all short
//! combinations of the characters that mean something, mutations, and every golden vector.

use std::fmt::Write;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use serde_json::Value;

use super::describe::Said;
use super::{fast_path, fence, node, yaml};
use crate::knowledge::Format;

/// Whether the fast path took the text, after making sure that the parser reads the same tree, and that the values
/// are those of the tree.
fn taken(text: &str) -> bool {
    let values = fast_path::values(text);
    let Some(tree) = fast_path::parse(text) else {
        assert_eq!(values, None, "{text:?}");
        return false;
    };
    assert_eq!(values, node::fields(&tree, text, &node::YAML).ok().map(|fields| (fields, Said::of(&tree))), "{text:?}");
    assert_eq!(yaml::parse_events(text), Ok(Some(tree)), "{text:?}");
    true
}

#[test]
fn a_key_that_is_there_twice_is_told_by_the_tree_alone() {
    for text in ["a: 1\nb: 2\na: 3\n", "a:\n  b: 1\n  b: 2\n", "a:\n  - b: 1\n    b: 2\n"] {
        assert!(taken(text) && fast_path::values(text).is_none(), "{text:?}");
    }
}

#[test]
fn every_short_text_of_special_characters_is_read_alike_in_every_place() {
    const PARTS: [&str; 14] = ["a", "1", ":", " ", "-", "\n", "#", "'", "\"", "[", "]", ",", "\\", "é"];
    let places = [
        ("", ""),
        ("k:", "\n"),
        ("k: ", "\r\nl: m\r\n"),
        ("k:\n  - ", "\n  - x\n"),
        ("k: [", "]\n"),
        ("k: '", "' # c\n"),
        ("k: x", ""),
        ("k:\n  l: ", "\n  m:\n"),
        ("k:\n  - l: x\n ", "\n  - m: y\n"),
        ("k:\n- l:", "m: x\nn: y\n"),
    ];
    let mut count = 0;
    for length in 0..=3_u32 {
        for number in 0..PARTS.len().pow(length) {
            let digits = (0..length).map(|digit| PARTS[number / PARTS.len().pow(digit) % PARTS.len()]);
            let middle = digits.collect::<String>();
            for (before, after) in places {
                count += usize::from(taken(&format!("{before}{middle}{after}")));
            }
        }
    }
    assert!(count > 2000, "only {count} were taken");
}

#[test]
fn golden_vectors_are_read_alike() {
    let mut count = 0;
    for (file, key) in [("decode.json", "input"), ("edit.json", "head"), ("edit.json", "output")] {
        let path = format!("{}/tests/vectors/codec/{file}", env!("CARGO_MANIFEST_DIR"));
        let cases: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        for text in cases.iter().filter_map(|case| case[key].as_str()) {
            if let Ok(Some(fences)) = fence::split(Format::Markdown, text) {
                count += usize::from(taken(&text[fences.start..fences.end]));
            }
        }
    }
    assert!(count > 60, "only {count} were taken");
}

#[test]
fn the_usual_frontmatter_is_taken_and_the_unusual_is_left_to_the_parser() {
    for text in [
        "id: a-1\ntitle: Entity 1\nfilename: file-1.pdf\nversion: 0\ntags: [one, two]\n",
        "title: 'a: b'   # why\r\nurl: https://x.org/#a\r\n\r\n# c\r\ntags:\r\n- a\r\n- \"b\"\r\nnone:\r\n",
        "key with space: (x) & [y]\nlist:\n\n  # first\n  - 2024-01-01\n  - [a, 'b', 1.5]   \nlast: ~",
        "a: 'it''s'\nb: ['''', 'x''']\nc: \"\\\"x\\\\\"  # c\n",
        "a: é东 – 😀\nb: []\nc: [ ]\nd: [ a , b ]\n",
        "owners:\n  - name: Ann Lee  # c\n    email: 'a@x.org'\n\n  # next\n  - name: Bob\n    tags: [a, b]\n    none:\nlast: 1\n",
        "owners:\r\n- name: Ann\r\n  since: 2024-01-01\r\n- name: Bob\r\nlast: 1\r\n",
        "a:\n  b: c\n  d:\n    e: \"f\"\n    g:\n  h:\n  - i\n  -   j: k\n      l:\n      - m\n      n: o\n  p: q\nr: s",
        "list:\n  - one\n  - key: value\n  - 'three'\n  - k: [x]\n# c\n  - four\nmap:\n   only: é\n",
    ] {
        assert!(taken(text), "{text:?}");
    }
    for text in [
        "",
        "# only a comment\n",
        "a: |\n  x\n",
        "a: b: c\n",
        "a: x\n  y\n",
        "a: \"\\t\"\n",
        "a: 'it''s\n",
        "a: \"x\\\"\n",
        "a: \"\\'\"\n",
        "a: &x y\n",
        "a: {b: c}\n",
        "a: [b: c]\n",
        "a: [b,]\n",
        "a: 'x' y\n",
        "a:\tb\n",
        "a: b\rc: d\n",
        "a:\n  - b\n - c\n",
        "a:\n  -\n",
        "a:\n  -\n    b: c\n",
        "a:\n  - - b\n",
        "a:\n  - b: c\n   d: e\n",
        "a:\n  - b: c\n     d: e\n",
        "a:\n  b: c\n d: e\n",
        "a:\n  b: c\n   d: e\n",
        "a:\n  b: c\n  - d\n",
        "a:\n  - b\n  c: d\n",
        "a: b\n  c: d\n",
        "a:\n  \"b\"\n",
        "a:\n  b\n",
        "a:\n  [b]\n",
        "a:\n  b: c: d\n",
        "a:\n  - b: {c: d}\n",
        "a:\n  - &x b: c\n",
        "a:\n\tb: c\n",
        " a: b\n",
        "- a\n",
        "a\n",
        "'a': b\n",
        "a: \u{feff}\n",
        "a: \u{85}b\n",
        "a: x\u{2028}y\n",
        "<<: a\n",
        "? a\n: b\n",
        "---\na: b\n",
    ] {
        assert_eq!(fast_path::parse(text), None, "{text:?}");
    }
}

/// One line, or a few, of frontmatter that is simple or nearly so.
fn lines() -> impl Strategy<Value = String> {
    let value = || {
        prop_oneof![
            4 => "[a-zA-Z0-9/_(.$+<=^~\\\\-][a-zA-Z0-9 ,.:#'/?&*!|>%@`~{}\\[\\]\"-]{0,14}",
            2 => "['\"][a-zA-Z0-9 ,:#/'\"\\\\]{0,8}['\"]( {0,2}#?[a-z]{0,2})",
            2 => "\\[ ?[a-z0-9]{0,3}( ?, ?['\"]?[a-zA-Z0-9 /.:?#-]{1,5}['\"]?){0,3} ?\\]( #c)?",
            1 => "\\PC{0,10}",
            1 => Just(String::new()),
        ]
    };
    let item = (" {0,3}", value()).prop_map(|(indent, value)| format!("{indent}- {value}\n"));
    prop_oneof![
        6 => ("[a-zA-Z_][a-zA-Z0-9_. -]{0,8}", " {0,2}", value()).prop_map(|(key, gap, value)| format!("{key}:{gap}{value}\n")),
        2 => ("[a-z]{1,3}", value(), value()).prop_map(|(key, a, b)| format!("{key}:\n  - {a}\n  - {b}\n")),
        1 => ("[a-z]{1,3}", value()).prop_map(|(key, a)| format!("{key}:\n- {a}\n")),
        1 => item,
        1 => " {0,3}#[ a-z:]{0,5}\n",
        1 => " {0,2}\n",
        1 => value().prop_map(|value| format!("{value}\n")),
    ]
}

/// Mappings and lists in each other, by random steps in and out. Most are right; an indent that is a little off is
/// not.
fn nested() -> impl Strategy<Value = String> {
    let value = || prop_oneof![3 => "[a-z]{1,4}", 1 => "[0-9'\"\\[#:-]{0,3}[a-z ]{0,3}['\"\\]]{0,2}", 1 => Just(String::new())];
    let slip = prop_oneof![20 => Just(0_isize), 1 => Just(1), 1 => Just(-1)];
    let line = (0_usize..6, slip, any::<bool>(), value(), 0_usize..12);
    proptest::collection::vec(line, 1..9).prop_map(|lines| {
        let mut text = String::new();
        let mut columns = vec![0_usize];
        for (step, slip, item, value, kind) in lines {
            let column = match step {
                // Deeper, as the line before allows or not.
                0 | 1 => *columns.last().unwrap_or(&0) + 2,
                2 | 3 => *columns.last().unwrap_or(&0),
                step => columns[columns.len().saturating_sub(step - 2)],
            };
            columns.retain(|known| *known < column);
            columns.push(column);
            text.extend(std::iter::repeat_n(' ', column.saturating_add_signed(slip)));
            if item {
                text.push_str("- ");
                columns.push(column + 2);
            }
            let _ = match kind {
                0..=4 => writeln!(text, "k{kind}:"),
                5..=9 => writeln!(text, "k{kind}: {value}"),
                10 => writeln!(text, "{value}"),
                _ => write!(text, "k{kind}: {value}  # {value}\n\n"),
            };
        }
        text
    })
}

/// A place in a text and what is put there instead of so many characters.
fn mutation() -> impl Strategy<Value = (usize, usize, &'static str)> {
    let parts = vec![
        "", " ", "  ", "\n", "\r\n", "\r", "\t", ":", ": ", " #", "#", "'", "\"", "-", "- ", "[", "]", "{", "}", ",", "&a ", "*a", "!",
        "|", ">", "?", "? ", "%", "@", "`", "\\", "\u{85}", "\u{a0}", "\u{2028}", "\u{feff}", "\u{200b}", "\u{fffd}", "é", "😀", "---",
        "...", "<<", "\u{1}", "\u{7f}",
    ];
    (any::<usize>(), 0_usize..3, proptest::sample::select(parts))
}

fn mutated(text: &str, mutations: &[(usize, usize, &str)]) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for (place, count, with) in mutations {
        let at = place % (chars.len() + 1);
        let end = (at + count).min(chars.len());
        chars.splice(at..end, with.chars());
    }
    chars.into_iter().collect()
}

proptest! {
    #![proptest_config(Config { cases: 6000, rng_seed: RngSeed::Fixed(4), failure_persistence: None, ..Config::default() })]

    #[test]
    fn generated_frontmatter_is_read_alike(lines in proptest::collection::vec(lines(), 1..6), crlf in any::<bool>(), mutations in proptest::collection::vec(mutation(), 0..3)) {
        for line in &lines {
            taken(line);
        }
        let text = lines.concat();
        let text = if crlf { text.replace('\n', "\r\n") } else { text };
        taken(&text);
        taken(&mutated(&text, &mutations));
    }

    #[test]
    fn nested_frontmatter_is_read_alike(text in nested(), crlf in any::<bool>(), mutations in proptest::collection::vec(mutation(), 0..2)) {
        let text = if crlf { text.replace('\n', "\r\n") } else { text };
        taken(&text);
        taken(&mutated(&text, &mutations));
    }

    #[test]
    fn lists_of_mappings_with_a_mutation_are_read_alike(mutations in proptest::collection::vec(mutation(), 1..4)) {
        let text = "id: a-1\nowners:\n  - name: Ann Lee\n    email: a@x.org\n  - name: 'Bob'\nplace:\n  city: Bonn\n  map:\n    x: 1\nsources:\n- url: https://x.org/#a\n  at: 2024-01-01\nlast:\n";
        taken(&mutated(text, &mutations));
    }

    #[test]
    fn simple_frontmatter_with_a_mutation_is_read_alike(mutations in proptest::collection::vec(mutation(), 1..3)) {
        let text = "id: a-1\ntitle: 'Acme: x'  # why\nurl: https://x.org/#a\ntags: [one, \"two\"]\nowners:\n  - Ann Lee\n  - 'Bob'\nempty:\nlast: 2024-01-01\n";
        taken(&mutated(text, &mutations));
    }
}
