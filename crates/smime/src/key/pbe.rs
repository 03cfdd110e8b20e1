//! What a password encrypts: PBES2 (RFC 8018 §6.2), and the schemes of old PKCS#12 files (RFC 7292 §B, §C).

mod encrypt;
mod pkcs12;

use cbc::{
    Decryptor,
    cipher::{Array, BlockCipherDecrypt, BlockModeDecrypt, InnerIvInit, KeyInit},
};
use der::Tag;
use des::TdesEde3;
use pbkdf2::pbkdf2_hmac;
use rc2::Rc2;
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use crate::{
    Error, Limits, Result,
    algorithm::{Algorithm, Digest},
    asn1::Element,
    oid,
};

pub(crate) use encrypt::{NULL, SALT, encrypt};
pub(crate) use pkcs12::{Purpose, derive as derive_pkcs12};

const PLACE: &str = "password-based encryption";

/// How much memory scrypt may take: `128 * r * (N + p)` octets (RFC 7914 §6).
const SCRYPT_MEMORY: u64 = 64 << 20;

/// A password, in the two forms that the schemes want.
pub(crate) struct Password {
    /// UTF-8 (RFC 8018 §3).
    pub(crate) utf8: Zeroizing<Vec<u8>>,
    /// UTF-16, big-endian, with two zero octets at the end (RFC 7292 §B.1).
    pub(crate) utf16: Zeroizing<Vec<u8>>,
}

impl Password {
    pub(crate) fn new(password: &str) -> Self {
        // As large as it can become at once, so that nothing is left behind in memory.
        let mut utf16 = Zeroizing::new(Vec::with_capacity(2 * password.len() + 2));
        for unit in password.encode_utf16().chain([0]) {
            utf16.extend_from_slice(&unit.to_be_bytes());
        }
        Self { utf8: Zeroizing::new(password.as_bytes().to_vec()), utf16 }
    }

    /// No password, which some programs tell from an empty one.
    pub(crate) fn absent() -> Self {
        Self { utf8: Zeroizing::default(), utf16: Zeroizing::default() }
    }
}

/// Decrypts what `algorithm` says; `None` if the password is wrong or the octets are damaged, which look the same.
pub(crate) fn decrypt(
    algorithm: &Algorithm<'_>,
    encrypted: &[u8],
    password: &Password,
    rounds: &mut Rounds,
) -> Result<Option<Zeroizing<Vec<u8>>>> {
    match algorithm.id {
        oid::PBES2 => pbes2(algorithm, encrypted, password, rounds),
        oid::PBE_SHA1_3DES | oid::PBE_SHA1_RC2_128 | oid::PBE_SHA1_RC2_40 => {
            pkcs12::decrypt(algorithm, encrypted, password, rounds)
        }
        _ => Err(algorithm.unknown()),
    }
}

/// How many rounds of key derivation one file may take altogether.
pub(crate) struct Rounds {
    left: u64,
    limit: u64,
}

impl Rounds {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { left: limits.rounds.into(), limit: limits.rounds.into() }
    }

    /// The number that `element` says.
    pub(crate) fn take(&mut self, element: &Element<'_>) -> Result<u32> {
        let number = number(element)?;
        if number == 0 {
            return Err(Error::structure(PLACE, "there must be a round"));
        }
        self.spend(number)?;
        u32::try_from(number).map_err(|_| malformed())
    }

    fn spend(&mut self, number: u64) -> Result<()> {
        self.left = self
            .left
            .checked_sub(number)
            .ok_or(Error::Limit { what: "rounds of key derivation", limit: self.limit })?;
        Ok(())
    }
}

/// An INTEGER that is not negative; what is larger than its type is as large as that.
fn number(element: &Element<'_>) -> Result<u64> {
    let octets = element.expect(Tag::Integer, PLACE)?.value;
    if octets.first().is_none_or(|first| *first >= 0x80) {
        return Err(Error::structure(PLACE, "a number must be positive"));
    }
    let number = octets.iter().try_fold(0_u64, |number, octet| Some(number.checked_mul(256)? + u64::from(*octet)));
    Ok(number.unwrap_or(u64::MAX))
}

