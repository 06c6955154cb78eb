//! Texts that a person gives in files or on standard input.

use std::io::Read;
use std::path::Path;

use lorebase::{Error, ErrorKind};

use crate::failure::Failure;

/// The text of a file, or of standard input for `-`.
pub(crate) fn text(path: &Path) -> Result<String, Failure> {
    let name = if is_stdin(path) { "standard input".to_owned() } else { format!("`{}`", path.display()) };
    let read = if is_stdin(path) {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        std::fs::read(path)
    };
    let bytes = read.map_err(|error| {
        let kind = if error.kind() == std::io::ErrorKind::NotFound { ErrorKind::NotFound } else { ErrorKind::Unavailable };
        let message = match error.kind() {
            std::io::ErrorKind::NotFound => format!("there is no file {name}; check the path, or write `-` for standard input"),
            std::io::ErrorKind::IsADirectory => format!("{name} is a folder; name a file in it"),
            _ => format!("cannot read {name}: {error}; check the path and its permissions"),
        };
        Error::new(kind, message).with("path", path.display().to_string())
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let message = format!("{name} is not UTF-8 (byte {}); convert it, for example with `iconv`", error.utf8_error().valid_up_to() + 1);
        Error::new(ErrorKind::InvalidInput, message).into()
    })
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}
