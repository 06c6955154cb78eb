//! `sync` and `export`: both ways, once.

use lorebase::PublishMode;
use lorebase::sync::{CommitPolicy, SyncOptions, SyncReport};

use crate::Done;
use crate::args::Common;
use crate::entity::short;
use crate::failure::Failure;
use crate::findings::note_errors;
use crate::interrupt;
use crate::output::{BAD, GOOD, Output, WAITS, styled};
use crate::progress::Meter;
use crate::session::Session;

pub(crate) async fn run(common: &Common, output: &Output, dry_run: bool, allow_deletions: bool) -> Result<Done, Failure> {
    let session = Session::open(common).await?;
    let no_publish = session.publish == PublishMode::Off;
    work(&session, output, SyncOptions { dry_run, allow_deletions, no_publish, ..SyncOptions::default() }).await
}

pub(crate) async fn export(common: &Common, output: &Output, one_commit: bool) -> Result<Done, Failure> {
    let session = Session::open(common).await?;
    let policy = if one_commit { CommitPolicy::PerBatch } else { CommitPolicy::PerSave };
    work(&session, output, SyncOptions { policy: Some(policy), restore: true, ..SyncOptions::default() }).await
}

async fn work(session: &Session, output: &Output, options: SyncOptions) -> Result<Done, Failure> {
    let meter = Meter::new();
    let dry_run = options.dry_run;
    let options = SyncOptions { progress: Some(meter.callback()), cancellation: interrupt::cancellation(), ..options };
    let report = session.kb.sync(options).await?;
    let so_far = meter.so_far();
    drop(meter);
    if output.is_json() {
        output.json(&report)?;
    } else {
        output.line(summary(&report, dry_run))?;
    }
    if report.cancelled {
        let so_far = so_far.map(|words| format!(": {words}")).unwrap_or_default();
        let waiting = session.kb.status().await?.pending;
        let waiting = if waiting > 0 { format!(", {waiting} saves wait") } else { String::new() };
        output.note(format!("stopped{so_far}{waiting}; nothing is lost, `lorebase sync` goes on from there"));
        return Ok(Done::Interrupted);
    }
    if !output.is_json() {
        look(session, output, &report).await?;
        if let Some(why) = session.emptiness().await?.filter(|_| report.synced_commit.is_some() && report.deleted == 0) {
            output.note(why);
        }
    }
    Ok(Done::look_if(report.invalid > 0 || report.conflicts > 0 || report.held_deletions > 0 || !report.blocked.is_empty()))
}

/// One line: where both sides are equal, and what was done for it.
pub(crate) fn summary(report: &SyncReport, dry_run: bool) -> String {
    let parts = [
        (report.created, "created"),
        (report.updated, "updated"),
        (report.renamed, "renamed"),
        (report.deleted, "deleted"),
        (report.merged, "merged"),
        (report.published, "published"),
        (report.held_deletions, "held back"),
        (report.blocked.len() as u64, "waiting"),
    ];
    let done: Vec<String> = parts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    let done = if done.is_empty() { "nothing to do".to_owned() } else { done.join(", ") };
    match &report.synced_commit {
        _ if dry_run => format!("would be: {done}"),
        _ if report.cancelled => format!("{}: {done}", styled(WAITS, "stopped")),
        Some(commit) => format!("{} at {}: {done}", styled(GOOD, "synced"), short(commit.as_str())),
        None => format!("{done}; the branch has no commits"),
    }
}

/// What a person should look at, and with which command.
async fn look(session: &Session, output: &Output, report: &SyncReport) -> Result<(), Failure> {
    if report.invalid > 0 {
        let files = if report.invalid == 1 { "file is" } else { "files are" };
        output.note(format!("{} {files} broken and not taken in:", styled(BAD, report.invalid)));
        note_errors(output, &session.kb.diagnostics().await?);
    }
    if report.conflicts > 0 {
        output.note(format!("{} in conflict; see `lorebase conflicts`", styled(BAD, report.conflicts)));
    }
    if report.held_deletions > 0 {
        let count = styled(WAITS, report.held_deletions);
        output.note(format!(
            "{count} deletions are held back because so much vanished at once; `lorebase sync --allow-deletions` carries them out"
        ));
    }
    for blocked in &report.blocked {
        output.note(format!("`{}` waits: {}", blocked.path, blocked.reason));
    }
    Ok(())
}
