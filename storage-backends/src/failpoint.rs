//! Named places at which a test can end or pause the process, as a power switch or a debugger would. Without the
//! feature `failpoints` they are nothing.
//!
//! With it, `LOREBASE_FAILPOINT` names one place: `NAME` kills the process there (SIGKILL), `NAME@3` when it passes for
//! the third time, and `NAME@3=stop` pauses it (SIGSTOP) until somebody continues it. Every place that is passed is
//! appended as a line to the file `LOREBASE_FAILPOINT_LOG`, if that is set.

#[cfg(any(test, feature = "failpoints"))]
pub(crate) use on::hit;

/// Passes a place.
#[cfg(not(any(test, feature = "failpoints")))]
#[inline]
pub(crate) fn hit(_name: &str) {}

#[cfg(any(test, feature = "failpoints"))]
mod on {
    use std::io::Write;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// What the environment asks for.
    struct Wanted {
        name: String,
        passing: u32,
        stops: bool,
        passed: AtomicU32,
    }

    fn wanted() -> Option<&'static Wanted> {
        static WANTED: OnceLock<Option<Wanted>> = OnceLock::new();
        let parse = || {
            let text = std::env::var("LOREBASE_FAILPOINT").ok()?;
            let (place, stops) = text.strip_suffix("=stop").map_or((text.as_str(), false), |place| (place, true));
            let (name, passing) = place.split_once('@').unwrap_or((place, "1"));
            let passing = passing.parse().unwrap_or_else(|_| panic!("LOREBASE_FAILPOINT is `{text}`; write NAME, NAME@3 or NAME@3=stop"));
            Some(Wanted { name: name.to_owned(), passing, stops, passed: AtomicU32::new(0) })
        };
        WANTED.get_or_init(parse).as_ref()
    }

    /// Passes a place.
    pub(crate) fn hit(name: &str) {
        if let Some(log) = std::env::var_os("LOREBASE_FAILPOINT_LOG")
            && let Ok(mut file) = std::fs::OpenOptions::new().create(true).append(true).open(log)
        {
            let _ = file.write_all(format!("{name}\n").as_bytes());
        }
        let Some(wanted) = wanted().filter(|wanted| wanted.name == name) else { return };
        if wanted.passed.fetch_add(1, Ordering::SeqCst) + 1 == wanted.passing {
            signal(wanted.stops);
        }
    }

    #[cfg(unix)]
    fn signal(stops: bool) {
        use rustix::process::{Signal, getpid, kill_process};
        let signal = if stops { Signal::STOP } else { Signal::KILL };
        if kill_process(getpid(), signal).is_err() || !stops {
            std::process::abort();
        }
        // Another thread may be the one that is told to stop all of them: this one goes nowhere meanwhile.
        std::thread::sleep(std::time::Duration::from_millis(500));
    }

    #[cfg(not(unix))]
    fn signal(stops: bool) {
        assert!(!stops, "a process can be paused on Unix only");
        std::process::abort();
    }
}
