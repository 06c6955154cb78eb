//! Several repositories in one database.

use lorebase::sync::{Save, SyncOptions};
use lorebase::{ErrorKind, PublishMode};
use lorebase_backends::{Options, open};

use crate::git::git;
use crate::seed::{ENTITIES, PROMPT_BLOCK};
use crate::world::{Layout, World, run};

#[test]
fn two_repositories_share_a_database_and_nothing_else() {
    let (one, two) = (World::new(Layout::Checkout), World::new(Layout::Bare));
    let joined = run(open(Options::new(two.repo()).cache(one.cache_url()).namespace("second"))).unwrap();
    assert_eq!(run(joined.sync(SyncOptions::default())).unwrap().created, ENTITIES);
    run(joined.save(Save::update("prompt_block", "tone").set("sortOrder", 22))).unwrap();
    one.step(&["prompts/blocks/tone.md"], |one| one.save(Save::update("prompt_block", "tone").set("sortOrder", 11)));
    assert_eq!(one.file("prompts/blocks/tone.md").unwrap(), PROMPT_BLOCK.replace("10", "11"));
    assert_eq!(two.file("prompts/blocks/tone.md").unwrap(), PROMPT_BLOCK.replace("10", "22"));
    assert_eq!(run(joined.get("prompt_block", "tone")).unwrap().unwrap().fields["sortOrder"], 22);
    assert!(run(joined.drift()).unwrap().is_empty());
    assert_eq!(run(joined.status()).unwrap().total, ENTITIES);
    two.sync();
    two.assert_invariants();
}

#[test]
fn two_branches_of_one_repository_share_a_database_and_nothing_else() {
    let world = World::new(Layout::Bare);
    git(&world.repo(), &["branch", "staging", "main"]);
    let staging = run(open(world.options(PublishMode::Inline).branch("staging"))).unwrap();
    assert_eq!(run(staging.sync(SyncOptions::default())).unwrap().created, ENTITIES);
    let main = world.head();
    run(staging.save(Save::update("prompt_block", "tone").set("sortOrder", 22))).unwrap();
    assert_eq!(world.head(), main, "the other branch stays where it is");
    assert_eq!(world.get("prompt_block", "tone").unwrap().fields["sortOrder"], 10);
    world.sync();
    world.assert_invariants();
}

#[test]
fn another_repository_under_the_same_name_is_refused() {
    let one = World::new(Layout::Checkout);
    let two = tempfile::tempdir().unwrap();
    git(two.path(), &["init", "-q", "-b", "main"]);
    git(two.path(), &["commit", "-q", "--allow-empty", "-m", "Another beginning"]);
    let root = git(&one.repo(), &["rev-list", "--max-parents=0", "main"]);
    let refused = run(open(Options::new(two.path()).cache(one.cache_url()))).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    assert_eq!(
        refused.message(),
        format!(
            "the database holds another repository under namespace `default` and branch `main` (its first commit is {root}); choose another namespace or another database"
        )
    );
    one.assert_invariants();
}
