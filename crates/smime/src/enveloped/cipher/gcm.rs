//! GCM in a stream (NIST SP 800-38D §7): counter mode, and GHASH over the ciphertext.

use aes::{
    Block,
    cipher::{BlockCipherEncrypt, InnerIvInit, StreamCipher, StreamCipherCoreWrapper},
};
use ctr::{Ctr32BE, CtrCore};
use ghash::{GHash, universal_hash::UniversalHash};
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, Zeroizing};

use super::aes::AesEnc;
use crate::{Error, Result};

type Octets = Zeroizing<[u8; 16]>;

/// Octets after which the counter would start again (SP 800-38D §5.2.1.1).
const CONTENT_MAX: u64 = ((1 << 32) - 2) * 16;

/// How much is worked on at once: what the processor still has near when it is read again.
const NEAR: usize = 8 << 10;

/// The tag of a ciphertext, without decrypting it.
pub(in crate::enveloped) struct Authenticator {
    hash: GHash,
    key: Octets,
    mask: Octets,
    /// What does not fill a block yet.
    pending: Vec<u8>,
    octets: u64,
    tag_len: usize,
}

impl Authenticator {
    /// `None` if the key has the wrong length.
    pub(super) fn new(key: &[u8], nonce: &[u8], tag_len: usize) -> Option<Self> {
        let cipher = AesEnc::new(key)?;
        Some(Self::with(&cipher, &first_counter(&cipher, nonce), tag_len))
    }

    fn with(cipher: &AesEnc, first: &Block, tag_len: usize) -> Self {
        let (key, mask) = (hash_key(cipher), encrypted(cipher, first));
        let hash = GHash::new(&Block::from(*key));
        Self { hash, key, mask, pending: Vec::with_capacity(16), octets: 0, tag_len }
    }

    /// More of the ciphertext.
    pub(super) fn update(&mut self, mut ciphertext: &[u8]) {
        self.octets = self.octets.saturating_add(u64::try_from(ciphertext.len()).unwrap_or(u64::MAX));
        if !self.pending.is_empty() {
            let missing = (16 - self.pending.len()).min(ciphertext.len());
            let (now, rest) = ciphertext.split_at_checked(missing).unwrap_or_default();
            self.pending.extend_from_slice(now);
            ciphertext = rest;
            if self.pending.len() < 16 {
                return;
            }
            self.hash.update_padded(&self.pending);
            self.pending.clear();
        }
        let (blocks, rest) = Block::slice_as_chunks(ciphertext);
        self.hash.update(blocks);
        self.pending.extend_from_slice(rest);
    }

    /// Whether this is the tag.
    pub(super) fn verify(&mut self, additional: &[u8], tag: &[u8]) -> Choice {
        let len = self.tag_len;
        let expected = self.finish(additional);
        // Slices of other lengths are never equal.
        expected.get(..len).unwrap_or(expected.as_slice()).ct_eq(tag)
    }

    /// The whole tag. `additional` data stands before the ciphertext in GHASH, but behind it in the message: as GHASH is
    /// linear, its part is multiplied by the power of the key for the blocks that came since.
    fn finish(&mut self, additional: &[u8]) -> Octets {
        self.hash.update_padded(&self.pending);
        let mut sum: Octets = Zeroizing::new(self.hash.clone().finalize().into());
        if !additional.is_empty() {
            let mut hash = GHash::new(&Block::from(*self.key));
            hash.update_padded(additional);
            let moved = times_power(Zeroizing::new(hash.finalize().into()), &self.key, self.octets.div_ceil(16));
            xor(&mut sum, &moved);
        }
        let bits = |octets: u64| u128::from(octets) * 8;
        let additional = bits(u64::try_from(additional.len()).unwrap_or(u64::MAX));
        xor(&mut sum, &(additional << 64 | bits(self.octets)).to_be_bytes());
        let mut tag = times(&sum, &self.key);
        xor(&mut tag, &self.mask);
        tag
    }
}

/// Encrypts or decrypts, and authenticates.
pub(in crate::enveloped) struct Gcm {
    stream: Ctr32BE<AesEnc>,
    authenticator: Authenticator,
}

