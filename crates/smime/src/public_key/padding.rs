//! The paddings of RSA (RFC 8017 §7, §8, §9). What is taken off a decrypted number is looked at in constant time:
//! the length of what is wanted is known, so every octet has its place.

use rand_core::CryptoRng;
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use crate::{
    algorithm::{Digest, Hasher},
    asn1::{write, write_oid},
};

/// At least so many octets of padding (RFC 8017 §7.2.1, §9.2).
const MIN_PADDING: usize = 8;

/// EME-PKCS1-v1_5 (RFC 8017 §7.2.1): none if `message` is too long for `len` octets.
pub(crate) fn pkcs1_pad(message: &[u8], len: usize, rng: &mut dyn CryptoRng) -> Option<Zeroizing<Vec<u8>>> {
    let padding = len.checked_sub(message.len() + 3).filter(|padding| *padding >= MIN_PADDING)?;
    let mut padded = Zeroizing::new(vec![0; len]);
    *padded.get_mut(1)? = 2;
    for octet in padded.iter_mut().skip(2).take(padding) {
        while *octet == 0 {
            rng.fill_bytes(std::slice::from_mut(octet));
        }
    }
    padded.get_mut(3 + padding..)?.copy_from_slice(message);
    Some(padded)
}

/// Takes a message of `len` octets off its padding; whether that was right is told apart. The time depends on lengths
/// only.
pub(crate) fn pkcs1_unpad(padded: &[u8], len: usize) -> (Choice, Zeroizing<Vec<u8>>) {
    let Some(start) = padded.len().checked_sub(len).filter(|start| *start >= MIN_PADDING + 3) else {
        return (Choice::from(0), Zeroizing::new(vec![0; len]));
    };
    let (padding, message) = padded.split_at_checked(start).unwrap_or_default();
    let right = padding.iter().enumerate().fold(Choice::from(1), |right, (place, octet)| {
        right
            & match place {
                0 => octet.ct_eq(&0),
                1 => octet.ct_eq(&2),
                _ if place + 1 == start => octet.ct_eq(&0),
                _ => !octet.ct_eq(&0),
            }
    });
    (right, Zeroizing::new(message.to_vec()))
}

/// EMSA-PKCS1-v1_5 (RFC 8017 §9.2): none if `len` octets are too few.
pub(crate) fn pkcs1_signed(digest: Digest, hash: &[u8], len: usize) -> Option<Vec<u8>> {
    let info = digest_info(digest, hash);
    let padding = len.checked_sub(info.len() + 3).filter(|padding| *padding >= MIN_PADDING)?;
    Some([&[0, 1], vec![0xff; padding].as_slice(), &[0], &info].concat())
}

/// DigestInfo (RFC 8017 §9.2), with NULL parameters.
pub(crate) fn digest_info(digest: Digest, hash: &[u8]) -> Vec<u8> {
    let algorithm = write(0x30, &[&write_oid(digest.oid()), &[5, 0]]);
    write(0x30, &[&algorithm, &write(0x04, &[hash])])
}

/// EME-OAEP (RFC 8017 §7.1).
pub(crate) struct Oaep<'a> {
    pub(crate) digest: Digest,
    pub(crate) mask: Digest,
    pub(crate) label: &'a [u8],
}

