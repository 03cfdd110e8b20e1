//! Private keys in memory (RFC 5958, RFC 8017 §A.1.2, RFC 5915, RFC 8410, RFC 9881, RFC 9935).

mod ec;
#[cfg(feature = "pqc")]
mod pqc;
mod rsa;

use std::{fmt, sync::Arc};

use der::{Tag, TagNumber};

use super::{
    AgreementKey, DecryptionKey, KemKey, SigningKey,
    pbe::{self, Password, Rounds},
};
use crate::{
    Certificate, Error, Limits, Result, algorithm::Algorithm, asn1::Element, oid, pem::Block, public_key::PublicKey,
};

#[cfg(feature = "pqc")]
use crate::public_key::{DsaSet, KemSet};

const PLACE: &str = "a private key";

/// A private key in memory. It is wiped when it is dropped, and cheap to clone.
///
/// What it can do is behind doors: an RSA key signs and decrypts, one of P-256 or P-384 signs and agrees, and the
/// others do one thing. What it is *for* its certificate says.
///
/// The crate `rsa` copies the primes of an RSA key where it loads and where it uses the key, and does not wipe all of the
/// copies. Where that matters, keep the key in a token.
#[derive(Clone)]
pub struct SoftwareKey(Kind);

#[derive(Clone)]
enum Kind {
    Rsa(Arc<rsa::RsaKey>),
    P256(Arc<ec::P256Key>),
    P384(Arc<ec::P384Key>),
    Ed25519(Arc<ec::Ed25519Key>),
    X25519(Arc<ec::X25519Key>),
    #[cfg(feature = "pqc")]
    MlDsa(Arc<pqc::MlDsaKey>),
    #[cfg(feature = "pqc")]
    MlKem(Arc<pqc::MlKemKey>),
}

impl SoftwareKey {
    /// Reads PEM, where the first private key is taken, or DER.
    ///
    /// A `password` is for an encrypted one (PBES2 with AES or 3DES, with PBKDF2 or scrypt).
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if there is no key or the password is wrong; [`Error::Algorithm`], [`Error::Limit`],
    /// [`Error::Encoding`] and [`Error::Structure`].
    pub fn read(input: &[u8], password: Option<&str>, limits: &Limits) -> Result<Self> {
        for block in Block::read_all(input, limits)? {
            match block.label() {
                None | Some("PRIVATE KEY" | "ENCRYPTED PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY") => {
                    return Self::from_der(block.der()?, password, limits);
                }
                Some(_) => {}
            }
        }
        Err(Error::Key("there is none here"))
    }

    /// Reads DER: PKCS#8, encrypted or not (RFC 5958), or the older forms of RSA (RFC 8017) and EC keys (RFC 5915).
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn from_der(der: &[u8], password: Option<&str>, limits: &Limits) -> Result<Self> {
        let fields = Element::from_der(der, PLACE)?.expect(Tag::Sequence, PLACE)?.inner(PLACE)?;
        match fields.as_slice() {
            [algorithm, encrypted] if algorithm.tag == Tag::Sequence => {
                let password = password.ok_or(Error::Key("it is encrypted, and there is no password"))?;
                let algorithm = Algorithm::from_element(*algorithm, PLACE)?;
                let encrypted = encrypted.expect(Tag::OctetString, PLACE)?.value;
                let der = pbe::decrypt(&algorithm, encrypted, &Password::new(password), &mut Rounds::new(limits))?
                    .ok_or(WRONG_PASSWORD)?;
                // Of 256 wrong passwords, one seems to fit.
                if Element::from_der(&der, PLACE).and_then(|key| key.expect(Tag::Sequence, PLACE)).is_err() {
                    return Err(WRONG_PASSWORD);
                }
                Self::from_pkcs8(&der)
            }
            [_, second, ..] if second.tag == Tag::Integer => rsa::RsaKey::read(der).map(Self::rsa),
            [_, second, ..] if second.tag == Tag::OctetString => Self::on_curve(None, der),
            _ => Self::from_pkcs8(der),
        }
    }

