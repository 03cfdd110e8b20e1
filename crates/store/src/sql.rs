//! What the store needs of a database: transactions, statements, rows. Every statement is written once.
//!
//! Statements are written for both databases: parameters as `?1`, types as SQLite names them, and the row locks that
//! PostgreSQL needs and SQLite, which has one writer at a time, does not. [`Dialect::translate`] does the rest.

use std::{borrow::Cow, future::Future};

use crate::Result;

mod value;

pub use value::{Row, Value};

/// What a transaction is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// Reading one moment's data.
    Read,
    /// Reading and writing.
    Write,
}

/// A database.
pub trait Database: Send + Sync {
    /// A transaction of it.
    type Transaction: Transaction;

    /// Where it is, for errors: never with a password.
    fn name(&self) -> String;

    /// How it differs from the other one.
    fn dialect(&self) -> Dialect;

    /// Begins a transaction.
    fn begin(&self, access: Access) -> impl Future<Output = Result<Self::Transaction>> + Send;
}

/// A transaction. Dropped before it is committed, it is rolled back.
pub trait Transaction: Send {
    /// Executes a statement; how many rows it changed.
    fn execute(&mut self, sql: &str, values: Vec<Value>) -> impl Future<Output = Result<u64>> + Send;

    /// Executes a statement that gives rows.
    fn query(&mut self, sql: &str, values: Vec<Value>) -> impl Future<Output = Result<Vec<Row>>> + Send;

    /// Commits. What was written is durable once this returned.
    fn commit(self) -> impl Future<Output = Result<()>> + Send;

    /// Rolls back. Once this returned nobody waits for its locks any more; after dropping it that may take a moment.
    fn rollback(self) -> impl Future<Output = Result<()>> + Send;
}

/// The first row, where a statement gives one at most.
pub(crate) async fn query_one<T: Transaction>(tx: &mut T, sql: &str, values: Vec<Value>) -> Result<Option<Row>> {
    Ok(tx.query(sql, values).await?.into_iter().next())
}

/// `?FROM, …`, `count` of them.
pub(crate) fn places(from: usize, count: usize) -> String {
    let places: Vec<String> = (from..from + count).map(|place| format!("?{place}")).collect();
    places.join(", ")
}

/// How databases differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// The store's clock in a statement.
pub(crate) const NOW: &str = "STORE_CLOCK()";

impl Dialect {
    /// `sql` as this database understands it.
    #[must_use]
    pub fn translate(self, sql: &str) -> Cow<'_, str> {
        match self {
            // There is one writer at a time: nothing to lock.
            Self::Sqlite => match sql.split_once(" FOR UPDATE").map_or(sql, |(before, _)| before) {
                sql if sql.contains(NOW) => sql.replace(NOW, "unixepoch()").into(),
                sql => sql.into(),
            },
            Self::Postgres => sql
                .replace('?', "$")
                .replace(NOW, "CAST(floor(extract(epoch FROM clock_timestamp())) AS BIGINT)")
                .into(),
        }
    }

    /// `sql`, which makes a table, as this database understands it.
    pub(crate) fn translate_schema(self, sql: &str) -> Cow<'_, str> {
        match self {
            Self::Sqlite => sql.into(),
            Self::Postgres => {
                sql.replace(" INTEGER", " BIGINT").replace(" BLOB", " BYTEA").replace(") STRICT", ")").into()
            }
        }
    }

    /// What keeps others from making the tables at the same time, where a transaction alone does not.
    pub(crate) const fn schema_lock(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            // Any number that is always the same: "seal".
            Self::Postgres => Some("SELECT pg_advisory_xact_lock(1936023916)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_translated_for_each_database() {
        let sql = format!("SELECT a, {NOW} FROM t WHERE b = ?1 AND c IN ({}) FOR UPDATE SKIP LOCKED", places(2, 2));
        assert_eq!(Dialect::Sqlite.translate(&sql), "SELECT a, unixepoch() FROM t WHERE b = ?1 AND c IN (?2, ?3)");
        assert_eq!(
            Dialect::Postgres.translate(&sql),
            "SELECT a, CAST(floor(extract(epoch FROM clock_timestamp())) AS BIGINT) FROM t \
             WHERE b = $1 AND c IN ($2, $3) FOR UPDATE SKIP LOCKED"
        );
        let table = "CREATE TABLE t (a INTEGER NOT NULL, b BLOB) STRICT";
        assert_eq!(Dialect::Postgres.translate_schema(table), "CREATE TABLE t (a BIGINT NOT NULL, b BYTEA)");
        assert_eq!(Dialect::Sqlite.translate_schema(table), table);
    }
}
