//! What is wrong with a file, where, and what to do about it.

use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_width::UnicodeWidthChar;

/// Whether the file can be used in spite of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The file (or entry) is not taken; the last good version stays.
    Error,
    /// The file is taken.
    Warning,
}

/// One finding about one file. Printed as `path:line:column [code] message`, then the source line with a caret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// The file, as the repository names it (possibly not a safe path).
    pub path: String,
    /// The line in the file, from 1; 0 when it is about the file as a whole.
    pub line: u32,
    /// The column in characters, from 1; 0 when it is about the line as a whole.
    pub column: u32,
    /// Error or warning.
    pub severity: Severity,
    /// A stable code such as `yaml.char`.
    pub code: String,
    /// The cause and the fix, one sentence.
    pub message: String,
    /// The source line, where there is one; of a very long one the part around the column.
    pub source_line: Option<String>,
}

impl Diagnostic {
    /// An error about a file as a whole.
    pub fn error(path: impl Into<String>, code: &str, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            line: 0,
            column: 0,
            severity: Severity::Error,
            code: code.to_owned(),
            message: message.into(),
            source_line: None,
        }
    }

    /// A warning about a file as a whole.
    pub fn warning(path: impl Into<String>, code: &str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(path, code, message) }
    }

    /// The same finding at a place, with the source line shown below it.
    #[must_use]
    pub fn at(mut self, line: u32, column: u32, source_line: Option<String>) -> Self {
        self.line = line;
        self.column = column;
        self.source_line = source_line;
        self
    }
}

/// The longest source line that is shown whole, in characters.
const LONGEST_SHOWN: usize = 200;

/// How many characters of a longer one stand in front of the place.
const IN_FRONT: usize = 60;

/// Stands for what is left out.
const LEFT_OUT: char = '…';

impl Diagnostic {
    /// A source line as it is kept: a long one is cut to a part around its character number `at` (from 0).
    pub(crate) fn shortened(line: &str, at: usize) -> String {
        if line.chars().nth(LONGEST_SHOWN).is_none() {
            return line.to_owned();
        }
        let mut shown = String::new();
        // Where nothing is cut in front, the column alone says where the caret goes.
        let skip = if at < LONGEST_SHOWN { 0 } else { at - IN_FRONT + 1 };
        if skip > 0 {
            shown.push(LEFT_OUT);
        }
        // Shorter than any column in it, so that a cut line can be told from a whole one.
        let most = if skip > 0 { LONGEST_SHOWN - 4 } else { LONGEST_SHOWN };
        shown.extend(line.chars().skip(skip).take(most));
        if line.chars().nth(skip + most).is_some() {
            shown.push(LEFT_OUT);
        }
        shown
    }

    /// What stands in front of the caret below a source line: as wide as the text above it, on a terminal.
    fn pad(&self, source: &str) -> String {
        let column = self.column as usize;
        let cut = source.starts_with(LEFT_OUT) && column > source.chars().count() + 1;
        let before = if cut { IN_FRONT } else { column - 1 };
        let blank = |c: char| if c == '\t' { "\t".to_owned() } else { " ".repeat(c.width().unwrap_or(0)) };
        source.chars().take(before).map(blank).collect()
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
            if self.column > 0 {
                write!(f, ":{}", self.column)?;
            }
        }
        write!(f, " [{}] {}", self.code, self.message)?;
        if let (Some(source), true) = (&self.source_line, self.column > 0) {
            write!(f, "\n  {source}\n  {}^", self.pad(source))?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}

#[cfg(test)]
mod tests {
    use super::*;

    fn caret(source: &str, column: u32) -> String {
        let shown = Diagnostic::error("a.md", "c", "m").at(1, column, Some(source.to_owned())).to_string();
        shown.lines().nth(2).unwrap().to_owned()
    }

    #[test]
    fn the_caret_stands_below_its_character_whatever_is_in_front() {
        assert_eq!(caret("name: x", 7), "        ^");
        assert_eq!(caret("\tname: x", 8), "  \t      ^");
        assert_eq!(caret("名前: x", 5), "        ^", "wide characters take two columns");
        assert_eq!(caret("e\u{301}: x", 5), "     ^", "a mark takes none");
        assert_eq!(caret("name:", 7), "       ^", "behind the end of a line");
    }

    #[test]
    fn a_line_that_begins_with_dots_of_its_own_is_not_taken_for_a_cut_one() {
        assert_eq!(caret("…a: x", 5), "      ^");
    }

    #[test]
    fn a_long_line_keeps_its_place_wherever_it_is() {
        let line: String = ('a'..='z').cycle().take(1000).collect();
        for at in [0, 59, 199, 200, 201, 500, 998, 999] {
            let shown = Diagnostic::shortened(&line, at);
            assert!(shown.chars().count() <= LONGEST_SHOWN + 1, "{at}");
            let column = u32::try_from(at + 1).unwrap();
            let pad = caret(&shown, column).chars().count() - 3;
            assert_eq!(shown.chars().nth(pad), line.chars().nth(at), "{at}");
        }
        assert_eq!(Diagnostic::shortened(&line[..200], 150), line[..200]);
    }
}
