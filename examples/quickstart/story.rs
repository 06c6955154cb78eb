//! The whole story, in a repository of its own. Two people: Ada, who saves forms and never sees git, and Grace, who
//! edits files and commits and never sees a database. Each chapter leaves both sides equal.

mod both;
mod files;
mod forms;
mod reading;

use std::path::{Path, PathBuf};
use std::time::Instant;

use lorebase::knowledge::{Author, Knowledge};
use lorebase::sync::SyncOptions;
use lorebase::{Error, ErrorKind, KnowledgeBase, Result};
use lorebase_backends::{Options, open};

use crate::engineer::{Engineer, put};
use crate::look;
use crate::page::{does, fact, heading, line, ms, some, typed};

/// What Grace begins with: every built-in kind at least once.
const FILES: [(&str, &str); 9] = [
    ("README.md", include_str!("knowledge/README.md")),
    ("categories/metadata.json", include_str!("knowledge/categories/metadata.json")),
    ("customers/acme-inc.md", include_str!("knowledge/customers/acme-inc.md")),
    ("documents/pricing-2026.md", include_str!("knowledge/documents/pricing-2026.md")),
    ("prompts/blocks/disclaimer.md", include_str!("knowledge/prompts/blocks/disclaimer.md")),
    ("prompts/blocks/tone.md", include_str!("knowledge/prompts/blocks/tone.md")),
    ("prompts/system/assistant.md", include_str!("knowledge/prompts/system/assistant.md")),
    ("skills/reading-pdfs.md", include_str!("knowledge/skills/reading-pdfs.md")),
    ("templates/slides/quarterly-review.md", include_str!("knowledge/templates/slides/quarterly-review.md")),
];

struct Story {
    folder: PathBuf,
    kb: KnowledgeBase,
    grace: Engineer,
}

pub(crate) async fn tell(folder: &Path) -> Result<()> {
    line("Lorebase: knowledge as files in git and as rows in SQL, kept equal both ways.");
    line("Ada saves forms and never sees git. Grace edits files and never sees the database.");
    line("A line that begins with $ is what somebody would type; here the library does it.");
    let story = Story::begin(folder).await?;
    let form = story.entity("customer", "acme-inc").await?;
    story.a_save_becomes_a_commit().await?;
    story.a_commit_becomes_a_row().await?;
    story.an_old_form_is_merged(&form).await?;
    story.a_draft_stays_out_of_git().await?;
    story.a_title_moves_the_file().await?;
    story.a_deletion_and_its_revert().await?;
    story.a_broken_file_stops_nothing().await?;
    story.both_at_once().await?;
    story.how_it_stands().await?;
    story.search_and_list().await?;
    heading("12. Look for yourself");
    look::yourself(folder, story.grace.own_folder());
    Ok(())
}

impl Story {
    async fn begin(folder: &Path) -> Result<Self> {
        heading("1. A repository with all seven kinds of knowledge, and an empty cache");
        let started = Instant::now();
        let kb = open(Options::new(folder).init()).await?;
        typed(format_args!("git init {}", look::quoted(folder)));
        fact("opened", format_args!("repository and SQLite cache in {}", ms(started.elapsed())));
        let grace = Engineer::at(folder).await?;
        typed("git add . && git commit -m 'Start the knowledge base'");
        let commit = grace.commit("Start the knowledge base", FILES.iter().map(|(path, text)| put(path, *text)).collect()).await?;
        fact("commit", format_args!("{}, {}", grace.shows(commit.as_str()).await?, some(FILES.len() as u64, "file", "files")));
        let story = Self { folder: folder.to_owned(), kb, grace };
        story.sync().await?;
        Ok(story)
    }

    /// One synchronisation; how long it took is told.
    async fn sync(&self) -> Result<()> {
        let started = Instant::now();
        let report = self.kb.sync(SyncOptions::default()).await?;
        fact("sync", format_args!("{}, {}", ms(started.elapsed()), look::summary(&report)));
        Ok(())
    }

    async fn entity(&self, kind: &str, slug: &str) -> Result<Knowledge> {
        let found = self.kb.get(kind, slug).await?;
        found.ok_or_else(|| Error::new(ErrorKind::Internal, format!("the story expects the {kind} `{slug}`, and it is not there")))
    }

    /// How a saved entity stands, and the commit that holds it.
    async fn saved(&self, entity: &Knowledge, started: Instant) -> Result<()> {
        fact(
            "row",
            format_args!(
                "{}/{}, revision {}, {}, after {}",
                entity.kind,
                entity.slug,
                entity.revision,
                look::word(entity.sync_status),
                ms(started.elapsed())
            ),
        );
        if let Some(commit) = &entity.git_commit_sha {
            fact("commit", self.grace.shows(commit).await?);
        }
        Ok(())
    }
}

fn ada() -> Author {
    Author::new("Ada Byron", "ada@example.com")
}

/// The lines that differ between two versions of a file; enough for edits of a line or two.
fn changed_lines(old: &str, new: &str) -> String {
    let gone = old.lines().filter(|line| !new.lines().any(|other| other == *line)).map(|line| format!("- {line}\n"));
    let come = new.lines().filter(|line| !old.lines().any(|other| other == *line)).map(|line| format!("+ {line}\n"));
    gone.chain(come).collect()
}

/// A line of what Ada does.
fn ada_does(text: &str) {
    does(format_args!("Ada {text}"));
}
