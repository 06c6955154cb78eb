//! Everything that can be wrong with a server, a role, a database or a connection: each is told by name, without the
//! password, and nothing is lost.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

mod server;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use lorebase::store::{CacheStore, RepositoryKey};
use lorebase::sync::Save;
use lorebase::{Error, ErrorKind, PublishMode, Selector};
use lorebase_backends::sql::{PostgresCache, PostgresOptions};
use lorebase_backends::{Options, open};
use server::{Cluster, Database, block_on, execute, named};
use sqlx::Connection;

fn refusal(url: &str, kind: ErrorKind, told: &str) -> Error {
    let options = PostgresOptions { patience: Duration::from_secs(5), ..PostgresOptions::new(url) };
    let error = pollster::block_on(PostgresCache::open(options)).unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(told), "{error}");
    for text in [error.to_string(), format!("{error:?}")] {
        assert!(!text.contains("hunter2") && !text.contains(Cluster::password()), "no password is shown: {text}");
    }
    error
}

fn name() -> RepositoryKey {
    RepositoryKey { namespace: "default".to_owned(), branch: "main".to_owned() }
}

fn now() -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(1_767_225_600_000).unwrap()
}

#[test]
fn a_wrong_password_and_an_unknown_database_are_told() {
    let cluster = Cluster::own();
    let at = format!("127.0.0.1:{}", cluster.port());
    refusal(
        &cluster.tcp(Cluster::role(), "hunter2", "postgres"),
        ErrorKind::Unauthorized,
        &format!(
            "PostgreSQL at `{at}` does not let the role `lorebase` in (password authentication failed for user \"lorebase\"); check user and \
             password in the database URL, and `pg_hba.conf` on the server"
        ),
    );
    refusal(
        &cluster.tcp(Cluster::role(), Cluster::password(), "nowhere"),
        ErrorKind::NotFound,
        &format!("PostgreSQL at `{at}` has no database `nowhere`; make it with `CREATE DATABASE`, or name another one in the URL"),
    );
    let store =
        pollster::block_on(PostgresCache::open(PostgresOptions::new(cluster.tcp(Cluster::role(), Cluster::password(), "postgres"))));
    assert!(!format!("{:?}", store.unwrap()).contains(Cluster::password()));
}

#[test]
fn a_role_without_rights_is_told_what_to_ask_for_and_goes_on_where_a_schema_was_made_for_it() {
    let cluster = Cluster::own();
    block_on(execute(&cluster.url(), "CREATE ROLE app LOGIN PASSWORD 'hunter2'"));
    block_on(execute(&cluster.url(), "CREATE DATABASE ours"));
    let url = cluster.tcp("app", "hunter2", "ours");
    refusal(
        &url,
        ErrorKind::Unauthorized,
        "let an administrator run `GRANT CREATE ON DATABASE \"ours\" TO \"app\"`, or `CREATE SCHEMA lorebase AUTHORIZATION \"app\"`",
    );
    block_on(execute(&named(&cluster.url(), "ours"), "CREATE SCHEMA lorebase AUTHORIZATION app"));
    pollster::block_on(async {
        let store = PostgresCache::open(PostgresOptions::new(url)).await.unwrap();
        assert_eq!(store.attach(&name(), now()).await.unwrap().fence, 0);
    });
}

#[test]
fn a_server_that_is_not_there_is_unavailable() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    refusal(
        &format!("postgres://app:hunter2@127.0.0.1:{port}/ours"),
        ErrorKind::Unavailable,
        &format!("PostgreSQL at `127.0.0.1:{port}` cannot be reached"),
    );
    refusal(
        "postgres://app:hunter2@localhost/ours?host=/nowhere/at/all",
        ErrorKind::Unavailable,
        "PostgreSQL at `/nowhere/at/all:5432` cannot be reached",
    );
}

#[test]
fn a_url_that_cannot_be_understood_is_told_without_it() {
    for url in ["postgres://app:hunter2@host:port/ours", "postgres://app:hunter2@host:99999/ours"] {
        refusal(url, ErrorKind::InvalidInput, "the database URL cannot be understood; write `postgres://USER:PASSWORD@HOST:PORT/DATABASE`");
    }
}

