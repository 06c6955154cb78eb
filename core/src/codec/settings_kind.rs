//! One kind of `lorebase.yaml`.

use super::fault::Fault;
use super::node::{Data, Node};
use super::settings_value::{boolean, choice, entries, folder, joined, safe, text, texts, wrong};
use crate::knowledge::{ConflictPolicy, DerivedRule, Format, Kind, KindName, ListRule, Naming};

/// All keys of a kind, for the message about an unknown one.
const KEYS: &str =
    "folder, glob, format, naming, title, workflow, review, readme, schema, strict, lists, unique, private, derived, conflict";

/// A kind as the settings declare it, its folder below the root.
pub(super) struct Declared {
    pub(super) kind: Kind,
    /// Where its name stands.
    pub(super) at: usize,
    /// Whether it says where its files are.
    pub(super) names_folder: bool,
}

/// Reads one kind over the built-in one of its name, or over the defaults.
pub(super) fn read(key: &Node<'_>, name: &str, node: &Node<'_>, built_in: &[Kind]) -> Result<Declared, Fault> {
    check_name(key, name)?;
    let known = built_in.iter().find(|kind| kind.name.as_str() == name);
    let mut kind = known.cloned().unwrap_or_else(|| defaults(name));
    let settings = if node.text() == Some("") { Vec::new() } else { entries(node, "a kind")? };
    let mut named = Vec::new();
    for (key, setting, value) in settings {
        set(&mut kind, key, setting, value)?;
        named.push((setting, key, value));
    }
    let named = |setting: &str| named.iter().find(|(name, ..)| *name == setting).map(|(_, key, value)| (*key, *value));
    if known.is_none() && named("folder").is_none() {
        let message = format!("the kind `{name}` needs a `folder` (it is not a built-in one)");
        return Err(Fault::new("settings.folder", key.start, message));
    }
    if named("schema").is_some() && named("strict").is_none() {
        kind.strict = true;
    }
    if let Some((_, value)) = named("private") {
        names_nothing_private(&kind, value)?;
    }
    if kind.review && !kind.workflow {
        return Err(wrong(named("review").map_or(key, |(key, _)| key), "`review` needs `workflow: true`"));
    }
    if kind.format == Format::Json && kind.glob.contains(['*', '?', '[', '{']) {
        return Err(wrong(
            named("glob").map_or(key, |(_, value)| value),
            "a kind with `format: json` needs `glob`: the name of its one file",
        ));
    }
    if let Some((_, value)) = named("glob").filter(|_| kind.format != Format::Json)
        && let Err(error) = fast_glob::validate(&kind.glob)
    {
        return Err(wrong(value, &format!("`glob` is no pattern: {error}; correct it")));
    }
    let place = named("glob").or(named("folder")).map_or(key, |(_, value)| value);
    if kind.format == Format::Json {
        safe(place, &joined(&kind.folder, &kind.glob))?;
    }
    Ok(Declared { kind, at: key.start, names_folder: named("folder").is_some() })
}

fn check_name(key: &Node<'_>, name: &str) -> Result<(), Fault> {
    let valid = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-'));
    if valid {
        return Ok(());
    }
    let message = format!("the kind `{}` must be named by lower-case letters, digits, `_` and `-`, a letter first", name.escape_debug());
    Err(Fault::new("settings.name", key.start, message))
}

fn defaults(name: &str) -> Kind {
    Kind {
        name: KindName::new(name),
        folder: String::new(),
        glob: "**/*.md".to_owned(),
        format: Format::Markdown,
        naming: Naming::Slug,
        title_fields: vec!["title".to_owned(), "name".to_owned()],
        workflow: false,
        review: false,
        readme: false,
        schema: None,
        strict: false,
        lists: std::collections::BTreeMap::new(),
        unique: Vec::new(),
        private: Vec::new(),
        derived: std::collections::BTreeMap::new(),
        conflict: ConflictPolicy::Ask,
    }
}

