//! What others made.

use std::{
    fs,
    path::{Path, PathBuf},
};

use sealpost_testkit::{tally::Tally, vectors};

use super::super::{cipher::Check, structure, *};
use super::support::{limits, opener, private, run, seal};
use crate::{Certificate, Error, Pkcs12, Result, asn1::Element, ber::Reader, key::SoftwareKey};

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
        assert_eq!(bool::from(check.finish(&tail.additional, &tail.tag)), right, "{file}");
    }
}

/// The AlgorithmIdentifier of the AES-128 key wrap, without its header.
const WRAP: [u8; 11] = [0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x05];

/// All keys of a PKCS#12 file that receive content keys.
fn pkcs12(file: &Path, password: &str) -> Vec<Credential> {
    let file = Pkcs12::read(&fs::read(file).unwrap(), Some(password), &limits()).unwrap();
    let both = file.identities.iter().filter_map(|identity| {
        Some(Credential::new(identity.certificate.clone()?, PrivateKey::from_software(&identity.key)?).unwrap())
    });
    both.collect()
}

/// OAEP with other hash functions and a label, ECDH with other derivations, as OpenSSL wrote them.
#[test]
fn thunderbirds_messages_of_openssl_are_read() {
    let Some(folder) = folder().map(|folder| folder.join("thunderbird/mailnews/test/data/smime-interop")) else {
        return;
    };
    let (rsa, ec) = (pkcs12(&folder.join("Fran.p12"), "nss"), pkcs12(&folder.join("Fran-ec.p12"), "nss"));
    let mut tally = Tally::new("Thunderbird: OpenSSL's");
    for entry in fs::read_dir(&folder).unwrap() {
        let file = entry.unwrap().path();
        let name = file.file_name().unwrap().to_str().unwrap();
        if file.extension().is_none_or(|extension| extension != "env") {
            continue;
        }
        let keys = if name.starts_with("fran-ec") { &ec } else { &rsa };
        let message = unarmored(&fs::read(&file).unwrap());
        let opener = Opener { legacy: LegacyCiphers::Read, ..opener(keys) };
        let (_, plaintext) = run(&opener, &message, &[1000]).unwrap();
        tally.check(plaintext == b"This is a test message to Fran.\n", name);
    }
    tally.report();
}

/// What NSS wrote, in BER. (The files without a mail around them are of an older issuer.)
#[test]
fn thunderbirds_messages_are_read() {
    let Some(folder) = folder().map(|folder| folder.join("thunderbird/mailnews/test/data/smime")) else { return };
    let keys: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|file| file.extension().is_some_and(|extension| extension == "p12"))
        .flat_map(|file| pkcs12(&file, "nss"))
        .collect();
    let mut count = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let mail = fs::read(entry.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&mail).replace('\r', "");
        // Those that are encrypted on the outside.
        if !text.split("\n\n").next().unwrap().contains("smime-type=enveloped-data") {
            continue;
        }
        let (opened, plaintext) = run(&opener(&keys), &unarmored(&mail), &[1000]).unwrap();
        assert!(opened.message.cipher.is_some_and(|cipher| !cipher.is_legacy()));
        assert!(plaintext.starts_with(b"Content-Type: "));
        count += 1;
    }
    assert_eq!(count, 13);
}

/// The examples of the `cms` crate, whose keys are not there.
#[test]
fn examples_of_other_kinds_of_recipients_are_read() {
    use RecipientKind::{Kem, KeyAgreement, KeyEncryptionKey, KeyTransport, Password};

    let Some(folder) = folder().map(|folder| folder.join("rustcrypto-cms/examples")) else { return };
    let kinds = |file: &str| {
        let message = fs::read(folder.join(file)).unwrap();
        let shown = Enveloped::read(&message[..], &limits()).unwrap();
        shown.recipients.iter().map(|recipient| recipient.kind).collect::<Vec<_>>()
    };
    assert_eq!(kinds("enveloped_data_ktri.bin"), [KeyTransport]);
    assert_eq!(kinds("enveloped_data_kekri.bin"), [KeyEncryptionKey]);
    assert_eq!(kinds("enveloped_data_pwri.bin"), [Password]);
    assert_eq!(kinds("enveloped_data_multi.bin"), [KeyTransport, KeyAgreement, KeyEncryptionKey, Password]);
    for number in 1..=4 {
        assert_eq!(kinds(&format!("kms_ciphertext_for_recipient_{number}.ber")), [KeyTransport]);
    }
    for number in ["auth", "id-alg-hkdf-with-sha256", "ukm"] {
        assert_eq!(kinds(&format!("1.3.6.1.4.1.22554.5.6.1_ML-KEM-512-ipd_kemri_{number}.der")), [Kem]);
    }
    // For all its name, a certificate.
    let certificate = Certificate::from_der(&fs::read(folder.join("ec384-ee-key.der")).unwrap()).unwrap();
    for file in ["enveloped_data_kari.bin", "enveloped_data_multi.bin"] {
        let shown = Enveloped::read(&fs::read(folder.join(file)).unwrap()[..], &limits()).unwrap();
        let matching = |recipient: &&ListedRecipient| recipient.id.as_ref().is_some_and(|id| id.matches(&certificate));
        assert_eq!(shown.recipients.iter().filter(matching).count(), 1);
    }
}

/// RFC 9216: RSA and X25519, each for encryption only; the certificates for signatures are refused.
#[test]
fn the_keys_of_rfc_9216_read_what_is_sent_to_them() {
    let Some(folder) = folder().map(|folder| folder.join("rfc9216")) else { return };
    for (name, key) in [("alice", ""), ("bob", ""), ("carlos", ".25519"), ("dana", ".25519")] {
        let credential =
            credential(&folder.join(format!("{name}.encrypt.crt")), &folder.join(format!("{name}.encrypt{key}.key")));
        let recipient = Recipient::new(credential.certificate.clone()).unwrap();
        for cipher in [ContentCipher::Aes128Gcm, ContentCipher::Aes256Cbc] {
            let message = seal(cipher, std::slice::from_ref(&recipient), b"hello");
            assert_eq!(open(&message, &credential, LegacyCiphers::Refuse).unwrap().1, b"hello");
            let keys = pkcs12(&folder.join(format!("{name}.p12")), name);
            assert_eq!(run(&opener(&keys), &message, &[9]).unwrap().1, b"hello");
        }
        let signs = pem_certificate(&fs::read_to_string(folder.join(format!("{name}.sign.crt"))).unwrap());
        assert!(matches!(Recipient::new(signs), Err(Error::Certificate { .. })));
    }
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
