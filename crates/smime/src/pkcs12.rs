//! Reads PKCS#12 files (RFC 7292): keys with their certificates, as programs export them. `writer` writes them.

mod bags;
mod mac;
mod writer;

use std::borrow::Cow;

use der::Tag;
use zeroize::Zeroizing;

use crate::{
    Certificate, Error, Limits, Result,
    algorithm::Algorithm,
    asn1::Element,
    ber,
    key::{
        SoftwareKey,
        pbe::{self, Password, Rounds},
    },
    oid,
    pem::Block,
};

use bags::Bags;

pub use writer::Pkcs12Writer;

const PLACE: &str = "a PKCS#12 file";

const WRONG_PASSWORD: Error = Error::Pkcs12("the password is wrong, or the file was changed");

/// What a PKCS#12 file holds.
#[derive(Debug)]
#[non_exhaustive]
pub struct Pkcs12 {
    /// The keys, in the order of the file.
    pub identities: Vec<KeyAndCertificate>,
    /// The certificates of no key here: usually those of the issuers.
    pub certificates: Vec<Certificate>,
}

/// A key, and the certificate that is of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KeyAndCertificate {
    /// The private key.
    pub key: SoftwareKey,
    /// Its certificate, if it is there. It is found by its public key; of several, the one that the file points to.
    pub certificate: Option<Certificate>,
    /// What people call it (`friendlyName`).
    pub name: Option<String>,
}

impl Pkcs12 {
    /// Whether a file looks like one: its version is 3, which no key and no certificate has in that place.
    #[must_use]
    pub fn recognizes(file: &[u8]) -> bool {
        let blocks = Block::read_all(file, &Limits::default()).unwrap_or_default();
        let is_one = |block: &Block| match block.label() {
            Some(label) => label == "PKCS12",
            None => block.der().is_ok_and(|der| {
                // Behind the tag and the length of the outermost element.
                let len = der.get(1).map_or(0, |len| if *len > 0x80 { usize::from(len & 0x7f) } else { 0 });
                der.first() == Some(&0x30) && der.get(2 + len..).is_some_and(|inner| inner.starts_with(&[2, 1, 3]))
            }),
        };
        blocks.iter().any(is_one)
    }

    /// Reads a file, in BER or in PEM, and authenticates it by its password.
    ///
    /// Without a `password`, and with an empty one, both an empty and an absent one are tried: programs differ.
    ///
    /// # Errors
    ///
    /// [`Error::Pkcs12`] if the password is wrong, the file was changed or has no message authentication code;
    /// [`Error::Algorithm`], [`Error::Limit`], [`Error::Encoding`], [`Error::Structure`].
    pub fn read(file: &[u8], password: Option<&str>, limits: &Limits) -> Result<Self> {
        Self::read_with(file, password, limits, Integrity::Required)
    }

    /// The same for a file that nothing authenticates: who could change it could put another key into it. One that
    /// has a message authentication code must still be right.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read), but for the missing code.
    pub fn read_unauthenticated(file: &[u8], password: Option<&str>, limits: &Limits) -> Result<Self> {
        Self::read_with(file, password, limits, Integrity::IfPresent)
    }

    fn read_with(file: &[u8], password: Option<&str>, limits: &Limits, integrity: Integrity) -> Result<Self> {
        let blocks = Block::read_all(file, limits)?;
        let block = blocks
            .iter()
            .find(|block| matches!(block.label(), None | Some("PKCS12")))
            .ok_or(Error::Pkcs12("there is none here"))?;
        let der = Secret::framed(block.der()?, limits)?;
        let fields = Element::from_der(&der, PLACE)?.expect(Tag::Sequence, PLACE)?.inner(PLACE)?;
        let (content, mac) = match fields.as_slice() {
            [version, content] if is_v3(version) => (content, None),
            [version, content, mac] if is_v3(version) => (content, Some(mac)),
            _ => return Err(Error::structure(PLACE, "it must have a version, which is 3, and a content")),
        };
        let (id, safes) = content_info(content)?;
        if id != oid::DATA {
            return Err(Error::Algorithm { place: "the integrity of a PKCS#12 file", oid: id });
        }
        let safes = safes.expect(Tag::OctetString, PLACE)?.value;
        let mut rounds = Rounds::new(limits);
        let passwords = match password {
            None | Some("") => vec![Password::new(""), Password::absent()],
            Some(password) => vec![Password::new(password)],
        };
        match mac {
            Some(mac) if !mac::fits(mac, safes, &passwords, &mut rounds)? => return Err(WRONG_PASSWORD),
            None if integrity == Integrity::Required => return Err(Error::Pkcs12("nothing authenticates it")),
            _ => {}
        }
        let mut opener = Opener { passwords, rounds, limits };
        Ok(opener.safes(safes)?.pair())
    }
}

/// Whether there must be a message authentication code.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Integrity {
    Required,
    IfPresent,
}

