//! What can go wrong.

use sealpost_smime::algorithm::Curve;

/// The result of this crate's functions.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// An error of this crate. Its text names what was wrong and where, and never a secret.
///
/// What was decided about a recipient is no error: see [`Outcome`](crate::Outcome).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The mail, a key or a certificate can't be read, or the mail can't be written.
    #[error(transparent)]
    Smime(#[from] sealpost_smime::Error),
    /// An instance can't be read, or its factor is out of range or does not belong to these keys.
    #[error(transparent)]
    Pre(#[from] sealpost_pre::Error),
    /// Mail to a key of this kind can't be forwarded: RSA, ML-KEM, Ed25519.
    #[error("{0}: mail to a key of this kind can't be forwarded")]
    CannotForward(String),
    /// The forwardee's key is on another curve.
    #[error("the forwarder's key is on {forwarder:?}, the forwardee's on {forwardee:?}")]
    OtherCurve {
        /// The forwarder's.
        forwarder: Curve,
        /// The forwardee's.
        forwardee: Curve,
    },
    /// Certificate and key, certificate and instance, or two instances do not belong together.
    #[error("{0}")]
    Mismatch(&'static str),
    /// By the forwarder's certificate its key may also sign: proxy and forwardee together could sign as the forwarder.
    #[error(
        "by one of its certificates the key also signs: server and forwardee together could sign in its owner's name"
    )]
    SigningKey,
}
