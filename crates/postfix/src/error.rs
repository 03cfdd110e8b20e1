//! What can go wrong.

use std::io;

/// What went wrong, and where.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The octets are no netstring. Where the next one begins can't be told any more.
    #[error("octet {octet}: no netstring: {problem}")]
    Netstring {
        /// Which octet, from 0.
        octet: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A request or a reply is longer than Postfix has them.
    #[error("{what} of more than {limit} octets")]
    TooLong {
        /// What it is.
        what: &'static str,
        /// How long it may be.
        limit: usize,
    },
    /// The netstring holds no request to a socketmap.
    #[error("no request to a socketmap: {0}")]
    Socketmap(&'static str),
    /// The lines are no request of Postfix's policy delegation.
    #[error("line {line}: no request of policy delegation: {problem}")]
    Policy {
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The key of a look-up is no next hop.
    #[error("no next hop: {0}")]
    NextHop(&'static str),
    /// The key of a look-up is no address of a mailbox.
    #[error("no address: {0}")]
    Address(&'static str),
    /// There is no such map.
    #[error("there is no map of this name")]
    NoSuchMap,
    /// What had to be asked outside gave no answer: settings, DNS, a host.
    #[error("{what}: {problem}")]
    Outside {
        /// What was asked.
        what: &'static str,
        /// What it said.
        problem: String,
    },
    /// It took too long.
    #[error("{0} took too long")]
    Late(&'static str),
    /// A socket failed.
    #[error("{what}: {source}")]
    Socket {
        /// What was being done.
        what: &'static str,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

impl Error {
    /// What makes an [`Error::Socket`] of what the system says.
    pub(crate) fn socket(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Socket { what, source }
    }

    /// What was asked outside, and what it said instead of an answer.
    pub fn outside(what: &'static str, problem: impl Into<String>) -> Self {
        Self::Outside { what, problem: problem.into() }
    }
}

/// What a function of this crate gives.
pub type Result<T, E = Error> = std::result::Result<T, E>;
