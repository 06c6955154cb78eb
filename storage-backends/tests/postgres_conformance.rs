//! The cache in PostgreSQL keeps the contract of the SQL side, directly and as behind a proxy that gives each transaction
//! another session.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

mod server;

use lorebase::conformance::cache::Case;
use lorebase_backends::sql::{LeaseClock, PostgresCache, PostgresOptions};
use server::Database;

fn run_with(case: Case, statement_cache: usize) {
    let database = Database::new();
    // The moments of the cases are not those of the server.
    let options = PostgresOptions { clock: LeaseClock::Caller, statement_cache, ..PostgresOptions::new(database.url()) };
    pollster::block_on(async {
        let store = PostgresCache::open(options).await.unwrap();
        case(&store).await;
        assert_eq!(store.check().await.unwrap(), Vec::<String>::new(), "the tables fit together afterwards");
        store.close().await;
    });
}

mod directly {
    use super::{Case, run_with};

    fn run(case: Case) {
        run_with(case, 100);
    }

    lorebase::cache_conformance!(run);
}

mod behind_a_proxy {
    use super::{Case, run_with};

    fn run(case: Case) {
        run_with(case, 0);
    }

    lorebase::cache_conformance!(run);
}
