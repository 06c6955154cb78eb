//! The repository's own settings as the engine uses them, schemas included: read from the tree at HEAD, never from disk; an
//! invalid file keeps the last good settings and is a diagnostic.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use super::engine::SyncEngine;
use crate::Result;
use crate::codec::{CODEC_VERSION, Schemas, parse_settings};
use crate::knowledge::{Config, Diagnostic, fingerprint};
use crate::store::{BlobRead, CommitId, StoredConfig, UniqueRules, unique_rules};

/// Larger settings files are refused.
const LARGEST: u64 = 1024 * 1024;

/// The settings of one commit.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) config: Config,
    /// The compiled schemas of its kinds.
    pub(crate) schemas: Schemas,
    /// The unique fields of its kinds.
    pub(crate) unique: UniqueRules,
    pub(crate) stored: StoredConfig,
    pub(crate) fingerprint: String,
    /// What is wrong with `lorebase.yaml` and the schemas at this commit, if anything.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl Settings {
    fn kept(stored: StoredConfig) -> Self {
        let config = parse_settings(&stored.yaml).unwrap_or_else(|_| Config::built_in());
        let schemas = Schemas::kept(&config, &stored.schemas);
        let fingerprint = fingerprint_of(&stored);
        Self { unique: unique_rules(&config), config, schemas, stored, fingerprint, diagnostics: Vec::new() }
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
    /// The settings that were kept, or the built-in ones; read and compiled once for as long as they stay.
    pub(crate) fn stored_settings(&self, stored: Option<&StoredConfig>) -> Arc<Settings> {
        let mut last = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) =
            last.as_ref().filter(|last| stored.map_or_else(|| last.stored == StoredConfig::default(), |new| last.stored == *new))
        {
            return last.clone();
        }
        let settings = Arc::new(Settings::kept(stored.cloned().unwrap_or_default()).at_root(self.root.as_deref()));
        *last = Some(settings.clone());
        settings
    }

    /// The settings at a commit; what is wrong there leaves the last good ones in force, a schema that is wrong only
    /// the last good text of that schema.
    pub(super) async fn settings_at(&self, head: &CommitId, last_good: Option<&StoredConfig>) -> Result<Settings> {
        Ok(self.read_settings(head, last_good).await?.at_root(self.root.as_deref()))
    }

    async fn read_settings(&self, head: &CommitId, last_good: Option<&StoredConfig>) -> Result<Settings> {
        let bad = |diagnostic: Diagnostic| {
            let kept = self.stored_settings(last_good);
            Settings { diagnostics: vec![diagnostic], ..Settings::clone(&kept) }
        };
        let yaml = match self.text_at(head, Config::FILE).await? {
            Ok(None) => String::new(),
            Ok(Some(yaml)) => yaml,
            Err(why) => return Ok(bad(Diagnostic::error(Config::FILE, "settings", why))),
        };
        let config = match parse_settings(&yaml) {
            Ok(config) => config,
            Err(diagnostic) => return Ok(bad(*diagnostic)),
        };
        let mut files = BTreeMap::new();
        for path in config.kinds.iter().filter_map(|kind| kind.schema.as_ref()) {
            match self.text_at(head, path).await? {
                Ok(Some(text)) => files.insert(path.clone(), Ok(text)),
                Ok(None) => None,
                Err(why) => files.insert(path.clone(), Err(format!("the schema cannot be read: {why}"))),
            };
        }
        let kept = BTreeMap::new();
        let last_good = last_good.map_or(&kept, |stored| &stored.schemas);
        let (schemas, diagnostics) = Schemas::of(&config, &yaml, &files, last_good);
        let stored = StoredConfig { yaml, schemas: schemas.texts().clone() };
        let fingerprint = fingerprint_of(&stored);
        Ok(Settings { unique: unique_rules(&config), config, schemas, stored, fingerprint, diagnostics })
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
