//! Many connections at once on one PostgreSQL: nothing is overwritten, nothing is given twice, nobody waits in a circle.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

mod records;
#[path = "../server/mod.rs"]
mod server;
mod waiting;

use std::time::Duration;

use lorebase::ErrorKind;
use lorebase::knowledge::KindName;
use lorebase::store::{ApplyOutcome, Batch, CacheStore, Claiming, Guard, LeaseOutcome, RecordWrite, Slot, UniqueRules, View};
use lorebase_backends::sql::{PostgresCache, PostgresOptions};
use records::{apply, at, at_once, attached, batch, change, content, get, live, new, opened, owner, written};
use server::Database;

const THREADS: usize = 8;
const TTL: Duration = Duration::from_secs(30);

/// No transaction was ended because of a circle.
fn assert_no_deadlock(database: &Database) {
    let deadlocks: i64 = server::block_on(async {
        let mut connection = <sqlx::PgConnection as sqlx::Connection>::connect(&database.url()).await.unwrap();
        sqlx::query_scalar("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
            .fetch_one(&mut connection)
            .await
            .unwrap()
    });
    assert_eq!(deadlocks, 0);
}

fn assert_sound(store: &PostgresCache) {
    assert_eq!(pollster::block_on(store.check()).unwrap(), Vec::<String>::new());
}

#[test]
fn no_update_of_a_record_that_many_write_is_lost() {
    let database = Database::new();
    let store = opened(&database.url());
    let id = attached(&store);
    written(&store, id, vec![new("a", "a.md")]);
    let each = 25;
    at_once(&database.url(), THREADS, |number, store| {
        let mut left = each;
        while left > 0 {
            let read = get(store, id, "a");
            let body = format!("{}{number};", read.change.as_ref().map_or("", |change| &change.content.body));
            let ours = change(content("a.md", &body), read.revision + 1);
            let write = RecordWrite { change: Slot::Set(ours), revision: read.revision + 1, ..RecordWrite::onto(&read) };
            match apply(store, &batch(id, vec![write])) {
                ApplyOutcome::Applied { .. } => left -= 1,
                ApplyOutcome::Moved(moved) => assert_eq!(moved, [0]),
                other => panic!("{other:?}"),
            }
        }
    });
    let end = get(&store, id, "a");
    assert_eq!((end.stamp, end.revision), (1 + (THREADS * each) as u64, 1 + (THREADS * each) as u64));
    let body = end.change.unwrap().content.body;
    for number in 0..THREADS {
        assert_eq!(body.matches(&format!("{number};")).count(), each, "{body}");
    }
    assert_no_deadlock(&database);
    assert_sound(&store);
}

#[test]
fn of_many_new_records_of_one_key_exactly_one_is_made() {
    let database = Database::new();
    let id = attached(&opened(&database.url()));
    for round in 0..5 {
        let name = format!("n{round}");
        let outcomes =
            at_once(&database.url(), THREADS, |number, store| apply(store, &batch(id, vec![new(&name, &format!("{name}-{number}.md"))])));
        let made = outcomes.iter().filter(|outcome| matches!(outcome, ApplyOutcome::Applied { .. })).count();
        let moved = outcomes.iter().filter(|outcome| matches!(outcome, ApplyOutcome::Moved(_))).count();
        assert_eq!((made, moved), (1, THREADS - 1), "{outcomes:?}");
    }
}

#[test]
fn of_many_records_that_want_one_place_exactly_one_gets_it() {
    let database = Database::new();
    let store = opened(&database.url());
    let id = attached(&store);
    for round in 0..5 {
        // A live version, or a placed change, in turns: the two are held by different indexes.
        let outcomes = at_once(&database.url(), THREADS, |number, store| {
            let mut write = new(&format!("r{round}-{number}"), &format!("place-{round}.md"));
            if number % 2 == 1 {
                write.live = Slot::Keep;
                write.change = Slot::Set(change(content(&format!("PLACE-{round}.md"), "ours"), 1));
            }
            apply(store, &batch(id, vec![write]))
        });
        let made = outcomes.iter().filter(|outcome| matches!(outcome, ApplyOutcome::Applied { .. })).count();
        let taken = outcomes.iter().filter(|outcome| matches!(outcome, ApplyOutcome::LocationTaken { .. })).count();
        assert_eq!((made, taken), (1, THREADS - 1), "{outcomes:?}");
    }
    assert_sound(&store);
}

#[test]
fn of_many_records_that_want_one_unique_value_exactly_one_gets_it() {
    let database = Database::new();
    let store = opened(&database.url());
    let id = attached(&store);
    let mut rules = Batch::new(id, at(1));
    rules.repository_patch.unique = Slot::Set(UniqueRules::from([(KindName::new("customer"), vec!["mail".to_owned()])]));
    apply(&store, &rules);
    for round in 0..5 {
        let outcomes = at_once(&database.url(), THREADS, |number, store| {
            let mut write = new(&format!("r{round}-{number}"), &format!("r{round}-{number}.md"));
            let mut ours = content(&format!("r{round}-{number}.md"), "ours");
            ours.fields.insert("mail".to_owned(), format!("{round}@example.com").into());
            write.change = Slot::Set(change(ours, 1));
            write.live = Slot::Keep;
            apply(store, &Batch { claiming: Claiming::Change, ..batch(id, vec![write]) })
        });
        let made = outcomes.iter().filter(|outcome| matches!(outcome, ApplyOutcome::Applied { .. })).count();
        let taken = outcomes.iter().filter(|outcome| matches!(outcome, ApplyOutcome::ValueTaken { .. })).count();
        assert_eq!((made, taken), (1, THREADS - 1), "{outcomes:?}");
    }
    assert_sound(&store);
}

#[test]
fn records_swap_places_in_any_order_and_nobody_waits_in_a_circle() {
    let database = Database::new();
    let store = opened(&database.url());
    let id = attached(&store);
    let names = ["a", "b", "c", "d"];
    written(&store, id, names.iter().map(|name| new(name, &format!("{name}.md"))).collect());
    at_once(&database.url(), THREADS, |number, store| {
        let mut swapped = 0;
        while swapped < 15 {
            let (one, two) = (names[(number + swapped) % 4], names[(number + swapped + 1 + number % 3) % 4]);
            let (one, two) = (get(store, id, one), get(store, id, two));
            if one.uid == two.uid {
                swapped += 1;
                continue;
            }
            let place = |of: &lorebase::store::Record| of.live.as_ref().unwrap().content.location.path.to_string();
            let moved = |of: &lorebase::store::Record, to: String| RecordWrite {
                live: Slot::Set(live(content(&to, "swapped"))),
                ..RecordWrite::onto(of)
            };
            let writes = vec![moved(&one, place(&two)), moved(&two, place(&one))];
            match apply(store, &batch(id, writes)) {
                ApplyOutcome::Applied { .. } => swapped += 1,
                ApplyOutcome::Moved(_) => {}
                other => panic!("{other:?}"),
            }
        }
    });
    let mut places: Vec<String> = names.map(|name| get(&store, id, name).live.unwrap().content.location.path.to_string()).into();
    places.sort();
    assert_eq!(places, ["a.md", "b.md", "c.md", "d.md"]);
    assert_no_deadlock(&database);
    assert_sound(&store);
}

#[test]
fn of_many_who_ask_for_the_lease_exactly_one_gets_it() {
    let database = Database::new();
    let id = attached(&opened(&database.url()));
    let outcomes = at_once(&database.url(), THREADS, |number, store| {
        pollster::block_on(store.lease(id, &owner(number as u128), at(0), TTL, None)).unwrap()
    });
    let acquired: Vec<_> = outcomes.iter().filter(|outcome| matches!(outcome, LeaseOutcome::Acquired(1))).collect();
    assert_eq!(acquired.len(), 1, "{outcomes:?}");
    assert!(
        outcomes.iter().all(|outcome| matches!(outcome, LeaseOutcome::Acquired(1) | LeaseOutcome::Held { fence: 1, .. })),
        "{outcomes:?}"
    );
}

#[test]
fn under_a_fence_that_was_raised_nothing_is_written() {
    let database = Database::new();
    let store = opened(&database.url());
    let id = attached(&store);
    written(&store, id, vec![new("a", "a.md")]);
    // Everybody takes the lease from whoever has it, and writes the fence that it got as long as nobody else takes it.
    at_once(&database.url(), THREADS, |number, store| {
        for _ in 0..10 {
            let seen = pollster::block_on(store.repository(id)).unwrap().fence;
            let LeaseOutcome::Acquired(fence) =
                pollster::block_on(store.lease(id, &owner(number as u128), at(0), TTL, Some(seen))).unwrap()
            else {
                continue;
            };
            for _ in 0..3 {
                let read = get(store, id, "a");
                let write = RecordWrite { revision: fence, ..RecordWrite::onto(&read) };
                match apply(store, &Batch { fence: Some(fence), ..batch(id, vec![write]) }) {
                    // The revision only rises: had an older fence written later, it would not show here.
                    ApplyOutcome::Applied { .. } => assert!(read.revision <= fence, "{fence} wrote after {}", read.revision),
                    ApplyOutcome::Moved(_) => {}
                    ApplyOutcome::Fenced(newer) => assert!(newer > fence),
                    other => panic!("{other:?}"),
                }
            }
        }
    });
}

#[test]
fn a_search_knows_what_was_written_while_words_were_found() {
    let database = Database::new();
    let store = opened(&database.url());
    let id = attached(&store);
    let names: Vec<String> = (0..40).map(|number| format!("e{number}")).collect();
    written(&store, id, names.iter().map(|name| new(name, &format!("{name}.md"))).collect());
    at_once(&database.url(), THREADS, |number, store| {
        for round in 0..6 {
            if number % 2 == 0 {
                // Too many for one transaction with their words.
                let mut writes = Vec::new();
                for name in &names {
                    let read = get(store, id, name);
                    let text = format!("word{number}x{round} of {name}");
                    writes.push(RecordWrite { live: Slot::Set(live(content(&format!("{name}.md"), &text))), ..RecordWrite::onto(&read) });
                }
                apply(store, &Batch { guard: Guard::Each, ..batch(id, writes) });
            } else {
                pollster::block_on(store.index(7)).unwrap();
                pollster::block_on(store.search(id, "of", None, View::Published, 100)).unwrap();
            }
        }
    });
    for name in &names {
        let body = get(&store, id, name).live.unwrap().content.body;
        let word = body.split(' ').next().unwrap();
        let found = pollster::block_on(store.search(id, &format!("{word} {name}"), None, View::Published, 100)).unwrap();
        assert!(found.iter().any(|hit| hit.record.key.id.as_str() == name), "{name} is found by {word}");
    }
    assert_no_deadlock(&database);
    assert_sound(&store);
}

#[test]
fn ten_instances_make_the_tables_of_one_new_database() {
    let database = Database::new();
    let ids = at_once(&database.url(), 10, |_, store| attached(store));
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_sound(&opened(&database.url()));
}

#[test]
fn a_machine_whose_clock_is_wrong_takes_nobodys_lease() {
    let database = Database::new();
    let store = opened(&database.url());
    let id = attached(&store);
    let lease = |who, now, ttl| pollster::block_on(store.lease(id, &owner(who), now, ttl, None)).unwrap();
    assert!(matches!(lease(1, at(-1_000_000_000), TTL), LeaseOutcome::Acquired(1)), "a clock of long ago");
    assert!(matches!(lease(2, at(1_000_000_000), TTL), LeaseOutcome::Held { fence: 1, .. }), "a clock of long after");
    let take = Batch { fence: Some(1), take: Some(owner(2)), lease_until: Some(at(1_000_000_030)), ..Batch::new(id, at(1_000_000_000)) };
    assert_eq!(apply(&store, &take), ApplyOutcome::Fenced(1));
    assert!(matches!(lease(1, at(0), Duration::ZERO), LeaseOutcome::Acquired(2)), "it is given up at once");
    assert!(matches!(lease(2, at(-1_000_000_000), TTL), LeaseOutcome::Acquired(3)));
}

#[test]
fn a_database_that_gives_no_connection_is_busy() {
    let database = Database::new();
    let options = PostgresOptions { max_connections: 1, patience: Duration::from_millis(300), ..PostgresOptions::new(database.url()) };
    let store = pollster::block_on(PostgresCache::open(options)).unwrap();
    let id = attached(&store);
    // A writer that waits for more than its patience.
    let slow = "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql SET lock_timeout = 0 AS \
                $$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN new; END $$; \
                CREATE TRIGGER slow BEFORE INSERT ON lorebase.knowledge FOR EACH ROW EXECUTE FUNCTION slow()";
    server::block_on(server::execute(&database.url(), slow));
    let lock = waiting::Lock::by(&database.url(), "SELECT pg_advisory_xact_lock(1)");
    let error = std::thread::scope(|scope| {
        let first = scope.spawn(|| pollster::block_on(store.apply(&batch(id, vec![new("a", "a.md")]))));
        waiting::until_one_waits(&database.url());
        let second = pollster::block_on(store.repository(id)).unwrap_err();
        lock.end();
        first.join().unwrap().unwrap();
        second
    });
    assert_eq!(error.kind(), ErrorKind::Busy);
    assert!(error.to_string().contains("no connection to the database") && error.to_string().contains("came free in 0.3 s"), "{error}");
}
