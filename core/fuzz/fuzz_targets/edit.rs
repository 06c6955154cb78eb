//! Edits of any frontmatter: the old fields with the edit, or refused. The first line names the field, the second is
//! its new value as JSON; the rest is the frontmatter.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lorebase::codec::{FieldEdit, FieldPath, decode_content, edit_head};
use lorebase::knowledge::{Config, Fields, Format, KnowledgePath, Location};
use serde_json::Value;

fn fields(format: Format, head: &str) -> Option<Fields> {
    let mut kind = Config::built_in().kinds.into_iter().find(|kind| kind.name.as_str() == "document")?;
    kind.format = format;
    let location = Location::file(KnowledgePath::new("documents/a.md").ok()?);
    Some(decode_content(&kind, "", &location, head, "").ok()?.0.content.fields)
}

fuzz_target!(|text: &str| {
    let mut parts = text.splitn(3, '\n');
    let (Some(name), Some(value), Some(inner)) = (parts.next(), parts.next(), parts.next()) else { return };
    let value: Value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
    for (format, fence) in [(Format::Markdown, "---"), (Format::Toml, "+++")] {
        let head = format!("{fence}\n{inner}\n{fence}\n");
        let Some(old) = fields(format, &head) else { continue };
        assert_eq!(edit_head(format, &head, &[]).expect("nothing is edited"), head);
        let mut edits = vec![FieldEdit::Set(name.to_owned(), value.clone()), FieldEdit::Unset(name.to_owned())];
        if let Ok(path) = name.parse::<FieldPath>() {
            edits.extend(path.set(&old, value.clone()));
            edits.extend(path.unset(&old));
        }
        for edit in edits {
            let Ok(edited) = edit_head(format, &head, std::slice::from_ref(&edit)) else { continue };
            let mut expected = old.clone();
            match edit {
                FieldEdit::Set(key, value) => _ = expected.insert(key, value),
                FieldEdit::Unset(key) => _ = expected.shift_remove(&key),
            }
            assert_eq!(fields(format, &edited), Some(expected), "{head:?} became {edited:?}");
        }
    }
});
