//! What can go wrong.

use sequoia_openpgp::anyhow;

/// The result of this crate's functions.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An activation token that is not signed by the forwarder, or says something else than a token does.
    #[error("not an activation token: {0}")]
    ActivationToken(&'static str),
    /// The core refused something.
    #[error(transparent)]
    Core(#[from] sealpost_pre::Error),
    /// A certificate has no key for what is asked of it.
    #[error("the certificate {certificate} has no valid key for {purpose}")]
    NoKey {
        /// The certificate's fingerprint.
        certificate: String,
        /// What the key is needed for.
        purpose: &'static str,
    },
    /// Sequoia refused something.
    #[error("{0}")]
    Sequoia(#[source] anyhow::Error),
}

impl From<anyhow::Error> for Error {
    fn from(error: anyhow::Error) -> Self {
        Self::Sequoia(error)
    }
}
