//! `drift`: where the cache and git differ.

use lorebase::sync::{Drift, DriftEntry};

use crate::Done;
use crate::args::Common;
use crate::failure::Failure;
use crate::output::{BAD, GOOD, Output, WAITS, styled};
use crate::session::Session;
use crate::table::{Cell, Column, Table};

pub(crate) async fn run(common: &Common, output: &Output, repair: bool) -> Result<Done, Failure> {
    let session = Session::open(common).await?;
    let mut drift = session.kb.drift().await?;
    if repair && !drift.is_empty() {
        let found = count(&drift);
        drift = session.kb.repair().await?;
        output.note(format!("{} of {found} differences are mended", found - count(&drift).min(found)));
    }
    if output.is_json() {
        output.json(&drift)?;
    } else {
        print(output, &drift)?;
    }
    Ok(Done::look_if(!drift.is_empty() || !drift.invalid.is_empty()))
}

fn count(drift: &Drift) -> usize {
    drift.missing_in_git.len() + drift.missing_in_cache.len() + drift.different.len()
}

fn print(output: &Output, drift: &Drift) -> Result<(), Failure> {
    if drift.is_empty() {
        output.line(format!("{}: the cache is what git says", styled(GOOD, "no drift")))?;
    }
    let mut table = Table::new(&[Column::whole("DRIFT"), Column::flexible("PATH"), Column::spare("ENTITY", 1)]);
    let mut add = |word: &'static str, style, entries: &[DriftEntry]| {
        for entry in entries {
            let key = entry.key.as_ref().map(ToString::to_string).unwrap_or_default();
            table.row(vec![Cell::styled(word, style), Cell::new(entry.path.as_str()), Cell::new(key)]);
        }
    };
    add("missing in git", WAITS, &drift.missing_in_git);
    add("missing in cache", WAITS, &drift.missing_in_cache);
    add("different", WAITS, &drift.different);
    add("broken file", BAD, &drift.invalid);
    if !drift.is_empty() || !drift.invalid.is_empty() {
        table.print(output)?;
    }
    if !drift.is_empty() {
        output.note("`lorebase sync` takes in new commits; `lorebase drift --repair` reads all files again and mends the cache");
    }
    Ok(())
}
