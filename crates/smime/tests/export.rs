//! Keys and certificates as files for other programs: PKCS#8 and PKCS#12, written and read again.

#![cfg(test)]

use getrandom::{SysRng, rand_core::UnwrapErr};
use proptest::prelude::*;
use rsa::{pkcs1::EncodeRsaPrivateKey, pkcs8::EncodePrivateKey};
use sealpost_smime::{Certificate, Error, Limits, Pkcs12, Pkcs12Writer, key::SoftwareKey};
use sealpost_testkit::der::element;

const P256: [u8; 10] = [6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const P384: [u8; 7] = [6, 5, 0x2b, 0x81, 4, 0, 0x22];
const EC: [u8; 9] = [6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const ED25519: [u8; 5] = [6, 3, 0x2b, 0x65, 0x70];
const X25519: [u8; 5] = [6, 3, 0x2b, 0x65, 0x6e];
const AES256_CBC: [u8; 11] = [6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 42];
const HMAC_SHA256: [u8; 10] = [6, 8, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 9];
const PKCS5: [u8; 10] = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5];
const SHA256: [u8; 11] = [6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];

fn limits() -> Limits {
    Limits::default()
}

fn read(der: &[u8]) -> SoftwareKey {
    SoftwareKey::read(der, None, &limits()).unwrap()
}

/// Keys of all kinds, made of `seed`.
fn simple(seed: u8) -> Vec<SoftwareKey> {
    let info = |algorithm: &[&[u8]], key: &[u8]| {
        read(&element(0x30, &[&[2, 1, 0], &element(0x30, algorithm), &element(4, &[key])]))
    };
    let number = |len: usize| [vec![1], vec![seed; len - 1]].concat();
    let on_curve = |curve: &[u8], len| info(&[&EC, curve], &element(0x30, &[&[2, 1, 1], &element(4, &[&number(len)])]));
    let mut keys = vec![
        on_curve(&P256, 32),
        on_curve(&P384, 48),
        info(&[&ED25519], &element(4, &[&number(32)])),
        info(&[&X25519], &element(4, &[&number(32)])),
    ];
    if cfg!(feature = "pqc") {
        let id = |last: &[u8]| [&[6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4], last].concat();
        keys.push(info(&[&id(&[4, 2])], &element(0x80, &[&number(64)])));
        keys.push(info(&[&id(&[3, 18])], &element(0x80, &[&number(32)])));
    }
    keys
}

fn rsa_key() -> rsa::RsaPrivateKey {
    rsa::RsaPrivateKey::new(&mut UnwrapErr(SysRng), 2048).unwrap()
}

/// A certificate that nobody signed.
fn certificate(spki: &[u8], serial: u8) -> Certificate {
    let (name, algorithm) = (element(0x30, &[]), element(0x30, &[&ED25519]));
    let validity = element(0x30, &[&element(0x17, &[b"200101000000Z"]), &element(0x17, &[b"400101000000Z"])]);
    let tbs = [&[0xA0, 3, 2, 1, 2, 2, 1, serial], &algorithm[..], &name, &validity, &name, spki].concat();
    Certificate::from_der(&element(0x30, &[&element(0x30, &[&tbs]), &algorithm, &element(3, &[&[0; 65]])])).unwrap()
}

/// A file with few rounds.
fn file(key: &SoftwareKey, chain: Vec<Certificate>, name: &str, password: &str) -> Vec<u8> {
    let own = certificate(key.public_key(), 1);
    let writer = Pkcs12Writer::new(key, &own).chain(chain).name(name).rounds(1);
    writer.write(password, &mut UnwrapErr(SysRng)).unwrap().to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    /// A077.
    #[test]
    fn a_file_opens_with_its_password_and_no_other(
        (seed, kind) in (1..0x7f_u8, any::<prop::sample::Index>()),
        name in "\\PC{0,20}",
        password in "\\PC{1,20}",
        wrong in "\\PC{1,20}",
        chain in 0..3_u8,
    ) {
        prop_assume!(password != wrong);
        let keys = simple(seed);
        let key = kind.get(&keys);
        let above: Vec<_> = (2..2 + chain).map(|serial| certificate(simple(0x7f)[2].public_key(), serial)).collect();
        let file = file(key, above.clone(), &name, &password);
        let opened = Pkcs12::read(&file, Some(&password), &limits()).unwrap();
        let [identity] = &opened.identities[..] else { panic!("one key") };
        prop_assert_eq!(identity.key.expose_pkcs8(), key.expose_pkcs8());
        prop_assert_eq!(identity.certificate.as_ref(), Some(&certificate(key.public_key(), 1)));
        prop_assert_eq!(identity.name.as_deref(), Some(&*name));
        prop_assert_eq!(&opened.certificates, &above);
        prop_assert!(matches!(Pkcs12::read(&file, Some(&wrong), &limits()), Err(Error::Pkcs12(_))));
        prop_assert!(matches!(Pkcs12::read(&file, None, &limits()), Err(Error::Pkcs12(_))));
    }

    #[test]
    fn a_changed_octet_is_noticed_or_changes_nothing(place in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let key = &simple(3)[0];
        let mut file = file(key, Vec::new(), "name", "password");
        let place = place.index(file.len());
        file[place] ^= 1 << bit;
        if let Ok(opened) = Pkcs12::read(&file, Some("password"), &limits()) {
            prop_assert_eq!(opened.identities[0].key.expose_pkcs8(), key.expose_pkcs8());
        }
    }
}

#[test]
fn a_key_in_any_form_becomes_the_same_pkcs8() {
    let rsa = rsa_key();
    let (pkcs8, pkcs1) = (rsa.to_pkcs8_der().unwrap(), rsa.to_pkcs1_der().unwrap());
    for form in [pkcs8.as_bytes(), pkcs1.as_bytes()] {
        assert_eq!(read(form).expose_pkcs8(), pkcs8.as_bytes());
    }
    for key in simple(9).into_iter().chain([read(pkcs8.as_bytes())]) {
        let again = SoftwareKey::from_pkcs8(key.expose_pkcs8()).unwrap();
        assert_eq!(again.public_key(), key.public_key());
        assert_eq!(again.expose_pkcs8(), key.expose_pkcs8());
        assert!(again.matches(&certificate(key.public_key(), 1)));
    }
    // Without the curve's zeros in front, without the public half, in the older form: SEC1.
    let number = [vec![1], vec![9; 31]].concat();
    let sec1 = element(0x30, &[&[2, 1, 1], &element(4, &[&number]), &element(0xa0, &[&P256])]);
    let short = element(0x30, &[&[2, 1, 1], &element(4, &[&[1]]), &element(0xa0, &[&P256])]);
    assert_eq!(read(&sec1).expose_pkcs8(), simple(9)[0].expose_pkcs8());
    assert_eq!(SoftwareKey::from_pkcs8(read(&short).expose_pkcs8()).unwrap().public_key(), read(&short).public_key());
    assert_eq!(read(&short).expose_pkcs8().len(), simple(9)[0].expose_pkcs8().len());
}

fn count(octets: &[u8], part: &[u8]) -> usize {
    octets.windows(part.len()).filter(|window| *window == part).count()
}

/// A077: nothing is written by RC2, 3DES, SHA-1 or MD5, and not by fewer rounds than OWASP asks.
#[test]
fn a_file_is_protected_by_todays_algorithms_only() {
    let key = &simple(5)[0];
    let own = certificate(key.public_key(), 1);
    assert!(format!("{:?}", Pkcs12Writer::new(key, &own)).contains("rounds: 600000"));
    let file = Pkcs12Writer::new(key, &own).rounds(65_540).write("password", &mut UnwrapErr(SysRng)).unwrap();
    assert_eq!(count(&file, &[&PKCS5[..], &[13]].concat()), 2, "PBES2");
    assert_eq!(count(&file, &[&PKCS5[..], &[12]].concat()), 2, "PBKDF2");
    assert_eq!(count(&file, &HMAC_SHA256), 2, "HMAC-SHA-256");
    assert_eq!(count(&file, &AES256_CBC), 2, "AES-256");
    assert_eq!(count(&file, &SHA256), 1, "SHA-256 of the code");
    let rounds = [2, 3, 1, 0, 4];
    assert_eq!(count(&file, &rounds), 3, "of key, certificates and code");
    // Whatever PKCS#12 itself defines to encrypt with (RFC 7292 §C), and all that PKCS#5 does but these two.
    assert_eq!(count(&file, &[6, 10, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 1]), 0);
    assert_eq!(count(&file, &PKCS5), 4);
    // Neither the key nor the certificate is readable.
    assert_eq!(count(&file, &[&[1][..], &[5; 31]].concat()) + count(&file, own.public_key()), 0);
    let few = Pkcs12Writer::new(key, &own).rounds(5).write("password", &mut UnwrapErr(SysRng)).unwrap();
    assert_eq!(count(&few, &[2, 2, 0x27, 0x10]), 3, "10,000 rounds at least");
}

#[test]
fn no_file_is_made_of_what_does_not_belong_together_or_without_a_password() {
    let [one, other] = [&simple(5)[0], &simple(6)[0]];
    let (own, rng) = (certificate(one.public_key(), 1), &mut UnwrapErr(SysRng));
    let error = Pkcs12Writer::new(other, &own).write("password", rng).unwrap_err();
    assert!(error.to_string().contains("another key"), "{error}");
    let error = Pkcs12Writer::new(one, &own).write("", rng).unwrap_err();
    assert!(error.to_string().contains("without a password"), "{error}");
}

/// Salts and initialization vectors are drawn anew.
#[test]
fn two_files_of_one_key_have_nothing_random_in_common() {
    let key = &simple(5)[0];
    let [one, other] = [(); 2].map(|()| file(key, Vec::new(), "name", "password"));
    assert_eq!(one.len(), other.len());
    // OCTET STRINGs of 16 octets at the same place: two salts, two vectors, the salt of the code.
    let is_one = |octets: &[u8]| octets[..2] == [4, 16];
    let places: Vec<_> =
        one.windows(18).zip(other.windows(18)).filter(|(one, other)| is_one(one) && is_one(other)).collect();
    assert_eq!(places.len(), 5);
    for (one, _) in &places {
        assert!(places.iter().all(|(_, other)| one != other));
    }
}
