//! SignedData (RFC 5652 §5): read as it comes, and made.

mod attributes;
mod certificate_id;
mod flaw;
mod fuzz;
mod hashes;
mod make;
mod signer;
mod write;

use std::io::Read;

use der::oid::ObjectIdentifier;

use crate::{
    Certificate, Error, Limits, Result,
    algorithm::Digest,
    asn1::Element,
    ber::{Reader, Sink, Tag, to_der},
    oid,
};

pub use flaw::Flaw;
pub use fuzz::fuzz;
pub(crate) use hashes::{Digests, Hashes};
pub(crate) use make::{Signed, Signer};
pub use signer::SignerInfo;
pub(crate) use write::Parts;

const PLACE: &str = "SignedData";
/// Octets of a certificate or a signer that is read. Nobody writes longer ones; what is longer is passed over.
const MOST: usize = 256 << 10;

/// What a signed message holds but its content.
#[derive(Debug)]
pub(crate) struct SignedData {
    pub(crate) content_type: ObjectIdentifier,
    /// `None` if the content is elsewhere.
    pub(crate) content_len: Option<u64>,
    /// Of the content, by the algorithms that were announced.
    pub(crate) digests: Digests,
    pub(crate) certificates: Vec<Certificate>,
    /// Certificates that can't be read.
    pub(crate) unreadable_certificates: usize,
    /// Attribute certificates and others that are no X.509 certificates (RFC 8550 §2.2.1).
    pub(crate) other_certificates: usize,
    /// DER of each CertificateList, as it came.
    pub(crate) crls: Vec<Vec<u8>>,
    /// All of them, in their order; an error for one that can't be read.
    pub(crate) signers: Vec<Result<SignerInfo>>,
    /// Octets of what was read of it but its content.
    pub(crate) octets: usize,
}

impl SignedData {
    /// Reads a ContentInfo with SignedData and gives the content, if it is in there, to `content`. Nothing of it is
    /// verified then.
    ///
    /// # Errors
    ///
    /// [`Error::NotThis`] for other messages; [`Error::Encoding`], [`Error::Structure`], [`Error::Limit`] and
    /// [`Error::Read`]; and what `content` returns.
    pub(crate) fn read(from: impl Read, limits: &Limits, content: &mut Sink<'_>) -> Result<Self> {
        let mut reader = Reader::new(from, limits);
        enter(&mut reader, Tag::SEQUENCE)?;
        let content_type = read_oid(&mut reader, limits)?;
        if content_type != oid::SIGNED_DATA {
            return Err(Error::not("signed data", content_type));
        }
        enter(&mut reader, Tag::context(0))?;
        enter(&mut reader, Tag::SEQUENCE)?;
        reader.expect(Tag::INTEGER, PLACE)?;
        reader.skip()?;
        let hashes = announced(&mut reader, limits)?;
        let mut read = Self::content(&mut reader, limits, hashes, content)?;
        read.certificates(&mut reader, limits)?;
        read.crls(&mut reader, limits)?;
        read.signers(&mut reader, limits)?;
        (0..3).try_for_each(|_| reader.leave())?;
        reader.finish()?;
        read.octets = reader.returned();
        Ok(read)
    }

    /// The hash functions of all signers.
    pub(crate) fn signer_digests(&self) -> impl Iterator<Item = Digest> {
        self.signers.iter().flatten().filter_map(SignerInfo::digest)
    }

    fn content<R: Read>(
        reader: &mut Reader<R>,
        limits: &Limits,
        mut hashes: Hashes,
        content: &mut Sink<'_>,
    ) -> Result<Self> {
        enter(reader, Tag::SEQUENCE)?;
        let content_type = read_oid(reader, limits)?;
        let mut content_len = None;
        if reader.peek()?.is_some() {
            enter(reader, Tag::context(0))?;
            reader.expect(Tag::OCTET_STRING, "encapContentInfo")?;
            content_len = Some(reader.octets(&mut |octets| {
                hashes.update(octets);
                content(octets)
            })?);
            reader.leave()?;
        }
        reader.leave()?;
        Ok(Self {
            content_type,
            content_len,
            digests: if content_len.is_some() { hashes.finish() } else { Digests::default() },
            certificates: Vec::new(),
            unreadable_certificates: 0,
            other_certificates: 0,
            crls: Vec::new(),
            signers: Vec::new(),
            octets: 0,
        })
    }