/// An old server, as far as its first words go.
fn old_server(listener: &TcpListener) {
    let (mut stream, _) = listener.accept().unwrap();
    let mut length = [0; 4];
    stream.read_exact(&mut length).unwrap();
    let mut hello = vec![0; u32::from_be_bytes(length) as usize - 4];
    stream.read_exact(&mut hello).unwrap();
    let message = |kind: u8, body: &[u8]| {
        let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        [&[kind][..], &length, body].concat()
    };
    // Authentication done, the version, the key of the session, ready.
    let answer = [message(b'R', &[0; 4]), message(b'S', b"server_version\x0012.17\0"), message(b'K', &[0; 8]), message(b'Z', b"I")];
    stream.write_all(&answer.concat()).unwrap();
    let _ = stream.read_to_end(&mut Vec::new());
}

#[test]
fn a_server_that_is_too_old_is_told_which_is_needed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || old_server(&listener));
    refusal(
        &format!("postgres://app:hunter2@127.0.0.1:{port}/ours?sslmode=disable"),
        ErrorKind::Unsupported,
        &format!("PostgreSQL at `127.0.0.1:{port}` is of version 12.17; lorebase needs 13 or newer: upgrade the server"),
    );
    server.join().unwrap();
}

#[test]
fn tables_of_a_newer_lorebase_and_tables_of_somebody_else_are_left_alone() {
    let database = Database::new();
    pollster::block_on(PostgresCache::open(PostgresOptions::new(database.url()))).unwrap();
    block_on(execute(&database.url(), "INSERT INTO lorebase.migration (version) VALUES (99)"));
    refusal(
        &database.url(),
        ErrorKind::Unsupported,
        "has tables of version 99, made by a newer lorebase; this one knows version 1: upgrade lorebase",
    );
    let database = Database::new();
    block_on(execute(&database.url(), "CREATE SCHEMA lorebase; CREATE TABLE lorebase.entity (x int)"));
    refusal(
        &database.url(),
        ErrorKind::Unsupported,
        "its schema `lorebase` holds others of the same names; give the cache a database of its own",
    );
    block_on(execute(&database.url(), "SELECT x FROM lorebase.entity"));
}

#[test]
fn a_database_of_another_encoding_is_refused() {
    let database = Database::new();
    let other = format!("{}_latin", database.name);
    block_on(execute(&database.url(), &format!("CREATE DATABASE {other} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")));
    let url = named(&database.url(), &other);
    refusal(
        &url,
        ErrorKind::Unsupported,
        "keeps its texts in LATIN1; make one with `CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0`",
    );
    block_on(execute(&database.url(), &format!("DROP DATABASE {other} WITH (FORCE)")));
}

/// Ends all other sessions of a database, as an administrator or a failover does.
fn cut_all(url: &str) {
    block_on(execute(
        url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    ));
}

#[test]
fn connections_that_were_cut_are_replaced_without_anybody_noticing() {
    let database = Database::new();
    pollster::block_on(async {
        let store = PostgresCache::open(PostgresOptions::new(database.url())).await.unwrap();
        let id = store.attach(&name(), now()).await.unwrap().id;
        for _ in 0..3 {
            // Several connections rest in the pool.
            let asked: Vec<_> = (0..4)
                .map(|_| std::thread::scope(|scope| scope.spawn(|| pollster::block_on(store.repository(id)).unwrap()).join().unwrap()))
                .collect();
            assert_eq!(asked.len(), 4);
            cut_all(&database.url());
            assert_eq!(store.repository(id).await.unwrap().fence, 0);
            cut_all(&database.url());
            store.release(id, 7).await.unwrap();
        }
    });
}

#[test]
fn a_server_that_was_killed_and_started_again_has_every_save_and_goes_on() {
    let cluster = Cluster::own();
    let folder = tempfile::tempdir().unwrap();
    pollster::block_on(async {
        let options = Options::new(folder.path()).init_bare().branch("main").cache(cluster.url()).publish(PublishMode::Off);
        assert!(!format!("{options:?}").contains(Cluster::password()));
        let kb = open(options).await.unwrap();
        for round in 0..3 {
            let saved =
                kb.save(Save::create("skill").id(&format!("s{round}")).title(&format!("Skill {round}")).body("text\n")).await.unwrap();
            cluster.kill();
            cluster.begin();
            assert_eq!(kb.get("skill", saved.slug.as_str()).await.unwrap().unwrap().id, saved.id, "it is there after round {round}");
        }
        kb.sync(lorebase::sync::SyncOptions::default()).await.unwrap();
        assert_eq!(kb.status().await.unwrap().pending, 0);
    });
}

