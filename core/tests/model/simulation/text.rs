//! The texts of a history: words that say who wrote them, files of plain lines, and the two ways in which a file is
//! broken. Pure.

use std::collections::BTreeSet;

use lorebase::knowledge::Content;
use serde_json::Value;

pub(super) const SETTINGS: &str = "lorebase.yaml";
pub(super) const JSON: &str = "categories/metadata.json";
/// No two customers share a value of it.
pub(super) const UNIQUE: &str = "salesforceId";
/// Where the settings declare it, it stays in SQL.
pub(super) const PRIVATE: &str = "secret";
/// The only external source.
pub(super) const SOURCE: &str = "crm";

const UNREADABLE: &str = "broken: [\n";
/// An error only where the field is private.
const PUSHED_PRIVATE: &str = "secret: pushed\n";

/// The words in a text: `u17x` was saved, `g17x` pushed, `s17x` said by the source, `p17x` is private.
pub(super) fn words(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| {
            let inner = word.strip_prefix(['u', 'g', 's', 'p']).and_then(|rest| rest.strip_suffix('x'));
            inner.is_some_and(|inner| inner.parse::<u32>().is_ok())
        })
        .map(str::to_owned)
        .collect()
}

pub(super) fn words_of(content: &Content) -> BTreeSet<String> {
    words(&format!("{}{}", content.head, content.body))
}

pub(super) fn words_in(value: Option<&Value>) -> BTreeSet<String> {
    value.map(|value| words(&value.to_string())).unwrap_or_default()
}

pub(super) fn is_broken(text: &str) -> bool {
    text.contains(UNREADABLE) || text.contains(PUSHED_PRIVATE) || text.ends_with("!!")
}

/// Whether the file says nothing to the engine where it stands.
pub(super) fn is_refused(path: &str, text: &str) -> bool {
    text.contains(UNREADABLE) || text.ends_with("!!") || path.starts_with("customers/") && text.contains(PUSHED_PRIVATE)
}

pub(super) fn broken(path: &str, text: &str, private: bool) -> String {
    match path {
        JSON => format!("{text}!!"),
        _ if private && path.starts_with("customers/") => text.replacen("---\n", &format!("---\n{PUSHED_PRIVATE}"), 1),
        _ => text.replacen("---\n", &format!("---\n{UNREADABLE}"), 1),
    }
}

pub(super) fn mended(text: &str) -> String {
    text.replace(UNREADABLE, "").replace(PUSHED_PRIVATE, "").replace("!!", "")
}

/// The text with one line of its frontmatter put or replaced.
pub(super) fn with_field(text: &str, field: &str, word: &str) -> String {
    let line = format!("{field}: {word}\n");
    let mut parts: Vec<&str> = text.split_inclusive('\n').collect();
    let Some(end) = parts.iter().skip(1).position(|line| *line == "---\n").map(|at| at + 1) else { return text.to_owned() };
    match parts[..end].iter().position(|part| part.starts_with(&format!("{field}:"))) {
        Some(at) => parts[at] = &line,
        None => parts.insert(end, &line),
    }
    parts.concat()
}

/// The text with another body.
pub(super) fn with_body(text: &str, body: &str) -> String {
    let parts: Vec<&str> = text.split_inclusive('\n').collect();
    let end = parts.iter().skip(1).position(|line| *line == "---\n").map_or(0, |at| at + 2);
    format!("{}{body}", parts[..end].concat())
}

/// The value of a field that stands on a line of its own, read without any parser of YAML.
pub(super) fn plain_field<'a>(text: &'a str, field: &str) -> Option<&'a str> {
    let front = text.strip_prefix("---\n")?;
    let front = &front[..front.find("\n---\n").map_or(front.len(), |end| end + 1)];
    front.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(": ")).map(|value| value.trim_matches(['"', '\'']))
}
