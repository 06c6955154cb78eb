//! Any text as `lorebase.yaml`: settings that work, or diagnostics.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lorebase::codec::parse_settings;

fuzz_target!(|text: &str| {
    match parse_settings(text) {
        Ok(config) => assert!(config.kinds.iter().all(|kind| kind.check().is_ok())),
        Err(diagnostics) => assert!(!format!("{diagnostics:?}").is_empty()),
    }
});