impl Oaep<'_> {
    /// None if `message` is too long for `len` octets.
    pub(crate) fn pad(&self, message: &[u8], len: usize, rng: &mut dyn CryptoRng) -> Option<Zeroizing<Vec<u8>>> {
        let hash = self.digest.len();
        let start = len.checked_sub(message.len()).filter(|start| *start >= 2 * hash + 2)?;
        let mut padded = Zeroizing::new(vec![0; len]);
        let (seed, block) = padded.get_mut(1..)?.split_at_mut_checked(hash)?;
        rng.fill_bytes(seed);
        block.get_mut(..hash)?.copy_from_slice(&self.digest.hash(self.label));
        let block_start = start - 1 - hash;
        *block.get_mut(block_start - 1)? = 1;
        block.get_mut(block_start..)?.copy_from_slice(message);
        mask_with(self.mask, seed, block);
        mask_with(self.mask, block, seed);
        Some(padded)
    }

    /// Takes a message of `len` octets off its padding; whether that was right is told apart. The time depends on
    /// lengths only.
    pub(crate) fn unpad(&self, padded: &mut [u8], len: usize) -> (Choice, Zeroizing<Vec<u8>>) {
        let wrong = || (Choice::from(0), Zeroizing::new(vec![0; len]));
        let hash = self.digest.len();
        let Some(start) = padded.len().checked_sub(len).filter(|start| *start >= 2 * hash + 2) else { return wrong() };
        let Some((first, rest)) = padded.split_first_mut() else { return wrong() };
        let Some((seed, block)) = rest.split_at_mut_checked(hash) else { return wrong() };
        mask_with(self.mask, block, seed);
        mask_with(self.mask, seed, block);
        let (padding, message) = block.split_at_checked(start - 1 - hash).unwrap_or_default();
        let (label, zeros) = padding.split_at_checked(hash).unwrap_or_default();
        let right = first.ct_eq(&0) & label.ct_eq(&self.digest.hash(self.label));
        let right = zeros
            .iter()
            .enumerate()
            .fold(right, |right, (place, octet)| right & octet.ct_eq(if place + 1 == zeros.len() { &1 } else { &0 }));
        (right, Zeroizing::new(message.to_vec()))
    }
}

/// EMSA-PSS (RFC 8017 §9.1).
pub(crate) struct Pss {
    pub(crate) digest: Digest,
    pub(crate) mask: Digest,
    /// Octets of salt.
    pub(crate) salt: usize,
}

impl Pss {
    /// Encodes `hash` for a modulus of `bits`, as long as the modulus; none if that is too short.
    pub(crate) fn encode(&self, hash: &[u8], bits: usize, rng: &mut dyn CryptoRng) -> Option<Vec<u8>> {
        let mut salt = vec![0; self.salt];
        rng.fill_bytes(&mut salt);
        let (len, clear) = Self::shape(bits)?;
        let block_len = len.checked_sub(hash.len() + 1).filter(|block| *block > self.salt)?;
        let inner = self.inner(hash, &salt);
        let zeros = vec![0; block_len - self.salt - 1];
        let mut block = [zeros.as_slice(), &[1], &salt].concat();
        mask_with(self.mask, &inner, &mut block);
        *block.first_mut()? &= clear;
        let filler = vec![0; bits.div_ceil(8) - len];
        Some([filler, block, inner, vec![0xbc]].concat())
    }

    /// Whether `encoded`, as long as the modulus, encodes `hash`.
    pub(crate) fn fits(&self, hash: &[u8], encoded: &[u8], bits: usize) -> bool {
        self.check(hash, encoded, bits).unwrap_or(false)
    }

    fn check(&self, hash: &[u8], encoded: &[u8], bits: usize) -> Option<bool> {
        let (len, clear) = Self::shape(bits)?;
        let (filler, encoded) = encoded.split_at_checked(encoded.len().checked_sub(len)?)?;
        let block_len = len.checked_sub(hash.len() + 1).filter(|block| *block > self.salt)?;
        let (block, rest) = encoded.split_at_checked(block_len)?;
        let (trailer, inner) = rest.split_last()?;
        let mut block = block.to_vec();
        let framed = filler.iter().all(|octet| *octet == 0) && *trailer == 0xbc && block.first()? & !clear == 0;
        mask_with(self.mask, inner, &mut block);
        *block.first_mut()? &= clear;
        let (padding, salt) = block.split_at_checked(block_len - self.salt)?;
        let (one, zeros) = padding.split_last()?;
        let padded = *one == 1 && zeros.iter().all(|octet| *octet == 0);
        Some(framed && padded && self.inner(hash, salt) == inner)
    }

    /// How many octets the encoding has, and which bits of its first one.
    fn shape(bits: usize) -> Option<(usize, u8)> {
        let encoded = bits.checked_sub(1)?;
        Some((encoded.div_ceil(8), 0xff >> (8 * encoded.div_ceil(8) - encoded)))
    }

    fn inner(&self, hash: &[u8], salt: &[u8]) -> Vec<u8> {
        let mut hasher = Hasher::new(self.digest);
        hasher.update(&[0; 8]);
        hasher.update(hash);
        hasher.update(salt);
        hasher.finish()
    }
}

