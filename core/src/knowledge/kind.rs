//! What the repository says about one kind of knowledge: where its files are, how they are named, and which rules
//! its fields follow.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{KindName, KnowledgePath, Location, Slug};
use crate::{Error, ErrorKind, Result};

/// How a kind's entities are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// One Markdown file an entity, with YAML frontmatter between `---` lines.
    Markdown,
    /// One Markdown file an entity, with TOML frontmatter between `+++` lines.
    Toml,
    /// One JSON file of many entries, each an entity.
    Json,
}

/// What names a new file of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Naming {
    /// The slug of the title; a changed title moves the file while its slug still follows the old title.
    Slug,
    /// The id; the file never moves by itself.
    Id,
}

/// How two edits of one list are merged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ListRule {
    /// Adds and removes of both sides, order of no meaning.
    Set,
    /// Items are mappings known by one of their fields.
    Keyed(String),
    /// One value: two different edits conflict. The rule of every list that is not declared.
    Sequence,
}

/// How two edits of one field are merged, whatever it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergeRule<'k> {
    /// The library maintains it: it never conflicts.
    Derived(DerivedRule),
    /// A list of which adds and removes of both sides are taken.
    Set,
    /// A list of mappings known by this field.
    Keyed(&'k str),
    /// One value: two different edits conflict. The rule of every field that is not declared.
    Sequence,
}

/// How a field that the library maintains gets its value at a save.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DerivedRule {
    /// The time of creation; written once, into new files.
    Created,
    /// The time of the last save; changed where the file has the field, written into new files.
    Updated,
}

/// Who wins where both sides changed the same thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConflictPolicy {
    /// A person decides.
    #[default]
    Ask,
    /// Git's side.
    Git,
    /// The database's side.
    Cache,
}

/// One kind of knowledge of a repository.
#[expect(clippy::struct_excessive_bools, reason = "each is one setting of `lorebase.yaml`")]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kind {
    /// Its name.
    pub name: KindName,
    /// The folder of its files from the top of the repository, without a slash at the end; empty for the top.
    pub folder: String,
    /// For Markdown files the pattern below the folder: `*` within a part, `**` for any parts, `{a,b}` for
    /// alternatives, `?` and `[…]` for one ASCII character, `\` before one of these for itself. For
    /// [`Format::Json`] the file's name in the folder.
    pub glob: String,
    /// How its entities are stored.
    pub format: Format,
    /// What names a new file.
    pub naming: Naming,
    /// The fields that may name an entity, in order of preference; never empty.
    pub title_fields: Vec<String>,
    /// Whether `status` is the workflow's state.
    pub workflow: bool,
    /// Whether new entities start as drafts (with `workflow`).
    pub review: bool,
    /// Whether `README.md` files are entities.
    pub readme: bool,
    /// The path of its own JSON Schema from the top of the repository; without one a built-in kind has the schema that
    /// [`built_in_schema`](super::built_in_schema) gives, any other none.
    pub schema: Option<String>,
    /// Whether a violation of the schema is an error, so that the file is not taken and the save refused; else it is a
    /// warning. Unless it is set, true for an own schema and false for a built-in one.
    pub strict: bool,
    /// How lists are merged, by the path of the list: dots go into mappings and into the items of keyed lists.
    pub lists: BTreeMap<String, ListRule>,
    /// Fields whose value no two entities of the kind share: texts and numbers; no value, null and an empty text count
    /// as nothing.
    pub unique: Vec<String>,
    /// Fields that stay in SQL and never reach git.
    pub private: Vec<String>,
    /// Fields that the library maintains.
    pub derived: BTreeMap<String, DerivedRule>,
    /// Who wins where both sides changed the same thing.
    pub conflict: ConflictPolicy,
}

