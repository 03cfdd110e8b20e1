//! Private keys sealed at rest: each under a key of its own, that one under a key-encryption key with a version.
//!
//! A private key is sealed under 32 fresh octets, its data key, with AES-256-GCM-SIV (RFC 8452), bound to its row. The
//! data key is wrapped under the key-encryption key of a version, bound to the row and the version. So a row opens only
//! as the row that it was written as: two of them can't be exchanged, nor can their versions. A new version of the
//! key-encryption key wraps the data keys anew; what was sealed with them stays as it is.
//!
//! ```
//! use sealpost_rollover::port::PrivateKey;
//! use sealpost_store::seal::{self, Keyring, Sealer};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let key = PrivateKey::from_pkcs8(b"a key".to_vec().into());
//! let source = format!("file:{}/keys", folder.path().display());
//! seal::create(&source)?;
//! let sealed = Keyring::open(&source)?.seal(b"row 1", &key)?;
//! // Later: a new version, and what was sealed under the old one moves to it.
//! seal::add_version(&source)?;
//! let keyring = Keyring::open(&source)?;
//! let moved = keyring.rewrap(b"row 1", &sealed)?;
//! assert_eq!((moved.version, keyring.version()), (2, 2));
//! assert_eq!(keyring.open(b"row 1", &moved)?.expose_pkcs8(), key.expose_pkcs8());
//! # Ok(())
//! # }
//! ```

mod envelope;
mod file;
mod keyring;
mod source;
mod text;
#[cfg(feature = "pkcs11")]
mod token;

use sealpost_rollover::port::PrivateKey;

use crate::Result;

pub use envelope::{DataKey, MemoryKey};
pub use keyring::{KeyEncryptionKey, Keyring};
pub use source::{add_version, create};

/// A sealed private key, as a row keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sealed {
    /// Which key-encryption key.
    pub version: u32,
    /// The key that it is sealed with, wrapped under the key-encryption key.
    pub wrapped: Vec<u8>,
    /// The private key, sealed.
    pub ciphertext: Vec<u8>,
}

impl Sealed {
    /// From the columns of a row.
    #[must_use]
    pub const fn new(version: u32, wrapped: Vec<u8>, ciphertext: Vec<u8>) -> Self {
        Self { version, wrapped, ciphertext }
    }
}

/// Seals and opens. `row` binds a sealed key to its row, so that rows can't be exchanged: subject, slot, number and
/// SHA-256 of the public key.
pub trait Sealer: Send + Sync {
    /// The version of the key-encryption key that new keys are sealed under.
    fn version(&self) -> u32;

    /// Seals `key`.
    ///
    /// # Errors
    ///
    /// [`Error::Keeper`](crate::Error::Keeper) if the key-encryption key can't be used.
    fn seal(&self, row: &[u8], key: &PrivateKey) -> Result<Sealed>;

    /// Opens `sealed`.
    ///
    /// # Errors
    ///
    /// [`Error::NotOpened`](crate::Error::NotOpened), [`Error::NoKeyEncryptionKey`](crate::Error::NoKeyEncryptionKey),
    /// [`Error::Keeper`](crate::Error::Keeper).
    fn open(&self, row: &[u8], sealed: &Sealed) -> Result<PrivateKey>;

    /// `sealed` under the current version: only the wrapped key changes. What is under it already stays as it is.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    fn rewrap(&self, row: &[u8], sealed: &Sealed) -> Result<Sealed>;
}
