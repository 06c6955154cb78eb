//! The project's own documents, so that their examples are compiled and run like any other. They are written to be
//! read in the repository; nothing is said here that is not said there.

#[doc = include_str!("../docs/architecture.md")]
pub mod architecture {}

#[doc = include_str!("../docs/sync-model.md")]
pub mod sync_model {}

#[doc = include_str!("../docs/schemas.md")]
pub mod schemas {}

#[doc = include_str!("../docs/postgresql.md")]
pub mod postgresql {}

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
    #[doc = include_str!("../docs/decisions/0010-the-command-decides-nothing.md")]
    pub mod d0010 {}
    #[doc = include_str!("../docs/decisions/0011-two-stages-on-the-callers-task.md")]
    pub mod d0011 {}
    #[doc = include_str!("../docs/decisions/0012-words-are-indexed-after-the-rows.md")]
    pub mod d0012 {}
    #[doc = include_str!("../docs/decisions/0013-a-race-that-is-checked.md")]
    pub mod d0013 {}
    #[doc = include_str!("../docs/decisions/0016-schemas-judge-values-not-text.md")]
    pub mod d0016 {}
    #[doc = include_str!("../docs/decisions/0017-unique-values-are-claims.md")]
    pub mod d0017 {}
    #[doc = include_str!("../docs/decisions/0018-merging-as-git-does.md")]
    pub mod d0018 {}
    #[doc = include_str!("../docs/decisions/0019-a-base-for-each-source.md")]
    pub mod d0019 {}
    #[doc = include_str!("../docs/decisions/0020-the-log-is-copied-beside-the-writer.md")]
    pub mod d0020 {}
    #[doc = include_str!("../docs/decisions/0022-a-save-goes-straight.md")]
    pub mod d0022 {}
    #[doc = include_str!("../docs/decisions/0024-a-model-that-must-be-seen-to-fail.md")]
    pub mod d0024 {}
    #[doc = include_str!("../docs/decisions/0025-killed-by-name-and-judged-by-what-was-seen.md")]
    pub mod d0025 {}
    #[doc = include_str!("../docs/decisions/0026-writers-of-a-repository-wait-for-its-row.md")]
    pub mod d0026 {}
}
