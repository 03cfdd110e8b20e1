//! OpenSSL's messages that must fail, some of which once crashed it, and a few that must not
//! (test/recipes/80-test_cms_data).

use std::{fs, path::Path};

use sealpost_smime::{Credential, LegacyCiphers, Limits, PrivateKey, key::SoftwareKey};
use sealpost_testkit::tally::Tally;

use super::support::{certificates, decrypted, files, folder, judged, mail, unarmored, verifier};

const AT: &str = "2026-06-01T00:00:00Z";

const UNDECIPHERED: &str = "the message can't be decrypted with these keys";
const OTHER: &str = "not an encrypted message: content of type 1.2.840.113549.1.9.16.1.2";

const SECRET: &str = "recipients with a secret key are not supported; that attributes are authenticated is seen by a test \
                      of the engine";
const MACS: &str = "AuthenticatedData is no part of S/MIME 4.0";
const WRAP: &str = "key wrap by Triple-DES (RFC 3217) is not supported, not even among legacy ciphers";
const DH: &str = "Diffie-Hellman keys over integers are not supported";

/// A file, what is said of it as a signed mail if it is one, or else as an encrypted one; and why that is not as
/// OpenSSL has it.
const CASES: [(&str, &str, Option<&str>); 16] = [
    ("authenticated_attrs.pem", OTHER, Some(MACS)),
    ("authenveloped_attrs.pem", UNDECIPHERED, Some(SECRET)),
    ("bad_authenveloped_attrs.pem", UNDECIPHERED, None),
    ("bad_signtime_attr.cms", "invalid: the attribute signing-time is not signed", None),
    ("ciphertext_from_1_1_1.cms", UNDECIPHERED, Some(WRAP)),
    ("ct_multiple_attr.cms", "invalid: the signed attribute content-type stands there more than once", None),
    ("dh-cert.pem", "a certificate", None),
    ("dh-key.pem", "a private key: the algorithm 1.2.840.10046.2.1 is not supported", Some(DH)),
    ("dh-malformed.der", UNDECIPHERED, None),
    ("ecdh-cert.pem", "a certificate", None),
    ("ecdh-key.pem", "a key", None),
    ("ecdh-malformed.der", UNDECIPHERED, None),
    ("no_ct_attr.cms", "invalid: the signed attribute content-type is missing", None),
    ("no_md_attr.cms", "invalid: the signed attribute message-digest is missing", None),
    ("pkcs7-md4.pem", "invalid: the algorithm 1.2.840.113549.2.4 is not supported", None),
    ("rsa-malformed.der", UNDECIPHERED, None),
];

fn key(file: &Path) -> Result<SoftwareKey, sealpost_smime::Error> {
    SoftwareKey::read(&fs::read(file).unwrap(), None, &Limits::default())
}

fn credential(certificate: &Path, private: &Path) -> Credential {
    let key = PrivateKey::from_software(&key(private).unwrap()).unwrap();
    Credential::new(certificates(certificate).remove(0), key).unwrap()
}

#[test]
fn messages_that_openssl_must_refuse_are_refused() {
    let Some(folder) = folder("openssl") else { return };
    let (data, own) = (folder.join("80-test_cms_data"), folder.join("smime-certs"));
    let mut keys = vec![credential(&data.join("ecdh-cert.pem"), &data.join("ecdh-key.pem"))];
    keys.extend(["smrsa1", "smrsa2", "smrsa3", "smec1", "smec3"].map(|name| {
        let file = own.join(format!("{name}.pem"));
        credential(&file, &file)
    }));
    let verifier = verifier(&certificates(&own.join("smroot.pem")), AT);
    let mut tally = Tally::new("OpenSSL");
    for (name, octets) in files(&data) {
        let message = if octets.starts_with(b"MIME") { octets } else { mail("x", &unarmored(&octets)) };
        let signed = judged(&verifier, &message);
        let said = match name.rsplit_once('-').map(|(_, kind)| kind) {
            Some("cert.pem") => certificates(&data.join(&name)).first().map(|_| "a certificate".to_owned()).unwrap(),
            Some("key.pem") => key(&data.join(&name)).map_or_else(|error| error.to_string(), |_| "a key".to_owned()),
            _ if signed.starts_with("refused: not signed data") => {
                decrypted(&message, &keys, LegacyCiphers::Read).unwrap_err().to_string()
            }
            _ => signed,
        };
        let (_, expected, why) = CASES.iter().find(|(file, ..)| *file == name).unwrap();
        match why {
            Some(why) if said == *expected => tally.deliberate(why),
            _ => tally.check(said == *expected, format!("{name}: {said}")),
        }
    }
    assert_eq!(tally.count(), CASES.len());
    tally.report();
}
