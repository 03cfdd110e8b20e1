//! A certificate (RFC 5280 §4), read as it came: what is compared, hashed or verified is always its own octets.

use std::{fmt, ops::Range, sync::Arc};

use der::{Tag, TagNumber, oid::ObjectIdentifier};

use crate::{Error, Result, UnixTime, asn1::Element, oid};

const PLACE: &str = "a certificate";

/// A certificate. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Certificate {
    der: Arc<[u8]>,
    fields: Arc<Fields>,
}

/// Where in the certificate its fields are.
#[derive(PartialEq, Eq, Hash)]
struct Fields {
    tbs: Range<usize>,
    serial: Range<usize>,
    issuer: Range<usize>,
    validity: (UnixTime, UnixTime),
    subject: Range<usize>,
    spki: Range<usize>,
    extensions: Vec<Extension>,
    signature_algorithm: Range<usize>,
    signature: Range<usize>,
}

#[derive(PartialEq, Eq, Hash)]
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

    fn slice(&self, range: &Range<usize>) -> &[u8] {
        self.der.get(range.clone()).unwrap_or_default()
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

impl<'a> Placed<'a> {
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
        drop(fields.next_if(tagged(0)));
        let mut next = |tag| fields.next().ok_or(Error::structure(PLACE, "a field is missing"))?.expect(tag);
        let serial = next(Tag::Integer)?;
        next(Tag::Sequence)?;
        let (issuer, validity) = (next(Tag::Sequence)?, next(Tag::Sequence)?);
        let (subject, spki) = (next(Tag::Sequence)?, next(Tag::Sequence)?);
        let extensions = fields.find(tagged(3)).map(|tagged| extensions(&tagged)).transpose()?;
        let signature = signature.expect(Tag::BitString)?.value();
        Ok(Self {
            tbs: tbs.raw(),
            serial: serial.value(),
            issuer: issuer.raw(),
            validity: validity_times(&validity.element)?,
            subject: subject.raw(),
            spki: spki.raw(),
            extensions: extensions.unwrap_or_default(),
            signature_algorithm: algorithm.expect(Tag::Sequence)?.raw(),
            // Behind the count of unused bits.
            signature: (signature.start + 1).min(signature.end)..signature.end,
        })
    }
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
