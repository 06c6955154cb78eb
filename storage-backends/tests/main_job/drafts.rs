//! The workflow on a real branch: what is no draft is in git, what is one is not.

use lorebase::knowledge::{Status, SyncStatus};
use lorebase::sync::Save;

use crate::on_every_layout;
use crate::seed::SKILL;
use crate::world::World;

on_every_layout!(
    a_draft_over_a_live_file_waits_and_merges_when_it_is_published,
    a_new_draft_is_in_no_commit_until_it_is_published,
    an_archived_skill_leaves_git_and_comes_back,
);

fn a_draft_over_a_live_file_waits_and_merges_when_it_is_published(world: &World) {
    let path = "skills/reading-pdfs.md";
    let draft = world.step(&[], |world| world.save(Save::update("skill", "reading-pdfs").set("active", false).status(Status::Draft)));
    assert_eq!(draft.sync_status, SyncStatus::Draft);
    assert_eq!(world.get("skill", "reading-pdfs").unwrap().fields["active"], true);
    world.step(&[], |world| world.save(Save::update("skill", "reading-pdfs").status(Status::InReview)));
    world.step(&[path], |world| {
        world.engineer(&[(path, Some(&SKILL.replace("documents, pdf", "documents, pdf, files")))]);
        world.sync();
    });
    assert_eq!(world.working("skill", "reading-pdfs").unwrap().fields["active"], false, "a push leaves the draft alone");
    let published = world.step(&[path], |world| world.save(Save::update("skill", "reading-pdfs").status(Status::Published)));
    assert_eq!(published.sync_status, SyncStatus::Synced);
    let expected = SKILL.replace("documents, pdf", "documents, pdf, files").replace("active: true", "active: false");
    assert_eq!(world.file(path).unwrap().replace("status: PUBLISHED\n", ""), expected);
}

fn a_new_draft_is_in_no_commit_until_it_is_published(world: &World) {
    let head = world.head();
    world.step(&[], |world| world.save(Save::create("skill").title("Draft").body("One.\n").status(Status::Draft)));
    world.step(&[], |world| world.save(Save::update("skill", "draft").body("Two.\n").based_on_current()));
    assert!(world.get("skill", "draft").is_none());
    assert_eq!((world.head(), world.working("skill", "draft").unwrap().body.as_str()), (head, "Two.\n"));
    world.reopen(lorebase::PublishMode::Inline);
    world.step(&["skills/draft.md"], |world| world.save(Save::update("skill", "draft").status(Status::Published)));
    assert!(world.file("skills/draft.md").unwrap().ends_with("---\nTwo.\n"));
    world.step(&[], |world| world.save(Save::create("skill").title("Never").status(Status::Draft)));
    world.step(&[], |world| {
        world.delete("skill", "never");
        world.sync();
        assert_eq!(world.taken_back(), 2, "what git never had needs no commit to go");
    });
}

fn an_archived_skill_leaves_git_and_comes_back(world: &World) {
    let path = "skills/reading-pdfs.md";
    world.step(&[path], |world| world.save(Save::update("skill", "reading-pdfs").status(Status::Archived)));
    assert_eq!(world.file(path), None);
    assert!(world.get("skill", "reading-pdfs").is_none());
    let kept = world.working("skill", "reading-pdfs").unwrap();
    assert!(kept.body.contains("trailing spaces  \n") && kept.sync_status == SyncStatus::Draft);
    world.step(&[path], |world| world.save(Save::update("skill", "reading-pdfs").status(Status::Published)));
    assert_eq!(world.file(path).unwrap().replace("status: PUBLISHED\n", ""), SKILL);
    assert_eq!(world.get("skill", "reading-pdfs").unwrap().id.as_str(), "skill-1");
}
