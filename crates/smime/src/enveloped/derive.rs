//! How a key-encryption key is derived from a shared secret: ECDH (RFC 5753 §7, RFC 8418 §2) and KEMs (RFC 9629 §5).

use der::oid::ObjectIdentifier;
use hkdf::{GenericHkdf, HmacImpl, hmac::Hmac};
use sha2::{Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use super::wrap::Wrap;
use crate::{
    algorithm::{Curve, Digest, Hasher},
    asn1::write,
    oid,
};

/// A key derivation function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kdf {
    /// Of ANSI X9.63 (SEC 1 §3.6.1).
    X963(Digest),
    /// HKDF (RFC 5869).
    Hkdf(Digest),
}

/// Key agreement schemes by what is derived with what. On the curves that are here the cofactor is 1, or X25519 takes
/// care of it: the standard and the cofactor ones are the same.
const SCHEMES: [(ObjectIdentifier, Kdf); 11] = [
    (oid::STD_DH_SHA1_KDF, Kdf::X963(Digest::Sha1)),
    (oid::STD_DH_SHA256_KDF, Kdf::X963(Digest::Sha256)),
    (oid::STD_DH_SHA384_KDF, Kdf::X963(Digest::Sha384)),
    (oid::STD_DH_SHA512_KDF, Kdf::X963(Digest::Sha512)),
    (oid::COFACTOR_DH_SHA1_KDF, Kdf::X963(Digest::Sha1)),
    (oid::COFACTOR_DH_SHA256_KDF, Kdf::X963(Digest::Sha256)),
    (oid::COFACTOR_DH_SHA384_KDF, Kdf::X963(Digest::Sha384)),
    (oid::COFACTOR_DH_SHA512_KDF, Kdf::X963(Digest::Sha512)),
    (oid::STD_DH_HKDF_SHA256, Kdf::Hkdf(Digest::Sha256)),
    (oid::STD_DH_HKDF_SHA384, Kdf::Hkdf(Digest::Sha384)),
    (oid::STD_DH_HKDF_SHA512, Kdf::Hkdf(Digest::Sha512)),
];

/// The derivation of a key agreement scheme.
pub(super) fn scheme(id: ObjectIdentifier) -> Option<Kdf> {
    SCHEMES.into_iter().find_map(|(scheme, kdf)| (scheme == id).then_some(kdf))
}

/// The scheme with which messages are written to keys of this group.
pub(super) fn scheme_for(curve: Curve) -> (ObjectIdentifier, Kdf) {
    match curve {
        Curve::P256 => (oid::STD_DH_SHA256_KDF, Kdf::X963(Digest::Sha256)),
        Curve::P384 => (oid::STD_DH_SHA384_KDF, Kdf::X963(Digest::Sha384)),
        Curve::X25519 => (oid::STD_DH_HKDF_SHA256, Kdf::Hkdf(Digest::Sha256)),
    }
}

/// The derivation that a KEMRecipientInfo names (RFC 8619).
#[cfg(feature = "pqc")]
pub(super) fn kem_kdf(id: ObjectIdentifier) -> Option<Kdf> {
    match id {
        oid::HKDF_SHA256 => Some(Kdf::Hkdf(Digest::Sha256)),
        oid::HKDF_SHA384 => Some(Kdf::Hkdf(Digest::Sha384)),
        oid::HKDF_SHA512 => Some(Kdf::Hkdf(Digest::Sha512)),
        _ => None,
    }
}

/// ECC-CMS-SharedInfo (RFC 5753 §7.2). `wrap` is the AlgorithmIdentifier of the key wrap as the message has it.
pub(super) fn shared_info(wrap: &[u8], ukm: Option<&[u8]>, key_len: u8) -> Vec<u8> {
    let ukm = ukm.map(|ukm| write(0xA0, &[&write(0x04, &[ukm])])).unwrap_or_default();
    let bits = (u32::from(key_len) * 8).to_be_bytes();
    write(0x30, &[wrap, &ukm, &write(0xA2, &[&write(0x04, &[&bits])])])
}

/// CMSORIforKEMOtherInfo (RFC 9629 §5).
#[cfg(feature = "pqc")]
pub(super) fn kem_info(wrap: &[u8], ukm: Option<&[u8]>, key_len: u8) -> Vec<u8> {
    let ukm = ukm.map(|ukm| write(0xA0, &[&write(0x04, &[ukm])])).unwrap_or_default();
    write(0x30, &[wrap, &write(0x02, &[&[key_len]]), &ukm])
}

impl Kdf {
    /// The key for `wrap` from a secret. `salt` is for HKDF: the user keying material of key agreement, which is in
    /// `info` too (RFC 8418 §2.2); nothing for KEMs (RFC 9936 §2.2.2).
    pub(super) fn key(self, wrap: Wrap, secret: &[u8], info: &[u8], salt: Option<&[u8]>) -> Zeroizing<Vec<u8>> {
        let len = usize::from(wrap.key_len());
        match self {
            Self::X963(digest) => x963(digest, secret, info, len),
            Self::Hkdf(Digest::Sha384) => hkdf::<Hmac<Sha384>>(secret, info, salt, len),
            Self::Hkdf(Digest::Sha512) => hkdf::<Hmac<Sha512>>(secret, info, salt, len),
            Self::Hkdf(_) => hkdf::<Hmac<Sha256>>(secret, info, salt, len),
        }
    }
}

fn x963(digest: Digest, secret: &[u8], info: &[u8], len: usize) -> Zeroizing<Vec<u8>> {
    let mut key = Zeroizing::new(Vec::with_capacity(len + digest.len()));
    for counter in 1u32.. {
        if key.len() >= len {
            break;
        }
        let mut hasher = Hasher::new(digest);
        hasher.update(secret);
        hasher.update(&counter.to_be_bytes());
        hasher.update(info);
        key.extend_from_slice(&Zeroizing::new(hasher.finish()));
    }
    key.truncate(len);
    key
}

fn hkdf<M: HmacImpl>(secret: &[u8], info: &[u8], salt: Option<&[u8]>, len: usize) -> Zeroizing<Vec<u8>> {
    let mut key = Zeroizing::new(vec![0; len]);
    // It fails from 255 times the length of the hash on.
    let _ = GenericHkdf::<M>::new(salt, secret).expand(info, &mut key);
    key
}