fn set(kind: &mut Kind, key: &Node<'_>, setting: &str, value: &Node<'_>) -> Result<(), Fault> {
    match setting {
        "folder" => kind.folder = folder(value)?,
        "glob" => kind.glob = text(value, "`glob`")?,
        "format" => kind.format = choice(value, &[("markdown", Format::Markdown), ("toml", Format::Toml), ("json", Format::Json)])?,
        "naming" => kind.naming = choice(value, &[("slug", Naming::Slug), ("id", Naming::Id)])?,
        "title" => kind.title_fields = title(value)?,
        "workflow" => kind.workflow = boolean(value)?,
        "review" => kind.review = boolean(value)?,
        "readme" => kind.readme = boolean(value)?,
        "schema" => {
            let path = text(value, "`schema`")?;
            safe(value, &path)?;
            kind.schema = Some(path);
        }
        "strict" => kind.strict = boolean(value)?,
        "lists" => {
            let rules = entries(value, "`lists`")?;
            kind.lists =
                rules.into_iter().map(|(_, field, rule)| Ok((field.to_owned(), list_rule(rule)?))).collect::<Result<_, Fault>>()?;
        }
        "unique" => kind.unique = texts(value, "`unique`")?,
        "private" => kind.private = private(value)?,
        "derived" => {
            let choices = [("created", DerivedRule::Created), ("updated", DerivedRule::Updated)];
            let rules = entries(value, "`derived`")?;
            kind.derived =
                rules.into_iter().map(|(_, field, rule)| Ok((field.to_owned(), choice(rule, &choices)?))).collect::<Result<_, Fault>>()?;
        }
        "conflict" => {
            kind.conflict = choice(value, &[("ask", ConflictPolicy::Ask), ("git", ConflictPolicy::Git), ("cache", ConflictPolicy::Cache)])?;
        }
        _ => {
            let message = format!("unknown key `{}`; a kind has {KEYS}", setting.escape_debug());
            return Err(Fault::new("settings.key", key.start, message));
        }
    }
    Ok(())
}

fn title(node: &Node<'_>) -> Result<Vec<String>, Fault> {
    match &node.data {
        Data::Seq(items, _) if items.is_empty() => Err(wrong(node, "`title` must name at least one field")),
        Data::Seq(..) => texts(node, "`title`"),
        _ => Ok(vec![text(node, "`title`")?]),
    }
}

/// Fields that say who an entity is or where it stands cannot stay out of its file.
fn private(node: &Node<'_>) -> Result<Vec<String>, Fault> {
    let fields = texts(node, "`private`")?;
    if let (Some(at), Data::Seq(items, _)) = (fields.iter().position(|field| matches!(field.as_str(), "id" | "status")), &node.data) {
        return Err(wrong(&items[at], "`id` and `status` belong to the file and cannot be private"));
    }
    Ok(fields)
}

/// What names an entity is in its path, and what the library maintains is written into its file.
fn names_nothing_private(kind: &Kind, node: &Node<'_>) -> Result<(), Fault> {
    for field in &kind.private {
        if kind.title_fields.contains(field) {
            let message = format!("`{field}` names the entity and its file and cannot be private; name another field with `title`");
            return Err(wrong(node, &message));
        }
        if kind.derived.contains_key(field) {
            return Err(wrong(node, &format!("`{field}` is kept in the file by the library and cannot be private")));
        }
    }
    Ok(())
}

fn list_rule(node: &Node<'_>) -> Result<ListRule, Fault> {
    const EXPECTED: &str = "write `set`, `sequence`, or `{keyed: field}`";
    match (&node.data, node.text()) {
        (_, Some("set")) => Ok(ListRule::Set),
        (_, Some("sequence")) => Ok(ListRule::Sequence),
        (Data::Map(entries, _), _) => match entries.as_slice() {
            [entry] if entry.key.text() == Some("keyed") => Ok(ListRule::Keyed(text(&entry.value, "the field of `keyed`")?)),
            _ => Err(wrong(node, EXPECTED)),
        },
        _ => Err(wrong(node, EXPECTED)),
    }
}
