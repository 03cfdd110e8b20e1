//! Key-encryption keys by their versions, and sealing with them.

use std::{collections::BTreeMap, fmt};

use base16ct::lower::encode_string;
use sealpost_rollover::port::PrivateKey;

use super::{DataKey, Sealed, Sealer};
use crate::{Error, Result};

/// What a data key and a private key are bound to starts with what it is, so that one never passes for the other.
const WRAPPED: &[u8] = b"sealpost data key 1\0";
const SEALED: &[u8] = b"sealpost private key 1\0";

/// A key that wraps data keys. It may be in memory, or never leave where it is kept.
pub trait KeyEncryptionKey: Send + Sync {
    /// Wraps `key` and binds it to the octets `bound`.
    ///
    /// # Errors
    ///
    /// [`Error::Keeper`] if whoever keeps the key-encryption key gives no result.
    fn wrap_key(&self, bound: &[u8], key: &DataKey) -> Result<Vec<u8>>;

    /// The data key; `None` if `wrapped` was made by another key, was changed, or is bound to something else.
    ///
    /// # Errors
    ///
    /// As [`wrap_key`](Self::wrap_key); never for what `wrapped` holds.
    fn unwrap_key(&self, bound: &[u8], wrapped: &[u8]) -> Result<Option<DataKey>>;
}

/// Key-encryption keys with their versions: new keys are sealed under one of them, the current one; the others open
/// what was sealed before.
pub struct Keyring {
    current: u32,
    keys: BTreeMap<u32, Box<dyn KeyEncryptionKey>>,
}

impl Keyring {
    /// Of these keys; the highest version is the current one.
    ///
    /// # Errors
    ///
    /// [`Error::KeySource`] if there is none, or two of one version.
    pub fn new(keys: impl IntoIterator<Item = (u32, Box<dyn KeyEncryptionKey>)>) -> Result<Self> {
        let mut ring = Self { current: 0, keys: BTreeMap::new() };
        ring.add(keys)?;
        if ring.keys.is_empty() {
            return Err(Error::source("a keyring", "there is none"));
        }
        Ok(ring)
    }

    fn add(&mut self, keys: impl IntoIterator<Item = (u32, Box<dyn KeyEncryptionKey>)>) -> Result<()> {
        for (version, key) in keys {
            if self.keys.insert(version, key).is_some() {
                return Err(Error::source("a keyring", format_args!("version {version} is there twice")));
            }
            self.current = self.current.max(version);
        }
        Ok(())
    }

    /// With the keys of `other` too, so that keys can move from one place to another: from a file to a token. The
    /// highest version is the current one.
    ///
    /// # Errors
    ///
    /// [`Error::KeySource`] if both have a version.
    pub fn joined_with(mut self, other: Self) -> Result<Self> {
        self.add(other.keys)?;
        Ok(self)
    }

    /// Seals under that version, which need not be the highest: until all nodes have a new one.
    ///
    /// # Errors
    ///
    /// [`Error::NoKeyEncryptionKey`] if there is none of it.
    pub fn with_current(mut self, version: u32) -> Result<Self> {
        self.key(version)?;
        self.current = version;
        Ok(self)
    }

    /// The versions that it opens.
    pub fn versions(&self) -> impl Iterator<Item = u32> {
        self.keys.keys().copied()
    }

    fn key(&self, version: u32) -> Result<&dyn KeyEncryptionKey> {
        self.keys.get(&version).map(|key| &**key).ok_or(Error::NoKeyEncryptionKey { version })
    }

    fn wrap(&self, row: &[u8], key: &DataKey) -> Result<Vec<u8>> {
        self.key(self.current)?.wrap_key(&wrapping(row, self.current), key)
    }

    fn data_key(&self, row: &[u8], sealed: &Sealed) -> Result<DataKey> {
        let key = self.key(sealed.version)?.unwrap_key(&wrapping(row, sealed.version), &sealed.wrapped)?;
        key.ok_or_else(|| not_opened(row))
    }
}

impl Sealer for Keyring {
    fn version(&self) -> u32 {
        self.current
    }

    fn seal(&self, row: &[u8], key: &PrivateKey) -> Result<Sealed> {
        let data_key = DataKey::random()?;
        let ciphertext = data_key.seal(&sealing(row), key.expose_pkcs8());
        let ciphertext = ciphertext.ok_or_else(|| Error::Keeper("a private key can't be sealed".to_owned()))?;
        Ok(Sealed::new(self.current, self.wrap(row, &data_key)?, ciphertext))
    }

    fn open(&self, row: &[u8], sealed: &Sealed) -> Result<PrivateKey> {
        let key = self.data_key(row, sealed)?.open(&sealing(row), &sealed.ciphertext);
        key.map(PrivateKey::from_pkcs8).ok_or_else(|| not_opened(row))
    }

    fn rewrap(&self, row: &[u8], sealed: &Sealed) -> Result<Sealed> {
        if sealed.version == self.current {
            return Ok(sealed.clone());
        }
        let wrapped = self.wrap(row, &self.data_key(row, sealed)?)?;
        Ok(Sealed::new(self.current, wrapped, sealed.ciphertext.clone()))
    }
}

/// Its versions; nothing of the keys.
impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let versions: Vec<_> = self.versions().collect();
        f.debug_struct("Keyring").field("current", &self.current).field("versions", &versions).finish_non_exhaustive()
    }
}

/// What a data key is bound to: the version has a fixed length, so that no row and version look like others.
fn wrapping(row: &[u8], version: u32) -> Vec<u8> {
    [WRAPPED, &version.to_be_bytes(), row].concat()
}

/// What a private key is bound to. Not to a version: it stays as it is when its data key is wrapped anew.
fn sealing(row: &[u8]) -> Vec<u8> {
    [SEALED, row].concat()
}

pub(super) fn not_opened(row: &[u8]) -> Error {
    let text = std::str::from_utf8(row).ok().filter(|text| !text.chars().any(char::is_control));
    Error::NotOpened { row: text.map_or_else(|| encode_string(row), str::to_owned) }
}
