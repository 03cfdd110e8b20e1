//! Why a session failed (RFC 8460 §4.3).

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a session failed (RFC 8460 §4.3).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ResultType {
    /// The host does not offer STARTTLS, or refuses it.
    StarttlsNotSupported,
    /// The certificate is for other names.
    CertificateHostMismatch,
    /// The certificate is not valid at this time.
    CertificateExpired,
    /// No path leads from the certificate to a trust anchor.
    CertificateNotTrusted,
    /// Another failure.
    ValidationFailure,
    /// The TLSA records are not usable, or none of them matches.
    TlsaInvalid,
    /// DNSSEC does not validate.
    DnssecInvalid,
    /// DANE is required, and the host has no TLSA records.
    DaneRequired,
    /// The policy of MTA-STS can't be fetched.
    StsPolicyFetchError,
    /// The policy of MTA-STS has a mistake.
    StsPolicyInvalid,
    /// The certificate of the server of the policy is not valid for it.
    StsWebpkiInvalid,
    /// One that is not known here: reports of others may have more.
    #[serde(untagged)]
    Other(String),
}

impl ResultType {
    /// Those of the standard.
    pub const KNOWN: [Self; 11] = [
        Self::StarttlsNotSupported,
        Self::CertificateHostMismatch,
        Self::CertificateExpired,
        Self::CertificateNotTrusted,
        Self::ValidationFailure,
        Self::TlsaInvalid,
        Self::DnssecInvalid,
        Self::DaneRequired,
        Self::StsPolicyFetchError,
        Self::StsPolicyInvalid,
        Self::StsWebpkiInvalid,
    ];

    /// Its text in a report.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::StarttlsNotSupported => "starttls-not-supported",
            Self::CertificateHostMismatch => "certificate-host-mismatch",
            Self::CertificateExpired => "certificate-expired",
            Self::CertificateNotTrusted => "certificate-not-trusted",
            Self::ValidationFailure => "validation-failure",
            Self::TlsaInvalid => "tlsa-invalid",
            Self::DnssecInvalid => "dnssec-invalid",
            Self::DaneRequired => "dane-required",
            Self::StsPolicyFetchError => "sts-policy-fetch-error",
            Self::StsPolicyInvalid => "sts-policy-invalid",
            Self::StsWebpkiInvalid => "sts-webpki-invalid",
            Self::Other(text) => text,
        }
    }
}

impl fmt::Display for ResultType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_are_those_of_the_standard() {
        for known in ResultType::KNOWN {
            let json = serde_json::to_string(&known).unwrap();
            assert_eq!(json, format!("\"{known}\""));
            assert_eq!(serde_json::from_str::<ResultType>(&json).unwrap(), known);
        }
        let other: ResultType = serde_json::from_str("\"new-one\"").unwrap();
        assert_eq!((other.as_str(), &other), ("new-one", &ResultType::Other("new-one".to_owned())));
    }
}
