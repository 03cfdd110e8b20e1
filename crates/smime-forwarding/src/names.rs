//! How messages name people: each certificate by its issuer and serial number, and by its key identifier if it has one
//! (RFC 5652 §6.2.2).

use std::mem::discriminant;

use rand_core::CryptoRng;
use sealpost_smime::{Certificate, CertificateIdentifier, algorithm::Curve};

use crate::serial;

/// DER of a Name without parts.
const NOBODY: [u8; 2] = [0x30, 0];
/// Octets of a random key identifier, and of a random serial number at least.
const RANDOM: usize = 20;
/// Names that somebody has.
const NAMES: usize = 64;
/// Octets of all of them.
const OCTETS: usize = 128 << 10;

/// All names of this certificate: never none.
pub(crate) fn of_certificate(certificate: &Certificate) -> impl Iterator<Item = CertificateIdentifier> {
    let key_id = certificate.subject_key_id().filter(|id| !id.is_empty());
    let key_id = key_id.map(|id| CertificateIdentifier::SubjectKeyIdentifier(id.to_vec()));
    [CertificateIdentifier::issuer_and_serial(certificate)].into_iter().chain(key_id)
}

/// All names of these certificates, each once.
pub(crate) fn of_certificates(certificates: &[Certificate]) -> Vec<CertificateIdentifier> {
    let mut names = Vec::new();
    for name in certificates.iter().flat_map(of_certificate) {
        if !is_among(&name, &names) {
            names.push(name);
        }
    }
    names
}

/// Names that nobody has, in both forms; as long as those of `other`, modulo 3 (see [`serial`]).
pub(crate) fn of_nobody(other: &[CertificateIdentifier], rng: &mut impl CryptoRng) -> Vec<CertificateIdentifier> {
    let mut random = |len| {
        let mut octets = vec![0; len];
        rng.fill_bytes(&mut octets);
        octets
    };
    let like = other.iter().find_map(|name| match name {
        CertificateIdentifier::IssuerAndSerial { issuer, serial } => Some((issuer.len(), serial.len())),
        _ => None,
    });
    let len = like.and_then(|like| serial::like(like, NOBODY.len(), RANDOM..RANDOM + 6, Curve::P256));
    let mut serial = random(len.unwrap_or(RANDOM));
    // A positive number that has no shorter form (RFC 5280 §4.1.2.2).
    serial.iter_mut().take(1).for_each(|first| *first = *first & 0x3F | 0x40);
    let issuer = NOBODY.to_vec();
    vec![
        CertificateIdentifier::IssuerAndSerial { issuer, serial },
        CertificateIdentifier::SubjectKeyIdentifier(random(RANDOM)),
    ]
}

/// The names of an instance, within its limits.
///
/// # Errors
///
/// What is wrong.
pub(crate) fn checked(names: Vec<CertificateIdentifier>) -> Result<Vec<CertificateIdentifier>, &'static str> {
    let parts = |name: &CertificateIdentifier| match name {
        CertificateIdentifier::IssuerAndSerial { issuer, serial } => [issuer.len(), serial.len()],
        CertificateIdentifier::SubjectKeyIdentifier(id) => [id.len(), 1],
        _ => [0, 0],
    };
    match names.as_slice() {
        [] => Err("nobody is named as forwarder, or as forwardee"),
        names if names.len() > NAMES => Err("it has more than 64 names of one of both"),
        names if names.iter().flat_map(parts).any(|len| len == 0) => Err("a part of a name is empty"),
        names if names.iter().flat_map(parts).sum::<usize>() > OCTETS => Err("it has names of more than 128 KiB"),
        _ => Ok(names),
    }
}

pub(crate) fn is_among(name: &CertificateIdentifier, names: &[CertificateIdentifier]) -> bool {
    names.iter().any(|other| name.is_same(other))
}

/// Of these the one in the same form, else the first.
pub(crate) fn in_form_of<'a>(
    form: &CertificateIdentifier,
    names: &'a [CertificateIdentifier],
) -> Option<&'a CertificateIdentifier> {
    names.iter().find(|name| discriminant(*name) == discriminant(form)).or(names.first())
}
