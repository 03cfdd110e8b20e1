//! A transaction with the store's clock.

use sealpost_rollover::Time;

use crate::{
    Error, Result,
    sql::{NOW, Row, Transaction, Value, query_one},
};

/// A transaction, and the time if another clock than the database's is used.
#[derive(Debug)]
pub(crate) struct Session<T> {
    tx: T,
    clock: Option<Time>,
}

impl<T: Transaction> Session<T> {
    pub(crate) const fn new(tx: T, clock: Option<Time>) -> Self {
        Self { tx, clock }
    }

    /// The store's time, of which a row says what the database's clock showed.
    pub(crate) fn at(&self, row: &mut Row) -> Result<Time> {
        let database: Time = row.next("clock")?;
        Ok(self.clock.unwrap_or(database))
    }

    pub(crate) async fn execute(&mut self, sql: &str, values: Vec<Value>) -> Result<u64> {
        self.tx.execute(sql, values).await
    }

    pub(crate) async fn query(&mut self, sql: &str, values: Vec<Value>) -> Result<Vec<Row>> {
        self.tx.query(sql, values).await
    }

    pub(crate) async fn query_one(&mut self, sql: &str, values: Vec<Value>) -> Result<Option<Row>> {
        query_one(&mut self.tx, sql, values).await
    }

    pub(crate) const fn tx(&mut self) -> &mut T {
        &mut self.tx
    }

    /// Commits what came to a good end, and rolls back, before anybody goes on, what did not.
    pub(crate) async fn end<V>(self, outcome: Result<V>) -> Result<V> {
        match outcome {
            Ok(value) => self.tx.commit().await.map(|()| value),
            Err(error) => {
                // That it failed matters more than that rolling back does: then the database does it by itself.
                drop(self.tx.rollback().await);
                Err(error)
            }
        }
    }
}

/// What the store's clock shows.
pub(crate) async fn now<T: Transaction>(session: &mut Session<T>) -> Result<Time> {
    match session.query_one(&format!("SELECT {NOW}"), Vec::new()).await? {
        Some(mut row) => session.at(&mut row),
        None => Err(Error::damaged("clock", "the database does not tell the time")),
    }
}
