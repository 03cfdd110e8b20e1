//! Who knows the password made the file: MacData (RFC 7292 §4), PBMAC1 (RFC 9579).

use der::Tag;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::PLACE;
use crate::{
    Error, Result,
    algorithm::{Algorithm, Digest},
    asn1::Element,
    key::pbe::{self, Password, Pbkdf2, Purpose, Rounds},
    oid,
};

const MALFORMED: &str = "the message authentication code is malformed";

/// Whether one of the passwords makes this code of `content`.
pub(super) fn fits(mac: &Element<'_>, content: &[u8], passwords: &[Password], rounds: &mut Rounds) -> Result<bool> {
    let wrong = || Error::structure(PLACE, MALFORMED);
    let fields = mac.expect(Tag::Sequence, PLACE)?.inner(PLACE)?;
    let [info, rest @ ..] = fields.as_slice() else { return Err(wrong()) };
    let info = info.expect(Tag::Sequence, PLACE)?.inner(PLACE)?;
    let [algorithm, code] = info.as_slice() else { return Err(wrong()) };
    let (algorithm, code) = (Algorithm::from_element(*algorithm, PLACE)?, code.expect(Tag::OctetString, PLACE)?.value);
    for password in passwords {
        let (digest, key) = if algorithm.id == oid::PBMAC1 {
            pbmac1(&algorithm, password, rounds)?
        } else {
            let digest = Digest::from_oid(algorithm.id).ok_or_else(|| algorithm.unknown())?;
            algorithm.no_parameters()?;
            (digest, by_password(digest, rest, password, rounds)?)
        };
        if hmac(digest, &key, content).is_some_and(|own| bool::from(own.as_slice().ct_eq(code))) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The key of a code as PKCS#12 has it from the start: by a salt and a number of rounds, one if it is left out.
fn by_password(
    digest: Digest,
    parameters: &[Element<'_>],
    password: &Password,
    rounds: &mut Rounds,
) -> Result<Zeroizing<Vec<u8>>> {
    let (salt, count) = match parameters {
        [salt] => (salt, 1),
        [salt, count] => (salt, rounds.take(count)?),
        _ => return Err(Error::structure(PLACE, MALFORMED)),
    };
    let salt = salt.expect(Tag::OctetString, PLACE)?.value;
    Ok(pbe::derive_pkcs12(digest, Purpose::Mac, &password.utf16, (salt, count), digest.len()))
}

/// PBMAC1-params (RFC 8018 §A.5): a key derivation function, which must be PBKDF2 and say how long the key is
/// (RFC 9579 §4), and HMAC.
fn pbmac1(algorithm: &Algorithm<'_>, password: &Password, rounds: &mut Rounds) -> Result<(Digest, Zeroizing<Vec<u8>>)> {
    let wrong = || Error::structure(PLACE, MALFORMED);
    let parameters = algorithm.parameters.ok_or_else(wrong)?.expect(Tag::Sequence, PLACE)?.inner(PLACE)?;
    let [derivation, scheme] = parameters.as_slice() else { return Err(wrong()) };
    let derivation = Algorithm::from_element(*derivation, PLACE)?;
    if derivation.id != oid::PBKDF2 {
        return Err(derivation.unknown());
    }
    let fields = derivation.parameters.ok_or_else(wrong)?.expect(Tag::Sequence, PLACE)?.inner(PLACE)?;
    let function = Pbkdf2::read(&fields, rounds)?;
    let len = function.len.filter(|len| (20..=64).contains(len));
    let len = len.ok_or(Error::structure(PLACE, "the key of PBMAC1 must have 20 to 64 octets"))?;
    Ok((pbe::hmac(scheme)?, function.derive(password, len)))
}

/// HMAC with this digest.
pub(super) fn hmac(digest: Digest, key: &[u8], content: &[u8]) -> Option<Vec<u8>> {
    fn with<M: Mac + KeyInit>(key: &[u8], content: &[u8]) -> Option<Vec<u8>> {
        let mut mac = <M as KeyInit>::new_from_slice(key).ok()?;
        mac.update(content);
        Some(mac.finalize().into_bytes().to_vec())
    }
    match digest {
        Digest::Sha1 => with::<Hmac<Sha1>>(key, content),
        Digest::Sha256 => with::<Hmac<Sha256>>(key, content),
        Digest::Sha384 => with::<Hmac<Sha384>>(key, content),
        Digest::Sha512 => with::<Hmac<Sha512>>(key, content),
    }
}