/// Four savers of their own connections; the server is killed whenever they have come a little further.
#[test]
fn every_save_acknowledged_while_the_server_is_killed_again_and_again_is_there() {
    const SAVERS: usize = 4;
    const KILLS: usize = 3;
    let cluster = Cluster::own();
    let folder = tempfile::tempdir().unwrap();
    let opened = || {
        let options = Options::new(folder.path()).init_bare().branch("main").cache(cluster.url()).publish(PublishMode::Off);
        pollster::block_on(open(options)).unwrap()
    };
    let kb = opened();
    let acknowledged = Mutex::new(Vec::new());
    let so_far = || acknowledged.lock().unwrap().len();
    let over = AtomicBool::new(false);
    let failed = std::thread::scope(|scope| {
        let savers: Vec<_> = (0..SAVERS)
            .map(|saver| {
                let kb = opened();
                let (acknowledged, over) = (&acknowledged, &over);
                scope.spawn(move || {
                    let mut failed = 0;
                    for number in 0.. {
                        if over.load(Ordering::SeqCst) {
                            break;
                        }
                        let id = format!("s{saver}-{number}");
                        match pollster::block_on(kb.save(Save::create("skill").id(&id).title(&id).body("text\n"))) {
                            Ok(_) => acknowledged.lock().unwrap().push(id),
                            Err(error) => {
                                assert!(error.is_retryable(), "{error:?}");
                                failed += 1;
                            }
                        }
                    }
                    failed
                })
            })
            .collect();
        let deadline = Instant::now() + Duration::from_mins(2);
        for _ in 0..=KILLS {
            let enough = so_far() + 5 * SAVERS;
            while so_far() < enough {
                assert!(Instant::now() < deadline, "nobody saves any more");
                std::thread::yield_now();
            }
            cluster.kill();
            cluster.begin();
        }
        over.store(true, Ordering::SeqCst);
        savers.into_iter().map(|saver| saver.join().unwrap()).sum::<usize>()
    });
    let acknowledged = acknowledged.into_inner().unwrap();
    println!("{} saves acknowledged, {failed} failed", acknowledged.len());
    for id in &acknowledged {
        let found = pollster::block_on(kb.get("skill", Selector::Id(id.as_str().into()))).unwrap();
        assert!(found.is_some(), "{id} was acknowledged and is not there");
    }
    pollster::block_on(kb.sync(lorebase::sync::SyncOptions::default())).unwrap();
    let health = pollster::block_on(kb.status()).unwrap();
    assert!(health.pending == 0 && health.synced >= acknowledged.len() as u64, "{health:?}");
}

#[test]
fn a_server_that_goes_away_is_told_and_waited_for_when_it_comes_back() {
    let cluster = Cluster::own();
    pollster::block_on(async {
        let options = PostgresOptions { patience: Duration::from_millis(500), ..PostgresOptions::new(cluster.url()) };
        let store = PostgresCache::open(options).await.unwrap();
        let id = store.attach(&name(), now()).await.unwrap().id;
        cluster.stop();
        let error = store.repository(id).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(error.to_string().contains("cannot be reached"), "{error}");
        cluster.begin();
        assert_eq!(store.repository(id).await.unwrap().fence, 0);
    });
}

#[test]
fn a_transaction_that_had_to_give_way_is_made_again() {
    for code in ["40001", "40P01"] {
        let database = Database::new();
        let store = pollster::block_on(PostgresCache::open(PostgresOptions::new(database.url()))).unwrap();
        // The first three attempts are refused as PostgreSQL refuses them; a sequence does not go back with them.
        let refuse = format!(
            "CREATE SEQUENCE tries; CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN IF nextval('tries') <= 3 THEN RAISE EXCEPTION 'give way' USING ERRCODE = '{code}'; END IF; RETURN new; END $$; \
             CREATE TRIGGER refuse BEFORE INSERT ON lorebase.repository FOR EACH ROW EXECUTE FUNCTION refuse()"
        );
        block_on(execute(&database.url(), &refuse));
        assert_eq!(pollster::block_on(store.attach(&name(), now())).unwrap().fence, 0);
        let tries: i64 = block_on(async {
            let mut connection = sqlx::PgConnection::connect(&database.url()).await.unwrap();
            sqlx::query_scalar("SELECT last_value FROM tries").fetch_one(&mut connection).await.unwrap()
        });
        assert_eq!(tries, 4);
    }
}

