//! What revocation lists and OCSP responses have in common: a frame with a signature, extensions, times.

use std::ops::Range;

use der::{Tag, oid::ObjectIdentifier};

use super::signature::Statement;
use crate::{Error, Result, UnixTime, asn1::Element};

/// SEQUENCE { what is signed, AlgorithmIdentifier, BIT STRING, ... }.
pub(super) struct Signed {
    der: Box<[u8]>,
    tbs: Range<usize>,
    algorithm: Range<usize>,
    signature: Range<usize>,
}

impl Signed {
    pub(super) fn from_der(der: &[u8], place: &'static str) -> Result<Self> {
        let whole = Element::from_der(der, place)?.expect(Tag::Sequence, place)?;
        let start = whole.raw.len() - whole.value.len();
        let fields = whole.inner(place)?;
        let [tbs, algorithm, signature, ..] = fields.as_slice() else {
            return Err(Error::structure(place, "a field is missing"));
        };
        signature.expect(Tag::BitString, place)?;
        let range = |element: &Element<'_>| start + element.at..start + element.at + element.raw.len();
        let (tbs, algorithm, end) = (range(tbs), range(algorithm), range(signature).end);
        // Behind the count of unused bits.
        let first = (end - signature.value.len() + 1).min(end);
        Ok(Self { der: der.into(), tbs, algorithm, signature: first..end })
    }

    pub(super) fn slice(&self, range: &Range<usize>) -> &[u8] {
        self.der.get(range.clone()).unwrap_or_default()
    }

    /// The elements of what is signed, and where the first of them starts in the whole, which `der` is.
    pub(super) fn fields<'d>(&self, der: &'d [u8], place: &'static str) -> Result<(Vec<Element<'d>>, usize)> {
        let tbs = der.get(self.tbs.clone()).unwrap_or_default();
        let tbs = Element::from_der(tbs, place)?.expect(Tag::Sequence, place)?;
        Ok((tbs.inner(place)?, self.tbs.start + tbs.raw.len() - tbs.value.len()))
    }

    pub(super) fn algorithm(&self) -> &[u8] {
        self.slice(&self.algorithm)
    }

    pub(super) fn statement(&self) -> Statement<'_> {
        Statement {
            message: self.slice(&self.tbs),
            algorithm: self.algorithm(),
            signature: self.slice(&self.signature),
        }
    }
}

/// An extension as it stands in lists and responses.
pub(super) struct Extension<'a> {
    pub(super) id: ObjectIdentifier,
    pub(super) critical: bool,
    pub(super) value: &'a [u8],
}

/// Reads Extensions, the SEQUENCE.
pub(super) fn extensions<'a>(list: &Element<'a>, place: &'static str) -> Result<Vec<Extension<'a>>> {
    let list = list.expect(Tag::Sequence, place)?.inner(place)?;
    list.iter()
        .map(|extension| {
            let fields = extension.expect(Tag::Sequence, place)?.inner(place)?;
            let (id, critical, value) = match fields.as_slice() {
                [id, value] => (id, false, value),
                [id, critical, value] => (id, critical.expect(Tag::Boolean, place)?.value != [0], value),
                _ => return Err(Error::structure(place, "an extension must have two or three fields")),
            };
            Ok(Extension { id: id.oid(place)?, critical, value: value.expect(Tag::OctetString, place)?.value })
        })
        .collect()
}

/// How a statement that is made for a while stands to a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Period {
    pub(super) this_update: UnixTime,
    pub(super) next_update: Option<UnixTime>,
}

impl Period {
    /// Whether it is in force then: an authority has said it and not yet said that there is something newer.
    pub(super) fn contains(&self, at: UnixTime) -> bool {
        self.this_update <= at && self.next_update.is_none_or(|next| at <= next)
    }
}

/// That a certificate was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) at: UnixTime,
    /// CRLReason (RFC 5280 §5.3.1).
    pub(super) reason: u64,
}

impl Entry {
    pub(super) const HOLD: u64 = 6;
    pub(super) const REMOVED: u64 = 8;

    /// Whether it shows that the certificate was revoked at a time, if what says so is in force then or is not.
    pub(super) fn holds(&self, in_force: bool, at: UnixTime) -> bool {
        match self.reason {
            Self::REMOVED => false,
            // What is on hold may be taken back.
            Self::HOLD => in_force,
            _ => in_force || self.at <= at,
        }
    }
}
