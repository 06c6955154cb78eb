//! Any bytes as a Markdown file: an entity of the same bytes, which is decoded again alike, or a diagnostic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lorebase::codec::{decode_content, decode_file, render_head};
use lorebase::knowledge::{Config, Format, KnowledgePath, Location};

fuzz_target!(|bytes: &[u8]| {
    let Some(mut kind) = Config::built_in().kinds.into_iter().find(|kind| kind.name.as_str() == "skill") else { return };
    let Ok(path) = KnowledgePath::new("skills/a.md") else { return };
    for format in [Format::Markdown, Format::Toml] {
        kind.format = format;
        let file = decode_file(&kind, "", &path, bytes);
        let Some(entity) = file.entities.first() else {
            assert!(!file.diagnostics.is_empty());
            continue;
        };
        let content = &entity.content;
        assert_eq!([content.head.as_bytes(), content.body.as_bytes()].concat(), bytes);
        let again = decode_content(&kind, "", &Location::file(path.clone()), &content.head, &content.body);
        assert_eq!(&again.expect("it was decoded before").0, entity);
        // Aliases can make more of a small text than may be written out.
        let head = render_head(format, &content.fields);
        if let Ok((rendered, _)) = decode_content(&kind, "", &Location::file(path.clone()), &head, "") {
            assert_eq!(rendered.content.fields, content.fields);
        } else {
            assert!(head.len() > 200 * 1024 || content.head.contains('*') || content.fields.keys().any(|key| key.len() > 900));
        }
    }
});
