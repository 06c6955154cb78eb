//! The cache in SQLite keeps the contract of the SQL side, in a file and in memory.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use lorebase::conformance::cache::Case;
use lorebase_backends::sql::{SqliteCache, SqliteOptions};

mod in_a_file {
    use super::{Case, SqliteCache, SqliteOptions};

    fn run(case: Case) {
        let folder = tempfile::tempdir().unwrap();
        pollster::block_on(async {
            let store = SqliteCache::open(SqliteOptions::file(folder.path().join("cache.db"))).await.unwrap();
            case(&store).await;
            assert_eq!(store.check().await.unwrap(), Vec::<String>::new(), "the file is sound afterwards");
            store.close().await;
        });
    }

    lorebase::cache_conformance!(run);
}

mod in_memory {
    use super::{Case, SqliteCache, SqliteOptions};

    fn run(case: Case) {
        pollster::block_on(async {
            let store = SqliteCache::open(SqliteOptions::memory()).await.unwrap();
            case(&store).await;
        });
    }

    lorebase::cache_conformance!(run);
}
