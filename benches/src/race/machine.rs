//! What the figures were taken on.

use std::path::Path;
use std::process::Command;

use lorebase_benches::{Outcome, git};

/// The processor and how many of it.
pub(crate) fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name =
        info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map_or("unknown processor", |(_, name)| name);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    format!("{name}, {cores} cores, {} {}", std::env::consts::OS, std::env::consts::ARCH)
}

/// The load averages of 1, 5 and 15 minutes.
pub(crate) fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let averages: Vec<&str> = text.split(' ').take(3).collect();
    if averages.len() == 3 { averages.join(" ") } else { "unknown".to_owned() }
}

/// The version of the git program.
pub(crate) fn git_version() -> Outcome<String> {
    let line = git::line(Path::new("."), &["--version"])?;
    Ok(line.trim_start_matches("git version ").to_owned())
}

/// The version of the compiler.
pub(crate) fn compiler() -> String {
    let output = Command::new("rustc").arg("--version").output().map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&output).trim().trim_start_matches("rustc ").to_owned()
}

/// The commit that was measured; `+` when something is not committed.
pub(crate) fn commit() -> String {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"));
    let Ok(id) = git::line(source, &["rev-parse", "--short", "HEAD"]) else { return "unknown".to_owned() };
    let changed = git::line(source, &["status", "--porcelain"]).is_ok_and(|status| !status.is_empty());
    format!("{id}{}", if changed { "+" } else { "" })
}
