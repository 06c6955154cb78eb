//! Random batches and questions to the cache in PostgreSQL and to the reference in memory: both answer the same.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

mod random_batches;
mod server;

use lorebase_backends::sql::{LeaseClock, PostgresCache, PostgresOptions};
use server::Database;

fn run(seed: u64) {
    let database = Database::new();
    let options = PostgresOptions { clock: LeaseClock::Caller, ..PostgresOptions::new(database.url()) };
    pollster::block_on(async {
        let store = PostgresCache::open(options).await.unwrap();
        random_batches::run(seed, &store).await;
        assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
        store.close().await;
    });
}

#[test]
fn random_batches_and_questions_are_answered_as_by_the_reference() {
    run(1);
}

#[test]
fn other_random_batches_and_questions_are_answered_as_by_the_reference() {
    run(42);
}

#[test]
fn more_random_batches_and_questions_are_answered_as_by_the_reference() {
    run(20_260_101);
}
