//! Holding fields to the JSON Schema of their kind. A schema is compiled once for many entities; the check itself
//! builds nothing, and only a violation makes the document be read again for its place. Nothing is ever fetched: a
//! schema that refers to another document is refused.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock, OnceLock};

use jsonschema::error::ValidationErrorKind;
use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

use super::fault::{Fault, line_and_column, source_line};
use super::json::entries_of;
use super::node::Node;
use super::place::{place, written};
use super::schema_message::message;
use super::{DecodedFile, fence, json_tree, settings_place, toml_tree, yaml};
use crate::knowledge::{Config, Content, Diagnostic, Fields, Format, Kind, KindName, Severity, built_in_schema};

/// How many violations of one entity are shown.
const MOST_SHOWN: usize = 20;

/// The JSON Schema of one kind, compiled.
#[derive(Debug)]
pub struct Schema {
    value: Value,
    validator: Validator,
}

impl Schema {
    /// Compiles the text of a schema file. Fields of `private` may be described but not required, because no file
    /// holds them. Patterns run in linear time.
    ///
    /// # Errors
    /// The [`Diagnostic`] at the place in `path` that is wrong: `schema.json` (no JSON), `schema.ref` (it refers to a
    /// document outside of itself, or to nothing), `schema.invalid` (no JSON Schema).
    pub fn parse(path: &str, text: &str, private: &[String]) -> Result<Self, Box<Diagnostic>> {
        let tree = json_tree::parse(text).map_err(|fault| Fault { code: "schema.json", ..fault }.into_error(path, text))?;
        let mut value: Value = serde_json::from_str(text)
            .map_err(|error| Fault::new("schema.json", 0, format!("{error}; correct it")).into_error(path, text))?;
        let written = value.clone();
        if let Some(required) = value.get_mut("required").and_then(Value::as_array_mut) {
            required.retain(|field| !field.as_str().is_some_and(|field| private.iter().any(|private| private == field)));
        }
        // The compiler is given whatever somebody pushed: even a panic of it is only a finding.
        let Ok(compiled) = catch_unwind(AssertUnwindSafe(|| compile(&value))) else {
            return Err(Fault::new("schema.invalid", 0, "the schema cannot be used; please report it").into_error(path, text));
        };
        match compiled {
            Ok(validator) => Ok(Self { value: written, validator }),
            Err(error) => Err(refusal(&value, &error, &tree).into_error(path, text)),
        }
    }

    /// The schema itself, for example to read the types of fields from it.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Whether the fields are as the schema wants them. They are lent to the check and come back as they were.
    fn accepts(&self, fields: &mut Fields) -> bool {
        let value = Value::Object(std::mem::take(fields));
        let accepted = self.validator.is_valid(&value);
        if let Value::Object(lent) = value {
            *fields = lent;
        }
        accepted
    }
}

fn compile(value: &Value) -> Result<Validator, Box<jsonschema::ValidationError<'static>>> {
    jsonschema::options().with_pattern_options(PatternOptions::regex()).offline().build(value).map_err(Box::new)
}

/// What is wrong with a schema that could not be compiled, at its place.
fn refusal(value: &Value, error: &jsonschema::ValidationError<'_>, tree: &Node<'_>) -> Fault {
    let steps: Vec<String> = error.instance_path().iter().map(|step| step.to_string()).collect();
    if !matches!(error.kind(), ValidationErrorKind::Referencing(_)) {
        let at = if steps.is_empty() { "the schema".to_owned() } else { format!("`{}`", written(&steps)) };
        return Fault::new("schema.invalid", place(tree, &steps).value, format!("{at} is not valid JSON Schema: {error}; correct it"));
    }
    let mut outside = Vec::new();
    match reference(value, &mut outside) {
        Some(to) => {
            let message = format!(
                "`{}` leads out of this file and nothing is ever fetched; write that schema in here, under `definitions`",
                to.escape_debug()
            );
            Fault::new("schema.ref", place(tree, &outside).value, message)
        }
        None => Fault::new("schema.ref", place(tree, &steps).value, format!("a reference leads nowhere: {error}; correct it")),
    }
}

