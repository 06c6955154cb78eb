//! Bytes to documents and back. Original bytes are kept and an edit replaces only the bytes it means to; nothing
//! here does I/O.

mod decode;
mod describe;
mod edit;
mod edit_block;
mod edit_flow;
mod edit_json;
mod edit_merge;
#[cfg(test)]
mod edit_properties;
mod edit_rewrite;
mod edit_toml;
mod fast_path;
#[cfg(test)]
mod fast_path_properties;
mod fault;
mod fence;
mod field_path;
mod heading;
mod json;
mod json_tree;
mod line_end;
mod making;
mod node;
mod place;
#[cfg(test)]
mod properties;
mod quote;
mod render;
mod scalar;
mod schema;
mod schema_message;
mod settings;
mod settings_kind;
mod settings_value;
mod splice;
mod toml_tree;
mod value;
mod write;
mod yaml;

pub use decode::{Decoded, DecodedFile, decode_content, decode_file};
pub use edit::{FieldEdit, edit_head, fit_body};
pub use field_path::FieldPath;
pub use json::{put_entry, remove_entry};
pub use render::render_head;
pub use schema::{Schema, Schemas, Violation, field_finding};
pub use settings::{parse_settings, settings_place};
pub use value::parse_value;

/// Part of every repository's fingerprint: raised whenever the same bytes would decode to something else, or be judged
/// otherwise by a built-in schema.
pub const CODEC_VERSION: u32 = 3;
