//! A certificate with its extensions read, each once.

use std::collections::HashSet;

use der::{Decode, oid::ObjectIdentifier};
use sealpost_smime::Certificate;
use x509_cert::{
    ext::pkix::{
        AuthorityInfoAccessSyntax, AuthorityKeyIdentifier, BasicConstraints, CertificatePolicies,
        CrlDistributionPoints, ExtendedKeyUsage, KeyUsage, SubjectAltName,
    },
    name::RdnSequence,
};

use super::{Findings, Rule};
use crate::oid;

/// What a certificate says. What is `None` is not there, or could not be read, and that was found then.
pub(super) struct View<'a> {
    pub(super) certificate: &'a Certificate,
    pub(super) subject: RdnSequence,
    pub(super) names: Option<SubjectAltName>,
    /// Bits, the first of them the lowest.
    pub(super) usage: Option<u16>,
    pub(super) purposes: Option<Vec<ObjectIdentifier>>,
    pub(super) policies: Option<Vec<ObjectIdentifier>>,
    pub(super) points: Option<CrlDistributionPoints>,
    pub(super) access: Option<AuthorityInfoAccessSyntax>,
    pub(super) constraints: Option<BasicConstraints>,
    pub(super) authority_key: Option<AuthorityKeyIdentifier>,
}

impl<'a> View<'a> {
    pub(super) fn read(certificate: &'a Certificate, findings: &mut Findings) -> Self {
        let mut known = HashSet::new();
        for id in certificate.extension_ids().filter(|id| !known.insert(*id)) {
            findings.add(Rule::Repeated, format!("the extension {id} is there twice"));
        }
        let subject = RdnSequence::from_der(certificate.subject()).unwrap_or_else(|problem| {
            findings.add(Rule::Readable, format!("the subject: {problem}"));
            RdnSequence::default()
        });
        let mut read = Reader { certificate, findings };
        Self {
            certificate,
            subject,
            names: read.extension(oid::SUBJECT_ALT_NAME),
            usage: read.extension(oid::KEY_USAGE).map(|usage: KeyUsage| usage.0.bits()),
            purposes: read.extension(oid::EXTENDED_KEY_USAGE).map(|usage: ExtendedKeyUsage| usage.0),
            policies: read
                .extension(oid::CERTIFICATE_POLICIES)
                .map(|list: CertificatePolicies| list.0.iter().map(|policy| policy.policy_identifier).collect()),
            points: read.extension(oid::CRL_DISTRIBUTION_POINTS),
            access: read.extension(oid::AUTHORITY_INFO_ACCESS),
            constraints: read.extension(oid::BASIC_CONSTRAINTS),
            authority_key: read.extension(oid::AUTHORITY_KEY_ID),
        }
    }

    pub(super) fn is_critical(&self, id: ObjectIdentifier) -> bool {
        self.certificate.extension(id).is_some_and(|(critical, _)| critical)
    }
}

struct Reader<'a, 'f> {
    certificate: &'a Certificate,
    findings: &'f mut Findings,
}

impl<'a> Reader<'a, '_> {
    fn extension<T: Decode<'a, Error = der::Error>>(&mut self, id: ObjectIdentifier) -> Option<T> {
        let (_, value) = self.certificate.extension(id)?;
        let read = T::from_der(value);
        read.map_err(|problem| self.findings.add(Rule::Readable, format!("the extension {id}: {problem}"))).ok()
    }
}
