//! The one private runtime of the process. Every store call runs whole on it, so that the caller may use any
//! executor, and a caller's dropped future never stops work in the middle.

use std::future::Future;
use std::sync::OnceLock;

use lorebase::{Error, ErrorKind, Result};
use tokio::runtime::{Builder, Runtime};

static RUNTIME: OnceLock<(u32, Runtime)> = OnceLock::new();

fn runtime() -> Result<&'static Runtime> {
    let (pid, runtime) =
        if let Some(made) = RUNTIME.get() {
            made
        } else {
            let runtime =
                Builder::new_multi_thread().worker_threads(2).thread_name("lorebase").enable_all().build().map_err(|error| {
                    Error::new(ErrorKind::Unavailable, "the library's own threads could not be started").caused_by(error)
                })?;
            RUNTIME.get_or_init(|| (std::process::id(), runtime))
        };
    if *pid != std::process::id() {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "this process was forked after lorebase was opened; open it in the child process instead",
        ));
    }
    Ok(runtime)
}

/// Runs an async call to its end, whatever becomes of the caller.
pub(crate) async fn run<T: Send + 'static>(call: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    joined(runtime()?.spawn(call).await)
}

/// Runs a blocking call to its end, whatever becomes of the caller.
pub(crate) async fn run_blocking<T: Send + 'static>(call: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    joined(runtime()?.spawn_blocking(call).await)
}

/// Starts a task that runs until it ends by itself.
#[cfg(feature = "sqlite")]
pub(crate) fn spawn(task: impl Future<Output = Result<()>> + Send + 'static) -> Result<()> {
    drop(runtime()?.spawn(task));
    Ok(())
}

fn joined<T>(outcome: Result<Result<T>, tokio::task::JoinError>) -> Result<T> {
    outcome.unwrap_or_else(|error| {
        Err(Error::new(ErrorKind::Internal, "a store call panicked; this is a defect of lorebase").caused_by(error))
    })
}
