//! Secret key protection: a passphrase becomes a key
//! ([RFC 9580 §3.7](https://www.rfc-editor.org/rfc/rfc9580#section-3.7)), the key encrypts the secret with AES in
//! CFB mode and a SHA-1 hash inside (§5.5.3, "usage 254").

use alloc::vec::Vec;

use aes::{
    Aes128, Aes192, Aes256,
    cipher::{BlockCipherEncrypt, BlockSizeUser, InnerIvInit, KeyInit, typenum::U16},
};
use rand_core::CryptoRng;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{Error, Result, error::wide, packet::Fields};

const USAGE_SHA1: u8 = 254;
const USAGE_CHECKSUM: u8 = 255;
const AES256: u8 = 9;
const ITERATED: u8 = 3;
const SHA256: u8 = 8;
/// 16 MiB are hashed: what OpenPGP.js does.
const COUNT: u8 = 0xE0;

/// The secret part of a key packet, in the clear or locked.
pub(crate) enum SecretPart {
    Clear(Zeroizing<Vec<u8>>),
    Locked(Locked),
}

/// A secret part that needs a passphrase.
#[derive(Debug)]
pub(crate) struct Locked {
    usage: u8,
    cipher: u8,
    derivation: Derivation,
    iv: [u8; 16],
    ciphertext: Vec<u8>,
}

/// String-to-key (RFC 9580 §3.7.1): the hash, the salt, and how many octets are hashed.
#[derive(Clone, Copy, Debug)]
struct Derivation {
    hash: u8,
    salt: Option<[u8; 8]>,
    count: u64,
}

impl SecretPart {
    /// Reads the secret part of a version 4 key packet (RFC 9580 §5.5.3).
    pub(crate) fn parse(secret: &[u8], at: usize) -> Result<Self> {
        let mut fields = Fields::new(secret, at, "secret key");
        let usage = fields.octet()?;
        match usage {
            0 => checked(fields.rest()).map(Self::Clear),
            USAGE_SHA1 | USAGE_CHECKSUM => {
                let cipher = fields.octet()?;
                let derivation = Derivation::parse(&mut fields)?;
                let iv = *fields.array()?;
                Ok(Self::Locked(Locked { usage, cipher, derivation, iv, ciphertext: fields.rest().to_vec() }))
            }
            id => Err(Error::Unsupported { what: "protection of the secret key", id }),
        }
    }
}

impl Locked {
    /// The secret's fields. [`Error::WrongPassphrase`] if the passphrase is another one.
    pub(crate) fn unlock(&self, passphrase: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let mut plaintext = Zeroizing::new(self.ciphertext.clone());
        let key = self.derivation.derive(passphrase)?;
        match self.cipher {
            7 => decrypt::<Aes128>(&key, &self.iv, &mut plaintext),
            8 => decrypt::<Aes192>(&key, &self.iv, &mut plaintext),
            AES256 => decrypt::<Aes256>(&key, &self.iv, &mut plaintext),
            id => return Err(Error::Unsupported { what: "cipher of the secret key", id }),
        }
        if self.usage == USAGE_CHECKSUM {
            return checked(&plaintext).map_err(|_| Error::WrongPassphrase);
        }
        let (secret, hash) = plaintext.split_last_chunk::<20>().ok_or(Error::WrongPassphrase)?;
        let right = bool::from(Sha1::digest(secret).as_slice().ct_eq(hash));
        if right { Ok(Zeroizing::new(secret.to_vec())) } else { Err(Error::WrongPassphrase) }
    }
}

impl Derivation {
    fn parse(fields: &mut Fields<'_>) -> Result<Self> {
        let kind = fields.octet()?;
        let hash = fields.octet()?;
        let (salt, count) = match kind {
            0 => (None, 0),
            1 => (Some(*fields.array()?), 0),
            ITERATED => (Some(*fields.array()?), count(fields.octet()?)),
            id => return Err(Error::Unsupported { what: "key derivation from a passphrase", id }),
        };
        Ok(Self { hash, salt, count })
    }

