//! Where the frontmatter of a Markdown file begins and ends. Only `---` fences count (for a kind with TOML only
//! `+++`); every other thing that looks like a fence is a named error rather than a guess, because a wrong guess turns prose into fields.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::fault::Fault;
use crate::knowledge::Format;

/// The largest frontmatter, in bytes.
pub(super) const LARGEST_FRONTMATTER: usize = 256 * 1024;

/// Lines that begin like a fence. Made once, because most frontmatter is read sooner than a search is prepared.
static DASHES: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\n---"));
static DOTS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\n..."));

const BOM: char = '\u{feff}';

/// The frontmatter of a file, as byte offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frontmatter {
    /// Where the YAML begins: behind the opening line.
    pub(super) start: usize,
    /// Where the YAML ends: at the closing line.
    pub(super) end: usize,
    /// Where the body begins: behind the closing line.
    pub(super) body: usize,
}

/// Finds the frontmatter; `None` when the file has none and is all body.
///
/// # Errors
/// A fault for a fence that is not closed, is closed by something else, names a language, is of another kind, or
/// holds more than [`LARGEST_FRONTMATTER`] bytes.
pub(super) fn split(format: Format, text: &str) -> Result<Option<Frontmatter>, Fault> {
    if format == Format::Toml { split_toml(text) } else { split_yaml(text) }
}

fn split_yaml(text: &str) -> Result<Option<Frontmatter>, Fault> {
    let opening = text.strip_prefix(BOM).map_or(0, |_| BOM.len_utf8());
    let (first, start) = line_at(text, opening);
    if !first.starts_with("---") {
        return if first.trim_end() == "+++" {
            Err(Fault::new(
                "fence.toml",
                opening,
                "`+++` opens TOML frontmatter, which this kind does not have; write YAML between `---` lines, or set its `format: toml`",
            ))
        } else {
            Ok(None)
        };
    }
    check_opening(first, opening)?;
    // Only lines that begin like a fence are looked at, whatever lies between them.
    let near = &text.as_bytes()[..text.len().min(start + LARGEST_FRONTMATTER + 3)];
    let closing = DASHES.find_iter(&near[start - 1..]).map(|found| start + found).find_map(|at| {
        let (line, next) = line_at(text, at);
        if line.trim_end_matches([' ', '\t']) == "---" { Some((at, Some(next))) } else { is_dashes(line).then_some((at, None)) }
    });
    let looked_at = &near[start - 1..closing.map_or(near.len(), |(at, _)| at)];
    let mut dots = DOTS.find_iter(looked_at).map(|found| start + found);
    if let Some(at) = dots.find(|at| line_at(text, *at).0.trim_end_matches([' ', '\t']) == "...") {
        return Err(Fault::new("fence.dots", at, "the frontmatter is closed by a line `---`, not `...`; write `---`"));
    }
    match closing {
        Some((end, Some(body))) => return Ok(Some(Frontmatter { start, end, body })),
        Some((at, None)) => {
            return Err(Fault::new("fence.dashes", at, "the frontmatter is closed by a line of exactly `---`; this one has more dashes"));
        }
        None if text.len() - start > LARGEST_FRONTMATTER => return Err(too_long(opening, "---")),
        None => {}
    }
    let message =
        "the frontmatter opened here is never closed; add a line `---` after the fields (or a blank line above, if this is a rule)";
    Err(Fault::new("fence.unclosed", opening, message))
}

/// TOML between lines of exactly `+++`.
fn split_toml(text: &str) -> Result<Option<Frontmatter>, Fault> {
    let opening = text.strip_prefix(BOM).map_or(0, |_| BOM.len_utf8());
    let (first, start) = line_at(text, opening);
    let is_fence = |line: &str, fence: &str| line.trim_end_matches([' ', '\t']) == fence;
    if is_fence(first, "---") {
        let message = "`---` opens YAML frontmatter, which this kind does not have; write TOML between `+++` lines (or put a blank line above, if this is a rule)";
        return Err(Fault::new("fence.yaml", opening, message));
    }
    if !first.starts_with("+++") {
        return Ok(None);
    }
    if !is_fence(first, "+++") {
        return Err(Fault::new("fence.opening", opening, "the line that opens the frontmatter holds more than `+++`; write `+++` alone"));
    }
    let mut at = start;
    while at < text.len() {
        if at - start > LARGEST_FRONTMATTER {
            return Err(too_long(opening, "+++"));
        }
        let (line, next) = line_at(text, at);
        if is_fence(line, "+++") {
            return Ok(Some(Frontmatter { start, end: at, body: next }));
        }
        at = next;
    }
    Err(Fault::new("fence.unclosed", opening, "the frontmatter opened here is never closed; add a line `+++` after the fields"))
}

fn too_long(at: usize, fence: &str) -> Fault {
    let message =
        format!("the frontmatter is longer than {LARGEST_FRONTMATTER} bytes or is not closed by a line `{fence}`; shorten or close it");
    Fault::new("fence.size", at, message)
}

