//! Frontmatter written by hand, the way people write it, beside what it says. Every style is one that YAML 1.1 and
//! YAML 1.2 read alike once dates are left as texts.

use std::fmt::Write;

use lorebase::knowledge::Fields;
use serde_json::{Value, json};

/// A frontmatter block that grows field by field.
pub(crate) struct Head {
    text: String,
    fields: Fields,
}

impl Head {
    pub(crate) fn new() -> Self {
        Self { text: "---\n".to_owned(), fields: Fields::new() }
    }

    /// A text without quotes; it must be one that needs none.
    pub(crate) fn plain(&mut self, name: &str, value: &str) {
        let _ = writeln!(self.text, "{name}: {value}");
        self.fields.insert(name.to_owned(), json!(value));
    }

    /// A text in double quotes; JSON's escapes are YAML's.
    pub(crate) fn double(&mut self, name: &str, value: &str) {
        let _ = writeln!(self.text, "{name}: {}", json!(value));
        self.fields.insert(name.to_owned(), json!(value));
    }

    /// A text in single quotes.
    pub(crate) fn single(&mut self, name: &str, value: &str) {
        let _ = writeln!(self.text, "{name}: '{}'", value.replace('\'', "''"));
        self.fields.insert(name.to_owned(), json!(value));
    }

    /// A number or a flag.
    pub(crate) fn value(&mut self, name: &str, value: impl Into<Value>) {
        let value = value.into();
        let _ = writeln!(self.text, "{name}: {value}");
        self.fields.insert(name.to_owned(), value);
    }

    /// `[a, b]`.
    pub(crate) fn flow(&mut self, name: &str, items: &[&str]) {
        let _ = writeln!(self.text, "{name}: [{}]", items.join(", "));
        self.fields.insert(name.to_owned(), json!(items));
    }

    /// One item a line.
    pub(crate) fn block(&mut self, name: &str, items: &[&str]) {
        let _ = writeln!(self.text, "{name}:");
        for item in items {
            let _ = writeln!(self.text, "  - {item}");
        }
        self.fields.insert(name.to_owned(), json!(items));
    }

    /// A list of mappings of texts that need no quotes.
    pub(crate) fn nested(&mut self, name: &str, items: &[Vec<(&str, String)>]) {
        let _ = writeln!(self.text, "{name}:");
        let mut values = Vec::new();
        for item in items {
            let mut mapping = Fields::new();
            for (at, (key, value)) in item.iter().enumerate() {
                let _ = writeln!(self.text, "  {} {key}: {value}", if at == 0 { '-' } else { ' ' });
                mapping.insert((*key).to_owned(), json!(value));
            }
            values.push(Value::Object(mapping));
        }
        self.fields.insert(name.to_owned(), Value::Array(values));
    }

    /// A line that says nothing to a program.
    pub(crate) fn comment(&mut self, text: &str) {
        let _ = writeln!(self.text, "# {text}");
    }

    /// The block with its fences, and the fields.
    pub(crate) fn finish(mut self) -> (String, Fields) {
        self.text.push_str("---\n");
        (self.text, self.fields)
    }
}
