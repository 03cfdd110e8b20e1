//! AES-256-GCM-SIV (RFC 8452), for both layers: the private key under its data key, the data key under a key-encryption
//! key in memory.

use std::fmt;

use aes_gcm_siv::{Aes256GcmSiv, KeyInit, Nonce, Tag, aead::AeadInOut};
use zeroize::Zeroizing;

use super::keyring::KeyEncryptionKey;
use crate::{Error, Result};

/// Octets of a key.
pub(super) const KEY: usize = 32;
/// Octets of a nonce (RFC 8452 §4).
pub(super) const NONCE: usize = 12;
/// Octets of a tag (RFC 8452 §4).
pub(super) const TAG: usize = 16;

/// Random octets; `None` if the system has none.
pub(super) fn random(octets: &mut [u8]) -> Result<()> {
    getrandom::fill(octets).map_err(|_| Error::Randomness)
}

/// The key that one private key is sealed under: 32 octets, wiped when dropped.
pub struct DataKey(Zeroizing<Vec<u8>>);

impl DataKey {
    /// A new one.
    ///
    /// # Errors
    ///
    /// [`Error::Randomness`].
    pub fn random() -> Result<Self> {
        let mut octets = Zeroizing::new(vec![0; KEY]);
        random(&mut octets)?;
        Ok(Self(octets))
    }

    /// From its octets; `None` if there are not 32.
    #[must_use]
    pub fn from_octets(octets: Zeroizing<Vec<u8>>) -> Option<Self> {
        (octets.len() == KEY).then_some(Self(octets))
    }

    /// Its octets: the secret itself.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Seals `secret`. A data key seals one thing once, so its nonce is always the same.
    pub(super) fn seal(&self, bound: &[u8], secret: &[u8]) -> Option<Vec<u8>> {
        seal(&self.0, &Nonce::default(), bound, secret)
    }

    /// Opens what [`seal`](Self::seal) gave.
    pub(super) fn open(&self, bound: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        open(&self.0, &Nonce::default(), bound, sealed)
    }
}

/// Nothing of its value.
impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(…)")
    }
}

/// A key-encryption key in memory: 32 octets, wiped when dropped. What it wraps is a random nonce of 12 octets, the
/// sealed data key and a tag of 16: 60 octets. One key may wrap more than any store holds (RFC 8452 §6).
pub struct MemoryKey(Zeroizing<Vec<u8>>);

impl MemoryKey {
    /// A new one.
    ///
    /// # Errors
    ///
    /// [`Error::Randomness`].
    pub fn random() -> Result<Self> {
        let mut octets = Zeroizing::new(vec![0; KEY]);
        random(&mut octets)?;
        Ok(Self(octets))
    }

    /// From its octets; `None` if there are not 32.
    #[must_use]
    pub fn from_octets(octets: Zeroizing<Vec<u8>>) -> Option<Self> {
        (octets.len() == KEY).then_some(Self(octets))
    }

    /// Its octets: the secret itself.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl KeyEncryptionKey for MemoryKey {
    fn wrap_key(&self, bound: &[u8], key: &DataKey) -> Result<Vec<u8>> {
        let mut nonce = Nonce::default();
        random(&mut nonce)?;
        let sealed = seal(&self.0, &nonce, bound, key.expose());
        let sealed = sealed.ok_or_else(|| Error::Keeper("a data key can't be wrapped".to_owned()))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    fn unwrap_key(&self, bound: &[u8], wrapped: &[u8]) -> Result<Option<DataKey>> {
        let key = wrapped
            .split_first_chunk::<NONCE>()
            .and_then(|(nonce, sealed)| DataKey::from_octets(open(&self.0, &Nonce::from(*nonce), bound, sealed)?));
        Ok(key)
    }
}

/// Nothing of its value.
impl fmt::Debug for MemoryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryKey(…)")
    }
}

/// The ciphertext, and behind it the tag.
fn seal(key: &[u8], nonce: &Nonce, bound: &[u8], secret: &[u8]) -> Option<Vec<u8>> {
    let cipher = Aes256GcmSiv::new_from_slice(key).ok()?;
    // With room for the tag: where it grew, a copy of the secret would stay behind.
    let mut octets = Zeroizing::new(Vec::with_capacity(secret.len() + TAG));
    octets.extend_from_slice(secret);
    let tag = cipher.encrypt_inout_detached(nonce, bound, octets.as_mut_slice().into()).ok()?;
    octets.extend_from_slice(&tag);
    Some(std::mem::take(&mut *octets))
}

/// The secret, if the tag is right.
fn open(key: &[u8], nonce: &Nonce, bound: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let cipher = Aes256GcmSiv::new_from_slice(key).ok()?;
    let (sealed, tag) = sealed.split_last_chunk::<TAG>()?;
    let mut octets = Zeroizing::new(sealed.to_vec());
    cipher.decrypt_inout_detached(nonce, bound, octets.as_mut_slice().into(), &Tag::from(*tag)).ok()?;
    Some(octets)
}
