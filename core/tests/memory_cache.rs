//! The cache in memory keeps the contract of the SQL side.

use lorebase::conformance::cache::Case;
use lorebase::memory::MemoryCache;

fn run(case: Case) {
    let store = MemoryCache::new();
    pollster::block_on(case(&store));
}

lorebase::cache_conformance!(run);
