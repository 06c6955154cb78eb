//! Walks the golden cases under `tests/vectors/codec`: what files say, what edits do to their bytes, and how entries
//! of JSON files are put and removed. Every case that fails is listed, not only the first.

#![expect(clippy::unwrap_used, reason = "a vector of the wrong shape must stop the test")]

use lorebase::codec::{Decoded, FieldEdit, FieldPath, decode_content, decode_file, edit_head, put_entry, remove_entry};
use lorebase::knowledge::{ConflictPolicy, Diagnostic, EntityId, Format, Kind, KnowledgePath, Location, Naming, Severity};
use serde_json::{Value, json};

fn cases(file: &str) -> Vec<Value> {
    let path = format!("{}/tests/vectors/codec/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap()
}

/// Runs every case and shows all that differ.
fn check(file: &str, least: usize, run: impl Fn(&Value) -> Result<(), String>) {
    let cases = cases(file);
    assert!(cases.len() >= least, "{file} has lost cases: {} of {least}", cases.len());
    let failures: Vec<_> =
        cases.iter().filter_map(|case| run(case).err().map(|failure| format!("{}: {failure}", case["name"].as_str().unwrap()))).collect();
    assert!(failures.is_empty(), "{} of {} cases of {file} fail:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

fn equal(what: &str, actual: &Value, expected: &Value) -> Result<(), String> {
    if actual == expected { Ok(()) } else { Err(format!("{what}\n  is       {actual}\n  expected {expected}")) }
}

fn kind(case: &Value) -> Kind {
    Kind {
        name: "note".into(),
        folder: "kb/notes".to_owned(),
        glob: "**/*.md".to_owned(),
        format: format(case),
        naming: Naming::Slug,
        title_fields: vec!["title".to_owned(), "name".to_owned()],
        workflow: case["name"].as_str().unwrap().contains("status"),
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

fn format(case: &Value) -> Format {
    case.get("format").map_or(Format::Markdown, |format| serde_json::from_value(format.clone()).unwrap())
}

fn bytes(case: &Value) -> Vec<u8> {
    if let Some(text) = case["input"].as_str() {
        return text.as_bytes().to_vec();
    }
    let hex = case["hex"].as_str().unwrap();
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn place(diagnostic: &Diagnostic) -> Value {
    json!({"code": diagnostic.code, "line": diagnostic.line, "column": diagnostic.column})
}

#[test]
fn files_decode_to_the_values_of_the_vectors() {
    check("decode.json", 80, |case| {
        let (kind, bytes) = (kind(case), bytes(case));
        let path = KnowledgePath::new("kb/notes/in/case.md").unwrap();
        let file = decode_file(&kind, "kb", &path, &bytes);
        if let Some(expected) = case.get("error") {
            let [diagnostic] = file.diagnostics.as_slice() else { return Err(format!("gave {file:?}")) };
            if !file.entities.is_empty() || diagnostic.severity != Severity::Error || diagnostic.path != path.as_str() {
                return Err(format!("gave {file:?}"));
            }
            return equal("error", &place(diagnostic), expected);
        }
        let [entity] = file.entities.as_slice() else { return Err(format!("gave {file:?}")) };
        let warnings: Vec<_> = file.diagnostics.iter().map(place).collect();
        equal("warnings", &json!(warnings), &json!(case.get("warning").into_iter().collect::<Vec<_>>()))?;
        matches(case, entity, &bytes)?;
        let content = &entity.content;
        let (again, _) =
            decode_content(&kind, "kb", &Location::file(path), &content.head, &content.body).map_err(|error| error.to_string())?;
        if again == *entity { Ok(()) } else { Err(format!("decoded again\n  is       {again:?}\n  expected {entity:?}")) }
    });
}

fn matches(case: &Value, entity: &Decoded, bytes: &[u8]) -> Result<(), String> {
    let content = &entity.content;
    if format!("{}{}", content.head, content.body).as_bytes() != bytes {
        return Err("head and body are not the bytes of the file".to_owned());
    }
    equal("fields", &json!(content.fields), &case["fields"])?;
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    equal("order", &json!(keys(&json!(content.fields))), &json!(keys(&case["fields"])))?;
    equal("slug", &json!(content.slug), &json!("in/case"))?;
    for (what, actual) in
        [("head", json!(content.head)), ("body", json!(content.body)), ("title", json!(content.title)), ("status", json!(content.status))]
    {
        if let Some(expected) = case.get(what) {
            equal(what, &actual, expected)?;
        }
    }
    let derived = EntityId::derived(&"note".into(), &Location::file(KnowledgePath::new("notes/in/case.md").unwrap()));
    let expected = case["id"].as_str().map_or((derived, false), |id| (EntityId::new(id), true));
    equal("id", &json!([entity.id, entity.explicit_id]), &json!([expected.0, expected.1]))
}

#[test]
fn edits_change_the_bytes_of_the_vectors_and_no_others() {
    check("edit.json", 80, |case| {
        let format = format(case);
        let mut head = Ok(case["head"].as_str().unwrap().to_owned());
        for edit in case["edits"].as_array().unwrap().chunk_by(|a, b| a.get("path").is_none() && b.get("path").is_none()) {
            head = head.and_then(|head| edit_head(format, &head, &edits(case, &head, edit)?));
        }
        outcome(head, case)
    });
}

/// Edits of whole fields as they are, or one edit by a path.
fn edits(case: &Value, head: &str, edits: &[Value]) -> lorebase::Result<Vec<FieldEdit>> {
    let Some(path) = edits[0]["path"].as_str() else {
        return Ok(edits.iter().map(whole_field).collect());
    };
    let (path, fields): (FieldPath, _) = (path.parse()?, fields(case, head));
    match &edits[0] {
        edit if edit.get("unset").is_some() => Ok(vec![path.unset(&fields)?]),
        edit if edit.get("rename").is_some() => path.rename(&fields, edit["rename"].as_str().unwrap()),
        edit => Ok(vec![path.set(&fields, edit["value"].clone())?]),
    }
}

fn fields(case: &Value, head: &str) -> serde_json::Map<String, Value> {
    if case["format"] == "json" {
        return serde_json::from_str(head).unwrap();
    }
    let location = Location::file(KnowledgePath::new("kb/notes/in/case.md").unwrap());
    decode_content(&kind(case), "kb", &location, head, "").unwrap().0.content.fields
}

fn whole_field(edit: &Value) -> FieldEdit {
    match edit["set"].as_str() {
        Some(key) => FieldEdit::Set(key.to_owned(), edit["value"].clone()),
        None => FieldEdit::Unset(edit["unset"].as_str().unwrap().to_owned()),
    }
}

fn outcome(result: lorebase::Result<String>, case: &Value) -> Result<(), String> {
    match (result, case.get("error")) {
        (Ok(text), None) => equal("output", &json!(text), &case["output"]),
        (Err(error), Some(expected)) => {
            equal("error", &json!(error.kind().code()), expected)?;
            let reason = case["reason"].as_str().unwrap_or_default();
            if error.message().contains(reason) { Ok(()) } else { Err(format!("says {error} instead of {reason}")) }
        }
        (Ok(text), Some(expected)) => Err(format!("gave {text:?} instead of {expected}")),
        (Err(error), None) => Err(format!("gave the error: {error}")),
    }
}

#[test]
fn entries_of_json_files_are_put_and_removed_as_in_the_vectors() {
    check("entries.json", 25, |case| {
        let result = match case["put"].as_str() {
            Some(key) => put_entry(case["file"].as_str(), key, case["entry"].as_str().unwrap()),
            None => remove_entry(case["file"].as_str().unwrap(), case["remove"].as_str().unwrap()),
        };
        outcome(result, case)
    });
}
