//! Content encryption (RFC 3565, RFC 5084, RFC 3370 §5, RFC 9709): which cipher, and its parameters.

use std::fmt;

use der::{Tag, oid::ObjectIdentifier};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{
    Error, Result,
    asn1::{Element, write, write_oid},
    oid,
};

mod aes;
mod cbc;
mod gcm;
mod stream;

pub(super) use aes::{AesDec, AesEnc};
pub(crate) use stream::Judge;
pub(super) use stream::{Check, Decryptor, Encryptor};

/// How much content is worked on at once.
pub(super) const BUFFER: usize = 64 << 10;

/// Octets of the tag that is written; the one length that all implementations read.
const TAG_LEN: usize = 16;
/// Of a tag whose length is not said (RFC 5084 §3.2).
const DEFAULT_TAG_LEN: usize = 12;
/// Octets of a nonce of GCM that is written.
const NONCE_LEN: usize = 12;
/// Octets of a nonce of GCM that is read.
const NONCE_LEN_MAX: usize = 16;

const PLACE: &str = "contentEncryptionAlgorithm";

/// How content is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ContentCipher {
    /// AES-128 in CBC mode (RFC 3565).
    Aes128Cbc,
    /// AES-192 in CBC mode.
    Aes192Cbc,
    /// AES-256 in CBC mode.
    Aes256Cbc,
    /// AES-128 in GCM, authenticated (RFC 5084).
    Aes128Gcm,
    /// AES-192 in GCM.
    Aes192Gcm,
    /// AES-256 in GCM.
    Aes256Gcm,
    /// Triple DES with three keys in CBC mode (RFC 3370 §5.1): read in old messages only.
    TripleDesCbc,
    /// RC2 with 40 bits in CBC mode (RFC 3370 §5.2): read in old messages only. Anyone can break it.
    Rc2Cbc40,
    /// RC2 with 64 bits: read in old messages only.
    Rc2Cbc64,
    /// RC2 with 128 bits: read in old messages only.
    Rc2Cbc128,
}

impl ContentCipher {
    /// Its object identifier.
    #[must_use]
    pub fn oid(self) -> ObjectIdentifier {
        match self {
            Self::Aes128Cbc => oid::AES128_CBC,
            Self::Aes192Cbc => oid::AES192_CBC,
            Self::Aes256Cbc => oid::AES256_CBC,
            Self::Aes128Gcm => oid::AES128_GCM,
            Self::Aes192Gcm => oid::AES192_GCM,
            Self::Aes256Gcm => oid::AES256_GCM,
            Self::TripleDesCbc => oid::DES_EDE3_CBC,
            Self::Rc2Cbc40 | Self::Rc2Cbc64 | Self::Rc2Cbc128 => oid::RC2_CBC,
        }
    }

    /// Octets of its key.
    #[must_use]
    pub fn key_len(self) -> usize {
        match self {
            Self::Aes128Cbc | Self::Aes128Gcm | Self::Rc2Cbc128 => 16,
            Self::Aes192Cbc | Self::Aes192Gcm | Self::TripleDesCbc => 24,
            Self::Aes256Cbc | Self::Aes256Gcm => 32,
            Self::Rc2Cbc40 => 5,
            Self::Rc2Cbc64 => 8,
        }
    }

    /// Whether it notices if the content was changed: then the message is AuthEnvelopedData, else EnvelopedData.
    #[must_use]
    pub fn is_authenticated(self) -> bool {
        matches!(self, Self::Aes128Gcm | Self::Aes192Gcm | Self::Aes256Gcm)
    }

    /// Whether it is broken or too weak today: read only where that is asked for, never written.
    #[must_use]
    pub fn is_legacy(self) -> bool {
        matches!(self, Self::TripleDesCbc | Self::Rc2Cbc40 | Self::Rc2Cbc64 | Self::Rc2Cbc128)
    }

