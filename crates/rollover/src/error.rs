//! What can go wrong.

/// What went wrong, and where.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A field does not hold what it must.
    #[error("{field}: unusable: {found:?}")]
    BadField {
        /// Which field.
        field: &'static str,
        /// What it holds.
        found: String,
    },
    /// Another node took over: what this one wanted to write was not written.
    #[error("the lease of {subject} ended: epoch {mine} is not the current one any more")]
    Fenced {
        /// Whose.
        subject: crate::SubjectId,
        /// The epoch of the lease that ended.
        mine: u64,
    },
    /// Another node works on it.
    #[error("another node works on {subject} right now")]
    Held {
        /// On whom.
        subject: crate::SubjectId,
    },
    /// The store holds no such thing.
    #[error("the store has no {what}")]
    NotFound {
        /// What was looked for.
        what: String,
    },
    /// The store failed. Nothing of the transaction was written.
    #[error("store: {message}")]
    Store {
        /// What it says.
        message: String,
        /// What is behind it.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// The workshop could not make a key.
    #[error("making a key: {0}")]
    Key(String),
    /// The chain of audit records is broken.
    #[error("audit record {sequence}: {problem}")]
    Audit {
        /// The record.
        sequence: u64,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Time jumped, and nobody confirmed it.
    #[error("the clock says {now}, but the last look was at {last}: confirm it if it is right")]
    ClockJumped {
        /// What the clock says.
        now: crate::Time,
        /// When it was looked at last.
        last: crate::Time,
    },
}

impl Error {
    /// The store failed with `source` while doing `what`.
    pub fn store(what: impl Into<String>, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Store { message: what.into(), source: Some(source.into()) }
    }
}

/// The result of what can go wrong.
pub type Result<T, E = Error> = std::result::Result<T, E>;
