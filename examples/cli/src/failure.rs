//! Everything that can go wrong ends here: one message that names the thing and the way out, and the exit status.
//! With `--json` the same stands in one JSON document on stdout, `{"error": {"code", "message", "context"}}`.

use std::io;
use std::process::ExitCode;

use lorebase::{Error, ErrorKind};
use serde_json::{Map, Value, json};

use crate::output::Output;

/// The call itself was wrong: change it.
const USAGE: u8 = 2;
/// It could not be done.
const FAILED: u8 = 3;

/// Why a command did not do what it was asked to.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The library says no.
    Library(Error),
    /// Nobody reads the output any more, or it cannot be written.
    Output(io::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Library(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// A call that is wrong in a way that only the command can see.
pub(crate) fn usage(message: impl Into<String>) -> Failure {
    Failure::Library(Error::new(ErrorKind::InvalidInput, message))
}

impl Failure {
    /// Says it, and how the command ends.
    pub(crate) fn report(self, output: &Output) -> ExitCode {
        match self {
            Self::Library(error) => {
                let document = document(error.kind().code(), error.message(), error.context());
                let status = if error.kind() == ErrorKind::InvalidInput { USAGE } else { FAILED };
                tell(output, error.message(), &document, status)
            }
            // `lorebase list | head -1`: whoever closed the pipe has what they wanted.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
            Self::Output(error) => {
                output.error(&format!("the output could not be written: {error}; send it somewhere else"));
                ExitCode::from(FAILED)
            }
        }
    }
}

/// A call that could not be parsed, or a question about the command itself.
pub(crate) fn unparsed(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // Help or version; that nobody reads it is no failure.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    if std::env::args_os().any(|argument| argument == "--json") {
        let text = error.render().to_string();
        let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
        let _ = Output::new(true).json(&document("usage", message, &Map::new()));
    }
    let _ = error.print();
    ExitCode::from(USAGE)
}

fn document(code: &str, message: &str, context: &Map<String, Value>) -> Value {
    json!({ "error": { "code": code, "message": message, "context": context } })
}

fn tell(output: &Output, message: &str, document: &Value, status: u8) -> ExitCode {
    output.error(message);
    if output.is_json() {
        // The message is on stderr in any case.
        let _ = output.json(document);
    }
    ExitCode::from(status)
}
