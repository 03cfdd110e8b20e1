//! Wycheproof, and the keys of the vectors.

use std::{fs, path::Path};

use getrandom::{SysRng, rand_core::UnwrapErr};
use sealpost_testkit::{tally::Tally, unhex, vectors};
use serde_json::Value;

use super::*;
use crate::{
    Certificate, Limits,
    algorithm::Digest,
    public_key::{BadSignature, PublicKey},
};

/// Each test of a file of Wycheproof, with its group.
fn wycheproof(file: &'static str, mut each: impl FnMut(&mut Tally, &Value, &Value)) {
    let Some(folder) = vectors() else { return };
    let json = fs::read(folder.join(format!("smime/wycheproof/{file}_test.json"))).unwrap();
    let json: Value = serde_json::from_slice(&json).unwrap();
    let mut tally = Tally::new(file);
    for group in json["testGroups"].as_array().unwrap() {
        for test in group["tests"].as_array().unwrap() {
            each(&mut tally, group, test);
        }
    }
    assert_eq!(json["numberOfTests"], tally.count());
    tally.report();
}

fn hex(value: &Value, name: &str) -> Vec<u8> {
    unhex(value[name].as_str().unwrap())
}

fn flagged(test: &Value, flag: &str) -> bool {
    test["flags"].as_array().unwrap().iter().any(|other| other == flag)
}

fn verified(file: &'static str, scheme: impl Fn(&Value) -> SignatureScheme) {
    wycheproof(file, |tally, group, test| {
        let key = PublicKey::from_spki(&hex(group, "publicKeyDer")).unwrap();
        let verdict = key.verify(scheme(group), &hex(test, "msg"), &hex(test, "sig"));
        match test["result"].as_str().unwrap() {
            "acceptable" if verdict == Err(BadSignature::Wrong) => {
                tally.deliberate("a hash without the NULL of its AlgorithmIdentifier, which some let pass, is refused");
            }
            result => tally.check(verdict.is_ok() == (result == "valid"), test),
        }
    });
}

#[test]
fn signatures_hold_as_wycheproof_says() {
    verified("rsa_signature_2048_sha256", |_| SignatureScheme::RsaPkcs1(Digest::Sha256));
    verified("ecdsa_secp256r1_sha256", |_| SignatureScheme::Ecdsa(Digest::Sha256));
    verified("rsa_pss_2048_sha256_mgf1_32_params", |group| {
        assert_eq!((&group["sha"], &group["mgfSha"]), (&Value::from("SHA-256"), &Value::from("SHA-256")));
        let salt = group["sLen"].as_u64().unwrap().try_into().unwrap();
        SignatureScheme::RsaPss { digest: Digest::Sha256, mask: Digest::Sha256, salt }
    });
}

const IMPLICIT: &str = "where the padding is wrong another key comes out, the same each time, instead of an error";

/// Where the padding is wrong something else comes out, each time the same, whoever does it: `all` is the start of the
/// hash of everything that came out.
fn decrypted(file: &'static str, all: &str, transport: impl Fn(&Value) -> KeyTransport) {
    let mut hasher = crate::algorithm::Hasher::new(Digest::Sha256);
    let mut last: Option<(String, SoftwareKey)> = None;
    wycheproof(file, |tally, group, test| {
        let pem = group["privateKeyPem"].as_str().unwrap();
        if last.as_ref().is_none_or(|(of, _)| of != pem) {
            let key = SoftwareKey::read(pem.as_bytes(), None, &Limits::default()).unwrap();
            last = Some((pem.to_owned(), key));
        }
        let key = last.as_ref().unwrap().1.decryption().unwrap();
        let (message, encrypted) = (hex(test, "msg"), hex(test, "ct"));
        let transport = transport(test);
        let decrypt = |len| key.decrypt(&transport, &encrypted, len, &mut UnwrapErr(SysRng));
        // The content keys of the messages have 16 octets or more.
        let len = message.len();
        match (test["result"].as_str().unwrap(), decrypt(len)) {
            ("valid", Ok(key)) => tally.check(*key == message, test),
            ("invalid", Err(Error::Key(_))) => {
                tally.check(encrypted.len() != 256 || test["flags"].to_string().contains("InvalidCiphertext"), test);
            }
            ("invalid", Ok(_)) => {
                // Whatever length is asked for, another key comes.
                let keys = [16, 24, 32].map(|len| decrypt(len).unwrap());
                let again = [16, 24, 32].map(|len| decrypt(len).unwrap());
                keys.iter().for_each(|key| hasher.update(key));
                let right = keys == again && keys.iter().all(|key| key.iter().any(|octet| *octet != 0));
                if right { tally.deliberate(IMPLICIT) } else { tally.check(false, test) }
            }
            _ => tally.check(false, test),
        }
    });
    if last.is_some() {
        assert_eq!(hasher.finish()[..4], unhex(all), "{file}");
    }
}

