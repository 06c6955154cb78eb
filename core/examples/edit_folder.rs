//! Edits every Markdown file below a folder in memory and says how many edits are right, wrong or refused: no edit, a
//! value set, a key added, a key removed, a list item added, a value inside of another one set. Right means that the
//! new file is read as the old values with the edit, by another YAML reader too, and that only the meant lines differ.
//!
//! `cargo run --release -p lorebase --example edit_folder -- FOLDER…`
#![expect(clippy::print_stdout, reason = "a program prints its figures")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{fs, io};

use lorebase::codec::{FieldEdit, FieldPath, decode_file, edit_head};
use lorebase::knowledge::{Config, Content, Fields, Format, Kind, KnowledgePath};
use serde_json::Value;

const EDITS: [&str; 6] = ["no edit", "value set", "key added", "key removed", "list item added", "nested value set"];

#[derive(Default)]
struct Counts {
    right: usize,
    wrong: usize,
    refused: usize,
}

fn main() -> ExitCode {
    let mut wrong = 0;
    for folder in std::env::args().skip(1) {
        match walk(Path::new(&folder)) {
            Ok(files) => wrong += try_folder(&folder, &files),
            Err(error) => {
                println!("{folder}: {error}");
                wrong += 1;
            }
        }
    }
    if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// How many edits were wrong.
fn try_folder(folder: &str, files: &[PathBuf]) -> usize {
    let mut counts: [Counts; 6] = Default::default();
    let (mut broken, mut with_fields) = (0, 0);
    for file in files {
        let bytes = fs::read(file).unwrap_or_default();
        let Some(content) = decode(&bytes) else {
            broken += 1;
            continue;
        };
        with_fields += usize::from(!content.fields.is_empty());
        for (number, edits) in edits(&content.fields).into_iter().enumerate() {
            let Some(edits) = edits else { continue };
            match attempt(&content, &bytes, &edits, number) {
                Ok(None) => counts[number].right += 1,
                Ok(Some(reason)) => {
                    counts[number].refused += 1;
                    println!("refused {}: {}: {reason}", EDITS[number], file.display());
                }
                Err(reason) => {
                    counts[number].wrong += 1;
                    println!("WRONG {}: {}: {reason}", EDITS[number], file.display());
                }
            }
        }
    }
    println!("{folder}: {} files, {with_fields} with fields, {broken} that cannot be read", files.len());
    for (name, counts) in EDITS.iter().zip(&counts) {
        println!("  {name:18} {:6} right {:3} wrong {:3} refused", counts.right, counts.wrong, counts.refused);
    }
    counts.iter().map(|counts| counts.wrong).sum()
}

/// The edits of one document; none where it has no value of that kind.
fn edits(fields: &Fields) -> [Option<Vec<FieldEdit>>; 6] {
    let path = |text: String| text.parse::<FieldPath>().ok();
    let name = |key: &str| FieldPath::field(key).to_string();
    let scalar = fields.iter().find(|(_, value)| value.as_str().is_some_and(|text| !text.is_empty() && !text.contains('\n')));
    let list = fields.iter().find(|(_, value)| value.as_array().is_some_and(|items| !items.is_empty()));
    let nested = fields.iter().find_map(|(key, value)| match value {
        Value::Object(inner) => {
            inner.iter().find(|(_, value)| value.is_string()).map(|(below, _)| format!("{}.{}", name(key), name(below)))
        }
        Value::Array(items) => items.iter().position(Value::is_string).map(|index| format!("{}[{index}]", name(key))),
        _ => None,
    });
    let set = |path: Option<FieldPath>, value: &str| path.and_then(|path| Some(vec![path.set(fields, value.into()).ok()?]));
    [
        Some(Vec::new()),
        scalar.map(|(key, _)| vec![FieldEdit::Set(key.clone(), "Another: value".into())]),
        Some(vec![FieldEdit::Set("a-new-key".to_owned(), 7.into())]),
        fields.keys().next().map(|key| vec![FieldEdit::Unset(key.clone())]),
        list.and_then(|(key, _)| set(path(format!("{}[]", name(key))), "a new item")),
        nested.and_then(|text| set(path(text), "another value")),
    ]
}

/// `None` when the edit is right, the reason when it is refused.
fn attempt(content: &Content, bytes: &[u8], edits: &[FieldEdit], number: usize) -> Result<Option<String>, String> {
    let head = match edit_head(Format::Markdown, &content.head, edits) {
        Ok(head) => head,
        Err(error) => return Ok(Some(error.to_string())),
    };
    let new = format!("{head}{}", content.body);
    if edits.is_empty() {
        return if new.as_bytes() == bytes { Ok(None) } else { Err("the bytes differ".to_owned()) };
    }
    let mut expected = content.fields.clone();
    for edit in edits {
        match edit {
            FieldEdit::Set(key, value) => _ = expected.insert(key.clone(), value.clone()),
            FieldEdit::Unset(key) => _ = expected.shift_remove(key),
        }
    }
    match decode(new.as_bytes()) {
        Some(again) if again.fields == expected && again.body == content.body => {}
        _ => return Err("it is read as something else".to_owned()),
    }
    if elsewhere(&content.head).as_ref() == Some(&content.fields) && elsewhere(&head).as_ref() != Some(&expected) {
        return Err("another reader reads something else".to_owned());
    }
    let (gone, come) = changed_lines(&content.head, &head);
    let meant = match number {
        1 | 5 => come == 1 && gone >= 1,
        2 => (gone, come) == (0, 1) || content.head.is_empty(),
        3 => gone >= 1 && come == 0,
        // In brackets over several lines the item before gets a comma.
        _ => gone <= 1 && (1..=gone + 1).contains(&come),
    };
    if meant { Ok(None) } else { Err(format!("{gone} lines became {come}")) }
}

/// How many lines stand between the first and the last that differ, before and after.
fn changed_lines(old: &str, new: &str) -> (usize, usize) {
    let (old, new): (Vec<_>, Vec<_>) = (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    let first = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let most = old.len().min(new.len()) - first;
    let last = old.iter().rev().zip(new.iter().rev()).take(most).take_while(|(a, b)| a == b).count();
    (old.len() - first - last, new.len() - first - last)
}

/// What a general YAML reader reads.
fn elsewhere(head: &str) -> Option<Fields> {
    let yaml = head.split_once('\n')?.1.trim_end().strip_suffix("---")?;
    serde_yaml::from_str(yaml).ok()
}

fn decode(bytes: &[u8]) -> Option<Content> {
    let path = KnowledgePath::new("documents/file.md").ok()?;
    decode_file(&kind()?, "", &path, bytes).entities.pop().map(|entity| entity.content)
}

fn kind() -> Option<Kind> {
    Config::built_in().kinds.into_iter().find(|kind| kind.name.as_str() == "document")
}

fn walk(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() && !path.is_symlink() {
            files.extend(walk(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "md" || extension == "mdx") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
