//! From one file of a kind to its entities. A file that cannot be understood is a diagnostic, never a panic and
//! never somebody else's problem.

use std::collections::HashSet;

use super::describe::{Description, Said};
use super::fault::Fault;
use super::json::entries_of;
use super::node::{Data, Names, Node};
use super::{fast_path, fence, json_tree, node, toml_tree, yaml};
use crate::knowledge::{Content, Diagnostic, EntityId, Fields, Format, Kind, KnowledgePath, Location};

/// The largest file that is read, in bytes.
const LARGEST_FILE: usize = 16 * 1024 * 1024;

/// One entity as a file gives it.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// The id; derived from the place where the file gives none.
    pub id: EntityId,
    /// Whether the file gives the id itself (a derived id, or a file stem, changes when the file moves).
    pub explicit_id: bool,
    /// Its bytes and what they say.
    pub content: Content,
}

/// All entities of one file and everything to say about it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DecodedFile {
    /// The entities: one for a Markdown file, one per entry for a JSON file; none when the file is broken.
    pub entities: Vec<Decoded>,
    /// Errors and warnings.
    pub diagnostics: Vec<Diagnostic>,
}

/// Decodes one file of `kind`. `root` is the configuration's root folder (ids are derived from the path below it).
///
/// A file of more than 16 MiB, one that is not UTF-8 and one that holds the character NUL are refused as a whole. An
/// entry of a JSON file that cannot be understood is a diagnostic, and the other entries are given.
pub fn decode_file(kind: &Kind, root: &str, path: &KnowledgePath, bytes: &[u8]) -> DecodedFile {
    let text = match text_of(path, bytes) {
        Ok(text) => text,
        Err(diagnostic) => return DecodedFile { entities: Vec::new(), diagnostics: vec![*diagnostic] },
    };
    match kind.format {
        Format::Markdown | Format::Toml => decode_markdown_file(kind, root, path, text),
        Format::Json => decode_json_file(kind, root, path, text),
    }
}

/// Decodes the two parts of one entity at a place: what [`decode_file`] does for a file, for bytes that were just
/// edited or rendered. Returns warnings beside the entity. Lines are counted from the head's first one.
///
/// A body without a head must not begin like frontmatter: the file would be read as something else. Where the head
/// ends without a line end and the body gives it, that line end is counted to the head, as in the file.
///
/// # Errors
/// The [`Diagnostic`] that refuses the bytes.
pub fn decode_content(
    kind: &Kind,
    root: &str,
    location: &Location,
    head: &str,
    body: &str,
) -> Result<(Decoded, Vec<Diagnostic>), Box<Diagnostic>> {
    let path = location.to_string();
    if head.len() + body.len() > LARGEST_FILE {
        return Err(too_large(&path));
    }
    if let Some(at) = head.find('\0').or_else(|| body.find('\0').map(|at| head.len() + at)) {
        return Err(nul(at).into_error(&path, &format!("{head}{body}")));
    }
    let document = match kind.format {
        format @ (Format::Markdown | Format::Toml) => {
            let (head, body) = match fence::split(format, head).map_err(|fault| fault.into_error(&path, head))? {
                None if head.is_empty() => {
                    if fence::split(format, body) != Ok(None) {
                        let message =
                            "the text begins like frontmatter; put a blank line or a heading above its first line, or set a field";
                        return Err(Fault::new("fence.body", 0, message).into_error(&path, body));
                    }
                    (head, body)
                }
                Some(fences) if fences.body == head.len() && (head.ends_with('\n') || body.is_empty()) => (head, body),
                Some(fences) if fences.body == head.len() => {
                    let line_end = if body.starts_with("\r\n") { 2 } else { usize::from(body.starts_with('\n')) };
                    if line_end == 0 {
                        let message = "the text runs into the fence that closes the frontmatter; begin it with a line end";
                        return Err(Fault::new("fence.body", head.len(), message).into_error(&path, head));
                    }
                    let head = format!("{head}{}", &body[..line_end]);
                    return decode_document(kind, root, location, &path, &Document::markdown(&head, &body[line_end..]));
                }
                _ => {
                    let message = "the head holds more than one frontmatter block; move the rest to the body";
                    return Err(Fault::new("fence.head", 0, message).into_error(&path, head));
                }
            };
            Document::markdown(head, body)
        }
        Format::Json if body.is_empty() => Document { file: head, offset: 0, head, body },
        Format::Json => {
            let message = "an entry of a JSON file has no text beside its fields; remove the body";
            return Err(Box::new(Diagnostic::error(path, "json.body", message)));
        }
    };
    decode_document(kind, root, location, &path, &document)
}