    /// Reads DER of a OneAsymmetricKey (RFC 5958 §2), which is no longer encrypted.
    pub(crate) fn from_pkcs8(der: &[u8]) -> Result<Self> {
        let fields = Element::from_der(der, PLACE)?.expect(Tag::Sequence, PLACE)?.inner(PLACE)?;
        let [version, algorithm, key, rest @ ..] = fields.as_slice() else {
            return Err(Error::structure(PLACE, "it must have three elements or more"));
        };
        if !matches!(version.expect(Tag::Integer, PLACE)?.value, [0 | 1]) {
            return Err(Error::structure(PLACE, "the version must be 1 or 2"));
        }
        let algorithm = Algorithm::from_element(*algorithm, PLACE)?;
        let key = key.expect(Tag::OctetString, PLACE)?.value;
        let read = match algorithm.id {
            oid::RSA_ENCRYPTION | oid::RSASSA_PSS | oid::RSAES_OAEP => rsa::RsaKey::read(key).map(Self::rsa)?,
            oid::EC_PUBLIC_KEY => Self::on_curve(Some(&algorithm), key)?,
            oid::ED25519 => Self(Kind::Ed25519(Arc::new(ec::Ed25519Key::read(inner_octets(&algorithm, key)?)?))),
            oid::X25519 => Self(Kind::X25519(Arc::new(ec::X25519Key::read(inner_octets(&algorithm, key)?)?))),
            _ => Self::post_quantum(&algorithm, key)?,
        };
        let public = rest.iter().find(|field| is_public_key(field.tag)).map(|field| field.value);
        match public {
            Some([0, public @ ..]) if !read.public_ends_with(public) => Err(MISMATCH),
            _ => Ok(read),
        }
    }

    /// The public key: DER of a SubjectPublicKeyInfo.
    #[must_use]
    pub fn public_key(&self) -> &[u8] {
        match &self.0 {
            Kind::Rsa(key) => SigningKey::public_key(&**key),
            Kind::P256(key) => SigningKey::public_key(&**key),
            Kind::P384(key) => SigningKey::public_key(&**key),
            Kind::Ed25519(key) => key.public_key(),
            Kind::X25519(key) => key.public_key(),
            #[cfg(feature = "pqc")]
            Kind::MlDsa(key) => key.public_key(),
            #[cfg(feature = "pqc")]
            Kind::MlKem(key) => key.public_key(),
        }
    }

    /// Whether `certificate` is of this key.
    #[must_use]
    pub fn matches(&self, certificate: &Certificate) -> bool {
        same_key(self.public_key(), certificate.public_key())
    }

    /// The key as one that signs, if it is.
    #[must_use]
    pub fn signing(&self) -> Option<Arc<dyn SigningKey>> {
        match &self.0 {
            Kind::Rsa(key) => Some(key.clone()),
            Kind::P256(key) => Some(key.clone()),
            Kind::P384(key) => Some(key.clone()),
            Kind::Ed25519(key) => Some(key.clone()),
            #[cfg(feature = "pqc")]
            Kind::MlDsa(key) => Some(key.clone()),
            _ => None,
        }
    }

    /// The key as one that decrypts content keys, if it is.
    #[must_use]
    pub fn decryption(&self) -> Option<Arc<dyn DecryptionKey>> {
        match &self.0 {
            Kind::Rsa(key) => Some(key.clone()),
            _ => None,
        }
    }

    /// The key as one that agrees on secrets, if it is.
    #[must_use]
    pub fn agreement(&self) -> Option<Arc<dyn AgreementKey>> {
        match &self.0 {
            Kind::P256(key) => Some(key.clone()),
            Kind::P384(key) => Some(key.clone()),
            Kind::X25519(key) => Some(key.clone()),
            _ => None,
        }
    }

    /// The key as one that decapsulates secrets, if it is.
    #[must_use]
    pub fn kem(&self) -> Option<Arc<dyn KemKey>> {
        match &self.0 {
            #[cfg(feature = "pqc")]
            Kind::MlKem(key) => Some(key.clone()),
            _ => None,
        }
    }

    fn rsa(key: rsa::RsaKey) -> Self {
        Self(Kind::Rsa(Arc::new(key)))
    }

