//! SignedData, written in DER (RFC 5652 §5.1). All lengths are known before the content is.

use std::io::{self, Write};

use der::oid::ObjectIdentifier;

use super::Signed;
use crate::{
    Certificate, Error, Result,
    asn1::{write, write_oid},
    ber::{element_len, header},
    content::Content,
    identifier::IdentifyBy,
    oid,
};

/// What a SignedData is made of besides its content.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'a> {
    pub(crate) content_type: ObjectIdentifier,
    /// In any order: DER has its own.
    pub(crate) certificates: &'a [Certificate],
    pub(crate) signers: &'a [Signed],
}

impl Parts<'_> {
    /// Certificates and nothing else (RFC 8551 §3.8).
    pub(crate) fn certificates_only(certificates: &[Certificate]) -> Vec<u8> {
        Parts { content_type: oid::DATA, certificates, signers: &[] }.detached()
    }

    /// DER of a ContentInfo without the content.
    pub(crate) fn detached(&self) -> Vec<u8> {
        let content = write(0x30, &[&write_oid(self.content_type)]);
        let signed_data = write(0x30, &[&self.front(), &content, &self.back()]);
        write(0x30, &[&write_oid(oid::SIGNED_DATA), &write(0xa0, &[&signed_data])])
    }

    /// DER of a ContentInfo with a content of `content_len` octets in it.
    pub(crate) fn opaque(&self, content_len: u64) -> Opaque {
        let (front, back) = (self.front(), self.back());
        let (signed_data_type, content_type) = (write_oid(oid::SIGNED_DATA), write_oid(self.content_type));
        let len = |octets: &[u8]| u64::try_from(octets.len()).unwrap_or(u64::MAX);
        let octets = element_len(content_len);
        let content = len(&content_type).saturating_add(element_len(octets));
        let signed_data = element_len(content).saturating_add(len(&front)).saturating_add(len(&back));
        let content_info = len(&signed_data_type).saturating_add(element_len(element_len(signed_data)));
        let mut head = Vec::new();
        head.extend_from_slice(header(0x30, content_info).as_ref());
        head.extend(signed_data_type);
        head.extend_from_slice(header(0xa0, element_len(signed_data)).as_ref());
        head.extend_from_slice(header(0x30, signed_data).as_ref());
        head.extend(front);
        head.extend_from_slice(header(0x30, content).as_ref());
        head.extend(content_type);
        head.extend_from_slice(header(0xa0, octets).as_ref());
        head.extend_from_slice(header(0x04, content_len).as_ref());
        Opaque { head, content_len, tail: back }
    }

    /// The fields `version` and `digestAlgorithms`.
    fn front(&self) -> Vec<u8> {
        let by_key_id = self.signers.iter().any(|signer| signer.naming == IdentifyBy::SubjectKeyIdentifier);
        let version = if by_key_id || self.content_type != oid::DATA { [2, 1, 3] } else { [2, 1, 1] };
        [&version[..], &set(0x31, self.signers.iter().map(|signer| signer.digest.to_der()))].concat()
    }

    /// The fields `certificates`, if there are any, and `signerInfos`.
    fn back(&self) -> Vec<u8> {
        let certificates = self.certificates.iter().map(|certificate| certificate.as_der().to_vec());
        let certificates = if self.certificates.is_empty() { Vec::new() } else { set(0xa0, certificates) };
        [certificates, set(0x31, self.signers.iter().map(|signer| signer.signer_info.clone()))].concat()
    }
}

/// A set, each element once, in the order of DER (ITU-T X.690 §11.6).
fn set(tag: u8, elements: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut elements: Vec<_> = elements.collect();
    elements.sort_unstable();
    elements.dedup();
    write(tag, &[&elements.concat()])
}

/// A ContentInfo around a content that is yet to come.
#[derive(Debug)]
pub(crate) struct Opaque {
    head: Vec<u8>,
    content_len: u64,
    tail: Vec<u8>,
}

impl Opaque {
    /// Writes all of it, with what `content` writes inside.
    ///
    /// # Errors
    ///
    /// [`Error::Structure`] if the content is not as long as it was said to be, [`Error::Read`], [`Error::Write`].
    pub(crate) fn write(&self, content: &mut Content<'_>, out: &mut dyn Write) -> Result<()> {
        out.write_all(&self.head).map_err(Error::Write)?;
        let mut counted = Counted { left: Some(self.content_len), out };
        content(&mut counted)?;
        if counted.left != Some(0) {
            return Err(Error::structure("the content", "it is not as long as when it was signed"));
        }
        out.write_all(&self.tail).map_err(Error::Write)
    }
}

/// Counts what is to come; `None` if it was too much.
struct Counted<'a> {
    left: Option<u64>,
    out: &'a mut dyn Write,
}

impl Write for Counted<'_> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let count = self.out.write(octets)?;
        self.left = self.left.and_then(|left| left.checked_sub(u64::try_from(count).ok()?));
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