impl Kind {
    /// The rule that edits of a field follow.
    ///
    /// ```
    /// use lorebase::knowledge::{Config, DerivedRule, MergeRule};
    ///
    /// let config = Config::built_in();
    /// let skill = config.kind(&"skill".into()).unwrap();
    /// assert_eq!(skill.merge_rule("owners"), MergeRule::Keyed("email"));
    /// assert_eq!(skill.merge_rule("updated"), MergeRule::Derived(DerivedRule::Updated));
    /// assert_eq!(skill.merge_rule("title"), MergeRule::Sequence);
    /// ```
    pub fn merge_rule(&self, field: &str) -> MergeRule<'_> {
        match (self.derived.get(field), self.lists.get(field)) {
            (Some(rule), _) => MergeRule::Derived(*rule),
            (None, Some(ListRule::Set)) => MergeRule::Set,
            (None, Some(ListRule::Keyed(by))) => MergeRule::Keyed(by),
            (None, Some(ListRule::Sequence) | None) => MergeRule::Sequence,
        }
    }

    /// Whether a file belongs to this kind: it is below the folder and fits the pattern. No part below the folder
    /// may begin with a dot, and `README.md` (in any case) counts only where [`readme`](Self::readme) says so.
    /// Another kind with a longer folder may still take it: see [`Config::classify`](super::Config::classify).
    pub fn matches(&self, path: &KnowledgePath) -> bool {
        let Some(below) = self.below(path.as_str()) else { return false };
        match self.format {
            Format::Json => below == self.glob,
            Format::Markdown | Format::Toml => {
                let hidden = below.split('/').any(|part| part.starts_with('.'));
                !hidden && (self.readme || !is_readme(below)) && fast_glob::glob_match(&self.glob, below)
            }
        }
    }

    /// The slug of a file of this kind: its path below the folder without the extension.
    pub fn slug_of(&self, path: &KnowledgePath) -> Slug {
        let below = self.below(path.as_str()).unwrap_or(path.as_str());
        let name = below.rfind('/').map_or(0, |slash| slash + 1);
        let end = below.rfind('.').filter(|dot| *dot > name).unwrap_or(below.len());
        Slug::new(&below[..end])
    }

    /// Where an entity with `slug` lives: below the folder with the first extension of `.md`, `.mdx` and `.markdown`
    /// that the pattern takes, or, for a JSON kind, the entry of that key. Slashes in the slug are subfolders.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when the slug is empty, does not make a safe path, or makes one that is not of
    /// this kind (the pattern does not take it, it is a `README`, a part begins with a dot).
    pub fn location(&self, slug: &Slug) -> Result<Location> {
        if slug.as_str().is_empty() {
            return Err(self.refused(slug, "it is empty; give a slug or a title with letters or digits"));
        }
        if self.format != Format::Json && slug.as_str().ends_with('/') {
            return Err(self.refused(slug, "it ends with a slash; name a file"));
        }
        if slug.as_str().contains('\0') {
            return Err(self.refused(slug, "it holds a NUL character; choose another"));
        }
        match self.format {
            Format::Json => Ok(Location::entry(KnowledgePath::new(self.in_folder(&self.glob))?, slug.as_str())),
            Format::Markdown | Format::Toml => self.file(slug).map(Location::file),
        }
    }

    /// Checks what the settings say about this kind, so that every later use is sound.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] naming the kind and the setting: a folder that is no safe path, a pattern that
    /// cannot be understood, a JSON kind whose pattern is not a file's name, no title field.
    pub fn check(&self) -> Result<()> {
        let wrong = |what: String| Err(Error::new(ErrorKind::InvalidInput, format!("kind `{}`: {what}", self.name)));
        if !self.folder.is_empty()
            && let Err(error) = KnowledgePath::new(self.folder.as_str())
        {
            return wrong(format!("folder: {}", error.message()));
        }
        match self.format {
            Format::Markdown | Format::Toml => {
                if let Err(error) = fast_glob::validate(&self.glob) {
                    return wrong(format!("glob `{}`: {error}", self.glob));
                }
            }
            Format::Json => {
                if let Err(error) = KnowledgePath::new(self.in_folder(&self.glob)) {
                    return wrong(format!("glob of a JSON kind must name one file: {}", error.message()));
                }
            }
        }
        if self.title_fields.is_empty() {
            return wrong("no field is named that holds the title; name one with `title`".to_owned());
        }
        Ok(())
    }

    fn file(&self, slug: &Slug) -> Result<KnowledgePath> {
        // A safe name of the plain extension first: its refusal is the clearest message.
        let plain = KnowledgePath::new(self.in_folder(&format!("{slug}.md"))).map_err(|error| self.refused(slug, error.message()))?;
        if self.matches(&plain) {
            return Ok(plain);
        }
        let others =
            ["mdx", "markdown"].iter().filter_map(|extension| KnowledgePath::new(self.in_folder(&format!("{slug}.{extension}"))).ok());
        if let Some(path) = others.into_iter().find(|path| self.matches(path)) {
            return Ok(path);
        }
        let below = self.below(plain.as_str()).unwrap_or_default();
        Err(if below.split('/').any(|part| part.starts_with('.')) {
            self.refused(slug, "names that begin with a dot are not entities; choose another")
        } else if is_readme(below) && !self.readme {
            self.refused(slug, "README files are not entities of this kind; choose another")
        } else {
            self.refused(slug, &format!("the kind's pattern `{}` does not take `{below}`; choose a slug that fits it", self.glob))
        })
    }

    /// The part of a path below the folder.
    fn below<'a>(&self, path: &'a str) -> Option<&'a str> {
        if self.folder.is_empty() { Some(path) } else { path.strip_prefix(self.folder.as_str())?.strip_prefix('/') }
    }

    fn in_folder(&self, below: &str) -> String {
        if self.folder.is_empty() { below.to_owned() } else { format!("{}/{below}", self.folder) }
    }

    fn refused(&self, slug: &Slug, reason: &str) -> Error {
        let slug = slug.as_str();
        Error::new(ErrorKind::InvalidInput, format!("{} cannot have the slug `{}`: {reason}", self.name, slug.escape_debug()))
            .with("kind", self.name.as_str())
            .with("slug", slug)
    }
}

