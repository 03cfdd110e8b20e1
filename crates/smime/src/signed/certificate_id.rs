//! Which certificate a signer used, signed with the content (RFC 5035 §3, §5).

use der::Tag;

use super::Flaw;
use crate::{
    Certificate, Error, Result,
    algorithm::Digest,
    asn1::{Element, write},
    identifier::{CertificateIdentifier, Form, context},
};

const PLACE: &str = "SigningCertificate";

/// ESSCertID or ESSCertIDv2 of the signer.
#[derive(Debug)]
pub(super) struct EssCertificate {
    /// Or what is wrong with the algorithm.
    digest: Result<Digest, Flaw>,
    hash: Vec<u8>,
    issuer_serial: Option<CertificateIdentifier>,
}

impl EssCertificate {
    /// The first of a SigningCertificate: that of the signer.
    pub(super) fn read_v1(value: &Element<'_>) -> Result<Self> {
        Self::read_fields(&first(value)?, Ok(Digest::Sha1))
    }

    /// The first of a SigningCertificateV2.
    pub(super) fn read_v2(value: &Element<'_>) -> Result<Self> {
        let fields = first(value)?;
        match fields.split_first() {
            Some((algorithm, rest)) if algorithm.tag == Tag::Sequence => {
                let digest = Digest::from_der(algorithm.raw, PLACE).map_err(|error| Flaw::of_algorithm(&error));
                Self::read_fields(rest, digest)
            }
            _ => Self::read_fields(&fields, Ok(Digest::Sha256)),
        }
    }

    fn read_fields(fields: &[Element<'_>], digest: Result<Digest, Flaw>) -> Result<Self> {
        let (hash, issuer_serial) = match fields {
            [hash] => (hash, None),
            [hash, issuer_serial] => (hash, Some(read_issuer_serial(issuer_serial)?)),
            _ => return Err(Error::structure(PLACE, "a hash and a name were expected")),
        };
        Ok(Self { digest, hash: hash.expect(Tag::OctetString, PLACE)?.value.to_vec(), issuer_serial })
    }

    /// Whether it is this certificate.
    pub(super) fn check(&self, certificate: &Certificate) -> Result<(), Flaw> {
        let digest = self.digest.clone()?;
        let is_named = || self.issuer_serial.as_ref().is_none_or(|name| name.matches(certificate));
        let is_it = digest.hash(certificate.as_der()) == self.hash && is_named();
        if is_it { Ok(()) } else { Err(Flaw::SigningCertificate) }
    }
}

/// DER of a SigningCertificateV2 of one certificate, hashed with SHA-256, which is the default and is not written.
pub(super) fn write_v2(certificate: &Certificate) -> Vec<u8> {
    let hash = write(0x04, &[&Digest::Sha256.hash(certificate.as_der())]);
    let names = write(0x30, &[&write(0xa4, &[certificate.issuer()])]);
    let issuer_serial = write(0x30, &[&names, &write(0x02, &[certificate.serial()])]);
    write(0x30, &[&write(0x30, &[&write(0x30, &[&hash, &issuer_serial])])])
}

/// The fields of the first certificate identifier.
fn first<'a>(value: &Element<'a>) -> Result<Vec<Element<'a>>> {
    let missing = || Error::structure(PLACE, "there is no certificate");
    let fields = value.expect(Tag::Sequence, PLACE)?.inner(PLACE)?;
    let certificates = fields.first().ok_or_else(missing)?.expect(Tag::Sequence, PLACE)?.inner(PLACE)?;
    certificates.first().ok_or_else(missing)?.expect(Tag::Sequence, PLACE)?.inner(PLACE)
}

/// IssuerSerial: the issuer is one directoryName.
fn read_issuer_serial(element: &Element<'_>) -> Result<CertificateIdentifier> {
    let wrong = || Error::structure(PLACE, "issuer and serial number were expected");
    let fields = element.expect(Tag::Sequence, PLACE)?.inner(PLACE)?;
    let [names, serial] = fields.as_slice() else { return Err(wrong()) };
    match names.expect(Tag::Sequence, PLACE)?.inner(PLACE)?.as_slice() {
        [issuer] if issuer.tag == context(4, Form::Constructed) => {
            let (issuer, serial) = (issuer.value.to_vec(), serial.expect(Tag::Integer, PLACE)?.value.to_vec());
            Ok(CertificateIdentifier::IssuerAndSerial { issuer, serial })
        }
        _ => Err(wrong()),
    }
}
