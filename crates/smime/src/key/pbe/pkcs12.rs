//! Keys from passwords as PKCS#12 makes them (RFC 7292 §B.2), for old files.

use der::Tag;
use des::{TdesEde3, cipher::KeyInit};
use zeroize::Zeroizing;

use super::{PLACE, Password, Rounds, cbc, malformed, rc2};
use crate::{
    Result,
    algorithm::{Algorithm, Digest, Hasher},
    oid,
};

/// What the octets are for (RFC 7292 §B.3).
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    Key,
    Iv,
    Mac,
}

impl Purpose {
    const fn id(self) -> u8 {
        match self {
            Self::Key => 1,
            Self::Iv => 2,
            Self::Mac => 3,
        }
    }
}

/// pkcs-12PbeParams (RFC 7292 §C): the salt and the rounds.
pub(super) fn decrypt(
    algorithm: &Algorithm<'_>,
    encrypted: &[u8],
    password: &Password,
    rounds: &mut Rounds,
) -> Result<Option<Zeroizing<Vec<u8>>>> {
    let parameters = algorithm.parameters.ok_or_else(malformed)?.expect(Tag::Sequence, PLACE)?.inner(PLACE)?;
    let [salt, count] = parameters.as_slice() else { return Err(malformed()) };
    let (salt, count) = (salt.expect(Tag::OctetString, PLACE)?.value, rounds.take(count)?);
    let octets = |purpose, len| derive(Digest::Sha1, purpose, &password.utf16, (salt, count), len);
    let iv = octets(Purpose::Iv, 8);
    match algorithm.id {
        oid::PBE_SHA1_3DES => cbc(TdesEde3::new_from_slice(&octets(Purpose::Key, 24)).ok(), &iv, encrypted),
        oid::PBE_SHA1_RC2_128 => cbc(Some(rc2(&octets(Purpose::Key, 16))), &iv, encrypted),
        oid::PBE_SHA1_RC2_40 => cbc(Some(rc2(&octets(Purpose::Key, 5))), &iv, encrypted),
        _ => Err(algorithm.unknown()),
    }
}

/// `len` octets of a password (UTF-16), a salt and a number of rounds.
pub(crate) fn derive(
    digest: Digest,
    purpose: Purpose,
    password: &[u8],
    (salt, rounds): (&[u8], u32),
    len: usize,
) -> Zeroizing<Vec<u8>> {
    let block = match digest {
        Digest::Sha1 | Digest::Sha256 => 64,
        Digest::Sha384 | Digest::Sha512 => 128,
    };
    let filled = |octets: &[u8]| -> Zeroizing<Vec<u8>> {
        Zeroizing::new(octets.iter().copied().cycle().take(octets.len().div_ceil(block) * block).collect())
    };
    let mut input = Zeroizing::new([filled(salt).as_slice(), &filled(password)].concat());
    let mut derived = Zeroizing::new(Vec::with_capacity(len + digest.len()));
    while derived.len() < len {
        let mut hasher = Hasher::new(digest);
        hasher.update(&vec![purpose.id(); block]);
        hasher.update(&input);
        let mut hash = Zeroizing::new(hasher.finish());
        for _ in 1..rounds {
            hash = Zeroizing::new(digest.hash(&hash));
        }
        derived.extend_from_slice(&hash);
        let addend = Zeroizing::new(hash.iter().copied().cycle().take(block).collect::<Vec<_>>());
        input.chunks_mut(block).for_each(|chunk| add_and_one(chunk, &addend));
    }
    derived.truncate(len);
    derived
}

/// `number + addend + 1`, big-endian, without what goes over.
fn add_and_one(number: &mut [u8], addend: &[u8]) {
    let mut carry = 1;
    for (octet, add) in number.iter_mut().rev().zip(addend.iter().rev()) {
        let sum = u16::from(*octet) + u16::from(*add) + carry;
        let [high, low] = sum.to_be_bytes();
        (*octet, carry) = (low, high.into());
    }
}