#[test]
fn rsa_decrypts_as_wycheproof_says_and_rejects_implicitly() {
    decrypted("rsa_pkcs1_2048", "d0cc52e1", |_| KeyTransport::Pkcs1);
    for (file, digest, all) in [
        ("rsa_oaep_2048_sha1_mgf1sha1", Digest::Sha1, "5740d214"),
        ("rsa_oaep_2048_sha256_mgf1sha256", Digest::Sha256, "df978bee"),
    ] {
        decrypted(file, all, |test| KeyTransport::Oaep { digest, mask: digest, label: hex(test, "label") });
    }
}

#[test]
fn secrets_are_agreed_on_as_wycheproof_says() {
    wycheproof("ecdh_secp256r1_ecpoint", |tally, _, test| {
        let octets = hex(test, "private");
        let der = crate::asn1::write(
            0x30,
            &[
                &[2, 1, 1],
                &crate::asn1::write(4, &[&octets]),
                &crate::asn1::write(0xa0, &[&crate::asn1::write_oid(crate::oid::SECP256R1)]),
            ],
        );
        let key = SoftwareKey::from_der(&der, None, &Limits::default()).unwrap().agreement().unwrap();
        let agreed = key.agree(&hex(test, "public")).ok().map(|secret| secret.to_vec());
        // Compressed points are acceptable.
        let valid = test["result"] != "invalid";
        tally.check(agreed == valid.then(|| hex(test, "shared")), test);
    });
    wycheproof("x25519", |tally, _, test| {
        let der = [&unhex("302e020100300506032b656e04220420")[..], &hex(test, "private")].concat();
        let key = SoftwareKey::from_der(&der, None, &Limits::default()).unwrap().agreement().unwrap();
        let agreed = key.agree(&hex(test, "public")).ok().map(|secret| secret.to_vec());
        let zero = flagged(test, "ZeroSharedSecret");
        if zero && agreed.is_none() {
            tally.deliberate("a shared secret of zeros, which some let pass, is refused (RFC 8418 §2.2)");
        } else {
            tally.check(!zero && agreed == Some(hex(test, "shared")), test);
        }
    });
}

fn files(folder: &Path, ending: &str) -> Vec<std::path::PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.to_string_lossy().ends_with(ending));
    files.sort();
    assert!(!files.is_empty(), "{folder:?} {ending}");
    files
}

fn certificate(file: &Path) -> Certificate {
    Certificate::read_all(&fs::read(file).unwrap(), &Limits::default()).unwrap().remove(0)
}

/// Does what the key can do, and its certificate's public key undoes it.
fn works(key: &SoftwareKey, certificate: &Certificate) -> bool {
    let public = PublicKey::from_spki(certificate.public_key()).unwrap();
    let done = [
        key.signing().map(|key| signs(&*key, &public)),
        key.decryption().map(|key| decrypts(&*key, &public)),
        key.agreement().map(|key| agrees(&*key, &public)),
        #[cfg(feature = "pqc")]
        key.kem().map(|key| decapsulates(&*key, &public)),
    ];
    key.matches(certificate) && done.iter().any(Option::is_some)
}

