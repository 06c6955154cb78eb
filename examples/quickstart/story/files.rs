//! Grace's chapters: what a commit brings, good and bad.

use lorebase::Result;

use super::{Story, changed_lines};
use crate::look::word;
use crate::page::{fact, heading, quote, typed};

const ACME: &str = "customers/acme-inc.md";

impl Story {
    pub(super) async fn a_commit_becomes_a_row(&self) -> Result<()> {
        heading("3. An engineer's commit becomes a row");
        let before = self.grace.open(ACME)?;
        typed("$EDITOR customers/acme-inc.md && git commit -am 'Acme moved south'");
        let commit = self.grace.commit("Acme moved south", vec![self.grace.edit(ACME, "region: north", "region: south")?]).await?;
        quote(changed_lines(&before, &self.grace.open(ACME)?));
        fact("commit", self.grace.shows(commit.as_str()).await?);
        self.sync().await?;
        let acme = self.entity("customer", "acme-inc").await?;
        fact("row", format_args!("customer/acme-inc, revision {}, region {}", acme.revision, acme.fields["region"]));
        Ok(())
    }

    pub(super) async fn a_broken_file_stops_nothing(&self) -> Result<()> {
        heading("8. A broken file is quarantined and stops nothing else");
        let broken = self.grace.edit(ACME, "industry: manufacturing", "industry: manufacturing: anvils")?;
        let other = self.grace.edit("prompts/blocks/tone.md", "sortOrder: 10", "sortOrder: 5")?;
        typed("git commit -am 'Acme makes anvils; tone first'   # one file broken, one good");
        self.grace.commit("Acme makes anvils; tone first", vec![broken, other]).await?;
        self.sync().await?;
        for finding in self.kb.diagnostics().await? {
            quote(finding);
        }
        let acme = self.entity("customer", "acme-inc").await?;
        let tone = self.entity("prompt_block", "tone").await?;
        let industry = &acme.fields["industry"];
        fact("acme-inc", format_args!("{}; its last good version is served: industry {industry}", word(acme.sync_status)));
        fact("tone", format_args!("{}, sortOrder {}", word(tone.sync_status), tone.fields["sortOrder"]));
        typed("$EDITOR customers/acme-inc.md && git commit -am 'Quote the industry'");
        let mended = self.grace.edit(ACME, "manufacturing: anvils", "\"manufacturing: anvils\"")?;
        self.grace.commit("Quote the industry", vec![mended]).await?;
        self.sync().await?;
        let acme = self.entity("customer", "acme-inc").await?;
        fact("acme-inc", format_args!("{}, industry {}", word(acme.sync_status), acme.fields["industry"]));
        Ok(())
    }
}
