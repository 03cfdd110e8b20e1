//! Keys that come from PKCS#12 files and leave in them.

#![cfg(test)]

use std::fs;

use sealpost_rollover::{
    Cause, GenerationId, Slot, SubjectId, SubjectKind, Time,
    port::{CertificateRecord, PrivateKey},
};
use sealpost_smime::{Certificate, key::SoftwareKey};
use sealpost_store::{
    Error,
    import::{export, import, read},
};
use zeroize::Zeroizing;

/// What OpenSSL made with `-legacy`: RC2 of 40 and 128 bits, SHA-1; and by PBES2 with AES-256.
const FILES: [(&str, &[u8]); 2] = [
    ("RC2", include_bytes!("../../smime/tests/data/legacy.p12")),
    ("AES-256", include_bytes!("../../smime/tests/data/modern.p12")),
];
const PASSWORD: &str = "Grüße \u{1f511}";

fn id() -> GenerationId {
    GenerationId::new(SubjectId::of(SubjectKind::Mailbox, "alice@example.com"), Slot::Dual, 3)
}

/// As it was imported.
fn fixture() -> (PrivateKey, CertificateRecord) {
    let (new, certificate) = import(FILES[1].1, Some(PASSWORD), id(), Time::from_unix(5)).unwrap();
    (new.key, certificate)
}

#[test]
fn an_old_file_becomes_a_generation_with_its_certificate() {
    for (name, file) in FILES {
        let (new, certificate) = import(file, Some(PASSWORD), id(), Time::from_unix(5)).unwrap();
        assert_eq!((new.id, new.cause, new.at), (id(), Cause::Imported, Time::from_unix(5)), "{name}");
        assert!(new.request.is_empty());
        assert_eq!(new.public, certificate.public);
        let key = SoftwareKey::from_pkcs8(new.key.expose_pkcs8()).unwrap();
        let own = Certificate::from_der(&certificate.der).unwrap();
        assert!(key.matches(&own), "{name}");
        assert_eq!((certificate.issuer.as_slice(), certificate.serial.as_slice()), (own.issuer(), own.serial()));
        assert_eq!(certificate.public.spki_sha256.len(), 32);
        assert_eq!(certificate.public.key_id.len(), 20);
        assert_eq!(certificate.not_after.unix(), own.not_after().0);
        assert!(certificate.not_before < certificate.not_after);
        for wrong in [None, Some(""), Some("Gruesse")] {
            let error = import(file, wrong, id(), Time::from_unix(5)).unwrap_err();
            assert!(matches!(error, Error::Pkcs12(_)), "{name}: {error:?}");
        }
    }
}

/// RFC 9216: each has a key to sign and another to decrypt, and their issuer's certificate.
#[test]
fn a_file_of_two_keys_gives_both_with_their_slots_and_chains() {
    let Some(folder) = sealpost_testkit::vectors() else { return };
    for name in ["alice", "bob", "carlos", "dana"] {
        let file = fs::read(folder.join(format!("smime/rfc9216/{name}.p12"))).unwrap();
        let all = read(&file, Some(name)).unwrap();
        let mut slots: Vec<_> = all.iter().map(|one| one.slot).collect();
        slots.sort();
        assert_eq!(slots, [Slot::Sign, Slot::Encrypt], "{name}");
        for one in &all {
            let own = Certificate::from_der(&one.certificate.der).unwrap();
            assert_eq!(Some(&*one.certificate.public.key_id), own.subject_key_id(), "{name}");
            let issuers: Vec<_> = one.certificate.chain.iter().map(|der| Certificate::from_der(der).unwrap()).collect();
            assert_eq!(issuers.len(), 1, "{name}");
            assert_eq!(issuers[0].subject(), own.issuer(), "{name}");
        }
        let error = import(&file, Some(name), id(), Time::from_unix(5)).unwrap_err();
        assert!(matches!(error, Error::NotOneKey { found: 2 }), "{error:?}");
    }
}

#[test]
fn what_has_no_key_with_a_certificate_is_no_generation() {
    let error = import(b"no file", None, id(), Time::from_unix(5)).unwrap_err();
    assert!(matches!(error, Error::Pkcs12(_)), "{error:?}");
}

/// A077: what is exported is what was imported, for who knows the password.
#[test]
fn a_generation_leaves_as_it_came() {
    let (key, certificate) = fixture();
    let file = export(&key, &certificate, Some("Alice"), PASSWORD).unwrap();
    let [again] = &read(&file, Some(PASSWORD)).unwrap()[..] else { panic!("one key") };
    assert_eq!(again.key.expose_pkcs8(), key.expose_pkcs8());
    assert_eq!((&again.certificate, again.name.as_deref()), (&certificate, Some("Alice")));
}

#[test]
fn nothing_is_exported_that_does_not_belong_together() {
    let (key, mut certificate) = fixture();
    assert!(matches!(export(&key, &certificate, None, ""), Err(Error::Pkcs12(_))));
    let damaged = PrivateKey::from_pkcs8(Zeroizing::new(key.expose_pkcs8()[1..].to_vec()));
    assert!(matches!(export(&damaged, &certificate, None, "password"), Err(Error::Pkcs12(_))));
    certificate.der.pop();
    assert!(matches!(export(&key, &certificate, None, "password"), Err(Error::Pkcs12(_))));
}
