//! The git program, as everybody has it: it writes the repositories that are measured and says what is in them.
//! Neither the user's nor the system's settings count.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::Outcome;

/// A call of git in `folder`, not yet made.
pub fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.current_dir(folder).args(arguments);
    isolate(&mut command);
    command
}

/// Lets no settings but the repository's own count for this program and those that it starts.
pub fn isolate(command: &mut Command) {
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"] {
        command.env_remove(name);
    }
}

/// What git prints.
///
/// # Errors
/// When git cannot be started or fails; the message holds what it said.
pub fn run(folder: &Path, arguments: &[&str]) -> Outcome<Vec<u8>> {
    let output = command(folder, arguments).output().map_err(|error| format!("cannot start git: {error}"))?;
    if !output.status.success() {
        return Err(format!("git {} in {}: {}", arguments.join(" "), folder.display(), String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(output.stdout)
}

/// The same as one line of text.
///
/// # Errors
/// Those of [`run`].
pub fn line(folder: &Path, arguments: &[&str]) -> Outcome<String> {
    Ok(String::from_utf8_lossy(&run(folder, arguments)?).trim().to_owned())
}

/// What git prints when it is given `input`.
///
/// # Errors
/// Those of [`run`].
pub fn fed(folder: &Path, arguments: &[&str], input: &[u8]) -> Outcome<Vec<u8>> {
    let mut child = command(folder, arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let stdin = child.stdin.take();
    let output = std::thread::scope(|scope| {
        // Written beside the reading: both pipes are smaller than what goes through them.
        scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(input)));
        child.wait_with_output()
    })?;
    if !output.status.success() {
        return Err(format!("git {} in {}: {}", arguments.join(" "), folder.display(), String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(output.stdout)
}
