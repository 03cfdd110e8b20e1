//! Certificates, made as they are needed: good ones, and ones that no authority would make.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use rustls::pki_types::CertificateDer;
use sealpost_testkit::der::element;
use sealpost_time::{Span, Time};

/// When it is, in these tests.
pub(crate) fn now() -> Time {
    Time::from_rfc3339("2026-11-27T12:00:00Z").unwrap()
}

/// A key on P-256, in PKCS #8.
pub(crate) struct Key(pub(crate) Vec<u8>);

impl Key {
    pub(crate) fn new() -> Self {
        let pair = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new()).unwrap();
        Self(pair.as_ref().to_vec())
    }

    fn pair(&self) -> EcdsaKeyPair {
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &self.0).unwrap()
    }

    /// SubjectPublicKeyInfo (RFC 5480).
    pub(crate) fn public(&self) -> Vec<u8> {
        let algorithm =
            [0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
        let point = element(3, &[&[0], self.pair().public_key().as_ref()]);
        element(0x30, &[&algorithm, &point])
    }
}

/// What a certificate says.
pub(crate) struct Spec {
    pub(crate) issuer: &'static str,
    pub(crate) subject: &'static str,
    /// Days from now.
    pub(crate) valid: (i64, i64),
    /// Without any it is of version 1.
    pub(crate) extensions: Vec<Vec<u8>>,
}

impl Spec {
    /// A host's certificate for these DNS-IDs.
    pub(crate) fn host(issuer: &'static str, names: &[&str]) -> Self {
        let names = dns_names(names);
        Self { issuer, subject: "the host", valid: (-1, 1), extensions: vec![names] }
    }

    /// An authority's certificate.
    pub(crate) fn authority(issuer: &'static str, subject: &'static str) -> Self {
        Self { issuer, subject, valid: (-1, 1), extensions: vec![basic_constraints(None)] }
    }

    pub(crate) fn sign(&self, key: &Key, by: &Key) -> CertificateDer<'static> {
        let algorithm = element(0x30, &[&[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]]);
        let time = |days| {
            let text = (now() + Span::days(days)).to_string().replace(['-', ':', 'T'], "");
            element(0x18, &[text.as_bytes()])
        };
        let validity = element(0x30, &[&time(self.valid.0), &time(self.valid.1)]);
        let mut fields = vec![element(2, &[&[7]]), algorithm.clone(), name(self.issuer), validity, name(self.subject)];
        fields.push(key.public());
        if !self.extensions.is_empty() {
            fields.insert(0, element(0xa0, &[&[2, 1, 2]]));
            fields.push(element(0xa3, &[&element(0x30, &[&self.extensions.concat()])]));
        }
        let tbs = element(0x30, &[&fields.concat()]);
        let signature = by.pair().sign(&SystemRandom::new(), &tbs).unwrap();
        element(0x30, &[&tbs, &algorithm, &element(3, &[&[0], signature.as_ref()])]).into()
    }
}

fn name(common: &str) -> Vec<u8> {
    let attribute = element(0x30, &[&[6, 3, 0x55, 4, 3], &element(0x0c, &[common.as_bytes()])]);
    element(0x30, &[&element(0x31, &[&attribute])])
}

/// An extension of the arc 2.5.29, critical.
pub(crate) fn extension(id: u8, value: &[u8]) -> Vec<u8> {
    element(0x30, &[&[6, 3, 0x55, 0x1d, id], &[1, 1, 0xff], &element(4, &[value])])
}

pub(crate) fn basic_constraints(path_len: Option<u8>) -> Vec<u8> {
    let limit = path_len.map(|limit| vec![2, 1, limit]).unwrap_or_default();
    extension(19, &element(0x30, &[&[1, 1, 0xff], &limit]))
}

pub(crate) fn dns_names(names: &[&str]) -> Vec<u8> {
    let names: Vec<Vec<u8>> = names.iter().map(|name| element(0x82, &[name.as_bytes()])).collect();
    extension(17, &element(0x30, &[&names.concat()]))
}

/// Only names below `domain`.
pub(crate) fn only_below(domain: &str) -> Vec<u8> {
    let subtree = element(0x30, &[&element(0x82, &[domain.as_bytes()])]);
    extension(30, &element(0x30, &[&element(0xa0, &[&subtree])]))
}

/// keyUsage: digitalSignature only.
pub(crate) fn signs_no_certificates() -> Vec<u8> {
    extension(15, &[3, 2, 7, 0x80])
}

/// extendedKeyUsage: clients only.
pub(crate) fn for_clients() -> Vec<u8> {
    extension(37, &element(0x30, &[&[6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 2]]))
}