/// One entity's bytes within the file that diagnostics show.
struct Document<'a> {
    file: &'a str,
    /// Where the head begins in `file`.
    offset: usize,
    head: &'a str,
    body: &'a str,
}

impl<'a> Document<'a> {
    fn markdown(head: &'a str, body: &'a str) -> Self {
        Self { file: head, offset: 0, head, body }
    }
}

fn decode_document(
    kind: &Kind,
    root: &str,
    location: &Location,
    path: &str,
    document: &Document<'_>,
) -> Result<(Decoded, Vec<Diagnostic>), Box<Diagnostic>> {
    match kind.format {
        format @ (Format::Markdown | Format::Toml) => {
            let fences = fence::split(format, document.head).map_err(|fault| fault.into_error(path, document.file))?;
            let (text, offset) = fences.map_or(("", 0), |fences| (&document.head[fences.start..fences.end], fences.start));
            let fault = |fault: Fault| fault.shifted(offset).into_error(path, document.file);
            if format == Format::Toml {
                let tree = toml_tree::parse(text).map_err(fault)?;
                return described(kind, root, location, path, document, Read::of(Some(&tree), text, offset, &node::TOML));
            }
            if let Some((fields, said)) = fast_path::values(text) {
                return described(kind, root, location, path, document, Read { fields: Ok(fields), said, offset });
            }
            let tree = yaml::parse(text).map_err(fault)?;
            described(kind, root, location, path, document, Read::of(tree.as_ref(), text, offset, &node::YAML))
        }
        Format::Json => {
            let offset = document.offset;
            let tree = json_tree::parse(document.head).map_err(|fault| fault.shifted(offset).into_error(path, document.file))?;
            described(kind, root, location, path, document, Read::of(Some(&tree), document.head, offset, &node::JSON))
        }
    }
}

/// What was read of a document's fields.
struct Read<'t> {
    fields: Result<Fields, Fault>,
    said: Vec<Said<'t>>,
    /// Where the text that was read begins in the file.
    offset: usize,
}

impl<'t> Read<'t> {
    fn of(tree: Option<&'t Node<'t>>, text: &str, offset: usize, names: &'static Names) -> Self {
        let fields = tree.map_or_else(|| Ok(Fields::new()), |tree| node::fields(tree, text, names));
        Self { fields, said: tree.map_or_else(Vec::new, Said::of), offset }
    }
}

fn described(
    kind: &Kind,
    root: &str,
    location: &Location,
    path: &str,
    document: &Document<'_>,
    read: Read<'_>,
) -> Result<(Decoded, Vec<Diagnostic>), Box<Diagnostic>> {
    let show = |fault: Fault| fault.shifted(read.offset).into_error(path, document.file);
    let fields = read.fields.map_err(show)?;
    let mut description = Description { kind, location, said: &read.said, warnings: Vec::new() };
    if let Some(fault) = description.private() {
        return Err(show(fault));
    }
    let identity = description.identity(root);
    let content = Content {
        slug: description.slug(),
        location: location.clone(),
        title: description.title(document.body),
        status: description.status(),
        fields,
        head: document.head.to_owned(),
        body: document.body.to_owned(),
    };
    let warnings = description.warnings.into_iter().map(|fault| fault.shifted(read.offset).into_warning(path, document.file)).collect();
    Ok((Decoded { id: identity.id, explicit_id: identity.explicit, content }, warnings))
}

