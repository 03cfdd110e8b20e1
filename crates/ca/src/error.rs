//! What can go wrong.

use std::path::PathBuf;

/// What went wrong, and where.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An address that no certificate can carry.
    #[error("{address:?}: {problem}")]
    Address {
        /// It.
        address: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A key could not be made or used.
    #[error("a key: {0}")]
    Key(&'static str),
    /// A certificate, a request or a list can't be read.
    #[error("{what} can't be read: {problem}")]
    Unreadable {
        /// What.
        what: &'static str,
        /// Why not.
        problem: String,
    },
    /// The authority would have issued what its own check refuses.
    #[error("not issued, for it would not be fit: {0}")]
    Unfit(String),
    /// The authority can't do that.
    #[error("{0}")]
    Refused(String),
    /// A file of the authority.
    #[error("{}: {problem}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What happened to it.
        problem: String,
    },
}

impl Error {
    pub(crate) fn unreadable(what: &'static str) -> impl Fn(&dyn std::fmt::Display) -> Self {
        move |problem| Self::Unreadable { what, problem: problem.to_string() }
    }
}

/// The result of what can go wrong.
pub type Result<T, E = Error> = std::result::Result<T, E>;
