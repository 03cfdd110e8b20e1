//! KeyAgreeRecipientInfo (RFC 5652 §6.2.2) in pieces of what came, and others made of them.

use der::{Tag, oid::ObjectIdentifier};

use super::{Originator, Replacement};
use crate::{
    CertificateIdentifier, Error, Limits, ListedRecipient, RecipientKind, Result,
    algorithm::{Algorithm, Curve},
    asn1::{Element, write},
    ber::{inner, to_der},
    enveloped::{encrypted_key, too_many},
    oid,
};

const PLACE: &str = "a KeyAgreeRecipientInfo";

/// Its fields as they came.
#[derive(Debug)]
pub(super) struct Agreement<'a> {
    version: &'a [u8],
    originator: &'a [u8],
    /// With its tag; nothing if there is none.
    ukm: &'a [u8],
    algorithm: &'a [u8],
    ephemeral: Option<Ephemeral<'a>>,
    pub(super) keys: Vec<Key<'a>>,
}

/// The key of the originator (OriginatorPublicKey, RFC 5652 §6.2.2).
#[derive(Debug)]
struct Ephemeral<'a> {
    /// The AlgorithmIdentifier as it came.
    algorithm: &'a [u8],
    curve: Option<Curve>,
    point: Vec<u8>,
}

/// A RecipientEncryptedKey.
#[derive(Debug)]
pub(super) struct Key<'a> {
    pub(super) recipient: ListedRecipient,
    pub(super) raw: &'a [u8],
    /// The encrypted content key as it came; nothing if it is malformed.
    encrypted: Option<&'a [u8]>,
}

impl<'a> Agreement<'a> {
    /// Reads one that has `most` recipients at most.
    pub(super) fn read(raw: &'a [u8], most: usize, limits: &Limits) -> Result<Self> {
        let fields: Vec<_> = children(raw, 6, limits)?;
        let (version, originator, ukm, algorithm, list) = match *fields.as_slice() {
            [version, originator, ukm, algorithm, keys] if is(ukm, 0xA1) => (version, originator, ukm, algorithm, keys),
            [version, originator, algorithm, keys] => (version, originator, &[][..], algorithm, keys),
            _ => return Err(wrong()),
        };
        if !(is(raw, 0xA1) && is(version, 0x02) && is(originator, 0xA0) && is(list, 0x30)) {
            return Err(wrong());
        }
        let der = to_der(algorithm, limits)?;
        let scheme = Algorithm::read(&der, PLACE)?.id;
        let ephemeral = Ephemeral::read(originator, limits)?;
        let keys = children(list, most.saturating_add(1), limits)?;
        if keys.is_empty() {
            return Err(wrong());
        }
        if keys.len() > most {
            return Err(too_many(limits));
        }
        let keys = keys.into_iter().map(|key| Key::read(key, scheme, limits)).collect();
        Ok(Self { version, originator, ukm, algorithm, ephemeral, keys })
    }

    pub(super) fn originator(&self) -> Option<Originator<'_>> {
        self.ephemeral.as_ref().map(|Ephemeral { curve, point, .. }| Originator { curve: *curve, point })
    }

    /// A RecipientEncryptedKey in the place of this one.
    ///
    /// # Errors
    ///
    /// [`Error::Structure`] if it can't be replaced, or not by this.
    pub(super) fn replaced(&self, key: &Key<'_>, by: &Replacement) -> Result<Vec<u8>> {
        let place = "a replacement of a recipient";
        let none = || Error::structure(place, "the message does not have the originator's key");
        let ephemeral = self.ephemeral.as_ref().ok_or_else(none)?;
        let encrypted = key.encrypted.ok_or_else(wrong)?;
        if by.point.len() != ephemeral.point.len() {
            return Err(Error::structure(place, "its key is not as long as the one that was there"));
        }
        Ok(write(0x30, &[&by.id.to_der_agreement(), encrypted]))
    }

    /// The same with some of its keys only.
    pub(super) fn with(&self, keys: &[&[u8]]) -> Vec<u8> {
        self.written(self.originator, keys)
    }

    /// The same with another originator's key, for these.
    pub(super) fn from(&self, point: &[u8], keys: &[&[u8]]) -> Vec<u8> {
        let algorithm = self.ephemeral.as_ref().map(|ephemeral| ephemeral.algorithm).unwrap_or_default();
        let key = write(0xA1, &[algorithm, &write(0x03, &[&[0], point])]);
        self.written(&write(0xA0, &[&key]), keys)
    }

    fn written(&self, originator: &[u8], keys: &[&[u8]]) -> Vec<u8> {
        write(0xA1, &[self.version, originator, self.ukm, self.algorithm, &write(0x30, keys)])
    }
}

