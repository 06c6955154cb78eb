//! The seven kinds that every repository has unless its settings say otherwise. Data only; what a setting means is
//! said at [`Kind`].

use std::collections::BTreeMap;

use super::{ConflictPolicy, DerivedRule, Format, Kind, ListRule, Naming};

const EVERY_MARKDOWN_FILE: &str = "**/*.md";

/// The built-in kinds with their folders from the top of the repository.
pub(super) fn kinds() -> Vec<Kind> {
    vec![
        Kind {
            workflow: true,
            lists: lists([
                ("categories", ListRule::Set),
                ("tags", ListRule::Set),
                ("owners", keyed("email")),
                ("sources", keyed("url")),
                ("documents", keyed("id")),
            ]),
            derived: derived([("created", DerivedRule::Created), ("updated", DerivedRule::Updated)]),
            ..markdown("skill", "skills", Naming::Slug)
        },
        Kind {
            title_fields: vec!["name".to_owned()],
            unique: vec!["salesforceId".to_owned()],
            lists: lists([
                ("tags", ListRule::Set),
                ("owners", keyed("email")),
                ("sources", keyed("url")),
                ("documents", keyed("id")),
                ("history", ListRule::Sequence),
            ]),
            derived: derived([("created", DerivedRule::Created), ("updated", DerivedRule::Updated)]),
            ..markdown("customer", "customers", Naming::Slug)
        },
        Kind {
            unique: vec!["name".to_owned()],
            lists: lists([("tags", ListRule::Set), ("variants", ListRule::Set)]),
            derived: derived([("updated", DerivedRule::Updated)]),
            ..markdown("system_prompt", "prompts/system", Naming::Id)
        },
        markdown("prompt_block", "prompts/blocks", Naming::Id),
        markdown("template", "templates", Naming::Id),
        markdown("document", "documents", Naming::Slug),
        Kind {
            glob: "metadata.json".to_owned(),
            format: Format::Json,
            title_fields: vec!["name".to_owned(), "title".to_owned()],
            ..markdown("category", "categories", Naming::Slug)
        },
    ]
}

fn markdown(name: &str, folder: &str, naming: Naming) -> Kind {
    Kind {
        name: name.into(),
        folder: folder.to_owned(),
        glob: EVERY_MARKDOWN_FILE.to_owned(),
        format: Format::Markdown,
        naming,
        title_fields: vec!["title".to_owned(), "name".to_owned()],
        workflow: false,
        review: false,
        readme: false,
        schema: None,
        strict: false,
        lists: lists([("tags", ListRule::Set)]),
        unique: Vec::new(),
        private: Vec::new(),
        derived: BTreeMap::new(),
        conflict: ConflictPolicy::Ask,
    }
}

fn keyed(field: &str) -> ListRule {
    ListRule::Keyed(field.to_owned())
}

fn lists<const N: usize>(rules: [(&str, ListRule); N]) -> BTreeMap<String, ListRule> {
    rules.into_iter().map(|(field, rule)| (field.to_owned(), rule)).collect()
}

fn derived<const N: usize>(rules: [(&str, DerivedRule); N]) -> BTreeMap<String, DerivedRule> {
    rules.into_iter().map(|(field, rule)| (field.to_owned(), rule)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_seven_kinds_with_names_and_folders_of_their_own() {
        let kinds = kinds();
        let shape: Vec<_> = kinds.iter().map(|kind| (kind.name.as_str(), kind.folder.as_str(), kind.naming, kind.workflow)).collect();
        assert_eq!(
            shape,
            [
                ("skill", "skills", Naming::Slug, true),
                ("customer", "customers", Naming::Slug, false),
                ("system_prompt", "prompts/system", Naming::Id, false),
                ("prompt_block", "prompts/blocks", Naming::Id, false),
                ("template", "templates", Naming::Id, false),
                ("document", "documents", Naming::Slug, false),
                ("category", "categories", Naming::Slug, false),
            ]
        );
    }

    #[test]
    fn only_categories_are_entries_of_one_json_file() {
        for kind in kinds() {
            let expected = if kind.name.as_str() == "category" { (Format::Json, "metadata.json") } else { (Format::Markdown, "**/*.md") };
            assert_eq!((kind.format, kind.glob.as_str()), expected, "{}", kind.name);
        }
    }

    #[test]
    fn times_are_kept_where_the_kind_has_the_fields() {
        let derived: Vec<_> =
            kinds().into_iter().map(|kind| (kind.name.to_string(), kind.derived.into_keys().collect::<Vec<_>>())).collect();
        let with_fields: Vec<_> =
            derived.iter().filter(|(_, fields)| !fields.is_empty()).map(|(name, fields)| (name.as_str(), fields.join(" "))).collect();
        assert_eq!(
            with_fields,
            [("skill", "created updated".to_owned()), ("customer", "created updated".to_owned()), ("system_prompt", "updated".to_owned())]
        );
    }
}
