//! Bytes to documents and back. Original bytes are kept and an edit replaces only the bytes it means to; nothing
//! here does I/O.

mod decode;
mod edit;
mod json;
mod render;
mod settings;

pub use decode::{Decoded, DecodedFile, decode_content, decode_file};
pub use edit::{FieldEdit, edit_head, fit_body};
pub use json::{put_entry, remove_entry};
pub use render::render_head;
pub use settings::parse_settings;

/// Part of every repository's fingerprint: raised whenever the same bytes would decode to something else.
pub const CODEC_VERSION: u32 = 1;
