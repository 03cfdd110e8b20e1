//! Where in a certificate its fields are (RFC 5280 §4.1). Only what is needed is read, and as leniently as possible: a
//! host that is known by its key may have a certificate of any version, for any name, of any age (RFC 7672 §3.1.1).

#[cfg(feature = "rustls")]
use x509_cert::der::{
    Decode,
    asn1::{GeneralizedTime, ObjectIdentifier, UtcTime},
};
use x509_cert::der::{Header, Reader, SliceReader, Tag, TagNumber};

/// How many elements a list in a certificate may have.
const MOST: usize = 1_000;

/// One element of DER.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element<'a> {
    pub(crate) tag: Tag,
    /// Tag, length and value.
    pub(crate) raw: &'a [u8],
    pub(crate) value: &'a [u8],
}

/// The elements that stand in `octets`; `None` if they can't be read, or are too many.
pub(crate) fn elements(octets: &[u8]) -> Option<Vec<Element<'_>>> {
    let mut reader = SliceReader::new(octets).ok()?;
    let mut list = Vec::new();
    while !reader.is_finished() {
        let header = Header::peek(&reader).ok()?;
        let raw = reader.tlv_bytes().ok()?;
        let value = raw.get(raw.len().checked_sub(usize::try_from(header.length()).ok()?)?..)?;
        if list.len() == MOST {
            return None;
        }
        list.push(Element { tag: header.tag(), raw, value });
    }
    Some(list)
}

/// What is inside of the one SEQUENCE that `octets` is.
pub(crate) fn sequence(octets: &[u8]) -> Option<Vec<Element<'_>>> {
    match elements(octets)?.as_slice() {
        [Element { tag: Tag::Sequence, value, .. }] => elements(value),
        _ => None,
    }
}

/// Whether `octets` is a SubjectPublicKeyInfo, of whatever algorithm.
pub(crate) fn is_public_key(octets: &[u8]) -> bool {
    matches!(
        sequence(octets).as_deref(),
        Some([Element { tag: Tag::Sequence, .. }, Element { tag: Tag::BitString, .. }])
    )
}

/// The fields of a certificate.
#[derive(Debug)]
#[cfg_attr(not(feature = "rustls"), expect(dead_code, reason = "paths are checked with the feature `rustls`"))]
pub(crate) struct Frame<'a> {
    /// SubjectPublicKeyInfo, whole.
    pub(crate) public_key: &'a [u8],
    /// Name of the issuer and of the subject, whole.
    pub(crate) issuer: &'a [u8],
    pub(crate) subject: &'a [u8],
    validity: &'a [u8],
    /// Of version 1 there are none, and of others it can be missing also.
    extensions: Option<&'a [u8]>,
}

impl<'a> Frame<'a> {
    /// Reads the frame of a certificate in DER.
    pub(crate) fn read(der: &'a [u8]) -> Option<Self> {
        let outer = sequence(der)?;
        let [Element { tag: Tag::Sequence, value: tbs, .. }, Element { tag: Tag::Sequence, .. }, signature] =
            outer.as_slice()
        else {
            return None;
        };
        let fields = elements(tbs)?;
        // The version is missing in version 1.
        let versioned = fields.first().is_some_and(|field| number(field.tag) == Some(0));
        let mut fields = fields.into_iter().skip(usize::from(versioned));
        let _serial = fields.next().filter(|field| field.tag == Tag::Integer)?;
        let mut next = || fields.next().filter(|field| field.tag == Tag::Sequence);
        let (_algorithm, issuer, validity, subject, public_key) = (next()?, next()?, next()?, next()?, next()?);
        if signature.tag != Tag::BitString || !is_public_key(public_key.raw) {
            return None;
        }
        let extensions = fields.find(|field| number(field.tag) == Some(3)).map(|field| field.value);
        let (issuer, subject) = (issuer.raw, subject.raw);
        Some(Self { public_key: public_key.raw, issuer, subject, validity: validity.value, extensions })
    }
}

#[cfg(feature = "rustls")]
impl<'a> Frame<'a> {
    /// From when on it is valid and until when, in seconds since 1970.
    pub(crate) fn validity(&self) -> Option<(i64, i64)> {
        match elements(self.validity)?.as_slice() {
            [from, until] => Some((time(from)?, time(until)?)),
            _ => None,
        }
    }

    /// Whether it has extensions.
    pub(crate) fn has_extensions(&self) -> bool {
        self.extensions.is_some()
    }

    /// The value of an extension; `Err` if it can't be read or is there twice.
    pub(crate) fn extension(&self, id: ObjectIdentifier) -> Result<Option<&'a [u8]>, Unreadable> {
        let Some(octets) = self.extensions else { return Ok(None) };
        let mut found = None;
        for extension in sequence(octets).ok_or(Unreadable)? {
            let fields = elements(extension.value).ok_or(Unreadable)?;
            let [first, .., last] = fields.as_slice() else { return Err(Unreadable) };
            if ObjectIdentifier::from_der(first.raw).map_err(|_| Unreadable)? != id {
                continue;
            }
            if last.tag != Tag::OctetString || found.replace(last.value).is_some() {
                return Err(Unreadable);
            }
        }
        Ok(found)
    }
}

/// A part of a certificate can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg(feature = "rustls")]
pub(crate) struct Unreadable;

#[cfg(feature = "rustls")]
fn time(element: &Element<'_>) -> Option<i64> {
    let since = match element.tag {
        Tag::UtcTime => UtcTime::from_der(element.raw).ok()?.to_unix_duration(),
        Tag::GeneralizedTime => GeneralizedTime::from_der(element.raw).ok()?.to_unix_duration(),
        _ => return None,
    };
    i64::try_from(since.as_secs()).ok()
}

/// The number of a tag of the class "context-specific".
pub(crate) fn number(tag: Tag) -> Option<u32> {
    match tag {
        Tag::ContextSpecific { number: TagNumber(number), .. } => Some(number),
        _ => None,
    }
}