fn signs(key: &dyn SigningKey, public: &PublicKey) {
    let mut schemes =
        vec![SignatureScheme::Ed25519, SignatureScheme::MlDsa44, SignatureScheme::MlDsa65, SignatureScheme::MlDsa87];
    for digest in [Digest::Sha256, Digest::Sha384, Digest::Sha512] {
        schemes.extend([SignatureScheme::RsaPkcs1(digest), SignatureScheme::Ecdsa(digest)]);
        let salt = if digest.len() > 32 { 20 } else { 32 };
        schemes.push(SignatureScheme::RsaPss { digest, mask: digest, salt });
    }
    for scheme in schemes {
        let signature = key.sign(scheme, b"message", &mut UnwrapErr(SysRng));
        assert_eq!(signature.is_ok(), key.supports(scheme));
        assert_eq!(key.supports(scheme), public.supports(scheme));
        if let Ok(signature) = signature {
            assert_eq!(public.verify(scheme, b"message", &signature), Ok(()));
            assert_eq!(public.verify(scheme, b"massage", &signature), Err(BadSignature::Wrong));
            assert!(public.verify(scheme, b"message", &signature[1..]).is_err());
        }
    }
}

fn decrypts(key: &dyn DecryptionKey, public: &PublicKey) {
    let rng = &mut UnwrapErr(SysRng);
    for transport in [KeyTransport::Pkcs1, KeyTransport::oaep(Digest::Sha1), KeyTransport::oaep(Digest::Sha256)] {
        let encrypted = public.encrypt(&transport, &[7; 32], rng).unwrap();
        assert_eq!(*key.decrypt(&transport, &encrypted, 32, rng).unwrap(), [7; 32]);
        assert_ne!(*key.decrypt(&transport, &encrypted, 16, rng).unwrap(), [7; 16]);
        assert!(key.decrypt(&transport, &encrypted[1..], 32, rng).is_err());
        assert!(key.decrypt(&transport, &vec![0xff; encrypted.len()], 32, rng).is_err());
    }
}

fn agrees(key: &dyn AgreementKey, public: &PublicKey) {
    assert_eq!(Some(key.curve()), public.curve());
    let (ephemeral, secret) = public.agree_ephemeral(&mut UnwrapErr(SysRng)).unwrap();
    assert_eq!(*key.agree(&ephemeral).unwrap(), *secret);
    assert!(key.agree(&ephemeral[1..]).is_err());
}

#[cfg(feature = "pqc")]
fn decapsulates(key: &dyn KemKey, public: &PublicKey) {
    let (ciphertext, secret) = public.encapsulate(&mut UnwrapErr(SysRng)).unwrap();
    assert_eq!(*key.decapsulate(&ciphertext).unwrap(), *secret);
    let other = [&[ciphertext[0] ^ 1], &ciphertext[1..]].concat();
    assert_ne!(*key.decapsulate(&other).unwrap(), *secret);
    assert!(key.decapsulate(&ciphertext[1..]).is_err());
}

fn read(file: &Path) -> Result<SoftwareKey> {
    SoftwareKey::read(&fs::read(file).unwrap(), None, &Limits::default())
}

#[test]
fn keys_of_rfc_9216_do_what_their_certificates_say() {
    let Some(folder) = vectors() else { return };
    let folder = folder.join("smime/rfc9216");
    let mut tally = Tally::new("RFC 9216: keys");
    for file in files(&folder, ".key") {
        let name = file.file_name().unwrap().to_string_lossy().replace(".key", ".crt");
        let of =
            [name.clone(), name.replace(".25519", "")].map(|name| folder.join(name)).into_iter().find(|of| of.exists());
        let certificate = certificate(&of.unwrap());
        tally.check(works(&read(&file).unwrap(), &certificate), &name);
    }
    tally.report();
}

#[test]
fn keys_of_openssl_do_what_their_certificates_say() {
    let Some(folder) = vectors() else { return };
    let folder = folder.join("smime/openssl/smime-certs");
    let mut tally = Tally::new("OpenSSL: keys");
    for file in files(&folder, ".pem") {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let of = if name == "smrsa3-key.pem" { folder.join("smrsa3-cert.pem") } else { file.clone() };
        match read(&file) {
            Ok(key) => tally.check(works(&key, &certificate(&of)), &name),
            // Other algorithms, and curves with binary fields.
            Err(Error::Algorithm { .. }) if name.contains("dsa") || name.contains("dh") => {
                tally.deliberate("DSA and Diffie-Hellman over integers are not supported");
            }
            Err(Error::Algorithm { .. }) if name == "smec2.pem" => {
                tally.deliberate("curves over binary fields are not supported");
            }
            Err(Error::Key(_)) if ["smrsa3-cert.pem", "badrsa.pem", "smdsap.pem"].contains(&name.as_str()) => {
                tally.deliberate("there is no private key in it");
            }
            Err(error) => tally.check(false, format!("{name}: {error}")),
        }
    }
    tally.report();
}

