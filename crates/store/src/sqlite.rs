//! SQLite: a database in one file.
//!
//! A thread owns the connection and does one job after another. A transaction is a sequence of jobs that no other
//! transaction of this process comes between; those of other processes are kept out by `BEGIN IMMEDIATE`.
//!
//! What was committed survives a crash of the machine: the log is written ahead (WAL) and, unlike in most programs,
//! flushed at each commit (`synchronous=FULL`).

use std::{
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};

use crate::{
    Error, Result,
    sql::{Access, Database, Dialect, Row, Transaction, Value},
};

mod backup;
mod errors;
mod statement;

use errors::Named;

/// How long is waited for another process that writes.
const PATIENCE: Duration = Duration::from_secs(20);

/// How many prepared statements are kept.
const STATEMENTS: usize = 64;

/// How many bytes are read ahead of a database to see that it is whole: all of them, but each page once only.
const QUICK_CHECK: &str = "PRAGMA quick_check(1)";

/// A SQLite database.
#[derive(Clone, Debug)]
pub struct Sqlite {
    path: Arc<Path>,
    thread: Worker,
    /// Held by the transaction that runs.
    turn: Arc<Mutex<()>>,
}

impl Sqlite {
    /// Opens the database in the file at `path`. If there is none, it is made, for its owner's eyes only (mode 0600).
    ///
    /// # Errors
    ///
    /// [`Error::Io`], [`Error::DamagedDatabase`], [`Error::NotAStore`], or what SQLite says.
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path: Arc<Path> = path.into().into();
        let file = Arc::clone(&path);
        let worker = Worker::start(named(&path), move || connect(&file)).await?;
        Ok(Self { path, thread: worker, turn: Arc::default() })
    }

    /// Its file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Copies the database, as it is at one moment, to `target`, while others go on reading and writing. `target` is
    /// replaced only when the copy is whole and durable.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], or what SQLite says. Then `target` is what it was.
    pub async fn backup_to(&self, target: impl Into<PathBuf>) -> Result<()> {
        let (source, target) = (Arc::clone(&self.path), target.into());
        // A connection of its own: it reads one moment's state and keeps nobody from writing.
        let copied = Worker::start(named(&self.path), move || backup::copy(&source, &target).map(|()| None));
        copied.await.map(drop)
    }

    /// Limits the size of the database, so that it is full earlier than the disk: for tests.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub async fn limit_pages(&self, pages: u32) -> Result<()> {
        let named = named(&self.path);
        self.thread
            .run(move |connection| {
                connection.pragma_update(None, "max_page_count", pages).map_err(|error| named.error(error))
            })
            .await
    }
}

fn named(path: &Path) -> Named {
    Named::new(format!("sqlite:{}", path.display()))
}

fn connect(path: &Path) -> Result<Option<Connection>> {
    let named = named(path);
    backup::make_private(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| named.error(error))?;
    set_up(&connection).map_err(|error| named.error(error))?;
    look(&connection, &named)?;
    Ok(Some(connection))
}

fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // What was destroyed is overwritten.
    connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))
}

/// Looks whether the database is whole, and a store's or empty.
fn look(connection: &Connection, named: &Named) -> Result<()> {
    let answer: String = connection.query_row(QUICK_CHECK, [], |row| row.get(0)).map_err(|error| named.error(error))?;
    if answer != "ok" {
        return Err(Error::DamagedDatabase { store: named.name().to_owned(), problem: answer });
    }
    let others = "SELECT min(name) FROM sqlite_schema
        WHERE NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'store')";
    let other: Option<String> =
        connection.query_row(others, [], |row| row.get(0)).map_err(|error| named.error(error))?;
    match other {
        Some(other) => {
            let problem = format!("the table {other} of another program");
            Err(Error::NotAStore { store: named.name().to_owned(), problem })
        }
        None => Ok(()),
    }
}

impl Database for Sqlite {
    type Transaction = SqliteTransaction;

    fn name(&self) -> String {
        named(&self.path).name().to_owned()
    }

    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    async fn begin(&self, access: Access) -> Result<SqliteTransaction> {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        // From here on, dropping it rolls back.
        let tx = SqliteTransaction { thread: self.thread.clone(), named: named(&self.path), open: true, _turn: turn };
        let begin = if access == Access::Write { "BEGIN IMMEDIATE" } else { "BEGIN" };
        tx.run(move |connection| connection.execute_batch(begin)).await?;
        Ok(tx)
    }
}

/// A transaction of a SQLite database.
#[derive(Debug)]
pub struct SqliteTransaction {
    thread: Worker,
    named: Named,
    open: bool,
    _turn: OwnedMutexGuard<()>,
}

impl SqliteTransaction {
    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let named = self.named.clone();
        self.thread.run(move |connection| job(connection).map_err(|error| named.error(error))).await
    }
}

impl Transaction for SqliteTransaction {
    async fn execute(&mut self, sql: &str, values: Vec<Value>) -> Result<u64> {
        let sql = Dialect::Sqlite.translate(sql).into_owned();
        self.run(move |connection| statement::execute(connection, &sql, &values)).await
    }

    async fn query(&mut self, sql: &str, values: Vec<Value>) -> Result<Vec<Row>> {
        let sql = Dialect::Sqlite.translate(sql).into_owned();
        self.run(move |connection| statement::query(connection, &sql, &values)).await
    }

    async fn commit(mut self) -> Result<()> {
        self.run(|connection| connection.execute_batch("COMMIT")).await?;
        self.open = false;
        Ok(())
    }

    async fn rollback(mut self) -> Result<()> {
        self.run(roll_back).await?;
        self.open = false;
        Ok(())
    }
}

/// Rolls back. Where a statement failed there may be no transaction any more: SQLite did it by itself.
fn roll_back(connection: &Connection) -> rusqlite::Result<()> {
    if connection.is_autocommit() { Ok(()) } else { connection.execute_batch("ROLLBACK") }
}

impl Drop for SqliteTransaction {
    fn drop(&mut self) {
        if self.open {
            self.thread.send(Box::new(|connection| drop(roll_back(connection))));
        }
    }
}

type Job = Box<dyn FnOnce(&Connection) + Send>;

/// The thread that owns the connection. It ends, and closes it, when nobody can send jobs any more.
#[derive(Clone, Debug)]
struct Worker {
    jobs: mpsc::Sender<Job>,
    named: Named,
}

impl Worker {
    /// Starts a thread with the connection that `connect` gives; without one it ends at once.
    async fn start(
        named: Named,
        connect: impl FnOnce() -> Result<Option<Connection>> + Send + 'static,
    ) -> Result<Self> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let (started, start) = oneshot::channel();
        let work = move || match connect() {
            Ok(connection) => {
                drop(started.send(Ok(())));
                if let Some(connection) = connection {
                    queue.into_iter().for_each(|job| job(&connection));
                }
            }
            Err(error) => drop(started.send(Err(error))),
        };
        let thread = thread::Builder::new().name("sealpost-sqlite".to_owned()).spawn(work);
        thread.map_err(|error| named.gone(error))?;
        start.await.map_err(|error| named.gone(error))??;
        Ok(Self { jobs, named })
    }

    fn send(&self, job: Job) {
        // Without the thread there is no connection and no transaction either.
        drop(self.jobs.send(job));
    }

    async fn run<T: Send + 'static>(&self, job: impl FnOnce(&Connection) -> Result<T> + Send + 'static) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        self.send(Box::new(move |connection| drop(answer.send(job(connection)))));
        answered.await.map_err(|error| self.named.gone(error))?
    }
}
