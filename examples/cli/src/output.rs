//! What is written where: results on stdout, everything said about them on stderr. Colours only on a terminal, and not
//! where `NO_COLOR` is set. A closed pipe is an error like any other, never a panic.

use std::fmt::Display;
use std::io::{IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::failure::Failure;

/// Headings.
pub(crate) const BOLD: Style = Style::new().bold();
/// What matters less.
pub(crate) const DIM: Style = Style::new().dimmed();
/// All is well.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// Something waits.
pub(crate) const WAITS: Style = AnsiColor::Yellow.on_default();
/// Something is wrong.
pub(crate) const BAD: Style = AnsiColor::Red.on_default();
/// Neither.
pub(crate) const PLAIN: Style = Style::new();

/// Text in a style.
pub(crate) fn styled(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

/// One command's output.
#[derive(Debug)]
pub(crate) struct Output {
    json: bool,
    terminal: bool,
    width: Option<usize>,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        let stdout = std::io::stdout();
        let width = terminal_size::terminal_size_of(&stdout).map(|(terminal_size::Width(width), _)| usize::from(width));
        Self { json, terminal: stdout.is_terminal(), width: width.filter(|width| *width > 0) }
    }

    /// Whether stdout carries one JSON document.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// The terminal's width in columns; `None` where there is no terminal and nothing is cut.
    pub(crate) fn width(&self) -> Option<usize> {
        self.width
    }

    /// The one JSON document.
    pub(crate) fn json(&self, value: &(impl Serialize + ?Sized)) -> Result<(), Failure> {
        let text = if self.terminal { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) };
        let text = text.map_err(std::io::Error::from)?;
        let mut stdout = std::io::stdout().lock();
        writeln!(stdout, "{text}")?;
        Ok(stdout.flush()?)
    }

    /// One line of the result for people.
    #[expect(clippy::unused_self, reason = "all output goes through the one value that knows where it goes")]
    pub(crate) fn line(&self, text: impl Display) -> Result<(), Failure> {
        Ok(writeln!(anstream::stdout(), "{text}")?)
    }

    /// Bytes of the result as they are.
    #[expect(clippy::unused_self, reason = "all output goes through the one value that knows where it goes")]
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Result<(), Failure> {
        let mut stdout = std::io::stdout().lock();
        stdout.write_all(bytes)?;
        Ok(stdout.flush()?)
    }

    /// A line about the result.
    #[expect(clippy::unused_self, reason = "all output goes through the one value that knows where it goes")]
    pub(crate) fn note(&self, text: impl Display) {
        // Whoever closed stderr does not want to know.
        let _ = writeln!(anstream::stderr(), "{text}");
    }

    /// The one message of a failure.
    pub(crate) fn error(&self, message: &str) {
        let style = BAD.bold();
        self.note(format!("{style}error:{style:#} {message}"));
    }
}
