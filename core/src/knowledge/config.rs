//! The repository's own settings, `lorebase.yaml`: which kinds there are and where. Read from the tree at HEAD.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::{Uuid, uuid};

use super::{Kind, KindName, KnowledgePath, built_in};
use crate::{Error, ErrorKind, Result};

/// The namespace of [`fingerprint`].
const FINGERPRINT_NAMESPACE: Uuid = uuid!("0d9c6f5e-5b0b-5a37-8f43-2a4f6f1d7c90");

/// The kinds of a repository.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// Where the kinds' folders are, without a slash at the end; empty for the top.
    pub root: String,
    /// All kinds: the built-in ones and the declared ones. Their folders are given from the top and hold the root.
    pub kinds: Vec<Kind>,
}

impl Config {
    /// The file's name at the top of a repository.
    pub const FILE: &str = "lorebase.yaml";

    /// The seven built-in kinds at the top of the repository: `skill`, `customer`, `system_prompt`, `prompt_block`,
    /// `template`, `document` and `category`.
    pub fn built_in() -> Self {
        Self { root: String::new(), kinds: built_in::kinds() }
    }

    /// The same kinds with their folders below `root` instead of the present root; empty for the top.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when `root` is not a safe path (see [`KnowledgePath`]).
    ///
    /// ```
    /// use lorebase::knowledge::Config;
    /// let config = Config::built_in().with_root("knowledge")?;
    /// assert_eq!(config.kind(&"skill".into()).unwrap().folder, "knowledge/skills");
    /// # Ok::<(), lorebase::Error>(())
    /// ```
    pub fn with_root(mut self, root: &str) -> Result<Self> {
        if !root.is_empty() {
            KnowledgePath::new(root)
                .map_err(|error| Error::new(ErrorKind::InvalidInput, format!("root: {}", error.message())).with("root", root))?;
        }
        for kind in &mut self.kinds {
            kind.folder = join(root, below(&self.root, &kind.folder).unwrap_or(&kind.folder));
        }
        root.clone_into(&mut self.root);
        Ok(self)
    }

    /// The kind of a name.
    pub fn kind(&self, name: &KindName) -> Option<&Kind> {
        self.kinds.iter().find(|kind| kind.name == *name)
    }

    /// The kind that a file of the repository belongs to: the longest folder that holds it and whose pattern it
    /// matches; of kinds with one folder the one declared last. `None` for everything else (other files,
    /// `README.md`, names that begin with a dot).
    ///
    /// ```
    /// use lorebase::knowledge::{Config, KnowledgePath};
    /// let config = Config::built_in();
    /// let path = KnowledgePath::new("prompts/system/skill_creation.md")?;
    /// assert_eq!(config.classify(&path).unwrap().name.as_str(), "system_prompt");
    /// assert!(config.classify(&KnowledgePath::new("prompts/README.md")?).is_none());
    /// # Ok::<(), lorebase::Error>(())
    /// ```
    pub fn classify(&self, path: &KnowledgePath) -> Option<&Kind> {
        self.kinds.iter().filter(|kind| kind.matches(path)).max_by_key(|kind| kind.folder.len())
    }
}

/// A digest of everything that decides how files are decoded, for [`Cursor::fingerprint`](crate::store::Cursor): the
/// text of `lorebase.yaml` (empty when there is none), the texts of the schemas by path, and the codec's version.
/// The same on every machine; 32 hexadecimal digits.
pub fn fingerprint(yaml: &str, schemas: &BTreeMap<String, String>, codec_version: u32) -> String {
    let mut bytes = Vec::new();
    let mut part = |text: &str| {
        // The length first, so that no two lists of parts give the same bytes.
        bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
        bytes.extend_from_slice(text.as_bytes());
    };
    part(&codec_version.to_string());
    part(yaml);
    for (path, schema) in schemas {
        part(path);
        part(schema);
    }
    Uuid::new_v5(&FINGERPRINT_NAMESPACE, &bytes).simple().to_string()
}

fn join(root: &str, folder: &str) -> String {
    match (root, folder) {
        ("", _) => folder.to_owned(),
        (_, "") => root.to_owned(),
        _ => format!("{root}/{folder}"),
    }
}

