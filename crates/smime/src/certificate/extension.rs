//! What extensions of certificates say (RFC 5280 §4.2.1). Each is read when it is asked for.

use std::fmt;

use der::{Tag, oid::ObjectIdentifier};

use crate::{Certificate, Error, Result, asn1::Element, oid};

const KEY_USAGE: &str = "the key usage of a certificate";
const EXTENDED: &str = "the extended key usage of a certificate";
const POLICIES: &str = "the certificate policies";
const BASIC: &str = "the basic constraints of a certificate";

/// What a key may be used for (RFC 5280 §4.2.1.3): a set of bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyUsage(u16);

impl KeyUsage {
    /// digitalSignature.
    pub const DIGITAL_SIGNATURE: Self = Self(1);
    /// nonRepudiation, also named contentCommitment.
    pub const NON_REPUDIATION: Self = Self(1 << 1);
    /// keyEncipherment.
    pub const KEY_ENCIPHERMENT: Self = Self(1 << 2);
    /// dataEncipherment.
    pub const DATA_ENCIPHERMENT: Self = Self(1 << 3);
    /// keyAgreement.
    pub const KEY_AGREEMENT: Self = Self(1 << 4);
    /// keyCertSign.
    pub const KEY_CERT_SIGN: Self = Self(1 << 5);
    /// cRLSign.
    pub const CRL_SIGN: Self = Self(1 << 6);

    const NAMES: [&str; 9] = [
        "digitalSignature",
        "nonRepudiation",
        "keyEncipherment",
        "dataEncipherment",
        "keyAgreement",
        "keyCertSign",
        "cRLSign",
        "encipherOnly",
        "decipherOnly",
    ];

    /// Whether one of `these` is in it.
    #[must_use]
    pub fn has_one_of(self, these: Self) -> bool {
        self.0 & these.0 != 0
    }

    /// Both sets.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.into_iter().enumerate().filter(move |(bit, _)| self.0 >> bit & 1 == 1).map(|(_, name)| name)
    }
}

/// The bits' names, with commas between.
impl fmt::Display for KeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().collect::<Vec<_>>().join(", "))
    }
}

/// RFC 5280 §4.2.1.9.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BasicConstraints {
    pub(crate) ca: bool,
    pub(crate) path_len: Option<u64>,
}

impl Certificate {
    /// The extension keyUsage; `None` if there is none, and the key may be used for anything.
    ///
    /// # Errors
    ///
    /// [`Error::Encoding`] and [`Error::Structure`].
    pub fn key_usage(&self) -> Result<Option<KeyUsage>> {
        let Some((_, value)) = self.extension(oid::KEY_USAGE) else { return Ok(None) };
        let bits = bits(Element::from_der(value, KEY_USAGE)?.expect(Tag::BitString, KEY_USAGE)?.value);
        bits.map(|bits| Some(KeyUsage(bits))).ok_or(Error::structure(KEY_USAGE, "it is no string of bits"))
    }

    /// The extension extKeyUsage; `None` if there is none, and the certificate is for any purpose.
    ///
    /// # Errors
    ///
    /// [`Error::Encoding`] and [`Error::Structure`].
    pub fn extended_key_usage(&self) -> Result<Option<Vec<ObjectIdentifier>>> {
        let Some((_, value)) = self.extension(oid::EXTENDED_KEY_USAGE) else { return Ok(None) };
        let list = Element::from_der(value, EXTENDED)?.expect(Tag::Sequence, EXTENDED)?.inner(EXTENDED)?;
        list.iter().map(|id| id.oid(EXTENDED)).collect::<Result<_>>().map(Some)
    }

    /// The identifiers of the extension certificatePolicies (RFC 5280 §4.2.1.4), in their order; none if there is none.
    ///
    /// # Errors
    ///
    /// [`Error::Encoding`] and [`Error::Structure`].
    pub fn policies(&self) -> Result<Vec<ObjectIdentifier>> {
        let Some((_, value)) = self.extension(oid::CERTIFICATE_POLICIES) else { return Ok(Vec::new()) };
        let list = Element::from_der(value, POLICIES)?.expect(Tag::Sequence, POLICIES)?.inner(POLICIES)?;
        let id = |information: &Element<'_>| {
            let fields = information.inner(POLICIES)?;
            fields.first().ok_or(Error::structure(POLICIES, "a policy has no identifier"))?.oid(POLICIES)
        };
        list.iter().map(id).collect()
    }

    /// Whether it says that it is an authority's (basicConstraints, RFC 5280 §4.2.1.9).
    #[must_use]
    pub fn is_ca(&self) -> bool {
        self.basic_constraints().ok().flatten().is_some_and(|constraints| constraints.ca)
    }

    /// What its owner's mail program can do (RFC 4262): DER of SMIMECapabilities, unread.
    #[must_use]
    pub fn smime_capabilities(&self) -> Option<&[u8]> {
        self.extension(oid::SMIME_CAPABILITIES).map(|(_, value)| value)
    }

    pub(crate) fn basic_constraints(&self) -> Result<Option<BasicConstraints>> {
        let Some((_, value)) = self.extension(oid::BASIC_CONSTRAINTS) else { return Ok(None) };
        let fields = Element::from_der(value, BASIC)?.expect(Tag::Sequence, BASIC)?.inner(BASIC)?;
        let mut fields = fields.iter().peekable();
        let ca = fields.next_if(|field| field.tag == Tag::Boolean).is_some_and(|flag| flag.value != [0]);
        let path_len = fields.next().map(|len| number(len, BASIC)).transpose()?;
        match fields.next() {
            None => Ok(Some(BasicConstraints { ca, path_len })),
            Some(_) => Err(Error::structure(BASIC, "there is something behind the path length")),
        }
    }

    /// The key identifier in the extension authorityKeyIdentifier (RFC 5280 §4.2.1.1): a hint.
    pub(crate) fn authority_key_id(&self) -> Option<&[u8]> {
        authority_key_id(self.extension(oid::AUTHORITY_KEY_ID)?.1)
    }
}

/// The key identifier in the value of an extension authorityKeyIdentifier.
pub(crate) fn authority_key_id(extension: &[u8]) -> Option<&[u8]> {
    let place = "an authority key identifier";
    let fields = Element::from_der(extension, place).ok()?.inner(place).ok()?;
    fields.iter().find(|field| is_tagged(field, 0)).map(|field| field.value)
}

/// Whether it has this context-specific tag.
pub(crate) fn is_tagged(element: &Element<'_>, number: u32) -> bool {
    element.tag.is_context_specific() && element.tag.number().value() == number
}

/// The first 16 bits of a BIT STRING, the first of them the lowest.
pub(crate) fn bits(value: &[u8]) -> Option<u16> {
    let (unused, octets) = value.split_first()?;
    if *unused > 7 || (octets.is_empty() && *unused > 0) {
        return None;
    }
    let octet = |at: usize| octets.get(at).map_or(0, |octet| u16::from(octet.reverse_bits()));
    Some(octet(0) | octet(1) << 8)
}

/// A number that is not negative, whatever its tag; what is too large is the largest.
pub(crate) fn number(element: &Element<'_>, place: &'static str) -> Result<u64> {
    match element.value {
        [] => Err(Error::structure(place, "a number has no octets")),
        [first, ..] if *first > 0x7f => Err(Error::structure(place, "a number is negative")),
        octets if octets.iter().skip_while(|octet| **octet == 0).count() > 8 => Ok(u64::MAX),
        octets => Ok(octets.iter().fold(0, |number, octet| number << 8 | u64::from(*octet))),
    }
}
