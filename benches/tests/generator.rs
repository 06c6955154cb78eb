//! The generator makes what it says: the same from the same seed, files that the library and another parser read as
//! they are meant, repositories as the git program writes them.

use std::collections::{BTreeMap, BTreeSet};

use lorebase::codec::decode_file;
use lorebase::knowledge::{Config, KnowledgePath};
use lorebase_benches::check::{blobs, compare_files};
use lorebase_benches::entities::{Entity, Generator, Mix};
use lorebase_benches::repository::Packing;
use lorebase_benches::{git, repository};

const SEED: u64 = 20_260_101;

#[test]
fn the_same_seed_gives_the_same_entities_and_another_seed_others() {
    for (number, version) in [(0, 0), (1, 3), (2, 0), (99_999, 1)] {
        let entity = Generator::new(SEED, Mix::All).entity(number, version);
        assert_eq!(entity, Generator::new(SEED, Mix::All).entity(number, version));
        assert_ne!(entity.body, Generator::new(SEED + 1, Mix::All).entity(number, version).body);
    }
}

#[test]
fn every_file_is_decoded_to_what_it_means_and_is_about_3_kb() {
    let config = Config::built_in();
    let mut kinds = BTreeMap::new();
    for number in 0..1000 {
        let version = u64::try_from(number % 3).unwrap();
        let entity = Generator::new(SEED, Mix::All).entity(number, version);
        let path = KnowledgePath::new(&entity.path).unwrap();
        let kind = config.classify(&path).unwrap();
        assert_eq!(kind.name.as_str(), entity.kind);
        let text = entity.text();
        assert!((2_900..4_200).contains(&text.len()), "{} has {} bytes", entity.path, text.len());
        let decoded = decode_file(kind, &config.root, &path, text.as_bytes());
        assert_eq!(decoded.diagnostics, [], "{}", entity.path);
        let [read] = &decoded.entities[..] else { panic!("{} is not one entity", entity.path) };
        assert!(read.explicit_id);
        assert_eq!((read.id.as_str(), read.content.slug.as_str()), (entity.id.as_str(), entity.slug.as_str()));
        assert_eq!((&read.content.title, &read.content.fields, &read.content.body), (&entity.title, &entity.fields, &entity.body));
        *kinds.entry(entity.kind).or_insert(0) += 1;
    }
    assert_eq!(kinds, BTreeMap::from([("customer", 200), ("document", 400), ("skill", 400)]));
}

#[test]
fn ids_and_paths_are_unique_and_no_folder_has_more_than_1000_files() {
    let (mut ids, mut paths, mut folders) = (BTreeSet::new(), BTreeSet::new(), BTreeMap::<String, usize>::new());
    for entity in Generator::new(SEED, Mix::Documents).entities(2500) {
        *folders.entry(entity.path.rsplit_once('/').unwrap().0.to_owned()).or_default() += 1;
        assert!(ids.insert(entity.id) && paths.insert(entity.path));
    }
    assert_eq!(folders.into_values().collect::<Vec<_>>(), [1000, 1000, 500]);
}

#[test]
fn an_edit_changes_one_field_and_the_text_and_nothing_else() {
    for number in 0..20 {
        let (before, after) = (Generator::new(SEED, Mix::All).entity(number, 0), Generator::new(SEED, Mix::All).entity(number, 1));
        assert_eq!((&before.id, &before.path, &before.title), (&after.id, &after.path, &after.title));
        let changed = before.fields.iter().filter(|(name, value)| after.fields.get(*name) != Some(value)).count();
        assert_eq!((changed, before.fields.len()), (1, after.fields.len()), "{}", before.path);
        assert!(after.body.starts_with(&before.body) && after.body.len() > before.body.len());
    }
}

#[test]
fn a_repository_is_one_pack_and_has_the_same_commits_wherever_it_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let generator = Generator::new(SEED, Mix::All);
    let changed = || (0..120).step_by(10).map(move |number| generator.entity(number, 1));
    let mut tips = Vec::new();
    for name in ["one.git", "other.git"] {
        let path = folder.path().join(name);
        repository::create(&path).unwrap();
        repository::commit(&path, 0, generator.entities(120)).unwrap();
        let packs = std::fs::read_dir(path.join("objects/pack")).unwrap();
        let packs = packs.filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|end| end == "pack")).count();
        assert_eq!(packs, 1);
        tips.push(repository::commit(&path, 1, changed()).unwrap());
    }
    assert_eq!(tips[0], tips[1]);

    let path = folder.path().join("one.git");
    let mut entities: BTreeMap<String, Entity> = generator.entities(120).map(|entity| (entity.path.clone(), entity)).collect();
    entities.extend(changed().map(|entity| (entity.path.clone(), entity)));
    compare_files(&path, &blobs(&path, "main").unwrap(), &entities).unwrap();
}

#[test]
fn a_row_is_one_line_of_json() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.jsonl");
    let generator = Generator::new(SEED, Mix::Documents);
    repository::write_rows(&file, generator.entities(3)).unwrap();
    let lines = std::fs::read_to_string(&file).unwrap();
    let rows: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 3);
    let entity = generator.entity(2, 0);
    assert_eq!(rows[2]["body"], entity.body.as_str());
    assert_eq!(rows[2]["fields"], serde_json::Value::Object(entity.fields));
    assert_eq!(rows[2].as_object().unwrap().keys().collect::<Vec<_>>(), ["kind", "id", "slug", "path", "title", "fields", "body"]);
}

#[test]
fn contents_are_packed_as_a_whole_or_as_chains_and_the_commit_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let mut commits = Vec::new();
    for (name, packing, differences) in [("whole.git", Packing::Whole, false), ("chains.git", Packing::Chains, true)] {
        let path = folder.path().join(name);
        repository::create(&path).unwrap();
        commits.push(repository::commit_packed(&path, 0, Generator::new(SEED, Mix::All).entities(300), packing).unwrap());
        let check = ["cat-file", "--batch-all-objects", "--batch-check=%(deltabase)"];
        let bases = git::line(&path, &check).unwrap();
        assert_eq!(bases.lines().any(|base| base.contains(|digit| digit != '0')), differences, "{name}");
    }
    assert_eq!(commits[0], commits[1]);
}