/// The first `$ref` (or `$schema`) that leads out of the document, with the steps to it.
fn reference<'v>(value: &'v Value, steps: &mut Vec<String>) -> Option<&'v str> {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(map) => {
            for name in ["$ref", "$dynamicRef"] {
                if let Some(to) = map.get(name).and_then(Value::as_str).filter(|to| !to.starts_with('#')) {
                    steps.push(name.to_owned());
                    return Some(to);
                }
            }
            map.iter().map(|(name, inner)| (name.clone(), inner)).collect()
        }
        Value::Array(items) => items.iter().enumerate().map(|(index, inner)| (index.to_string(), inner)).collect(),
        _ => return None,
    };
    inner.into_iter().find_map(|(step, inner)| {
        steps.push(step);
        let found = reference(inner, steps);
        if found.is_none() {
            steps.pop();
        }
        found
    })
}

/// The built-in kinds' own schemas, each compiled once for the process and only when it is asked for.
static BUILT_IN: LazyLock<BTreeMap<KindName, OnceLock<Option<Schema>>>> =
    LazyLock::new(|| Config::built_in().kinds.into_iter().map(|kind| (kind.name, OnceLock::new())).collect());

fn built_in(kind: &KindName) -> Option<&'static Schema> {
    let compiled = || Schema::parse(kind.as_str(), built_in_schema(kind)?, &[]).ok();
    BUILT_IN.get(kind)?.get_or_init(compiled).as_ref()
}

/// One thing that a schema does not allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The field of the entity that it is about; empty when it is about all of them.
    pub field: String,
    /// What is wrong, where.
    pub finding: Diagnostic,
}

/// The schemas of all kinds of a repository, compiled. Cheap to clone.
///
/// ```
/// use std::collections::BTreeMap;
/// use lorebase::codec::{Schemas, decode_file};
/// use lorebase::knowledge::{Config, KnowledgePath};
///
/// let config = Config::built_in();
/// let (schemas, mistakes) = Schemas::of(&config, "", &BTreeMap::new(), &BTreeMap::new());
/// assert!(mistakes.is_empty());
///
/// let path = KnowledgePath::new("customers/acme.md")?;
/// let text = "---\nname: Acme\nemployeeCount: many\n---\n";
/// let kind = config.classify(&path).unwrap();
/// let mut file = decode_file(kind, "", &path, text.as_bytes());
/// schemas.check_file(kind, path.as_str(), text.as_bytes(), &mut file);
/// assert_eq!(file.diagnostics[0].code, "schema.type");
/// assert_eq!((file.diagnostics[0].line, file.diagnostics[0].column), (3, 16));
/// # Ok::<(), lorebase::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Schemas {
    /// The kinds' own ones; `None` for a kind that has none at all.
    own: BTreeMap<KindName, Option<Arc<Schema>>>,
    good: BTreeMap<String, String>,
}

