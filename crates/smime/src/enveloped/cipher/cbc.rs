//! CBC with the padding of RFC 5652 §6.3.

use aes::{
    Block,
    cipher::{Array, BlockCipherDecrypt, BlockModeDecrypt, BlockSizeUser, InnerIvInit, array::ArraySize},
};
use cbc::Decryptor;
use des::TdesEde3;
use rc2::Rc2;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq, ConstantTimeGreater, ConstantTimeLess};
use zeroize::Zeroizing;

use super::{
    BUFFER, ContentCipher,
    aes::{AesDec, AesEnc},
};
use crate::Result;

/// How much is worked on at once: what the processor still has near when it is read again.
const NEAR: usize = 8 << 10;
/// Octets of the largest block.
pub(super) const BLOCK: usize = 16;

/// Encrypts.
pub(in crate::enveloped) struct Encrypt {
    cipher: AesEnc,
    iv: Block,
    /// What does not fill a block yet.
    pending: Zeroizing<Vec<u8>>,
}

impl Encrypt {
    /// `None` if key or nonce have the wrong length.
    pub(super) fn new(key: &[u8], iv: &[u8]) -> Option<Self> {
        let pending = Zeroizing::new(Vec::with_capacity(BLOCK));
        Some(Self { cipher: AesEnc::new(key)?, iv: Block::try_from(iv).ok()?, pending })
    }

    /// Encrypts all blocks that are full by now. `out` has room for `octets` and a block; how much of it was filled is
    /// returned.
    pub(super) fn encrypt(&mut self, octets: &[u8], out: &mut [u8]) -> usize {
        let missing = if self.pending.is_empty() { 0 } else { BLOCK - self.pending.len() };
        let Some((end, rest)) = octets.split_at_checked(missing) else {
            self.pending.extend_from_slice(octets);
            return 0;
        };
        self.pending.extend_from_slice(end);
        let (first, _) = Block::slice_as_chunks(&self.pending);
        let (blocks, behind) = Block::slice_as_chunks(rest);
        let (first_out, out) = Block::slice_as_chunks_mut(out).0.split_at_mut_checked(first.len()).unwrap_or_default();
        self.cipher.encrypt_chained(&mut self.iv, first, first_out);
        self.cipher.encrypt_chained(&mut self.iv, blocks, out);
        let filled = (first.len() + blocks.len()) * BLOCK;
        self.pending.clear();
        self.pending.extend_from_slice(behind);
        filled
    }

    /// Pads the last octets, and encrypts them.
    pub(super) fn last(&mut self, out: &mut [u8]) -> usize {
        let padding = BLOCK - self.pending.len();
        let padding = Zeroizing::new(vec![u8::try_from(padding).unwrap_or_default(); padding]);
        self.encrypt(&padding, out)
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
    Aes(Aes),
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
            _ => Cipher::Aes(Aes { cipher: AesDec::new(key)?, last: Block::try_from(iv).ok()? }),
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
    pub(super) fn finish(&mut self, sink: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<Choice> {
        let (right, last, content) = self.last();
        if bool::from(right) {
            sink(last.get(..usize::from(content)).unwrap_or_default())?;
        }
        Ok(right)
    }

    /// The same in time that does not tell: the whole block is given out, with blanks in the place of what is no content.
    pub(super) fn finish_blank(&mut self, sink: &mut dyn FnMut(&[u8])) -> Choice {
        let (right, mut last, content) = self.last();
        let content = u8::conditional_select(&0, &content, right);
        for (octet, place) in last.iter_mut().zip(0u8..) {
            octet.conditional_assign(&b' ', !place.ct_lt(&content));
        }
        sink(last.get(..self.block_len).unwrap_or_default());
        right
    }

    /// The last block, whether its padding is right, and how many octets of it are content then.
    fn last(&mut self) -> (Choice, Zeroizing<[u8; BLOCK]>, u8) {
        let mut last = Zeroizing::new([0; BLOCK]);
        // Always some block, so that the path is the same.
        self.held.resize(if self.held.len() == self.block_len { self.block_len } else { 0 }, 0);
        let whole = Choice::from(u8::from(self.held.len() == self.block_len));
        let block = last.get_mut(..self.block_len).unwrap_or_default();
        self.cipher.decrypt(&self.held, block);
        let right = whole & padding(block);
        let count = block.last().copied().unwrap_or_default();
        (right, last, u8::try_from(self.block_len).unwrap_or_default().wrapping_sub(count))
    }

    fn give(&mut self, blocks: &[u8], sink: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let out = self.buffer.get_mut(..blocks.len()).unwrap_or_default();
        self.cipher.decrypt(blocks, out);
        sink(out)
    }
}

/// AES. First all blocks are decrypted, then all are chained: the mode of the `cbc` crate copies each run of blocks.
struct Aes {
    cipher: AesDec,
    /// The last block of ciphertext.
    last: Block,
}

impl Aes {
    fn decrypt(&mut self, blocks: &[u8], out: &mut [u8]) {
        for (blocks, out) in blocks.chunks(NEAR).zip(out.chunks_mut(NEAR)) {
            let ((whole, _), (out_whole, _)) = (Block::slice_as_chunks(blocks), Block::slice_as_chunks_mut(out));
            // They have one length.
            let _ = self.cipher.decrypt_blocks_b2b(whole, out_whole);
            let (first, rest) = out.split_at_mut(BLOCK.min(out.len()));
            xor(first, &self.last);
            xor(rest, blocks);
            self.last = whole.last().copied().unwrap_or(self.last);
        }
    }
}

fn xor(to: &mut [u8], from: &[u8]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to ^= from);
}

impl Cipher {
    fn decrypt(&mut self, blocks: &[u8], out: &mut [u8]) {
        match self {
            Self::Aes(aes) => aes.decrypt(blocks, out),
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
