//! What keys in a token do (Mechanisms §2.1, §2.3).

use std::sync::OnceLock;

use cryptoki::{
    error::{Error as Failure, RvError},
    mechanism::{
        Mechanism, MechanismType,
        elliptic_curve::{EcKdf, Ecdh1DeriveParams},
        rsa::{PkcsMgfType, PkcsOaepParams, PkcsOaepSource, PkcsPssParams},
    },
    object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle},
    session::Session,
};
use rand_core::CryptoRng;
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use super::{Pkcs11Token, failed};
use crate::{
    Error, Result,
    algorithm::{Curve, Digest, KeyTransport, SignatureScheme},
    asn1::{write, write_unsigned},
    key::{AgreementKey, DecryptionKey, SigningKey, UNSUPPORTED, substitute::Substitute},
    public_key::{PublicKey, Rsa, padding},
};

/// An object in a token.
pub(super) struct Handle {
    pub(super) token: Pkcs11Token,
    pub(super) object: ObjectHandle,
    pub(super) name: String,
}

impl Handle {
    fn sign(&self, mechanism: &Mechanism<'_>, octets: &[u8]) -> Result<Vec<u8>> {
        self.token.0.with_session(|session| {
            session.sign(mechanism, self.object, octets).map_err(|error| failed(&self.name, &error))
        })
    }

    /// Whether the token decrypts with it this way.
    fn has(&self, mechanism: MechanismType) -> bool {
        let token = &self.token.0;
        token.module.get_mechanism_info(token.slot, mechanism).is_ok_and(|info| info.decrypt())
    }
}

/// An RSA key.
pub(super) struct RsaKey {
    handle: Handle,
    public: Rsa,
    spki: Vec<u8>,
    /// Whether the token gives out the number that is decrypted.
    pub(super) raw: bool,
    substitute: OnceLock<Substitute>,
}

impl RsaKey {
    pub(super) fn new(handle: Handle, public: Rsa, spki: Vec<u8>) -> Self {
        let raw = handle.has(MechanismType::RSA_X_509);
        Self { handle, public, spki, raw, substitute: OnceLock::new() }
    }

    /// By the raw operation; `None` if the token does not let this key do it.
    fn decrypt_raw(
        &self,
        transport: &KeyTransport,
        encrypted: &[u8],
        len: usize,
    ) -> Result<Option<(Choice, Zeroizing<Vec<u8>>)>> {
        let mut padded = match self.decrypt_by(&Mechanism::RsaX509, encrypted)? {
            Ok(octets) => self.widened(&octets)?,
            Err(_) => return Ok(None),
        };
        Ok(Some(match transport {
            KeyTransport::Pkcs1 => padding::pkcs1_unpad(&padded, len),
            KeyTransport::Oaep { digest, mask, label } => {
                padding::Oaep { digest: *digest, mask: *mask, label }.unpad(&mut padded, len)
            }
        }))
    }

    /// By the token's own padding, which is rejected openly.
    fn decrypt_padded(
        &self,
        transport: &KeyTransport,
        encrypted: &[u8],
        len: usize,
    ) -> Result<(Choice, Zeroizing<Vec<u8>>)> {
        let mechanism = match transport {
            KeyTransport::Pkcs1 => Mechanism::RsaPkcs,
            KeyTransport::Oaep { digest, mask, label } => {
                let source =
                    if label.is_empty() { PkcsOaepSource::empty() } else { PkcsOaepSource::data_specified(label) };
                Mechanism::RsaPkcsOaep(PkcsOaepParams::new(hash(*digest), mgf(*mask), source))
            }
        };
        let (found, mut message) = match self.decrypt_by(&mechanism, encrypted)? {
            Ok(message) => (message.len(), message),
            Err(error) if tells_of_padding(&error) => (usize::MAX, Zeroizing::default()),
            Err(error) => return Err(failed(&self.handle.name, &error)),
        };
        message.resize(len, 0);
        Ok((found.ct_eq(&len), message))
    }

    fn decrypt_by(&self, mechanism: &Mechanism<'_>, encrypted: &[u8]) -> Result<Result<Zeroizing<Vec<u8>>, Failure>> {
        let object = self.handle.object;
        self.handle
            .token
            .0
            .with_session(|session| Ok(session.decrypt(mechanism, object, encrypted).map(Zeroizing::new)))
    }

    /// As long as the modulus. Tokens may leave out zeros in front; how many there are is known of a right padding, and
    /// the copy does not tell more than the token did.
    fn widened(&self, octets: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let mut wide = Zeroizing::new(vec![0; self.public.len()]);
        let start = wide.len().checked_sub(octets.len());
        let field = start.and_then(|start| wide.get_mut(start..));
        field
            .ok_or_else(|| Error::Keeper(format!("{}: the result is too long", self.handle.name)))?
            .copy_from_slice(octets);
        Ok(wide)
    }
}

impl SigningKey for RsaKey {
    fn public_key(&self) -> &[u8] {
        &self.spki
    }

    fn supports(&self, scheme: SignatureScheme) -> bool {
        matches!(scheme, SignatureScheme::RsaPkcs1(_) | SignatureScheme::RsaPss { .. })
    }

    fn sign(&self, scheme: SignatureScheme, message: &[u8], _: &mut dyn CryptoRng) -> Result<Vec<u8>> {
        match scheme {
            SignatureScheme::RsaPkcs1(digest) => {
                self.handle.sign(&Mechanism::RsaPkcs, &padding::digest_info(digest, &digest.hash(message)))
            }
            SignatureScheme::RsaPss { digest, mask, salt } => {
                let s_len = salt.try_into().map_err(|_| UNSUPPORTED)?;
                let parameters = PkcsPssParams { hash_alg: hash(digest), mgf: mgf(mask), s_len };
                self.handle.sign(&Mechanism::RsaPkcsPss(parameters), &digest.hash(message))
            }
            _ => Err(UNSUPPORTED),
        }
    }
}