impl Schemas {
    /// The schemas of a configuration: of `files` (by path: the text, or why there is none) where a kind names its own,
    /// else the built-in one, else none. `yaml` is the text of `lorebase.yaml`, for the places of mistakes.
    ///
    /// A schema that cannot be used is a [`Diagnostic`]; the text of `last_good` takes its place if there is one and it can
    /// be used, else the kind has no schema.
    pub fn of(
        config: &Config,
        yaml: &str,
        files: &BTreeMap<String, Result<String, String>>,
        last_good: &BTreeMap<String, String>,
    ) -> (Self, Vec<Diagnostic>) {
        let mut schemas = Self::default();
        let mut mistakes: Vec<Diagnostic> = Vec::new();
        for kind in &config.kinds {
            let Some(path) = &kind.schema else { continue };
            let parsed = match files.get(path) {
                Some(Ok(text)) => Schema::parse(path, text, &kind.private).map(|schema| (schema, text)),
                Some(Err(why)) => Err(settings_place(yaml, &kind.name, "schema", "schema.unreadable", why.clone())),
                None => {
                    let message = format!("the schema `{path}` does not exist; add it or take it out of {}", Config::FILE);
                    Err(settings_place(yaml, &kind.name, "schema", "schema.missing", message))
                }
            };
            let kept = || {
                let text = last_good.get(path)?;
                Some((Schema::parse(path, text, &kind.private).ok()?, text))
            };
            let usable = match parsed {
                Ok(usable) => Some(usable),
                Err(mistake) => {
                    if !mistakes.contains(&mistake) {
                        mistakes.push(*mistake);
                    }
                    kept()
                }
            };
            let schema = usable.map(|(schema, text)| {
                schemas.good.insert(path.clone(), text.clone());
                Arc::new(schema)
            });
            schemas.own.insert(kind.name.clone(), schema);
        }
        (schemas, mistakes)
    }

    /// The schemas of a configuration from the texts that were good before.
    pub fn kept(config: &Config, texts: &BTreeMap<String, String>) -> Self {
        let files = texts.iter().map(|(path, text)| (path.clone(), Ok(text.clone()))).collect();
        Self::of(config, "", &files, &BTreeMap::new()).0
    }

    /// The texts of the own schemas that are in use, by path.
    pub fn texts(&self) -> &BTreeMap<String, String> {
        &self.good
    }

    /// The schema of a kind.
    pub fn schema(&self, kind: &KindName) -> Option<&Schema> {
        match self.own.get(kind) {
            Some(own) => own.as_deref(),
            None => built_in(kind),
        }
    }

    /// Holds every entity of a file that was just decoded to the schema of its kind. Violations are added to the file's
    /// findings; where the kind is strict they are errors and the entity is taken out.
    pub fn check_file(&self, kind: &Kind, path: &str, bytes: &[u8], file: &mut DecodedFile) {
        let Some(schema) = self.schema(&kind.name) else { return };
        let refused: Vec<usize> = file
            .entities
            .iter_mut()
            .enumerate()
            .filter_map(|(index, entity)| (!schema.accepts(&mut entity.content.fields)).then_some(index))
            .collect();
        let (Ok(text), false) = (std::str::from_utf8(bytes), refused.is_empty()) else { return };
        for index in &refused {
            let content = &file.entities[*index].content;
            let found = violations(kind, schema, path, text, content, &content.fields);
            file.diagnostics.extend(found.into_iter().map(|violation| violation.finding));
        }
        file.diagnostics.sort_by_key(|finding| (finding.line, finding.column));
        if kind.strict {
            let mut index = 0;
            file.entities.retain(|_| {
                index += 1;
                !refused.contains(&(index - 1))
            });
        }
    }

    /// Holds one version of an entity and its private fields to the schema of its kind. Lines are counted from the
    /// head's first one.
    pub fn check(&self, kind: &Kind, content: &Content, private: &Fields) -> Vec<Violation> {
        let Some(schema) = self.schema(&kind.name) else { return Vec::new() };
        let mut fields = content.fields.clone();
        fields.extend(private.iter().map(|(name, value)| (name.clone(), value.clone())));
        if schema.accepts(&mut fields) {
            return Vec::new();
        }
        violations(kind, schema, &content.location.to_string(), &content.head, content, &fields)
    }

    /// The first violation that keeps a version from being taken: none where the kind is not strict.
    pub fn refusal(&self, kind: &Kind, content: &Content, private: &Fields) -> Option<Violation> {
        if kind.strict { self.check(kind, content, private).into_iter().next() } else { None }
    }
}

