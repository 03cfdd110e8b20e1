//! Paths from a host's certificate to a trust anchor, built by webpki (RFC 5280 §6).

use rustls::pki_types::{CertificateDer, ServerName, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use sealpost_mail::Domain;
use sealpost_time::Time;
use webpki::{EndEntityCert, Error, KeyUsage, VerifiedPath};

use super::{
    anchor::{self, Anchor},
    conditions::TlsaConditions,
    name,
};
use crate::facts::CertificateCheck;

/// Which signatures of certificates are good: RSA from 2,048 bits, ECDSA, Ed25519, with SHA-2.
const ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] = webpki::ALL_VERIFICATION_ALGS;

/// Checks by PKIX, for one name: only DNS-IDs count (RFC 8461 §4.2, RFC 9525 §6.3).
pub(super) fn pkix(
    leaf: &CertificateDer<'_>,
    others: &[CertificateDer<'_>],
    roots: &[TrustAnchor<'_>],
    host: &Domain,
    time: Time,
) -> CertificateCheck {
    let own = match EndEntityCert::try_from(leaf) {
        Ok(own) => own,
        Err(error) => return check_of(&error),
    };
    let usage = KeyUsage::server_auth();
    match own.verify_for_usage(ALGORITHMS, roots, others, unix(time), usage, None, None) {
        Err(error) => check_of(&error),
        Ok(_) if is_for(&own, host) => CertificateCheck::Passed,
        Ok(_) => CertificateCheck::OtherName,
    }
}

/// Checks by the records of usage DANE-TA (RFC 7672 §3.1.2, RFC 7671 §5.2).
pub(super) fn dane(
    leaf: &CertificateDer<'_>,
    others: &[CertificateDer<'_>],
    dane: &TlsaConditions,
    time: Time,
) -> CertificateCheck {
    let anchors = match anchor::find(leaf, others, dane, time) {
        Ok(anchors) => anchors,
        Err(check) => return check,
    };
    let own = match EndEntityCert::try_from(leaf) {
        Ok(own) => own,
        Err(error) => return check_of(&error),
    };
    let roots: Vec<TrustAnchor<'_>> = anchors.iter().map(|anchor| anchor.trust.clone()).collect();
    let short = |path: &VerifiedPath<'_>| short_enough(path, &anchors);
    let usage = KeyUsage::server_auth();
    if let Err(error) = own.verify_for_usage(ALGORITHMS, &roots, others, unix(time), usage, None, Some(&short)) {
        return check_of(&error);
    }
    let mut names = [&dane.base].into_iter().chain(&dane.names);
    // The subject's common name counts only where there is no DNS-ID (RFC 7672 §3.2.3).
    let common = name::common_name(leaf).filter(|_| !anchor::constrains_names(others, dane));
    let named = |name: &Domain| is_for(&own, name) || common.as_ref().is_some_and(|own| name::is_for(own, name));
    if names.any(named) { CertificateCheck::Passed } else { CertificateCheck::OtherName }
}

/// Whether a DNS-ID of the certificate is `host`: a wildcard stands for its whole first label (RFC 7672 §3.2.3).
fn is_for(own: &EndEntityCert<'_>, host: &Domain) -> bool {
    let name = ServerName::try_from(host.as_str());
    name.is_ok_and(|name| own.verify_is_valid_for_subject_name(&name).is_ok())
}

/// Whether the path holds to the length that its anchor sets, which webpki takes from no anchor.
fn short_enough(path: &VerifiedPath<'_>, anchors: &[Anchor<'_>]) -> Result<(), Error> {
    let between = path.intermediate_certificates().filter(|one| one.issuer() != one.subject()).count();
    let limits = anchors.iter().filter(|anchor| anchor.trust == *path.anchor());
    let fits = limits.map(|anchor| anchor.path_len).any(|limit| limit.is_none_or(|limit| between <= limit));
    if fits { Ok(()) } else { Err(Error::PathLenConstraintViolated) }
}

fn unix(time: Time) -> UnixTime {
    UnixTime::since_unix_epoch(std::time::Duration::from_secs(u64::try_from(time.unix()).unwrap_or_default()))
}

/// What an error of webpki says about a certificate.
fn check_of(error: &Error) -> CertificateCheck {
    match error {
        Error::CertExpired { .. } | Error::CertNotValidYet { .. } => CertificateCheck::Expired,
        Error::CertNotValidForName(_) | Error::NameConstraintViolation => CertificateCheck::OtherName,
        // A certificate of an authority that is its own issuer: nobody vouches for it.
        Error::UnknownIssuer | Error::CaUsedAsEndEntity | Error::CertDistrusted | Error::CertRevoked => {
            CertificateCheck::Untrusted
        }
        _ => CertificateCheck::Unsound,
    }
}
