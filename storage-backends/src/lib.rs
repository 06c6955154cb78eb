//! Lorebase on real stores.

mod runtime;
