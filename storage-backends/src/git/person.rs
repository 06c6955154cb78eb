//! Who works here, as git would say it. Only the identity is asked for: nothing else of a user's or the system's
//! configuration reaches a repository that Lorebase opens.

use std::path::Path;

use gix::bstr::ByteSlice;
use gix::open::permissions::{Attributes, Config, Environment};
use gix::open::{Options, Permissions};
use gix::sec::Permission;
use lorebase::knowledge::Author;

/// The author that git itself would put on a commit in the repository at `path`: `GIT_AUTHOR_NAME` and
/// `GIT_AUTHOR_EMAIL`, else `user.name` and `user.email` of the repository's, the user's or the system's
/// configuration (as `GIT_CONFIG_GLOBAL` and `GIT_CONFIG_NOSYSTEM` say where that is). `None` where there is no repository, or no name, or no address.
pub fn person(path: impl AsRef<Path>) -> Option<Author> {
    let config = Config { git_binary: false, system: true, git: true, user: true, env: false, includes: true };
    let env = Environment {
        home: Permission::Allow,
        xdg_config_home: Permission::Allow,
        identity: Permission::Allow,
        git_prefix: Permission::Allow,
        ..Environment::isolated()
    };
    let options = Options::isolated().permissions(Permissions { env, config, attributes: Attributes::isolated() }).bail_if_untrusted(true);
    let repo = options.open(path.as_ref()).ok()?.to_thread_local();
    let author = repo.author()?.ok()?;
    let author = Author::new(author.name.to_str_lossy(), author.email.to_str_lossy());
    (!author.name.is_empty() && !author.email.is_empty()).then_some(author)
}
