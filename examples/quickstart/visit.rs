//! The story of a repository that exists: what is there, how it stands, what is wrong with it. Nothing is committed,
//! and neither the branch nor a file is touched; only the cache is kept, in a folder of its own in the git directory.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use lorebase::store::{Query, View};
use lorebase::sync::SyncOptions;
use lorebase::{PublishMode, Result};
use lorebase_backends::{Options, open};

use crate::engineer::Engineer;
use crate::look;
use crate::page::{does, fact, heading, line, ms, quote, short, some};

/// How many entities and findings are shown.
const SHOWN: usize = 12;

pub(crate) async fn tell(folder: &Path) -> Result<()> {
    let engineer = Engineer::at(folder).await?;
    let own = engineer.own_folder();
    let known = own.join("cache.db").exists();
    line(format_args!("Lorebase looks at {}.", folder.display()));
    line("Nothing is committed, and neither the branch nor a file is touched.");
    if known {
        line(format_args!("The cache in {} is brought up to date.", own.display()));
    } else {
        line(format_args!("What is read is cached in {}; delete that folder and no trace is left.", own.display()));
    }
    let started = Instant::now();
    let kb = open(Options::new(folder).publish(PublishMode::Off)).await?;

    heading("1. From git to SQL");
    fact("opened", format_args!("branch {}, in {}", kb.key().branch, ms(started.elapsed())));
    let started = Instant::now();
    let report = kb.sync(SyncOptions { no_publish: true, ..SyncOptions::default() }).await?;
    fact("sync", format_args!("{}, {}", ms(started.elapsed()), look::summary(&report)));
    match &report.synced_commit {
        Some(commit) => fact("commit", short(commit)),
        None => fact("commit", "none yet: the branch has no commits, so there is nothing to read"),
    }

    heading("2. What is there");
    let mut counts = BTreeMap::new();
    let mut query = Query { view: View::Working, limit: 1000, ..Query::default() };
    let mut first = Vec::new();
    loop {
        let page = kb.list(&query).await?;
        page.items.iter().for_each(|item| *counts.entry(item.kind.to_string()).or_insert(0_u64) += 1);
        first.extend(page.items.into_iter().take(SHOWN.saturating_sub(first.len())));
        query.cursor = page.next_cursor;
        if query.cursor.is_none() {
            break;
        }
    }
    for (kind, count) in &counts {
        fact(&format!("{kind:<13}"), some(*count, "entity", "entities"));
    }
    if counts.is_empty() {
        let folders: Vec<String> = kb.config().await?.kinds.iter().map(|kind| format!("{}/", kind.folder)).collect();
        does(format_args!("No file belongs to a kind. The kinds' folders are {};", folders.join(", ")));
        does("`lorebase.yaml` at the top of the repository can name others.");
    } else {
        does("The first of them:");
        look::table(&first);
    }

    heading("3. What is wrong with it");
    let findings = kb.diagnostics().await?;
    findings.iter().take(SHOWN).for_each(quote);
    if findings.len() > SHOWN {
        does(format_args!("and {} more", findings.len() - SHOWN));
    }
    if findings.is_empty() {
        fact("files", "nothing is wrong");
    }

    heading("4. How it stands");
    look::standing(&kb).await?;
    heading("5. Look for yourself");
    look::yourself(folder, own);
    Ok(())
}
