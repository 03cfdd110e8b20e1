//! Public keys as certificates carry them (RFC 5280 §4.1.2.7): what verifies, and what others encrypt to.

mod ec;
pub(crate) mod padding;
#[cfg(feature = "pqc")]
mod pqc;
mod rsa;

use std::fmt;

use der::Tag;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{
    Certificate, Error, Result,
    algorithm::{Algorithm, Curve, KeyTransport, SignatureScheme},
    asn1::{Element, write, write_oid},
    oid,
};

pub(crate) use ec::{Edwards, Montgomery, Nist256, Nist384};
#[cfg(feature = "pqc")]
pub(crate) use pqc::{Dsa, DsaSet, Kem, KemSet};
pub(crate) use rsa::Rsa;

const PLACE: &str = "a public key";

/// A public key, read.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum PublicKey {
    Rsa(Rsa),
    P256(Nist256),
    P384(Nist384),
    Ed25519(Edwards),
    X25519(Montgomery),
    #[cfg(feature = "pqc")]
    MlDsa(Dsa),
    #[cfg(feature = "pqc")]
    MlKem(Kem),
}

/// Why a signature does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadSignature {
    /// Keys of this kind, or this one by its own restrictions, make no such signatures.
    #[error("the key makes no such signatures")]
    Unsuitable,
    /// It is not this key's signature of this message.
    #[error("the signature does not fit")]
    Wrong,
}

impl PublicKey {
    /// Reads DER of a SubjectPublicKeyInfo.
    pub(crate) fn from_spki(spki: &[u8]) -> Result<Self> {
        let [algorithm, key] = Element::from_der(spki, PLACE)?
            .expect(Tag::Sequence, PLACE)?
            .inner(PLACE)?
            .try_into()
            .map_err(|_| Error::structure(PLACE, "it must have two elements"))?;
        let algorithm = Algorithm::from_element(algorithm, PLACE)?;
        let [0, key @ ..] = key.expect(Tag::BitString, PLACE)?.value else {
            return Err(Error::structure(PLACE, "it must be whole octets"));
        };
        match algorithm.id {
            oid::RSA_ENCRYPTION | oid::RSASSA_PSS | oid::RSAES_OAEP => Rsa::read(&algorithm, key).map(Self::Rsa),
            oid::EC_PUBLIC_KEY => on_curve(&algorithm, key),
            oid::ED25519 => algorithm.no_parameters().and_then(|()| Edwards::read(key)).map(Self::Ed25519),
            oid::X25519 => algorithm.no_parameters().and_then(|()| Montgomery::read(key)).map(Self::X25519),
            #[cfg(feature = "pqc")]
            _ => pqc::read(&algorithm, key),
            #[cfg(not(feature = "pqc"))]
            _ => Err(algorithm.unknown()),
        }
    }

    /// DER of a SubjectPublicKeyInfo. It names the kind of the key, and no restrictions.
    pub(crate) fn to_spki(&self) -> Vec<u8> {
        let (id, parameters, key) = match self {
            Self::Rsa(key) => (oid::RSA_ENCRYPTION, vec![5, 0], key.to_der()),
            Self::P256(key) => (oid::EC_PUBLIC_KEY, write_oid(oid::SECP256R1), key.to_point()),
            Self::P384(key) => (oid::EC_PUBLIC_KEY, write_oid(oid::SECP384R1), key.to_point()),
            Self::Ed25519(key) => (oid::ED25519, vec![], key.as_bytes().to_vec()),
            Self::X25519(key) => (oid::X25519, vec![], key.as_bytes().to_vec()),
            #[cfg(feature = "pqc")]
            Self::MlDsa(key) => (key.set().oid(), vec![], key.as_bytes().to_vec()),
            #[cfg(feature = "pqc")]
            Self::MlKem(key) => (key.set().oid(), vec![], key.as_bytes().to_vec()),
        };
        let algorithm = write(0x30, &[&write_oid(id), &parameters]);
        write(0x30, &[&algorithm, &write(0x03, &[&[0], &key])])
    }

    /// The group, if it is a key for key agreement. (One of P-256 and P-384 may be for signatures only; its
    /// certificate says so.)
    pub(crate) fn curve(&self) -> Option<Curve> {
        match self {
            Self::P256(_) => Some(Curve::P256),
            Self::P384(_) => Some(Curve::P384),
            Self::X25519(_) => Some(Curve::X25519),
            _ => None,
        }
    }

    /// A point of P-256 or P-384, uncompressed; `None` if it is none.
    #[cfg(feature = "pkcs11")]
    pub(crate) fn point(curve: Curve, octets: &[u8]) -> Option<Vec<u8>> {
        match curve {
            Curve::P256 => Nist256::read(octets).ok().map(|point| point.to_point()),
            Curve::P384 => Nist384::read(octets).ok().map(|point| point.to_point()),
            Curve::X25519 => None,
        }
    }