fn malformed() -> Error {
    Error::structure(PLACE, "the parameters are malformed")
}

/// PBES2-params (RFC 8018 §A.4): a key derivation function and a cipher.
fn pbes2(
    algorithm: &Algorithm<'_>,
    encrypted: &[u8],
    password: &Password,
    rounds: &mut Rounds,
) -> Result<Option<Zeroizing<Vec<u8>>>> {
    let parameters = algorithm.parameters.ok_or_else(malformed)?.expect(Tag::Sequence, PLACE)?.inner(PLACE)?;
    let [derivation, cipher] = parameters.as_slice() else { return Err(malformed()) };
    let cipher = Algorithm::from_element(*cipher, PLACE)?;
    let key_len = match cipher.id {
        oid::AES128_CBC => 16,
        oid::AES192_CBC | oid::DES_EDE3_CBC => 24,
        oid::AES256_CBC => 32,
        _ => return Err(cipher.unknown()),
    };
    let iv = cipher.parameters.ok_or_else(malformed)?.expect(Tag::OctetString, PLACE)?.value;
    let key = derive(derivation, key_len, password, rounds)?;
    match cipher.id {
        oid::AES128_CBC => cbc(aes::Aes128::new_from_slice(&key).ok(), iv, encrypted),
        oid::AES192_CBC => cbc(aes::Aes192::new_from_slice(&key).ok(), iv, encrypted),
        oid::AES256_CBC => cbc(aes::Aes256::new_from_slice(&key).ok(), iv, encrypted),
        _ => cbc(TdesEde3::new_from_slice(&key).ok(), iv, encrypted),
    }
}

/// A key of `len` octets by PBKDF2 or scrypt, as the AlgorithmIdentifier says.
fn derive(
    derivation: &Element<'_>,
    len: usize,
    password: &Password,
    rounds: &mut Rounds,
) -> Result<Zeroizing<Vec<u8>>> {
    let algorithm = Algorithm::from_element(*derivation, PLACE)?;
    let fields = algorithm.parameters.ok_or_else(malformed)?.expect(Tag::Sequence, PLACE)?.inner(PLACE)?;
    match algorithm.id {
        oid::PBKDF2 => {
            let function = Pbkdf2::read(&fields, rounds)?;
            if function.len.is_some_and(|own| own != len) {
                return Err(Error::structure(PLACE, "the key has another length than the cipher wants"));
            }
            Ok(function.derive(password, len))
        }
        oid::SCRYPT => by_scrypt(&fields, password, rounds, len),
        _ => Err(algorithm.unknown()),
    }
}

/// PBKDF2-params (RFC 8018 §A.2).
pub(crate) struct Pbkdf2<'a> {
    salt: &'a [u8],
    rounds: u32,
    /// Of the key.
    pub(crate) len: Option<usize>,
    digest: Digest,
}

