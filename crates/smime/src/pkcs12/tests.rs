//! PKCS#12 files of several programs.

use std::fs;

use sealpost_testkit::{tally::Tally, vectors};

use super::*;

fn open(name: &str, password: Option<&str>) -> Option<Result<Pkcs12>> {
    let file = fs::read(vectors()?.join("smime").join(name)).unwrap();
    Some(Pkcs12::read(&file, password, &Limits::default()))
}

/// The numbers of keys, of those with a certificate, and of other certificates.
fn counts(file: &Pkcs12) -> (usize, usize, usize) {
    let paired = file.identities.iter().filter(|one| one.certificate.is_some()).count();
    assert!(file.identities.iter().all(|one| one.certificate.as_ref().is_none_or(|of| one.key.matches(of))));
    (file.identities.len(), paired, file.certificates.len())
}

/// A file, its password, and what is in it.
type Case<'a> = (&'a str, Option<&'a str>, (usize, usize, usize));

/// Each file opens with its password, and not with another.
fn all(files: &[Case<'_>], set: &'static str) {
    let mut tally = Tally::new(set);
    for (file, password, expected) in files {
        let Some(opened) = open(file, *password) else { return };
        let opened = opened.unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(counts(&opened), *expected, "{file}");
        for wrong in ["wrong", "Password", "\u{1f511}"] {
            let error = open(file, Some(wrong)).unwrap().unwrap_err();
            assert!(matches!(error, Error::Pkcs12(_)), "{file}: {error}");
        }
        tally.check(true, file);
    }
    tally.report();
}

#[test]
fn files_of_rfc_9216_open() {
    let names = ["alice", "bob", "carlos", "dana"];
    let paths = names.map(|name| [format!("rfc9216/{name}.p12"), format!("rfc9216/{name}.p12.pem")]);
    let files: Vec<_> = names
        .iter()
        .zip(&paths)
        .flat_map(|(name, paths)| paths.each_ref().map(|path| (path.as_str(), Some(*name), (2, 2, 1))))
        .collect();
    all(&files, "RFC 9216: PKCS#12");
}

#[test]
fn files_of_nss_open() {
    let folder = "thunderbird/mailnews/test/data/smime";
    let [alice, alice_ec, bob, dave, eve, fran, fran_ec] =
        ["Alice", "Alice-ec", "Bob", "Dave", "Eve", "Fran", "Fran-ec"].map(|name| format!("{folder}/{name}.p12"));
    let nss = Some("nss");
    let files = [
        (alice.as_str(), nss, (1, 1, 1)),
        (&alice_ec, nss, (1, 1, 1)),
        (&bob, nss, (1, 1, 1)),
        (&dave, nss, (1, 1, 1)),
        (&eve, nss, (1, 1, 1)),
        (&fran, nss, (1, 1, 0)),
        (&fran_ec, nss, (1, 1, 0)),
    ];
    all(&files, "Thunderbird: PKCS#12");
}

#[test]
fn files_of_pyca_open() {
    let Some(folder) = vectors() else { return };
    let folder = folder.join("smime/pyca/cryptography_vectors/pkcs12");
    let mut tally = Tally::new("pyca: PKCS#12");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.extension().is_none_or(|extension| extension != "p12") {
            continue;
        }
        let password = match name.as_str() {
            "java-truststore.p12" | "no-password.p12" => None,
            _ if name.contains("no-pwd") => None,
            _ if name.contains("-pwd") => Some("password"),
            _ => Some("cryptography"),
        };
        let opened = Pkcs12::read(&fs::read(&path).unwrap(), password, &Limits::default());
        let opened = opened.unwrap_or_else(|error| panic!("{name}: {error}"));
        let expected = match name.as_str() {
            "java-truststore.p12" => (0, 0, 2),
            "cert-aes256cbc-no-key.p12" => (0, 0, 1),
            "no-cert-key-aes256cbc.p12" => (1, 0, 0),
            _ if name.starts_with("no-cert-") => (0, 0, 2),
            _ if name.starts_with("cert-") || name == "no-password.p12" => (1, 1, 0),
            _ => (1, 1, 2),
        };
        assert_eq!(counts(&opened), expected, "{name}");
        let called = opened.identities.first().and_then(|one| one.name.as_deref());
        let expected = match name.as_str() {
            "no-password.p12" => Some("6BC162DA"),
            _ if name.starts_with("name-1") || name.starts_with("name-all") => Some("name"),
            _ if name.starts_with("name-unicode") => Some("\u{263a}"),
            _ => None,
        };
        assert_eq!(called, expected, "{name}");
        tally.check(true, name);
    }
    tally.report();
}

