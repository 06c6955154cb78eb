//! Files whose content git changes between the repository and the work tree (LFS and other filters, line ends,
//! keywords, encodings). They are left to git itself: writing them here would store or show the wrong bytes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use gix::bstr::BStr;
use gix::glob::pattern::Case;
use gix_attributes::search::{MetadataCollection, Outcome};
use gix_attributes::{Search, StateRef};
use lorebase::Result;

use super::errors;

/// The attributes of a work tree that matter, from its `.gitattributes` files and `info/attributes`.
pub(super) struct Attributes {
    search: Search,
    collection: MetadataCollection,
    crlf: bool,
}

impl Attributes {
    /// Reads every attributes file on the way to these paths. `crlf`: whether text gets Windows line ends here
    /// (`core.eol`).
    pub(super) fn read<'a>(root: &Path, common_dir: &Path, paths: impl Iterator<Item = &'a str>, crlf: bool) -> Result<Self> {
        let mut collection = MetadataCollection::default();
        let mut buffer = Vec::new();
        let failed = |path: &Path, error| errors::io("read", path, error);
        let mut search = Search::new_globals(Vec::<PathBuf>::new(), &mut buffer, &mut collection).map_err(|error| failed(root, error))?;
        let mut folders = BTreeSet::from([(0, "")]);
        for path in paths {
            folders.extend(path.match_indices('/').map(|(at, _)| (path[..at].matches('/').count() + 1, &path[..at])));
        }
        // What is deeper wins, so it comes later; the repository's own file wins over all.
        for (depth, folder) in folders {
            let file = root.join(folder).join(".gitattributes");
            if file.is_file() {
                let source = file.clone();
                search
                    .add_patterns_file(source, false, Some(root), &mut buffer, &mut collection, depth == 0)
                    .map_err(|error| failed(&file, error))?;
            }
        }
        let info = common_dir.join("info").join("attributes");
        search.add_patterns_file(info.clone(), false, None, &mut buffer, &mut collection, true).map_err(|error| failed(&info, error))?;
        Ok(Self { search, collection, crlf })
    }

    /// Why a path is left to git, if it is.
    pub(super) fn refusal(&self, path: &str) -> Option<String> {
        let mut outcome = Outcome::default();
        outcome.initialize_with_selection(&self.collection, ["filter", "working-tree-encoding", "ident", "eol", "text"]);
        self.search.pattern_matching_relative_path(BStr::new(path.as_bytes()), Case::Sensitive, Some(false), &mut outcome);
        outcome.iter_selected().find_map(|found| {
            let name = found.assignment.name.as_str();
            let converts = match (name, found.assignment.state) {
                ("filter" | "working-tree-encoding", StateRef::Value(_)) | ("ident", StateRef::Set) => true,
                ("eol", StateRef::Value(value)) => value.as_bstr() == "crlf",
                ("text", StateRef::Set | StateRef::Value(_)) => self.crlf,
                _ => false,
            };
            converts.then(|| format!("git converts it on the way to the work tree (attribute `{name}`), which only git itself can do"))
        })
    }
}