    /// Octets of the nonce or initialization vector that is written.
    pub(super) fn nonce_len(self) -> usize {
        if self.is_authenticated() { NONCE_LEN } else { self.block_len() }
    }

    fn block_len(self) -> usize {
        if self.is_legacy() { 8 } else { 16 }
    }

    /// Octets of `content` octets when they are encrypted, without a tag.
    pub(super) fn encrypted_len(self, content: u64) -> Option<u64> {
        // CBC always pads, with 1 to 16 octets (RFC 5652 §6.3).
        if self.is_authenticated() { Some(content) } else { (content / 16).checked_add(1)?.checked_mul(16) }
    }
}

/// Its usual name: `aes-256-gcm`.
impl fmt::Display for ContentCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Aes128Cbc => "aes-128-cbc",
            Self::Aes192Cbc => "aes-192-cbc",
            Self::Aes256Cbc => "aes-256-cbc",
            Self::Aes128Gcm => "aes-128-gcm",
            Self::Aes192Gcm => "aes-192-gcm",
            Self::Aes256Gcm => "aes-256-gcm",
            Self::TripleDesCbc => "des-ede3-cbc",
            Self::Rc2Cbc40 => "rc2-40-cbc",
            Self::Rc2Cbc64 => "rc2-64-cbc",
            Self::Rc2Cbc128 => "rc2-128-cbc",
        })
    }
}

/// A ContentEncryptionAlgorithmIdentifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ContentAlgorithm {
    pub(super) cipher: ContentCipher,
    /// The nonce of GCM, the initialization vector of CBC.
    nonce: Vec<u8>,
    /// Octets of the tag; 0 for CBC.
    pub(super) tag_len: usize,
    /// DER of the inner algorithm, if the content's key is derived with it (RFC 9709).
    derived: Option<Vec<u8>>,
}

impl ContentAlgorithm {
    /// A cipher with a nonce that has its [`ContentCipher::nonce_len`].
    pub(super) fn new(cipher: ContentCipher, nonce: Vec<u8>) -> Self {
        Self { cipher, nonce, tag_len: if cipher.is_authenticated() { TAG_LEN } else { 0 }, derived: None }
    }

    /// DER. The length of the tag is always written: 16 is not its default.
    pub(super) fn to_der(&self) -> Vec<u8> {
        let nonce = write(0x04, &[&self.nonce]);
        let parameters = match u8::try_from(self.tag_len) {
            Ok(len) if len > 0 => write(0x30, &[&nonce, &write(0x02, &[&[len]])]),
            _ => nonce,
        };
        let direct = write(0x30, &[&write_oid(self.cipher.oid()), &parameters]);
        self.derived.as_ref().map_or(direct, |inner| write(0x30, &[&write_oid(oid::CEK_HKDF_SHA256), inner]))
    }

    /// Reads DER.
    pub(super) fn from_der(der: &[u8]) -> Result<Self> {
        let algorithm = Element::from_der(der, PLACE)?;
        let (id, parameters) = split(&algorithm)?;
        if id != oid::CEK_HKDF_SHA256 {
            return Self::direct(id, &parameters);
        }
        let (inner, parameters) = split(&parameters)?;
        let derived = Element::from_der(der, PLACE)?.inner(PLACE)?.get(1).map(|inner| inner.raw.to_vec());
        Ok(Self { derived, ..Self::direct(inner, &parameters)? })
    }

    fn direct(id: ObjectIdentifier, parameters: &Element<'_>) -> Result<Self> {
        let (cipher, nonce) = match id {
            oid::AES128_GCM | oid::AES192_GCM | oid::AES256_GCM => return Self::gcm(id, parameters),
            oid::AES128_CBC => (ContentCipher::Aes128Cbc, parameters.expect(Tag::OctetString, PLACE)?),
            oid::AES192_CBC => (ContentCipher::Aes192Cbc, parameters.expect(Tag::OctetString, PLACE)?),
            oid::AES256_CBC => (ContentCipher::Aes256Cbc, parameters.expect(Tag::OctetString, PLACE)?),
            oid::DES_EDE3_CBC => (ContentCipher::TripleDesCbc, parameters.expect(Tag::OctetString, PLACE)?),
            oid::RC2_CBC => rc2(parameters)?,
            oid => return Err(Error::Algorithm { place: PLACE, oid }),
        };
        if nonce.value.len() != cipher.block_len() {
            return Err(Error::structure(PLACE, "the initialization vector has another length than the block"));
        }
        Ok(Self { cipher, nonce: nonce.value.to_vec(), tag_len: 0, derived: None })
    }

