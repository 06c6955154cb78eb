//! `status`: the numbers of a status bar, and what to do about each.

use lorebase::Health;

use crate::Done;
use crate::args::Common;
use crate::failure::Failure;
use crate::output::{BAD, GOOD, Output, WAITS, styled};
use crate::session::Session;

pub(crate) async fn run(common: &Common, output: &Output) -> Result<Done, Failure> {
    let session = Session::open(common).await?;
    let health = session.kb.status().await?;
    if output.is_json() {
        output.json(&health)?;
    } else {
        output.line(badge(&health))?;
        for line in advice(&health, session.emptiness().await?) {
            output.line(line)?;
        }
    }
    Ok(Done::look_if(!health.healthy || health.conflict > 0 || health.invalid > 0 || health.held_deletions.is_some()))
}

/// `42/45 synced, 3 pending`.
fn badge(health: &Health) -> String {
    let all = health.synced == health.total;
    let mut parts = vec![styled(if all { GOOD } else { WAITS }, format!("{}/{} synced", health.synced, health.total))];
    let counts = [
        (health.pending, "pending", WAITS),
        (health.draft, "draft", WAITS),
        (health.conflict, "in conflict", BAD),
        (health.failed, "failed", BAD),
        (health.invalid, if health.invalid == 1 { "broken file" } else { "broken files" }, BAD),
    ];
    parts.extend(counts.iter().filter(|(count, ..)| *count > 0).map(|(count, word, style)| styled(*style, format!("{count} {word}"))));
    parts.join(", ")
}

fn advice(health: &Health, emptiness: Option<&str>) -> Vec<String> {
    let mut lines = Vec::new();
    let word = if health.healthy { styled(GOOD, "healthy") } else { styled(BAD, "not healthy") };
    lines.push(word);
    if let Some(pause) = &health.pause {
        lines.push(format!("resting until {}: {}", crate::commands::log::moment(pause.until), pause.reason));
    }
    if let Some(why) = emptiness {
        lines.push(why.to_owned());
    } else if health.lag_seconds > 0 {
        lines.push(format!("{} s behind: run `lorebase sync`", health.lag_seconds));
    }
    if health.conflict > 0 {
        lines.push("conflicts: see `lorebase conflicts`".to_owned());
    }
    if health.invalid > 0 {
        lines.push("broken files: see `lorebase validate`".to_owned());
    }
    if let Some(held) = &health.held_deletions {
        lines.push(format!("{} deletions are held back: `lorebase sync --allow-deletions` carries them out", held.count));
    }
    if health.failed > 0 || health.recent_failures > 0 {
        let count = health.recent_failures;
        lines.push(format!("failures in 24 hours: {count}; see `lorebase log --status failed`, try again with `lorebase retry`"));
    }
    lines
}
