//! Repositories that others laid out long before: a `status` with another meaning, an own kind where a built-in one has
//! its folder, files that are all called `SKILL.md`, double extensions, deep folders, values that look like other types.

use lorebase::PublishMode;
use lorebase::knowledge::SyncStatus;
use lorebase::store::Query;
use lorebase::sync::Save;
use serde_json::json;

use crate::git::git;
use crate::world::{Layout, World, run};

const SETTINGS: &str = "kinds:
  proposal: {folder: PROPOSALS, workflow: false}
  agent: {folder: agents, glob: '*.agent.md', title: name}
  ability: {folder: skills, glob: '**/SKILL.md', title: name, lists: {metadata.platforms: set}}
  page: {folder: website/src/content, glob: '**/*.{md,mdx}'}
";
const PROPOSAL: &str = "---\neip: 20\ntitle: \"Tokens: a primer\"\nauthor: Ada Lovelace (@ada) <ada@example.com>, Bob (@bob)\ndiscussions-to: https://example.org/t/1\nstatus: Draft\ntype: Standards Track\ncategory: ERC\ncreated: 2015-11-19\nrequires: 155, 165\n---\n\n## Abstract\n\nA standard.\n";
const MOVED: &str = "---\neip: 21\ncategory: ERC\nstatus: Moved\n---\n\nThis file was moved.\n";
const AGENT: &str = "---\nname: \"C# Expert\"\ndescription: 'Says: \"use C#\", and it''s right'\n# version: 2026-01-20a\ntools: ['codebase', \"search\", fetch]\n---\n\nYou are an expert.\n";
const ABILITY: &str = "---\nname: reading-pdfs\ndescription: >-\n  Use this when\n  a PDF is read.\nmetadata:\n  version: \"1.3\"\n  platforms:\n    - linux    # first\n    - windows\n---\n# Reading\n";
const PAGE: &str = "---\r\ntitle: '\u{5165}\u{9580}'\r\ndraft: no\r\ndate: 2024-02-01\r\n---\r\n\r\n---\r\n\r\nA rule is no fence.\r\n";
const BARE: &str = "# No frontmatter\n\n---\ntitle: neither this\n---\n";

const FILES: [(&str, &[u8]); 11] = [
    ("lorebase.yaml", SETTINGS.as_bytes()),
    ("PROPOSALS/eip-20.md", PROPOSAL.as_bytes()),
    ("PROPOSALS/eip-21.md", MOVED.as_bytes()),
    ("agents/CSharpExpert.agent.md", AGENT.as_bytes()),
    ("agents/notes.md", b"# not an agent\n"),
    ("skills/pdf/SKILL.md", ABILITY.as_bytes()),
    ("skills/pdf/references/forms.md", b"---\nbroken: [\n---\n"),
    ("skills/office/word/SKILL.md", b"---\nname: word\n---\n"),
    ("website/src/content/ja-jp/getting-started/first/steps.mdx", PAGE.as_bytes()),
    ("website/src/content/index.md", BARE.as_bytes()),
    (".github/ISSUE_TEMPLATE.md", b"---\nbroken: [\n---\n"),
];

fn on_every_layout(story: impl Fn(&World)) {
    for layout in [Layout::Bare, Layout::Checkout, Layout::Sha256] {
        story(&World::of(layout, PublishMode::Inline, &FILES, 7));
    }
}

/// One save is one commit of one file, which is `after` then.
fn saves(world: &World, save: Save, path: &str, after: &str) {
    let before = world.commits();
    let saved = world.step(&[path], |world| world.save(save));
    assert_eq!(saved.sync_status, SyncStatus::Synced);
    assert_eq!(world.commits(), before + 1);
    assert_eq!(world.last_touched(), [path]);
    assert_eq!(world.file(path).unwrap(), after);
    assert_eq!(git(&world.repo(), &["log", "-1", "--format=%an <%ae>", "main"]), "Ada <ada@example.com>");
}

