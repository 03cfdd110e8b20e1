//! Whom a message is encrypted to, and the RecipientInfo for them: RSA (RFC 3370 §4.2.1, RFC 3560), ECDH (RFC 5753),
//! X25519 (RFC 8418), ML-KEM (RFC 9936).

use rand_core::CryptoRng;

use super::{derive, wrap, wrap::Wrap};
use crate::{
    Certificate, Error, Result,
    algorithm::{Curve, KeyTransport},
    asn1::{write, write_oid},
    identifier::{CertificateIdentifier, IdentifyBy},
    oid,
    public_key::PublicKey,
};

/// A certificate that a message is encrypted to.
#[derive(Clone, Debug)]
pub struct Recipient {
    certificate: Certificate,
    key: PublicKey,
    id: CertificateIdentifier,
    transport: KeyTransport,
}

/// A RecipientInfo.
pub(super) struct Written {
    /// The version of the structure that it needs around it (RFC 5652 §6.1).
    pub(super) version: u8,
    pub(super) der: Vec<u8>,
}

impl Recipient {
    /// Someone with this certificate. An RSA key gets the content key by RSAES-PKCS1-v1_5, which every program reads;
    /// OAEP is for whom it is known of ([`Recipient::with_transport`]).
    ///
    /// # Errors
    ///
    /// [`Error::Certificate`] if its key can't be encrypted to, or may not by its key usage. Whether the certificate
    /// is trusted is not looked at here.
    pub fn new(certificate: Certificate) -> Result<Self> {
        let key = PublicKey::from_spki(certificate.public_key())
            .ok()
            .filter(can_encrypt)
            .ok_or_else(|| unsuitable(&certificate, "its key is of no kind that can be encrypted to"))?;
        if !certificate.may_encrypt() {
            return Err(unsuitable(&certificate, "by its key usage it is not for encryption"));
        }
        let (issuer, serial) = (certificate.issuer().to_vec(), certificate.serial().to_vec());
        let id = CertificateIdentifier::IssuerAndSerial { issuer, serial };
        Ok(Self { certificate, key, id, transport: KeyTransport::Pkcs1 })
    }

    /// The same, with another way for an RSA key. Other keys have one way only.
    #[must_use]
    pub fn with_transport(self, transport: KeyTransport) -> Self {
        Self { transport, ..self }
    }

    /// The same, identified that way.
    ///
    /// # Errors
    ///
    /// [`Error::Certificate`] if the certificate has no subject key identifier.
    pub fn identified_by(self, by: IdentifyBy) -> Result<Self> {
        let id = match by {
            IdentifyBy::IssuerAndSerial => CertificateIdentifier::IssuerAndSerial {
                issuer: self.certificate.issuer().to_vec(),
                serial: self.certificate.serial().to_vec(),
            },
            IdentifyBy::SubjectKeyIdentifier => {
                let id = self.certificate.subject_key_id().map(<[u8]>::to_vec);
                CertificateIdentifier::SubjectKeyIdentifier(
                    id.ok_or_else(|| unsuitable(&self.certificate, "it has no subject key identifier"))?,
                )
            }
        };
        Ok(Self { id, ..self })
    }

    /// The certificate.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The RecipientInfo that carries this content key.
    pub(super) fn info(&self, content_key: &[u8], rng: &mut dyn CryptoRng) -> Result<Written> {
        match &self.key {
            PublicKey::Rsa(_) => self.transported(content_key, rng),
            #[cfg(feature = "pqc")]
            PublicKey::MlKem(key) => self.encapsulated(key.set(), content_key, rng),
            key => {
                let curve = key.curve().ok_or_else(|| self.unsuitable("its key is not for encryption"))?;
                self.agreed(curve, content_key, rng)
            }
        }
    }

