//! What was done to a message, and why.

use alloc::vec::Vec;

use crate::{Error, NotValid, PointRejection, Recipient};

/// More blocks that were passed over are not kept.
const MAX_SKIPPED: usize = 1024;

/// What the transform did to the messages that it found in its input.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// Each message, in the order of the input.
    pub messages: Vec<MessageReport>,
    /// Where something began like a message in a text and then was none, or in a mail was damaged. It stays as it
    /// was, a head that was transformed before the damage was seen aside. The first 1024.
    pub skipped: Vec<SkippedBlock>,
}

impl Report {
    /// Every PKESK of every message.
    pub fn pkesks(&self) -> impl Iterator<Item = &PkeskReport> {
        self.messages.iter().flat_map(|message| &message.pkesks)
    }

    /// Adds the report of a part, whose offsets are at these places.
    pub(crate) fn append(&mut self, mut part: Self, place: impl Fn(u64) -> u64) {
        part.messages.iter_mut().for_each(|message| message.offset = place(message.offset));
        for SkippedBlock { offset, error } in part.skipped {
            self.skip(place(offset), error.at(&place));
        }
        self.messages.append(&mut part.messages);
    }

    /// Notes a block that was passed over.
    pub(crate) fn skip(&mut self, offset: u64, error: Error) {
        if self.skipped.len() < MAX_SKIPPED {
            self.skipped.push(SkippedBlock { offset, error });
        }
    }

    /// How many PKESKs were transformed.
    #[must_use]
    pub fn transformed(&self) -> usize {
        self.pkesks().filter(|pkesk| matches!(pkesk.outcome, Outcome::Transformed { .. })).count()
    }
}

/// One OpenPGP message.
#[derive(Debug)]
#[non_exhaustive]
pub struct MessageReport {
    /// Where it starts in the input: its first packet, or the first line of its armor. In a part of a mail that is
    /// encoded as base64 or quoted-printable, where that part starts.
    pub offset: u64,
    /// Whether it is in ASCII armor.
    pub armored: bool,
    /// Its encrypted session keys, in order.
    pub pkesks: Vec<PkeskReport>,
    /// How many session keys encrypted with a passphrase (SKESK) it has.
    pub skesks: usize,
    /// How many of those were dropped.
    pub skesks_dropped: usize,
    /// The packet with its encrypted data.
    pub data: EncryptedData,
}

/// One encrypted session key.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PkeskReport {
    /// Where its packet starts, counted in octets of the message with its armor removed.
    pub offset: u64,
    /// The packet's version, 3 or 6; 0 if the packet can't be read.
    pub version: u8,
    /// For whom it was; `None` if the packet can't be read.
    pub recipient: Option<Recipient>,
    /// The number of the public key algorithm in OpenPGP's registry; 0 if the packet can't be read.
    pub algorithm: u8,
    /// Whether its point is one of Curve25519 by its form.
    pub curve25519: bool,
    /// What was done to it.
    pub outcome: Outcome,
}

/// What was done to an encrypted session key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It was overwritten with packets that readers skip: it is for somebody else, and the policy says so.
    Dropped,
    /// It was left as it was: it is not for a forwarder that an instance names.
    Kept,
    /// It was left as it was although an instance names its recipient.
    Refused(Refusal),
    /// It is now for the forwardees of these instances, given by their places in the list.
    Transformed {
        /// The places of the instances in the list given to [`Transform::new`](crate::Transform::new).
        instances: Vec<usize>,
    },
}

/// Why an encrypted session key was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Its fields break their format, or its version is unknown.
    #[error("the packet can't be read")]
    Malformed,
    /// It names a forwarder's key, but is not ECDH over Curve25519.
    #[error("it is not ECDH over Curve25519")]
    NotCurve25519,
    /// Several instances fit it, and each would need a packet of its own.
    #[error("several instances fit it, and there is no room for more packets here")]
    NoRoom,
    /// No instance for it is valid now.
    #[error("{0}")]
    NotValid(NotValid),
    /// Its point is not one that an honest sender makes.
    #[error("{0}")]
    Point(PointRejection),
    /// [`Limits::products`](crate::Limits::products) is used up.
    #[error("the input asks for more transforms than the limit allows")]
    ProductLimit,
}

/// The packet that holds the encrypted data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncryptedData {
    /// Symmetrically Encrypted and Integrity Protected Data, version 1 (RFC 9580 §5.13.1).
    SeipdV1,
    /// Symmetrically Encrypted and Integrity Protected Data, version 2 (RFC 9580 §5.13.2).
    SeipdV2,
    /// LibrePGP's OCB Encrypted Data (tag 20), as GnuPG 2.3 and later write it.
    Ocb,
}

/// A block of armor that could not be read.
#[derive(Debug)]
#[non_exhaustive]
pub struct SkippedBlock {
    /// Where its first line starts in the input.
    pub offset: u64,
    /// What is wrong with it.
    pub error: Error,
}
