//! `lorebase.yaml`: read strictly, with the line of every mistake.

use std::collections::BTreeSet;

use super::fault::Fault;
use super::fence::LARGEST_FRONTMATTER;
use super::node::{self, Data, Node};
use super::place::place;
use super::settings_kind::{self, Declared};
use super::settings_value::{entries, folder, joined};
use super::yaml;
use crate::knowledge::{Config, Diagnostic, Kind, KindName};

/// Reads the settings; an empty text gives the built-in kinds.
///
/// A kind with the name of a built-in one changes only what it names; any other kind needs a `folder`. A declared
/// folder takes the place of the built-in kind that has it. Folders are below `root` in the file and from the top of
/// the repository in the result; a schema's path is from the top in both.
///
/// # Errors
/// A [`Diagnostic`] at the line and column that is wrong; an unknown key is an error.
///
/// ```
/// use lorebase::codec::parse_settings;
///
/// let config = parse_settings("root: knowledge\nkinds:\n  playbook:\n    folder: playbooks\n    lists: {tags: set}\n")?;
/// assert_eq!(config.kind(&"playbook".into()).unwrap().folder, "knowledge/playbooks");
/// let mistake = parse_settings("kinds:\n  playbook:\n    foldr: playbooks\n").unwrap_err();
/// assert_eq!((mistake.line, mistake.column), (3, 5));
/// # Ok::<(), Box<lorebase::knowledge::Diagnostic>>(())
/// ```
pub fn parse_settings(text: &str) -> Result<Config, Box<Diagnostic>> {
    read(text).map_err(|fault| fault.into_error(Config::FILE, text))
}

/// A mistake about one setting of a kind (`schema` of `skill`) that shows only when other files are read, as a
/// [`Diagnostic`] at its place in the text of `lorebase.yaml`.
pub fn settings_place(text: &str, kind: &KindName, setting: &str, code: &'static str, message: impl Into<String>) -> Box<Diagnostic> {
    let steps = ["kinds", kind.as_str(), setting].map(str::to_owned);
    let bom = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let at = match yaml::parse(&text[bom..]) {
        Ok(Some(tree)) => bom + place(&tree, &steps).value,
        _ => 0,
    };
    Fault::new(code, at, message).into_error(Config::FILE, text)
}

fn read(text: &str) -> Result<Config, Fault> {
    if text.len() > LARGEST_FRONTMATTER {
        return Err(Fault::new("settings.size", 0, format!("the settings are longer than {LARGEST_FRONTMATTER} bytes; shorten them")));
    }
    let bom = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let text = &text[bom..];
    settings(text).map_err(|fault| fault.shifted(bom))
}

fn settings(text: &str) -> Result<Config, Fault> {
    let mut config = Config::built_in();
    let mut declared = Vec::new();
    if let Some(tree) = yaml::parse(text)? {
        // Limits, doubled keys and aliases are checked once for all; what follows reads the tree for its places.
        node::fields(&tree, text, &node::YAML)?;
        for (key, name, value) in entries(&tree, "the settings")? {
            match name {
                "root" => config.root = folder(value)?,
                "kinds" => declared = kinds(value, &config.kinds)?,
                _ => {
                    return Err(Fault::new(
                        "settings.key",
                        key.start,
                        format!("unknown key `{name}`; the settings have `root` and `kinds`"),
                    ));
                }
            }
        }
    }
    settle(config, declared)
}

fn kinds(node: &Node<'_>, built_in: &[Kind]) -> Result<Vec<Declared>, Fault> {
    if let Data::Scalar(..) = node.data
        && node.text() == Some("")
    {
        return Ok(Vec::new());
    }
    entries(node, "`kinds`")?.into_iter().map(|(key, name, value)| settings_kind::read(key, name, value, built_in)).collect()
}

