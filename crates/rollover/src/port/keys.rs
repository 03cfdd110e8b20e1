//! Keys and certificates, as a store takes and gives them.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{Cause, GenerationId, Time};

/// A private key: PKCS#8 in DER (RFC 5958). Wiped when dropped.
#[derive(Clone)]
pub struct PrivateKey(Zeroizing<Vec<u8>>);

impl PrivateKey {
    /// Takes the octets of a PKCS#8 structure.
    #[must_use]
    pub const fn from_pkcs8(der: Zeroizing<Vec<u8>>) -> Self {
        Self(der)
    }

    /// The octets of the PKCS#8 structure: the secret itself.
    #[must_use]
    pub fn expose_pkcs8(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(…)")
    }
}

/// A new generation: a key that is not committed yet.
#[derive(Debug)]
#[non_exhaustive]
pub struct NewGeneration {
    /// Which one.
    pub id: GenerationId,
    /// Why it is made.
    pub cause: Cause,
    /// When.
    pub at: Time,
    /// The key.
    pub key: PrivateKey,
    /// Its public key.
    pub public: PublicKey,
    /// What an authority is asked with: a certification request in DER (RFC 2986). Empty for what is imported.
    pub request: Vec<u8>,
}

impl NewGeneration {
    /// The generation `id` with that key, made at `at`.
    #[must_use]
    pub const fn new(
        (id, cause, at): (GenerationId, Cause, Time),
        key: PrivateKey,
        public: PublicKey,
        request: Vec<u8>,
    ) -> Self {
        Self { id, cause, at, key, public, request }
    }
}

/// The names of a public key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PublicKey {
    /// SHA-256 of its SubjectPublicKeyInfo in DER (RFC 5280, section 4.1.2.7): 32 octets.
    pub spki_sha256: Vec<u8>,
    /// Its key identifier (RFC 5280, section 4.2.1.2): 20 octets or what the certificate says.
    pub key_id: Vec<u8>,
}

impl PublicKey {
    /// Of these hashes.
    #[must_use]
    pub const fn new(spki_sha256: Vec<u8>, key_id: Vec<u8>) -> Self {
        Self { spki_sha256, key_id }
    }
}

/// A certificate of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CertificateRecord {
    /// Its issuer's name in DER.
    pub issuer: Vec<u8>,
    /// Its serial number: the content octets, big-endian.
    pub serial: Vec<u8>,
    /// Its public key.
    pub public: PublicKey,
    /// Its first second.
    pub not_before: Time,
    /// Its last second.
    pub not_after: Time,
    /// What the authority calls this kind of certificate: the policy identifier, in dotted form, or empty.
    pub product: String,
    /// The certificate in DER.
    pub der: Vec<u8>,
    /// Those above it, in DER, its issuer's first, without the root.
    pub chain: Vec<Vec<u8>>,
}

impl CertificateRecord {
    /// That of the certificate `der` under `chain`, with its issuer and serial number, its public key, and its first
    /// and last second. Its product is not known.
    #[must_use]
    pub fn new(
        (issuer, serial): (Vec<u8>, Vec<u8>),
        public: PublicKey,
        (not_before, not_after): (Time, Time),
        (der, chain): (Vec<u8>, Vec<Vec<u8>>),
    ) -> Self {
        Self { issuer, serial, public, not_before, not_after, product: String::new(), der, chain }
    }

    /// The same of that product.
    #[must_use]
    pub fn product(mut self, product: impl Into<String>) -> Self {
        self.product = product.into();
        self
    }
}

/// By what a mail names the key that it is encrypted to, or a certificate is named elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyName {
    /// Issuer's name in DER and serial number (RFC 5652, section 10.2.4).
    IssuerAndSerial {
        /// DER.
        issuer: Vec<u8>,
        /// Content octets, big-endian.
        serial: Vec<u8>,
    },
    /// The key identifier.
    KeyId(Vec<u8>),
    /// SHA-256 of the SubjectPublicKeyInfo.
    Spki(Vec<u8>),
}
