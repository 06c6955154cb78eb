//! A person who works in the checkout at the same time, without having committed.

use lorebase::PublishMode;
use lorebase::knowledge::SyncStatus;
use lorebase::sync::{Save, SyncOptions};

use crate::git::git;
use crate::seed::{PLAYBOOK, PROMPT_BLOCK};
use crate::world::{Layout, World, run};

const PATH: &str = "prompts/blocks/tone.md";

fn why(world: &World) -> String {
    let row = world.log().into_iter().find(|row| row.error.is_some()).unwrap();
    row.error.unwrap()
}

/// A save that meets somebody's uncommitted work at `PATH`.
fn waiting(world: &World, reason: &str) {
    let (head, on_disk) = (world.head(), std::fs::read(world.repo().join(PATH)).ok());
    let saved = world.save(Save::update("prompt_block", "tone").set("sortOrder", 11));
    assert_eq!(saved.sync_status, SyncStatus::Pending);
    assert_eq!(world.head(), head);
    assert_eq!(std::fs::read(world.repo().join(PATH)).ok(), on_disk, "nobody's work is overwritten");
    assert_eq!(why(world), format!("`{PATH}` in the checkout is {reason}; commit or discard that and it goes through"));
    let report = world.sync();
    assert_eq!(report.blocked.iter().map(|blocked| blocked.path.as_str()).collect::<Vec<_>>(), [PATH]);
    let other = world.save(Save::update("playbook", "incident").set("severity", 1));
    assert_eq!(other.sync_status, SyncStatus::Synced, "everything else goes on");
    assert_eq!(std::fs::read(world.repo().join(PATH)).ok(), on_disk);
}

#[test]
fn an_uncommitted_edit_holds_a_save_until_it_is_discarded() {
    for layout in [Layout::Checkout, Layout::Sha256] {
        let world = World::new(layout);
        world.write(PATH, "half a thought");
        waiting(&world, "edited but not committed");
        git(&world.repo(), &["checkout", "--", PATH]);
        world.step(&[PATH], |world| assert_eq!(world.sync().published, 1));
        assert_eq!(world.file(PATH).unwrap(), PROMPT_BLOCK.replace("10", "11"));
    }
}

#[test]
fn an_uncommitted_edit_holds_a_save_until_it_is_committed() {
    let world = World::new(Layout::Checkout);
    world.write(PATH, PROMPT_BLOCK.replace("true", "false"));
    waiting(&world, "edited but not committed");
    world.step(&[PATH], |world| {
        world.commit("A whole thought");
        assert_eq!(world.sync().published, 1);
    });
    assert_eq!(world.file(PATH).unwrap(), PROMPT_BLOCK.replace("10", "11").replace("true", "false"));
}

#[test]
fn an_edit_of_the_same_size_at_the_same_moment_is_seen() {
    let world = World::new(Layout::Checkout);
    for round in 11..30 {
        world.step(&[PATH], |world| world.save(Save::update("prompt_block", "tone").set("sortOrder", round)));
        let ours = world.file(PATH).unwrap();
        world.write(PATH, ours.replace("kind", "rude"));
        let saved = world.save(Save::update("prompt_block", "tone").set("sortOrder", round + 30));
        assert_eq!(saved.sync_status, SyncStatus::Pending);
        git(&world.repo(), &["checkout", "--", PATH]);
        world.step(&[PATH], World::sync);
    }
}

#[test]
fn a_staged_edit_holds_a_save() {
    let world = World::new(Layout::Checkout);
    world.write(PATH, PROMPT_BLOCK.replace("true", "false"));
    git(&world.repo(), &["add", PATH]);
    waiting(&world, "staged");
    git(&world.repo(), &["reset", "-q", "--hard"]);
    world.step(&[PATH], |world| assert_eq!(world.sync().published, 1));
}

