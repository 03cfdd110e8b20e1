//! Distribution points: which list speaks for which certificate (RFC 5280 §4.2.1.13, §5.2.5).

use der::Tag;

use crate::{
    Certificate, Error, Result,
    asn1::Element,
    certificate::{
        extension::{bits, is_tagged},
        general, name,
    },
    oid,
};

const POINTS: &str = "the CRL distribution points of a certificate";
const ISSUING: &str = "the issuing distribution point of a CRL";

/// All reasons of revocation: bits 1 to 8 of ReasonFlags.
pub(super) const ALL_REASONS: u16 = 0x1fe;

/// DistributionPointName, in the form in which names are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
enum PointName {
    Full(Vec<Vec<u8>>),
    /// What comes behind the name of the CRL's issuer.
    Relative(Vec<u8>),
}

impl PointName {
    fn read(tagged: &Element<'_>, place: &'static str) -> Result<Self> {
        match tagged.inner(place)?.as_slice() {
            [full] if is_tagged(full, 0) => Ok(Self::Full(names(full, place)?)),
            [relative] if is_tagged(relative, 1) => Ok(Self::Relative(name::canonical_part(relative.value)?)),
            _ => Err(Error::structure(place, "it has no name that is known")),
        }
    }

    fn names(&self, issuer: &[u8]) -> Vec<Vec<u8>> {
        match self {
            Self::Full(names) => names.clone(),
            Self::Relative(part) => vec![[issuer, part].concat()],
        }
    }
}

fn names(list: &Element<'_>, place: &'static str) -> Result<Vec<Vec<u8>>> {
    Ok(list.inner(place)?.iter().map(general::canonical).collect())
}

/// Where a certificate says that its list is.
#[derive(Debug)]
pub(super) struct Point {
    name: Option<PointName>,
    reasons: u16,
    /// Who issues the list, if it is another than the certificate's issuer.
    crl_issuer: Vec<Vec<u8>>,
}

impl Point {
    /// The points of a certificate, and behind them the list of its issuer for everything (RFC 5280 §6.3.3).
    pub(super) fn all(certificate: &Certificate) -> Result<Vec<Self>> {
        let mut points = Vec::new();
        if let Some((_, value)) = certificate.extension(oid::CRL_DISTRIBUTION_POINTS) {
            for point in Element::from_der(value, POINTS)?.expect(Tag::Sequence, POINTS)?.inner(POINTS)? {
                points.push(Self::read(&point)?);
            }
        }
        let own = PointName::Full(vec![certificate.canonical_issuer().to_vec()]);
        points.push(Self { name: Some(own), reasons: ALL_REASONS, crl_issuer: Vec::new() });
        Ok(points)
    }

    fn read(point: &Element<'_>) -> Result<Self> {
        let mut read = Self { name: None, reasons: ALL_REASONS, crl_issuer: Vec::new() };
        for field in point.expect(Tag::Sequence, POINTS)?.inner(POINTS)? {
            match field {
                _ if is_tagged(&field, 0) => read.name = Some(PointName::read(&field, POINTS)?),
                _ if is_tagged(&field, 1) => read.reasons = reasons(&field, POINTS)?,
                _ if is_tagged(&field, 2) => read.crl_issuer = names(&field, POINTS)?,
                _ => return Err(Error::structure(POINTS, "a field is unknown")),
            }
        }
        Ok(read)
    }
}

fn reasons(field: &Element<'_>, place: &'static str) -> Result<u16> {
    bits(field.value).map(|bits| bits & ALL_REASONS).ok_or(Error::structure(place, "the reasons are no string of bits"))
}

/// What a list says that it is about (RFC 5280 §5.2.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scope {
    name: Option<PointName>,
    /// Only certificates of these kinds; more than one leaves none.
    only: Vec<Kind>,
    reasons: u16,
    indirect: bool,
}

/// Kinds of certificates that lists tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    User,
    Authority,
    Attribute,
}

impl Scope {
    /// Of a list without the extension: all certificates of its issuer.
    pub(super) const WHOLE: Self = Self { name: None, only: Vec::new(), reasons: ALL_REASONS, indirect: false };

    pub(super) fn read(extension: &[u8]) -> Result<Self> {
        let mut scope = Self::WHOLE;
        for field in Element::from_der(extension, ISSUING)?.expect(Tag::Sequence, ISSUING)?.inner(ISSUING)? {
            let flag = field.value != [0];
            let only = |kind| if flag { vec![kind] } else { Vec::new() };
            match field {
                _ if is_tagged(&field, 0) => scope.name = Some(PointName::read(&field, ISSUING)?),
                _ if is_tagged(&field, 1) => scope.only.extend(only(Kind::User)),
                _ if is_tagged(&field, 2) => scope.only.extend(only(Kind::Authority)),
                _ if is_tagged(&field, 3) => scope.reasons = reasons(&field, ISSUING)?,
                _ if is_tagged(&field, 4) => scope.indirect = flag,
                _ if is_tagged(&field, 5) => scope.only.extend(only(Kind::Attribute)),
                _ => return Err(Error::structure(ISSUING, "a field is unknown")),
            }
        }
        Ok(scope)
    }

    /// Whether its entries may be about certificates of other issuers.
    pub(super) fn is_indirect(&self) -> bool {
        self.indirect
    }

    /// For which reasons a list of `issuer` with this scope is what `point` of the certificate means; 0 if it is
    /// not meant (RFC 5280 §6.3.3 (b) to (d)).
    pub(super) fn reasons_for(&self, issuer: &[u8], certificate: &Certificate, point: &Point) -> u16 {
        let by_issuer = if point.crl_issuer.is_empty() {
            issuer == certificate.canonical_issuer()
        } else {
            self.indirect && point.crl_issuer.iter().any(|named| named == issuer)
        };
        let own = if certificate.is_ca() { Kind::Authority } else { Kind::User };
        let kind = self.only.iter().all(|kind| *kind == own);
        if by_issuer && kind && self.is_named(issuer, certificate, point) { self.reasons & point.reasons } else { 0 }
    }

    fn is_named(&self, issuer: &[u8], certificate: &Certificate, point: &Point) -> bool {
        let Some(own) = &self.name else { return true };
        let meant = match &point.name {
            Some(name) => name.names(point.crl_issuer.first().map_or(certificate.canonical_issuer(), Vec::as_slice)),
            None => point.crl_issuer.clone(),
        };
        own.names(issuer).iter().any(|name| meant.contains(name))
    }
}
