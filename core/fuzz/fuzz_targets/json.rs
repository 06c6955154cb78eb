//! Any text as a JSON file of entries: read as `serde_json` reads it, and entries come and go without harm to others.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lorebase::codec::{FieldEdit, decode_file, edit_head, put_entry, remove_entry};
use lorebase::knowledge::{Config, Format, KnowledgePath};

fuzz_target!(|text: &str| {
    let Some(kind) = Config::built_in().kinds.into_iter().find(|kind| kind.format == Format::Json) else { return };
    let Ok(path) = KnowledgePath::new("categories/metadata.json") else { return };
    let entities = |text: &str| decode_file(&kind, "", &path, text.as_bytes()).entities;
    let before = entities(text);
    if !before.is_empty() {
        let read = serde_json::from_str::<serde_json::Value>(text.trim_start_matches('\u{feff}'));
        // A number that cannot be held stays a text here.
        assert!(read.is_ok() || read.is_err_and(|error| error.to_string().starts_with("number out of range")));
    }
    for entity in &before {
        let Some(key) = &entity.content.location.entry else { continue };
        let edit = FieldEdit::Set("edited".to_owned(), "x".into());
        let Ok(head) = edit_head(Format::Json, &entity.content.head, &[edit]) else { continue };
        let Ok(file) = put_entry(Some(text), key, &head) else { continue };
        let after = entities(&file);
        assert_eq!(after.len(), before.len());
        for (old, new) in before.iter().zip(&after) {
            if old.content.location == entity.content.location {
                assert_eq!(new.content.fields["edited"], "x");
            } else {
                assert_eq!(old.content, new.content);
            }
        }
        let Ok(file) = remove_entry(text, key) else { continue };
        assert_eq!(entities(&file).len(), before.len() - 1);
    }
});
