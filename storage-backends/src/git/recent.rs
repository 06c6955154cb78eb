//! Folders of the last few commits as they are stored, so that a save need not find and unpack again what the one before
//! it wrote. Ids name contents, so nothing here is ever out of date; whether an object is in the repository is not
//! asked here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use gix::ObjectId;
use gix::objs::{Data, Find, Kind};

/// How much of folders is kept.
const MOST: usize = 8 << 20;

/// How many commits are known by their trees.
const COMMITS: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    trees: HashMap<ObjectId, Arc<[u8]>>,
    size: usize,
    roots: HashMap<ObjectId, ObjectId>,
}

impl Recent {
    fn kept<T>(&self, look: impl FnOnce(&mut Kept) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The bytes of a tree.
    pub(super) fn tree(&self, id: &ObjectId) -> Option<Arc<[u8]>> {
        self.kept(|kept| kept.trees.get(id).cloned())
    }

    /// Remembers a tree; all others are forgotten when there is too much.
    pub(super) fn keep(&self, id: ObjectId, bytes: &Arc<[u8]>) {
        if bytes.len() > MOST / 4 {
            return;
        }
        self.kept(|kept| {
            if kept.size + bytes.len() > MOST {
                kept.trees.clear();
                kept.size = 0;
            }
            if kept.trees.insert(id, bytes.clone()).is_none() {
                kept.size += bytes.len();
            }
        });
    }

    /// The tree of a commit.
    pub(super) fn root(&self, commit: &ObjectId) -> Option<ObjectId> {
        self.kept(|kept| kept.roots.get(commit).copied())
    }

    /// Remembers the tree of a commit.
    pub(super) fn keep_root(&self, commit: ObjectId, tree: ObjectId) {
        self.kept(|kept| {
            if kept.roots.len() >= COMMITS {
                kept.roots.clear();
            }
            kept.roots.insert(commit, tree);
        });
    }
}

/// Objects of a repository, of which recent trees need not be unpacked.
pub(super) struct Recently<'a, F> {
    pub(super) recent: &'a Recent,
    pub(super) objects: &'a F,
}

impl<F: Find> Find for Recently<'_, F> {
    fn try_find<'b>(&self, id: &gix::oid, buffer: &'b mut Vec<u8>) -> gix::Result<Option<Data<'b>>> {
        let Some(bytes) = self.recent.tree(&id.to_owned()) else { return self.objects.try_find(id, buffer) };
        buffer.clear();
        buffer.extend_from_slice(&bytes);
        Ok(Some(Data { kind: Kind::Tree, object_hash: id.kind(), data: buffer }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_bounded() {
        let recent = Recent::default();
        let large: Arc<[u8]> = vec![7; MOST / 4].into();
        for number in 0..20 {
            let mut bytes = [0; 20];
            bytes[0] = number;
            recent.keep(ObjectId::from_bytes_or_panic(&bytes), &large);
            assert!(recent.kept(|kept| kept.trees.values().map(|tree| tree.len()).sum::<usize>()) <= MOST);
            assert_eq!(recent.tree(&ObjectId::from_bytes_or_panic(&bytes)).as_deref(), Some(&*large));
        }
        let larger: Arc<[u8]> = vec![7; MOST / 4 + 1].into();
        recent.keep(ObjectId::null(gix::hash::Kind::Sha1), &larger);
        assert_eq!(recent.tree(&ObjectId::null(gix::hash::Kind::Sha1)), None);
    }
}
