//! Processes that live and die as a test says.

use std::collections::HashSet;
use std::sync::Mutex;

use uuid::Uuid;

use crate::store::Owner;
use crate::sync::Processes;

/// Every engine is a process of its own; one that a test has killed is seen to be dead.
#[derive(Debug, Default)]
pub struct MemoryProcesses(Mutex<HashSet<Uuid>>);

impl MemoryProcesses {
    /// Where nobody has died yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on the engine `instance` is dead.
    pub fn kill(&self, instance: Uuid) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(instance);
    }
}

impl Processes for MemoryProcesses {
    fn owner(&self, instance: Uuid) -> Owner {
        Owner { host: "memory".to_owned(), boot: String::new(), pid: 1, started: 0, instance }
    }

    fn is_dead(&self, owner: &Owner) -> bool {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).contains(&owner.instance)
    }

    fn retire(&self, _owner: &Owner) {
        // Who is dead is only for the test to say.
    }
}
