//! Edits that change only the bytes they mean to. Every edit is verified: the result is read again and must give the
//! old fields with the edits, otherwise nothing is changed and the caller is told why.

use serde_json::Value;

use super::edit_merge::{is_merged, merged};
use super::fault::Fault;
use super::node::Data;
use super::{edit_block, edit_json, edit_toml, fast_path, fence, json_tree, line_end, node, render_head, toml_tree, yaml};
use crate::knowledge::{Fields, Format};
use crate::{Error, ErrorKind, Result};

/// One edit of a top-level field.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldEdit {
    /// The field becomes this value; nothing happens when it already is.
    Set(String, Value),
    /// The field goes away; nothing happens when it is not there.
    Unset(String),
}

/// Edits the frontmatter block (or JSON entry) `head`: only the bytes of the edited values change, in the file's own
/// line ending, indent and quote style. An empty Markdown head gets a frontmatter block when a field is set. The
/// result is verified: decoding it gives the old fields with the edits, otherwise the edit is refused.
///
/// A list changes item by item and a mapping key by key, so that quotes and comments of the others stay; a new field
/// comes last; a removed one takes its lines with it, but not the comments above. A field that goes while another with
/// the same value comes is renamed: it keeps its place and its bytes. Items that are mappings are the same one as long
/// as their `id`, `key`, `email`, `url`, `name` or `title` stays. [`FieldPath`](super::FieldPath) makes the edits of
/// values inside of a field.
///
/// # Errors
/// `InvalidDocument` when `head` cannot be read; `Unsupported` when the edit cannot be made without touching other
/// bytes (it says why): a value with an anchor, alias, tag or merge key, a field that a merge key provides, a key that
/// begins with `?`, or a result that would not be read back as it is meant.
///
/// ```
/// use lorebase::codec::{FieldEdit, edit_head};
/// use lorebase::knowledge::Format;
///
/// let head = "---\ntitle: 'Acme'   # as registered\ntags: [a, b]\n---\n";
/// let edits = [FieldEdit::Set("title".into(), "Acme AG".into()), FieldEdit::Set("tags".into(), serde_json::json!(["b", "c"]))];
/// assert_eq!(edit_head(Format::Markdown, head, &edits)?, "---\ntitle: 'Acme AG'   # as registered\ntags: [b, c]\n---\n");
/// # Ok::<(), lorebase::Error>(())
/// ```
pub fn edit_head(format: Format, head: &str, edits: &[FieldEdit]) -> Result<String> {
    match format {
        Format::Markdown => edit_markdown(head, edits),
        Format::Toml => edit_toml_head(head, edits),
        Format::Json => edit_entry(head, edits),
    }
}

fn edit_markdown(head: &str, edits: &[FieldEdit]) -> Result<String> {
    if head.is_empty() {
        let new = edited(&Fields::new(), edits);
        return verified_markdown(render_head(Format::Markdown, &new), &new);
    }
    let fences = fence::split(Format::Markdown, head).map_err(|fault| unreadable(&fault))?.filter(|fences| fences.body == head.len());
    let fences =
        fences.ok_or_else(|| Error::new(ErrorKind::InvalidDocument, "the head is no frontmatter block; pass the part before the body"))?;
    let text = &head[fences.start..fences.end];
    let root = yaml::parse(text).map_err(|fault| unreadable(&fault.shifted(fences.start)))?;
    let Some(root) = root else {
        let new = edited(&Fields::new(), edits);
        if new.is_empty() {
            return Ok(head.to_owned());
        }
        let line_end = line_end::dominant(head).unwrap_or("\n");
        let mut lines = String::new();
        super::write::entries(&mut lines, &new, "", &super::write::Layout { line_end, ..Default::default() });
        return verified_markdown(format!("{}{lines}{}", &head[..fences.end], &head[fences.end..]), &new);
    };
    let old = node::fields(&root, text, &node::YAML).map_err(|fault| unreadable(&fault.shifted(fences.start)))?;
    if let Data::Map(entries, _) = &root.data {
        let mut unset = edits.iter().filter_map(|edit| if let FieldEdit::Unset(key) = edit { Some(key) } else { None });
        if let Some(key) = unset.find(|key| !old.contains_key(*key) && is_merged(entries, &old, key)) {
            return Err(refusal(&merged(key)));
        }
    }
    let new = edited(&old, edits);
    if new == old {
        return Ok(head.to_owned());
    }
    let line_end = line_end::dominant(head).unwrap_or("\n");
    let text = edit_block::edit(text, &root, &old, &new, line_end).map_err(|reason| refusal(&reason))?;
    verified_markdown(format!("{}{text}{}", &head[..fences.start], &head[fences.end..]), &new)
}

fn verified_markdown(head: String, expected: &Fields) -> Result<String> {
    match read_markdown(&head) {
        Ok(fields) if fields == *expected => Ok(head),
        Ok(_) => Err(refusal("the result would be read as other values")),
        Err(fault) => Err(refusal(&fault.message)),
    }
}

fn read_markdown(head: &str) -> Result<Fields, Fault> {
    match fence::split(Format::Markdown, head)? {
        None => Ok(Fields::new()),
        Some(fences) if fences.body != head.len() => Err(Fault::new("fence.dashes", fences.body, "a value would end the frontmatter")),
        Some(fences) => {
            let text = &head[fences.start..fences.end];
            match fast_path::values(text) {
                Some((fields, _)) => Ok(fields),
                None => yaml::parse(text)?.map_or(Ok(Fields::new()), |root| node::fields(&root, text, &node::YAML)),
            }
        }
    }
}