#[test]
fn a_transaction_that_always_has_to_give_way_is_busy() {
    let database = Database::new();
    let store = pollster::block_on(PostgresCache::open(PostgresOptions::new(database.url()))).unwrap();
    let refuse = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \
                  $$ BEGIN RAISE EXCEPTION 'give way' USING ERRCODE = '40001'; END $$; \
                  CREATE TRIGGER refuse BEFORE INSERT ON lorebase.repository FOR EACH ROW EXECUTE FUNCTION refuse()";
    block_on(execute(&database.url(), refuse));
    let error = pollster::block_on(store.attach(&name(), now())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy);
    assert!(error.to_string().contains("gave way to other transactions again and again"), "{error}");
}

#[test]
fn the_character_nul_is_refused_by_name_and_nothing_of_its_batch_is_written() {
    use lorebase::knowledge::{Content, EntityKey, KnowledgePath, Location, Slug};
    use lorebase::store::{Batch, BlobId, CommitId, Live, RecordWrite, Slot, Target};
    let database = Database::new();
    pollster::block_on(async {
        let store = PostgresCache::open(PostgresOptions::new(database.url())).await.unwrap();
        let id = store.attach(&name(), now()).await.unwrap().id;
        let write = |number: usize, body: &str, field: &str| {
            let content = Content {
                slug: Slug::new("s"),
                location: Location::file(KnowledgePath::new(format!("{number}.md")).unwrap()),
                title: "Title".to_owned(),
                status: None,
                fields: [("f".to_owned(), field.into())].into_iter().collect(),
                head: String::new(),
                body: body.to_owned(),
            };
            let live =
                Live { content, revision: 1, blob: BlobId::new("b"), commit: CommitId::new("c"), explicit_id: true, synced_at: now() };
            RecordWrite { live: Slot::Set(live), ..RecordWrite::new(Target::New, EntityKey::new("skill", format!("{number}").as_str()), 1) }
        };
        // As arrays, and as a copy.
        for others in [1, 500] {
            for (bad, column) in [(write(0, "a\0b", "f"), "body"), (write(0, "a", "f\0"), "fields")] {
                let mut writes: Vec<_> = (1..=others).map(|number| write(number, "text", "\\u0000")).collect();
                writes.push(bad);
                let error = store.apply(&Batch { writes, ..Batch::new(id, now()) }).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::InvalidInput);
                let told = format!(
                    "a text holds the character NUL, which PostgreSQL cannot keep (in the column `{column}` of `entity`); remove it and save again"
                );
                assert_eq!(error.to_string(), told);
                assert_eq!(store.manifest(id, None, 10).await.unwrap(), []);
            }
        }
    });
}

#[test]
fn a_file_with_nul_is_a_finding_and_holds_up_nothing() {
    let database = Database::new();
    let folder = tempfile::tempdir().unwrap();
    let skills = folder.path().join("skills");
    let git = |arguments: &[&str]| {
        let mut git = std::process::Command::new("git");
        git.arg("-C").arg(folder.path()).args(["-c", "user.name=Eve", "-c", "user.email=eve@example.com"]).args(arguments);
        assert!(git.status().unwrap().success());
    };
    git(&["init", "-q", "-b", "main"]);
    std::fs::create_dir(&skills).unwrap();
    std::fs::write(skills.join("bad.md"), "---\ntitle: Bad\n---\na\0b\n").unwrap();
    let long = "long ".repeat(2000);
    std::fs::write(skills.join("good.md"), format!("---\ntitle: {long}\n---\ntext\n")).unwrap();
    git(&["add", "-A"]);
    git(&["commit", "-q", "-m", "Begin"]);
    pollster::block_on(async {
        let kb = open(Options::new(folder.path()).cache(database.url()).publish(PublishMode::Off)).await.unwrap();
        kb.sync(lorebase::sync::SyncOptions::default()).await.unwrap();
        assert_eq!(kb.get("skill", "good").await.unwrap().unwrap().title, long.trim_end());
        let found = kb.diagnostics().await.unwrap();
        assert_eq!(
            found.iter().map(|found| (found.path.as_str(), found.code.as_str())).collect::<Vec<_>>(),
            [("skills/bad.md", "file.nul")]
        );
        let error = kb.save(Save::create("skill").title("New").body("a\0b")).await.unwrap_err();
        assert!(error.to_string().contains("NUL"), "{error}");
        kb.save(Save::create("skill").title("New").body("ab")).await.unwrap();
    });
}