#[test]
fn a_file_in_pem_opens() {
    let Some(opened) = open("autocrypt-protected-headers/bob.p12", Some("bob")) else { return };
    assert_eq!(counts(&opened.unwrap()), (1, 1, 1));
}

const PASSWORD: &str = "Grüße \u{1f511}";

/// Files that OpenSSL made, and some of them with another code.
const MADE: [(&str, &[u8]); 5] = [
    ("PBES2 with AES-256", include_bytes!("../../tests/data/modern.p12")),
    ("SHA-384, AES-128, AES-192", include_bytes!("../../tests/data/sha384.p12")),
    ("RC2-40, RC2-128, SHA-1", include_bytes!("../../tests/data/legacy.p12")),
    ("PBMAC1 with SHA-256", include_bytes!("../../tests/data/pbmac1.p12")),
    ("PBMAC1 with SHA-512", include_bytes!("../../tests/data/pbmac1-512.p12")),
];

#[test]
fn passwords_are_utf16_for_some_and_utf8_for_others() {
    let limits = Limits::default();
    for (name, file) in MADE {
        let opened = Pkcs12::read(file, Some(PASSWORD), &limits).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(counts(&opened), (1, 1, 0), "{name}");
        if !name.starts_with("SHA-384") {
            assert_eq!(opened.identities[0].name.as_deref(), Some("Schlüssel"), "{name}");
        }
        for wrong in [None, Some(""), Some("Grüße \u{1f510}"), Some("Gru\u{308}ße \u{1f511}")] {
            assert!(matches!(Pkcs12::read(file, wrong, &limits), Err(Error::Pkcs12(_))), "{name}");
        }
        // Each file has two or three derivations of 2048 rounds; the limit is for all.
        let few = Limits { rounds: 4000, ..limits.clone() };
        assert!(matches!(Pkcs12::read(file, Some(PASSWORD), &few), Err(Error::Limit { .. })), "{name}");
        let one = Limits { certificates: 1, ..limits.clone() };
        assert!(matches!(Pkcs12::read(file, Some(PASSWORD), &one), Err(Error::Limit { .. })), "{name}");
    }
    let no_len = include_bytes!("../../tests/data/pbmac1-nolen.p12");
    assert!(matches!(Pkcs12::read(no_len, Some(PASSWORD), &limits), Err(Error::Structure { .. })));
}

#[test]
fn an_empty_password_may_be_none() {
    let file = include_bytes!("../../tests/data/empty.p12");
    for password in [None, Some("")] {
        assert_eq!(counts(&Pkcs12::read(file, password, &Limits::default()).unwrap()), (1, 1, 0));
    }
}

#[test]
fn what_nothing_authenticates_is_read_on_request_only() {
    let (file, limits) = (include_bytes!("../../tests/data/nomac.p12"), Limits::default());
    assert!(matches!(Pkcs12::read(file, None, &limits), Err(Error::Pkcs12("nothing authenticates it"))));
    assert_eq!(counts(&Pkcs12::read_unauthenticated(file, None, &limits).unwrap()), (1, 1, 0));
    // A code that is there must fit.
    assert!(matches!(Pkcs12::read_unauthenticated(MADE[0].1, Some("x"), &limits), Err(Error::Pkcs12(_))));
}

#[test]
fn a_damaged_file_does_not_open_or_holds_the_same() {
    let limits = Limits { rounds: 10_000, ..Limits::default() };
    let file = MADE[2].1;
    let own = Pkcs12::read(file, Some(PASSWORD), &limits).unwrap();
    let mut opened = 0;
    for place in 0..file.len() {
        assert!(Pkcs12::read(&file[..place], Some(PASSWORD), &limits).is_err());
        let mut damaged = file.to_vec();
        damaged[place] ^= 1 << (place % 8);
        if let Ok(read) = Pkcs12::read(&damaged, Some(PASSWORD), &limits) {
            assert_eq!(read.identities[0].key.public_key(), own.identities[0].key.public_key());
            opened += 1;
        }
    }
    // The tags of what is not looked at.
    assert!(opened < 5, "{opened}");
}
