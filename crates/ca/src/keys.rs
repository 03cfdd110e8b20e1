//! Keys: making them, naming them, signing with them.

use std::fmt;

use der::{Decode, asn1::BitStringRef, oid::ObjectIdentifier};
use getrandom::{SysRng, rand_core::UnwrapErr};
use p256::elliptic_curve::Generate;
use rsa::pkcs8::EncodePrivateKey;
use sealpost_rollover::port::PublicKey;
use sealpost_smime::{
    Limits,
    algorithm::{Digest, SignatureScheme},
    key::SoftwareKey,
};
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::{Error, Result, oid, write};

/// Kinds of keys that can be made: those that the S/MIME Baseline Requirements, section 6.1.5, and mail programs allow
/// both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum KeyKind {
    /// RSA with 2048 bits, the least that is allowed.
    Rsa2048,
    /// RSA with 3072 bits: what every program reads.
    #[default]
    Rsa3072,
    /// RSA with 4096 bits.
    Rsa4096,
    /// The curve P-256: a thousand times faster to make.
    P256,
    /// The curve P-384.
    P384,
}

impl KeyKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Rsa2048, Self::Rsa3072, Self::Rsa4096, Self::P256, Self::P384];

    /// Its name in settings.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Rsa2048 => "rsa-2048",
            Self::Rsa3072 => "rsa-3072",
            Self::Rsa4096 => "rsa-4096",
            Self::P256 => "p256",
            Self::P384 => "p384",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Whether RSA.
    #[must_use]
    pub const fn is_rsa(self) -> bool {
        matches!(self, Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096)
    }

    /// Makes a key: PKCS#8 in DER.
    pub(crate) fn generate(self) -> Result<Zeroizing<Vec<u8>>> {
        let rng = &mut UnwrapErr(SysRng);
        let made = match self {
            Self::Rsa2048 => rsa(2048)?,
            Self::Rsa3072 => rsa(3072)?,
            Self::Rsa4096 => rsa(4096)?,
            Self::P256 => p256::SecretKey::generate_from_rng(rng).to_pkcs8_der().map_err(|_| NOT_MADE)?,
            Self::P384 => p384::SecretKey::generate_from_rng(rng).to_pkcs8_der().map_err(|_| NOT_MADE)?,
        };
        Ok(Zeroizing::new(made.as_bytes().to_vec()))
    }
}

const NOT_MADE: Error = Error::Key("it could not be made");

fn rsa(bits: usize) -> Result<rsa::pkcs8::SecretDocument> {
    let key = rsa::RsaPrivateKey::new(&mut UnwrapErr(SysRng), bits).map_err(|_| NOT_MADE)?;
    key.to_pkcs8_der().map_err(|_| NOT_MADE)
}

/// A private key that signs certificates, requests, lists.
#[derive(Clone)]
pub(crate) struct Key {
    pkcs8: Zeroizing<Vec<u8>>,
    software: SoftwareKey,
}

impl Key {
    pub(crate) fn generate(kind: KeyKind) -> Result<Self> {
        Self::from_pkcs8(kind.generate()?)
    }

    pub(crate) fn from_pkcs8(pkcs8: Zeroizing<Vec<u8>>) -> Result<Self> {
        let software = SoftwareKey::from_der(&pkcs8, None, &Limits::default());
        Ok(Self { software: software.map_err(|_| Error::Key("it can't be read"))?, pkcs8 })
    }

    /// The secret itself.
    pub(crate) fn expose_pkcs8(&self) -> &Zeroizing<Vec<u8>> {
        &self.pkcs8
    }

    /// SubjectPublicKeyInfo in DER.
    pub(crate) fn spki(&self) -> &[u8] {
        self.software.public_key()
    }

    /// The AlgorithmIdentifier of its signatures.
    pub(crate) fn algorithm(&self) -> Vec<u8> {
        match self.scheme() {
            SignatureScheme::Ecdsa(Digest::Sha384) => write::sequence(&[&write::oid(oid::ECDSA_WITH_SHA384)]),
            SignatureScheme::Ecdsa(_) => write::sequence(&[&write::oid(oid::ECDSA_WITH_SHA256)]),
            _ => write::sequence(&[&write::oid(oid::SHA256_WITH_RSA), &write::null()]),
        }
    }

