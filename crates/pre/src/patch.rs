//! Patches: the changes to a message as a value of their own, to be kept and applied later.

use alloc::vec::Vec;
use core::cell::Cell;

use sha2::{Digest, Sha256};

use crate::{
    BackendError, Edit, Error, Limits, Result,
    error::wide,
    rewrite::{Changes, Decide, Head, Pass, Room},
};

mod binary;
mod plan;
mod splice;
#[cfg(feature = "std")]
mod stream;

pub use plan::{Patches, Planned};
pub use splice::Splice;

/// What forwards one message to one forwardee: about 130 octets that make the forwarded message of the original.
///
/// One mail for many forwardees is kept once, with a patch for each ([`Transform::plan_each`]). A patch holds no
/// secret, only what the forwarded message says too: the forwardee's key ID and the new points.
///
/// A patch is for one message, whatever that is wrapped in: its offsets count octets of the OpenPGP message itself, and
/// it knows the message by a digest of all that stands in front of the encrypted data, where each message has points
/// that no other has. So one patch fits the binary message, the message in armor, and a mail with it in any transfer
/// encoding, before and after servers added headers. Applying it is what [`Transform::stream`] does, with the same
/// octets as its result, but nothing is computed: only the lines of armor that a packet touches are encoded again, and
/// the checksum is corrected by the difference. No length changes.
///
/// A patch for an input with several messages has changes for each, in their order. An input whose messages are others,
/// more or fewer is [`Error::PatchMismatch`]. What is behind the messages' heads is not compared: a body that was
/// changed is for the forwardee's program to refuse, as without a patch.
///
/// Two patches are equal if their changes are: the limits, which [`Self::to_bytes`] does not give, don't count.
///
/// [`Transform::plan_each`]: crate::Transform::plan_each
/// [`Transform::stream`]: crate::Transform::stream
#[derive(Clone, Debug)]
pub struct Patch {
    messages: Vec<Message>,
    limits: Limits,
}

impl PartialEq for Patch {
    fn eq(&self, other: &Self) -> bool {
        self.messages == other.messages
    }
}

impl Eq for Patch {}

/// The changes to one message.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Message {
    /// The octets in front of the body of the packet with the encrypted data: how many, …
    head: u64,
    /// … and their SHA-256.
    digest: [u8; 32],
    /// In the order of their offsets, without overlap, inside the head.
    edits: Vec<Edit>,
}

impl Message {
    fn new(head: &Head<'_>, edits: Vec<Edit>) -> Self {
        Self { head: wide(head.octets.len()), digest: Sha256::digest(head.octets).into(), edits }
    }

    fn is_for(&self, head: &Head<'_>) -> bool {
        self.head == wide(head.octets.len()) && self.digest == *Sha256::digest(head.octets)
    }
}

impl Patch {
    /// The same, to read messages with other limits than the default ones: those with which it was planned.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Applies the patch to a whole input where it is. On an error nothing changes.
    ///
    /// # Errors
    ///
    /// [`Error::PatchMismatch`]; all that [`Transform::in_place`](crate::Transform::in_place) has.
    pub fn in_place(&self, message: &mut [u8]) -> Result<()> {
        self.edits(message)?.iter().for_each(|edit| edit.apply(0, message));
        Ok(())
    }

    /// Applies the patch to a whole input as pieces of it and of what replaces others, ready for `writev`.
    ///
    /// # Errors
    ///
    /// [`Error::PatchMismatch`]; all that [`Transform::in_place`](crate::Transform::in_place) has.
    pub fn splice<'m>(&self, message: &'m [u8]) -> Result<Splice<'m>> {
        Ok(Splice::new(message, self.edits(message)?))
    }

    fn edits(&self, message: &[u8]) -> Result<Vec<Edit>> {
        let mut edits = Vec::new();
        let mut pass = Pass::new(Room::None, 0);
        let known = Cell::new(false);
        let mut applied = Applied::new(self, &known);
        pass.whole(&mut applied, message, &mut edits)?;
        pass.finish()?;
        applied.finish()?;
        Ok(edits)
    }
}

/// Decides as the patch says.
struct Applied<'p> {
    patch: &'p Patch,
    /// How many messages have been seen.
    seen: usize,
    /// Set once the first of them is known to be that of the patch.
    known: &'p Cell<bool>,
    mismatch: Option<&'static str>,
}

impl<'p> Applied<'p> {
    fn new(patch: &'p Patch, known: &'p Cell<bool>) -> Self {
        Self { patch, seen: 0, known, mismatch: None }
    }

    fn finish(&self) -> Result<()> {
        let fewer = Error::PatchMismatch("there are fewer messages here than when it was made");
        if self.seen == self.patch.messages.len() { Ok(()) } else { Err(fewer) }
    }
}

impl Decide for Applied<'_> {
    fn limits(&self) -> &Limits {
        &self.patch.limits
    }

    fn decide(&mut self, head: &Head<'_>, _: Room, _: &mut usize) -> Result<Changes, BackendError> {
        let message = self.patch.messages.get(self.seen);
        self.seen += 1;
        self.mismatch = self.mismatch.or(match message {
            None => Some("there are more messages here than when it was made"),
            Some(message) if !message.is_for(head) => Some("it is for another message"),
            Some(_) => None,
        });
        self.known.set(self.mismatch.is_none());
        let edits = message.filter(|_| self.mismatch.is_none()).map(|message| message.edits.clone());
        Ok(Changes { edits: edits.unwrap_or_default(), ..Changes::default() })
    }

    fn objection(&self) -> Option<Error> {
        self.mismatch.map(Error::PatchMismatch)
    }
}
