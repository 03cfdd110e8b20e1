//! RSA public keys (RFC 8017 §3.1), with the restrictions that their names may carry (RFC 4055 §3, §4).

use der::Tag;
use rand_core::CryptoRng;
use rsa::{BoxedUint, RsaPublicKey, hazmat::rsa_encrypt, traits::PublicKeyParts};

use super::{PLACE, padding};
use crate::{
    Error, Result,
    algorithm::{Algorithm, KeyTransport, SignatureScheme},
    asn1::{Element, write, write_unsigned},
    oid,
};

/// An RSA public key of 1024 to 8192 bits.
#[derive(Clone)]
pub(crate) struct Rsa {
    key: RsaPublicKey,
    usage: Usage,
}

/// What the key is for, by its own algorithm identifier.
#[derive(Clone)]
enum Usage {
    Any,
    /// Only PSS; at least this salt, and these hash functions.
    Pss(Option<SignatureScheme>),
    /// Only OAEP, with these parameters.
    Oaep(Option<KeyTransport>),
}

/// Two keys are the same whatever they are for.
impl PartialEq for Rsa {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Rsa {}

impl Rsa {
    /// Octets of a number that is looked at: as many as 8192 bits have, and one more to tell.
    pub(crate) const MAX_NUMBER: usize = 1025;

    /// Reads DER of an RSAPublicKey.
    pub(super) fn read(algorithm: &Algorithm<'_>, key: &[u8]) -> Result<Self> {
        let usage = match (algorithm.id, algorithm.parameters) {
            (oid::RSASSA_PSS, None) => Usage::Pss(None),
            (oid::RSASSA_PSS, Some(_)) => Usage::Pss(Some(SignatureScheme::from_pss(algorithm, PLACE)?)),
            (oid::RSAES_OAEP, None) => Usage::Oaep(None),
            (oid::RSAES_OAEP, Some(_)) => Usage::Oaep(Some(KeyTransport::from_oaep(algorithm)?)),
            _ => algorithm.no_parameters().map(|()| Usage::Any)?,
        };
        let numbers = Element::from_der(key, PLACE)?.expect(Tag::Sequence, PLACE)?.inner(PLACE)?;
        let [modulus, exponent] = numbers.as_slice() else {
            return Err(Error::structure(PLACE, "an RSA key must have two numbers"));
        };
        let key = RsaPublicKey::new(number(modulus)?, number(exponent)?).map_err(|error| match error {
            rsa::Error::ModulusTooSmall => Error::structure(PLACE, "an RSA key must have 1024 bits or more"),
            rsa::Error::ModulusTooLarge => Error::structure(PLACE, "an RSA key must have 8192 bits or fewer"),
            _ => Error::structure(PLACE, "the numbers are no RSA key"),
        })?;
        Ok(Self { key, usage })
    }

    pub(crate) fn from_key(key: RsaPublicKey) -> Self {
        Self { key, usage: Usage::Any }
    }

    /// DER of an RSAPublicKey.
    pub(crate) fn to_der(&self) -> Vec<u8> {
        let number = |number: &BoxedUint| write_unsigned(&number.to_be_bytes());
        write(0x30, &[&number(self.key.n()), &number(self.key.e())])
    }

    pub(crate) fn bits(&self) -> usize {
        usize::try_from(self.key.n().bit_width_vartime()).unwrap_or(usize::MAX)
    }

    /// How many octets its ciphertexts and signatures have.
    pub(crate) fn len(&self) -> usize {
        self.bits().div_ceil(8)
    }

    pub(super) fn signs(&self, scheme: SignatureScheme) -> bool {
        match (&self.usage, scheme) {
            (Usage::Any, _) | (Usage::Pss(None), SignatureScheme::RsaPss { .. }) => true,
            (
                Usage::Pss(Some(SignatureScheme::RsaPss { digest, mask, salt })),
                SignatureScheme::RsaPss { digest: with, mask: masked, salt: salted },
            ) => (*digest, *mask) == (with, masked) && *salt <= salted,
            _ => false,
        }
    }

