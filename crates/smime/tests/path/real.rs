//! Certificates of others: RFC 9216, OpenSSL's and Thunderbird's test authorities, the drafts' ML-DSA certificates.

use std::{fs, path::Path as FilePath};

use sealpost_smime::{
    Certificate, UnixTime,
    path::{Purpose, Reason, Validator, Warning, WeakSignatures},
};

use crate::authority::NOW;

/// The certificates of a PEM file.
fn read(file: &FilePath) -> Vec<Certificate> {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut found = Vec::new();
    for block in text.split("-----BEGIN CERTIFICATE-----").skip(1) {
        let base64: String = block.split("-----END").next().unwrap().split_whitespace().collect();
        let der = base64_simd::STANDARD.decode_to_vec(base64).unwrap();
        found.push(Certificate::from_der(&der).unwrap());
    }
    assert!(!found.is_empty(), "{}", file.display());
    found
}

fn one(file: &FilePath) -> Certificate {
    read(file).remove(0)
}

fn validator(anchors: &[Certificate], purpose: Purpose) -> Validator {
    Validator::new(anchors, UnixTime(NOW), purpose)
}

#[test]
fn rfc_9216_has_paths_also_across_its_two_authorities() {
    let Some(vectors) = sealpost_testkit::vectors() else { return };
    let folder = vectors.join("smime/rfc9216");
    let certificate = |name: &str| one(&folder.join(name));
    let (rsa, edwards) = (certificate("ca.rsa.crt"), certificate("ca.25519.crt"));
    let crosses = [certificate("ca.rsa.cross.crt"), certificate("ca.25519.cross.crt")];
    for name in ["alice", "bob", "carlos", "dana"] {
        let sign = certificate(&format!("{name}.sign.crt"));
        let encrypt = certificate(&format!("{name}.encrypt.crt"));
        assert_eq!(sign.addresses(), [format!("{name}@smime.example")]);
        assert_eq!((sign.may_sign(), sign.may_encrypt()), (true, false));
        assert_eq!((encrypt.may_sign(), encrypt.may_encrypt()), (false, true));
        for anchor in [&rsa, &edwards] {
            let judge =
                |leaf: &Certificate, purpose| validator(std::slice::from_ref(anchor), purpose).validate(leaf, &crosses);
            let path = judge(&sign, Purpose::EmailSigning).unwrap();
            let own = (anchor == &rsa) == ["alice", "bob"].contains(&name);
            assert_eq!(path.certificates.len(), if own { 2 } else { 3 }, "{name}");
            assert_eq!(path.anchor(), Some(anchor));
            assert!(judge(&encrypt, Purpose::EmailEncryption).is_ok());
            assert!(judge(&encrypt, Purpose::EmailSigning).is_err());
            assert!(judge(&sign, Purpose::EmailEncryption).is_err());
        }
    }
}

#[test]
fn openssls_test_certificates_are_judged() {
    let Some(vectors) = sealpost_testkit::vectors() else { return };
    let folder = vectors.join("smime/openssl/smime-certs");
    let root = one(&folder.join("smroot.pem"));
    for (name, purpose, holds) in [
        ("smrsa1.pem", Purpose::EmailSigning, true),
        ("smrsa1.pem", Purpose::EmailEncryption, true),
        ("smrsa2.pem", Purpose::EmailSigning, true),
        ("smrsa3.pem", Purpose::EmailSigning, true),
        ("smec1.pem", Purpose::EmailSigning, true),
        ("smec2.pem", Purpose::EmailSigning, true),
        ("smdh.pem", Purpose::EmailSigning, false),
    ] {
        let leaf = one(&folder.join(name));
        let verdict = validator(std::slice::from_ref(&root), purpose).validate(&leaf, &[]);
        assert_eq!(verdict.is_ok(), holds, "{name}: {verdict:?}");
    }
}

#[test]
fn thunderbirds_authority_is_an_anchor() {
    let Some(vectors) = sealpost_testkit::vectors() else { return };
    let root = one(&vectors.join("smime/thunderbird/mailnews/test/data/smime/TestCA.pem"));
    assert!(root.is_ca());
    assert_eq!(
        validator(std::slice::from_ref(&root), Purpose::EmailSigning).validate(&root, &[]).is_ok(),
        root.may_sign()
    );
}

