//! Findings about files, for people, for GitHub's annotations and for programs.

use lorebase::knowledge::{Diagnostic, Severity};
use serde::Serialize;

use crate::failure::Failure;
use crate::output::{BAD, BOLD, Output, WAITS, styled};

/// A finding as programs get it.
#[derive(Debug, Serialize)]
pub(crate) struct Finding<'a> {
    path: &'a str,
    line: u32,
    column: u32,
    severity: Severity,
    code: &'a str,
    message: &'a str,
}

impl<'a> From<&'a Diagnostic> for Finding<'a> {
    fn from(finding: &'a Diagnostic) -> Self {
        let Diagnostic { path, line, column, severity, code, message, .. } = finding;
        Self { path, line: *line, column: *column, severity: *severity, code, message }
    }
}

/// Place, cause and source line, as the library prints a finding, with the place and the code in colour.
pub(crate) fn text(finding: &Diagnostic) -> String {
    let (word, style) = match finding.severity {
        Severity::Error => ("error", BAD),
        Severity::Warning => ("warning", WAITS),
    };
    let shown = crate::entity::steady(&finding.to_string());
    let code = format!("[{}]", finding.code);
    match shown.split_once(&format!(" {code} ")) {
        Some((place, rest)) => format!("{} {}{} {rest}", styled(BOLD, place), styled(style, word), styled(style, &code)),
        None => shown,
    }
}

/// One annotation of GitHub Actions.
pub(crate) fn github(finding: &Diagnostic) -> String {
    let level = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let place = match (finding.line, finding.column) {
        (0, _) => String::new(),
        (line, 0) => format!(",line={line}"),
        (line, column) => format!(",line={line},col={column}"),
    };
    format!("::{level} file={}{place},title={}::{}", property(&finding.path), property(&finding.code), data(&finding.message))
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// Errors on stderr below another result, the first few.
pub(crate) fn note_errors(output: &Output, findings: &[Diagnostic]) {
    const SHOWN: usize = 10;
    let errors: Vec<&Diagnostic> = findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
    for finding in errors.iter().take(SHOWN) {
        output.note(text(finding));
    }
    if errors.len() > SHOWN {
        output.note(format!("and {} more; `lorebase validate` shows all", errors.len() - SHOWN));
    }
}

/// All findings on stdout, one after the other.
pub(crate) fn print(output: &Output, findings: &[Diagnostic], form: fn(&Diagnostic) -> String) -> Result<(), Failure> {
    findings.iter().try_for_each(|finding| output.line(form(finding)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_annotation_escapes_what_would_end_it() {
        let finding = Diagnostic::error("skills/a,b:c.md", "yaml.char", "50% is\nno: value").at(2, 7, None);
        assert_eq!(github(&finding), "::error file=skills/a%2Cb%3Ac.md,line=2,col=7,title=yaml.char::50%25 is%0Ano: value");
        assert_eq!(github(&Diagnostic::warning("a.md", "x", "m")), "::warning file=a.md,title=x::m");
    }
}
