//! Named places at which a test can end the process, as a power cut would. Without the feature `failpoints` they
//! are nothing.
//!
//! With it, the process aborts at the place that the environment names in `LOREBASE_FAILPOINT`, and every place that
//! is passed is appended as a line to the file `LOREBASE_FAILPOINT_LOG`, if that is set.

/// Passes a place.
#[cfg(any(test, feature = "failpoints"))]
pub(crate) fn hit(name: &str) {
    if let Some(log) = std::env::var_os("LOREBASE_FAILPOINT_LOG")
        && let Ok(mut file) = std::fs::OpenOptions::new().create(true).append(true).open(log)
    {
        let _ = std::io::Write::write_all(&mut file, format!("{name}\n").as_bytes());
    }
    if std::env::var_os("LOREBASE_FAILPOINT").is_some_and(|wanted| wanted == *name) {
        std::process::abort();
    }
}

/// Passes a place.
#[cfg(not(any(test, feature = "failpoints")))]
#[inline]
pub(crate) fn hit(_name: &str) {}
