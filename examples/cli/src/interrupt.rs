//! Ctrl-C. While a synchronisation is at work the first one asks it to stop between two transactions and the second
//! ends the process at once; elsewhere the first one does. Either way the status is 130, and nothing is lost: what was
//! half done is completed by the next command.

use std::io::Write;
use std::sync::OnceLock;

use lorebase::sync::Cancellation;

/// 128 and the number of the signal, as shells have it.
pub(crate) const STATUS: u8 = 130;

static AT_WORK: OnceLock<Cancellation> = OnceLock::new();

/// From now on Ctrl-C is ours.
pub(crate) fn install() {
    // Where there is no handler to be had the system's own ends the process, which is safe too.
    let _ = ctrlc::set_handler(|| {
        if let Some(cancellation) = AT_WORK.get()
            && !cancellation.cancel()
        {
            let _ = writeln!(anstream::stderr(), "\nstopping after this transaction; Ctrl-C again ends at once");
            return;
        }
        std::process::exit(i32::from(STATUS));
    });
}

/// From now on the first Ctrl-C asks instead of ending.
pub(crate) fn cancellation() -> Cancellation {
    AT_WORK.get_or_init(Cancellation::default).clone()
}
