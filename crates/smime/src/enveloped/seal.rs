//! EnvelopedData (RFC 5652 §6.1) and AuthEnvelopedData (RFC 5083 §2.1), written in DER. All lengths are known before
//! the first octet of content, so that content of any size goes through a small buffer.

use std::io::Write;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::{
    cipher::{ContentAlgorithm, ContentCipher, Encryptor},
    recipient::{Recipient, integer},
};
use crate::{
    Error, Result,
    asn1::{write, write_oid},
    ber::{element_len, header},
    content::Content,
    oid,
};

/// All of a message but its content. It has a content key, so it is for one content only.
pub(crate) struct Envelope {
    pub(super) algorithm: ContentAlgorithm,
    pub(super) key: Zeroizing<Vec<u8>>,
    /// DER of the SET OF RecipientInfo.
    pub(super) recipients: Vec<u8>,
    pub(super) version: u8,
}

/// The headers of the elements around the content, from the outermost on.
struct Frame {
    head: Vec<u8>,
    len: u64,
}

impl Envelope {
    /// A fresh content key, for these recipients.
    ///
    /// # Errors
    ///
    /// [`Error::NoRecipient`]; [`Error::Algorithm`] for a legacy cipher; [`Error::Certificate`].
    pub(crate) fn new(cipher: ContentCipher, recipients: &[Recipient], rng: &mut dyn CryptoRng) -> Result<Self> {
        if recipients.is_empty() {
            return Err(Error::NoRecipient);
        }
        if cipher.is_legacy() {
            return Err(Error::Algorithm { place: "a message to be written", oid: cipher.oid() });
        }
        let mut key = Zeroizing::new(vec![0; cipher.key_len()]);
        let mut nonce = vec![0; cipher.nonce_len()];
        rng.fill_bytes(&mut key);
        rng.fill_bytes(&mut nonce);
        let infos = recipients.iter().map(|recipient| recipient.info(&key, rng)).collect::<Result<Vec<_>>>()?;
        let versions = infos.iter().map(|info| info.version).max().unwrap_or_default();
        let mut infos: Vec<_> = infos.into_iter().map(|info| info.der).collect();
        // A SET OF is in order in DER (X.690 §11.6).
        infos.sort_unstable();
        let infos: Vec<_> = infos.iter().map(Vec::as_slice).collect();
        Ok(Self {
            algorithm: ContentAlgorithm::new(cipher, nonce),
            key,
            recipients: write(0x31, &infos),
            version: match versions {
                // AuthEnvelopedData is always of version 0 (RFC 5083 §2.1).
                _ if cipher.is_authenticated() => 0,
                0 => 0,
                // A RecipientInfo of version 2 or 3 makes it 2, one of another kind 3 (RFC 5652 §6.1).
                versions => versions.max(2),
            },
        })
    }

    /// Writes the message: ContentInfo and all in it.
    ///
    /// # Errors
    ///
    /// [`Error::Structure`] if the content does not have the announced length; [`Error::Read`], [`Error::Write`].
    pub(crate) fn write(self, content: &mut Content<'_>, content_len: u64, out: &mut dyn Write) -> Result<()> {
        let frame = self.frame(content_len)?;
        // Keys and nonces have their lengths from `new`.
        let encryptor = Encryptor::new(&self.algorithm, &self.key).ok_or(Error::Key("the content key"))?;
        out.write_all(&frame.head).map_err(Error::Write)?;
        let tag = encryptor.run(content, content_len, out)?;
        if !tag.is_empty() {
            out.write_all(&write(0x04, &[&tag])).map_err(Error::Write)?;
        }
        Ok(())
    }

    fn frame(&self, content_len: u64) -> Result<Frame> {
        let too_long = || Error::Limit { what: "octets of content", limit: u64::MAX >> 8 };
        let content_len = Some(content_len).filter(|len| *len <= u64::MAX >> 8).ok_or_else(too_long)?;
        let cipher = self.algorithm.cipher;
        let encrypted = cipher.encrypted_len(content_len).ok_or_else(too_long)?;
        let (kind, tag_len) = match self.algorithm.tag_len {
            0 => (oid::ENVELOPED_DATA, 0),
            len => (oid::AUTH_ENVELOPED_DATA, element_len(wide(len))),
        };
        // From the inside: what stands before the content, and how long each element around is.
        let mut frame = Frame { head: Vec::new(), len: encrypted };
        frame.enclose(0x80, &[], 0);
        frame.enclose(0x30, &[&write_oid(oid::DATA), &self.algorithm.to_der()], 0);
        frame.enclose(0x30, &[&integer(self.version), &self.recipients], tag_len);
        frame.enclose(0xA0, &[], 0);
        frame.enclose(0x30, &[&write_oid(kind)], 0);
        Ok(frame)
    }
}

impl Frame {
    /// Puts an element around, with other elements before and `behind` octets behind what is there.
    fn enclose(&mut self, tag: u8, before: &[&[u8]], behind: u64) {
        let before_len: usize = before.iter().map(|part| part.len()).sum();
        let len = self.len + wide(before_len) + behind;
        let mut head = header(tag, len).as_ref().to_vec();
        before.iter().for_each(|part| head.extend_from_slice(part));
        head.append(&mut self.head);
        *self = Self { head, len: element_len(len) };
    }
}

fn wide(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
