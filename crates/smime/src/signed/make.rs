//! A signer's part of a message, made (SignerInfo, RFC 5652 §5.3).

use der::oid::ObjectIdentifier;
use rand_core::CryptoRng;

use super::certificate_id;
use crate::{
    Certificate, Error, Result, UnixTime,
    algorithm::{Digest, SignatureScheme},
    asn1::{Element, write, write_oid},
    capabilities::Capabilities,
    identifier::{CertificateIdentifier, IdentifyBy},
    key::SigningKey,
    oid,
};

const PLACE: &str = "the signer";

/// Who signs, how, and what is said besides.
#[derive(Clone, Copy)]
pub(crate) struct Signer<'a> {
    pub(crate) certificate: &'a Certificate,
    pub(crate) key: &'a dyn SigningKey,
    pub(crate) scheme: SignatureScheme,
    pub(crate) naming: IdentifyBy,
    pub(crate) signing_time: Option<UnixTime>,
    pub(crate) capabilities: Option<&'a Capabilities>,
    /// The certificate to encrypt to.
    pub(crate) encryption_certificate: Option<&'a Certificate>,
}

/// A signer that has signed.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    /// DER of the SignerInfo.
    pub(super) signer_info: Vec<u8>,
    pub(super) digest: Digest,
    pub(super) naming: IdentifyBy,
}

impl<'a> Signer<'a> {
    /// Names the certificate by issuer and serial number, and says nothing but what must be said.
    pub(crate) fn new(certificate: &'a Certificate, key: &'a dyn SigningKey, scheme: SignatureScheme) -> Self {
        Self {
            certificate,
            key,
            scheme,
            naming: IdentifyBy::IssuerAndSerial,
            signing_time: None,
            capabilities: None,
            encryption_certificate: None,
        }
    }

    /// The hash function for the content.
    pub(crate) fn digest(&self) -> Digest {
        self.scheme.message_digest()
    }

    /// Signs a content with this hash by [`Signer::digest`]. The certificate used and the algorithms are always
    /// signed too (RFC 5035, RFC 6211).
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if the key is not the certificate's, and what [`SigningKey::sign`] returns.
    pub(crate) fn sign(
        &self,
        content_type: ObjectIdentifier,
        content_digest: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<Signed> {
        if public_key_bits(self.key.public_key())? != public_key_bits(self.certificate.public_key())? {
            return Err(Error::Key("it belongs to another certificate"));
        }
        let sid = self.signer_identifier()?.to_der();
        let (digest, signature) = self.scheme.to_cms();
        let mut attributes = self.attributes(content_type, content_digest)?;
        attributes.push(attribute(
            oid::ALGORITHM_PROTECTION,
            // The signature's algorithm has an implicit tag.
            &write(0x30, &[&digest, &write(0xa1, &[Element::from_der(&signature, PLACE)?.value])]),
        ));
        // The order of a SET OF in DER.
        attributes.sort_unstable();
        let attributes = attributes.concat();
        let signed = self.key.sign(self.scheme, &write(0x31, &[&attributes]), rng)?;
        let version = match self.naming {
            IdentifyBy::IssuerAndSerial => [2, 1, 1],
            IdentifyBy::SubjectKeyIdentifier => [2, 1, 3],
        };
        let attributes = write(0xa0, &[&attributes]);
        let signer_info = write(0x30, &[&version, &sid, &digest, &attributes, &signature, &write(0x04, &[&signed])]);
        Ok(Signed { signer_info, digest: self.digest(), naming: self.naming })
    }

    fn signer_identifier(&self) -> Result<CertificateIdentifier> {
        match self.naming {
            IdentifyBy::IssuerAndSerial => Ok(CertificateIdentifier::issuer_and_serial(self.certificate)),
            IdentifyBy::SubjectKeyIdentifier => {
                let id = self.certificate.subject_key_id();
                let id = id.ok_or(Error::structure(PLACE, "the certificate has no subject key identifier"))?;
                Ok(CertificateIdentifier::SubjectKeyIdentifier(id.to_vec()))
            }
        }
    }

    fn attributes(&self, content_type: ObjectIdentifier, content_digest: &[u8]) -> Result<Vec<Vec<u8>>> {
        let mut attributes = vec![
            attribute(oid::CONTENT_TYPE, &write_oid(content_type)),
            attribute(oid::MESSAGE_DIGEST, &write(0x04, &[content_digest])),
            attribute(oid::SIGNING_CERTIFICATE_V2, &certificate_id::write_v2(self.certificate)),
        ];
        if let Some(time) = self.signing_time {
            attributes.push(attribute(oid::SIGNING_TIME, &write_time(time)?));
        }
        if let Some(capabilities) = self.capabilities {
            attributes.push(attribute(oid::SMIME_CAPABILITIES, &capabilities.to_der()));
        }
        if let Some(certificate) = self.encryption_certificate {
            let name = CertificateIdentifier::issuer_and_serial(certificate).to_der();
            let name = write(0xa0, &[Element::from_der(&name, PLACE)?.value]);
            attributes.push(attribute(oid::ENCRYPTION_KEY_PREFERENCE, &name));
        }
        Ok(attributes)
    }
}

fn attribute(id: ObjectIdentifier, value: &[u8]) -> Vec<u8> {
    write(0x30, &[&write_oid(id), &write(0x31, &[value])])
}

/// UTCTime from 1950 to 2049, GeneralizedTime otherwise (RFC 5652 §11.3).
fn write_time(time: UnixTime) -> Result<Vec<u8>> {
    let [year, month, day, hour, minute, second] = time.civil();
    let rest = format!("{month:02}{day:02}{hour:02}{minute:02}{second:02}Z");
    match year {
        1950..2050 => Ok(write(0x17, &[format!("{:02}{rest}", year % 100).as_bytes()])),
        0..10_000 => Ok(write(0x18, &[format!("{year:04}{rest}").as_bytes()])),
        _ => Err(Error::structure("signing-time", "the year does not have four digits")),
    }
}

/// The field `subjectPublicKey`: the algorithm beside it may be written in several ways.
fn public_key_bits(spki: &[u8]) -> Result<Vec<u8>> {
    let fields = Element::from_der(spki, PLACE)?.inner(PLACE)?;
    fields.last().map(|bits| bits.value.to_vec()).ok_or(Error::Key("it has no public key"))
}