    /// 32 octets of key; the cipher takes as many as it needs.
    fn derive(&self, passphrase: &[u8]) -> Result<Zeroizing<[u8; 32]>> {
        match self.hash {
            2 => Ok(self.stretch::<Sha1>(passphrase)),
            SHA256 => Ok(self.stretch::<Sha256>(passphrase)),
            9 => Ok(self.stretch::<Sha384>(passphrase)),
            10 => Ok(self.stretch::<Sha512>(passphrase)),
            11 => Ok(self.stretch::<Sha224>(passphrase)),
            id => Err(Error::Unsupported { what: "hash function of the passphrase", id }),
        }
    }

    fn stretch<D: Digest>(&self, passphrase: &[u8]) -> Zeroizing<[u8; 32]> {
        let salt = self.salt.unwrap_or_default();
        let salt = if self.salt.is_some() { &salt[..] } else { &[] };
        let unit = Zeroizing::new([salt, passphrase].concat());
        let mut key = Zeroizing::new([0; 32]);
        // Each further hash starts with one zero octet more.
        for (zeros, part) in key.chunks_mut(<D as Digest>::output_size()).enumerate() {
            let mut digest = D::new().chain_update(alloc::vec![0; zeros]);
            let mut left = self.count.max(wide(unit.len()));
            while left > 0 && !unit.is_empty() {
                let take = usize::try_from(left).unwrap_or(usize::MAX).min(unit.len());
                digest.update(unit.get(..take).unwrap_or_default());
                left -= wide(take);
            }
            part.iter_mut().zip(digest.finalize()).for_each(|(to, from)| *to = from);
        }
        key
    }
}

/// How many octets a coded count means (RFC 9580 §3.7.1.3).
fn count(coded: u8) -> u64 {
    (16 + u64::from(coded & 15)) << ((coded >> 4) + 6)
}

/// The secret part of a key packet: in the clear, or locked with a passphrase.
pub(crate) fn protect(
    secret: &[u8],
    passphrase: Option<&[u8]>,
    rng: &mut impl CryptoRng,
) -> Result<Zeroizing<Vec<u8>>> {
    let mut part = Zeroizing::new(Vec::with_capacity(secret.len() + 64));
    let Some(passphrase) = passphrase else {
        part.push(0);
        part.extend_from_slice(secret);
        part.extend(checksum(secret).to_be_bytes());
        return Ok(part);
    };
    let (mut salt, mut iv) = ([0; 8], [0; 16]);
    rng.fill_bytes(&mut salt);
    rng.fill_bytes(&mut iv);
    let derivation = Derivation { hash: SHA256, salt: Some(salt), count: count(COUNT) };
    let key = derivation.derive(passphrase)?;
    part.extend([USAGE_SHA1, AES256, ITERATED, SHA256].iter().chain(&salt).chain(&[COUNT]).chain(&iv));
    let clear = part.len();
    part.extend_from_slice(secret);
    part.extend(Sha1::digest(secret));
    let cipher = Aes256::new(&(*key).into());
    cfb_mode::Encryptor::inner_iv_init(cipher, &iv.into()).encrypt(part.get_mut(clear..).unwrap_or_default());
    Ok(part)
}

/// CFB decryption with the first octets of `key`.
fn decrypt<C>(key: &[u8; 32], iv: &[u8; 16], text: &mut [u8])
where
    C: KeyInit + BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
{
    let key = aes::cipher::Key::<C>::from_fn(|i| key.get(i).copied().unwrap_or_default());
    cfb_mode::Decryptor::inner_iv_init(C::new(&key), &(*iv).into()).decrypt(text);
}

/// Splits off the two-octet checksum and checks it.
fn checked(fields: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    match fields.split_last_chunk::<2>() {
        Some((secret, sum)) if checksum(secret).to_be_bytes() == *sum => Ok(Zeroizing::new(secret.to_vec())),
        _ => Err(Error::NotAKey("the checksum of the secret key is wrong")),
    }
}

/// The sum of all octets modulo 65536.
pub(crate) fn checksum(octets: &[u8]) -> u16 {
    octets.iter().fold(0, |sum, octet| sum.wrapping_add((*octet).into()))
}