/// Every violation at its place in `text`, which is the entity's whole file or its head alone.
fn violations(kind: &Kind, schema: &Schema, path: &str, text: &str, content: &Content, fields: &Fields) -> Vec<Violation> {
    let severity = if kind.strict { Severity::Error } else { Severity::Warning };
    let value = Value::Object(fields.clone());
    let found: Vec<(Vec<String>, bool, String, String)> = schema
        .validator
        .iter_errors(&value)
        .take(MOST_SHOWN)
        .map(|error| {
            let mut steps: Vec<String> = error.instance_path().iter().map(|step| step.to_string()).collect();
            let code = format!("schema.{}", error.kind().keyword());
            let message = message(&written(&steps), error.kind(), error.instance(), &error.masked().to_string());
            let at_key = match error.kind() {
                ValidationErrorKind::Required { property } if steps.is_empty() => {
                    steps.extend(property.as_str().map(str::to_owned));
                    true
                }
                ValidationErrorKind::AdditionalProperties { unexpected } | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
                    steps.extend(unexpected.first().cloned());
                    true
                }
                ValidationErrorKind::Required { .. } | ValidationErrorKind::FalseSchema => true,
                _ => false,
            };
            (steps, at_key, code, message)
        })
        .collect();
    with_tree(kind.format, text, content, |tree, offset| {
        let show = |(steps, at_key, code, message): (Vec<String>, bool, String, String)| {
            let field = steps.first().cloned().unwrap_or_default();
            let finding = Diagnostic { severity, ..Diagnostic::error(path, &code, message) };
            let Some(tree) = tree else { return Violation { field, finding } };
            let place = place(tree, &steps);
            let at = offset + if at_key { place.key } else { place.value };
            let (line, column) = line_and_column(text, at);
            Violation { field, finding: finding.at(line, column, source_line(text, at)) }
        };
        found.into_iter().map(show).collect()
    })
}

/// An error about one field of an entity, at its value where `content` is a whole file (no entry of a JSON file).
pub fn field_finding(format: Format, content: &Content, field: &str, code: &str, message: String) -> Diagnostic {
    let finding = Diagnostic::error(content.location.path.as_str(), code, message);
    if content.location.entry.is_some() {
        return finding;
    }
    with_tree(format, &content.head, content, |tree, offset| {
        let Some(tree) = tree else { return finding };
        let at = offset + place(tree, &[field.to_owned()]).value;
        let (line, column) = line_and_column(&content.head, at);
        finding.at(line, column, source_line(&content.head, at))
    })
}

