//! A finding at a byte of a text, before anybody knows which file the text belongs to. Turned into a
//! [`Diagnostic`] with line, column and source line only when it is shown, so that the good path counts no lines.

use crate::knowledge::Diagnostic;

/// What is wrong at a byte offset of the text that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// A stable code such as `yaml.char`.
    pub(super) code: &'static str,
    /// The cause and the fix, one lower-case sentence.
    pub(super) message: String,
    /// Where, in bytes.
    pub(super) at: usize,
}

impl Fault {
    pub(super) fn new(code: &'static str, at: usize, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), at }
    }

    /// The same finding in a text that has `offset` more bytes in front.
    pub(super) fn shifted(mut self, offset: usize) -> Self {
        self.at += offset;
        self
    }

    /// The error that `path` gets, `text` being the whole file.
    #[expect(clippy::unnecessary_box_returns, reason = "every caller returns it as the boxed error of a result")]
    pub(super) fn into_error(self, path: &str, text: &str) -> Box<Diagnostic> {
        let (line, column) = line_and_column(text, self.at);
        Box::new(Diagnostic::error(path, self.code, self.message).at(line, column, source_line(text, self.at)))
    }

    /// The warning that `path` gets, `text` being the whole file.
    pub(super) fn into_warning(self, path: &str, text: &str) -> Diagnostic {
        let (line, column) = line_and_column(text, self.at);
        Diagnostic::warning(path, self.code, self.message).at(line, column, source_line(text, self.at))
    }
}

/// The line and the column in characters of a byte offset, both from 1.
pub(super) fn line_and_column(text: &str, at: usize) -> (u32, u32) {
    let at = floor_boundary(text, at);
    let line = text[..at].matches('\n').count() + 1;
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let column = text[start..at].chars().filter(|c| *c != '\u{feff}').count() + 1;
    (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
}

/// The number of the line that holds a byte offset, from 1.
pub(super) fn line_of(text: &str, at: usize) -> u32 {
    line_and_column(text, at).0
}

pub(super) fn source_line(text: &str, at: usize) -> Option<String> {
    let at = floor_boundary(text, at);
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[at..].find('\n').map_or(text.len(), |newline| at + newline);
    let line = text[start..end].trim_end_matches('\r').trim_start_matches('\u{feff}');
    let column = text[start..at].chars().filter(|c| *c != '\u{feff}').count();
    let shown = Diagnostic::shortened(line, column);
    let printable = shown.chars().all(|c| !c.is_control() || c == '\t');
    printable.then_some(shown)
}

fn floor_boundary(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_shown_at_its_line_and_column_in_characters() {
        let text = "\u{feff}a: 1\r\nñame: %x\r\n";
        let at = text.find('%').unwrap();
        let shown = Fault::new("yaml.char", at, "quote it").into_error("a.md", text);
        assert_eq!((shown.line, shown.column), (2, 7));
        assert_eq!(shown.to_string(), "a.md:2:7 [yaml.char] quote it\n  ñame: %x\n        ^");
    }

    #[test]
    fn a_very_long_source_line_is_shown_around_the_place() {
        let text = format!("{}%{}", "x".repeat(9_000), "y".repeat(9_000));
        let shown = Fault::new("c", 9_000, "m").into_error("p", &text).to_string();
        let [_, line, caret] = shown.lines().collect::<Vec<_>>().try_into().unwrap();
        assert!(line.starts_with("  …xxx") && line.ends_with("yyy…") && line.chars().count() < 210, "{line}");
        assert_eq!(line.chars().position(|c| c == '%'), Some(caret.chars().count() - 1));
        let shown = Fault::new("c", 3, "m").into_error("p", &text).to_string();
        assert!(shown.lines().nth(1).unwrap().ends_with("xxx…") && shown.ends_with("\n     ^"), "{shown}");
    }

    #[test]
    fn an_offset_past_the_end_or_inside_a_character_is_shown_before_it() {
        assert_eq!(line_and_column("é", 1), (1, 1));
        assert_eq!(line_and_column("a\n", 99), (2, 1));
    }
}