#[test]
fn a_certificate_of_a_public_authority_holds_in_its_time_only() {
    let Some(vectors) = sealpost_testkit::vectors() else { return };
    let folder = vectors.join("smime/johnny/assets/certificates");
    let (leaf, issuer) = (one(&folder.join("manager@bigcorporation.crt")), one(&folder.join("intermediate_ca.crt")));
    assert_eq!(leaf.addresses(), ["manager@bigcorporation.de"]);
    let validator = validator(&[issuer], Purpose::EmailSigning);
    assert!(validator.clone().at(leaf.not_after()).validate(&leaf, &[]).is_ok());
    let UnixTime(end) = leaf.not_after();
    let distrust = validator.at(UnixTime(end + 1)).validate(&leaf, &[]).unwrap_err();
    assert_eq!(
        distrust.to_string(),
        "the certificate of emailAddress=manager@bigcorporation.de,CN=manager@bigcorporation.de: \
         it expired at 2022-02-14T14:42:42Z (judged at 2022-02-14T14:42:43Z)"
    );
}

#[test]
fn signatures_over_sha_1_are_refused_unless_wanted() {
    let Some(vectors) = sealpost_testkit::vectors() else { return };
    let folder = vectors.join("smime/rfc4134");
    let read = |name: &str| Certificate::from_der(&fs::read(folder.join(name)).unwrap()).unwrap();
    let (anchor, alice) = (read("CarlRSASelf.cer"), read("AliceRSASignByCarl.cer"));
    let validator = validator(&[anchor], Purpose::EmailSigning).at(alice.not_before());
    assert_eq!(validator.validate(&alice, &[]).unwrap_err().reason, Reason::WeakSignature);
    let path = validator.weak_signatures(WeakSignatures::Warn).validate(&alice, &[]).unwrap();
    let weak = |warning: &Warning| matches!(warning, Warning::WeakSignature { .. });
    assert_eq!(path.warnings.iter().filter(|warning| weak(warning)).count(), 1);
    assert!(
        path.warnings.iter().any(|warning| matches!(warning, Warning::ShortKey { bits: 1024, .. })),
        "{:?}",
        path.warnings
    );
}

#[cfg(feature = "pqc")]
#[test]
fn ml_dsa_certificates_are_verified() {
    use crate::authority::{Draft, Key};

    let Some(vectors) = sealpost_testkit::vectors() else { return };
    let folder = vectors.join("smime/lamps-dilithium-certificates/examples");
    for set in [44, 65, 87] {
        let own = one(&folder.join(format!("ML-DSA-{set}.crt")));
        assert!(own.may_sign() && !own.may_encrypt());
        let reason =
            Validator::new(&[], own.not_before(), Purpose::EmailSigning).validate(&own, &[]).unwrap_err().reason;
        assert_eq!(reason, Reason::SelfSigned);
    }
    let text = fs::read_to_string(folder.join("ML-DSA-44-seed.priv")).unwrap();
    let base64: String = text.lines().filter(|line| !line.starts_with("---")).collect();
    let private = base64_simd::STANDARD.decode_to_vec(base64).unwrap();
    let key = Key::ml_dsa_44(private[private.len() - 32..].try_into().unwrap());
    let own = one(&folder.join("ML-DSA-44.crt"));
    assert_eq!(own.public_key(), key.spki());
    // Its owner's certificate, issued anew by an authority that has the key.
    let anchor = Draft::authority("Root", &key).sign("Root", &key);
    let leaf = Draft::person("a@b", &Key::new(3)).sign("Root", &key);
    assert!(validator(std::slice::from_ref(&anchor), Purpose::EmailSigning).validate(&leaf, &[]).is_ok());
    let forged = Draft::person("a@b", &Key::new(3)).sign("Root", &Key::ml_dsa_44([1; 32]));
    let reason = validator(&[anchor], Purpose::EmailSigning).validate(&forged, &[]).unwrap_err().reason;
    assert_eq!(reason, Reason::BadSignature);
}
