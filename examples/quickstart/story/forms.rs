//! Ada's chapters: what a form saves, and what becomes of it.

use std::time::Instant;

use lorebase::knowledge::{Knowledge, Status};
use lorebase::store::View;
use lorebase::sync::Save;
use lorebase::{Delete, Error, ErrorKind, Result};

use super::{Story, ada, ada_does, changed_lines};
use crate::engineer::{put, remove};
use crate::look::word;
use crate::page::{fact, heading, quote, typed};

impl Story {
    pub(super) async fn a_save_becomes_a_commit(&self) -> Result<()> {
        heading("2. A save becomes a commit");
        ada_does("creates the skill \"Writing Release Notes\"");
        let started = Instant::now();
        let save = Save::create("skill")
            .title("Writing Release Notes")
            .body("# Writing Release Notes\n\nSay what changes for the reader, not what was changed.\n")
            .set("categories", vec!["documents"])
            .author(ada());
        let skill = self.kb.save(save).await?;
        self.saved(&skill, started).await?;
        fact("file", &skill.location);
        Ok(())
    }

    pub(super) async fn an_old_form_is_merged(&self, form: &Knowledge) -> Result<()> {
        heading("4. A form that was opened before that commit undoes nothing");
        ada_does(&format!("still has revision {} on her screen and sets only the tier", form.revision));
        let before = self.grace.open("customers/acme-inc.md")?;
        let started = Instant::now();
        let save = Save::update("customer", "acme-inc").set("tier", "platinum").based_on(form.revision).author(ada());
        let merged = self.kb.save(save).await?;
        self.saved(&merged, started).await?;
        quote(changed_lines(&before, &self.grace.open("customers/acme-inc.md")?));
        ada_does("sets from the same old form the region that Grace has changed");
        let stale = Save::update("customer", "acme-inc").set("region", "west").based_on(form.revision).author(ada());
        match self.kb.save(stale).await {
            Err(error) if error.kind() == ErrorKind::Conflict => fact("refused", error),
            Err(error) => return Err(error),
            Ok(_) => return Err(Error::new(ErrorKind::Internal, "a stale form undid a newer version")),
        }
        Ok(())
    }

    pub(super) async fn a_draft_stays_out_of_git(&self) -> Result<()> {
        heading("5. A draft over a live file stays out of git until it is published");
        let live = self.entity("skill", "reading-pdfs").await?;
        ada_does("saves a longer text as DRAFT");
        let body = live.body.replace("scanned pages.", "scanned pages, and say so in the answer.");
        let save = Save::update("skill", "reading-pdfs").status(Status::Draft).body(body).based_on(live.revision).author(ada());
        let draft = self.kb.save(save).await?;
        fact("draft", format_args!("revision {}, {}; readers of `working` see it", draft.revision, word(draft.sync_status)));
        let seen = self.entity("skill", "reading-pdfs").await?;
        fact("live", format_args!("revision {}, {}; everybody else and git see this", seen.revision, word(seen.sync_status)));
        ada_does("publishes it");
        let started = Instant::now();
        let published = self.kb.save(Save::update("skill", "reading-pdfs").status(Status::Published).author(ada())).await?;
        self.saved(&published, started).await
    }

    pub(super) async fn a_title_moves_the_file(&self) -> Result<()> {
        heading("6. A new title moves the file, and the entity stays the same");
        let before = self.entity("skill", "writing-release-notes").await?;
        ada_does("renames the skill to \"Release Notes People Read\"");
        let started = Instant::now();
        let save = Save::update("skill", "writing-release-notes").title("Release Notes People Read").author(ada());
        let moved = self.kb.save(save).await?;
        self.saved(&moved, started).await?;
        fact("file", format_args!("{} -> {}", before.location, moved.location));
        fact("id", format_args!("{} before, {} after", before.id, if before.id == moved.id { "the same" } else { "another" }));
        let (old, new) = ("documents/pricing-2026.md", "documents/price-list.md");
        typed(format_args!("git mv {old} {new} && git commit -m 'A plainer name'"));
        self.grace.commit("A plainer name", vec![remove(old), put(new, self.grace.open(old)?)]).await?;
        self.sync().await?;
        let document = self.entity("document", "price-list").await?;
        fact("row", format_args!("document/price-list, revision {}, id {} as before", document.revision, document.id));
        Ok(())
    }

    pub(super) async fn a_deletion_and_its_revert(&self) -> Result<()> {
        heading("7. A deletion removes the file; a revert brings it back");
        let text = self.grace.open("prompts/blocks/disclaimer.md")?;
        ada_does("deletes the prompt block \"Disclaimer\"");
        let gone = self.kb.delete(Delete::new("prompt_block", "disclaimer").author(ada())).await?;
        let commit = self.kb.log(&lorebase::store::LogQuery { key: Some(gone.key()), ..Default::default() }).await?;
        if let Some(commit) = commit.first().and_then(|row| row.git_commit_sha.as_deref()) {
            fact("commit", self.grace.shows(commit).await?);
        }
        let left = self.kb.get_view("prompt_block", "disclaimer", View::Working).await?;
        fact("row", if left.is_none() { "gone" } else { "still there" });
        typed("git revert HEAD");
        self.grace.commit("Revert \"Delete prompt_block: Disclaimer\"", vec![put("prompts/blocks/disclaimer.md", text)]).await?;
        self.sync().await?;
        let back = self.entity("prompt_block", "disclaimer").await?;
        fact("row", format_args!("{}/{}, revision {} (numbers are never used twice)", back.kind, back.slug, back.revision));
        Ok(())
    }
}