fn decode_markdown_file(kind: &Kind, root: &str, path: &KnowledgePath, text: &str) -> DecodedFile {
    let decoded = fence::split(kind.format, text).map_err(|fault| fault.into_error(path.as_str(), text)).and_then(|fences| {
        let (head, body) = text.split_at(fences.map_or(0, |fences| fences.body));
        let document = Document { file: text, offset: 0, head, body };
        decode_document(kind, root, &Location::file(path.clone()), path.as_str(), &document)
    });
    match decoded {
        Ok((entity, diagnostics)) => DecodedFile { entities: vec![entity], diagnostics },
        Err(diagnostic) => DecodedFile { entities: Vec::new(), diagnostics: vec![*diagnostic] },
    }
}

fn decode_json_file(kind: &Kind, root: &str, path: &KnowledgePath, text: &str) -> DecodedFile {
    let mut file = DecodedFile::default();
    let tree = match json_tree::parse(text) {
        Ok(tree) => tree,
        Err(fault) => {
            file.diagnostics.push(*fault.into_error(path.as_str(), text));
            return file;
        }
    };
    let entries = match entries_of(&tree) {
        Ok(entries) => entries,
        Err(fault) => {
            file.diagnostics.push(*fault.into_error(path.as_str(), text));
            return file;
        }
    };
    let mut known = HashSet::new();
    for entry in entries {
        let decoded = match entry.key {
            _ if !matches!(entry.value.data, Data::Map(..)) => {
                Err(Fault::new("json.entry", entry.value.start, "an entry must be an object of fields; write `{ … }`")
                    .into_error(path.as_str(), text))
            }
            None => {
                let message = "the entry has no key: give it an `id`, `slug` or `name` (or, in an object, a key that is not empty)";
                Err(Fault::new("json.key", entry.at, message).into_error(path.as_str(), text))
            }
            Some(key) if known.contains(&key) => {
                let message =
                    format!("the entry `{}` is in the file twice; the first one is taken, rename or remove this one", key.escape_debug());
                Err(Fault::new("json.duplicate_key", entry.at, message).into_error(path.as_str(), text))
            }
            Some(key) => {
                let location = Location::entry(path.clone(), key.as_str());
                known.insert(key);
                let head = &text[entry.value.start..entry.value.end];
                let document = Document { file: text, offset: 0, head, body: "" };
                // The tree's places are those of the file already.
                let read = Read::of(Some(entry.value), text, 0, &node::JSON);
                described(kind, root, &location, path.as_str(), &document, read)
            }
        };
        match decoded {
            Ok((entity, warnings)) => {
                file.entities.push(entity);
                file.diagnostics.extend(warnings);
            }
            Err(diagnostic) => file.diagnostics.push(*diagnostic),
        }
    }
    file
}

fn text_of<'b>(path: &KnowledgePath, bytes: &'b [u8]) -> Result<&'b str, Box<Diagnostic>> {
    if bytes.len() > LARGEST_FILE {
        return Err(too_large(path.as_str()));
    }
    // What is wrong is looked for where something is: the check alone is faster.
    let text = simdutf8::basic::from_utf8(bytes).or_else(|_| simdutf8::compat::from_utf8(bytes));
    let text = text.map_err(|error| not_utf8(path, bytes, error.valid_up_to()))?;
    match memchr::memchr(0, bytes) {
        Some(at) => Err(nul(at).into_error(path.as_str(), text)),
        None => Ok(text),
    }
}

#[expect(clippy::unnecessary_box_returns, reason = "every caller returns it as the boxed error of a result")]
fn not_utf8(path: &KnowledgePath, bytes: &[u8], at: usize) -> Box<Diagnostic> {
    let valid = std::str::from_utf8(&bytes[..at]).unwrap_or_default();
    let (line, column) = super::fault::line_and_column(valid, at);
    let message = if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        "the file is UTF-16; save it as UTF-8".to_owned()
    } else {
        format!("byte {at} is not UTF-8; save the file as UTF-8")
    };
    Box::new(Diagnostic::error(path.as_str(), "utf8", message).at(line, column, None))
}

fn nul(at: usize) -> Fault {
    Fault::new("file.nul", at, "the file holds the character NUL, which databases cannot keep; remove it")
}

