//! PostgreSQL: one database for many nodes.
//!
//! A transaction that writes locks the rows that it is about to change, always a subject's before the end of the
//! audit chain, so nobody waits in a circle. One that reads sees one moment (`REPEATABLE READ`). What was committed
//! survives a crash of the server: where its `synchronous_commit` promises less, each session sets it to `on`.
//!
//! The connection is not encrypted: use a socket of the same machine, or a tunnel.

use std::{sync::Arc, time::Duration};

use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_postgres::{Config, config::Host};

use crate::{
    Error, Result,
    sql::{Access, Database, Dialect, Row, Transaction, Value},
};

mod errors;
mod pool;
mod values;

use errors::Named;
use pool::{Connected, Pool};

/// How many connections a node has at most.
const CONNECTIONS: usize = 4;

/// How long is waited for a server that does not answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// A PostgreSQL database.
#[derive(Clone, Debug)]
pub struct Postgres {
    pool: Arc<Pool>,
    permits: Arc<Semaphore>,
}

impl Postgres {
    /// Connects to the database that `address` names, as PostgreSQL's own programs understand it
    /// (`postgres://USER:PASSWORD@HOST/DATABASE`, or `host=… user=…`).
    ///
    /// # Errors
    ///
    /// [`Error::BadName`], [`Error::Gone`], or what the server says.
    pub async fn open(address: &str) -> Result<Self> {
        // What is wrong with it is not told: it may be a part of the password.
        let mut config: Config = address.parse().map_err(|_| Error::BadName { found: "postgres".to_owned() })?;
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(PATIENCE);
        }
        if config.get_application_name().is_none() {
            config.application_name("sealpost");
        }
        config.tcp_user_timeout(PATIENCE);
        let named = Named::new(name(&config));
        let pool = Pool::new(config, named);
        let first = pool.connect().await?;
        pool.put_back(first);
        Ok(Self { pool: Arc::new(pool), permits: Arc::new(Semaphore::new(CONNECTIONS)) })
    }
}

/// Host and database.
fn name(config: &Config) -> String {
    let hosts: Vec<String> = config.get_hosts().iter().map(host).collect();
    format!("postgres://{}/{}", hosts.join(","), config.get_dbname().or(config.get_user()).unwrap_or_default())
}

fn host(host: &Host) -> String {
    match host {
        Host::Tcp(name) => name.clone(),
        #[cfg(unix)]
        Host::Unix(folder) => folder.display().to_string(),
    }
}

impl Database for Postgres {
    type Transaction = PostgresTransaction;

    fn name(&self) -> String {
        self.pool.named().name().to_owned()
    }

    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    async fn begin(&self, access: Access) -> Result<PostgresTransaction> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|error| self.pool.named().gone(error))?;
        let begin = match access {
            Access::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            Access::Write => "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
        };
        let connected = self.pool.begin(begin).await?;
        Ok(PostgresTransaction { open: Some(Open { connected, pool: Arc::clone(&self.pool), permit }) })
    }
}

/// A transaction of a PostgreSQL database.
#[derive(Debug)]
pub struct PostgresTransaction {
    /// Until it was committed.
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    connected: Connected,
    pool: Arc<Pool>,
    permit: OwnedSemaphorePermit,
}

impl Open {
    /// Ends the transaction. A connection that could not is closed: then the server ends it.
    async fn end(self, how: &str) -> Result<()> {
        let Self { connected, pool, permit } = self;
        connected.run(how).await.map_err(|error| pool.named().error(error))?;
        pool.put_back(connected);
        drop(permit);
        Ok(())
    }
}

impl PostgresTransaction {
    fn open(&mut self) -> Result<&mut Open> {
        let ended = || Error::Database { store: "postgres".to_owned(), source: "the transaction has ended".into() };
        self.open.as_mut().ok_or_else(ended)
    }
}

impl Transaction for PostgresTransaction {
    async fn execute(&mut self, sql: &str, values: Vec<Value>) -> Result<u64> {
        let Open { connected, pool, .. } = self.open()?;
        connected.execute(sql, &values).await.map_err(|error| pool.named().error(error))
    }

    async fn query(&mut self, sql: &str, values: Vec<Value>) -> Result<Vec<Row>> {
        let Open { connected, pool, .. } = self.open()?;
        let rows = connected.query(sql, &values).await.map_err(|error| pool.named().error(error))?;
        rows.iter().map(|row| values::row(row).map_err(|error| pool.named().error(error))).collect()
    }

    async fn commit(mut self) -> Result<()> {
        match self.open.take() {
            Some(open) => open.end("COMMIT").await,
            None => Ok(()),
        }
    }

    async fn rollback(mut self) -> Result<()> {
        match self.open.take() {
            Some(open) => open.end("ROLLBACK").await,
            None => Ok(()),
        }
    }
}

impl Drop for PostgresTransaction {
    fn drop(&mut self) {
        // Without a runtime the connection is closed, and the server rolls back.
        if let (Some(open), Ok(runtime)) = (self.open.take(), Handle::try_current()) {
            runtime.spawn(open.end("ROLLBACK"));
        }
    }
}
