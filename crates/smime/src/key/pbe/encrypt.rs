//! Encrypts with a password: PBES2 with PBKDF2 by HMAC-SHA-256 and AES-256 in CBC mode (RFC 8018 §6.2.1, §B.2.5). There
//! is no other way here to write what a password protects.

use cbc::{
    Encryptor,
    cipher::{Array, BlockModeEncrypt, InnerIvInit, KeyInit},
};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::{Password, Pbkdf2, malformed};
use crate::{
    Result,
    algorithm::Digest,
    asn1::{write, write_oid, write_unsigned},
    oid,
};

/// DER of NULL.
pub(crate) const NULL: [u8; 2] = [5, 0];

/// Octets of a salt: twice what RFC 8018 §4.1 asks for.
pub(crate) const SALT: usize = 16;

const BLOCK: usize = 16;

/// DER of an AlgorithmIdentifier, and what it encrypts `secret` to.
pub(crate) fn encrypt(
    secret: &[u8],
    password: &Password,
    rounds: u32,
    rng: &mut dyn CryptoRng,
) -> Result<(Vec<u8>, Vec<u8>)> {
    let (mut salt, mut iv) = ([0; SALT], [0; BLOCK]);
    rng.fill_bytes(&mut salt);
    rng.fill_bytes(&mut iv);
    let function = Pbkdf2 { salt: &salt, rounds, len: None, digest: Digest::Sha256 };
    let key = function.derive(password, 32);
    let aes = aes::Aes256::new_from_slice(&key).map_err(|_| malformed())?;
    // Padded in place: where it grew, a copy would stay behind (RFC 8018 §6.1.1).
    let padding = BLOCK - secret.len() % BLOCK;
    let mut octets = Zeroizing::new(Vec::with_capacity(secret.len() + padding));
    octets.extend_from_slice(secret);
    octets.resize(secret.len() + padding, u8::try_from(padding).unwrap_or_default());
    let (blocks, _) = Array::slice_as_chunks_mut(&mut octets);
    Encryptor::inner_iv_init(aes, &iv.into()).encrypt_blocks(blocks);
    Ok((algorithm(&salt, rounds, &iv), std::mem::take(&mut *octets)))
}

fn algorithm(salt: &[u8], rounds: u32, iv: &[u8]) -> Vec<u8> {
    let hmac = write(0x30, &[&write_oid(oid::HMAC_SHA256), &NULL]);
    let parameters = write(0x30, &[&write(0x04, &[salt]), &write_unsigned(&rounds.to_be_bytes()), &hmac]);
    let derivation = write(0x30, &[&write_oid(oid::PBKDF2), &parameters]);
    let cipher = write(0x30, &[&write_oid(oid::AES256_CBC), &write(0x04, &[iv])]);
    write(0x30, &[&write_oid(oid::PBES2), &write(0x30, &[&derivation, &cipher])])
}
