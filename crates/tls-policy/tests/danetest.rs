//! OpenSSL's cases of DANE (`test/danetest.in`, `test/dane-cross.in`).
//!
//! Its driver registers SHA-256 as the preferred digest, and its host is `example.com` (`server.example` in the second
//! file). What became of them, and what SMTP does otherwise on purpose, stands in `docs/vectors.md`.

#![cfg(test)]
#![cfg(feature = "rustls")]

use std::{fs, path::Path};

use base64ct::{Base64, Encoding};
use rustls::pki_types::CertificateDer;
use sealpost_testkit::tally::Tally;
use sealpost_time::Time;
use sealpost_tls_policy::{
    dane::{DigestOrder, TlsaRecord},
    facts::CertificateCheck,
    tls::{Conditions, TlsaConditions},
};

/// Why cases are otherwise for SMTP.
const UNUSABLE: &str = "usages PKIX-TA and PKIX-EE are not usable for SMTP (RFC 7672 §3.1.3)";
const NO_NAMES: &str = "the name is not checked for a host's own certificate (case 54): for DANE-EE the client \"MUST \
                        NOT\" do so (RFC 7672 §3.2.1)";

struct Case {
    number: usize,
    records: Vec<TlsaRecord>,
    chain: Vec<CertificateDer<'static>>,
    code: i32,
}

/// The cases of a file: a line of five counts, then the records, then the certificates in PEM. Of cases 43 to 46 OpenSSL
/// itself reads only the first record, since their counts say so; here all that stand there are read.
fn cases(file: &Path) -> Vec<Case> {
    let text = fs::read_to_string(file).unwrap();
    let mut cases: Vec<Case> = Vec::new();
    let mut pem: Option<String> = None;
    for line in text.lines() {
        match (&mut pem, line) {
            (_, "-----BEGIN CERTIFICATE-----") => pem = Some(String::new()),
            (Some(digits), "-----END CERTIFICATE-----") => {
                cases.last_mut().unwrap().chain.push(Base64::decode_vec(digits).unwrap().into());
                pem = None;
            }
            (Some(digits), line) => digits.push_str(line),
            (None, line) if line.starts_with(|c: char| c.is_ascii_digit()) => {
                let fields: Vec<&str> = line.split(' ').collect();
                if let [_, _, _, code, _] = fields[..] {
                    let code = code.parse().unwrap();
                    cases.push(Case { number: cases.len() + 1, records: vec![], chain: vec![], code });
                } else {
                    cases.last_mut().unwrap().records.push(line.parse().unwrap());
                }
            }
            (None, _) => {}
        }
    }
    cases
}

/// What a case is to be: by the code of OpenSSL (X509_V_ERR_…), or otherwise and why.
fn wanted(case: &Case) -> (CertificateCheck, Option<&'static str>) {
    match case.code {
        _ if case.records.iter().all(|record| record.usage < 2) => (CertificateCheck::NotMade, Some(UNUSABLE)),
        _ if case.number == 54 => (CertificateCheck::Passed, Some(NO_NAMES)),
        0 => (CertificateCheck::Passed, None),
        62 => (CertificateCheck::OtherName, None),
        65 => (CertificateCheck::NoMatch, None),
        other => panic!("case {}: code {other}", case.number),
    }
}

fn check(case: &Case, name: &str, order: DigestOrder) -> CertificateCheck {
    let mut dane = TlsaConditions::new(name.parse().unwrap(), case.records.clone());
    dane.order = order;
    let time = Time::from_rfc3339("2026-11-27T12:00:00Z").unwrap();
    Conditions::new(name.parse().unwrap(), time).with_dane(dane).check(&case.chain).dane
}

/// Compares all cases of a file with what they are to be.
fn report(set: &'static str, file: &str, name: &str, order: DigestOrder) -> usize {
    let Some(folder) = sealpost_testkit::vectors() else { return 0 };
    let mut tally = Tally::new(set);
    for case in &cases(&folder.join("tls/openssl-dane").join(file)) {
        let found = check(case, name, order);
        match wanted(case) {
            (wanted, Some(why)) if found == wanted => tally.deliberate(why),
            (wanted, _) => tally.check(found == wanted, format_args!("case {}: {found:?}", case.number)),
        }
    }
    let count = tally.count();
    tally.report();
    count
}

#[test]
fn openssl_agrees_but_for_what_smtp_does_otherwise() {
    let count = report("OpenSSL: DANE", "danetest.in", "example.com", DigestOrder::Sha256First);
    assert!(matches!(count, 0 | 54), "{count}");
}

#[test]
fn a_cross_certificate_in_the_chain_does_no_harm() {
    let count = report("OpenSSL: DANE, crossed", "dane-cross.in", "server.example", DigestOrder::Sha512First);
    assert!(matches!(count, 0 | 1), "{count}");
}

/// Of a digest that does not match beside a weaker one that does, only the first counts (RFC 7671 §9).
#[test]
fn a_weaker_digest_is_no_match_beside_a_stronger_one() {
    let Some(folder) = sealpost_testkit::vectors() else { return };
    let cases = cases(&folder.join("tls/openssl-dane/danetest.in"));
    // Cases 12 and 14 are one chain: SHA-256 and SHA-512 of the host's key.
    let (sha256, sha512) = (&cases[11].records[0], &cases[13].records[0]);
    assert_eq!((sha256.matching, sha512.matching), (1, 2));
    let wrong = |record: &TlsaRecord| {
        let mut wrong = record.clone();
        wrong.data[0] ^= 1;
        wrong
    };
    for (records, order, expected) in [
        ([sha256.clone(), wrong(sha512)], DigestOrder::Sha512First, CertificateCheck::NoMatch),
        ([sha256.clone(), wrong(sha512)], DigestOrder::Sha256First, CertificateCheck::Passed),
        ([wrong(sha256), sha512.clone()], DigestOrder::Sha512First, CertificateCheck::Passed),
        ([wrong(sha256), sha512.clone()], DigestOrder::Sha256First, CertificateCheck::NoMatch),
    ] {
        let case = Case { number: 0, records: records.to_vec(), chain: cases[11].chain.clone(), code: 0 };
        assert_eq!(check(&case, "example.com", order), expected, "{order:?}");
    }
}