/// Whether the last part is a README.
fn is_readme(below: &str) -> bool {
    let name = below.rsplit('/').next().unwrap_or(below);
    ["readme.md", "readme.mdx", "readme.markdown"].iter().any(|readme| name.eq_ignore_ascii_case(readme))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::Config;

    fn kind(folder: &str, glob: &str) -> Kind {
        let skill = Config::built_in().kinds.swap_remove(0);
        Kind { folder: folder.to_owned(), glob: glob.to_owned(), ..skill }
    }

    fn category() -> Kind {
        Config::built_in().kind(&"category".into()).unwrap().clone()
    }

    fn path(text: &str) -> KnowledgePath {
        KnowledgePath::new(text).unwrap()
    }

    fn refusal(kind: &Kind, slug: &str) -> String {
        let error = kind.location(&slug.into()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert_eq!(error.context()["slug"], slug);
        error.message().to_owned()
    }

    #[test]
    fn a_slug_is_the_path_below_the_folder_without_its_extension() {
        for (file, slug) in [
            ("skills/pdf.md", "pdf"),
            ("skills/pdf/SKILL.md", "pdf/SKILL"),
            ("skills/v1.2/notes.md", "v1.2/notes"),
            ("skills/v1.2.md", "v1.2"),
            ("skills/acme-inc-.md", "acme-inc-"),
            ("skills/a.b/plain", "a.b/plain"),
        ] {
            assert_eq!(kind("skills", "**/*").slug_of(&path(file)).as_str(), slug, "{file}");
        }
        assert_eq!(kind("", "**/*.md").slug_of(&path("a/b.md")).as_str(), "a/b");
    }

    #[test]
    fn a_location_leads_back_to_its_slug() {
        for (kind, slug, expected) in [
            (kind("skills", "**/*.md"), "pdf", "skills/pdf.md"),
            (kind("skills", "**/*.md"), "pdf/SKILL", "skills/pdf/SKILL.md"),
            (kind("skills", "**/*.md"), "v1.2", "skills/v1.2.md"),
            (kind("skills", "**/*.md"), "Größe [a] (b)", "skills/Größe [a] (b).md"),
            (kind("", "*.md"), "top", "top.md"),
            (kind("docs", "**/*.mdx"), "a/b", "docs/a/b.mdx"),
            (kind("docs", "**/*.{mdx,md}"), "a", "docs/a.md"),
            (kind("docs", "*.markdown"), "a", "docs/a.markdown"),
            (kind("docs", "**/guide-?.md"), "x/guide-1", "docs/x/guide-1.md"),
            (kind("docs", "**/SKILL.md"), "pdf/SKILL", "docs/pdf/SKILL.md"),
        ] {
            let location = kind.location(&slug.into()).unwrap();
            assert_eq!(location, Location::file(path(expected)));
            assert!(kind.matches(&location.path));
            assert_eq!(kind.slug_of(&location.path).as_str(), slug);
        }
    }

    #[test]
    fn a_slug_that_makes_no_file_of_the_kind_is_refused_with_the_reason() {
        let skill = kind("skills", "**/*.md");
        assert!(refusal(&skill, "").contains("it is empty"));
        assert!(refusal(&skill, "../../etc/passwd").contains("the part `..`"));
        assert!(refusal(&skill, "/etc/passwd").contains("empty part"));
        assert!(refusal(&skill, "a/").contains("ends with a slash"));
        assert!(refusal(&skill, "a\\b").contains("Windows"));
        assert!(refusal(&skill, "con").contains("device CON"));
        assert!(refusal(&skill, "a\0b").contains("NUL"));
        assert!(refusal(&skill, "README").contains("README files"));
        assert!(refusal(&skill, "pdf/ReadMe").contains("README files"));
        assert!(refusal(&skill, ".hidden").contains("begin with a dot"));
        assert!(refusal(&skill, ".git/x").contains("`.git`"));
        assert!(refusal(&skill, &"x".repeat(300)).contains("303 bytes"));
        assert!(refusal(&kind("skills", "*.md"), "a/b").contains("pattern `*.md` does not take `a/b.md`"));
        assert_eq!(
            refusal(&skill, "a:b"),
            "skill cannot have the slug `a:b`: unsafe path `skills/a:b.md`: it holds `:`, which Windows does not allow; rename the file"
        );
        let readme = Kind { readme: true, ..skill };
        assert_eq!(readme.location(&"README".into()).unwrap().to_string(), "skills/README.md");
    }

    #[test]
    fn an_entry_of_a_json_file_may_have_any_key_but_none() {
        for slug in ["documents", "a/b", "..", "CON", "größe", "a b", "#", "[x]", "README"] {
            let location = category().location(&slug.into()).unwrap();
            assert_eq!(location, Location::entry(path("categories/metadata.json"), slug));
        }
        assert!(refusal(&category(), "").contains("it is empty"));
        assert!(refusal(&category(), "a\0").contains("NUL"));
    }

    #[test]
    fn a_json_kind_is_exactly_one_file() {
        assert!(category().matches(&path("categories/metadata.json")));
        for other in ["categories/other.json", "categories/a/metadata.json", "metadata.json", "categories/METADATA.json"] {
            assert!(!category().matches(&path(other)), "{other}");
        }
    }

    #[test]
    fn only_the_folder_itself_is_the_folder() {
        let skill = kind("skills", "**/*.md");
        assert!(skill.matches(&path("skills/a.md")) && skill.matches(&path("skills/b/c/a.md")));
        for other in ["skills.md", "skillset/a.md", "Skills/a.md", "a/skills/a.md", "skills/a.mdx", "skills/a.md/b.txt"] {
            assert!(!skill.matches(&path(other)), "{other}");
        }
        assert!(!kind("skills", "*.md").matches(&path("skills/b/a.md")));
    }

    #[test]
    fn dots_hide_below_the_folder_but_not_in_it() {
        let kind = kind(".github/prompts", "**/*.md");
        assert!(kind.matches(&path(".github/prompts/a.md")));
        assert!(!kind.matches(&path(".github/prompts/.a.md")));
        assert!(!kind.matches(&path(".github/prompts/.b/a.md")));
    }

    #[test]
    fn a_kind_that_cannot_work_is_refused_by_name() {
        assert!(Config::built_in().kinds.iter().all(|kind| kind.check().is_ok()));
        assert!(kind("", "*.md").check().is_ok());
        let message = |kind: Kind| kind.check().unwrap_err().message().to_owned();
        assert!(message(kind("../up", "*.md")).starts_with("kind `skill`: folder: unsafe path `../up`"));
        assert!(message(kind("skills/", "*.md")).contains("ends with a slash"));
        assert!(message(kind("skills", "{a,b")).contains("glob `{a,b`: unclosed brace"));
        assert!(message(Kind { glob: "*.json".to_owned(), ..category() }).contains("must name one file"));
        assert!(message(Kind { title_fields: Vec::new(), ..category() }).contains("title"));
    }
}
