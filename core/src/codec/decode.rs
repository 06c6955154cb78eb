//! From one file of a kind to its entities. A file that cannot be understood is a diagnostic, never a panic and
//! never somebody else's problem.

use crate::knowledge::{Content, Diagnostic, EntityId, Kind, KnowledgePath, Location};

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
pub fn decode_file(kind: &Kind, root: &str, path: &KnowledgePath, bytes: &[u8]) -> DecodedFile {
    let _ = (kind, root, path, bytes);
    DecodedFile::default()
}

/// Decodes the two parts of one entity at a place: what [`decode_file`] does for a file, for bytes that were just
/// edited or rendered. Returns warnings beside the entity.
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
    let _ = (kind, root, head, body);
    Err(Box::new(Diagnostic::error(location.to_string(), "todo", "")))
}