    /// ECPrivateKey (RFC 5915 §3). The curve is named by the algorithm, or inside.
    fn on_curve(algorithm: Option<&Algorithm<'_>>, der: &[u8]) -> Result<Self> {
        let fields = Element::from_der(der, PLACE)?.expect(Tag::Sequence, PLACE)?.inner(PLACE)?;
        let [_, secret, rest @ ..] = fields.as_slice() else {
            return Err(Error::structure(PLACE, "an EC key must have two elements or more"));
        };
        let tagged = |number: u32| {
            let field =
                rest.iter().find(|field| field.tag.is_context_specific() && field.tag.number().value() == number);
            field.map(|field| Element::from_der(field.value, PLACE)).transpose()
        };
        let curve = match algorithm.and_then(|algorithm| algorithm.parameters) {
            Some(curve) => curve,
            None => tagged(0)?.ok_or(Error::structure(PLACE, "it must name a curve"))?,
        };
        let secret = secret.expect(Tag::OctetString, PLACE)?.value;
        let key = match curve.expect(Tag::ObjectIdentifier, PLACE)?.oid(PLACE)? {
            oid::SECP256R1 => Self(Kind::P256(Arc::new(ec::P256Key::read(secret)?))),
            oid::SECP384R1 => Self(Kind::P384(Arc::new(ec::P384Key::read(secret)?))),
            oid => return Err(Error::Algorithm { place: PLACE, oid }),
        };
        match tagged(1)? {
            // Compressed points are compared by their certificates.
            Some(Element { value: [0, point @ ..], .. })
                if point.first() == Some(&4) && !key.public_ends_with(point) =>
            {
                Err(MISMATCH)
            }
            _ => Ok(key),
        }
    }

    #[cfg(feature = "pqc")]
    fn post_quantum(algorithm: &Algorithm<'_>, key: &[u8]) -> Result<Self> {
        if let Some(set) = DsaSet::from_oid(algorithm.id) {
            algorithm.no_parameters()?;
            return pqc::MlDsaKey::read(set, key).map(|key| Self(Kind::MlDsa(Arc::new(key))));
        }
        let set = KemSet::from_oid(algorithm.id).ok_or_else(|| algorithm.unknown())?;
        algorithm.no_parameters()?;
        pqc::MlKemKey::read(set, key).map(|key| Self(Kind::MlKem(Arc::new(key))))
    }

    #[cfg(not(feature = "pqc"))]
    fn post_quantum(algorithm: &Algorithm<'_>, _: &[u8]) -> Result<Self> {
        Err(algorithm.unknown())
    }

    fn public_ends_with(&self, public: &[u8]) -> bool {
        self.public_key().ends_with(public)
    }
}

/// What kind of key it is; nothing of its value.
impl fmt::Debug for SoftwareKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match PublicKey::from_spki(self.public_key()) {
            Ok(public) => write!(f, "SoftwareKey({public})"),
            Err(_) => f.write_str("SoftwareKey"),
        }
    }
}

const WRONG_PASSWORD: Error = Error::Key("the password is wrong, or the key is damaged");
const MISMATCH: Error = Error::Key("its public half belongs to another key");

/// Whether two SubjectPublicKeyInfos are of one key, whatever they restrict it to.
pub(crate) fn same_key(one: &[u8], other: &[u8]) -> bool {
    one == other
        || PublicKey::from_spki(one).is_ok_and(|one| PublicKey::from_spki(other).is_ok_and(|other| one == other))
}

/// CurvePrivateKey (RFC 8410 §7): an OCTET STRING in the OCTET STRING.
fn inner_octets<'a>(algorithm: &Algorithm<'_>, key: &'a [u8]) -> Result<&'a [u8]> {
    algorithm.no_parameters()?;
    Ok(Element::from_der(key, PLACE)?.expect(Tag::OctetString, PLACE)?.value)
}

/// The field `publicKey`, `[1] IMPLICIT BIT STRING`.
fn is_public_key(tag: Tag) -> bool {
    tag.is_context_specific() && tag.number() == TagNumber(1)
}