    /// Whether keys like this one sign this way.
    pub(crate) fn supports(&self, scheme: SignatureScheme) -> bool {
        match (self, scheme) {
            (Self::Rsa(key), SignatureScheme::RsaPkcs1(_) | SignatureScheme::RsaPss { .. }) => key.signs(scheme),
            (Self::P256(_) | Self::P384(_), SignatureScheme::Ecdsa(_))
            | (Self::Ed25519(_), SignatureScheme::Ed25519) => true,
            #[cfg(feature = "pqc")]
            (Self::MlDsa(key), scheme) => key.set().scheme() == scheme,
            _ => false,
        }
    }

    /// Verifies `signature` of `message` (not hashed yet).
    pub(crate) fn verify(&self, scheme: SignatureScheme, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        if !self.supports(scheme) {
            return Err(BadSignature::Unsuitable);
        }
        let fits = match (self, scheme) {
            (Self::Rsa(key), _) => key.verify(scheme, message, signature),
            (Self::P256(key), SignatureScheme::Ecdsa(digest)) => key.verify(digest, message, signature),
            (Self::P384(key), SignatureScheme::Ecdsa(digest)) => key.verify(digest, message, signature),
            (Self::Ed25519(key), _) => key.verify(message, signature),
            #[cfg(feature = "pqc")]
            (Self::MlDsa(key), _) => key.verify(message, signature),
            _ => false,
        };
        if fits { Ok(()) } else { Err(BadSignature::Wrong) }
    }

    /// Encrypts a content key for this RSA key.
    pub(crate) fn encrypt(
        &self,
        transport: &KeyTransport,
        content_key: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<u8>> {
        match self {
            Self::Rsa(key) => key.encrypt(transport, content_key, rng),
            _ => Err(Error::structure(PLACE, "it is no RSA key")),
        }
    }

    /// Agrees on a secret with this key by an ephemeral one: the ephemeral public key (an uncompressed SEC1 point,
    /// or 32 octets of X25519) and the secret (see [`AgreementKey::agree`](crate::key::AgreementKey::agree)).
    pub(crate) fn agree_ephemeral(&self, rng: &mut dyn CryptoRng) -> Result<(Vec<u8>, Zeroizing<Vec<u8>>)> {
        match self {
            Self::P256(key) => Ok(key.agree_ephemeral(rng)),
            Self::P384(key) => Ok(key.agree_ephemeral(rng)),
            Self::X25519(key) => key.agree_ephemeral(rng),
            _ => Err(Error::structure(PLACE, "it is no key for key agreement")),
        }
    }

    /// A secret of 32 octets for this ML-KEM key: the ciphertext, and the secret.
    #[cfg(feature = "pqc")]
    pub(crate) fn encapsulate(&self, rng: &mut dyn CryptoRng) -> Result<(Vec<u8>, Zeroizing<Vec<u8>>)> {
        match self {
            Self::MlKem(key) => key.encapsulate(rng),
            _ => Err(Error::structure(PLACE, "it is no ML-KEM key")),
        }
    }
}

impl Certificate {
    /// The public key for key agreement, as messages carry it, and its group: of P-256 and P-384 an uncompressed point (SEC
    /// 1 §2.3.3: 65 and 97 octets), of X25519 32 octets (RFC 7748 §5). Nothing for other keys, and for what is no point of
    /// its curve.
    #[must_use]
    pub fn agreement_point(&self) -> Option<(Curve, Vec<u8>)> {
        match PublicKey::from_spki(self.public_key()).ok()? {
            PublicKey::P256(key) => Some((Curve::P256, key.to_point())),
            PublicKey::P384(key) => Some((Curve::P384, key.to_point())),
            PublicKey::X25519(key) => Some((Curve::X25519, key.as_bytes().to_vec())),
            _ => None,
        }
    }

    /// What its key is, as people write it: `RSA-2048`, `P-256`.
    ///
    /// # Errors
    ///
    /// [`Error::Algorithm`] if this crate does not have it; [`Error::Encoding`] and [`Error::Structure`].
    pub fn key_name(&self) -> Result<String> {
        PublicKey::from_spki(self.public_key()).map(|key| key.to_string())
    }
}

/// As people write it: `RSA-2048`, `P-256`.
impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa(key) => write!(f, "RSA-{}", key.bits()),
            Self::P256(_) => f.write_str("P-256"),
            Self::P384(_) => f.write_str("P-384"),
            Self::Ed25519(_) => f.write_str("Ed25519"),
            Self::X25519(_) => f.write_str("X25519"),
            #[cfg(feature = "pqc")]
            Self::MlDsa(key) => key.set().scheme().fmt(f),
            #[cfg(feature = "pqc")]
            Self::MlKem(key) => f.write_str(key.set().name()),
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

/// A point on the curve that the parameters name (RFC 5480 §2.1.1).
fn on_curve(algorithm: &Algorithm<'_>, point: &[u8]) -> Result<PublicKey> {
    let curve = algorithm.parameters.ok_or(Error::structure(PLACE, "it must name a curve"))?;
    match curve.expect(Tag::ObjectIdentifier, PLACE)?.oid(PLACE)? {
        oid::SECP256R1 => Nist256::read(point).map(PublicKey::P256),
        oid::SECP384R1 => Nist384::read(point).map(PublicKey::P384),
        oid => Err(Error::Algorithm { place: PLACE, oid }),
    }
}
