//! A certificate (RFC 5280 §4), read as it came: what is compared, hashed or verified is always its own octets.

mod address;
pub(crate) mod extension;
pub(crate) mod general;
pub(crate) mod name;
pub(crate) mod usage;

use std::{
    fmt,
    hash::{Hash, Hasher},
    ops::Range,
    sync::{Arc, OnceLock},
};

use der::{Tag, TagNumber, oid::ObjectIdentifier};

use sha2::{Digest as _, Sha256};

use crate::{Error, Result, UnixTime, asn1::Element, oid};

pub use extension::KeyUsage;

const PLACE: &str = "a certificate";

/// A certificate. Cheap to clone. Two are equal if their octets are.
#[derive(Clone)]
pub struct Certificate {
    der: Arc<[u8]>,
    fields: Arc<Fields>,
}

/// Where in the certificate its fields are.
struct Fields {
    tbs: Range<usize>,
    version: u8,
    serial: Range<usize>,
    inner_algorithm: Range<usize>,
    issuer: Range<usize>,
    validity: (UnixTime, UnixTime),
    subject: Range<usize>,
    spki: Range<usize>,
    extensions: Vec<Extension>,
    signature_algorithm: Range<usize>,
    signature: Range<usize>,
    /// Issuer and subject in the form in which names are compared; made when they are first needed.
    names: OnceLock<(Vec<u8>, Vec<u8>)>,
}

struct Extension {
    id: ObjectIdentifier,
    critical: bool,
    value: Range<usize>,
}

impl Certificate {
    /// Reads DER. Only the frame is read: what stands in extensions is read where it is needed.
    ///
    /// # Errors
    ///
    /// [`Error::Encoding`] and [`Error::Structure`].
    pub fn from_der(der: &[u8]) -> Result<Self> {
        let fields = Fields::read(der)?;
        Ok(Self { der: der.into(), fields: Arc::new(fields) })
    }

    /// The certificate as it came.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// What the issuer signed: DER of the TBSCertificate.
    #[must_use]
    pub fn tbs(&self) -> &[u8] {
        self.slice(&self.fields.tbs)
    }

    /// The serial number: the content octets of the INTEGER.
    #[must_use]
    pub fn serial(&self) -> &[u8] {
        self.slice(&self.fields.serial)
    }

    /// The issuer: DER of a Name.
    #[must_use]
    pub fn issuer(&self) -> &[u8] {
        self.slice(&self.fields.issuer)
    }

    /// The subject: DER of a Name.
    #[must_use]
    pub fn subject(&self) -> &[u8] {
        self.slice(&self.fields.subject)
    }

    /// The public key: DER of the SubjectPublicKeyInfo.
    #[must_use]
    pub fn public_key(&self) -> &[u8] {
        self.slice(&self.fields.spki)
    }

    /// From when on it is valid.
    #[must_use]
    pub fn not_before(&self) -> UnixTime {
        self.fields.validity.0
    }

    /// Until when it is valid.
    #[must_use]
    pub fn not_after(&self) -> UnixTime {
        self.fields.validity.1
    }

    /// The algorithm of the issuer's signature: DER of the outer AlgorithmIdentifier.
    #[must_use]
    pub fn signature_algorithm(&self) -> &[u8] {
        self.slice(&self.fields.signature_algorithm)
    }

