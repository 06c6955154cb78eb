//! The JSON Schemas of the built-in kinds: which fields they have and of which types. They are lenient: nothing is
//! required, null stands for nothing, and fields that they do not know are kept.

use super::KindName;

/// The JSON Schema of a built-in kind's entities (of one entry, for a kind whose entities share a JSON file), as
/// written; `None` for every other kind.
///
/// ```
/// use lorebase::knowledge::built_in_schema;
///
/// assert!(built_in_schema(&"customer".into()).unwrap().contains("salesforceId"));
/// assert!(built_in_schema(&"playbook".into()).is_none());
/// ```
pub fn built_in_schema(kind: &KindName) -> Option<&'static str> {
    Some(match kind.as_str() {
        "skill" => include_str!("schemas/skill.json"),
        "customer" => include_str!("schemas/customer.json"),
        "system_prompt" => include_str!("schemas/system_prompt.json"),
        "prompt_block" => include_str!("schemas/prompt_block.json"),
        "template" => include_str!("schemas/template.json"),
        "document" => include_str!("schemas/document.json"),
        "category" => include_str!("schemas/category.json"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::knowledge::Config;

    fn schema(kind: &KindName) -> Value {
        serde_json::from_str(built_in_schema(kind).unwrap()).unwrap()
    }

    #[test]
    fn every_built_in_kind_has_a_schema_that_says_what_its_fields_are_for() {
        for kind in Config::built_in().kinds {
            let schema = schema(&kind.name);
            assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#", "{}", kind.name);
            assert!(schema["title"].is_string() && schema["description"].is_string(), "{}", kind.name);
            assert!(schema.get("required").is_none() && schema["additionalProperties"] == true, "{}", kind.name);
            for (field, about) in schema["properties"].as_object().unwrap() {
                assert!(about["description"].as_str().is_some_and(|text| text.ends_with('.')), "{}: {field}", kind.name);
            }
        }
    }

    #[test]
    fn every_field_with_a_rule_is_in_the_schema() {
        for kind in Config::built_in().kinds {
            let schema = schema(&kind.name);
            let named = kind.lists.keys().chain(&kind.unique).chain(kind.derived.keys()).chain(&kind.title_fields);
            for field in named.filter(|field| !(kind.name.as_str() == "skill" || kind.name.as_str() == "document") || *field != "name") {
                assert!(schema["properties"].get(field).is_some(), "{}: {field}", kind.name);
            }
        }
    }
}