fn check_opening(first: &str, at: usize) -> Result<(), Fault> {
    let rest = first[3..].trim_end_matches([' ', '\t']);
    if rest.is_empty() {
        Ok(())
    } else if is_dashes(first) {
        let message =
            "frontmatter is opened by a line of exactly `---`; this one has more dashes (put a blank line above, if this is a rule)";
        Err(Fault::new("fence.dashes", at, message))
    } else if rest.trim_start_matches([' ', '\t']).starts_with(|c: char| c.is_ascii_alphabetic()) {
        Err(Fault::new("fence.language", at, "a language is named behind `---`; only YAML is read: write `---` alone"))
    } else {
        Err(Fault::new("fence.opening", at, "the line that opens the frontmatter holds more than `---`; write `---` alone"))
    }
}

fn is_dashes(line: &str) -> bool {
    let line = line.trim_end_matches([' ', '\t']);
    line.len() > 3 && line.bytes().all(|byte| byte == b'-')
}

/// The line that begins at `at` without its line end, and where the next one begins.
fn line_at(text: &str, at: usize) -> (&str, usize) {
    let rest = &text[at..];
    match memchr::memchr(b'\n', rest.as_bytes()) {
        Some(newline) => (rest[..newline].strip_suffix('\r').unwrap_or(&rest[..newline]), at + newline + 1),
        None => (rest, text.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Option<(&str, &str, &str)> {
        split_yaml(text).unwrap().map(|f| (&text[..f.body], &text[f.start..f.end], &text[f.body..]))
    }

    #[test]
    fn a_fence_is_found_behind_a_bom_with_trailing_spaces_and_crlf() {
        assert_eq!(parts("---\na: 1\n---\nbody\n"), Some(("---\na: 1\n---\n", "a: 1\n", "body\n")));
        assert_eq!(parts("\u{feff}--- \t\r\na: 1\r\n---  \r\nb"), Some(("\u{feff}--- \t\r\na: 1\r\n---  \r\n", "a: 1\r\n", "b")));
        assert_eq!(parts("---\n---\n"), Some(("---\n---\n", "", "")));
        assert_eq!(parts("---\na: 1\n---"), Some(("---\na: 1\n---", "a: 1\n", "")));
    }

    #[test]
    fn a_file_without_a_fence_is_all_body() {
        for text in
            ["", "# Title\n", "\n---\na: 1\n---\n", " ---\na: 1\n---\n", "{\"a\": 1}\n", "<!-- c -->\n---\na: 1\n---\n", "--\n", "- - -\n"]
        {
            assert_eq!(split_yaml(text), Ok(None), "{text:?}");
        }
    }

    #[test]
    fn a_rule_in_the_body_belongs_to_the_body() {
        assert_eq!(parts("---\na: 1\n---\nx\n\n---\n\ny\n").unwrap().2, "x\n\n---\n\ny\n");
    }

    #[test]
    fn every_other_fence_is_a_named_error_at_its_line() {
        let cases = [
            ("---\na: 1\n", "fence.unclosed", 0),
            ("---", "fence.unclosed", 0),
            ("---\na: 1\n ---\n", "fence.unclosed", 0),
            ("---\na: 1\n...\nbody\n---\n", "fence.dots", 9),
            ("---\na: 1\n-----\nbody\n---\n", "fence.dashes", 9),
            ("-----\na: 1\n---\n", "fence.dashes", 0),
            ("---js\n{}\n---\n", "fence.language", 0),
            ("--- toml\na = 1\n---\n", "fence.language", 0),
            ("---|---\n", "fence.opening", 0),
            ("---\ra: 1\r---\r", "fence.opening", 0),
            ("+++\na = 1\n+++\n", "fence.toml", 0),
        ];
        for (text, code, at) in cases {
            let fault = split_yaml(text).unwrap_err();
            assert_eq!((fault.code, fault.at), (code, at), "{text:?}");
        }
    }

    #[test]
    fn a_frontmatter_over_the_limit_is_refused() {
        let text = format!("---\na: {}\nb: 1\n---\n", "x".repeat(LARGEST_FRONTMATTER));
        assert_eq!(split_yaml(&text).unwrap_err().code, "fence.size");
        for (over, close) in [(0, "---"), (1, "---"), (0, "..."), (1, "...")] {
            let text = format!("---\na: {}\n{close}\n", "x".repeat(LARGEST_FRONTMATTER - 4 + over));
            let code = split_yaml(&text).map(|fences| fences.map(|fences| fences.end - fences.start)).map_err(|fault| fault.code);
            let expected = match (over, close) {
                (0, "---") => Ok(Some(LARGEST_FRONTMATTER)),
                (0, _) => Err("fence.dots"),
                _ => Err("fence.size"),
            };
            assert_eq!(code, expected, "{over} {close}");
        }
    }

    #[test]
    fn toml_stands_between_its_own_fences() {
        let text = "\u{feff}+++ \r\na = 1\r\n+++\r\nbody";
        let fences = split(Format::Toml, text).unwrap().unwrap();
        assert_eq!((&text[fences.start..fences.end], &text[fences.body..]), ("a = 1\r\n", "body"));
        for text in ["", "# T\n", "\n+++\na = 1\n+++\n", "++\n"] {
            assert_eq!(split(Format::Toml, text), Ok(None), "{text:?}");
        }
        for (text, code) in [
            ("---\na: 1\n---\n", "fence.yaml"),
            ("+++\na = 1\n", "fence.unclosed"),
            ("+++toml\n+++\n", "fence.opening"),
            ("++++\n++++\n", "fence.opening"),
        ] {
            assert_eq!(split(Format::Toml, text).unwrap_err().code, code, "{text:?}");
        }
    }
}
