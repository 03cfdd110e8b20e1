//! Mails that are made to be expensive end within the limits.

use std::io::Cursor;

use sealpost_smime::{Certificate, Flaw, Form, Limits, Protection, Structure, Verdict, path::Reason};

use crate::{
    authority::{ALT_NAME, Draft, Key, mail_names, sequence, tlv},
    people::{Person, carried, message, verified},
};

const CONTENT: &[u8] = b"Content-Type: text/plain\r\n\r\nx\r\n";
const SIGNERS: usize = 32;

fn certificates(all: &[Certificate]) -> Vec<&[u8]> {
    all.iter().map(Certificate::as_der).collect()
}

/// A mail with as many signers as there may be, who all are this one.
fn many(signer: &[u8], all: &[Certificate]) -> Vec<u8> {
    carried(
        "From: eve@example.org\r\n",
        Form::Opaque,
        "",
        &message(Some(CONTENT), &certificates(all), &[signer; SIGNERS]),
    )
}

/// Authorities of ten names that all certify one another.
fn authorities() -> impl Iterator<Item = Certificate> {
    let name = |number: u16| format!("Authority {number}");
    (0..50).map(move |n| Draft::authority(&name(n % 10), &Key::new(n % 10)).sign(&name(n / 5), &Key::new(n / 5)))
}

#[test]
fn many_signers_with_many_certificates_are_judged_within_the_limit() {
    let eve = Person::new("eve@example.org");
    let persons = (0..50).map(|n| eve.draft("eve@example.org").serial(n).sign("Authority 0", &Key::new(0)));
    let all: Vec<_> = persons.chain(authorities()).collect();
    let signer = eve.signer_info_by_key_id(CONTENT);
    let verification = verified(&many(&signer, &all)).unwrap();
    assert!(verification.verdict() >= Verdict::Untrusted);
    let (first, last) = (&verification.signers[0], &verification.signers[SIGNERS - 1]);
    let limit = Limits::default().path_signatures;
    assert!(
        matches!(&first.trust, Some(Err(distrust)) if matches!(distrust.reason, Reason::Limit { limit: said, .. } if said == limit)),
        "{first:?}"
    );
    assert_eq!(last.integrity, Err(Flaw::TooManySignatures));
}

#[test]
fn addresses_and_names_are_not_multiplied_by_signers() {
    let eve = Person::new("eve@example.org");
    let addresses: Vec<_> = (0..26_000).map(|n| format!("{n:x}@a")).collect();
    let addresses: Vec<_> = addresses.iter().map(String::as_str).collect();
    let wide = eve.draft("x").with(ALT_NAME, false, mail_names(&addresses)).sign("Root", &Key::new(1));
    let verification = verified(&many(&eve.signer_info_by_key_id(CONTENT), &[wide])).unwrap();
    assert_eq!(verification.verdict(), Verdict::IdentityMismatch);
    // The name of an issuer in so many parts, who is none of these with this serial number.
    let part = tlv(0x31, &[&sequence(&[&[6, 3, 0x55, 4, 3], &tlv(12, &[b"a"])])]);
    let issuer = sequence(&[&part.repeat(5000)]);
    let others: Vec<_> = (0..90).map(|n| eve.draft("x").serial(7).sign(&format!("Other {n}"), &Key::new(1))).collect();
    let signer = eve.signer_info_by(CONTENT, &sequence(&[&issuer, &[2, 1, 7]]));
    let verification = verified(&many(&signer, &others)).unwrap();
    assert_eq!(verification.signers[0].integrity, Err(Flaw::NoCertificate));
}

#[test]
fn what_is_kept_of_all_parts_of_a_mail_has_a_limit() {
    let eve = Person::new("eve@example.org");
    let all: Vec<_> = (0..100).map(|n| eve.draft("eve@example.org").serial(n).sign("Root", &Key::new(1))).collect();
    let part = carried("--b\r\n", Form::Opaque, "", &message(Some(CONTENT), &certificates(&all), &[]));
    let mail = [b"Content-Type: multipart/mixed; boundary=b\r\n\r\n", part.repeat(140).as_slice()].concat();
    let mail = String::from_utf8(mail).unwrap().replace("--b", "\r\n--b").into_bytes();
    let structure = Structure::read(&mut Cursor::new(mail), &Limits::default()).unwrap();
    let octets = |certificates: &[Certificate]| certificates.iter().map(|one| one.as_der().len()).sum::<usize>();
    let kept = structure.parts.iter().map(|part| match &part.protection {
        Some(Protection::Signed(signed)) => octets(&signed.certificates),
        _ => 0,
    });
    let kept: usize = kept.sum();
    assert!(kept <= Limits::default().structure && kept > Limits::default().structure / 2, "{kept}");
    let last = structure.parts.last().unwrap().protection.as_ref().unwrap();
    assert!(last.to_string().contains("more than 4194304"), "{last}");
}
