//! How the story looks: numbered headings, facts with a label, what somebody would have typed, quoted text.

use std::fmt::Display;
use std::io::Write as _;
use std::time::Duration;

use lorebase::store::CommitId;

/// One line. A reader who has seen enough (`| head`) ends nothing.
pub(crate) fn line(text: impl Display) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

pub(crate) fn heading(text: &str) {
    line(format_args!("\n{text}"));
}

/// What somebody does in a form or in a program.
pub(crate) fn does(text: impl Display) {
    line(format_args!("   {text}"));
}

/// What an engineer would type.
pub(crate) fn typed(command: impl Display) {
    line(format_args!("   $ {command}"));
}

/// What came of it.
pub(crate) fn fact(label: &str, text: impl Display) {
    line(format_args!("     {label:<10} {text}"));
}

/// Text of several lines as it is.
pub(crate) fn quote(text: impl Display) {
    for text in text.to_string().lines() {
        line(format_args!("       {text}"));
    }
}

/// The beginning of a commit's id, as git shows it.
pub(crate) fn short(commit: &CommitId) -> &str {
    let id = commit.as_str();
    id.get(..8).unwrap_or(id)
}

pub(crate) fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

/// `1 file`, `2 files`.
pub(crate) fn some(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