    /// KeyTransRecipientInfo (RFC 5652 §6.2.1).
    fn transported(&self, content_key: &[u8], rng: &mut dyn CryptoRng) -> Result<Written> {
        let encrypted = self.key.encrypt(&self.transport, content_key, rng)?;
        let version = match self.id {
            CertificateIdentifier::IssuerAndSerial { .. } => 0,
            CertificateIdentifier::SubjectKeyIdentifier(_) => 2,
        };
        let der =
            write(0x30, &[&integer(version), &self.id.to_der(), &self.transport.to_der(), &write(0x04, &[&encrypted])]);
        Ok(Written { version, der })
    }

    /// KeyAgreeRecipientInfo (RFC 5652 §6.2.2) with an ephemeral key. The key wrap has no parameters, neither in the
    /// message nor in what the key is derived from (RFC 3565 §2.3.2).
    fn agreed(&self, curve: Curve, content_key: &[u8], rng: &mut dyn CryptoRng) -> Result<Written> {
        let (ephemeral, secret) = self.key.agree_ephemeral(rng)?;
        let (scheme, kdf) = derive::scheme_for(curve);
        let with = Wrap::for_key(content_key.len());
        let info = derive::shared_info(&with.to_der(), None, with.key_len());
        let kek = kdf.key(with, &secret, &info, None);
        let wrapped = self.wrapped(&kek, content_key)?;
        // Without the curve, which is the recipient's (RFC 5753 §3.1.1).
        let kind = if curve == Curve::X25519 { oid::X25519 } else { oid::EC_PUBLIC_KEY };
        let originator = write(0xA1, &[&write(0x30, &[&write_oid(kind)]), &write(0x03, &[&[0], &ephemeral])]);
        let algorithm = write(0x30, &[&write_oid(scheme), &with.to_der()]);
        let key = write(0x30, &[&self.id.to_der_agreement(), &write(0x04, &[&wrapped])]);
        let der = write(0xA1, &[&integer(3), &write(0xA0, &[&originator]), &algorithm, &write(0x30, &[&key])]);
        Ok(Written { version: 2, der })
    }

    /// KEMRecipientInfo (RFC 9629 §3, RFC 9936 §2).
    #[cfg(feature = "pqc")]
    fn encapsulated(
        &self,
        set: crate::public_key::KemSet,
        content_key: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<Written> {
        use crate::{algorithm::Digest, public_key::KemSet};

        let (ciphertext, secret) = self.key.encapsulate(rng)?;
        let with = if set == KemSet::MlKem512 { Wrap::for_key(content_key.len()) } else { Wrap::Aes256 };
        let info = derive::kem_info(&with.to_der(), None, with.key_len());
        let kek = derive::Kdf::Hkdf(Digest::Sha256).key(with, &secret, &info, None);
        let wrapped = self.wrapped(&kek, content_key)?;
        let info = write(
            0x30,
            &[
                &integer(0),
                &self.id.to_der(),
                &write(0x30, &[&write_oid(set.oid())]),
                &write(0x04, &[&ciphertext]),
                &write(0x30, &[&write_oid(oid::HKDF_SHA256)]),
                &integer(with.key_len()),
                &with.to_der(),
                &write(0x04, &[&wrapped]),
            ],
        );
        Ok(Written { version: 3, der: write(0xA4, &[&write_oid(oid::ORI_KEM), &info]) })
    }

    fn wrapped(&self, kek: &[u8], content_key: &[u8]) -> Result<Vec<u8>> {
        wrap::wrap(kek, content_key)
            .ok_or_else(|| self.unsuitable("a content key of this length can't be wrapped for it"))
    }

    fn unsuitable(&self, what: &'static str) -> Error {
        unsuitable(&self.certificate, what)
    }
}

/// An INTEGER below 128.
pub(super) fn integer(value: u8) -> Vec<u8> {
    write(0x02, &[&[value]])
}

fn can_encrypt(key: &PublicKey) -> bool {
    match key {
        PublicKey::Rsa(_) => true,
        #[cfg(feature = "pqc")]
        PublicKey::MlKem(_) => true,
        key => key.curve().is_some(),
    }
}

fn unsuitable(certificate: &Certificate, what: &'static str) -> Error {
    Error::Certificate { subject: certificate.subject_name(), what }
}