    /// The issuer's signature.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        self.slice(&self.fields.signature)
    }

    /// An extension: whether it is critical, and its value (DER). Of a repeated one, the first.
    #[must_use]
    pub fn extension(&self, id: ObjectIdentifier) -> Option<(bool, &[u8])> {
        let found = self.fields.extensions.iter().find(|extension| extension.id == id)?;
        Some((found.critical, self.slice(&found.value)))
    }

    /// The object identifiers of all extensions, in their order.
    pub fn extension_ids(&self) -> impl Iterator<Item = ObjectIdentifier> {
        self.fields.extensions.iter().map(|extension| extension.id)
    }

    /// The subject key identifier (RFC 5280 §4.2.1.2), if it has one.
    #[must_use]
    pub fn subject_key_id(&self) -> Option<&[u8]> {
        let (_, value) = self.extension(oid::SUBJECT_KEY_ID)?;
        let element = Element::from_der(value, PLACE).ok()?.expect(Tag::OctetString, PLACE).ok()?;
        Some(element.value)
    }

    /// The serial number in hexadecimal, two digits an octet.
    #[must_use]
    pub fn serial_hex(&self) -> String {
        hex(self.serial())
    }

    /// SHA-256 of the whole certificate.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        Sha256::digest(&self.der).into()
    }

    /// The same in hexadecimal digits.
    #[must_use]
    pub fn fingerprint_hex(&self) -> String {
        hex(&self.fingerprint())
    }

    /// The subject for people, as RFC 4514 writes names.
    #[must_use]
    pub fn subject_name(&self) -> String {
        name::text(self.subject())
    }

    /// The issuer for people, as RFC 4514 writes names.
    #[must_use]
    pub fn issuer_name(&self) -> String {
        name::text(self.issuer())
    }

    /// The version of the format: 1, 2 or 3.
    pub(crate) fn version(&self) -> u8 {
        self.fields.version
    }

    /// The algorithm of the issuer's signature as it stands in what is signed.
    pub(crate) fn inner_algorithm(&self) -> &[u8] {
        self.slice(&self.fields.inner_algorithm)
    }

    /// The issuer in the form in which names are compared (see [`name::canonical`]).
    pub(crate) fn canonical_issuer(&self) -> &[u8] {
        &self.canonical_names().0
    }

    /// The subject in the form in which names are compared.
    pub(crate) fn canonical_subject(&self) -> &[u8] {
        &self.canonical_names().1
    }

    /// Whether issuer and subject are the same name (RFC 5280 §6.1).
    pub(crate) fn is_self_issued(&self) -> bool {
        self.canonical_issuer() == self.canonical_subject()
    }

    /// An extension that stands twice, which RFC 5280 §4.2 forbids.
    pub(crate) fn repeated_extension(&self) -> Option<ObjectIdentifier> {
        let mut ids: Vec<_> = self.extension_ids().collect();
        ids.sort_unstable();
        ids.windows(2).find_map(|pair| match pair {
            [first, second] if first == second => Some(*first),
            _ => None,
        })
    }

    /// The object identifiers of critical extensions.
    pub(crate) fn critical_extension_ids(&self) -> impl Iterator<Item = ObjectIdentifier> {
        self.fields.extensions.iter().filter(|extension| extension.critical).map(|extension| extension.id)
    }

    fn canonical_names(&self) -> &(Vec<u8>, Vec<u8>) {
        self.fields.names.get_or_init(|| (name::canonical(self.issuer()), name::canonical(self.subject())))
    }

    fn slice(&self, range: &Range<usize>) -> &[u8] {
        self.der.get(range.clone()).unwrap_or_default()
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Certificate {}

impl Hash for Certificate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.der.hash(state);
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("octets", &self.der.len()).finish_non_exhaustive()
    }
}

/// An element and where its value stands in the whole certificate.
#[derive(Clone, Copy)]
struct Placed<'a> {
    element: Element<'a>,
    at: usize,
}

impl Placed<'_> {
    fn raw(&self) -> Range<usize> {
        self.at..self.at + self.element.raw.len()
    }

    fn value(&self) -> Range<usize> {
        self.at + self.element.raw.len() - self.element.value.len()..self.at + self.element.raw.len()
    }

    fn inner(&self) -> Result<std::vec::IntoIter<Self>> {
        let start = self.value().start;
        let inner = self.element.inner(PLACE)?;
        Ok(inner.into_iter().map(|element| Self { element, at: start + element.at }).collect::<Vec<_>>().into_iter())
    }

    fn expect(self, tag: Tag) -> Result<Self> {
        self.element.expect(tag, PLACE).map(|_| self)
    }
}