#[test]
fn an_untracked_file_in_the_way_of_a_new_one_stays() {
    let world = World::new(Layout::Checkout);
    world.write("skills/new.md", "somebody's notes");
    let saved = world.save(Save::create("skill").title("New"));
    assert_eq!(saved.sync_status, SyncStatus::Pending);
    assert!(why(&world).starts_with("`skills/new.md` in the checkout is "), "{}", why(&world));
    assert_eq!(std::fs::read_to_string(world.repo().join("skills/new.md")).unwrap(), "somebody's notes");
    std::fs::remove_file(world.repo().join("skills/new.md")).unwrap();
    world.step(&["skills/new.md"], |world| assert_eq!(world.sync().published, 1));
}

#[test]
fn a_deletion_here_leaves_an_edited_file_alone() {
    let world = World::new(Layout::Checkout);
    world.write("playbooks/incident.md", PLAYBOOK.replace("panic", "run"));
    world.delete("playbook", "incident");
    assert_eq!(world.file("playbooks/incident.md").unwrap(), PLAYBOOK);
    assert_eq!(std::fs::read_to_string(world.repo().join("playbooks/incident.md")).unwrap(), PLAYBOOK.replace("panic", "run"));
    world.commit("Keep it");
    world.sync();
    assert_eq!(run(world.kb().conflicts()).unwrap().len(), 1, "an edit in git against a deletion here");
    world.assert_invariants();
}

#[test]
fn work_elsewhere_in_the_checkout_is_nobodys_business() {
    let world = World::new(Layout::Checkout);
    world.write("documents/handbook.md", "half a thought");
    world.write("notes.txt", "untracked");
    world.write("staged.txt", "staged");
    git(&world.repo(), &["add", "staged.txt"]);
    let saved = world.save(Save::update("prompt_block", "tone").set("sortOrder", 11));
    assert_eq!(saved.sync_status, SyncStatus::Synced);
    assert_eq!(git(&world.repo(), &["status", "--porcelain"]), " M documents/handbook.md\nA  staged.txt\n?? notes.txt");
    git(&world.repo(), &["commit", "-q", "-m", "What was staged"]);
    assert_eq!(world.last_touched(), ["staged.txt"], "our commit took nothing of it, theirs nothing of ours");
    std::fs::remove_file(world.repo().join("notes.txt")).unwrap();
    git(&world.repo(), &["checkout", "--", "."]);
    world.sync();
    world.assert_invariants();
}

#[test]
fn another_branch_checked_out_leaves_the_files_alone() {
    let world = World::new(Layout::Checkout);
    git(&world.repo(), &["checkout", "-q", "-b", "topic"]);
    world.close();
    let kb = run(lorebase_backends::open(world.options(PublishMode::Inline).branch("main"))).unwrap();
    run(kb.save(Save::update("prompt_block", "tone").set("sortOrder", 11))).unwrap();
    assert_eq!(world.file(PATH).unwrap(), PROMPT_BLOCK.replace("10", "11"));
    assert_eq!(std::fs::read_to_string(world.repo().join(PATH)).unwrap(), PROMPT_BLOCK);
    assert_eq!(git(&world.repo(), &["status", "--porcelain"]), "");
    git(&world.repo(), &["checkout", "-q", "main"]);
    drop(kb);
    world.reopen(PublishMode::Inline);
    run(world.kb().sync(SyncOptions::default())).unwrap();
    world.assert_invariants();
}

#[test]
fn a_merge_that_is_going_on_holds_every_save() {
    let world = World::new(Layout::Checkout);
    git(&world.repo(), &["checkout", "-q", "-b", "topic"]);
    world.write(PATH, PROMPT_BLOCK.replace("10", "98"));
    world.commit("Topic");
    git(&world.repo(), &["checkout", "-q", "main"]);
    world.write(PATH, PROMPT_BLOCK.replace("10", "99"));
    world.commit("Main");
    assert!(!crate::git::try_git(&world.repo(), &["merge", "-q", "topic"]).status.success());
    let saved = world.save(Save::update("prompt_block", "tone").set("active", false));
    assert_eq!(saved.sync_status, SyncStatus::Pending);
    git(&world.repo(), &["merge", "--abort"]);
    world.step(&[PATH], |world| assert_eq!(world.sync().published, 1));
    assert_eq!(world.file(PATH).unwrap(), PROMPT_BLOCK.replace("10", "99").replace("true", "false"));
}