    /// The field `certificates`: a set with an implicit tag. What is odd in it concerns nothing else.
    fn certificates<R: Read>(&mut self, reader: &mut Reader<R>, limits: &Limits) -> Result<()> {
        each(reader, Tag::context(0), &mut Count::new("certificates", limits.certificates), |reader, tag| {
            if tag != Tag::SEQUENCE {
                self.other_certificates += 1;
                return reader.skip();
            }
            match reader.element_up_to(MOST)?.and_then(|element| certificate(&element, limits)) {
                Some(certificate) => self.certificates.push(certificate),
                None => self.unreadable_certificates += 1,
            }
            Ok(())
        })
    }

    /// The field `crls`, in the same way. Other formats than CRLs are passed over.
    fn crls<R: Read>(&mut self, reader: &mut Reader<R>, limits: &Limits) -> Result<()> {
        each(reader, Tag::context(1), &mut Count::new("CRLs", limits.certificates), |reader, tag| {
            if tag != Tag::SEQUENCE {
                return reader.skip();
            }
            self.crls.push(reader.element()?);
            Ok(())
        })
    }

    fn signers<R: Read>(&mut self, reader: &mut Reader<R>, limits: &Limits) -> Result<()> {
        reader.expect(Tag::SET, PLACE)?;
        each(reader, Tag::SET, &mut Count::new("signers", limits.signers), |reader, _| {
            let signer = reader.element_up_to(MOST)?;
            let long = Error::Limit { what: "octets of a signer", limit: u64::try_from(MOST).unwrap_or(u64::MAX) };
            let signer = signer.ok_or(long).and_then(|ber| SignerInfo::from_der(&to_der(&ber, limits)?));
            self.signers.push(signer);
            Ok(())
        })
    }
}

/// What may stand there so many times.
struct Count {
    what: &'static str,
    most: usize,
    so_far: usize,
}

impl Count {
    fn new(what: &'static str, most: usize) -> Self {
        Self { what, most, so_far: 0 }
    }

    fn one_more(&mut self) -> Result<()> {
        self.so_far += 1;
        if self.so_far > self.most {
            return Err(Error::Limit { what: self.what, limit: u64::try_from(self.most).unwrap_or(u64::MAX) });
        }
        Ok(())
    }
}

/// Goes over the elements of a set that may be missing.
fn each<R: Read>(
    reader: &mut Reader<R>,
    set: Tag,
    count: &mut Count,
    mut element: impl FnMut(&mut Reader<R>, Tag) -> Result<()>,
) -> Result<()> {
    if reader.peek()? != Some(set) {
        return Ok(());
    }
    reader.enter()?;
    while let Some(tag) = reader.peek()? {
        count.one_more()?;
        element(reader, tag)?;
    }
    reader.leave()
}

fn enter<R: Read>(reader: &mut Reader<R>, tag: Tag) -> Result<()> {
    reader.expect(tag, PLACE)?;
    reader.enter()
}

fn read_oid<R: Read>(reader: &mut Reader<R>, limits: &Limits) -> Result<ObjectIdentifier> {
    reader.expect(Tag::OID, PLACE)?;
    let element = reader.element()?;
    Element::from_der(&to_der(&element, limits)?, PLACE)?.oid(PLACE)
}

/// The field `digestAlgorithms`. What this crate does not know is left to the signers that use it.
fn announced<R: Read>(reader: &mut Reader<R>, limits: &Limits) -> Result<Hashes> {
    enter(reader, Tag::SET)?;
    let mut digests = Vec::new();
    while reader.peek()?.is_some() {
        let algorithm = reader.element()?;
        if let Ok(digest) = Digest::from_der(&to_der(&algorithm, limits)?, PLACE)
            && !digests.contains(&digest)
        {
            digests.push(digest);
        }
    }
    reader.leave()?;
    Ok(Hashes::new(digests))
}

/// A certificate as it came; in DER if it came in BER and is not readable otherwise.
fn certificate(element: &[u8], limits: &Limits) -> Option<Certificate> {
    let as_it_came = Certificate::from_der(element).ok();
    as_it_came.or_else(|| Certificate::from_der(&to_der(element, limits).ok()?).ok())
}

#[cfg(test)]
mod tests;