    fn scheme(&self) -> SignatureScheme {
        match self.spki() {
            spki if is_on(spki, P256) => SignatureScheme::Ecdsa(Digest::Sha256),
            spki if is_on(spki, P384) => SignatureScheme::Ecdsa(Digest::Sha384),
            _ => SignatureScheme::RsaPkcs1(Digest::Sha256),
        }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let key = self.software.signing().ok_or(Error::Key("it does not sign"))?;
        let signed = key.sign(self.scheme(), message, &mut UnwrapErr(SysRng));
        signed.map_err(|_| Error::Key("it could not sign"))
    }

    /// SEQUENCE { `message`, algorithm, signature }: the frame of certificates, requests, lists.
    pub(crate) fn signed(&self, message: &[u8]) -> Result<Vec<u8>> {
        Ok(write::sequence(&[message, &self.algorithm(), &write::bits(&self.sign(message)?)]))
    }
}

/// Nothing of the secret.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");

fn is_on(spki: &[u8], curve: ObjectIdentifier) -> bool {
    algorithm_of(spki)
        .is_some_and(|algorithm| algorithm == write::sequence(&[&write::oid(oid::EC_PUBLIC_KEY), &write::oid(curve)]))
}

/// The AlgorithmIdentifier in a SubjectPublicKeyInfo, in DER.
pub(crate) fn algorithm_of(spki: &[u8]) -> Option<Vec<u8>> {
    let spki = x509_cert::spki::SubjectPublicKeyInfoRef::from_der(spki).ok()?;
    der::Encode::to_der(&spki.algorithm).ok()
}

/// Whether a SubjectPublicKeyInfo is of that algorithm, whatever its parameters.
pub(crate) fn is_of(spki: &[u8], algorithm: ObjectIdentifier) -> bool {
    x509_cert::spki::SubjectPublicKeyInfoRef::from_der(spki).is_ok_and(|spki| spki.algorithm.oid == algorithm)
}

/// Whether a SubjectPublicKeyInfo is of X25519, as RFC 8410, section 4, writes it.
pub(crate) fn is_x25519(spki: &[u8]) -> bool {
    let algorithm = write::sequence(&[&write::oid(oid::X25519)]);
    algorithm_of(spki) == Some(algorithm) && bits_of(spki).is_some_and(|point| point.len() == 32)
}

/// The octets of the BIT STRING subjectPublicKey.
pub(crate) fn bits_of(spki: &[u8]) -> Option<Vec<u8>> {
    let spki = x509_cert::spki::SubjectPublicKeyInfoRef::from_der(spki).ok()?;
    let bits: BitStringRef<'_> = spki.subject_public_key;
    bits.as_bytes().map(<[u8]>::to_vec)
}

/// The names of a public key; its identifier is that of method 1 of RFC 5280, section 4.2.1.2, which most authorities
/// take.
pub(crate) fn names_of(spki: &[u8]) -> PublicKey {
    PublicKey::new(Sha256::digest(spki).to_vec(), key_id(spki))
}

/// SHA-1 of the octets of the public key (RFC 5280, section 4.2.1.2, method 1). A name, not a proof.
pub(crate) fn key_id(spki: &[u8]) -> Vec<u8> {
    Sha1::digest(bits_of(spki).unwrap_or_default()).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_both_curves_are_made_anew_each_time_and_named_by_their_public_half() {
        for kind in [KeyKind::P256, KeyKind::P384] {
            let [one, other] = [0, 1].map(|_| Key::generate(kind).unwrap());
            assert_ne!(one.spki(), other.spki());
            let again = Key::from_pkcs8(one.expose_pkcs8().clone()).unwrap();
            assert_eq!(names_of(one.spki()), names_of(again.spki()));
            assert_eq!(names_of(one.spki()).key_id.len(), 20);
        }
    }

    #[test]
    fn words_name_kinds() {
        for kind in KeyKind::ALL {
            assert_eq!(KeyKind::from_word(kind.word()), Some(kind));
        }
    }

    #[test]
    fn nothing_of_a_key_is_shown() {
        assert_eq!(format!("{:?}", Key::generate(KeyKind::P256).unwrap()), "Key(…)");
    }
}
