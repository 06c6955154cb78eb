//! The checker can fail: it sees every difference between what a side left and what it should have left.
#![expect(clippy::unwrap_used, reason = "a step that fails fails the test")]

use std::collections::BTreeMap;
use std::path::Path;

use lorebase::sync::SyncOptions;
use lorebase_backends::{Options, open};
use lorebase_benches::check::{Row, Table, blobs, commits, compare_files, compare_rows, each_by, expected, read_rows};
use lorebase_benches::entities::{Entity, Generator, Mix};
use lorebase_benches::{git, repository};

const COUNT: usize = 25;

/// What makes a row wrong.
type Damage = fn(&mut Row);

fn generator() -> Generator {
    Generator::new(7, Mix::All)
}

fn entities() -> BTreeMap<String, Entity> {
    generator().entities(COUNT).map(|entity| (entity.path.clone(), entity)).collect()
}

/// A repository, what its rows must be, and what they are after a synchronisation.
async fn synchronised(folder: &Path) -> (BTreeMap<String, Row>, BTreeMap<String, Row>) {
    let (repo, db) = (folder.join("knowledge.git"), folder.join("cache.db"));
    repository::create(&repo).unwrap();
    let commit = repository::commit(&repo, 0, generator().entities(COUNT)).unwrap();
    let kb = open(Options::new(&repo).cache(format!("sqlite:{}", db.display()))).await.unwrap();
    kb.sync(SyncOptions::default()).await.unwrap();
    let files = blobs(&repo, &commit).unwrap();
    let wanted = entities().values().map(|entity| (entity.path.clone(), expected(entity, &files[&entity.path], &commit, 1))).collect();
    (wanted, read_rows(&db, Table::Ours).await.unwrap())
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

#[test]
fn the_rows_of_a_synchronisation_are_what_the_generator_meant() {
    let folder = tempfile::tempdir().unwrap();
    let (wanted, found) = runtime().block_on(synchronised(folder.path()));
    assert_eq!((wanted.len(), found.len()), (COUNT, COUNT));
    compare_rows(&wanted, &found).unwrap();
}

#[test]
fn a_difference_in_any_column_and_any_row_too_few_or_too_many_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let (wanted, found) = runtime().block_on(synchronised(folder.path()));
    let path = wanted.keys().nth(COUNT / 2).unwrap().clone();
    let damages: [(&str, Damage); 9] = [
        ("kind", |row| row.kind.push('s')),
        ("id", |row| row.id.push('0')),
        ("slug", |row| row.slug.push('-')),
        ("title", |row| row.title.push(' ')),
        ("fields", |row| row.fields["id"] = 1.into()),
        ("body", |row| row.body.truncate(row.body.len() - 1)),
        ("blob", |row| row.blob = "0".repeat(40)),
        ("commit", |row| row.commit.clear()),
        ("revision", |row| row.revision += 1),
    ];
    for (column, damage) in damages {
        let mut found = found.clone();
        damage(found.get_mut(&path).unwrap());
        let message = compare_rows(&wanted, &found).unwrap_err().to_string();
        assert!(message.starts_with(&format!("{path}: the column {column} must be ")), "{message}");
    }
    let mut fewer = found.clone();
    let row = fewer.remove(&path).unwrap();
    assert_eq!(compare_rows(&wanted, &fewer).unwrap_err().to_string(), format!("{path}: there is no row"));
    let mut more = found.clone();
    more.insert("skills/other.md".to_owned(), row);
    assert_eq!(compare_rows(&wanted, &more).unwrap_err().to_string(), "skills/other.md: there is a row, and no such file");
}

#[test]
fn a_file_that_says_something_else_is_missing_or_is_too_many_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let repo = folder.path().join("knowledge.git");
    repository::create(&repo).unwrap();
    repository::commit(&repo, 0, generator().entities(COUNT)).unwrap();
    let (files, entities) = (blobs(&repo, "main").unwrap(), entities());
    compare_files(&repo, &files, &entities).unwrap();
    let refusal = |entities: &BTreeMap<String, Entity>| compare_files(&repo, &files, entities).unwrap_err().to_string();

    let path = entities.keys().nth(3).unwrap().clone();
    let mut other = entities.clone();
    other.get_mut(&path).unwrap().fields.insert("more".to_owned(), true.into());
    assert!(refusal(&other).starts_with(&format!("{path}: the fields must be ")));
    let mut other = entities.clone();
    other.get_mut(&path).unwrap().body.push('\n');
    assert!(refusal(&other).starts_with(&format!("{path}: the text must be ")));
    let mut other = entities.clone();
    let entity = other.remove(&path).unwrap();
    assert_eq!(refusal(&other), format!("{path}: there is a file, and no such entity"));
    let mut other = entities;
    other.insert("skills/other.md".to_owned(), entity);
    assert_eq!(refusal(&other), "skills/other.md: there is no file");
}

#[test]
fn commits_by_others_too_many_or_of_other_files_are_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let repo = folder.path().join("knowledge.git");
    repository::create(&repo).unwrap();
    let base = repository::commit(&repo, 0, generator().entities(COUNT)).unwrap();
    for round in 1..=3 {
        repository::commit(&repo, round, std::iter::once(generator().entity(usize::try_from(round).unwrap(), round))).unwrap();
    }
    let author = "Engineer <engineer@example.com>";
    let made = commits(&repo, Some(&base)).unwrap();
    let expected: Vec<String> = (1..=3).map(|number| generator().entity(number, 0).path).collect();
    assert_eq!(made.iter().flat_map(|commit| commit.paths.clone()).collect::<Vec<_>>(), expected);
    each_by(&made, 3, author, 1).unwrap();
    assert_eq!(each_by(&made, 2, author, 1).unwrap_err().to_string(), "there must be 2 commits and are 3");
    assert!(each_by(&made, 3, "Ada <ada@example.com>", 1).unwrap_err().to_string().contains("the author must be Ada"));
    assert!(each_by(&made, 3, author, 2).unwrap_err().to_string().contains("it must change 2 paths and changes 1"));
    repository::commit(&repo, 4, std::iter::once(generator().entity(1, 4))).unwrap();
    let made = commits(&repo, Some(&base)).unwrap();
    assert!(each_by(&made, 4, author, 1).unwrap_err().to_string().contains("a second time"));
    let all = commits(&repo, None).unwrap();
    assert_eq!((all.len(), all[0].paths.len(), all[0].id.as_str()), (5, COUNT, base.as_str()));
    assert_eq!(git::line(&repo, &["config", "core.fsync"]).unwrap(), "all");
}
