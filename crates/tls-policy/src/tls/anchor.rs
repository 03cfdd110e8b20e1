//! The trust anchors that TLSA records of usage DANE-TA name (RFC 7671 §5.2).

use rustls::pki_types::{CertificateDer, Der, TrustAnchor};
use sealpost_time::Time;
use x509_cert::der::{Tag, asn1::ObjectIdentifier};

use super::conditions::TlsaConditions;
use crate::{
    dane::{DANE_TA, Frame, TlsaRecord, elements, in_force, matches, sequence},
    facts::CertificateCheck,
};

/// basicConstraints (RFC 5280 §4.2.1.9).
const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
/// keyUsage (RFC 5280 §4.2.1.3).
const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
/// nameConstraints (RFC 5280 §4.2.1.10).
const NAME_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.30");

/// An anchor, and how many certificates may be between it and the host's.
pub(super) struct Anchor<'a> {
    pub(super) trust: TrustAnchor<'a>,
    pub(super) path_len: Option<usize>,
}

/// The anchors that the records name: a certificate that the host sent above its own, or one that the record holds
/// whole, or a bare key that signed what the host sent.
///
/// # Errors
///
/// Why there are none.
pub(super) fn find<'a>(
    leaf: &'a CertificateDer<'_>,
    others: &'a [CertificateDer<'_>],
    dane: &'a TlsaConditions,
    time: Time,
) -> Result<Vec<Anchor<'a>>, CertificateCheck> {
    let mut anchors = Vec::new();
    let mut flaw = CertificateCheck::NoMatch;
    for record in in_force(&dane.records, dane.order).filter(|record| record.usage == DANE_TA) {
        let mut sent = others.iter().map(AsRef::as_ref).filter(|other| matches(record, other)).peekable();
        let whole = is_certificate(record).then_some(record.data.as_slice());
        if sent.peek().is_none() && (record.selector, record.matching) == (1, 0) {
            anchors.extend(bare(record, leaf, others));
        }
        for certificate in sent.chain(whole) {
            match authority(certificate, time) {
                Ok(anchor) => anchors.push(anchor),
                Err(check) => flaw = check,
            }
        }
    }
    if anchors.is_empty() { Err(flaw) } else { Ok(anchors) }
}

/// Whether any certificate that may be on the path limits names. webpki applies such limits to DNS-IDs only: a common
/// name must not get around them.
pub(super) fn constrains_names(others: &[CertificateDer<'_>], dane: &TlsaConditions) -> bool {
    let whole = dane.records.iter().filter(|record| is_certificate(record)).map(|record| record.data.as_slice());
    others
        .iter()
        .map(AsRef::as_ref)
        .chain(whole)
        .any(|certificate| Frame::read(certificate).is_none_or(|frame| frame.extension(NAME_CONSTRAINTS) != Ok(None)))
}

fn is_certificate(record: &TlsaRecord) -> bool {
    (record.usage, record.selector, record.matching) == (DANE_TA, 0, 0)
}

/// A certificate as an anchor. It must itself be valid, and one of an authority (RFC 7672 §3.1.2): webpki takes an anchor
/// for good and checks only what is below.
fn authority(certificate: &[u8], time: Time) -> Result<Anchor<'_>, CertificateCheck> {
    let frame = Frame::read(certificate).ok_or(CertificateCheck::Unsound)?;
    let (from, until) = frame.validity().ok_or(CertificateCheck::Unsound)?;
    if !(from..=until).contains(&time.unix()) {
        return Err(CertificateCheck::Expired);
    }
    let path_len = constraints(&frame).ok_or(CertificateCheck::Untrusted)?;
    let read = |id| frame.extension(id).map_err(|_| CertificateCheck::Unsound);
    if read(KEY_USAGE)?.is_some_and(|usage| !signs_certificates(usage)) {
        return Err(CertificateCheck::Untrusted);
    }
    let limits = read(NAME_CONSTRAINTS)?.map(content).transpose()?;
    let name_constraints = limits.map(Der::from_slice);
    let (subject, key) = (content(frame.subject)?, content(frame.public_key)?);
    let trust = TrustAnchor { subject: subject.into(), subject_public_key_info: key.into(), name_constraints };
    Ok(Anchor { trust, path_len })
}

fn content(sequence: &[u8]) -> Result<&[u8], CertificateCheck> {
    match elements(sequence).as_deref() {
        Some([element]) if element.tag == Tag::Sequence => Ok(element.value),
        _ => Err(CertificateCheck::Unsound),
    }
}

/// How long a path may be below it; `None` if it is no authority's. One without extensions, of version 1, is taken for an
/// authority's: it could not say so.
#[expect(clippy::option_option, reason = "no authority, and an authority without a limit")]
fn constraints(frame: &Frame<'_>) -> Option<Option<usize>> {
    if !frame.has_extensions() {
        return Some(None);
    }
    let fields = sequence(frame.extension(BASIC_CONSTRAINTS).ok()??)?;
    let is_true = |octets: &[u8]| octets.first().is_some_and(|octet| *octet != 0);
    match fields.as_slice() {
        [ca] if ca.tag == Tag::Boolean && is_true(ca.value) => Some(None),
        [ca, limit] if ca.tag == Tag::Boolean && is_true(ca.value) && limit.tag == Tag::Integer => match limit.value {
            [limit] if *limit < 0x80 => Some(Some(usize::from(*limit))),
            // More certificates than are looked at.
            [0x00..0x80, _, ..] => Some(None),
            _ => None,
        },
        _ => None,
    }
}

/// Whether keyUsage has keyCertSign, the sixth bit.
fn signs_certificates(usage: &[u8]) -> bool {
    match elements(usage).as_deref() {
        Some([bits]) if bits.tag == Tag::BitString => bits.value.get(1).is_some_and(|bits| bits & 0b0000_0100 != 0),
        _ => false,
    }
}

/// A bare key: it is accepted as the one that signed what the host sent (RFC 7671 §5.2.3), of whatever name.
fn bare<'a>(record: &'a TlsaRecord, leaf: &'a [u8], others: &'a [CertificateDer<'_>]) -> Vec<Anchor<'a>> {
    let Ok(key) = content(&record.data) else { return Vec::new() };
    let mut anchors: Vec<Anchor<'a>> = Vec::new();
    for certificate in [leaf].into_iter().chain(others.iter().map(AsRef::as_ref)) {
        let issuer = Frame::read(certificate).and_then(|frame| content(frame.issuer).ok());
        let Some(issuer) = issuer else { continue };
        if anchors.iter().all(|anchor| anchor.trust.subject.as_ref() != issuer) {
            let trust =
                TrustAnchor { subject: issuer.into(), subject_public_key_info: key.into(), name_constraints: None };
            anchors.push(Anchor { trust, path_len: None });
        }
    }
    anchors
}
