//! SQLite's errors, by what can be done about them.

use std::error::Error as StdError;

use rusqlite::ErrorCode;

use crate::Error;

/// How errors call the database.
#[derive(Clone, Debug)]
pub(super) struct Named(String);

impl Named {
    pub(super) const fn new(name: String) -> Self {
        Self(name)
    }

    pub(super) fn name(&self) -> &str {
        &self.0
    }

    pub(super) fn error(&self, error: rusqlite::Error) -> Error {
        let store = self.0.clone();
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Error::Full { store, source: error.into() },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::Busy { store, source: error.into() },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Error::DamagedDatabase { store, problem: error.to_string() }
            }
            _ => Error::Database { store, source: error.into() },
        }
    }

    pub(super) fn gone(&self, source: impl StdError + Send + Sync + 'static) -> Error {
        Error::Gone { store: self.0.clone(), source: source.into() }
    }
}
