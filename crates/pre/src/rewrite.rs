//! Rewriting messages: from those for the forwarder to those for the forwardee.
//!
//! A message changes in few places: the recipient and the ephemeral point of each PKESK that is
//! transformed ([draft-wussler-openpgp-forwarding-00 §6](https://datatracker.ietf.org/doc/html/draft-wussler-openpgp-forwarding-00#section-6)),
//! and in armor the checksum. All three forms ([`Transform::plan`], [`Transform::in_place`] and
//! [`Transform::stream`]) are loops around one [`Rewriter`].

use alloc::vec::Vec;

use crate::{Error, Instance, PointPolicy, Result, UnixTime, error::wide};

mod decide;
mod filler;
mod head;
mod mail;
mod report;
mod rewriter;
#[cfg(feature = "std")]
mod stream;

pub use report::{EncryptedData, MessageReport, Outcome, PkeskReport, Refusal, Report, SkippedBlock};
pub use rewriter::Rewriter;

pub(crate) use decide::{Changes, Parsed, Room, parse};
pub(crate) use head::{Head, Walk};
pub(crate) use rewriter::{Decide, Pass};
#[cfg(feature = "std")]
pub(crate) use stream::{copy, look};

/// What a transform does where the draft leaves a choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// Which points are accepted.
    pub point: PointPolicy,
    /// What becomes of the zero key ID of a hidden recipient.
    pub wildcard: WildcardPolicy,
    /// What becomes of PKESKs for which there is no instance.
    pub others: Disposition,
    /// What becomes of session keys encrypted with a passphrase.
    pub skesks: Disposition,
}

/// What becomes of the zero key ID ("wildcard") of a PKESK that is transformed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WildcardPolicy {
    /// It stays zero, as the draft says (§6).
    #[default]
    Keep,
    /// It becomes the forwardee's key ID, as Proton's servers do. A version 6 PKESK has no room for a
    /// fingerprint and stays as it is.
    Rewrite,
}

/// What becomes of a packet that is not for the forwarder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Disposition {
    /// It stays.
    #[default]
    Keep,
    /// It is overwritten with Marker packets, which every reader skips (RFC 9580 §5.8), so that no length changes.
    Drop,
}

/// Limits on what comes from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// How many encrypted session keys a message may have, PKESKs and SKESKs; 1024 by default. A message with
    /// more is an [`Error::Limit`]. For [`Transform::plan_each`] an input may not have more in all its messages.
    pub session_keys: usize,
    /// How many multiplications, PKESKs times instances, an input may ask for; 256 by default. PKESKs
    /// beyond it are [`Refusal::ProductLimit`].
    pub products: usize,
    /// How many octets may stand in front of the encrypted data; 1 MiB by default. A message with more
    /// is an [`Error::Limit`]. A head in armor takes up to about six times as much memory.
    pub head: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { session_keys: 1024, products: 256, head: 1 << 20 }
    }
}

/// A transform: the instances to use, the time, the policy and the limits.
///
/// Input is binary, text or a whole mail. In a text every block that begins with the line
/// `-----BEGIN PGP MESSAGE-----` is a message; all around it stays as it is. What starts with a header field is a
/// mail ([RFC 5322](https://www.rfc-editor.org/rfc/rfc5322)): the bodies of its parts of the types `text/…`,
/// `application/octet-stream` and `application/pgp-encrypted` are such texts, in any transfer encoding. That covers
/// PGP/MIME ([RFC 3156](https://www.rfc-editor.org/rfc/rfc3156)) and inline PGP.
#[derive(Clone, Debug)]
pub struct Transform<'a> {
    pub(crate) instances: &'a [Instance],
    now: UnixTime,
    policy: Policy,
    pub(crate) limits: Limits,
}

impl<'a> Transform<'a> {
    /// A transform with the default [`Policy`] and [`Limits`].
    ///
    /// With instances of several forwardees the message becomes readable for each of them.
    #[must_use]
    pub fn new(instances: &'a [Instance], now: UnixTime) -> Self {
        Self { instances, now, policy: Policy::default(), limits: Limits::default() }
    }