#[expect(clippy::unnecessary_box_returns, reason = "every caller returns it as the boxed error of a result")]
fn too_large(path: &str) -> Box<Diagnostic> {
    let message = format!("the file is larger than {} MiB; keep large data elsewhere and link to it", LARGEST_FILE / 1024 / 1024);
    Box::new(Diagnostic::error(path, "file.size", message))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::knowledge::{ConflictPolicy, KindName, Naming, Status};

    fn kind(format: Format, naming: Naming) -> Kind {
        Kind {
            name: "category".into(),
            folder: "kb/categories".to_owned(),
            glob: "metadata.json".to_owned(),
            format,
            naming,
            title_fields: vec!["title".to_owned(), "name".to_owned()],
            workflow: true,
            review: false,
            readme: false,
            schema: None,
            strict: false,
            lists: BTreeMap::new(),
            unique: Vec::new(),
            private: vec!["secret".to_owned()],
            derived: BTreeMap::new(),
            conflict: ConflictPolicy::Ask,
        }
    }

    fn json_file(text: &str) -> DecodedFile {
        let path = KnowledgePath::new("kb/categories/metadata.json").unwrap();
        decode_file(&kind(Format::Json, Naming::Slug), "kb", &path, text.as_bytes())
    }

    fn places(file: &DecodedFile) -> Vec<(&str, u32, u32)> {
        file.diagnostics.iter().map(|found| (found.code.as_str(), found.line, found.column)).collect()
    }

    fn markdown(head: &str, body: &str) -> Result<(Decoded, Vec<Diagnostic>), Box<Diagnostic>> {
        let location = Location::file(KnowledgePath::new("kb/categories/x/a.md").unwrap());
        decode_content(&kind(Format::Markdown, Naming::Slug), "kb", &location, head, body)
    }

    #[test]
    fn each_entry_of_a_json_file_is_an_entity_with_its_own_bytes() {
        let file = json_file("\u{feff}{\n  \"pdf\": {\"name\": \"PDF\", \"n\" : 1},\n  \"doc\": {\n    \"id\": \"d-1\"\n  }\n}\n");
        assert_eq!(file.diagnostics, []);
        let [pdf, doc] = file.entities.as_slice() else { panic!("{file:?}") };
        assert_eq!((pdf.content.head.as_str(), pdf.content.body.as_str()), ("{\"name\": \"PDF\", \"n\" : 1}", ""));
        assert_eq!((pdf.content.slug.as_str(), pdf.content.title.as_str()), ("pdf", "PDF"));
        assert_eq!(pdf.content.location.to_string(), "kb/categories/metadata.json#pdf");
        assert_eq!(pdf.content.status, Some(Status::Published));
        let below = Location::entry(KnowledgePath::new("categories/metadata.json").unwrap(), "pdf");
        assert_eq!((&pdf.id, pdf.explicit_id), (&EntityId::derived(&KindName::new("category"), &below), false));
        assert_eq!((doc.id.as_str(), doc.explicit_id, doc.content.title.as_str()), ("d-1", true, "doc"));
        for entity in [pdf, doc] {
            let location = &entity.content.location;
            let again = decode_content(&kind(Format::Json, Naming::Slug), "kb", location, &entity.content.head, "").unwrap();
            assert_eq!(again, (entity.clone(), Vec::new()));
        }
    }

    #[test]
    fn objects_of_an_array_are_known_by_id_slug_or_name() {
        let file = json_file(r#"[{"id": 7, "slug": "x"}, {"slug": "s", "name": "N"}, {"name": "Big Name"}, {"title": "T"}, {"n": 1}]"#);
        let keys: Vec<_> = file.entities.iter().map(|entity| entity.content.slug.as_str()).collect();
        assert_eq!(keys, ["7", "s", "big-name", "t"]);
        assert_eq!(file.entities[0].id.as_str(), "7");
        assert_eq!(places(&file), [("json.key", 1, 92)]);
    }

    #[test]
    fn a_bad_entry_does_not_stop_the_others() {
        let text = "{\n  \"a\": 1,\n  \"b\": {\"x\": 1, \"x\": 2},\n  \"c\": {\"secret\": 1},\n  \"d\": {\"status\": \"new\"},\n  \"d\": {},\n  \"\": {},\n  \"e\": {\"v\": \"\\u0000\"}\n}\n";
        let file = json_file(text);
        let expected = [
            ("json.entry", 2, 8),
            ("json.duplicate_key", 3, 17),
            ("field.private", 4, 9),
            ("status.unknown", 5, 19),
            ("json.duplicate_key", 6, 3),
            ("json.key", 7, 3),
            ("json.nul", 8, 14),
        ];
        assert_eq!(places(&file), expected);
        let slugs: Vec<_> = file.entities.iter().map(|entity| entity.content.slug.as_str()).collect();
        assert_eq!(slugs, ["d"]);
    }

    #[test]
    fn a_broken_json_file_is_one_error_at_its_place() {
        for (text, place) in [("{\n  \"a\": {},\n}\n", ("json.syntax", 3, 1)), ("", ("json.syntax", 1, 1)), ("3", ("json.root", 1, 1))] {
            let file = json_file(text);
            assert_eq!((file.entities.len(), places(&file)), (0, vec![place]), "{text:?}");
        }
    }

    #[test]
    fn the_name_of_the_file_or_entry_is_the_id_where_the_kind_says_so() {
        let path = KnowledgePath::new("kb/categories/deep/basic.v1.md").unwrap();
        let file = decode_file(&kind(Format::Markdown, Naming::Id), "kb", &path, b"---\nname: Basic\n---\n");
        assert_eq!((file.entities[0].id.as_str(), file.entities[0].explicit_id), ("basic.v1", false));
        let location = Location::entry(KnowledgePath::new("kb/categories/metadata.json").unwrap(), "pdf");
        let (entity, _) = decode_content(&kind(Format::Json, Naming::Id), "kb", &location, "{}", "").unwrap();
        assert_eq!((entity.id.as_str(), entity.explicit_id), ("pdf", false));
    }

    #[test]
    fn parts_that_would_be_read_as_something_else_together_are_refused() {
        for body in ["---\nid: x\n---\n", "---\n", "+++\n", "----\n", "---js\n"] {
            assert_eq!(markdown("", body).unwrap_err().code, "fence.body", "{body:?}");
        }
        assert!(markdown("---\na: 1\n---\n", "---\nb: 2\n---\n").is_ok());
        assert_eq!(markdown("---\na: 1\n---", "text").unwrap_err().code, "fence.body");
        assert_eq!(markdown("---\na: 1\n---\n\n", "").unwrap_err().code, "fence.head");
        assert_eq!(markdown("text\n", "").unwrap_err().code, "fence.head");
        assert_eq!(markdown("", "a\0").unwrap_err().code, "file.nul");
        let location = Location::entry(KnowledgePath::new("a.json").unwrap(), "x");
        assert_eq!(decode_content(&kind(Format::Json, Naming::Slug), "", &location, "{}", "x").unwrap_err().code, "json.body");
    }

    #[test]
    fn a_line_end_between_head_and_body_is_counted_as_the_file_does() {
        let (entity, _) = markdown("---\na: 1\n---", "\ntext").unwrap();
        assert_eq!((entity.content.head.as_str(), entity.content.body.as_str()), ("---\na: 1\n---\n", "text"));
        assert_eq!(entity.content.fields, *json!({"a": 1}).as_object().unwrap());
    }

    #[test]
    fn a_file_that_is_too_large_is_refused_by_name() {
        let path = KnowledgePath::new("kb/categories/a.md").unwrap();
        let file = decode_file(&kind(Format::Markdown, Naming::Slug), "kb", &path, &vec![b'x'; LARGEST_FILE + 1]);
        assert_eq!(places(&file), [("file.size", 0, 0)]);
    }

    #[test]
    fn an_error_is_shown_with_path_line_column_cause_and_fix() {
        let path = KnowledgePath::new("customers/acme.md").unwrap();
        let file = decode_file(&kind(Format::Markdown, Naming::Slug), "", &path, b"---\r\nname: Acme\r\ndiscount: %5\r\n---\r\n");
        assert_eq!(
            file.diagnostics[0].to_string(),
            "customers/acme.md:3:11 [yaml.char] '%' cannot start a plain value; quote the value\n  discount: %5\n            ^"
        );
    }
}