#[test]
fn keys_of_rfc_4134_are_read() {
    let Some(folder) = vectors() else { return };
    let folder = folder.join("smime/rfc4134");
    let mut tally = Tally::new("RFC 4134: keys");
    for (private, public) in [
        ("AlicePrivRSASign.pri", "AliceRSASignByCarl.cer"),
        ("BobPrivRSAEncrypt.pri", "BobRSASignByCarl.cer"),
        ("CarlPrivRSASign.pri", "CarlRSASelf.cer"),
        ("DianePrivRSASignEncrypt.pri", "DianeRSASignByCarl.cer"),
    ] {
        tally.check(works(&read(&folder.join(private)).unwrap(), &certificate(&folder.join(public))), private);
    }
    let dsa = read(&folder.join("AlicePrivDSSSign.pri")).unwrap_err();
    assert!(matches!(dsa, Error::Algorithm { .. }), "{dsa}");
    tally.report();
}

#[cfg(feature = "pqc")]
#[test]
fn post_quantum_keys_of_all_forms_are_read_and_broken_ones_are_not() {
    let Some(folder) = vectors() else { return };
    for (set, folder) in [
        ("ML-DSA: keys", folder.join("smime/lamps-dilithium-certificates/examples")),
        ("ML-KEM: keys", folder.join("smime/lamps-kyber-certificates/example")),
    ] {
        let mut tally = Tally::new(set);
        for file in files(&folder, ".priv") {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            if name.starts_with("bad-") {
                tally.check(matches!(read(&file), Err(Error::Key(_))), &name);
                continue;
            }
            let set = name.rsplit_once('-').unwrap().0;
            tally.check(works(&read(&file).unwrap(), &certificate(&folder.join(format!("{set}.crt")))), &name);
        }
        tally.report();
    }
}

#[test]
fn certificates_verify_under_their_issuers_key() {
    let Some(folder) = vectors() else { return };
    let mut tally = Tally::new("RFC 9216: certificates");
    let verify = |certificate: &Certificate, issuer: &Certificate| {
        let scheme = SignatureScheme::from_x509(certificate.signature_algorithm()).unwrap();
        let signature = certificate.signature();
        PublicKey::from_spki(issuer.public_key()).unwrap().verify(scheme, certificate.tbs(), signature)
    };
    let folder = folder.join("smime/rfc9216");
    let issuers = ["ca.rsa.crt", "ca.25519.crt"].map(|name| certificate(&folder.join(name)));
    for file in files(&folder, ".crt") {
        let certificate = certificate(&file);
        let verdicts = issuers.each_ref().map(|issuer| verify(&certificate, issuer).is_ok());
        tally.check(verdicts.iter().filter(|right| **right).count() == 1, file.display());
    }
    let names = ["alice.sign.crt", "carlos.sign.crt", "carlos.encrypt.crt"]
        .map(|name| certificate(&folder.join(name)).key_name().unwrap());
    assert_eq!(names, ["RSA-2048", "Ed25519", "X25519"]);
    tally.report();
}

#[test]
fn encrypted_keys_open_with_their_password_only() {
    let pem = include_bytes!("../../tests/data/encrypted-keys.pem");
    let limits = Limits::default();
    let blocks = crate::pem::Block::read_all(pem, &limits).unwrap();
    assert_eq!(blocks.len(), 7);
    let open = |block: &crate::pem::Block, password, limits: &Limits| {
        SoftwareKey::from_der(block.der().unwrap(), password, limits)
    };
    for (number, block) in blocks.iter().enumerate() {
        let key = open(block, Some("Grüße"), &limits).unwrap_or_else(|error| panic!("{number}: {error}"));
        assert_eq!(key.public_key()[12..16], unhex("b13d2e57")[..], "{number}");
        assert!(matches!(open(block, None, &limits), Err(Error::Key(_))));
        for wrong in ["Grüsse", ""] {
            assert!(matches!(open(block, Some(wrong), &limits), Err(Error::Key(_))), "{number}");
        }
        let few = Limits { rounds: 2047, ..limits.clone() };
        assert!(matches!(open(block, Some("Grüße"), &few), Err(Error::Limit { .. })), "{number}");
    }
}
