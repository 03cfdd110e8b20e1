//! CBC with the padding of RFC 5652 §6.3.

use aes::{
    Block,
    cipher::{Array, BlockCipherDecrypt, BlockModeDecrypt, BlockSizeUser, InnerIvInit, array::ArraySize},
};
use cbc::Decryptor;
use des::TdesEde3;
use rc2::Rc2;
use subtle::{Choice, ConstantTimeEq, ConstantTimeGreater, ConstantTimeLess};
use zeroize::Zeroizing;

use super::{
    BUFFER, ContentCipher,
    aes::{AesDec, AesEnc},
};
use crate::Result;

/// Octets of the largest block.
const BLOCK: usize = 16;

/// Encrypts.
pub(in crate::enveloped) struct Encrypt {
    cipher: AesEnc,
    iv: Block,
}

impl Encrypt {
    /// `None` if key or nonce have the wrong length.
    pub(super) fn new(key: &[u8], iv: &[u8]) -> Option<Self> {
        Some(Self { cipher: AesEnc::new(key)?, iv: Block::try_from(iv).ok()? })
    }

    /// Encrypts whole blocks.
    pub(super) fn blocks(&mut self, octets: &mut [u8]) {
        let (blocks, _) = Block::slice_as_chunks_mut(octets);
        self.cipher.encrypt_chained(&mut self.iv, blocks);
    }

    /// Pads the last octets, and encrypts them.
    pub(super) fn last(mut self, octets: &mut Vec<u8>) {
        let padding = BLOCK - octets.len() % BLOCK;
        octets.resize(octets.len() + padding, u8::try_from(padding).unwrap_or_default());
        self.blocks(octets);
    }
}

/// Decrypts.
pub(in crate::enveloped) struct Decrypt {
    cipher: Cipher,
    block_len: usize,
    /// The last octets, at most a block: only at the end it is known where the padding is.
    held: Vec<u8>,
    buffer: Zeroizing<Vec<u8>>,
}

enum Cipher {
    Aes(Decryptor<AesDec>),
    TripleDes(Decryptor<TdesEde3>),
    Rc2(Decryptor<Rc2>),
}

impl Decrypt {
    /// `None` if key or nonce have the wrong length.
    pub(super) fn new(cipher: ContentCipher, key: &[u8], iv: &[u8]) -> Option<Self> {
        if key.len() != cipher.key_len() || iv.len() != cipher.block_len() {
            return None;
        }
        let mode = match cipher {
            ContentCipher::TripleDesCbc => Cipher::TripleDes(decryptor(keyed(key)?, iv)?),
            ContentCipher::Rc2Cbc40 => Cipher::Rc2(decryptor(Rc2::new_with_eff_key_len(key, 40), iv)?),
            ContentCipher::Rc2Cbc64 => Cipher::Rc2(decryptor(Rc2::new_with_eff_key_len(key, 64), iv)?),
            ContentCipher::Rc2Cbc128 => Cipher::Rc2(decryptor(Rc2::new_with_eff_key_len(key, 128), iv)?),
            _ => Cipher::Aes(decryptor(AesDec::new(key)?, iv)?),
        };
        let buffer = Zeroizing::new(vec![0; BUFFER]);
        Some(Self { cipher: mode, block_len: cipher.block_len(), held: Vec::with_capacity(2 * BLOCK), buffer })
    }

    /// Decrypts what may be known by now.
    pub(super) fn update(&mut self, mut input: &[u8], sink: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        if !self.held.is_empty() {
            let missing = (self.block_len - self.held.len()).min(input.len());
            let (now, rest) = input.split_at_checked(missing).unwrap_or_default();
            self.held.extend_from_slice(now);
            input = rest;
            if input.is_empty() {
                return Ok(());
            }
            let held = std::mem::take(&mut self.held);
            self.give(&held, sink)?;
            self.held = held;
            self.held.clear();
        }
        // All blocks but the last octets, of which at least one stays.
        let whole = input.len().saturating_sub(1) / self.block_len * self.block_len;
        let (whole, held) = input.split_at_checked(whole).unwrap_or_default();
        for piece in whole.chunks(BUFFER) {
            self.give(piece, sink)?;
        }
        self.held.extend_from_slice(held);
        Ok(())
    }

    /// Decrypts the last block, and says if its padding is right: then the rest of it is content.
    pub(super) fn finish(mut self, sink: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<Choice> {
        let mut last = Zeroizing::new([0; BLOCK]);
        // Always some block, so that the path is the same.
        self.held.resize(if self.held.len() == self.block_len { self.block_len } else { 0 }, 0);
        let whole = Choice::from(u8::from(self.held.len() == self.block_len));
        let last = last.get_mut(..self.block_len).unwrap_or_default();
        self.cipher.decrypt(&self.held, last);
        let right = whole & padding(last);
        let content = self.block_len - usize::from(last.last().copied().unwrap_or_default()).min(self.block_len);
        if bool::from(right) {
            sink(last.get(..content).unwrap_or_default())?;
        }
        Ok(right)
    }

    fn give(&mut self, blocks: &[u8], sink: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let out = self.buffer.get_mut(..blocks.len()).unwrap_or_default();
        self.cipher.decrypt(blocks, out);
        sink(out)
    }
}

impl Cipher {
    fn decrypt(&mut self, blocks: &[u8], out: &mut [u8]) {
        match self {
            Self::Aes(mode) => decrypt(mode, blocks, out),
            Self::TripleDes(mode) => decrypt(mode, blocks, out),
            Self::Rc2(mode) => decrypt(mode, blocks, out),
        }
    }
}

fn keyed<C: des::cipher::KeyInit>(key: &[u8]) -> Option<C> {
    C::new_from_slice(key).ok()
}

fn decryptor<C: BlockCipherDecrypt>(cipher: C, iv: &[u8]) -> Option<Decryptor<C>> {
    Decryptor::inner_iv_slice_init(cipher, iv).ok()
}

fn decrypt<C>(mode: &mut Decryptor<C>, blocks: &[u8], out: &mut [u8])
where
    C: BlockCipherDecrypt + BlockSizeUser,
    C::BlockSize: ArraySize,
{
    let (blocks, _) = Array::slice_as_chunks(blocks);
    let (out, _) = Array::slice_as_chunks_mut(out);
    // They have one length.
    let _ = mode.decrypt_blocks_b2b(blocks, out);
}

/// Whether the block ends in n octets of value n, for an n from 1 on; in constant time.
fn padding(block: &[u8]) -> Choice {
    let len = u8::try_from(block.len()).unwrap_or_default();
    let count = block.last().copied().unwrap_or_default();
    let mut right = count.ct_gt(&0) & !count.ct_gt(&len);
    for (octet, from_end) in block.iter().rev().zip(0u8..) {
        right &= octet.ct_eq(&count) | !from_end.ct_lt(&count);
    }
    right
}