impl<'a> Pbkdf2<'a> {
    pub(crate) fn read(fields: &[Element<'a>], rounds: &mut Rounds) -> Result<Self> {
        let [salt, count, rest @ ..] = fields else { return Err(malformed()) };
        let (len, function) = match rest {
            [] => (None, None),
            [len] if len.tag == Tag::Integer => (Some(len), None),
            [function] => (None, Some(function)),
            [len, function] => (Some(len), Some(function)),
            _ => return Err(malformed()),
        };
        let len = len.map(number).transpose()?.map(|len| usize::try_from(len).map_err(|_| malformed())).transpose()?;
        Ok(Self {
            salt: salt.expect(Tag::OctetString, PLACE)?.value,
            rounds: rounds.take(count)?,
            len,
            digest: function.map_or(Ok(Digest::Sha1), hmac)?,
        })
    }

    pub(crate) fn derive(&self, password: &Password, len: usize) -> Zeroizing<Vec<u8>> {
        let mut key = Zeroizing::new(vec![0; len]);
        let password = password.utf8.as_slice();
        match self.digest {
            Digest::Sha1 => pbkdf2_hmac::<Sha1>(password, self.salt, self.rounds, &mut key),
            Digest::Sha256 => pbkdf2_hmac::<Sha256>(password, self.salt, self.rounds, &mut key),
            Digest::Sha384 => pbkdf2_hmac::<Sha384>(password, self.salt, self.rounds, &mut key),
            Digest::Sha512 => pbkdf2_hmac::<Sha512>(password, self.salt, self.rounds, &mut key),
        }
        key
    }
}

/// A hash function, named as HMAC with it (RFC 8018 §B.1).
pub(crate) fn hmac(function: &Element<'_>) -> Result<Digest> {
    let function = Algorithm::from_element(*function, PLACE)?;
    function.no_parameters()?;
    match function.id {
        oid::HMAC_SHA1 => Ok(Digest::Sha1),
        oid::HMAC_SHA256 => Ok(Digest::Sha256),
        oid::HMAC_SHA384 => Ok(Digest::Sha384),
        oid::HMAC_SHA512 => Ok(Digest::Sha512),
        _ => Err(function.unknown()),
    }
}

/// scrypt-params (RFC 7914 §7.1): the salt, N, r, p, and the key's length.
fn by_scrypt(
    fields: &[Element<'_>],
    password: &Password,
    rounds: &mut Rounds,
    len: usize,
) -> Result<Zeroizing<Vec<u8>>> {
    let [salt, cost, block, parallel, ..] = fields else { return Err(malformed()) };
    let (cost, block, parallel) = (number(cost)?, number(block)?, number(parallel)?);
    let unit = block.saturating_mul(128);
    if cost.saturating_add(parallel).saturating_mul(unit) > SCRYPT_MEMORY {
        return Err(Error::Limit { what: "octets of memory for key derivation", limit: SCRYPT_MEMORY });
    }
    // As much work as so many rounds of PBKDF2, each of two blocks of 64 octets.
    rounds.spend(cost.saturating_mul(unit).saturating_mul(parallel) / 128)?;
    let exponent = u8::try_from(cost.checked_ilog2().unwrap_or(0)).unwrap_or(0);
    let parameters = u32::try_from(block)
        .ok()
        .zip(u32::try_from(parallel).ok())
        .filter(|_| cost.is_power_of_two())
        .and_then(|(block, parallel)| scrypt::Params::new(exponent, block, parallel).ok())
        .ok_or_else(malformed)?;
    let salt = salt.expect(Tag::OctetString, PLACE)?.value;
    let mut key = Zeroizing::new(vec![0; len]);
    scrypt::scrypt(&password.utf8, salt, &parameters, &mut key).map_err(|_| malformed())?;
    Ok(key)
}

/// Decrypts in CBC, and takes the padding off (RFC 8018 §6.1.1).
fn cbc<C: BlockCipherDecrypt>(cipher: Option<C>, iv: &[u8], encrypted: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>> {
    let mode = cipher.and_then(|cipher| Decryptor::inner_iv_slice_init(cipher, iv).ok());
    let mut mode = mode.ok_or_else(malformed)?;
    let mut octets = Zeroizing::new(encrypted.to_vec());
    let (blocks, rest) = Array::slice_as_chunks_mut(&mut octets);
    if !rest.is_empty() || blocks.is_empty() {
        return Ok(None);
    }
    mode.decrypt_blocks(blocks);
    let padding = octets.last().copied().unwrap_or_default();
    let Some(len) = octets.len().checked_sub(padding.into()) else { return Ok(None) };
    let padded = octets.get(len..).unwrap_or_default();
    if !(1..=iv.len()).contains(&padding.into()) || padded.iter().any(|octet| *octet != padding) {
        return Ok(None);
    }
    octets.truncate(len);
    Ok(Some(octets))
}

/// RC2 with a key as long as it is effective.
fn rc2(key: &[u8]) -> Rc2 {
    Rc2::new_with_eff_key_len(key, 8 * key.len())
}
