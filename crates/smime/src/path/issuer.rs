//! What a certificate must be, alone, to stand in a path: valid at the time, an authority's, for the purpose.

use super::{Purpose, Reason, signature::Statement};
use crate::{Certificate, KeyUsage, UnixTime, certificate::usage::KeyKind, oid};

/// RSA keys below this are refused (RFC 8550 §4.3).
const SHORTEST_RSA: usize = 1024;

/// Extensions that are taken care of when they are critical.
const KNOWN: [der::oid::ObjectIdentifier; 15] = [
    oid::SUBJECT_KEY_ID,
    oid::KEY_USAGE,
    oid::SUBJECT_ALT_NAME,
    oid::ISSUER_ALT_NAME,
    oid::BASIC_CONSTRAINTS,
    oid::NAME_CONSTRAINTS,
    oid::CRL_DISTRIBUTION_POINTS,
    oid::CERTIFICATE_POLICIES,
    oid::POLICY_MAPPINGS,
    oid::AUTHORITY_KEY_ID,
    oid::POLICY_CONSTRAINTS,
    oid::EXTENDED_KEY_USAGE,
    oid::FRESHEST_CRL,
    oid::INHIBIT_ANY_POLICY,
    oid::OCSP_NOCHECK,
];

/// What a path is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Mail(Purpose),
    /// Who signs a revocation list; the anchor must be the same as that of the certificate that the list is about.
    CrlSigner {
        anchor: usize,
    },
}

/// What a certificate signs, as its issuer did.
pub(super) fn statement(certificate: &Certificate) -> Statement<'_> {
    Statement {
        message: certificate.tbs(),
        algorithm: certificate.signature_algorithm(),
        signature: certificate.signature(),
    }
}

/// Whether it is sound in itself and valid at the time.
pub(super) fn sound(certificate: &Certificate, at: UnixTime) -> Result<(), Reason> {
    in_time(certificate, at)?;
    if let Some(id) = certificate.repeated_extension() {
        return Err(Reason::Malformed(format!("it has the extension {id} twice")));
    }
    if certificate.inner_algorithm() != certificate.signature_algorithm() {
        return Err(Reason::Malformed("its two signature algorithms differ".to_owned()));
    }
    if let Some(id) = certificate.critical_extension_ids().find(|id| !KNOWN.contains(id)) {
        return Err(Reason::CriticalExtension { id });
    }
    long_enough(certificate)
}

pub(super) fn in_time(certificate: &Certificate, at: UnixTime) -> Result<(), Reason> {
    if at > certificate.not_after() {
        return Err(Reason::Expired { not_after: certificate.not_after(), at });
    }
    if at < certificate.not_before() {
        return Err(Reason::NotYetValid { not_before: certificate.not_before(), at });
    }
    Ok(())
}

fn long_enough(certificate: &Certificate) -> Result<(), Reason> {
    match certificate.key_kind() {
        Some(KeyKind::Rsa(bits) | KeyKind::RsaPss(bits)) if bits < SHORTEST_RSA => Err(Reason::ShortKey { bits }),
        Some(_) => Ok(()),
        None => Err(Reason::Malformed("its public key can't be read".to_owned())),
    }
}

/// Whether the certificate that a path is looked for is for that.
pub(super) fn suits(certificate: &Certificate, target: Target) -> Result<(), Reason> {
    let (usage, what) = match target {
        Target::Mail(Purpose::EmailSigning) => (certificate.signing_usage(), "signatures"),
        Target::Mail(Purpose::EmailEncryption) => (certificate.encryption_usage(), "encryption"),
        Target::CrlSigner { .. } => (certificate.signing_usage().map(|_| KeyUsage::CRL_SIGN), "signatures"),
    };
    let needed = usage.ok_or(Reason::KeyKind { what })?;
    has_usage(certificate, needed)?;
    match target {
        Target::Mail(_) => for_mail(certificate),
        Target::CrlSigner { .. } => Ok(()),
    }
}

/// Whether it may be the issuer of a certificate below which there are `below` authorities that are not self-issued.
pub(super) fn may_issue(certificate: &Certificate, below: u64, target: Target) -> Result<(), Reason> {
    let constraints = certificate.basic_constraints().map_err(malformed)?;
    let constraints = constraints.filter(|constraints| constraints.ca && certificate.version() == 3);
    let constraints = constraints.ok_or(Reason::NotCa)?;
    has_length(constraints.path_len, below)?;
    has_usage(certificate, KeyUsage::KEY_CERT_SIGN)?;
    match target {
        Target::Mail(_) => for_mail(certificate),
        Target::CrlSigner { .. } => Ok(()),
    }
}

/// The same for an anchor, which may be of a time when there were no extensions. Of version 3 it must say in some way
/// that it is an authority's: it may be one person's, trusted for itself.
pub(super) fn anchor_may_issue(certificate: &Certificate, below: u64, target: Target) -> Result<(), Reason> {
    match certificate.basic_constraints().map_err(malformed)? {
        Some(constraints) if constraints.ca => has_length(constraints.path_len, below)?,
        None if certificate.version() < 3 => {}
        None if certificate.key_usage().map_err(malformed)?.is_some() => {}
        _ => return Err(Reason::NotCa),
    }
    has_usage(certificate, KeyUsage::KEY_CERT_SIGN)?;
    match target {
        Target::Mail(_) => for_mail(certificate),
        Target::CrlSigner { .. } => Ok(()),
    }
}

fn has_length(allowed: Option<u64>, below: u64) -> Result<(), Reason> {
    match allowed {
        Some(allowed) if below > allowed => Err(Reason::PathLength { allowed }),
        _ => Ok(()),
    }
}

fn has_usage(certificate: &Certificate, needed: KeyUsage) -> Result<(), Reason> {
    match certificate.key_usage().map_err(malformed)? {
        Some(usage) if !usage.has_one_of(needed) => Err(Reason::KeyUsage { needed }),
        _ => Ok(()),
    }
}

fn for_mail(certificate: &Certificate) -> Result<(), Reason> {
    match certificate.extended_key_usage().map_err(malformed)? {
        Some(purposes)
            if !purposes.iter().any(|id| [oid::EMAIL_PROTECTION, oid::ANY_EXTENDED_KEY_USAGE].contains(id)) =>
        {
            Err(Reason::ExtendedKeyUsage)
        }
        _ => Ok(()),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is for map_err")]
pub(super) fn malformed(error: crate::Error) -> Reason {
    Reason::Malformed(error.to_string())
}
