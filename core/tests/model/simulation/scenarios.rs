//! What can be done, as data: each scenario is tried with something going wrong at each of its calls.

use lorebase::knowledge::Status;
use lorebase::sync::{CommitPolicy, Save};
use lorebase::{Accept, Delete, KnowledgeBase, PublishMode, Settle};

use super::faults::Scenario;
use super::scene::{Act, Scene, save, sync};
use super::stage::{ada, put, remove, run};

pub(crate) const ONE: &str = "---\nid: one\ntitle: One # as it is\nactive: true\n---\nText.\n";
pub(crate) const TWO: &str = "---\nid: two\ntitle: Two\n---\nOther text.\n";
const JSON: &str = "{\n  \"a\": {\"name\": \"A\",   \"color\": \"red\"},\n  \"b\": {\"name\": \"B\"}\n}\n";

/// A save that is committed before its call returns, onto two skills.
const SAVE: Scenario = Scenario {
    name: "",
    publish: PublishMode::Inline,
    policy: CommitPolicy::PerSave,
    begin: one_and_two,
    act: sync,
    again: sync,
    done: |_| true,
    always: |_| {},
};

/// A synchronisation.
const SYNC: Scenario = Scenario { publish: PublishMode::Off, ..SAVE };

pub(crate) fn one_and_two(scene: &Scene) {
    scene.push(&[put("skills/one.md", ONE), put("skills/two.md", TWO)]);
    scene.sync();
}

fn two_is_untouched(scene: &Scene) {
    assert_eq!(scene.file("skills/two.md").unwrap(), TWO);
}

fn customer(name: &str, salesforce: &str) -> String {
    format!("---\nid: {name}\nname: {name}\nsalesforceId: {salesforce}\n---\n")
}

/// Both sides changed one value, and the engineer the text.
fn in_conflict(scene: &Scene) {
    one_and_two(scene);
    scene.save(Save::update("skill", "one").set("active", false));
    scene.write("skills/one.md", &ONE.replace("true", "perhaps").replace("Text.", "Their text."));
    scene.sync();
    assert_eq!(run(scene.kb.conflicts()).unwrap().len(), 1);
}

fn resolve(kb: KnowledgeBase, accept: Accept) -> Act {
    Box::pin(async move { kb.resolve("skill", "one", accept, None, Some(ada())).await.map(drop) })
}

fn refresh(tier: &str, region: &str) -> Save {
    Save::upsert("customer", "acme").title("Acme").set("tier", tier).set("region", region).source("crm")
}

/// A customer whose tier a person has changed since the source said it.
fn refreshed(scene: &Scene) {
    scene.save(refresh("gold", "north"));
    scene.sync();
    scene.save(Save::update("customer", "acme").set("tier", "platinum"));
    scene.sync();
}

fn tier(scene: &Scene) -> String {
    scene.working("customer", "acme").unwrap().fields["tier"].as_str().unwrap().to_owned()
}

fn restore(kb: KnowledgeBase) -> Act {
    Box::pin(async move { kb.export(false, None).await.map(drop) })
}

