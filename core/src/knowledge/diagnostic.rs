//! What is wrong with a file, where, and what to do about it.

use std::fmt;

use serde::{Deserialize, Serialize};

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
    /// The source line, where there is one.
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
            let pad: String = source.chars().take(self.column as usize - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
            write!(f, "\n  {source}\n  {pad}^")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}
