//! Walks the golden cases under `tests/vectors/merge`: three versions of a document's fields or body and what their
//! merge must be, or what it must leave to a person. Every case that fails is listed.

#![expect(clippy::unwrap_used, reason = "a vector of the wrong shape must stop the test")]

use lorebase::codec::{decode_file, parse_settings};
use lorebase::knowledge::{Config, Content, KindName, KnowledgePath};
use lorebase::sync::{Choices, MergeConflict, merge_choosing};
use serde_json::{Value, json};

const SETTINGS: &str = "kinds:
  note:
    folder: notes
    lists:
      tags: set
      owners: {keyed: email}
      steps: sequence
      meta.codes: set
      docs: {keyed: id}
      docs.tags: set
    derived: {updated: updated}
";

fn config() -> Config {
    parse_settings(SETTINGS).unwrap()
}

fn content(config: &Config, text: &str) -> Content {
    let kind = config.kind(&KindName::from("note")).unwrap();
    let mut decoded = decode_file(kind, &config.root, &KnowledgePath::new("notes/one.md").unwrap(), text.as_bytes());
    assert!(decoded.diagnostics.is_empty(), "{text}: {:?}", decoded.diagnostics);
    decoded.entities.pop().unwrap().content
}

fn run(config: &Config, case: &Value, whole: impl Fn(&str) -> String) -> Result<String, MergeConflict> {
    let kind = config.kind(&KindName::from("note")).unwrap();
    let version = |side: &str| case[side].as_str().map(|text| content(config, &whole(text)));
    let (base, ours, theirs) = (version("base"), version("ours").unwrap(), version("theirs").unwrap());
    let mut choices = Choices::default();
    if let Some(given) = case.get("choices") {
        choices.rest = given.get("rest").map(|side| serde_json::from_value(side.clone()).unwrap());
        choices.fields = given.get("fields").map(|fields| serde_json::from_value(fields.clone()).unwrap()).unwrap_or_default();
        choices.hunks = given.get("hunks").map(|hunks| serde_json::from_value(hunks.clone()).unwrap()).unwrap_or_default();
    }
    merge_choosing(kind, &config.root, base.as_ref(), &ours, &theirs, &choices).map(|merged| format!("{}{}", merged.head, merged.body))
}

fn check(
    file: &str,
    least: usize,
    whole: impl Fn(&str) -> String + Copy,
    expected: impl Fn(&Value) -> Value,
    found: impl Fn(MergeConflict) -> Value,
) {
    let path = format!("{}/tests/vectors/merge/{file}", env!("CARGO_MANIFEST_DIR"));
    let cases: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(cases.len() >= least, "{file} has lost cases: {} of {least}", cases.len());
    let config = config();
    let mut failures = Vec::new();
    for case in &cases {
        let wanted = case.get("merged").map_or_else(|| expected(case), |merged| json!(whole(merged.as_str().unwrap())));
        let is = run(&config, case, whole).map_or_else(&found, |text| json!(text));
        if is != wanted {
            failures.push(format!("{}\n  is       {is}\n  expected {wanted}", case["name"].as_str().unwrap()));
        }
    }
    assert!(failures.is_empty(), "{} of {} cases of {file} fail:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

#[test]
fn fields_merge_as_the_golden_cases_say() {
    check(
        "fields.json",
        85,
        str::to_owned,
        |case| json!([case["conflicts"], case["hunks"]]),
        |conflict| json!([conflict.names(), conflict.hunks.len()]),
    );
}

#[test]
fn bodies_merge_as_the_golden_cases_say() {
    let whole = |body: &str| format!("---\ntitle: A\n---\n{body}");
    check("bodies.json", 28, whole, |case| case["hunks"].clone(), |conflict| json!(conflict.hunks));
}
