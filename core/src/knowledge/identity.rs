//! Who an entity is. An identity is unique per repository, kind and id; a file without an id gets one that every
//! clone computes alike.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::{Uuid, uuid};

use super::Location;

/// The namespace of ids derived from a place: UUIDv5 over `kind`, a NUL, and the location below the root. The same
/// in every clone and for ever.
pub const ID_NAMESPACE: Uuid = uuid!("6f2b1f0e-3c55-5d0c-9a41-8f2f6e0b7c11");

/// The name of a kind of knowledge, for example `skill`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KindName(String);

/// The id of an entity within its kind: any non-empty string that a file gives, else derived from its place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EntityId(String);

macro_rules! string_newtype {
    ($name:ident) => {
        impl $name {
            /// Wraps a string as it is.
            pub fn new(value: impl Into<String>) -> Self {
                Self(value.into())
            }

            /// The string.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(value: &str) -> Self {
                Self(value.to_owned())
            }
        }
    };
}
string_newtype!(KindName);
string_newtype!(EntityId);

impl EntityId {
    /// The id of a file (or JSON entry) that holds none: UUIDv5 over its kind and its location below the root.
    pub fn derived(kind: &KindName, below_root: &Location) -> Self {
        let name = format!("{kind}\0{below_root}");
        Self(Uuid::new_v5(&ID_NAMESPACE, name.as_bytes()).to_string())
    }
}

/// One identity within a repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EntityKey {
    /// The kind.
    pub kind: KindName,
    /// The id within the kind.
    pub id: EntityId,
}

impl EntityKey {
    /// A key of a kind and an id.
    pub fn new(kind: impl Into<KindName>, id: impl Into<EntityId>) -> Self {
        Self { kind: kind.into(), id: id.into() }
    }
}

impl fmt::Display for EntityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/@{}", self.kind, self.id)
    }
}
