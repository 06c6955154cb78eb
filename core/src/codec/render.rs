//! New documents, written so that every common YAML reader reads the same values.

use serde_json::Value;

use super::edit_toml;
use super::write::{self, JsonLayout, Layout};
use crate::knowledge::{Fields, Format};

/// The frontmatter block with its fences (empty for no fields), or the JSON text of an entry. Decoding it gives the
/// same fields, as long as they keep within the limits of frontmatter (256 KiB, 64 levels, keys of 1,000 characters,
/// no NUL): decode the result before it is kept. TOML has no null and no integers past 63 bits: such values are left
/// out.
///
/// ```
/// use lorebase::codec::render_head;
/// use lorebase::knowledge::Format;
///
/// let fields = serde_json::json!({"title": "Acme: a profile", "tags": ["a", "no"], "since": "2024-01-01"});
/// let head = render_head(Format::Markdown, fields.as_object().unwrap());
/// assert_eq!(head, "---\ntitle: \"Acme: a profile\"\ntags:\n  - a\n  - \"no\"\nsince: \"2024-01-01\"\n---\n");
/// ```
pub fn render_head(format: Format, fields: &Fields) -> String {
    match format {
        Format::Json => write::json(&Value::Object(fields.clone()), "", &JsonLayout::default()),
        Format::Markdown | Format::Toml if fields.is_empty() => String::new(),
        Format::Toml => {
            // What TOML cannot say is left out; a null says nothing.
            let text = edit_toml::render(&edit_toml::sayable(fields)).unwrap_or_default();
            format!("+++\n{text}+++\n")
        }
        Format::Markdown => {
            let mut out = String::from("---\n");
            write::entries(&mut out, fields, "", &Layout::default());
            out.push_str("---\n");
            out
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn markdown(value: &Value) -> String {
        render_head(Format::Markdown, value.as_object().unwrap())
    }

    #[test]
    fn nested_values_are_written_in_block_style() {
        let value = json!({
            "owners": [{"name": "Ann", "mail": "ann@x.org"}, {}, []],
            "matrix": [[1, 2], [3]],
            "billing": {"city": "Bern", "tags": [], "geo": {"lat": 46.9}},
            "none": null,
            "a: b": true,
        });
        let expected = "---\nowners:\n  - name: Ann\n    mail: ann@x.org\n  - {}\n  - []\nmatrix:\n  - - 1\n    - 2\n  - - 3\nbilling:\n  city: Bern\n  tags: []\n  geo:\n    lat: 46.9\nnone: null\n\"a: b\": true\n---\n";
        assert_eq!(markdown(&value), expected);
    }

    #[test]
    fn no_fields_need_no_frontmatter() {
        assert_eq!(markdown(&json!({})), "");
        assert_eq!(render_head(Format::Json, &Fields::new()), "{}");
    }

    #[test]
    fn an_entry_is_an_object_over_several_lines() {
        let value = json!({"name": "A", "tags": ["x"], "none": {}});
        let text = render_head(Format::Json, value.as_object().unwrap());
        assert_eq!(text, "{\n  \"name\": \"A\",\n  \"tags\": [\n    \"x\"\n  ],\n  \"none\": {}\n}");
    }
}
