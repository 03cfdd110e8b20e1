//! Certificates that real hosts have and that no PKIX library likes: of version 1, self-signed ones of an authority,
//! without alternative names, with a key of 1,024 bits, signed with SHA-1, for names with underscores.

#![cfg(test)]
#![cfg(feature = "rustls")]

use std::{fs, sync::Arc};

use rustls::{RootCertStore, pki_types::CertificateDer};
use sealpost_time::Time;
use sealpost_tls_policy::{
    dane::{DigestOrder, TlsaRecord, matches, matches_leaf},
    facts::CertificateCheck,
    tls::{Conditions, TlsaConditions},
};
use sha2::{Digest, Sha256, Sha512};
use x509_cert::der::{Decode, Encode};

/// Each file, and what it is worth by PKIX where nobody vouches for it.
const FILES: [(&str, CertificateCheck); 7] = [
    ("cn_only_v3.der", CertificateCheck::Untrusted),
    ("ee_selfsigned.der", CertificateCheck::Untrusted),
    ("rsa1024.der", CertificateCheck::Untrusted),
    ("rsa2048_sha1.der", CertificateCheck::Untrusted),
    ("underscore.der", CertificateCheck::Untrusted),
    ("v1_selfsigned.der", CertificateCheck::Unsound),
    ("v3_ca_true_selfsigned.der", CertificateCheck::Untrusted),
];

fn read(file: &str) -> Option<CertificateDer<'static>> {
    let folder = sealpost_testkit::vectors()?;
    Some(fs::read(folder.join("tls/own/odd-certs").join(file)).unwrap().into())
}

/// The records that match, in each form.
fn records(certificate: &CertificateDer<'_>, usage: u8) -> Vec<TlsaRecord> {
    // The key by another reader than the one under test.
    let parsed = x509_cert::Certificate::from_der(certificate).unwrap();
    let key = parsed.tbs_certificate().subject_public_key_info().to_der().unwrap();
    let mut records = Vec::new();
    for (selector, octets) in [(0, certificate.to_vec()), (1, key)] {
        for (matching, data) in
            [(0, octets.clone()), (1, Sha256::digest(&octets).to_vec()), (2, Sha512::digest(&octets).to_vec())]
        {
            records.push(TlsaRecord::new(usage, selector, matching, data).unwrap());
        }
    }
    records
}

fn dane(certificate: &CertificateDer<'static>, record: TlsaRecord, time: &str) -> CertificateCheck {
    let dane = TlsaConditions::new("nobody.example".parse().unwrap(), vec![record]);
    let conditions = Conditions::new("nobody.example".parse().unwrap(), Time::from_rfc3339(time).unwrap());
    conditions.with_dane(dane).check(std::slice::from_ref(certificate)).dane
}

#[test]
fn dane_ee_takes_any_of_them_for_any_name_at_any_time() {
    for (file, _) in FILES {
        let Some(certificate) = read(file) else { return };
        for record in records(&certificate, 3) {
            assert!(record.is_usable() && matches(&record, &certificate), "{file} {record}");
            assert!(matches_leaf(std::slice::from_ref(&record), DigestOrder::Sha512First, &certificate));
            for time in ["1990-01-01T00:00:00Z", "2026-11-27T12:00:00Z", "2999-01-01T00:00:00Z"] {
                assert_eq!(dane(&certificate, record.clone(), time), CertificateCheck::Passed, "{file} {record}");
            }
            for octet in [0, record.data.len() - 1] {
                let mut wrong = record.clone();
                wrong.data[octet] ^= 0x40;
                assert_ne!(dane(&certificate, wrong, "2026-11-27T12:00:00Z"), CertificateCheck::Passed);
            }
        }
    }
}

/// The host's own certificate is no anchor: a digest of usage DANE-TA matches only what stands above it.
#[test]
fn dane_ta_takes_none_of_them() {
    for (file, _) in FILES {
        let Some(certificate) = read(file) else { return };
        for record in records(&certificate, 2) {
            let found = dane(&certificate, record.clone(), "2026-11-27T12:00:00Z");
            assert!(record.matching == 0 || found == CertificateCheck::NoMatch, "{file} {record}");
            assert_ne!(found, CertificateCheck::Passed, "{file} {record}");
        }
    }
}

#[test]
fn pkix_takes_none_of_them() {
    for (file, expected) in FILES {
        let Some(certificate) = read(file) else { return };
        let time = Time::from_rfc3339("2026-11-27T12:00:00Z").unwrap();
        let conditions = Conditions::new("mx.example".parse().unwrap(), time);
        let found = conditions.with_roots(Arc::new(RootCertStore::empty())).check(&[certificate]);
        assert_eq!(found.pkix, expected, "{file}");
    }
}

/// Whatever octets a host sends for a certificate, there is an answer.
#[test]
fn cut_and_changed_certificates_are_no_match() {
    for (file, _) in FILES {
        let Some(certificate) = read(file) else { return };
        let by_key = records(&certificate, 3).remove(4);
        for len in 0..certificate.len() {
            let cut = CertificateDer::from(certificate[..len].to_vec());
            assert_eq!(dane(&cut, by_key.clone(), "2026-11-27T12:00:00Z"), CertificateCheck::NoMatch, "{file} {len}");
        }
        for at in 0..certificate.len() {
            let mut changed = certificate.to_vec();
            changed[at] ^= 0x21;
            // Outside of the key, whatever it changes, the key still counts: that is usage 3, selector 1.
            let _ = dane(&changed.into(), by_key.clone(), "2026-11-27T12:00:00Z");
        }
    }
}
