//! PostgreSQL's errors, by what can be done about them.

use std::error::Error as StdError;

use tokio_postgres::error::SqlState;

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

    pub(super) fn error(&self, error: tokio_postgres::Error) -> Error {
        let store = self.0.clone();
        let io = error.source().is_some_and(<dyn StdError>::is::<std::io::Error>);
        let Some(state) = error.code() else {
            return if io || error.is_closed() {
                self.gone(error)
            } else {
                Error::Database { store, source: error.into() }
            };
        };
        let state = state.clone();
        let is = |states: &[SqlState]| states.contains(&state);
        // What the server says is behind the error, which itself says only that it said something.
        let error = error.into_source().unwrap_or_else(|| state.code().into());
        if is(&[SqlState::DISK_FULL, SqlState::OUT_OF_MEMORY]) {
            Error::Full { store, source: error }
        } else if is(&[
            SqlState::LOCK_NOT_AVAILABLE,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::TOO_MANY_CONNECTIONS,
        ]) {
            Error::Busy { store, source: error }
        } else if is(&[SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN, SqlState::CANNOT_CONNECT_NOW]) {
            Error::Gone { store, source: error }
        } else if is(&[SqlState::DATA_CORRUPTED, SqlState::INDEX_CORRUPTED]) {
            Error::DamagedDatabase { store, problem: error.to_string() }
        } else {
            Error::Database { store, source: error }
        }
    }

    /// What went wrong before there was a connection.
    pub(super) fn connecting(&self, error: tokio_postgres::Error) -> Error {
        if error.code().is_some() { self.error(error) } else { self.gone(error) }
    }

    pub(super) fn gone(&self, source: impl StdError + Send + Sync + 'static) -> Error {
        Error::Gone { store: self.0.clone(), source: source.into() }
    }
}