fn edit_toml_head(head: &str, edits: &[FieldEdit]) -> Result<String> {
    let fences = fence::split(Format::Toml, head).map_err(|fault| unreadable(&fault))?;
    let Some(fences) = fences.filter(|fences| fences.body == head.len()) else {
        if !head.is_empty() {
            return Err(Error::new(ErrorKind::InvalidDocument, "the head is no frontmatter block; pass the part before the body"));
        }
        let new = edited(&Fields::new(), edits);
        if new.is_empty() {
            return Ok(String::new());
        }
        let text = edit_toml::render(&new).map_err(|reason| refusal(&reason))?;
        return verified_toml(format!("+++\n{text}+++\n"), &new);
    };
    let text = &head[fences.start..fences.end];
    let old = read_toml(text).map_err(|fault| unreadable(&fault.shifted(fences.start)))?;
    let new = edited(&old, edits);
    if new == old {
        return Ok(head.to_owned());
    }
    let text = edit_toml::edit(text, &old, &new).map_err(|reason| refusal(&reason))?;
    verified_toml(format!("{}{text}{}", &head[..fences.start], &head[fences.end..]), &new)
}

fn verified_toml(head: String, expected: &Fields) -> Result<String> {
    let fences = fence::split(Format::Toml, &head).map_err(|fault| refusal(&fault.message))?;
    let fences = fences.filter(|fences| fences.body == head.len()).ok_or_else(|| refusal("a value would end the frontmatter"))?;
    let fields = read_toml(&head[fences.start..fences.end]).map_err(|fault| refusal(&fault.message))?;
    if fields == *expected { Ok(head) } else { Err(refusal("the result would be read as other values")) }
}

fn read_toml(text: &str) -> Result<Fields, Fault> {
    node::fields(&toml_tree::parse(text)?, text, &node::TOML)
}

fn edit_entry(head: &str, edits: &[FieldEdit]) -> Result<String> {
    let head = if head.is_empty() { "{}" } else { head };
    let root = json_tree::parse(head).map_err(|fault| unreadable(&fault))?;
    let old = node::fields(&root, head, &node::JSON).map_err(|fault| unreadable(&fault))?;
    let new = edited(&old, edits);
    if new == old {
        return Ok(head.to_owned());
    }
    let text = edit_json::edit(head, &root, &old, &new).map_err(|reason| refusal(&reason))?;
    let again =
        json_tree::parse(&text).and_then(|root| node::fields(&root, &text, &node::JSON)).map_err(|fault| refusal(&fault.message))?;
    if again == new { Ok(text) } else { Err(refusal("the result would be read as other values")) }
}

fn edited(old: &Fields, edits: &[FieldEdit]) -> Fields {
    let mut new = old.clone();
    for edit in edits {
        match edit {
            FieldEdit::Set(key, value) => _ = new.insert(key.clone(), value.clone()),
            FieldEdit::Unset(key) => _ = new.shift_remove(key),
        }
    }
    new
}

fn unreadable(fault: &Fault) -> Error {
    Error::new(ErrorKind::InvalidDocument, format!("the fields cannot be read: {}", fault.message)).with("code", fault.code)
}

fn refusal(reason: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("the fields cannot be edited in place: {reason}; edit the file by hand"))
}

/// A new body in the file's own line endings: those of `old` (head and body) where it has any, else as given. Where
/// `old` has both, most lines decide, unless `new` has both as well and is taken as it is. After a frontmatter that
/// ends without a line end, one comes first.
pub fn fit_body(old: &str, new: &str) -> String {
    let Some(line_end) = line_end::dominant(old) else { return new.to_owned() };
    let body = if line_end::is_mixed(old) && line_end::is_mixed(new) { new.to_owned() } else { line_end::convert(new, line_end) };
    let unended = !old.ends_with('\n')
        && [Format::Markdown, Format::Toml]
            .into_iter()
            .any(|format| matches!(fence::split(format, old), Ok(Some(fences)) if fences.body == old.len()));
    if unended && !body.is_empty() { format!("{line_end}{body}") } else { body }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_takes_the_line_ends_of_its_file() {
        assert_eq!(fit_body("---\r\na: 1\r\n---\r\nx\r\n", "y\nz\n"), "y\r\nz\r\n");
        assert_eq!(fit_body("a\nb\n", "y\r\nz"), "y\nz");
        assert_eq!(fit_body("a", "y\r\nz\n"), "y\r\nz\n");
        assert_eq!(fit_body("a\r\nb\r\nc\n", "y\nz\n"), "y\r\nz\r\n");
        assert_eq!(fit_body("a\r\nb\r\nc\n", "a\r\nB\r\nc\n"), "a\r\nB\r\nc\n");
    }

    #[test]
    fn a_body_never_runs_into_a_fence_without_a_line_end() {
        assert_eq!(fit_body("---\na: 1\n---", "text"), "\ntext");
        assert_eq!(fit_body("---\na: 1\n---", ""), "");
        assert_eq!(fit_body("---\na: 1\n---\nbody", "text"), "text");
    }
}
