//! Who changes what, told once and played on both systems in both orders.

use std::path::Path;

use lorebase::knowledge::Author;
use lorebase::store::Query;
use lorebase::sync::{Save, SyncOptions};
use lorebase::{KnowledgeBase, PublishMode, Result};
use lorebase_backends::{Options, open};

use crate::last_write_wins::LastWriteWins;
use crate::repository::Repository;

/// The file that all scenarios begin with.
pub(crate) const BEGIN: &str = "\
---
id: acme
name: Acme
tier: gold      # until June, ask Bob
region: north
---
# Acme

Makes anvils.

Pays late.
";

/// One change of a field or of a line of the text.
#[derive(Clone, Copy)]
pub(crate) enum Edit {
    Field(&'static str, &'static str, &'static str),
    Line(&'static str, &'static str),
}

pub(crate) struct Scenario {
    pub(crate) title: &'static str,
    pub(crate) form: Edit,
    pub(crate) engineer: Edit,
}

pub(crate) const SCENARIOS: [Scenario; 3] = [
    Scenario {
        title: "Different fields of one file",
        form: Edit::Field("region", "north", "south"),
        engineer: Edit::Field("tier", "gold", "platinum"),
    },
    Scenario { title: "The same field", form: Edit::Field("tier", "gold", "silver"), engineer: Edit::Field("tier", "gold", "platinum") },
    Scenario {
        title: "Neighbouring paragraphs",
        form: Edit::Line("Makes anvils.", "Makes anvils and rockets."),
        engineer: Edit::Line("Pays late.", "Pays on time."),
    },
];

/// Which of the two comes last.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Last {
    Save,
    Push,
}

/// What is left when everything has come to rest.
#[derive(PartialEq, Eq)]
pub(crate) struct Left {
    pub(crate) file: String,
    /// What the database says, where it is not what the file says.
    pub(crate) waiting: Vec<String>,
}

impl Left {
    /// Whether a change is in the file, or kept for somebody who decides.
    pub(crate) fn has(&self, edit: Edit) -> bool {
        let (Edit::Field(_, _, new) | Edit::Line(_, new)) = edit;
        self.file.contains(new) || self.waiting.iter().any(|line| line.contains(new))
    }
}

async fn push(repository: &Repository, edit: Edit) -> Result<()> {
    match edit {
        Edit::Field(name, old, new) => repository.edit(&format!("{name}: {old}"), &format!("{name}: {new}")).await,
        Edit::Line(old, new) => repository.edit(old, new).await,
    }
}

/// The system in which whoever comes last wins.
pub(crate) async fn by_hand(folder: &Path, scenario: &Scenario, last: Last) -> Result<Left> {
    let repository = Repository::new(folder, BEGIN).await?;
    let mut app = LastWriteWins::start(&repository).await?;
    let form = match scenario.form {
        Edit::Field(name, _, new) => app.form().set(name, new),
        Edit::Line(old, new) => app.form().replace(old, new),
    };
    match last {
        Last::Save => {
            push(&repository, scenario.engineer).await?;
            app.webhook().await?;
            app.save(form);
            app.commit().await?;
        }
        // The commit of the save waits for a moment: for a lock, a retry, the next run of a worker.
        Last::Push => {
            app.save(form);
            push(&repository, scenario.engineer).await?;
            app.webhook().await?;
            app.commit().await?;
        }
    }
    let file = repository.file().await?;
    assert_eq!(app.row(), file, "both sides agree");
    Ok(Left { file, waiting: Vec::new() })
}

/// Lorebase.
pub(crate) async fn with_lorebase(folder: &Path, scenario: &Scenario, last: Last) -> Result<Left> {
    let repository = Repository::new(folder, BEGIN).await?;
    let kb = open(Options::new(folder).publish(PublishMode::Off)).await?;
    kb.sync(SyncOptions::default()).await?;
    let shown = kb.get("customer", "acme").await?.map_or(0, |entity| entity.revision);
    let form = Save::update("customer", "acme").based_on(shown).author(Author::new("Ada", "ada@example.com"));
    let body = BEGIN.split_once("---\n# ").map_or_else(String::new, |(_, body)| format!("# {body}"));
    let form = match scenario.form {
        Edit::Field(name, _, new) => form.set(name, new),
        Edit::Line(old, new) => form.body(body.replacen(old, new, 1)),
    };
    match last {
        Last::Save => {
            push(&repository, scenario.engineer).await?;
            kb.sync(SyncOptions::default()).await?;
            if let Err(refused) = kb.save(form).await {
                let (Edit::Field(_, _, held) | Edit::Line(_, held)) = scenario.form;
                let told = format!("Ada's form, which still holds `{held}`, is told: {}", refused.message());
                return Ok(Left { file: repository.file().await?, waiting: vec![told] });
            }
        }
        Last::Push => {
            kb.save(form).await?;
            push(&repository, scenario.engineer).await?;
        }
    }
    kb.sync(SyncOptions::default()).await?;
    Ok(Left { file: repository.file().await?, waiting: waiting(&kb).await? })
}

/// The conflicts that somebody has to decide.
async fn waiting(kb: &KnowledgeBase) -> Result<Vec<String>> {
    assert_eq!(kb.list(&Query::default()).await?.total, 1, "nothing came and nothing went");
    let mut lines = Vec::new();
    for conflict in kb.conflicts().await? {
        for field in &conflict.fields {
            let of = |side: &Option<lorebase::SideView>| side.as_ref().and_then(|side| side.fields.get(field)).cloned().unwrap_or_default();
            let (ours, theirs) = (of(&conflict.cache), of(&conflict.git));
            lines.push(format!(
                "a conflict of `{field}` is kept: {ours} by {}, {theirs} by {}",
                conflict.cache_author.name,
                author(&conflict)
            ));
        }
    }
    Ok(lines)
}

fn author(conflict: &lorebase::ConflictView) -> &str {
    conflict.git_author.as_ref().map_or("an engineer", |author| author.name.as_str())
}
