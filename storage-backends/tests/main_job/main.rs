//! The main job on real repositories and real databases: a story a file, and after each of its steps the invariants.

#![cfg(all(feature = "gix", feature = "sqlite"))]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bad_files;
mod bad_places;
mod bad_saves;
mod both_sides;
mod bulk;
mod deleting;
mod drafts;
mod engineer;
mod git;
mod modes;
mod namespaces;
mod person;
mod private;
mod saves;
mod seed;
mod strangers;
mod world;

/// Each story on a bare repository, in a checkout, and in a checkout whose ids are SHA-256.
macro_rules! on_every_layout {
    ($($story:ident),+ $(,)?) => {
        mod bare {
            $(#[test] fn $story() { super::$story(&crate::world::World::new(crate::world::Layout::Bare)); })+
        }
        mod checkout {
            $(#[test] fn $story() { super::$story(&crate::world::World::new(crate::world::Layout::Checkout)); })+
        }
        mod sha256 {
            $(#[test] fn $story() { super::$story(&crate::world::World::new(crate::world::Layout::Sha256)); })+
        }
    };
}
pub(crate) use on_every_layout;
