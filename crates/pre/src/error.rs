//! What can go wrong, and where.

use alloc::vec::Vec;

use crate::{BackendError, forwarder::Skipped};

/// The result of this crate's functions.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// An error of this crate. Its text names what was wrong and where, and never a secret.
///
/// Offsets count octets of the input as it was given (armor included), from 0, unless said otherwise.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A secret could not be unwrapped. There is one such error, whatever the cause.
    #[error("the session key can't be decrypted with this key")]
    Decryption,
    /// A proxy factor that is zero, or not below the order of the group.
    #[error(
        "the proxy factor is out of range: it must have as many octets as the group's order, and be above 0 and below it"
    )]
    FactorOutOfRange,
    /// A factor that is kept elsewhere gave no result.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The factor of the instance is kept elsewhere and can't be written.
    #[error("the instance's factor is kept elsewhere: it can't be written")]
    FactorElsewhere,
    /// The factor of an instance does not turn the forwarder's key into the forwardee's: `k·Q_C ≠ Q_B`.
    #[error("the factor does not belong to these two keys")]
    FactorMismatch,
    /// The given bytes end before the plan is complete.
    #[error("more of the message is needed: its first {needed} octets at least")]
    Incomplete {
        /// How many octets, counted from the start of the message, are needed at least.
        needed: usize,
    },
    /// A serialised instance that can't be read.
    #[error("not a forwarding instance: {0}")]
    Instance(&'static str),
    /// A serialised patch that can't be read.
    #[error("not a patch: {0}")]
    Patch(&'static str),
    /// A patch that was made from another input.
    #[error("the patch does not fit: {0}")]
    PatchMismatch(&'static str),
    /// Reading the input failed.
    #[cfg(feature = "std")]
    #[error("can't read the message")]
    Read(#[source] std::io::Error),
    /// Writing the output failed.
    #[cfg(feature = "std")]
    #[error("can't write the message")]
    Write(#[source] std::io::Error),
    /// A key whose public and secret halves don't belong together, or that names another key than expected.
    #[error("the keys don't match: {0}")]
    KeyMismatch(&'static str),
    /// A limit on what comes from outside was reached.
    #[error("{what}: over the limit of {limit}")]
    Limit {
        /// What was counted.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// A secret key is locked: unlock it with its passphrase first.
    #[error("the secret key is locked with a passphrase")]
    Locked,
    /// Input that breaks its format.
    #[error("malformed {what} at offset {offset}")]
    Malformed {
        /// What was being read.
        what: &'static str,
        /// Where it was.
        offset: u64,
    },
    /// None of the forwarder's subkeys can be forwarded; each with its reason.
    #[error("no subkey can be forwarded{}", Listed(.0))]
    NoEligibleSubkey(Vec<Skipped>),
    /// A key without a forwarding subkey (key flag 0x40 and KDF type 0xFF).
    #[error("the key has no forwarding subkey")]
    NoForwardingSubkey,
    /// There is no OpenPGP message in the input.
    #[error("there is no OpenPGP message here")]
    NoMessage,
    /// A message in Symmetrically Encrypted Data (tag 9), which anybody can change unnoticed.
    #[error("the encrypted data at offset {offset} (tag 9) has no integrity protection: refused")]
    NotIntegrityProtected {
        /// Where the packet starts.
        offset: u64,
    },
    /// A key that is not of the kind that is asked for.
    #[error("not a usable key: {0}")]
    NotAKey(&'static str),
    /// Octets behind the end of the message.
    #[error("there is data behind the end of the message, at offset {offset}")]
    TrailingData {
        /// Where it starts.
        offset: u64,
    },
    /// The input ends in the middle of something.
    #[error("truncated: the input ends at offset {offset}, inside the {what}")]
    Truncated {
        /// What was being read.
        what: &'static str,
        /// Where the input ended.
        offset: u64,
    },
    /// A packet that does not belong into an encrypted message (RFC 9580, section 10.3).
    #[error("a packet with tag {tag} at offset {offset} has no place in an encrypted message")]
    UnexpectedPacket {
        /// The packet's tag, also called its type ID.
        tag: u8,
        /// Where the packet starts.
        offset: u64,
    },
    /// Something well-formed that is not supported.
    #[error("unsupported {what}: {id}")]
    Unsupported {
        /// What it is.
        what: &'static str,
        /// Its number in the standard's registry.
        id: u8,
    },
    /// The passphrase is wrong, or the secret key is damaged.
    #[error("wrong passphrase")]
    WrongPassphrase,
}

impl Error {
    pub(crate) fn malformed(what: &'static str, offset: usize) -> Self {
        Self::Malformed { what, offset: wide(offset) }
    }

    pub(crate) fn truncated(what: &'static str, offset: usize) -> Self {
        Self::Truncated { what, offset: wide(offset) }
    }

    /// The same error for a reader that started `base` octets later.
    pub(crate) fn shifted(self, base: u64) -> Self {
        self.at(|offset| offset.saturating_add(base))
    }

    /// The same error with its offset counted in another way.
    pub(crate) fn at(mut self, place: impl FnOnce(u64) -> u64) -> Self {
        match &mut self {
            Self::Malformed { offset, .. }
            | Self::NotIntegrityProtected { offset }
            | Self::TrailingData { offset }
            | Self::Truncated { offset, .. }
            | Self::UnexpectedPacket { offset, .. } => *offset = place(*offset),
            _ => {}
        }
        self
    }
}

/// A length or index as an offset: no platform of ours has a `usize` above 64 bits.
pub(crate) fn wide(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

struct Listed<'a>(&'a [Skipped]);

impl core::fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        for (i, skipped) in self.0.iter().enumerate() {
            write!(f, "{} {skipped}", if i == 0 { ":" } else { ";" })?;
        }
        Ok(())
    }
}