impl Fields {
    fn read(der: &[u8]) -> Result<Self> {
        let whole = Placed { element: Element::from_der(der, PLACE)?, at: 0 }.expect(Tag::Sequence)?;
        let mut outer = whole.inner()?;
        let (Some(tbs), Some(algorithm), Some(signature), None) =
            (outer.next(), outer.next(), outer.next(), outer.next())
        else {
            return Err(Error::structure(PLACE, "it must have three elements"));
        };
        let mut fields = tbs.expect(Tag::Sequence)?.inner()?.peekable();
        let tagged = |number: u8| {
            move |placed: &Placed<'_>| {
                placed.element.tag.is_context_specific() && placed.element.tag.number() == TagNumber(number.into())
            }
        };
        let version = fields.next_if(tagged(0)).map_or(Ok(1), |version| read_version(&version))?;
        let mut next = |tag| fields.next().ok_or(Error::structure(PLACE, "a field is missing"))?.expect(tag);
        let serial = next(Tag::Integer)?;
        let inner_algorithm = next(Tag::Sequence)?;
        let (issuer, validity) = (next(Tag::Sequence)?, next(Tag::Sequence)?);
        let (subject, spki) = (next(Tag::Sequence)?, next(Tag::Sequence)?);
        let extensions = fields.find(tagged(3)).map(|tagged| extensions(&tagged)).transpose()?;
        let signature = signature.expect(Tag::BitString)?.value();
        Ok(Self {
            tbs: tbs.raw(),
            version,
            serial: serial.value(),
            inner_algorithm: inner_algorithm.raw(),
            issuer: issuer.raw(),
            validity: validity_times(&validity.element)?,
            subject: subject.raw(),
            spki: spki.raw(),
            extensions: extensions.unwrap_or_default(),
            signature_algorithm: algorithm.expect(Tag::Sequence)?.raw(),
            // Behind the count of unused bits.
            signature: (signature.start + 1).min(signature.end)..signature.end,
            names: OnceLock::new(),
        })
    }
}

fn read_version(tagged: &Placed<'_>) -> Result<u8> {
    match tagged.element.inner(PLACE)?.as_slice() {
        [Element { tag: Tag::Integer, value: [version @ 0..=2], .. }] => Ok(version + 1),
        _ => Err(Error::structure(PLACE, "its version is unknown")),
    }
}

/// Octets in hexadecimal.
pub(crate) fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::with_capacity(octets.len() * 2), |mut text, octet| {
        // Writing to a string can't fail.
        let _ = fmt::Write::write_fmt(&mut text, format_args!("{octet:02x}"));
        text
    })
}

fn extensions(tagged: &Placed<'_>) -> Result<Vec<Extension>> {
    let list = tagged.inner()?.next().ok_or(Error::structure(PLACE, "there are no extensions"))?;
    list.expect(Tag::Sequence)?
        .inner()?
        .map(|extension| {
            let mut fields = extension.expect(Tag::Sequence)?.inner()?.peekable();
            let missing = || Error::structure("an extension of a certificate", "a field is missing");
            let id = fields.next().ok_or_else(missing)?.element.oid(PLACE)?;
            let critical = fields.next_if(|field| field.element.tag == Tag::Boolean);
            let value = fields.next().ok_or_else(missing)?.expect(Tag::OctetString)?.value();
            Ok(Extension { id, critical: critical.is_some_and(|flag| flag.element.value != [0]), value })
        })
        .collect()
}

fn validity_times(validity: &Element<'_>) -> Result<(UnixTime, UnixTime)> {
    match validity.inner(PLACE)?.as_slice() {
        [from, to] => Ok((UnixTime::from_asn1(from)?, UnixTime::from_asn1(to)?)),
        _ => Err(Error::structure("a certificate's validity", "it must have two times")),
    }
}
