//! With SoftHSM, which is installed on Debian as `softhsm2`.

use std::{env, fs, path::Path, process::Command};

use cryptoki::mechanism::Mechanism;
use getrandom::{SysRng, rand_core::UnwrapErr};

use super::*;
use crate::algorithm::{Digest, KeyTransport, SignatureScheme};

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const AGAIN: &str = "SEALPOST_TEST_TOKEN";
const PIN: &str = "12345678";

/// Runs `test` with a new token, in a process of its own: the module finds its settings in the environment. `name` is
/// that of the test function that calls this.
fn with_token(name: &str, test: impl FnOnce(&Session, &Pkcs11Token)) {
    if env::var_os(AGAIN).is_some() {
        let session = initialize();
        return test(&session, &Pkcs11Token::open(MODULE, "mail", PIN).unwrap());
    }
    if !Path::new(MODULE).is_file() {
        sealpost_testkit::missing("SoftHSM (softhsm2)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings");
    fs::write(&file, format!("directories.tokendir = {}\nlog.level = ERROR\n", folder.path().display())).unwrap();
    let name = format!("key::pkcs11::tests::{name}");
    let mut again = Command::new(env::current_exe().unwrap());
    let output =
        again.args([&name, "--exact", "--nocapture"]).env(AGAIN, "").env("SOFTHSM2_CONF", file).output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let passed = output.status.success() && stdout.contains("1 passed");
    assert!(passed, "{name}: {}\n{stdout}\n{stderr}", output.status);
}

/// A token with an RSA key, one of P-256 and one of P-384.
fn initialize() -> Session {
    let module = Pkcs11::new(MODULE).unwrap();
    module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
    let pin = AuthPin::new(PIN.into());
    let [slot] = module.get_slots_with_token().unwrap()[..] else { panic!("another token is there") };
    module.init_token(slot, &pin, "mail").unwrap();
    let labelled = |slot: &Slot| module.get_token_info(*slot).unwrap().label() == "mail";
    let slot = module.get_slots_with_token().unwrap().into_iter().find(labelled).unwrap();
    let session = module.open_rw_session(slot).unwrap();
    session.login(UserType::So, Some(&pin)).unwrap();
    session.init_pin(&pin).unwrap();
    session.logout().unwrap();
    session.login(UserType::User, Some(&pin)).unwrap();
    let exponent = [Attribute::ModulusBits(2048.into()), Attribute::PublicExponent(vec![1, 0, 1])];
    generate(&session, &Mechanism::RsaPkcsKeyPairGen, "rsa", 1, &exponent);
    let [p256, p384] = [crate::oid::SECP256R1, crate::oid::SECP384R1].map(crate::asn1::write_oid);
    generate(&session, &Mechanism::EccKeyPairGen, "p256", 2, &[Attribute::EcParams(p256)]);
    generate(&session, &Mechanism::EccKeyPairGen, "p384", 3, &[Attribute::EcParams(p384)]);
    session
}

fn generate(session: &Session, mechanism: &Mechanism<'_>, label: &str, id: u8, of: &[Attribute]) {
    let both = [Attribute::Token(true), Attribute::Label(label.into()), Attribute::Id(vec![id])];
    let usage = if label == "rsa" { Attribute::Decrypt(true) } else { Attribute::Derive(true) };
    let private = [&both[..], &[Attribute::Private(true), Attribute::Sensitive(true), Attribute::Sign(true), usage]];
    session.generate_key_pair(mechanism, &[&both[..], of].concat(), &private.concat()).unwrap();
}

#[test]
fn keys_in_a_token_sign() {
    with_token("keys_in_a_token_sign", |_, token| {
        let rng = &mut UnwrapErr(SysRng);
        for label in ["rsa", "p256", "p384"] {
            let key = token.key(label).unwrap();
            let public = PublicKey::from_spki(key.public_key()).unwrap();
            let key = key.signing().unwrap();
            for digest in [Digest::Sha256, Digest::Sha384, Digest::Sha512] {
                for scheme in [
                    SignatureScheme::RsaPkcs1(digest),
                    SignatureScheme::RsaPss { digest, mask: digest, salt: digest.len() },
                    SignatureScheme::Ecdsa(digest),
                    SignatureScheme::Ed25519,
                ] {
                    assert_eq!(key.supports(scheme), public.supports(scheme), "{label}");
                    let signature = key.sign(scheme, b"message", rng);
                    assert_eq!(signature.is_ok(), key.supports(scheme), "{label} {scheme}: {signature:?}");
                    if let Ok(signature) = signature {
                        assert_eq!(public.verify(scheme, b"message", &signature), Ok(()), "{label} {scheme}");
                    }
                }
            }
        }
    });
}

#[test]
fn keys_in_a_token_agree() {
    with_token("keys_in_a_token_agree", |_, token| {
        for label in ["p256", "p384"] {
            let key = token.key(label).unwrap();
            assert!(key.decryption().is_none());
            let public = PublicKey::from_spki(key.public_key()).unwrap();
            let key = key.agreement().unwrap();
            assert_eq!(Some(key.curve()), public.curve());
            let (ephemeral, secret) = public.agree_ephemeral(&mut UnwrapErr(SysRng)).unwrap();
            assert_eq!(*key.agree(&ephemeral).unwrap(), *secret);
            let mut off = ephemeral.clone();
            *off.last_mut().unwrap() ^= 1;
            assert!(matches!(key.agree(&off), Err(Error::Key(_))));
        }
    });
}

#[test]
fn keys_in_a_token_decrypt_and_do_not_tell() {
    with_token("keys_in_a_token_decrypt_and_do_not_tell", |_, token| {
        let key = token.key("rsa").unwrap();
        assert!(key.agreement().is_none());
        let public = PublicKey::from_spki(key.public_key()).unwrap();
        let Kind::Rsa(raw) = &key.kind else { panic!("it is RSA") };
        assert!(raw.raw);
        // The same as a token that gives out no numbers.
        let mut padded = token.key("rsa").unwrap();
        let Kind::Rsa(inner) = &mut padded.kind else { panic!("it is RSA") };
        Arc::get_mut(inner).unwrap().raw = false;
        let oaep = [Digest::Sha1, Digest::Sha256].map(KeyTransport::oaep);
        for (key, transports) in [
            (key, [KeyTransport::Pkcs1, oaep[0].clone(), oaep[1].clone()].as_slice()),
            // All that SoftHSM has.
            (padded, &[KeyTransport::Pkcs1, oaep[0].clone()]),
        ] {
            let key = key.decryption().unwrap();
            for transport in transports {
                decrypts(&*key, &public, transport);
            }
        }
    });
}

fn decrypts(key: &dyn DecryptionKey, public: &PublicKey, transport: &KeyTransport) {
    let rng = &mut UnwrapErr(SysRng);
    let encrypted = public.encrypt(transport, &[7; 32], rng).unwrap();
    let mut decrypt = |encrypted: &[u8], len| key.decrypt(transport, encrypted, len, rng);
    assert_eq!(*decrypt(&encrypted, 32).unwrap(), [7; 32]);
    assert_ne!(*decrypt(&encrypted, 16).unwrap(), [7; 16]);
    assert_eq!(decrypt(&encrypted, 48).unwrap().len(), 48);
    let mut damaged = encrypted.clone();
    damaged[100] ^= 1;
    let substitute = decrypt(&damaged, 32).unwrap();
    assert_eq!(*substitute, *decrypt(&damaged, 32).unwrap());
    assert!(*substitute != [7; 32] && *substitute != [0; 32]);
    for wrong in [&encrypted[1..], &[0xff; 256]] {
        assert!(matches!(decrypt(wrong, 32), Err(Error::Key(_))));
    }
}

#[test]
fn keys_are_found_by_their_certificates_and_labels() {
    with_token("keys_are_found_by_their_certificates_and_labels", |session, token| {
        let [rsa, p256] = ["rsa", "p256"].map(|label| token.key(label).unwrap());
        assert!(matches!(token.key("none"), Err(Error::Keeper(_))));
        // Its frame is enough.
        let name = unhex("3000");
        let element = crate::asn1::write;
        let validity = element(0x30, &[b"\x17\x0d260101000000Z\x17\x0d270101000000Z"]);
        let tbs = element(0x30, &[&[2, 1, 1], &unhex("300506032b6570"), &name, &validity, &name, p256.public_key()]);
        let certificate = element(0x30, &[&tbs, &unhex("300506032b6570"), &[3, 1, 0]]);
        let certificate = Certificate::from_der(&certificate).unwrap();
        assert!(p256.matches(&certificate) && !rsa.matches(&certificate));
        let found = token.key_of(&certificate).unwrap();
        assert_eq!(found.public_key(), p256.public_key());
        let x509 = cryptoki::object::CertificateType::X_509;
        let template = [
            Attribute::Class(ObjectClass::CERTIFICATE),
            Attribute::CertificateType(x509),
            Attribute::Token(true),
            Attribute::Id(vec![2]),
            Attribute::Subject(name),
            Attribute::Value(certificate.as_der().to_vec()),
        ];
        session.create_object(&template).unwrap();
        assert_eq!(token.certificates().unwrap(), std::slice::from_ref(&certificate));
        // The certificate stands in for the public key.
        for object in session.find_objects(&[Attribute::Class(ObjectClass::PUBLIC_KEY)]).unwrap() {
            session.destroy_object(object).unwrap();
        }
        assert!(token.key("p256").unwrap().matches(&certificate));
        assert!(matches!(token.key("p384"), Err(Error::Keeper(_))));
        assert_eq!(token.key("rsa").unwrap().public_key(), rsa.public_key());
        assert!(matches!(Pkcs11Token::open(MODULE, "other", PIN), Err(Error::Keeper(_))));
    });
}

fn unhex(digits: &str) -> Vec<u8> {
    sealpost_testkit::unhex(digits)
}