    /// The same with another policy.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// The same with other limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Plans the changes to a message from its first octets.
    ///
    /// What is behind them is not looked at, with one consequence: the checksum that armor may end with is
    /// corrected only if it is among the octets given. [`Self::rewriter`] goes on where a plan ends.
    ///
    /// # Errors
    ///
    /// [`Error::Incomplete`] where not all session keys of the first message have been given; all others
    /// that [`Rewriter::step`] has.
    pub fn plan(&self, first: &[u8]) -> Result<Plan> {
        let mut edits = Vec::new();
        let mut pass = Pass::new(Room::Octets, self.limits.products);
        pass.first(&mut &*self, first, &mut edits)?;
        match pass.into_report() {
            report if report.messages.is_empty() => Err(Error::Incomplete { needed: first.len() + 1 }),
            report => Ok(Plan { edits, report }),
        }
    }

    /// Rewrites a whole input where it is. Only the planned octets change, and on an error none.
    ///
    /// Nothing can be inserted here: a session key to which several instances fit is [`Refusal::NoRoom`].
    ///
    /// # Errors
    ///
    /// All that [`Rewriter::step`] and [`Rewriter::finish`] have.
    pub fn in_place(&self, message: &mut [u8]) -> Result<Report> {
        let mut edits = Vec::new();
        let mut pass = Pass::new(Room::None, self.limits.products);
        pass.whole(&mut &*self, message, &mut edits)?;
        let report = pass.finish()?;
        edits.iter().for_each(|edit| edit.apply(0, message));
        Ok(report)
    }

    /// The rewriter under all forms, for programs with buffers of their own.
    #[must_use]
    pub fn rewriter(&self) -> Rewriter<'_> {
        Rewriter::new(self, Room::Octets)
    }
}

/// The changes to a message.
#[derive(Debug)]
#[non_exhaustive]
pub struct Plan {
    /// The changes, in the order of their offsets; they don't overlap.
    pub edits: Vec<Edit>,
    /// What they do.
    pub report: Report,
}

/// A change: so many octets at this offset give way to these.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Edit {
    /// Where, counted in octets of the input from 0.
    pub offset: u64,
    /// How many octets are replaced: as many as there are in `bytes`; or 0 where several instances fit one
    /// session key and further packets are necessary.
    pub replaced: usize,
    /// What stands there afterwards.
    pub bytes: Vec<u8>,
}

impl Edit {
    pub(crate) fn replace(offset: u64, bytes: Vec<u8>) -> Self {
        Self { offset, replaced: bytes.len(), bytes }
    }

    /// Applies a replacement to a buffer that starts at `base`.
    pub(crate) fn apply(&self, base: u64, buffer: &mut [u8]) {
        let at = self.offset.checked_sub(base).and_then(|at| usize::try_from(at).ok());
        let old = at.and_then(|at| buffer.get_mut(at..)?.get_mut(..self.bytes.len()));
        if let Some(old) = old {
            old.copy_from_slice(&self.bytes);
        }
    }

    /// Leaves out what is in front of `start`, and counts from there.
    pub(crate) fn cut_before(&mut self, start: u64) {
        let cut = usize::try_from(start.saturating_sub(self.offset)).unwrap_or(usize::MAX).min(self.bytes.len());
        self.bytes.drain(..cut);
        self.replaced = self.bytes.len();
        self.offset = self.offset.saturating_sub(start);
    }

    /// Adds one replaced octet, to the last edit if it continues it.
    pub(crate) fn extend(edits: &mut Vec<Self>, offset: u64, octet: u8) {
        match edits.last_mut() {
            Some(last) if last.replaced > 0 && last.offset + wide(last.replaced) == offset => {
                last.bytes.push(octet);
                last.replaced += 1;
            }
            _ => edits.push(Self::replace(offset, alloc::vec![octet])),
        }
    }
}