impl Gcm {
    /// `None` if the key has the wrong length.
    pub(super) fn new(key: &[u8], nonce: &[u8], tag_len: usize) -> Option<Self> {
        let cipher = AesEnc::new(key)?;
        let first = first_counter(&cipher, nonce);
        let authenticator = Authenticator::with(&cipher, &first, tag_len);
        let mut second = first;
        if let [.., a, b, c, d] = second.as_mut_slice() {
            let counter = u32::from_be_bytes([*a, *b, *c, *d]).wrapping_add(1);
            [*a, *b, *c, *d] = counter.to_be_bytes();
        }
        let stream = StreamCipherCoreWrapper::from_core(CtrCore::inner_iv_init(cipher, &second));
        Some(Self { stream, authenticator })
    }

    /// The tag of what was encrypted, at the end.
    pub(super) fn tag(&mut self) -> Octets {
        self.authenticator.finish(&[])
    }

    /// Whether this is the tag of what was decrypted, at the end.
    pub(super) fn verify(&mut self, additional: &[u8], tag: &[u8]) -> Choice {
        self.authenticator.verify(additional, tag)
    }

    /// Encrypts into `ciphertext`, which is as long as `plaintext`.
    pub(super) fn encrypt(&mut self, plaintext: &[u8], ciphertext: &mut [u8]) -> Result<()> {
        for (plaintext, ciphertext) in plaintext.chunks(NEAR).zip(ciphertext.chunks_mut(NEAR)) {
            self.stream.try_apply_keystream_b2b(plaintext, ciphertext).map_err(|_| too_long())?;
            self.authenticator.update(ciphertext);
        }
        Ok(())
    }

    /// Decrypts into `plaintext`, which is as long as `ciphertext`.
    pub(super) fn decrypt(&mut self, ciphertext: &[u8], plaintext: &mut [u8]) -> Result<()> {
        for (ciphertext, plaintext) in ciphertext.chunks(NEAR).zip(plaintext.chunks_mut(NEAR)) {
            self.authenticator.update(ciphertext);
            self.stream.try_apply_keystream_b2b(ciphertext, plaintext).map_err(|_| too_long())?;
        }
        Ok(())
    }
}

fn too_long() -> Error {
    Error::Limit { what: "octets of content", limit: CONTENT_MAX }
}

fn encrypted(cipher: &AesEnc, block: &Block) -> Octets {
    let mut block = *block;
    cipher.encrypt_block(&mut block);
    let octets = Zeroizing::new(block.into());
    block.as_mut_slice().zeroize();
    octets
}

fn hash_key(cipher: &AesEnc) -> Octets {
    encrypted(cipher, &Block::default())
}

/// The block that masks the tag (SP 800-38D §7.1, step 2).
fn first_counter(cipher: &AesEnc, nonce: &[u8]) -> Block {
    let mut block = Block::default();
    if nonce.len() == 12 {
        block.iter_mut().zip(nonce.iter().chain(&[0, 0, 0, 1])).for_each(|(to, from)| *to = *from);
        return block;
    }
    let mut hash = GHash::new(&Block::from(*hash_key(cipher)));
    hash.update_padded(nonce);
    let bits = u128::try_from(nonce.len()).unwrap_or(u128::MAX) * 8;
    hash.update(&[Block::from(bits.to_be_bytes())]);
    hash.finalize()
}

fn xor(to: &mut [u8; 16], from: &[u8; 16]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to ^= from);
}

/// The product in the field of GHASH.
fn times(a: &[u8; 16], b: &[u8; 16]) -> Octets {
    let mut hash = GHash::new(&Block::from(*b));
    hash.update(&[Block::from(*a)]);
    Zeroizing::new(hash.finalize().into())
}

/// `a` times a power of `base`.
fn times_power(mut a: Octets, base: &Octets, mut exponent: u64) -> Octets {
    let mut square = base.clone();
    while exponent > 0 {
        if exponent & 1 == 1 {
            a = times(&a, &square);
        }
        square = times(&square, &square);
        exponent >>= 1;
    }
    a
}
