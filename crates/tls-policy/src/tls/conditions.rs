//! What a certificate is checked against.

use std::sync::Arc;

use rustls::{RootCertStore, pki_types::CertificateDer};
use sealpost_mail::Domain;
use sealpost_time::Time;

use super::{MOST_CERTIFICATES, path};
use crate::{
    dane::{DigestOrder, TlsaRecord, matches_leaf},
    facts::{CertificateCheck, CertificateFacts, DestinationFacts, HostFacts, Tlsa},
};

/// What the certificate of one host is checked against.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Conditions {
    /// The host, as its MX record names it: the name for PKIX (RFC 8461 §4.1). `None` if there is only an address: then
    /// no certificate is the right one.
    pub host: Option<Domain>,
    /// The trust anchors for PKIX; without any it is not checked.
    pub roots: Option<Arc<RootCertStore>>,
    /// The TLSA records; without any DANE is not checked.
    pub dane: Option<TlsaConditions>,
    /// The time for which certificates must be valid.
    pub time: Time,
}

/// TLSA records and the names that belong to them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TlsaConditions {
    /// The TLSA base domain: the name for SNI (RFC 7672 §8.1), and the first one that a certificate may be for.
    pub base: Domain,
    /// All records, the unusable ones also.
    pub records: Vec<TlsaRecord>,
    /// Which other names a certificate may be for (RFC 7672 §3.2.2).
    pub names: Vec<Domain>,
    /// Which digests count (RFC 7671 §9).
    pub order: DigestOrder,
}

impl TlsaConditions {
    /// Records under their base domain, and no other names.
    #[must_use]
    pub const fn new(base: Domain, records: Vec<TlsaRecord>) -> Self {
        Self { base, records, names: Vec::new(), order: DigestOrder::Sha512First }
    }
}

impl Conditions {
    /// Nothing to check against yet: opportunistic TLS.
    #[must_use]
    pub const fn new(host: Domain, time: Time) -> Self {
        Self { host: Some(host), roots: None, dane: None, time }
    }

    /// The same for a next hop that is an address: it has no name to ask for, and none that a certificate could be for.
    #[must_use]
    pub const fn to_address(time: Time) -> Self {
        Self { host: None, roots: None, dane: None, time }
    }

    /// With trust anchors for PKIX.
    #[must_use]
    pub fn with_roots(self, roots: Arc<RootCertStore>) -> Self {
        Self { roots: Some(roots), ..self }
    }

    /// With TLSA records.
    #[must_use]
    pub fn with_dane(self, dane: TlsaConditions) -> Self {
        Self { dane: Some(dane), ..self }
    }

    /// What DNS says about `host`, one of the hosts of `destination`.
    #[must_use]
    pub fn of(destination: &DestinationFacts, host: &HostFacts, time: Time) -> Self {
        let dane = match &host.tlsa {
            Tlsa::Usable { base, records } => {
                let mut dane = TlsaConditions::new(base.clone(), records.clone());
                dane.names = destination.names_beside(&host.name).cloned().collect();
                Some(dane)
            }
            _ => None,
        };
        Self { dane, ..Self::new(host.name.clone(), time) }
    }

    /// The name to ask the host for (SNI): the TLSA base domain, or else the host's.
    #[must_use]
    pub fn server_name(&self) -> Option<&Domain> {
        self.dane.as_ref().map(|dane| &dane.base).or(self.host.as_ref())
    }

    /// What a chain of certificates is worth, the host's own first.
    #[must_use]
    pub fn check(&self, chain: &[CertificateDer<'_>]) -> CertificateFacts {
        let Some((leaf, others)) = chain.split_first() else {
            return CertificateFacts { pkix: CertificateCheck::Unsound, dane: CertificateCheck::Unsound };
        };
        let others = others.get(..MOST_CERTIFICATES).unwrap_or(others);
        CertificateFacts { pkix: self.pkix(leaf, others), dane: self.dane(leaf, others) }
    }

    fn pkix(&self, leaf: &CertificateDer<'_>, others: &[CertificateDer<'_>]) -> CertificateCheck {
        match (&self.roots, &self.host) {
            (Some(roots), Some(host)) => path::pkix(leaf, others, &roots.roots, host, self.time),
            _ => CertificateCheck::NotMade,
        }
    }

    fn dane(&self, leaf: &CertificateDer<'_>, others: &[CertificateDer<'_>]) -> CertificateCheck {
        match &self.dane {
            Some(dane) if !dane.records.iter().any(TlsaRecord::is_usable) => CertificateCheck::NotMade,
            Some(dane) if matches_leaf(&dane.records, dane.order, leaf) => CertificateCheck::Passed,
            Some(dane) => path::dane(leaf, others, dane, self.time),
            None => CertificateCheck::NotMade,
        }
    }
}