    /// GCMParameters (RFC 5084 §3.2).
    fn gcm(id: ObjectIdentifier, parameters: &Element<'_>) -> Result<Self> {
        let cipher = match id {
            oid::AES128_GCM => ContentCipher::Aes128Gcm,
            oid::AES192_GCM => ContentCipher::Aes192Gcm,
            _ => ContentCipher::Aes256Gcm,
        };
        let fields = parameters.expect(Tag::Sequence, PLACE)?.inner(PLACE)?;
        let (nonce, tag_len) = match fields.as_slice() {
            [nonce] => (nonce, DEFAULT_TAG_LEN),
            [nonce, len] => match len.expect(Tag::Integer, PLACE)?.value {
                [len @ 12..=16] => (nonce, usize::from(*len)),
                _ => return Err(Error::structure(PLACE, "a tag must have 12 to 16 octets")),
            },
            _ => return Err(Error::structure(PLACE, "GCMParameters must have one or two elements")),
        };
        let nonce = nonce.expect(Tag::OctetString, PLACE)?.value;
        if nonce.is_empty() || nonce.len() > NONCE_LEN_MAX {
            return Err(Error::structure(PLACE, "a nonce must have 1 to 16 octets"));
        }
        Ok(Self { cipher, nonce: nonce.to_vec(), tag_len, derived: None })
    }

    /// The key for the content, from the key that the recipients got.
    fn content_key(&self, key: &[u8]) -> Zeroizing<Vec<u8>> {
        let Some(info) = &self.derived else { return Zeroizing::new(key.to_vec()) };
        let mut derived = Zeroizing::new(vec![0; self.cipher.key_len()]);
        // Of this length it can't fail.
        let _ = Hkdf::<Sha256>::new(Some(HKDF_SALT), key).expand(info, &mut derived);
        derived
    }
}

/// RFC 9709 §2.
const HKDF_SALT: &[u8] = b"The Cryptographic Message Syntax";

fn split<'a>(algorithm: &Element<'a>) -> Result<(ObjectIdentifier, Element<'a>)> {
    match algorithm.expect(Tag::Sequence, PLACE)?.inner(PLACE)?.as_slice() {
        [id, parameters] => Ok((id.oid(PLACE)?, *parameters)),
        [id] => Err(Error::Algorithm { place: PLACE, oid: id.oid(PLACE)? }),
        _ => Err(Error::structure(PLACE, "an algorithm must have one or two elements")),
    }
}

/// RC2CBCParameter (RFC 3370 §5.2): the version stands for the effective bits.
fn rc2<'a>(parameters: &Element<'a>) -> Result<(ContentCipher, Element<'a>)> {
    let wrong = || Error::structure(PLACE, "RC2 must have 40, 64 or 128 bits");
    let fields = parameters.expect(Tag::Sequence, PLACE)?.inner(PLACE)?;
    let [version, nonce] = fields.as_slice() else { return Err(wrong()) };
    let cipher = match version.expect(Tag::Integer, PLACE)?.value {
        [0, 160] => ContentCipher::Rc2Cbc40,
        [120] => ContentCipher::Rc2Cbc64,
        [58] => ContentCipher::Rc2Cbc128,
        _ => return Err(wrong()),
    };
    Ok((cipher, nonce.expect(Tag::OctetString, PLACE)?))
}

#[cfg(test)]
mod tests;
