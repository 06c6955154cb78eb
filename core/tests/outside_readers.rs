//! What the codec writes is read alike by the YAML readers of others: gray-matter (js-yaml 3), js-yaml 4, yaml 2 and
//! PyYAML. They are installed by `make outside-readers` into the target folder, in pinned versions.

#![expect(clippy::unwrap_used, reason = "a reader that cannot be run must stop the test")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use lorebase::codec::{FieldEdit, edit_head, render_head};
use lorebase::knowledge::Format;
use serde_json::{Map, Value, json};

fn outside() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/outside")
}

/// Where the Makefile puts the readers.
fn installed() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("../outside-readers")
}

/// Documents with a string in every place, each with the fields that it must be read as.
fn documents(text: &str) -> Vec<(String, Value)> {
    let rendered = json!({"value": text, "list": [text, text], "deep": {"maps": [{"value": text, "list": [text]}]}});
    let mut documents = vec![(render_head(Format::Markdown, rendered.as_object().unwrap()), rendered)];
    let head = "---\nplain: x\nsingle: 'x'\ndouble: \"x\"\nempty:\nliteral: |\n  x\nfolded: >-\n  x\nflow: [x, 'x', {k: x}]\nblock:\n  - x\n  - 'x' # c\nlast: 1\n---\n";
    let new = json!({
        "plain": text, "single": text, "double": text, "empty": text, "literal": text, "folded": text,
        "flow": [text, text, {"k": text}], "block": [text, text], "last": 1
    });
    documents.push((edit(head, &new), new));
    let flow = json!({"m": {"k": [text], "l": {"v": text}}, "s": [[text], text]});
    documents.push((edit("---\n{m: {k: [], l: {v: 1}}, s: [[], 2]}\n---\n", &flow), flow));
    // As a key; this one means something else to objects of JavaScript.
    if text != "__proto__" {
        let mut key = Map::new();
        key.insert(text.to_owned(), json!("value"));
        let key = json!({"map": key, "list": [key]});
        documents.push((render_head(Format::Markdown, key.as_object().unwrap()), key));
    }
    documents
}

fn edit(head: &str, new: &Value) -> String {
    let edits: Vec<_> = new.as_object().unwrap().iter().map(|(key, value)| FieldEdit::Set(key.clone(), value.clone())).collect();
    edit_head(Format::Markdown, head, &edits).unwrap()
}

fn run(program: &Path, arguments: &[&Path], input: &str) -> Value {
    let how = "run `make outside-readers`, which needs npm (Node 20 or newer) and python3 with venv";
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{} cannot be run ({error}); {how}", program.display()));
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap_or_else(|error| panic!("{} has ended ({error}); {how}", program.display()));
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{} failed; {how}", program.display());
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn every_reader_reads_the_strings_that_were_written() {
    let strings: Vec<String> = serde_json::from_str(&std::fs::read_to_string(outside().join("strings.json")).unwrap()).unwrap();
    assert!(strings.len() >= 200, "strings are lost");
    let documents: Vec<_> = strings.iter().flat_map(|text| documents(text)).collect();
    let input = json!(documents.iter().map(|(text, _)| text).collect::<Vec<_>>()).to_string();
    assert!(
        installed().join("ready").exists(),
        "the readers are missing; run `make outside-readers`, which needs npm (Node 20 or newer) and python3 with venv"
    );

    let mut answers = run(Path::new("node"), &[&outside().join("read.mjs"), &installed()], &input);
    let mut python = run(&installed().join("venv/bin/python"), &[&outside().join("read.py")], &input);
    answers.as_object_mut().unwrap().append(python.as_object_mut().unwrap());

    let answers = answers.as_object().unwrap();
    assert_eq!(answers.keys().collect::<Vec<_>>(), ["gray-matter", "js-yaml", "yaml", "PyYAML"]);
    let mut misread = Vec::new();
    for (reader, values) in answers {
        let values = values.as_array().unwrap();
        assert_eq!(values.len(), documents.len());
        misread.extend(
            values
                .iter()
                .zip(&documents)
                .filter(|(value, (_, expected))| *value != expected)
                .map(|(value, (text, _))| format!("{reader} reads {text:?} as {value}")),
        );
    }
    assert!(misread.is_empty(), "{} of {} documents are misread:\n{}", misread.len(), documents.len() * answers.len(), misread.join("\n"));
}
