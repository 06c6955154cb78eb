//! Both people at the same entity at once: what can be merged is merged, the rest is kept and a person decides.

use std::time::Instant;

use lorebase::sync::Save;
use lorebase::{Accept, ConflictView, Error, ErrorKind, PublishMode, Result, SideView};
use lorebase_backends::{Options, open};

use super::{Story, ada, ada_does};
use crate::look::word;
use crate::page::{fact, heading, quote, typed};

const ACME: &str = "customers/acme-inc.md";

impl Story {
    pub(super) async fn both_at_once(&self) -> Result<()> {
        heading("9. Both sides at once");
        // A web server that must not commit: its saves wait for the next synchronisation.
        let web = open(Options::new(&self.folder).publish(PublishMode::Off)).await?;
        ada_does("sets the tier to gold in an app that may not commit, so that the save waits");
        let waiting = web.save(Save::update("customer", "acme-inc").set("tier", "gold").author(ada())).await?;
        fact("row", format_args!("revision {}, {}", waiting.revision, word(waiting.sync_status)));
        typed("git commit -am 'Acme opened an office in the west'");
        self.grace.commit("Acme opened an office in the west", vec![self.grace.edit(ACME, "region: south", "region: west")?]).await?;
        self.sync().await?;
        let merged = self.entity("customer", "acme-inc").await?;
        fact("merged", format_args!("tier {}, region {}, {}", merged.fields["tier"], merged.fields["region"], word(merged.sync_status)));

        ada_does("sets the tier to silver, and Grace commits another one before the save is published");
        web.save(Save::update("customer", "acme-inc").set("tier", "silver").author(ada())).await?;
        typed("git commit -am 'Acme is bronze now'");
        self.grace.commit("Acme is bronze now", vec![self.grace.edit(ACME, "tier: gold", "tier: bronze")?]).await?;
        self.sync().await?;
        let conflict = self.kb.conflicts().await?.pop();
        let conflict = conflict.ok_or_else(|| Error::new(ErrorKind::Internal, "two different tiers did not conflict"))?;
        show(&conflict);
        let seen = self.entity("customer", "acme-inc").await?;
        fact("readers", format_args!("see git's version meanwhile, tier {}; nothing else is held up", seen.fields["tier"]));
        ada_does(&format!("looks at both and keeps her own, naming revision {}", conflict.revision));
        let started = Instant::now();
        let decided = self.kb.resolve("customer", "acme-inc", Accept::Cache, Some(conflict.revision), Some(ada())).await?;
        let decided = decided.ok_or_else(|| Error::new(ErrorKind::Internal, "a decision for an edit removed the entity"))?;
        self.saved(&decided, started).await
    }
}

/// What both sides began with and what each made of it, field by field.
fn show(conflict: &ConflictView) {
    let who = conflict.git_author.as_ref().map_or("somebody", |author| author.name.as_str());
    for field in &conflict.fields {
        let of = |side: &Option<SideView>| {
            side.as_ref().and_then(|side| side.fields.get(field)).map_or_else(|| "-".to_owned(), ToString::to_string)
        };
        quote(format_args!("conflict in {}/{}: {field} was {}", conflict.kind, conflict.slug, of(&conflict.base)));
        quote(format_args!("  saved here  {:<10} by {}", of(&conflict.cache), conflict.cache_author.name));
        quote(format_args!("  in git      {:<10} by {who}", of(&conflict.git)));
    }
}