/// Puts the declared kinds among the built-in ones and every folder below the root.
fn settle(mut config: Config, declared: Vec<Declared>) -> Result<Config, Fault> {
    let mut places = BTreeSet::new();
    for Declared { kind, at, .. } in &declared {
        if !places.insert((kind.folder.clone(), kind.glob.clone())) {
            let message = format!("another kind has the folder `{}` and the same files; give `{}` its own", kind.folder, kind.name);
            return Err(Fault::new("settings.folder", *at, message));
        }
    }
    let taken: BTreeSet<String> = declared.iter().filter(|kind| kind.names_folder).map(|declared| declared.kind.folder.clone()).collect();
    config.kinds.retain(|kind| !taken.contains(&kind.folder) || declared.iter().any(|other| other.kind.name == kind.name));
    for Declared { kind, .. } in declared {
        match config.kinds.iter_mut().find(|known| known.name == kind.name) {
            Some(known) => *known = kind,
            None => config.kinds.push(kind),
        }
    }
    for kind in &mut config.kinds {
        kind.folder = joined(&config.root, &kind.folder);
    }
    Ok(config)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::knowledge::{ConflictPolicy, DerivedRule, Format, ListRule, Naming};

    fn kind(text: &str, name: &str) -> Kind {
        parse_settings(text).unwrap().kind(&name.into()).unwrap().clone()
    }

    fn mistake(text: &str) -> (String, u32, u32) {
        let diagnostic = parse_settings(text).unwrap_err();
        assert_eq!(diagnostic.path, "lorebase.yaml");
        (diagnostic.code, diagnostic.line, diagnostic.column)
    }

    #[test]
    fn nothing_gives_the_built_in_kinds() {
        for text in ["", "# only a comment\n", "\u{feff}", "kinds:\n", "kinds: {}\n"] {
            assert_eq!(parse_settings(text).unwrap(), Config::built_in(), "{text:?}");
        }
    }

    #[test]
    fn a_custom_kind_has_defaults_for_everything_but_its_folder() {
        let kind = kind("kinds:\n  playbook:\n    folder: playbooks\n", "playbook");
        let expected = Kind {
            name: "playbook".into(),
            folder: "playbooks".into(),
            glob: "**/*.md".into(),
            format: Format::Markdown,
            naming: Naming::Slug,
            title_fields: vec!["title".into(), "name".into()],
            workflow: false,
            review: false,
            readme: false,
            schema: None,
            strict: false,
            lists: BTreeMap::new(),
            unique: Vec::new(),
            private: Vec::new(),
            derived: BTreeMap::new(),
            conflict: ConflictPolicy::Ask,
        };
        assert_eq!(kind, expected);
    }

    #[test]
    fn every_setting_is_read() {
        let text = "root: knowledge/\nkinds:\n  play-book_2:\n    folder: play/books\n    glob: 'p-*.md'\n    format: markdown\n    naming: id\n    \
                    title: headline\n    workflow: true\n    review: true\n    readme: true\n    schema: schemas/p.json\n    \
                    lists: {tags: set, owners: {keyed: email}, steps: sequence}\n    unique: [mail]\n    private: [secret, notes]\n    \
                    derived: {updated: updated, born: created}\n    conflict: git\n  cats:\n    folder: cats\n    format: json\n    glob: all.json\n    title: [a, b]\n";
        let kind_of = |name| kind(text, name);
        let book = kind_of("play-book_2");
        assert_eq!((book.folder.as_str(), book.glob.as_str(), book.naming), ("knowledge/play/books", "p-*.md", Naming::Id));
        assert_eq!((book.workflow, book.review, book.readme, book.schema.as_deref()), (true, true, true, Some("schemas/p.json")));
        assert_eq!(book.title_fields, ["headline"]);
        let lists = [("tags", ListRule::Set), ("owners", ListRule::Keyed("email".into())), ("steps", ListRule::Sequence)];
        assert_eq!(book.lists, lists.map(|(field, rule)| (field.to_owned(), rule)).into());
        assert_eq!((book.unique, book.private), (vec!["mail".to_owned()], vec!["secret".to_owned(), "notes".to_owned()]));
        assert_eq!(
            book.derived,
            [("updated", DerivedRule::Updated), ("born", DerivedRule::Created)].map(|(f, r)| (f.to_owned(), r)).into()
        );
        assert_eq!(book.conflict, ConflictPolicy::Git);
        let cats = kind_of("cats");
        assert_eq!((cats.format, cats.glob.as_str(), cats.title_fields), (Format::Json, "all.json", vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(kind("kinds:\n  post:\n    folder: posts\n    format: toml\n", "post").format, Format::Toml);
        assert_eq!(parse_settings(text).unwrap().root, "knowledge");
    }

    #[test]
    fn a_declared_kind_changes_only_what_it_names_of_a_built_in_one() {
        let mut base = kind("kinds:\n  skill:\n    folder: skills\n    workflow: true\n", "skill");
        base.title_fields = vec!["label".into()];
        let tree_text = "schema: s.json\nreview: true\n";
        let tree = yaml::parse(tree_text).unwrap().unwrap();
        let key = yaml::parse("skill").unwrap().unwrap();
        let declared = settings_kind::read(&key, "skill", &tree, std::slice::from_ref(&base)).unwrap();
        assert_eq!(declared.kind, Kind { schema: Some("s.json".into()), strict: true, review: true, ..base });
        assert!(!declared.names_folder);
    }

    #[test]
    fn a_declared_folder_takes_the_place_of_a_built_in_kind() {
        let base = kind("kinds:\n  skill:\n    folder: skills\n", "skill");
        let other = kind("kinds:\n  customer:\n    folder: customers\n", "customer");
        let config = Config { root: "kb".into(), kinds: vec![base.clone(), other] };
        let declared = Declared { kind: Kind { name: "talent".into(), ..base }, at: 0, names_folder: true };
        let settled = settle(config, vec![declared]).unwrap();
        let names: Vec<_> = settled.kinds.iter().map(|kind| (kind.name.as_str(), kind.folder.as_str())).collect();
        assert_eq!(names, [("customer", "kb/customers"), ("talent", "kb/skills")]);
    }

    #[test]
    fn every_mistake_is_shown_at_its_place() {
        let under = |line: &str| format!("kinds:\n  a:\n    folder: x\n    {line}\n");
        let cases = [
            ("rot: x\n".to_owned(), "settings.key", 1, 1),
            (under("foldr: y"), "settings.key", 4, 5),
            (under("workflow: maybe"), "settings.value", 4, 15),
            (under("workflow: \"true\""), "settings.value", 4, 15),
            (under("format: xml"), "settings.value", 4, 13),
            (under("naming: title"), "settings.value", 4, 13),
            (under("conflict: [git]"), "settings.value", 4, 15),
            (under("title: []"), "settings.value", 4, 12),
            (under("title: 3"), "settings.value", 4, 12),
            (under("unique: mail"), "settings.value", 4, 13),
            (under("lists: {tags: bag}"), "settings.value", 4, 19),
            (under("lists: {tags: {key: a}}"), "settings.value", 4, 19),
            (under("derived: {a: now}"), "settings.value", 4, 18),
            (under("review: true"), "settings.value", 4, 5),
            (under("format: json"), "settings.value", 2, 3),
            (under("glob: ''"), "settings.value", 4, 11),
            (under("glob: 'p-*['"), "settings.value", 4, 11),
            (under("private: [id]"), "settings.value", 4, 15),
            (under("private: [mail, name]"), "settings.value", 4, 14),
            (under("derived: {born: created}\n    private: [born]"), "settings.value", 5, 14),
            (under("strict: 'no'"), "settings.value", 4, 13),
            ("kinds:\n  Bad Name:\n    folder: x\n".to_owned(), "settings.name", 2, 3),
            ("kinds:\n  a:\n    workflow: true\n".to_owned(), "settings.folder", 2, 3),
            ("kinds:\n  a:\n".to_owned(), "settings.folder", 2, 3),
            ("kinds:\n  a: {folder: x}\n  b: {folder: x}\n".to_owned(), "settings.folder", 3, 3),
            ("kinds:\n  a:\n    folder: /\n".to_owned(), "settings.path", 3, 13),
            ("root: //\n".to_owned(), "settings.path", 1, 7),
            ("kinds: [a]\n".to_owned(), "settings.value", 1, 8),
            ("root: [a]\n".to_owned(), "settings.value", 1, 7),
            ("- a\n".to_owned(), "yaml.root", 1, 1),
            ("kinds:\n  a:\n  a:\n".to_owned(), "yaml.duplicate_key", 3, 3),
            ("\u{feff}kinds: %\n".to_owned(), "yaml.char", 1, 8),
            (format!("root: {}", "[".repeat(65_000)), "yaml.depth", 1, 71),
            ("#".repeat(300_000), "settings.size", 1, 1),
        ];
        for (text, code, line, column) in cases {
            assert_eq!(mistake(&text), (code.to_owned(), line, column), "{}", text.chars().take(80).collect::<String>());
        }
    }
}
