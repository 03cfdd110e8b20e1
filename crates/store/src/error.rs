//! What can go wrong.

use std::{error::Error as StdError, fmt, io, path::PathBuf};

/// What went wrong, and where. Never a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A sealed key does not open: the key-encryption key is another one, or the row was changed or exchanged. There is
    /// one such error, whatever the cause.
    #[error("the sealed key of {row} does not open: another key-encryption key, or the row was changed")]
    NotOpened {
        /// Whose row.
        row: String,
    },
    /// There is no key-encryption key of that version.
    #[error("no key-encryption key of version {version}")]
    NoKeyEncryptionKey {
        /// Which one.
        version: u32,
    },
    /// All keys were wrapped again under a newer key-encryption key, and this node does not use it yet.
    #[error("key-encryption key {version} is retired: all keys are under {current} now. Open the store anew")]
    RetiredKeyEncryptionKey {
        /// What this node seals under.
        version: u32,
        /// What the store's keys are under.
        current: u32,
    },
    /// The store's keys are sealed under another key-encryption key than the one that is given.
    #[error("{store}: its keys are sealed under another key-encryption key than this one")]
    WrongKeyEncryptionKey {
        /// Which store.
        store: String,
        /// What did not open.
        #[source]
        source: Box<Self>,
    },
    /// The store was made by another version of this program.
    #[error("{store}: its tables have version {found}, this program needs version {needed}")]
    OtherVersion {
        /// Which store.
        store: String,
        /// The version of its tables.
        found: i64,
        /// The version that is needed.
        needed: i64,
    },
    /// It holds other data than a store's.
    #[error("{store}: this is no store: {problem}")]
    NotAStore {
        /// Which one.
        store: String,
        /// What is there.
        problem: String,
    },
    /// The database is damaged.
    #[error("{store}: the database is damaged: {problem}; restore a backup")]
    DamagedDatabase {
        /// Which store.
        store: String,
        /// What its check found.
        problem: String,
    },
    /// A row does not hold what it must.
    #[error("{row} is damaged: {column}: {problem}")]
    DamagedRow {
        /// Which row.
        row: String,
        /// Which column of it.
        column: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// There is no space left. Nothing of the transaction was written.
    #[error("{store}: no space left: nothing of this was written")]
    Full {
        /// Which store.
        store: String,
        /// What the database says.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The database can't be reached, or went away.
    #[error("{store}: the database can't be reached")]
    Gone {
        /// Which store: never with a password.
        store: String,
        /// What is behind it.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// Somebody else holds the database for too long.
    #[error("{store}: somebody else holds the database")]
    Busy {
        /// Which store.
        store: String,
        /// What the database says.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The database failed.
    #[error("{store}: {source}")]
    Database {
        /// Which store.
        store: String,
        /// What it says.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// A store is named that there can't be.
    #[error("{found:?} names no store: sqlite:FILE or postgres://HOST/DATABASE is one")]
    BadName {
        /// What it is named, up to its colon.
        found: String,
    },
    /// Everything was to be copied to a store that holds something already.
    #[error("{store}: it is not empty: {table} has rows already")]
    NotEmpty {
        /// Which store.
        store: String,
        /// Which table.
        table: &'static str,
    },
    /// What arrived is not what was copied. Nothing was kept.
    #[error("copying {table}: {problem}")]
    CopyDiffers {
        /// Which table.
        table: &'static str,
        /// How it differs.
        problem: String,
    },
    /// There is no second place.
    #[error("no second place is configured")]
    NoSecondPlace,
    /// What a verb of the port says.
    #[error(transparent)]
    Port(#[from] sealpost_rollover::Error),
    /// Where the key-encryption keys are said to be, they are not, or not as they must be.
    #[error("key-encryption keys in {place}: {what}")]
    KeySource {
        /// Which file, credential or token.
        place: String,
        /// What is wrong.
        what: String,
    },
    /// What keeps a key-encryption key gave no result. It may the next time.
    #[error("the keeper of a key-encryption key: {0}")]
    Keeper(String),
    /// The system gave no randomness.
    #[error("the system gives no randomness")]
    Randomness,
    /// A sealed key in its form as text that is none.
    #[error("a sealed key that can't be read: {0}")]
    SealedText(&'static str),
    /// A file or a folder that can't be read or written.
    #[error("{}: {doing}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What failed.
        doing: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The second place has another key under that name. Nothing was written.
    #[error("{}: the second place has another key under this name", path.display())]
    AnotherKey {
        /// Which file.
        path: PathBuf,
    },
    /// A name that the second place can't have.
    #[error("a name of {octets} octets: the second place has names of 1 to 120")]
    Name {
        /// How long it is.
        octets: usize,
    },
    /// A key can't be imported or exported.
    #[error("PKCS#12")]
    Pkcs12(#[source] sealpost_smime::Error),
    /// A file holds another number of keys with certificates than one.
    #[error("PKCS#12: one key with its certificate was expected, and there are {found}")]
    NotOneKey {
        /// How many there are.
        found: usize,
    },
}

/// The result of what can go wrong.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// What failed while `doing` something with `path`.
    pub(crate) fn io(path: impl Into<PathBuf>, doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, doing, source }
    }

    pub(crate) fn source(place: impl fmt::Display, what: impl fmt::Display) -> Self {
        Self::KeySource { place: place.to_string(), what: what.to_string() }
    }

    /// A column that does not hold what it must, of a row that is [named](Self::of_row) later.
    pub(crate) fn damaged(column: &'static str, problem: &(impl ToString + ?Sized)) -> Self {
        Self::DamagedRow { row: "a row".to_owned(), column, problem: problem.to_string() }
    }

    /// A sealed key that does not open, of that row.
    #[must_use]
    pub(crate) fn of_key(self, row: impl FnOnce() -> String) -> Self {
        match self {
            Self::NotOpened { .. } => Self::NotOpened { row: row() },
            other => other,
        }
    }

    /// The same, of that row.
    #[must_use]
    pub(crate) fn of_row(self, row: impl FnOnce() -> String) -> Self {
        match self {
            Self::DamagedRow { column, problem, .. } => Self::DamagedRow { row: row(), column, problem },
            other => other,
        }
    }
}

/// The port's errors stay what they are; others are its [`Error::Store`](sealpost_rollover::Error::Store), with the
/// error of this crate behind it.
impl From<Error> for sealpost_rollover::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Port(error) => error,
            error => Self::store(error.to_string(), error),
        }
    }
}