impl<'a> Ephemeral<'a> {
    /// Of an OriginatorIdentifierOrKey in its tag; nothing if that names a certificate.
    fn read(tagged: &'a [u8], limits: &Limits) -> Result<Option<Self>> {
        let choice = children(tagged, 2, limits)?;
        let [choice] = *choice.as_slice() else { return Err(wrong()) };
        if !is(choice, 0xA1) {
            return Ok(None);
        }
        let fields = children(choice, 3, limits)?;
        let [raw, key] = *fields.as_slice() else { return Err(wrong()) };
        let key = to_der(key, limits)?;
        let [0, point @ ..] = Element::from_der(&key, PLACE)?.expect(Tag::BitString, PLACE)?.value else {
            return Err(wrong());
        };
        let der = to_der(raw, limits)?;
        let algorithm = Algorithm::read(&der, PLACE)?;
        Ok(Some(Self { algorithm: raw, curve: curve(&algorithm, point.len()), point: point.to_vec() }))
    }
}

impl<'a> Key<'a> {
    fn read(raw: &'a [u8], scheme: ObjectIdentifier, limits: &Limits) -> Self {
        let understood = || -> Result<(CertificateIdentifier, &'a [u8])> {
            let (id, _) = encrypted_key(&Element::from_der(&to_der(raw, limits)?, PLACE)?)?;
            children(raw, 2, limits)?.pop().map(|encrypted| (id, encrypted)).ok_or_else(wrong)
        };
        let (id, encrypted) = understood().ok().unzip();
        let kind = if id.is_some() { RecipientKind::KeyAgreement } else { RecipientKind::Other };
        Self { recipient: ListedRecipient { kind, id, algorithm: Some(scheme) }, raw, encrypted }
    }
}

/// The curve that the algorithm names; if that is left out (RFC 5753 §3.1.1), the one that has points of that length
/// (SEC 1 §2.3.3).
fn curve(algorithm: &Algorithm<'_>, point: usize) -> Option<Curve> {
    match algorithm.id {
        oid::X25519 => Some(Curve::X25519),
        oid::EC_PUBLIC_KEY if algorithm.no_parameters().is_ok() => match point {
            33 | 65 => Some(Curve::P256),
            49 | 97 => Some(Curve::P384),
            _ => None,
        },
        oid::EC_PUBLIC_KEY => match algorithm.parameters?.oid(PLACE).ok()? {
            oid::SECP256R1 => Some(Curve::P256),
            oid::SECP384R1 => Some(Curve::P384),
            _ => None,
        },
        _ => None,
    }
}

/// The elements inside of one, `most` at most.
fn children<'a>(raw: &'a [u8], most: usize, limits: &Limits) -> Result<Vec<&'a [u8]>> {
    inner(raw, limits)?.take(most).collect()
}

/// Whether an element has this tag. Strings may be constructed.
fn is(raw: &[u8], tag: u8) -> bool {
    raw.first() == Some(&tag)
}

fn wrong() -> Error {
    Error::structure(PLACE, "it is malformed")
}
