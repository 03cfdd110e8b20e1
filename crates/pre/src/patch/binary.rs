//! The octets of a patch.

use alloc::vec::Vec;

use super::{Message, Patch};
use crate::{Edit, Error, Limits, Result, error::wide, packet::Fields};

/// "SealPost Forwarding Patch", version 1.
const MAGIC: &[u8; 5] = b"SPFP\x01";

impl Patch {
    /// The patch in octets: 125 for one session key of version 3, 137 for one of version 6. Numbers are big-endian.
    ///
    /// | octets | what |
    /// |---|---|
    /// | 5 | `SPFP`, version 1 |
    ///
    /// then for each message, up to the end:
    ///
    /// | octets | what |
    /// |---|---|
    /// | 8 | how many octets stand in front of the body of the packet with the encrypted data, headers included |
    /// | 32 | the SHA-256 of those |
    /// | 8 | how many replacements follow |
    ///
    /// and for each replacement, in the order of their offsets and without overlap:
    ///
    /// | octets | what |
    /// |---|---|
    /// | 8 | its offset in those octets |
    /// | 8 | how many octets it has, at least 1 |
    /// | … | the octets that replace as many there |
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for message in &self.messages {
            bytes.extend(message.head.to_be_bytes());
            bytes.extend(message.digest);
            bytes.extend(wide(message.edits.len()).to_be_bytes());
            for edit in &message.edits {
                bytes.extend(edit.offset.to_be_bytes());
                bytes.extend(wide(edit.bytes.len()).to_be_bytes());
                bytes.extend_from_slice(&edit.bytes);
            }
        }
        bytes
    }

    /// Reads what [`Self::to_bytes`] gives, and nothing else: each patch has one form. What it takes in memory is
    /// bounded by a small multiple of what is given.
    ///
    /// # Errors
    ///
    /// [`Error::Patch`] for another format or version, or replacements that are out of order or place;
    /// [`Error::Malformed`] where a field is cut off.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut fields = Fields::new(bytes, 0, "patch");
        if !bytes.starts_with(MAGIC) {
            return Err(Error::Patch("it does not start with SPFP and version 1"));
        }
        fields.take(MAGIC.len())?;
        let mut messages = Vec::new();
        while fields.offset() < bytes.len() {
            messages.push(message(&mut fields)?);
        }
        if messages.is_empty() {
            return Err(Error::Patch("it is for no message"));
        }
        Ok(Self { messages, limits: Limits::default() })
    }
}

fn message(fields: &mut Fields<'_>) -> Result<Message> {
    let head = number(fields)?;
    let digest = *fields.array()?;
    let mut edits = Vec::new();
    let mut free = 0;
    for _ in 0..number(fields)? {
        let offset = number(fields)?;
        let len = number(fields)?;
        let end = offset.checked_add(len).filter(|end| offset >= free && len > 0 && *end <= head);
        free = end.ok_or(Error::Patch("a replacement is out of order, empty, or outside the message's head"))?;
        let bytes = fields.take(usize::try_from(len).unwrap_or(usize::MAX))?;
        edits.push(Edit::replace(offset, bytes.to_vec()));
    }
    Ok(Message { head, digest, edits })
}

fn number(fields: &mut Fields<'_>) -> Result<u64> {
    fields.array().map(|bytes| u64::from_be_bytes(*bytes))
}
