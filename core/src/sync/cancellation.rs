//! Stopping a long synchronisation without harm. The engine looks at it between two transactions and at no other
//! moment, so that what is written stays whole and the next synchronisation goes on from there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Asks a synchronisation to stop. Clones are the same; once it is cancelled it stays so.
///
/// ```
/// use lorebase::sync::{Cancellation, SyncOptions};
///
/// let cancellation = Cancellation::default();
/// let options = SyncOptions { cancellation: cancellation.clone(), ..SyncOptions::default() };
/// cancellation.cancel(); // from any thread, while `kb.sync(options)` is at work
/// # assert!(options.cancellation.is_cancelled());
/// ```
#[derive(Debug, Clone, Default)]
pub struct Cancellation(Arc<AtomicBool>);

impl Cancellation {
    /// Asks to stop. Returns whether it was asked before.
    pub fn cancel(&self) -> bool {
        self.0.swap(true, Ordering::SeqCst)
    }

    /// Whether somebody asked.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
