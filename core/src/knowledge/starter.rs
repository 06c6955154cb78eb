//! What a new knowledge repository begins with: the settings with everything explained and nothing changed, and a
//! folder for each built-in kind. Data only; who writes and commits it is not decided here.

use std::fmt::Write as _;

use super::{Config, Format, Kind};
use crate::Result;

const SETTINGS: &str = "\
# The settings of this knowledge repository. All of it is optional: without this file the built-in kinds are in folders
# at the top. An unknown key is an error. Lorebase reads this file as committed, not as edited; `lorebase validate`
# checks it as it is on the disk.

# Where the kinds' folders are; the top unless given.
# root: knowledge

# kinds:
#   skill:                      # a built-in kind: only what differs
#     review: true              # new ones begin as DRAFT and stay in the database until they are PUBLISHED
#   playbook:                   # a kind of your own
#     folder: playbooks
#     workflow: false           # true: `status` is DRAFT, IN_REVIEW, PUBLISHED or ARCHIVED
#     glob: \"**/*.md\"           # which files below the folder; README.md and names that begin with a dot are skipped
#     readme: false             # true: README.md files count too
#     title: name               # the field that names it; else `title`, then `name`
#     lists:                    # how a list is merged when both sides changed it; a `sequence` unless said
#       tags: set
#       owners: {keyed: email}
#     schema: schemas/playbook.json  # a JSON Schema of your own for the fields
#     strict: true              # what it does not allow is refused; false: it is a warning
#     unique: [code]            # no two of them share one of these values
#     private: [phone]          # stays in the database and never reaches git
#     conflict: ask             # or git, cache: who wins where both changed the same thing
";

/// The built-in kinds' folders, and what to say in each.
const FOLDERS: [(&str, &str, &str); 8] = [
    ("skill", "", "One Markdown file for each skill. Only skills whose `status` is PUBLISHED (or that have none) belong into git."),
    ("customer", "", "One Markdown file for each customer: the fields above, what is known and decided below."),
    ("system_prompt", "", "One Markdown file for each system prompt; variants stand under `## Variants`, each with its own `###` heading."),
    ("prompt_block", "", "One Markdown file for each block that prompts are composed of, in the order of `sortOrder`."),
    ("template", "slides", "Templates of slide decks, one Markdown file each."),
    ("template", "documents", "Templates of documents and mails, one Markdown file each."),
    ("document", "", "One Markdown file for each document: what it is and where it is stored, not the document itself."),
    ("category", "", "All categories are entries of one file, `metadata.json`: `{\"sales\": {\"name\": \"Sales\", \"sortOrder\": 1}}`."),
];

/// The files of a new repository, path and text: `lorebase.yaml`, all comments unless `root` is given, and a `README.md`
/// (which is no entity) in the folder of each built-in kind.
///
/// # Errors
/// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when `root` is no safe path.
///
/// ```
/// use lorebase::codec::parse_settings;
/// use lorebase::knowledge::{Config, starter};
///
/// let files = starter("")?;
/// assert_eq!(files[0].0, "lorebase.yaml");
/// assert_eq!(parse_settings(&files[0].1).unwrap(), Config::built_in());
/// # Ok::<(), lorebase::Error>(())
/// ```
pub fn starter(root: &str) -> Result<Vec<(String, String)>> {
    let config = Config::built_in().with_root(root)?;
    let settings = match root {
        "" => SETTINGS.to_owned(),
        root => SETTINGS.replace("# root: knowledge", &format!("root: \"{root}\"")),
    };
    let mut files = vec![(Config::FILE.to_owned(), settings)];
    for (name, below, about) in FOLDERS {
        let Some(kind) = config.kind(&name.into()) else { continue };
        let folder = if below.is_empty() { kind.folder.clone() } else { format!("{}/{below}", kind.folder) };
        files.push((format!("{folder}/README.md"), readme(kind, &folder, about)));
    }
    Ok(files)
}

fn readme(kind: &Kind, folder: &str, about: &str) -> String {
    let mut text = format!("# {folder}\n\n{about}\n");
    if kind.format == Format::Markdown {
        let field = kind.title_fields.first().map_or("title", String::as_str);
        let _ = write!(text, "\n```markdown\n---\n{field}: What people call it\n---\n\nThe text.\n```\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::parse_settings;
    use crate::knowledge::KnowledgePath;

    #[test]
    fn no_file_of_a_new_repository_is_an_entity_and_the_settings_change_nothing() {
        for root in ["", "knowledge", "team/the base"] {
            let files = starter(root).unwrap();
            assert_eq!(files.len(), 1 + FOLDERS.len());
            let config = parse_settings(&files[0].1).unwrap();
            assert_eq!(config, Config::built_in().with_root(root).unwrap());
            for (path, text) in &files {
                assert!(config.classify(&KnowledgePath::new(path.as_str()).unwrap()).is_none(), "{path}");
                assert!(text.ends_with('\n') && text.lines().all(|line| line.len() <= 140), "{path}");
            }
        }
        assert!(starter("../x").is_err());
    }

    #[test]
    fn every_line_of_the_settings_is_right_when_its_comment_sign_is_taken_away() {
        let lines = SETTINGS.lines().skip_while(|line| !line.starts_with("# root")).filter(|line| !line.starts_with("# Where"));
        let text = lines.map(|line| line.strip_prefix("# ").unwrap_or(line)).collect::<Vec<_>>().join("\n");
        let config = parse_settings(&text).unwrap();
        assert_eq!(config.kind(&"playbook".into()).unwrap().folder, "knowledge/playbooks");
        assert!(config.kind(&"skill".into()).unwrap().review);
    }

    #[test]
    fn every_built_in_kind_has_a_folder() {
        let paths: Vec<String> = starter("").unwrap().into_iter().map(|(path, _)| path).collect();
        for kind in Config::built_in().kinds {
            assert!(paths.iter().any(|path| path.starts_with(&format!("{}/", kind.folder))), "{}", kind.name);
        }
    }
}
