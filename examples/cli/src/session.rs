//! From the options of the command line and the environment to an open knowledge base.

use std::path::{Path, PathBuf};

use lorebase::knowledge::Author;
use lorebase::{KnowledgeBase, PublishMode};
use lorebase_backends::{Options, open, person};

use crate::args::Common;
use crate::failure::{Failure, usage};

/// An open knowledge base and what else the commands ask for.
pub(crate) struct Session {
    pub(crate) kb: KnowledgeBase,
    /// When saves are committed.
    pub(crate) publish: PublishMode,
    repo: PathBuf,
}

impl Session {
    pub(crate) async fn open(common: &Common) -> Result<Self, Failure> {
        let repo = local(common)?;
        let publish = publish()?;
        // In the background means here: after the answer is printed, which the command sees to.
        let mode = if publish == PublishMode::Background { PublishMode::Off } else { publish };
        let mut options = Options::new(&repo).publish(mode);
        if let Some(cache) = common.cache.clone().or_else(|| variable("LOREBASE_CACHE")) {
            options = options.cache(cache);
        }
        if let Some(branch) = &common.branch {
            options = options.branch(branch);
        }
        if let Some(root) = &common.root {
            options = options.root(root);
        }
        if let Some(namespace) = &common.namespace {
            options = options.namespace(namespace);
        }
        Ok(Self { kb: open(options).await?, publish, repo })
    }

    /// Who saves: the one who is named, else who git would say it is, else the service (`None`).
    pub(crate) fn author(&self, named: Option<&str>) -> Result<Option<Author>, Failure> {
        match named {
            Some(named) => Ok(Some(Author::parse(named)?)),
            None => Ok(person(&self.repo)),
        }
    }

    /// Why there is no entity at all, and what to do about it; `None` where there are some, or files that are broken.
    pub(crate) async fn emptiness(&self) -> Result<Option<&'static str>, Failure> {
        let health = self.kb.status().await?;
        if health.total > 0 || health.invalid > 0 {
            return Ok(None);
        }
        Ok(Some(match self.kb.synced_commit().await? {
            None => "nothing was read from git yet: run `lorebase sync`",
            Some(_) => {
                "no committed file belongs to a kind: `lorebase.yaml` says where the kinds' folders are, and counts once it is committed"
            }
        }))
    }

    /// Commits what was saved, where that is to happen after the answer.
    pub(crate) async fn publish_in_background(&self) -> Result<(), Failure> {
        if self.publish == PublishMode::Background {
            self.kb.engine().step(std::time::Duration::ZERO).await?;
        }
        Ok(())
    }
}

/// The repository's path; what would need a remote is refused, never ignored.
pub(crate) fn local(common: &Common) -> Result<PathBuf, Failure> {
    if let Some(remote) = common.remote.clone().or_else(|| variable("LOREBASE_REMOTE")) {
        return Err(usage(format!(
            "this version does not fetch or push by itself (--remote or LOREBASE_REMOTE is `{}`); leave it out, and run `git pull` before and `git push` after",
            without_secret(&remote)
        )));
    }
    let text = common.repo.to_string_lossy();
    if is_url(&text) && !Path::new(&common.repo).exists() {
        return Err(usage(format!(
            "this version opens no repository by its URL; run `git clone {}` and name the folder with --repo",
            without_secret(&text)
        )));
    }
    Ok(common.repo.clone())
}

/// `scheme://…`, or `host:path` as git has it.
fn is_url(text: &str) -> bool {
    text.contains("://") || text.split_once(':').is_some_and(|(host, _)| host.len() > 1 && !host.contains(['/', '\\']))
}

/// A URL without what stands before its `@`.
fn without_secret(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => match rest.split_once('/').map_or((rest, ""), |(host, path)| (host, path)) {
            (host, path) if host.contains('@') => {
                let host = host.rsplit('@').next().unwrap_or_default();
                format!("{scheme}://{host}/{path}")
            }
            _ => url.to_owned(),
        },
        None => url.to_owned(),
    }
}

fn publish() -> Result<PublishMode, Failure> {
    match variable("LOREBASE_PUBLISH").as_deref() {
        None | Some("inline") => Ok(PublishMode::Inline),
        Some("background") => Ok(PublishMode::Background),
        Some("off") => Ok(PublishMode::Off),
        Some(other) => Err(usage(format!("LOREBASE_PUBLISH is `{}`; set it to inline, background or off", other.escape_debug()))),
    }
}

/// A variable of the environment; an empty one counts as none.
fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_paths_and_their_secrets_are_not_repeated() {
        for url in ["https://example.com/a.git", "ssh://git@example.com/a", "git@example.com:a/b.git", "file:///a", "host:a"] {
            assert!(is_url(url), "{url}");
        }
        for path in [".", "/a/b", "../x", "a:b".split(':').next().unwrap(), "C:\\x", "./a:b", "a/b:c"] {
            assert!(!is_url(path), "{path}");
        }
        assert_eq!(without_secret("https://user:token@example.com/a/b.git"), "https://example.com/a/b.git");
        assert_eq!(without_secret("https://example.com/a"), "https://example.com/a");
    }
}
