//! Why a certificate is not trusted.

use std::fmt;

use der::oid::ObjectIdentifier;

use crate::{Certificate, KeyUsage, UnixTime};

/// Why a certificate is not trusted: a certificate of the path, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Distrust {
    /// The certificate concerned: that of the signer or recipient, or an authority's above it.
    pub certificate: Certificate,
    /// What is wrong with it.
    pub reason: Reason,
}

impl Distrust {
    pub(crate) fn new(certificate: &Certificate, reason: Reason) -> Self {
        Self { certificate: certificate.clone(), reason }
    }
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = self.certificate.subject_name();
        if subject.is_empty() {
            return write!(f, "the certificate {}: {}", self.certificate.serial_hex(), self.reason);
        }
        write!(f, "the certificate of {subject}: {}", self.reason)
    }
}

impl std::error::Error for Distrust {}

/// What is wrong with a certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// The time is behind its validity.
    #[error("it expired at {not_after} (judged at {at})")]
    Expired {
        /// Until when it was valid.
        not_after: UnixTime,
        /// The time it was judged at.
        at: UnixTime,
    },
    /// The time is before its validity.
    #[error("it is valid only from {not_before} on (judged at {at})")]
    NotYetValid {
        /// From when on it is valid.
        not_before: UnixTime,
        /// The time it was judged at.
        at: UnixTime,
    },
    /// No certificate of its issuer is at hand, or none that leads to a trust anchor.
    #[error("no trusted certificate of its issuer is known: {issuer}")]
    UnknownIssuer {
        /// The issuer.
        issuer: String,
    },
    /// It is its own issuer and no trust anchor.
    #[error("it is self-signed and no trust anchor")]
    SelfSigned,
    /// The issuer's key did not make its signature.
    #[error("its signature is not its issuer's")]
    BadSignature,
    /// It issued a certificate and is no authority's (RFC 5280 §4.2.1.9).
    #[error("it is not an authority's, but issued a certificate")]
    NotCa,
    /// There are more authorities below it than it allows.
    #[error("it allows at most {allowed} authorities below it")]
    PathLength {
        /// How many it allows.
        allowed: u64,
    },
    /// The key usage does not allow it (RFC 5280 §4.2.1.3), or the key can't do it.
    #[error("its key usage does not allow {needed}")]
    KeyUsage {
        /// What is needed: one of these.
        needed: KeyUsage,
    },
    /// The kind of key can't do it: X25519 can't sign, Ed25519 can't encrypt.
    #[error("a key of its kind can't be used for {what}")]
    KeyKind {
        /// What it was to be used for.
        what: &'static str,
    },
    /// The extended key usage has neither emailProtection nor anyExtendedKeyUsage (RFC 8550 §4.4.4).
    #[error("its extended key usage does not allow mail")]
    ExtendedKeyUsage,
    /// A name is not one that an authority above may certify (RFC 5280 §4.2.1.10).
    #[error("the authority {authority} may not certify the name {name}")]
    NameConstraint {
        /// The name.
        name: String,
        /// Who set the constraint.
        authority: String,
    },
    /// Certificate policies (RFC 5280 §6.1.3 (d) to (f)).
    #[error("certificate policies: {0}")]
    Policy(&'static str),
    /// It was revoked.
    #[error("it was revoked at {at}: {reason}")]
    Revoked {
        /// When.
        at: UnixTime,
        /// Why.
        reason: RevocationReason,
    },
    /// It is not known whether it was revoked, and that is required.
    #[error("nothing that is valid at the time says whether it was revoked")]
    RevocationUnknown,
    /// A critical extension that this crate does not know.
    #[error("it has the critical extension {id}, which is not supported")]
    CriticalExtension {
        /// Which.
        id: ObjectIdentifier,
    },
    /// It is signed over SHA-1.
    #[error("it is signed over SHA-1")]
    WeakSignature,
    /// An RSA key below 1024 bits.
    #[error("its RSA key has only {bits} bits")]
    ShortKey {
        /// Its bits.
        bits: usize,
    },
    /// An algorithm that this crate, or this build of it, does not have.
    #[error("the algorithm {id} of its signature is not supported")]
    Algorithm {
        /// Which.
        id: ObjectIdentifier,
    },
    /// It can't be read, or contradicts itself.
    #[error("{0}")]
    Malformed(String),
    /// Judging it takes more than the limits allow.
    #[error("judging it takes more than {limit} {what}")]
    Limit {
        /// Of what it takes too much.
        what: &'static str,
        /// How much there may be.
        limit: usize,
    },
}

/// Why a certificate was revoked (RFC 5280 §5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RevocationReason {
    /// Not said.
    Unspecified,
    /// The key is, or may be, in other hands.
    KeyCompromise,
    /// The authority's key is, or may be, in other hands.
    CaCompromise,
    /// The subject's name or the like has changed.
    AffiliationChanged,
    /// There is a newer certificate.
    Superseded,
    /// It is no longer needed.
    CessationOfOperation,
    /// It is on hold; this may be taken back.
    CertificateHold,
    /// A right was withdrawn.
    PrivilegeWithdrawn,
    /// The attribute authority's key is, or may be, in other hands.
    AaCompromise,
    /// A number without meaning.
    Other(u64),
}

impl RevocationReason {
    pub(crate) fn from_code(code: u64) -> Self {
        match code {
            0 => Self::Unspecified,
            1 => Self::KeyCompromise,
            2 => Self::CaCompromise,
            3 => Self::AffiliationChanged,
            4 => Self::Superseded,
            5 => Self::CessationOfOperation,
            6 => Self::CertificateHold,
            9 => Self::PrivilegeWithdrawn,
            10 => Self::AaCompromise,
            other => Self::Other(other),
        }
    }
}

impl fmt::Display for RevocationReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unspecified => "no reason given",
            Self::KeyCompromise => "its key may be in other hands",
            Self::CaCompromise => "the authority's key may be in other hands",
            Self::AffiliationChanged => "affiliation changed",
            Self::Superseded => "superseded",
            Self::CessationOfOperation => "no longer in use",
            Self::CertificateHold => "on hold",
            Self::PrivilegeWithdrawn => "privilege withdrawn",
            Self::AaCompromise => "the attribute authority's key may be in other hands",
            Self::Other(code) => return write!(f, "reason {code}"),
        })
    }
}
