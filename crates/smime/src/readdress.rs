//! Other recipients for an encrypted mail, without opening it: what becomes of each RecipientInfo by key agreement is the
//! caller's decision; all else stays octet for octet.

mod agreement;
mod change;
mod decide;
mod head;

use std::{
    io::{Read, Seek, SeekFrom, Write},
    ops::Range,
};

use crate::{
    CertificateIdentifier, Error, Limits, ListedRecipient, Result,
    algorithm::Curve,
    mime::{
        claim::Claim,
        header::Transfer,
        locate::{Kind, Pkcs7},
        transfer::{copy, decoded},
        tree::Tree,
        window::Window,
    },
};
use change::Change;
use decide::readdressed;
use head::Head;

/// A recipient of an encrypted message, to be decided about.
#[derive(Debug)]
#[non_exhaustive]
pub struct Addressed<'a> {
    /// The part of the mail in which the message is, such as `1.2`; empty if it is the whole mail.
    pub part: &'a str,
    /// Who it is, and how it gets the content key.
    pub recipient: &'a ListedRecipient,
    /// The originator's ephemeral key (RFC 5753 §3.1.1, RFC 8418 §3). Only of a recipient by key agreement; `None` there if
    /// the message names a certificate in its place.
    pub originator: Option<Originator<'a>>,
}

/// An ephemeral key.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Originator<'a> {
    /// Its curve: the one that the message names, or, where it names none, the one that has points of this length. `None`
    /// for all that are not known here.
    pub curve: Option<Curve>,
    /// The point as the message has it: unchecked.
    pub point: &'a [u8],
}

/// What becomes of a recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no fourth way")]
pub enum Fate {
    /// It stays.
    Keep,
    /// It goes, if another of the message is replaced: a message of which none is stays as it is.
    Drop,
    /// These stand in its place, with the encrypted content key that it had. Only by key agreement.
    Replace(Vec<Replacement>),
}

/// A recipient in the place of another.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "there is no more to it")]
pub struct Replacement {
    /// How the message names the certificate.
    pub id: CertificateIdentifier,
    /// The originator's key for it: as long as the one that it replaces.
    pub point: Vec<u8>,
}

/// The media type of files.
const OCTETS: &str = "application/octet-stream";

/// What is to be changed in a mail. Holds the recipients, not the mail.
///
/// The structures around the recipients get the lengths that belong to them; all else of a message stays as it came, in
/// BER too: it is not read what stands behind the recipients, and neither is it judged whether that is an encrypted content
/// at all. A recipient by key agreement (KeyAgreeRecipientInfo, RFC 5652 §6.2.2) that is replaced keeps user keying
/// material, algorithms and encrypted key. If several share one structure, those that stay remain in it, and each new key
/// of the originator gets one of its own behind. So the version of the message stays right as far as recipients by key
/// agreement need it (RFC 5652 §6.1): where others are dropped that needed a higher one, it stays that one. The recipients
/// are not put in the order that DER has for a SET OF (X.690 §11.6): CMS is in BER but for attributes.
#[derive(Debug)]
pub struct Readdressing {
    /// In their order.
    changes: Vec<Change>,
    breaks_signature: bool,
    /// Octets of the mail.
    len: u64,
}

impl Readdressing {
    /// Reads the mail, and asks about each recipient of each encrypted message in it, in their order. A mail is encrypted
    /// as a whole, or has parts that are (RFC 8551 §3.3, §3.4): EnvelopedData (RFC 5652 §6) and AuthEnvelopedData (RFC
    /// 5083), in base64 or not encoded. What a part is its ContentInfo says. Messages of other types are passed over, and so
    /// are files with names like those of messages that are none.
    ///
    /// # Errors
    ///
    /// [`Error::NotThis`] if a recipient is to be replaced that is none by key agreement; [`Error::Structure`] if there is no
    /// key of the originator to be replaced, or the new one has another length; [`Error::Limit`] for what is beyond the
    /// limits: of all encrypted messages in the mail together, what is in front of their contents has [`Limits::structure`]
    /// octets at most, before and after; [`Error::Mime`], [`Error::Encoding`] and [`Error::Structure`] if the mail or a message in it can't be
    /// read; [`Error::Read`].
    pub fn plan<M: Read + Seek>(
        mail: &mut M,
        limits: &Limits,
        decide: &mut dyn FnMut(&Addressed<'_>) -> Fate,
    ) -> Result<Self> {
        let len = mail.seek(SeekFrom::End(0)).map_err(Error::Read)?;
        if len > limits.mail {
            return Err(Error::Limit { what: "octets of a mail", limit: limits.mail });
        }
        let tree = Tree::read(&mut *mail, 0..len, limits)?;
        let mut limits = limits.clone();
        let mut plan = Self { changes: Vec::new(), breaks_signature: false, len };
        for (index, part) in tree.parts.iter().enumerate().filter(|(_, part)| matches!(part.claim, Claim::Pkcs7(_))) {
            let Kind::Pkcs7(Pkcs7 { body, encoding, .. }) = Kind::of(&tree, index)? else { continue };
            let head = match Head::read(decoded(&mut *mail, body.clone(), encoding)?, &limits) {
                Err(Error::NotThis { .. }) => continue,
                // What only has a file name like a message may be something else.
                Err(Error::Encoding { .. } | Error::Structure { .. }) if &*part.media_type == OCTETS => continue,
                head => head?,
            };
            if !(encoding == Transfer::Base64 || encoding.is_identity()) {
                let what = "an encrypted message is neither in base64 nor without a transfer encoding";
                return Err(Error::Mime { offset: part.entity.start, what });
            }
            let old = head.len;
            let recipients = readdressed(&head.recipients, &tree.path(index), &limits, decide)?;
            let made = recipients.as_ref().map_or(0, Vec::len);
            let held = usize::try_from(old).unwrap_or(usize::MAX).max(made);
            limits.structure = limits.structure.saturating_sub(held);
            if let Some(recipients) = recipients {
                plan.changes.push(Change::plan(mail, (body, encoding), old, head.with(&recipients))?);
                plan.breaks_signature |= tree.is_within_signed(index);
            }
        }
        Ok(plan)
    }

    /// Whether a signature around an encrypted part will not be valid any more.
    #[must_use]
    pub fn breaks_signature(&self) -> bool {
        self.breaks_signature
    }

    /// Whether the mail will be another one.
    #[must_use]
    pub fn changes(&self) -> bool {
        !self.changes.is_empty()
    }

    /// Writes the mail. It must be the one of [`plan`](Self::plan), as it was.
    ///
    /// A body in base64 stays the same text from the recipients on, if the octets in front become more or less by a
    /// multiple of three; else its lines are as long as before, and end alike.
    ///
    /// # Errors
    ///
    /// [`Error::Encoding`] if such a body is no base64 behind the recipients, where that has to be read; [`Error::Read`],
    /// [`Error::Write`]. A part of the mail may have been written then.
    pub fn write<M: Read + Seek>(&self, mail: &mut M, out: &mut dyn Write) -> Result<()> {
        let mut at = 0;
        for change in &self.changes {
            copy_range(mail, at..change.place.start, out)?;
            change.write(mail, out)?;
            at = change.place.end;
        }
        copy_range(mail, at..self.len, out)
    }
}

fn copy_range<M: Read + Seek>(mail: &mut M, range: Range<u64>, out: &mut dyn Write) -> Result<()> {
    copy(&mut Window::new(mail, range).map_err(Error::read)?, out).map(drop)
}

#[cfg(test)]
mod tests;
