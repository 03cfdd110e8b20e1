//! Connections that are kept, and those that are made anew once the server went away.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio_postgres::{Client, Config, Error, NoTls, Row, Statement, types::ToSql};

use super::errors::Named;
use crate::{
    Result,
    sql::{Dialect, Value},
};

/// How many prepared statements a connection keeps.
const STATEMENTS: usize = 200;

/// What a session starts with: it promises no less than durability on the server, and waits for nobody forever.
const SET_UP: &str = "SELECT set_config('synchronous_commit', 'on', false)
        WHERE current_setting('synchronous_commit') IN ('off', 'local', 'remote_write');
    SET lock_timeout = '20s'; SET idle_in_transaction_session_timeout = '60s'";

/// The connections of a node that nobody uses at the moment.
pub(super) struct Pool {
    config: Config,
    named: Named,
    idle: Mutex<Vec<Connected>>,
}

/// Without the configuration: there is a password in it.
impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pool").field(&self.named).finish()
    }
}

impl Pool {
    pub(super) const fn new(config: Config, named: Named) -> Self {
        Self { config, named, idle: Mutex::new(Vec::new()) }
    }

    pub(super) const fn named(&self) -> &Named {
        &self.named
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connected>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new connection.
    pub(super) async fn connect(&self) -> Result<Connected> {
        let connect = async {
            let (client, connection) = self.config.connect(NoTls).await?;
            // It ends with the client. What goes wrong with it, the client's calls tell.
            tokio::spawn(async move { drop(connection.await) });
            client.batch_execute(SET_UP).await?;
            Ok(Connected { client, statements: HashMap::new() })
        };
        connect.await.map_err(|error| self.named.connecting(error))
    }

    /// A connection on which a transaction began: one that is kept, if its server is still there.
    pub(super) async fn begin(&self, begin: &str) -> Result<Connected> {
        loop {
            let kept = self.idle().pop();
            let Some(connected) = kept else { break };
            if connected.run(begin).await.is_ok() {
                return Ok(connected);
            }
        }
        let connected = self.connect().await?;
        connected.run(begin).await.map_err(|error| self.named.error(error))?;
        Ok(connected)
    }

    pub(super) fn put_back(&self, connected: Connected) {
        if !connected.client.is_closed() {
            self.idle().push(connected);
        }
    }
}

/// A connection, and the statements that the server has prepared for it.
#[derive(Debug)]
pub(super) struct Connected {
    client: Client,
    statements: HashMap<String, Statement>,
}

impl Connected {
    /// Runs a statement without values.
    pub(super) async fn run(&self, sql: &str) -> Result<(), Error> {
        self.client.batch_execute(sql).await
    }

    pub(super) async fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, Error> {
        let statement = self.statement(sql).await?;
        self.client.execute(&statement, &parameters(values)).await
    }

    pub(super) async fn query(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, Error> {
        let statement = self.statement(sql).await?;
        self.client.query(&statement, &parameters(values)).await
    }

    async fn statement(&mut self, sql: &str) -> Result<Statement, Error> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(&Dialect::Postgres.translate(sql)).await?;
        if self.statements.len() >= STATEMENTS {
            self.statements.clear();
        }
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

fn parameters(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| -> &(dyn ToSql + Sync) { value }).collect()
}