/// All of them.
pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "creating an entity",
        act: |kb| save(kb, Save::create("skill").title("New").body("new\n")),
        done: |scene| scene.file("skills/new.md").is_some_and(|text| text.ends_with("---\nnew\n")),
        always: two_is_untouched,
        ..SAVE
    },
    Scenario {
        name: "the first commit of an unborn branch",
        begin: |_| {},
        act: |kb| save(kb, Save::create("skill").title("New").body("new\n")),
        done: |scene| scene.file("skills/new.md").is_some(),
        always: |scene| assert!(scene.commits() <= 1),
        ..SAVE
    },
    Scenario {
        name: "editing a field",
        act: |kb| save(kb, Save::update("skill", "one").set("active", false)),
        done: |scene| scene.file("skills/one.md").unwrap() == ONE.replace("true", "false"),
        always: |scene| {
            two_is_untouched(scene);
            assert!(scene.file("skills/one.md").unwrap().contains("One # as it is\n"));
        },
        ..SAVE
    },
    Scenario {
        name: "renaming",
        act: |kb| save(kb, Save::update("skill", "one").title("Uno")),
        done: |scene| scene.file("skills/one.md").is_none() && scene.file("skills/uno.md").is_some(),
        always: |scene| assert!(scene.file("skills/one.md").is_some() != scene.file("skills/uno.md").is_some()),
        ..SAVE
    },
    Scenario {
        name: "renaming a document whose id follows its place onto the place of a deleted one",
        begin: |scene| {
            scene.push(&[put("documents/a.md", "# Text\n"), put("documents/b.md", "# Other\n")]);
            scene.sync();
            scene.delete("document", "b");
            scene.sync();
        },
        act: |kb| save(kb, Save::update("document", "a").rename("b")),
        done: |scene| scene.file("documents/b.md").is_some_and(|text| text == "# Text\n"),
        always: |scene| assert_eq!(scene.file("documents/a.md").is_some(), scene.file("documents/b.md").is_none()),
        ..SAVE
    },
    Scenario {
        name: "deleting",
        act: |kb| Box::pin(async move { kb.delete(Delete::new("skill", "one")).await.map(drop) }),
        done: |scene| scene.file("skills/one.md").is_none() && scene.get("skill", "one").is_none(),
        always: two_is_untouched,
        ..SAVE
    },
    Scenario {
        name: "archiving",
        act: |kb| save(kb, Save::update("skill", "one").status(Status::Archived)),
        done: |scene| scene.file("skills/one.md").is_none(),
        always: |scene| assert_eq!(scene.working("skill", "one").unwrap().body, "Text.\n"),
        ..SAVE
    },
    Scenario {
        name: "publishing a draft",
        begin: |scene| {
            one_and_two(scene);
            scene.save(Save::update("skill", "one").set("active", false).status(Status::Draft));
        },
        act: |kb| save(kb, Save::update("skill", "one").status(Status::Published)),
        done: |scene| scene.file("skills/one.md").unwrap().contains("active: false\n"),
        always: |scene| assert_eq!(scene.working("skill", "one").unwrap().fields["active"], false),
        ..SAVE
    },
    Scenario {
        name: "editing one entry of a json file",
        begin: |scene| {
            scene.write("categories/metadata.json", JSON);
            scene.sync();
        },
        act: |kb| save(kb, Save::update("category", "b").set("name", "Bee")),
        done: |scene| scene.file("categories/metadata.json").unwrap() == JSON.replace("\"B\"", "\"Bee\""),
        always: |scene| assert!(scene.file("categories/metadata.json").unwrap().contains("{\"name\": \"A\",   \"color\": \"red\"}")),
        ..SAVE
    },
    Scenario {
        name: "adding and removing entries of a json file in one chain",
        begin: |scene| {
            scene.write("categories/metadata.json", JSON);
            scene.sync();
            scene.save(Save::create("category").slug("c").title("C"));
            scene.delete("category", "a");
            scene.save(Save::update("category", "b").set("color", "blue"));
        },
        done: |scene| scene.get("category", "c").is_some() && scene.get("category", "a").is_none(),
        always: |scene| {
            let text = scene.file("categories/metadata.json").unwrap();
            assert!(text.contains("\"c\"") && !text.contains("\"a\"") && text.contains("blue"), "{text}");
        },
        ..SYNC
    },
    Scenario {
        name: "taking in a push that swaps moves and deletes",
        begin: |scene| {
            one_and_two(scene);
            scene.push(&[put("skills/three.md", "---\nid: three\ntitle: Three\n---\n"), put("documents/a.md", "# Text\n")]);
            scene.sync();
            scene.push(&[
                put("skills/one.md", TWO),
                put("skills/two.md", ONE),
                remove("skills/three.md"),
                remove("documents/a.md"),
                put("documents/b.md", "# Text\n"),
            ]);
        },
        done: |scene| scene.get("skill", "one").unwrap().id.as_str() == "two",
        always: |scene| {
            assert_eq!(scene.get("skill", "two").unwrap().id.as_str(), "one");
            assert!(scene.get("skill", "three").is_none() && scene.get("document", "b").is_some());
        },
        ..SYNC
    },
    Scenario {
        name: "both sides at once",
        begin: |scene| {
            one_and_two(scene);
            scene.save(Save::update("skill", "one").set("active", false));
            scene.save(Save::update("skill", "two").title("Deux"));
            scene.push(&[put("skills/one.md", &ONE.replace("Text.", "Their text.")), put("skills/two.md", &TWO.replace("Two", "Zwei"))]);
        },
        always: |scene| {
            let merged = ONE.replace("Text.", "Their text.").replace("true", "false");
            assert_eq!(scene.file("skills/one.md").unwrap(), merged);
            let conflicts = run(scene.kb.conflicts()).unwrap();
            assert_eq!((conflicts.len(), conflicts[0].cache.as_ref().unwrap().fields["title"].as_str()), (1, Some("Deux")));
        },
        ..SYNC
    },
    Scenario {
        name: "five entities waiting together",
        begin: |scene| {
            one_and_two(scene);
            for name in ["Three", "Four", "Five"] {
                scene.save(Save::create("skill").title(name));
            }
            scene.save(Save::update("skill", "one").body("Edited.\n").based_on_current());
            scene.delete("skill", "two");
        },
        always: |scene| {
            assert_eq!(scene.commits(), 6);
            assert!(scene.file("skills/two.md").is_none() && scene.file("skills/one.md").unwrap().ends_with("Edited.\n"));
        },
        ..SYNC
    },
    Scenario {
        name: "renaming with a new text",
        act: |kb| save(kb, Save::update("skill", "one").title("Uno").body("New.\n").based_on_current()),
        done: |scene| scene.file("skills/uno.md").is_some_and(|text| text.ends_with("New.\n")),
        always: |scene| assert!(scene.file("skills/one.md").is_some() != scene.file("skills/uno.md").is_some()),
        ..SAVE
    },
    Scenario {
        name: "publishing a draft whose file was edited meanwhile",
        begin: |scene| {
            one_and_two(scene);
            scene.save(Save::update("skill", "one").set("active", false).status(Status::Draft));
            scene.write("skills/one.md", &ONE.replace("Text.", "Their text."));
            scene.sync();
        },
        act: |kb| save(kb, Save::update("skill", "one").status(Status::Published)),
        done: |scene| scene.file("skills/one.md").unwrap().contains("active: false\n"),
        always: |scene| assert!(scene.file("skills/one.md").unwrap().ends_with("Their text.\n")),
        ..SAVE
    },
    Scenario {
        name: "deciding a conflict for our side",
        begin: in_conflict,
        act: |kb| resolve(kb, Accept::Cache),
        done: |scene| scene.file("skills/one.md").unwrap().contains("active: false\n"),
        always: |scene| assert!(scene.file("skills/one.md").unwrap().contains("Their text.")),
        ..SAVE
    },
    Scenario {
        name: "deciding a conflict for git's side",
        begin: in_conflict,
        act: |kb| resolve(kb, Accept::Git),
        done: |scene| run(scene.kb.conflicts()).unwrap().is_empty(),
        always: |scene| assert!(scene.file("skills/one.md").unwrap().contains("active: perhaps\n")),
        ..SAVE
    },
    Scenario {
        name: "deciding a conflict by a document",
        begin: in_conflict,
        act: |kb| resolve(kb, Accept::Document(ONE.replace("true", "both"))),
        done: |scene| scene.file("skills/one.md").unwrap().contains("active: both\n"),
        always: |scene| assert!(run(scene.kb.conflicts()).unwrap().len() <= 1),
        ..SAVE
    },
    Scenario {
        name: "refreshing from a source beside a person's edit",
        begin: refreshed,
        act: |kb| save(kb, refresh("silver", "south")),
        done: |scene| {
            let overrides = run(scene.kb.overrides("crm")).unwrap();
            overrides[0].fields[0].open && scene.get("customer", "acme").unwrap().fields["region"] == "south"
        },
        always: |scene| assert_eq!(tier(scene), "platinum"),
        ..SAVE
    },
    Scenario {
        name: "taking what a source said",
        begin: |scene| {
            refreshed(scene);
            scene.save(refresh("silver", "south"));
            scene.sync();
        },
        act: |kb| Box::pin(async move { kb.settle("customer", "acme", "crm", Settle::Take, &[], Some(ada())).await.map(drop) }),
        done: |scene| tier(scene) == "silver",
        always: |scene| assert!(["platinum", "silver"].contains(&tier(scene).as_str())),
        ..SAVE
    },
    Scenario {
        name: "claiming a unique value",
        begin: |scene| {
            scene.push(&[put("customers/a.md", &customer("a", "X1")), put("customers/b.md", &customer("b", "X2"))]);
            scene.sync();
        },
        act: |kb| save(kb, Save::update("customer", "b").set("salesforceId", "X9")),
        done: |scene| scene.file("customers/b.md").unwrap().contains("X9"),
        always: |scene| {
            let claimed = scene.working("customer", "b").unwrap().fields["salesforceId"] == "X9";
            let another = run(scene.kb.save(Save::update("customer", "a").set("salesforceId", "X9")));
            assert_eq!(another.is_err(), claimed, "{another:?}");
        },
        ..SAVE
    },
    Scenario {
        name: "giving up a unique value that a file waits for",
        begin: |scene| {
            scene.write("customers/a.md", &customer("a", "X1"));
            scene.sync();
            scene.write("customers/b.md", &customer("b", "X1"));
            scene.sync();
            assert!(scene.get("customer", "b").is_none());
        },
        act: |kb| save(kb, Save::update("customer", "a").set("salesforceId", "X2")),
        done: |scene| scene.file("customers/a.md").unwrap().contains("X2"),
        always: |scene| {
            let given_up = scene.get("customer", "a").unwrap().fields["salesforceId"] == "X2";
            assert_eq!(scene.get("customer", "b").is_some(), given_up);
        },
        ..SAVE
    },
    Scenario {
        name: "saving a field that stays in SQL",
        begin: |scene| {
            let settings = "kinds:\n  customer:\n    private: [notes]\n";
            scene.push(&[put("lorebase.yaml", settings), put("customers/a.md", &customer("a", "X1"))]);
            scene.sync();
        },
        act: |kb| save(kb, Save::update("customer", "a").set("notes", "for us").set("tier", "gold")),
        done: |scene| {
            let fields = scene.working("customer", "a").unwrap().fields;
            fields["notes"] == "for us" && scene.file("customers/a.md").unwrap().contains("tier: gold\n")
        },
        always: |scene| assert!(!scene.file("customers/a.md").unwrap().contains("for us")),
        ..SAVE
    },
    Scenario {
        name: "filling an empty database",
        begin: |scene| {
            scene.push(&[put("skills/one.md", ONE), put("skills/two.md", TWO), put("categories/metadata.json", JSON)]);
        },
        done: |scene| scene.get("skill", "one").is_some() && scene.get("category", "b").is_some(),
        always: two_is_untouched,
        ..SYNC
    },
    Scenario {
        name: "filling a branch that was lost",
        begin: |scene| {
            one_and_two(scene);
            scene.save(Save::update("skill", "one").set("active", false));
            scene.stage.force(None);
        },
        act: restore,
        again: restore,
        done: |scene| scene.file("skills/one.md").unwrap() == ONE.replace("true", "false"),
        always: two_is_untouched,
        ..SYNC
    },
    Scenario {
        name: "taking in a force-push beside a waiting save",
        begin: |scene| {
            let first = scene.push(&[put("skills/one.md", ONE), put("skills/two.md", TWO)]);
            scene.sync();
            scene.save(Save::update("skill", "two").title("Deux"));
            scene.sync();
            scene.write("skills/one.md", &ONE.replace("Text.", "Their text."));
            scene.sync();
            scene.save(Save::update("skill", "one").set("note", "later"));
            scene.stage.force(Some(&first));
            scene.write("skills/three.md", "---\nid: three\ntitle: Three\n---\n");
        },
        done: |scene| scene.get("skill", "three").is_some() && scene.file("skills/one.md").unwrap().contains("note: later\n"),
        always: |scene| {
            two_is_untouched(scene);
            assert!(scene.file("skills/one.md").unwrap().ends_with("---\nText.\n"));
        },
        ..SYNC
    },
    Scenario {
        name: "taking in settings that make every file be read again",
        begin: |scene| {
            one_and_two(scene);
            scene.save(Save::update("skill", "one").set("active", false));
            scene.push(&[put("lorebase.yaml", "kinds:\n  playbook: {folder: playbooks}\n"), put("playbooks/a.md", "# A\n")]);
        },
        done: |scene| scene.get("playbook", "a").is_some() && scene.file("skills/one.md").unwrap().contains("active: false\n"),
        always: two_is_untouched,
        ..SYNC
    },
    Scenario {
        name: "five entities waiting together for one commit",
        policy: CommitPolicy::PerBatch,
        begin: |scene| {
            one_and_two(scene);
            for name in ["Three", "Four", "Five"] {
                scene.save(Save::create("skill").title(name));
            }
            scene.save(Save::update("skill", "one").body("Edited.\n").based_on_current());
            scene.delete("skill", "two");
        },
        always: |scene| {
            assert!(scene.commits() <= 6);
            assert!(scene.file("skills/two.md").is_none() && scene.file("skills/one.md").unwrap().ends_with("Edited.\n"));
        },
        ..SYNC
    },
];
