//! A signer of a message (SignerInfo, RFC 5652 §5.3 to §5.6), as it came.

use der::{Tag, oid::ObjectIdentifier};

use super::{
    Digests, Flaw,
    attributes::{SignedAttributes, check_unsigned},
};
use crate::{
    Certificate, Error, Result, UnixTime,
    algorithm::{Digest, SignatureScheme},
    asn1::Element,
    capabilities::Capabilities,
    identifier::{CertificateIdentifier, Form, context},
    public_key::PublicKey,
};

const PLACE: &str = "SignerInfo";

/// A signer. What its attributes say counts only if its signature holds.
#[derive(Debug)]
pub struct SignerInfo {
    sid: CertificateIdentifier,
    digest: Result<Digest, Flaw>,
    scheme: Result<SignatureScheme, Flaw>,
    /// DER of digestAlgorithm and signatureAlgorithm.
    algorithms: (Vec<u8>, Vec<u8>),
    attributes: Result<SignedAttributes, Flaw>,
    signature: Vec<u8>,
}

impl SignerInfo {
    /// Whose signature it says to be.
    #[must_use]
    pub fn signer_identifier(&self) -> &CertificateIdentifier {
        &self.sid
    }

    /// The hash function for the content.
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        self.digest.as_ref().ok().copied()
    }

    /// How it was signed.
    #[must_use]
    pub fn scheme(&self) -> Option<SignatureScheme> {
        self.scheme.as_ref().ok().copied()
    }

    /// When, as the signer says (RFC 5652 §11.3).
    #[must_use]
    pub fn signing_time(&self) -> Option<UnixTime> {
        self.attributes.as_ref().ok()?.signing_time
    }

    /// What the signer can read (RFC 8551 §2.5.2).
    #[must_use]
    pub fn capabilities(&self) -> Option<&Capabilities> {
        self.attributes.as_ref().ok()?.capabilities.as_ref()
    }

    /// Which certificate to encrypt to for the signer (RFC 8551 §2.5.3).
    #[must_use]
    pub fn encryption_key_preference(&self) -> Option<&CertificateIdentifier> {
        self.attributes.as_ref().ok()?.encryption_key_preference.as_ref()
    }

    /// Whether it says that it is the signature of a content with these hashes.
    pub(crate) fn is_about(&self, content: &Digests) -> bool {
        let digest = self.digest().and_then(|digest| content.get(digest));
        self.attributes.as_ref().is_ok_and(|attributes| digest == Some(&attributes.message_digest))
    }

    /// Checks the signature of a content with these hashes and of this type by the certificate's key. Whether the
    /// certificate is to be trusted, or the algorithms are strong enough, is another question.
    pub(crate) fn check(
        &self,
        content: &Digests,
        content_type: ObjectIdentifier,
        certificate: &Certificate,
    ) -> Result<(), Flaw> {
        let attributes = self.attributes.as_ref().map_err(Flaw::clone)?;
        let (digest, scheme) = (self.digest.clone()?, self.scheme.clone()?);
        if attributes.content_type != content_type {
            return Err(Flaw::ContentType);
        }
        if content.get(digest).ok_or(Flaw::DigestNotAnnounced)? != attributes.message_digest {
            return Err(Flaw::ContentChanged);
        }
        self.check_protection(attributes)?;
        attributes.signing_certificates.iter().try_for_each(|signer| signer.check(certificate))?;
        let key = PublicKey::from_spki(certificate.public_key()).map_err(|_| Flaw::PublicKey)?;
        let fits = |signed: &Vec<u8>| key.verify(scheme, signed, &self.signature).is_ok();
        if fits(&attributes.set) || attributes.sorted.as_ref().is_some_and(fits) {
            Ok(())
        } else {
            Err(Flaw::Signature)
        }
    }

    /// Both algorithms must be those that were signed (RFC 6211 §3), with NULL or no parameters.
    fn check_protection(&self, attributes: &SignedAttributes) -> Result<(), Flaw> {
        let Some((digest, signature)) = &attributes.algorithm_protection else { return Ok(()) };
        let same_digest = *digest == self.algorithms.0 || Digest::from_der(digest, PLACE).ok() == self.digest();
        let same_signature =
            *signature == self.algorithms.1 || SignatureScheme::from_cms(digest, signature).ok() == self.scheme();
        if same_digest && same_signature { Ok(()) } else { Err(Flaw::AlgorithmProtection) }
    }

    /// Reads DER of a SignerInfo.
    pub(super) fn from_der(der: &[u8]) -> Result<Self> {
        let fields = Element::from_der(der, PLACE)?.expect(Tag::Sequence, PLACE)?.inner(PLACE)?;
        let mut fields = fields.into_iter().peekable();
        let missing = || Error::structure(PLACE, "a field is missing");
        fields.next().ok_or_else(missing)?.expect(Tag::Integer, PLACE)?;
        let sid = CertificateIdentifier::read(&fields.next().ok_or_else(missing)?, PLACE)?;
        let digest_algorithm = fields.next().ok_or_else(missing)?.expect(Tag::Sequence, PLACE)?.raw;
        let attributes = fields.next_if(|field| field.tag == context(0, Form::Constructed));
        let signature_algorithm = fields.next().ok_or_else(missing)?.expect(Tag::Sequence, PLACE)?.raw;
        let signature = fields.next().ok_or_else(missing)?.expect(Tag::OctetString, PLACE)?.value;
        let unsigned = fields.next_if(|field| field.tag == context(1, Form::Constructed));
        if fields.next().is_some() {
            return Err(Error::structure(PLACE, "there is a field too many"));
        }
        let flaw = |error: Error| Flaw::of_algorithm(&error);
        Ok(Self {
            sid,
            digest: Digest::from_der(digest_algorithm, "digestAlgorithm").map_err(flaw),
            scheme: SignatureScheme::from_cms(digest_algorithm, signature_algorithm).map_err(flaw),
            algorithms: (digest_algorithm.to_vec(), signature_algorithm.to_vec()),
            attributes: read_attributes(attributes, unsigned),
            signature: signature.to_vec(),
        })
    }
}

fn read_attributes(signed: Option<Element<'_>>, unsigned: Option<Element<'_>>) -> Result<SignedAttributes, Flaw> {
    let signed = SignedAttributes::read(&signed.ok_or(Flaw::NoSignedAttributes)?)?;
    unsigned.as_ref().map_or(Ok(()), check_unsigned)?;
    Ok(signed)
}
