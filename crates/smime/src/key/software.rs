//! Private keys in memory (RFC 5958, RFC 8017 §A.1.2, RFC 5915, RFC 8410, RFC 9881, RFC 9935).

mod ec;
#[cfg(feature = "pqc")]
mod pqc;
mod rsa;

use std::{fmt, sync::Arc};

use der::{Tag, TagNumber, oid::ObjectIdentifier};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::{
    AgreementKey, DecryptionKey, KemKey, SigningKey,
    pbe::{self, Password, Rounds},
};
use crate::{
    Certificate, Error, Limits, Result,
    algorithm::{Algorithm, Curve},
    asn1::{Element, write, write_oid},
    oid,
    pem::Block,
    public_key::PublicKey,
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
pub struct SoftwareKey {
    kind: Kind,
    /// DER of a PrivateKeyInfo, to be written out.
    pkcs8: Arc<Zeroizing<Vec<u8>>>,
}

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

impl Kind {
    /// Of what is in a PrivateKeyInfo, but for EC keys.
    fn read(algorithm: &Algorithm<'_>, key: &[u8]) -> Result<Self> {
        match algorithm.id {
            oid::RSA_ENCRYPTION | oid::RSASSA_PSS | oid::RSAES_OAEP => Self::rsa(key),
            oid::ED25519 => Ok(Self::Ed25519(Arc::new(ec::Ed25519Key::read(inner_octets(algorithm, key)?)?))),
            oid::X25519 => Ok(Self::X25519(Arc::new(ec::X25519Key::read(inner_octets(algorithm, key)?)?))),
            _ => Self::post_quantum(algorithm, key),
        }
    }

    fn public_key(&self) -> &[u8] {
        match self {
            Self::Rsa(key) => SigningKey::public_key(&**key),
            Self::P256(key) => SigningKey::public_key(&**key),
            Self::P384(key) => SigningKey::public_key(&**key),
            Self::Ed25519(key) => key.public_key(),
            Self::X25519(key) => key.public_key(),
            #[cfg(feature = "pqc")]
            Self::MlDsa(key) => key.public_key(),
            #[cfg(feature = "pqc")]
            Self::MlKem(key) => key.public_key(),
        }
    }

    fn rsa(pkcs1: &[u8]) -> Result<Self> {
        rsa::RsaKey::read(pkcs1).map(|key| Self::Rsa(Arc::new(key)))
    }

    #[cfg(feature = "pqc")]
    fn post_quantum(algorithm: &Algorithm<'_>, key: &[u8]) -> Result<Self> {
        if let Some(set) = DsaSet::from_oid(algorithm.id) {
            algorithm.no_parameters()?;
            return pqc::MlDsaKey::read(set, key).map(|key| Self::MlDsa(Arc::new(key)));
        }
        let set = KemSet::from_oid(algorithm.id).ok_or_else(|| algorithm.unknown())?;
        algorithm.no_parameters()?;
        pqc::MlKemKey::read(set, key).map(|key| Self::MlKem(Arc::new(key)))
    }

    #[cfg(not(feature = "pqc"))]
    fn post_quantum(algorithm: &Algorithm<'_>, _: &[u8]) -> Result<Self> {
        Err(algorithm.unknown())
    }
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
            [_, second, ..] if second.tag == Tag::Integer => {
                let algorithm = write(0x30, &[&write_oid(oid::RSA_ENCRYPTION), &pbe::NULL]);
                Ok(Self::new(Kind::rsa(der)?, &algorithm, der))
            }
            [_, second, ..] if second.tag == Tag::OctetString => Self::on_curve(None, der),
            _ => Self::from_pkcs8(der),
        }
    }

    /// Reads DER of a OneAsymmetricKey (RFC 5958 §2), which is not encrypted.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn from_pkcs8(der: &[u8]) -> Result<Self> {
        let fields = Element::from_der(der, PLACE)?.expect(Tag::Sequence, PLACE)?.inner(PLACE)?;
        let [version, algorithm, key, rest @ ..] = fields.as_slice() else {
            return Err(Error::structure(PLACE, "it must have three elements or more"));
        };
        if !matches!(version.expect(Tag::Integer, PLACE)?.value, [0 | 1]) {
            return Err(Error::structure(PLACE, "the version must be 1 or 2"));
        }
        let (raw, algorithm) = (algorithm.raw, Algorithm::from_element(*algorithm, PLACE)?);
        let key = key.expect(Tag::OctetString, PLACE)?.value;
        let read = match algorithm.id {
            oid::EC_PUBLIC_KEY => Self::on_curve(Some(&algorithm), key)?,
            _ => Self::new(Kind::read(&algorithm, key)?, raw, key),
        };
        let public = rest.iter().find(|field| is_public_key(field.tag)).map(|field| field.value);
        match public {
            Some([0, public @ ..]) if !read.public_ends_with(public) => Err(MISMATCH),
            _ => Ok(read),
        }
    }

    /// A fresh key for key agreement (RFC 5753, RFC 8418). One of P-256 and P-384 can sign too: what it is for its
    /// certificate says.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if `rng` gives no number in the range of the curve.
    pub fn generate_agreement(curve: Curve, rng: &mut dyn CryptoRng) -> Result<Self> {
        match curve {
            Curve::P256 => ec::P256Key::generate(rng).map(Self::p256),
            Curve::P384 => ec::P384Key::generate(rng).map(Self::p384),
            Curve::X25519 => {
                let mut secret = Zeroizing::new([0; 32]);
                rng.fill_bytes(&mut *secret);
                let key = Zeroizing::new(write(0x04, &[&*secret]));
                let kind = Kind::X25519(Arc::new(ec::X25519Key::read(&*secret)?));
                Ok(Self::new(kind, &write(0x30, &[&write_oid(oid::X25519)]), &key))
            }
        }
    }

    /// The public key: DER of a SubjectPublicKeyInfo.
    #[must_use]
    pub fn public_key(&self) -> &[u8] {
        self.kind.public_key()
    }

    /// Whether `certificate` is of this key.
    #[must_use]
    pub fn matches(&self, certificate: &Certificate) -> bool {
        same_key(self.public_key(), certificate.public_key())
    }

    /// The key as one that signs, if it is.
    #[must_use]
    pub fn signing(&self) -> Option<Arc<dyn SigningKey>> {
        match &self.kind {
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
        match &self.kind {
            Kind::Rsa(key) => Some(key.clone()),
            _ => None,
        }
    }

    /// The key as one that agrees on secrets, if it is.
    #[must_use]
    pub fn agreement(&self) -> Option<Arc<dyn AgreementKey>> {
        match &self.kind {
            Kind::P256(key) => Some(key.clone()),
            Kind::P384(key) => Some(key.clone()),
            Kind::X25519(key) => Some(key.clone()),
            _ => None,
        }
    }

    /// The key as one that decapsulates secrets, if it is.
    #[must_use]
    pub fn kem(&self) -> Option<Arc<dyn KemKey>> {
        match &self.kind {
            #[cfg(feature = "pqc")]
            Kind::MlKem(key) => Some(key.clone()),
            _ => None,
        }
    }

    /// The key itself: DER of a PrivateKeyInfo (RFC 5958 §2, version 1, without attributes), not encrypted. Of EC keys the
    /// public half is inside (RFC 5915 §3), which some programs need.
    #[must_use]
    pub fn expose_pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// The key under a password: DER of an EncryptedPrivateKeyInfo (RFC 5958 §3), by PBES2 with AES-256 in CBC mode and
    /// PBKDF2 with HMAC-SHA-256, of so many rounds.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if the password is empty.
    pub fn encrypt_pkcs8(&self, password: &str, rounds: u32, rng: &mut dyn CryptoRng) -> Result<Vec<u8>> {
        if password.is_empty() {
            return Err(Error::Key("it would be without a password"));
        }
        self.shroud(&Password::new(password), rounds, rng)
    }

    pub(crate) fn shroud(&self, password: &Password, rounds: u32, rng: &mut dyn CryptoRng) -> Result<Vec<u8>> {
        let (algorithm, encrypted) = pbe::encrypt(self.expose_pkcs8(), password, rounds, rng)?;
        Ok(write(0x30, &[&algorithm, &write(0x04, &[&encrypted])]))
    }

    /// The secret of a key for key agreement, and its group: of P-256 32 and of P-384 48 octets, a big-endian number from 1
    /// to below the order; of X25519 32 octets as they are stored (RFC 7748 §5), not clamped. Nothing for other keys.
    #[must_use]
    pub fn expose_agreement_secret(&self) -> Option<(Curve, Zeroizing<Vec<u8>>)> {
        match &self.kind {
            Kind::P256(key) => Some((Curve::P256, Zeroizing::new(key.number().to_vec()))),
            Kind::P384(key) => Some((Curve::P384, Zeroizing::new(key.number().to_vec()))),
            Kind::X25519(key) => Some((Curve::X25519, Zeroizing::new(key.secret().to_vec()))),
            _ => None,
        }
    }

    /// `key` is what the algorithm defines, in DER.
    fn new(kind: Kind, algorithm: &[u8], key: &[u8]) -> Self {
        let key = Zeroizing::new(write(0x04, &[key]));
        Self { kind, pkcs8: Arc::new(Zeroizing::new(write(0x30, &[&[2, 1, 0], algorithm, &key]))) }
    }

    /// Of a key of P-256 or P-384: `number` as long as the curve's.
    fn of_curve(kind: Kind, curve: ObjectIdentifier, number: &[u8]) -> Self {
        let algorithm = write(0x30, &[&write_oid(oid::EC_PUBLIC_KEY), &write_oid(curve)]);
        // The point is the end of the public key: an octet for its form and two coordinates.
        let public = kind.public_key();
        let point = public.get(public.len().saturating_sub(2 * number.len() + 1)..).unwrap_or_default();
        let point = write(0xa1, &[&write(0x03, &[&[0], point])]);
        let number = Zeroizing::new(write(0x04, &[number]));
        let key = Zeroizing::new(write(0x30, &[&[2, 1, 1], &number, &point]));
        Self::new(kind, &algorithm, &key)
    }

    fn p256(key: ec::P256Key) -> Self {
        let number = key.number();
        Self::of_curve(Kind::P256(Arc::new(key)), oid::SECP256R1, number.as_slice())
    }

    fn p384(key: ec::P384Key) -> Self {
        let number = key.number();
        Self::of_curve(Kind::P384(Arc::new(key)), oid::SECP384R1, number.as_slice())
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
            oid::SECP256R1 => Self::p256(ec::P256Key::read(secret)?),
            oid::SECP384R1 => Self::p384(ec::P384Key::read(secret)?),
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
