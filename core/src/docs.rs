//! The project's own documents, so that their examples are compiled and run like any other. They are written to be
//! read in the repository; nothing is said here that is not said there.

#[doc = include_str!("../docs/architecture.md")]
pub mod architecture {}

#[doc = include_str!("../docs/sync-model.md")]
pub mod sync_model {}

/// Choices that others will wonder about: context, choice, and what was rejected.
pub mod decisions {
    #[doc = include_str!("../docs/decisions/0001-sync-by-state.md")]
    pub mod d0001 {}
    #[doc = include_str!("../docs/decisions/0002-own-splice-editor.md")]
    pub mod d0002 {}
    #[doc = include_str!("../docs/decisions/0003-gix-and-our-own-ref-transaction.md")]
    pub mod d0003 {}
    #[doc = include_str!("../docs/decisions/0004-one-guarded-apply.md")]
    pub mod d0004 {}
    #[doc = include_str!("../docs/decisions/0005-sqlx-runtime-queries.md")]
    pub mod d0005 {}
    #[doc = include_str!("../docs/decisions/0006-one-private-runtime.md")]
    pub mod d0006 {}
    #[doc = include_str!("../docs/decisions/0007-full-case-folding.md")]
    pub mod d0007 {}
    #[doc = include_str!("../docs/decisions/0008-saves-are-planned-and-retried.md")]
    pub mod d0008 {}
    #[doc = include_str!("../docs/decisions/0009-a-journal-for-the-checkout.md")]
    pub mod d0009 {}
    #[doc = include_str!("../docs/decisions/0013-a-race-that-is-checked.md")]
    pub mod d0013 {}
}
