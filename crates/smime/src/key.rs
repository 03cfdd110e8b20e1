//! Private keys behind a seam: in memory, by AWS-LC, in a PKCS#11 token, or wherever a caller keeps them.

#[cfg(feature = "aws-lc")]
pub(crate) mod aws_lc;
pub(crate) mod pbe;
#[cfg(feature = "pkcs11")]
mod pkcs11;
mod software;
mod substitute;
#[cfg(test)]
mod vectors;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{
    Error, Result,
    algorithm::{Curve, KeyTransport, SignatureScheme},
};

#[cfg(feature = "pkcs11")]
pub use pkcs11::{Pkcs11Key, Pkcs11Token};
pub use software::SoftwareKey;
pub(crate) use software::same_key;

/// A key that signs.
pub trait SigningKey: Send + Sync {
    /// The public key: DER of a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7).
    fn public_key(&self) -> &[u8];

    /// Whether it can sign this way.
    fn supports(&self, scheme: SignatureScheme) -> bool;

    /// Signs `message` (it is not hashed yet); the signature is in the form that CMS carries.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if it does not support the scheme, [`Error::Keeper`].
    fn sign(&self, scheme: SignatureScheme, message: &[u8], rng: &mut dyn CryptoRng) -> Result<Vec<u8>>;
}

/// An RSA key that decrypts content keys.
pub trait DecryptionKey: Send + Sync {
    /// The public key: DER of a SubjectPublicKeyInfo.
    fn public_key(&self) -> &[u8];

    /// Decrypts a content key of `len` octets. Where the padding or the length is wrong, the result is another key
    /// of `len` octets that looks random, the same for the same ciphertext: neither the value nor the time tells
    /// (RFC 3218 §2.3).
    ///
    /// # Errors
    ///
    /// Only for what does not depend on the plaintext: [`Error::Keeper`], or
    /// [`Error::Key`] if `encrypted` is not as long as the modulus or the algorithm is not supported.
    fn decrypt(
        &self,
        transport: &KeyTransport,
        encrypted: &[u8],
        len: usize,
        rng: &mut dyn CryptoRng,
    ) -> Result<Zeroizing<Vec<u8>>>;
}

/// A key that agrees on a secret.
pub trait AgreementKey: Send + Sync {
    /// The public key: DER of a SubjectPublicKeyInfo.
    fn public_key(&self) -> &[u8];

    /// Its group.
    fn curve(&self) -> Curve;

    /// The shared secret with `peer`: of P-256 and P-384 the x-coordinate (32, 48 octets big-endian), of X25519 the
    /// u-coordinate (32 octets little-endian). `peer` is an SEC1 point, compressed or not, or 32 octets.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if `peer` is no point of the group or the secret would be zero.
    fn agree(&self, peer: &[u8]) -> Result<Zeroizing<Vec<u8>>>;
}

/// A key that decapsulates secrets (ML-KEM, RFC 9936).
pub trait KemKey: Send + Sync {
    /// The public key: DER of a SubjectPublicKeyInfo.
    fn public_key(&self) -> &[u8];

    /// The shared secret, 32 octets; by implicit rejection a random one for another key's `ciphertext`.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if `ciphertext` does not have its parameter set's length.
    fn decapsulate(&self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>>;
}

const UNSUPPORTED: Error = Error::Key("it is not for this algorithm");