/// What it takes to open the parts of a file.
struct Opener<'a> {
    passwords: Vec<Password>,
    rounds: Rounds,
    limits: &'a Limits,
}

impl Opener<'_> {
    /// AuthenticatedSafe (RFC 7292 §4.1).
    fn safes(&mut self, ber: &[u8]) -> Result<Bags> {
        let der = Secret::framed(ber, self.limits)?;
        let mut bags = Bags::default();
        for safe in Element::from_der(&der, PLACE)?.expect(Tag::Sequence, PLACE)?.inner(PLACE)? {
            let (id, content) = content_info(&safe)?;
            match id {
                oid::DATA => bags.read(content.expect(Tag::OctetString, PLACE)?.value, self)?,
                oid::ENCRYPTED_DATA => bags.read(&self.encrypted_data(&content)?, self)?,
                oid => return Err(Error::Algorithm { place: "a part of a PKCS#12 file", oid }),
            }
        }
        Ok(bags)
    }

    /// EncryptedData (RFC 5652 §8).
    fn encrypted_data(&mut self, content: &Element<'_>) -> Result<Zeroizing<Vec<u8>>> {
        let missing = || Error::structure("encrypted data of a PKCS#12 file", "a field is missing");
        let fields = content.expect(Tag::Sequence, PLACE)?.inner(PLACE)?;
        let info = fields.get(1).ok_or_else(missing)?.expect(Tag::Sequence, PLACE)?.inner(PLACE)?;
        let [_, algorithm, encrypted] = info.as_slice() else { return Err(missing()) };
        let encrypted = if encrypted.tag.is_constructed() {
            // [0] IMPLICIT OCTET STRING, in pieces.
            let pieces = encrypted.inner(PLACE)?.into_iter().map(|piece| piece.expect(Tag::OctetString, PLACE));
            Cow::Owned(pieces.map(|piece| Ok(piece?.value)).collect::<Result<Vec<_>>>()?.concat())
        } else {
            Cow::Borrowed(encrypted.value)
        };
        self.decrypt(algorithm, &encrypted)
    }

    /// What one of the passwords decrypts to an element of BER.
    fn decrypt(&mut self, algorithm: &Element<'_>, encrypted: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let algorithm = Algorithm::from_element(*algorithm, PLACE)?;
        for password in &self.passwords {
            if let Some(octets) = pbe::decrypt(&algorithm, encrypted, password, &mut self.rounds)?
                && octets.first() == Some(&0x30)
                && Secret::framed(&octets, self.limits).is_ok()
            {
                return Ok(octets);
            }
        }
        Err(WRONG_PASSWORD)
    }
}

/// DER that may hold a key.
enum Secret<'a> {
    Borrowed(&'a [u8]),
    Owned(Zeroizing<Vec<u8>>),
}

impl<'a> Secret<'a> {
    fn framed(ber: &'a [u8], limits: &Limits) -> Result<Self> {
        Ok(match ber::to_der(ber, limits)? {
            Cow::Borrowed(der) => Self::Borrowed(der),
            Cow::Owned(der) => Self::Owned(Zeroizing::new(der)),
        })
    }
}

impl std::ops::Deref for Secret<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Borrowed(der) => der,
            Self::Owned(der) => der,
        }
    }
}

fn is_v3(version: &Element<'_>) -> bool {
    version.tag == Tag::Integer && version.value == [3]
}

/// ContentInfo (RFC 5652 §3).
fn content_info<'a>(info: &Element<'a>) -> Result<(der::oid::ObjectIdentifier, Element<'a>)> {
    match info.expect(Tag::Sequence, PLACE)?.inner(PLACE)?.as_slice() {
        [id, content] => Ok((id.oid(PLACE)?, Element::from_der(content.value, PLACE)?)),
        _ => Err(Error::structure(PLACE, "a content must have a type and a value")),
    }
}

/// The body of a fuzz target: any octets as a file, as what is inside one, and as a private key.
#[doc(hidden)]
pub fn fuzz(input: &[u8]) {
    let limits = Limits { rounds: 50, structure: 64 << 10, ..Limits::default() };
    drop(Pkcs12::read_unauthenticated(input, Some("x"), &limits));
    let opener = || Opener { passwords: vec![Password::new("x")], rounds: Rounds::new(&limits), limits: &limits };
    if let Ok(bags) = opener().safes(input) {
        drop(bags.pair());
    }
    drop(Bags::default().read(input, &mut opener()));
    if let Ok(key) = SoftwareKey::read(input, Some("x"), &limits) {
        assert!(crate::public_key::PublicKey::from_spki(key.public_key()).is_ok());
        // What is written of it is that key again.
        let again = SoftwareKey::from_pkcs8(key.expose_pkcs8());
        assert!(again.is_ok_and(|again| again.public_key() == key.public_key()));
    }
}

#[cfg(test)]
mod tests;
