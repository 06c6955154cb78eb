//! Random batches and questions to the cache in SQLite and to the reference in memory: both answer the same.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

mod random_batches;

use lorebase_backends::sql::{SqliteCache, SqliteOptions};

#[test]
fn random_batches_and_questions_are_answered_as_by_the_reference() {
    for seed in [1, 42, 20_260_101] {
        pollster::block_on(async {
            let store = SqliteCache::open(SqliteOptions::memory()).await.unwrap();
            random_batches::run(seed, &store).await;
            assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
        });
    }
}
