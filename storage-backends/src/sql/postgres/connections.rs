//! Connections, transactions and what is tried again. Every transaction says itself what it needs (isolation, and behind a
//! proxy its time-outs), so that nothing depends on the state of a session.

use std::fmt;
use std::time::{Duration, Instant};

use lorebase::{Error, Result};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Postgres, Transaction};
use uuid::Uuid;

use super::super::failure::Failure;
use super::LeaseClock;
use super::failure::{Place, ambiguous, is_cut, is_lost_race, told};
use crate::failpoint;

/// So often a transaction is tried again that gave way to another one or lost its connection.
const TRIES: u32 = 8;

/// What a call needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// One statement that reads.
    Read,
    /// Several that read the same moment.
    Snapshot,
    /// Writing; the commit waits for the disk.
    Write,
    /// The same, but the commit need not wait: for what is noted until it is done.
    Light,
}

/// The texts that begin a transaction, mode by mode.
#[derive(Debug)]
pub(super) struct Begin {
    pub(super) snapshot: String,
    pub(super) write: String,
    pub(super) light: String,
}

impl Begin {
    /// `local` is set by each transaction for itself.
    pub(super) fn with(local: &[String], synchronous: bool) -> Self {
        let begin = |characteristics: &str, more: &[&str]| {
            let set = local.iter().map(String::as_str).chain(more.iter().copied());
            set.fold(format!("BEGIN ISOLATION LEVEL {characteristics}"), |text, set| format!("{text}; SET LOCAL {set}"))
        };
        // Where the commits of this role do not wait for the disk, those of saves still have to.
        let durable: &[&str] = if synchronous { &[] } else { &["synchronous_commit = on"] };
        Self {
            snapshot: begin("REPEATABLE READ READ ONLY", &[]),
            write: begin("READ COMMITTED READ WRITE", durable),
            light: begin("READ COMMITTED READ WRITE", &["synchronous_commit = off"]),
        }
    }
}

pub(super) struct Connections {
    pub(super) place: Place,
    pub(super) pool: PgPool,
    pub(super) begin: Begin,
    pub(super) clock: LeaseClock,
    /// Whether consecutive statements may reach different sessions.
    pub(super) proxied: bool,
    /// For a connection beside the pool.
    pub(super) connect: PgConnectOptions,
}

// What connects holds the password.
impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").field("place", &self.place).field("pool", &self.pool).finish_non_exhaustive()
    }
}

/// A connection for one call.
pub(super) enum Held {
    Plain(PoolConnection<Postgres>),
    Within(Transaction<'static, Postgres>),
}

impl Held {
    pub(super) fn connection(&mut self) -> &mut PgConnection {
        match self {
            Self::Plain(connection) => connection,
            Self::Within(transaction) => transaction,
        }
    }

    pub(super) async fn roll_back(self) -> Result<(), Failure> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Within(transaction) => Ok(transaction.rollback().await?),
        }
    }
}

impl Connections {
    pub(super) async fn hold(&self, mode: Mode) -> Result<Held, Failure> {
        let begin = match mode {
            Mode::Read if !self.proxied => return Ok(Held::Plain(self.pool.acquire().await?)),
            Mode::Read | Mode::Snapshot => &self.begin.snapshot,
            Mode::Write => &self.begin.write,
            Mode::Light => &self.begin.light,
        };
        // Of constants and numbers, see `Begin::with`.
        Ok(Held::Within(self.pool.begin_with(AssertSqlSafe(begin.clone())).await?))
    }

    pub(super) async fn commit(&self, held: Held) -> Result<(), Failure> {
        let Held::Within(transaction) = held else { return Ok(()) };
        failpoint::hit("sql.write.written");
        match transaction.commit().await {
            Err(error) if is_cut(&error) => Err(ambiguous(error, &self.place).into()),
            Err(error) => Err(error.into()),
            Ok(()) => {
                failpoint::hit("sql.write.committed");
                Ok(())
            }
        }
    }

    fn drop_idle(&self) {
        for _ in 0..self.pool.size() {
            let Some(mut idle) = self.pool.try_acquire() else { break };
            idle.close_on_drop();
        }
    }

    async fn told(&self, failure: Failure) -> Error {
        // The pool waits for a server that refuses connections, and tells only that it has waited.
        if matches!(failure, Failure::Sql(sqlx::Error::PoolTimedOut))
            && let Ok(Err(why)) = tokio::time::timeout(Duration::from_secs(2), self.connect.connect()).await.map(closed)
        {
            return told(Failure::Sql(why), &self.place);
        }
        told(failure, &self.place)
    }
}

/// The tries of one call, which is made again where its transaction certainly came to nothing.
pub(super) struct Tries {
    begun: Instant,
    tried: u32,
}

impl Tries {
    pub(super) fn begin() -> Self {
        Self { begun: Instant::now(), tried: 0 }
    }

    /// Waits a little before the next try, or tells why there is none.
    pub(super) async fn again(&mut self, connections: &Connections, failure: Failure) -> Result<()> {
        let again = match &failure {
            Failure::Sql(error) if is_cut(error) => {
                // Those of before a restart are as dead as this one.
                connections.drop_idle();
                true
            }
            Failure::Sql(error) => is_lost_race(error),
            Failure::Stored(_) | Failure::Told(_) => false,
        };
        self.tried += 1;
        if !again || self.tried == TRIES || self.begun.elapsed() > connections.place.patience {
            return Err(connections.told(failure).await);
        }
        tokio::time::sleep(pause(self.tried)).await;
        Ok(())
    }
}

fn closed(connected: Result<PgConnection, sqlx::Error>) -> Result<(), sqlx::Error> {
    connected.map(|connection| drop(connection.close_hard()))
}

/// Longer each time and never twice the same, so that those who stood in each other's way do not meet again.
fn pause(tried: u32) -> Duration {
    let most = 5_u64 << tried.min(8);
    let random = Uuid::new_v4().as_u128() & 0xffff;
    Duration::from_millis(most / 2 + u64::try_from(random).unwrap_or(0) * most / 0x2_0000)
}
