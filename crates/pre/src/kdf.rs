//! The key derivation of ECDH in OpenPGP ([RFC 9580 §11.5](https://www.rfc-editor.org/rfc/rfc9580#section-11.5)).

use aes::{Aes128, Aes192, Aes256, cipher::KeyInit};
use aes_kw::AesKw;
use sha2::{Digest, Sha256, Sha384, Sha512};
use zeroize::{Zeroize, Zeroizing};

use crate::{Error, Fingerprint, Result};

/// A hash function of the key derivation, by its number in OpenPGP's registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HashAlgorithm {
    /// SHA2-256, number 8.
    Sha256,
    /// SHA2-384, number 9.
    Sha384,
    /// SHA2-512, number 10.
    Sha512,
}

/// A block cipher of the key wrap, by its number in OpenPGP's registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SymmetricAlgorithm {
    /// AES with 128-bit keys, number 7.
    Aes128,
    /// AES with 192-bit keys, number 8.
    Aes192,
    /// AES with 256-bit keys, number 9.
    Aes256,
}

/// The hash and the cipher that a Curve25519 subkey asks for. Forwarder and forwardee share them: the
/// sender derived the key with the forwarder's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Kdf {
    /// The hash function.
    pub hash: HashAlgorithm,
    /// The cipher that wraps the session key.
    pub symmetric: SymmetricAlgorithm,
}

/// The object identifier of Curve25519 in OpenPGP, 1.3.6.1.4.1.3029.1.5.1, with its length in front.
pub(crate) const CURVE_OID: [u8; 11] = [0x0A, 0x2B, 0x06, 0x01, 0x04, 0x01, 0x97, 0x55, 0x01, 0x05, 0x01];
/// ECDH in OpenPGP's registry of public key algorithms.
pub(crate) const ECDH: u8 = 18;
const SENDER: &[u8; 20] = b"Anonymous Sender    ";

impl Kdf {
    /// From the numbers in OpenPGP's registries of hash functions and of symmetric algorithms.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] for other numbers than 8 to 10 and 7 to 9: RFC 9580 §11.5.1 allows
    /// nothing else for this curve.
    pub fn from_ids(hash: u8, symmetric: u8) -> Result<Self> {
        let hash = match hash {
            8 => HashAlgorithm::Sha256,
            9 => HashAlgorithm::Sha384,
            10 => HashAlgorithm::Sha512,
            id => return Err(Error::Unsupported { what: "hash function of the key derivation", id }),
        };
        let symmetric = match symmetric {
            7 => SymmetricAlgorithm::Aes128,
            8 => SymmetricAlgorithm::Aes192,
            9 => SymmetricAlgorithm::Aes256,
            id => return Err(Error::Unsupported { what: "cipher of the key wrap", id }),
        };
        Ok(Self { hash, symmetric })
    }

    /// The numbers of the hash function and of the cipher.
    #[must_use]
    pub const fn ids(self) -> (u8, u8) {
        let hash = match self.hash {
            HashAlgorithm::Sha256 => 8,
            HashAlgorithm::Sha384 => 9,
            HashAlgorithm::Sha512 => 10,
        };
        let symmetric = match self.symmetric {
            SymmetricAlgorithm::Aes128 => 7,
            SymmetricAlgorithm::Aes192 => 8,
            SymmetricAlgorithm::Aes256 => 9,
        };
        (hash, symmetric)
    }

    /// Unwraps a session key block (RFC 9580 §5.1.5 and RFC 3394) with the key derived from the shared
    /// secret, and leaves `padded` with what was wrapped, its padding included.
    ///
    /// For a forwardee `fingerprint` is the one in the subkey's KDF field, and the parameters are hashed
    /// as the sender hashed them: `03 01 hash symmetric`, not the stored `17 FF …`.
    pub(crate) fn unwrap(
        self,
        shared: &[u8; 32],
        fingerprint: &Fingerprint,
        wrapped: &[u8],
        padded: &mut [u8],
    ) -> Result<()> {
        let key = self.derive(shared, fingerprint);
        let unwrapped = match self.symmetric {
            SymmetricAlgorithm::Aes128 => AesKw::<Aes128>::new(&take(&key)).unwrap_key(wrapped, padded).is_ok(),
            SymmetricAlgorithm::Aes192 => AesKw::<Aes192>::new(&take(&key)).unwrap_key(wrapped, padded).is_ok(),
            SymmetricAlgorithm::Aes256 => AesKw::<Aes256>::new(&take(&key)).unwrap_key(wrapped, padded).is_ok(),
        };
        if unwrapped { Ok(()) } else { Err(Error::Decryption) }
    }

    fn derive(self, shared: &[u8; 32], fingerprint: &Fingerprint) -> Zeroizing<[u8; 64]> {
        match self.hash {
            HashAlgorithm::Sha256 => self.digest::<Sha256>(shared, fingerprint),
            HashAlgorithm::Sha384 => self.digest::<Sha384>(shared, fingerprint),
            HashAlgorithm::Sha512 => self.digest::<Sha512>(shared, fingerprint),
        }
    }

    /// `Hash(00 00 00 01 ‖ shared ‖ OID ‖ 18 ‖ 03 01 hash symmetric ‖ "Anonymous Sender    " ‖ fingerprint)`.
    fn digest<D: Digest>(self, shared: &[u8; 32], fingerprint: &Fingerprint) -> Zeroizing<[u8; 64]> {
        let (hash, symmetric) = self.ids();
        let mut output = D::new()
            .chain_update([0, 0, 0, 1])
            .chain_update(shared)
            .chain_update(CURVE_OID)
            .chain_update([ECDH, 3, 1, hash, symmetric])
            .chain_update(SENDER)
            .chain_update(fingerprint.as_bytes())
            .finalize();
        let mut key = Zeroizing::new([0; 64]);
        for (to, from) in key.iter_mut().zip(output.iter()) {
            *to = *from;
        }
        output.as_mut_slice().zeroize();
        key
    }
}

/// The first octets of a derived key, as many as the cipher takes.
fn take<N: aes::cipher::array::ArraySize>(key: &[u8; 64]) -> aes::cipher::Array<u8, N> {
    aes::cipher::Array::from_fn(|i| key.get(i).copied().unwrap_or_default())
}