/// A folder from the root instead of from the top.
fn below<'a>(root: &str, folder: &'a str) -> Option<&'a str> {
    if root.is_empty() || folder == root {
        return Some(if root.is_empty() { folder } else { "" });
    }
    folder.strip_prefix(root)?.strip_prefix('/')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn path(text: &str) -> KnowledgePath {
        KnowledgePath::new(text).unwrap()
    }

    fn kind_of<'a>(config: &'a Config, file: &str) -> Option<&'a str> {
        config.classify(&path(file)).map(|kind| kind.name.as_str())
    }

    fn custom(name: &str, folder: &str, glob: &str) -> Kind {
        let skill = Config::built_in().kinds.swap_remove(0);
        Kind { name: name.into(), folder: folder.to_owned(), glob: glob.to_owned(), ..skill }
    }

    #[test]
    fn each_file_of_the_built_in_folders_has_its_kind() {
        let config = Config::built_in();
        for (file, kind) in [
            ("skills/pdf.md", "skill"),
            ("skills/pdf/SKILL.md", "skill"),
            ("customers/acme-inc-.md", "customer"),
            ("prompts/system/skill_creation.md", "system_prompt"),
            ("prompts/blocks/tone.md", "prompt_block"),
            ("templates/slides/pitch.md", "template"),
            ("templates/documents/deep/er/x.md", "template"),
            ("documents/price list.md", "document"),
            ("categories/metadata.json", "category"),
        ] {
            assert_eq!(kind_of(&config, file), Some(kind), "{file}");
        }
    }

    #[test]
    fn other_files_have_no_kind() {
        let config = Config::built_in();
        for file in [
            "README.md",
            "skills/README.md",
            "skills/pdf/readme.MD",
            "skills/.draft.md",
            "skills/.obsidian/a.md",
            "skills/pdf.txt",
            "skills",
            "prompts/a.md",
            "prompts/other/a.md",
            "categories/other.json",
            "categories/a.md",
            "lorebase.yaml",
            "knowledge/skills/pdf.md",
        ] {
            assert_eq!(kind_of(&config, file), None, "{file}");
        }
    }

    #[test]
    fn the_longest_folder_that_takes_the_file_wins() {
        let mut config = Config::built_in();
        config.kinds.push(custom("note", "", "**/*.md"));
        config.kinds.push(custom("prompt", "prompts", "**/*.md"));
        config.kinds.push(custom("fast_prompt", "prompts/system/fast", "*.md"));
        for (file, kind) in [
            ("a.md", "note"),
            ("skills/a.md", "skill"),
            ("prompts/a.md", "prompt"),
            ("prompts/system/a.md", "system_prompt"),
            ("prompts/system/fast/a.md", "fast_prompt"),
            ("prompts/system/fast/deep/a.md", "system_prompt"),
            ("promptsx/a.md", "note"),
            ("categories/a.md", "note"),
            ("categories/metadata.json", "category"),
        ] {
            assert_eq!(kind_of(&config, file), Some(kind), "{file}");
        }
    }

    #[test]
    fn a_root_moves_every_folder_and_can_be_changed() {
        let config = Config::built_in().with_root("team/knowledge").unwrap();
        assert_eq!(config.root, "team/knowledge");
        assert_eq!(kind_of(&config, "team/knowledge/prompts/system/a.md"), Some("system_prompt"));
        assert_eq!(kind_of(&config, "prompts/system/a.md"), None);
        assert_eq!(config.clone().with_root("").unwrap(), Config::built_in());
        assert_eq!(config.with_root("x").unwrap(), Config::built_in().with_root("x").unwrap());

        let mut top = Config::built_in();
        top.kinds.push(custom("note", "", "*.md"));
        let rooted = top.clone().with_root("k").unwrap();
        assert_eq!(rooted.kind(&"note".into()).unwrap().folder, "k");
        assert_eq!(rooted.with_root("").unwrap(), top);
    }

    #[test]
    fn an_unsafe_root_is_refused() {
        for root in ["/", "a/", "../x", ".git", "a\\b"] {
            let error = Config::built_in().with_root(root).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.message().starts_with("root: unsafe path"), "{error}");
        }
    }

    #[test]
    fn a_fingerprint_is_stable_and_depends_on_every_part() {
        let schemas = |pairs: &[(&str, &str)]| pairs.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        let none = BTreeMap::new();
        assert_eq!(fingerprint("", &none, 1), "44742a6ee7535cf9ad8156f967b4674b");
        let digests = [
            fingerprint("", &none, 1),
            fingerprint("", &none, 2),
            fingerprint("root: a", &none, 1),
            fingerprint("root: a ", &none, 1),
            fingerprint("", &schemas(&[("a", "b")]), 1),
            fingerprint("", &schemas(&[("ab", "")]), 1),
            fingerprint("", &schemas(&[("a", ""), ("b", "")]), 1),
            fingerprint("ab", &none, 1),
        ];
        for (i, one) in digests.iter().enumerate() {
            assert!(one.len() == 32 && one.bytes().all(|b| b.is_ascii_hexdigit()), "{one}");
            assert!(digests[..i].iter().all(|other| other != one), "{i}");
        }
    }

    proptest! {
        #[test]
        fn any_path_and_pattern_can_be_classified(file in "\\PC{1,12}(/\\PC{1,8}){0,3}", glob in "[a*?/\\[\\]{},!\\\\.é-]{0,16}", folder in "[a-c]{0,2}") {
            let Ok(path) = KnowledgePath::new(file) else { return Ok(()) };
            let mut config = Config::built_in();
            config.kinds.push(custom("any", &folder, &glob));
            if let Some(kind) = config.classify(&path) {
                prop_assert!(kind.matches(&path));
                prop_assert!(path.as_str().starts_with(&kind.folder));
            }
        }

        #[test]
        fn a_markdown_file_of_a_kind_is_found_again_by_its_slug(name in "[a-zäß\\[\\] ._-]{1,10}(/[a-z.\\[-]{1,8}){0,2}") {
            let config = Config::built_in();
            let Ok(path) = KnowledgePath::new(format!("skills/{name}.md")) else { return Ok(()) };
            let Some(kind) = config.classify(&path) else { return Ok(()) };
            let location = kind.location(&kind.slug_of(&path)).unwrap();
            prop_assert_eq!(location.path, path);
        }
    }
}
