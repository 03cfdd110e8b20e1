//! The examples of ML-KEM and ML-DSA in CMS (RFC 9936, RFC 9882).

use std::{fs, io::Cursor, path::Path};

use sealpost_smime::{
    Certificate, Credential, Error, LegacyCiphers, Limits, PrivateKey, UnixTime, Verifier,
    algorithm::SignatureScheme,
    key::SoftwareKey,
    path::{Purpose, Validator},
};
use sealpost_testkit::tally::Tally;

use super::support::{certificates, decrypted, folder, judged, mail, unarmored};

const CERTIFICATES: &str = "lamps-dilithium-certificates/examples";

fn message(file: &Path) -> Vec<u8> {
    unarmored(&fs::read(file).unwrap())
}

fn credential(certificate: &Certificate, key: &Path) -> Credential {
    let key = SoftwareKey::read(&fs::read(key).unwrap(), None, &Limits::default()).unwrap();
    Credential::new(certificate.clone(), PrivateKey::from_software(&key).unwrap()).unwrap()
}

#[test]
fn the_example_of_ml_kem_is_read_with_the_key_in_all_its_forms() {
    let Some(folder) = folder("lamps-cms-kyber/example") else { return };
    let der = message(&folder.join("ML-KEM-512.cms"));
    let certificate = certificates(&folder.join("ML-KEM-512.pem")).remove(0);
    let mut tally = Tally::new("ML-KEM");
    for form in ["seed", "expanded", "both"] {
        let keys = [credential(&certificate, &folder.join(format!("ML-KEM-512-{form}.priv")))];
        let open = |der: &[u8]| decrypted(&mail("authEnveloped-data", der), &keys, LegacyCiphers::Refuse);
        let content = open(&der).unwrap();
        tally.check(content.ends_with(b"\r\n\r\nHello, world!"), form);
        // Another ciphertext gives another secret, and nothing tells.
        for at in [der.len() / 2, der.len() - 1] {
            let mut changed = der.clone();
            changed[at] ^= 1;
            assert!(matches!(open(&changed), Err(Error::Decryption)), "{at}");
        }
    }
    tally.report();
}

#[test]
fn the_examples_of_ml_dsa_are_verified() {
    let Some(folder) = folder("") else { return };
    let at = UnixTime::from_rfc3339("2026-11-27T00:00:00Z").unwrap();
    let mut tally = Tally::new("ML-DSA");
    for (set, scheme) in
        [("44", SignatureScheme::MlDsa44), ("65", SignatureScheme::MlDsa65), ("87", SignatureScheme::MlDsa87)]
    {
        let certificate = certificates(&folder.join(format!("{CERTIFICATES}/ML-DSA-{set}.crt")));
        let verifier = Verifier::new(Validator::new(&certificate, at, Purpose::EmailSigning)).known(&certificate);
        let der = message(&folder.join(format!("lamps-cms-ml-dsa/examples/mldsa{set}-signed-attrs.pem")));
        let mail = mail("signed-data", &der);
        // The certificate is an authority's and has no address.
        assert_eq!(judged(&verifier, &mail), "identity: no-address");
        let verification = verifier.verify(&mut Cursor::new(&mail)).unwrap();
        let mut content = Vec::new();
        verification.write_content(&mut Cursor::new(&mail), &mut content).unwrap();
        let right = content == format!("ML-DSA-{set} signed-data example with signed attributes").into_bytes();
        tally.check(right && verification.signers[0].info.as_ref().unwrap().scheme() == Some(scheme), set);
        let mut changed = der.clone();
        *changed.last_mut().unwrap() ^= 1;
        let changed = super::support::mail("signed-data", &changed);
        assert_eq!(judged(&verifier, &changed), "invalid: the signature does not fit");
    }
    tally.report();
}
