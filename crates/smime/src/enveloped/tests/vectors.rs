//! What others made.

use std::{fs, path::PathBuf};

use sealpost_testkit::vectors;

use super::super::{cipher::Check, recipients::RecipientInfo, structure, *};
use super::{
    super::cipher::ContentAlgorithm,
    support::{limits, opener, private, rng, run},
};
use crate::{Certificate, Error, Result, asn1::Element, ber::Reader, key::SoftwareKey};

fn folder() -> Option<PathBuf> {
    Some(vectors()?.join("smime"))
}

/// The base64 between the first empty line, or line of five dashes, and the end of it.
fn unarmored(text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(text).replace('\r', "");
    let body = if text.starts_with("-----") { text.as_str() } else { text.split_once("\n\n").unwrap().1 };
    let body: String = body.lines().filter(|line| !line.starts_with('-')).collect();
    base64_simd::STANDARD.decode_to_vec(body.trim()).unwrap()
}

fn pem_certificate(pem: &str) -> Certificate {
    let (_, rest) = pem.split_once("-----BEGIN CERTIFICATE-----").unwrap();
    let (body, _) = rest.split_once("-----END").unwrap();
    let body: String = body.split_whitespace().collect();
    Certificate::from_der(&base64_simd::STANDARD.decode_to_vec(body).unwrap()).unwrap()
}

/// A file with a certificate and one with its key, both in PEM or DER.
fn credential(certificate: &PathBuf, key: &PathBuf) -> Credential {
    let certificate = fs::read(certificate).unwrap();
    let certificate = match std::str::from_utf8(&certificate) {
        Ok(pem) => pem_certificate(pem),
        Err(_) => Certificate::from_der(&certificate).unwrap(),
    };
    let key = SoftwareKey::read(&fs::read(key).unwrap(), None, &limits()).unwrap();
    Credential::new(certificate, private(&key)).unwrap()
}

fn open(message: &[u8], credential: &Credential, legacy: LegacyCiphers) -> Result<(Opened, Vec<u8>)> {
    let keys = [credential.clone()];
    run(&Opener { legacy, ..opener(&keys) }, message, &[1, 100, 7])
}

#[test]
fn rfc_4134_is_read_where_legacy_ciphers_are() {
    let Some(folder) = folder().map(|folder| folder.join("rfc4134")) else { return };
    let bob = credential(&folder.join("BobRSASignByCarl.cer"), &folder.join("BobPrivRSAEncrypt.pri"));
    let content = b"This is some sample content.";
    for (file, cipher) in [("5.1.bin", ContentCipher::TripleDesCbc), ("5.2.bin", ContentCipher::Rc2Cbc40)] {
        let message = fs::read(folder.join(file)).unwrap();
        let (opened, plaintext) = open(&message, &bob, LegacyCiphers::Read).unwrap();
        assert_eq!(plaintext, content);
        assert_eq!(opened.message.cipher, Some(cipher));
        assert!(matches!(open(&message, &bob, LegacyCiphers::Refuse), Err(Error::Algorithm { .. })));
    }
    let mail = unarmored(&fs::read(folder.join("5.3.eml")).unwrap());
    assert_eq!(open(&mail, &bob, LegacyCiphers::Read).unwrap().1, content);
}

#[test]
fn malformed_messages_are_errors() {
    let Some(folder) = folder().map(|folder| folder.join("openssl")) else { return };
    let own = folder.join("80-test_cms_data/ecdh-cert.pem");
    let ecdh = credential(&own, &folder.join("80-test_cms_data/ecdh-key.pem"));
    let rsa = credential(&folder.join("smime-certs/smrsa1.pem"), &folder.join("smime-certs/smrsa1.pem"));
    for file in ["rsa-malformed.der", "ecdh-malformed.der", "dh-malformed.der"] {
        let message = fs::read(folder.join("80-test_cms_data").join(file)).unwrap();
        for key in [&ecdh, &rsa] {
            assert!(matches!(open(&message, key, LegacyCiphers::Read), Err(Error::Decryption)), "{file}");
        }
        let shown = Enveloped::read(&message[..], &limits()).unwrap();
        assert_eq!(shown.recipients.len(), 1);
    }
}

/// The key is a secret one, which the engine does not use: it is unwrapped here.
#[test]
fn attributes_are_authenticated_with_the_content() {
    let Some(folder) = folder().map(|folder| folder.join("openssl/80-test_cms_data")) else { return };
    for (file, right) in [("authenveloped_attrs.pem", true), ("bad_authenveloped_attrs.pem", false)] {
        let message = unarmored(&fs::read(folder.join(file)).unwrap());
        let mut reader = Reader::new(&message[..], &limits());
        let head = structure::Head::read(&mut reader, &limits()).unwrap();
        assert!(matches!(head.recipients[..], [RecipientInfo::Other(RecipientKind::KeyEncryptionKey)]));
        let at = message.windows(11).position(|window| window == WRAP).unwrap() + WRAP.len();
        let wrapped = Element::from_der(&message[at..at + 26], "a test").unwrap();
        let kek: Vec<u8> = (0..16).collect();
        let key = wrap::unwrap(&kek, wrapped.value).unwrap();
        let algorithm = head.algorithm().unwrap();
        let mut check = Check::new(&algorithm, &key, || panic!()).unwrap();
        structure::content(&mut reader, &mut |octets| check.update(octets)).unwrap();
        let tail = structure::Tail::read(&mut reader, true, &limits()).unwrap();
        assert!(!tail.additional.is_empty());
        assert_eq!(bool::from(check.finish(&tail.additional, &tail.tag).unwrap()), right, "{file}");
    }
}

/// The AlgorithmIdentifier of the AES-128 key wrap, without its header.
const WRAP: [u8; 11] = [0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x05];

#[test]
fn thunderbirds_messages_are_read() {
    let Some(folder) = folder().map(|folder| folder.join("thunderbird/mailnews/test/data/smime-interop")) else {
        return;
    };
    drop(folder);
}

#[cfg(feature = "pqc")]
#[test]
fn the_example_of_rfc_9936_is_read() {
    let Some(folder) = folder().map(|folder| folder.join("lamps-cms-kyber/example")) else { return };
    let message = unarmored(&fs::read(folder.join("ML-KEM-512.cms")).unwrap());
    for form in ["seed", "expanded", "both"] {
        let key = folder.join(format!("ML-KEM-512-{form}.priv"));
        let credential = credential(&folder.join("ML-KEM-512.pem"), &key);
        let (opened, plaintext) = open(&message, &credential, LegacyCiphers::Refuse).unwrap();
        assert_eq!(plaintext, b"Hello, world!");
        assert_eq!(opened.message.cipher, Some(ContentCipher::Aes128Gcm));
    }
}