impl DecryptionKey for RsaKey {
    fn public_key(&self) -> &[u8] {
        &self.spki
    }

    fn decrypt(
        &self,
        transport: &KeyTransport,
        encrypted: &[u8],
        len: usize,
        rng: &mut dyn CryptoRng,
    ) -> Result<Zeroizing<Vec<u8>>> {
        if !self.public.is_below(encrypted) {
            return Err(Error::Key("what is to be decrypted does not have the length of the modulus"));
        }
        // The token keeps what would make it the same for ever; this makes it the same as long as the key is open.
        let substitute = self.substitute.get_or_init(|| {
            let mut secret = Zeroizing::new([0; 32]);
            rng.fill_bytes(&mut *secret);
            Substitute::new(secret.as_slice())
        });
        let raw = if self.raw { self.decrypt_raw(transport, encrypted, len)? } else { None };
        let (right, message) = match raw {
            Some(result) => result,
            None => self.decrypt_padded(transport, encrypted, len)?,
        };
        Ok(substitute.unless(right, message, encrypted))
    }
}

/// Whether a token may say this of a wrong padding. What is said of a lost session or a missing mechanism is not.
fn tells_of_padding(error: &Failure) -> bool {
    let Failure::Pkcs11(value, _) = error else { return false };
    matches!(
        value,
        RvError::EncryptedDataInvalid
            | RvError::EncryptedDataLenRange
            | RvError::DataInvalid
            | RvError::DataLenRange
            | RvError::GeneralError
            | RvError::FunctionFailed
            | RvError::ArgumentsBad
    )
}

/// A key of P-256 or P-384.
pub(super) struct EcKey {
    handle: Handle,
    curve: Curve,
    spki: Vec<u8>,
}

impl EcKey {
    pub(super) fn new(handle: Handle, curve: Curve, spki: Vec<u8>) -> Self {
        Self { handle, curve, spki }
    }

    /// Octets of a coordinate, and of a number below the order.
    fn len(&self) -> usize {
        if self.curve == Curve::P384 { 48 } else { 32 }
    }
}

impl SigningKey for EcKey {
    fn public_key(&self) -> &[u8] {
        &self.spki
    }

    fn supports(&self, scheme: SignatureScheme) -> bool {
        matches!(scheme, SignatureScheme::Ecdsa(_))
    }

    fn sign(&self, scheme: SignatureScheme, message: &[u8], _: &mut dyn CryptoRng) -> Result<Vec<u8>> {
        let SignatureScheme::Ecdsa(digest) = scheme else { return Err(UNSUPPORTED) };
        let mut hash = digest.hash(message);
        // Of a longer hash the first bits count (FIPS 186-5 §6.4.1); some tokens take no more.
        hash.truncate(self.len());
        let signature = self.handle.sign(&Mechanism::Ecdsa, &hash)?;
        let wrong = || Error::Keeper(format!("{}: the signature has another length", self.handle.name));
        let (r, s) = signature.split_at_checked(self.len()).filter(|(r, s)| r.len() == s.len()).ok_or_else(wrong)?;
        Ok(write(0x30, &[&write_unsigned(r), &write_unsigned(s)]))
    }
}

impl AgreementKey for EcKey {
    fn public_key(&self) -> &[u8] {
        &self.spki
    }

    fn curve(&self) -> Curve {
        self.curve
    }

    fn agree(&self, peer: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        // Tokens can't be relied on to see that it is on the curve, nor to take a compressed one.
        let point =
            PublicKey::point(self.curve, peer).ok_or(Error::Key("the other public key is no point of its curve"))?;
        self.handle.token.0.with_session(|session| {
            derive(session, self.handle.object, &point, self.len())
                .map_err(|error| failed(&self.handle.name, &error))?
                .filter(|secret| secret.len() == self.len())
                .ok_or_else(|| Error::Keeper(format!("{}: the token does not give out the result", self.handle.name)))
        })
    }
}

/// `CKM_ECDH1_DERIVE` without a key derivation function. The derived object is gone afterwards.
fn derive(
    session: &Session,
    key: ObjectHandle,
    point: &[u8],
    len: usize,
) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
    let mechanism = Mechanism::Ecdh1Derive(Ecdh1DeriveParams::new(EcKdf::null(), point));
    let len = len.try_into()?;
    let template = [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::GENERIC_SECRET),
        Attribute::ValueLen(len),
        Attribute::Token(false),
        Attribute::Private(true),
        Attribute::Sensitive(false),
        Attribute::Extractable(true),
    ];
    let derived = session.derive_key(&mechanism, key, &template)?;
    let value = session.get_attributes(derived, &[AttributeType::Value]);
    session.destroy_object(derived)?;
    Ok(match value?.pop() {
        Some(Attribute::Value(value)) => Some(Zeroizing::new(value)),
        _ => None,
    })
}

const fn hash(digest: Digest) -> MechanismType {
    match digest {
        Digest::Sha1 => MechanismType::SHA1,
        Digest::Sha256 => MechanismType::SHA256,
        Digest::Sha384 => MechanismType::SHA384,
        Digest::Sha512 => MechanismType::SHA512,
    }
}

const fn mgf(digest: Digest) -> PkcsMgfType {
    match digest {
        Digest::Sha1 => PkcsMgfType::MGF1_SHA1,
        Digest::Sha256 => PkcsMgfType::MGF1_SHA256,
        Digest::Sha384 => PkcsMgfType::MGF1_SHA384,
        Digest::Sha512 => PkcsMgfType::MGF1_SHA512,
    }
}