    pub(super) fn verify(&self, scheme: SignatureScheme, message: &[u8], signature: &[u8]) -> bool {
        #[cfg(feature = "aws-lc")]
        if crate::key::aws_lc::rsa_fits(&self.to_der(), scheme, message, signature) {
            return true;
        }
        let Some(encoded) = self.recover(signature) else { return false };
        match scheme {
            // What is expected is made anew and compared whole: nothing is parsed (RFC 8017 §8.2.2).
            SignatureScheme::RsaPkcs1(digest) => {
                padding::pkcs1_signed(digest, &digest.hash(message), self.len()).is_some_and(|full| full == encoded)
            }
            SignatureScheme::RsaPss { digest, mask, salt } => {
                padding::Pss { digest, mask, salt }.fits(&digest.hash(message), &encoded, self.bits())
            }
            _ => false,
        }
    }

    pub(super) fn encrypt(&self, transport: &KeyTransport, message: &[u8], rng: &mut dyn CryptoRng) -> Result<Vec<u8>> {
        let allowed = match &self.usage {
            Usage::Any => true,
            Usage::Pss(_) => false,
            Usage::Oaep(None) => *transport != KeyTransport::Pkcs1,
            Usage::Oaep(Some(only)) => transport == only,
        };
        if !allowed {
            return Err(Error::structure(PLACE, "the key is not for this way of encryption"));
        }
        let padded = match transport {
            KeyTransport::Pkcs1 => padding::pkcs1_pad(message, self.len(), rng),
            KeyTransport::Oaep { digest, mask, label } => {
                padding::Oaep { digest: *digest, mask: *mask, label }.pad(message, self.len(), rng)
            }
        };
        let padded = padded.ok_or(Error::structure(PLACE, "the RSA key is too short for this"))?;
        let encrypted = BoxedUint::from_be_slice(&padded, self.key.n().bits_precision())
            .ok()
            .and_then(|mut number| {
                let encrypted = rsa_encrypt(&self.key, &number).ok();
                zeroize::Zeroize::zeroize(&mut number);
                encrypted
            })
            .ok_or(Error::structure(PLACE, "the numbers are no RSA key"))?;
        Ok(self.octets(&encrypted))
    }

    /// Whether the octets are as many as those of the modulus, and their number is below it.
    #[cfg(feature = "pkcs11")]
    pub(crate) fn is_below(&self, octets: &[u8]) -> bool {
        self.number(octets).is_some()
    }

    fn number(&self, octets: &[u8]) -> Option<BoxedUint> {
        let number = BoxedUint::from_be_slice(octets, self.key.n().bits_precision()).ok()?;
        (octets.len() == self.len() && number < *self.key.n().as_ref()).then_some(number)
    }

    /// The encoded message of a signature, as long as the modulus.
    fn recover(&self, signature: &[u8]) -> Option<Vec<u8>> {
        rsa_encrypt(&self.key, &self.number(signature)?).ok().map(|encoded| self.octets(&encoded))
    }

    fn octets(&self, number: &BoxedUint) -> Vec<u8> {
        let octets = number.to_be_bytes();
        octets.get(octets.len().saturating_sub(self.len())..).unwrap_or_default().to_vec()
    }
}

/// A positive INTEGER.
fn number(element: &Element<'_>) -> Result<BoxedUint> {
    let octets = match element.expect(Tag::Integer, PLACE)?.value {
        [0, rest @ ..] => rest,
        [first, ..] if *first >= 0x80 => &[],
        octets => octets,
    };
    match octets.len() {
        0 => Err(Error::structure(PLACE, "the numbers of an RSA key must be positive")),
        1..=Rsa::MAX_NUMBER => Ok(BoxedUint::from_be_slice_vartime(octets)),
        _ => Err(Error::structure(PLACE, "an RSA key must have 8192 bits or fewer")),
    }
}