#[test]
fn a_second_synchronisation_finds_nothing_to_read() {
    on_every_layout(|world| {
        let again = world.sync();
        assert_eq!((again.created, again.updated, again.unchanged, again.invalid), (0, 0, 0, 0));
    });
}

#[test]
fn one_save_changes_only_the_meant_lines_of_each_shape() {
    on_every_layout(|world| {
        let proposal = "PROPOSALS/eip-20.md";
        let after = PROPOSAL.replace("status: Draft", "status: Review");
        saves(world, Save::update("proposal", "eip-20").set("status", "Review"), proposal, &after);
        let after = after.replace("created: 2015-11-19", "created: 2015-11-20");
        saves(world, Save::update("proposal", "eip-20").set("created", "2015-11-20"), proposal, &after);
        let after = AGENT.replace("fetch]", "fetch, edit]");
        let tools = Save::update("agent", "CSharpExpert.agent").set("tools", json!(["codebase", "search", "fetch", "edit"]));
        saves(world, tools, "agents/CSharpExpert.agent.md", &after);
        let ability = Save::update("ability", "pdf/SKILL").set("metadata", json!({"version": "1.4", "platforms": ["linux", "windows"]}));
        saves(world, ability, "skills/pdf/SKILL.md", &ABILITY.replace("1.3", "1.4"));
        let page = "website/src/content/ja-jp/getting-started/first/steps.mdx";
        let save = Save::update("page", "ja-jp/getting-started/first/steps").set("draft", "yes");
        saves(world, save, page, &PAGE.replace("draft: no", "draft: \"yes\""));
        let bare = Save::update("page", "index").set("order", 1);
        saves(world, bare, "website/src/content/index.md", &format!("---\norder: 1\n---\n{BARE}"));
    });
}

#[test]
fn a_status_with_another_meaning_is_a_field_like_any_other() {
    on_every_layout(|world| {
        let draft = world.get("proposal", "eip-20").unwrap();
        assert_eq!((draft.status, draft.fields["status"].as_str()), (None, Some("Draft")));
        assert_eq!((draft.fields["created"].as_str(), draft.fields["requires"].as_str()), (Some("2015-11-19"), Some("155, 165")));
        let every = run(world.kb().list(&Query { kind: Some("proposal".into()), ..Query::default() })).unwrap();
        assert_eq!(every.total, 2, "a draft of theirs is as published as anything");
        let made =
            world.step(&["PROPOSALS/a-new-one.md"], |world| world.save(Save::create("proposal").title("A new one").set("status", "Draft")));
        assert_eq!(made.sync_status, SyncStatus::Synced);
    });
}

#[test]
fn files_move_and_go_in_either_direction() {
    on_every_layout(|world| {
        let id = world.get("ability", "pdf/SKILL").unwrap().id;
        let beside = ["skills/pdf/references/forms.md", "skills/portable/references/forms.md"];
        world.step(&["skills/pdf/SKILL.md", "skills/portable/SKILL.md", beside[0], beside[1]], |world| {
            world.engineer_git(&[&["mv", "skills/pdf", "skills/portable"], &["commit", "-qm", "Move"]]);
            assert_eq!(world.sync().renamed, 1);
        });
        assert!(world.get("ability", "pdf/SKILL").is_none());
        assert_ne!(world.get("ability", "portable/SKILL").unwrap().id, id, "an id that is made of the path follows the path");
        world.step(&["skills/portable/SKILL.md", "skills/paper/SKILL.md"], |world| {
            world.save(Save::update("ability", "portable/SKILL").rename("paper/SKILL"));
        });
        assert_eq!(world.file("skills/paper/SKILL.md").unwrap(), ABILITY);
        world.step(&["skills/paper/SKILL.md"], |world| world.delete("ability", "paper/SKILL"));
        world.step(&["PROPOSALS/eip-21.md"], |world| {
            world.engineer(&[("PROPOSALS/eip-21.md", None)]);
            assert_eq!(world.sync().deleted, 1);
        });
        assert!(world.get("proposal", "eip-21").is_none());
    });
}
