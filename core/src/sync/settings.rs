//! The repository's own settings as the engine uses them: read from the tree at HEAD, never from disk; an invalid
//! file keeps the last good settings and is a diagnostic.

use std::collections::BTreeMap;

use super::engine::SyncEngine;
use crate::Result;
use crate::codec::{CODEC_VERSION, parse_settings};
use crate::knowledge::{Config, Diagnostic, fingerprint};
use crate::store::{BlobRead, CommitId, StoredConfig};

/// Larger settings files are refused.
const LARGEST: u64 = 1024 * 1024;

/// The settings of one commit.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) config: Config,
    pub(super) stored: StoredConfig,
    pub(super) fingerprint: String,
    /// What is wrong with `lorebase.yaml` at this commit, if anything.
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl Settings {
    /// The settings that were kept, or the built-in ones.
    fn stored(stored: Option<&StoredConfig>) -> Self {
        let stored = stored.cloned().unwrap_or_default();
        let config = parse_settings(&stored.yaml).unwrap_or_else(|_| Config::built_in());
        let fingerprint = fingerprint_of(&stored);
        Self { config, stored, fingerprint, diagnostics: Vec::new() }
    }
}

impl Settings {
    /// The same settings below the root that this engine was given, if it was given one.
    fn at_root(mut self, root: Option<&str>) -> Self {
        let Some(root) = root else { return self };
        if let Ok(config) = self.config.clone().with_root(root)
            && config != self.config
        {
            self.config = config;
            // Rows made under another root are not those of this one.
            self.fingerprint = format!("{}@{root}", self.fingerprint);
        }
        self
    }
}

fn fingerprint_of(stored: &StoredConfig) -> String {
    fingerprint(&stored.yaml, &stored.schemas, CODEC_VERSION)
}

impl SyncEngine {
    /// The settings that were kept, or the built-in ones.
    pub(super) fn stored_settings(&self, stored: Option<&StoredConfig>) -> Settings {
        Settings::stored(stored).at_root(self.root.as_deref())
    }

    /// The settings at a commit; what is wrong there leaves the last good ones in force.
    pub(super) async fn settings_at(&self, head: &CommitId, last_good: Option<&StoredConfig>) -> Result<Settings> {
        Ok(self.read_settings(head, last_good).await?.at_root(self.root.as_deref()))
    }

    async fn read_settings(&self, head: &CommitId, last_good: Option<&StoredConfig>) -> Result<Settings> {
        let file = |message: String| Diagnostic::error(Config::FILE, "settings", message);
        let bad = |diagnostic: Diagnostic| Settings { diagnostics: vec![diagnostic], ..Settings::stored(last_good) };
        let yaml = match self.text_at(head, Config::FILE).await? {
            Ok(None) => String::new(),
            Ok(Some(yaml)) => yaml,
            Err(why) => return Ok(bad(file(why))),
        };
        let config = match parse_settings(&yaml) {
            Ok(config) => config,
            Err(diagnostic) => return Ok(bad(*diagnostic)),
        };
        let mut schemas = BTreeMap::new();
        for path in config.kinds.iter().filter_map(|kind| kind.schema.as_ref()) {
            match self.text_at(head, path).await? {
                Ok(Some(text)) => {
                    schemas.insert(path.clone(), text);
                }
                Ok(None) => return Ok(bad(file(format!("the schema `{path}` does not exist; add it or take it out of {}", Config::FILE)))),
                Err(why) => return Ok(bad(file(format!("the schema `{path}` cannot be read: {why}")))),
            }
        }
        let stored = StoredConfig { yaml, schemas };
        let fingerprint = fingerprint_of(&stored);
        Ok(Settings { config, stored, fingerprint, diagnostics: Vec::new() })
    }

    async fn text_at(&self, head: &CommitId, path: &str) -> Result<std::result::Result<Option<String>, String>> {
        let git = self.git()?;
        let Some(entry) = git.lookup(head, &[path.to_owned()]).await?.pop().flatten() else { return Ok(Ok(None)) };
        Ok(match git.read(&[entry.blob], LARGEST).await?.pop() {
            Some(BlobRead::Found(bytes)) => String::from_utf8(bytes)
                .map(Some)
                .map_err(|error| format!("`{path}` is not UTF-8 at byte {}", error.utf8_error().valid_up_to())),
            Some(BlobRead::TooLarge(size)) => Err(format!("`{path}` has {size} bytes, more than {LARGEST}")),
            Some(BlobRead::Missing) | None => Err(format!("the content of `{path}` is not in the repository")),
        })
    }
}