/// XORs what MGF1 makes of `seed` into `octets` (RFC 8017 §B.2.1).
fn mask_with(digest: Digest, seed: &[u8], octets: &mut [u8]) {
    let mut seeded = Hasher::new(digest);
    seeded.update(seed);
    for (counter, chunk) in (0_u32..).zip(octets.chunks_mut(digest.len())) {
        let mut hasher = seeded.clone();
        hasher.update(&counter.to_be_bytes());
        let mask = Zeroizing::new(hasher.finish());
        chunk.iter_mut().zip(mask.iter()).for_each(|(octet, mask)| *octet ^= mask);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use getrandom::{SysRng, rand_core::UnwrapErr};

    #[test]
    fn pkcs1_comes_off_where_it_was_put_on_and_only_there() {
        let mut rng = UnwrapErr(SysRng);
        let key = [7; 32];
        let padded = pkcs1_pad(&key, 128, &mut rng).unwrap();
        let (right, message) = pkcs1_unpad(&padded, 32);
        assert!(bool::from(right) && message.as_slice() == key);
        for len in [16, 31, 33, 118, 128, 200] {
            let (right, message) = pkcs1_unpad(&padded, len);
            assert!(!bool::from(right) && message.len() == len);
        }
        for place in [0, 1, 95] {
            let mut damaged = padded.clone();
            damaged[place] ^= 1;
            assert!(!bool::from(pkcs1_unpad(&damaged, 32).0));
        }
        let mut short = padded.clone();
        short[50] = 0;
        assert!(!bool::from(pkcs1_unpad(&short, 32).0));
        assert!(pkcs1_pad(&[7; 118], 128, &mut rng).is_none());
        assert!(pkcs1_pad(&[7; 117], 128, &mut rng).is_some());
    }

    #[test]
    fn oaep_comes_off_where_it_was_put_on_and_only_there() {
        let mut rng = UnwrapErr(SysRng);
        let key = [7; 32];
        for (digest, mask) in
            [(Digest::Sha1, Digest::Sha1), (Digest::Sha256, Digest::Sha1), (Digest::Sha1, Digest::Sha512)]
        {
            let oaep = Oaep { digest, mask, label: b"label" };
            let padded = oaep.pad(&key, 128, &mut rng).unwrap();
            let (right, message) = oaep.unpad(&mut padded.clone(), 32);
            assert!(bool::from(right) && message.as_slice() == key);
            for len in [31, 33, 128, 200] {
                let (right, message) = oaep.unpad(&mut padded.clone(), len);
                assert!(!bool::from(right) && message.len() == len);
            }
            for place in 0..128 {
                let mut damaged = padded.clone();
                damaged[place] ^= 1;
                let (right, message) = oaep.unpad(&mut damaged, 32);
                assert!(!bool::from(right) || message.as_slice() != key);
            }
            assert!(!bool::from(Oaep { digest, mask, label: b"" }.unpad(&mut padded.clone(), 32).0));
            let longest = 128 - 2 * digest.len() - 2;
            assert!(oaep.pad(&vec![7; longest], 128, &mut rng).is_some());
            assert!(oaep.pad(&vec![7; longest + 1], 128, &mut rng).is_none());
        }
    }

    #[test]
    fn pss_fits_its_hash_and_its_salt() {
        let mut rng = UnwrapErr(SysRng);
        let hash = Digest::Sha256.hash(b"message");
        for bits in [1024, 1025, 1026, 1031, 2048] {
            for salt in [0, 32, 62] {
                let pss = Pss { digest: Digest::Sha256, mask: Digest::Sha384, salt };
                let encoded = pss.encode(&hash, bits, &mut rng).unwrap();
                assert_eq!(encoded.len(), bits.div_ceil(8));
                assert!(pss.fits(&hash, &encoded, bits));
                assert!(!pss.fits(&Digest::Sha256.hash(b"other"), &encoded, bits));
                assert!(!Pss { salt: salt + 1, ..pss }.fits(&hash, &encoded, bits));
                for place in 0..encoded.len() {
                    let mut damaged = encoded.clone();
                    damaged[place] ^= 0x80;
                    assert!(!pss.fits(&hash, &damaged, bits), "{bits} {salt} {place}");
                }
            }
        }
        assert!(
            Pss { digest: Digest::Sha512, mask: Digest::Sha512, salt: 64 }.encode(&[0; 64], 1024, &mut rng).is_none()
        );
    }
}