/// The tree of an entity's fields, and where the text that it counts from begins in `text`.
fn with_tree<T>(format: Format, text: &str, content: &Content, then: impl FnOnce(Option<&Node<'_>>, usize) -> T) -> T {
    match format {
        Format::Markdown | Format::Toml => {
            let Ok(Some(fences)) = fence::split(format, text) else { return then(None, 0) };
            let block = &text[fences.start..fences.end];
            let tree = if format == Format::Toml { toml_tree::parse(block).map(Some) } else { yaml::parse(block) };
            match tree {
                Ok(tree) => then(tree.as_ref(), fences.start),
                Err(_) => then(None, 0),
            }
        }
        Format::Json => {
            let Ok(tree) = json_tree::parse(text) else { return then(None, 0) };
            if text == content.head {
                return then(Some(&tree), 0);
            }
            let Ok(entries) = entries_of(&tree) else { return then(None, 0) };
            then(entries.into_iter().find(|entry| entry.key == content.location.entry).map(|entry| entry.value), 0)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn schema(value: &Value) -> Result<Schema, Box<Diagnostic>> {
        Schema::parse("s.json", &value.to_string(), &["secret".to_owned()])
    }

    fn accepts(schema: &Schema, fields: &Value) -> bool {
        let mut fields = fields.as_object().unwrap().clone();
        let before = fields.clone();
        let accepted = schema.accepts(&mut fields);
        assert_eq!(fields, before, "what is lent comes back");
        accepted
    }

    #[test]
    fn a_private_field_is_described_but_not_required() {
        let schema = schema(&json!({"required": ["a", "secret"], "properties": {"secret": {"type": "string"}}})).unwrap();
        assert!(accepts(&schema, &json!({"a": 1})) && !accepts(&schema, &json!({})));
        assert!(!accepts(&schema, &json!({"a": 1, "secret": 1})));
        assert_eq!(schema.value()["required"], json!(["a", "secret"]), "it is told as it is written");
    }

    #[test]
    fn schemas_may_refer_to_themselves_and_to_parts_of_their_own() {
        let list = json!({"definitions": {"n": {"type": "object", "properties": {"next": {"$ref": "#/definitions/n"}}}},
            "properties": {"n": {"$ref": "#/definitions/n"}}});
        let schema = schema(&list).unwrap();
        assert!(accepts(&schema, &json!({"n": {"next": {"next": {}}}})));
        assert!(!accepts(&schema, &json!({"n": {"next": {"next": 3}}})));
        let own = json!({"$id": "https://example.com/a", "definitions": {"x": {"type": "number"}},
            "properties": {"x": {"$ref": "https://example.com/a#/definitions/x"}}});
        assert!(!accepts(&Schema::parse("s.json", &own.to_string(), &[]).unwrap(), &json!({"x": "y"})));
    }

    #[test]
    fn patterns_run_in_linear_time() {
        let schema = schema(&json!({"properties": {"a": {"pattern": "^(a+)+$"}}})).unwrap();
        assert!(!accepts(&schema, &json!({"a": format!("{}!", "a".repeat(100_000))})));
    }

    #[test]
    fn no_value_of_a_field_is_repeated_in_what_is_said() {
        let rules = [
            json!({"enum": ["x"]}),
            json!({"pattern": "^x$"}),
            json!({"maxLength": 3}),
            json!({"type": "number"}),
            json!({"const": 1}),
            json!({"not": {}}),
            json!({"anyOf": [{"type": "null"}]}),
            json!({"format": "email"}),
            json!(false),
        ];
        for rule in rules {
            let text = json!({"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"a": rule}}).to_string();
            let schema = Schema::parse("s.json", &text, &[]).unwrap();
            let config = Config::built_in();
            let kind = config.kind(&"skill".into()).unwrap();
            let head = "---\na: 4711secret\n---\n";
            let location = kind.location(&"x".into()).unwrap();
            let content = super::super::decode_content(kind, "", &location, head, "").unwrap().0.content;
            let found = violations(kind, &schema, "p", head, &content, &content.fields);
            assert_eq!(found.len(), 1, "{text}");
            let Violation { field, finding } = &found[0];
            assert!(field == "a" && !finding.message.contains("4711") && finding.line == 2, "{finding}");
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let words = [
            "type",
            "properties",
            "$ref",
            "#",
            "#/properties/a",
            "items",
            "enum",
            "pattern",
            "(",
            "string",
            "required",
            "anyOf",
            "not",
            "$defs",
            "$id",
            "http://x",
            "$schema",
            "a",
            "number",
            "allOf",
            "minimum",
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            proptest::sample::select(words.to_vec()).prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 24, 4, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::vec((proptest::sample::select(words.to_vec()), inner), 0..5)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn anything_is_a_schema_or_a_finding_at_a_place(schema in any_json(), fields in any_json()) {
            match Schema::parse("s.json", &schema.to_string(), &[]) {
                Ok(schema) => {
                    if let Value::Object(mut fields) = fields {
                        schema.accepts(&mut fields);
                    }
                }
                Err(finding) => {
                    prop_assert!(finding.line == 1 && finding.column >= 1, "{finding}");
                    prop_assert!(["schema.invalid", "schema.ref"].contains(&finding.code.as_str()), "{finding}");
                }
            }
        }

        #[test]
        fn no_text_makes_the_reader_of_schemas_panic(text in "[\\[\\]{}\":, a$#0-9\\\\]{0,60}") {
            if let Err(finding) = Schema::parse("s.json", &text, &[]) {
                prop_assert!(finding.code.starts_with("schema."), "{finding}");
            }
        }
    }
}
