//! AES key wrap (RFC 3394, RFC 3565 §2.3.2): content keys under a key-encryption key.

use aes_kw::{AesKw, IV_LEN, InnerInit};
use der::oid::ObjectIdentifier;
use zeroize::Zeroizing;

use super::cipher::{AesDec, AesEnc};
use crate::{
    Result,
    algorithm::Algorithm,
    asn1::{write, write_oid},
    oid,
};

/// The shortest key that may be wrapped (RFC 3394 §2: two blocks of 64 bits).
const KEY_MIN: usize = 16;

/// A key wrap algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrap {
    Aes128,
    Aes192,
    Aes256,
}

impl Wrap {
    /// The one that is as strong as a content key of this length (RFC 8551 §2.3, RFC 5753 §7.2).
    pub(super) fn for_key(len: usize) -> Self {
        match len {
            ..=16 => Self::Aes128,
            17..=24 => Self::Aes192,
            _ => Self::Aes256,
        }
    }

    pub(super) fn from_oid(id: ObjectIdentifier) -> Option<Self> {
        [Self::Aes128, Self::Aes192, Self::Aes256].into_iter().find(|wrap| wrap.oid() == id)
    }

    /// Reads an AlgorithmIdentifier. Its parameters must be absent; some write NULL.
    pub(super) fn from_der(algorithm: &[u8], place: &'static str) -> Result<Self> {
        let algorithm = Algorithm::read(algorithm, place)?;
        algorithm.no_parameters()?;
        Self::from_oid(algorithm.id).ok_or_else(|| algorithm.unknown())
    }

    /// The AlgorithmIdentifier, with absent parameters.
    pub(super) fn to_der(self) -> Vec<u8> {
        write(0x30, &[&write_oid(self.oid())])
    }

    /// The same with NULL parameters, as BouncyCastle writes and derives it.
    pub(super) fn to_der_with_null(self) -> Vec<u8> {
        write(0x30, &[&write_oid(self.oid()), &[5, 0]])
    }

    fn oid(self) -> ObjectIdentifier {
        match self {
            Self::Aes128 => oid::AES128_WRAP,
            Self::Aes192 => oid::AES192_WRAP,
            Self::Aes256 => oid::AES256_WRAP,
        }
    }

    /// Octets of the key-encryption key.
    pub(super) fn key_len(self) -> u8 {
        match self {
            Self::Aes128 => 16,
            Self::Aes192 => 24,
            Self::Aes256 => 32,
        }
    }
}

/// Wraps a content key. `None` if a length does not fit.
pub(super) fn wrap(kek: &[u8], key: &[u8]) -> Option<Vec<u8>> {
    let mut wrapped = vec![0; key.len() + IV_LEN];
    AesKw::inner_init(AesEnc::new(kek)?).wrap_key(key, &mut wrapped).ok().filter(|_| key.len() >= KEY_MIN)?;
    Some(wrapped)
}

/// Unwraps a content key. `None` if it was not wrapped under this key, or a length does not fit.
pub(super) fn unwrap(kek: &[u8], wrapped: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let len = wrapped.len().checked_sub(IV_LEN).filter(|len| *len >= KEY_MIN)?;
    let mut key = Zeroizing::new(vec![0; len]);
    AesKw::inner_init(AesDec::new(kek)?).unwrap_key(wrapped, &mut key).ok()?;
    Some(key)
}

#[cfg(test)]
mod tests {
    use sealpost_testkit::{tally::Tally, unhex, vectors};
    use serde_json::Value;

    use super::*;

    #[test]
    fn it_is_right_on_wycheproof() {
        let Some(folder) = vectors() else { return };
        let file = std::fs::read(folder.join("smime/wycheproof/aes_wrap_test.json")).unwrap();
        let file: Value = serde_json::from_slice(&file).unwrap();
        let mut tally = Tally::new("aes_wrap");
        for test in file["testGroups"].as_array().unwrap().iter().flat_map(|group| group["tests"].as_array().unwrap()) {
            let [kek, key, wrapped] = ["key", "msg", "ct"].map(|name| unhex(test[name].as_str().unwrap()));
            let read = unwrap(&kek, &wrapped);
            match test["result"].as_str().unwrap() {
                "valid" => tally.check(read.as_deref() == Some(&key) && wrap(&kek, &key) == Some(wrapped), test),
                "acceptable" if read.is_none() => {
                    tally.deliberate("a wrapped key of 8 octets, which some let pass, is too short");
                }
                _ => tally.check(read.is_none(), test),
            }
        }
        assert_eq!(file["numberOfTests"], tally.count());
        tally.report();
    }

    #[test]
    fn a_changed_wrapped_key_is_no_key() {
        let wrapped = wrap(&[1; 16], &[2; 32]).unwrap();
        assert_eq!(*unwrap(&[1; 16], &wrapped).unwrap(), [2; 32]);
        for bit in 0..wrapped.len() * 8 {
            let mut changed = wrapped.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(unwrap(&[1; 16], &changed).is_none());
        }
        assert!(unwrap(&[2; 16], &wrapped).is_none());
    }
}
